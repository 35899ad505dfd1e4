/* `{openbao: {path:, key:, mount:, provider:}}`: which key of which path is meant. */
#include "config.h"

#include "reconcile/providers/openbao/session.h"
#include "reconcile/providers/shared/place.h"

#include <string.h>

/* "/a/b/" and "a//b" are "a/b". */
static struct hl_value *normalise_path(struct hl_arena *arena, struct hl_value *value)
{
    return hl_place_normal_path(arena, value, "");
}

static bool has_dots(const char *path)
{
    for (const char *at = path; *at != '\0';) {
        const size_t part = strcspn(at, "/");
        if ((part == 1 && at[0] == '.') || (part == 2 && at[0] == '.' && at[1] == '.'))
            return true;
        at += part + (at[part] == '/' ? 1 : 0);
    }
    return false;
}

/* The server answers 404 for a path that ends with a dot, whatever is there. */
static void check_path(struct hl_check *check, const struct hl_value *value)
{
    const char *path = value->text.data;

    if (path[strspn(path, "/")] == '\0')
        hl_diag_error(check->diags, value->at, "a path within the mount is needed");
    else if (hl_ends_with(path, ".") || has_dots(path))
        hl_diag_error(check->diags, value->at, "'%s' cannot be a path: none of '.', '..' in it, and no dot at its end", path);
}

static void check_key(struct hl_check *check, const struct hl_value *value)
{
    if (value->text.length == 0)
        hl_diag_error(check->diags, value->at, "'key' is empty");
}

/* clang-format off */
const struct hl_field hl_openbao_place_fields[] = {
    {.name = "path", .type = HL_F_STRING, .required = true, .normalise = normalise_path, .check = check_path,
     .doc = "the secret's path within the mount, without the data/ of the API", .example = "netbird"},
    {.name = "key", .type = HL_F_STRING, .check = check_key, .doc = "the key at this path, which may have others; the secret's name here when not said",
     .example = "NETBIRD_SETUP_KEY"},
    {.name = "mount", .type = HL_F_STRING, .normalise = normalise_path, .check = check_path,
     .doc = "where the KV engine, version 2, is mounted; the provider's when not said", .example = "secret"},
    {.name = "provider", .type = HL_F_STRING, .doc = "which provider of type openbao, when there are several", .example = "openbao"},
    {.name = NULL},
};
/* clang-format on */

struct hl_openbao_place hl_openbao_place(const struct hl_value *where, const char *name)
{
    const char *key = hl_value_get_text(where, "key");

    return (struct hl_openbao_place){
        .mount = hl_value_get_text(where, "mount"),
        .path = hl_value_get_text(where, "path"),
        .key = key != NULL ? key : name,
    };
}

const char *hl_openbao_identity(struct hl_arena *arena, const struct hl_value *where, const char *name, bool key)
{
    static const char *const members[] = {"mount", "provider", NULL};
    const struct hl_openbao_place place = hl_openbao_place(where, name);

    return hl_place_identity(arena, "openbao", place.path, key ? place.key : NULL, where, members);
}

const char *hl_openbao_describe(const struct hl_session *session, struct hl_arena *arena, const struct hl_openbao_place *place)
{
    const struct hl_openbao *store = session != NULL ? hl_openbao_of(session) : NULL;
    const char *mount = place->mount != NULL || store == NULL ? place->mount : store->mount;

    return hl_arena_printf(arena, "openbao %s%s%s %s", mount != NULL ? mount : "", mount != NULL ? "/" : "", place->path, place->key);
}
