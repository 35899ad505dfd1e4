#include "config.h"

#include "state/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of files that are not yet what they will be named. */
static const char temporary_ending[] = ".tmp-XXXXXX";
enum { TEMPORARY_LETTERS = 6, TEMPORARY_MARK = sizeof(temporary_ending) - 1 - TEMPORARY_LETTERS };

char *hl_state_file_beside(const char *path, const char *suffix)
{
    size_t size = strlen(path) + strlen(suffix) + 1;
    char *out = hl_alloc(size);

    snprintf(out, size, "%s%s", path, suffix);
    return out;
}

bool hl_state_file_is_empty(const char *path)
{
    struct stat info;

    return stat(path, &info) != 0 || info.st_size == 0;
}

bool hl_state_file_exists(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0;
}

static bool sync_folder(const char *path, struct hl_error **err)
{
    hl_auto(heap) char *copy = hl_strdup(path);
    const char *folder = dirname(copy);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return hl_fail_errno(err, errno, "opening folder '%s'", folder);

    int result = fsync(fd);
    int number = errno;

    close(fd);
    /* Some network and FUSE file systems cannot sync folders and do not need it. */
    return result == 0 || number == EINVAL || number == ENOTSUP || hl_fail_errno(err, number, "writing folder '%s' to the disk", folder);
}

/* Each with its name on the disk: what is synced in a folder that a lost power takes away is lost with it. */
static bool make_folder(const char *folder, struct hl_error **err)
{
    if (mkdir(folder, 0700) == 0)
        return sync_folder(folder, err);

    int number = errno;

    return number == EEXIST || hl_state_file_exists(folder) || hl_fail_errno(err, number, "making folder '%s'", folder);
}

static bool make_folders(char *folder, struct hl_error **err)
{
    for (char *slash = folder + 1; slash != NULL;) {
        slash = strchr(slash, '/');
        if (slash != NULL)
            *slash = '\0';
        if (!make_folder(folder, err))
            return false;
        if (slash != NULL)
            *slash++ = '/';
    }
    return true;
}

/* Who may write into the folder may put another file in the state's place. A sticky folder (/tmp) protects files from others. */
static bool check_folder(const char *folder, struct hl_error **err)
{
    struct stat info;

    if (stat(folder, &info) != 0)
        return hl_fail_errno(err, errno, "folder '%s'", folder);
    if (!S_ISDIR(info.st_mode))
        return hl_fail(err, HL_E_FAILED, "'%s' is not a folder", folder);
    if ((info.st_mode & S_IWOTH) != 0 && (info.st_mode & S_ISVTX) == 0) {
        hl_fail(err, HL_E_REFUSED, "folder '%s' can be written by everybody (mode %04o)", folder, (unsigned)(info.st_mode & 07777));
        return hl_error_hint(err, "chmod o-w '%s'", folder);
    }
    return true;
}

static bool fail_stat(const char *path, int number, struct hl_error **err)
{
    hl_fail_errno(err, number, "state file '%s'", path);
    return number == EACCES && hl_error_hint(err, "run as the user who applies, root perhaps: the state holds secrets, and is closed to others");
}

bool hl_state_file_resolve(const char *path, bool make, char **out, bool *exists, struct hl_error **err)
{
    hl_auto(heap) char *for_folder = hl_strdup(path);
    hl_auto(heap) char *for_name = hl_strdup(path);
    char *folder = dirname(for_folder); /* both may write into what they are given */
    const char *name = basename(for_name);
    struct stat info;

    if (make && (!make_folders(folder, err) || !check_folder(folder, err)))
        return false;
    *exists = stat(path, &info) == 0;
    if (!*exists && errno != ENOENT)
        return fail_stat(path, errno, err);
    if (*exists && !S_ISREG(info.st_mode))
        return hl_fail(err, HL_E_FAILED, "state file '%s' is not a regular file", path);
    if (!*exists && lstat(path, &info) == 0)
        return hl_fail(err, HL_E_FAILED, "state file '%s' is a symbolic link to nothing", path);

    hl_auto(heap) char *real = realpath(*exists ? path : folder, NULL);

    if (real == NULL && (*exists || make))
        return hl_fail_errno(err, errno, "state file '%s'", path);
    if (real == NULL || *exists) {
        *out = hl_strdup(real == NULL ? path : real);
        return true;
    }

    hl_auto(heap) char *with_slash = hl_state_file_beside(real, strcmp(real, "/") == 0 ? "" : "/");

    *out = hl_state_file_beside(with_slash, name);
    return true;
}

bool hl_state_file_check(const char *path, enum hl_store_mode mode, struct hl_error **err)
{
    struct stat info;
    mode_t forbidden = mode == HL_STORE_WRITE ? 0077 : 0022;

    if (stat(path, &info) != 0)
        return fail_stat(path, errno, err);
    if (mode == HL_STORE_WRITE && geteuid() != 0 && info.st_uid != geteuid()) {
        hl_fail(err, HL_E_REFUSED, "state file '%s' belongs to another user (uid %u)", path, (unsigned)info.st_uid);
        return hl_error_hint(err, "run as that user, or chown the file and what is beside it");
    }
    if ((info.st_mode & forbidden) != 0) {
        hl_fail(err, HL_E_REFUSED, "state file '%s' is open to others (mode %04o)", path, (unsigned)(info.st_mode & 07777));
        return hl_error_hint(err, "chmod 600 '%s'", path);
    }
    return true;
}

bool hl_state_file_temporary(const char *path, char **out, struct hl_error **err)
{
    hl_auto(heap) char *name = hl_state_file_beside(path, temporary_ending);
    int fd = mkostemp(name, O_CLOEXEC); /* 0600 */

    if (fd < 0)
        return hl_fail_errno(err, errno, "making a file beside '%s'", path);
    close(fd);
    *out = name;
    name = NULL;
    return true;
}

int hl_state_file_probe(const char *path)
{
    hl_auto(heap) char *name = hl_state_file_beside(path, temporary_ending);
    int fd = mkostemp(name, O_CLOEXEC);

    if (fd < 0)
        return errno;
    close(fd);
    unlink(name);
    return 0;
}

/* "-wal" and the like beside a temporary copy are SQLite's. */
static bool is_temporary(const char *name, const char *base)
{
    static const char *const made[] = {"", ".bak", ".key", ".key.new"};
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    const size_t length = strlen(base);

    if (strncmp(name, base, length) != 0)
        return false;
    for (size_t i = 0; i < HL_COUNT(made); i++) {
        const char *mark = name + length + strlen(made[i]);

        if (strncmp(name + length, made[i], strlen(made[i])) != 0 || strncmp(mark, temporary_ending, TEMPORARY_MARK) != 0)
            continue;
        mark += TEMPORARY_MARK;
        for (size_t j = 0; strlen(mark) >= TEMPORARY_LETTERS && j < HL_COUNT(endings); j++) {
            if (strcmp(mark + TEMPORARY_LETTERS, endings[j]) == 0)
                return true;
        }
    }
    return false;
}

void hl_state_file_tidy(const char *path)
{
    hl_auto(heap) char *for_folder = hl_strdup(path);
    hl_auto(heap) char *for_name = hl_strdup(path);
    const char *base = basename(for_name);
    DIR *folder = opendir(dirname(for_folder));

    if (folder == NULL)
        return;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (is_temporary(entry->d_name, base))
            unlinkat(dirfd(folder), entry->d_name, 0);
    }
    closedir(folder);
}

static bool is_copy(const char *name, const char *base)
{
    static const char ending[] = ".bak";
    const size_t length = strlen(base), whole = strlen(name);

    return strncmp(name, base, length) == 0 && name[length] == '.' && whole >= length + strlen(ending) && strcmp(name + whole - strlen(ending), ending) == 0;
}

struct hl_value *hl_state_file_copies(const char *path, struct hl_arena *arena)
{
    hl_auto(heap) char *for_folder = hl_strdup(path);
    hl_auto(heap) char *for_name = hl_strdup(path);
    const char *base = basename(for_name);
    const char *where = dirname(for_folder);
    struct hl_value *list = hl_value_list(arena);
    DIR *folder = opendir(where);

    if (folder == NULL)
        return list;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (is_copy(entry->d_name, base))
            hl_value_list_add(arena, list, hl_value_text(arena, hl_arena_printf(arena, "%s/%s", where, entry->d_name)));
    }
    closedir(folder);
    return list;
}

int64_t hl_state_file_written_ms(const char *path)
{
    struct stat info;

    return stat(path, &info) != 0 ? 0 : (int64_t)info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1000000;
}

void hl_state_file_own_like(int fd, const char *like)
{
    struct stat info;

    if (like != NULL && geteuid() == 0 && stat(like, &info) == 0 && fchown(fd, info.st_uid, info.st_gid) != 0)
        return; /* root_squash and the like: then it stays ours */
}

static bool sync_file(const char *path, const char *like, struct hl_error **err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return hl_fail_errno(err, errno, "opening '%s'", path);
    hl_state_file_own_like(fd, like);

    int result = fsync(fd);
    int number = errno;

    close(fd);
    return result == 0 || hl_fail_errno(err, number, "writing '%s' to the disk", path);
}

static int rename_new(const char *from, const char *to)
{
    int result = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);

    if (result == 0 || (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP))
        return result;
    if (hl_state_file_exists(to)) {
        errno = EEXIST;
        return -1;
    }
    return rename(from, to);
}

bool hl_state_file_publish(const char *temporary, const char *path, const char *like, bool *taken, struct hl_error **err)
{
    if (!sync_file(temporary, like, err))
        return false;
    if (taken != NULL)
        *taken = false;
    if ((taken != NULL ? rename_new(temporary, path) : rename(temporary, path)) == 0)
        return sync_folder(path, err);
    if (taken == NULL || errno != EEXIST)
        return hl_fail_errno(err, errno, "naming '%s'", path);
    *taken = true;
    return true;
}

static bool write_all(const char *path, const char *text, struct hl_error **err)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    size_t length = strlen(text);

    if (fd < 0)
        return hl_fail_errno(err, errno, "opening '%s'", path);
    while (length > 0) {
        ssize_t written = write(fd, text, length);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            int number = errno;

            close(fd);
            return hl_fail_errno(err, number, "writing '%s'", path);
        }
        text += written;
        length -= (size_t)written;
    }
    return close(fd) == 0 || hl_fail_errno(err, errno, "writing '%s'", path);
}

bool hl_state_file_save(const char *path, const char *text, const char *like, bool *taken, struct hl_error **err)
{
    hl_auto(heap) char *temporary = NULL;

    if (!hl_state_file_temporary(path, &temporary, err))
        return false;

    bool done = write_all(temporary, text, err) && hl_state_file_publish(temporary, path, like, taken, err);

    if (!done || (taken != NULL && *taken))
        unlink(temporary);
    return done;
}
