/* Checks across the fields of a body that all three kinds share. */
#include "config.h"

#include "reconcile/providers/traefik/fields.h"

#include <ctype.h>
#include <string.h>

/* Traefik joins the items of a list with this character and splits them again. */
static const char separator[] = "\xe2\x95\x91";

const char *hl_traefik_protocol(const struct hl_value *body)
{
    const struct hl_value *protocol = hl_value_get(body, "protocol");

    if (protocol == NULL)
        return "http";
    return hl_value_is(protocol, HL_TEXT) ? protocol->text.data : NULL;
}

bool hl_traefik_has_own_service(const struct hl_value *router)
{
    const struct hl_value *service = hl_value_get(router, "service");

    return hl_value_is(service, HL_MAP) && hl_value_get(service, "name") == NULL;
}

static void check_name(struct hl_check *check, const struct hl_value *body)
{
    const char *name = check->name;
    bool right = name != NULL && isalnum((unsigned char)*name);

    for (const char *c = name; right && *c != '\0'; c++)
        right = isalnum((unsigned char)*c) || *c == '_' || *c == '-';
    if (name != NULL && !right)
        hl_diag_hint(check->diags, hl_diag_error(check->diags, body->at, "'%s' cannot be a name in Traefik", name),
                     "letters, digits, '_' and '-', beginning with a letter or digit");
}

static bool is_utf8(const struct hl_value *text)
{
    uint32_t code = 0;
    size_t size = 0;

    for (size_t i = 0; i < text->text.length; i += size) {
        size = hl_utf8_decode(text->text.data + i, text->text.length - i, &code);
        if (size == 0 || code == 0)
            return false;
    }
    return true;
}

static void check_text(struct hl_check *check, const struct hl_value *value, bool within_list)
{
    if (hl_value_is(value, HL_TEXT)) {
        if (!is_utf8(value))
            hl_diag_error(check->diags, value->at, "a NUL byte or broken UTF-8 cannot be written to Traefik's file");
        else if (within_list && strstr(value->text.data, separator) != NULL)
            hl_diag_error(check->diags, value->at, "Traefik cuts items of a list at the character '%s'", separator);
    }
    for (size_t i = 0; i < hl_value_count(value); i++)
        check_text(check, value->type == HL_LIST ? hl_value_item(value, i) : hl_value_at(value, i), value->type == HL_LIST);
}

static void check_empty(struct hl_check *check, const struct hl_field *fields, const struct hl_value *object);

static void check_member(struct hl_check *check, const struct hl_field *field, const struct hl_value *value)
{
    if (field->type == HL_F_OBJECT && hl_value_is(value, HL_MAP)) {
        if (hl_value_count(value) == 0 && (field->forms & HL_FORM_TRUE) == 0)
            hl_diag_hint(check->diags,
                         hl_diag_error(check->diags, value->at, "'%s' is empty: Traefik refuses a whole file with an empty mapping here", field->name),
                         "%s: %s", field->name, field->doc);
        check_empty(check, field->fields, value);
    }
    for (size_t i = 0; field->item == HL_F_OBJECT && i < hl_value_count(value); i++)
        check_empty(check, field->fields, value->type == HL_LIST ? hl_value_item(value, i) : hl_value_at(value, i));
}

static void check_empty(struct hl_check *check, const struct hl_field *fields, const struct hl_value *object)
{
    for (const struct hl_field *field = fields; field->name != NULL; field++) {
        const struct hl_value *value = hl_value_get(object, field->name);

        if (value != NULL)
            check_member(check, field, value);
    }
}

void hl_traefik_check_body(struct hl_check *check, const struct hl_field *fields, const struct hl_value *body)
{
    check_name(check, body);
    check_text(check, body, false);
    check_empty(check, fields, body);
}

static bool has_word(const char *words, const char *word)
{
    const size_t length = strlen(word);

    for (const char *at = words; (at = strstr(at, word)) != NULL; at += length) {
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    }
    return false;
}

/* "tcp udp" as "tcp and udp". */
static const char *in_words(struct hl_arena *arena, const char *protocols)
{
    const char *blank = strchr(protocols, ' ');

    if (blank == NULL)
        return protocols;
    return hl_arena_printf(arena, "%.*s and %s", (int)(blank - protocols), protocols, blank + 1);
}

void hl_traefik_check_only(struct hl_check *check, const struct hl_traefik_only *rows, const char *protocol, const struct hl_value *object, const char *prefix)
{
    for (; rows->field != NULL; rows++) {
        const struct hl_value *value = hl_value_find_path(object, rows->field);

        if (value != NULL && !has_word(rows->protocols, protocol))
            hl_diag_error(check->diags, value->at, "'%s%s' does not exist for %s, only for %s", prefix, rows->field, protocol,
                          in_words(check->arena, rows->protocols));
    }
}

static const struct hl_traefik_only load_balancer_only[] = {
    {"url", "http"},
    {"address", "tcp udp"},
    {"sticky", "http"},
    {"strategy", "http"},
    {"passHostHeader", "http"},
    {"responseForwarding", "http"},
    {"passiveHealthCheck", "http"},
    {"serversTransport", "http tcp"},
    {"healthCheck", "http tcp"},
    {"healthCheck.path", "http"},
    {"healthCheck.scheme", "http"},
    {"healthCheck.mode", "http"},
    {"healthCheck.method", "http"},
    {"healthCheck.status", "http"},
    {"healthCheck.hostname", "http"},
    {"healthCheck.followRedirects", "http"},
    {"healthCheck.headers", "http"},
    {"healthCheck.send", "tcp"},
    {"healthCheck.expect", "tcp"},
    {"proxyProtocol", "tcp"},
    {"terminationDelay", "tcp"},
    {NULL, NULL},
};

static const struct hl_traefik_only server_only[] = {
    {"url", "http"}, {"weight", "http"}, {"preservePath", "http"}, {"address", "tcp udp"}, {"tls", "tcp"}, {NULL, NULL},
};

static void check_server(struct hl_check *check, const char *protocol, const struct hl_value *server, const char *prefix)
{
    const char *wanted = strcmp(protocol, "http") == 0 ? "url" : "address";

    hl_traefik_check_only(check, server_only, protocol, server, hl_arena_printf(check->arena, "%sservers.", prefix));
    if (hl_value_is(server, HL_MAP) && hl_value_is_null(hl_value_get(server, wanted)))
        hl_diag_error(check->diags, server->at, "a server of %s %s service needs '%s'", strcmp(protocol, "http") == 0 ? "an" : "a", protocol, wanted);
}

void hl_traefik_check_load_balancer(struct hl_check *check, const char *protocol, const struct hl_value *object, const char *prefix)
{
    const struct hl_value *servers = hl_value_get(object, "servers");
    const struct hl_value *health = hl_value_get(object, "healthCheck");

    hl_traefik_check_only(check, load_balancer_only, protocol, object, prefix);
    for (size_t i = 0; i < hl_value_count(servers); i++)
        check_server(check, protocol, hl_value_item(servers, i), prefix);
    if (strcmp(protocol, "http") == 0 && hl_value_is(health, HL_MAP) && hl_value_is_null(hl_value_get(health, "path")) &&
        hl_value_get_text(health, "mode") == NULL)
        hl_diag_error(check->diags, health->at, "'%shealthCheck' needs 'path'", prefix);
}
