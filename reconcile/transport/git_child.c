#include "config.h"

#include "reconcile/transport/git_internal.h"

#include "schema/base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whatever talks to a remote, or walks a history that strangers wrote, does so in a child: libssh2 1.10 waits for ever in a handshake and cannot be told to
 * stop, a resolver may hang, a crafted pack may ask for any amount of memory or crash its reader. A child can be killed, and has limits of its own.
 *
 * It is forked, not executed: it has the open cache and the keys that were read. That is safe because all of git comes before the engine starts its threads;
 * for the same reason the child may use any function, and not only those that are safe after a fork among threads. */

enum {
    NAP_MS = 20,
    STALL_MS = 30 * 1000,            /* nothing moves */
    GRACE_MS = 300,                  /* for who has a time limit of its own, and a better word for it */
    ANSWER_MOST = 1024 * 1024,       /* what comes back is ids and errors */
    MEMORY_MOST = 768 * 1024 * 1024, /* on top of what the parent has: a pack's largest delta has to fit, twice */
    ERRORS_MOST = 16,
};

void hl_git_enter(struct hl_git_progress *progress, enum hl_git_stage stage)
{
    progress->stage = (int)stage;
    progress->ticks++;
}

/* --- In the child --- */

/* Address space that we have already: it counts against the limit. */
static rlim_t memory_in_use(void)
{
    char text[128] = "";
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, text, sizeof(text) - 1);
    long page = sysconf(_SC_PAGESIZE);

    if (file >= 0)
        close(file);
    return length <= 0 || page <= 0 ? 0 : (rlim_t)strtoull(text, NULL, 10) * (rlim_t)page;
}

static void limit_memory(void)
{
    const rlim_t most = memory_in_use() + MEMORY_MOST;
    struct rlimit limits;

    if (getrlimit(RLIMIT_AS, &limits) != 0 || (limits.rlim_cur != RLIM_INFINITY && limits.rlim_cur <= most))
        return;
    limits.rlim_cur = most;
    setrlimit(RLIMIT_AS, &limits);
}

static void settle_in(pid_t parent)
{
    /* Who kills the parent means the child as well. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    /* A Ctrl-C at the terminal reaches all; the parent decides. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    setrlimit(RLIMIT_CORE, &(struct rlimit){.rlim_cur = 0, .rlim_max = 0}); /* it would hold keys */
    limit_memory();
}

static struct hl_value *describe(struct hl_arena *arena, const struct hl_error *error)
{
    struct hl_value *list = hl_value_list(arena);

    for (size_t i = 0; error != NULL && i < ERRORS_MOST; error = error->cause, i++) {
        struct hl_value *node = hl_value_map(arena);

        hl_value_map_put_int(node, "code", (int64_t)error->code);
        hl_value_map_put_text(node, "message", error->message);
        hl_value_map_put_text(node, "hint", error->hint);
        hl_value_map_put_text(node, "http", error->http);
        hl_value_list_add(arena, list, node);
    }
    return list;
}

static void send_all(int pipe, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t put = write(pipe, data, length);

        if (put < 0 && errno != EINTR)
            return;
        data += put > 0 ? put : 0;
        length -= put > 0 ? (size_t)put : 0;
    }
}

HL_NORETURN static void work(struct hl_git *git, const struct hl_git_task *task, struct hl_git_progress *progress, int pipe)
{
    struct hl_arena *arena = hl_arena_new();
    struct hl_value *answer = hl_value_map(arena);
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(ANSWER_MOST);
    struct hl_error *error = NULL;

    if (!task->run(git, task->context, progress, arena, answer, &error))
        hl_value_map_put(answer, "errors", describe(arena, error));
    hl_json_encode(&out, answer, HL_JSON_COMPACT);
    send_all(pipe, hl_text_get(&out), out.length);
    /* Nothing is flushed, freed or synchronised twice: that is the parent's. */
    _exit(0);
}

/* --- In the parent --- */

enum end { BY_ITSELF, AT_DEADLINE, NO_CONNECTION, STALLED, INTERRUPTED };

struct watch {
    struct hl_git *git;
    const struct hl_git_task *task;
    struct hl_git_progress *progress;
    int64_t started_ms, moved_ms;
    unsigned ticks;
};

static enum end look(struct watch *watch)
{
    int64_t now = hl_git_now_ms();
    int stage = watch->progress->stage;

    if (watch->ticks != watch->progress->ticks) {
        watch->ticks = watch->progress->ticks;
        watch->moved_ms = now;
    }
    if (hl_git_is_interrupted(watch->git))
        return INTERRUPTED;
    if (now >= watch->task->deadline_ms + (watch->task->watches_connect ? 0 : GRACE_MS))
        return AT_DEADLINE;
    if (!watch->task->watches_connect)
        return BY_ITSELF;
    if (stage <= HL_GIT_CONNECT && now >= watch->moved_ms + watch->git->connect_timeout_ms)
        return NO_CONNECTION;
    return now >= watch->moved_ms + STALL_MS ? STALLED : BY_ITSELF;
}

/* All that the child says, or why it was not waited for. */
static enum end listen(struct watch *watch, int pipe, struct hl_text *out)
{
    char buffer[4096];

    for (;;) {
        struct pollfd ready = {.fd = pipe, .events = POLLIN};
        enum end end = look(watch);

        if (end != BY_ITSELF)
            return end;
        if (poll(&ready, 1, NAP_MS) <= 0)
            continue;

        ssize_t got = read(pipe, buffer, sizeof(buffer));

        if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
            return BY_ITSELF;
        if (got > 0)
            hl_text_append(out, buffer, (size_t)got);
    }
}

static bool fail_ended(const struct watch *watch, enum end end, struct hl_error **err)
{
    static const char *const doing[] = {
        [HL_GIT_START] = "it was being connected to", [HL_GIT_CONNECT] = "it was being connected to", [HL_GIT_LOGIN] = "logging in",
        [HL_GIT_LIST] = "it was asked for its refs",  [HL_GIT_RECEIVE] = "objects were received",     [HL_GIT_WALK] = "its history was walked",
    };
    const char *shown = watch->git->url.shown;
    /* The memory is shared with a child that reads what strangers wrote. */
    const int number = watch->progress->stage;
    const char *stage = doing[number >= 0 && number < HL_GIT_STAGES ? number : HL_GIT_START];
    char duration[32];

    _Static_assert(HL_COUNT(doing) == HL_GIT_STAGES, "words for each stage");
    switch (end) {
    case INTERRUPTED:
        return hl_fail(err, HL_E_INTERRUPTED, "interrupted while '%s' was being read", shown);
    case NO_CONNECTION:
        hl_format_duration(watch->git->connect_timeout_ms, duration);
        hl_fail(err, HL_E_UNREACHABLE, "cannot reach '%s': no connection within %s", shown, duration);
        return hl_error_hint(err, "is the address right, does an ssh server listen there, and does no firewall swallow the packets?");
    case STALLED:
        hl_format_duration(STALL_MS, duration);
        return hl_fail(err, HL_E_UNREACHABLE, "'%s' fell silent: nothing came for %s while %s", shown, duration, stage);
    case AT_DEADLINE:
    case BY_ITSELF:
        break;
    }
    hl_format_duration(watch->task->deadline_ms - watch->started_ms, duration);
    return hl_fail(err, HL_E_TIMEOUT, "'%s' was not done within %s: it was ended while %s", shown, duration, stage);
}

static bool fail_died(const struct watch *watch, int status, struct hl_error **err)
{
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

    if (number == 0)
        return hl_fail(err, HL_E_FAILED, "reading '%s' ended with status %d and without a word", watch->git->url.shown, WEXITSTATUS(status));
    hl_fail(err, HL_E_FAILED, "reading '%s' was ended by signal %d (%s)", watch->git->url.shown, number, strsignal(number));
    return number == SIGABRT ? hl_error_hint(err, "it may have asked for more memory than it is given: is something in the repository very large?") : false;
}

static void rebuild(const struct hl_value *list, struct hl_error **err)
{
    /* The innermost comes last in the list, and is made first. */
    for (size_t i = hl_value_count(list); i > 0; i--) {
        const struct hl_value *node = hl_value_item(list, i - 1);
        const char *message = hl_value_get_text(node, "message"), *hint = hl_value_get_text(node, "hint"), *http = hl_value_get_text(node, "http");

        int64_t code = hl_value_get_int(node, "code", HL_E_FAILED);

        if (*err == NULL)
            hl_fail(err, code >= 0 && code < HL_E_CODES ? (enum hl_code)code : HL_E_FAILED, "%s", message == NULL ? "" : message);
        else
            hl_wrap(err, "%s", message == NULL ? "" : message);
        if (hint != NULL)
            hl_error_hint(err, "%s", hint);
        if (http != NULL && (*err)->http == NULL)
            (*err)->http = hl_strdup(http);
    }
}

static bool read_answer(const struct watch *watch, const struct hl_text *out, int status, struct hl_arena *arena, struct hl_value **answer, bool *damaged,
                        struct hl_error **err)
{
    struct hl_error *broken = NULL;

    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || out->length == 0)
        return fail_died(watch, status, err);
    if (!hl_json_decode(arena, hl_text_get(out), out->length, answer, &broken)) {
        hl_error_clear(&broken);
        return hl_fail(err, HL_E_FAILED, "reading '%s' gave no sensible answer", watch->git->url.shown);
    }
    *damaged = hl_value_get_bool(*answer, "damaged", false);
    rebuild(hl_value_get(*answer, "errors"), err);
    return *err == NULL;
}

static bool watch_child(struct watch *watch, pid_t child, int pipe, struct hl_arena *arena, struct hl_value **answer, bool *damaged, struct hl_error **err)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(ANSWER_MOST);
    enum end end = listen(watch, pipe, &out);
    int status = 0;

    if (end != BY_ITSELF)
        kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return hl_fail_errno(err, errno, "lost sight of who reads '%s'", watch->git->url.shown);
    return end == BY_ITSELF ? read_answer(watch, &out, status, arena, answer, damaged, err) : fail_ended(watch, end, err);
}

static bool fork_and_watch(struct watch *watch, struct hl_arena *arena, struct hl_value **answer, bool *damaged, struct hl_error **err)
{
    const pid_t parent = getpid();
    int ends[2] = {-1, -1};

    if (pipe2(ends, O_CLOEXEC) != 0)
        return hl_fail_errno(err, errno, "cannot start reading '%s'", watch->git->url.shown);

    const pid_t child = fork();

    if (child == 0) {
        close(ends[0]);
        settle_in(parent);
        work(watch->git, watch->task, watch->progress, ends[1]);
    }

    const int failure = errno;

    close(ends[1]);

    bool fine = child > 0 ? watch_child(watch, child, ends[0], arena, answer, damaged, err)
                          : hl_fail_errno(err, failure, "cannot start reading '%s'", watch->git->url.shown);

    close(ends[0]);
    return fine;
}

bool hl_git_child_run(struct hl_git *git, const struct hl_git_task *task, struct hl_arena *arena, struct hl_value **answer, bool *damaged,
                      struct hl_error **err)
{
    struct hl_git_progress *progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct watch watch = {.git = git, .task = task, .progress = progress, .started_ms = hl_git_now_ms()};

    *damaged = false;
    if (progress == MAP_FAILED)
        return hl_fail_errno(err, errno, "cannot start reading '%s'", git->url.shown);
    progress->stage = HL_GIT_START;
    progress->ticks = 0;
    watch.moved_ms = watch.started_ms;

    bool fine = fork_and_watch(&watch, arena, answer, damaged, err);

    munmap(progress, sizeof(*progress));
    return fine;
}
