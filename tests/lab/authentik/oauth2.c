/* OAuth2 providers: redirect URIs in two forms, and what is made up when it is not sent. */
#include "config.h"

#include "tests/lab/authentik/authentik.h"

#include <string.h>

enum { CLIENT_ID_LENGTH = 40, CLIENT_SECRET_LENGTH = 128 };

/* --- Redirect URIs --- */

static bool takes_lists(const struct authentik_call *c)
{
    return authentik_is_since(c->authentik, 2024, 12);
}

/* As far as it matters here: Python's expressions know more than the C library's. */
static bool is_regex(const char *text)
{
    int depth = 0;

    for (; *text != '\0' && depth >= 0; text++) {
        if (*text == '\\' && text[1] != '\0')
            text++;
        else if (*text == '(')
            depth++;
        else if (*text == ')')
            depth--;
    }
    return depth == 0;
}

/* The words about one entry, or an empty map. */
static struct hl_value *check_entry(struct authentik_call *c, const struct hl_value *entry)
{
    struct hl_value *errors = hl_value_map(c->arena);
    const char *mode = hl_value_get_text(entry, "matching_mode");
    const char *url = hl_value_get_text(entry, "url");

    if (!hl_value_is(entry, HL_MAP)) {
        authentik_complain(c->arena, errors, "non_field_errors", "Invalid data. Expected a dictionary, but got str.");
        return errors;
    }
    if (mode == NULL)
        authentik_complain(c->arena, errors, "matching_mode", "This field is required.");
    else if (strcmp(mode, "strict") != 0 && strcmp(mode, "regex") != 0)
        authentik_complain(c->arena, errors, "matching_mode", "\"%s\" is not a valid choice.", mode);
    if (url == NULL)
        authentik_complain(c->arena, errors, "url", "This field is required.");
    else if (*url == '\0')
        authentik_complain(c->arena, errors, "url", "This field may not be blank.");
    return errors;
}

static void check_list(struct authentik_call *c, const struct hl_value *list, struct hl_value *errors)
{
    struct hl_value *all = hl_value_list(c->arena);
    bool wrong = false;

    if (!hl_value_is(list, HL_LIST)) {
        struct hl_value *words = hl_value_map(c->arena);
        authentik_complain(c->arena, words, "non_field_errors", "Expected a list of items but got type \"str\".");
        hl_value_map_put(errors, "redirect_uris", words);
        return;
    }
    for (size_t i = 0; i < hl_value_count(list); i++) {
        struct hl_value *found = check_entry(c, hl_value_item(list, i));
        wrong = wrong || hl_value_count(found) > 0;
        hl_value_list_add(c->arena, all, found);
    }
    if (wrong) {
        hl_value_map_put(errors, "redirect_uris", all);
        return;
    }
    for (size_t i = 0; i < hl_value_count(list); i++) {
        const struct hl_value *entry = hl_value_item(list, i);
        const char *url = hl_value_get_text(entry, "url");
        if (strcmp(hl_value_get_text(entry, "matching_mode"), "regex") == 0 && !is_regex(url))
            authentik_complain(c->arena, errors, "redirect_uris", "Invalid Regex Pattern: %s", url);
    }
}

/* Newer versions say what a URI is for. */
static struct hl_value *stored_list(struct authentik_call *c, const struct hl_value *list)
{
    struct hl_value *stored = hl_value_list(c->arena);

    for (size_t i = 0; i < hl_value_count(list); i++) {
        struct hl_value *entry = hl_value_copy(c->arena, hl_value_item(list, i));
        if (authentik_is_since(c->authentik, 2025, 10) && hl_value_get(entry, "redirect_uri_type") == NULL)
            hl_value_map_put_text(entry, "redirect_uri_type", "authorization");
        hl_value_list_add(c->arena, stored, entry);
    }
    return stored;
}

static void check_redirects(struct authentik_call *c, struct hl_value *body, bool created, struct hl_value *errors)
{
    const struct hl_value *sent = hl_value_get(body, "redirect_uris");

    if (sent == NULL && !created)
        return;
    if (!takes_lists(c)) {
        if (hl_value_is_null(sent))
            hl_value_map_put_text(body, "redirect_uris", "");
        else if (!hl_value_is(sent, HL_TEXT))
            authentik_complain(c->arena, errors, "redirect_uris", "Not a valid string.");
        return;
    }
    if (hl_value_is_null(sent)) {
        authentik_complain(c->arena, errors, "redirect_uris", "This field is required.");
        return;
    }
    check_list(c, sent, errors);
    if (hl_value_count(errors) == 0)
        hl_value_map_put(body, "redirect_uris", stored_list(c, sent));
}

/* --- The rest --- */

/* "hours=1;minutes=2", or "" */
static bool is_duration(const char *text)
{
    static const char *const units[] = {"microseconds=", "milliseconds=", "seconds=", "minutes=", "hours=", "days=", "weeks="};

    while (*text != '\0') {
        bool known = false;
        for (size_t i = 0; i < HL_COUNT(units) && !known; i++) {
            known = hl_starts_with(text, units[i]);
            text += known ? strlen(units[i]) : 0;
        }
        const size_t digits = strspn(text, "0123456789.");
        if (!known || digits == 0 || (text[digits] != ';' && text[digits] != '\0'))
            return false;
        text += digits + (text[digits] == ';' ? 1 : 0);
    }
    return true;
}

static void make_up(struct authentik_call *c, struct hl_value *body, const char *field, size_t length)
{
    char *text = NULL;

    if (!hl_value_is_null(hl_value_get(body, field)))
        return;
    authentik_random_key(c->arena, length, &text);
    hl_value_map_put_text(body, field, text);
}

bool authentik_provider_validate(struct authentik_call *c, const struct authentik_table *table, struct hl_value *body, const struct hl_value *object,
                                 struct hl_value *errors)
{
    static const char *const durations[] = {"access_code_validity", "access_token_validity", "refresh_token_validity"};

    (void)table;
    for (size_t i = 0; i < HL_COUNT(durations); i++) {
        const char *text = hl_value_get_text(body, durations[i]);
        if (text != NULL && !is_duration(text))
            authentik_complain(c->arena, errors, durations[i], "%s is not in the correct format of 'hours=3;minutes=1'.", text);
    }
    if (object == NULL && takes_lists(c) && hl_value_is_null(hl_value_get(body, "invalidation_flow")))
        authentik_complain(c->arena, errors, "invalidation_flow", "This field is required.");
    check_redirects(c, body, object == NULL, errors);
    if (object == NULL) {
        make_up(c, body, "client_id", CLIENT_ID_LENGTH);
        make_up(c, body, "client_secret", CLIENT_SECRET_LENGTH);
    }
    return hl_value_count(errors) == 0;
}

void authentik_provider_removed(struct authentik_call *c, const struct hl_value *object)
{
    const struct hl_value *applications = authentik_rows(c->authentik, "applications");

    for (size_t i = 0; i < hl_value_count(applications); i++) {
        struct hl_value *application = hl_value_at(applications, i);
        if (hl_value_equal(hl_value_get(application, "provider"), hl_value_get(object, "pk")))
            authentik_put(c->authentik, application, "provider", hl_value_null(c->arena));
    }
}

static const struct hl_value *application_of(struct authentik_call *c, const struct hl_value *object)
{
    const struct hl_value *applications = authentik_rows(c->authentik, "applications");

    for (size_t i = 0; i < hl_value_count(applications); i++)
        if (hl_value_equal(hl_value_get(hl_value_at(applications, i), "provider"), hl_value_get(object, "pk")))
            return hl_value_at(applications, i);
    return NULL;
}

void authentik_provider_show(struct authentik_call *c, const struct hl_value *object, struct hl_value *out)
{
    const struct hl_value *application = application_of(c, object);
    const char *slug = hl_value_get_text(application, "slug");
    const char *name = hl_value_get_text(application, "name");

    hl_value_map_put_text(out, "component", "ak-provider-oauth2-form");
    hl_value_map_put_text(out, "meta_model_name", "authentik_providers_oauth2.oauth2provider");
    hl_value_map_put_text(out, "verbose_name", "OAuth2/OpenID Provider");
    hl_value_map_put_text(out, "assigned_application_slug", slug == NULL ? "" : slug);
    hl_value_map_put_text(out, "assigned_application_name", name == NULL ? "" : name);
}

bool authentik_provider_act(struct authentik_call *c, struct hl_value *object, const char *action)
{
    const char *host = lab_header(c->call, "host");
    const char *slug = hl_value_get_text(application_of(c, object), "slug");
    struct hl_value *answer = hl_value_map(c->arena);

    if (strcmp(action, "setup_urls") != 0)
        return false;
    const char *base = hl_arena_printf(c->arena, "http://%s/application/o", host == NULL ? "localhost" : host);
    hl_value_map_put(answer, "issuer", hl_value_text(c->arena, slug == NULL ? NULL : hl_arena_printf(c->arena, "%s/%s/", base, slug)));
    hl_value_map_put_text(answer, "authorize", hl_arena_printf(c->arena, "%s/authorize/", base));
    hl_value_map_put_text(answer, "token", hl_arena_printf(c->arena, "%s/token/", base));
    hl_value_map_put_text(answer, "user_info", hl_arena_printf(c->arena, "%s/userinfo/", base));
    lab_answer_json(c->call, 200, answer);
    return true;
}
