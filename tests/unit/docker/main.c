#include "config.h"

#include "tests/unit/docker/tests.h"

#include "schema/base/macros.h"

int main(void)
{
    static int (*const groups[])(void) = {
        hl_test_short, hl_test_fields, hl_test_body, hl_test_live,    hl_test_live_network,
        hl_test_files, hl_test_image,  hl_test_mark, hl_test_network, hl_test_endpoint,
    };
    int failed = 0;

    for (size_t i = 0; i < HL_COUNT(groups); i++)
        failed += groups[i]();
    return failed == 0 ? 0 : 1;
}
