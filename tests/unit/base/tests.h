/* The groups of tests of the bottom floor, one per module. Each returns the number of its failed tests. */
#ifndef HL_TESTS_UNIT_BASE_TESTS_H
#define HL_TESTS_UNIT_BASE_TESTS_H

/* cmocka wants these four before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int hl_test_arena(void);
int hl_test_text(void);
int hl_test_map(void);
int hl_test_value(void);
int hl_test_json(void);
int hl_test_error(void);
int hl_test_parallel(void);
int hl_test_redact(void);
int hl_test_crypto(void);

#endif
