#include "config.h"

#include "schema/base/json.h"
#include "state/internal.h"

#include <string.h>

/* The two placeholders. A key of the user's that is one of them behind any number of $ is stored with one more. */
static const char secret_key[] = "$secret";
static const char bytes_key[] = "$base64";

static bool is_reserved(const char *key)
{
    size_t dollars = strspn(key, "$");

    return dollars > 0 && (strcmp(key + dollars, secret_key + 1) == 0 || strcmp(key + dollars, bytes_key + 1) == 0);
}

/* ---- paths ---- */

/* Appends "/name" with the escapes of JSON pointers; gives the length before, for path_leave(). */
static size_t path_enter(struct hl_text *path, const char *name)
{
    size_t before = path->length;

    hl_text_putc(path, '/');
    for (; *name != '\0'; name++) {
        if (*name == '~' || *name == '/')
            hl_text_puts(path, *name == '~' ? "~0" : "~1");
        else
            hl_text_putc(path, *name);
    }
    return before;
}

static size_t path_enter_item(struct hl_text *path, size_t index)
{
    size_t before = path->length;

    hl_text_printf(path, "/%zu", index);
    return before;
}

static void path_leave(struct hl_text *path, size_t before)
{
    path->length = before;
    if (path->data != NULL)
        path->data[before] = '\0';
}

/* ---- value to JSON ---- */

struct encoder {
    struct hl_arena *arena;
    struct hl_codec_secrets *secrets;
    struct hl_text path;
};

static struct hl_value *put_placeholder(struct encoder *encoder, const struct hl_value *value)
{
    struct hl_codec_secrets *secrets = encoder->secrets;
    struct hl_value *placeholder = hl_value_map(encoder->arena);
    const char *path = hl_arena_strdup(encoder->arena, hl_text_get(&encoder->path));

    if (secrets->count == secrets->capacity) {
        size_t capacity = secrets->capacity == 0 ? 8 : 2 * secrets->capacity;
        struct hl_codec_secret *items = hl_arena_alloc(encoder->arena, capacity * sizeof(*items));

        if (secrets->count > 0)
            memcpy(items, secrets->items, secrets->count * sizeof(*items));
        secrets->items = items;
        secrets->capacity = capacity;
    }
    secrets->items[secrets->count++] = (struct hl_codec_secret){.path = path, .value = value};
    hl_value_map_put_text(placeholder, secret_key, path);
    return placeholder;
}

static bool is_json_text(const char *data, size_t length)
{
    for (size_t i = 0; i < length;) {
        uint32_t code = 0;
        size_t size = hl_utf8_decode(data + i, length - i, &code);

        if (size == 0 || code == 0)
            return false;
        i += size;
    }
    return true;
}

static struct hl_value *mask_text(struct encoder *encoder, const struct hl_value *value)
{
    if (is_json_text(value->text.data, value->text.length))
        return hl_value_bytes(encoder->arena, value->text.data, value->text.length);

    struct hl_value *placeholder = hl_value_map(encoder->arena);

    hl_value_map_put_text(placeholder, bytes_key, hl_base64_encode(encoder->arena, HL_BASE64, value->text.data, value->text.length));
    return placeholder;
}

static struct hl_value *mask(struct encoder *encoder, const struct hl_value *value);

static struct hl_value *mask_list(struct encoder *encoder, const struct hl_value *value)
{
    struct hl_value *list = hl_value_list(encoder->arena);

    for (size_t i = 0; i < hl_value_count(value); i++) {
        size_t before = path_enter_item(&encoder->path, i);

        hl_value_list_add(encoder->arena, list, mask(encoder, hl_value_item(value, i)));
        path_leave(&encoder->path, before);
    }
    return list;
}

static struct hl_value *mask_map(struct encoder *encoder, const struct hl_value *value)
{
    struct hl_value *map = hl_value_map(encoder->arena);

    for (size_t i = 0; i < hl_value_count(value); i++) {
        const char *key = hl_value_key(value, i);
        size_t before = path_enter(&encoder->path, key);

        hl_value_map_put(map, is_reserved(key) ? hl_arena_printf(encoder->arena, "$%s", key) : key, mask(encoder, hl_value_at(value, i)));
        path_leave(&encoder->path, before);
    }
    return map;
}

/* A list or map that is marked itself is sealed as a whole, with its keys. */
static struct hl_value *mask(struct encoder *encoder, const struct hl_value *value)
{
    if (hl_value_is_null(value) || value->type == HL_UNKNOWN)
        return hl_value_null(encoder->arena);
    if (value->sensitive)
        return put_placeholder(encoder, value);
    switch (value->type) {
    case HL_TEXT:
        return mask_text(encoder, value);
    case HL_LIST:
        return mask_list(encoder, value);
    case HL_MAP:
        return mask_map(encoder, value);
    case HL_NULL:
    case HL_BOOL:
    case HL_INT:
    case HL_REAL:
    case HL_UNKNOWN:
    case HL_TYPES:
        break;
    }
    return hl_value_copy(encoder->arena, value);
}

static const char *to_json(struct hl_arena *arena, const struct hl_value *value)
{
    hl_auto(text) struct hl_text json = HL_TEXT_INIT(HL_MAX_BODY);

    hl_json_encode(&json, value, HL_JSON_CANONICAL);
    return hl_text_ok(&json) ? hl_arena_copy(arena, hl_text_get(&json), json.length) : NULL;
}

const char *hl_codec_encode(struct hl_arena *arena, const struct hl_value *value, struct hl_codec_secrets *secrets)
{
    hl_auto(text) struct hl_text path = HL_TEXT_INIT(HL_MAX_BODY);
    struct encoder encoder = {.arena = arena, .secrets = secrets, .path = path};
    struct hl_value *masked = mask(&encoder, value);

    path = encoder.path; /* for its clean-up */
    return to_json(arena, masked);
}

/* ---- JSON to value ---- */

struct decoder {
    struct hl_arena *arena;
    hl_codec_open_fn *open;
    void *context;
    struct hl_text path;
};

static bool restore(struct decoder *decoder, struct hl_value **value, struct hl_error **err);

static const struct hl_value *find_placeholder(const struct hl_value *map, const char *key)
{
    const struct hl_value *content = hl_value_count(map) == 1 ? hl_value_get(map, key) : NULL;

    return hl_value_is(content, HL_TEXT) ? content : NULL;
}

/* The path is written out for people; a placeholder that stands elsewhere was moved by hand. */
static bool restore_secret(struct decoder *decoder, const struct hl_value *content, struct hl_value **value, struct hl_error **err)
{
    const char *path = hl_text_get(&decoder->path);

    if (strcmp(content->text.data, path) != 0)
        return hl_fail(err, HL_E_FAILED, "the placeholder of '%s' stands at '%s'", content->text.data, path);
    return decoder->open(decoder->context, path, value, err);
}

static bool restore_bytes(struct decoder *decoder, const struct hl_value *content, struct hl_value **value, struct hl_error **err)
{
    size_t length = 0;
    const char *data = hl_base64_decode(decoder->arena, HL_BASE64, content->text.data, content->text.length, &length);

    if (data == NULL)
        return hl_fail(err, HL_E_FAILED, "the bytes at '%s' are not base64", hl_text_get(&decoder->path));
    *value = hl_value_bytes(decoder->arena, data, length);
    return true;
}

static bool restore_map(struct decoder *decoder, struct hl_value **value, struct hl_error **err)
{
    const struct hl_value *stored = *value;
    const struct hl_value *secret = find_placeholder(stored, secret_key);
    const struct hl_value *bytes = find_placeholder(stored, bytes_key);
    struct hl_value *map = hl_value_map(decoder->arena);

    if (secret != NULL)
        return restore_secret(decoder, secret, value, err);
    if (bytes != NULL)
        return restore_bytes(decoder, bytes, value, err);
    for (size_t i = 0; i < hl_value_count(stored); i++) {
        const char *key = hl_value_key(stored, i);
        struct hl_value *member = hl_value_at(stored, i);

        if (is_reserved(key) && key[1] != '$')
            return hl_fail(err, HL_E_FAILED, "a key '%s' stands where no placeholder can be", key);
        if (is_reserved(key))
            key++;

        size_t before = path_enter(&decoder->path, key);

        if (!restore(decoder, &member, err))
            return false;
        path_leave(&decoder->path, before);
        hl_value_map_put(map, key, member);
    }
    *value = map;
    return true;
}

static bool restore_list(struct decoder *decoder, struct hl_value *list, struct hl_error **err)
{
    for (size_t i = 0; i < list->list.count; i++) {
        size_t before = path_enter_item(&decoder->path, i);

        if (!restore(decoder, &list->list.items[i], err))
            return false;
        path_leave(&decoder->path, before);
    }
    return true;
}

static bool restore(struct decoder *decoder, struct hl_value **value, struct hl_error **err)
{
    if ((*value)->type == HL_MAP)
        return restore_map(decoder, value, err);
    return (*value)->type != HL_LIST || restore_list(decoder, *value, err);
}

/* Most rows have nothing to restore, and looking for one character is much faster than for two. */
bool hl_codec_is_plain(const char *json)
{
    return strchr(json, '$') == NULL || strstr(json, "\"$") == NULL;
}

bool hl_codec_decode(struct hl_arena *arena, const char *json, hl_codec_open_fn *open, void *context, struct hl_value **out, struct hl_error **err)
{
    hl_auto(text) struct hl_text path = HL_TEXT_INIT(HL_MAX_BODY);
    struct decoder decoder = {.arena = arena, .open = open, .context = context, .path = path};

    if (!hl_json_decode(arena, json, strlen(json), out, err))
        return false;
    if (hl_codec_is_plain(json))
        return true;

    bool done = restore(&decoder, out, err);

    path = decoder.path; /* for its clean-up */
    return done;
}

/* ---- what is sealed ---- */

/* Text as it is, since it may hold any bytes, and so that no JSON library has a copy of it; else JSON. The first byte tells. */
char *hl_codec_pack(struct hl_arena *arena, const struct hl_value *value, size_t *length)
{
    const char *json = value->type == HL_TEXT ? NULL : to_json(arena, value);
    const char *data = value->type == HL_TEXT ? value->text.data : json;
    size_t size = value->type == HL_TEXT ? value->text.length : json == NULL ? 0 : strlen(json);
    char *packed = hl_arena_alloc(arena, size + 1);

    if (data == NULL && size == 0 && value->type != HL_TEXT)
        return NULL;
    packed[0] = value->type == HL_TEXT ? 't' : 'j';
    if (size > 0)
        memcpy(packed + 1, data, size);
    *length = size + 1;
    return packed;
}

bool hl_codec_unpack(struct hl_arena *arena, const char *data, size_t length, struct hl_value **out, struct hl_error **err)
{
    if (length == 0 || (data[0] != 't' && data[0] != 'j'))
        return hl_fail(err, HL_E_FAILED, "a sealed value has an unknown form");
    if (data[0] == 't') {
        *out = hl_value_bytes(arena, data + 1, length - 1);
    } else if (!hl_json_decode(arena, data + 1, length - 1, out, NULL)) { /* its message could quote the value */
        return hl_fail(err, HL_E_FAILED, "a sealed value is not valid JSON");
    }
    hl_value_mark_sensitive(*out);
    return true;
}

/* ---- lists of addresses ---- */

const char *hl_codec_encode_list(struct hl_arena *arena, const char *const *list)
{
    struct hl_value *value = hl_value_list(arena);

    for (; list != NULL && *list != NULL; list++)
        hl_value_list_add(arena, value, hl_value_text(arena, *list));
    return to_json(arena, value);
}

bool hl_codec_decode_list(struct hl_arena *arena, const char *json, const char *const **out, struct hl_error **err)
{
    static const char *const none[] = {NULL};
    struct hl_value *value = NULL;

    *out = none;
    if (strcmp(json, "[]") == 0)
        return true;
    if (!hl_json_decode(arena, json, strlen(json), &value, err))
        return hl_wrap(err, "reading the column 'needs'");

    size_t count = hl_value_count(value);
    const char **list = hl_arena_alloc(arena, (count + 1) * sizeof(*list));

    for (size_t i = 0; i < count; i++) {
        const struct hl_value *item = hl_value_item(value, i);

        if (!hl_value_is(item, HL_TEXT))
            return hl_fail(err, HL_E_FAILED, "the column 'needs' is not a list of addresses");
        list[i] = item->text.data;
    }
    *out = list;
    return true;
}
