/* The tests of the renderer, by module. */
#ifndef HL_TESTS_UNIT_RENDER_TESTS_H
#define HL_TESTS_UNIT_RENDER_TESTS_H

/* cmocka wants these four before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* All run as one group: TAP allows one plan for a program. */
struct hl_tests {
    const struct CMUnitTest *items;
    size_t count;
};

extern const struct hl_tests hl_tests_layout;
extern const struct hl_tests hl_tests_unified;
extern const struct hl_tests hl_tests_change;
extern const struct hl_tests hl_tests_markdown;
extern const struct hl_tests hl_tests_markdown_text;
extern const struct hl_tests hl_tests_human;
extern const struct hl_tests hl_tests_json_plan;
extern const struct hl_tests hl_tests_error_text;

#endif
