#include "config.h"

#include "state/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 50, HOST_MAXIMUM = 256, USER_MAXIMUM = 4096 };

const char *hl_lock_user(struct hl_arena *arena)
{
    struct passwd entry;
    struct passwd *found = NULL;
    char buffer[USER_MAXIMUM];

    if (getpwuid_r(geteuid(), &entry, buffer, sizeof(buffer), &found) == 0 && found != NULL)
        return hl_arena_strdup(arena, found->pw_name);
    return hl_arena_printf(arena, "uid %u", (unsigned)geteuid());
}

const char *hl_lock_host(struct hl_arena *arena)
{
    char host[HOST_MAXIMUM] = "";

    if (gethostname(host, sizeof(host) - 1) != 0)
        return "unknown";
    return hl_arena_strdup(arena, host);
}

/* "apply by alice@nas, process 123, since 2026-..."; NULL without a row or when it cannot be read. */
static const char *read_holder(struct hl_store *store, struct hl_arena *arena)
{
    hl_auto(query) struct hl_query query = hl_query_open(store, "SELECT command, who, host, pid, since FROM lock_holder");
    struct hl_error *error = NULL;
    bool row = false;

    if (!hl_query_next(&query, &row, &error))
        hl_error_clear(&error);
    if (!row)
        return NULL;
    return hl_arena_printf(arena, "%s by %s@%s, process %" PRId64 ", since %s", hl_query_text(&query, arena, 0), hl_query_text(&query, arena, 1),
                           hl_query_text(&query, arena, 2), hl_query_int(&query, 3), hl_query_text(&query, arena, 4));
}

/* A snapshot was taken before; while the lock is held, a reader in place does no harm: the holder has -wal and -shm open. */
static const char *read_holder_now(struct hl_store *store, struct hl_arena *arena)
{
    struct hl_store other = {.path = store->path, .file = store->file, .mode = HL_STORE_READ, .lock_fd = -1};
    const char *holder = NULL;

    if (!store->snapshot && !store->missing && store->db != NULL)
        return read_holder(store, arena);
    if (sqlite3_open_v2(store->file, &other.db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK)
        holder = read_holder(&other, arena);
    hl_store_disconnect(&other);
    return holder;
}

/* An open file description lock: it belongs to this descriptor, so that closing another one of the file does not drop it, as it would with fcntl's older kind,
 * and the kernel drops it with its process. */
static int try_lock(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_OFD_SETLK, &lock) == 0 ? 0 : errno;
}

static bool fail_locked(struct hl_store *store, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *holder = hl_state_file_exists(store->file) ? read_holder_now(store, arena) : NULL;

    hl_fail(err, HL_E_LOCKED, "state '%s' is locked: %s", store->path, holder == NULL ? "another run has just begun" : holder);
    return hl_error_hint(err, "wait for it to end, or give it time: --lock-timeout 5m");
}

static bool wait_for_lock(struct hl_store *store, int fd, int64_t wait_ms, struct hl_error **err)
{
    int64_t waited = 0;

    for (;;) {
        int number = try_lock(fd);

        if (number == 0)
            return true;
        if (number != EAGAIN && number != EACCES && number != EINTR)
            return hl_fail_errno(err, number, "locking '%s.lock'", store->file);
        if (waited >= wait_ms)
            return fail_locked(store, err);

        int64_t pause = wait_ms - waited < POLL_MS ? wait_ms - waited : POLL_MS;

        if (nanosleep(&(struct timespec){.tv_nsec = (long)(pause * 1000000)}, NULL) != 0 && errno == EINTR)
            return hl_fail(err, HL_E_INTERRUPTED, "interrupted while waiting for the lock of '%s'", store->path);
        waited += pause;
    }
}

/* The lock file is never removed: two processes could then hold two locks of one name. */
bool hl_lock_take(struct hl_store *store, int64_t wait_ms, struct hl_error **err)
{
    hl_auto(heap) char *path = hl_state_file_beside(store->file, ".lock");

    if (store->lock_fd >= 0)
        return true;

    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0) {
        hl_fail_errno(err, errno, "opening '%s'", path);
        return hl_error_hint(err, "check owner and mode of the file and its folder");
    }
    hl_state_file_own_like(fd, store->file);
    if (!wait_for_lock(store, fd, wait_ms, err)) {
        close(fd);
        return false;
    }
    store->lock_fd = fd;
    return true;
}

void hl_lock_drop(struct hl_store *store)
{
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    store->lock_fd = -1;
}

/* Another run may have worked on the file between our opening it and our getting the lock. */
static bool catch_up(struct hl_store *store, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *check = NULL, *serial = NULL;
    int64_t version = 0;

    if (!hl_migrate_check(store, HL_STATE_VERSION, &version, err) || !hl_store_meta_get(store, arena, "key.check", &check, err) ||
        !hl_store_meta_get(store, arena, "state.serial", &serial, err))
        return false;
    if (check == NULL || strcmp(check, store->key_check) != 0) {
        hl_fail(err, HL_E_CONFLICT, "the sealing key of '%s' was changed by another run just now", store->path);
        return hl_error_hint(err, "run the command again");
    }
    return serial == NULL || hl_parse_int(serial, 0, INT64_MAX, &store->serial) ||
           hl_fail(err, HL_E_FAILED, "state.serial of '%s' is not a number", store->path);
}

static bool replace_row(struct hl_store *store, const char *command, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(query) struct hl_query query =
        hl_query_open(store, "INSERT OR REPLACE INTO lock_holder(one, pid, host, who, command, since) VALUES (1, ?1, ?2, ?3, ?4, ?5)");
    char now[HL_STATE_CLOCK_TEXT];

    hl_query_put_int(&query, getpid());
    hl_query_put_text(&query, hl_lock_host(arena));
    hl_query_put_text(&query, hl_lock_user(arena));
    hl_query_put_text(&query, command);
    hl_query_put_time(&query, now, hl_state_now_ms());
    return hl_query_run(&query, err);
}

static bool write_row(struct hl_store *store, const char *command, bool *died, struct hl_error **err)
{
    int64_t rows = 0;
    bool own = false;

    if (!hl_store_enter(store, &own, err))
        return false;

    /* We hold the lock: what still stands as running has died. */
    bool ok = hl_sql_int(store, "SELECT count(*) FROM lock_holder", &rows, err) && replace_row(store, command, err) &&
              hl_sql_exec(store, "UPDATE runs SET result = 'died' WHERE result = 'running'", err);

    *died = rows > 0;
    return hl_store_leave(store, own, ok, err);
}

bool hl_store_lock(struct hl_store *store, const char *command, int64_t wait_ms, bool *died, struct hl_error **err)
{
    *died = false;
    if (store->lock_row)
        return hl_fail(err, HL_E_FAILED, "this run holds the lock of '%s' already", store->path);
    if (store->mode != HL_STORE_WRITE)
        return hl_fail(err, HL_E_FAILED, "state '%s' was opened for reading only", store->path);
    if (!hl_lock_take(store, wait_ms, err))
        return false;
    hl_state_file_tidy(store->file);
    if (!catch_up(store, err) || !write_row(store, command, died, err)) {
        hl_lock_drop(store);
        return false;
    }
    store->lock_row = true;
    return true;
}

void hl_store_unlock(struct hl_store *store)
{
    hl_store_rollback(store);
    if (store->lock_row)
        sqlite3_exec(store->db, "DELETE FROM lock_holder", NULL, NULL, NULL); /* left, it only says that this run died */
    store->lock_row = false;
    hl_lock_drop(store);
}

const char *hl_store_lock_holder(struct hl_store *store, struct hl_arena *arena)
{
    hl_auto(heap) char *path = hl_state_file_beside(store->file, ".lock");
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (store->lock_fd >= 0)
        return NULL;

    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return NULL;

    bool held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;

    close(fd);
    if (!held)
        return NULL;

    const char *holder = hl_state_file_exists(store->file) ? read_holder_now(store, arena) : NULL;

    return holder == NULL ? "a run that has just begun" : holder;
}
