/* The embedded identity provider (Dex), as far as signing in with mail and password goes: the code flow with PKCE, for the two public clients
 * that every server has. No cookies, no approval screen. */
#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include "schema/base/crypto.h"

#include <inttypes.h>
#include <string.h>

static const char *const clients[] = {"netbird-cli", "netbird-dashboard"};
static const char *const redirects[] = {"http://localhost:53000/", "http://localhost:54000/"};

static const int64_t login_ns = (int64_t)86400 * 1000000000, code_ns = (int64_t)1800 * 1000000000;

enum { TOKEN_SECONDS = 86400 };

/* --- Pages, addresses, forms --- */

static void put_escaped(struct hl_text *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("<>&\"'", *text) != NULL)
            hl_text_printf(out, "&#%d;", *text);
        else
            hl_text_putc(out, *text);
    }
}

static void answer_error(struct netbird_call *c, int status, const char *description)
{
    hl_auto(text) struct hl_text page = HL_TEXT_INIT(65536);

    put_escaped(&page, description);
    lab_answer_text(c->call, status, "text/html; charset=utf-8",
                    "<!DOCTYPE html>\n<html><head><title>NetBird</title></head><body><h1>Error</h1><p>%s</p></body></html>\n", hl_text_get(&page));
}

static void redirect(struct netbird_call *c, int status, const char *location)
{
    hl_auto(text) struct hl_text link = HL_TEXT_INIT(65536);

    put_escaped(&link, location);
    lab_put_header(c->call, "Location", "%s", location);
    if (strcmp(c->call->method, "GET") == 0)
        lab_answer_text(c->call, status, "text/html; charset=utf-8", "<a href=\"%s\">%s</a>.\n\n", hl_text_get(&link), status == 302 ? "Found" : "See Other");
    else
        lab_answer(c->call, status);
}

static const char *escape(struct hl_arena *arena, const char *text)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(65536);

    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if ((*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || strchr("-_.~", *at) != NULL)
            hl_text_putc(&out, (char)*at);
        else if (*at == ' ')
            hl_text_putc(&out, '+');
        else
            hl_text_printf(&out, "%%%02X", *at);
    }
    return hl_arena_strdup(arena, hl_text_get(&out));
}

static struct hl_value *parse_form(struct netbird_call *c)
{
    struct hl_value *out = hl_value_map(c->arena);
    const char *at = c->call->body;

    while (*at != '\0') {
        size_t length = strcspn(at, "&"), name = strcspn(at, "=&");
        const char *value = at[name] == '=' ? at + name + 1 : at + name;
        const char *key = lab_decode(c->arena, at, name, true);

        if (hl_value_get(out, key) == NULL)
            hl_value_map_put_text(out, key, lab_decode(c->arena, value, (size_t)(at + length - value), true));
        at += length + (at[length] == '&' ? 1 : 0);
    }
    return out;
}

static const char *issuer(struct netbird_call *c)
{
    const char *host = lab_header(c->call, "host");

    return hl_arena_printf(c->arena, "http://%s/oauth2", host == NULL ? "localhost" : host);
}

static bool is_one_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], text) == 0)
            return true;
    return false;
}

void netbird_oidc_discovery(struct netbird_call *c)
{
    struct hl_value *out = hl_value_map(c->arena), *methods = hl_value_list(c->arena);
    const char *base = issuer(c);

    hl_value_list_add(c->arena, methods, hl_value_text(c->arena, "S256"));
    hl_value_list_add(c->arena, methods, hl_value_text(c->arena, "plain"));
    hl_value_map_put_text(out, "issuer", base);
    hl_value_map_put(out, "authorization_endpoint", hl_value_printf(c->arena, "%s/auth", base));
    hl_value_map_put(out, "token_endpoint", hl_value_printf(c->arena, "%s/token", base));
    hl_value_map_put(out, "code_challenge_methods_supported", methods);
    lab_answer_json(c->call, 200, out);
}

/* --- Beginning: which client asks, and where it wants the answer --- */

/* There is one connector, so nobody has to choose. */
void netbird_oidc_authorize(struct netbird_call *c)
{
    const char *connector = lab_query(c->call, "connector_id");

    if (*connector != '\0' && strcmp(connector, "local") != 0)
        answer_error(c, 400, "Connector ID does not match a valid Connector");
    else
        redirect(c, 302, hl_arena_printf(c->arena, "/oauth2/auth/local?%s", c->call->query_text));
}

/* From here on errors go to the client that asked. */
static bool refuse(struct netbird_call *c, const char *error, const char *description)
{
    redirect(c, 303,
             hl_arena_printf(c->arena, "%s?error=%s&error_description=%s&state=%s", lab_query(c->call, "redirect_uri"), error, escape(c->arena, description),
                             escape(c->arena, lab_query(c->call, "state"))));
    return false;
}

static bool check_scopes(struct netbird_call *c, const char *scopes)
{
    static const char *const known[] = {"openid", "email", "profile", "groups", "offline_access", "federated:id"};
    bool has_openid = false;

    while (*scopes != '\0') {
        size_t length = strcspn(scopes, " ");
        const char *scope = hl_arena_copy(c->arena, scopes, length);

        if (length > 0 && !is_one_of(scope, known, HL_COUNT(known)))
            return refuse(c, "invalid_scope", hl_arena_printf(c->arena, "Unrecognized scope(s) [\"%s\"]", scope));
        has_openid = has_openid || strcmp(scope, "openid") == 0;
        scopes += length + (scopes[length] == ' ' ? 1 : 0);
    }
    return has_openid || refuse(c, "invalid_scope", "Missing required scope(s) [\"openid\"].");
}

static bool check_request(struct netbird_call *c)
{
    const char *client = lab_query(c->call, "client_id"), *where = lab_query(c->call, "redirect_uri");
    const char *type = lab_query(c->call, "response_type"), *method = lab_query(c->call, "code_challenge_method");

    if (!is_one_of(client, clients, HL_COUNT(clients))) {
        answer_error(c, 404, hl_arena_printf(c->arena, "Invalid client_id (\"%s\").", client));
        return false;
    }
    if (!is_one_of(where, redirects, HL_COUNT(redirects))) {
        answer_error(c, 400, hl_arena_printf(c->arena, "Unregistered redirect_uri (\"%s\").", where));
        return false;
    }
    if (*method != '\0' && strcmp(method, "S256") != 0 && strcmp(method, "plain") != 0)
        return refuse(c, "invalid_request", hl_arena_printf(c->arena, "Unsupported PKCE challenge method (\"%s\").", method));
    if (!check_scopes(c, lab_query(c->call, "scope")))
        return false;
    if (*type == '\0')
        return refuse(c, "invalid_request", "No response_type provided");
    return strcmp(type, "code") == 0 || refuse(c, "unsupported_response_type", hl_arena_printf(c->arena, "Unsupported response type \"%s\"", type));
}

static const char *new_secret(struct hl_arena *arena)
{
    unsigned char bytes[15];

    hl_random(bytes, sizeof(bytes));
    return hl_hex_encode(arena, bytes, sizeof(bytes));
}

void netbird_oidc_connector(struct netbird_call *c)
{
    static const char *const kept[] = {"client_id", "redirect_uri", "state", "nonce", "code_challenge", "code_challenge_method"};
    struct hl_value *login = hl_value_map(c->netbird->arena);
    const char *id = new_secret(c->arena);

    if (!check_request(c))
        return;
    for (size_t i = 0; i < HL_COUNT(kept); i++)
        hl_value_map_put_text(login, kept[i], lab_query(c->call, kept[i]));
    hl_value_map_put_int(login, "expires", netbird_now(c->netbird) + login_ns);
    hl_map_put(&c->netbird->logins, id, login);
    redirect(c, 302, hl_arena_printf(c->arena, "/oauth2/auth/local/login?back=&state=%s", id));
}

/* --- The form --- */

static struct hl_value *find_login(struct netbird_call *c)
{
    const char *id = lab_query(c->call, "state");
    struct hl_value *login = hl_map_find(&c->netbird->logins, id);

    if (*id == '\0')
        answer_error(c, 400, "User session error.");
    else if (login == NULL)
        answer_error(c, 400, "Requested resource does not exist.");
    return login;
}

static void answer_form(struct netbird_call *c, int status, const char *email)
{
    hl_auto(text) struct hl_text page = HL_TEXT_INIT(65536);

    hl_text_puts(
        &page, "<!DOCTYPE html>\n<html><head><title>NetBird</title></head><body>\n<h1>Sign in</h1>\n<form method=\"post\" action=\"/oauth2/auth/local/login?");
    put_escaped(&page, c->call->query_text);
    hl_text_puts(&page, "\">\n");
    if (status == 401)
        hl_text_puts(&page, "<div class=\"nb-error\">Invalid Email Address or password.</div>\n");
    hl_text_puts(&page, "<input type=\"text\" id=\"login\" name=\"login\" required value=\"");
    put_escaped(&page, email);
    hl_text_puts(&page, "\">\n<input type=\"password\" id=\"password\" name=\"password\" required>\n<button type=\"submit\">Sign in</button>\n</form>\n"
                        "</body></html>\n");
    lab_answer_bytes(c->call, status, "text/html; charset=utf-8", hl_text_get(&page), page.length);
}

void netbird_oidc_form(struct netbird_call *c)
{
    if (find_login(c) != NULL)
        answer_form(c, 200, "");
}

void netbird_oidc_login(struct netbird_call *c)
{
    struct hl_value *login = find_login(c);
    const struct hl_value *form = parse_form(c);
    const char *email = netbird_text(form, "login"), *code = new_secret(c->arena);
    const struct hl_value *user = netbird_find_person(c->netbird, email);

    if (login == NULL)
        return;
    if (user == NULL || !netbird_has_password(c->arena, user, netbird_text(form, "password"))) {
        answer_form(c, 401, email);
        return;
    }
    if (hl_value_get_int(login, "expires", 0) < netbird_now(c->netbird)) {
        answer_error(c, 400, "User session has expired.");
        return;
    }
    hl_value_map_put_text(login, "user", netbird_text(user, "id"));
    hl_value_map_put_int(login, "expires", netbird_now(c->netbird) + code_ns);
    hl_map_put(&c->netbird->codes, code, login);
    hl_map_put(&c->netbird->logins, lab_query(c->call, "state"), NULL);
    redirect(c, 303,
             hl_arena_printf(c->arena, "%s?code=%s&state=%s", netbird_text(login, "redirect_uri"), code, escape(c->arena, netbird_text(login, "state"))));
}

/* --- The code for tokens --- */

static bool fail_token(struct netbird_call *c, int status, const char *error, const char *description)
{
    struct hl_value *body = hl_value_map(c->arena);

    hl_value_map_put_text(body, "error", error);
    if (*description != '\0')
        hl_value_map_put_text(body, "error_description", description);
    lab_answer_json(c->call, status, body);
    return false;
}

static bool check_verifier(struct netbird_call *c, const struct hl_value *code, const char *verifier)
{
    const char *challenge = netbird_text(code, "code_challenge");
    bool hashed = strcmp(netbird_text(code, "code_challenge_method"), "S256") == 0;

    if (*verifier == '\0' && *challenge == '\0')
        return true;
    if (*challenge == '\0')
        return fail_token(c, 400, "invalid_request", "No PKCE flow started. Cannot check code_verifier.");
    if (*verifier == '\0')
        return fail_token(c, 400, "invalid_grant", "Expecting parameter code_verifier in PKCE flow.");
    return strcmp(challenge, hashed ? netbird_pkce(c->arena, verifier) : verifier) == 0 || fail_token(c, 400, "invalid_grant", "Invalid code_verifier.");
}

static bool check_exchange(struct netbird_call *c, const struct hl_value *form, const struct hl_value *code)
{
    const char *client = netbird_text(form, "client_id");

    if (strcmp(netbird_text(form, "grant_type"), "authorization_code") != 0)
        return fail_token(c, 400, "unsupported_grant_type", "");
    if (!is_one_of(client, clients, HL_COUNT(clients)) || *netbird_text(form, "client_secret") != '\0')
        return fail_token(c, 401, "invalid_client", "Invalid client credentials.");
    if (*netbird_text(form, "code") == '\0')
        return fail_token(c, 400, "invalid_request", "Required param: code.");
    if (code == NULL)
        return fail_token(c, 400, "invalid_grant", "Invalid or expired code parameter.");
    if (hl_value_get_int(code, "expires", 0) < netbird_now(c->netbird) || strcmp(netbird_text(code, "client_id"), client) != 0)
        return fail_token(c, 500, "server_error", "");
    if (!check_verifier(c, code, netbird_text(form, "code_verifier")))
        return false;
    return strcmp(netbird_text(code, "redirect_uri"), netbird_text(form, "redirect_uri")) == 0 ||
           fail_token(c, 400, "invalid_request", "redirect_uri did not match URI from initial request.");
}

static const char *make_token(struct netbird_call *c, const struct hl_value *code, const struct hl_value *user)
{
    struct hl_value *claims = hl_value_map(c->arena);
    int64_t seconds = netbird_now(c->netbird) / 1000000000;

    hl_value_map_put_text(claims, "iss", issuer(c));
    hl_value_map_put_text(claims, "sub", netbird_text(user, "id"));
    hl_value_map_put_text(claims, "aud", netbird_text(code, "client_id"));
    hl_value_map_put_int(claims, "exp", seconds + TOKEN_SECONDS);
    hl_value_map_put_int(claims, "iat", seconds);
    if (*netbird_text(code, "nonce") != '\0')
        hl_value_map_put_text(claims, "nonce", netbird_text(code, "nonce"));
    hl_value_map_put_text(claims, "email", netbird_text(user, "email"));
    hl_value_map_put_bool(claims, "email_verified", true);
    hl_value_map_put_text(claims, "name", netbird_text(user, "name"));
    hl_value_map_put_text(claims, "jti", new_secret(c->arena));
    return netbird_sign(c->netbird, c->arena, claims);
}

void netbird_oidc_token(struct netbird_call *c)
{
    const struct hl_value *form = parse_form(c);
    const char *id = netbird_text(form, "code");
    const struct hl_value *code = hl_map_find(&c->netbird->codes, id);
    const struct hl_value *user = netbird_find(c->netbird, NETBIRD_USER, netbird_text(code, "user"));
    struct hl_value *out = hl_value_map(c->arena);

    if (!check_exchange(c, form, code))
        return;
    hl_map_put(&c->netbird->codes, id, NULL); /* good for once */
    if (user == NULL) {
        fail_token(c, 500, "server_error", "");
        return;
    }
    hl_value_map_put_text(out, "access_token", make_token(c, code, user));
    hl_value_map_put_text(out, "token_type", "bearer");
    hl_value_map_put_int(out, "expires_in", TOKEN_SECONDS - 1);
    hl_value_map_put_text(out, "id_token", make_token(c, code, user));
    lab_put_header(c->call, "Cache-Control", "no-store");
    lab_put_header(c->call, "Pragma", "no-cache");
    lab_answer_json(c->call, 200, out);
}
