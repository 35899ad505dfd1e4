#include "config.h"

#include "reconcile/providers/netbird/peer.h"

#include "reconcile/providers/netbird/parts.h"

#include <string.h>

/* ---- one peer ---- */

static bool fail_ambiguous(const char *text, const struct hl_value *const *peers, size_t count, struct hl_error **err)
{
    hl_auto(text) struct hl_text list = HL_TEXT_INIT(4096);

    for (size_t i = 0; i < count; i++) {
        const char *id = hl_value_get_text(peers[i], "id");
        const char *ip = hl_value_get_text(peers[i], "ip");
        const char *seen = hl_value_get_text(peers[i], "last_seen");
        const bool connected = hl_value_get_bool(peers[i], "connected", false);
        hl_text_printf(&list, "%s%s (%s, %s%s)", i > 0 ? ", " : "", id != NULL ? id : "?", ip != NULL ? ip : "no address",
                       connected ? "connected" : "last seen ", connected ? "" : (seen != NULL ? seen : "never"));
    }
    hl_fail(err, HL_E_CONFLICT, "%zu peers are named '%s': %s", count, text, hl_text_get(&list));
    return hl_error_hint(err, "say which one by its id, or remove those in NetBird that are left from machines which joined again");
}

bool hl_netbird_peer_id(struct hl_session *session, struct hl_arena *arena, const char *text, const char **id, struct hl_error **err)
{
    const struct hl_value *object = NULL;
    const struct hl_value **named = NULL;
    size_t count = 0;

    *id = NULL;
    if (!hl_netbird_find(session, HL_NETBIRD_PEERS, text, &object, err))
        return false;
    if (object == NULL) {
        if (!hl_netbird_named(session, HL_NETBIRD_PEERS, text, arena, &named, &count, err))
            return false;
        if (count > 1)
            return fail_ambiguous(text, named, count, err);
        object = count == 1 ? named[0] : NULL;
    }
    *id = hl_arena_strdup(arena, hl_value_get_text(object, "id"));
    return true;
}

static const char *not_joined(struct hl_arena *arena, const char *text)
{
    return hl_arena_printf(arena, "peer '%s' has not joined", text);
}

static const char join_hint[] = "start NetBird's agent there with a setup key (`netbird up --setup-key ...`); a peer is named after its host";

bool hl_netbird_peer_must(struct hl_session *session, struct hl_arena *arena, const char *text, const char **id, struct hl_error **err)
{
    if (!hl_netbird_peer_id(session, arena, text, id, err))
        return false;
    if (*id != NULL)
        return true;
    hl_fail(err, HL_E_NOT_FOUND, "%s", not_joined(arena, text));
    return hl_error_hint(err, "%s", join_hint);
}

bool hl_netbird_peer_name(struct hl_session *session, struct hl_arena *arena, const char *id, const char *desired, const char **name, struct hl_error **err)
{
    hl_auto(error) struct hl_error *ignored = NULL;
    const char *wanted = NULL;

    /* An ambiguous name means none of them for sure. */
    if (!hl_is_blank(desired) && hl_netbird_peer_id(session, arena, desired, &wanted, &ignored) && wanted != NULL && strcmp(wanted, id) == 0) {
        *name = hl_arena_strdup(arena, desired);
        return true;
    }
    return hl_netbird_name(session, HL_NETBIRD_PEERS, id, arena, name, err);
}

/* ---- through a peer, or through groups ---- */

bool hl_netbird_take_via(struct hl_session *session, struct hl_arena *arena, const struct hl_value *object, const struct hl_value *desired,
                         struct hl_value *values, struct hl_error **err)
{
    const char *id = hl_value_get_text(object, "peer");
    const char *name = NULL;

    if (!hl_is_blank(id)) {
        if (!hl_netbird_peer_name(session, arena, id, hl_value_get_text(desired, "peer"), &name, err))
            return false;
        hl_value_map_put_text(values, "peer", name);
    }
    return hl_netbird_take_names(session, arena, HL_NETBIRD_GROUPS, "peer_groups", object, desired, values, err);
}

/* The server takes an empty one of the two for one that is there, and refuses both: only one is sent. */
bool hl_netbird_put_via(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object,
                        struct hl_value *body, struct hl_error **err)
{
    const char *peer = hl_value_get_text(desired, "peer");
    const char *id = hl_value_get_text(object, "peer");
    const bool says_groups = hl_value_count(hl_value_get(desired, "peer_groups")) > 0;

    if (!hl_is_blank(peer) && !hl_netbird_peer_must(session, arena, peer, &id, err))
        return false;
    if (says_groups || hl_is_blank(id))
        return hl_netbird_put_ids(session, arena, HL_NETBIRD_GROUPS, "group", "peer_groups", desired, object, body, err);
    hl_value_map_put_text(body, "peer", id);
    return true;
}

bool hl_netbird_same_via(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const struct hl_value *object)
{
    hl_auto(error) struct hl_error *ignored = NULL;
    const char *peer = hl_value_get_text(desired, "peer");
    const char *id = hl_value_get_text(object, "peer");
    const char *wanted = NULL;
    struct hl_value *groups = NULL;

    if (!hl_is_blank(peer))
        return hl_netbird_peer_id(session, arena, peer, &wanted, &ignored) && wanted != NULL && id != NULL && strcmp(wanted, id) == 0;
    if (!hl_is_blank(id) || !hl_value_is(hl_value_get(desired, "peer_groups"), HL_LIST))
        return false;
    return hl_netbird_ids(session, HL_NETBIRD_GROUPS, "group", hl_value_get(desired, "peer_groups"), arena, &groups, &ignored) &&
           hl_netbird_same_ids(groups, hl_value_get(object, "peer_groups"));
}

bool hl_netbird_possible_via(struct hl_session *session, struct hl_arena *arena, const struct hl_value *desired, const char **reason, const char **hint,
                             struct hl_error **err)
{
    const char *peer = hl_value_get_text(desired, "peer");
    const char *id = NULL;

    if (hl_is_blank(peer))
        return true;
    if (!hl_netbird_peer_id(session, arena, peer, &id, err))
        return false;
    if (id != NULL)
        return true;
    *reason = not_joined(arena, peer);
    *hint = join_hint;
    return false;
}

void hl_netbird_check_via(struct hl_check *check, const struct hl_value *body, const char *what)
{
    const struct hl_value *peer = hl_value_get(body, "peer");
    const struct hl_value *groups = hl_value_get(body, "peer_groups");

    if (hl_value_is(peer, HL_TEXT) && peer->text.length == 0)
        hl_diag_error(check->diags, peer->at, "'peer' is empty: name a peer");
    if (peer != NULL && groups != NULL)
        hl_diag_error(check->diags, groups->at, "%s '%s' goes through 'peer' or through 'peer_groups', not both", what, check->name);
    if (peer != NULL || groups != NULL)
        return;
    struct hl_diag *diag = hl_diag_error(check->diags, body->at, "%s '%s' needs 'peer' or 'peer_groups'", what, check->name);
    hl_diag_hint(check->diags, diag, "peer: the machine that forwards; peer_groups: groups of such machines");
}
