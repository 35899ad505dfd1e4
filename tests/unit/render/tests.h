/* The groups of tests of the renderer, one per module. Each returns the number of its failed tests. */
#ifndef HL_TESTS_UNIT_RENDER_TESTS_H
#define HL_TESTS_UNIT_RENDER_TESTS_H

/* cmocka wants these four before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int hl_test_layout(void);
int hl_test_unified(void);
int hl_test_change(void);
int hl_test_markdown(void);
int hl_test_human(void);
int hl_test_json_plan(void);
int hl_test_error_text(void);

#endif
