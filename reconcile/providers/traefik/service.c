#include "config.h"

#include "reconcile/providers/traefik/fields.h"
#include "reconcile/providers/traefik/traefik.h"

#include <string.h>

/* clang-format off */
static const struct hl_field child_fields[] = {
    {.name = "name", .type = HL_F_STRING, .required = true, .refers_to = "service", .normalise = hl_traefik_own_name, .doc = "a service"},
    {.name = "weight", .type = HL_F_INT, .minimum = 0, .maximum = INT32_MAX, .fallback = "1", .doc = "its share"},
    {.name = NULL},
};

static const struct hl_field mirror_fields[] = {
    {.name = "name", .type = HL_F_STRING, .required = true, .refers_to = "service", .normalise = hl_traefik_own_name, .doc = "a service"},
    {.name = "percent", .type = HL_F_INT, .minimum = 0, .maximum = 100, .fallback = "0", .doc = "how many of the requests it gets too"},
    {.name = NULL},
};

static const struct hl_field failover_error_fields[] = {
    {.name = "status", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_SINGLE, .order = HL_SET, .normalise = hl_traefik_split,
     .check = hl_traefik_check_statuses, .doc = "statuses that count as failures", .example = "[\"500-504\"]"},
    {.name = "maxRequestBodyBytes", .type = HL_F_INT, .minimum = -1, .maximum = INT64_MAX, .fallback = "-1",
     .doc = "bytes of a request that are kept for the second try; -1 is no limit"},
    {.name = NULL},
};

#define UP_FIELD                                                                                                                                    \
    {.name = "healthCheck", .type = HL_F_OBJECT, .fields = hl_traefik_empty_fields, .forms = HL_FORM_TRUE,                                          \
     .doc = "{}: leave out services whose own health check fails"}

static const struct hl_field weighted_fields[] = {
    {.name = "services", .type = HL_F_LIST, .item = HL_F_OBJECT, .fields = child_fields, .forms = HL_FORM_NOCASE, .order = HL_SET, .required = true,
     .doc = "services and their weights"},
    {.name = "sticky", .type = HL_F_OBJECT, .fields = hl_traefik_sticky_fields, .forms = HL_FORM_NOCASE, .doc = "http: keep a client on its service"},
    UP_FIELD,
    {.name = NULL},
};

static const struct hl_field hashed_fields[] = {
    {.name = "services", .type = HL_F_LIST, .item = HL_F_OBJECT, .fields = child_fields, .forms = HL_FORM_NOCASE, .order = HL_SET, .required = true,
     .doc = "services and their weights"},
    UP_FIELD,
    {.name = NULL},
};

static const struct hl_field mirroring_fields[] = {
    {.name = "service", .type = HL_F_STRING, .required = true, .refers_to = "service", .normalise = hl_traefik_own_name,
     .doc = "the service whose answers the client gets"},
    {.name = "mirrors", .type = HL_F_LIST, .item = HL_F_OBJECT, .fields = mirror_fields, .forms = HL_FORM_NOCASE, .order = HL_SET,
     .doc = "services that get copies; their answers are dropped"},
    {.name = "mirrorBody", .type = HL_F_BOOL, .fallback = "true", .doc = "copy the bodies too"},
    {.name = "maxBodySize", .type = HL_F_INT, .minimum = -1, .maximum = INT64_MAX, .fallback = "-1",
     .doc = "bytes of a body; larger requests are not copied; -1 is no limit"},
    UP_FIELD,
    {.name = NULL},
};

static const struct hl_field failover_fields[] = {
    {.name = "service", .type = HL_F_STRING, .required = true, .refers_to = "service", .normalise = hl_traefik_own_name,
     .doc = "the service that is used while it is healthy; it needs a health check, or 'errors' here"},
    {.name = "fallback", .type = HL_F_STRING, .required = true, .refers_to = "service", .normalise = hl_traefik_own_name, .doc = "the one used otherwise"},
    {.name = "errors", .type = HL_F_OBJECT, .fields = failover_error_fields, .forms = HL_FORM_NOCASE, .doc = "answers that count as failures"},
    UP_FIELD,
    {.name = NULL},
};

static const struct hl_field fields[] = {
    {.name = "protocol", .type = HL_F_STRING, .allowed = hl_traefik_protocols, .fallback = "http", .doc = "what is routed"},
    {.name = "loadBalancer", .type = HL_F_OBJECT, .fields = hl_traefik_load_balancer_fields, .forms = HL_FORM_NOCASE,
     .doc = "servers that share the requests", .example = "{servers: [{url: \"http://a:80\"}, {url: \"http://b:80\"}]}"},
    {.name = "weighted", .type = HL_F_OBJECT, .fields = weighted_fields, .forms = HL_FORM_NOCASE, .doc = "other services, each with its share"},
    {.name = "highestRandomWeight", .type = HL_F_OBJECT, .fields = hashed_fields, .forms = HL_FORM_NOCASE,
     .doc = "http: other services, chosen by the client's address"},
    {.name = "mirroring", .type = HL_F_OBJECT, .fields = mirroring_fields, .forms = HL_FORM_NOCASE, .doc = "http: copies of requests to other services"},
    {.name = "failover", .type = HL_F_OBJECT, .fields = failover_fields, .forms = HL_FORM_NOCASE, .doc = "http: a second service for when the first is down"},
    {.name = "middlewares", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_SINGLE, .refers_to = "middleware", .normalise = hl_traefik_own_name,
     .doc = "http: middlewares before the service (Traefik 3.7)"},
    {.name = NULL},
};
/* clang-format on */

static const struct hl_traefik_only only[] = {
    {"highestRandomWeight", "http"}, {"mirroring", "http"}, {"failover", "http"}, {"middlewares", "http"}, {"weighted.sticky", "http"}, {NULL, NULL},
};

static void check_service(struct hl_check *check, const struct hl_value *body)
{
    static const char *const kinds[] = {"loadBalancer", "weighted", "highestRandomWeight", "mirroring", "failover"};
    const char *protocol = hl_traefik_protocol(body);
    const struct hl_value *balancer = hl_value_get(body, "loadBalancer");
    size_t found = 0;

    hl_traefik_check_body(check, fields, body);
    for (size_t i = 0; i < HL_COUNT(kinds); i++)
        found += hl_value_get(body, kinds[i]) != NULL ? 1 : 0;
    if (found != 1)
        hl_diag_hint(
            check->diags,
            hl_diag_error(check->diags, body->at, found == 0 ? "the service does not say what it is" : "a service is one thing, and here are %zu", found),
            "take one of loadBalancer, weighted, highestRandomWeight, mirroring and failover");
    if (protocol == NULL)
        return;
    hl_traefik_check_only(check, only, protocol, body, "");
    if (strcmp(protocol, "udp") == 0 && hl_value_get(hl_value_get(body, "weighted"), "healthCheck") != NULL)
        hl_diag_error(check->diags, body->at, "'weighted.healthCheck' does not exist for udp");
    if (!hl_value_is(balancer, HL_MAP))
        return;
    hl_traefik_check_load_balancer(check, protocol, balancer, "loadBalancer.");
    if (hl_value_get(balancer, "servers") == NULL)
        hl_diag_error(check->diags, balancer->at, "'loadBalancer' needs 'servers'");
}

const struct hl_kind hl_kind_service = {
    .name = "service",
    .section = "services",
    .provider = "traefik",
    .doc = "where Traefik sends requests or connections: servers, or other services",
    .example = "loadBalancer:\n"
               "  servers: [{url: \"http://10.0.0.5:8080\"}, {url: \"http://10.0.0.6:8080\"}]\n"
               "  healthCheck: {path: /health, interval: 10s}\n",
    .fields = fields,
    .forms = HL_FORM_NOCASE,
    .check = check_service,
    .verbs = &hl_traefik_verbs,
};
