/* Secrets, without HTTP. */
#include "config.h"

#include "tests/lab/infisical/infisical.h"

#include "schema/base/crypto.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char mask_text[] = "<hidden-by-infisical>";

struct hl_value *infisical_secrets(const struct hl_value *folder)
{
    return hl_value_get(folder, "secrets");
}

/* --- Changing --- */

/* Each version stays readable. */
static void put_history(struct infisical *inf, struct hl_value *secret)
{
    static const char *const same[] = {"value", "comment", "updated", "version"};
    struct hl_value *history = hl_value_get(secret, "history");
    struct hl_value *row = hl_value_map(inf->arena);
    char number[32];

    snprintf(number, sizeof(number), "%" PRId64, hl_value_get_int(secret, "version", 1));
    for (size_t i = 0; i < HL_COUNT(same); i++)
        hl_value_map_put(row, same[i], hl_value_get(secret, same[i]));
    hl_value_map_put(history, number, row);
}

static void put_fields(struct infisical *inf, struct hl_value *secret, const struct infisical_fields *fields)
{
    if (fields->value != NULL)
        hl_value_map_put(secret, "value", hl_value_copy(inf->arena, fields->value));
    if (fields->comment != NULL)
        hl_value_map_put(secret, "comment", hl_value_copy(inf->arena, fields->comment));
    if (fields->metadata != NULL)
        hl_value_map_put(secret, "metadata", hl_value_copy(inf->arena, fields->metadata));
    if (fields->skip != NULL)
        hl_value_map_put(secret, "skipMultilineEncoding", hl_value_copy(inf->arena, fields->skip));
    hl_value_map_put_int(secret, "updated", lab_now_ns());
}

struct hl_value *infisical_secret_add(struct infisical *inf, const struct infisical_place *place, const char *key, const struct infisical_fields *fields)
{
    struct hl_value *secret = hl_value_map(inf->arena);
    struct infisical_place *indexed = hl_arena_alloc(inf->arena, sizeof(*indexed));
    char id[HL_UUID_TEXT];

    hl_uuid(id);
    hl_value_map_put_text(secret, "id", id);
    hl_value_map_put_text(secret, "key", key);
    hl_value_map_put_text(secret, "value", "");
    hl_value_map_put_text(secret, "comment", "");
    hl_value_map_put(secret, "metadata", hl_value_list(inf->arena));
    hl_value_map_put(secret, "skipMultilineEncoding", hl_value_null(inf->arena));
    hl_value_map_put_int(secret, "version", 1);
    hl_value_map_put_int(secret, "created", lab_now_ns());
    hl_value_map_put(secret, "history", hl_value_map(inf->arena));
    put_fields(inf, secret, fields);
    put_history(inf, secret);
    hl_value_map_put(infisical_secrets(place->folder), key, secret);
    *indexed = (struct infisical_place){
        .project = place->project, .environment = hl_arena_strdup(inf->arena, place->environment), .folder = place->folder, .secret = secret};
    hl_map_put(&inf->places, id, indexed);
    return secret;
}

void infisical_secret_change(struct infisical *inf, const struct infisical_place *place, struct hl_value *secret, const struct infisical_fields *fields)
{
    const char *key = hl_value_get_text(secret, "key");

    put_fields(inf, secret, fields);
    hl_value_map_put_int(secret, "version", hl_value_get_int(secret, "version", 1) + 1);
    if (fields->new_name != NULL && strcmp(fields->new_name, key) != 0) {
        hl_map_remove(infisical_secrets(place->folder)->map, key);
        hl_value_map_put_text(secret, "key", fields->new_name);
        hl_value_map_put(infisical_secrets(place->folder), fields->new_name, secret);
    }
    put_history(inf, secret);
}

void infisical_secret_drop(struct infisical *inf, const struct infisical_place *place, const char *key)
{
    const struct hl_value *secret = hl_value_get(infisical_secrets(place->folder), key);

    hl_map_put(&inf->places, hl_value_get_text(secret, "id"), NULL);
    hl_map_remove(infisical_secrets(place->folder)->map, key);
}

/* --- Telling --- */

struct hl_value *infisical_secret_describe(struct infisical_call *c, const struct infisical_place *place, const struct hl_value *secret, int shape, bool mask)
{
    struct hl_value *out = hl_value_map(c->arena);
    struct hl_value *id = hl_value_get(secret, "id");

    hl_value_map_put(out, "id", id);
    hl_value_map_put(out, "_id", id);
    hl_value_map_put(out, "workspace", hl_value_get(place->project, "id"));
    hl_value_map_put_text(out, "environment", place->environment);
    hl_value_map_put(out, "version", hl_value_get(secret, "version"));
    hl_value_map_put_text(out, "type", "shared");
    hl_value_map_put(out, "secretKey", hl_value_get(secret, "key"));
    hl_value_map_put(out, "secretValue", mask ? hl_value_text(c->arena, mask_text) : hl_value_get(secret, "value"));
    hl_value_map_put(out, "secretComment", hl_value_get(secret, "comment"));
    hl_value_map_put(out, "secretReminderNote", hl_value_null(c->arena));
    hl_value_map_put(out, "secretReminderRepeatDays", hl_value_null(c->arena));
    hl_value_map_put(out, "skipMultilineEncoding", hl_value_get(secret, "skipMultilineEncoding"));
    hl_value_map_put_bool(out, "isRotatedSecret", hl_value_get_bool(secret, "isRotatedSecret", false));
    hl_value_map_put_text(out, "createdAt", infisical_time(c->arena, hl_value_get_int(secret, "created", 0)));
    hl_value_map_put_text(out, "updatedAt", infisical_time(c->arena, hl_value_get_int(secret, "updated", 0)));
    if ((shape & INFISICAL_HIDDEN) != 0)
        hl_value_map_put_bool(out, "secretValueHidden", mask);
    if ((shape & INFISICAL_PATH) != 0) {
        hl_value_map_put(out, "secretPath", hl_value_get(place->folder, "path"));
        hl_value_map_put(out, "tags", hl_value_list(c->arena));
        hl_value_map_put(out, "secretMetadata", hl_value_get(secret, "metadata"));
    }
    return out;
}
