/* Traefik's v3 rules: Host(`a.example`) && (PathPrefix(`/api`) || !Method(`GET`)).
 *
 * A rule is parsed as Traefik does (as a Go expression of calls, &&, ||, ! and parentheses) and each argument is checked as its matcher would check it,
 * so that a mistake is told with its column before anything is written. Traefik itself tells only after the file is live. Pure. */
#ifndef HL_RECONCILE_PROVIDERS_TRAEFIK_RULE_H
#define HL_RECONCILE_PROVIDERS_TRAEFIK_RULE_H

#include "schema/base/arena.h"

struct hl_rule_finding {
    bool warning;  /* Traefik takes it, but it does not do what it looks like */
    size_t column; /* in characters, from 1 */
    const char *message;
    const char *hint; /* or NULL */
};

struct hl_rule {
    struct hl_rule_finding *findings;
    size_t count, capacity;
    size_t errors;
    /* What other fields of the router depend on: */
    size_t hosts;        /* Host or HostSNI with a name: certificates and TLS options can be found for them */
    size_t host_regexps; /* HostRegexp, HostSNIRegexp: they cannot */
    size_t wildcards;    /* of `hosts`, those like `*.example.com` */
    bool catch_all;      /* HostSNI(`*`) */
};

/* Parses `text` for HTTP routers, or TCP ones. What `rule` points to lives in `arena`. */
void hl_rule_check(struct hl_arena *arena, const char *text, size_t length, bool tcp, struct hl_rule *rule);
/* The rule on one line: line ends with the blanks around them become one blank, since Go would end the expression there. */
const char *hl_rule_join(struct hl_arena *arena, const char *text, size_t length);

#endif
