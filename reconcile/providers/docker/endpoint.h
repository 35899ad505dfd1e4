/* Where an engine is: the `host` and `tls` settings, else DOCKER_HOST and its companions, else the default socket. Pure. */
#ifndef HL_DOCKER_ENDPOINT_H
#define HL_DOCKER_ENDPOINT_H

#include "reconcile/provider.h"

struct hl_docker_endpoint {
    const char *host;            /* "unix:///var/run/docker.sock", as the user would write it */
    const char *url;             /* for the HTTP client: "unix:///...", "http://...", "https://..." */
    const char *ca, *cert, *key; /* PEM files, or NULL */
};

/* `settings` may be NULL. HL_E_SPEC for a host of a form that cannot be used. */
bool hl_docker_endpoint(struct hl_arena *arena, const struct hl_run *run, const struct hl_value *settings, struct hl_docker_endpoint *out,
                        struct hl_error **err) HL_MUST_CHECK;

#endif
