/* hlrec-lab: serves simulated APIs until it is ended. See lab.h, and fault.h for --fault. */
#include "config.h"

#include "tests/lab/docker/docker.h"
#include "tests/lab/server.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Each further API is a file of its own and a line here. */
static const struct lab_api *const apis[] = {
    &lab_api_docker,
};

static const char help[] = "Usage: hlrec-lab --dir DIR [OPTION]...\n"
                           "Serves simulated APIs on loopback and sockets in DIR until SIGTERM or SIGINT.\n"
                           "Writes their addresses to DIR/lab.env, then prints 'ready'.\n"
                           "\n"
                           "  --latency MS           wait before each answer\n"
                           "  --fault 'METHOD PATHGLOB NTH HOW'\n"
                           "                         the NTH matching call ('*': each) goes wrong; HOW is a status,\n"
                           "                         reset, hang, truncate, or after-reset, after-hang, after-STATUS\n"
                           "  --log FILE             a JSON line for each request\n"
                           "  --docker-api VERSION   1.41 (default) to 1.44\n";

static int fail_usage(const char *message, const char *what)
{
    fprintf(stderr, "hlrec-lab: %s '%s'\nTry 'hlrec-lab --help'.\n", message, what);
    return 3;
}

static bool decode_version(const char *text, int64_t *minor)
{
    return hl_starts_with(text, "1.") && hl_parse_int(text + 2, 41, 44, minor);
}

/* -1 to go on, else the exit status. */
static int read_options(int argc, char **argv, struct lab_options *options, const char **faults)
{
    static const struct option names[] = {
        {"dir", required_argument, NULL, 'd'},
        {"latency", required_argument, NULL, 'l'},
        {"fault", required_argument, NULL, 'f'},
        {"log", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {"docker-api", required_argument, NULL, 'a'},
        {NULL, 0, NULL, 0},
    };

    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (option) {
        case 'd':
            options->directory = optarg;
            break;
        case 'l':
            if (!hl_parse_int(optarg, 0, 3600000, &options->latency_ms))
                return fail_usage("not a number of milliseconds:", optarg);
            break;
        case 'f':
            faults[options->faults_count++] = optarg;
            break;
        case 'o':
            options->log = optarg;
            break;
        case 'a':
            if (!decode_version(optarg, &options->docker_minor))
                return fail_usage("not a version of the Docker API from 1.41 to 1.44:", optarg);
            break;
        case 'h':
            fputs(help, stdout);
            return 0;
        default:
            return 3;
        }
    }
    if (optind < argc)
        return fail_usage("unexpected argument", argv[optind]);
    return options->directory == NULL ? fail_usage("missing option", "--dir") : -1;
}

static int serve(const struct lab_options *options, const sigset_t *ends)
{
    struct lab *lab = NULL;
    int signal_number = 0;

    if (!lab_start(options, apis, HL_COUNT(apis), &lab))
        return 1;
    puts("ready");
    fflush(stdout);
    sigwait(ends, &signal_number);
    lab_stop(lab);
    return 0;
}

int main(int argc, char **argv)
{
    struct lab_options options = {.docker_minor = 41};
    hl_auto(heap) const char **faults = hl_alloc((size_t)argc * sizeof(*faults));
    sigset_t ends;

    options.faults = faults;

    int status = read_options(argc, argv, &options, faults);

    if (status >= 0)
        return status;
    mkdir(options.directory, 0700); /* or it is there */

    hl_auto(heap) char *absolute = realpath(options.directory, NULL);

    if (absolute == NULL) {
        perror(options.directory);
        return 1;
    }
    options.directory = absolute;
    /* Blocked in all threads, so that only sigwait() takes them. */
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    return serve(&options, &ends);
}
