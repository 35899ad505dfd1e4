/* Stops a program at the n-th thing that outlives it: a write to its files, or a call that changes the world.
 *
 * Loaded by LD_PRELOAD into the program as it is: it has no hooks for tests. Counted are, in one sequence: open that makes a file, write, truncate, sync,
 * rename, unlink and mkdir of what lies in the folders of HLREC_FAULT_UNDER (separated by colons), and each POST, PUT, PATCH or DELETE that is sent.
 *
 *   HLREC_FAULT_AT='N HOW WORD PATTERN'
 *                            what happens at the n-th that is done by this word (POST, write ...) to such a path; the pattern is one of fnmatch(3), and
 *                            its * stands for slashes as well. Meant by name, since the sequence differs from run to run: actions run side by side.
 *       before, after        killed (SIGKILL) before it is done; when it is done (a call: when the answer comes in)
 *       torn                 killed when half of the bytes are written; else as 'before'
 *       ENOSPC               it and all that would take room after it fail: the disk is full
 *       EIO                  it fails, and it alone
 *
 *   HLREC_FAULT_TRACE=FILE   a line for each thing done: number, word, path, offset, length, other path; separated by tabs. A line with '!' for the
 *                            number is the one at which it went wrong.
 *
 *   HLREC_FAULT_KEEP=1       behind the line of a write come its bytes and a line feed, so that what was on the disk at any time can be rebuilt
 *
 * Not for a build with AddressSanitizer, whose runtime wants to be loaded first. */
#undef _FORTIFY_SOURCE
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum how { HOW_NOTHING, HOW_BEFORE, HOW_AFTER, HOW_TORN, HOW_FULL, HOW_FAIL };

static const char *const how_names[] = {
    [HOW_NOTHING] = "", [HOW_BEFORE] = "before", [HOW_AFTER] = "after", [HOW_TORN] = "torn", [HOW_FULL] = "ENOSPC", [HOW_FAIL] = "EIO",
};

/* What is about to be done. */
struct deed {
    const char *word, *path, *other;
    long long offset, length;
    const void *data;
    bool takes_room;
};

static struct {
    pthread_mutex_t lock; /* what is counted is done one after the other: the trace has the order of the disk */
    bool ready;
    long at; /* the how manieth of those that are meant */
    enum how how;
    char word[16], pattern[256];
    long count, meant, hit; /* of all, and of those that are meant; the number of the one at which it goes wrong, or 0 */
    int trace;
    bool keep;
    long clock;
    char under[4 * PATH_MAX];
    int awaits; /* the socket on which the answer to the n-th is awaited, or -1 */
} the = {.lock = PTHREAD_MUTEX_INITIALIZER, .trace = -1, .awaits = -1};

static void read_order(const char *order)
{
    char word[16] = "";

    if (order == NULL)
        return;
    if (sscanf(order, "%ld %15s %15s %255s", &the.at, word, the.word, the.pattern) != 4)
        _exit(125);
    for (size_t i = 1; i < sizeof(how_names) / sizeof(*how_names); i++) {
        if (strcmp(how_names[i], word) == 0)
            the.how = (enum how)i;
    }
}

static __attribute__((constructor)) void set_up(void)
{
    const char *trace = getenv("HLREC_FAULT_TRACE");
    const char *under = getenv("HLREC_FAULT_UNDER");

    snprintf(the.under, sizeof(the.under), "%s", under == NULL ? "" : under);
    the.clock = getenv("HLREC_FAULT_CLOCK") == NULL ? 0 : atol(getenv("HLREC_FAULT_CLOCK"));
    the.keep = getenv("HLREC_FAULT_KEEP") != NULL;
    read_order(getenv("HLREC_FAULT_AT"));
    if (trace != NULL)
        the.trace = (int)syscall(SYS_openat, AT_FDCWD, trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    the.ready = true;
}

/* ---- which paths count ---- */

static bool is_under(const char *path)
{
    for (const char *folder = the.under; *folder != '\0';) {
        size_t length = strcspn(folder, ":");

        if (length > 0 && strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0'))
            return true;
        folder += length + (folder[length] == ':');
    }
    return false;
}

static bool path_of(int descriptor, char path[PATH_MAX])
{
    char link[64];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);

    ssize_t length = readlink(link, path, PATH_MAX - 1);

    path[length < 0 ? 0 : length] = '\0';
    return length > 0 && is_under(path);
}

/* Absolute, without links in its folder: as /proc tells it of an open file. */
static bool absolute(int folder, const char *name, char path[PATH_MAX])
{
    char parent[PATH_MAX], real[PATH_MAX];
    const char *slash = strrchr(name, '/');
    int length = slash == NULL ? 0 : (int)(slash - name);

    if (folder != AT_FDCWD)
        return false;
    snprintf(parent, sizeof(parent), "%.*s", slash == NULL ? 1 : length == 0 ? 1 : length, slash == NULL ? "." : name);
    if (realpath(parent, real) == NULL || snprintf(path, PATH_MAX, "%s/%s", real, slash == NULL ? name : slash + 1) >= PATH_MAX)
        return false;
    return is_under(path);
}

/* ---- counting ---- */

static void put_trace(const void *data, size_t length)
{
    if (the.trace >= 0 && syscall(SYS_write, the.trace, data, length) < 0)
        _exit(125);
}

static void put_line(const char *number, const struct deed *deed)
{
    char line[2 * PATH_MAX + 128];
    int length = snprintf(line, sizeof(line), "%s\t%s\t%s\t%lld\t%lld\t%s\n", number, deed->word, deed->path, deed->offset, deed->length,
                          deed->other == NULL ? "" : deed->other);

    put_trace(line, (size_t)length);
}

static void put_done(long number, const struct deed *deed)
{
    char text[32];

    snprintf(text, sizeof(text), "%ld", number);
    put_line(text, deed);
    if (the.keep && deed->data != NULL) {
        put_trace(deed->data, (size_t)deed->length);
        put_trace("\n", 1);
    }
}

static _Noreturn void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

static bool is_the_one(const struct deed *deed)
{
    if (the.how == HOW_NOTHING || strcmp(deed->word, the.word) != 0 || fnmatch(the.pattern, deed->path, 0) != 0)
        return false;
    return ++the.meant == the.at;
}

/* Takes the lock and counts; the errno with which it fails, or 0. A write that is torn is told by *torn. */
static int enter(const struct deed *deed, bool *torn)
{
    pthread_mutex_lock(&the.lock);
    the.count++;

    const bool here = is_the_one(deed);

    *torn = here && the.how == HOW_TORN && deed->data != NULL;
    if (here) {
        the.hit = the.count;
        put_line("!", deed);
    }
    if (here && (the.how == HOW_BEFORE || (the.how == HOW_TORN && !*torn)))
        die();
    if (the.how == HOW_FULL && the.hit > 0 && deed->takes_room)
        return ENOSPC;
    return the.how == HOW_FAIL && here ? EIO : 0;
}

static void leave(const struct deed *deed, bool done)
{
    int number = errno;

    if (done)
        put_done(the.count, deed);
    if (the.count == the.hit && the.how == HOW_AFTER)
        die();
    pthread_mutex_unlock(&the.lock);
    errno = number;
}

static int refuse(int number)
{
    pthread_mutex_unlock(&the.lock);
    errno = number;
    return -1;
}

/* ---- files ---- */

static bool is_new(const char *path)
{
    struct stat about;

    return lstat(path, &about) != 0;
}

/* A template's name is not known before it is open. */
static int make_file(const char *path, int (*make)(void *context), void *context)
{
    struct deed deed = {.word = "create", .path = path, .takes_room = true};
    bool torn = false;
    int number = enter(&deed, &torn);

    if (number != 0)
        return refuse(number);

    int descriptor = make(context);

    leave(&deed, descriptor >= 0);
    return descriptor;
}

struct opening {
    int folder, flags;
    const char *path;
    mode_t mode;
};

static int do_open(void *context)
{
    const struct opening *opening = context;

    return (int)syscall(SYS_openat, opening->folder, opening->path, opening->flags, opening->mode);
}

static int open_any(int folder, const char *path, int flags, mode_t mode)
{
    struct opening opening = {.folder = folder, .flags = flags, .path = path, .mode = mode};
    char full[PATH_MAX];

    if ((flags & O_CREAT) == 0 || !the.ready || !absolute(folder, path, full) || !is_new(full))
        return do_open(&opening);
    return make_file(full, do_open, &opening);
}

static mode_t mode_argument(int flags, va_list arguments)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);

    mode_t mode = mode_argument(flags, arguments);

    va_end(arguments);
    return open_any(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);

    mode_t mode = mode_argument(flags, arguments);

    va_end(arguments);
    return open_any(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

/* The name is ours to choose: then it is known before the file is made. */
int mkostemp(char *template, int flags)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    char *end = template + strlen(template) - 6;
    unsigned char bytes[6];

    for (int tries = 0; tries < 100; tries++) {
        if (syscall(SYS_getrandom, bytes, sizeof(bytes), 0) != (long)sizeof(bytes))
            return -1;
        for (size_t i = 0; i < sizeof(bytes); i++)
            end[i] = letters[bytes[i] % (sizeof(letters) - 1)];

        int descriptor = open_any(AT_FDCWD, template, O_RDWR | O_CREAT | O_EXCL | flags, 0600);

        if (descriptor >= 0 || errno != EEXIST)
            return descriptor;
    }
    return -1;
}

/* `offset` < 0: where the file stands. */
static ssize_t write_any(int descriptor, const void *data, size_t length, off_t offset)
{
    char path[PATH_MAX];
    bool counts = the.ready && path_of(descriptor, path), torn = false;
    bool here = offset < 0;

    if (!counts)
        return here ? syscall(SYS_write, descriptor, data, length) : syscall(SYS_pwrite64, descriptor, data, length, offset);

    struct deed deed = {
        .word = "write", .path = path, .offset = here ? lseek(descriptor, 0, SEEK_CUR) : offset, .length = (long long)length, .data = data, .takes_room = true};
    int number = enter(&deed, &torn);

    if (number != 0)
        return refuse(number);
    if (torn)
        length /= 2;

    ssize_t put = here ? syscall(SYS_write, descriptor, data, length) : syscall(SYS_pwrite64, descriptor, data, length, offset);

    deed.length = put;
    if (torn) {
        put_done(the.count, &deed);
        die();
    }
    leave(&deed, put >= 0);
    return put;
}

ssize_t write(int descriptor, const void *data, size_t length)
{
    return write_any(descriptor, data, length, -1);
}

ssize_t pwrite(int descriptor, const void *data, size_t length, off_t offset)
{
    return write_any(descriptor, data, length, offset);
}

ssize_t pwrite64(int descriptor, const void *data, size_t length, off64_t offset)
{
    return write_any(descriptor, data, length, offset);
}

static int truncate_any(int descriptor, off_t length)
{
    char path[PATH_MAX];
    bool torn = false;
    struct stat about;

    if (!the.ready || !path_of(descriptor, path) || fstat(descriptor, &about) != 0)
        return (int)syscall(SYS_ftruncate, descriptor, length);

    struct deed deed = {.word = "truncate", .path = path, .offset = length, .takes_room = length > about.st_size};
    int number = enter(&deed, &torn);

    if (number != 0)
        return refuse(number);

    int result = (int)syscall(SYS_ftruncate, descriptor, length);

    leave(&deed, result == 0);
    return result;
}

int ftruncate(int descriptor, off_t length)
{
    return truncate_any(descriptor, length);
}

int ftruncate64(int descriptor, off64_t length)
{
    return truncate_any(descriptor, length);
}

static int sync_any(int descriptor, long call)
{
    char path[PATH_MAX];
    bool torn = false;

    if (!the.ready || !path_of(descriptor, path))
        return (int)syscall(call, descriptor);

    struct deed deed = {.word = "sync", .path = path};
    int number = enter(&deed, &torn);

    if (number != 0)
        return refuse(number);

    /* Not asked of the real disk: what a power failure takes is worked out from the trace. */
    leave(&deed, true);
    return 0;
}

int fsync(int descriptor)
{
    return sync_any(descriptor, SYS_fsync);
}

int fdatasync(int descriptor)
{
    return sync_any(descriptor, SYS_fdatasync);
}

/* ---- names ---- */

static int rename_any(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    char old[PATH_MAX], new[PATH_MAX];
    bool torn = false;

    if (!the.ready || !absolute(from_folder, from, old) || !absolute(to_folder, to, new))
        return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);

    struct deed deed = {.word = "rename", .path = old, .other = new};
    int number = enter(&deed, &torn);

    if (number != 0)
        return refuse(number);

    int result = (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);

    leave(&deed, result == 0);
    return result;
}

int rename(const char *from, const char *to)
{
    return rename_any(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    return rename_any(from_folder, from, to_folder, to, flags);
}

int unlink(const char *name)
{
    char path[PATH_MAX];
    bool torn = false;

    if (!the.ready || !absolute(AT_FDCWD, name, path) || is_new(path))
        return (int)syscall(SYS_unlink, name);

    struct deed deed = {.word = "unlink", .path = path};
    int number = enter(&deed, &torn);

    if (number != 0)
        return refuse(number);

    int result = (int)syscall(SYS_unlink, name);

    leave(&deed, result == 0);
    return result;
}

int mkdir(const char *name, mode_t mode)
{
    char path[PATH_MAX];
    bool torn = false;

    if (!the.ready || !absolute(AT_FDCWD, name, path) || !is_new(path))
        return (int)syscall(SYS_mkdir, name, mode);

    struct deed deed = {.word = "mkdir", .path = path, .takes_room = true};
    int number = enter(&deed, &torn);

    if (number != 0)
        return refuse(number);

    int result = (int)syscall(SYS_mkdir, name, mode);

    leave(&deed, result == 0);
    return result;
}

/* ---- calls ---- */

/* "POST /v1.41/containers/create": the line of a request that changes something. */
static bool read_request(const char *data, size_t length, char method[8], char path[PATH_MAX])
{
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};

    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
        size_t size = strlen(methods[i]);

        if (length <= size + 1 || strncmp(data, methods[i], size) != 0 || data[size] != ' ' || data[size + 1] != '/')
            continue;

        size_t used = 0;

        for (const char *at = data + size + 1; at < data + length && *at != ' ' && *at != '?' && used < PATH_MAX - 1; at++)
            path[used++] = *at;
        path[used] = '\0';
        snprintf(method, 8, "%s", methods[i]);
        return true;
    }
    return false;
}

ssize_t send(int socket, const void *data, size_t length, int flags)
{
    char method[8], path[PATH_MAX];
    bool torn = false;

    if (!the.ready || !read_request(data, length, method, path))
        return syscall(SYS_sendto, socket, data, length, flags, NULL, 0);

    /* ENOSPC and EIO are of disks; a call goes wrong in ways of its own, which the lab knows. */
    struct deed deed = {.word = method, .path = path};

    enter(&deed, &torn);

    bool waits = the.count == the.hit && the.how == HOW_AFTER;
    ssize_t put = syscall(SYS_sendto, socket, data, length, flags, NULL, 0);
    int number = errno;

    put_done(the.count, &deed);
    if (waits)
        the.awaits = socket;
    pthread_mutex_unlock(&the.lock);
    errno = number;
    return put;
}

ssize_t recv(int socket, void *data, size_t length, int flags)
{
    ssize_t got = syscall(SYS_recvfrom, socket, data, length, flags, NULL, NULL);

    if (got > 0 && socket == the.awaits && (flags & MSG_PEEK) == 0 && !(got > 12 && strncmp(data, "HTTP/1.1 100", 12) == 0))
        die();
    return got;
}

/* ---- the clock ---- */

int clock_gettime(clockid_t id, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, id, now);

    if (result == 0 && id == CLOCK_REALTIME)
        now->tv_sec += the.clock;
    return result;
}

time_t time(time_t *out)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}
