#include "config.h"

#include "reconcile/transport/git.h"
#include "schema/base/json.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* The git source by itself, for tests/integration/git_test.py:
 *
 *     git_tool [--timeout MS] [--connect-timeout MS] URL CACHE COMMAND [ARGUMENT]... [-- COMMAND [ARGUMENT]...]...
 *
 *     fetch [REF]            merge BASE HEAD [PATH]    signature ID
 *     read ID PATH           descends ID ANCESTOR      hold MS
 *     files ID SPEC PATH     distance BASE HEAD
 *
 * Each command prints a JSON object a line; an ID of '@' is the last one fetched, '@1' the first. The status is 1 when one failed. */

enum { FETCHED_MOST = 16 };

struct tool {
    struct hl_git *git;
    struct hl_arena *arena;
    struct hl_value *out; /* of the current command */
    char fetched[FETCHED_MOST][HL_GIT_ID];
    size_t fetched_count;
    int count;
    char **words; /* of the current command, its name first */
};

static atomic_int signals;
static atomic_int interrupts;

static void on_signal(int number)
{
    (void)number;
    signals++;
    interrupts++;
}

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1000000;
}

static const char *word(const struct tool *tool, int index)
{
    return index < tool->count ? tool->words[index] : NULL;
}

static const char *id(const struct tool *tool, int index)
{
    const char *text = word(tool, index) == NULL ? "" : word(tool, index);
    size_t number = tool->fetched_count;

    if (text[0] != '@')
        return text;
    if (text[1] != '\0')
        number = (size_t)atoi(text + 1);
    return number >= 1 && number <= tool->fetched_count ? tool->fetched[number - 1] : "";
}

static void put_file(struct tool *tool, const char *text, size_t length)
{
    hl_value_map_put_int(tool->out, "length", (int64_t)length);
    hl_value_map_put(tool->out, "text", hl_value_bytes(tool->arena, text, length < 4096 ? length : 4096));
}

/* --- Commands --- */

static bool fetch(struct tool *tool, struct hl_error **err)
{
    char *out = tool->fetched[tool->fetched_count % FETCHED_MOST];

    if (!hl_git_fetch(tool->git, word(tool, 1), out, err))
        return false;
    tool->fetched_count++;
    hl_value_map_put(tool->out, "id", hl_value_text(tool->arena, out));
    return true;
}

static bool read_file(struct tool *tool, struct hl_error **err)
{
    struct hl_git_tree *tree = NULL;
    const char *text = NULL;
    size_t length = 0;

    if (!hl_git_tree(tool->git, id(tool, 1), &tree, err) || !hl_git_read(tree, tool->arena, word(tool, 2), &text, &length, err))
        return false;
    put_file(tool, text, length);
    return true;
}

static bool read_beside(struct tool *tool, struct hl_error **err)
{
    struct hl_git_tree *tree = NULL;
    const char *text = NULL;
    size_t length = 0;

    if (!hl_git_tree(tool->git, id(tool, 1), &tree, err))
        return false;

    struct hl_files files = hl_git_files(tree, word(tool, 2));

    if (!files.read(files.context, tool->arena, word(tool, 3), &text, &length, err))
        return false;
    put_file(tool, text, length);
    return true;
}

static bool merge(struct tool *tool, struct hl_error **err)
{
    struct hl_git_tree *tree = NULL;
    const char *text = NULL;
    size_t length = 0;
    bool conflicts = false;

    if (!hl_git_merge(tool->git, id(tool, 1), id(tool, 2), &tree, &conflicts, err))
        return false;
    hl_value_map_put_bool(tool->out, "conflicts", conflicts);
    if (word(tool, 3) == NULL)
        return true;
    if (!hl_git_read(tree, tool->arena, word(tool, 3), &text, &length, err))
        return false;
    put_file(tool, text, length);
    return true;
}

static bool descends(struct tool *tool, struct hl_error **err)
{
    bool result = false;

    if (!hl_git_descends(tool->git, id(tool, 1), id(tool, 2), &result, err))
        return false;
    hl_value_map_put_bool(tool->out, "descends", result);
    return true;
}

static bool distance(struct tool *tool, struct hl_error **err)
{
    size_t ahead = 0, behind = 0;

    if (!hl_git_distance(tool->git, id(tool, 1), id(tool, 2), &ahead, &behind, err))
        return false;
    hl_value_map_put_int(tool->out, "ahead", (int64_t)ahead);
    hl_value_map_put_int(tool->out, "behind", (int64_t)behind);
    return true;
}

static bool signature(struct tool *tool, struct hl_error **err)
{
    const char *text = NULL, *data = NULL;
    size_t length = 0;

    if (!hl_git_signature(tool->git, id(tool, 1), tool->arena, &text, &data, &length, err))
        return false;
    hl_value_map_put_text(tool->out, "signature", text);
    if (text != NULL)
        hl_value_map_put(tool->out, "data", hl_value_bytes(tool->arena, data, length));
    return true;
}

static bool hold(struct tool *tool, struct hl_error **err)
{
    long ms = atol(word(tool, 1) == NULL ? "0" : word(tool, 1));

    (void)err;
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000}, NULL);
    return true;
}

static const struct command {
    const char *name;
    int words; /* at least, its name included */
    bool (*run)(struct tool *tool, struct hl_error **err);
} commands[] = {
    {"fetch", 1, fetch},       {"read", 3, read_file},    {"files", 4, read_beside},   {"merge", 3, merge},
    {"descends", 3, descends}, {"distance", 3, distance}, {"signature", 2, signature}, {"hold", 2, hold},
};

/* --- Output --- */

static void put_error(struct tool *tool, const struct hl_error *error)
{
    hl_auto(heap) char *text = hl_error_text(error);

    hl_value_map_put_text(tool->out, "code", hl_code_name(error->code));
    hl_value_map_put(tool->out, "error", hl_value_text(tool->arena, text));
    for (; error != NULL; error = error->cause) {
        hl_value_map_put_text(tool->out, "hint", error->hint);
        hl_value_map_put_text(tool->out, "http", error->http);
    }
}

static void print(struct tool *tool)
{
    hl_auto(text) struct hl_text line = HL_TEXT_INIT(HL_MAX_OUTPUT);
    struct rusage own = {0}, children = {0};

    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &children);
    hl_value_map_put_int(tool->out, "rss_kb", own.ru_maxrss);
    hl_value_map_put_int(tool->out, "child_rss_kb", children.ru_maxrss);
    hl_json_encode(&line, tool->out, HL_JSON_COMPACT);
    puts(hl_text_get(&line));
    fflush(stdout);
}

static bool report(struct tool *tool, const char *name, double started, bool fine, struct hl_error *error)
{
    hl_value_map_put_text(tool->out, "command", name);
    hl_value_map_put_bool(tool->out, "ok", fine);
    hl_value_map_put_int(tool->out, "ms", (int64_t)(now_ms() - started));
    if (error != NULL)
        put_error(tool, error);
    print(tool);
    return fine;
}

static bool run_command(struct tool *tool)
{
    double started = now_ms();
    hl_auto(error) struct hl_error *error = NULL;

    tool->out = hl_value_map(tool->arena);
    for (size_t i = 0; i < HL_COUNT(commands); i++)
        if (tool->count >= commands[i].words && strcmp(commands[i].name, tool->words[0]) == 0) {
            bool fine = commands[i].run(tool, &error);

            return report(tool, commands[i].name, started, fine, error);
        }
    fprintf(stderr, "git_tool: no such command, or too few words: %s\n", tool->count > 0 ? tool->words[0] : "");
    exit(2);
}

static bool run_all(struct tool *tool, int count, char **words)
{
    bool fine = true;

    while (count > 0) {
        int length = 0;

        while (length < count && strcmp(words[length], "--") != 0)
            length++;
        tool->words = words;
        tool->count = length;
        fine = run_command(tool) && fine;
        length += length < count;
        words += length;
        count -= length;
    }
    return fine;
}

int main(int argc, char **argv)
{
    extern char **environ;
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *error = NULL;
    struct hl_redactor *redactor = hl_redactor_new();
    struct hl_git_options options = {.environment = (const char *const *)environ, .interrupts = &interrupts, .redactor = redactor};
    struct tool tool = {.arena = arena, .out = hl_value_map(arena)};
    double started = now_ms();
    int at = 1;

    for (; at + 1 < argc && hl_starts_with(argv[at], "--"); at += 2)
        *(strcmp(argv[at], "--timeout") == 0 ? &options.timeout_ms : &options.connect_timeout_ms) = atol(argv[at + 1]);
    if (argc - at < 3) {
        fprintf(stderr, "usage: git_tool [--timeout MS] [--connect-timeout MS] URL CACHE COMMAND...\n");
        return 2;
    }
    signal(SIGINT, on_signal);
    options.url = argv[at];
    options.cache = argv[at + 1];

    bool fine = hl_git_open(&options, &tool.git, &error);

    fine = fine ? run_all(&tool, argc - at - 2, argv + at + 2) : report(&tool, "open", started, false, error);
    hl_git_close(tool.git);
    hl_redactor_free(redactor);
    return fine ? 0 : 1;
}
