/* The changes of one step, field by field. Private to render. */
#ifndef HL_RECONCILE_RENDER_CHANGE_H
#define HL_RECONCILE_RENDER_CHANGE_H

#include "reconcile/plan/diff.h"
#include "reconcile/render/render.h"
#include "reconcile/render/unified.h"

struct hl_change_look {
    struct hl_look look;
    const char *file; /* whose lines the places are; NULL: no places */
    size_t indent;
    bool drift; /* recorded against live, nothing is to be done */
};

/* The step's changes; for a creation, which has none, what will be set. */
void hl_shown_changes(struct hl_arena *arena, const struct hl_step *step, struct hl_changes *out);
/* What live differs in from the record. Empty for steps that are not recorded or were not read. */
void hl_drift_changes(struct hl_arena *arena, const struct hl_step *step, struct hl_changes *out);

/* One line a change, columns aligned; long texts as a unified diff below theirs. */
void hl_changes_human(struct hl_text *out, const struct hl_changes *changes, const struct hl_change_look *look);

/* One value on one line as people read it, escaped and masked: "(unset)", "(sensitive)", "(known after apply: ...)". */
void hl_change_put_value(struct hl_text *out, const struct hl_field *field, const struct hl_value *value, bool sensitive);
/* Whether the change is better told as a diff of lines: long or multi-line, known and not secret on both sides. */
bool hl_change_is_block(const struct hl_change *change);
/* A value as lines, for a diff: those of a text, or one for each item. */
void hl_change_lines(struct hl_arena *arena, const struct hl_field *field, const struct hl_value *value, struct hl_lines *out);

/* "; used by router.wiki, secret.X and 4 more": whom a step touches as well; nothing when nobody. */
void hl_put_users(struct hl_text *text, const struct hl_step *step);

#endif
