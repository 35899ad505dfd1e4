#include "config.h"

#include "reconcile/render/render.h"
#include "tests/unit/render/tests.h"

#include <string.h>

static void a_chain_becomes_lines(void **state HL_UNUSED)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(65536);
    hl_auto(error) struct hl_error *err = NULL;

    (void)hl_fail(&err, HL_E_CONFLICT, "the name is in use\033[2J");
    (void)hl_error_http(&err, "POST", "http://localhost/containers/create?token=x", 409);
    (void)hl_error_hint(&err, "remove it, or `adopt: true`");
    (void)hl_wrap(&err, "creating container 'web'");
    (void)hl_error_place(&err, "hlrec.yaml", (struct hl_span){12, 3});
    (void)hl_error_address(&err, "container.web");
    hl_render_error(&out, err, (struct hl_look){0});
    assert_string_equal(hl_text_get(&out), "error: container.web: creating container 'web': the name is in use\\x1b[2J\n"
                                           "  at hlrec.yaml:12:3\n"
                                           "  POST http://localhost/containers/create -> 409\n"
                                           "hint: remove it, or `adopt: true`\n");
}

static void findings_end_with_their_number(void **state HL_UNUSED)
{
    static const struct {
        int errors, warnings;
        const char *expected;
    } rows[] = {{1, 0, "1 error, 0 warnings\n"}, {2, 1, "2 errors, 1 warning\n"}, {0, 1, "0 errors, 1 warning\n"}};

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        hl_auto(text) struct hl_text out = HL_TEXT_INIT(65536);
        struct hl_diags diags;

        hl_diags_init(&diags, arena, "a.yaml");
        for (int j = 0; j < rows[i].errors; j++)
            (void)hl_diag_error(&diags, (struct hl_span){1, 1}, "wrong %d", j);
        for (int j = 0; j < rows[i].warnings; j++)
            (void)hl_diag_warning(&diags, (struct hl_span){1, 1}, "odd %d", j);
        hl_render_diags(&out, &diags, "a.yaml", "stack: a\n", (struct hl_look){0});
        assert_true(hl_ends_with(hl_text_get(&out), rows[i].expected));
        hl_text_reset(&out);
        hl_render_diags(&out, &diags, "a.yaml", "stack: a\n", (struct hl_look){.color = true});
        assert_non_null(strstr(hl_text_get(&out), rows[i].errors > 0 ? "\033[31merror: \033[0mwrong" : "\033[33mwarning: \033[0modd"));
    }
}

static const struct CMUnitTest error_text_tests[] = {
    cmocka_unit_test(a_chain_becomes_lines),
    cmocka_unit_test(findings_end_with_their_number),
};

const struct hl_tests hl_tests_error_text = {error_text_tests, HL_COUNT(error_text_tests)};
