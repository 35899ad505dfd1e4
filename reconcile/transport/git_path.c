#include "config.h"

#include "reconcile/transport/git_internal.h"

#include <string.h>

/* Names in a tree are bytes that strangers chose: a tree may hold entries called '..' or '.git', and libgit2 hands them out when asked. So a path is checked,
 * and taken apart here, before it is looked up. */

enum { PATH_MOST = 4096 };

static bool is_component(const char *at, size_t length)
{
    return length > 0 && !(length == 1 && at[0] == '.') && !(length == 2 && at[0] == '.' && at[1] == '.');
}

static bool fail_path(const char *path, const char *why, struct hl_error **err)
{
    hl_auto(text) struct hl_text shown = HL_TEXT_INIT(4 * PATH_MOST);

    hl_text_put_escaped(&shown, path, strlen(path) < PATH_MOST ? strlen(path) : PATH_MOST);
    return hl_fail(err, HL_E_SPEC, "'%s' is no path within the repository: %s", hl_text_get(&shown), why);
}

bool hl_git_path_check(const char *path, struct hl_error **err)
{
    if (hl_is_blank(path))
        return hl_fail(err, HL_E_SPEC, "the path of a file within the repository is empty");
    if (strlen(path) > PATH_MOST)
        return fail_path(path, "it is too long", err);
    for (const unsigned char *at = (const unsigned char *)path; *at != '\0'; at++)
        if (*at < 0x20 || *at == 0x7f || *at == '\\')
            return fail_path(path, "it holds a backslash or a control character", err);
    if (*path == '/') {
        fail_path(path, "it is absolute", err);
        return hl_error_hint(err, "a spec from git reads no files of this host, only those of its repository");
    }
    for (const char *at = path;; at += strcspn(at, "/") + 1) {
        size_t length = strcspn(at, "/");

        if (!is_component(at, length))
            return fail_path(path, "it has an empty part, '.' or '..'", err);
        if (at[length] == '\0')
            return true;
    }
}

const char *hl_git_path_join(struct hl_arena *arena, const char *folder, const char *path)
{
    size_t length = strlen(folder);
    char *out = hl_arena_alloc(arena, length + strlen(path) + 2);

    if (*path == '/')
        return NULL;
    memcpy(out, folder, length);
    while (*path != '\0') {
        size_t part = strcspn(path, "/");

        if (part == 2 && path[0] == '.' && path[1] == '.') {
            if (length == 0)
                return NULL;
            while (length > 0 && out[length - 1] != '/')
                length--;
            length -= length > 0; /* the slash */
        } else if (is_component(path, part)) {
            if (length > 0)
                out[length++] = '/';
            memcpy(out + length, path, part);
            length += part;
        }
        path += part;
        path += *path == '/';
    }
    out[length] = '\0';
    return out;
}
