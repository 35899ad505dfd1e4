/* KV version 2: the data. */
#include "config.h"

#include "tests/lab/openbao/openbao.h"

#include <inttypes.h>
#include <string.h>

enum { DEFAULT_VERSIONS = 10 };

/* --- Versions --- */

static const char *number_text(struct hl_arena *arena, int64_t number)
{
    return hl_arena_printf(arena, "%" PRId64, number);
}

static struct hl_value *version_of(struct openbao_call *c, const struct hl_value *entry, int64_t number)
{
    return hl_value_get(hl_value_get(entry, "versions"), number_text(c->arena, number));
}

bool openbao_entry_is_gone(const struct hl_value *version)
{
    int64_t deleted = hl_value_get_int(version, "deleted", 0);

    return hl_value_get_bool(version, "destroyed", false) || (deleted != 0 && deleted <= lab_now_ns());
}

static struct hl_value *describe_version(struct openbao_call *c, const struct hl_value *entry, int64_t number)
{
    const struct hl_value *version = version_of(c, entry, number);
    struct hl_value *out = hl_value_map(c->arena);

    hl_value_map_put_text(out, "created_time", openbao_time(c->arena, hl_value_get_int(version, "created", 0)));
    hl_value_map_put(out, "custom_metadata", hl_value_get(entry, "custom_metadata"));
    hl_value_map_put_text(out, "deletion_time", openbao_time(c->arena, hl_value_get_int(version, "deleted", 0)));
    hl_value_map_put_bool(out, "destroyed", hl_value_get_bool(version, "destroyed", false));
    hl_value_map_put_int(out, "version", number);
    return out;
}

/* Numbers come back as the doubles they were stored as. */
static void round_numbers(struct hl_value *value)
{
    if (value->type == HL_INT && (value->integer > INT64_C(1) << 53 || value->integer < -(INT64_C(1) << 53))) {
        double real = (double)value->integer;

        value->type = HL_REAL;
        value->real = real;
    }
    for (size_t i = 0; value->type == HL_MAP && i < hl_value_count(value); i++)
        round_numbers(hl_value_at(value, i));
    for (size_t i = 0; value->type == HL_LIST && i < hl_value_count(value); i++)
        round_numbers(hl_value_item(value, i));
}

static int64_t setting(const struct openbao_call *c, const struct hl_value *entry, const char *name, bool least)
{
    int64_t own = hl_value_get_int(entry, name, 0);
    int64_t mounts = hl_value_get_int(hl_value_get(c->mount, "config"), name, 0);

    if (own == 0 || mounts == 0)
        return own + mounts;
    return (own < mounts) == least ? own : mounts;
}

static void drop_old_versions(struct openbao_call *c, struct hl_value *entry)
{
    struct hl_value *versions = hl_value_get(entry, "versions");
    int64_t most = setting(c, entry, "max_versions", false);
    int64_t last = hl_value_get_int(entry, "current", 0) - (most == 0 ? DEFAULT_VERSIONS : most);

    if (last <= 0 || (int64_t)hl_value_count(versions) <= (most == 0 ? DEFAULT_VERSIONS : most))
        return;
    for (int64_t number = last; number > 0; number--)
        if (!hl_map_remove(versions->map, number_text(c->arena, number)))
            break;
    hl_value_map_put_int(entry, "oldest", last + 1);
}

static void add_version(struct openbao_call *c, struct hl_value *entry, const struct hl_value *data)
{
    struct hl_value *version = hl_value_map(c->bao->arena);
    struct hl_value *stored = hl_value_copy(c->bao->arena, data);
    int64_t number = hl_value_get_int(entry, "current", 0) + 1;
    int64_t now = lab_now_ns();
    int64_t life_ms = setting(c, entry, "delete_after_ms", true);

    round_numbers(stored);
    hl_value_map_put_int(version, "created", now);
    hl_value_map_put_int(version, "deleted", life_ms == 0 ? 0 : now + life_ms * 1000000);
    hl_value_map_put_bool(version, "destroyed", false);
    hl_value_map_put(version, "data", stored);
    hl_value_map_put(hl_value_get(entry, "versions"), number_text(c->arena, number), version);
    hl_value_map_put_int(entry, "current", number);
    hl_value_map_put_int(entry, "updated", now);
    drop_old_versions(c, entry);
    c->changed = true;
    openbao_answer(c, 200, describe_version(c, entry, number));
}

/* --- data/ --- */

static bool take_data(struct openbao_call *c, const char *prefix, const struct hl_value **out)
{
    const struct hl_value *data = hl_value_get(c->body, "data");

    if (data == NULL)
        return openbao_fail(c, 400, "no data provided");
    *out = data;
    if (data->type == HL_NULL || data->type == HL_MAP)
        return true;
    return openbao_fail(c, 400, "%serror converting input for field \"data\": '%s' expected type 'map[string]interface {}', got unconvertible type '%s'",
                        prefix, data->type == HL_LIST ? "[0]" : "",
                        openbao_go_type(data->type == HL_LIST && hl_value_count(data) > 0 ? hl_value_item(data, 0) : data));
}

/* Versions that were deleted count as well: `cas` 0 is for keys that never had one. */
static bool check_cas(struct openbao_call *c, const struct hl_value *entry)
{
    const struct hl_value *cas = hl_value_get(hl_value_get(c->body, "options"), "cas");
    int64_t number = 0;
    bool required = hl_value_get_bool(entry, "cas_required", false) || hl_value_get_bool(hl_value_get(c->mount, "config"), "cas_required", false);

    if (cas == NULL)
        return !required || openbao_fail(c, 400, "check-and-set parameter required for this call");
    if (cas->type == HL_INT)
        number = cas->integer;
    else if (cas->type != HL_TEXT || !hl_parse_int(cas->text.data, INT64_MIN, INT64_MAX, &number))
        return openbao_fail(c, 400, "error parsing check-and-set parameter");
    return number == hl_value_get_int(entry, "current", 0) || openbao_fail(c, 400, "check-and-set parameter did not match the current version");
}

static void read_data(struct openbao_call *c)
{
    static const char *const known[] = {"version", "list", NULL};
    const struct hl_value *entry = hl_value_get(openbao_kv_entries(c), c->key);
    const struct hl_value *version = NULL;
    struct hl_value *out = hl_value_map(c->arena);
    int64_t number = 0;
    bool given = false;

    if (!openbao_take_int(c, c->call->query, "version", "Field validation failed: ", &number, &given))
        return;
    if (number <= 0)
        number = hl_value_get_int(entry, "current", 0);
    version = version_of(c, entry, number);
    if (version == NULL) {
        openbao_fail_empty(c, 404);
        return;
    }
    openbao_warn_unknown(c, c->call->query, known);
    hl_value_map_put(out, "data", openbao_entry_is_gone(version) ? hl_value_null(c->arena) : hl_value_get(version, "data"));
    hl_value_map_put(out, "metadata", describe_version(c, entry, number));
    openbao_answer(c, openbao_entry_is_gone(version) ? 404 : 200, out);
}

static void write_data(struct openbao_call *c)
{
    static const char *const known[] = {"data", "options", "version", NULL};
    struct hl_value *entry = hl_value_get(openbao_kv_entries(c), c->key);
    const struct hl_value *data = NULL;

    if (!take_data(c, "", &data) || !check_cas(c, entry))
        return;
    openbao_warn_unknown(c, c->body, known);
    add_version(c, entry == NULL ? openbao_entry_new(c) : entry, data);
}

/* RFC 7386. */
static struct hl_value *merge(struct hl_arena *arena, const struct hl_value *target, const struct hl_value *patch)
{
    struct hl_value *out = NULL;

    if (patch->type != HL_MAP)
        return hl_value_copy(arena, patch);
    out = hl_value_is(target, HL_MAP) ? hl_value_copy(arena, target) : hl_value_map(arena);
    for (size_t i = 0; i < hl_value_count(patch); i++) {
        const char *key = hl_value_key(patch, i);
        const struct hl_value *value = hl_value_at(patch, i);

        if (value->type == HL_NULL)
            hl_map_remove(out->map, key);
        else
            hl_value_map_put(out, key, merge(arena, hl_value_get(out, key), value));
    }
    return out;
}

/* No body at all for a key that never was; of a deleted one its metadata; of one whose data is null an error of the server's own. */
static void patch_data(struct openbao_call *c)
{
    struct hl_value *entry = hl_value_get(openbao_kv_entries(c), c->key);
    const struct hl_value *data = NULL;
    const struct hl_value *version = NULL;
    int64_t number = hl_value_get_int(entry, "current", 0);

    if (!take_data(c, "Field validation failed: ", &data))
        return;
    if (entry == NULL) {
        lab_put_header(c->call, "Content-Type", "application/json");
        lab_answer(c->call, 404);
        return;
    }
    if (!check_cas(c, entry))
        return;
    version = version_of(c, entry, number);
    if (version == NULL || openbao_entry_is_gone(version))
        openbao_answer(c, 404, version == NULL ? NULL : describe_version(c, entry, number));
    else if (hl_value_is_null(hl_value_get(version, "data")))
        openbao_fail_wrapped(c, "resource does not exist");
    else
        add_version(c, entry, merge(c->arena, hl_value_get(version, "data"), data));
}

/* --- delete/, undelete/, destroy/ --- */

static void delete_version(struct openbao_call *c, struct hl_value *version)
{
    if (version == NULL || openbao_entry_is_gone(version))
        return;
    hl_value_map_put_int(version, "deleted", lab_now_ns());
    c->changed = true;
}

static void undelete_version(struct openbao_call *c, struct hl_value *version)
{
    if (version == NULL || hl_value_get_bool(version, "destroyed", false))
        return;
    hl_value_map_put_int(version, "deleted", 0);
    c->changed = true;
}

static void destroy_version(struct openbao_call *c, struct hl_value *version)
{
    if (version == NULL)
        return;
    hl_value_map_put_bool(version, "destroyed", true);
    hl_value_map_put(version, "data", hl_value_null(c->bao->arena));
    c->changed = true;
}

static void change_versions(struct openbao_call *c, void (*change)(struct openbao_call *c, struct hl_value *version), const char *none)
{
    const struct hl_value *entry = hl_value_get(openbao_kv_entries(c), c->key);
    const struct hl_value *words = openbao_take_words(c, c->body, "versions");
    int64_t number = 0;

    if (c->operation != OPENBAO_WRITE) {
        openbao_fail_wrapped(c, "unsupported operation");
        return;
    }
    if (hl_value_count(words) == 0) {
        openbao_fail(c, 400, "%s", none);
        return;
    }
    for (size_t i = 0; i < hl_value_count(words); i++) {
        if (!hl_parse_int(hl_value_item(words, i)->text.data, INT64_MIN, INT64_MAX, &number)) {
            openbao_fail(c, 400,
                         "Field validation failed: error converting input for field \"versions\": decoding failed due to the following error(s):\n\n"
                         "'[%zu]' cannot parse value as 'int': strconv.ParseInt: invalid syntax",
                         i);
            return;
        }
    }
    for (size_t i = 0; i < hl_value_count(words); i++)
        if (hl_parse_int(hl_value_item(words, i)->text.data, INT64_MIN, INT64_MAX, &number))
            change(c, version_of(c, entry, number));
    openbao_no_content(c);
}

/* --- Routes of version 2 --- */

static void serve_data(struct openbao_call *c)
{
    const struct hl_value *entry = hl_value_get(openbao_kv_entries(c), c->key);

    switch (c->operation) {
    case OPENBAO_READ:
        read_data(c);
        break;
    case OPENBAO_WRITE:
        write_data(c);
        break;
    case OPENBAO_PATCH:
        patch_data(c);
        break;
    case OPENBAO_DELETE:
        delete_version(c, version_of(c, entry, hl_value_get_int(entry, "current", 0)));
        openbao_no_content(c);
        break;
    case OPENBAO_LIST:
    case OPENBAO_HEAD:
        openbao_fail_wrapped(c, "unsupported operation");
        break;
    }
}

/* As for version 1: the path lacks data/ or metadata/. */
static void fail_path(struct openbao_call *c)
{
    static const char *const verbs[] = {
        [OPENBAO_READ] = "get",    [OPENBAO_LIST] = "list",     [OPENBAO_WRITE] = "put",
        [OPENBAO_PATCH] = "patch", [OPENBAO_DELETE] = "delete", [OPENBAO_HEAD] = "get",
    };

    if (c->operation != OPENBAO_LIST && (strcmp(c->rest, "data") == 0 || strcmp(c->rest, "metadata") == 0))
        openbao_warn(c, "Non-listing operations on the root of a K/V v2 mount are not supported.");
    else
        openbao_warn(c,
                     "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. "
                     "If using the OpenBao CLI, use 'bao kv %s' for this operation.",
                     verbs[c->operation]);
    openbao_answer(c, 404, NULL);
}

void openbao_kv2(struct openbao_call *c)
{
    bool lists_root = c->operation == OPENBAO_LIST && strcmp(c->rest, "metadata") == 0;

    if (c->bao->upgrading > 0) {
        c->bao->upgrading--;
        openbao_fail(c, 400,
                     "Upgrading from non-versioned to versioned data. This backend will be unavailable for a brief period and will resume service "
                     "shortly.");
    } else if (strcmp(c->rest, "config") == 0) {
        openbao_kv2_config(c);
    } else if (c->key == NULL && !lists_root) {
        fail_path(c);
    } else if (lists_root || hl_starts_with(c->rest, "metadata/")) {
        openbao_kv2_metadata(c);
    } else if (hl_starts_with(c->rest, "data/")) {
        serve_data(c);
    } else if (hl_starts_with(c->rest, "delete/")) {
        change_versions(c, delete_version, "No version number provided");
    } else if (hl_starts_with(c->rest, "undelete/")) {
        change_versions(c, undelete_version, "No version number provided");
    } else if (hl_starts_with(c->rest, "destroy/")) {
        change_versions(c, destroy_version, "no version number provided");
    } else {
        fail_path(c);
    }
}
