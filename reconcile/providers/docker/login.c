#include "config.h"

#include "reconcile/providers/docker/login.h"

#include "reconcile/transport/files.h"
#include "schema/base/json.h"

#include <string.h>

enum { MAX_CONFIG = 1024 * 1024 };

static const char hub[] = "https://index.docker.io/v1/";

static bool is_hub(const char *domain)
{
    return strcmp(domain, "docker.io") == 0;
}

/* What a registry is called in settings and in config.json: with or without a scheme, Docker Hub by several names. */
static bool is_registry(const char *key, const char *domain)
{
    if (is_hub(domain) && (strcmp(key, hub) == 0 || strcmp(key, "index.docker.io") == 0 || strcmp(key, "registry-1.docker.io") == 0))
        return true;
    if (hl_starts_with(key, "https://"))
        key += strlen("https://");
    const size_t length = strlen(domain);
    return strncmp(key, domain, length) == 0 && (key[length] == '\0' || key[length] == '/');
}

static const struct hl_value *find_registry(const struct hl_value *registries, const char *domain)
{
    for (size_t i = 0; i < hl_value_members(registries); i++) {
        if (is_registry(hl_value_key(registries, i), domain))
            return hl_value_at(registries, i);
    }
    return NULL;
}

/* Read once. A file that is not there or not to be read is no credentials; a preview reads nothing outside its tree. */
static const struct hl_value *user_config(struct hl_docker *docker)
{
    pthread_mutex_lock(&docker->lock);
    if (!docker->config_read && !docker->run->preview) {
        hl_auto(error) struct hl_error *ignored = NULL;
        const char *folder = hl_docker_environment(docker->run, "DOCKER_CONFIG");
        const char *text = NULL;
        size_t length = 0;

        docker->config_read = true;
        if (hl_is_blank(folder) && docker->home != NULL)
            folder = hl_arena_printf(docker->arena, "%s/.docker", docker->home);
        if (!hl_is_blank(folder) &&
            hl_file_read(docker->arena, hl_arena_printf(docker->arena, "%s/config.json", folder), MAX_CONFIG, &text, &length, &ignored) &&
            !hl_json_decode(docker->arena, text, length, &docker->config, &ignored))
            docker->config = NULL;
    }
    pthread_mutex_unlock(&docker->lock);
    return hl_value_get(docker->config, "auths");
}

/* config.json keeps base64("user:password"). */
static void put_packed(struct hl_arena *arena, struct hl_value *login, const char *packed)
{
    size_t length = 0;
    char *pair = packed == NULL ? NULL : hl_base64_decode(arena, HL_BASE64, packed, strlen(packed), &length);
    char *colon = pair == NULL ? NULL : memchr(pair, ':', length);

    if (colon == NULL)
        return;
    hl_value_map_put(login, "username", hl_value_bytes(arena, pair, (size_t)(colon - pair)));
    hl_value_map_put(login, "password", hl_value_bytes(arena, colon + 1, length - (size_t)(colon + 1 - pair)));
}

const char *hl_docker_login(struct hl_docker *docker, struct hl_arena *arena, const struct hl_image_name *name)
{
    hl_auto(text) struct hl_text json = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    const struct hl_value *from = NULL;
    struct hl_value *login = hl_value_map(arena);

    if (name->domain == NULL)
        return NULL;
    from = find_registry(docker->logins, name->domain);
    if (from == NULL)
        from = find_registry(user_config(docker), name->domain);
    if (from == NULL)
        return NULL;
    hl_value_map_put_text(login, "username", hl_value_get_text(from, "username"));
    hl_value_map_put_text(login, "password", hl_value_get_text(from, "password"));
    hl_value_map_put_text(login, "identitytoken", hl_value_get_text(from, "identitytoken"));
    if (hl_value_get_text(from, "username") == NULL)
        put_packed(arena, login, hl_value_get_text(from, "auth"));
    if (hl_value_count(login) == 0)
        return NULL;
    hl_value_map_put_text(login, "serveraddress", is_hub(name->domain) ? hub : name->domain);
    hl_json_encode(&json, login, HL_JSON_COMPACT);
    return hl_base64_encode(arena, HL_BASE64_URL, hl_text_get(&json), json.length);
}
