/* The kind `group`. Who is in a group changes by itself: peers that enrol with a setup key join its groups. So only the members that the spec names are
 * managed. */
#include "config.h"

#include "reconcile/providers/netbird/kinds.h"
#include "reconcile/providers/netbird/netbird_session.h"
#include "reconcile/providers/netbird/peer.h"

#include <string.h>

static const struct hl_field fields[] = {
    HL_NETBIRD_NAME_FIELD,
    {.name = "peers",
     .type = HL_F_LIST,
     .item = HL_F_STRING,
     .order = HL_SET,
     .by_name = true,
     .doc = "peers (name or id) that are to be in it; others may be as well, and when not said none is put in or taken out",
     .example = "[nas, k8s-routing-peer]"},
    HL_NETBIRD_ID,
    {.name = "peers_count", .type = HL_F_INT, .computed = true, .doc = "how many peers are in it"},
    {.name = NULL},
};

/* Every peer is in this group, and the server neither lets it be made nor changed. */
static const char everybody[] = "All";

static void check_group(struct hl_check *check, const struct hl_value *body)
{
    const struct hl_value *name = hl_value_get(body, "name");
    const char *text = name != NULL ? hl_value_get_text(body, "name") : check->name;

    if (text == NULL || strcmp(text, everybody) != 0)
        return;
    struct hl_diag *diag = hl_diag_error(check->diags, name != NULL ? name->at : body->at, "the group 'All' is NetBird's own and cannot be managed");
    hl_diag_hint(check->diags, diag, "every peer is in it already: name it where a group is wanted (`groups: [All]`), without a block of its own");
}

/* ---- members ---- */

static bool has_text(const struct hl_value *list, const char *text)
{
    for (size_t i = 0; i < hl_value_count(list); i++) {
        const struct hl_value *item = hl_value_item(list, i);
        if (hl_value_is(item, HL_TEXT) && strcmp(item->text.data, text) == 0)
            return true;
    }
    return false;
}

/* Name to id of a group's members; a name that several have gives "". The group's JSON tells both, so that the peers need not be read for it. */
static void index_members(struct hl_arena *arena, const struct hl_value *object, struct hl_map *by_name)
{
    const struct hl_value *members = hl_value_get(object, "peers");

    hl_map_init(by_name, arena);
    for (size_t i = 0; i < hl_value_count(members); i++) {
        const char *id = hl_value_get_text(hl_value_item(members, i), "id");
        const char *name = hl_value_get_text(hl_value_item(members, i), "name");
        if (!hl_is_blank(id) && !hl_is_blank(name))
            hl_map_put(by_name, name, hl_map_has(by_name, name) ? "" : (void *)id);
    }
}

static struct hl_value *member_names(struct hl_arena *arena, const struct hl_value *object, const struct hl_value *desired)
{
    const struct hl_value *members = hl_value_get(object, "peers");
    const struct hl_value *said = hl_value_get(desired, "peers");
    struct hl_value *names = hl_value_list(arena);
    struct hl_map by_name;

    index_members(arena, object, &by_name);
    for (size_t i = 0; i < hl_value_count(members); i++) {
        const char *id = hl_value_get_text(hl_value_item(members, i), "id");
        const char *name = hl_value_get_text(hl_value_item(members, i), "name");
        if (hl_is_blank(id))
            continue;
        const bool by_id = hl_is_blank(name) || *(const char *)hl_map_find(&by_name, name) == '\0' || has_text(said, id);
        hl_value_list_add(arena, names, hl_value_text(arena, by_id ? id : name));
    }
    return names;
}

/* Members that stay are known by the group itself; only who is new must be looked for. */
static bool member_id(struct hl_session *session, struct hl_arena *arena, const struct hl_map *by_name, const struct hl_map *ids, const char *text,
                      const char **id, struct hl_error **err)
{
    const char *known = hl_map_find(by_name, text);

    *id = hl_map_has(ids, text) ? text : known;
    return !hl_is_blank(*id) || hl_netbird_peer_must(session, arena, text, id, err);
}

static bool put_members(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object,
                        struct hl_value *body, struct hl_error **err)
{
    const struct hl_value *names = hl_value_get(desired, "peers");
    const struct hl_value *members = hl_value_get(object, "peers");
    struct hl_value *list = hl_value_list(arena);
    struct hl_map by_name;
    struct hl_map ids;
    const char *id = NULL;

    index_members(arena, object, &by_name);
    hl_map_init(&ids, arena);
    for (size_t i = 0; i < hl_value_count(members); i++) {
        id = hl_value_get_text(hl_value_item(members, i), "id");
        if (hl_is_blank(id))
            continue;
        hl_map_put(&ids, id, list);
        if (names == NULL)
            hl_value_list_add(arena, list, hl_value_text(arena, id));
    }
    for (size_t i = 0; i < hl_value_count(names); i++) {
        const struct hl_value *name = hl_value_item(names, i);
        if (!hl_value_is(name, HL_TEXT))
            continue;
        if (!member_id(session, arena, &by_name, &ids, name->text.data, &id, err))
            return false;
        hl_value_list_add(arena, list, hl_value_text(arena, id));
    }
    hl_value_map_put(body, "peers", list);
    return true;
}

static bool is_possible(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const char **reason, const char **hint,
                        struct hl_error **err)
{
    const struct hl_value *peers = hl_value_get(desired, "peers");

    for (size_t i = 0; i < hl_value_count(peers); i++) {
        const struct hl_value *peer = hl_value_item(peers, i);
        const char *id = NULL;
        if (!hl_value_is(peer, HL_TEXT))
            continue;
        if (!hl_netbird_peer_id(session, arena, peer->text.data, &id, err))
            return false;
        if (id != NULL)
            continue;
        *reason = hl_arena_printf(arena, "peer '%s' has not joined", peer->text.data);
        *hint = "start NetBird's agent there with a setup key; one whose `auto_groups` name this group puts it in without `peers`";
        return true;
    }
    return true;
}

/* ---- JSON ---- */

static bool read_group(struct hl_session *session, struct hl_arena *arena, const struct hl_value *object, const struct hl_value *desired,
                       struct hl_value *values, struct hl_error **err)
{
    const struct hl_value *members = hl_value_get(object, "peers");

    (void)session;
    (void)err;
    hl_value_map_put_text(values, "name", hl_value_get_text(object, "name"));
    hl_value_map_put_int(values, "peers_count", hl_value_get_int(object, "peers_count", (int64_t)hl_value_count(members)));
    if (desired != NULL) /* a spec written for what is there leaves the members to those who enrol them */
        hl_value_map_put(values, "peers", member_names(arena, object, desired));
    return true;
}

/* A PUT without members or resources would empty the group. */
static bool write_group(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object,
                        struct hl_value *body, struct hl_error **err)
{
    const struct hl_value *resources = hl_value_get(object, "resources");

    hl_netbird_put(arena, body, "name", desired, "name", object);
    if (hl_value_count(resources) > 0)
        hl_value_map_put(body, "resources", hl_value_copy(arena, resources));
    return put_members(session, arena, desired, object, body, err);
}

/* ---- verbs ---- */

/* The server leaves out whom it does not know, without a word: a peer may have gone since it was looked for. */
static bool check_members(const struct hl_op *op, struct hl_error **err)
{
    const struct hl_value *wanted = hl_value_get(op->desired, "peers");
    const struct hl_value *got = hl_value_get(op->result, "peers");

    for (size_t i = 0; i < hl_value_count(wanted); i++) {
        const struct hl_value *peer = hl_value_item(wanted, i);
        if (hl_value_is(peer, HL_TEXT) && !has_text(got, peer->text.data))
            return hl_fail(err, HL_E_NOT_FOUND, "the server did not put peer '%s' in", peer->text.data);
    }
    return true;
}

static bool create_group(struct hl_op *op, struct hl_error **err)
{
    return hl_netbird_create(op, err) && check_members(op, err);
}

static bool update_group(struct hl_op *op, struct hl_error **err)
{
    return hl_netbird_update(op, err) && check_members(op, err);
}

static bool mentions(const struct hl_value *value, const char *id)
{
    if (hl_value_is(value, HL_TEXT))
        return strcmp(value->text.data, id) == 0;
    for (size_t i = 0; i < hl_value_count(value); i++) {
        if (mentions(hl_value_is(value, HL_LIST) ? hl_value_item(value, i) : hl_value_at(value, i), id))
            return true;
    }
    return false;
}

/* "setup key 'k8s' (revoked)". */
static void put_user(struct hl_text *out, const char *what, enum hl_netbird_list list, const struct hl_value *user)
{
    const char *name = hl_netbird_name_of(list, user);
    const char *state = list == HL_NETBIRD_SETUP_KEYS ? hl_value_get_text(user, "state") : NULL;

    hl_text_printf(out, "%s%s '%s'", out->length > 0 ? ", " : "", what, name != NULL ? name : hl_value_get_text(user, "id"));
    if (state != NULL && strcmp(state, "valid") != 0)
        hl_text_printf(out, " (%s)", state);
}

/* The server names one of those that hold a group, and not even by its name; whoever is to let go of it wants to know all. */
static void add_users(struct hl_op *op, struct hl_error **err)
{
    static const struct {
        enum hl_netbird_list list;
        const char *what;
    } lists[] = {
        {HL_NETBIRD_SETUP_KEYS, "setup key"},           {HL_NETBIRD_ROUTES, "route"}, {HL_NETBIRD_POLICIES, "policy"},
        {HL_NETBIRD_NAMESERVERS, "nameserver group"},   {HL_NETBIRD_USERS, "user"},   {HL_NETBIRD_NETWORK_RESOURCES, "resource"},
        {HL_NETBIRD_NETWORK_ROUTERS, "network router"},
    };
    hl_auto(text) struct hl_text users = HL_TEXT_INIT(8192);

    for (size_t i = 0; i < HL_COUNT(lists); i++) {
        hl_auto(error) struct hl_error *ignored = NULL;
        const struct hl_value **objects = NULL;
        size_t count = 0;
        hl_netbird_stale(op->session, lists[i].list); /* who holds on to it now */
        if (!hl_netbird_all(op->session, lists[i].list, op->arena, &objects, &count, &ignored))
            continue;
        for (size_t j = 0; j < count; j++) {
            if (mentions(objects[j], op->id))
                put_user(&users, lists[i].what, lists[i].list, objects[j]);
        }
    }
    if (users.length > 0)
        hl_error_hint(err, "still used by %s: take the group out of it there, or delete it (a revoked or expired key holds its groups until it is deleted)",
                      hl_text_get(&users));
}

static bool remove_group(struct hl_op *op, struct hl_error **err)
{
    if (hl_netbird_remove(op, err))
        return true;
    if ((*err)->code == HL_E_REJECTED)
        add_users(op, err);
    return false;
}

static bool is_offered(const struct hl_value *object)
{
    const char *name = hl_value_get_text(object, "name");
    const char *issued = hl_value_get_text(object, "issued");

    return name != NULL && strcmp(name, everybody) != 0 && (issued == NULL || strcmp(issued, "api") == 0);
}

static const struct hl_netbird_form form = {
    .verbs = {.refresh = hl_netbird_refresh,
              .create = create_group,
              .update = update_group,
              .remove = remove_group,
              .recover = hl_netbird_recover,
              .unmanaged = hl_netbird_unmanaged},
    .list = HL_NETBIRD_GROUPS,
    .what = "group",
    .collection = "/api/groups",
    .read = read_group,
    .write = write_group,
    .possible = is_possible,
    .offered = is_offered,
};

const struct hl_kind hl_kind_group = {
    .name = "group",
    .section = "groups",
    .provider = "netbird",
    .doc = "a group of peers and resources; keys, routes and policies name it",
    .example = "name: K8s routing peers\n",
    .fields = fields,
    .check = check_group,
    .complete = hl_netbird_complete,
    .verbs = &form.verbs,
};
