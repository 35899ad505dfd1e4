/* The fields of a load balancer of any protocol; which protocol has which is in body.c. */
#include "config.h"

#include "reconcile/providers/traefik/fields.h"

static const char *const strategies[] = {"wrr", "p2c", "hrw", "leasttime", NULL};
static const char *const same_site[] = {"none", "lax", "strict", NULL};
static const char *const modes[] = {"http", "grpc", NULL};
static const char *const schemes[] = {"http", "https", NULL};

/* clang-format off */
static const struct hl_field server_fields[] = {
    {.name = "url", .type = HL_F_STRING, .check = hl_traefik_check_server_url, .doc = "http: where the server is; h2c:// for gRPC without TLS",
     .example = "http://whoami:80"},
    {.name = "address", .type = HL_F_STRING, .check = hl_traefik_check_address, .doc = "tcp, udp: host:port of the server", .example = "db:5432"},
    {.name = "weight", .type = HL_F_INT, .minimum = 0, .maximum = INT32_MAX, .fallback = "1", .doc = "http: share of the requests"},
    {.name = "preservePath", .type = HL_F_BOOL, .fallback = "false", .doc = "http: the path of the URL is put before that of each request"},
    {.name = "tls", .type = HL_F_BOOL, .fallback = "false", .doc = "tcp: speak TLS to the server"},
    {.name = NULL},
};

static const struct hl_field cookie_fields[] = {
    {.name = "name", .type = HL_F_STRING, .doc = "name of the cookie; Traefik makes one up when it is left out"},
    {.name = "secure", .type = HL_F_BOOL, .fallback = "false", .doc = "send the cookie over TLS only"},
    {.name = "httpOnly", .type = HL_F_BOOL, .fallback = "false", .doc = "hide the cookie from scripts"},
    {.name = "sameSite", .type = HL_F_STRING, .normalise = hl_traefik_lower, .allowed = same_site, .doc = "the cookie's SameSite attribute"},
    {.name = "maxAge", .type = HL_F_INT, .fallback = "0", .doc = "seconds that the cookie lives; 0 is for the session"},
    {.name = "path", .type = HL_F_STRING, .fallback = "/", .doc = "path that the cookie is for"},
    {.name = "domain", .type = HL_F_STRING, .doc = "domain that the cookie is for"},
    {.name = NULL},
};

const struct hl_field hl_traefik_sticky_fields[] = {
    {.name = "cookie", .type = HL_F_OBJECT, .fields = cookie_fields, .forms = HL_FORM_NOCASE | HL_FORM_TRUE,
     .doc = "a cookie keeps a client where it was"},
    {.name = NULL},
};

static const struct hl_field health_check_fields[] = {
    {.name = "path", .type = HL_F_STRING, .check = hl_traefik_check_slash, .doc = "http: path to ask for", .example = "/health"},
    {.name = "scheme", .type = HL_F_STRING, .allowed = schemes, .doc = "http: instead of the server's scheme"},
    {.name = "mode", .type = HL_F_STRING, .allowed = modes, .fallback = "http", .doc = "http: ask by HTTP or by the gRPC health protocol"},
    {.name = "method", .type = HL_F_STRING, .fallback = "GET", .doc = "http: method of the request"},
    {.name = "status", .type = HL_F_INT, .minimum = 0, .maximum = 599, .fallback = "0", .doc = "http: status that means healthy; 0 is any 2xx or 3xx"},
    {.name = "port", .type = HL_F_INT, .minimum = 0, .maximum = 65535, .fallback = "0", .doc = "instead of the server's port"},
    {.name = "interval", .type = HL_F_DURATION, .fallback = "30s", .doc = "time between checks of a healthy server"},
    {.name = "unhealthyInterval", .type = HL_F_DURATION, .doc = "time between checks of an unhealthy server; default is interval"},
    {.name = "timeout", .type = HL_F_DURATION, .fallback = "5s", .doc = "time that an answer may take"},
    {.name = "hostname", .type = HL_F_STRING, .doc = "http: Host header of the request"},
    {.name = "followRedirects", .type = HL_F_BOOL, .fallback = "true", .doc = "http: follow redirects"},
    {.name = "headers", .type = HL_F_MAP, .item = HL_F_STRING, .doc = "http: headers of the request"},
    {.name = "send", .type = HL_F_STRING, .doc = "tcp: what to send"},
    {.name = "expect", .type = HL_F_STRING, .doc = "tcp: what must come back"},
    {.name = NULL},
};

static const struct hl_field passive_fields[] = {
    {.name = "failureWindow", .type = HL_F_DURATION, .fallback = "10s", .doc = "time within which failures count, and for which a server is out then"},
    {.name = "maxFailedAttempts", .type = HL_F_INT, .minimum = 0, .maximum = INT32_MAX, .fallback = "1", .doc = "failures that take a server out"},
    {.name = NULL},
};

static const struct hl_field forwarding_fields[] = {
    {.name = "flushInterval", .type = HL_F_STRING, .normalise = hl_traefik_span, .check = hl_traefik_check_span, .fallback = "100ms",
     .doc = "time between flushes to the client; negative flushes after each write"},
    {.name = NULL},
};

static const struct hl_field proxy_protocol_fields[] = {
    {.name = "version", .type = HL_F_INT, .minimum = 1, .maximum = 2, .fallback = "2", .doc = "version of the PROXY protocol"},
    {.name = NULL},
};

/* The rows that a load balancer and a router's own service have in common. */
#define LOAD_BALANCER_ROWS                                                                                                                          \
    {.name = "servers", .type = HL_F_LIST, .item = HL_F_OBJECT, .fields = server_fields, .forms = HL_FORM_NOCASE, .order = HL_SET,                  \
     .doc = "where requests go"},                                                                                                                   \
    {.name = "strategy", .type = HL_F_STRING, .allowed = strategies, .fallback = "wrr",                                                             \
     .doc = "how a server is chosen: weighted round robin, the less loaded of two, by client, the fastest"},                                        \
    {.name = "passHostHeader", .type = HL_F_BOOL, .fallback = "true", .doc = "the server sees the Host header of the client"},                      \
    {.name = "sticky", .type = HL_F_OBJECT, .fields = hl_traefik_sticky_fields, .forms = HL_FORM_NOCASE, .doc = "keep a client on its server"},                \
    {.name = "healthCheck", .type = HL_F_OBJECT, .fields = health_check_fields, .forms = HL_FORM_NOCASE | HL_FORM_TRUE,                             \
     .doc = "leave out servers that do not answer"},                                                                                                \
    {.name = "passiveHealthCheck", .type = HL_F_OBJECT, .fields = passive_fields, .forms = HL_FORM_NOCASE,                                          \
     .doc = "leave out servers that fail requests"},                                                                                                \
    {.name = "responseForwarding", .type = HL_F_OBJECT, .fields = forwarding_fields, .forms = HL_FORM_NOCASE,                                       \
     .doc = "how answers are passed on"},                                                                                                           \
    {.name = "serversTransport", .type = HL_F_STRING, .normalise = hl_traefik_own_name,                                                             \
     .doc = "name of a serversTransport that is defined elsewhere, as insecure or insecure@docker"},                                                \
    {.name = "proxyProtocol", .type = HL_F_OBJECT, .fields = proxy_protocol_fields, .forms = HL_FORM_NOCASE | HL_FORM_TRUE,                         \
     .doc = "tell the server the client's address by the PROXY protocol (better: a serversTransport)"},                                             \
    {.name = "terminationDelay", .type = HL_F_INT, .minimum = INT32_MIN, .maximum = INT32_MAX,                                                      \
     .doc = "milliseconds that a half-closed connection lives on; negative is for ever (better: a serversTransport)"}

const struct hl_field hl_traefik_load_balancer_fields[] = {
    LOAD_BALANCER_ROWS,
    {.name = NULL},
};

const struct hl_field hl_traefik_inline_service_fields[] = {
    {.name = "name", .type = HL_F_STRING, .refers_to = "service", .normalise = hl_traefik_own_name,
     .doc = "a service of the spec, or NAME@PROVIDER for one of another provider", .example = "api@internal"},
    {.name = "url", .type = HL_F_STRING, .check = hl_traefik_check_server_url, .doc = "http: the only server; h2c:// for gRPC without TLS",
     .example = "http://whoami:80"},
    {.name = "address", .type = HL_F_STRING, .check = hl_traefik_check_address, .doc = "tcp, udp: host:port of the only server", .example = "db:5432"},
    LOAD_BALANCER_ROWS,
    {.name = NULL},
};
/* clang-format on */
