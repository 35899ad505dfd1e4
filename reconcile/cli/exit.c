#include "config.h"

#include "reconcile/cli/command.h"

static const enum hl_exit by_code[] = {
    [HL_E_FAILED] = HL_EXIT_FAILED,           [HL_E_SPEC] = HL_EXIT_SPEC,
    [HL_E_LOCKED] = HL_EXIT_LOCKED,           [HL_E_REJECTED] = HL_EXIT_FAILED,
    [HL_E_UNREACHABLE] = HL_EXIT_UNREACHABLE, [HL_E_AUTH] = HL_EXIT_UNREACHABLE,
    [HL_E_NOT_FOUND] = HL_EXIT_FAILED,        [HL_E_CONFLICT] = HL_EXIT_REFUSED,
    [HL_E_REFUSED] = HL_EXIT_REFUSED,         [HL_E_TIMEOUT] = HL_EXIT_FAILED,
    [HL_E_INTERRUPTED] = HL_EXIT_INTERRUPTED, [HL_E_NOT_SET_UP] = HL_EXIT_UNREACHABLE,
};
_Static_assert(HL_COUNT(by_code) == HL_E_CODES, "an exit code for each error code");

static const char *const meanings[] = {
    [HL_EXIT_OK] = "done; for `plan --detailed-exitcode` and `drift`: nothing differs",
    [HL_EXIT_FAILED] = "failed before anything was changed, or an unexpected error",
    [HL_EXIT_DIFFERS] = "`plan --detailed-exitcode`, `drift`: something differs",
    [HL_EXIT_SPEC] = "the spec, the options or the plan file's form are wrong: nothing was touched",
    [HL_EXIT_LOCKED] = "another run holds the lock",
    [HL_EXIT_DEFERRED] = "`apply`: all that could be done is done, and some steps are deferred",
    [HL_EXIT_PARTLY] = "`apply`: some actions failed; the others are done and recorded, and all are listed",
    [HL_EXIT_UNREACHABLE] = "an API is unreachable or refuses the credentials",
    [HL_EXIT_REFUSED] = "refused: a guard, `protect`, a conflict with an object not owned, a stale plan file, suspended, or not confirmed",
    [HL_EXIT_INTERRUPTED] = "interrupted; the state is consistent",
    [HL_EXIT_NOT_CONVERGING] = "not converging: a resource was changed and is different again",
};
_Static_assert(HL_COUNT(meanings) == HL_EXITS, "a meaning for each exit code");

const char *hl_exit_meaning(enum hl_exit code)
{
    return meanings[code];
}

enum hl_exit hl_exit_of(const struct hl_error *error)
{
    return error == NULL ? HL_EXIT_FAILED : by_code[error->code];
}

static bool is_unreachable(enum hl_code code)
{
    return by_code[code] == HL_EXIT_UNREACHABLE;
}

enum hl_exit hl_exit_of_plan(const struct hl_plan *plan, const struct hl_read_stats *stats, size_t stats_count)
{
    bool refused = false;
    bool not_converging = false;
    bool unread = false;

    for (size_t i = 0; i < stats_count; i++)
        unread = unread || stats[i].error != NULL;
    for (size_t i = 0; i < plan->count; i++) {
        const struct hl_step *step = plan->steps[i];

        if (step->action != HL_ACTION_REFUSE)
            continue;
        unread = unread || is_unreachable(step->refuse_code) ||
                 (step->live->presence == HL_LIVE_UNREADABLE && by_code[step->refuse_code] != HL_EXIT_REFUSED && by_code[step->refuse_code] != HL_EXIT_SPEC);
        not_converging = not_converging || step->not_converging;
        refused = refused || !step->not_converging;
    }
    if (plan->diags.errors > 0)
        return HL_EXIT_SPEC;
    if (unread)
        return HL_EXIT_UNREACHABLE;
    if (refused)
        return HL_EXIT_REFUSED;
    return not_converging ? HL_EXIT_NOT_CONVERGING : HL_EXIT_OK;
}

enum hl_exit hl_exit_of_apply(const struct hl_apply_result *result)
{
    if (result->interrupted)
        return HL_EXIT_INTERRUPTED;
    if (result->unreachable)
        return HL_EXIT_UNREACHABLE;
    if (result->failed > 0)
        return HL_EXIT_PARTLY;
    if (result->not_converging)
        return HL_EXIT_NOT_CONVERGING;
    if (result->refused > 0)
        return HL_EXIT_REFUSED;
    /* Nothing failed, and still not all was done. */
    return result->deferred > 0 || result->skipped > 0 ? HL_EXIT_DEFERRED : HL_EXIT_OK;
}
