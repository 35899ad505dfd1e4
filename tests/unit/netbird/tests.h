/* The groups of tests of the NetBird provider. Each returns the number of its failed tests. */
#ifndef HL_TESTS_UNIT_NETBIRD_TESTS_H
#define HL_TESTS_UNIT_NETBIRD_TESTS_H

/* cmocka wants these four before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int hl_test_address(void);
int hl_test_client(void);
int hl_test_mesh(void);
int hl_test_names(void);
int hl_test_object(void);
int hl_test_recover(void);
int hl_test_refresh(void);
int hl_test_renewal(void);

#endif
