#include "config.h"

#include "reconcile/providers/traefik/fields.h"
#include "reconcile/providers/traefik/rule.h"
#include "reconcile/providers/traefik/traefik.h"

#include <string.h>

static const char *const syntaxes[] = {"v2", "v3", NULL};
static const char *const verbosities[] = {"minimal", "detailed", NULL};

/* ---- the rule ---- */

static struct hl_value *join_rule(struct hl_arena *arena, struct hl_value *rule)
{
    if (!hl_value_is(rule, HL_TEXT) || strpbrk(rule->text.data, "\r\n") == NULL)
        return rule;
    struct hl_value *joined = hl_value_text(arena, hl_rule_join(arena, rule->text.data, rule->text.length));

    joined->at = rule->at;
    joined->sensitive = rule->sensitive;
    return joined;
}

static void report_finding(struct hl_check *check, const struct hl_value *rule, const struct hl_rule_finding *finding)
{
    struct hl_diag *diag = NULL;

    if (rule->sensitive) /* the words of a finding may quote the rule */
        diag = hl_diag_error(check->diags, rule->at, "the rule has a mistake at its column %zu", finding->column);
    else if (finding->warning)
        diag = hl_diag_warning(check->diags, rule->at, "column %zu of the rule: %s", finding->column, finding->message);
    else
        diag = hl_diag_error(check->diags, rule->at, "column %zu of the rule: %s", finding->column, finding->message);
    if (finding->hint != NULL && !rule->sensitive)
        hl_diag_hint(check->diags, diag, "%s", finding->hint);
}

/* The rule's own mistakes. False when other checks cannot build on it. */
static bool check_rule(struct hl_check *check, const struct hl_value *rule, bool tcp, struct hl_rule *facts)
{
    hl_rule_check(check->arena, rule->text.data, rule->text.length, tcp, facts);
    for (size_t i = 0; i < facts->count; i++)
        report_finding(check, rule, &facts->findings[i]);
    return facts->errors == 0;
}

/* ---- the service ---- */

static struct hl_value *service_by_name(struct hl_arena *arena, const char *text, const char **problem)
{
    struct hl_value *service = hl_value_map(arena);

    if (*text == '\0') {
        *problem = "the name is empty";
        return NULL;
    }
    if (strstr(text, "://") != NULL) {
        *problem = "this is a URL: write service: {url: ...}";
        return NULL;
    }
    hl_value_map_put(service, "name", hl_traefik_own_name(arena, hl_value_text(arena, text)));
    return service;
}

/* One server that is nothing but a URL (or an address) is written as that. */
static struct hl_value *shorten_service(struct hl_arena *arena, struct hl_value *service)
{
    const struct hl_value *servers = hl_value_get(service, "servers");
    const struct hl_value *server = hl_value_item(servers, 0);

    if (!hl_value_is(service, HL_MAP) || hl_value_count(servers) != 1 || !hl_value_is(server, HL_MAP) || hl_value_count(server) != 1 ||
        hl_value_get(service, "url") != NULL || hl_value_get(service, "address") != NULL)
        return service;
    const char *key = hl_value_key(server, 0);

    if (strcmp(key, "url") != 0 && strcmp(key, "address") != 0)
        return service;
    struct hl_value *shorter = hl_value_map(arena);

    shorter->at = service->at;
    shorter->sensitive = service->sensitive;
    for (size_t i = 0; i < hl_value_members(service); i++) {
        if (strcmp(hl_value_key(service, i), "servers") != 0)
            hl_value_map_put(shorter, hl_value_key(service, i), hl_value_at(service, i));
    }
    hl_value_map_put(shorter, key, hl_value_at(server, 0));
    return shorter;
}

static void check_service(struct hl_check *check, const char *protocol, const struct hl_value *service)
{
    static const char *const sources[] = {"name", "url", "address", "servers"};
    size_t found = 0;

    if (!hl_value_is(service, HL_MAP))
        return;
    for (size_t i = 0; i < HL_COUNT(sources); i++)
        found += hl_value_get(service, sources[i]) != NULL ? 1 : 0;
    if (found != 1) {
        struct hl_diag *diag = hl_diag_error(check->diags, service->at,
                                             found == 0 ? "'service' says neither which service nor where its server is"
                                                        : "'service' takes one of name, url, address and servers");
        hl_diag_hint(check->diags, diag, "write service: NAME, or service: {%s: ...}", strcmp(protocol, "http") == 0 ? "url" : "address");
    } else if (hl_value_get(service, "name") != NULL && hl_value_count(service) > 1) {
        hl_diag_error(check->diags, service->at, "'service' names a service: what belongs to that one is set there");
    }
    hl_traefik_check_load_balancer(check, protocol, service, "service.");
}

/* ---- across fields ---- */

static const struct hl_traefik_only only[] = {
    {"rule", "http tcp"},        {"ruleSyntax", "http tcp"}, {"priority", "http tcp"},
    {"middlewares", "http tcp"}, {"tls", "http tcp"},        {"tls.passthrough", "tcp"},
    {"observability", "http"},   {"parentRefs", "http"},     {NULL, NULL},
};

static void check_tls_with_rule(struct hl_check *check, const struct hl_value *tls, const struct hl_rule *facts)
{
    const struct hl_value *resolver = hl_value_get(tls, "certResolver");
    const struct hl_value *options = hl_value_get(tls, "options");

    if (resolver != NULL && facts->hosts == 0 && facts->host_regexps > 0 && hl_value_count(hl_value_get(tls, "domains")) == 0)
        hl_diag_hint(check->diags, hl_diag_warning(check->diags, resolver->at, "no certificate is asked for: names cannot be read from a regular expression"),
                     "name them: tls: {domains: [{main: example.com, sans: [\"*.example.com\"]}]}");
    if (hl_value_is(options, HL_TEXT) && strcmp(options->text.data, "default") != 0 && facts->hosts == 0)
        hl_diag_warning(check->diags, options->at, "TLS options are found by the host: without one in the rule these do not apply");
}

static void check_tls(struct hl_check *check, const struct hl_value *tls)
{
    const struct hl_value *resolver = hl_value_get(tls, "certResolver");

    if (hl_value_get_bool(tls, "passthrough", false) && resolver != NULL)
        hl_diag_hint(check->diags,
                     hl_diag_warning(check->diags, resolver->at, "certificates are asked for and never used: 'passthrough' leaves TLS to the server"),
                     "leave 'certResolver' out");
}

static void check_rule_and_tls(struct hl_check *check, const char *protocol, const struct hl_value *body)
{
    const struct hl_value *rule = hl_value_get(body, "rule");
    const struct hl_value *tls = hl_value_get(body, "tls");
    const char *syntax = hl_value_get_text(body, "ruleSyntax");
    const bool tcp = strcmp(protocol, "tcp") == 0;
    struct hl_rule facts;

    if (rule == NULL)
        hl_diag_hint(check->diags, hl_diag_error(check->diags, body->at, "the router needs a 'rule'"), "%s",
                     tcp ? "rule: \"HostSNI(`db.example.com`)\"" : "rule: \"Host(`example.com`)\"");
    if (tls != NULL)
        check_tls(check, tls);
    if (!hl_value_is(rule, HL_TEXT) || (syntax != NULL && strcmp(syntax, "v2") == 0) || !check_rule(check, rule, tcp, &facts))
        return;
    if (tls != NULL)
        check_tls_with_rule(check, tls, &facts);
    else if (tcp && facts.hosts > 0)
        hl_diag_hint(check->diags, hl_diag_error(check->diags, rule->at, "HostSNI with a name needs TLS: without it the client does not tell the name"),
                     "add tls: {} (Traefik ends TLS) or tls: {passthrough: true}, or write HostSNI(`*`)");
    else if (tcp && facts.host_regexps > 0)
        hl_diag_hint(check->diags, hl_diag_warning(check->diags, rule->at, "without TLS the client does not tell a name: HostSNIRegexp sees the empty one"),
                     "add tls: {} or tls: {passthrough: true}");
}

static void check_child(struct hl_check *check, const struct hl_value *body)
{
    static const char *const not_for_children[] = {"tls", "observability", "entryPoints"};

    if (hl_value_count(hl_value_get(body, "parentRefs")) == 0)
        return;
    for (size_t i = 0; i < HL_COUNT(not_for_children); i++) {
        const struct hl_value *value = hl_value_get(body, not_for_children[i]);

        if (value != NULL)
            hl_diag_error(check->diags, value->at, "'%s' is for the parent: a router with 'parentRefs' cannot have it", not_for_children[i]);
    }
}

/* clang-format off */
static const struct hl_field domain_fields[] = {
    {.name = "main", .type = HL_F_STRING, .required = true, .doc = "main name of the certificate", .example = "example.com"},
    {.name = "sans", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_SINGLE, .order = HL_SET, .normalise = hl_traefik_split,
     .doc = "further names", .example = "[\"*.example.com\"]"},
    {.name = NULL},
};

static const struct hl_field tls_fields[] = {
    {.name = "passthrough", .type = HL_F_BOOL, .fallback = "false", .doc = "tcp: leave TLS to the server"},
    {.name = "options", .type = HL_F_STRING, .fallback = "default", .doc = "name of TLS options that are defined elsewhere"},
    {.name = "certResolver", .type = HL_F_STRING, .doc = "certificates resolver of Traefik's static configuration", .example = "letsencrypt"},
    {.name = "domains", .type = HL_F_LIST, .item = HL_F_OBJECT, .fields = domain_fields, .forms = HL_FORM_NOCASE,
     .doc = "names to ask certificates for, instead of those in the rule"},
    {.name = NULL},
};

static const struct hl_field observability_fields[] = {
    {.name = "accessLogs", .type = HL_F_BOOL, .fallback = "true", .doc = "write access logs"},
    {.name = "metrics", .type = HL_F_BOOL, .fallback = "true", .doc = "count in the metrics"},
    {.name = "tracing", .type = HL_F_BOOL, .fallback = "true", .doc = "make traces"},
    {.name = "traceVerbosity", .type = HL_F_STRING, .allowed = verbosities, .fallback = "minimal", .doc = "how detailed traces are"},
    {.name = NULL},
};

static const struct hl_field fields[] = {
    {.name = "protocol", .type = HL_F_STRING, .allowed = hl_traefik_protocols, .fallback = "http", .doc = "what is routed"},
    {.name = "rule", .type = HL_F_STRING, .normalise = join_rule, .doc = "which requests or connections it takes; not for udp",
     .example = "\"Host(`example.com`) && PathPrefix(`/api`)\""},
    {.name = "entryPoints", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_SINGLE, .order = HL_SET, .normalise = hl_traefik_split,
     .doc = "entry points of Traefik's static configuration; default are all, or those with asDefault", .example = "[websecure]"},
    {.name = "service", .type = HL_F_OBJECT, .fields = hl_traefik_inline_service_fields, .forms = HL_FORM_NOCASE, .shorthand = service_by_name,
     .normalise = shorten_service, .doc = "name of a service, or the server itself as {url: ...} or {address: ...}: a service of the router's own",
     .example = "{url: \"http://whoami:80\"}"},
    {.name = "middlewares", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_SINGLE, .refers_to = "middleware", .normalise = hl_traefik_own_name,
     .doc = "middlewares in the order in which a request passes them", .example = "[auth, headers@docker]"},
    {.name = "priority", .type = HL_F_INT, .minimum = INT64_MIN, .maximum = INT64_MAX - 1000, .fallback = "0",
     .doc = "routers are tried from the highest down; 0 is the length of the rule"},
    {.name = "ruleSyntax", .type = HL_F_STRING, .allowed = syntaxes, .doc = "v2 for rules of Traefik 2, which are not checked (deprecated)"},
    {.name = "tls", .type = HL_F_OBJECT, .fields = tls_fields, .forms = HL_FORM_NOCASE | HL_FORM_TRUE,
     .doc = "serve TLS, and only TLS; {} takes the defaults", .example = "{certResolver: letsencrypt}"},
    {.name = "observability", .type = HL_F_OBJECT, .fields = observability_fields, .forms = HL_FORM_NOCASE, .doc = "http: logs, metrics and traces"},
    {.name = "parentRefs", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_SINGLE, .order = HL_SET, .refers_to = "router",
     .normalise = hl_traefik_own_name, .doc = "http: routers whose requests it takes further"},
    {.name = NULL},
};
/* clang-format on */

static void check_router(struct hl_check *check, const struct hl_value *body)
{
    const char *protocol = hl_traefik_protocol(body);
    const struct hl_value *service = hl_value_get(body, "service");

    hl_traefik_check_body(check, fields, body);
    if (protocol == NULL)
        return;
    hl_traefik_check_only(check, only, protocol, body, "");
    if (strcmp(protocol, "udp") != 0)
        check_rule_and_tls(check, protocol, body);
    check_child(check, body);
    if (service != NULL)
        check_service(check, protocol, service);
    else if (strcmp(protocol, "http") != 0)
        hl_diag_error(check->diags, body->at, "the router needs a 'service'");
    else
        hl_diag_warning(check->diags, body->at, "the router has no 'service': that is right only for one that others name in 'parentRefs'");
}

const struct hl_kind hl_kind_router = {
    .name = "router",
    .section = "routers",
    .provider = "traefik",
    .doc = "which requests or connections Traefik sends to which service",
    .example = "rule: \"Host(`whoami.example.com`)\"\n"
               "entryPoints: [websecure]\n"
               "tls: {certResolver: letsencrypt}\n"
               "service: {url: \"http://whoami:80\"}\n",
    .fields = fields,
    .forms = HL_FORM_NOCASE,
    .check = check_router,
    .verbs = &hl_traefik_verbs,
};
