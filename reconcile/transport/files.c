#include "config.h"

#include "reconcile/transport/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_LINKS = 40, MAX_PATH = 64 * 1024 };

static void hl_cleanup_descriptor(const int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
}

const char *hl_path_join(struct hl_arena *arena, const char *base, const char *path)
{
    if (path[0] == '/' || hl_is_blank(base))
        return hl_arena_strdup(arena, path);
    return hl_arena_printf(arena, "%s%s%s", base, hl_ends_with(base, "/") ? "" : "/", path);
}

/* --- Reading --- */

static bool fail_open(const char *path, struct hl_error **err)
{
    if (errno == ENOENT || errno == ENOTDIR)
        return hl_fail(err, HL_E_NOT_FOUND, "'%s' does not exist", path);
    return hl_fail_errno(err, errno, "cannot open '%s'", path);
}

/* To the end of the file, whose size is only a first guess: it may grow, and files of /proc say 0. One byte more than
 * `maximum` is asked for, so that a file that is too long shows. */
static bool read_all(struct hl_arena *arena, int file, size_t guess, size_t maximum, const char **data, size_t *length)
{
    size_t capacity = (guess < maximum ? guess : maximum) + 1;
    char *buffer = hl_arena_alloc(arena, capacity + 1);
    size_t used = 0;

    for (;;) {
        ssize_t got = read(file, buffer + used, capacity - used);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        used += (size_t)got;
        if (got == 0 || used > maximum)
            break;
        if (used == capacity) {
            char *larger = NULL;

            capacity = capacity < 2048 ? 4096 : capacity * 2;
            capacity = capacity > maximum + 1 ? maximum + 1 : capacity;
            larger = hl_arena_alloc(arena, capacity + 1);
            memcpy(larger, buffer, used);
            buffer = larger;
        }
    }
    buffer[used] = '\0';
    *data = buffer;
    *length = used;
    return true;
}

bool hl_file_read(struct hl_arena *arena, const char *path, size_t maximum, const char **data, size_t *length, struct hl_error **err)
{
    /* Without blocking: opening a pipe that nobody writes to would wait for ever. */
    hl_auto(descriptor) int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat about;

    if (file < 0)
        return fail_open(path, err);
    if (fstat(file, &about) != 0)
        return hl_fail_errno(err, errno, "cannot read '%s'", path);
    if (!S_ISREG(about.st_mode))
        return hl_fail(err, HL_E_FAILED, "'%s' is %s, not a file", path, S_ISDIR(about.st_mode) ? "a folder" : "special");
    if ((uintmax_t)about.st_size <= maximum && !read_all(arena, file, (size_t)about.st_size, maximum, data, length))
        return hl_fail_errno(err, errno, "cannot read '%s'", path);
    if ((uintmax_t)about.st_size > maximum || *length > maximum)
        return hl_fail(err, HL_E_FAILED, "'%s' is longer than %zu bytes", path, maximum);
    return true;
}

static bool read_from_folder(void *context, struct hl_arena *arena, const char *path, const char **text, size_t *length, struct hl_error **err)
{
    return hl_file_read(arena, hl_path_join(arena, context, path), HL_MAX_SPEC, text, length, err);
}

struct hl_files hl_files_of_folder(const char *base)
{
    return (struct hl_files){.read = read_from_folder, .context = (void *)(uintptr_t)base};
}

/* --- Writing --- */

static const char *folder_of(struct hl_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return ".";
    return slash == path ? "/" : hl_arena_copy(arena, path, (size_t)(slash - path));
}

/* Who may change a folder may put a link there that leads us, who may be root, to a file that they could not write themselves. So a link of somebody else's is
 * followed only to what is theirs as well; to a file that does not exist, if the folder is. */
static bool may_follow(struct hl_arena *arena, const char *link, const char *target, struct hl_error **err)
{
    struct stat of_link, of_target;

    if (lstat(link, &of_link) != 0)
        return hl_fail_errno(err, errno, "cannot look at the link '%s'", link);
    if (of_link.st_uid == 0 || of_link.st_uid == geteuid())
        return true;
    if (lstat(target, &of_target) != 0 && stat(folder_of(arena, target), &of_target) != 0)
        return true; /* it leads nowhere, which shows when it is written */
    if (of_target.st_uid == of_link.st_uid)
        return true;
    hl_fail(err, HL_E_REFUSED, "'%s' is a link of user %lu, and leads to what is not theirs ('%s')", link, (unsigned long)of_link.st_uid, target);
    return hl_error_hint(err, "name the file itself, or make the link as the user that hlrec runs as");
}

/* What `path` means in the end, also when the last link points to nothing yet. */
static bool follow_links(struct hl_arena *arena, const char *path, const char **out, struct hl_error **err)
{
    hl_auto(heap) char *buffer = hl_alloc(MAX_PATH);

    *out = path;
    for (int links = 0; links < MOST_LINKS; links++) {
        ssize_t length = readlink(*out, buffer, MAX_PATH - 1);

        if (length < 0) /* no link, or nothing at all; what else is wrong shows when it is written */
            return true;
        buffer[length] = '\0';

        const char *target = hl_path_join(arena, folder_of(arena, *out), buffer);

        if (!may_follow(arena, *out, target, err))
            return false;
        *out = target;
    }
    return hl_fail_errno(err, ELOOP, "cannot write '%s'", path);
}

static bool make_folders(struct hl_arena *arena, const char *folder, mode_t mode, struct hl_error **err)
{
    char *path = hl_arena_strdup(arena, folder);

    for (char *at = path + 1; *path != '\0'; at++) {
        if (*at != '/' && *at != '\0')
            continue;

        char kept = *at;

        *at = '\0';
        if (mkdir(path, mode) != 0 && errno != EEXIST && errno != EISDIR)
            return hl_fail_errno(err, errno, "cannot make the folder '%s'", path);
        *at = kept;
        if (kept == '\0')
            break;
    }
    return true;
}

/* A file of that name is what a run left that died while it wrote: nobody else may use the suffix. */
static int open_temporary(const char *path)
{
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
    int file = open(path, flags, 0600);

    if (file >= 0 || errno != EEXIST || unlink(path) != 0)
        return file;
    return open(path, flags, 0600);
}

static bool write_all(int file, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t put = write(file, data, length);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        data += put;
        length -= (size_t)put;
    }
    return true;
}

/* Owner first: a change of owner clears bits of the mode. */
static bool set_rights(int file, const struct hl_file_write *write, const struct stat *former)
{
    if (former == NULL || !write->keep_mode)
        return fchmod(file, write->mode & 07777) == 0;

    struct stat about;

    if (fstat(file, &about) != 0)
        return false;
    if ((about.st_uid != former->st_uid || about.st_gid != former->st_gid) && fchown(file, former->st_uid, former->st_gid) != 0)
        return false;
    return fchmod(file, former->st_mode & 07777) == 0;
}

static bool fill_and_rename(const struct hl_file_write *write, const char *target, const char *temporary, const struct stat *former, struct hl_error **err)
{
    hl_auto(descriptor) int file = open_temporary(temporary);

    if (file < 0)
        return hl_fail_errno(err, errno, "cannot make '%s'", temporary);
    if (!set_rights(file, write, former)) {
        hl_fail_errno(err, errno, "cannot give '%s' the owner and mode it had", target);
        return hl_error_hint(err, "run as the owner of the file, or as root");
    }
    if (!write_all(file, write->data, write->length) || fsync(file) != 0)
        return hl_fail_errno(err, errno, "cannot write '%s'", temporary);

    int closed = close(file);

    file = -1;
    if (closed != 0)
        return hl_fail_errno(err, errno, "cannot write '%s'", temporary);
    if (rename(temporary, target) != 0)
        return hl_fail_errno(err, errno, "cannot put '%s' in place", target);
    return true;
}

/* Some file systems cannot sync folders and say so with EINVAL; they do it by themselves or never. */
static bool sync_folder(const char *folder, struct hl_error **err)
{
    hl_auto(descriptor) int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (file < 0 || (fsync(file) != 0 && errno != EINVAL && errno != EROFS))
        return hl_fail_errno(err, errno, "cannot sync the folder '%s'", folder);
    return true;
}

bool hl_file_write(const struct hl_file_write *write, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *target = NULL;
    struct stat former;

    if (!follow_links(arena, write->path, &target, err))
        return false;

    const char *folder = folder_of(arena, target);
    const char *temporary = hl_arena_printf(arena, "%s%s", target, write->suffix == NULL ? ".tmp" : write->suffix);
    bool exists = lstat(target, &former) == 0;

    if (!exists && errno != ENOENT)
        return hl_fail_errno(err, errno, "cannot write '%s'", write->path);
    if (exists && !S_ISREG(former.st_mode))
        return hl_fail(err, HL_E_FAILED, "cannot write '%s': %s stands there", write->path, S_ISDIR(former.st_mode) ? "a folder" : "something special");
    if (!exists && write->make_folder && !make_folders(arena, folder, (write->mode & 077) == 0 ? 0700 : 0755, err))
        return false;
    if (!fill_and_rename(write, target, temporary, exists ? &former : NULL, err)) {
        /* After a failed open it is not ours, but then it was there before, and dead. */
        unlink(temporary);
        return false;
    }
    return sync_folder(folder, err);
}
