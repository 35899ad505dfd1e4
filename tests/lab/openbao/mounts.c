#include "config.h"

#include "tests/lab/openbao/openbao.h"

#include "schema/base/crypto.h"

#include <inttypes.h>
#include <string.h>

/* --- The table --- */

struct hl_value *openbao_mount_new(struct openbao *bao, const char *path, const char *type, int64_t version, const char *description)
{
    struct hl_value *mount = hl_value_map(bao->arena);
    struct hl_value *options = hl_value_map(bao->arena);
    char id[HL_UUID_TEXT];

    hl_uuid(id);
    hl_value_map_put_text(mount, "type", type);
    hl_value_map_put_int(mount, "version", version);
    hl_value_map_put_text(mount, "description", description);
    hl_value_map_put_text(mount, "accessor", openbao_accessor(bao->arena, type));
    hl_value_map_put_text(mount, "uuid", id);
    hl_value_map_put_bool(mount, "local", strcmp(path, "cubbyhole/") == 0);
    if (version == 2)
        hl_value_map_put(options, "version", hl_value_printf(bao->arena, "%" PRId64, version));
    hl_value_map_put(mount, "options", strcmp(type, "kv") == 0 ? options : hl_value_null(bao->arena));
    hl_value_map_put(mount, "config", hl_value_map(bao->arena));
    hl_value_map_put(mount, "entries", hl_value_map(bao->arena));
    return mount;
}

struct hl_value *openbao_mount_find(const struct hl_value *mounts, const char *path, const char **mount_path)
{
    struct hl_value *found = NULL;
    size_t best = 0;

    for (size_t i = 0; i < hl_value_count(mounts); i++) {
        const char *name = hl_value_key(mounts, i);
        size_t length = strlen(name);
        bool fits = hl_starts_with(path, name) || (strlen(path) == length - 1 && strncmp(path, name, length - 1) == 0);

        if (fits && length > best) {
            best = length;
            found = hl_value_at(mounts, i);
            *mount_path = name;
        }
    }
    return found;
}

static struct hl_value *describe(struct openbao_call *c, const struct hl_value *mount)
{
    static const char *const same[] = {"accessor", "description", "local", "options", "type", "uuid"};
    struct hl_value *out = hl_value_map(c->arena);
    struct hl_value *config = hl_value_map(c->arena);

    hl_value_map_put_int(config, "default_lease_ttl", 0);
    hl_value_map_put_bool(config, "force_no_cache", false);
    hl_value_map_put_int(config, "max_lease_ttl", 0);
    for (size_t i = 0; i < HL_COUNT(same); i++)
        hl_value_map_put(out, same[i], hl_value_get(mount, same[i]));
    hl_value_map_put(out, "config", config);
    hl_value_map_put_bool(out, "external_entropy_access", false);
    hl_value_map_put_text(out, "plugin_version", "");
    hl_value_map_put_text(out, "running_plugin_version", "v2.7.2+builtin.bao");
    hl_value_map_put_text(out, "running_sha256", "");
    hl_value_map_put_bool(out, "seal_wrap", false);
    return out;
}

static struct hl_value *describe_all(struct openbao_call *c, const struct hl_value *mounts, bool visible_only)
{
    struct hl_value *out = hl_value_map(c->arena);

    for (size_t i = 0; i < hl_value_count(mounts); i++)
        if (!visible_only || (c->token != NULL && openbao_may_see(c, hl_value_key(mounts, i))))
            hl_value_map_put(out, hl_value_key(mounts, i), describe(c, hl_value_at(mounts, i)));
    return out;
}

/* --- sys/mounts --- */

static bool check_free(struct openbao_call *c, const struct hl_value *mounts, const char *path)
{
    for (size_t i = 0; i < hl_value_count(mounts); i++) {
        const char *name = hl_value_key(mounts, i);

        if (hl_starts_with(path, name) || hl_starts_with(name, path))
            return openbao_fail(c, 400, "path is already in use at %s", name);
    }
    return true;
}

static bool take_kv(struct openbao_call *c, const char *type, int64_t *version)
{
    const struct hl_value *wish = hl_value_get(hl_value_get(c->body, "options"), "version");
    const char *text = wish == NULL ? "1" : hl_value_to_text(c->arena, wish);

    if (strcmp(type, "kv-v2") == 0)
        text = "2";
    if (strcmp(type, "kv") != 0 && strcmp(type, "kv-v1") != 0 && strcmp(type, "kv-v2") != 0)
        return openbao_fail(c, 400, "plugin not found in the catalog: %s", type);
    *version = text != NULL && strcmp(text, "2") == 0 ? 2 : 1;
    return true;
}

static void mount_kv(struct openbao_call *c, const char *path)
{
    const char *type = hl_value_get_text(c->body, "type");
    const char *description = hl_value_get_text(c->body, "description");
    const struct hl_value *options = hl_value_get(c->body, "options");
    struct hl_value *mount = NULL;
    int64_t version = 0;

    if (hl_is_blank(type)) {
        openbao_fail(c, 400, "backend type must be specified as a string");
        return;
    }
    if (!take_kv(c, type, &version) || !check_free(c, c->bao->mounts, path))
        return;
    mount = openbao_mount_new(c->bao, path, "kv", version, description == NULL ? "" : description);
    if (version == 1 && hl_value_is(options, HL_MAP))
        hl_value_map_put(mount, "options", hl_value_copy(c->bao->arena, options));
    hl_value_map_put(c->bao->mounts, path, mount);
    c->changed = true;
    openbao_no_content(c);
}

void openbao_mounts(struct openbao_call *c, const char *path)
{
    const struct hl_value *mount = NULL;

    path += strspn(path, "/");
    if (*path == '\0' && c->operation == OPENBAO_READ) {
        openbao_answer_twice(c, describe_all(c, c->bao->mounts, false));
        return;
    }
    if (*path == '\0') {
        openbao_fail_wrapped(c, "unsupported operation");
        return;
    }
    if (!hl_ends_with(path, "/"))
        path = hl_arena_printf(c->arena, "%s/", path);
    mount = hl_value_get(c->bao->mounts, path);
    if (c->operation == OPENBAO_READ && mount != NULL) {
        openbao_answer_twice(c, describe(c, mount));
    } else if (c->operation == OPENBAO_READ) {
        openbao_fail(c, 400, "No secret engine mount at %s", path);
    } else if (c->operation == OPENBAO_WRITE) {
        mount_kv(c, path);
    } else if (c->operation == OPENBAO_DELETE && mount != NULL && hl_value_get_int(mount, "version", 0) == 0) {
        openbao_fail(c, 400, "cannot unmount \"%s\"", path);
    } else if (c->operation == OPENBAO_DELETE) {
        c->changed = hl_map_remove(c->bao->mounts->map, path);
        openbao_no_content(c);
    } else {
        openbao_fail_wrapped(c, "unsupported operation");
    }
}

void openbao_auths(struct openbao_call *c, const char *path)
{
    const char *type = hl_value_get_text(c->body, "type");

    if (!hl_ends_with(path, "/"))
        path = hl_arena_printf(c->arena, "%s/", path);
    if (c->operation != OPENBAO_WRITE) {
        openbao_fail_wrapped(c, "unsupported operation");
    } else if (type == NULL || strcmp(type, "approle") != 0) {
        openbao_fail(c, 400, "plugin not found in the catalog: %s", type == NULL ? "" : type);
    } else if (check_free(c, c->bao->auths, path)) {
        hl_value_map_put(c->bao->auths, path, openbao_mount_new(c->bao, path, "approle", 0, ""));
        c->changed = true;
        openbao_no_content(c);
    }
}

/* --- sys/internal/ui/mounts: what the token itself may know --- */

void openbao_visible_mounts(struct openbao_call *c, const char *path)
{
    const char *mount_path = NULL;
    const struct hl_value *mount = NULL;
    struct hl_value *data = NULL;

    path += strspn(path, "/");
    if (c->operation != OPENBAO_READ) {
        openbao_fail(c, 405, "unsupported operation");
        return;
    }
    if (*path == '\0' && lab_header(c->call, "x-vault-token") == NULL && lab_header(c->call, "authorization") == NULL) {
        data = hl_value_map(c->arena);
        hl_value_map_put(data, "auth", hl_value_map(c->arena));
        hl_value_map_put(data, "secret", hl_value_map(c->arena));
        openbao_answer(c, 200, data);
        return;
    }
    if (!openbao_sign_in(c, false))
        return;
    if (*path == '\0') {
        data = hl_value_map(c->arena);
        hl_value_map_put(data, "auth", describe_all(c, c->bao->auths, true));
        hl_value_map_put(data, "secret", describe_all(c, c->bao->mounts, true));
        openbao_answer(c, 200, data);
        return;
    }
    mount = openbao_mount_find(c->bao->mounts, path, &mount_path);
    if (mount == NULL || !openbao_may_see(c, mount_path)) {
        openbao_fail(c, 403, "preflight capability check returned 403, please ensure client's policies grant access to path \"%s/\"", path);
        return;
    }
    data = describe(c, mount);
    hl_value_map_put_text(data, "path", mount_path);
    openbao_answer(c, 200, data);
}
