/* Image references: "nginx", "nginx:latest" and "docker.io/library/nginx:latest" are one. */
#include "config.h"

#include "tests/lab/docker/docker.h"

#include <string.h>

static bool is_domain(const char *text, size_t length)
{
    return memchr(text, '.', length) != NULL || memchr(text, ':', length) != NULL || (length == 9 && strncmp(text, "localhost", 9) == 0);
}

static bool is_repository(const char *text)
{
    size_t length = strlen(text);

    return length > 0 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789._-/:") == length && text[0] != '/' && text[length - 1] != '/' &&
           strstr(text, "//") == NULL;
}

static bool is_tag(const char *text)
{
    size_t length = strlen(text);

    return length > 0 && length <= 128 && text[0] != '.' && text[0] != '-' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == length;
}

bool docker_reference_parse(struct hl_arena *arena, const char *text, struct docker_reference *out)
{
    char *copy = hl_arena_strdup(arena, text);
    char *at = strchr(copy, '@');
    char *last = NULL;
    char *colon = NULL;

    *out = (struct docker_reference){.tag = NULL};
    if (at != NULL) {
        *at = '\0';
        out->digest = at + 1;
    }
    last = strrchr(copy, '/');
    colon = strchr(last == NULL ? copy : last, ':');
    if (colon != NULL) {
        *colon = '\0';
        out->tag = colon + 1;
    }
    if (!is_repository(copy) || (out->tag != NULL && !is_tag(out->tag)) ||
        (out->digest != NULL && (!hl_starts_with(out->digest, "sha256:") || strlen(out->digest) != 7 + 64)))
        return false;

    size_t first = strcspn(copy, "/");

    if (copy[first] == '\0')
        out->repository = hl_arena_printf(arena, "docker.io/library/%s", copy);
    else if (!is_domain(copy, first))
        out->repository = hl_arena_printf(arena, "docker.io/%s", copy);
    else if (hl_starts_with(copy, "docker.io/") && strchr(copy + 10, '/') == NULL)
        out->repository = hl_arena_printf(arena, "docker.io/library/%s", copy + 10);
    else
        out->repository = copy;
    out->familiar = hl_starts_with(out->repository, "docker.io/library/") ? out->repository + 18
                    : hl_starts_with(out->repository, "docker.io/")       ? out->repository + 10
                                                                          : out->repository;
    return true;
}

bool docker_reference_fail(struct docker_call *c, int status, const char *text)
{
    bool upper = strpbrk(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL && strpbrk(text, " \t") == NULL;

    return docker_fail(c, status, "invalid reference format%s", upper ? ": repository name must be lowercase" : "");
}
