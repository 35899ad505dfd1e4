#include "config.h"

#include "reconcile/forge/comments.h"

#include "schema/base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PAGES_MOST = 500 };

/* ---- who we are ---- */

bool hl_forge_author_is_known(const struct hl_forge_author *author)
{
    return author->id != 0 || author->login != NULL;
}

bool hl_forge_is_mine(const struct hl_forge_comments *comments, const struct hl_forge_found *found)
{
    if (comments->me.id != 0)
        return found->author.id == comments->me.id;
    return comments->me.login != NULL && found->author.login != NULL && strcmp(found->author.login, comments->me.login) == 0;
}

struct hl_forge_author hl_forge_read_author(struct hl_arena *arena, const struct hl_forge *forge, const struct hl_value *comment)
{
    const struct hl_value *id = hl_value_find_path(comment, forge->author_id);
    const struct hl_value *login = hl_value_find_path(comment, forge->author_login);

    return (struct hl_forge_author){.id = hl_value_is(id, HL_INT) ? id->integer : 0,
                                    .login = hl_value_is(login, HL_TEXT) ? hl_arena_strdup(arena, login->text.data) : NULL};
}

bool hl_forge_ask_author(struct hl_forge_comments *comments, struct hl_error **err)
{
    struct hl_forge_session *session = comments->session;
    const struct hl_forge_call call = {.method = "GET", .path = session->forge->user};
    hl_auto(forge_answer) struct hl_forge_answer answer = {.uncertain = false};
    struct hl_value *user = NULL;

    comments->me.login = session->post->author;
    if (!hl_forge_perform(session, &call, &answer, err))
        return false;
    if (answer.response.status == 401)
        return hl_forge_rejected(session, &answer, session->forge->comment_rights, err);
    if (answer.response.status != 200)
        return true;
    if (!hl_forge_decode(&answer, session->arena, &user, err))
        return false;
    comments->me = (struct hl_forge_author){.id = hl_value_get_int(user, "id", 0), .login = hl_value_get_text(user, session->forge->own_login)};
    return true;
}

/* ---- the list ---- */

static struct hl_forge_found *add_found(struct hl_forge_comments *comments)
{
    if (comments->count == comments->capacity) {
        const size_t capacity = comments->capacity == 0 ? 8 : comments->capacity * 2;
        struct hl_forge_found *larger = hl_arena_alloc(comments->session->arena, capacity * sizeof(*larger));

        if (comments->count > 0)
            memcpy(larger, comments->items, comments->count * sizeof(*larger));
        comments->items = larger;
        comments->capacity = capacity;
    }
    return &comments->items[comments->count++];
}

/* Only the marks of the few that are kept outlive their page. */
static void keep(struct hl_forge_comments *comments, int64_t id, const struct hl_value *comment, const char *text)
{
    struct hl_arena *arena = comments->session->arena;
    struct hl_forge_mark mark;
    struct hl_forge_found *found;

    if (!hl_forge_mark_read(text, &mark) || !hl_forge_mark_same(&mark, &comments->ours))
        return;
    found = add_found(comments);
    *found = (struct hl_forge_found){.id = id, .author = hl_forge_read_author(arena, comments->session->forge, comment), .mark = mark};
    found->mark.marker = comments->ours.marker;
    found->mark.run = mark.run == NULL ? NULL : hl_arena_copy(arena, mark.run, mark.run_length);
}

static bool visit_comment(void *context, struct hl_value *comment, struct hl_error **err HL_UNUSED)
{
    struct hl_forge_comments *comments = context;
    const int64_t id = hl_value_get_int(comment, "id", 0);
    const char *text = hl_value_get_text(comment, "body");
    char key[24];

    comments->page_count++;
    if (id <= 0)
        return true;
    (void)snprintf(key, sizeof(key), "%" PRId64, id);
    if (hl_map_has(&comments->seen, key))
        return true;
    hl_map_put(&comments->seen, key, comments);
    comments->page_is_new = true;
    /* GitLab's own words about the merge request stand among the comments. */
    if (text != NULL && !hl_value_get_bool(comment, "system", false))
        keep(comments, id, comment, text);
    return true;
}

/* GitHub and lists of Gitea say it with Link, GitLab with X-Next-Page, Gitea with X-Total-Count too; its list of comments comes whole whatever page is asked
 * for, so a page that brings nothing new is the last in any case. Addresses in answers are never followed. */
static bool has_next(const struct hl_forge_comments *comments, const struct hl_forge_answer *answer)
{
    struct hl_arena *arena = comments->session->arena;
    const char *link = hl_http_header(&answer->response, arena, "Link");
    const char *next = hl_http_header(&answer->response, arena, "X-Next-Page");
    const char *total = hl_http_header(&answer->response, arena, "X-Total-Count");
    int64_t count = 0;

    if (!comments->page_is_new)
        return false;
    if (next != NULL)
        return *next != '\0';
    if (link != NULL)
        return strstr(link, "rel=\"next\"") != NULL;
    if (total != NULL && hl_parse_int(total, 0, INT64_MAX, &count))
        return (int64_t)comments->seen.count < count;
    return comments->page_count >= (size_t)comments->session->forge->page_size;
}

static bool read_page(struct hl_forge_comments *comments, int page, bool *more, struct hl_error **err)
{
    struct hl_forge_session *session = comments->session;
    const char *path = hl_forge_path(session, session->forge->comments, 0);
    const struct hl_forge_call call = {.method = "GET",
                                       .path = hl_arena_printf(session->arena, "%s%c%s=%d&page=%d", path, strchr(path, '?') == NULL ? '?' : '&',
                                                               session->forge->page_size_name, session->forge->page_size, page)};
    hl_auto(forge_answer) struct hl_forge_answer answer = {.uncertain = false};

    comments->page_is_new = false;
    comments->page_count = 0;
    if (!hl_forge_perform(session, &call, &answer, err))
        return false;
    if (answer.response.status != 200)
        return hl_forge_rejected(session, &answer, session->forge->comment_rights, err);
    if (!hl_json_each(hl_text_get(&answer.response.body), answer.response.body.length, visit_comment, comments, err)) {
        struct hl_value *ignored = NULL;

        /* The same words for all answers that are something else. */
        hl_error_clear(err);
        return hl_forge_decode(&answer, session->arena, &ignored, err) && hl_fail(err, HL_E_REJECTED, "the answer is no list of comments");
    }
    *more = has_next(comments, &answer);
    return true;
}

bool hl_forge_read_comments(struct hl_forge_comments *comments, struct hl_error **err)
{
    bool more = true;

    comments->count = 0;
    hl_map_init(&comments->seen, comments->session->arena);
    for (int page = 1; more; page++) {
        if (page > PAGES_MOST)
            return hl_fail(err, HL_E_REJECTED, "the pull request has more than %d pages of comments", PAGES_MOST);
        if (!read_page(comments, page, &more, err))
            return hl_wrap(err, "reading the comments");
    }
    return true;
}

/* ---- newer or older ---- */

/* The pull request's head now; NULL when the token may not ask. */
static const char *ask_head(struct hl_forge_session *session)
{
    const struct hl_forge_call call = {.method = "GET", .path = hl_forge_path(session, session->forge->pull, 0)};
    hl_auto(forge_answer) struct hl_forge_answer answer = {.uncertain = false};
    hl_auto(error) struct hl_error *ignored = NULL;
    struct hl_value *pull = NULL;
    const struct hl_value *head;

    if (!hl_forge_perform(session, &call, &answer, &ignored) || answer.response.status != 200 || !hl_forge_decode(&answer, session->arena, &pull, &ignored))
        return NULL;
    head = hl_value_find_path(pull, session->forge->pull_head);
    return hl_value_is(head, HL_TEXT) && hl_forge_is_id(head->text.data) ? head->text.data : NULL;
}

/* Asked for once, and only where it decides something: where one of ours is about another head. */
static void learn_head(struct hl_forge_comments *comments)
{
    for (size_t i = 0; i < comments->count && !comments->head_is_known; i++) {
        if (!hl_forge_is_mine(comments, &comments->items[i]) || strcmp(comments->items[i].mark.head, comments->ours.head) == 0)
            continue;
        comments->head = ask_head(comments->session);
        comments->head_is_known = true;
    }
}

int hl_forge_compare(const struct hl_forge_comments *comments, const struct hl_forge_mark *a, const struct hl_forge_mark *b)
{
    return hl_forge_mark_compare(a, b, comments->head, hl_forge_now_ms());
}

const struct hl_forge_found *hl_forge_newest_of_mine(struct hl_forge_comments *comments)
{
    const struct hl_forge_found *newest = NULL;

    learn_head(comments);
    for (size_t i = 0; i < comments->count; i++) {
        const struct hl_forge_found *found = &comments->items[i];

        if (hl_forge_is_mine(comments, found) && (newest == NULL || hl_forge_compare(comments, &found->mark, &newest->mark) > 0))
            newest = found;
    }
    return newest;
}

static bool is_lost(const struct hl_forge_comments *comments, const struct hl_forge_found *found)
{
    for (size_t i = 0; i < comments->lost_count; i++) {
        if (comments->lost[i] == found->id)
            return true;
    }
    return false;
}

const struct hl_forge_found *hl_forge_first_of_mine(const struct hl_forge_comments *comments)
{
    const struct hl_forge_found *first = NULL;

    for (size_t i = 0; i < comments->count; i++) {
        const struct hl_forge_found *found = &comments->items[i];

        if (hl_forge_is_mine(comments, found) && !is_lost(comments, found) && (first == NULL || found->id < first->id))
            first = found;
    }
    return first;
}

bool hl_forge_is_late(struct hl_forge_comments *comments)
{
    const struct hl_forge_found *newest = hl_forge_newest_of_mine(comments);

    return newest != NULL && comments->ours.order_ms != 0 && hl_forge_compare(comments, &comments->ours, &newest->mark) < 0;
}

bool hl_forge_is_this_run(const struct hl_forge_comments *comments, const struct hl_forge_found *found)
{
    const struct hl_forge_mark *ours = &comments->ours;

    return ours->run != NULL && found->mark.run != NULL && found->mark.run_length == ours->run_length &&
           memcmp(found->mark.run, ours->run, ours->run_length) == 0;
}
