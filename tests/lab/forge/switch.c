/* What tests may do to a world, without a token:
 *
 *     POST /lab/forge  {"forge": "github", ...}
 *         "pull": {"repository", "number", "head"}                    makes one, or moves its head
 *         "comment": {"repository", "number", "user", "body", "count", "system"}   somebody writes
 *         "trouble": {"count", "method", "status", "retry_after", "reset", "date", "html", "redirect", "bad"}   how the next calls go wrong
 *         "most": BYTES   "no_links": BOOL   "archived": BOOL
 *     GET /lab/forge?forge=github     {"comments": [...], "statuses": [...], "commands": [...]} */
#include "config.h"

#include "tests/lab/forge/forge.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

static struct forge_world *world_of(struct forge *forge, const char *name)
{
    for (size_t i = 0; name != NULL && i < FORGE_FLAVOURS; i++) {
        if (strcmp(forge_flavour_name((enum forge_flavour)i), name) == 0 || (i == FORGE_GITEA && strcmp(name, "forgejo") == 0))
            return &forge->worlds[i];
    }
    return NULL;
}

static void set_pull(struct forge_world *world, const struct hl_value *map)
{
    const struct forge_pull made = {.repository = hl_arena_strdup(world->arena, hl_value_get_text(map, "repository")),
                                    .number = hl_value_get_int(map, "number", 1),
                                    .head = hl_arena_strdup(world->arena, hl_value_get_text(map, "head"))};

    for (size_t i = 0; i < world->pulls_count; i++) {
        if (world->pulls[i].number == made.number && strcmp(world->pulls[i].repository, made.repository) == 0) {
            world->pulls[i] = made;
            return;
        }
    }
    world->pulls = hl_realloc(world->pulls, (world->pulls_count + 1) * sizeof(*world->pulls));
    world->pulls[world->pulls_count++] = made;
}

static void add_comments(struct forge_world *world, const struct hl_value *map)
{
    const char *login = hl_value_get_text(map, "user"), *body = hl_value_get_text(map, "body"), *repository = hl_value_get_text(map, "repository");

    for (int64_t i = 0; i < hl_value_get_int(map, "count", 1); i++) {
        struct forge_comment *comment = forge_comment_add(world, repository, hl_value_get_int(map, "number", 1), forge_user(world, login), body);

        comment->system = hl_value_get_bool(map, "system", false);
    }
}

static void set_trouble(struct forge_world *world, const struct hl_value *map)
{
    world->trouble = (struct forge_trouble){
        .count = hl_value_get_int(map, "count", 1),
        .method = hl_arena_strdup(world->arena, hl_value_get_text(map, "method")),
        .status = hl_value_get_int(map, "status", 429),
        .retry_after = hl_value_get_int(map, "retry_after", -1),
        .reset = hl_value_get_int(map, "reset", -1),
        .date = hl_value_get_bool(map, "date", false),
        .html = hl_value_get_bool(map, "html", false),
        .redirect = hl_value_get_bool(map, "redirect", false),
        .bad = hl_value_get_bool(map, "bad", false),
    };
}

/* False for a word that is unknown: a test that mistypes one must not pass. */
static bool set_one(struct forge_world *world, const char *name, const struct hl_value *value)
{
    if (strcmp(name, "pull") == 0 && hl_value_get_text(value, "repository") != NULL && hl_value_get_text(value, "head") != NULL)
        set_pull(world, value);
    else if (strcmp(name, "comment") == 0 && hl_value_get_text(value, "user") != NULL && hl_value_get_text(value, "body") != NULL &&
             hl_value_get_text(value, "repository") != NULL)
        add_comments(world, value);
    else if (strcmp(name, "trouble") == 0)
        set_trouble(world, value);
    else if (strcmp(name, "most") == 0)
        world->most = value->type == HL_INT ? value->integer : 0;
    else if (strcmp(name, "no_links") == 0)
        world->no_links = value->type == HL_BOOL && value->boolean;
    else if (strcmp(name, "archived") == 0)
        world->archived = value->type == HL_BOOL && value->boolean;
    else
        return strcmp(name, "forge") == 0;
    return true;
}

static void set(struct forge *forge, struct lab_call *call)
{
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_value *body = NULL;
    struct forge_world *world = NULL;

    if (hl_json_decode(call->arena, call->body, call->body_length, &body, &err))
        world = world_of(forge, hl_value_get_text(body, "forge"));
    if (world == NULL) {
        lab_answer_text(call, 400, "text/plain", "which forge?\n");
        return;
    }
    for (size_t i = 0; i < hl_value_count(body); i++) {
        if (!set_one(world, hl_value_key(body, i), hl_value_at(body, i))) {
            lab_answer_text(call, 400, "text/plain", "no such switch: '%s'\n", hl_value_key(body, i));
            return;
        }
    }
    lab_answer(call, 204);
}

static struct hl_value *describe_statuses(struct hl_arena *arena, const struct forge_world *world)
{
    struct hl_value *list = hl_value_list(arena);

    for (size_t i = 0; i < world->statuses_count; i++) {
        struct hl_value *map = hl_value_map(arena);

        hl_value_map_put_text(map, "repository", world->statuses[i].repository);
        hl_value_map_put_text(map, "head", world->statuses[i].head);
        hl_value_map_put_text(map, "state", world->statuses[i].state);
        hl_value_map_put_text(map, "context", world->statuses[i].context);
        hl_value_map_put_text(map, "description", world->statuses[i].description);
        hl_value_map_put_text(map, "url", world->statuses[i].url);
        hl_value_list_add(arena, list, map);
    }
    return list;
}

static void tell(struct forge *forge, struct lab_call *call)
{
    const struct forge_world *world = world_of(forge, lab_query(call, "forge"));
    struct hl_value *out = hl_value_map(call->arena);
    struct hl_value *comments = hl_value_list(call->arena);

    if (world == NULL) {
        lab_answer_text(call, 400, "text/plain", "which forge?\n");
        return;
    }
    for (size_t i = 0; i < world->comments_count; i++) {
        struct hl_value *comment = forge_comment_describe(call->arena, world, &world->comments[i]);

        if (world->comments[i].deleted)
            continue;
        hl_value_map_put_text(comment, "login", world->comments[i].user->login);
        hl_value_map_put_int(comment, "edits", world->comments[i].edits);
        hl_value_list_add(call->arena, comments, comment);
    }
    hl_value_map_put(out, "comments", comments);
    hl_value_map_put(out, "statuses", describe_statuses(call->arena, world));
    hl_value_map_put(out, "commands", world->commands);
    lab_answer_json(call, 200, out);
}

void forge_switch(struct forge *forge, struct lab_call *call)
{
    if (strcmp(call->method, "POST") == 0)
        set(forge, call);
    else
        tell(forge, call);
}

/* --- Trouble --- */

static void put_date(struct lab_call *call, int64_t seconds)
{
    const time_t when = (time_t)(lab_now_ns() / 1000000000 + seconds);
    struct tm parts = {0};
    char text[64];

    gmtime_r(&when, &parts);
    (void)strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    lab_put_header(call, "Retry-After", "%s", text);
}

static void answer_limit(struct forge_call *c, const struct forge_trouble *trouble)
{
    const bool gitlab = c->world->flavour == FORGE_GITLAB;

    if (trouble->retry_after >= 0 && trouble->date)
        put_date(c->call, trouble->retry_after);
    else if (trouble->retry_after >= 0)
        lab_put_header(c->call, "Retry-After", "%" PRId64, trouble->retry_after);
    if (trouble->reset >= 0) {
        lab_put_header(c->call, gitlab ? "RateLimit-Remaining" : "x-ratelimit-remaining", "0");
        lab_put_header(c->call, gitlab ? "RateLimit-Reset" : "x-ratelimit-reset", "%" PRId64, lab_now_ns() / 1000000000 + trouble->reset);
    }
    if (trouble->status >= 500)
        lab_answer_text(c->call, (int)trouble->status, "text/html", "<html><head><title>%d</title></head></html>\n", (int)trouble->status);
    else
        (void)forge_fail(c, (int)trouble->status,
                         trouble->status == 403 && trouble->reset < 0 ? "You have exceeded a secondary rate limit." : "API rate limit exceeded.");
}

bool forge_in_trouble(struct forge_call *c)
{
    struct forge_trouble *trouble = &c->world->trouble;

    if (trouble->count <= 0 || (trouble->method != NULL && strcmp(trouble->method, c->call->method) != 0))
        return false;
    trouble->count--;
    if (trouble->html)
        lab_answer_text(c->call, 200, "text/html", "<!DOCTYPE html><html><body>Sign in to continue</body></html>\n");
    else if (trouble->bad)
        lab_answer_text(c->call, 200, "application/json", "{\"data\": null}\n");
    else if (trouble->redirect) {
        lab_put_header(c->call, "Location", "http://127.0.0.1:1/elsewhere");
        lab_answer(c->call, 307);
    } else
        answer_limit(c, trouble);
    return true;
}
