/* Statuses of commits, the caller, the pull request. */
#include "config.h"

#include "tests/lab/forge/forge.h"

#include <string.h>

static size_t characters_of(const char *text)
{
    size_t count = 0;

    for (; text != NULL && *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80 ? 1 : 0;
    return count;
}

static bool is_state(const struct forge_call *c, const char *state)
{
    static const char *const states[][7] = {{"error", "failure", "pending", "success", NULL},
                                            {"error", "failure", "pending", "success", "warning", NULL},
                                            {"pending", "running", "success", "failed", "canceled", "skipped", NULL}};

    for (const char *const *name = states[c->world->flavour]; state != NULL && *name != NULL; name++) {
        if (strcmp(*name, state) == 0)
            return true;
    }
    return false;
}

/* A status with the same context takes the place of the one before. */
static struct forge_status *place_of(struct forge_world *world, const char *repository, const char *head, const char *context)
{
    for (size_t i = 0; i < world->statuses_count; i++) {
        struct forge_status *status = &world->statuses[i];

        if (strcmp(status->repository, repository) == 0 && strcmp(status->head, head) == 0 && strcmp(status->context, context) == 0)
            return status;
    }
    if (world->statuses_count == world->statuses_capacity) {
        world->statuses_capacity = world->statuses_capacity == 0 ? 16 : world->statuses_capacity * 2;
        world->statuses = hl_realloc(world->statuses, world->statuses_capacity * sizeof(*world->statuses));
    }
    world->statuses[world->statuses_count] = (struct forge_status){.state = ""};
    return &world->statuses[world->statuses_count++];
}

static bool is_known(const struct forge_call *c)
{
    for (size_t i = 0; i < c->world->pulls_count; i++) {
        if (strcmp(c->world->pulls[i].repository, c->parts[0]) == 0 && strcmp(c->world->pulls[i].head, c->parts[1]) == 0)
            return true;
    }
    return false;
}

static bool check(struct forge_call *c, const char *state, const char *description)
{
    const enum forge_flavour flavour = c->world->flavour;

    if (!forge_needs(c, FORGE_STATUS, "write:repository"))
        return false;
    if (!is_known(c))
        return flavour == FORGE_GITHUB ? forge_fail(c, 422, hl_arena_printf(c->arena, "No commit found for SHA: %s", c->parts[1]))
                                       : forge_fail(c, 404, flavour == FORGE_GITEA ? "Not Found" : "404 Commit Not Found");
    if (!is_state(c, state))
        return forge_fail(c, flavour == FORGE_GITLAB ? 400 : 422, "state does not have a valid value");
    if (flavour == FORGE_GITHUB && characters_of(description) > 140)
        return forge_fail(c, 422, "Validation Failed: description is too long (maximum is 140 characters)");
    if (flavour == FORGE_GITLAB && characters_of(description) > 255)
        return forge_fail(c, 400, "description is too long (maximum is 255 characters)");
    return true;
}

void forge_status_create(struct forge_call *c)
{
    struct hl_arena *arena = c->world->arena;
    const char *state = hl_value_get_text(c->body, "state"), *description = hl_value_get_text(c->body, "description");
    const char *context = hl_value_get_text(c->body, c->world->flavour == FORGE_GITLAB ? "name" : "context");
    struct forge_status *status;

    if (!check(c, state, description))
        return;
    context = context == NULL ? "default" : context;
    status = place_of(c->world, c->parts[0], c->parts[1], context);
    if (c->world->flavour == FORGE_GITLAB && strcmp(status->state, state) == 0) {
        (void)forge_fail(c, 400, hl_arena_printf(c->arena, "Cannot transition status via :%s from :%s", state, state));
        return;
    }
    *status = (struct forge_status){.repository = hl_arena_strdup(arena, c->parts[0]),
                                    .head = hl_arena_strdup(arena, c->parts[1]),
                                    .state = hl_arena_strdup(arena, state),
                                    .context = hl_arena_strdup(arena, context),
                                    .description = hl_arena_strdup(arena, description),
                                    .url = hl_arena_strdup(arena, hl_value_get_text(c->body, "target_url"))};
    lab_answer_json(c->call, 201, c->body);
}

void forge_user_self(struct forge_call *c)
{
    struct hl_value *out = hl_value_map(c->arena);

    if (!forge_needs(c, FORGE_SELF, "read:user"))
        return;
    hl_value_map_put_int(out, "id", c->user->id);
    hl_value_map_put_text(out, c->world->flavour == FORGE_GITLAB ? "username" : "login", c->user->login);
    lab_answer_json(c->call, 200, out);
}

static struct hl_value *describe_pull(const struct forge_call *c, const struct forge_pull *pull)
{
    struct hl_value *out = hl_value_map(c->arena);
    struct hl_value *head = hl_value_map(c->arena);
    struct hl_value *base = hl_value_map(c->arena);

    if (c->world->flavour == FORGE_GITLAB) {
        hl_value_map_put_int(out, "iid", pull->number);
        hl_value_map_put_text(out, "sha", pull->head);
        hl_value_map_put_text(out, "target_branch", "main");
        return out;
    }
    hl_value_map_put_text(head, "sha", pull->head);
    hl_value_map_put_text(base, "ref", "main");
    hl_value_map_put_int(out, "number", pull->number);
    hl_value_map_put(out, "head", head);
    hl_value_map_put(out, "base", base);
    return out;
}

void forge_pull_get(struct forge_call *c)
{
    const struct forge_pull *pull = forge_pull(c);

    if (pull != NULL && forge_needs(c, FORGE_PULL, "read:repository"))
        lab_answer_json(c->call, 200, describe_pull(c, pull));
}

void forge_pulls_list(struct forge_call *c)
{
    const bool gitea = c->world->flavour == FORGE_GITEA;
    const int64_t size = forge_number(c, gitea ? "limit" : "per_page", c->world->flavour == FORGE_GITLAB ? 20 : 30, gitea ? 50 : 100);
    const int64_t page = forge_number(c, "page", 1, INT64_MAX / 200);
    struct hl_value *list = hl_value_list(c->arena);
    int64_t total = 0;

    if (!forge_needs(c, FORGE_PULL, "read:repository"))
        return;
    for (size_t i = 0; i < c->world->pulls_count; i++) {
        if (strcmp(c->world->pulls[i].repository, c->parts[0]) != 0)
            continue;
        total++;
        if (total > (page - 1) * size && total <= page * size)
            hl_value_list_add(c->arena, list, describe_pull(c, &c->world->pulls[i]));
    }
    lab_answer_json(c->call, 200, list);
}
