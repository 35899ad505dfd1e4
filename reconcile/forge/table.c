/* The four forges. Sources: GitHub's REST API 2022-11-28; Gitea 1.22 and Forgejo 7 (one API); GitLab's API v4. */
#include "config.h"

#include "reconcile/forge/session.h"

#include <string.h>

static const struct hl_http_header github_headers[] = {{"Accept", "application/vnd.github+json"}, {"X-GitHub-Api-Version", "2022-11-28"}, {NULL, NULL}};
static const struct hl_http_header json_headers[] = {{"Accept", "application/json"}, {NULL, NULL}};

/* What Gitea and Forgejo have in common: they were one program. */
#define GITEA_API                                                                                                                                              \
    .token_header = "Authorization", .token_prefix = "token ", .headers = json_headers, .comments = "/repos/{repository}/issues/{pull}/comments",              \
    .page_size_name = "limit", .page_size = 50, .comment = "/repos/{repository}/issues/comments/{id}", .edit_method = "PATCH", .user = "/user",                \
    .pull = "/repos/{repository}/pulls/{pull}", .pull_head = "head.sha", .author_id = "user.id", .author_login = "user.login", .own_login = "login",           \
    .status = "/repos/{repository}/statuses/{head}", .context_name = "context", .states = {NULL, "pending", "success", "failure", "error"},                    \
    .description_most = 255, .comment_rights = "commenting needs the scope `write:issue`",                                                                     \
    .status_rights = "setting the status needs the scope `write:repository`"

static const struct hl_forge forges[] = {
    {
        .name = "github",
        .title = "GitHub",
        .token_header = "Authorization",
        .token_prefix = "Bearer ",
        .headers = github_headers,
        .comments = "/repos/{repository}/issues/{pull}/comments",
        .page_size_name = "per_page",
        .page_size = 100,
        .comment = "/repos/{repository}/issues/comments/{id}",
        .edit_method = "PATCH",
        .user = "/user",
        .pull = "/repos/{repository}/pulls/{pull}",
        .pull_head = "head.sha",
        .author_id = "user.id",
        .author_login = "user.login",
        .own_login = "login",
        .status = "/repos/{repository}/statuses/{head}",
        .context_name = "context",
        .states = {NULL, "pending", "success", "failure", "error"},
        .description_most = 140,
        .tokens = {"GITHUB_TOKEN", "GH_TOKEN", NULL},
        .comment_rights = "the job needs `permissions: {pull-requests: write}`; a pull request from a fork gets a token that may only read",
        .status_rights = "the job needs `permissions: {statuses: write}`; a pull request from a fork gets a token that may only read",
    },
    {.name = "gitea", .title = "Gitea", .tokens = {"GITEA_TOKEN", NULL}, .actions_variables = {"GITEA_ACTIONS", NULL}, GITEA_API},
    {.name = "forgejo",
     .title = "Forgejo",
     .tokens = {"FORGEJO_TOKEN", NULL},
     .actions_variables = {"FORGEJO_ACTIONS", "GITEA_ACTIONS", NULL}, /* before version 8 it called itself Gitea */
     GITEA_API},
    {
        .name = "gitlab",
        .title = "GitLab",
        .token_header = "PRIVATE-TOKEN",
        .token_prefix = "",
        .headers = json_headers,
        .path_is_one = true,
        .comments = "/projects/{repository}/merge_requests/{pull}/notes?sort=asc&order_by=created_at",
        .page_size_name = "per_page",
        .page_size = 100,
        .comment = "/projects/{repository}/merge_requests/{pull}/notes/{id}",
        .edit_method = "PUT",
        .user = "/user",
        .pull = "/projects/{repository}/merge_requests/{pull}",
        .pull_head = "sha",
        .author_id = "author.id",
        .author_login = "author.username",
        .own_login = "username",
        .status = "/projects/{repository}/statuses/{head}",
        .context_name = "name",
        .states = {NULL, "pending", "success", "failed", "failed"},
        .description_most = 255,
        .same_state = "Cannot transition status",
        .tokens = {"GITLAB_TOKEN", NULL},
        .comment_rights = "an access token of the project with the scope `api` and the role Reporter can write notes; a job's own token cannot",
        .status_rights = "setting the status needs the scope `api` and the role Developer",
    },
};

const char *const hl_forge_names[] = {"github", "gitea", "forgejo", "gitlab", NULL};
_Static_assert(HL_COUNT(hl_forge_names) == HL_COUNT(forges) + 1, "a name for each forge");

const struct hl_forge *hl_forge_find(const char *name)
{
    for (size_t i = 0; name != NULL && i < HL_COUNT(forges); i++) {
        if (strcmp(forges[i].name, name) == 0)
            return &forges[i];
    }
    return NULL;
}
