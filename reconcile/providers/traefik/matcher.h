/* The matchers of v3 rules and what each takes. Private to rule.c and matcher.c. */
#ifndef HL_RECONCILE_PROVIDERS_TRAEFIK_MATCHER_H
#define HL_RECONCILE_PROVIDERS_TRAEFIK_MATCHER_H

#include "reconcile/providers/traefik/rule.h"

#include "schema/base/macros.h"

struct hl_matcher;

/* One argument as Traefik sees it: unquoted. */
struct hl_rule_argument {
    const char *text;
    size_t length;
    size_t offset; /* of the first byte within the quotes */
    bool exact;    /* offsets within the argument are offsets within the rule: it has no escapes */
};

struct hl_rule_call {
    const char *name;
    size_t offset;
    struct hl_rule_argument *arguments;
    size_t count;
};

struct hl_rule_context {
    struct hl_arena *arena;
    const char *text; /* the rule */
    size_t length;
    bool tcp;
    struct hl_rule *rule;
};

struct hl_rule_finding *hl_rule_error(struct hl_rule_context *context, size_t offset, const char *format, ...) HL_PRINTF(3, 4);
struct hl_rule_finding *hl_rule_warning(struct hl_rule_context *context, size_t offset, const char *format, ...) HL_PRINTF(3, 4);
/* Adds the findings about one call. */
void hl_matcher_check(struct hl_rule_context *context, const struct hl_rule_call *call);
/* An address, or a network when `network` is set too, as Go's net package reads it. */
bool hl_is_address(const char *text, bool network);

#endif
