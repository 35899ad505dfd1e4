/* The groups of tests of the authentik provider. Each returns the number of its failed tests. */
#ifndef HL_TESTS_UNIT_AUTHENTIK_TESTS_H
#define HL_TESTS_UNIT_AUTHENTIK_TESTS_H

/* cmocka wants these four before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int hl_test_words(void);
int hl_test_mark(void);
int hl_test_live(void);

#endif
