/* Normalisers and checks of single values. */
#include "config.h"

#include "reconcile/providers/traefik/fields.h"

#include "reconcile/providers/traefik/matcher.h"
#include "reconcile/providers/traefik/regexp.h"

#include <ctype.h>
#include <string.h>

const char *const hl_traefik_protocols[] = {"http", "tcp", "udp", NULL};
const struct hl_field hl_traefik_empty_fields[] = {{.name = NULL}};

/* ---- normalise ---- */

static struct hl_value *copy_marks(struct hl_value *copy, const struct hl_value *original)
{
    copy->at = original->at;
    copy->sensitive = original->sensitive;
    return copy;
}

static void split_item(struct hl_arena *arena, struct hl_value *list, const struct hl_value *item)
{
    const char *text = item->text.data;

    for (;;) {
        const size_t length = strcspn(text, ",");
        const char *from = text;
        const char *to = text + length;

        while (from < to && isspace((unsigned char)*from))
            from++;
        while (to > from && isspace((unsigned char)to[-1]))
            to--;
        if (to > from)
            hl_value_list_add(arena, list, copy_marks(hl_value_bytes(arena, from, (size_t)(to - from)), item));
        if (text[length] == '\0')
            return;
        text += length + 1;
    }
}

struct hl_value *hl_traefik_split(struct hl_arena *arena, struct hl_value *list)
{
    struct hl_value *split = hl_value_list(arena);

    for (size_t i = 0; i < hl_value_count(list); i++) {
        struct hl_value *item = hl_value_item(list, i);

        if (hl_value_is(item, HL_TEXT))
            split_item(arena, split, item);
        else
            hl_value_list_add(arena, split, item);
    }
    return copy_marks(split, list);
}

static struct hl_value *own_name(struct hl_arena *arena, struct hl_value *name)
{
    static const char suffix[] = "@file";

    if (!hl_value_is(name, HL_TEXT) || !hl_ends_with(name->text.data, suffix))
        return name;
    return copy_marks(hl_value_bytes(arena, name->text.data, name->text.length - strlen(suffix)), name);
}

struct hl_value *hl_traefik_own_name(struct hl_arena *arena, struct hl_value *name)
{
    if (!hl_value_is(name, HL_LIST))
        return own_name(arena, name);
    struct hl_value *names = hl_value_list(arena);

    name = hl_traefik_split(arena, name);
    for (size_t i = 0; i < hl_value_count(name); i++)
        hl_value_list_add(arena, names, own_name(arena, hl_value_item(name, i)));
    return copy_marks(names, name);
}

struct hl_value *hl_traefik_lower(struct hl_arena *arena, struct hl_value *text)
{
    if (!hl_value_is(text, HL_TEXT))
        return text;
    char *lower = hl_arena_copy(arena, text->text.data, text->text.length);

    for (char *c = lower; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy_marks(hl_value_text(arena, lower), text);
}

static const struct {
    const char *name;
    int64_t nanoseconds;
} span_units[] = {
    {"ns", 1}, {"us", 1000}, {"\xc2\xb5s", 1000}, {"\xce\xbcs", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000},
};

static int64_t take_unit(const char **text)
{
    for (size_t i = 0; i < HL_COUNT(span_units); i++) {
        const size_t length = strlen(span_units[i].name);

        if (strncmp(*text, span_units[i].name, length) == 0 && !isalpha((unsigned char)(*text)[length])) {
            *text += length;
            return span_units[i].nanoseconds;
        }
    }
    return 0;
}

/* One number with its unit, added to *total. */
static bool take_span_part(const char **text, int64_t *total)
{
    const char *whole = *text;
    const size_t digits = strspn(whole, "0123456789");
    const char *fraction = whole + digits + (whole[digits] == '.' ? 1 : 0);
    const size_t decimals = whole[digits] == '.' ? strspn(fraction, "0123456789") : 0;
    char number[24] = "0";
    int64_t nanoseconds = 0;

    *text = fraction + decimals;
    const int64_t unit = take_unit(text);

    if (digits + decimals == 0 || digits >= sizeof number || unit == 0)
        return false;
    memcpy(number, whole, digits);
    if (!hl_parse_int(number, 0, INT64_MAX, &nanoseconds) || __builtin_mul_overflow(nanoseconds, unit, &nanoseconds) ||
        __builtin_add_overflow(*total, nanoseconds, total))
        return false;
    int64_t part = unit;

    for (size_t i = 0; i < decimals && part > 0; i++) {
        part /= 10;
        if (__builtin_add_overflow(*total, part * (fraction[i] - '0'), total))
            return false;
    }
    return true;
}

bool hl_traefik_parse_span(const char *text, int64_t *nanoseconds)
{
    const bool negative = *text == '-';
    int64_t seconds = 0;
    int64_t total = 0;

    if (hl_parse_int(text, -INT64_MAX / 1000000000, INT64_MAX / 1000000000, &seconds)) {
        *nanoseconds = seconds * 1000000000;
        return true;
    }
    text += negative || *text == '+' ? 1 : 0;
    if (*text == '\0')
        return false;
    while (*text != '\0') {
        if (!take_span_part(&text, &total))
            return false;
    }
    *nanoseconds = negative ? -total : total;
    return true;
}

struct hl_value *hl_traefik_span(struct hl_arena *arena, struct hl_value *text)
{
    int64_t nanoseconds = 0;

    if (!hl_value_is(text, HL_TEXT) || !hl_traefik_parse_span(text->text.data, &nanoseconds) || nanoseconds % 1000000 != 0)
        return text;
    if (nanoseconds % 1000000000 == 0)
        return copy_marks(hl_value_printf(arena, "%llds", (long long)(nanoseconds / 1000000000)), text);
    return copy_marks(hl_value_printf(arena, "%lldms", (long long)(nanoseconds / 1000000)), text);
}

/* ---- check ---- */

/* A secret is never shown in a finding. */
static const char *shown(struct hl_check *check, const struct hl_value *value)
{
    return value->sensitive ? "the value" : hl_arena_printf(check->arena, "'%s'", value->text.data);
}

static void check_each(struct hl_check *check, const struct hl_value *value, void (*one)(struct hl_check *check, const struct hl_value *text))
{
    if (hl_value_is(value, HL_TEXT))
        one(check, value);
    for (size_t i = 0; hl_value_is(value, HL_LIST) && i < hl_value_count(value); i++) {
        if (hl_value_is(hl_value_item(value, i), HL_TEXT))
            one(check, hl_value_item(value, i));
    }
}

static void check_url(struct hl_check *check, const struct hl_value *url, bool h2c)
{
    const char *host = NULL;

    if (!hl_value_is(url, HL_TEXT))
        return;
    if (hl_starts_with(url->text.data, "http://") || hl_starts_with(url->text.data, "https://"))
        host = strstr(url->text.data, "://") + 3;
    else if (h2c && hl_starts_with(url->text.data, "h2c://"))
        host = url->text.data + strlen("h2c://");
    if (host == NULL)
        hl_diag_error(check->diags, url->at, "%s must begin with http://%s or https://", shown(check, url), h2c ? ", h2c:// (HTTP/2 without TLS)" : "");
    else if (*host == '\0' || strchr("/?#:", *host) != NULL)
        hl_diag_error(check->diags, url->at, "%s has no host", shown(check, url));
    else if (strpbrk(host, " \t") != NULL)
        hl_diag_error(check->diags, url->at, "%s has a blank in it", shown(check, url));
}

void hl_traefik_check_server_url(struct hl_check *check, const struct hl_value *url)
{
    check_url(check, url, true);
}

void hl_traefik_check_web_url(struct hl_check *check, const struct hl_value *url)
{
    check_url(check, url, false);
}

void hl_traefik_check_address(struct hl_check *check, const struct hl_value *address)
{
    int64_t port = 0;

    if (!hl_value_is(address, HL_TEXT))
        return;
    const char *text = address->text.data;
    const char *colon = strrchr(text, ':');
    struct hl_diag *diag = NULL;

    if (strstr(text, "://") != NULL)
        diag = hl_diag_error(check->diags, address->at, "%s: an address has no scheme", shown(check, address));
    else if (colon == NULL || colon == text)
        diag = hl_diag_error(check->diags, address->at, "%s is not host:port", shown(check, address));
    else if (!hl_parse_int(colon + 1, 1, 65535, &port))
        diag = hl_diag_error(check->diags, address->at, "%s: the port must be a number from 1 to 65535", shown(check, address));
    else if (text[0] != '[' && memchr(text, ':', (size_t)(colon - text)) != NULL)
        diag = hl_diag_error(check->diags, address->at, "%s: an IPv6 address stands in brackets", shown(check, address));
    if (diag != NULL)
        hl_diag_hint(check->diags, diag, "write \"web:8443\" or \"[fd00::1]:8443\"");
}

static void check_network(struct hl_check *check, const struct hl_value *text)
{
    if (!hl_is_address(text->text.data, true))
        hl_diag_error(check->diags, text->at, "%s is neither an address nor a network like 192.168.0.0/16", shown(check, text));
}

void hl_traefik_check_networks(struct hl_check *check, const struct hl_value *list)
{
    check_each(check, list, check_network);
}

static void check_one_regexp(struct hl_check *check, const struct hl_value *text)
{
    size_t at = 0;
    const char *problem = hl_regexp_problem(check->arena, text->text.data, text->text.length, &at);

    if (problem != NULL)
        hl_diag_error(check->diags, text->at, "the regular expression does not compile: %s (at byte %zu)", problem, at + 1);
}

void hl_traefik_check_regexp(struct hl_check *check, const struct hl_value *text)
{
    check_each(check, text, check_one_regexp);
}

static void check_status(struct hl_check *check, const struct hl_value *text)
{
    const char *dash = strchr(text->text.data, '-');
    const char *low = dash == NULL ? text->text.data : hl_arena_copy(check->arena, text->text.data, (size_t)(dash - text->text.data));
    int64_t from = 0;
    int64_t to = 0;

    if (!hl_parse_int(low, 100, 599, &from) || (dash != NULL && (!hl_parse_int(dash + 1, 100, 599, &to) || to < from)))
        hl_diag_error(check->diags, text->at, "%s is neither a status like 404 nor a range like 500-599", shown(check, text));
}

void hl_traefik_check_statuses(struct hl_check *check, const struct hl_value *list)
{
    check_each(check, list, check_status);
}

static void check_one_slash(struct hl_check *check, const struct hl_value *path)
{
    if (path->text.data[0] != '/')
        hl_diag_error(check->diags, path->at, "%s must begin with '/'", shown(check, path));
}

void hl_traefik_check_slash(struct hl_check *check, const struct hl_value *path)
{
    check_each(check, path, check_one_slash);
}

void hl_traefik_check_span(struct hl_check *check, const struct hl_value *text)
{
    int64_t nanoseconds = 0;

    if (hl_value_is(text, HL_TEXT) && !hl_traefik_parse_span(text->text.data, &nanoseconds))
        hl_diag_error(check->diags, text->at, "%s is not a duration like 100ms or -1s", shown(check, text));
}

static void check_user(struct hl_check *check, const struct hl_value *user)
{
    const char *colon = strchr(user->text.data, ':');

    if (colon == NULL || colon == user->text.data || colon[1] == '\0')
        hl_diag_hint(check->diags, hl_diag_error(check->diags, user->at, "a user is written name:hash"), "make one with `htpasswd -nB NAME`");
    else if (strstr(colon, "$$") != NULL)
        hl_diag_hint(check->diags, hl_diag_warning(check->diags, user->at, "the hash has '$$' in it: no password will match"),
                     "doubled dollars are for compose files; write one");
}

void hl_traefik_check_users(struct hl_check *check, const struct hl_value *list)
{
    check_each(check, list, check_user);
}
