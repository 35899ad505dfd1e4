/* What the field tables of routers, services and middlewares share: tables of parts, normalisers and checks.
 *
 * HL_FORM_TRUE marks, besides taking `true`, the objects that may be empty in Traefik's file: it refuses any other empty mapping, so hl_traefik_check_body()
 * refuses them in the spec. */
#ifndef HL_RECONCILE_PROVIDERS_TRAEFIK_FIELDS_H
#define HL_RECONCILE_PROVIDERS_TRAEFIK_FIELDS_H

#include "schema/kind.h"

extern const char *const hl_traefik_protocols[];
extern const struct hl_field hl_traefik_load_balancer_fields[];
extern const struct hl_field hl_traefik_inline_service_fields[]; /* a router's own service: the load balancer, with `name`, `url` and `address` */
extern const struct hl_field hl_traefik_sticky_fields[];
extern const struct hl_field hl_traefik_ip_strategy_fields[];
extern const struct hl_field hl_traefik_headers_fields[];
extern const struct hl_field hl_traefik_basic_auth_fields[];
extern const struct hl_field hl_traefik_digest_auth_fields[];
extern const struct hl_field hl_traefik_forward_auth_fields[];
extern const struct hl_field hl_traefik_rate_limit_fields[];
extern const struct hl_field hl_traefik_in_flight_fields[];
extern const struct hl_field hl_traefik_empty_fields[];

/* normalise */
struct hl_value *hl_traefik_split(struct hl_arena *arena, struct hl_value *list);    /* "a, b" within a list of names is two names */
struct hl_value *hl_traefik_own_name(struct hl_arena *arena, struct hl_value *name); /* web@file is web; also for lists of names */
struct hl_value *hl_traefik_lower(struct hl_arena *arena, struct hl_value *text);
struct hl_value *hl_traefik_span(struct hl_arena *arena, struct hl_value *text); /* a duration that may be negative, as Go writes it */

/* check */
void hl_traefik_check_server_url(struct hl_check *check, const struct hl_value *url);  /* http, https, h2c */
void hl_traefik_check_web_url(struct hl_check *check, const struct hl_value *url);     /* http, https */
void hl_traefik_check_address(struct hl_check *check, const struct hl_value *address); /* host:port */
void hl_traefik_check_networks(struct hl_check *check, const struct hl_value *list);
void hl_traefik_check_regexp(struct hl_check *check, const struct hl_value *text);   /* also lists of them */
void hl_traefik_check_statuses(struct hl_check *check, const struct hl_value *list); /* "500", "500-599" */
void hl_traefik_check_slash(struct hl_check *check, const struct hl_value *path);    /* also lists of them */
void hl_traefik_check_span(struct hl_check *check, const struct hl_value *text);
void hl_traefik_check_users(struct hl_check *check, const struct hl_value *list);

/* Of the whole body, for every kind: its name, empty mappings, characters that Traefik's file cannot hold. */
void hl_traefik_check_body(struct hl_check *check, const struct hl_field *fields, const struct hl_value *body);
/* "http" unless the body says otherwise; NULL when it is not known yet. */
const char *hl_traefik_protocol(const struct hl_value *body);
/* Whether a router's values bring a service along: `service: {url: ...}`. */
bool hl_traefik_has_own_service(const struct hl_value *router);
/* Which protocols a field is for, of those that not all have. Ends with .field = NULL. */
struct hl_traefik_only {
    const char *field;
    const char *protocols; /* "http tcp" */
};
void hl_traefik_check_only(struct hl_check *check, const struct hl_traefik_only *rows, const char *protocol, const struct hl_value *object, const char *prefix);
/* A load balancer (or a router's own service): what each protocol takes, servers that are there and have the right form. */
void hl_traefik_check_load_balancer(struct hl_check *check, const char *protocol, const struct hl_value *object, const char *prefix);
/* Go's durations and Traefik's bare seconds: `90s`, `1h30m`, `1.5h`, `-1ms`, `30`. Nanoseconds. */
bool hl_traefik_parse_span(const char *text, int64_t *nanoseconds);

#endif
