/* The small parsers; the first byte chooses one. Where a value has two directions, what is written reads back as the same. */
#include "config.h"

#include "tests/fuzz/parsers.h"
#include "tests/fuzz/target.h"

#include "reconcile/providers/docker/container/fields.h"
#include "reconcile/providers/docker/image_name.h"
#include "reconcile/providers/local/dotenv.h"
#include "reconcile/providers/traefik/regexp.h"
#include "reconcile/providers/traefik/rule.h"

#include <assert.h>
#include <string.h>

static void fuzz_rule(struct hl_arena *arena, const char *text, size_t length)
{
    for (int tcp = 0; tcp < 2; tcp++) {
        struct hl_rule rule;
        hl_rule_check(arena, text, length, tcp == 1, &rule);
        for (size_t i = 0; i < rule.count; i++)
            assert(rule.findings[i].message != NULL && rule.findings[i].column >= 1 && rule.findings[i].column <= length + 1);
    }
    const char *joined = hl_rule_join(arena, text, length);
    assert(strpbrk(joined, "\r\n") == NULL);
}

static void fuzz_regexp(struct hl_arena *arena, const char *text, size_t length)
{
    size_t at = 0;

    if (hl_regexp_problem(arena, text, length, &at) != NULL)
        assert(at <= length);
}

/* A value that can be written is read back by all readers it was written for. */
static void fuzz_dotenv_value(struct hl_arena *arena, const char *text, size_t length)
{
    hl_auto(text) struct hl_text written = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    hl_auto(text) struct hl_text again = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    const unsigned readers = length > 0 ? (unsigned)(unsigned char)text[0] % HL_DOTENV_ALL + 1 : HL_DOTENV_ALL;
    struct hl_dotenv_problem problem = {0};

    (void)arena;
    if (!hl_dotenv_encode(&written, readers, text, length, &problem))
        return;
    const bool ok = hl_dotenv_decode(&again, readers, hl_text_get(&written), written.length);
    assert(ok && again.length == length && (length == 0 || memcmp(again.data, text, length) == 0));
    (void)ok;
}

/* Setting a key in any file: found as written; removing it again leaves no trace of it. */
static void fuzz_dotenv_file(struct hl_arena *arena, const char *text, size_t length)
{
    hl_auto(text) struct hl_text set = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    hl_auto(text) struct hl_text without = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    hl_auto(text) struct hl_text guess = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    text = length > 0 ? text : NULL; /* as a file that is not there is handed on */
    const struct hl_dotenv_found before = hl_dotenv_find(text, length, HL_DOTENV_ALL, "KEY");

    (void)arena;
    hl_dotenv_guess(&guess, before.written != NULL ? before.written : "", before.length);
    hl_dotenv_set(&set, text, length, HL_DOTENV_ALL, "KEY", "value");
    const struct hl_dotenv_found found = hl_dotenv_find(hl_text_get(&set), set.length, HL_DOTENV_ALL, "KEY");
    assert(found.times == 1 && found.length == 5 && memcmp(found.written, "value", 5) == 0);
    hl_dotenv_remove(&without, hl_text_get(&set), set.length, HL_DOTENV_ALL, "KEY");
    assert(hl_dotenv_find(hl_text_get(&without), without.length, HL_DOTENV_ALL, "KEY").times == 0);
}

static void fuzz_durations(struct hl_arena *arena, const char *text, size_t length)
{
    int64_t number = 0;
    int64_t again = 0;
    char formatted[32];

    (void)arena;
    (void)length;
    if (hl_parse_duration(text, &number)) {
        hl_format_duration(number, formatted);
        const bool ok = hl_parse_duration(formatted, &again);
        assert(ok && again == number);
        (void)ok;
    }
    (void)hl_parse_size(text, &number);
}

static void fuzz_image_name(struct hl_arena *arena, const char *text, size_t length)
{
    struct hl_image_name name = {0};
    struct hl_image_name again = {0};
    const char *problem = NULL;

    (void)length;
    if (!hl_image_name_parse(arena, text, &name, &problem)) {
        assert(problem != NULL);
        return;
    }
    const char *formatted = hl_image_name_format(arena, &name);
    const bool ok = hl_image_name_parse(arena, formatted, &again, &problem);
    assert(ok && strcmp(hl_image_name_format(arena, &again), formatted) == 0);
    (void)ok;
}

/* Each gives a value or a problem, never both nor neither. */
static void fuzz_short_forms(struct hl_arena *arena, const char *text, size_t length)
{
    static struct hl_value *(*const forms[])(struct hl_arena *, const char *, const char **) = {hl_short_port, hl_short_volume, hl_short_device,
                                                                                                hl_short_ulimit, hl_short_env_file};

    (void)length;
    for (size_t i = 0; i < HL_COUNT(forms); i++) {
        const char *problem = NULL;
        const struct hl_value *value = forms[i](arena, text, &problem);
        assert((value == NULL) == (problem != NULL));
        (void)value;
    }
}

static void fuzz_env_file(struct hl_arena *arena, const char *text, size_t length)
{
    struct hl_value *map = hl_value_map(arena);
    const char *problem = NULL;
    uint32_t line = 0;

    if (!hl_env_file_parse(arena, text, length, map, &problem, &line))
        assert(problem != NULL && line >= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fuzz_parser *const parsers[] = {
        ['r'] = fuzz_rule,        ['x'] = fuzz_regexp,      ['v'] = fuzz_dotenv_value, ['f'] = fuzz_dotenv_file,  ['d'] = fuzz_durations,
        ['i'] = fuzz_image_name,  ['s'] = fuzz_short_forms, ['e'] = fuzz_env_file,     ['p'] = fuzz_planfile,     ['y'] = fuzz_traefik_file,
        ['k'] = fuzz_known_hosts, ['K'] = fuzz_private_key, ['u'] = fuzz_git_url,      ['w'] = fuzz_git_ref,      ['t'] = fuzz_git_path,
        ['h'] = fuzz_refusal,     ['m'] = fuzz_moment,      ['o'] = fuzz_page,         ['S'] = fuzz_sops,         ['a'] = fuzz_authentik_words,
        ['R'] = fuzz_redactor,    ['M'] = fuzz_markdown,    ['D'] = fuzz_diff,         ['c'] = fuzz_comment_mark, ['n'] = fuzz_netbird_address,
        ['P'] = fuzz_pull_stream, ['W'] = fuzz_git_heads,   ['H'] = fuzz_git_refusal,  ['E'] = fuzz_event,        ['L'] = fuzz_docker_config,
    };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    if (size == 0 || data[0] >= HL_COUNT(parsers) || parsers[data[0]] == NULL)
        return 0;
    parsers[data[0]](arena, hl_arena_copy(arena, (const char *)data + 1, size - 1), size - 1);
    return 0;
}
