/* Fields of the larger middlewares. */
#include "config.h"

#include "reconcile/providers/traefik/fields.h"

#define NAMES .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_SINGLE, .order = HL_SET, .normalise = hl_traefik_split
#define FLAG .type = HL_F_BOOL, .fallback = "false"

/* clang-format off */
static const struct hl_field client_tls_fields[] = {
    {.name = "ca", .type = HL_F_STRING, .doc = "certificate authority: a path as Traefik sees it, or PEM text"},
    {.name = "cert", .type = HL_F_STRING, .doc = "client certificate: a path as Traefik sees it, or PEM text"},
    {.name = "key", .type = HL_F_STRING, .sensitive = true, .doc = "its key: a path as Traefik sees it, or PEM text"},
    {.name = "insecureSkipVerify", FLAG, .doc = "do not verify the server's certificate"},
    {.name = NULL},
};

const struct hl_field hl_traefik_ip_strategy_fields[] = {
    {.name = "depth", .type = HL_F_INT, .minimum = 0, .maximum = INT32_MAX, .fallback = "0",
     .doc = "which address of X-Forwarded-For counts, from the right; 0 is the peer's own"},
    {.name = "excludedIPs", NAMES, .check = hl_traefik_check_networks, .doc = "the first address of X-Forwarded-For that is none of these counts"},
    {.name = "ipv6Subnet", .type = HL_F_INT, .minimum = 1, .maximum = 128, .doc = "bits of an IPv6 address that count as one client"},
    {.name = NULL},
};

static const struct hl_field source_fields[] = {
    {.name = "ipStrategy", .type = HL_F_OBJECT, .fields = hl_traefik_ip_strategy_fields, .forms = HL_FORM_NOCASE, .doc = "by address"},
    {.name = "requestHeaderName", .type = HL_F_STRING, .doc = "by the value of this header"},
    {.name = "requestHost", FLAG, .doc = "by the host that is asked for"},
    {.name = NULL},
};

const struct hl_field hl_traefik_in_flight_fields[] = {
    {.name = "amount", .type = HL_F_INT, .minimum = 0, .maximum = INT64_MAX, .required = true, .doc = "how many at once"},
    {.name = "sourceCriterion", .type = HL_F_OBJECT, .fields = source_fields, .forms = HL_FORM_NOCASE,
     .doc = "who counts as one; default is the host that is asked for"},
    {.name = NULL},
};

static const struct hl_field redis_fields[] = {
    {.name = "endpoints", NAMES, .fallback = "[\"localhost:6379\"]", .doc = "host:port of the servers"},
    {.name = "username", .type = HL_F_STRING, .doc = "user"},
    {.name = "password", .type = HL_F_STRING, .sensitive = true, .doc = "password"},
    {.name = "db", .type = HL_F_INT, .minimum = 0, .maximum = INT32_MAX, .fallback = "0", .doc = "number of the database"},
    {.name = "tls", .type = HL_F_OBJECT, .fields = client_tls_fields, .forms = HL_FORM_NOCASE, .doc = "connect with TLS"},
    {.name = "poolSize", .type = HL_F_INT, .minimum = 0, .maximum = INT32_MAX, .fallback = "0", .doc = "connections; 0 is ten a processor"},
    {.name = "minIdleConns", .type = HL_F_INT, .minimum = 0, .maximum = INT32_MAX, .fallback = "0", .doc = "connections that stay open"},
    {.name = "maxActiveConns", .type = HL_F_INT, .minimum = 0, .maximum = INT32_MAX, .fallback = "0", .doc = "most connections; 0 is no limit"},
    {.name = "readTimeout", .type = HL_F_DURATION, .fallback = "3s", .doc = "time limit of a read"},
    {.name = "writeTimeout", .type = HL_F_DURATION, .fallback = "3s", .doc = "time limit of a write"},
    {.name = "dialTimeout", .type = HL_F_DURATION, .fallback = "5s", .doc = "time limit of connecting"},
    {.name = NULL},
};

const struct hl_field hl_traefik_rate_limit_fields[] = {
    {.name = "average", .type = HL_F_INT, .minimum = 0, .maximum = INT64_MAX, .fallback = "0", .doc = "requests a period; 0 is no limit"},
    {.name = "period", .type = HL_F_DURATION, .fallback = "1s", .doc = "the period"},
    {.name = "burst", .type = HL_F_INT, .minimum = 0, .maximum = INT64_MAX, .fallback = "1", .doc = "requests that may come at the same moment"},
    {.name = "sourceCriterion", .type = HL_F_OBJECT, .fields = source_fields, .forms = HL_FORM_NOCASE,
     .doc = "who counts as one; default is the peer's address"},
    {.name = "redis", .type = HL_F_OBJECT, .fields = redis_fields, .forms = HL_FORM_NOCASE, .doc = "count in Redis, for several Traefiks"},
    {.name = NULL},
};

const struct hl_field hl_traefik_basic_auth_fields[] = {
    {.name = "users", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_SINGLE, .order = HL_SET, .sensitive = true, .normalise = hl_traefik_split,
     .check = hl_traefik_check_users, .doc = "users as name:hash (bcrypt, MD5 or SHA1, as htpasswd makes them)"},
    {.name = "usersFile", .type = HL_F_STRING, .doc = "file of users, a path as Traefik sees it"},
    {.name = "realm", .type = HL_F_STRING, .fallback = "traefik", .doc = "what the browser shows"},
    {.name = "removeHeader", FLAG, .doc = "do not pass the Authorization header on"},
    {.name = "headerField", .type = HL_F_STRING, .doc = "header that tells the service the user's name"},
    {.name = NULL},
};

const struct hl_field hl_traefik_digest_auth_fields[] = {
    {.name = "users", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_SINGLE, .order = HL_SET, .sensitive = true, .normalise = hl_traefik_split,
     .check = hl_traefik_check_users, .doc = "users as name:realm:hash, as htdigest makes them"},
    {.name = "usersFile", .type = HL_F_STRING, .doc = "file of users, a path as Traefik sees it"},
    {.name = "realm", .type = HL_F_STRING, .fallback = "traefik", .doc = "what the browser shows"},
    {.name = "removeHeader", FLAG, .doc = "do not pass the Authorization header on"},
    {.name = "headerField", .type = HL_F_STRING, .doc = "header that tells the service the user's name"},
    {.name = NULL},
};

const struct hl_field hl_traefik_forward_auth_fields[] = {
    {.name = "address", .type = HL_F_STRING, .required = true, .check = hl_traefik_check_web_url, .doc = "where to ask: 2xx lets the request through",
     .example = "http://authentik:9000/outpost.goauthentik.io/auth/traefik"},
    {.name = "trustForwardHeader", FLAG, .doc = "trust the X-Forwarded-* headers of the request"},
    {.name = "authResponseHeaders", NAMES, .doc = "headers of the answer that the service gets"},
    {.name = "authResponseHeadersRegex", .type = HL_F_STRING, .check = hl_traefik_check_regexp, .doc = "the same by a regular expression"},
    {.name = "authRequestHeaders", NAMES, .doc = "headers that are passed to the address; default are all"},
    {.name = "addAuthCookiesToResponse", NAMES, .doc = "cookies of the answer that the client gets"},
    {.name = "forwardBody", FLAG, .doc = "pass the body to the address too"},
    {.name = "maxBodySize", .type = HL_F_INT, .minimum = -1, .maximum = INT64_MAX, .fallback = "-1",
     .doc = "bytes of a body that may be passed; -1 is no limit"},
    {.name = "maxResponseBodySize", .type = HL_F_INT, .minimum = -1, .maximum = INT64_MAX, .doc = "bytes of an answer's body; -1 is no limit"},
    {.name = "headerField", .type = HL_F_STRING, .doc = "header of the answer that tells the user's name"},
    {.name = "preserveLocationHeader", FLAG, .doc = "leave the Location header of an answer as it is"},
    {.name = "preserveRequestMethod", FLAG, .doc = "ask with the method of the request instead of GET"},
    {.name = "authSigninURL", .type = HL_F_STRING, .doc = "where to send clients on 401"},
    {.name = "tls", .type = HL_F_OBJECT, .fields = client_tls_fields, .forms = HL_FORM_NOCASE, .doc = "TLS to the address"},
    {.name = NULL},
};

const struct hl_field hl_traefik_headers_fields[] = {
    {.name = "customRequestHeaders", .type = HL_F_MAP, .item = HL_F_STRING, .doc = "headers that the service gets; an empty value removes one"},
    {.name = "customResponseHeaders", .type = HL_F_MAP, .item = HL_F_STRING, .doc = "headers that the client gets; an empty value removes one"},
    {.name = "accessControlAllowCredentials", FLAG, .doc = "CORS: credentials are allowed"},
    {.name = "accessControlAllowHeaders", NAMES, .doc = "CORS: headers that are allowed"},
    {.name = "accessControlAllowMethods", NAMES, .doc = "CORS: methods that are allowed"},
    {.name = "accessControlAllowOriginList", NAMES, .doc = "CORS: origins that are allowed; * for all"},
    {.name = "accessControlAllowOriginListRegex", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_SINGLE, .order = HL_SET,
     .check = hl_traefik_check_regexp, .doc = "CORS: origins that are allowed, as regular expressions"},
    {.name = "accessControlExposeHeaders", NAMES, .doc = "CORS: headers that scripts may read"},
    {.name = "accessControlMaxAge", .type = HL_F_INT, .minimum = 0, .maximum = INT32_MAX, .doc = "CORS: seconds that a preflight answer holds"},
    {.name = "addVaryHeader", FLAG, .doc = "CORS: add a Vary header"},
    {.name = "allowedHosts", NAMES, .doc = "hosts that may be asked for"},
    {.name = "hostsProxyHeaders", NAMES, .doc = "headers that may hold the host"},
    {.name = "sslProxyHeaders", .type = HL_F_MAP, .item = HL_F_STRING, .doc = "headers, with their values, that mean HTTPS",
     .example = "{X-Forwarded-Proto: https}"},
    {.name = "stsSeconds", .type = HL_F_INT, .minimum = 0, .maximum = INT32_MAX, .fallback = "0", .doc = "HSTS: how long; 0 sends no header"},
    {.name = "stsIncludeSubdomains", FLAG, .doc = "HSTS: subdomains too"},
    {.name = "stsPreload", FLAG, .doc = "HSTS: for the preload lists"},
    {.name = "forceSTSHeader", FLAG, .doc = "HSTS: on plain HTTP too"},
    {.name = "frameDeny", FLAG, .doc = "X-Frame-Options: DENY"},
    {.name = "customFrameOptionsValue", .type = HL_F_STRING, .doc = "X-Frame-Options, instead of DENY"},
    {.name = "contentTypeNosniff", FLAG, .doc = "X-Content-Type-Options: nosniff"},
    {.name = "browserXssFilter", FLAG, .doc = "X-XSS-Protection: 1; mode=block"},
    {.name = "customBrowserXSSValue", .type = HL_F_STRING, .doc = "X-XSS-Protection, instead of that"},
    {.name = "contentSecurityPolicy", .type = HL_F_STRING, .doc = "Content-Security-Policy"},
    {.name = "contentSecurityPolicyReportOnly", .type = HL_F_STRING, .doc = "Content-Security-Policy-Report-Only"},
    {.name = "publicKey", .type = HL_F_STRING, .doc = "Public-Key-Pins"},
    {.name = "referrerPolicy", .type = HL_F_STRING, .doc = "Referrer-Policy"},
    {.name = "permissionsPolicy", .type = HL_F_STRING, .doc = "Permissions-Policy"},
    {.name = "isDevelopment", FLAG, .doc = "leave out what hurts while developing: hosts, TLS, HSTS"},
    {.name = NULL},
};
/* clang-format on */
