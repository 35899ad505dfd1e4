#include "config.h"

#include "reconcile/transport/git_internal.h"

#include "schema/base/crypto.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    NAP_MS = 20,     /* how soon the end of somebody's lock is noticed */
    MOST_PACKS = 50, /* each fetch adds one, and libgit2 packs nothing anew: then all is fetched again, which takes less time than one would think */
    MOST_REFS = 128, /* they only tell the server what it need not send */
    NAME_DIGITS = 32,
    CHECKSUM = 20, /* SHA-1 */
    DEEPEST = 16,  /* folders within each other, where git makes six at most */
};

enum lock_byte { READERS, WRITER };

const char *hl_git_cache_ref(struct hl_arena *arena, const char *name)
{
    char hash[HL_HASH_HEX];

    hl_hash(NULL, name, strlen(name), hash);
    return hl_arena_printf(arena, "refs/hlrec/%.*s", NAME_DIGITS, hash);
}

/* --- Locks --- */

/* Open file description locks: the kernel drops them with the last process that holds the file open, be it a child. */
static bool set_lock(int file, enum lock_byte byte, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

    return fcntl(file, F_OFD_SETLK, &lock) == 0;
}

static bool wait_for_lock(struct hl_git *git, enum lock_byte byte, short type, int64_t deadline_ms, struct hl_error **err)
{
    while (!set_lock(git->cache.lock, byte, type)) {
        if (errno != EAGAIN && errno != EACCES && errno != EINTR)
            return hl_fail_errno(err, errno, "cannot lock '%s/lock'", git->cache.folder);
        if (hl_git_is_interrupted(git))
            return hl_fail(err, HL_E_INTERRUPTED, "interrupted while another run used the cache of '%s'", git->url.shown);
        if (hl_git_now_ms() >= deadline_ms) {
            hl_fail(err, HL_E_LOCKED, "the cache of '%s' is in use by another run", git->url.shown);
            return hl_error_hint(err, "wait for it to end; it holds '%s/lock'", git->cache.folder);
        }
        nanosleep(&(struct timespec){.tv_nsec = (long)NAP_MS * 1000000}, NULL);
    }
    return true;
}

bool hl_git_cache_lock(struct hl_git *git, int64_t deadline_ms, struct hl_error **err)
{
    git->cache.writing = git->cache.writing || wait_for_lock(git, WRITER, F_WRLCK, deadline_ms, err);
    return git->cache.writing;
}

void hl_git_cache_unlock(struct hl_git *git)
{
    /* Said, and not left to close(): a child that is about to die may still have the file open. */
    if (git->cache.writing)
        set_lock(git->cache.lock, WRITER, F_UNLCK);
    git->cache.writing = false;
}

/* --- Folders --- */

static bool make_folder(const char *path, struct hl_error **err)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return true;
    return hl_fail_errno(err, errno, "cannot make the folder '%s'", path);
}

static bool make_folders(struct hl_arena *arena, const char *path, struct hl_error **err)
{
    char *part = hl_arena_strdup(arena, path);

    for (char *at = part + 1; *part != '\0' && *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST && errno != EISDIR && errno != EROFS && errno != EACCES)
            return hl_fail_errno(err, errno, "cannot make the folder '%s'", part);
        *at = '/';
    }
    return make_folder(path, err);
}

/* Who can write here decides what is applied. */
static bool check_owner(const char *path, struct hl_error **err)
{
    struct stat about;

    if (stat(path, &about) != 0)
        return hl_fail_errno(err, errno, "cannot use the folder '%s'", path);
    if (!S_ISDIR(about.st_mode))
        return hl_fail(err, HL_E_REFUSED, "'%s' is no folder, so it cannot be the cache of git repositories", path);
    if (about.st_uid != geteuid()) {
        hl_fail(err, HL_E_REFUSED, "the cache '%s' belongs to user %u, and we are user %u", path, (unsigned)about.st_uid, (unsigned)geteuid());
        return hl_error_hint(err, "run as its owner, or keep the state in a folder of your own");
    }
    if ((about.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        hl_fail(err, HL_E_REFUSED, "the cache '%s' can be written by others (mode %04o)", path, (unsigned)about.st_mode & 07777);
        return hl_error_hint(err, "look at what is in it; then `chmod 700 '%s'`, or delete it", path);
    }
    return true;
}

static bool remove_at(int parent, const char *name, unsigned depth);

static bool remove_within(int folder, unsigned depth)
{
    DIR *stream = fdopendir(folder);
    bool fine = stream != NULL && depth < DEEPEST;

    if (stream == NULL) {
        close(folder);
        return false;
    }
    for (struct dirent *entry = readdir(stream); fine && entry != NULL; entry = readdir(stream))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            fine = remove_at(dirfd(stream), entry->d_name, depth + 1);
    closedir(stream);
    return fine;
}

/* Never follows a link out of the folder. */
static bool remove_at(int parent, const char *name, unsigned depth)
{
    int folder = -1;

    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return true;
    folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0 || !remove_within(folder, depth))
        return false;
    return unlinkat(parent, name, AT_REMOVEDIR) == 0;
}

/* --- Healing --- */

/* Calls visit with each name of the folder; a missing folder is empty. */
static void each_name(const char *path, void (*visit)(int folder, const char *name, void *context), void *context)
{
    DIR *stream = opendir(path);

    if (stream == NULL)
        return;
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream))
        if (entry->d_name[0] != '.')
            visit(dirfd(stream), entry->d_name, context);
    closedir(stream);
}

static void remove_lock(int folder, const char *name, void *context)
{
    (void)context;
    if (hl_ends_with(name, ".lock"))
        unlinkat(folder, name, 0);
}

struct pack_check {
    size_t count;
    bool unsound;
};

/* The last bytes of a file, `back` from its end. */
static bool read_end(int folder, const char *name, off_t back, unsigned char out[CHECKSUM])
{
    int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    off_t size = file < 0 ? -1 : lseek(file, 0, SEEK_END);
    bool fine = size >= back && pread(file, out, CHECKSUM, size - back) == CHECKSUM;

    if (file >= 0)
        close(file);
    return fine;
}

/* A pack ends with its checksum, and its index names the same one behind all else but its own: enough to notice what was cut short, or never fully written. */
static bool is_sound_pack(int folder, const char *name)
{
    hl_auto(text) struct hl_text index = HL_TEXT_INIT(256);
    unsigned char has[CHECKSUM], wanted[CHECKSUM];

    hl_text_printf(&index, "%.*s.idx", (int)(strlen(name) - strlen(".pack")), name);
    return read_end(folder, name, CHECKSUM, has) && read_end(folder, hl_text_get(&index), (off_t)2 * CHECKSUM, wanted) && memcmp(has, wanted, CHECKSUM) == 0;
}

static void check_pack(int folder, const char *name, void *context)
{
    struct pack_check *check = context;

    /* What libgit2 had received of a pack when it was killed. */
    if (hl_starts_with(name, "pack_git2_") || hl_starts_with(name, "tmp_")) {
        unlinkat(folder, name, 0);
    } else if (hl_ends_with(name, ".pack")) {
        check->count++;
        check->unsound = check->unsound || !is_sound_pack(folder, name);
    }
}

struct ref_check {
    struct hl_git *git;
    size_t count;
};

/* A power cut leaves files of length 0. And a ref whose commit is missing would stop each fetch, since they are told to the server. */
static bool is_sound_ref(struct hl_git *git, int folder, const char *name)
{
    char text[64] = "";
    int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, text, sizeof(text) - 1);
    git_object_t type = GIT_OBJECT_INVALID;
    size_t size = 0;
    git_oid id;

    if (file >= 0)
        close(file);
    if (length != 41 || text[40] != '\n')
        return false;
    text[40] = '\0';
    return hl_git_parse_id(text, &id) && git_odb_read_header(&size, &type, git->odb, &id) == 0 && type == GIT_OBJECT_COMMIT;
}

static void check_ref(int folder, const char *name, void *context)
{
    struct ref_check *check = context;

    if (++check->count > MOST_REFS || !is_sound_ref(check->git, folder, name))
        unlinkat(folder, name, 0);
}

static const char *within(struct hl_git *git, const char *name)
{
    return hl_arena_printf(git->arena, "%s/%s", git->cache.repository, name);
}

static bool open_repository(struct hl_git *git)
{
    git_odb_free(git->odb);
    git_repository_free(git->repository);
    git->odb = NULL;
    git->repository = NULL;
    return git_repository_open_bare(&git->repository, git->cache.repository) == 0 && git_repository_odb(&git->odb, git->repository) == 0;
}

/* What a run that died, or a newer or another git, may have left. False when it is beyond mending. */
static bool mend(struct hl_git *git)
{
    struct ref_check check = {.git = git};
    struct pack_check packs = {.count = 0};

    each_name(git->cache.repository, remove_lock, NULL);
    each_name(within(git, "refs"), remove_lock, NULL);
    each_name(within(git, "refs/hlrec"), remove_lock, NULL);
    each_name(within(git, "objects/pack"), check_pack, &packs);
    if (access(within(git, "damaged"), F_OK) == 0 || access(within(git, "shallow"), F_OK) == 0 || packs.unsound || packs.count > MOST_PACKS)
        return false;
    if (!open_repository(git))
        return false;
    each_name(within(git, "refs/hlrec"), check_ref, &check);
    return true;
}

void hl_git_cache_mark_damaged(struct hl_git *git)
{
    int file = open(within(git, "damaged"), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (file >= 0)
        close(file);
}

static bool make_repository(struct hl_git *git, struct hl_error **err)
{
    git_repository_init_options options;
    git_repository *repository = NULL;

    if (!remove_at(AT_FDCWD, git->cache.repository, 0))
        return hl_fail_errno(err, errno, "cannot remove the damaged cache '%s'", git->cache.repository);
    git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
    options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_NO_REINIT | GIT_REPOSITORY_INIT_MKPATH;

    int code = git_repository_init_ext(&repository, git->cache.repository, &options);
    struct hl_git_fault fault = hl_git_last_fault(code);

    git_repository_free(repository);
    if (code == 0 && open_repository(git))
        return true;
    return hl_fail(err, HL_E_FAILED, "cannot make the cache '%s': %s", git->cache.repository, fault.text);
}

bool hl_git_cache_renew(struct hl_git *git, int64_t deadline_ms, struct hl_error **err)
{
    /* Others may be reading; our own share of the lock would stand in our way. */
    if (git->cache.reading)
        set_lock(git->cache.lock, READERS, F_UNLCK);
    git->cache.reading = false;
    if (!wait_for_lock(git, READERS, F_WRLCK, deadline_ms, err))
        return false;

    bool made = make_repository(git, err);

    git->cache.reading = set_lock(git->cache.lock, READERS, F_RDLCK);
    return made;
}

/* --- Open --- */

static bool open_folder(struct hl_git *git, const char *folder, struct hl_error **err)
{
    struct hl_git_cache *cache = &git->cache;
    char hash[HL_HASH_HEX];

    hl_hash(NULL, git->url.identity, strlen(git->url.identity), hash);
    cache->folder = hl_arena_printf(git->arena, "%s/%.*s", folder, NAME_DIGITS, hash);
    cache->repository = hl_arena_printf(git->arena, "%s/git", cache->folder);
    cache->home = hl_arena_printf(git->arena, "%s/home", cache->folder);
    if (!make_folders(git->arena, folder, err) || !check_owner(folder, err) || !make_folder(cache->folder, err) || !check_owner(cache->folder, err))
        return false;

    const char *lock = hl_arena_printf(git->arena, "%s/lock", cache->folder);

    cache->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return cache->lock >= 0 || hl_fail_errno(err, errno, "cannot open '%s'", lock);
}

bool hl_git_cache_open(struct hl_git *git, const char *folder, struct hl_error **err)
{
    int64_t deadline_ms = hl_git_now_ms() + git->timeout_ms;

    git->cache.lock = -1;
    if (!open_folder(git, folder, err) || !hl_git_cache_lock(git, deadline_ms, err))
        return false;

    bool fine = mend(git) ? wait_for_lock(git, READERS, F_RDLCK, deadline_ms, err) : hl_git_cache_renew(git, deadline_ms, err);

    git->cache.reading = fine;
    hl_git_cache_unlock(git);
    return fine;
}

void hl_git_cache_close(struct hl_git *git)
{
    git_odb_free(git->odb);
    git_repository_free(git->repository);
    if (git->cache.lock >= 0)
        close(git->cache.lock);
}
