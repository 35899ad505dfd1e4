/* The plan as a comment on a pull request.
 *
 * Its first line tells whose comment it is, its second which run wrote it:
 *
 *     <!-- hlrec:v1 stack=bifrost target=default -->
 *     <!-- hlrec:run head=3f9c... order=1763912345678 run=github-4711-1 -->
 *
 * The second line is absent when neither head nor order is known. Whoever posts the comment (reconcile/forge) finds the former one by the first line, and an
 * older run by the second; both are made of [A-Za-z0-9.:_-] alone, whatever they are made from.
 *
 * Then the verdict, what stops or limits the plan, a table of all actions with those that destroy first, and the fields of each resource, folded. It never
 * grows over its limit: details go first, then warnings and harmless rows. Nothing makes room at the cost of a row of what is destroyed; when these alone are
 * too many, they lose their reasons, and only when their names do not fit either are some left out, which is said above all else. Whatever was left out is
 * counted; the counts of the verdict are always those of the whole plan. */
#ifndef HL_RECONCILE_RENDER_MARKDOWN_H
#define HL_RECONCILE_RENDER_MARKDOWN_H

#include "reconcile/render/render.h"

enum {
    HL_MARKDOWN_SIZE = 60000, /* bytes: GitHub takes 65,536 characters, and Gitea on an old MySQL 65,535 bytes */
    HL_MARKDOWN_LEAST = 4096, /* room for head, verdict and some rows, whatever the names */
};

struct hl_markdown {
    size_t max_size;                    /* bytes; 0: HL_MARKDOWN_SIZE; less than HL_MARKDOWN_LEAST counts as that */
    const char *target;                 /* tells several comments of one stack apart; NULL: "default" */
    const char *head;                   /* id of the commit that the comment is about; NULL: that of the view */
    const char *run;                    /* id of the run, for people; or NULL */
    int64_t order_ms;                   /* when the run began, UTC; 0: not known */
    const struct hl_redactor *redactor; /* masks before escaping, which a sink cannot; may be NULL */
};
void hl_render_plan_comment(struct hl_text *out, const struct hl_plan_view *view, const struct hl_markdown *markdown);
/* There is no plan: findings about the spec, and the error that ended the run (both may be NULL). Of `view` only file, source, commit and stack are used. */
void hl_render_failure_comment(struct hl_text *out, const struct hl_plan_view *view, const struct hl_markdown *markdown, const struct hl_diags *diags,
                               const struct hl_error *error);
/* "1 to delete, 2 to create, 18 unchanged": what there is, the most serious first. */
void hl_render_verdict(struct hl_text *out, const struct hl_plan *plan);

#endif
