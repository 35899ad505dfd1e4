/* Putting the file in place.
 *
 * Traefik reads all again at each event in its folder, and lets through one message in providersThrottleDuration (two seconds). A temporary file beside the
 * target is an event of its own: the unchanged content would go first, and the new one would wait. So the new file is made in the folder above, if that is
 * on the same file system, and moved in: one event, live at once. */
#include "config.h"

#include "reconcile/providers/traefik/traefik.h"
#include "reconcile/transport/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool sync_folder(const char *directory, struct hl_error **err)
{
    const int folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = folder >= 0 && (fsync(folder) == 0 || errno == EINVAL);
    const int number = errno;

    if (folder >= 0)
        close(folder);
    return synced || hl_fail_errno(err, number, "cannot sync the folder '%s'", directory);
}

/* Nobody else may put a link of the same name there. */
static bool is_private(const struct stat *folder)
{
    return (folder->st_mode & (S_IWGRP | S_IWOTH)) == 0 && (folder->st_uid == geteuid() || folder->st_uid == 0);
}

/* Where the new file can be made unseen; NULL when it must be made in the folder itself. */
static const char *find_folder_to_write_in(struct hl_arena *arena, const struct hl_traefik *traefik)
{
    hl_auto(heap) char *directory = realpath(traefik->directory, NULL);
    char *slash = directory == NULL ? NULL : strrchr(directory, '/');
    struct stat inner;
    struct stat outer;

    if (slash == NULL || slash == directory || stat(directory, &inner) != 0)
        return NULL;
    *slash = '\0';
    if (stat(directory, &outer) != 0 || outer.st_dev != inner.st_dev || !is_private(&outer) || access(directory, W_OK) != 0)
        return NULL;
    return hl_arena_printf(arena, "%s/.%s.new", directory, traefik->file);
}

/* Gives the new file the mode, and that of the former one its owner, as hl_file_write() would. */
static bool set_rights(const struct hl_traefik *traefik, const char *path)
{
    struct stat about;
    struct stat former;
    const bool exists = lstat(traefik->path, &former) == 0;

    if (exists && !S_ISREG(former.st_mode))
        return false; /* a link must stay one */
    if (!exists || traefik->mode_given)
        return chmod(path, traefik->mode) == 0;
    if (stat(path, &about) != 0)
        return false;
    if ((about.st_uid != former.st_uid || about.st_gid != former.st_gid) && chown(path, former.st_uid, former.st_gid) != 0)
        return false;
    return chmod(path, former.st_mode & 07777) == 0;
}

/* False when it cannot be done this way; then nothing has changed. */
static bool move_in(const struct hl_traefik *traefik, const char *text, size_t length)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *error = NULL;
    const char *path = find_folder_to_write_in(arena, traefik);
    const struct hl_file_write write = {.path = path, .data = text, .length = length, .mode = 0600};

    if (path == NULL)
        return false;
    if (hl_file_write(&write, &error) && set_rights(traefik, path) && rename(path, traefik->path) == 0)
        return true;
    unlink(path);
    return false;
}

bool hl_traefik_write(const struct hl_traefik *traefik, const char *text, size_t length, struct hl_error **err)
{
    const struct hl_file_write write = {
        .path = traefik->path, .data = text, .length = length, .mode = traefik->mode, .keep_mode = !traefik->mode_given, .suffix = ".tmp"};

    if (length > 0)
        return move_in(traefik, text, length) ? sync_folder(traefik->directory, err) : hl_file_write(&write, err);
    if (unlink(traefik->path) != 0 && errno != ENOENT)
        return hl_fail_errno(err, errno, "cannot remove '%s'", traefik->path);
    return sync_folder(traefik->directory, err);
}
