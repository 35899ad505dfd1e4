#include "config.h"

#include "reconcile/providers/local/dotenv.h"

#include "tests/unit/local/readers.h"
#include "tests/unit/local/tests.h"
#include "tests/unit/local/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    DOCKER = HL_DOTENV_DOCKER,
    COMPOSE = HL_DOTENV_COMPOSE,
    SYSTEMD = HL_DOTENV_SYSTEMD,
    SH = HL_DOTENV_SH,
    ALL = HL_DOTENV_ALL,
    QUOTING = HL_DOTENV_COMPOSE | HL_DOTENV_SYSTEMD | HL_DOTENV_SH,
};

static void takes_only_portable_names(void **state HL_UNUSED)
{
    static const char *const good[] = {"A", "_", "a1", "NB_API_TOKEN"};
    static const char *const bad[] = {"", "1A", "A-B", "A.B", "A B", "\xc3\xa4"};

    for (size_t i = 0; i < HL_COUNT(good); i++)
        assert_true(hl_dotenv_is_key(good[i]));
    for (size_t i = 0; i < HL_COUNT(bad); i++)
        assert_false(hl_dotenv_is_key(bad[i]));
    assert_false(hl_dotenv_is_key(NULL));
}

/* `written` NULL: refused, and then `reader` is who differs when it stands bare, `quoted` when it stands in quotes. */
static void writes_what_all_readers_take(void **state HL_UNUSED)
{
    static const struct {
        const char *label;
        unsigned readers;
        const char *value, *written, *reader, *quoted;
    } rows[] = {
        {"nothing", ALL, "", "", NULL, NULL},
        {"base64", ALL, "aGVsbG8+/w==", "aGVsbG8+/w==", NULL, NULL},
        {"url", ALL, "https://u:p@h:1/a,b%20^?*[x]{y}!", "https://u:p@h:1/a,b%20^?*[x]{y}!", NULL, NULL},
        {"number sign within", ALL, "a#b", "a#b", NULL, NULL},
        {"letters beyond ASCII", ALL, "\xc3\xa4\xe2\x82\xac", "\xc3\xa4\xe2\x82\xac", NULL, NULL},
        {"dollar", ALL, "a$b", NULL, "docker compose", "docker --env-file"},
        {"dollar, no docker", QUOTING, "a$b", "'a$b'", NULL, NULL},
        {"dollar, docker alone", DOCKER, "a$b", "a$b", NULL, NULL},
        {"dollar, docker and systemd", DOCKER | SYSTEMD, "a$b", "a$b", NULL, NULL},
        {"blank", ALL, "a b", NULL, "sh", "docker --env-file"},
        {"blank, no sh", DOCKER | COMPOSE | SYSTEMD, "a b", "a b", NULL, NULL},
        {"blank at the end", DOCKER | COMPOSE, "a ", NULL, "docker compose", "docker --env-file"},
        {"blank at the end, docker alone", DOCKER, " a ", " a ", NULL, NULL},
        {"no-break space at the end", COMPOSE, "a\xc2\xa0", "'a\xc2\xa0'", NULL, NULL},
        {"comment", COMPOSE, "a #b", "'a #b'", NULL, NULL},
        {"number sign first", COMPOSE, "#b", "'#b'", NULL, NULL},
        {"backslash", COMPOSE, "a\\b", "a\\b", NULL, NULL},
        {"backslash, quoted", QUOTING, "a\\b", "'a\\b'", NULL, NULL},
        {"backslash at the end", QUOTING, "ab\\", NULL, "systemd", "docker compose"},
        {"backslash at the end, no compose", SYSTEMD | SH, "ab\\", "'ab\\'", NULL, NULL},
        {"single quote", QUOTING, "it's", NULL, "sh", "docker compose"},
        {"single quote within", COMPOSE | SYSTEMD, "it's", "it's", NULL, NULL},
        {"single quote at the start", SYSTEMD, "'a", NULL, "systemd", "systemd"},
        {"double quotes", QUOTING, "\"a\"", "'\"a\"'", NULL, NULL},
        {"double quotes, docker alone", DOCKER, "\"a\"", "\"a\"", NULL, NULL},
        {"tilde", SH, "~root", "'~root'", NULL, NULL},
        {"tilde behind a colon", SH, "a:~root", "'a:~root'", NULL, NULL},
        {"tilde within", ALL, "a~b", "a~b", NULL, NULL},
        {"semicolon", SH, "a;b", "'a;b'", NULL, NULL},
        {"backquote", SH, "`id`", "'`id`'", NULL, NULL},
        {"lines", QUOTING, "a\nb\n", "'a\nb\n'", NULL, NULL},
        {"lines, docker", DOCKER | SH, "a\nb", NULL, "docker --env-file", "docker --env-file"},
        {"carriage return", SYSTEMD | SH, "a\rb", "'a\rb'", NULL, NULL},
        {"carriage return, compose", COMPOSE, "a\r\nb", NULL, "docker compose", "docker compose"},
        {"broken UTF-8", ALL, "a\xff", NULL, "every reader", "every reader"},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_OUTPUT);
        struct hl_dotenv_problem problem;
        const bool fine = hl_dotenv_encode(&out, rows[i].readers, rows[i].value, strlen(rows[i].value), &problem);
        if (fine != (rows[i].written != NULL) || (fine && strcmp(hl_text_get(&out), rows[i].written) != 0))
            fail_msg("%s: %s", rows[i].label, fine ? hl_text_get(&out) : "refused");
        if (!fine && (strcmp(problem.bare_reader, rows[i].reader) != 0 || strcmp(problem.quoted_reader, rows[i].quoted) != 0))
            fail_msg("%s: %s %s, %s %s", rows[i].label, problem.bare_reader, problem.bare, problem.quoted_reader, problem.quoted);
    }
}

static void refuses_lines_that_docker_cannot_read(void **state HL_UNUSED)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_OUTPUT);
    hl_auto(heap) char *value = hl_alloc(64 * 1024 + 1);
    struct hl_dotenv_problem problem;

    memset(value, 'x', 64 * 1024);
    assert_false(hl_dotenv_encode(&out, DOCKER, value, 64 * 1024, &problem));
    assert_true(hl_dotenv_encode(&out, SH, value, 64 * 1024, &problem));
}

static void reads_what_all_readers_see(void **state HL_UNUSED)
{
    static const struct {
        const char *label;
        unsigned readers;
        const char *written, *value; /* NULL: they do not agree */
    } rows[] = {
        {"bare", ALL, "abc", "abc"},
        {"nothing", ALL, "", ""},
        {"single quotes", QUOTING, "'a b$c'", "a b$c"},
        {"single quotes, docker", ALL, "'abc'", NULL},
        {"single quotes, docker alone", DOCKER, "'abc'", "'abc'"},
        {"double quotes", QUOTING, "\"a b\"", "a b"},
        {"double quotes with an escape", QUOTING, "\"a\\nb\"", NULL},
        {"double quotes with a dollar", QUOTING, "\"a$b\"", NULL},
        {"half a quote", QUOTING, "'abc", NULL},
        {"a lone quote", QUOTING, "'", NULL},
        {"blank, sh", SH, "a b", NULL},
        {"blank, docker", DOCKER, "a b ", "a b "},
        {"carriage return", DOCKER | COMPOSE, "abc\r", "abc"},
        {"carriage return, sh", SH, "abc\r", NULL},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_OUTPUT);
        const bool fine = hl_dotenv_decode(&out, rows[i].readers, rows[i].written, strlen(rows[i].written));
        if (fine != (rows[i].value != NULL) || (fine && strcmp(hl_text_get(&out), rows[i].value) != 0))
            fail_msg("%s: %s", rows[i].label, fine ? hl_text_get(&out) : "they do not agree");
    }
}

static void guesses_what_a_person_meant(void **state HL_UNUSED)
{
    static const char *const rows[][2] = {{"abc", "abc"}, {" abc \r", "abc"}, {"'a b'", "a b"}, {"\"a b\"", "a b"}, {"'abc", "'abc"}, {"", ""}};

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_OUTPUT);
        hl_dotenv_guess(&out, rows[i][0], strlen(rows[i][0]));
        assert_string_equal(hl_text_get(&out), rows[i][1]);
    }
}

#define HEADER "# Made by hlrec, which keeps its own lines here and leaves all others as they are.\n"

static void changes_its_own_lines_only(void **state HL_UNUSED)
{
    static const struct {
        const char *label;
        unsigned readers;
        const char *before, *written, *after; /* written NULL: the key is removed */
    } rows[] = {
        {"new file", ALL, "", "v", HEADER "K=v\n"},
        {"at the end", ALL, "A=1\n", "v", "A=1\nK=v\n"},
        {"no line end at the end", ALL, "A=1", "v", "A=1\nK=v\n"},
        {"in its place", ALL, "# c\n\nA=1\nK=old\n\nB=2\n", "v", "# c\n\nA=1\nK=v\n\nB=2\n"},
        {"last line without line end", ALL, "A=1\nK=old", "v", "A=1\nK=v\n"},
        {"twice: the last stays", ALL, "K=1\nA=1\nK=2\nB=1\n", "v", "A=1\nK=v\nB=1\n"},
        {"a commented one is none", ALL, "#K=old\n", "v", "#K=old\nK=v\n"},
        {"other keys alike", ALL, "KK=1\nAK=2\nK2=3\nK.=4\n", "v", "KK=1\nAK=2\nK2=3\nK.=4\nK=v\n"},
        {"export and indent stay", ALL, "  export K=old\n", "v", "  export K=v\n"},
        {"exported is not export", ALL, "exportK=1\n", "v", "exportK=1\nK=v\n"},
        {"a bare name is not ours", ALL, "K\n", "v", "K\nK=v\n"},
        {"blank before the equals sign", ALL, "K =1\n", "v", "K =1\nK=v\n"},
        {"foreign CRLF stays", ALL, "A=1\r\nK=old\r\nB=2\r\n", "v", "A=1\r\nK=v\nB=2\r\n"},
        {"several lines in quotes", QUOTING, "K='a\nA=1\nb'\nB=2\n", "v", "K=v\nB=2\n"},
        {"several lines in quotes, docker", ALL, "K='a\nA=1\n", "v", "K=v\nA=1\n"},
        {"within a foreign value", QUOTING, "A=\"x\nK=old\ny\"\n", "v", "A=\"x\nK=old\ny\"\nK=v\n"},
        {"an escaped quote within", QUOTING, "A=\"x\\\"\nK=old\"\nK=1\n", "v", "A=\"x\\\"\nK=old\"\nK=v\n"},
        {"an open quote swallows nothing", QUOTING, "A='x\nK=old\n", "v", "A='x\nK=v\n"},
        {"new value of several lines", QUOTING, "A=1\n", "'a\nb'", "A=1\nK='a\nb'\n"},
        {"binary rubbish stays", ALL, "\x01\xff=\n", "v", "\x01\xff=\nK=v\n"},
        {"remove", ALL, "A=1\nK=old\nB=2\n", NULL, "A=1\nB=2\n"},
        {"remove all", ALL, "K=1\nA=1\nK=2\n", NULL, "A=1\n"},
        {"remove what is not there", ALL, "A=1", NULL, "A=1"},
        {"remove the last", ALL, HEADER "K=1\n", NULL, HEADER},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_OUTPUT);
        const size_t length = strlen(rows[i].before);
        if (rows[i].written != NULL)
            hl_dotenv_set(&out, rows[i].before, length, rows[i].readers, "K", rows[i].written);
        else
            hl_dotenv_remove(&out, rows[i].before, length, rows[i].readers, "K");
        if (strcmp(hl_text_get(&out), rows[i].after) != 0)
            fail_msg("%s: %s", rows[i].label, hl_text_get(&out));
        const struct hl_dotenv_found found = hl_dotenv_find(hl_text_get(&out), out.length, rows[i].readers, "K");
        assert_int_equal(found.times, rows[i].written != NULL ? 1 : 0);
        if (rows[i].written != NULL)
            assert_memory_equal(found.written, rows[i].written, strlen(rows[i].written));
    }
}

static void knows_a_file_that_is_left_empty(void **state HL_UNUSED)
{
    assert_true(hl_dotenv_is_left_empty("", 0));
    assert_true(hl_dotenv_is_left_empty(HEADER, strlen(HEADER)));
    assert_false(hl_dotenv_is_left_empty(HEADER "\n", strlen(HEADER) + 1));
    assert_false(hl_dotenv_is_left_empty("A=1\n", 4));
}

/* ---- against readers ---- */

/* All texts of one to three of these: whatever has a meaning for somebody, and some that has none. */
static const char nasty[] = "ab \t\n\r'\"\\$#~:=;&|<>(){}[]*?!`%/";

struct nasty_values {
    char texts[32 * 1024][4];
    size_t count;
};

static struct nasty_values *all_nasty(void)
{
    struct nasty_values *values = hl_alloc(sizeof *values);
    const size_t letters = sizeof nasty - 1;

    for (size_t a = 0; a < letters; a++) {
        snprintf(values->texts[values->count++], 4, "%c", nasty[a]);
        for (size_t b = 0; b < letters; b++) {
            snprintf(values->texts[values->count++], 4, "%c%c", nasty[a], nasty[b]);
            for (size_t c = 0; c < letters && values->count < HL_COUNT(values->texts); c++)
                snprintf(values->texts[values->count++], 4, "%c%c%c", nasty[a], nasty[b], nasty[c]);
        }
    }
    return values;
}

static const struct {
    unsigned bit;
    const char *name;
    bool (*read)(const char *file, size_t length, const char *key, struct hl_text *out);
} models[] = {{DOCKER, "docker", model_docker}, {COMPOSE, "compose", model_compose}, {SYSTEMD, "systemd", model_systemd}};

static void check_models(unsigned readers, const char *value)
{
    hl_auto(text) struct hl_text written = HL_TEXT_INIT(HL_MAX_OUTPUT);
    hl_auto(text) struct hl_text file = HL_TEXT_INIT(HL_MAX_OUTPUT);
    hl_auto(text) struct hl_text back = HL_TEXT_INIT(HL_MAX_OUTPUT);
    struct hl_dotenv_problem problem;

    if (!hl_dotenv_encode(&written, readers, value, strlen(value), &problem))
        return;
    hl_text_printf(&file, "A=1\nK=%s\nB=2\n", hl_text_get(&written));
    for (size_t i = 0; i < HL_COUNT(models); i++) {
        hl_text_reset(&back);
        if ((readers & models[i].bit) == 0)
            continue;
        if (!models[i].read(hl_text_get(&file), file.length, "K", &back) || strcmp(hl_text_get(&back), value) != 0)
            fail_msg("readers %u: '%s' is written as '%s', and %s reads '%s'", readers, value, hl_text_get(&written), models[i].name, hl_text_get(&back));
    }
    hl_text_reset(&back);
    if (!hl_dotenv_decode(&back, readers, hl_text_get(&written), written.length) || strcmp(hl_text_get(&back), value) != 0)
        fail_msg("readers %u: '%s' is written as '%s' and read back as '%s'", readers, value, hl_text_get(&written), hl_text_get(&back));
}

static void is_read_alike_by_the_models(void **state HL_UNUSED)
{
    hl_auto(heap) struct nasty_values *values = all_nasty();

    for (unsigned readers = 1; readers <= ALL; readers++) {
        const bool thorough = readers == ALL || readers == QUOTING || readers == (DOCKER | COMPOSE);
        for (size_t i = 0; i < values->count; i += thorough ? 1 : 7)
            check_models(readers, values->texts[i]);
    }
}

/* The variables K0, K1, ... of the file all.env, read by a shell; its answer is compared with `expected`, both with a NUL behind each value. */
static void ask_shell(struct world *world, const char *shell, size_t count, const struct hl_text *expected)
{
    static const char script[] = ". ./all.env; i=0; while [ $i -lt %zu ]; do eval \"v=\\$K$i\"; printf \"%%s\\0\" \"$v\"; i=$((i+1)); done";
    hl_auto(text) struct hl_text answer = HL_TEXT_INIT(HL_MAX_OUTPUT);
    const char *command =
        hl_arena_printf(world->arena, "cd '%s' && %s -c '%s' 2>/dev/null", world->folder, shell, hl_arena_printf(world->arena, script, count));
    char buffer[4096];
    size_t got = 0;

    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    while ((got = fread(buffer, 1, sizeof buffer, pipe)) > 0)
        hl_text_append(&answer, buffer, got);
    assert_int_equal(pclose(pipe), 0);
    const size_t shorter = answer.length < expected->length ? answer.length : expected->length;
    for (size_t i = 0, value = 0; i < shorter; i++) {
        if (hl_text_get(&answer)[i] != hl_text_get(expected)[i])
            fail_msg("%s reads K%zu otherwise", shell, value);
        value += hl_text_get(expected)[i] == '\0' ? 1 : 0;
    }
    assert_int_equal(answer.length, expected->length);
}

static void is_read_alike_by_real_shells(void **state)
{
    static const char *const shells[] = {"sh", "dash", "bash", "bash --posix", "busybox sh"};
    struct world *world = *state;
    hl_auto(heap) struct nasty_values *values = all_nasty();
    hl_auto(text) struct hl_text file = HL_TEXT_INIT(HL_MAX_OUTPUT);
    hl_auto(text) struct hl_text expected = HL_TEXT_INIT(HL_MAX_OUTPUT);
    size_t count = 0;

    for (size_t i = 0; i < values->count; i += 3) {
        hl_auto(text) struct hl_text written = HL_TEXT_INIT(HL_MAX_OUTPUT);
        struct hl_dotenv_problem problem;
        const size_t length = strlen(values->texts[i]);
        if (!hl_dotenv_encode(&written, SH, values->texts[i], length, &problem))
            continue;
        hl_text_printf(&file, "K%zu=%s\n", count++, hl_text_get(&written));
        hl_text_append(&expected, values->texts[i], length + 1);
    }
    world_write(world, "all.env", "%s", hl_text_get(&file));
    for (size_t i = 0; i < HL_COUNT(shells); i++) {
        if (system(hl_arena_printf(world->arena, "%s -c : 2>/dev/null", shells[i])) == 0)
            ask_shell(world, shells[i], count, &expected);
    }
}

int hl_test_dotenv(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_only_portable_names),
        cmocka_unit_test(writes_what_all_readers_take),
        cmocka_unit_test(refuses_lines_that_docker_cannot_read),
        cmocka_unit_test(reads_what_all_readers_see),
        cmocka_unit_test(guesses_what_a_person_meant),
        cmocka_unit_test(changes_its_own_lines_only),
        cmocka_unit_test(knows_a_file_that_is_left_empty),
        cmocka_unit_test(is_read_alike_by_the_models),
        cmocka_unit_test_setup_teardown(is_read_alike_by_real_shells, world_setup, world_teardown),
    };

    return cmocka_run_group_tests_name("dotenv", tests, NULL, NULL);
}
