#include "config.h"

#include "reconcile/transport/process.h"

#include "schema/base/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum {
    GRACE_MS = 2000,   /* between SIGTERM and SIGKILL */
    LEFTOVER_MS = 200, /* how long a dead child's own children may keep its output open */
    NAP_MS = 20,       /* how soon the end of a child, or an interrupt, is noticed */
    DIAGNOSTICS = 4096,
    READ_SIZE = 16384,
};

enum stop { RUNNING, TIMED_OUT, TOO_LONG, INTERRUPTED };

struct child {
    const struct hl_process *process;
    struct hl_text *out;
    size_t max_output, received;
    char tail[DIAGNOSTICS]; /* of stderr */
    size_t tail_length;
    int stdout_end, stderr_end; /* -1 when closed */
    pid_t pid;
    bool ended;                                   /* but not reaped: its number stays taken while the group may have to be killed */
    int64_t deadline_ms, kill_at_ms, leave_at_ms; /* 0: none */
    enum stop stop;
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void close_end(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

static void hl_cleanup_descriptor(int *descriptor)
{
    close_end(descriptor);
}

/* --- Start --- */

/* An unnamed file in memory rather than a pipe: it takes any length at once, and no reader that leaves raises SIGPIPE. */
static bool open_input(const struct hl_process *process, int *out, struct hl_error **err)
{
    size_t done = 0;

    if (process->input == NULL)
        *out = open("/dev/null", O_RDONLY | O_CLOEXEC);
    else
        *out = memfd_create("hlrec-input", MFD_CLOEXEC);
    if (*out < 0)
        return hl_fail_errno(err, errno, "cannot prepare the input of '%s'", process->argv[0]);
    while (process->input != NULL && done < process->input_length) {
        ssize_t put = write(*out, process->input + done, process->input_length - done);

        if (put < 0 && errno != EINTR)
            return hl_fail_errno(err, errno, "cannot prepare the input of '%s'", process->argv[0]);
        done += put > 0 ? (size_t)put : 0;
    }
    return process->input == NULL || lseek(*out, 0, SEEK_SET) == 0 || hl_fail_errno(err, errno, "cannot prepare the input of '%s'", process->argv[0]);
}

#ifdef __GLIBC__
static void leave_descriptors(posix_spawn_file_actions_t *actions)
{
    posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
}
#else
/* Nothing that hlrec opens is meant for a child. */
static void leave_descriptors(posix_spawn_file_actions_t *actions)
{
    long most = sysconf(_SC_OPEN_MAX);

    (void)actions;
    for (int descriptor = STDERR_FILENO + 1; descriptor < (most > 0 ? most : 1024); descriptor++)
        fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}
#endif

/* A group of its own, so that all it starts can be ended with it, and signals as a fresh program expects them. */
static void set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
}

static int spawn(const struct hl_process *process, int input, int output, int errors, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    /* POSIX leaves both const-less for old programs; neither is changed. */
    char *const *argv = (char *const *)(uintptr_t)process->argv;
    char *const *environment = process->environment == NULL ? environ : (char *const *)(uintptr_t)process->environment;

    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
    if (process->directory != NULL)
        posix_spawn_file_actions_addchdir_np(&actions, process->directory);
    leave_descriptors(&actions);
    set_attributes(&attributes);

    int failure = posix_spawnp(pid, process->argv[0], &actions, &attributes, argv, environment);

    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

static bool is_folder(const char *path)
{
    struct stat about;

    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* Pipe ends above the standard three: one of those numbers would be overwritten while the child's are put in place. */
static bool make_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        if (ends[i] > STDERR_FILENO)
            continue;

        int higher = fcntl(ends[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

        close(ends[i]);
        ends[i] = higher;
    }
    return ends[0] >= 0 && ends[1] >= 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
}

static bool start(struct child *child, struct hl_error **err)
{
    const struct hl_process *process = child->process;
    hl_auto(descriptor) int input = -1;
    int output[2] = {-1, -1}, errors[2] = {-1, -1};

    if (process->directory != NULL && !is_folder(process->directory))
        return hl_fail(err, HL_E_FAILED, "cannot run '%s' in '%s': no such folder", process->argv[0], process->directory);
    if (!open_input(process, &input, err))
        return false;

    bool piped = make_pipe(output) && make_pipe(errors);
    int failure = piped ? spawn(process, input, output[1], errors[1], &child->pid) : errno;

    child->stdout_end = output[0];
    child->stderr_end = errors[0];
    close_end(&output[1]);
    close_end(&errors[1]);
    if (failure == ENOENT) {
        hl_fail(err, HL_E_FAILED, "cannot run '%s': no such program", process->argv[0]);
        return hl_error_hint(err, "install it, or put its folder into PATH");
    }
    if (failure != 0)
        return hl_fail_errno(err, failure, "cannot run '%s'", process->argv[0]);
    return true;
}

/* --- While it runs --- */

static void keep_tail(struct child *child, const char *data, size_t length)
{
    if (length >= DIAGNOSTICS) {
        memcpy(child->tail, data + length - DIAGNOSTICS, DIAGNOSTICS);
        child->tail_length = DIAGNOSTICS;
        return;
    }
    if (child->tail_length + length > DIAGNOSTICS) {
        size_t drop = child->tail_length + length - DIAGNOSTICS;

        memmove(child->tail, child->tail + drop, child->tail_length - drop);
        child->tail_length -= drop;
    }
    memcpy(child->tail + child->tail_length, data, length);
    child->tail_length += length;
}

static void stop(struct child *child, enum stop why)
{
    if (child->stop != RUNNING)
        return;
    child->stop = why;
    child->kill_at_ms = now_ms() + GRACE_MS;
    kill(-child->pid, SIGTERM);
}

static void take_output(struct child *child, const char *data, size_t length)
{
    if (length > child->max_output - child->received) {
        stop(child, TOO_LONG);
        return;
    }
    child->received += length;
    hl_text_append(child->out, data, length);
    if (!hl_text_ok(child->out))
        stop(child, TOO_LONG);
}

/* All that is there now; closes at the end. After a stop the rest is read and dropped, so that nobody hangs in write(). */
static void drain(struct child *child, int *end)
{
    char buffer[READ_SIZE];

    while (*end >= 0) {
        ssize_t got = read(*end, buffer, sizeof(buffer));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            break;
        if (got <= 0)
            close_end(end);
        else if (end == &child->stderr_end)
            keep_tail(child, buffer, (size_t)got);
        else if (child->stop == RUNNING)
            take_output(child, buffer, (size_t)got);
        if (got > 0 && (size_t)got < sizeof(buffer))
            break;
    }
    hl_wipe(buffer, sizeof(buffer));
}

static void look_for_end(struct child *child)
{
    siginfo_t about = {0};

    if (child->ended)
        return;
    if (waitid(P_PID, (id_t)child->pid, &about, WEXITED | WNOHANG | WNOWAIT) == 0 && about.si_pid == child->pid) {
        child->ended = true;
        child->leave_at_ms = now_ms() + LEFTOVER_MS;
    }
}

static void check_limits(struct child *child)
{
    const atomic_int *interrupts = child->process->interrupts;
    int64_t now = now_ms();

    if (!child->ended && child->deadline_ms > 0 && now >= child->deadline_ms)
        stop(child, TIMED_OUT);
    if (!child->ended && interrupts != NULL && *interrupts >= 2)
        stop(child, INTERRUPTED);
    if (child->kill_at_ms > 0 && now >= child->kill_at_ms) {
        kill(-child->pid, SIGKILL);
        child->kill_at_ms = 0;
    }
}

static bool is_done(const struct child *child)
{
    bool silent = child->stdout_end < 0 && child->stderr_end < 0;

    return child->ended && (silent || now_ms() >= child->leave_at_ms);
}

static void watch(struct child *child)
{
    int nap = 1; /* the end of the output is nearly always that of the child: look again at once, then less often */

    while (!is_done(child)) {
        struct pollfd ends[] = {{.fd = child->stdout_end, .events = POLLIN}, {.fd = child->stderr_end, .events = POLLIN}};

        poll(ends, HL_COUNT(ends), child->stdout_end < 0 && child->stderr_end < 0 ? nap : NAP_MS);
        drain(child, &child->stdout_end);
        drain(child, &child->stderr_end);
        look_for_end(child);
        check_limits(child);
        nap = nap < NAP_MS ? nap * 2 : nap;
    }
    /* Who was told to stop leaves no one behind. */
    if (child->stop != RUNNING)
        kill(-child->pid, SIGKILL);
}

/* --- The end --- */

static bool fail_stopped(const struct child *child, struct hl_error **err)
{
    const struct hl_process *process = child->process;
    char duration[32];

    switch (child->stop) {
    case TIMED_OUT:
        hl_format_duration(process->timeout_ms, duration);
        return hl_fail(err, HL_E_TIMEOUT, "'%s' did not end within %s", process->argv[0], duration);
    case TOO_LONG:
        return hl_fail(err, HL_E_FAILED, "'%s' printed more than %zu bytes", process->argv[0], child->max_output);
    case INTERRUPTED:
        return hl_fail(err, HL_E_INTERRUPTED, "'%s' was interrupted", process->argv[0]);
    case RUNNING:
        break;
    }
    return true;
}

static bool reap(struct child *child, int *status, struct hl_error **err)
{
    int state = 0;

    while (waitpid(child->pid, &state, 0) < 0)
        if (errno != EINTR)
            return hl_fail_errno(err, errno, "lost sight of '%s'", child->process->argv[0]);
    if (child->stop != RUNNING)
        return fail_stopped(child, err);
    if (WIFSIGNALED(state))
        return hl_fail(err, HL_E_FAILED, "'%s' was killed by signal %d (%s)", child->process->argv[0], WTERMSIG(state), strsignal(WTERMSIG(state)));
    *status = WEXITSTATUS(state);
    return true;
}

static bool is_forbidden; /* for the whole process, see the header */

void hl_process_forbid(void)
{
    is_forbidden = true;
}

bool hl_process_run(const struct hl_process *process, struct hl_text *out, struct hl_text *diagnostics, int *status, struct hl_error **err)
{
    struct child child = {.process = process, .out = out, .stdout_end = -1, .stderr_end = -1, .pid = -1};

    if (is_forbidden)
        return hl_fail(err, HL_E_REFUSED, "a preview starts no program: '%s' was not run", process->argv[0]);
    child.max_output = process->max_output > 0 ? process->max_output : HL_MAX_OUTPUT;
    child.deadline_ms = process->timeout_ms > 0 ? now_ms() + process->timeout_ms : 0;

    bool fine = start(&child, err);

    if (fine) {
        watch(&child);
        fine = reap(&child, status, err);
    }
    close_end(&child.stdout_end);
    close_end(&child.stderr_end);
    hl_text_append(diagnostics, child.tail, child.tail_length);
    hl_wipe(child.tail, sizeof(child.tail));
    if (!fine)
        hl_text_clear(out); /* half an answer is none, and may be secret */
    return fine;
}
