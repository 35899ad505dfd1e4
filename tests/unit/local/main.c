#include "config.h"

#include "tests/unit/local/tests.h"

#include "schema/base/macros.h"

int main(void)
{
    static int (*const groups[])(void) = {
        hl_test_dotenv, hl_test_generate, hl_test_spec, hl_test_sops, hl_test_refresh, hl_test_verbs,
    };
    int failed = 0;

    for (size_t i = 0; i < HL_COUNT(groups); i++)
        failed += groups[i]();
    return failed == 0 ? 0 : 1;
}
