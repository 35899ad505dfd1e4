/* The groups of tests of the local provider, one per subject. Each returns the number of its failed tests. */
#ifndef HL_TESTS_UNIT_LOCAL_TESTS_H
#define HL_TESTS_UNIT_LOCAL_TESTS_H

/* cmocka wants these four before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int hl_test_dotenv(void);
int hl_test_generate(void);
int hl_test_spec(void);
int hl_test_sops(void);
int hl_test_refresh(void);
int hl_test_verbs(void);

#endif
