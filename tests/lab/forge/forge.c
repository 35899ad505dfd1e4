#include "config.h"

#include "tests/lab/forge/forge.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- Who calls --- */

static const struct {
    const char *token;
    const char *logins[FORGE_FLAVOURS];
    unsigned rights[FORGE_FLAVOURS];
} tokens[] = {
    {"lab-user", {"hlrec-bot", "hlrec-bot", "hlrec-bot"}, {FORGE_ALL, FORGE_ALL, FORGE_ALL}},
    {"lab-job",
     {"github-actions[bot]", "gitea-actions", "hlrec-bot"},
     {FORGE_READ | FORGE_COMMENT | FORGE_STATUS | FORGE_PULL, FORGE_READ | FORGE_COMMENT | FORGE_STATUS | FORGE_PULL, 0}},
    {"lab-app", {"my-app[bot]", "my-app", "my-app"}, {FORGE_READ | FORGE_COMMENT | FORGE_STATUS, FORGE_READ | FORGE_COMMENT, FORGE_READ | FORGE_COMMENT}},
    {"lab-comment", {"hlrec-bot", "hlrec-bot", "hlrec-bot"}, {FORGE_READ | FORGE_COMMENT, FORGE_READ | FORGE_COMMENT, FORGE_READ | FORGE_COMMENT}},
    {"lab-read",
     {"hlrec-bot", "hlrec-bot", "hlrec-bot"},
     {FORGE_READ | FORGE_SELF | FORGE_PULL, FORGE_READ | FORGE_SELF | FORGE_PULL, FORGE_READ | FORGE_SELF}},
    {"lab-other", {"mallory", "mallory", "mallory"}, {FORGE_ALL, FORGE_ALL, FORGE_ALL}},
};

/* "Bearer x", "token x"; GitLab also takes a header of its own. */
static const char *token_of(const struct forge_call *c)
{
    const char *authorization = lab_header(c->call, "authorization");
    const char *private_token = lab_header(c->call, "private-token");

    if (c->world->flavour == FORGE_GITLAB && private_token != NULL)
        return private_token;
    if (authorization == NULL)
        return NULL;
    if (strncasecmp(authorization, "bearer ", 7) == 0)
        return authorization + 7;
    return c->world->flavour != FORGE_GITLAB && strncasecmp(authorization, "token ", 6) == 0 ? authorization + 6 : NULL;
}

static bool authenticate(struct forge_call *c)
{
    static const char *const words[] = {"Bad credentials", "user does not exist [uid: 0, name: ]", "401 Unauthorized"};
    const char *token = token_of(c);

    for (size_t i = 0; token != NULL && i < HL_COUNT(tokens); i++) {
        if (strcmp(tokens[i].token, token) == 0) {
            c->user = forge_user(c->world, tokens[i].logins[c->world->flavour]);
            c->rights = tokens[i].rights[c->world->flavour];
            return true;
        }
    }
    return forge_fail(c, 401, words[c->world->flavour]);
}

const struct forge_user *forge_user(struct forge_world *world, const char *login)
{
    struct forge_user *user = hl_map_find(&world->users, login);

    if (user != NULL)
        return user;
    user = hl_arena_alloc(world->arena, sizeof(*user));
    user->login = hl_arena_strdup(world->arena, login);
    user->bot = hl_ends_with(login, "[bot]");
    user->id = strcmp(login, "github-actions[bot]") == 0 ? 41898282 : strcmp(login, "gitea-actions") == 0 ? -2 : 100 + (int64_t)world->users.count;
    hl_map_put(&world->users, login, user);
    return user;
}

/* --- Answers --- */

const char *forge_flavour_name(enum forge_flavour flavour)
{
    static const char *const names[] = {"github", "gitea", "gitlab"};

    return names[flavour];
}

bool forge_fail(struct forge_call *c, int status, const char *message)
{
    struct hl_value *body = hl_value_map(c->arena);

    hl_value_map_put_text(body, "message", message);
    if (c->world->flavour == FORGE_GITHUB) {
        hl_value_map_put_text(body, "documentation_url", "https://docs.github.com/rest");
        hl_value_map_put(body, "status", hl_value_printf(c->arena, "%d", status));
    } else if (c->world->flavour == FORGE_GITEA) {
        hl_value_map_put_text(body, "url", "http://localhost/api/swagger");
    }
    lab_answer_json(c->call, status, body);
    return false;
}

bool forge_needs(struct forge_call *c, unsigned right, const char *scope)
{
    if ((c->rights & right) == right)
        return true;
    switch (c->world->flavour) {
    case FORGE_GITHUB:
        /* It does not tell who may not set a status that there is one. */
        return right == FORGE_STATUS ? forge_fail(c, 404, "Not Found") : forge_fail(c, 403, "Resource not accessible by integration");
    case FORGE_GITEA:
        return forge_fail(c, 403,
                          hl_arena_printf(c->arena, "token does not have at least one of required scope(s), required=[%s], token scope=read:issue", scope));
    case FORGE_GITLAB:
    case FORGE_FLAVOURS:
        break;
    }
    return c->rights == 0 ? forge_fail(c, 401, "401 Unauthorized") : forge_fail(c, 403, "403 Forbidden");
}

const struct forge_pull *forge_pull(struct forge_call *c)
{
    int64_t number = 0;

    for (size_t i = 0; hl_parse_int(c->parts[1], 1, INT64_MAX, &number) && i < c->world->pulls_count; i++) {
        const struct forge_pull *pull = &c->world->pulls[i];

        if (strcmp(pull->repository, c->parts[0]) == 0 && pull->number == number)
            return pull;
    }
    forge_fail(c, 404, c->world->flavour == FORGE_GITLAB ? "404 Project Not Found" : "Not Found");
    return NULL;
}

/* --- Routes --- */

static const struct route {
    unsigned flavours; /* a bit each */
    const char *method;
    const char *pattern; /* '@' is "owner/name" or GitLab's one segment, '*' a segment */
    void (*handler)(struct forge_call *c);
} routes[] = {
    {7, "GET", "/user", forge_user_self},
    {3, "GET", "/repos/@/issues/*/comments", forge_comments_list},
    {3, "POST", "/repos/@/issues/*/comments", forge_comment_create},
    {3, "PATCH", "/repos/@/issues/comments/*", forge_comment_edit},
    {3, "DELETE", "/repos/@/issues/comments/*", forge_comment_delete},
    {3, "GET", "/repos/@/pulls", forge_pulls_list},
    {3, "GET", "/repos/@/pulls/*", forge_pull_get},
    {3, "POST", "/repos/@/statuses/*", forge_status_create},
    {4, "GET", "/projects/@/merge_requests", forge_pulls_list},
    {4, "GET", "/projects/@/merge_requests/*/notes", forge_comments_list},
    {4, "POST", "/projects/@/merge_requests/*/notes", forge_comment_create},
    {4, "PUT", "/projects/@/merge_requests/*/notes/*", forge_comment_edit},
    {4, "DELETE", "/projects/@/merge_requests/*/notes/*", forge_comment_delete},
    {4, "GET", "/projects/@/merge_requests/*", forge_pull_get},
    {4, "POST", "/projects/@/statuses/*", forge_status_create},
};

static size_t segment(const char *path)
{
    return strcspn(path, "/");
}

/* Two segments, or GitLab's one with the slash escaped. */
static size_t repository_length(const struct forge_call *c, const char *path)
{
    const size_t first = segment(path);

    if (c->world->flavour == FORGE_GITLAB || path[first] == '\0')
        return first;
    return first + 1 + segment(path + first + 1);
}

static bool fits(struct forge_call *c, const char *pattern, const char *path)
{
    size_t part = 0;

    while (*pattern != '\0' && *path != '\0') {
        if (*pattern == '@' || *pattern == '*') {
            const size_t length = *pattern == '@' ? repository_length(c, path) : segment(path);

            if (length == 0 || part == FORGE_PARTS)
                return false;
            c->parts[part++] = lab_decode(c->arena, path, length, false);
            path += length;
            pattern++;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *pattern == *path;
}

static void put_rate(struct forge_call *c)
{
    if (c->world->flavour != FORGE_GITHUB || c->world->trouble.count > 0)
        return;
    lab_put_header(c->call, "x-ratelimit-limit", "1000");
    lab_put_header(c->call, "x-ratelimit-remaining", "987");
}

static bool take_body(struct forge_call *c)
{
    hl_auto(error) struct hl_error *err = NULL;

    c->body = hl_value_map(c->arena);
    if (c->call->body_length == 0)
        return true;
    if (hl_json_decode(c->arena, c->call->body, c->call->body_length, &c->body, &err) && c->body->type == HL_MAP)
        return true;
    return forge_fail(c, 400, "Problems parsing JSON");
}

static void dispatch(struct forge_call *c, const char *path)
{
    const char *agent = lab_header(c->call, "user-agent");

    if (c->world->flavour == FORGE_GITHUB && hl_is_blank(agent)) {
        lab_answer_text(c->call, 403, "text/html", "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.\r\n");
        return;
    }
    if (!authenticate(c) || forge_in_trouble(c))
        return;
    put_rate(c);
    for (size_t i = 0; i < HL_COUNT(routes); i++) {
        if ((routes[i].flavours >> c->world->flavour & 1) == 0 || strcmp(routes[i].method, c->call->method) != 0 || !fits(c, routes[i].pattern, path))
            continue;
        if (take_body(c))
            routes[i].handler(c);
        return;
    }
    forge_fail(c, 404, c->world->flavour == FORGE_GITLAB ? "404 Not Found" : "Not Found");
}

static void serve(void *data, struct lab_call *call)
{
    static const char *const bases[] = {"/api/v3", "/api/v1", "/api/v4"};
    struct forge *forge = data;

    for (size_t i = 0; i < FORGE_FLAVOURS; i++) {
        struct forge_call c = {.forge = forge, .world = &forge->worlds[i], .call = call, .arena = call->arena, .parts = {"", "", ""}};

        if (hl_starts_with(call->path, bases[i]) && call->path[strlen(bases[i])] == '/') {
            dispatch(&c, call->path + strlen(bases[i]));
            return;
        }
    }
    if (strcmp(call->path, "/lab/forge") == 0)
        forge_switch(forge, call);
    else
        lab_answer_text(call, 404, "text/html", "<!DOCTYPE html><html><body>Not Found</body></html>\n");
}

/* --- Open and close --- */

static void *open_forge(struct lab *lab)
{
    struct forge *forge = hl_alloc(sizeof(*forge));

    forge->lab = lab;
    forge->arena = hl_arena_new();
    for (size_t i = 0; i < FORGE_FLAVOURS; i++) {
        struct forge_world *world = &forge->worlds[i];

        world->flavour = (enum forge_flavour)i;
        world->arena = forge->arena;
        world->last_id = 1000;
        world->commands = hl_value_list(forge->arena);
        hl_map_init(&world->users, forge->arena);
    }
    return forge;
}

static void close_forge(void *data)
{
    struct forge *forge = data;

    for (size_t i = 0; i < FORGE_FLAVOURS; i++) {
        struct forge_world *world = &forge->worlds[i];

        for (size_t j = 0; j < world->comments_count; j++)
            free(world->comments[j].body);
        free(world->comments);
        free(world->statuses);
        free(world->pulls);
    }
    hl_arena_free(forge->arena);
    free(forge);
}

const struct lab_api lab_api_forge = {
    .name = "forge", .variable = "HLREC_LAB_FORGE", .scheme = "http", .open = open_forge, .close = close_forge, .serve = serve};
