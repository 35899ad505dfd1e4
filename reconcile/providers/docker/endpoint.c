#include "config.h"

#include "reconcile/providers/docker/endpoint.h"

#include "reconcile/providers/docker/client.h"
#include "reconcile/transport/files.h"

#include <string.h>

static const char default_host[] = "unix:///var/run/docker.sock";

/* Adds what the docker command line takes as the port when none is written. */
static const char *with_port(struct hl_arena *arena, const char *authority, bool tls)
{
    const char *bracket = strrchr(authority, ']');
    const char *colon = strrchr(authority, ':');

    if (colon != NULL && (bracket == NULL || colon > bracket))
        return authority;
    return hl_arena_printf(arena, "%s:%s", authority, tls ? "2376" : "2375");
}

static bool make_url(struct hl_arena *arena, struct hl_docker_endpoint *endpoint, bool tls, struct hl_error **err)
{
    const char *host = endpoint->host;

    if (hl_starts_with(host, "unix://") || hl_starts_with(host, "https://")) {
        endpoint->url = host;
        return true;
    }
    if (hl_starts_with(host, "tcp://") || hl_starts_with(host, "http://")) {
        const char *authority = strstr(host, "://") + 3;
        endpoint->url = hl_arena_printf(arena, "%s://%s", tls ? "https" : "http", with_port(arena, authority, tls));
        return true;
    }
    if (host[0] == '/') {
        endpoint->url = hl_arena_printf(arena, "unix://%s", host);
        return true;
    }
    hl_fail(err, HL_E_SPEC, "the Docker host '%s' is of no form that can be used", host);
    if (hl_starts_with(host, "ssh://"))
        return hl_error_hint(err, "forward the socket, `ssh -NL /tmp/docker.sock:/var/run/docker.sock HOST`, and set `host: unix:///tmp/docker.sock`");
    return hl_error_hint(err, "write unix:///path/to/docker.sock or tcp://host:2376");
}

static const char *setting_path(struct hl_arena *arena, const struct hl_run *run, const struct hl_value *tls, const char *name)
{
    const char *path = hl_value_get_text(tls, name);

    return hl_is_blank(path) ? NULL : hl_path_join(arena, run->base != NULL ? run->base : ".", path);
}

/* DOCKER_TLS_VERIFY and DOCKER_CERT_PATH belong to DOCKER_HOST: they say nothing about a host of the spec. */
static bool tls_of_environment(struct hl_arena *arena, const struct hl_run *run, struct hl_docker_endpoint *endpoint)
{
    const char *folder = hl_docker_environment(run, "DOCKER_CERT_PATH");
    const char *home = hl_docker_environment(run, "HOME");

    if (hl_is_blank(hl_docker_environment(run, "DOCKER_TLS_VERIFY")))
        return false;
    if (hl_is_blank(folder))
        folder = hl_arena_printf(arena, "%s/.docker", home != NULL ? home : "");
    endpoint->ca = hl_arena_printf(arena, "%s/ca.pem", folder);
    endpoint->cert = hl_arena_printf(arena, "%s/cert.pem", folder);
    endpoint->key = hl_arena_printf(arena, "%s/key.pem", folder);
    return true;
}

bool hl_docker_endpoint(struct hl_arena *arena, const struct hl_run *run, const struct hl_value *settings, struct hl_docker_endpoint *out,
                        struct hl_error **err)
{
    const struct hl_value *tls = hl_value_get(settings, "tls");
    const char *host = hl_value_get_text(settings, "host");
    bool encrypted = false;

    *out = (struct hl_docker_endpoint){0};
    if (!hl_is_blank(host)) {
        out->host = host;
        out->ca = setting_path(arena, run, tls, "ca");
        out->cert = setting_path(arena, run, tls, "cert");
        out->key = setting_path(arena, run, tls, "key");
        encrypted = hl_value_is(tls, HL_MAP);
    } else {
        host = hl_docker_environment(run, "DOCKER_HOST");
        out->host = hl_is_blank(host) ? default_host : hl_arena_strdup(arena, host);
        encrypted = !hl_is_blank(host) && tls_of_environment(arena, run, out);
    }
    if ((out->cert != NULL) != (out->key != NULL))
        return hl_fail(err, HL_E_SPEC, "the Docker host '%s' needs `cert` and `key` together", out->host);
    return make_url(arena, out, encrypted, err);
}
