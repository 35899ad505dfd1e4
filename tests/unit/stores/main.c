#include "config.h"

#include "tests/unit/stores/tests.h"

#include "schema/base/macros.h"

int main(void)
{
    static int (*const groups[])(void) = {
        hl_test_value, hl_test_spec, hl_test_infisical, hl_test_infisical_secret, hl_test_openbao, hl_test_openbao_secret,
    };
    int failed = 0;

    for (size_t i = 0; i < HL_COUNT(groups); i++)
        failed += groups[i]();
    return failed == 0 ? 0 : 1;
}
