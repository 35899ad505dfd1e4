/* Writing: all ready actions of a session make one new file. */
#include "config.h"

#include "reconcile/providers/traefik/batch.h"
#include "reconcile/providers/traefik/fields.h"
#include "reconcile/transport/files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* After so many contents of which Traefik rejected a part, the former one stays. */
enum { MAX_ATTEMPTS = 3 };

/* ---- the file ---- */

static bool is_on_disk(const struct hl_batch *batch)
{
    if (batch->text.length == 0)
        return batch->before.state == HL_DOCUMENT_ABSENT;
    return batch->before.state != HL_DOCUMENT_ABSENT && batch->before.length == batch->text.length &&
           memcmp(batch->before.text, hl_text_get(&batch->text), batch->text.length) == 0;
}

/* What a person broke by hand may still be of use to them. Traefik does not look at this name. */
static bool keep_broken(struct hl_batch *batch, struct hl_error **err)
{
    const char *path = hl_arena_printf(batch->arena, "%s.broken", batch->traefik->path);
    const struct hl_file_write write = {.path = path, .data = batch->before.text, .length = batch->before.length, .mode = 0600};

    if (batch->before.state != HL_DOCUMENT_BROKEN)
        return true;
    if (!hl_file_write(&write, err))
        return hl_wrap(err, "keeping what stands in '%s' now", batch->traefik->path);
    for (size_t i = 0; i < batch->count; i++)
        hl_batch_note(batch->ops[i], "the file was made anew; its former text is in '%s'", path);
    return true;
}

/* ---- outcome ---- */

static const char *find_hint(const struct hl_error *error)
{
    while (error != NULL && error->hint == NULL)
        error = error->cause;
    return error == NULL ? NULL : error->hint;
}

/* One reason for all that have not failed by themselves; takes the error. */
static void fail_rest(struct hl_batch *batch, struct hl_error *error)
{
    hl_auto(heap) char *words = hl_error_text(error);

    for (size_t i = 0; i < batch->count; i++)
        hl_batch_reject(batch->ops[i], error->code, find_hint(error), "%s", words);
    hl_error_free(error);
}

static const char *restore(struct hl_batch *batch)
{
    hl_auto(error) struct hl_error *error = NULL;
    const bool written = hl_traefik_write(batch->traefik, batch->before.text, batch->before.length, &error);

    if (written && hl_verify_restored(batch, &error))
        return "rolled back: the former content is in place";
    hl_auto(heap) char *words = hl_error_text(error);

    return hl_arena_printf(batch->arena, written ? "the former content is in place again, but: %s" : "could not be rolled back: %s", words);
}

static void put_back(struct hl_batch *batch)
{
    const char *words = restore(batch);

    for (size_t i = 0; i < batch->count; i++) {
        if (batch->ops[i]->error != NULL)
            hl_batch_note(batch->ops[i], "%s", words);
    }
}

static void note_done(struct hl_batch *batch, struct hl_op *op)
{
    struct stat about;

    if (batch->unverified != NULL)
        hl_batch_note(op, "not verified: %s", batch->unverified);
    if (hl_value_has_sensitive(op->desired) && stat(batch->traefik->path, &about) == 0 && (about.st_mode & 0004) != 0)
        hl_batch_note(op, "'%s' holds secrets and can be read by all: set 'mode' of the provider, as \"0640\"", batch->traefik->path);
}

/* Results are read from the text as the next refresh will read it, so that the next plan finds nothing. */
static void set_results(struct hl_batch *batch)
{
    struct hl_document written;

    hl_document_parse(&written, batch->arena, hl_text_get(&batch->text), batch->text.length, batch->run->stack, batch->run->state_id);
    for (size_t i = 0; i < batch->count; i++) {
        struct hl_op *op = batch->ops[i];
        const struct hl_traefik_object place = hl_batch_place(op);
        const char *protocol = NULL;

        if (op->error != NULL && op->error->code == HL_E_REJECTED)
            hl_batch_note(op, "rolled back: it is as it was before");
        if (op->error != NULL)
            continue;
        note_done(batch, op);
        if (hl_batch_removes(op))
            continue;
        const struct hl_value *tree = hl_traefik_object_find(&written, op->arena, &place, &protocol);

        op->result_id = hl_arena_printf(op->arena, "%s@file", op->name);
        op->result = tree == NULL ? NULL : hl_traefik_object_values(op->arena, place.kind, protocol, tree);
    }
    hl_verify_note_timeouts(batch);
}

/* What is written stays: whether it is live shows when the API is back. Takes the error. */
static void set_unverified(struct hl_batch *batch, struct hl_error *error)
{
    hl_auto(heap) char *words = hl_error_text(error);

    batch->unverified = hl_arena_strdup(batch->arena, words);
    batch->verifies = false;
    hl_error_free(error);
}

/* ---- the turn ---- */

/* A file that was changed by hand still has our marker in it, and Traefik tells of that one already. */
static void renew_marker(struct hl_batch *batch)
{
    if (hl_verify_knows(batch, batch->after.marker))
        hl_document_format(&batch->after, batch->run->stack, batch->run->state_id, batch->ops[0]->operation, &batch->text);
}

/* One content: built, written, verified. */
static enum hl_traefik_verdict attempt(struct hl_batch *batch, bool *written, struct hl_error **err)
{
    hl_batch_build(batch);
    if (hl_batch_alive(batch) == 0)
        return HL_TRAEFIK_REJECTED;
    if (*written || !is_on_disk(batch)) {
        renew_marker(batch);
        if (!hl_traefik_write(batch->traefik, hl_text_get(&batch->text), batch->text.length, err))
            return HL_TRAEFIK_STOPPED;
        *written = true;
    }
    return hl_verify(batch, err);
}

/* Whether another content may be loaded: one without what a person added to our objects and hlrec does not know. */
static bool may_be_strict(const struct hl_batch *batch)
{
    bool found = false;

    for (size_t i = 0; !batch->strict && !found && i < batch->traefik->recorded->count; i++) {
        const struct hl_traefik_object object = hl_batch_recorded(batch, i);

        found = hl_traefik_object_find_strange(&batch->after, batch->arena, &object) != NULL;
    }
    return found;
}

static void run_batch(struct hl_batch *batch)
{
    struct hl_error *error = NULL;
    bool written = false;

    for (int i = 0; i < MAX_ATTEMPTS; i++) {
        const enum hl_traefik_verdict verdict = attempt(batch, &written, &error);

        switch (verdict) {
        case HL_TRAEFIK_GOOD:
            set_results(batch);
            return;
        case HL_TRAEFIK_REJECTED:
            if (hl_batch_alive(batch) > 0)
                continue; /* the next content has those objects as they were before */
            if (written)
                put_back(batch);
            return;
        case HL_TRAEFIK_NOT_LOADED:
            if (may_be_strict(batch)) {
                hl_error_clear(&error);
                batch->strict = true;
                continue;
            }
            fail_rest(batch, error);
            put_back(batch);
            return;
        case HL_TRAEFIK_LOST:
            set_unverified(batch, error);
            set_results(batch);
            return;
        case HL_TRAEFIK_STOPPED:
            fail_rest(batch, error);
            return;
        }
    }
    hl_fail(&error, HL_E_REJECTED, "Traefik rejected %d contents of '%s', each for another reason", MAX_ATTEMPTS, batch->traefik->path);
    fail_rest(batch, error);
    put_back(batch);
}

static bool prepare(struct hl_batch *batch, struct hl_error **err)
{
    return hl_traefik_check_folder(batch->traefik, err) && hl_document_load(&batch->before, batch->arena, batch->traefik, batch->run, err) &&
           hl_traefik_folder_read(&batch->folder, batch->arena, batch->traefik, batch->run, err) && hl_verify_prepare(batch, err) && keep_broken(batch, err);
}

void hl_traefik_apply_batch(struct hl_session *session, struct hl_op **ops, size_t count)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_traefik *traefik = session->data;
    struct hl_error *error = NULL;
    struct hl_batch batch = {.session = session, .traefik = traefik, .run = session->run, .arena = arena, .ops = ops, .count = count};

    hl_text_init(&batch.text, HL_TRAEFIK_MAX_FILE);
    pthread_mutex_lock(&traefik->lock);
    if (prepare(&batch, &error))
        run_batch(&batch);
    else
        fail_rest(&batch, error);
    pthread_mutex_unlock(&traefik->lock);
    hl_text_clear(&batch.text);
}
