#include "config.h"

#include "tests/unit/netbird/tests.h"

#include "schema/base/macros.h"

int main(void)
{
    static int (*const groups[])(void) = {
        hl_test_address, hl_test_client, hl_test_mesh, hl_test_names, hl_test_object, hl_test_recover, hl_test_refresh, hl_test_renewal,
    };
    int failed = 0;

    for (size_t i = 0; i < HL_COUNT(groups); i++)
        failed += groups[i]();
    return failed == 0 ? 0 : 1;
}
