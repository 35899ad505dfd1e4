/* What others are told about a run: a metrics file, notifications, a ping; and what is collected for that while the run goes on.
 *
 *     hl_announce_begin()   before the command: options are checked, the time limit starts, the run's start is told
 *     hl_outcome_*()        the command tells what it finds and does
 *     hl_announce_end()     after it, however it went
 *
 * A metrics file or notification that fails is a warning: it changes neither the run nor its exit code. */
#ifndef HL_RECONCILE_CLI_ANNOUNCE_H
#define HL_RECONCILE_CLI_ANNOUNCE_H

#include "reconcile/cli/context.h"

/* How the resources of the stack stand at the end of a run. */
enum hl_standing { HL_STANDS_IN_PLACE, HL_STANDS_DIFFERS, HL_STANDS_DEFERRED, HL_STANDS_REFUSED, HL_STANDS_FAILED, HL_STANDS_SKIPPED, HL_STANDINGS };
const char *hl_standing_name(enum hl_standing standing);

struct hl_outcome {
    bool planned; /* the world was read; without that the numbers mean nothing */
    size_t total; /* resources, at the plan */
    size_t standings[HL_STANDINGS];
    size_t drifted;       /* were changed outside hlrec, as this run found them */
    size_t held;          /* of them: left alone, since settings.window is closed */
    size_t changed;       /* things done */
    size_t gone;          /* of them: resources that are no more */
    struct hl_text lines; /* "created container.web", a line each */
    size_t lines_count, lines_left;
    const char *error; /* the first one, as one line; or NULL */
    bool suspended;    /* the run was refused for that reason */
};

/* Checks --timeout, --notify and --ping, begins them, and registers what is secret in them with the redactor. */
bool hl_announce_begin(struct hl_context *context, struct hl_error **err) HL_MUST_CHECK;
/* Gives the exit code, which is 9 when the time limit ended the run. */
int hl_announce_end(struct hl_context *context, int code);
void hl_announce_clear(struct hl_context *context);

/* Resources that were changed or deleted outside hlrec. */
size_t hl_plan_drift(const struct hl_plan *plan);
/* Tells what could not be read, where nothing else does. */
void hl_outcome_plan(struct hl_context *context, const struct hl_plan *plan);
/* After each apply of the run; `plan_count` is the number of resources that its plan was about. */
void hl_outcome_apply(struct hl_context *context, size_t plan_count, const struct hl_apply_result *result);
void hl_outcome_event(struct hl_context *context, const struct hl_event *event);
void hl_outcome_error(struct hl_context *context, const char *line);
/* For `plan` and `drift`: what differs becomes the lines. */
void hl_outcome_differences(struct hl_context *context, const struct hl_plan *plan, bool only_drift);

/* metrics.c: writes --metrics. */
void hl_metrics_write(struct hl_context *context, int code);

/* notify.c */
bool hl_notify_check(struct hl_context *context, struct hl_error **err) HL_MUST_CHECK;
void hl_notify_start(struct hl_context *context);
void hl_notify_end(struct hl_context *context, int code);

#endif
