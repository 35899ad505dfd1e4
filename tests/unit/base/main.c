#include "config.h"

#include "tests/unit/base/tests.h"

#include "schema/base/macros.h"

int main(void)
{
    static int (*const groups[])(void) = {
        hl_test_arena, hl_test_text, hl_test_map, hl_test_value, hl_test_json, hl_test_error, hl_test_parallel, hl_test_redact, hl_test_crypto,
    };
    int failed = 0;

    for (size_t i = 0; i < HL_COUNT(groups); i++)
        failed += groups[i]();
    return failed == 0 ? 0 : 1;
}
