/* The kind `container`. */
#include "config.h"

#include "reconcile/providers/docker/container/container.h"
#include "reconcile/providers/docker/container/fields.h"
#include "reconcile/providers/docker/kinds.h"
#include "reconcile/providers/docker/rows.h"

static const struct hl_verbs verbs = {
    .refresh = hl_container_refresh,
    .create = hl_container_create,
    .update = hl_container_update,
    .remove = hl_container_remove,
    .replace = hl_container_replace,
    .recover = hl_container_recover,
    .await = hl_container_await,
    .unmanaged = hl_container_unmanaged,
};

static void claim(struct hl_arena *arena, const char *name, const struct hl_value *body, struct hl_value *list)
{
    (void)name;
    hl_docker_claim(arena, hl_value_get(body, "container_name"), list);
}

static const char example[] = "image: nginx:1.27\n"
                              "networks: [frontend]\n"
                              "ports: [\"8080:80\"]\n"
                              "volumes: [\"./site:/usr/share/nginx/html:ro\"]\n"
                              "environment: {TZ: Europe/Berlin}\n"
                              "healthcheck: {test: [CMD, curl, -f, \"http://localhost/\"], interval: 10s}\n"
                              "restart: unless-stopped\n";

const struct hl_kind hl_kind_container = {
    .name = "container",
    .section = "containers",
    .provider = "docker",
    .doc = "a container, with docker compose's names and short forms; replaced with the way back open until the new one is healthy",
    .example = example,
    .fields = hl_container_fields,
    .create_first = true,
    .check = hl_container_check,
    .complete = hl_container_complete,
    .claims = claim,
    .verbs = &verbs,
};
