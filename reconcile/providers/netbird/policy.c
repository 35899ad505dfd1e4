/* The kind `policy`: who may talk to whom. The API has a list of rules, and keeps one of them (a rule that it has not seen gets the policy's own id, so that a
 * second one takes the first one's place): more are refused here. */
#include "config.h"

#include "reconcile/providers/netbird/kinds.h"
#include "reconcile/providers/netbird/parts.h"
#include "reconcile/providers/netbird/policy_rule.h"

#include <string.h>

/* ---- the table ---- */

static const struct hl_field fields[] = {
    HL_NETBIRD_NAME_FIELD,
    {.name = "rules",
     .type = HL_F_LIST,
     .item = HL_F_OBJECT,
     .fields = hl_netbird_rule_fields,
     .key = "name",
     .forms = HL_FORM_SINGLE,
     .required = true,
     .doc = "the rule; NetBird keeps one in a policy",
     .example = "{sources: [admins], destinations: [lan-servers], protocol: tcp, ports: [22]}"},
    {.name = "source_posture_checks",
     .type = HL_F_LIST,
     .item = HL_F_STRING,
     .order = HL_SET,
     .forms = HL_FORM_SINGLE,
     .doc = "posture checks in NetBird that sources must pass, by name or id"},
    {.name = "enabled", .type = HL_F_BOOL, .fallback = "true", .doc = "whether it holds"},
    {.name = "description", .type = HL_F_STRING, .doc = "a line for people"},
    HL_NETBIRD_ID,
    {.name = NULL},
};

static void check_body(struct hl_check *check, const struct hl_value *body)
{
    const struct hl_value *name = hl_value_get(body, "name");
    const struct hl_value *rules = hl_value_get(body, "rules");

    if (hl_value_is(name, HL_TEXT) && name->text.length == 0)
        hl_diag_error(check->diags, name->at, "the name of policy '%s' is empty", check->name);
    if (hl_value_is(rules, HL_LIST) && hl_value_count(rules) == 0)
        hl_diag_error(check->diags, rules->at, "policy '%s' needs a rule", check->name);
    if (hl_value_count(rules) > 1)
        hl_diag_hint(check->diags, hl_diag_error(check->diags, hl_value_item(rules, 1)->at, "policy '%s' has several rules: NetBird keeps one", check->name),
                     "make a policy of each");
    for (size_t i = 0; i < hl_value_count(rules); i++)
        hl_netbird_rule_check(check, hl_value_item(rules, i));
}

static void complete_body(struct hl_check *check, struct hl_value *body)
{
    const struct hl_value *rules = hl_value_get(body, "rules");

    hl_netbird_complete(check, body);
    for (size_t i = 0; i < hl_value_count(rules); i++)
        hl_netbird_rule_complete(check, hl_value_item(rules, i), body);
}

/* ---- from NetBird, and to it ---- */

/* The item of `rules` with this name; else the only one there is: a rule that was renamed is still the policy's rule. */
static const struct hl_value *counterpart(const struct hl_value *rules, const char *name)
{
    for (size_t i = 0; name != NULL && i < hl_value_count(rules); i++) {
        const char *other = hl_value_get_text(hl_value_item(rules, i), "name");
        if (other != NULL && strcmp(other, name) == 0)
            return hl_value_item(rules, i);
    }
    return hl_value_count(rules) == 1 ? hl_value_item(rules, 0) : NULL;
}

static bool read_policy(struct hl_session *session, struct hl_arena *arena, const struct hl_value *object, const struct hl_value *desired,
                        struct hl_value *values, struct hl_error **err)
{
    static const char *const plain[] = {"id", "name", "description", "enabled", NULL};
    const struct hl_value *rules = hl_value_get(object, "rules");
    struct hl_value *list = hl_value_list(arena);

    hl_netbird_take(arena, object, plain, values);
    for (size_t i = 0; i < hl_value_count(rules); i++) {
        const struct hl_value *rule = hl_value_item(rules, i);
        const struct hl_value *wanted = counterpart(hl_value_get(desired, "rules"), hl_value_get_text(rule, "name"));
        struct hl_value *read = NULL;
        if (!hl_netbird_rule_read(session, arena, rule, wanted, &read, err))
            return false;
        hl_value_list_add(arena, list, read);
    }
    hl_value_map_put(values, "rules", list);
    return hl_netbird_take_names(session, arena, HL_NETBIRD_POSTURE_CHECKS, "source_posture_checks", object, desired, values, err);
}

static bool write_rules(struct hl_session *session, struct hl_arena *arena, const struct hl_value *wanted, const struct hl_value *kept, struct hl_value *body,
                        struct hl_error **err)
{
    struct hl_value *list = hl_value_list(arena);

    for (size_t i = 0; i < hl_value_count(wanted); i++) {
        const struct hl_value *rule = hl_value_item(wanted, i);
        struct hl_value *made = NULL;
        if (!hl_netbird_rule_write(session, arena, rule, counterpart(kept, hl_value_get_text(rule, "name")), &made, err))
            return false;
        hl_value_list_add(arena, list, made);
    }
    hl_value_map_put(body, "rules", list);
    return true;
}

static bool write_policy(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object,
                         struct hl_value *body, struct hl_error **err)
{
    static const char *const plain[] = {"name", "description", "enabled", NULL};

    hl_netbird_put_fields(arena, fields, plain, desired, object, body);
    return write_rules(session, arena, hl_value_get(desired, "rules"), hl_value_get(object, "rules"), body, err) &&
           hl_netbird_put_ids(session, arena, HL_NETBIRD_POSTURE_CHECKS, "posture check", "source_posture_checks", desired, object, body, err);
}

static bool is_possible(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const char **reason, const char **hint,
                        struct hl_error **err)
{
    const struct hl_value *rules = hl_value_get(desired, "rules");

    for (size_t i = 0; i < hl_value_count(rules); i++) {
        if (!hl_netbird_rule_possible(session, arena, hl_value_item(rules, i), reason, hint, err))
            return false;
    }
    return true;
}

/* ---- what the server drops without a word ---- */

/* The id of what is named, or the text itself when it is no longer known. */
static const char *id_or_text(struct hl_session *session, struct hl_arena *arena, enum hl_netbird_list list, const char *text)
{
    hl_auto(error) struct hl_error *ignored = NULL;
    const char *id = NULL;

    return hl_netbird_id(session, list, "object", text, arena, &id, &ignored) ? id : text;
}

/* The first of `wanted` that `told` lacks, or NULL. */
static const char *find_lost(const struct hl_op *op, enum hl_netbird_list list, const struct hl_value *wanted, const struct hl_value *told)
{
    struct hl_map *known = hl_map_new(op->arena);

    for (size_t i = 0; i < hl_value_count(told); i++) {
        const struct hl_value *item = hl_value_item(told, i);
        if (hl_value_is(item, HL_TEXT))
            hl_map_put(known, id_or_text(op->session, op->arena, list, item->text.data), known);
    }
    for (size_t i = 0; i < hl_value_count(wanted); i++) {
        const struct hl_value *item = hl_value_item(wanted, i);
        if (hl_value_is(item, HL_TEXT) && !hl_map_has(known, id_or_text(op->session, op->arena, list, item->text.data)))
            return item->text.data;
    }
    return NULL;
}

/* Groups and posture checks that were deleted after hlrec had read them: the policy would let through others than it says. */
static bool check_answer(struct hl_op *op, struct hl_error **err)
{
    const struct hl_value *rules = hl_value_get(op->desired, "rules");
    const char *lost =
        find_lost(op, HL_NETBIRD_POSTURE_CHECKS, hl_value_get(op->desired, "source_posture_checks"), hl_value_get(op->result, "source_posture_checks"));

    for (size_t i = 0; i < hl_value_count(rules) && lost == NULL; i++) {
        const struct hl_value *rule = hl_value_item(rules, i);
        const struct hl_value *told = counterpart(hl_value_get(op->result, "rules"), hl_value_get_text(rule, "name"));
        lost = find_lost(op, HL_NETBIRD_GROUPS, hl_value_get(rule, "sources"), hl_value_get(told, "sources"));
        if (lost == NULL)
            lost = find_lost(op, HL_NETBIRD_GROUPS, hl_value_get(rule, "destinations"), hl_value_get(told, "destinations"));
    }
    if (lost == NULL)
        return true;
    hl_netbird_stale(op->session, HL_NETBIRD_GROUPS);
    hl_netbird_stale(op->session, HL_NETBIRD_POSTURE_CHECKS);
    hl_fail(err, HL_E_REJECTED, "NetBird left '%s' out of policy '%s' without a word: it was deleted meanwhile", lost, op->name);
    return hl_error_hint(err, "apply again: the plan says what is missing now");
}

/* ---- verbs ---- */

/* Members of a rule that the spec said and says no more: their defaults, or null, so that write() does not keep what the rule has. */
static struct hl_value *with_dropped(struct hl_op *op)
{
    struct hl_value *desired = hl_value_copy(op->arena, op->desired);
    const struct hl_value *rules = hl_value_get(desired, "rules");

    for (size_t i = 0; i < hl_value_count(rules); i++) {
        struct hl_value *rule = hl_value_item(rules, i);
        const char *prefix = hl_arena_printf(op->arena, "rules.%s.", hl_value_get_text(rule, "name"));
        for (size_t j = 0; j < op->changes_count; j++) {
            const struct hl_change *change = &op->changes[j];
            if (!hl_starts_with(change->path, prefix))
                continue;
            const char *rest = change->path + strlen(prefix);
            const char *member = hl_arena_copy(op->arena, rest, strcspn(rest, "."));
            const bool whole = change->desired != NULL && strchr(rest, '.') == NULL;
            if (hl_value_get(rule, member) == NULL)
                hl_value_map_put(rule, member, whole ? hl_value_copy(op->arena, change->desired) : hl_value_null(op->arena));
        }
    }
    return desired;
}

static bool create_policy(struct hl_op *op, struct hl_error **err)
{
    return hl_netbird_create(op, err) && check_answer(op, err);
}

static bool update_policy(struct hl_op *op, struct hl_error **err)
{
    const struct hl_value *desired = op->desired;

    op->desired = with_dropped(op);
    const bool done = hl_netbird_update(op, err);
    op->desired = desired;
    return done && check_answer(op, err);
}

static const struct hl_netbird_form form = {
    .verbs = {.refresh = hl_netbird_refresh,
              .create = create_policy,
              .update = update_policy,
              .remove = hl_netbird_remove,
              .recover = hl_netbird_recover,
              .unmanaged = hl_netbird_unmanaged},
    .list = HL_NETBIRD_POLICIES,
    .what = "policy",
    .collection = "/api/policies",
    .read = read_policy,
    .write = write_policy,
    .possible = is_possible,
};

const struct hl_kind hl_kind_policy = {
    .name = "policy",
    .section = "policies",
    .provider = "netbird",
    .doc = "who may talk to whom in the mesh, and to the networks beyond it",
    .example = "rules:\n  - sources: [admins]\n    destinations: [lan-servers]\n    protocol: tcp\n    ports: [22, 443]\n",
    .fields = fields,
    .check = check_body,
    .complete = complete_body,
    .verbs = &form.verbs,
};
