/* The groups of tests of the stores, one per subject. Each returns the number of its failed tests. */
#ifndef HL_TESTS_UNIT_STORES_TESTS_H
#define HL_TESTS_UNIT_STORES_TESTS_H

/* cmocka wants these four before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int hl_test_value(void);
int hl_test_spec(void);
int hl_test_infisical(void);
int hl_test_infisical_secret(void);
int hl_test_openbao(void);
int hl_test_openbao_secret(void);

#endif
