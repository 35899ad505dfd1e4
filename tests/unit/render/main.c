#include "config.h"

#include "tests/unit/render/tests.h"

#include "schema/base/macros.h"

#include <locale.h>

int main(void)
{
    static int (*const groups[])(void) = {
        hl_test_layout, hl_test_unified, hl_test_change, hl_test_markdown, hl_test_human, hl_test_json_plan, hl_test_error_text,
    };
    int failed = 0;

    /* As hlrec does: widths are those of UTF-8. */
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    for (size_t i = 0; i < HL_COUNT(groups); i++)
        failed += groups[i]();
    return failed == 0 ? 0 : 1;
}
