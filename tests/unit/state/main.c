#include "config.h"

#include "tests/unit/state/testing.h"

int main(void)
{
    static int (*const groups[])(void) = {
        hl_test_query, hl_test_seal, hl_test_codec, hl_test_migrate, hl_test_store,   hl_test_connect, hl_test_record, hl_test_journal,
        hl_test_lock,  hl_test_key,  hl_test_rekey, hl_test_kept,    hl_test_history, hl_test_backup,  hl_test_check,
    };
    int failed = 0;

    for (size_t i = 0; i < HL_COUNT(groups); i++)
        failed += groups[i]();
    return failed == 0 ? 0 : 1;
}
