#include "config.h"

#include "reconcile/providers/local/local.h"

#include <string.h>

const char *hl_local_environment(const struct hl_run *run, const char *name)
{
    const size_t length = strlen(name);

    for (const char *const *entry = run->environment; entry != NULL && *entry != NULL; entry++) {
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
            return *entry + length + 1;
    }
    return NULL;
}

bool hl_local_is_text(const char *data, size_t length)
{
    uint32_t code = 0;

    for (size_t at = 0; at < length;) {
        const size_t step = hl_utf8_decode(data + at, length - at, &code);
        if (step == 0 || code == 0)
            return false;
        at += step;
    }
    return true;
}

size_t hl_local_without_line_end(const char *data, size_t length)
{
    const char *end = memchr(data, '\n', length);

    if (end == NULL || (size_t)(end - data) + 1 != length)
        return length;
    return length > 1 && end[-1] == '\r' ? length - 2 : length - 1;
}

bool hl_source_take(struct hl_source *source, const char *data, size_t length, const char *what, struct hl_value **value, struct hl_error **err)
{
    *value = NULL;
    if (length == 0)
        return true;
    if (!hl_local_is_text(data, length)) {
        hl_fail(err, HL_E_FAILED, "%s is not text: it has a NUL or is not UTF-8", what);
        return hl_error_hint(err, "encode it, in base64 for instance");
    }
    hl_redactor_add(source->run->redactor, data, length);
    *value = hl_value_mark_sensitive(hl_value_bytes(source->arena, data, length));
    return true;
}

/* ---- env ---- */

/* A variable that is set to nothing counts as not set: that is how service managers and compose files leave one out. */
static bool read_env(struct hl_source *source, struct hl_value **value, struct hl_error **err)
{
    const char *variable = hl_value_get_text(source->desired, "env");
    const char *text = hl_local_environment(source->run, variable);
    const char *what = hl_arena_printf(source->arena, "environment variable '%s'", variable);

    source->missing = hl_arena_printf(source->arena, "%s is %s", what, text == NULL ? "not set" : "empty");
    source->hint = hl_arena_printf(source->arena, "set it for this run: %s=... hlrec apply", variable);
    return hl_source_take(source, text != NULL ? text : "", text != NULL ? strlen(text) : 0, what, value, err);
}

/* ---- file ---- */

static bool read_file(struct hl_source *source, struct hl_value **value, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
    const char *path = hl_value_get_text(source->desired, "file");
    const char *what = hl_arena_printf(source->arena, "file '%s'", path);
    const char *data = "";
    size_t length = 0;

    source->hint = hl_arena_printf(source->arena, "put the value into '%s', readable for hlrec alone (chmod 600)", path);
    source->missing = hl_arena_printf(source->arena, "%s is empty", what);
    *value = NULL;
    if (!source->run->files->read(source->run->files->context, scratch, path, &data, &length, err)) {
        if ((*err)->code != HL_E_NOT_FOUND)
            return hl_wrap(err, "reading the value from %s", what);
        hl_error_clear(err);
        source->missing = hl_arena_printf(source->arena, "%s does not exist", what);
        return true;
    }
    return hl_source_take(source, data, hl_local_without_line_end(data, length), what, value, err);
}

/* ---- the table ---- */

const struct hl_source_type hl_source_types[] = {
    {.name = "generate"},
    {.name = "value"},
    {.name = "env", .read = read_env, .stays = true},
    {.name = "file", .read = read_file},
    {.name = "sops", .read = hl_source_sops, .slow = true},
    {.name = "command", .read = hl_source_command, .slow = true},
    {.name = "infisical", .read = hl_source_infisical, .slow = true},
    {.name = "openbao", .read = hl_source_openbao, .slow = true},
    {.name = NULL},
};

const struct hl_source_type *hl_source_find(const struct hl_value *desired, size_t *count)
{
    const struct hl_source_type *found = NULL;
    size_t found_count = 0;

    for (const struct hl_source_type *type = hl_source_types; type->name != NULL; type++) {
        if (hl_value_get(desired, type->name) == NULL)
            continue;
        found = found == NULL ? type : found;
        found_count++;
    }
    if (count != NULL)
        *count = found_count;
    return found;
}
