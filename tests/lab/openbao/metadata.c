/* KV version 2: the settings of a mount and of a key, and the list of keys. */
#include "config.h"

#include "tests/lab/openbao/openbao.h"

#include <inttypes.h>
#include <string.h>

enum { MOST_CUSTOM = 64, MOST_CUSTOM_KEY = 128, MOST_CUSTOM_VALUE = 512 };

struct hl_value *openbao_entry_new(struct openbao_call *c)
{
    struct hl_value *entry = hl_value_map(c->bao->arena);
    int64_t now = lab_now_ns();

    hl_value_map_put_int(entry, "created", now);
    hl_value_map_put_int(entry, "updated", now);
    hl_value_map_put(entry, "custom_metadata", hl_value_null(c->bao->arena));
    hl_value_map_put(entry, "versions", hl_value_map(c->bao->arena));
    hl_value_map_put(openbao_kv_entries(c), c->key, entry);
    return entry;
}

/* --- Settings: of both --- */

struct settings {
    int64_t max_versions, delete_after_ms;
    bool cas_required, metadata_cas_required;
    bool has_max_versions, has_delete_after, has_cas_required, has_metadata_cas_required;
};

static bool take_settings(struct openbao_call *c, struct settings *out)
{
    return openbao_take_int(c, c->body, "max_versions", "", &out->max_versions, &out->has_max_versions) &&
           openbao_take_ms(c, c->body, "delete_version_after", "", &out->delete_after_ms, &out->has_delete_after) &&
           openbao_take_bool(c, c->body, "cas_required", &out->cas_required, &out->has_cas_required) &&
           openbao_take_bool(c, c->body, "metadata_cas_required", &out->metadata_cas_required, &out->has_metadata_cas_required);
}

static bool put_settings(struct hl_value *target, const struct settings *settings)
{
    if (settings->has_max_versions)
        hl_value_map_put_int(target, "max_versions", (int64_t)(uint32_t)settings->max_versions);
    if (settings->has_delete_after)
        hl_value_map_put_int(target, "delete_after_ms", settings->delete_after_ms);
    if (settings->has_cas_required)
        hl_value_map_put_bool(target, "cas_required", settings->cas_required);
    if (settings->has_metadata_cas_required)
        hl_value_map_put_bool(target, "metadata_cas_required", settings->metadata_cas_required);
    return settings->has_max_versions || settings->has_delete_after || settings->has_cas_required || settings->has_metadata_cas_required;
}

static struct hl_value *describe_settings(struct openbao_call *c, const struct hl_value *source)
{
    struct hl_value *out = hl_value_map(c->arena);

    hl_value_map_put_bool(out, "cas_required", hl_value_get_bool(source, "cas_required", false));
    hl_value_map_put_text(out, "delete_version_after", openbao_duration(c->arena, hl_value_get_int(source, "delete_after_ms", 0)));
    hl_value_map_put_int(out, "max_versions", hl_value_get_int(source, "max_versions", 0));
    hl_value_map_put_bool(out, "metadata_cas_required", hl_value_get_bool(source, "metadata_cas_required", false));
    return out;
}

void openbao_kv2_config(struct openbao_call *c)
{
    struct hl_value *config = hl_value_get(c->mount, "config");
    struct settings settings = {0};

    if (c->operation == OPENBAO_READ) {
        openbao_answer(c, 200, describe_settings(c, config));
    } else if (c->operation != OPENBAO_WRITE) {
        openbao_fail_wrapped(c, "unsupported operation");
    } else if (take_settings(c, &settings)) {
        c->changed = put_settings(config, &settings);
        openbao_no_content(c);
    }
}

/* --- Custom metadata --- */

/* Scalars become text, as mapstructure makes it. */
static bool take_custom(struct openbao_call *c, bool patch, struct hl_value **out)
{
    const struct hl_value *custom = hl_value_get(c->body, "custom_metadata");

    *out = hl_value_map(c->arena);
    if (hl_value_is_null(custom))
        return true;
    if (custom->type != HL_MAP)
        return openbao_fail(c, 400,
                            "error converting input for field \"custom_metadata\": '' expected type 'map[string]interface {}', got unconvertible "
                            "type '%s'",
                            openbao_go_type(custom));
    for (size_t i = 0; i < hl_value_count(custom); i++) {
        const struct hl_value *value = hl_value_at(custom, i);
        const char *text = value->type == HL_BOOL ? (value->boolean ? "1" : "0") : hl_value_to_text(c->arena, value);

        if (text == NULL)
            return openbao_fail(c, 400, "custom_metadata validation failed: '' expected type 'string', got unconvertible type '%s'", openbao_go_type(value));
        hl_value_map_put(*out, hl_value_key(custom, i), patch && value->type == HL_NULL ? hl_value_null(c->arena) : hl_value_text(c->arena, text));
    }
    return true;
}

static bool check_custom(struct openbao_call *c, const struct hl_value *custom)
{
    const char *faults = "";
    size_t count = 0;

    if (hl_value_count(custom) > MOST_CUSTOM)
        return openbao_fail(c, 400, "1 error occurred:\n\t* custom_metadata validation failed: payload must contain at most %d keys, provided %zu\n\n",
                            MOST_CUSTOM, hl_value_count(custom));
    for (size_t i = 0; i < hl_value_count(custom); i++) {
        const char *key = hl_value_key(custom, i);
        const struct hl_value *value = hl_value_at(custom, i);

        if (strlen(key) == 0 || strlen(key) > MOST_CUSTOM_KEY)
            faults = hl_arena_printf(c->arena, "%s\t* custom_metadata validation failed: length of key \"%s\" is %zu but must be 0 < len(key) <= %d\n", faults,
                                     key, strlen(key), MOST_CUSTOM_KEY);
        if (value->type == HL_TEXT && (value->text.length == 0 || value->text.length > MOST_CUSTOM_VALUE))
            faults =
                hl_arena_printf(c->arena, "%s\t* custom_metadata validation failed: length of value for key \"%s\" is %zu but must be 0 < len(value) <= %d\n",
                                faults, key, value->text.length, MOST_CUSTOM_VALUE);
    }
    for (const char *at = strchr(faults, '\n'); at != NULL; at = strchr(at + 1, '\n'))
        count++;
    return count == 0 || openbao_fail(c, 400, "%zu error%s occurred:\n%s\n", count, count == 1 ? "" : "s", faults);
}

/* A write replaces all; a patch changes single ones, and null takes one away. */
static void put_custom(struct openbao_call *c, struct hl_value *entry, const struct hl_value *custom, bool patch)
{
    const struct hl_value *before = hl_value_get(entry, "custom_metadata");
    bool merges = patch && !hl_value_is_null(hl_value_get(c->body, "custom_metadata")) && hl_value_is(before, HL_MAP);
    struct hl_value *out = merges ? hl_value_copy(c->bao->arena, before) : hl_value_map(c->bao->arena);

    for (size_t i = 0; i < hl_value_count(custom); i++) {
        const struct hl_value *value = hl_value_at(custom, i);

        if (value->type == HL_NULL)
            hl_map_remove(out->map, hl_value_key(custom, i));
        else
            hl_value_map_put(out, hl_value_key(custom, i), hl_value_copy(c->bao->arena, value));
    }
    hl_value_map_put(entry, "custom_metadata", hl_value_count(out) == 0 ? hl_value_null(c->bao->arena) : out);
}

/* --- metadata/ --- */

static struct hl_value *describe_versions(struct openbao_call *c, const struct hl_value *entry)
{
    const struct hl_value *versions = hl_value_get(entry, "versions");
    struct hl_value *out = hl_value_map(c->arena);

    for (size_t i = 0; i < hl_value_count(versions); i++) {
        const struct hl_value *version = hl_value_at(versions, i);
        struct hl_value *row = hl_value_map(c->arena);

        hl_value_map_put_text(row, "created_time", openbao_time(c->arena, hl_value_get_int(version, "created", 0)));
        hl_value_map_put_text(row, "deletion_time", openbao_time(c->arena, hl_value_get_int(version, "deleted", 0)));
        hl_value_map_put_bool(row, "destroyed", hl_value_get_bool(version, "destroyed", false));
        hl_value_map_put(out, hl_value_key(versions, i), row);
    }
    return out;
}

static void read_metadata(struct openbao_call *c)
{
    const struct hl_value *entry = hl_value_get(openbao_kv_entries(c), c->key);
    struct hl_value *out = NULL;

    if (entry == NULL) {
        openbao_fail_empty(c, 404);
        return;
    }
    out = describe_settings(c, entry);
    hl_value_map_put_text(out, "created_time", openbao_time(c->arena, hl_value_get_int(entry, "created", 0)));
    hl_value_map_put_text(out, "updated_time", openbao_time(c->arena, hl_value_get_int(entry, "updated", 0)));
    hl_value_map_put_int(out, "current_version", hl_value_get_int(entry, "current", 0));
    hl_value_map_put_int(out, "oldest_version", hl_value_get_int(entry, "oldest", 0));
    hl_value_map_put_int(out, "current_metadata_version", hl_value_get_int(entry, "metadata_version", 0));
    hl_value_map_put(out, "custom_metadata", hl_value_get(entry, "custom_metadata"));
    hl_value_map_put(out, "versions", describe_versions(c, entry));
    openbao_answer(c, 200, out);
}

static bool check_metadata_cas(struct openbao_call *c, const struct hl_value *entry)
{
    const struct hl_value *config = hl_value_get(c->mount, "config");
    bool required = hl_value_get_bool(entry, "metadata_cas_required", false) || hl_value_get_bool(config, "metadata_cas_required", false);
    int64_t number = 0;
    bool given = false;

    if (!openbao_take_int(c, c->body, "metadata_cas", "", &number, &given))
        return false;
    if (!given)
        return !required || openbao_fail(c, 400, "metadata check-and-set parameter required for this call");
    return number == hl_value_get_int(entry, "metadata_version", 0) ||
           openbao_fail(c, 400, "metadata check-and-set parameter does not match the current version");
}

static void write_metadata(struct openbao_call *c, bool patch)
{
    struct hl_value *entry = hl_value_get(openbao_kv_entries(c), c->key);
    struct hl_value *custom = NULL;
    struct settings settings = {0};

    if (patch && entry == NULL) {
        lab_put_header(c->call, "Content-Type", "application/json");
        lab_answer(c->call, 404);
        return;
    }
    if (!take_settings(c, &settings) || !take_custom(c, patch, &custom) || !check_custom(c, custom))
        return;
    if (!settings.has_max_versions && !settings.has_delete_after && !settings.has_cas_required && !settings.has_metadata_cas_required &&
        hl_value_get(c->body, "custom_metadata") == NULL) { /* nothing to do: not even the key is made */
        openbao_no_content(c);
        return;
    }
    if (!check_metadata_cas(c, entry))
        return;
    if (entry == NULL)
        entry = openbao_entry_new(c);
    put_settings(entry, &settings);
    if (hl_value_get(c->body, "custom_metadata") != NULL)
        put_custom(c, entry, custom, patch);
    hl_value_map_put_int(entry, "metadata_version", hl_value_get_int(entry, "metadata_version", 0) + 1);
    hl_value_map_put_int(entry, "updated", lab_now_ns());
    c->changed = true;
    openbao_no_content(c);
}

void openbao_kv2_metadata(struct openbao_call *c)
{
    switch (c->operation) {
    case OPENBAO_READ:
        read_metadata(c);
        break;
    case OPENBAO_LIST:
        openbao_kv_list(c, c->key);
        break;
    case OPENBAO_WRITE:
    case OPENBAO_PATCH:
        write_metadata(c, c->operation == OPENBAO_PATCH);
        break;
    case OPENBAO_DELETE:
        c->changed = hl_map_remove(openbao_kv_entries(c)->map, c->key);
        openbao_no_content(c);
        break;
    case OPENBAO_HEAD:
        openbao_fail_wrapped(c, "unsupported operation");
        break;
    }
}
