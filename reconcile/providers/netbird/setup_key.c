/* The kind `setup_key`: what lets machines join. The server tells a key once, when it makes it, and keeps a hash; all but its groups is fixed from then on. */
#include "config.h"

#include "reconcile/providers/netbird/kinds.h"
#include "reconcile/providers/netbird/netbird_session.h"

#include <string.h>

/* Seconds; above, the server's arithmetic in nanoseconds overflows. */
static const int64_t longest_life_s = 9223372036;

static const char *const types[] = {"one-off", "reusable", NULL};
static const char one_off[] = "one-off";

/* ---- the fields ---- */

static void check_lifetime(struct hl_check *check, const struct hl_value *value)
{
    if (value->integer % 1000 != 0)
        hl_diag_error(check->diags, value->at, "'expires_in' is a whole number of seconds");
    if (value->integer / 1000 > longest_life_s)
        hl_diag_error(check->diags, value->at, "'expires_in' is longer than NetBird can tell; leave it out for a key that never expires");
    if (value->integer < 1000) {
        struct hl_diag *diag = hl_diag_error(check->diags, value->at, "'expires_in' is a second at least");
        hl_diag_hint(check->diags, diag, "leave it out for a key that never expires");
    }
}

static const struct hl_field fields[] = {
    {.name = "name",
     .type = HL_F_STRING,
     .immutable = true,
     .doc = "what NetBird calls it; the resource's name when not said",
     .example = "\"K8s routing peer\""},
    {.name = "type",
     .type = HL_F_STRING,
     .required = true,
     .allowed = types,
     .immutable = true,
     .doc = "one-off (for one machine, which uses it up) or reusable",
     .example = "reusable"},
    {.name = "expires_in",
     .type = HL_F_DURATION,
     .immutable = true,
     .check = check_lifetime,
     .doc = "how long it can be used; never ends when not said",
     .example = "365d"},
    HL_NETBIRD_ENDING_FIELDS,
    {.name = "auto_groups",
     .type = HL_F_LIST,
     .item = HL_F_STRING,
     .order = HL_SET,
     .refers_to = "group",
     .doc = "groups (resource, name or id) that a machine is in when it joins with this key",
     .example = "[routers]"},
    {.name = "usage_limit",
     .type = HL_F_INT,
     .fallback = "0",
     .minimum = 0,
     .maximum = INT32_MAX,
     .immutable = true,
     .doc = "how many machines may join with it; 0: any number; a one-off key is for one"},
    {.name = "ephemeral",
     .type = HL_F_BOOL,
     .fallback = "false",
     .immutable = true,
     .doc = "peers that joined with it are deleted when they were away for ten minutes"},
    {.name = "allow_extra_dns_labels",
     .type = HL_F_BOOL,
     .fallback = "false",
     .immutable = true,
     .doc = "peers that joined with it may give themselves more DNS names"},
    {.name = "key",
     .type = HL_F_STRING,
     .computed = true,
     .sensitive = true,
     .doc = "the key itself; told when it is made and kept sealed in the state; null for one that was taken over"},
    HL_NETBIRD_ID,
    {.name = "valid", .type = HL_F_BOOL, .computed = true, .doc = "whether a machine can still join with it"},
    {.name = NULL},
};

static bool is_one_off(const struct hl_value *values)
{
    const char *type = hl_value_get_text(values, "type");

    return type != NULL && strcmp(type, one_off) == 0;
}

static void check_auto_groups(struct hl_check *check, const struct hl_value *groups)
{
    for (size_t i = 0; i < hl_value_count(groups); i++) {
        const struct hl_value *group = hl_value_item(groups, i);
        if (hl_value_is(group, HL_TEXT) && strcmp(group->text.data, "All") == 0)
            hl_diag_hint(check->diags, hl_diag_error(check->diags, group->at, "the group 'All' cannot be one of a key's 'auto_groups'"),
                         "every peer is in it already");
    }
}

static void check_key(struct hl_check *check, const struct hl_value *body)
{
    const struct hl_value *limit = hl_value_get(body, "usage_limit");
    const struct hl_value *name = hl_value_get(body, "name");

    hl_netbird_check_ending(check, body, 0);
    check_auto_groups(check, hl_value_get(body, "auto_groups"));
    if (is_one_off(body) && hl_value_is(limit, HL_INT) && limit->integer != 1)
        hl_diag_hint(check->diags, hl_diag_error(check->diags, limit->at, "a one-off key is for one machine: 'usage_limit' is for reusable keys"),
                     "write `type: reusable`, or leave 'usage_limit' out");
    if (hl_value_is(name, HL_TEXT) && name->text.length == 0)
        hl_diag_error(check->diags, name->at, "'name' is empty");
}

static void complete_key(struct hl_check *check, struct hl_value *body)
{
    hl_netbird_complete(check, body);
    hl_netbird_complete_ending(body);
    hl_netbird_spell(check, body, "auto_groups", "group");
    if (is_one_off(body)) /* always 1, and told so: nothing to compare */
        hl_map_remove(body->map, "usage_limit");
}

/* ---- JSON ---- */

/* Why a new one is due. A one-off key that a machine has joined with has served, whatever becomes of it then. */
static const char *renewal_of(struct hl_session *session, struct hl_arena *arena, const struct hl_value *object, const struct hl_value *desired)
{
    const char *state = hl_value_get_text(object, "state");
    const bool spent = is_one_off(object) && hl_value_get_int(object, "used_times", 0) > 0;
    struct hl_netbird_ending ending = {
        .expires_ms = hl_netbird_time(hl_value_get(object, "expires")),
        .renew_before_ms = hl_value_get_int(desired, "renew_before", 0),
    };

    if (spent)
        return "none";
    if (hl_value_get_bool(object, "revoked", false))
        ending.ended = "revoked"; /* also when it has expired since: somebody did that */
    else if (state != NULL && strcmp(state, "expired") == 0)
        ending.ended = "expired";
    else if (state != NULL && strcmp(state, "overused") == 0)
        ending.ended = "used up";
    return hl_netbird_renewal(arena, session->run, &ending);
}

static bool read_key(struct hl_session *session, struct hl_arena *arena, const struct hl_value *object, const struct hl_value *desired, struct hl_value *values,
                     struct hl_error **err)
{
    const int64_t expires_ms = hl_netbird_time(hl_value_get(object, "expires"));
    struct hl_value *groups = NULL;

    if (!hl_netbird_names(session, HL_NETBIRD_GROUPS, hl_value_get(object, "auto_groups"), hl_value_get(desired, "auto_groups"), arena, &groups, err))
        return false;
    hl_value_map_put_text(values, "name", hl_value_get_text(object, "name"));
    hl_value_map_put_text(values, "type", hl_value_get_text(object, "type"));
    hl_value_map_put(values, "auto_groups", groups);
    if (!is_one_off(object)) {
        const int64_t limit = hl_value_get_int(object, "usage_limit", 0);
        hl_value_map_put_int(values, "usage_limit", limit > 0 ? limit : 0); /* a negative one is none, too */
    }
    hl_value_map_put_bool(values, "ephemeral", hl_value_get_bool(object, "ephemeral", false));
    hl_value_map_put_bool(values, "allow_extra_dns_labels", hl_value_get_bool(object, "allow_extra_dns_labels", false));
    hl_value_map_put_text(values, "renewal", renewal_of(session, arena, object, desired));
    hl_value_map_put_bool(values, "valid", hl_value_get_bool(object, "valid", false));
    if (expires_ms != 0)
        hl_value_map_put_int(values, "expires_at", expires_ms);
    return true;
}

static bool put_groups(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object, struct hl_value *body,
                       struct hl_error **err)
{
    const struct hl_value *names = hl_value_get(desired, "auto_groups");
    const struct hl_value *now = hl_value_get(object, "auto_groups");
    struct hl_value *ids = NULL;

    if (names == NULL && hl_value_is(now, HL_LIST))
        ids = hl_value_copy(arena, now);
    else if (!hl_netbird_ids(session, HL_NETBIRD_GROUPS, "group", names, arena, &ids, err))
        return false;
    hl_value_map_put(body, "auto_groups", ids); /* null and missing are refused */
    return true;
}

/* Of an existing key the server takes the groups and whether it is revoked, and un-revokes none. */
static bool write_key(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object, struct hl_value *body,
                      struct hl_error **err)
{
    if (!put_groups(session, arena, desired, object, body, err))
        return false;
    if (object != NULL) {
        hl_value_map_put_bool(body, "revoked", hl_value_get_bool(object, "revoked", false));
        return true;
    }
    hl_value_map_put_text(body, "name", hl_value_get_text(desired, "name"));
    hl_value_map_put_text(body, "type", hl_value_get_text(desired, "type"));
    hl_value_map_put_int(body, "expires_in", hl_value_get_int(desired, "expires_in", 0) / 1000);
    hl_value_map_put_int(body, "usage_limit", is_one_off(desired) ? 1 : hl_value_get_int(desired, "usage_limit", 0));
    hl_value_map_put_bool(body, "ephemeral", hl_value_get_bool(desired, "ephemeral", false));
    hl_value_map_put_bool(body, "allow_extra_dns_labels", hl_value_get_bool(desired, "allow_extra_dns_labels", false));
    return true;
}

/* Names of keys are not unique, and old keys that are good for nothing stay in the list under theirs. */
static bool is_alive(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object)
{
    (void)session;
    (void)arena;
    (void)desired;
    return hl_value_get_bool(object, "valid", false);
}

static bool is_offered(const struct hl_value *object)
{
    return hl_value_get_bool(object, "valid", false);
}

static const char *const untold[] = {"expires_in", NULL};

static const struct hl_netbird_form form = {
    .verbs = HL_NETBIRD_VERBS,
    .list = HL_NETBIRD_SETUP_KEYS,
    .what = "setup key",
    .collection = "/api/setup-keys",
    .read = read_key,
    .write = write_key,
    .same = is_alive,
    .once_member = "key",
    .once_field = "key",
    .untold = untold,
    .offered = is_offered,
};

const struct hl_kind hl_kind_setup_key = {
    .name = "setup_key",
    .section = "setup_keys",
    .provider = "netbird",
    .doc = "a key that machines join the mesh with; a new one takes its place before it ends, and when it was revoked or used up",
    .example = "type: reusable\nexpires_in: 365d\nrenew_before: 30d\nauto_groups: [routers]\n",
    .fields = fields,
    .create_first = true,
    .check = check_key,
    .complete = complete_key,
    .verbs = &form.verbs,
};
