/* The groups of tests of the language floor, one per subject. Each returns the number of its failed tests. */
#ifndef HL_TESTS_UNIT_SCHEMA_TESTS_H
#define HL_TESTS_UNIT_SCHEMA_TESTS_H

/* cmocka wants these four before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int hl_test_diag(void);
int hl_test_words(void);
int hl_test_reader(void);
int hl_test_reference(void);
int hl_test_decode(void);
int hl_test_field_format(void);
int hl_test_spec(void);
int hl_test_variables(void);
int hl_test_providers(void);
int hl_test_graph(void);
int hl_test_later(void);
int hl_test_emit(void);

#endif
