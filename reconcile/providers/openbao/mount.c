/* Whether a mount is there and of KV version 2. It is asked before anything is written: what is meant for version 2 would be taken by version 1 as well, and
 * stored in a form that nobody expects. */
#include "config.h"

#include "reconcile/providers/openbao/session.h"

#include <string.h>

static bool check_answer(const struct hl_openbao *store, const struct hl_value *data, const char *mount, struct hl_error **err)
{
    const char *type = hl_value_get_text(data, "type");
    const char *path = hl_value_get_text(data, "path");
    const char *version = hl_value_get_text(hl_value_get(data, "options"), "version");
    const size_t length = strlen(mount);

    if (path != NULL && (strncmp(path, mount, length) != 0 || strcmp(path + length, "/") != 0)) {
        hl_fail(err, HL_E_NOT_FOUND, "nothing is mounted at '%s' of OpenBao; '%s' is", mount, path);
        return hl_error_hint(err, "write the mount as `mount`, and what is below it as `path`");
    }
    if (type == NULL || (strcmp(type, "kv") != 0 && strcmp(type, "generic") != 0))
        return hl_fail(err, HL_E_REJECTED, "what is mounted at '%s' of OpenBao is no KV engine but '%s'", mount, type != NULL ? type : "?");
    if (version != NULL && strcmp(version, "2") == 0)
        return true;
    hl_fail(err, HL_E_REJECTED, "the KV engine at '%s' of provider '%s' is version 1, which keeps no versions to check a change against", mount, store->name);
    return hl_error_hint(err, "upgrade it (bao kv enable-versioning %s), or use another mount", mount);
}

/* For a mount that is not there, and for one that the token may use nothing of, the server says the same, even to root. */
static bool ask(struct hl_openbao *store, const char *mount, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(http_response) struct hl_http_response response = {0};
    const struct hl_openbao_call call = {
        .method = "GET",
        .path = hl_arena_printf(arena, "/v1/sys/internal/ui/mounts/%s", hl_openbao_escape_path(arena, mount)),
    };
    struct hl_value *answer = NULL;

    hl_openbao_keep_alive(store);
    if (!hl_openbao_send(store, &call, &response, err))
        return false;
    if (response.status == 403 && hl_openbao_says(&response, "preflight")) {
        hl_fail(err, HL_E_AUTH, "OpenBao has no mount '%s', or the token of provider '%s' may do nothing there", mount, store->name);
        hl_error_http(err, response.method, response.url, response.status);
        return hl_error_hint(err, "hlrec makes no mounts: bao secrets enable -path=%s -version=2 kv; the token wants a policy for %s/data/...", mount, mount);
    }
    if (!hl_openbao_take(store, &response, arena, &answer, err))
        return hl_wrap(err, "asking for mount '%s'", mount);
    return check_answer(store, hl_value_get(answer, "data"), mount, err);
}

/* The lock is held during the call: whoever comes second waits for the answer instead of asking too. */
bool hl_openbao_check_mount(struct hl_openbao *store, const char *mount, struct hl_error **err)
{
    pthread_mutex_lock(&store->lock);
    const bool fine = hl_map_has(&store->mounts, mount) || ask(store, mount, err);
    if (fine)
        hl_map_put(&store->mounts, mount, store);
    pthread_mutex_unlock(&store->lock);
    return fine;
}
