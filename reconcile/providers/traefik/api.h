/* Traefik's API: read only. Its answers hold password hashes and secret headers: they are never logged. */
#ifndef HL_RECONCILE_PROVIDERS_TRAEFIK_API_H
#define HL_RECONCILE_PROVIDERS_TRAEFIK_API_H

#include "reconcile/providers/traefik/traefik.h"

struct hl_traefik_version {
    const char *text;        /* "3.7.1" */
    int major, minor, patch; /* all 0 when it is no release */
};

/* GET. True whenever the API answered 200 or 404; *out is the body's value, NULL for 404. HL_E_UNREACHABLE, HL_E_AUTH, HL_E_REJECTED otherwise. */
bool hl_traefik_api_get(struct hl_traefik *traefik, struct hl_arena *arena, const char *path, struct hl_value **out, struct hl_error **err) HL_MUST_CHECK;
bool hl_traefik_api_version(struct hl_traefik *traefik, struct hl_arena *arena, struct hl_traefik_version *version, struct hl_error **err) HL_MUST_CHECK;
/* Tries again for some seconds: Traefik answers 404 to all until it has read its first configuration. */
bool hl_traefik_api_await_version(struct hl_traefik *traefik, const struct hl_run *run, struct hl_arena *arena, struct hl_traefik_version *version,
                                  struct hl_error **err) HL_MUST_CHECK;

/* What /api/rawdata says of one object of the file provider. */
struct hl_traefik_api_status {
    const struct hl_value *object; /* NULL: it is not there */
    const char *status;            /* "enabled", "warning", "disabled" */
    const char *words;             /* Traefik's errors on one line, or NULL */
};
/* Routers of entry points with middlewares or TLS of their own are shown as `<entryPoint>-<name>@file`, one for each entry point. */
void hl_traefik_api_find(const struct hl_value *raw, struct hl_arena *arena, enum hl_traefik_kind kind, const char *protocol, const char *name,
                         struct hl_traefik_api_status *status);
bool hl_traefik_api_is_disabled(const struct hl_traefik_api_status *status);

enum hl_traefik_api_wait { HL_TRAEFIK_API_LIVE, HL_TRAEFIK_API_NOT_LOADED, HL_TRAEFIK_API_LOST };
/* Polls until the marker `wanted` is there, or (with NULL) until `gone` is not, at most traefik->verify_ms. HL_TRAEFIK_API_LOST sets *err. */
enum hl_traefik_api_wait hl_traefik_api_await_marker(struct hl_traefik *traefik, const struct hl_run *run, const char *wanted, const char *gone,
                                                     struct hl_error **err);

#endif
