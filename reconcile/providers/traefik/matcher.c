#include "config.h"

#include "reconcile/providers/traefik/matcher.h"

#include "reconcile/providers/traefik/regexp.h"
#include "schema/base/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

enum argument { ARG_TEXT, ARG_HOST, ARG_HOST_REGEXP, ARG_SNI, ARG_PATH, ARG_REGEXP, ARG_ADDRESS, ARG_ALPN };

struct hl_matcher {
    const char *name;
    const char *title; /* the fourth spelling that Traefik takes, besides the name, lower and upper case */
    bool tcp, http;
    size_t minimum, maximum;
    enum argument arguments[2];
};

/* clang-format off */
static const struct hl_matcher matchers[] = {
    {.name = "Host", .title = "Host", .http = true, .minimum = 1, .maximum = 1, .arguments = {ARG_HOST}},
    {.name = "HostRegexp", .title = "Hostregexp", .http = true, .minimum = 1, .maximum = 1, .arguments = {ARG_HOST_REGEXP}},
    {.name = "Path", .title = "Path", .http = true, .minimum = 1, .maximum = 1, .arguments = {ARG_PATH}},
    {.name = "PathPrefix", .title = "Pathprefix", .http = true, .minimum = 1, .maximum = 1, .arguments = {ARG_PATH}},
    {.name = "PathRegexp", .title = "Pathregexp", .http = true, .minimum = 1, .maximum = 1, .arguments = {ARG_REGEXP}},
    {.name = "Method", .title = "Method", .http = true, .minimum = 1, .maximum = 1, .arguments = {ARG_TEXT}},
    {.name = "Header", .title = "Header", .http = true, .minimum = 2, .maximum = 2, .arguments = {ARG_TEXT, ARG_TEXT}},
    {.name = "HeaderRegexp", .title = "Headerregexp", .http = true, .minimum = 2, .maximum = 2, .arguments = {ARG_TEXT, ARG_REGEXP}},
    {.name = "Query", .title = "Query", .http = true, .minimum = 1, .maximum = 2, .arguments = {ARG_TEXT, ARG_TEXT}},
    {.name = "QueryRegexp", .title = "Queryregexp", .http = true, .minimum = 1, .maximum = 2, .arguments = {ARG_TEXT, ARG_REGEXP}},
    {.name = "ClientIP", .title = "Clientip", .http = true, .tcp = true, .minimum = 1, .maximum = 1, .arguments = {ARG_ADDRESS}},
    {.name = "HostSNI", .title = "Hostsni", .tcp = true, .minimum = 1, .maximum = 1, .arguments = {ARG_SNI}},
    {.name = "HostSNIRegexp", .title = "Hostsniregexp", .tcp = true, .minimum = 1, .maximum = 1, .arguments = {ARG_HOST_REGEXP}},
    {.name = "ALPN", .title = "Alpn", .tcp = true, .minimum = 1, .maximum = 1, .arguments = {ARG_ALPN}},
};

/* Names that v2 had, or that the other protocol has, and what v3 says instead. */
static const struct {
    const char *name, *http, *tcp;
} renamed[] = {
    {"Headers", "Header", NULL}, {"HeadersRegexp", "HeaderRegexp", NULL}, {"HostHeader", "Host", NULL},        {"HostSNI", "Host", NULL},
    {"HostSNIRegexp", "HostRegexp", NULL}, {"Host", NULL, "HostSNI"},     {"HostRegexp", NULL, "HostSNIRegexp"},
};
/* clang-format on */

static bool has_spelling(const struct hl_matcher *matcher, const char *name)
{
    bool upper = true;
    bool lower = true;

    if (strcasecmp(matcher->name, name) != 0)
        return false;
    for (const char *c = name; *c != '\0'; c++) {
        upper = upper && !islower((unsigned char)*c);
        lower = lower && !isupper((unsigned char)*c);
    }
    return upper || lower || strcmp(name, matcher->name) == 0 || strcmp(name, matcher->title) == 0;
}

static const struct hl_matcher *find_matcher(const char *name, bool tcp)
{
    for (size_t i = 0; i < HL_COUNT(matchers); i++) {
        if ((tcp ? matchers[i].tcp : matchers[i].http) && has_spelling(&matchers[i], name))
            return &matchers[i];
    }
    return NULL;
}

/* The matcher that was meant, or NULL. */
static const char *suggest_name(const char *name, bool tcp)
{
    const char *best = NULL;
    size_t best_distance = strlen(name) / 3 + 1;

    for (size_t i = 0; i < HL_COUNT(renamed); i++) {
        const char *instead = tcp ? renamed[i].tcp : renamed[i].http;

        if (instead != NULL && strcasecmp(renamed[i].name, name) == 0)
            return instead;
    }
    for (size_t i = 0; i < HL_COUNT(matchers); i++) {
        if (!(tcp ? matchers[i].tcp : matchers[i].http))
            continue;
        if (strcasecmp(matchers[i].name, name) == 0)
            return matchers[i].name;
        const size_t distance = hl_edit_distance(name, matchers[i].name, best_distance);

        if (distance < best_distance || (distance == best_distance && best == NULL)) {
            best = matchers[i].name;
            best_distance = distance;
        }
    }
    return best;
}

static void report_unknown(struct hl_rule_context *context, const struct hl_rule_call *call)
{
    const char *meant = suggest_name(call->name, context->tcp);
    struct hl_rule_finding *finding = hl_rule_error(context, call->offset, "%s rules have no matcher '%s'", context->tcp ? "TCP" : "HTTP", call->name);

    if (meant == NULL)
        finding->hint = context->tcp
                            ? "there are HostSNI, HostSNIRegexp, ClientIP and ALPN"
                            : "there are Host, HostRegexp, Path, PathPrefix, PathRegexp, Method, Header, HeaderRegexp, Query, QueryRegexp and ClientIP";
    else if (strcasecmp(meant, call->name) == 0)
        finding->hint = hl_arena_printf(context->arena, "write '%s': case matters", meant);
    else
        finding->hint = hl_arena_printf(context->arena, "did you mean '%s'?", meant);
}

static void report_count(struct hl_rule_context *context, const struct hl_matcher *matcher, const struct hl_rule_call *call)
{
    struct hl_rule_finding *finding = NULL;

    if (matcher->minimum != matcher->maximum)
        finding =
            hl_rule_error(context, call->offset, "%s takes %zu or %zu arguments, here are %zu", matcher->name, matcher->minimum, matcher->maximum, call->count);
    else
        finding = hl_rule_error(context, call->offset, "%s takes %zu argument%s, here are %zu", matcher->name, matcher->minimum,
                                matcher->minimum == 1 ? "" : "s", call->count);
    if (call->count > matcher->maximum && matcher->maximum == 1)
        finding->hint =
            hl_arena_printf(context->arena, "write %s(`%s`) || %s(`%s`)", matcher->name, call->arguments[0].text, matcher->name, call->arguments[1].text);
}

/* Where byte `at` of an argument stands in the rule. */
static size_t place(const struct hl_rule_argument *argument, size_t at)
{
    return argument->exact ? argument->offset + at : argument->offset;
}

static const char *find_non_ascii(const struct hl_rule_argument *argument)
{
    for (size_t i = 0; i < argument->length; i++) {
        if ((unsigned char)argument->text[i] >= 0x80)
            return argument->text + i;
    }
    return NULL;
}

static bool check_ascii(struct hl_rule_context *context, const char *matcher, const struct hl_rule_argument *argument)
{
    const char *wrong = find_non_ascii(argument);

    if (wrong == NULL)
        return true;
    hl_rule_error(context, place(argument, (size_t)(wrong - argument->text)), "%s takes ASCII only", matcher)->hint =
        "write an international name in its xn-- form";
    return false;
}

static void check_regexp(struct hl_rule_context *context, const struct hl_rule_argument *argument)
{
    size_t at = 0;
    const char *problem = hl_regexp_problem(context->arena, argument->text, argument->length, &at);

    if (problem != NULL)
        hl_rule_error(context, place(argument, at), "the regular expression does not compile: %s", problem);
}

/* v2's gorilla templates `{name:regexp}` compile as regular expressions and never match. */
static bool is_v2_template(const struct hl_rule_argument *argument)
{
    const char *open = memchr(argument->text, '{', argument->length);

    if (open == NULL || (open > argument->text && open[-1] == '\\'))
        return false;
    const char *c = open + 1;
    while (isalnum((unsigned char)*c) || *c == '_' || *c == '-')
        c++;
    return c > open + 1 && !isdigit((unsigned char)open[1]) && (*c == ':' || *c == '}');
}

static void check_host_regexp(struct hl_rule_context *context, const struct hl_rule_argument *argument)
{
    context->rule->host_regexps++;
    if (!check_ascii(context, context->tcp ? "HostSNIRegexp" : "HostRegexp", argument))
        return;
    if (is_v2_template(argument))
        hl_rule_warning(context, argument->offset, "'{name:regexp}' is the form of Traefik 2 and never matches")->hint =
            "write a plain regular expression: `^[a-z0-9-]+\\.example\\.com$`";
    check_regexp(context, argument);
}

/* What Traefik takes and no request can ever have. */
static void check_host_name(struct hl_rule_context *context, const struct hl_rule_argument *argument)
{
    const char *star = strchr(argument->text, '*');

    if (strstr(argument->text, "://") != NULL)
        hl_rule_warning(context, argument->offset, "a host has no scheme: this never matches");
    else if (strpbrk(argument->text, "/ ,") != NULL)
        hl_rule_warning(context, place(argument, strcspn(argument->text, "/ ,")), "a host has no '%c': this never matches",
                        argument->text[strcspn(argument->text, "/ ,")]);
    else if (strchr(argument->text, ':') != NULL && strchr(argument->text, ':') == strrchr(argument->text, ':'))
        hl_rule_warning(context, place(argument, strcspn(argument->text, ":")), "the port is not looked at: this never matches")->hint = "leave the port out";
    else if (star != NULL && (star != argument->text || argument->text[1] != '.' || strchr(star + 1, '*') != NULL))
        hl_rule_warning(context, place(argument, (size_t)(star - argument->text)), "'*' stands for one whole label at the beginning only")->hint =
            "write `*.example.com`, or use HostRegexp";
    else if (strchr(argument->text, '{') != NULL)
        hl_rule_warning(context, place(argument, strcspn(argument->text, "{")), "Host has no placeholders: this never matches")->hint = "use HostRegexp";
}

static void check_host(struct hl_rule_context *context, const struct hl_rule_argument *argument)
{
    if (strcmp(argument->text, "*") == 0)
        return;
    context->rule->hosts++;
    context->rule->wildcards += hl_starts_with(argument->text, "*.") ? 1 : 0;
    if (check_ascii(context, "Host", argument))
        check_host_name(context, argument);
}

static void check_sni(struct hl_rule_context *context, const struct hl_rule_argument *argument)
{
    if (strcmp(argument->text, "*") == 0) {
        context->rule->catch_all = true;
        return;
    }
    context->rule->hosts++;
    size_t at = hl_starts_with(argument->text, "*.") ? 2 : 0;

    context->rule->wildcards += at > 0 ? 1 : 0;
    while (at < argument->length && (isalnum((unsigned char)argument->text[at]) || strchr("_.-:", argument->text[at]) != NULL) && argument->text[at] != '\0')
        at++;
    if (at < argument->length || at == 0 || (at == 2 && argument->length == 2))
        hl_rule_error(context, place(argument, at), "HostSNI takes a host name, `*.` and a host name, or `*`")->hint =
            at < argument->length && (unsigned char)argument->text[at] >= 0x80 ? "write an international name in its xn-- form"
            : strchr(argument->text, '{') != NULL                              ? "patterns are for HostSNIRegexp"
                                                                               : NULL;
}

static void check_path(struct hl_rule_context *context, const char *matcher, const struct hl_rule_argument *argument)
{
    if (argument->text[0] != '/') {
        hl_rule_error(context, argument->offset, "a path begins with '/'");
        return;
    }
    if (is_v2_template(argument))
        hl_rule_warning(context, place(argument, strcspn(argument->text, "{")), "%s takes braces as they stand, not as a placeholder", matcher)->hint =
            "use PathRegexp";
    else if (strcmp(matcher, "PathPrefix") == 0 && argument->length > 1 && hl_ends_with(argument->text, "*"))
        hl_rule_warning(context, place(argument, argument->length - 1), "PathPrefix takes '*' as it stands")->hint = "leave it out: a prefix needs none";
    else if (strpbrk(argument->text, "?#") != NULL)
        hl_rule_warning(context, place(argument, strcspn(argument->text, "?#")), "a path ends before '%c': this never matches",
                        argument->text[strcspn(argument->text, "?#")]);
}

bool hl_is_address(const char *text, bool network)
{
    unsigned char bytes[16];
    char address[64];
    const char *slash = network ? strchr(text, '/') : NULL;
    const size_t length = slash == NULL ? strlen(text) : (size_t)(slash - text);
    int64_t prefix = 0;

    if (length >= sizeof address)
        return false;
    memcpy(address, text, length);
    address[length] = '\0';
    const bool four = inet_pton(AF_INET, address, bytes) == 1;

    if (!four && inet_pton(AF_INET6, address, bytes) != 1)
        return false;
    return slash == NULL || hl_parse_int(slash + 1, 0, four ? 32 : 128, &prefix);
}

static void check_argument(struct hl_rule_context *context, const struct hl_matcher *matcher, enum argument what, const struct hl_rule_argument *argument)
{
    switch (what) {
    case ARG_TEXT:
        break;
    case ARG_HOST:
        check_host(context, argument);
        break;
    case ARG_HOST_REGEXP:
        check_host_regexp(context, argument);
        break;
    case ARG_SNI:
        check_sni(context, argument);
        break;
    case ARG_PATH:
        check_path(context, matcher->name, argument);
        break;
    case ARG_REGEXP:
        check_regexp(context, argument);
        break;
    case ARG_ADDRESS:
        if (!hl_is_address(argument->text, true))
            hl_rule_error(context, argument->offset, "ClientIP takes an address or a network: `10.0.0.1`, `192.168.0.0/16`, `fd00::/8`");
        break;
    case ARG_ALPN:
        if (strcmp(argument->text, "acme-tls/1") == 0)
            hl_rule_error(context, argument->offset, "Traefik keeps the protocol acme-tls/1 for itself");
        break;
    }
}

void hl_matcher_check(struct hl_rule_context *context, const struct hl_rule_call *call)
{
    const struct hl_matcher *matcher = find_matcher(call->name, context->tcp);

    if (matcher == NULL) {
        report_unknown(context, call);
        return;
    }
    if (call->count < matcher->minimum || call->count > matcher->maximum) {
        report_count(context, matcher, call);
        return;
    }
    for (size_t i = 0; i < call->count; i++) {
        if (call->arguments[i].length == 0)
            hl_rule_error(context, call->arguments[i].offset, "an argument of %s is empty", matcher->name);
        else
            check_argument(context, matcher, matcher->arguments[i], &call->arguments[i]);
    }
    if (strcmp(matcher->name, "Method") == 0 && strpbrk(call->arguments[0].text, ", |") != NULL)
        hl_rule_warning(context, call->arguments[0].offset, "Method takes one method: this never matches")->hint = "write Method(`GET`) || Method(`HEAD`)";
}
