#include "config.h"

#include "tests/unit/authentik/tests.h"

#include "schema/base/macros.h"

int main(void)
{
    static int (*const groups[])(void) = {hl_test_words, hl_test_mark, hl_test_live};
    int failed = 0;

    for (size_t i = 0; i < HL_COUNT(groups); i++)
        failed += groups[i]();
    return failed == 0 ? 0 : 1;
}
