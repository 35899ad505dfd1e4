/* stopwatch LOG COMMAND...: runs it with its output appended to LOG, and prints a line: wall seconds, processor seconds, peak kilobytes, exit status.
 *
 * A program of its own since the kernel counts, as the peak of a process, also the memory of the one that it was forked from. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CANNOT_RUN = 127, MEASURE_FAILED = 3, BY_SIGNAL = 128 };

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static double seconds(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec * 1e-6;
}

static _Noreturn void run(const char *log, char **command)
{
    const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    prctl(PR_SET_PDEATHSIG, SIGKILL); /* who ends the measuring ends what is measured */
    if (null >= 0 && out >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(out, STDERR_FILENO) >= 0)
        execvp(command[0], command);
    perror(command[0]);
    _exit(CANNOT_RUN);
}

int main(int argc, char **argv)
{
    struct rusage usage = {0};
    int status = 0;

    if (argc < 3) {
        fputs("usage: stopwatch LOG COMMAND...\n", stderr);
        return MEASURE_FAILED;
    }

    const double start = now();
    const pid_t child = fork();

    if (child == 0)
        run(argv[1], argv + 2);
    if (child < 0 || wait4(child, &status, 0, &usage) != child) {
        perror("stopwatch");
        return MEASURE_FAILED;
    }
    printf("%.6f %.6f %ld %d\n", now() - start, seconds(&usage.ru_utime) + seconds(&usage.ru_stime), usage.ru_maxrss,
           WIFEXITED(status) ? WEXITSTATUS(status) : BY_SIGNAL + WTERMSIG(status));
    return 0;
}
