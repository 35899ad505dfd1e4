/* `{infisical: {path:, key:, environment:, project:, provider:}}`: which secret of Infisical is meant. */
#include "config.h"

#include "reconcile/providers/infisical/session.h"
#include "reconcile/providers/shared/place.h"

#include <string.h>

static const char folder_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* "netbird", "/netbird/" and "//netbird" are one folder. */
static struct hl_value *normalise_path(struct hl_arena *arena, struct hl_value *value)
{
    return hl_place_normal_path(arena, value, "/");
}

static void check_path(struct hl_check *check, const struct hl_value *value)
{
    const char *path = value->text.data;

    for (const char *at = path; *at != '\0'; at++) {
        if (*at == '/' || strchr(folder_characters, *at) != NULL)
            continue;
        hl_diag_error(check->diags, value->at, "'%s' cannot be a folder of Infisical: its names are of letters, digits, '-' and '_'", path);
        return;
    }
}

/* Older servers refuse blanks as well; one that a server refuses all the same is told by the server. */
static bool is_key(const char *key)
{
    return *key != '\0' && strpbrk(key, ":/ \t\r\n") == NULL;
}

static void check_key(struct hl_check *check, const struct hl_value *value)
{
    if (!is_key(value->text.data))
        hl_diag_error(check->diags, value->at, "'%s' cannot be the name of a secret of Infisical: not empty, without ':', '/' and blanks", value->text.data);
}

static void check_slug(struct hl_check *check, const struct hl_value *value)
{
    if (value->text.length == 0 || strpbrk(value->text.data, "/ \t\r\n") != NULL) {
        struct hl_diag *diag = hl_diag_error(check->diags, value->at, "'%s' cannot be a slug", value->text.data);
        hl_diag_hint(check->diags, diag, "the slug is shown in the settings of the project; it is of small letters, digits and '-'");
    }
}

/* clang-format off */
const struct hl_field hl_infisical_place_fields[] = {
    {.name = "path", .type = HL_F_STRING, .fallback = "/", .normalise = normalise_path, .check = check_path, .doc = "the folder", .example = "/netbird"},
    {.name = "key", .type = HL_F_STRING, .check = check_key, .doc = "the secret's name in Infisical; its name here when not said", .example = "NETBIRD_SETUP_KEY"},
    {.name = "environment", .type = HL_F_STRING, .check = check_slug, .doc = "slug of the environment; the provider's when not said", .example = "prod"},
    {.name = "project", .type = HL_F_STRING, .check = check_slug, .doc = "slug or id of the project; the provider's when not said",
     .example = "homelab-prod"},
    {.name = "provider", .type = HL_F_STRING, .doc = "which provider of type infisical, when there are several", .example = "infisical"},
    {.name = NULL},
};
/* clang-format on */

struct hl_infisical_place hl_infisical_place(const struct hl_value *where, const char *name)
{
    const char *path = hl_value_get_text(where, "path");
    const char *key = hl_value_get_text(where, "key");

    return (struct hl_infisical_place){
        .project = hl_value_get_text(where, "project"),
        .environment = hl_value_get_text(where, "environment"),
        .path = path != NULL ? path : "/",
        .key = key != NULL ? key : name,
    };
}

void hl_infisical_check(struct hl_check *check, const struct hl_value *where, struct hl_span at)
{
    if (hl_value_get(where, "key") != NULL || is_key(check->name))
        return;
    struct hl_diag *diag = hl_diag_error(check->diags, at, "'%s' cannot be the name of a secret of Infisical", check->name);
    hl_diag_hint(check->diags, diag, "say one: `key: NAME`");
}

const char *hl_infisical_identity(struct hl_arena *arena, const struct hl_value *where, const char *name, bool key)
{
    static const char *const members[] = {"environment", "project", "provider", NULL};
    const struct hl_infisical_place place = hl_infisical_place(where, name);

    return hl_place_identity(arena, "infisical", place.path, key ? place.key : NULL, where, members);
}

const char *hl_infisical_describe(const struct hl_session *session, struct hl_arena *arena, const struct hl_infisical_place *place)
{
    const struct hl_infisical *store = session != NULL ? hl_infisical_of(session) : NULL;
    const char *project = place->project != NULL || store == NULL ? place->project : store->project;
    const char *environment = place->environment != NULL || store == NULL ? place->environment : store->environment;
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    const char *comma = "";

    hl_text_printf(&text, "infisical %s %s", place->path, place->key);
    if (project != NULL || environment != NULL)
        hl_text_puts(&text, " (");
    if (project != NULL) {
        hl_text_printf(&text, "project %s", project);
        comma = ", ";
    }
    if (environment != NULL)
        hl_text_printf(&text, "%senvironment %s", comma, environment);
    if (project != NULL || environment != NULL)
        hl_text_puts(&text, ")");
    return hl_arena_copy(arena, hl_text_get(&text), text.length);
}
