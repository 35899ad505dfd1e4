/* The plan of a spec that is not to be trusted: a pull request's, before anybody has agreed to it. Pure, like the plan.
 *
 * Two specs: the base (what was agreed to) and the head (what is proposed; data, nothing more). What can reach out, read secrets or loosen guards comes from
 * the base: providers, secrets, variables, settings, `adopt`, `protect`. The head's own new entries there are known by name only: nothing is opened, read or
 * made for them.
 *
 * The world is read by the base alone, before this. Then every secret, and whatever the environment has, becomes a token (hl_opaque_token) that stands for the
 * expression that names it: "${secret.X}" equals "${secret.X}" and nothing else, so that neither a value, nor its length, nor whether a guess is right can be
 * seen. Of what is live and recorded only those fields, entries and items remain that the base names, with the secrets in them masked, and of objects that the
 * base does not name nothing at all. What is printed of the plan must not be searched for secrets any more: a guess that comes out masked is a right one. */
#ifndef HL_RECONCILE_PREVIEW_PREVIEW_H
#define HL_RECONCILE_PREVIEW_PREVIEW_H

#include "reconcile/plan/plan.h"
#include "schema/base/redact.h"

enum hl_preview_change { HL_PREVIEW_CHANGED, HL_PREVIEW_ADDED, HL_PREVIEW_REMOVED };

/* Something that the head changes and the preview does not use. */
struct hl_preview_unused {
    const char *path; /* "providers.netbird", "settings", "container.web.adopt" */
    enum hl_preview_change change;
    struct hl_span at; /* in the head's file; line 0 for what was removed */
};
struct hl_preview_unuseds {
    struct hl_preview_unused *items;
    size_t count, capacity;
};

/* What is to be said of a preview besides its plan. */
struct hl_preview_facts {
    const char *base;     /* commit that is trusted; NULL until both are fetched */
    const char *head;     /* commit that is proposed */
    size_t ahead, behind; /* commits on the proposal's side and on the base's since they parted */
    bool conflicts;       /* the two do not merge: the plan is the proposal's alone */
    struct hl_preview_unuseds unused;
};
static inline const char *hl_preview_change_name(const struct hl_preview_unused *unused)
{
    return unused->change == HL_PREVIEW_ADDED ? "added" : unused->change == HL_PREVIEW_REMOVED ? "removed" : "changed";
}

/* The document that is planned: the head's, with what must come from the base put in. Both roots are as the reader gave them (mappings). */
struct hl_node *hl_preview_compose(struct hl_arena *arena, const struct hl_registry *registry, const struct hl_node *base, const struct hl_node *head,
                                   struct hl_preview_unuseds *unused);

struct hl_preview_input {
    const struct hl_spec *base; /* loaded with `opaque` */
    const struct hl_spec *head; /* the composed document, loaded with `opaque` */
    const struct hl_registry *registry;
    const struct hl_map *recorded;      /* as the state has them */
    const struct hl_map *live;          /* as the engine read them by the base */
    const struct hl_redactor *redactor; /* knows the secrets of the base */
    struct hl_plan_options options;
    int64_t serial;
};
/* Everything in the plan is free of secrets before any renderer sees it. */
struct hl_plan *hl_preview_plan(struct hl_arena *arena, const struct hl_preview_input *input);

#endif
