/* Signs in as a browser would: the code flow of OIDC with PKCE (RFC 7636), at the identity provider that NetBird carries with it (0.62 and newer), as its
 * command line does. Pages and redirects are followed here one by one, and only on the server that the spec names. */
#include "config.h"

#include "reconcile/providers/netbird/netbird_session.h"
#include "reconcile/providers/netbird/oidc_page.h"
#include "schema/base/crypto.h"
#include "schema/base/json.h"

#include <string.h>
#include <strings.h>

enum { MAX_STEPS = 12, MAX_COOKIES = 32, MAX_PAGE = 1024 * 1024, RANDOM_BYTES = 32 };

/* What the server knows its own command line by. Nobody listens there: the code is taken from the redirect. */
static const char client_id[] = "netbird-cli";
static const char redirect_uri[] = "http://localhost:53000/";

struct flow {
    const struct hl_run *run;
    struct hl_arena *arena;
    struct hl_http *http;
    const char *origin; /* "https://netbird.example.com" */
    const char *email;
    const struct hl_value *password;
    const char *verifier, *state;
    struct hl_value *cookies; /* name -> value */
    /* The request to be made next. */
    const char *path;
    struct hl_text body; /* of a POST */
    bool posts;
    bool asked;       /* e-mail and password were sent */
    bool chosen;      /* a way to sign in was chosen */
    const char *code; /* the end */
};

/* ---- addresses ---- */

/* "https://host:port" of a URL, and its path, "" when there is none. */
static const char *split_origin(struct hl_arena *arena, const char *url, const char **path)
{
    const char *scheme = strstr(url, "://");
    const char *host = scheme != NULL ? scheme + 3 : url;
    const size_t length = (size_t)(host - url) + strcspn(host, "/?#");

    *path = url + length;
    return hl_arena_copy(arena, url, length);
}

static bool is_absolute(const char *target)
{
    return strncasecmp(target, "http://", 7) == 0 || strncasecmp(target, "https://", 8) == 0;
}

/* A host may be written with or without the port that its scheme has anyway. */
static bool is_same_origin(const char *a, const char *b)
{
    const char *port = strncasecmp(a, "https:", 6) == 0 ? ":443" : ":80";
    size_t a_length = strlen(a);
    size_t b_length = strlen(b);

    a_length -= hl_ends_with(a, port) ? strlen(port) : 0;
    b_length -= hl_ends_with(b, port) ? strlen(port) : 0;
    return a_length == b_length && strncasecmp(a, b, a_length) == 0;
}

/* Where a redirect, a form or a link leads from the present page; false when that is another server. */
static bool go(struct flow *flow, const char *target, struct hl_error **err)
{
    struct hl_arena *arena = flow->arena;
    const size_t whole = strcspn(flow->path, "?#");

    target = hl_arena_copy(arena, target, strcspn(target, "#"));
    if (hl_starts_with(target, "//"))
        target = hl_arena_printf(arena, "%.*s:%s", (int)strcspn(flow->origin, ":"), flow->origin, target);
    if (is_absolute(target)) {
        const char *path = NULL;
        const char *origin = split_origin(arena, target, &path);
        if (!is_same_origin(origin, flow->origin)) {
            hl_fail(err, HL_E_AUTH, "the sign-in leads to '%s', and not to '%s'", origin, flow->origin);
            return hl_error_hint(err, "let the provider's 'url' be the address that the server has for itself (its issuer); else %s", hl_netbird_token_steps);
        }
        flow->path = *path == '/' ? path : hl_arena_printf(arena, "/%s", path);
    } else if (*target == '/') {
        flow->path = target;
    } else if (*target == '?') {
        flow->path = hl_arena_printf(arena, "%.*s%s", (int)whole, flow->path, target);
    } else if (*target != '\0') {
        size_t folder = whole;
        while (folder > 0 && flow->path[folder - 1] != '/')
            folder--;
        flow->path = hl_arena_printf(arena, "%.*s%s", (int)folder, flow->path, target);
    }
    return true;
}

/* ---- forms ---- */

static void put_pair(struct hl_text *out, const char *name, const char *value)
{
    if (out->length > 0)
        hl_text_putc(out, '&');
    hl_http_escape(out, name);
    hl_text_putc(out, '=');
    hl_http_escape(out, value);
}

static int hex_digit(char character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    character = (char)(character | 0x20);
    return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

/* The decoded parameter of a query, or NULL. */
static const char *query_value(struct hl_arena *arena, const char *query, const char *name)
{
    const size_t length = strlen(name);

    while (*query != '\0') {
        const size_t size = strcspn(query, "&#");
        if (size > length && strncmp(query, name, length) == 0 && query[length] == '=') {
            char *value = hl_arena_copy(arena, query + length + 1, size - length - 1);
            char *out = value;
            for (const char *at = value; *at != '\0'; at++) {
                if (*at == '%' && hex_digit(at[1]) >= 0 && hex_digit(at[2]) >= 0) {
                    *out++ = (char)(hex_digit(at[1]) * 16 + hex_digit(at[2]));
                    at += 2;
                } else {
                    *out++ = (char)(*at == '+' ? ' ' : *at);
                }
            }
            *out = '\0';
            return value;
        }
        query += size;
        if (*query == '#')
            break;
        query += *query == '&';
    }
    return NULL;
}

/* ---- cookies ---- */

static void take_cookie(struct flow *flow, const char *line, size_t length)
{
    const char *end = line + strcspn(line, ";\r\n");
    const char *equals = memchr(line, '=', (size_t)(end - line));

    if (equals == NULL || equals == line || end > line + length)
        return;
    const char *name = hl_arena_copy(flow->arena, line, (size_t)(equals - line));
    if (hl_value_count(flow->cookies) < MAX_COOKIES || hl_value_get(flow->cookies, name) != NULL)
        hl_value_map_put(flow->cookies, name, hl_value_bytes(flow->arena, equals + 1, (size_t)(end - equals - 1)));
}

static void take_cookies(struct flow *flow, const struct hl_http_response *response)
{
    static const char header[] = "Set-Cookie:";

    for (const char *line = hl_text_get(&response->headers); *line != '\0';) {
        const size_t length = strcspn(line, "\n");
        if (strncasecmp(line, header, strlen(header)) == 0) {
            const size_t skipped = strlen(header) + strspn(line + strlen(header), " \t");
            if (skipped < length)
                take_cookie(flow, line + skipped, length - skipped);
        }
        line += length + (line[length] == '\n');
    }
}

/* ---- one request ---- */

static bool send_request(struct flow *flow, struct hl_http_response *response, struct hl_error **err)
{
    hl_auto(text) struct hl_text cookies = HL_TEXT_INIT(64 * 1024);

    for (size_t i = 0; i < hl_value_members(flow->cookies); i++)
        hl_text_printf(&cookies, "%s%s=%s", i > 0 ? "; " : "", hl_value_key(flow->cookies, i), hl_value_at(flow->cookies, i)->text.data);
    const struct hl_http_header headers[] = {
        {"Accept", "text/html, application/json"},
        {cookies.length > 0 ? "Cookie" : NULL, hl_text_get(&cookies)},
        {NULL, NULL},
    };
    const struct hl_http_request request = {
        .method = flow->posts ? "POST" : "GET",
        .path = flow->path,
        .headers = headers,
        .body = flow->posts ? hl_text_get(&flow->body) : NULL,
        .body_length = flow->posts ? flow->body.length : 0,
        .content_type = "application/x-www-form-urlencoded",
        .max_body = MAX_PAGE,
    };
    const bool sent = hl_http_perform(flow->http, &request, response, err);
    if (sent)
        take_cookies(flow, response);
    flow->posts = false;
    hl_text_reset(&flow->body);
    return sent;
}

static bool fail_page(const struct flow *flow, const struct hl_page *page, const char *what, struct hl_error **err)
{
    hl_auto(text) struct hl_text words = HL_TEXT_INIT(4096);

    hl_redact(flow->run->redactor, &words, page->text, strlen(page->text));
    hl_fail(err, HL_E_AUTH, "%s%s%s%s", what, words.length > 0 ? " (the page says: " : "", hl_text_get(&words), words.length > 0 ? ")" : "");
    return hl_error_hint(err, "%s", hl_netbird_token_steps);
}

/* ---- pages ---- */

/* Submits a form; text for the login goes into its first visible field. */
static bool submit(struct flow *flow, const struct hl_page_form *form, struct hl_error **err)
{
    static const char *const pressed[] = {"submit", "button", "reset", "image", "checkbox", "radio", "file"};
    bool named = false;

    for (size_t i = 0; i < form->inputs_count; i++) {
        const struct hl_page_input *input = &form->inputs[i];
        bool skip = *input->name == '\0';
        for (size_t j = 0; j < HL_COUNT(pressed) && !skip; j++)
            skip = strcmp(input->type, pressed[j]) == 0;
        if (skip)
            continue;
        const char *value = input->value;
        if (strcmp(input->type, "password") == 0) {
            value = flow->password->text.data;
        } else if (strcmp(input->type, "hidden") != 0 && !named) {
            value = flow->email;
            named = true;
        }
        put_pair(&flow->body, input->name, value);
    }
    flow->posts = true;
    return form->action == NULL || go(flow, form->action, err);
}

static const struct hl_page_form *find_password_form(const struct hl_page *page)
{
    for (size_t i = 0; i < page->forms_count; i++) {
        if (hl_page_find_type(&page->forms[i], "password") != NULL)
            return &page->forms[i];
    }
    return NULL;
}

/* "May this program use your account?", with one form to agree and another to refuse. NetBird skips it. */
static const struct hl_page_form *find_consent_form(const struct hl_page *page)
{
    for (size_t i = 0; i < page->forms_count; i++) {
        const struct hl_page_input *approval = hl_page_find_name(&page->forms[i], "approval");
        if (approval != NULL && strcmp(approval->value, "approve") == 0)
            return &page->forms[i];
    }
    return NULL;
}

/* Where there are several ways to sign in: that with a password, which the server keeps itself. */
static const char *find_local_link(const struct hl_page *page)
{
    for (size_t i = 0; i < page->links_count; i++) {
        if (strstr(page->links[i], "/auth/local?") != NULL)
            return page->links[i];
    }
    return NULL;
}

static bool read_page(struct flow *flow, const struct hl_http_response *response, struct hl_error **err)
{
    const struct hl_page page = hl_page_read(flow->arena, hl_text_get(&response->body), response->body.length);
    const struct hl_page_form *form = find_password_form(&page);

    if (form != NULL && flow->asked) {
        hl_fail(err, HL_E_AUTH, "NetBird does not take the password of '%s'", flow->email);
        return hl_error_hint(err, "look at 'email' and 'password' of the provider's `setup`; hlrec tried once");
    }
    if (form != NULL) {
        flow->asked = true;
        return submit(flow, form, err);
    }
    if (response->status != 200)
        return fail_page(flow, &page, hl_arena_printf(flow->arena, "NetBird's sign-in answered %ld", response->status), err);
    form = find_consent_form(&page);
    if (form != NULL && flow->asked) {
        flow->asked = true;
        for (size_t i = 0; i < form->inputs_count; i++)
            put_pair(&flow->body, form->inputs[i].name, form->inputs[i].value);
        flow->posts = true;
        return form->action == NULL || go(flow, form->action, err);
    }
    const char *link = flow->asked || flow->chosen ? NULL : find_local_link(&page);
    if (link != NULL) {
        flow->chosen = true;
        return go(flow, link, err);
    }
    if (flow->asked)
        return fail_page(flow, &page, "NetBird's sign-in asks for more than e-mail and password", err);
    return fail_page(flow, &page, "NetBird has no sign-in with e-mail and password at '/oauth2'", err);
}

/* The redirect to the address where a browser would hand the code over. */
static bool take_code(struct flow *flow, const char *location, struct hl_error **err)
{
    const char *query = location + strcspn(location, "?");
    query += *query == '?';
    const char *state = query_value(flow->arena, query, "state");
    const char *problem = query_value(flow->arena, query, "error");
    const char *words = query_value(flow->arena, query, "error_description");

    if (problem != NULL) {
        hl_fail(err, HL_E_AUTH, "NetBird's sign-in refuses: %s%s%s", problem, words != NULL ? ": " : "", words != NULL ? words : "");
        return hl_error_hint(err, "%s", hl_netbird_token_steps);
    }
    if (state == NULL || strcmp(state, flow->state) != 0)
        return hl_fail(err, HL_E_AUTH, "NetBird's sign-in answers to another request than ours");
    flow->code = query_value(flow->arena, query, "code");
    return flow->code != NULL || hl_fail(err, HL_E_AUTH, "NetBird's sign-in gives no code");
}

static bool step(struct flow *flow, struct hl_error **err)
{
    hl_auto(http_response) struct hl_http_response response = {0};

    if (!send_request(flow, &response, err))
        return false;
    if (response.status >= 300 && response.status < 400) {
        const char *location = hl_http_header(&response, flow->arena, "Location");
        if (hl_is_blank(location))
            return hl_fail(err, HL_E_UNREACHABLE, "NetBird's sign-in answered %ld without saying where to go", response.status);
        return hl_starts_with(location, redirect_uri) ? take_code(flow, location, err) : go(flow, location, err);
    }
    /* What has not seen the password yet may be asked again. */
    if (!flow->asked && (response.status >= 500 || response.status == 429))
        return hl_http_rejected(&response, flow->run->redactor, err);
    return read_page(flow, &response, err);
}

/* ---- the flow ---- */

static const char *random_text(struct hl_arena *arena)
{
    unsigned char bytes[RANDOM_BYTES];

    hl_random(bytes, sizeof bytes);
    const char *text = hl_base64_encode(arena, HL_BASE64_URL_NOPAD, bytes, sizeof bytes);
    hl_wipe(bytes, sizeof bytes);
    return text;
}

static const char *challenge_of(struct hl_arena *arena, const char *verifier)
{
    unsigned char hash[32];

    hl_sha256(verifier, strlen(verifier), hash);
    return hl_base64_encode(arena, HL_BASE64_URL_NOPAD, hash, sizeof hash);
}

static bool get_code(struct flow *flow, const char *base, struct hl_error **err)
{
    hl_auto(text) struct hl_text query = HL_TEXT_INIT(4096);

    put_pair(&query, "client_id", client_id);
    put_pair(&query, "redirect_uri", redirect_uri);
    put_pair(&query, "response_type", "code");
    put_pair(&query, "scope", "openid profile email");
    put_pair(&query, "state", flow->state);
    put_pair(&query, "code_challenge", challenge_of(flow->arena, flow->verifier));
    put_pair(&query, "code_challenge_method", "S256");
    flow->path = hl_arena_printf(flow->arena, "%s/oauth2/auth?%s", base, hl_text_get(&query));
    for (int i = 0; i < MAX_STEPS && flow->code == NULL; i++) {
        if (!step(flow, err))
            return false;
    }
    return flow->code != NULL || hl_fail(err, HL_E_AUTH, "NetBird's sign-in does not come to an end");
}

static bool get_token(struct flow *flow, const char *base, struct hl_value **token, struct hl_error **err)
{
    hl_auto(http_response) struct hl_http_response response = {0};
    struct hl_value *answer = NULL;

    put_pair(&flow->body, "grant_type", "authorization_code");
    put_pair(&flow->body, "code", flow->code);
    put_pair(&flow->body, "redirect_uri", redirect_uri);
    put_pair(&flow->body, "client_id", client_id);
    put_pair(&flow->body, "code_verifier", flow->verifier);
    flow->path = hl_arena_printf(flow->arena, "%s/oauth2/token", base);
    flow->posts = true;
    if (!send_request(flow, &response, err))
        return false;
    if (response.status != 200) {
        hl_http_rejected(&response, flow->run->redactor, err);
        if (response.status < 500 && response.status != 429)
            (*err)->code = HL_E_AUTH;
        return hl_wrap(err, "exchanging the code of the sign-in for a token");
    }
    if (!hl_json_decode(flow->arena, hl_text_get(&response.body), response.body.length, &answer, err))
        return hl_wrap(err, "the token of the sign-in cannot be read");
    *token = hl_value_get(answer, "id_token");
    if (!hl_value_is(*token, HL_TEXT) || (*token)->text.length == 0)
        return hl_fail(err, HL_E_AUTH, "the sign-in gives no token");
    return true;
}

bool hl_netbird_sign_in(struct hl_session *session, struct hl_arena *arena, const char *email, const struct hl_value *password, struct hl_value **token,
                        struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
    const char *base = NULL;
    struct flow flow = {
        .run = session->run,
        .arena = scratch,
        .email = email,
        .password = password,
        .verifier = random_text(scratch),
        .state = random_text(scratch),
        .cookies = hl_value_map(scratch),
        .body = HL_TEXT_INIT(MAX_PAGE),
    };

    flow.origin = split_origin(scratch, hl_netbird_of(session)->url, &base);
    if (!hl_web_open(session, flow.origin, &flow.http, err))
        return false;
    struct hl_value *given = NULL;
    const bool done = get_code(&flow, base, err) && get_token(&flow, base, &given, err);
    if (done) {
        *token = hl_value_mark_sensitive(hl_value_copy(arena, given));
        hl_redactor_add_value(session->run->redactor, *token);
    }
    hl_http_free(flow.http);
    hl_text_clear(&flow.body);
    return done;
}
