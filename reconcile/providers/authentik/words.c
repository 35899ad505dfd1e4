/* Durations, times and redirect URIs, as authentik writes them. Pure. */
#include "config.h"

#include "reconcile/providers/authentik/authentik.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- durations ---- */

static const struct {
    const char *name;
    int64_t ms;
} units[] = {
    {"weeks", 7 * INT64_C(86400000)}, {"days", INT64_C(86400000)}, {"hours", 3600000}, {"minutes", 60000}, {"seconds", 1000}, {"milliseconds", 1},
};

static bool parse_part(const char *text, size_t length, int64_t *ms)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    char *part = hl_arena_copy(arena, text, length);
    char *equals = strchr(part, '=');
    int64_t number = 0;

    if (equals == NULL || !hl_parse_int(equals + 1, 0, INT32_MAX, &number))
        return false;
    *equals = '\0';
    for (size_t i = 0; i < HL_COUNT(units); i++) {
        if (strcmp(units[i].name, part + strspn(part, " ")) == 0) {
            *ms += number * units[i].ms;
            return true;
        }
    }
    return false;
}

bool hl_authentik_parse_duration(const char *text, int64_t *ms)
{
    *ms = 0;
    if (hl_is_blank(text))
        return false;
    while (*text != '\0') {
        const size_t length = strcspn(text, ";");
        if (length > 0 && !parse_part(text, length, ms))
            return false;
        text += length + (text[length] == ';' ? 1 : 0);
    }
    return true;
}

const char *hl_authentik_duration(struct hl_arena *arena, int64_t ms)
{
    const char *text = "";

    for (size_t i = 1; i < HL_COUNT(units); i++) { /* weeks are rather many days */
        const int64_t count = ms / units[i].ms;
        ms %= units[i].ms;
        if (count > 0)
            text = hl_arena_printf(arena, "%s%s%s=%lld", text, *text == '\0' ? "" : ";", units[i].name, (long long)count);
    }
    return *text == '\0' ? "seconds=0" : text;
}

/* ---- times ---- */

int64_t hl_authentik_time(const struct hl_value *text)
{
    struct tm parts = {0};
    int end = 0;

    if (!hl_value_is(text, HL_TEXT) || sscanf(text->text.data, "%4d-%2d-%2dT%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon, &parts.tm_mday, &parts.tm_hour,
                                              &parts.tm_min, &parts.tm_sec, &end) != 6)
        return 0;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    const time_t seconds = timegm(&parts); /* authentik's API tells UTC */
    return seconds <= 0 ? 0 : (int64_t)seconds * 1000;
}

const char *hl_authentik_day(struct hl_arena *arena, int64_t ms)
{
    const time_t seconds = (time_t)(ms / 1000);
    char text[32] = "?";
    struct tm parts;

    if (gmtime_r(&seconds, &parts) != NULL)
        (void)strftime(text, sizeof text, "%Y-%m-%d", &parts);
    return hl_arena_strdup(arena, text);
}

/* ---- names ---- */

const char *hl_authentik_block_name(struct hl_arena *arena, const char *text)
{
    char *name = hl_arena_strdup(arena, text);

    for (char *at = name; *at != '\0'; at++) {
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
        else if (strchr("abcdefghijklmnopqrstuvwxyz0123456789_.-", *at) == NULL)
            *at = '-';
    }
    return strchr("_.-", *name) == NULL ? name : hl_arena_printf(arena, "x%s", name);
}

/* ---- redirect URIs ---- */

static const char *const modes[] = {"strict", "regex", NULL};

const struct hl_field hl_authentik_uri_fields[] = {
    {.name = "url", .type = HL_F_STRING, .required = true, .doc = "where the browser may be sent after signing in"},
    {.name = "matching_mode", .type = HL_F_STRING, .allowed = modes, .fallback = "strict", .doc = "whether it is meant as it stands, or a regular expression"},
    {.name = NULL},
};

static struct hl_value *make_uri(struct hl_arena *arena, const char *url, const char *mode)
{
    struct hl_value *uri = hl_value_map(arena);

    hl_value_map_put_text(uri, "url", url);
    hl_value_map_put_text(uri, "matching_mode", mode);
    return uri;
}

struct hl_value *hl_authentik_short_uri(struct hl_arena *arena, const char *text, const char **problem)
{
    if (*text == '\0') {
        *problem = "it is empty";
        return NULL;
    }
    return make_uri(arena, text, *text == '^' ? "regex" : "strict");
}

struct hl_value *hl_authentik_normal_uris(struct hl_arena *arena, struct hl_value *list)
{
    struct hl_value *normal = hl_value_list(arena);

    if (!hl_value_is(list, HL_LIST))
        return list;
    normal->at = list->at;
    for (size_t i = 0; i < hl_value_count(list); i++) {
        struct hl_value *uri = hl_value_item(list, i);
        if (hl_value_is(uri, HL_MAP) && hl_value_get(uri, "matching_mode") == NULL) {
            uri = hl_value_copy(arena, uri);
            hl_value_map_put_text(uri, "matching_mode", "strict");
        }
        hl_value_list_add(arena, normal, uri);
    }
    return normal;
}

static const char *mode_of(const struct hl_value *uri)
{
    const char *mode = hl_value_get_text(uri, "matching_mode");

    return mode == NULL ? "strict" : mode;
}

static const char *mode_in(const struct hl_value *desired, const char *url)
{
    for (size_t i = 0; i < hl_value_count(desired); i++) {
        const char *wanted = hl_value_get_text(hl_value_item(desired, i), "url");
        if (wanted != NULL && strcmp(wanted, url) == 0)
            return mode_of(hl_value_item(desired, i));
    }
    return "strict";
}

static bool is_for_logout(const struct hl_value *uri)
{
    const char *type = hl_value_get_text(uri, "redirect_uri_type");

    return type != NULL && strcmp(type, "authorization") != 0;
}

static void put_lines(struct hl_arena *arena, struct hl_value *list, const char *text, const struct hl_value *desired)
{
    while (*text != '\0') {
        const size_t length = strcspn(text, "\r\n");
        if (length > 0) {
            const char *url = hl_arena_copy(arena, text, length);
            hl_value_list_add(arena, list, make_uri(arena, url, mode_in(desired, url)));
        }
        text += length + strspn(text + length, "\r\n");
    }
}

struct hl_value *hl_authentik_uris_live(struct hl_arena *arena, const struct hl_value *told, const struct hl_value *desired)
{
    struct hl_value *list = hl_value_list(arena);

    if (hl_value_is(told, HL_TEXT))
        put_lines(arena, list, told->text.data, desired);
    for (size_t i = 0; hl_value_is(told, HL_LIST) && i < hl_value_count(told); i++) {
        const struct hl_value *uri = hl_value_item(told, i);
        const char *url = hl_value_get_text(uri, "url");
        if (url != NULL && !is_for_logout(uri))
            hl_value_list_add(arena, list, make_uri(arena, hl_arena_strdup(arena, url), mode_of(uri)));
    }
    return list;
}

static struct hl_value *as_lines(struct hl_arena *arena, const struct hl_value *desired)
{
    hl_auto(text) struct hl_text lines = HL_TEXT_INIT(HL_MAX_OUTPUT);

    for (size_t i = 0; i < hl_value_count(desired); i++) {
        const char *url = hl_value_get_text(hl_value_item(desired, i), "url");
        if (url != NULL)
            hl_text_printf(&lines, "%s%s", lines.length > 0 ? "\n" : "", url);
    }
    return hl_value_bytes(arena, hl_text_get(&lines), lines.length);
}

struct hl_value *hl_authentik_uris_body(struct hl_arena *arena, enum hl_authentik_uris form, const struct hl_value *desired, const struct hl_value *former)
{
    struct hl_value *list = hl_value_list(arena);

    if (form == HL_AUTHENTIK_URIS_TEXT)
        return as_lines(arena, desired);
    for (size_t i = 0; i < hl_value_count(desired); i++) {
        const struct hl_value *uri = hl_value_item(desired, i);
        hl_value_list_add(arena, list, make_uri(arena, hl_value_get_text(uri, "url"), mode_of(uri)));
    }
    for (size_t i = 0; hl_value_is(former, HL_LIST) && i < hl_value_count(former); i++)
        if (is_for_logout(hl_value_item(former, i)))
            hl_value_list_add(arena, list, hl_value_copy(arena, hl_value_item(former, i)));
    return list;
}
