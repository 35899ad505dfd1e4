/* The groups of tests of the Docker provider. Each returns the number of its failed tests. */
#ifndef HL_TESTS_UNIT_DOCKER_TESTS_H
#define HL_TESTS_UNIT_DOCKER_TESTS_H

/* cmocka wants these four before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int hl_test_short(void);
int hl_test_fields(void);
int hl_test_body(void);
int hl_test_live(void);
int hl_test_live_network(void);
int hl_test_files(void);
int hl_test_image(void);
int hl_test_mark(void);
int hl_test_network(void);
int hl_test_endpoint(void);

#endif
