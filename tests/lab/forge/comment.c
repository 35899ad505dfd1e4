/* Comments, in the shapes and with the paging of each forge. */
#include "config.h"

#include "tests/lab/forge/forge.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { GITHUB_MOST = 262144, GITLAB_MOST = 1000000 };

struct forge_comment *forge_comment_add(struct forge_world *world, const char *repository, int64_t number, const struct forge_user *user, const char *body)
{
    struct forge_comment *comment;

    if (world->comments_count == world->comments_capacity) {
        world->comments_capacity = world->comments_capacity == 0 ? 64 : world->comments_capacity * 2;
        world->comments = hl_realloc(world->comments, world->comments_capacity * sizeof(*world->comments));
    }
    comment = &world->comments[world->comments_count++];
    *comment = (struct forge_comment){
        .id = ++world->last_id, .repository = hl_arena_strdup(world->arena, repository), .number = number, .user = user, .body = hl_strdup(body)};
    return comment;
}

static struct hl_value *describe_user(struct hl_arena *arena, const struct forge_world *world, const struct forge_user *user)
{
    struct hl_value *out = hl_value_map(arena);

    hl_value_map_put_int(out, "id", user->id);
    hl_value_map_put_text(out, world->flavour == FORGE_GITLAB ? "username" : "login", user->login);
    if (world->flavour == FORGE_GITHUB)
        hl_value_map_put_text(out, "type", user->bot ? "Bot" : "User");
    return out;
}

struct hl_value *forge_comment_describe(struct hl_arena *arena, const struct forge_world *world, const struct forge_comment *comment)
{
    struct hl_value *out = hl_value_map(arena);
    const bool gitlab = world->flavour == FORGE_GITLAB;

    hl_value_map_put_int(out, "id", comment->id);
    hl_value_map_put(out, gitlab ? "author" : "user", describe_user(arena, world, comment->user));
    hl_value_map_put_text(out, "body", comment->body);
    if (gitlab)
        hl_value_map_put_bool(out, "system", comment->system);
    else
        hl_value_map_put(
            out, "html_url",
            hl_value_printf(arena, "http://localhost/%s/pull/%" PRId64 "#issuecomment-%" PRId64, comment->repository, comment->number, comment->id));
    return out;
}

/* --- Lists --- */

int64_t forge_number(const struct forge_call *c, const char *name, int64_t fallback, int64_t most)
{
    int64_t number = fallback;

    (void)hl_parse_int(lab_query(c->call, name), 1, INT64_MAX, &number);
    return number > most ? most : number;
}

static void put_links(struct forge_call *c, int64_t page, int64_t size, int64_t total)
{
    const int64_t last = (total + size - 1) / size;
    const char *host = lab_header(c->call, "host");

    if (c->world->no_links)
        return;
    if (c->world->flavour == FORGE_GITLAB) {
        lab_put_header(c->call, "X-Page", "%" PRId64, page);
        lab_put_header(c->call, "X-Total", "%" PRId64, total);
        if (page < last)
            lab_put_header(c->call, "X-Next-Page", "%" PRId64, page + 1);
        else
            lab_put_header(c->call, "X-Next-Page", "%s", "");
    } else if (page < last) {
        lab_put_header(c->call, "Link", "<http://%s%s?per_page=%" PRId64 "&page=%" PRId64 ">; rel=\"next\", <http://%s%s?page=%" PRId64 ">; rel=\"last\"", host,
                       c->call->path, size, page + 1, host, c->call->path, last);
    } else if (page > 1) {
        lab_put_header(c->call, "Link", "<http://%s%s?per_page=%" PRId64 "&page=1>; rel=\"first\"", host, c->call->path, size);
    }
}

/* GitLab's come with the newest first unless asked otherwise; Gitea's all at once, whatever page is asked for. */
void forge_comments_list(struct forge_call *c)
{
    const struct forge_world *world = c->world;
    const struct forge_pull *pull = forge_pull(c);
    const bool gitea = world->flavour == FORGE_GITEA;
    const int64_t size = gitea ? INT64_MAX / 2 : forge_number(c, "per_page", world->flavour == FORGE_GITLAB ? 20 : 30, 100);
    const int64_t page = gitea ? 1 : forge_number(c, "page", 1, INT64_MAX / 200);
    const bool newest_first = world->flavour == FORGE_GITLAB && strcmp(lab_query(c->call, "sort"), "asc") != 0;
    struct hl_value *list = hl_value_list(c->arena);
    int64_t total = 0;

    if (pull == NULL || !forge_needs(c, FORGE_READ, "read:issue"))
        return;
    for (size_t i = 0; i < world->comments_count; i++) {
        const struct forge_comment *comment = &world->comments[newest_first ? world->comments_count - 1 - i : i];

        if (comment->deleted || comment->number != pull->number || strcmp(comment->repository, pull->repository) != 0)
            continue;
        total++;
        if (total > (page - 1) * size && total <= page * size)
            hl_value_list_add(c->arena, list, forge_comment_describe(c->arena, world, comment));
    }
    if (gitea && !world->no_links)
        lab_put_header(c->call, "X-Total-Count", "%" PRId64, total);
    else if (!gitea)
        put_links(c, page, size, total);
    lab_answer_json(c->call, 200, list);
}

/* --- Changes --- */

static size_t characters_of(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80 ? 1 : 0;
    return count;
}

static bool fail_long(struct forge_call *c)
{
    struct hl_value *body = hl_value_map(c->arena);
    struct hl_value *error = hl_value_map(c->arena);
    struct hl_value *list = hl_value_list(c->arena);

    switch (c->world->flavour) {
    case FORGE_GITHUB:
        hl_value_map_put_text(error, "message", "Body is too long (maximum is 65536 characters)");
        hl_value_list_add(c->arena, list, error);
        hl_value_map_put_text(body, "message", "Validation Failed");
        hl_value_map_put(body, "errors", list);
        lab_answer_json(c->call, 422, body);
        return false;
    case FORGE_GITEA: /* its database says no */
        return forge_fail(c, 500, "");
    case FORGE_GITLAB:
    case FORGE_FLAVOURS:
        break;
    }
    hl_value_list_add(c->arena, list, hl_value_text(c->arena, "is too long (maximum is 1000000 characters)"));
    hl_value_map_put(error, "note", list);
    hl_value_map_put(body, "message", error);
    lab_answer_json(c->call, 400, body);
    return false;
}

/* NULL: it is not fit, and that was answered. */
static const char *text_of(struct forge_call *c)
{
    const char *text = hl_value_get_text(c->body, "body");
    const size_t most = c->world->most > 0                  ? (size_t)c->world->most
                        : c->world->flavour == FORGE_GITHUB ? GITHUB_MOST
                        : c->world->flavour == FORGE_GITLAB ? GITLAB_MOST
                                                            : SIZE_MAX;

    if (c->world->archived) {
        (void)forge_fail(c, c->world->flavour == FORGE_GITEA ? 423 : 403, "Repository was archived so is read-only.");
        return NULL;
    }
    if (hl_is_blank(text)) {
        (void)forge_fail(c, c->world->flavour == FORGE_GITLAB ? 400 : 422, "body is missing");
        return NULL;
    }
    if ((c->world->flavour == FORGE_GITLAB ? characters_of(text) : strlen(text)) > most) {
        (void)fail_long(c);
        return NULL;
    }
    return text;
}

/* GitLab carries out what a line of its own commands, as the note's author. */
static void take_commands(struct forge_call *c, const char *text)
{
    static const char *const words[] = {"/merge", "/close", "/approve", "/assign", "/label", "/title"};

    for (const char *at = text; c->world->flavour == FORGE_GITLAB && *at != '\0';) {
        const size_t line = strcspn(at, "\n");

        for (size_t i = 0; i < HL_COUNT(words); i++) {
            if (strncmp(at, words[i], strlen(words[i])) == 0)
                hl_value_list_add(c->world->arena, c->world->commands, hl_value_bytes(c->world->arena, at, line));
        }
        at += line + (at[line] == '\n' ? 1 : 0);
    }
}

void forge_comment_create(struct forge_call *c)
{
    const struct forge_pull *pull = forge_pull(c);
    const char *text;

    if (pull == NULL || !forge_needs(c, FORGE_COMMENT, "write:issue"))
        return;
    text = text_of(c);
    if (text == NULL)
        return;
    take_commands(c, text);
    lab_answer_json(c->call, 201, forge_comment_describe(c->arena, c->world, forge_comment_add(c->world, pull->repository, pull->number, c->user, text)));
}

/* The last part of the path is its id; NULL was answered. */
static struct forge_comment *find(struct forge_call *c)
{
    const char *text = c->world->flavour == FORGE_GITLAB ? c->parts[2] : c->parts[1];
    int64_t id = 0;

    for (size_t i = 0; hl_parse_int(text, 1, INT64_MAX, &id) && i < c->world->comments_count; i++) {
        struct forge_comment *comment = &c->world->comments[i];

        if (comment->id == id && !comment->deleted && strcmp(comment->repository, c->parts[0]) == 0)
            return comment;
    }
    (void)forge_fail(c, 404, c->world->flavour == FORGE_GITLAB ? "404 Note Not Found" : "Not Found");
    return NULL;
}

/* Who may write to the repository may edit what others wrote, but for GitLab's. */
static bool may_change(struct forge_call *c, const struct forge_comment *comment)
{
    if (!forge_needs(c, FORGE_COMMENT, "write:issue"))
        return false;
    if (comment->user == c->user || (c->world->flavour != FORGE_GITLAB && c->rights == FORGE_ALL))
        return true;
    return forge_fail(c, 403, c->world->flavour == FORGE_GITLAB ? "403 Forbidden" : "Must have admin rights to Repository.");
}

void forge_comment_edit(struct forge_call *c)
{
    struct forge_comment *comment = find(c);
    const char *text;

    if (comment == NULL || !may_change(c, comment))
        return;
    text = text_of(c);
    if (text == NULL)
        return;
    take_commands(c, text);
    free(comment->body);
    comment->body = hl_strdup(text);
    comment->edits++;
    lab_answer_json(c->call, 200, forge_comment_describe(c->arena, c->world, comment));
}

void forge_comment_delete(struct forge_call *c)
{
    struct forge_comment *comment = find(c);

    if (comment == NULL || !may_change(c, comment))
        return;
    comment->deleted = true;
    lab_answer(c->call, 204);
}
