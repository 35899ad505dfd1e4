#include "config.h"

#include "reconcile/transport/git_internal.h"

#include <string.h>

/* Walks over a history happen in a child: of a pull request, strangers wrote it. */

enum walk_kind { MERGE_BASE, DISTANCE, DESCENDS };

struct walk {
    enum walk_kind kind;
    git_oid one, two;
};

static bool fail_walk(struct hl_git *git, int code, struct hl_value *answer, struct hl_error **err)
{
    struct hl_git_fault fault = hl_git_last_fault(code);

    if (hl_git_fault_is_damage(&fault))
        hl_value_map_put_bool(answer, "damaged", true);
    return hl_fail(err, HL_E_FAILED, "cannot walk the history of '%s': %s", git->url.shown, fault.text);
}

static bool run(struct hl_git *git, const void *context, struct hl_git_progress *progress, struct hl_arena *arena, struct hl_value *answer,
                struct hl_error **err)
{
    const struct walk *walk = context;
    char text[GIT_OID_HEXSZ + 1];
    size_t ahead = 0, behind = 0;
    git_oid base;
    int code = 0;

    hl_git_enter(progress, HL_GIT_WALK);
    switch (walk->kind) {
    case MERGE_BASE:
        code = git_merge_base(&base, git->repository, &walk->one, &walk->two);
        if (code == GIT_ENOTFOUND)
            return true;
        git_oid_tostr(text, sizeof(text), &base);
        hl_value_map_put(answer, "base", code == 0 ? hl_value_text(arena, text) : NULL);
        break;
    case DISTANCE:
        code = git_graph_ahead_behind(&ahead, &behind, git->repository, &walk->two, &walk->one);
        hl_value_map_put_int(answer, "ahead", (int64_t)ahead);
        hl_value_map_put_int(answer, "behind", (int64_t)behind);
        break;
    case DESCENDS:
        code = git_graph_descendant_of(git->repository, &walk->one, &walk->two);
        hl_value_map_put_bool(answer, "descends", code == 1);
        break;
    }
    return code >= 0 || fail_walk(git, code, answer, err);
}

/* Both commits must be there: a missing one would read as a damaged cache. */
static bool walk_history(struct hl_git *git, enum walk_kind kind, const char *one, const char *two, struct hl_arena *arena, struct hl_value **answer,
                         struct hl_error **err)
{
    hl_auto(git_commit_object) git_commit *first = NULL;
    hl_auto(git_commit_object) git_commit *second = NULL;
    struct walk walk = {.kind = kind};
    const struct hl_git_task task = {.run = run, .context = &walk, .deadline_ms = hl_git_now_ms() + git->timeout_ms};
    bool damaged = false;

    if (!hl_git_commit(git, one, &first, err) || !hl_git_commit(git, two, &second, err))
        return false;
    walk.one = *git_commit_id(first);
    walk.two = *git_commit_id(second);
    if (hl_git_child_run(git, &task, arena, answer, &damaged, err))
        return true;
    if (!damaged)
        return false;
    hl_git_cache_mark_damaged(git);
    return hl_error_hint(err, "the cache '%s' is damaged: the next run makes it anew", git->cache.folder);
}

bool hl_git_descends(struct hl_git *git, const char *id, const char *ancestor, bool *descends, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *answer = NULL;

    if (!walk_history(git, DESCENDS, id, ancestor, arena, &answer, err))
        return false;
    *descends = hl_value_get_bool(answer, "descends", false) || strcmp(id, ancestor) == 0;
    return true;
}

bool hl_git_distance(struct hl_git *git, const char *base, const char *head, size_t *ahead, size_t *behind, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *answer = NULL;

    if (!walk_history(git, DISTANCE, base, head, arena, &answer, err))
        return false;
    *ahead = (size_t)hl_value_get_int(answer, "ahead", 0);
    *behind = (size_t)hl_value_get_int(answer, "behind", 0);
    return true;
}

bool hl_git_merge_base(struct hl_git *git, const char *one, const char *two, git_oid *base, bool *related, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *answer = NULL;

    if (!walk_history(git, MERGE_BASE, one, two, arena, &answer, err))
        return false;

    const char *text = hl_value_get_text(answer, "base");

    *related = text != NULL && hl_git_parse_id(text, base);
    return true;
}

bool hl_git_signature(struct hl_git *git, const char *id, struct hl_arena *arena, const char **signature, const char **data, size_t *length,
                      struct hl_error **err)
{
    hl_auto(git_commit_object) git_commit *commit = NULL;
    git_buf signed_with = GIT_BUF_INIT, signed_data = GIT_BUF_INIT;
    git_oid parsed;

    *signature = *data = NULL;
    *length = 0;
    if (!hl_git_commit(git, id, &commit, err))
        return false;
    parsed = *git_commit_id(commit);

    int code = git_commit_extract_signature(&signed_with, &signed_data, git->repository, &parsed, NULL);
    bool fine = code == 0 || code == GIT_ENOTFOUND;

    if (code == 0) {
        *signature = hl_arena_copy(arena, signed_with.ptr, signed_with.size);
        *data = hl_arena_copy(arena, signed_data.ptr, signed_data.size);
        *length = signed_data.size;
    } else if (!fine) {
        hl_git_fail_read(git, code, err, "cannot read the signature of commit '%s' of '%s'", id, git->url.shown);
    }
    git_buf_dispose(&signed_with);
    git_buf_dispose(&signed_data);
    return fine;
}
