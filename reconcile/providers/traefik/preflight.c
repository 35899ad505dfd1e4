#include "config.h"

#include "reconcile/providers/traefik/preflight.h"

#include "reconcile/providers/traefik/rule.h"
#include "reconcile/providers/traefik/shape.h"
#include "schema/kind.h"

#include <string.h>

/* ---- references ---- */

struct visitor {
    struct hl_arena *arena;
    void (*visit)(void *context, enum hl_traefik_kind kind, const char *name);
    void *context;
};

static void visit_fields(const struct visitor *visitor, const struct hl_field *fields, const struct hl_value *object);

static void visit_name(const struct visitor *visitor, const struct hl_field *field, const struct hl_value *value)
{
    const struct hl_kind kind = {.name = field->refers_to};
    const char *name = hl_value_to_text(visitor->arena, value);

    if (name == NULL || hl_value_is_null(value))
        return;
    if (hl_ends_with(name, "@file"))
        name = hl_arena_copy(visitor->arena, name, strlen(name) - strlen("@file"));
    if (*name != '\0' && strchr(name, '@') == NULL)
        visitor->visit(visitor->context, hl_traefik_kind_of(&kind), name);
}

static void visit_value(const struct visitor *visitor, const struct hl_field *field, const struct hl_value *value)
{
    const bool many = hl_value_is(value, HL_LIST);

    if (field->refers_to != NULL && !many)
        visit_name(visitor, field, value);
    for (size_t i = 0; field->refers_to != NULL && many && i < hl_value_count(value); i++)
        visit_name(visitor, field, hl_value_item(value, i));
    if (field->type == HL_F_OBJECT)
        visit_fields(visitor, field->fields, value);
    for (size_t i = 0; field->item == HL_F_OBJECT && many && i < hl_value_count(value); i++)
        visit_fields(visitor, field->fields, hl_value_item(value, i));
}

static void visit_fields(const struct visitor *visitor, const struct hl_field *fields, const struct hl_value *object)
{
    for (const struct hl_field *field = fields; field->name != NULL; field++) {
        const struct hl_value *value = hl_value_get(object, field->name);

        if (value != NULL)
            visit_value(visitor, field, value);
    }
}

void hl_references_visit(struct hl_arena *arena, enum hl_traefik_kind kind, const struct hl_value *tree,
                         void (*visit)(void *context, enum hl_traefik_kind kind, const char *name), void *context)
{
    const struct visitor visitor = {.arena = arena, .visit = visit, .context = context};

    visit_fields(&visitor, hl_traefik_kind_info(kind)->fields, tree);
}

struct search {
    enum hl_traefik_kind kind;
    const char *name;
    bool found;
};

static void compare_reference(void *context, enum hl_traefik_kind kind, const char *name)
{
    struct search *search = context;

    search->found = search->found || (kind == search->kind && strcmp(name, search->name) == 0);
}

const char *hl_references_find_user(const struct hl_document *document, struct hl_arena *arena, enum hl_traefik_kind kind, const char *protocol,
                                    const char *name)
{
    struct search search = {.kind = kind, .name = name};

    for (enum hl_traefik_kind user = 0; user < HL_TRAEFIK_KINDS; user++) {
        const struct hl_value *objects = hl_document_section(document, protocol, hl_traefik_section(user));

        for (size_t i = 0; i < hl_value_members(objects); i++) {
            const char *key = hl_value_key(objects, i);

            hl_references_visit(arena, user, hl_document_find(document, arena, user, protocol, key, true), compare_reference, &search);
            if (search.found)
                return hl_arena_printf(arena, "%s '%s'", hl_traefik_kind_info(user)->name, key);
        }
    }
    return NULL;
}

/* ---- versions ---- */

/* Fields that not every Traefik 3 has, as its configuration structs grew from release to release. */
/* clang-format off */
static const struct {
    enum hl_traefik_kind kind;
    const char *protocol; /* NULL: any */
    const char *path;     /* `*` is any item of a list */
    const char *value;    /* NULL: whatever it is */
    int minor, patch;     /* of Traefik 3 */
} since[] = {
    {HL_TRAEFIK_ROUTER, NULL, "observability.traceVerbosity", NULL, 5, 0},
    {HL_TRAEFIK_ROUTER, NULL, "observability", NULL, 3, 0},
    {HL_TRAEFIK_ROUTER, NULL, "parentRefs", NULL, 6, 0},
    {HL_TRAEFIK_SERVICE, NULL, "loadBalancer.servers.*.preservePath", NULL, 2, 0},
    {HL_TRAEFIK_SERVICE, NULL, "loadBalancer.strategy", "hrw", 6, 0},
    {HL_TRAEFIK_SERVICE, NULL, "loadBalancer.strategy", "leasttime", 6, 0},
    {HL_TRAEFIK_SERVICE, NULL, "loadBalancer.strategy", NULL, 4, 0},
    {HL_TRAEFIK_SERVICE, NULL, "loadBalancer.sticky.cookie.path", NULL, 3, 0},
    {HL_TRAEFIK_SERVICE, NULL, "loadBalancer.sticky.cookie.domain", NULL, 4, 0},
    {HL_TRAEFIK_SERVICE, "tcp", "loadBalancer.healthCheck", NULL, 6, 0},
    {HL_TRAEFIK_SERVICE, NULL, "loadBalancer.healthCheck.unhealthyInterval", NULL, 5, 0},
    {HL_TRAEFIK_SERVICE, NULL, "loadBalancer.passiveHealthCheck", NULL, 6, 0},
    {HL_TRAEFIK_SERVICE, "tcp", "weighted.healthCheck", NULL, 6, 0},
    {HL_TRAEFIK_SERVICE, NULL, "weighted.sticky.cookie.path", NULL, 3, 0},
    {HL_TRAEFIK_SERVICE, NULL, "weighted.sticky.cookie.domain", NULL, 4, 0},
    {HL_TRAEFIK_SERVICE, NULL, "highestRandomWeight", NULL, 6, 0},
    {HL_TRAEFIK_SERVICE, NULL, "mirroring.mirrorBody", NULL, 2, 0},
    {HL_TRAEFIK_SERVICE, NULL, "failover.errors", NULL, 7, 0},
    {HL_TRAEFIK_SERVICE, NULL, "middlewares", NULL, 7, 0},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "compress.defaultEncoding", NULL, 0, 2},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "compress.encodings", NULL, 2, 0},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "encodedCharacters", NULL, 7, 0},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "errors.statusRewrites", NULL, 4, 0},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "errors.errorRequestHeaders", NULL, 6, 15},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "forwardAuth.headerField", NULL, 2, 0},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "forwardAuth.forwardBody", NULL, 3, 0},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "forwardAuth.maxBodySize", NULL, 3, 0},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "forwardAuth.preserveLocationHeader", NULL, 3, 0},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "forwardAuth.preserveRequestMethod", NULL, 4, 0},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "forwardAuth.maxResponseBodySize", NULL, 6, 9},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "forwardAuth.authSigninURL", NULL, 7, 0},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "headers.contentSecurityPolicyReportOnly", NULL, 1, 0},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "ipAllowList.ipStrategy.ipv6Subnet", NULL, 2, 0},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "ipWhiteList.ipStrategy.ipv6Subnet", NULL, 2, 0},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "rateLimit.redis", NULL, 4, 0},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "rateLimit.sourceCriterion.ipStrategy.ipv6Subnet", NULL, 2, 0},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "inFlightReq.sourceCriterion.ipStrategy.ipv6Subnet", NULL, 2, 0},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "retry.timeout", NULL, 7, 0},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "retry.maxRequestBodyBytes", NULL, 7, 0},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "retry.status", NULL, 7, 0},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "retry.disableRetryOnNetworkError", NULL, 7, 0},
    {HL_TRAEFIK_MIDDLEWARE, NULL, "retry.retryNonIdempotentMethod", NULL, 7, 0},
};
/* clang-format on */

static bool has_path(struct hl_arena *arena, const struct hl_value *tree, const char *path, const char *value)
{
    const char *star = strstr(path, ".*.");

    if (star == NULL) {
        const struct hl_value *found = hl_value_find_path(tree, path);
        const char *text = found == NULL || value == NULL ? NULL : hl_value_to_text(arena, found);

        return found != NULL && (value == NULL || (text != NULL && strcmp(text, value) == 0));
    }
    const struct hl_value *list = hl_value_find_path(tree, hl_arena_copy(arena, path, (size_t)(star - path)));

    for (size_t i = 0; i < hl_value_count(list); i++) {
        if (has_path(arena, hl_value_item(list, i), star + 3, value))
            return true;
    }
    return false;
}

/* A router's own service is a load balancer without its outer key. */
static const char *path_in(struct hl_arena *arena, enum hl_traefik_kind kind, size_t row)
{
    static const char balancer[] = "loadBalancer.";

    if (since[row].kind == kind)
        return since[row].path;
    if (kind != HL_TRAEFIK_ROUTER || since[row].kind != HL_TRAEFIK_SERVICE || !hl_starts_with(since[row].path, balancer))
        return NULL;
    return hl_arena_printf(arena, "service.%s", since[row].path + strlen(balancer));
}

static bool has_wildcard(struct hl_arena *arena, const char *protocol, const struct hl_value *tree)
{
    const struct hl_value *text = hl_value_get(tree, "rule");
    struct hl_rule rule;

    if (!hl_value_is(text, HL_TEXT))
        return false;
    hl_rule_check(arena, text->text.data, text->text.length, strcmp(protocol, "tcp") == 0, &rule);
    return rule.wildcards > 0;
}

static bool is_before(const struct hl_traefik_version *version, size_t row)
{
    return version->minor < since[row].minor || (version->minor == since[row].minor && version->patch < since[row].patch);
}

const char *hl_version_problem(struct hl_arena *arena, enum hl_traefik_kind kind, const char *protocol, const struct hl_value *tree,
                               const struct hl_traefik_version *version)
{
    if (version->major != 3)
        return NULL;
    for (size_t i = 0; i < HL_COUNT(since); i++) {
        const char *path = is_before(version, i) ? path_in(arena, kind, i) : NULL;

        if (path != NULL && (since[i].protocol == NULL || strcmp(since[i].protocol, protocol) == 0) && has_path(arena, tree, path, since[i].value))
            return hl_arena_printf(arena, "'%s' needs Traefik 3.%d.%d, and here runs %s", path, since[i].minor, since[i].patch, version->text);
    }
    if (kind == HL_TRAEFIK_ROUTER && version->minor < 7 && has_wildcard(arena, protocol, tree))
        return hl_arena_printf(arena, "a host with '*' in the rule needs Traefik 3.7, and here runs %s", version->text);
    return NULL;
}
