/* One turn of apply for a stack's file: all actions that are ready, on one session. Private to apply.c, build.c and verify.c. */
#ifndef HL_RECONCILE_PROVIDERS_TRAEFIK_BATCH_H
#define HL_RECONCILE_PROVIDERS_TRAEFIK_BATCH_H

#include "reconcile/providers/traefik/object.h"
#include "reconcile/providers/traefik/preflight.h"

struct hl_batch {
    struct hl_session *session;
    struct hl_traefik *traefik;
    const struct hl_run *run;
    struct hl_arena *arena;
    struct hl_op **ops;
    size_t count;
    struct hl_document before;
    struct hl_document after; /* what the file is to hold; built anew for each attempt */
    struct hl_text text;      /* of `after` */
    struct hl_traefik_folder folder;
    bool verifies;          /* the API answers, and Traefik reads files */
    const char *unverified; /* else why not */
    bool strict;            /* Traefik did not take the file: what is strange in recorded objects goes */
    struct hl_traefik_version version;
    const struct hl_value *raw_before; /* what the API said before anything was written; NULL unless verifies */
};

static inline bool hl_batch_removes(const struct hl_op *op)
{
    return op->action == HL_ACTION_DELETE;
}
struct hl_traefik_object hl_batch_place(const struct hl_op *op);
/* The same for what was recorded: traefik->recorded->entries[index]. */
struct hl_traefik_object hl_batch_recorded(const struct hl_batch *batch, size_t index);
/* Adds to the note of an action. */
void hl_batch_note(struct hl_op *op, const char *format, ...) HL_PRINTF(2, 3);
/* Fails an action that has not failed yet. Returns false. */
bool hl_batch_reject(struct hl_op *op, enum hl_code code, const char *hint, const char *format, ...) HL_PRINTF(4, 5);
size_t hl_batch_alive(const struct hl_batch *batch); /* actions that have not failed */

/* build.c: batch->after and batch->text from batch->before and the actions that have not failed; those that cannot work fail here, before anything is written.
 */
void hl_batch_build(struct hl_batch *batch);

enum hl_traefik_verdict {
    HL_TRAEFIK_GOOD,       /* live, or not verified */
    HL_TRAEFIK_REJECTED,   /* live, and some actions failed by it */
    HL_TRAEFIK_NOT_LOADED, /* Traefik did not take the file; *err */
    HL_TRAEFIK_LOST,       /* the API went away; *err */
    HL_TRAEFIK_STOPPED,    /* interrupted, or the file cannot be written; *err */
};
/* verify.c: asks whether changes can be verified, and what Traefik says now. False when nothing must be written; *err. */
bool hl_verify_prepare(struct hl_batch *batch, struct hl_error **err) HL_MUST_CHECK;
/* Whether the API told of this marker before anything was written. */
bool hl_verify_knows(const struct hl_batch *batch, const char *marker);
/* Waits until batch->after is live and fails the actions whose objects Traefik rejects. */
enum hl_traefik_verdict hl_verify(struct hl_batch *batch, struct hl_error **err);
/* Waits until batch->before is live again. */
bool hl_verify_restored(struct hl_batch *batch, struct hl_error **err) HL_MUST_CHECK;
/* What to know of routers that are fine: gRPC behind a short readTimeout. */
void hl_verify_note_timeouts(struct hl_batch *batch);

#endif
