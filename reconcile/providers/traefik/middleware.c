#include "config.h"

#include "reconcile/providers/traefik/fields.h"
#include "reconcile/providers/traefik/traefik.h"

#include <string.h>

#define NAMES .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_SINGLE, .order = HL_SET, .normalise = hl_traefik_split
#define FLAG .type = HL_F_BOOL, .fallback = "false"

static const char *const url_schemes[] = {"http", "https", NULL};

/* clang-format off */
static const struct hl_field prefix_fields[] = {
    {.name = "prefix", .type = HL_F_STRING, .required = true, .check = hl_traefik_check_slash, .doc = "what to put before the path", .example = "/api"},
    {.name = NULL},
};

static const struct hl_field prefixes_fields[] = {
    {.name = "prefixes", NAMES, .required = true, .check = hl_traefik_check_slash, .doc = "what to take off the path; /api also takes it off /apix"},
    {.name = NULL},
};

static const struct hl_field regexes_fields[] = {
    {.name = "regex", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_SINGLE, .required = true, .check = hl_traefik_check_regexp,
     .doc = "regular expressions for what to take off the path"},
    {.name = NULL},
};

static const struct hl_field path_fields[] = {
    {.name = "path", .type = HL_F_STRING, .required = true, .check = hl_traefik_check_slash, .doc = "the new path"},
    {.name = NULL},
};

static const struct hl_field path_regex_fields[] = {
    {.name = "regex", .type = HL_F_STRING, .required = true, .check = hl_traefik_check_regexp, .doc = "regular expression for the path"},
    {.name = "replacement", .type = HL_F_STRING, .required = true, .doc = "the new path; $1 or ${1} is the first group (in the spec write $${1})"},
    {.name = NULL},
};

static const struct hl_field redirect_regex_fields[] = {
    {.name = "regex", .type = HL_F_STRING, .required = true, .check = hl_traefik_check_regexp, .doc = "regular expression for the whole URL"},
    {.name = "replacement", .type = HL_F_STRING, .required = true, .doc = "the new URL; $1 or ${1} is the first group (in the spec write $${1})"},
    {.name = "permanent", FLAG, .doc = "301 (308) instead of 302 (307)"},
    {.name = NULL},
};

static const struct hl_field redirect_scheme_fields[] = {
    {.name = "scheme", .type = HL_F_STRING, .required = true, .allowed = url_schemes, .doc = "the new scheme"},
    {.name = "port", .type = HL_F_STRING, .doc = "the new port"},
    {.name = "permanent", FLAG, .doc = "301 (308) instead of 302 (307)"},
    {.name = NULL},
};

static const struct hl_field buffering_fields[] = {
    {.name = "maxRequestBodyBytes", .type = HL_F_SIZE, .fallback = "0", .doc = "largest body of a request; 0 is no limit"},
    {.name = "memRequestBodyBytes", .type = HL_F_SIZE, .fallback = "1m", .doc = "what of it is kept in memory"},
    {.name = "maxResponseBodyBytes", .type = HL_F_SIZE, .fallback = "0", .doc = "largest body of an answer; 0 is no limit"},
    {.name = "memResponseBodyBytes", .type = HL_F_SIZE, .fallback = "1m", .doc = "what of it is kept in memory"},
    {.name = "retryExpression", .type = HL_F_STRING, .doc = "when to try again", .example = "\"IsNetworkError() && Attempts() < 2\""},
    {.name = NULL},
};

static const struct hl_field chain_fields[] = {
    {.name = "middlewares", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_SINGLE, .required = true, .refers_to = "middleware",
     .normalise = hl_traefik_own_name, .doc = "middlewares in their order"},
    {.name = NULL},
};

static const struct hl_field breaker_fields[] = {
    {.name = "expression", .type = HL_F_STRING, .required = true, .doc = "when to open", .example = "\"NetworkErrorRatio() > 0.30\""},
    {.name = "checkPeriod", .type = HL_F_DURATION, .fallback = "100ms", .doc = "time between looks at the expression"},
    {.name = "fallbackDuration", .type = HL_F_DURATION, .fallback = "10s", .doc = "time that it stays open"},
    {.name = "recoveryDuration", .type = HL_F_DURATION, .fallback = "10s", .doc = "time over which it closes"},
    {.name = "responseCode", .type = HL_F_INT, .minimum = 100, .maximum = 599, .fallback = "503", .doc = "status while it is open"},
    {.name = NULL},
};

static const struct hl_field compress_fields[] = {
    {.name = "excludedContentTypes", NAMES, .doc = "types that are not compressed"},
    {.name = "includedContentTypes", NAMES, .doc = "the only types that are compressed"},
    {.name = "minResponseBodyBytes", .type = HL_F_SIZE, .fallback = "1024", .doc = "smaller answers are left alone"},
    {.name = "encodings", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_SINGLE, .normalise = hl_traefik_split, .fallback = "[gzip, br, zstd]",
     .doc = "encodings, the preferred first"},
    {.name = "defaultEncoding", .type = HL_F_STRING, .doc = "for clients that take any"},
    {.name = NULL},
};

static const struct hl_field errors_fields[] = {
    {.name = "status", NAMES, .required = true, .check = hl_traefik_check_statuses, .doc = "statuses that get the page", .example = "[\"404\", \"500-599\"]"},
    {.name = "service", .type = HL_F_STRING, .required = true, .refers_to = "service", .normalise = hl_traefik_own_name, .doc = "service that has the page"},
    {.name = "query", .type = HL_F_STRING, .doc = "path of the page; {status}, {originalStatus} and {url} are filled in", .example = "/{status}.html"},
    {.name = "statusRewrites", .type = HL_F_MAP, .item = HL_F_INT, .minimum = 100, .maximum = 599, .doc = "other statuses to answer with",
     .example = "{\"418\": 404}"},
    {.name = "errorRequestHeaders", NAMES, .doc = "headers of the request that the service of the page gets; default are all"},
    {.name = NULL},
};

static const struct hl_field allow_list_fields[] = {
    {.name = "sourceRange", NAMES, .required = true, .check = hl_traefik_check_networks, .doc = "addresses and networks that are let in"},
    {.name = "ipStrategy", .type = HL_F_OBJECT, .fields = hl_traefik_ip_strategy_fields, .forms = HL_FORM_NOCASE | HL_FORM_TRUE,
     .doc = "http: which address counts"},
    {.name = "rejectStatusCode", .type = HL_F_INT, .minimum = 100, .maximum = 599, .fallback = "403", .doc = "http: status for the others"},
    {.name = NULL},
};

static const struct hl_field white_list_fields[] = {
    {.name = "sourceRange", NAMES, .required = true, .check = hl_traefik_check_networks, .doc = "addresses and networks that are let in"},
    {.name = "ipStrategy", .type = HL_F_OBJECT, .fields = hl_traefik_ip_strategy_fields, .forms = HL_FORM_NOCASE | HL_FORM_TRUE,
     .doc = "http: which address counts"},
    {.name = NULL},
};

static const struct hl_field in_flight_connection_fields[] = {
    {.name = "amount", .type = HL_F_INT, .minimum = 0, .maximum = INT64_MAX, .required = true, .doc = "how many at once"},
    {.name = NULL},
};

static const struct hl_field encoded_fields[] = {
    {.name = "allowEncodedSlash", FLAG, .doc = "let %2F through"},
    {.name = "allowEncodedBackSlash", FLAG, .doc = "let %5C through"},
    {.name = "allowEncodedNullCharacter", FLAG, .doc = "let %00 through"},
    {.name = "allowEncodedSemicolon", FLAG, .doc = "let %3B through"},
    {.name = "allowEncodedPercent", FLAG, .doc = "let %25 through"},
    {.name = "allowEncodedQuestionMark", FLAG, .doc = "let %3F through"},
    {.name = "allowEncodedHash", FLAG, .doc = "let %23 through"},
    {.name = NULL},
};

static const struct hl_field grpc_web_fields[] = {
    {.name = "allowOrigins", NAMES, .required = true, .doc = "origins that are allowed; * for all"},
    {.name = NULL},
};

/* Subject and issuer differ in one row that the issuer ignores, and Traefik refuses: organizationalUnit. */
#define DISTINGUISHED_NAME_ROWS                                                                                                                     \
    {.name = "country", FLAG, .doc = "C"}, {.name = "province", FLAG, .doc = "ST"}, {.name = "locality", FLAG, .doc = "L"},                         \
        {.name = "organization", FLAG, .doc = "O"}, {.name = "commonName", FLAG, .doc = "CN"}, {.name = "serialNumber", FLAG, .doc = "SN"},         \
        {.name = "domainComponent", FLAG, .doc = "DC"}

static const struct hl_field subject_fields[] = {DISTINGUISHED_NAME_ROWS, {.name = "organizationalUnit", FLAG, .doc = "OU"}, {.name = NULL}};
static const struct hl_field issuer_fields[] = {DISTINGUISHED_NAME_ROWS, {.name = NULL}};

static const struct hl_field certificate_info_fields[] = {
    {.name = "notAfter", FLAG, .doc = "end of its time"},
    {.name = "notBefore", FLAG, .doc = "begin of its time"},
    {.name = "sans", FLAG, .doc = "its names"},
    {.name = "serialNumber", FLAG, .doc = "its serial number"},
    {.name = "subject", .type = HL_F_OBJECT, .fields = subject_fields, .forms = HL_FORM_NOCASE, .doc = "parts of its subject"},
    {.name = "issuer", .type = HL_F_OBJECT, .fields = issuer_fields, .forms = HL_FORM_NOCASE, .doc = "parts of its issuer"},
    {.name = NULL},
};

static const struct hl_field client_certificate_fields[] = {
    {.name = "pem", FLAG, .doc = "pass the whole certificate"},
    {.name = "info", .type = HL_F_OBJECT, .fields = certificate_info_fields, .forms = HL_FORM_NOCASE, .doc = "pass parts of it"},
    {.name = NULL},
};

static const struct hl_field retry_fields[] = {
    {.name = "attempts", .type = HL_F_INT, .minimum = 1, .maximum = INT32_MAX, .required = true, .doc = "how often in all"},
    {.name = "initialInterval", .type = HL_F_DURATION, .fallback = "0s", .doc = "first wait; each later one is longer"},
    {.name = "timeout", .type = HL_F_DURATION, .fallback = "0s", .doc = "time for all attempts; 0s is no limit"},
    {.name = "maxRequestBodyBytes", .type = HL_F_INT, .minimum = -1, .maximum = INT64_MAX, .fallback = "2097152",
     .doc = "bytes of a request that are kept for further attempts; -1 is no limit"},
    {.name = "status", NAMES, .check = hl_traefik_check_statuses, .doc = "statuses that are tried again"},
    {.name = "disableRetryOnNetworkError", FLAG, .doc = "do not try again when the server cannot be reached"},
    {.name = "retryNonIdempotentMethod", FLAG, .doc = "try POST, LOCK and PATCH again too"},
    {.name = NULL},
};

#define MIDDLEWARE(key, table, words) {.name = key, .type = HL_F_OBJECT, .fields = table, .forms = HL_FORM_NOCASE, .doc = words}
#define MAY_BE_EMPTY(key, table, words) {.name = key, .type = HL_F_OBJECT, .fields = table, .forms = HL_FORM_NOCASE | HL_FORM_TRUE, .doc = words}

static const struct hl_field fields[] = {
    {.name = "protocol", .type = HL_F_STRING, .allowed = hl_traefik_protocols, .fallback = "http", .doc = "http or tcp"},
    MIDDLEWARE("addPrefix", prefix_fields, "put something before the path"),
    MIDDLEWARE("basicAuth", hl_traefik_basic_auth_fields, "ask for a name and a password"),
    MIDDLEWARE("buffering", buffering_fields, "read requests and answers whole before passing them on"),
    MIDDLEWARE("chain", chain_fields, "several middlewares under one name"),
    MIDDLEWARE("circuitBreaker", breaker_fields, "stop asking a service that fails"),
    MAY_BE_EMPTY("compress", compress_fields, "compress answers"),
    MAY_BE_EMPTY("contentType", hl_traefik_empty_fields, "guess the type of answers that have none"),
    MIDDLEWARE("digestAuth", hl_traefik_digest_auth_fields, "ask for a name and a password, by digest"),
    MIDDLEWARE("encodedCharacters", encoded_fields, "let encoded characters of a path through (Traefik 3.7)"),
    MIDDLEWARE("errors", errors_fields, "pages for errors"),
    MIDDLEWARE("forwardAuth", hl_traefik_forward_auth_fields, "ask another server whether a request may pass"),
    MIDDLEWARE("grpcWeb", grpc_web_fields, "turn gRPC-Web into gRPC"),
    MIDDLEWARE("headers", hl_traefik_headers_fields, "set, remove and check headers"),
    MIDDLEWARE("inFlightReq", hl_traefik_in_flight_fields, "limit how many requests run at once"),
    MIDDLEWARE("ipAllowList", allow_list_fields, "let only some addresses in"),
    MIDDLEWARE("ipWhiteList", white_list_fields, "the former name of ipAllowList"),
    MIDDLEWARE("passTLSClientCert", client_certificate_fields, "tell the service the client's certificate"),
    {.name = "plugin", .type = HL_F_MAP, .item = HL_F_ANY, .doc = "a plugin's name, and its settings; it must be in Traefik's static configuration"},
    MIDDLEWARE("rateLimit", hl_traefik_rate_limit_fields, "limit how many requests come in a time"),
    MIDDLEWARE("redirectRegex", redirect_regex_fields, "redirect by a regular expression"),
    MIDDLEWARE("redirectScheme", redirect_scheme_fields, "redirect to another scheme"),
    MIDDLEWARE("replacePath", path_fields, "replace the path"),
    MIDDLEWARE("replacePathRegex", path_regex_fields, "replace the path by a regular expression"),
    MIDDLEWARE("retry", retry_fields, "try failed requests again"),
    MIDDLEWARE("stripPrefix", prefixes_fields, "take something off the path"),
    MIDDLEWARE("stripPrefixRegex", regexes_fields, "take something off the path by a regular expression"),
    MIDDLEWARE("inFlightConn", in_flight_connection_fields, "tcp: limit how many connections are open at once"),
    {.name = NULL},
};
/* clang-format on */

/* TCP's lists know addresses only. */
static const struct hl_traefik_only list_only[] = {{"ipStrategy", "http"}, {"rejectStatusCode", "http"}, {NULL, NULL}};

static bool is_for(const char *middleware, const char *protocol)
{
    static const char *const tcp[] = {"inFlightConn", "ipAllowList", "ipWhiteList"};

    if (strcmp(protocol, "http") == 0)
        return strcmp(middleware, "inFlightConn") != 0;
    for (size_t i = 0; strcmp(protocol, "tcp") == 0 && i < HL_COUNT(tcp); i++) {
        if (strcmp(tcp[i], middleware) == 0)
            return true;
    }
    return false;
}

static void check_protocol(struct hl_check *check, const char *protocol, const struct hl_field *field, const struct hl_value *value)
{
    if (!is_for(field->name, protocol))
        hl_diag_error(check->diags, value->at, "'%s' does not exist for %s", field->name, protocol);
    else if (strcmp(field->name, "ipAllowList") == 0 || strcmp(field->name, "ipWhiteList") == 0)
        hl_traefik_check_only(check, list_only, protocol, value, hl_arena_printf(check->arena, "%s.", field->name));
}

static void check_details(struct hl_check *check, const struct hl_value *body)
{
    const struct hl_value *basic = hl_value_get(body, "basicAuth");
    const struct hl_value *digest = hl_value_get(body, "digestAuth");
    const struct hl_value *auth = basic != NULL ? basic : digest;
    const struct hl_value *compress = hl_value_get(body, "compress");
    const struct hl_value *forward = hl_value_get(body, "forwardAuth");
    const struct hl_value *old = hl_value_get(body, "ipWhiteList");

    if (hl_value_is(auth, HL_MAP) && hl_value_get(auth, "users") == NULL && hl_value_get(auth, "usersFile") == NULL)
        hl_diag_error(check->diags, auth->at, "without 'users' and 'usersFile' nobody can sign in, and Traefik refuses it");
    if (hl_value_get(compress, "excludedContentTypes") != NULL && hl_value_get(compress, "includedContentTypes") != NULL)
        hl_diag_error(check->diags, compress->at, "'compress' takes either excludedContentTypes or includedContentTypes");
    if (hl_value_is(forward, HL_MAP) && hl_value_get(forward, "trustForwardHeader") == NULL)
        hl_diag_hint(check->diags,
                     hl_diag_warning(check->diags, forward->at, "'trustForwardHeader' is not said: Traefik warns of that, and may change its default"),
                     "say trustForwardHeader: true where Traefik is the first proxy or trusts the one before it, else false");
    if (old != NULL)
        hl_diag_hint(check->diags, hl_diag_warning(check->diags, old->at, "'ipWhiteList' is deprecated"), "write ipAllowList");
}

static void check_middleware(struct hl_check *check, const struct hl_value *body)
{
    const char *protocol = hl_traefik_protocol(body);
    size_t found = 0;

    hl_traefik_check_body(check, fields, body);
    for (const struct hl_field *field = fields + 1; field->name != NULL; field++) {
        const struct hl_value *value = hl_value_get(body, field->name);

        found += value != NULL ? 1 : 0;
        if (value != NULL && protocol != NULL)
            check_protocol(check, protocol, field, value);
    }
    if (found != 1)
        hl_diag_hint(
            check->diags,
            hl_diag_error(check->diags, body->at, found == 0 ? "the middleware does not say what it is" : "a middleware is one thing, and here are several"),
            "name one kind, as headers: {...} or stripPrefix: {...}; several go into a chain");
    check_details(check, body);
}

const struct hl_kind hl_kind_middleware = {
    .name = "middleware",
    .section = "middlewares",
    .provider = "traefik",
    .doc = "what Traefik does with a request on its way to the service",
    .example = "forwardAuth:\n"
               "  address: http://authentik:9000/outpost.goauthentik.io/auth/traefik\n"
               "  trustForwardHeader: true\n"
               "  authResponseHeaders: [X-authentik-username, X-authentik-groups]\n",
    .fields = fields,
    .forms = HL_FORM_NOCASE,
    .check = check_middleware,
    .verbs = &hl_traefik_verbs,
};
