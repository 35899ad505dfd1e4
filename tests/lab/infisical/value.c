/* What the server does to values: it trims them, and it reads references in them. */
#include "config.h"

#include "tests/lab/infisical/infisical.h"

#include <string.h>

enum { MAX_DEPTH = 10 };

/* --- Trimming --- */

static bool is_blank(uint32_t code)
{
    return (code >= 9 && code <= 13) || code == ' ' || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 ||
           code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000 || code == 0xFEFF;
}

struct hl_value *infisical_trim(struct hl_arena *arena, const char *data, size_t length)
{
    size_t first = 0, end = 0;
    bool found = false;

    for (size_t i = 0; i < length;) {
        uint32_t code = 0;
        size_t size = hl_utf8_decode(data + i, length - i, &code);

        size = size == 0 ? 1 : size;
        if (!is_blank(code)) {
            first = found ? first : i;
            found = true;
            end = i + size;
        }
        i += size;
    }
    return hl_value_bytes(arena, data + first, end - first);
}

struct hl_value *infisical_normalise(struct hl_arena *arena, const struct hl_value *value)
{
    struct hl_value *trimmed = infisical_trim(arena, value->text.data, value->text.length);
    bool newline = value->text.length > 0 && value->text.data[value->text.length - 1] == '\n';

    if (!newline)
        return trimmed;

    char *text = hl_arena_alloc(arena, trimmed->text.length + 1);

    memcpy(text, trimmed->text.data, trimmed->text.length);
    text[trimmed->text.length] = '\n';
    return hl_value_bytes(arena, text, trimmed->text.length + 1);
}

bool infisical_is_upper(const char *name)
{
    return strpbrk(name, "abcdefghijklmnopqrstuvwxyz") == NULL;
}

/* --- References --- */

/* The length of "${NAME}" at `text`, its inside in `name`; 0 when there is none. */
static size_t reference_at(struct hl_arena *arena, const char *text, const char **name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@";
    size_t length = 0;

    if (text[0] != '$' || text[1] != '{')
        return 0;
    length = strspn(text + 2, letters);
    if (length == 0 || text[2 + length] != '}')
        return 0;
    *name = hl_arena_copy(arena, text + 2, length);
    return length + 3;
}

/* "KEY" is in the same folder, "env.a.b.KEY" in /a/b of that environment. */
static const char *split_reference(struct infisical_call *c, const struct infisical_place *place, const char *name, struct infisical_place *out)
{
    const char *dot = strchr(name, '.');
    const char *last = strrchr(name, '.');
    char *path = NULL;

    *out = *place;
    if (dot == NULL)
        return name;
    out->environment = hl_arena_copy(c->arena, name, (size_t)(dot - name));
    path = dot == last ? hl_arena_strdup(c->arena, "/") : hl_arena_copy(c->arena, dot, (size_t)(last - dot));
    for (char *at = path; *at != '\0'; at++)
        *at = *at == '.' ? '/' : *at;
    out->folder = infisical_folder_find(place->project, out->environment, path);
    return last + 1;
}

static void expand_into(struct infisical_call *c, const struct infisical_place *place, const struct hl_value *value, int depth, struct hl_text *out)
{
    for (size_t i = 0; i < value->text.length;) {
        const char *name = NULL;
        size_t length = depth > MAX_DEPTH ? 0 : reference_at(c->arena, value->text.data + i, &name);
        struct infisical_place there = *place;
        const struct hl_value *secret = NULL;

        if (length > 0) {
            const char *key = split_reference(c, place, name, &there);

            secret = hl_value_get(infisical_secrets(there.folder), key);
        }
        if (secret != NULL)
            expand_into(c, &there, hl_value_get(secret, "value"), depth + 1, out);
        else
            hl_text_append(out, value->text.data + i, length == 0 ? 1 : length);
        i += length == 0 ? 1 : length;
    }
}

struct hl_value *infisical_expand(struct infisical_call *c, const struct infisical_place *place, const struct hl_value *value)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_BODY);

    expand_into(c, place, value, 0, &out);
    return hl_value_bytes(c->arena, hl_text_get(&out), out.length);
}

bool infisical_check_references(struct infisical_call *c, const struct infisical_place *place, const struct hl_value *value)
{
    if (infisical_is_new(c) || value == NULL)
        return true;
    for (size_t i = 0; i < value->text.length;) {
        const char *name = NULL;
        size_t length = reference_at(c->arena, value->text.data + i, &name);
        struct infisical_place there = *place;

        if (length > 0) {
            const char *key = split_reference(c, place, name, &there);

            if (infisical_environment(place->project, there.environment) == NULL)
                return infisical_fail(c, 400, NULL, "Referenced environment not found. Missing %s", there.environment);
            if (hl_value_get(infisical_secrets(there.folder), key) == NULL)
                return infisical_fail(c, 400, NULL, "Referenced secret(s) not found: %s", key);
        }
        i += length == 0 ? 1 : length;
    }
    return true;
}
