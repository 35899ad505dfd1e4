/* JSON from an API: whatever can be read is written and read again as the same value, in every style. */
#include "config.h"

#include "tests/fuzz/target.h"

#include "schema/base/json.h"

#include <assert.h>

static bool count_element(void *context, struct hl_value *element, struct hl_error **err)
{
    size_t *count = context;

    (void)err;
    assert(element != NULL);
    *count += 1;
    return true;
}

static void check_round_trip(struct hl_arena *arena, const struct hl_value *value, enum hl_json_style style)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_error *error = NULL;
    struct hl_value *again = NULL;

    hl_json_encode(&text, value, style);
    const bool ok = hl_json_decode(arena, hl_text_get(&text), text.length, &again, &error);
    assert(ok && hl_value_equal(value, again));
    if (!ok)
        hl_error_free(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *error = NULL;
    hl_auto(error) struct hl_error *list_error = NULL;
    struct hl_value *value = NULL;
    size_t count = 0;
    const char *text = hl_arena_copy(arena, (const char *)data, size);
    const bool is_list = hl_json_each(text, size, count_element, &count, &list_error);

    if (!hl_json_decode(arena, text, size, &value, &error))
        return 0;
    if (is_list)
        assert(value->type == HL_LIST && hl_value_count(value) == count);
    check_round_trip(arena, value, HL_JSON_COMPACT);
    check_round_trip(arena, value, HL_JSON_PRETTY);
    check_round_trip(arena, value, HL_JSON_CANONICAL);
    return 0;
}
