/* What the unit tests of this floor share. */
#ifndef HL_TESTS_UNIT_TRANSPORT_TESTING_H
#define HL_TESTS_UNIT_TRANSPORT_TESTING_H

/* cmocka wants these four before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "schema/base/error.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline int64_t milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Shows the text when it is not the one. */
static inline void assert_contains(const char *text, const char *part)
{
    if (text == NULL || strstr(text, part) == NULL)
        fail_msg("'%s' does not contain '%s'", text == NULL ? "(null)" : text, part);
}

/* The failure's code, and a part of its text; forgets it. */
static inline void assert_failure(struct hl_error **err, enum hl_code code, const char *part)
{
    assert_non_null(*err);
    assert_string_equal(hl_code_name((*err)->code), hl_code_name(code));

    char *text = hl_error_text(*err);

    assert_contains(text, part);
    free(text);
    hl_error_clear(err);
}

#endif
