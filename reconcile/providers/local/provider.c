#include "config.h"

#include "reconcile/providers/local/local.h"
#include "reconcile/providers/local/sops.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct hl_local *hl_local_get(const struct hl_session *session)
{
    return session->data;
}

const struct hl_error *hl_local_keep(struct hl_local *local, struct hl_error *error)
{
    pthread_mutex_lock(&local->errors_lock);
    local->errors = hl_realloc(local->errors, (local->errors_count + 1) * sizeof(struct hl_error *));
    local->errors[local->errors_count++] = error;
    pthread_mutex_unlock(&local->errors_lock);
    return error;
}

static bool local_open(struct hl_session *session, struct hl_error **err)
{
    struct hl_local *local = hl_alloc(sizeof *local);

    (void)err;
    for (size_t i = 0; i < HL_LOCAL_LOCKS; i++)
        pthread_mutex_init(&local->locks[i], NULL);
    pthread_mutex_init(&local->errors_lock, NULL);
    local->sops = hl_sops_new(session->run);
    session->data = local;
    return true;
}

static void local_close(struct hl_session *session)
{
    struct hl_local *local = session->data;

    if (local == NULL)
        return;
    hl_sops_free(local->sops);
    for (size_t i = 0; i < HL_LOCAL_LOCKS; i++)
        pthread_mutex_destroy(&local->locks[i]);
    pthread_mutex_destroy(&local->errors_lock);
    for (size_t i = 0; i < local->errors_count; i++)
        hl_error_free(local->errors[i]);
    free(local->errors);
    free(local);
    session->data = NULL;
}

/* This machine is always there; what a secret may need besides is told, not asked for. */
static bool local_ready(struct hl_session *session, struct hl_text *report, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    (void)err;
    if (report == NULL)
        return true;
    const char *sops = hl_sops_find_program(arena, session->run);
    if (sops != NULL)
        hl_text_printf(report, "sops: %s\n", sops);
    else
        hl_text_puts(report, "sops: not found in PATH (needed only for secrets from sops files)\n");
    return true;
}

static const struct hl_provider_verbs verbs = {.open = local_open, .close = local_close, .ready = local_ready};

static const struct hl_field fields[] = {
    {.name = NULL},
};

const struct hl_provider_type hl_provider_local = {
    .name = "local",
    .doc = "the machine that hlrec runs on: secrets, and the files they are written to",
    .fields = fields,
    .here = true,
    .implicit = true,
    .verbs = &verbs,
};
