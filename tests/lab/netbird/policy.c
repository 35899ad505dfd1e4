#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include <string.h>

static const struct netbird_field resource_fields[] = {{"id", NETBIRD_TEXT, NULL}, {"type", NETBIRD_TEXT, NULL}, {NULL, NETBIRD_TEXT, NULL}};
static const struct netbird_field range_fields[] = {{"start", NETBIRD_INT, NULL}, {"end", NETBIRD_INT, NULL}, {NULL, NETBIRD_TEXT, NULL}};

static const struct netbird_field rule_fields[] = {
    {"id", NETBIRD_TEXT, NULL},
    {"name", NETBIRD_TEXT, NULL},
    {"description", NETBIRD_TEXT, NULL},
    {"enabled", NETBIRD_BOOL, NULL},
    {"action", NETBIRD_TEXT, NULL},
    {"bidirectional", NETBIRD_BOOL, NULL},
    {"protocol", NETBIRD_TEXT, NULL},
    {"ports", NETBIRD_TEXTS, NULL},
    {"port_ranges", NETBIRD_OBJECTS, range_fields},
    {"sources", NETBIRD_TEXTS, NULL},
    {"sourceResource", NETBIRD_OBJECT, resource_fields},
    {"destinations", NETBIRD_TEXTS, NULL},
    {"destinationResource", NETBIRD_OBJECT, resource_fields},
    {"authorized_groups", NETBIRD_LISTS, NULL},
    {NULL, NETBIRD_TEXT, NULL},
};

static const struct netbird_field fields[] = {
    {"name", NETBIRD_TEXT, NULL},
    {"description", NETBIRD_TEXT, NULL},
    {"enabled", NETBIRD_BOOL, NULL},
    {"source_posture_checks", NETBIRD_TEXTS, NULL},
    {"rules", NETBIRD_OBJECTS, rule_fields},
    {NULL, NETBIRD_TEXT, NULL},
};

/* --- Answers --- */

/* One memory for all lists of a policy: a group that was told before is left out of sources, and has no resources in destinations if it
 * was a source. */
static struct hl_value *describe_groups(struct netbird_call *c, const struct hl_value *ids, struct hl_value *told, bool sources)
{
    struct hl_value *out = hl_value_list(c->arena);

    for (size_t i = 0; i < hl_value_count(ids); i++) {
        const char *id = hl_value_item(ids, i)->text.data;
        const struct hl_value *group = netbird_find(c->netbird, NETBIRD_GROUP, id);
        struct hl_value *brief = hl_value_get(told, id);

        if (group == NULL || (brief != NULL && sources))
            continue;
        if (brief == NULL) {
            brief = netbird_describe_group_briefly(c->arena, group);
            if (sources)
                hl_value_map_put_int(brief, "resources_count", 0);
            hl_value_map_put(told, id, brief);
        }
        hl_value_list_add(c->arena, out, brief);
    }
    return hl_value_count(out) == 0 ? hl_value_null(c->arena) : netbird_shuffle(c->netbird, out);
}

static struct hl_value *describe_rule(struct netbird_call *c, const struct hl_value *rule, struct hl_value *told)
{
    static const char *const same[] = {"action", "bidirectional", "description", "enabled", "id", "name", "protocol"};
    static const char *const lists[] = {"ports", "port_ranges", "authorized_groups"};
    static const char *const resources[] = {"sourceResource", "destinationResource"};
    struct hl_value *out = hl_value_map(c->arena);

    for (size_t i = 0; i < HL_COUNT(same); i++)
        hl_value_map_put(out, same[i], hl_value_get(rule, same[i]));
    for (size_t i = 0; i < HL_COUNT(lists); i++)
        if (hl_value_count(hl_value_get(rule, lists[i])) > 0)
            hl_value_map_put(out, lists[i], hl_value_get(rule, lists[i]));
    for (size_t i = 0; i < HL_COUNT(resources); i++)
        if (hl_value_count(hl_value_get(rule, resources[i])) > 0)
            hl_value_map_put(out, resources[i], hl_value_get(rule, resources[i]));
    hl_value_map_put(out, "sources", describe_groups(c, hl_value_get(rule, "sources"), told, true));
    hl_value_map_put(out, "destinations", describe_groups(c, hl_value_get(rule, "destinations"), told, false));
    return out;
}

static struct hl_value *describe(struct netbird_call *c, const struct hl_value *policy)
{
    static const char *const same[] = {"description", "enabled", "id", "name", "source_posture_checks"};
    const struct hl_value *rules = hl_value_get(policy, "rules");
    struct hl_value *out = hl_value_map(c->arena), *list = hl_value_list(c->arena), *told = hl_value_map(c->arena);

    for (size_t i = 0; i < HL_COUNT(same); i++)
        hl_value_map_put(out, same[i], hl_value_get(policy, same[i]));
    for (size_t i = 0; i < hl_value_count(rules); i++)
        hl_value_list_add(c->arena, list, describe_rule(c, hl_value_item(rules, i), told));
    hl_value_map_put(out, "rules", list);
    return out;
}

void netbird_policies_list(struct netbird_call *c)
{
    struct hl_value *out = hl_value_list(c->arena);

    if (!netbird_allow(c, NETBIRD_M_POLICIES, NETBIRD_READ))
        return;
    for (size_t i = 0; i < c->netbird->tables[NETBIRD_POLICY].count; i++)
        hl_value_list_add(c->arena, out, describe(c, netbird_at(c->netbird, NETBIRD_POLICY, i)));
    netbird_ok(c, netbird_shuffle(c->netbird, out));
}

static const struct hl_value *find(struct netbird_call *c, enum netbird_operation operation)
{
    const struct hl_value *policy = netbird_find(c->netbird, NETBIRD_POLICY, c->parts[0]);

    if (!netbird_allow(c, NETBIRD_M_POLICIES, operation))
        return NULL;
    if (policy == NULL)
        netbird_fail(c, 404, "policy: %s not found", c->parts[0]);
    return policy;
}

void netbird_policy_get(struct netbird_call *c)
{
    const struct hl_value *policy = find(c, NETBIRD_READ);

    if (policy != NULL)
        netbird_ok(c, describe(c, policy));
}

/* --- What the handler checks --- */

static bool check_ends(struct netbird_call *c, const struct hl_value *rule)
{
    bool sources = hl_value_get(rule, "sources") != NULL, source = hl_value_get(rule, "sourceResource") != NULL;
    bool destinations = hl_value_get(rule, "destinations") != NULL, destination = hl_value_get(rule, "destinationResource") != NULL;

    if (sources && source)
        return netbird_fail(c, 422, "specify either sources or  source resources, not both");
    if (destinations && destination)
        return netbird_fail(c, 422, "specify either destinations or  destination resources, not both");
    if ((!sources && !source) || (!destinations && !destination))
        return netbird_fail(c, 422, "specify either sources or source resources and destinations or destination resources");
    return true;
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(*words, text) == 0)
            return true;
    return false;
}

static bool check_ports(struct netbird_call *c, const struct hl_value *rule)
{
    const char *protocol = netbird_text(rule, "protocol");
    const struct hl_value *ports = hl_value_get(rule, "ports"), *ranges = hl_value_get(rule, "port_ranges");
    bool valid = true;
    int64_t number = 0;

    if (hl_value_count(ports) > 0 && hl_value_count(ranges) > 0)
        return netbird_fail(c, 422, "specify either individual ports or port ranges, not both");
    for (size_t i = 0; i < hl_value_count(ports); i++)
        valid = valid && hl_parse_int(hl_value_item(ports, i)->text.data, 1, 65535, &number);
    for (size_t i = 0; i < hl_value_count(ranges); i++)
        valid = valid && hl_value_get_int(hl_value_item(ranges, i), "start", 0) >= 1 && hl_value_get_int(hl_value_item(ranges, i), "end", 0) <= 65535;
    if (!valid)
        return netbird_fail(c, 422, "valid port value is in 1..65535 range");
    if ((strcmp(protocol, "all") == 0 || strcmp(protocol, "icmp") == 0) && hl_value_count(ports) + hl_value_count(ranges) > 0)
        return netbird_fail(c, 422, "for ALL or ICMP protocol ports is not allowed");
    return true;
}

static bool check_rule(struct netbird_call *c, const struct hl_value *rule)
{
    static const char *const actions[] = {"accept", "drop", NULL};
    static const char *const protocols[] = {"all", "tcp", "udp", "icmp", "netbird-ssh", NULL};
    const struct hl_value *authorized = hl_value_get(rule, "authorized_groups"), *sources = hl_value_get(rule, "sources");
    const char *protocol = netbird_text(rule, "protocol");

    if (!check_ends(c, rule))
        return false;
    if (!is_one_of(netbird_text(rule, "action"), actions))
        return netbird_fail(c, 422, "unknown action type");
    if (!is_one_of(protocol, protocols))
        return netbird_fail(c, 422, "unknown protocol type: %s", protocol);
    if (!check_ports(c, rule))
        return false;
    for (size_t i = 0; strcmp(protocol, "netbird-ssh") == 0 && hl_value_count(authorized) > 0 && i < hl_value_count(sources); i++)
        if (hl_value_get(authorized, hl_value_item(sources, i)->text.data) == NULL)
            return netbird_fail(c, 422, "authorized group for netbird-ssh protocol should be specified for each source group");
    return true;
}

static bool check(struct netbird_call *c, const struct hl_value *body)
{
    const struct hl_value *rules = hl_value_get(body, "rules");

    if (*netbird_text(body, "name") == '\0')
        return netbird_fail(c, 422, "policy name shouldn't be empty");
    if (hl_value_count(rules) == 0)
        return netbird_fail(c, 422, "policy rules shouldn't be empty");
    for (size_t i = 0; i < hl_value_count(rules); i++)
        if (!check_rule(c, hl_value_item(rules, i)))
            return false;
    return true;
}

/* --- Changes --- */

/* Ids of groups that are not there vanish without a word. */
static struct hl_value *known_groups(struct netbird_call *c, const struct hl_value *ids)
{
    struct hl_value *out = hl_value_list(c->arena);

    for (size_t i = 0; i < hl_value_count(ids); i++)
        if (netbird_find(c->netbird, NETBIRD_GROUP, hl_value_item(ids, i)->text.data) != NULL)
            hl_value_list_add(c->arena, out, hl_value_item(ids, i));
    return out;
}

/* A rule without an id gets that of the policy. */
static struct hl_value *make_rule(struct netbird_call *c, const struct hl_value *wish, const char *policy, const char *id)
{
    static const char *const flags[] = {"enabled", "bidirectional"};
    static const char *const texts[] = {"name", "description", "action", "protocol"};
    static const char *const others[] = {"ports", "port_ranges", "sourceResource", "destinationResource"};
    struct hl_value *rule = hl_value_map(c->arena);

    hl_value_map_put_text(rule, "id", *id == '\0' ? policy : id);
    for (size_t i = 0; i < HL_COUNT(flags); i++)
        hl_value_map_put_bool(rule, flags[i], hl_value_get_bool(wish, flags[i], false));
    for (size_t i = 0; i < HL_COUNT(texts); i++)
        hl_value_map_put_text(rule, texts[i], netbird_text(wish, texts[i]));
    for (size_t i = 0; i < HL_COUNT(others); i++)
        hl_value_map_put(rule, others[i], hl_value_get(wish, others[i]));
    if (strcmp(netbird_text(wish, "protocol"), "netbird-ssh") == 0)
        hl_value_map_put(rule, "authorized_groups", hl_value_get(wish, "authorized_groups"));
    hl_value_map_put(rule, "sources", known_groups(c, hl_value_get(wish, "sources")));
    hl_value_map_put(rule, "destinations", known_groups(c, hl_value_get(wish, "destinations")));
    return rule;
}

static bool has_rule(const struct hl_value *policy, const char *id)
{
    const struct hl_value *rules = hl_value_get(policy, "rules");

    for (size_t i = 0; i < hl_value_count(rules); i++)
        if (strcmp(netbird_text(hl_value_item(rules, i), "id"), id) == 0)
            return true;
    return false;
}

/* What the database keeps: of rules with one id, as those without get, the first. The answer to the change told them all. */
static struct hl_value *distinct_rules(struct netbird_call *c, const struct hl_value *rules)
{
    struct hl_value *out = hl_value_list(c->arena);
    struct hl_map seen;

    hl_map_init(&seen, c->arena);
    for (size_t i = 0; i < hl_value_count(rules); i++) {
        const char *id = netbird_text(hl_value_item(rules, i), "id");

        if (hl_map_has(&seen, id))
            continue;
        hl_map_put(&seen, id, out);
        hl_value_list_add(c->arena, out, hl_value_item(rules, i));
    }
    return out;
}

/* `old`: NULL for a new one, which takes no ids of rules. There are no posture checks here, so that none of them is known. */
static void save(struct netbird_call *c, const struct hl_value *old, const struct hl_value *body)
{
    const struct hl_value *wishes = hl_value_get(body, "rules");
    const char *id = old == NULL ? netbird_new_id(c->netbird, c->arena) : c->parts[0];
    struct hl_value *policy = hl_value_map(c->arena), *rules = hl_value_list(c->arena);

    for (size_t i = 0; i < hl_value_count(wishes); i++) {
        const struct hl_value *wish = hl_value_item(wishes, i);
        const char *rule = old == NULL ? "" : netbird_text(wish, "id");

        if (*rule != '\0' && !has_rule(old, rule)) {
            netbird_fail(c, 422, "invalid rule ID: %s", rule);
            return;
        }
        hl_value_list_add(c->arena, rules, make_rule(c, wish, id, rule));
    }
    hl_value_map_put_text(policy, "id", id);
    hl_value_map_put_text(policy, "name", netbird_text(body, "name"));
    hl_value_map_put_text(policy, "description", netbird_text(body, "description"));
    hl_value_map_put_bool(policy, "enabled", hl_value_get_bool(body, "enabled", false));
    hl_value_map_put(policy, "source_posture_checks", hl_value_get(body, "source_posture_checks") == NULL ? hl_value_null(c->arena) : hl_value_list(c->arena));
    hl_value_map_put(policy, "rules", rules);
    netbird_ok(c, describe(c, policy));
    hl_value_map_put(policy, "rules", distinct_rules(c, rules));
    netbird_put(c->netbird, NETBIRD_POLICY, policy);
}

void netbird_policy_create(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, fields);

    if (body != NULL && check(c, body) && netbird_allow(c, NETBIRD_M_POLICIES, NETBIRD_CREATE))
        save(c, NULL, body);
}

void netbird_policy_update(struct netbird_call *c)
{
    const struct hl_value *old = find(c, NETBIRD_READ);
    const struct hl_value *body = old == NULL ? NULL : netbird_body(c, fields);

    if (body != NULL && check(c, body) && netbird_allow(c, NETBIRD_M_POLICIES, NETBIRD_UPDATE))
        save(c, old, body);
}

void netbird_policy_delete(struct netbird_call *c)
{
    if (find(c, NETBIRD_DELETE) == NULL)
        return;
    netbird_remove(c->netbird, NETBIRD_POLICY, c->parts[0]);
    netbird_done(c);
}

/* --- Posture checks: there are none, and none can be made here --- */

void netbird_posture_checks_list(struct netbird_call *c)
{
    if (netbird_allow(c, NETBIRD_M_POLICIES, NETBIRD_READ))
        netbird_ok(c, hl_value_list(c->arena));
}

void netbird_posture_check_missing(struct netbird_call *c)
{
    enum netbird_operation operation = strcmp(c->call->method, "DELETE") == 0 ? NETBIRD_DELETE : NETBIRD_READ;

    if (netbird_allow(c, NETBIRD_M_POLICIES, operation))
        netbird_fail(c, 404, "posture checks: %s not found", c->parts[0]);
}

/* --- For networks --- */

static bool leads_to(const struct hl_value *rule, const struct hl_map *resources, const struct hl_map *groups)
{
    const struct hl_value *destinations = hl_value_get(rule, "destinations");

    if (!hl_value_get_bool(rule, "enabled", false))
        return false;
    for (size_t i = 0; i < hl_value_count(destinations); i++)
        if (hl_map_has(groups, hl_value_item(destinations, i)->text.data))
            return true;
    return hl_map_has(resources, netbird_text(hl_value_get(rule, "destinationResource"), "id"));
}

static bool policy_leads_to(const struct hl_value *policy, const struct hl_map *resources, const struct hl_map *groups)
{
    const struct hl_value *rules = hl_value_get(policy, "rules");

    for (size_t i = 0; hl_value_get_bool(policy, "enabled", false) && i < hl_value_count(rules); i++)
        if (leads_to(hl_value_item(rules, i), resources, groups))
            return true;
    return false;
}

struct hl_value *netbird_policies_of_resources(struct netbird_call *c, const struct hl_value *resources, const struct hl_value *groups)
{
    struct hl_value *out = hl_value_list(c->arena);
    struct hl_map known, holders;

    hl_map_init(&known, c->arena);
    hl_map_init(&holders, c->arena);
    for (size_t i = 0; i < hl_value_count(resources); i++) {
        const char *id = hl_value_item(resources, i)->text.data;
        const struct hl_value *own = hl_value_get(groups, id);

        hl_map_put(&known, id, out);
        for (size_t j = 0; j < hl_value_count(own); j++)
            hl_map_put(&holders, netbird_text(hl_value_item(own, j), "id"), out);
    }
    for (size_t i = 0; known.count > 0 && i < c->netbird->tables[NETBIRD_POLICY].count; i++) {
        const struct hl_value *policy = netbird_at(c->netbird, NETBIRD_POLICY, i);

        if (policy_leads_to(policy, &known, &holders))
            hl_value_list_add(c->arena, out, hl_value_get(policy, "id"));
    }
    return netbird_shuffle(c->netbird, out);
}
