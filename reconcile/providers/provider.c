#include "config.h"

#include "reconcile/provider.h"

#include <string.h>
#include <time.h>

enum { SLEEP_SLICE_MS = 50 };

bool hl_run_cancelled(const struct hl_run *run)
{
    return run->interrupts != NULL && *run->interrupts >= 2;
}

bool hl_run_ending(const struct hl_run *run)
{
    return atomic_load(&run->lost) || (run->interrupts != NULL && *run->interrupts > 0);
}

bool hl_run_sleep(const struct hl_run *run, int64_t ms)
{
    while (ms > 0) {
        if (hl_run_cancelled(run))
            return false;
        const int64_t slice = ms < SLEEP_SLICE_MS ? ms : SLEEP_SLICE_MS;
        const struct timespec pause = {.tv_sec = 0, .tv_nsec = (long)(slice * 1000000)};
        nanosleep(&pause, NULL);
        ms -= slice;
    }
    return !hl_run_cancelled(run);
}

struct hl_session *hl_session_used(const struct hl_session *session, const char *type, const char *instance)
{
    for (struct hl_session *const *used = session->used; used != NULL && *used != NULL; used++) {
        const bool wanted = instance != NULL ? strcmp((*used)->name, instance) == 0 : strcmp((*used)->type->name, type) == 0;
        if (wanted)
            return *used;
    }
    return NULL;
}

bool hl_session_keep(struct hl_session *session, const struct hl_value *value, struct hl_error **err)
{
    if (session->keep == NULL)
        return hl_fail(err, HL_E_FAILED, "provider '%s' may change nothing here", session->name);
    return session->keep(session, value, err);
}

void hl_object_keep(struct hl_object *object, const char *id, const struct hl_value *values)
{
    const struct hl_recorded *recorded = object->recorded;
    const bool same_id = recorded != NULL && recorded->id != NULL && strcmp(recorded->id, id) == 0;

    object->live.id = same_id ? recorded->id : hl_arena_strdup(object->arena, id);
    object->live.values = hl_value_keep(object->arena, values, recorded != NULL ? recorded->live : NULL);
}

bool hl_op_checkpoint(struct hl_op *op, const struct hl_value *value, struct hl_error **err)
{
    if (op->checkpoint == NULL)
        return true;
    return op->checkpoint(op, value, err);
}

void hl_op_progress(struct hl_op *op, const char *format, ...)
{
    va_list args;

    if (op->progress == NULL)
        return;
    va_start(args, format);
    const char *text = hl_arena_vprintf(op->arena, format, args);
    va_end(args);
    op->progress(op, text);
}

const struct hl_change *hl_op_changed(const struct hl_op *op, const char *path)
{
    const size_t length = strlen(path);

    for (size_t i = 0; i < op->changes_count; i++) {
        const char *changed = op->changes[i].path;
        if (strncmp(changed, path, length) == 0 && (changed[length] == '\0' || changed[length] == '.'))
            return &op->changes[i];
    }
    return NULL;
}
