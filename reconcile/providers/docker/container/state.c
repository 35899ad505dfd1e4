/* How a container is doing, from its inspection. */
#include "config.h"

#include "reconcile/providers/docker/container/live.h"

#include "schema/base/text.h"

#include <string.h>

const char *hl_container_name(const struct hl_value *inspection)
{
    const char *name = hl_value_get_text(inspection, "Name");

    return name != NULL && name[0] == '/' ? name + 1 : name;
}

/* A restart policy under which ending well is the end: nobody will start it again. */
static bool may_complete(const struct hl_value *inspection)
{
    const char *policy = hl_value_get_text(hl_value_get(hl_value_get(inspection, "HostConfig"), "RestartPolicy"), "Name");

    return hl_is_blank(policy) || strcmp(policy, "no") == 0 || strcmp(policy, "on-failure") == 0;
}

const char *hl_container_state(struct hl_arena *arena, const struct hl_value *inspection)
{
    const struct hl_value *state = hl_value_get(inspection, "State");
    const char *status = hl_value_get_text(state, "Status");
    const int64_t code = hl_value_get_int(state, "ExitCode", 0);

    if (status == NULL)
        return "unknown";
    if (strcmp(status, "exited") != 0)
        return status;
    if (code == 0 && may_complete(inspection))
        return "completed";
    return hl_arena_printf(arena, "exited (%lld)", (long long)code);
}

const char *hl_container_note(struct hl_arena *arena, const struct hl_value *inspection)
{
    const struct hl_value *state = hl_value_get(inspection, "State");
    const char *status = hl_value_get_text(state, "Status");
    const char *problem = hl_value_get_text(state, "Error");
    const char *health = hl_value_get_text(hl_value_get(state, "Health"), "Status");
    const long long code = (long long)hl_value_get_int(state, "ExitCode", 0);
    const long long restarts = (long long)hl_value_get_int(inspection, "RestartCount", 0);

    if (status == NULL)
        return NULL;
    if (strcmp(status, "restarting") == 0)
        return hl_arena_printf(arena, "crash loop: restarted %lld times, last exit code %lld", restarts, code);
    if (strcmp(status, "created") == 0 && !hl_is_blank(problem))
        return hl_arena_printf(arena, "did not start: %s", problem);
    if (strcmp(status, "exited") == 0 && hl_value_get_bool(state, "OOMKilled", false))
        return "killed because memory ran out";
    if (strcmp(status, "running") == 0 && health != NULL && strcmp(health, "unhealthy") == 0)
        return hl_arena_printf(arena, "unhealthy: %lld probes failed in a row", (long long)hl_value_get_int(hl_value_get(state, "Health"), "FailingStreak", 0));
    if (hl_value_get_bool(hl_value_get(inspection, "HostConfig"), "AutoRemove", false))
        return "started with --rm: the engine removes it when it stops, so that a replacement has no way back";
    return NULL;
}
