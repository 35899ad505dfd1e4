#include "config.h"

#include "tests/unit/render/tests.h"

#include "schema/base/macros.h"

#include <assert.h>
#include <locale.h>

enum { TESTS_MAXIMUM = 64 };

int main(void)
{
    static const struct hl_tests *const modules[] = {
        &hl_tests_layout,   &hl_tests_unified, &hl_tests_change,    &hl_tests_markdown_text,
        &hl_tests_markdown, &hl_tests_human,   &hl_tests_json_plan, &hl_tests_error_text,
    };
    static struct CMUnitTest all[TESTS_MAXIMUM]; /* cmocka passes over empty rows */
    size_t count = 0;

    /* As hlrec does: widths are those of UTF-8. */
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    for (size_t i = 0; i < HL_COUNT(modules); i++) {
        for (size_t j = 0; j < modules[i]->count; j++) {
            assert(count < TESTS_MAXIMUM);
            all[count++] = modules[i]->items[j];
        }
    }
    return cmocka_run_group_tests_name("render", all, NULL, NULL);
}
