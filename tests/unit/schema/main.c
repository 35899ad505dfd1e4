#include "config.h"

#include "tests/unit/schema/tests.h"

#include "schema/base/macros.h"

int main(void)
{
    static int (*const groups[])(void) = {
        hl_test_diag, hl_test_words,     hl_test_reader,    hl_test_reference, hl_test_decode, hl_test_field_format,
        hl_test_spec, hl_test_variables, hl_test_providers, hl_test_graph,     hl_test_later,  hl_test_emit,
    };
    int failed = 0;

    for (size_t i = 0; i < HL_COUNT(groups); i++)
        failed += groups[i]();
    return failed == 0 ? 0 : 1;
}
