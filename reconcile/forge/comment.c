/* The one comment: found by marker and author, edited or made, and left alone where a newer run wrote it. */
#include "config.h"

#include "reconcile/forge/comments.h"

#include <inttypes.h>
#include <string.h>

enum {
    DELETED_MOST = 20, /* duplicates, in one run */
    CREATED_MOST = 4,  /* tries, each after a look whether the one before was executed */
};

/* ---- changes ---- */

/* *gone: it was deleted meanwhile, or is not to be edited; a new one is due. */
static bool edit(struct hl_forge_comments *comments, int64_t id, bool *gone, struct hl_error **err)
{
    struct hl_forge_session *session = comments->session;
    const struct hl_forge_call call = {
        .method = session->forge->edit_method, .path = hl_forge_path(session, session->forge->comment, id), .body = comments->body};
    hl_auto(forge_answer) struct hl_forge_answer answer = {.uncertain = false};
    long status;

    if (!hl_forge_perform(session, &call, &answer, err))
        return false;
    status = answer.response.status;
    *gone = status == 403 || status == 404 || status == 410;
    return *gone || (status >= 200 && status < 300) || hl_forge_rejected(session, &answer, session->forge->comment_rights, err);
}

/* Duplicates; what a newer run wrote is left for that one to tidy up. One that stays does no harm: its failure is not worth a word. */
static void delete_others(struct hl_forge_comments *comments, const struct hl_forge_found *kept)
{
    struct hl_forge_session *session = comments->session;
    int deleted = 0;

    for (size_t i = 0; i < comments->count && deleted < DELETED_MOST; i++) {
        const struct hl_forge_found *found = &comments->items[i];
        const struct hl_forge_call call = {.method = "DELETE", .path = hl_forge_path(session, session->forge->comment, found->id)};
        hl_auto(forge_answer) struct hl_forge_answer answer = {.uncertain = false};
        hl_auto(error) struct hl_error *ignored = NULL;

        if (!hl_forge_is_mine(comments, found) || found->id == kept->id || hl_forge_compare(comments, &found->mark, &comments->ours) > 0)
            continue;
        if (!hl_forge_perform(session, &call, &answer, &ignored))
            return;
        deleted++;
    }
}

/* Whether the comment is there after all. */
static bool was_created(const struct hl_forge_comments *comments)
{
    for (size_t i = 0; i < comments->count; i++) {
        if (hl_forge_is_mine(comments, &comments->items[i]) && hl_forge_is_this_run(comments, &comments->items[i]))
            return true;
    }
    return false;
}

/* Which login a token has is certain when it has written. */
static void learn_author(struct hl_forge_comments *comments, const struct hl_forge_answer *answer)
{
    hl_auto(error) struct hl_error *ignored = NULL;
    struct hl_value *comment = NULL;
    struct hl_forge_author author;

    if (!hl_forge_decode(answer, comments->session->arena, &comment, &ignored))
        return;
    author = hl_forge_read_author(comments->session->arena, comments->session->forge, comment);
    if (hl_forge_author_is_known(&author))
        comments->me = author;
}

/* Sent again only after a look whether it was executed, so that there are never two by one run. */
static bool create(struct hl_forge_comments *comments, struct hl_error **err)
{
    struct hl_forge_session *session = comments->session;
    const char *path = hl_forge_path(session, session->forge->comments, 0);
    const struct hl_forge_call call = {.method = "POST", .path = hl_arena_copy(session->arena, path, strcspn(path, "?")), .body = comments->body, .once = true};

    for (int tries = 1;; tries++) {
        hl_auto(forge_answer) struct hl_forge_answer answer = {.uncertain = false};

        if (hl_forge_perform(session, &call, &answer, err)) {
            if (answer.response.status < 200 || answer.response.status >= 300)
                return hl_forge_rejected(session, &answer, session->forge->comment_rights, err);
            learn_author(comments, &answer);
            return true;
        }
        if (!answer.uncertain || !hl_forge_author_is_known(&comments->me) || tries == CREATED_MOST || !hl_forge_sleep(session, 1000))
            return false;

        hl_auto(error) struct hl_error *unread = NULL;

        if (!hl_forge_read_comments(comments, &unread))
            return false;
        hl_error_clear(err);
        if (was_created(comments))
            return true;
    }
}

/* Into the first that can be edited. *kept is that one, NULL when there is none and a new one is due. */
static bool update(struct hl_forge_comments *comments, const struct hl_forge_found **kept, enum hl_forge_outcome *outcome, struct hl_error **err)
{
    *kept = hl_forge_first_of_mine(comments);
    if (hl_forge_is_late(comments)) {
        *outcome = HL_FORGE_OUTDATED;
        return true;
    }
    for (; *kept != NULL; *kept = comments->lost_count < HL_FORGE_LOST_MOST ? hl_forge_first_of_mine(comments) : NULL) {
        bool gone = false;

        if (!edit(comments, (*kept)->id, &gone, err))
            return false;
        if (!gone) {
            *outcome = HL_FORGE_UPDATED;
            return true;
        }
        comments->lost[comments->lost_count++] = (*kept)->id;
    }
    return true;
}

/* Another run may have made one at the same time, or a former one was not known to be ours: then that one gets the text, and this run's own goes. */
static bool settle(struct hl_forge_comments *comments, enum hl_forge_outcome *outcome, struct hl_error **err)
{
    const struct hl_forge_found *kept;

    if (!hl_forge_read_comments(comments, err))
        return false;
    kept = hl_forge_first_of_mine(comments);
    if (kept != NULL && !hl_forge_is_this_run(comments, kept) && !update(comments, &kept, outcome, err))
        return false;
    if (kept != NULL)
        delete_others(comments, kept);
    return true;
}

/* Whose the others are is not known before we have written one. */
static bool has_nothing_to_update(struct hl_forge_comments *comments)
{
    return comments->session->post->only_update && (hl_forge_author_is_known(&comments->me) ? hl_forge_newest_of_mine(comments) == NULL : comments->count == 0);
}

static bool put(struct hl_forge_comments *comments, enum hl_forge_outcome *outcome, struct hl_error **err)
{
    const struct hl_forge_found *kept = NULL;

    if (!hl_forge_ask_author(comments, err) || !hl_forge_read_comments(comments, err) || !update(comments, &kept, outcome, err))
        return false;
    if (kept != NULL) {
        if (*outcome == HL_FORGE_UPDATED)
            delete_others(comments, kept);
        return true;
    }
    if (has_nothing_to_update(comments)) {
        *outcome = HL_FORGE_SILENT;
        return true;
    }
    if (!create(comments, err))
        return false;
    *outcome = HL_FORGE_CREATED;

    /* It is there; what is left to do is not worth failing for. */
    hl_auto(error) struct hl_error *ignored = NULL;

    (void)settle(comments, outcome, &ignored);
    return true;
}

/* The text as it is sent. The renderer has masked secrets already, and begins no line with a slash, which GitLab would take for a command of the token's user;
 * here is where either would do harm. The marks stay as they are: without them no run would find the comment again. */
static const char *make_text(struct hl_forge_session *session, const struct hl_forge_mark *mark)
{
    const char *rest = session->post->markdown + mark->length;
    hl_auto(text) struct hl_text masked = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);

    rest += strspn(rest, "\r\n");
    rest += mark->run != NULL ? mark->run_length : 0;
    hl_text_append(&out, session->post->markdown, (size_t)(rest - session->post->markdown));
    hl_redact(session->post->redactor, &masked, rest, strlen(rest));
    for (const char *at = hl_text_get(&masked); *at != '\0';) {
        const size_t line = strcspn(at, "\n") + (strchr(at, '\n') != NULL ? 1 : 0);

        if (*at == '/')
            hl_text_putc(&out, ' ');
        hl_text_append(&out, at, line);
        at += line;
    }
    return hl_arena_copy(session->arena, hl_text_get(&out), out.length);
}

bool hl_forge_put_comment(struct hl_forge_session *session, enum hl_forge_outcome *outcome, struct hl_error **err)
{
    struct hl_forge_comments comments = {.session = session, .body = hl_value_map(session->arena)};

    *outcome = HL_FORGE_FAILED;
    if (!hl_forge_mark_read(session->post->markdown, &comments.ours))
        return hl_fail(err, HL_E_SPEC, "the comment does not begin with hlrec's marker");
    hl_value_map_put_text(comments.body, "body", make_text(session, &comments.ours));
    return put(&comments, outcome, err) || hl_wrap(err, "commenting on pull request %" PRId64 " of '%s'", session->post->pull, session->post->repository);
}
