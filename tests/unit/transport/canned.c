#include "config.h"

#include "tests/unit/transport/canned.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void check(bool fine, const char *what)
{
    if (fine)
        return;
    perror(what);
    abort();
}

static int listen_tcp(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    check(descriptor >= 0 && bind(descriptor, (struct sockaddr *)&address, length) == 0, "bind");
    check(getsockname(descriptor, (struct sockaddr *)&address, &length) == 0, "getsockname");
    *port = ntohs(address.sin_port);
    return descriptor;
}

static int listen_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    check(descriptor >= 0 && bind(descriptor, (struct sockaddr *)&address, sizeof(address)) == 0, "bind");
    return descriptor;
}

static size_t body_length(const char *request)
{
    const char *field = strcasestr(request, "\r\nContent-Length:");

    return field == NULL ? 0 : (size_t)strtoul(field + 17, NULL, 10);
}

/* One whole request; false at the end of the connection. */
static bool read_request(int connection, char *request)
{
    size_t length = 0;

    memset(request, 0, CANNED_SIZE);
    while (length < CANNED_SIZE - 1) {
        ssize_t got = read(connection, request + length, CANNED_SIZE - 1 - length);

        if (got <= 0)
            return false;
        length += (size_t)got;

        const char *end = strstr(request, "\r\n\r\n");

        if (end != NULL && length >= (size_t)(end + 4 - request) + body_length(request))
            return true;
    }
    return true;
}

static void cut(int connection)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    setsockopt(connection, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static void serve_connection(int connection, const struct canned_answer *answers, size_t count, struct canned_log *log)
{
    static const struct canned_answer none = {"HTTP/1.1 500 No more\r\nContent-Length: 0\r\n\r\n", CANNED_CLOSE, 0};

    for (;;) {
        size_t number = (size_t)log->count;

        if (number >= CANNED_REQUESTS || !read_request(connection, log->requests[number]))
            return;
        log->count = (int)number + 1;

        const struct canned_answer *answer = number < count ? &answers[number] : &none;

        nanosleep(&(struct timespec){answer->delay_ms / 1000, answer->delay_ms % 1000 * 1000000L}, NULL);
        if (answer->raw != NULL && send(connection, answer->raw, strlen(answer->raw), MSG_NOSIGNAL) < 0)
            return;
        if (answer->end == CANNED_RESET)
            cut(connection);
        if (answer->end != CANNED_KEEP)
            return;
    }
}

static void serve(int listener, const struct canned_answer *answers, struct canned_log *log)
{
    size_t count = 0;

    while (answers[count].raw != NULL || answers[count].end != CANNED_KEEP)
        count++;
    for (;;) {
        int connection = accept(listener, NULL, NULL);

        if (connection < 0)
            _exit(1);
        log->connections++;
        serve_connection(connection, answers, count, log);
        close(connection);
    }
}

void canned_start(struct canned *server, const struct canned_answer *answers, const char *socket_path)
{
    int listener = -1;

    *server = (struct canned){0};
    server->log = mmap(NULL, sizeof(*server->log), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(server->log != MAP_FAILED, "mmap");
    listener = socket_path == NULL ? listen_tcp(&server->port) : listen_unix(socket_path);
    check(listen(listener, 16) == 0, "listen");
    server->pid = fork();
    check(server->pid >= 0, "fork");
    if (server->pid == 0) {
        /* A test that fails does not get to stop its server. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(listener, answers, server->log);
    }
    close(listener);
}

void canned_stop(struct canned *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    munmap(server->log, sizeof(*server->log));
}
