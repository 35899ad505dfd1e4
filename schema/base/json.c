#include "config.h"

#include "schema/base/json.h"

#include "schema/base/crypto.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* cJSON keeps texts as C strings and would cut them at "\u0000". In a document that has this escape, U+FDD0 stands in for it while
 * cJSON reads: a code point that Unicode keeps out of texts for such uses, and that is written as long as the original. */
static const char nul_escape[] = "\\u0000";
static const char stand_in_escape[] = "\\uFDD0";
static const char stand_in[] = "\xef\xb7\x90";

/* Where in the source the next number may stand. cJSON keeps numbers as doubles only, too coarse for large integers, so these are read
 * again from the text: the items of cJSON come in the order of the document. */
struct source {
    const char *at;
    const char *end;
    size_t numbers; /* of those converted, how many `at` has not passed yet */
    bool has_stand_ins;
};

/* Where cJSON keeps its tree, as long as one is read. Its hooks have no context, hence a variable of the thread. */
static _Thread_local struct hl_arena *tree_arena;

static void *allocate(size_t size)
{
    return hl_arena_alloc(tree_arena, size);
}

/* The whole tree goes at once, wiped, with its arena: piece by piece costs more than reading it. */
static void keep_until_the_end(void *memory)
{
    (void)memory;
}

static void set_hooks(void)
{
    cJSON_Hooks hooks = {.malloc_fn = allocate, .free_fn = keep_until_the_end};

    cJSON_InitHooks(&hooks);
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at < end ? at + 1 : end;
}

static bool starts_number(char character)
{
    return character == '-' || (character >= '0' && character <= '9');
}

/* Only called for numbers that cJSON found, so there is one ahead. */
static const char *next_number(struct source *source)
{
    while (source->at < source->end && !starts_number(*source->at))
        source->at = *source->at == '"' ? skip_string(source->at, source->end) : source->at + 1;
    return source->at;
}

static void skip_number(struct source *source)
{
    while (source->at < source->end && (starts_number(*source->at) || memchr("+.eE", *source->at, 4) != NULL))
        source->at++;
}

/* The text of the number that was converted last: all those before it that nobody had to look at are passed now. */
static const char *last_number(struct source *source, size_t *length)
{
    const char *number = source->at;

    for (; source->numbers > 0; source->numbers--) {
        number = next_number(source);
        skip_number(source);
    }
    *length = (size_t)(source->at - number);
    return number;
}

static struct hl_value *convert_number(struct hl_arena *arena, struct source *source, double real)
{
    char token[64] = "";
    int64_t integer = 0;
    size_t length = 0;

    source->numbers++;
    if (real > -0x1p53 && real < 0x1p53) /* a double is exact up to here */
        return (double)(int64_t)real == real ? hl_value_int(arena, (int64_t)real) : hl_value_real(arena, real);

    const char *number = last_number(source, &length);

    if (length < sizeof(token))
        memcpy(token, number, length);
    return hl_parse_int(token, INT64_MIN, INT64_MAX, &integer) ? hl_value_int(arena, integer) : hl_value_real(arena, real);
}

static struct hl_value *convert_text(struct hl_arena *arena, const struct source *source, const char *text)
{
    size_t length = strlen(text);
    hl_auto(text) struct hl_text plain = HL_TEXT_INIT(length);

    if (!source->has_stand_ins)
        return hl_value_bytes(arena, text, length);
    for (;;) {
        const char *found = strstr(text, stand_in);

        if (found == NULL)
            break;
        hl_text_append(&plain, text, (size_t)(found - text));
        hl_text_putc(&plain, '\0');
        text = found + strlen(stand_in);
    }
    hl_text_puts(&plain, text);
    return hl_value_bytes(arena, hl_text_get(&plain), plain.length);
}

static size_t count_children(const cJSON *item)
{
    const cJSON *child = NULL;
    size_t count = 0;

    cJSON_ArrayForEach(child, item) count++;
    return count;
}

static struct hl_value *convert(struct hl_arena *arena, struct source *source, const cJSON *item)
{
    struct hl_value *value = NULL;
    const cJSON *child = NULL;

    switch (item->type & 0xff) {
    case cJSON_False:
        return hl_value_bool(arena, false);
    case cJSON_True:
        return hl_value_bool(arena, true);
    case cJSON_Number:
        return convert_number(arena, source, item->valuedouble);
    case cJSON_String:
        return convert_text(arena, source, item->valuestring);
    case cJSON_Array:
        value = hl_value_list(arena);
        hl_value_reserve(arena, value, count_children(item));
        cJSON_ArrayForEach(child, item) hl_value_list_add(arena, value, convert(arena, source, child));
        return value;
    case cJSON_Object:
        value = hl_value_map(arena);
        hl_value_reserve(arena, value, count_children(item));
        cJSON_ArrayForEach(child, item) hl_value_map_put(value, child->string, convert(arena, source, child));
        return value;
    default:
        return hl_value_null(arena);
    }
}

/* Names the place only: the text may hold secrets. */
static bool fail_at(struct hl_error **err, const char *text, const char *at, const char *problem)
{
    size_t line = 1;
    const char *line_start = text;

    for (const char *c = text; c < at; c++) {
        if (*c == '\n') {
            line++;
            line_start = c + 1;
        }
    }
    return hl_fail(err, HL_E_FAILED, "not valid JSON: line %zu, column %zu: %s", line, (size_t)(at - line_start) + 1, problem);
}

/* What all documents must pass before cJSON sees them. The copy with stand-ins goes to `changed`, when one is needed. */
static bool prepare(const char **text, size_t length, char **changed, struct hl_error **err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, set_hooks);
    if (skip_blanks(*text, *text + length) == *text + length)
        return hl_fail(err, HL_E_FAILED, "not valid JSON: the text is empty");

    const char *nul = memchr(*text, '\0', length);

    if (nul != NULL)
        return fail_at(err, *text, nul, "a NUL byte");

    const char *escape = memchr(*text, '\\', length); /* most documents have none, and looking for one character is much faster */

    if (escape == NULL || memmem(escape, length - (size_t)(escape - *text), nul_escape, strlen(nul_escape)) == NULL)
        return true;

    *changed = hl_alloc(length + 1);
    memcpy(*changed, *text, length);
    *text = *changed;
    for (char *at = *changed; (at = strchr(at, '\\')) != NULL && at[1] != '\0'; at += 2)
        if (strncmp(at, nul_escape, strlen(nul_escape)) == 0)
            memcpy(at, stand_in_escape, strlen(stand_in_escape));
    return true;
}

/* Reads the value at *at and steps behind it. cJSON's tree goes to `tree`. */
static bool read_value(struct hl_arena *arena, struct hl_arena *tree, struct source *source, const char *text, struct hl_value **out, struct hl_error **err)
{
    const char *stop = source->at;
    size_t length = (size_t)(source->end - source->at);

    tree_arena = tree;

    const cJSON *item = length == 0 ? NULL : cJSON_ParseWithLengthOpts(source->at, length, &stop, false);

    tree_arena = NULL;
    if (item == NULL)
        return fail_at(err, text, stop, length == 0 ? "the text ends too early" : "this cannot be read");
    *out = convert(arena, source, item);
    source->at = stop;
    source->numbers = 0;
    return true;
}

static void hl_cleanup_wiped(char **text)
{
    if (*text != NULL)
        hl_wipe(*text, strlen(*text));
    free(*text);
}

bool hl_json_decode(struct hl_arena *arena, const char *text, size_t length, struct hl_value **out, struct hl_error **err)
{
    hl_auto(wiped) char *changed = NULL;
    hl_auto(arena) struct hl_arena *tree = hl_arena_new();

    if (!prepare(&text, length, &changed, err))
        return false;

    struct source source = {.at = text, .end = text + length, .has_stand_ins = changed != NULL};
    struct hl_value *value = NULL;

    if (!read_value(arena, tree, &source, text, &value, err))
        return false;

    const char *rest = skip_blanks(source.at, source.end);

    if (rest < source.end)
        return fail_at(err, text, rest, "more text behind the document");
    *out = value;
    return true;
}

/* The tree and the element are in one arena, which is used over and over. */
static bool visit_one(struct hl_arena *arena, struct source *source, const char *text, hl_json_element_fn *visit, void *context, struct hl_error **err)
{
    struct hl_value *element = NULL;

    hl_arena_reset(arena);
    return read_value(arena, arena, source, text, &element, err) && visit(context, element, err);
}

/* Steps over `wanted` and the blanks around it; false when something else stands there. */
static bool step_over(struct source *source, char wanted)
{
    source->at = skip_blanks(source->at, source->end);
    if (source->at == source->end || *source->at != wanted)
        return false;
    source->at = skip_blanks(source->at + 1, source->end);
    return true;
}

bool hl_json_each(const char *text, size_t length, hl_json_element_fn *visit, void *context, struct hl_error **err)
{
    hl_auto(wiped) char *changed = NULL;
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    if (!prepare(&text, length, &changed, err))
        return false;

    struct source source = {.at = text, .end = text + length, .has_stand_ins = changed != NULL};

    if (!step_over(&source, '['))
        return fail_at(err, text, source.at, "a list was expected");
    if (!step_over(&source, ']')) {
        do {
            if (!visit_one(arena, &source, text, visit, context, err))
                return false;
        } while (step_over(&source, ','));
        if (!step_over(&source, ']'))
            return fail_at(err, text, source.at, "',' or ']' was expected");
    }
    return source.at == source.end || fail_at(err, text, source.at, "more text behind the document");
}

/* What JSON asks for; and, for people, what a terminal would not show as it is. All of it has at most four digits. */
static bool needs_escape(uint32_t code, bool canonical)
{
    return code < 0x20 || code == 0x7f || code == '"' || code == '\\' || (!canonical && hl_is_deceptive(code));
}

static void put_escape(struct hl_text *out, uint32_t code)
{
    static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt";

    for (const char *form = short_forms; *form != '\0'; form += 2) {
        if ((uint32_t)*form == code) {
            hl_text_putc(out, '\\');
            hl_text_putc(out, form[1]);
            return;
        }
    }
    hl_text_printf(out, "\\u%04" PRIx32, code);
}

static void put_string(struct hl_text *out, const char *data, size_t length, bool canonical)
{
    size_t from = 0;

    hl_text_putc(out, '"');
    for (size_t at = 0; at < length;) {
        uint32_t code = 0;
        size_t size = hl_utf8_decode(data + at, length - at, &code);

        if (size > 0 && !needs_escape(code, canonical)) {
            at += size;
            continue;
        }
        hl_text_append(out, data + from, at - from);
        if (size == 0)
            hl_text_puts(out, "\xef\xbf\xbd");
        else
            put_escape(out, code);
        at += size > 0 ? size : 1;
        from = at;
    }
    hl_text_append(out, data + from, length - from);
    hl_text_putc(out, '"');
}

void hl_json_put_string(struct hl_text *out, const char *data, size_t length)
{
    put_string(out, data, length, false);
}

static void put_real(struct hl_text *out, double real)
{
    char digits[32];

    hl_format_real(real, digits);
    /* JSON has neither NaN nor infinity. */
    hl_text_puts(out, real - real == 0 ? digits : "null");
}

static void put_break(struct hl_text *out, enum hl_json_style style, size_t depth)
{
    if (style == HL_JSON_PRETTY)
        hl_text_printf(out, "\n%*s", (int)(2 * depth), "");
}

static void put_value(struct hl_text *out, const struct hl_value *value, enum hl_json_style style, size_t depth);

static void put_list(struct hl_text *out, const struct hl_list *list, enum hl_json_style style, size_t depth)
{
    hl_text_putc(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            hl_text_putc(out, ',');
        put_break(out, style, depth + 1);
        put_value(out, list->items[i], style, depth + 1);
    }
    if (list->count > 0)
        put_break(out, style, depth);
    hl_text_putc(out, ']');
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct hl_map_entry *)a)->key, ((const struct hl_map_entry *)b)->key);
}

static struct hl_map_entry *sort_entries(const struct hl_map *map)
{
    size_t size = map->count * sizeof(struct hl_map_entry);
    struct hl_map_entry *entries = memcpy(hl_alloc(size), map->entries, size);

    qsort(entries, map->count, sizeof(*entries), compare_keys);
    return entries;
}

static void put_map(struct hl_text *out, const struct hl_map *map, enum hl_json_style style, size_t depth)
{
    bool sorted = style == HL_JSON_CANONICAL && map->count > 1;
    hl_auto(heap) struct hl_map_entry *copy = sorted ? sort_entries(map) : NULL;
    const struct hl_map_entry *entries = sorted ? copy : map->entries;

    hl_text_putc(out, '{');
    for (size_t i = 0; i < map->count; i++) {
        if (i > 0)
            hl_text_putc(out, ',');
        put_break(out, style, depth + 1);
        put_string(out, entries[i].key, strlen(entries[i].key), style == HL_JSON_CANONICAL);
        hl_text_puts(out, style == HL_JSON_PRETTY ? ": " : ":");
        put_value(out, entries[i].value, style, depth + 1);
    }
    if (map->count > 0)
        put_break(out, style, depth);
    hl_text_putc(out, '}');
}

static void put_value(struct hl_text *out, const struct hl_value *value, enum hl_json_style style, size_t depth)
{
    switch (value == NULL ? HL_NULL : value->type) {
    case HL_NULL:
    case HL_UNKNOWN:
        hl_text_puts(out, "null");
        return;
    case HL_BOOL:
        hl_text_puts(out, value->boolean ? "true" : "false");
        return;
    case HL_INT:
        hl_text_printf(out, "%" PRId64, value->integer);
        return;
    case HL_REAL:
        put_real(out, value->real);
        return;
    case HL_TEXT:
        put_string(out, value->text.data, value->text.length, style == HL_JSON_CANONICAL);
        return;
    case HL_LIST:
        put_list(out, &value->list, style, depth);
        return;
    case HL_MAP:
        put_map(out, value->map, style, depth);
        return;
    case HL_TYPES:
        break;
    }
    abort();
}

void hl_json_encode(struct hl_text *out, const struct hl_value *value, enum hl_json_style style)
{
    put_value(out, value, style, 0);
}
