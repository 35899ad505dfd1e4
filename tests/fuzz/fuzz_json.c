/* JSON from an API: whatever can be read is written, read and written again as the same text, in every style. */
#include "config.h"

#include "tests/fuzz/target.h"

#include "schema/base/json.h"

#include <assert.h>
#include <string.h>

static bool count_element(void *context, struct hl_value *element, struct hl_error **err)
{
    size_t *count = context;

    (void)err;
    assert(element != NULL);
    *count += 1;
    return true;
}

/* Bytes that are no UTF-8 are written as the replacement character, and two keys may become one: for them there is no way back. */
static bool is_utf8(const char *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        uint32_t code = 0;
        const size_t size = hl_utf8_decode(text + at, length - at, &code);
        if (size == 0)
            return false;
        at += size;
    }
    return true;
}

/* Texts are compared and not values: what is beyond a double's range is written as null. */
static void check_round_trip(struct hl_arena *arena, const struct hl_value *value, enum hl_json_style style)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(text) struct hl_text second = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(error) struct hl_error *error = NULL;
    struct hl_value *again = NULL;

    hl_json_encode(&text, value, style);
    const bool ok = hl_json_decode(arena, hl_text_get(&text), text.length, &again, &error);
    assert(ok);
    hl_json_encode(&second, again, style);
    assert(ok && strcmp(hl_text_get(&text), hl_text_get(&second)) == 0);
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
    if (!is_utf8(text, size))
        return 0;
    check_round_trip(arena, value, HL_JSON_COMPACT);
    check_round_trip(arena, value, HL_JSON_PRETTY);
    check_round_trip(arena, value, HL_JSON_CANONICAL);
    return 0;
}
