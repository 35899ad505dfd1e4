#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include <string.h>

static const struct netbird_field resource_fields[] = {{"id", NETBIRD_TEXT, NULL}, {"type", NETBIRD_TEXT, NULL}, {NULL, NETBIRD_TEXT, NULL}};

static const struct netbird_field fields[] = {
    {"name", NETBIRD_TEXT, NULL},
    {"peers", NETBIRD_TEXTS, NULL},
    {"resources", NETBIRD_OBJECTS, resource_fields},
    {NULL, NETBIRD_TEXT, NULL},
};

static bool is_all(const struct hl_value *group)
{
    return strcmp(netbird_text(group, "name"), "All") == 0;
}

/* --- What others need of groups --- */

/* Of several the one with most peers. */
struct hl_value *netbird_find_group_by_name(const struct netbird *netbird, const char *name)
{
    struct hl_value *best = NULL;

    for (size_t i = 0; i < netbird->tables[NETBIRD_GROUP].count; i++) {
        struct hl_value *group = netbird_at(netbird, NETBIRD_GROUP, i);

        if (strcmp(netbird_text(group, "name"), name) == 0 &&
            (best == NULL || hl_value_count(hl_value_get(group, "peers")) > hl_value_count(hl_value_get(best, "peers"))))
            best = group;
    }
    return best;
}

bool netbird_check_groups(struct netbird_call *c, const struct hl_value *ids)
{
    if (hl_value_count(ids) == 0)
        return netbird_fail(c, 422, "the list of group IDs should not be empty");
    for (size_t i = 0; i < hl_value_count(ids); i++) {
        const char *id = hl_value_item(ids, i)->text.data;

        if (*id == '\0')
            return netbird_fail(c, 422, "group ID should not be empty string");
        if (netbird_find(c->netbird, NETBIRD_GROUP, id) == NULL)
            return netbird_fail(c, 422, "group id %s not found", id);
    }
    return true;
}

struct hl_value *netbird_describe_group_briefly(struct hl_arena *arena, const struct hl_value *group)
{
    struct hl_value *out = hl_value_map(arena);

    hl_value_map_put_text(out, "id", netbird_text(group, "id"));
    hl_value_map_put_text(out, "name", netbird_text(group, "name"));
    hl_value_map_put_int(out, "peers_count", (int64_t)hl_value_count(hl_value_get(group, "peers")));
    hl_value_map_put_int(out, "resources_count", (int64_t)hl_value_count(hl_value_get(group, "resources")));
    return out;
}

static void add_brief(struct netbird_call *c, struct hl_value *out, const char *member, const struct hl_value *group)
{
    struct hl_value *list = hl_value_get(out, member);

    if (list == NULL) {
        list = hl_value_list(c->arena);
        hl_value_map_put(out, member, list);
    }
    hl_value_list_add(c->arena, list, netbird_describe_group_briefly(c->arena, group));
}

struct hl_value *netbird_groups_of_members(struct netbird_call *c)
{
    struct hl_value *out = hl_value_map(c->arena);

    for (size_t i = 0; i < c->netbird->tables[NETBIRD_GROUP].count; i++) {
        const struct hl_value *group = netbird_at(c->netbird, NETBIRD_GROUP, i);
        const struct hl_value *peers = hl_value_get(group, "peers"), *resources = hl_value_get(group, "resources");

        for (size_t j = 0; j < hl_value_count(peers); j++)
            add_brief(c, out, hl_value_item(peers, j)->text.data, group);
        for (size_t j = 0; j < hl_value_count(resources); j++)
            add_brief(c, out, netbird_text(hl_value_item(resources, j), "id"), group);
    }
    for (size_t i = 0; i < hl_value_count(out); i++)
        netbird_shuffle(c->netbird, hl_value_at(out, i));
    return out;
}

static bool has_member(const struct hl_value *group, const char *member)
{
    const struct hl_value *resources = hl_value_get(group, "resources");

    for (size_t i = 0; i < hl_value_count(resources); i++)
        if (strcmp(netbird_text(hl_value_item(resources, i), "id"), member) == 0)
            return true;
    return netbird_list_has(hl_value_get(group, "peers"), member);
}

struct hl_value *netbird_groups_of(struct netbird_call *c, const char *member)
{
    struct hl_value *out = hl_value_map(c->arena);

    for (size_t i = 0; i < c->netbird->tables[NETBIRD_GROUP].count; i++)
        if (has_member(netbird_at(c->netbird, NETBIRD_GROUP, i), member))
            add_brief(c, out, member, netbird_at(c->netbird, NETBIRD_GROUP, i));
    if (hl_value_count(out) > 0)
        netbird_shuffle(c->netbird, hl_value_at(out, 0));
    return out;
}

/* In place: a copy for each peer that joins `All` would cost the square of the peers. The caller knows that it is new. */
void netbird_add_to_group(struct netbird *netbird, const char *group, const char *list, struct hl_value *member)
{
    struct hl_value *found = netbird_find(netbird, NETBIRD_GROUP, group);

    if (found != NULL)
        hl_value_list_add(netbird->arena, hl_value_get(found, list), hl_value_copy(netbird->arena, member));
}

/* --- Answers --- */

static struct hl_value *describe_peers(struct netbird_call *c, const struct hl_value *ids)
{
    struct hl_value *out = hl_value_list(c->arena);
    struct hl_map seen;

    hl_map_init(&seen, c->arena);
    for (size_t i = 0; i < hl_value_count(ids); i++) {
        const char *id = hl_value_item(ids, i)->text.data;
        const struct hl_value *peer = netbird_find(c->netbird, NETBIRD_PEER, id);
        struct hl_value *row = hl_value_map(c->arena);

        if (peer == NULL || hl_map_has(&seen, id))
            continue;
        hl_map_put(&seen, id, row);
        hl_value_map_put_text(row, "id", id);
        hl_value_map_put_text(row, "name", netbird_text(peer, "name"));
        hl_value_list_add(c->arena, out, row);
    }
    return netbird_shuffle(c->netbird, out);
}

/* Go's nil slices: null when there is nothing in them. */
static void put_list(struct netbird_call *c, struct hl_value *out, const char *key, struct hl_value *list)
{
    hl_value_map_put(out, key, hl_value_count(list) == 0 ? hl_value_null(c->arena) : list);
}

static struct hl_value *describe(struct netbird_call *c, const struct hl_value *group)
{
    struct hl_value *out = hl_value_map(c->arena);
    struct hl_value *peers = describe_peers(c, hl_value_get(group, "peers"));
    struct hl_value *resources = hl_value_get(group, "resources");

    hl_value_map_put_text(out, "id", netbird_text(group, "id"));
    hl_value_map_put_text(out, "issued", netbird_text(group, "issued"));
    hl_value_map_put_text(out, "name", netbird_text(group, "name"));
    put_list(c, out, "peers", peers);
    hl_value_map_put_int(out, "peers_count", (int64_t)hl_value_count(peers));
    put_list(c, out, "resources", resources);
    hl_value_map_put_int(out, "resources_count", (int64_t)hl_value_count(resources));
    return out;
}

void netbird_groups_list(struct netbird_call *c)
{
    const char *name = lab_query(c->call, "name");
    struct hl_value *out = hl_value_list(c->arena);

    if (!netbird_allow(c, NETBIRD_M_GROUPS, NETBIRD_READ))
        return;
    if (*name != '\0') {
        const struct hl_value *group = netbird_find_group_by_name(c->netbird, name);

        if (group == NULL) {
            netbird_fail(c, 404, "group: %s not found", name);
            return;
        }
        hl_value_list_add(c->arena, out, describe(c, group));
    }
    for (size_t i = 0; *name == '\0' && i < c->netbird->tables[NETBIRD_GROUP].count; i++)
        hl_value_list_add(c->arena, out, describe(c, netbird_at(c->netbird, NETBIRD_GROUP, i)));
    netbird_ok(c, netbird_shuffle(c->netbird, out));
}

static struct hl_value *find(struct netbird_call *c)
{
    struct hl_value *group = netbird_find(c->netbird, NETBIRD_GROUP, c->parts[0]);

    if (group == NULL)
        netbird_fail(c, 404, "group: %s not found", c->parts[0]);
    return group;
}

void netbird_group_get(struct netbird_call *c)
{
    const struct hl_value *group = netbird_allow(c, NETBIRD_M_GROUPS, NETBIRD_READ) ? find(c) : NULL;

    if (group != NULL)
        netbird_ok(c, describe(c, group));
}

/* --- Changes --- */

/* Peers and resources are not looked up; each peer once. */
static struct hl_value *make(struct netbird_call *c, const struct hl_value *body, const char *id, const char *issued)
{
    const struct hl_value *wish = netbird_texts(c, body, "peers");
    struct hl_value *group = hl_value_map(c->arena);
    struct hl_value *peers = hl_value_list(c->arena);
    struct hl_map seen;

    hl_map_init(&seen, c->arena);
    for (size_t i = 0; i < hl_value_count(wish); i++) {
        const char *peer = hl_value_item(wish, i)->text.data;

        if (!hl_map_has(&seen, peer))
            hl_value_list_add(c->arena, peers, hl_value_item(wish, i));
        hl_map_put(&seen, peer, peers);
    }
    hl_value_map_put_text(group, "id", id);
    hl_value_map_put_text(group, "name", netbird_text(body, "name"));
    hl_value_map_put_text(group, "issued", issued);
    hl_value_map_put(group, "peers", peers);
    hl_value_map_put(group, "resources", netbird_texts(c, body, "resources"));
    return group;
}

void netbird_group_create(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, fields);
    const char *name = netbird_text(body, "name");

    if (body == NULL)
        return;
    if (*name == '\0') {
        netbird_fail(c, 422, "group name shouldn't be empty");
        return;
    }
    if (!netbird_allow(c, NETBIRD_M_GROUPS, NETBIRD_CREATE))
        return;
    if (netbird_find_group_by_name(c->netbird, name) != NULL) {
        netbird_fail(c, 409, "group with name %s already exists", name);
        return;
    }
    netbird_ok(c, describe(c, netbird_put(c->netbird, NETBIRD_GROUP, make(c, body, netbird_new_id(c->netbird, c->arena), "api"))));
}

/* Replaces all; the name may be one that is taken. */
void netbird_group_update(struct netbird_call *c)
{
    const struct hl_value *group = netbird_allow(c, NETBIRD_M_GROUPS, NETBIRD_READ) ? find(c) : NULL;
    const struct hl_value *all = netbird_find_group_by_name(c->netbird, "All");

    if (group == NULL)
        return;
    if (group == all) {
        netbird_fail(c, 422, "updating group ALL is not allowed");
        return;
    }

    const struct hl_value *body = netbird_body(c, fields);

    if (body == NULL)
        return;
    if (*netbird_text(body, "name") == '\0') {
        netbird_fail(c, 422, "group name shouldn't be empty");
        return;
    }
    if (netbird_allow(c, NETBIRD_M_GROUPS, NETBIRD_UPDATE))
        netbird_ok(c, describe(c, netbird_put(c->netbird, NETBIRD_GROUP, make(c, body, c->parts[0], netbird_text(group, "issued")))));
}

/* --- Deletion --- */

/* In the order in which the server looks; lists of ids that pin a group. */
static const struct {
    enum netbird_kind kind;
    const char *word;     /* "group has been linked to WORD: NAME" */
    const char *name;     /* the field told as NAME */
    const char *lists[3]; /* of ids; of policies: in their rules */
} links[] = {
    {NETBIRD_ROUTE, "route", "network_id", {"groups", "peer_groups", "access_control_groups"}},
    {NETBIRD_NAMESERVER, "name server groups", "name", {"groups", NULL, NULL}},
    {NETBIRD_POLICY, "policy", "name", {"sources", "destinations", NULL}},
    {NETBIRD_SETUP_KEY, "setup key", "name", {"auto_groups", NULL, NULL}},
    {NETBIRD_USER, "user", "id", {"auto_groups", NULL, NULL}},
    {NETBIRD_ROUTER, "network router", "id", {"peer_groups", NULL, NULL}},
};

static bool names_group(const struct hl_value *value, const char *const lists[3], const char *id)
{
    for (size_t i = 0; i < 3 && lists[i] != NULL; i++)
        if (netbird_list_has(hl_value_get(value, lists[i]), id))
            return true;
    return false;
}

static bool object_names_group(const struct hl_value *object, const char *const lists[3], const char *id)
{
    const struct hl_value *rules = hl_value_get(object, "rules");

    for (size_t i = 0; i < hl_value_count(rules); i++)
        if (names_group(hl_value_item(rules, i), lists, id))
            return true;
    return rules == NULL && names_group(object, lists, id);
}

/* Whatever refuses is 400, and so is a group that is not there. The message keeps its case. */
static bool check_links(struct netbird_call *c, const char *id)
{
    for (size_t i = 0; i < HL_COUNT(links); i++) {
        for (size_t j = 0; j < c->netbird->tables[links[i].kind].count; j++) {
            const struct hl_value *object = netbird_at(c->netbird, links[i].kind, j);

            if (object_names_group(object, links[i].lists, id))
                return netbird_fail_verbatim(c, 400, "group has been linked to %s: %s", links[i].word, netbird_text(object, links[i].name));
        }
    }
    return true;
}

void netbird_group_delete(struct netbird_call *c)
{
    const char *id = c->parts[0];
    const struct hl_value *group = netbird_find(c->netbird, NETBIRD_GROUP, id);
    const struct hl_value *resources = hl_value_get(group, "resources");

    if (!netbird_allow(c, NETBIRD_M_GROUPS, NETBIRD_DELETE))
        return;
    if (group == NULL) {
        netbird_fail_verbatim(c, 400, "group: %s not found", id);
    } else if (is_all(group)) {
        netbird_fail_verbatim(c, 400, "deleting group ALL is not allowed");
    } else if (hl_value_count(resources) > 0) {
        netbird_fail_verbatim(c, 400, "group has been linked to network resource: %s", netbird_text(hl_value_item(resources, 0), "id"));
    } else if (check_links(c, id)) {
        if (netbird_list_has(hl_value_get(c->netbird->settings, "disabled_management_groups"), id)) {
            netbird_fail_verbatim(c, 400, "group has been linked to disabled DNS management groups: %s", netbird_text(group, "name"));
            return;
        }
        netbird_remove(c->netbird, NETBIRD_GROUP, id);
        netbird_done(c);
    }
}
