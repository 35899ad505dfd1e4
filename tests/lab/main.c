/* hlrec-lab: serves simulated APIs until it is ended. See lab.h, and fault.h for --fault. */
#include "config.h"

#include "tests/lab/authentik/authentik.h"
#include "tests/lab/docker/docker.h"
#include "tests/lab/forge/forge.h"
#include "tests/lab/infisical/infisical.h"
#include "tests/lab/netbird/netbird.h"
#include "tests/lab/openbao/openbao.h"
#include "tests/lab/server.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Each further API is a file of its own and a line here. */
static const struct lab_api *const apis[] = {
    &lab_api_docker, &lab_api_netbird, &lab_api_authentik, &lab_api_infisical, &lab_api_openbao, &lab_api_forge,
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
                           "  --docker-api VERSION   1.41 (default) to 1.44\n"
                           "  --netbird VERSION      of the NetBird server, 0.77.1 by default\n"
                           "  --infisical VERSION    of the Infisical server\n"
                           "  --authentik VERSION    of the Authentik server\n"
                           "  --only API             serve this one alone\n"
                           "  --listen ADDRESS:PORT  of that one; ADDRESS is IPv4 and may be 0.0.0.0, PORT may be 0\n"
                           "  --data DIR             APIs that can keep what they hold keep it here\n";

static int fail_usage(const char *message, const char *what)
{
    fprintf(stderr, "hlrec-lab: %s '%s'\nTry 'hlrec-lab --help'.\n", message, what);
    return 3;
}

static bool decode_version(const char *text, int64_t *minor)
{
    return hl_starts_with(text, "1.") && hl_parse_int(text + 2, 41, 44, minor);
}

static bool is_api(const char *name)
{
    for (size_t i = 0; i < HL_COUNT(apis); i++)
        if (strcmp(apis[i]->name, name) == 0)
            return true;
    return false;
}

/* Digits and dots: "0.66.0". */
static bool is_version(const char *text)
{
    return *text >= '0' && *text <= '9' && strspn(text, "0123456789.") == strlen(text);
}

/* One that stands for nothing but its text; whether it is known. */
static bool take_text(struct lab_options *options, int option, const char *text)
{
    const char **const places[] = {
        ['d'] = &options->directory, ['o'] = &options->log,     ['O'] = &options->only,      ['L'] = &options->listen,
        ['D'] = &options->data,      ['n'] = &options->netbird, ['i'] = &options->infisical, ['k'] = &options->authentik,
    };

    if (option < 0 || (size_t)option >= HL_COUNT(places) || places[option] == NULL)
        return false;
    *places[option] = text;
    return true;
}

/* -1, or the exit status. */
static int check_options(const struct lab_options *options)
{
    const char *const versions[] = {options->netbird, options->infisical, options->authentik};

    for (size_t i = 0; i < HL_COUNT(versions); i++)
        if (versions[i] != NULL && !is_version(versions[i]))
            return fail_usage("not a version:", versions[i]);
    if (options->only != NULL && !is_api(options->only))
        return fail_usage("no such API:", options->only);
    if (options->listen != NULL && options->only == NULL)
        return fail_usage("needs --only:", "--listen");
    return options->directory == NULL ? fail_usage("missing option", "--dir") : -1;
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
        {"netbird", required_argument, NULL, 'n'},
        {"infisical", required_argument, NULL, 'i'},
        {"authentik", required_argument, NULL, 'k'},
        {"only", required_argument, NULL, 'O'},
        {"listen", required_argument, NULL, 'L'},
        {"data", required_argument, NULL, 'D'},
        {NULL, 0, NULL, 0},
    };

    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (option) {
        case 'l':
            if (!hl_parse_int(optarg, 0, 3600000, &options->latency_ms))
                return fail_usage("not a number of milliseconds:", optarg);
            break;
        case 'f':
            faults[options->faults_count++] = optarg;
            break;
        case 'a':
            if (!decode_version(optarg, &options->docker_minor))
                return fail_usage("not a version of the Docker API from 1.41 to 1.44:", optarg);
            break;
        case 'h':
            fputs(help, stdout);
            return 0;
        default:
            if (!take_text(options, option, optarg))
                return 3;
        }
    }
    if (optind < argc)
        return fail_usage("unexpected argument", argv[optind]);
    return check_options(options);
}

/* Absolute, malloc'ed; NULL with a message. */
static char *make_folder(const char *path)
{
    mkdir(path, 0700); /* or it is there */

    char *absolute = realpath(path, NULL);

    if (absolute == NULL)
        perror(path);
    return absolute;
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
    struct lab_options options = {.docker_minor = 41, .netbird = "0.77.1"};
    hl_auto(heap) const char **faults = hl_alloc((size_t)argc * sizeof(*faults));
    sigset_t ends;

    options.faults = faults;

    int status = read_options(argc, argv, &options, faults);

    if (status >= 0)
        return status;

    hl_auto(heap) char *directory = make_folder(options.directory);
    hl_auto(heap) char *data = options.data == NULL ? NULL : make_folder(options.data);

    if (directory == NULL || (data == NULL && options.data != NULL))
        return 1;
    options.directory = directory;
    options.data = data;
    /* Blocked in all threads, so that only sigwait() takes them. */
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    return serve(&options, &ends);
}
