/* Where a job runs, from the variables that its CI system sets. Names of branches come from whoever opened the pull request; nothing is read out of them, and
 * the number of the pull request is never guessed from one. */
#include "config.h"

#include "reconcile/forge/session.h"

#include "reconcile/transport/files.h"
#include "schema/base/json.h"

#include <string.h>

enum { EVENT_MOST = 32 * 1024 * 1024, TOKEN_MOST = 64 * 1024 };

struct detection {
    struct hl_arena *arena;
    const char *const *environment;
    struct hl_forge_place *out;
};

/* NULL when it is absent or empty. */
static const char *get(const struct detection *detection, const char *name)
{
    const size_t length = strlen(name);

    for (const char *const *entry = detection->environment; entry != NULL && *entry != NULL; entry++) {
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
            return (*entry)[length + 1] == '\0' ? NULL : *entry + length + 1;
    }
    return NULL;
}

static bool is_on(const struct detection *detection, const char *name)
{
    const char *text = get(detection, name);

    return text != NULL && strcmp(text, "false") != 0 && strcmp(text, "0") != 0;
}

static const char *get_id(const struct detection *detection, const char *name)
{
    const char *text = get(detection, name);

    return hl_forge_is_id(text) ? text : NULL;
}

/* 0 when it is not there. */
static bool get_number(const struct detection *detection, const char *name, int64_t *out, struct hl_error **err)
{
    const char *text = get(detection, name);

    return text == NULL || hl_parse_int(text, 1, INT64_MAX, out) || hl_fail(err, HL_E_SPEC, "%s is no number: '%s'", name, text);
}

static const char *join(const struct detection *detection, const char *url, const char *path)
{
    size_t length = strlen(url);

    while (length > 0 && url[length - 1] == '/')
        length--;
    return hl_arena_printf(detection->arena, "%.*s%s", (int)length, url, path);
}

/* ---- Actions: GitHub, Gitea, Forgejo ---- */

static const char *event_id(const struct hl_value *event, const char *path)
{
    const struct hl_value *value = hl_value_find_path(event, path);

    return hl_value_is(value, HL_TEXT) && hl_forge_is_id(value->text.data) ? value->text.data : NULL;
}

static const char *event_text(const struct hl_value *event, const char *path)
{
    const struct hl_value *value = hl_value_find_path(event, path);

    return hl_value_is(value, HL_TEXT) ? value->text.data : NULL;
}

/* A head without a repository is of a fork that was deleted. Heads that were pushed without a fork (AGit) are strangers' as well: their flow is 1. */
static bool is_fork(const struct hl_value *event)
{
    const char *head = event_text(event, "pull_request.head.repo.full_name");
    const char *base = event_text(event, "pull_request.base.repo.full_name");

    return head == NULL || base == NULL || strcmp(head, base) != 0 || hl_value_get_int(hl_value_get(event, "pull_request"), "flow", 0) == 1;
}

static void take_event(struct hl_forge_place *out, const struct hl_value *event)
{
    const struct hl_value *pull = hl_value_get(event, "pull_request");
    const struct hl_value *issue = hl_value_get(event, "issue");

    if (pull != NULL) {
        out->pull = hl_value_get_int(pull, "number", hl_value_get_int(event, "number", 0));
        out->head = event_id(event, "pull_request.head.sha");
        out->base = event_id(event, "pull_request.base.sha");
        out->base_ref = event_text(event, "pull_request.base.ref");
        out->fork = is_fork(event);
    } else if (!hl_value_is_null(hl_value_get(issue, "pull_request"))) {
        out->pull = hl_value_get_int(issue, "number", 0); /* a comment on a pull request does not tell its head */
    }
}

static bool read_event(const struct detection *detection, struct hl_error **err)
{
    const char *path = get(detection, "GITHUB_EVENT_PATH");
    struct hl_value *event = NULL;
    const char *text = NULL;
    size_t length = 0;

    if (path == NULL)
        return true;
    if (!hl_file_read(detection->arena, path, EVENT_MOST, &text, &length, err) || !hl_json_decode(detection->arena, text, length, &event, err)) {
        (*err)->code = HL_E_SPEC;
        (void)hl_wrap(err, "reading the event that started the job, '%s'", path);
        return hl_error_hint(err, "set HLREC_FORGE_PULL, or unset GITHUB_EVENT_PATH");
    }
    take_event(detection->out, event);
    return true;
}

static bool detect_actions(const struct detection *detection, struct hl_error **err)
{
    struct hl_forge_place *out = detection->out;
    const bool forgejo = is_on(detection, "FORGEJO_ACTIONS");
    const bool gitea = is_on(detection, "GITEA_ACTIONS");
    const char *server = get(detection, "GITHUB_SERVER_URL");
    const char *run = get(detection, "GITHUB_RUN_ID");
    const char *attempt = get(detection, "GITHUB_RUN_ATTEMPT");

    out->forge = forgejo ? "forgejo" : gitea ? "gitea" : "github";
    out->author = forgejo ? "forgejo-actions" : gitea ? "gitea-actions" : "github-actions[bot]";
    out->api = get(detection, "GITHUB_API_URL");
    if (out->api == NULL && !forgejo && !gitea)
        out->api = "https://api.github.com";
    if (out->api == NULL && server != NULL)
        out->api = join(detection, server, "/api/v1");
    out->repository = get(detection, "GITHUB_REPOSITORY");
    out->summary = get(detection, "GITHUB_STEP_SUMMARY");
    if (run != NULL)
        out->run = hl_arena_printf(detection->arena, "%s-%s-%s", out->forge, run, attempt != NULL ? attempt : "1");
    if (run != NULL && server != NULL && out->repository != NULL)
        out->run_url = join(detection, server, hl_arena_printf(detection->arena, "/%s/actions/runs/%s", out->repository, run));
    return read_event(detection, err);
}

/* ---- GitLab ---- */

/* CI_COMMIT_SHA is the head in a merge request's own pipeline, and a merge made for the test in one for merged results: there the head has a variable of its
 * own. */
static bool detect_gitlab(const struct detection *detection, struct hl_error **err)
{
    struct hl_forge_place *out = detection->out;
    const char *commit = get_id(detection, "CI_COMMIT_SHA");
    const char *source = get_id(detection, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA");
    const char *project = get(detection, "CI_MERGE_REQUEST_PROJECT_ID");
    const char *from = get(detection, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID");
    const char *job = get(detection, "CI_JOB_ID");

    out->forge = "gitlab";
    out->api = get(detection, "CI_API_V4_URL");
    out->repository = project != NULL ? project : get(detection, "CI_PROJECT_ID");
    out->head = source != NULL ? source : commit;
    out->base = get_id(detection, "CI_MERGE_REQUEST_DIFF_BASE_SHA");
    out->base_ref = get(detection, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME");
    out->fork = project != NULL && (from == NULL || strcmp(from, project) != 0);
    out->run = job == NULL ? NULL : hl_arena_printf(detection->arena, "gitlab-%s", job);
    out->run_url = get(detection, "CI_JOB_URL");
    if (!get_number(detection, "CI_MERGE_REQUEST_IID", &out->pull, err))
        return false;
    /* A status belongs to a pipeline only when both are of the same commit. */
    return source != NULL || get_number(detection, "CI_PIPELINE_ID", &out->pipeline, err);
}

/* ---- Woodpecker ---- */

static const char *woodpecker_api(const struct detection *detection, const char *forge, const char *url)
{
    if (forge == NULL || url == NULL)
        return NULL;
    if (strcmp(forge, "gitlab") == 0)
        return join(detection, url, "/api/v4");
    if (strcmp(forge, "github") != 0)
        return join(detection, url, "/api/v1");
    return strcmp(join(detection, url, ""), "https://github.com") == 0 ? "https://api.github.com" : join(detection, url, "/api/v3");
}

/* It does not tell whether the head is in a fork; to take it for one costs a warning about a status. */
static bool detect_woodpecker(const struct detection *detection, struct hl_error **err)
{
    struct hl_forge_place *out = detection->out;
    const struct hl_forge *forge = hl_forge_find(get(detection, "CI_FORGE_TYPE"));
    const char *number = get(detection, "CI_PIPELINE_NUMBER");

    out->forge = forge == NULL ? NULL : forge->name; /* it serves Bitbucket too, which hlrec does not */
    out->api = woodpecker_api(detection, out->forge, get(detection, "CI_FORGE_URL"));
    out->repository = get(detection, "CI_REPO");
    out->head = get_id(detection, "CI_COMMIT_SHA");
    out->base_ref = get(detection, "CI_COMMIT_TARGET_BRANCH");
    out->run = number == NULL ? NULL : hl_arena_printf(detection->arena, "woodpecker-%s", number);
    out->run_url = get(detection, "CI_PIPELINE_URL");
    if (!get_number(detection, "CI_COMMIT_PULL_REQUEST", &out->pull, err))
        return false;
    out->fork = out->pull > 0;
    return true;
}

/* ---- all ---- */

static bool detect_system(const struct detection *detection, struct hl_error **err)
{
    const char *ci = get(detection, "CI");

    if (is_on(detection, "FORGEJO_ACTIONS") || is_on(detection, "GITEA_ACTIONS") || is_on(detection, "GITHUB_ACTIONS"))
        return detect_actions(detection, err);
    if (is_on(detection, "GITLAB_CI"))
        return detect_gitlab(detection, err);
    return ci == NULL || strcmp(ci, "woodpecker") != 0 || detect_woodpecker(detection, err);
}

static bool take_own(const struct detection *detection, struct hl_error **err)
{
    struct hl_forge_place *out = detection->out;
    const char *api = get(detection, "HLREC_FORGE_URL");
    const char *repository = get(detection, "HLREC_FORGE_REPOSITORY");
    const char *author = get(detection, "HLREC_FORGE_USER");

    out->api = api != NULL ? api : out->api;
    out->repository = repository != NULL ? repository : out->repository;
    out->author = author != NULL ? author : out->author;
    out->ca_file = get(detection, "HLREC_FORGE_CA_FILE");
    return get_number(detection, "HLREC_FORGE_PULL", &out->pull, err);
}

bool hl_forge_detect(struct hl_arena *arena, const char *const *environment, struct hl_forge_place *out, struct hl_error **err)
{
    const struct detection detection = {.arena = arena, .environment = environment, .out = out};

    *out = (struct hl_forge_place){.forge = NULL};
    return detect_system(&detection, err) && take_own(&detection, err);
}

/* ---- the token ---- */

/* A file that an editor wrote ends in a line end; a token does not. */
static const char *without_line_end(struct hl_arena *arena, const char *text)
{
    size_t length = strlen(text);

    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
        length--;
    return hl_arena_copy(arena, text, length);
}

static bool read_token_file(const struct detection *detection, const char *path, const char **token, struct hl_error **err)
{
    const char *text = NULL;
    size_t length = 0;

    if (!hl_file_read(detection->arena, path, TOKEN_MOST, &text, &length, err))
        return hl_wrap(err, "reading the token for the forge (HLREC_FORGE_TOKEN_FILE)");
    *token = without_line_end(detection->arena, text);
    return **token != '\0' || hl_fail(err, HL_E_AUTH, "the file '%s' with the token for the forge is empty", path);
}

static const char *known_token(const struct detection *detection, const struct hl_forge *forge)
{
    for (size_t i = 0; forge->tokens[i] != NULL; i++) {
        if (get(detection, forge->tokens[i]) != NULL)
            return get(detection, forge->tokens[i]);
    }
    for (size_t i = 0; forge->actions_variables[i] != NULL; i++) {
        if (is_on(detection, forge->actions_variables[i]))
            return get(detection, "GITHUB_TOKEN");
    }
    return NULL;
}

bool hl_forge_token(struct hl_arena *arena, const char *const *environment, const char *forge, struct hl_redactor *redactor, const char **token,
                    struct hl_error **err)
{
    const struct detection detection = {.arena = arena, .environment = environment};
    const struct hl_forge *found = hl_forge_find(forge);
    const char *file = get(&detection, "HLREC_FORGE_TOKEN_FILE");

    *token = get(&detection, "HLREC_FORGE_TOKEN");
    if (found == NULL)
        return hl_fail(err, HL_E_SPEC, "there is no forge '%s'", forge == NULL ? "" : forge);
    if (*token == NULL && file != NULL && !read_token_file(&detection, file, token, err))
        return false;
    if (*token == NULL)
        *token = known_token(&detection, found);
    if (*token == NULL) {
        (void)hl_fail(err, HL_E_AUTH, "there is no token for %s", found->title);
        return hl_error_hint(err, "set HLREC_FORGE_TOKEN or HLREC_FORGE_TOKEN_FILE; a job for a pull request from a fork is not given secrets");
    }
    hl_redactor_add(redactor, *token, strlen(*token));
    return true;
}
