/* Waiting until a container is fit, and saying why it is not. */
#include "config.h"

#include "reconcile/providers/docker/container/container.h"

#include "reconcile/providers/docker/container/live.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    FIRST_POLL_MS = 20,
    LAST_POLL_MS = 500,
    CRASH_LIMIT = 5, /* restarts by the engine after which it is a crash loop; their pauses add up to 3 s */
    PATIENCE = 2,    /* an unhealthy container may come round: it is given its retries once more */
    DEFAULT_RETRIES = 3,
};

enum verdict { VERDICT_WAIT, VERDICT_FIT, VERDICT_FAILED };

/* One wait. */
struct watch {
    struct hl_op *op;
    struct hl_docker *docker;
    enum hl_wait_goal goal;
    int64_t settle_ms;
    int64_t running_since_ms; /* when this StartedAt was seen first; 0: not running */
    int64_t first_restarts;   /* RestartCount at the beginning; -1: not seen yet */
    char started_at[64];
    char told[64]; /* last progress */
    char why[256]; /* of a failure */
};

int64_t hl_docker_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is(const char *text, const char *other)
{
    return text != NULL && strcmp(text, other) == 0;
}

static enum verdict fail(struct watch *watch, const char *why)
{
    snprintf(watch->why, sizeof watch->why, "%s", why);
    return VERDICT_FAILED;
}

static bool has_healthcheck(const struct hl_value *inspection)
{
    const struct hl_value *test = hl_value_get(hl_value_get(hl_value_get(inspection, "Config"), "Healthcheck"), "Test");
    const struct hl_value *first = hl_value_item(test, 0);

    return hl_value_is(first, HL_TEXT) && strcmp(first->text.data, "NONE") != 0;
}

static enum verdict judge_health(struct watch *watch, const struct hl_value *inspection)
{
    const struct hl_value *health = hl_value_get(hl_value_get(inspection, "State"), "Health");
    const char *status = hl_value_get_text(health, "Status");
    const int64_t streak = hl_value_get_int(health, "FailingStreak", 0);
    int64_t retries = hl_value_get_int(hl_value_get(hl_value_get(inspection, "Config"), "Healthcheck"), "Retries", 0);

    if (retries <= 0)
        retries = DEFAULT_RETRIES;
    if (is(status, "healthy"))
        return VERDICT_FIT;
    if (is(status, "unhealthy") && streak >= PATIENCE * retries)
        return fail(watch, "is unhealthy");
    return VERDICT_WAIT;
}

static enum verdict judge_running(struct watch *watch, const struct hl_value *inspection)
{
    const char *started = hl_value_get_text(hl_value_get(inspection, "State"), "StartedAt");
    const int64_t now = hl_docker_now_ms();

    if (watch->running_since_ms == 0 || !is(started, watch->started_at)) {
        snprintf(watch->started_at, sizeof watch->started_at, "%s", started != NULL ? started : "");
        watch->running_since_ms = now;
    }
    switch (watch->goal) {
    case HL_WAIT_STARTED:
        return VERDICT_FIT;
    case HL_WAIT_COMPLETED:
        return VERDICT_WAIT;
    case HL_WAIT_HEALTHY:
        if (!has_healthcheck(inspection))
            return fail(watch, "has no health check, so it never becomes healthy");
        return judge_health(watch, inspection);
    case HL_WAIT_FIT:
        if (has_healthcheck(inspection))
            return judge_health(watch, inspection);
        return now - watch->running_since_ms >= watch->settle_ms ? VERDICT_FIT : VERDICT_WAIT;
    }
    return VERDICT_WAIT;
}

static enum verdict judge_ended(struct watch *watch, const struct hl_value *inspection, const char *state)
{
    const struct hl_value *told = hl_value_get(inspection, "State");
    const long long code = (long long)hl_value_get_int(told, "ExitCode", 0);
    const char *problem = hl_value_get_text(told, "Error");

    if (is(state, "completed"))
        return watch->goal == HL_WAIT_HEALTHY ? fail(watch, "has ended before it was healthy") : VERDICT_FIT;
    if (watch->goal == HL_WAIT_COMPLETED && code == 0)
        return VERDICT_FIT;
    if (hl_value_get_bool(told, "OOMKilled", false))
        return fail(watch, "was killed because memory ran out");
    snprintf(watch->why, sizeof watch->why, "exited with code %lld%s%s", code, hl_is_blank(problem) ? "" : ": ", hl_is_blank(problem) ? "" : problem);
    return VERDICT_FAILED;
}

static enum verdict judge_restarting(struct watch *watch, const struct hl_value *inspection)
{
    const int64_t restarts = hl_value_get_int(inspection, "RestartCount", 0);

    watch->running_since_ms = 0;
    if (watch->first_restarts < 0)
        watch->first_restarts = restarts;
    if (restarts < CRASH_LIMIT && restarts - watch->first_restarts < CRASH_LIMIT)
        return VERDICT_WAIT;
    snprintf(watch->why, sizeof watch->why, "is in a crash loop: restarted %lld times, last exit code %lld", (long long)restarts,
             (long long)hl_value_get_int(hl_value_get(inspection, "State"), "ExitCode", 0));
    return VERDICT_FAILED;
}

static enum verdict judge(struct watch *watch, const struct hl_value *inspection)
{
    const char *state = hl_container_state(watch->op->arena, inspection);

    if (is(state, "running"))
        return judge_running(watch, inspection);
    if (is(state, "restarting"))
        return judge_restarting(watch, inspection);
    if (is(state, "paused"))
        return fail(watch, "is paused");
    if (is(state, "completed") || is(state, "dead") || hl_starts_with(state, "exited"))
        return judge_ended(watch, inspection, state);
    return VERDICT_WAIT; /* created, removing */
}

static void tell(struct watch *watch, const struct hl_value *inspection)
{
    const struct hl_value *state = hl_value_get(inspection, "State");
    const char *health = hl_value_get_text(hl_value_get(state, "Health"), "Status");
    const char *status = health != NULL ? health : hl_value_get_text(state, "Status");

    if (status == NULL || is(status, watch->told))
        return;
    snprintf(watch->told, sizeof watch->told, "%s", status);
    /* By name: what is waited for may be another container than the one at hand, which depends on it. */
    hl_op_progress(watch->op, "waiting for %s: %s", watch->op->name, status);
}

/* What the last probe said. */
static const char *last_probe(struct hl_docker *docker, struct hl_arena *arena, const struct hl_value *inspection)
{
    enum { SHOWN = 300 };
    hl_auto(text) struct hl_text masked = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    hl_auto(text) struct hl_text shown = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    const struct hl_value *log = hl_value_get(hl_value_get(hl_value_get(inspection, "State"), "Health"), "Log");
    const char *output = hl_value_get_text(hl_value_item(log, hl_value_count(log) == 0 ? 0 : hl_value_count(log) - 1), "Output");

    if (hl_is_blank(output))
        return NULL;
    hl_redact(docker->run->redactor, &masked, output, strlen(output));
    while (masked.length > 0 && strchr("\r\n ", masked.data[masked.length - 1]) != NULL)
        masked.data[--masked.length] = '\0';
    hl_text_put_escaped(&shown, hl_text_get(&masked), masked.length < SHOWN ? masked.length : SHOWN);
    return hl_arena_copy(arena, hl_text_get(&shown), shown.length);
}

static bool report(struct watch *watch, const struct hl_value *inspection, enum hl_code code, const char *why, struct hl_error **err)
{
    struct hl_arena *arena = watch->op->arena;
    const char *tail = hl_container_log_tail(watch->docker, arena, inspection);
    const char *probe = last_probe(watch->docker, arena, inspection);

    hl_fail(err, code, "container '%s' %s", hl_container_name(inspection), why);
    if (probe != NULL || tail != NULL)
        hl_error_hint(err, "%s%s%s%s%s", probe != NULL ? "its last probe said: " : "", probe != NULL ? probe : "", probe != NULL && tail != NULL ? "; " : "",
                      tail != NULL ? "its last lines: " : "", tail != NULL ? tail : "");
    return false;
}

static bool fail_timeout(struct watch *watch, const struct hl_value *inspection, struct hl_error **err)
{
    char limit[32];
    const char *health = hl_value_get_text(hl_value_get(hl_value_get(inspection, "State"), "Health"), "Status");

    hl_format_duration(watch->op->timeout_ms, limit);
    return report(watch, inspection, HL_E_TIMEOUT,
                  hl_arena_printf(watch->op->arena, "is %s after %s", health != NULL ? health : hl_container_state(watch->op->arena, inspection), limit), err);
}

bool hl_container_wait(struct hl_op *op, const char *id, enum hl_wait_goal goal, int64_t settle_ms, const struct hl_value **last, struct hl_error **err)
{
    struct watch watch = {.op = op, .docker = hl_docker_of(op->session), .goal = goal, .settle_ms = settle_ms, .first_restarts = -1};
    const int64_t deadline = hl_docker_now_ms() + op->timeout_ms;
    int64_t pause_ms = FIRST_POLL_MS;

    for (;;) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        struct hl_value *inspection = NULL;
        if (!hl_container_inspect(watch.docker, arena, id, &inspection, err))
            return false;
        if (inspection == NULL)
            return hl_fail(err, HL_E_NOT_FOUND, "the container was removed while hlrec waited for it");
        tell(&watch, inspection);
        switch (judge(&watch, inspection)) {
        case VERDICT_FIT:
            if (last != NULL)
                *last = hl_value_copy(op->arena, inspection);
            return true;
        case VERDICT_FAILED:
            return report(&watch, inspection, HL_E_FAILED, watch.why, err);
        case VERDICT_WAIT:
            break;
        }
        if (hl_docker_now_ms() >= deadline)
            return fail_timeout(&watch, inspection, err);
        if (!hl_run_sleep(op->session->run, pause_ms))
            return hl_fail(err, HL_E_INTERRUPTED, "interrupted while waiting for container '%s'", hl_container_name(inspection));
        pause_ms = pause_ms * 3 / 2 < LAST_POLL_MS ? pause_ms * 3 / 2 : LAST_POLL_MS;
    }
}

bool hl_container_await(struct hl_op *op, const char *condition, struct hl_error **err)
{
    struct hl_docker *docker = hl_docker_of(op->session);
    const char *id = op->result_id != NULL ? op->result_id : op->id;
    enum hl_wait_goal goal = HL_WAIT_STARTED;

    if (is(condition, "service_healthy"))
        goal = HL_WAIT_HEALTHY;
    else if (is(condition, "service_completed_successfully"))
        goal = HL_WAIT_COMPLETED;
    if (hl_is_blank(id)) {
        struct hl_value *inspection = NULL;
        const char *name = hl_container_wanted_name(op->desired, op->name);
        if (!hl_container_inspect_name(docker, op->arena, name, &inspection, err))
            return false;
        if (inspection == NULL)
            return hl_fail(err, HL_E_NOT_FOUND, "container '%s' is not there", name);
        id = hl_container_id(inspection);
    }
    return hl_container_wait(op, id, goal, 0, NULL, err);
}
