/* How libFuzzer changes an input: as bytes, or, where there is JSON in it, as JSON: members go, come twice, change their type, grow, or take the place of
 * others. What lies behind the first check of a type is reached that way. */
#include "config.h"

#include "tests/fuzz/target.h"

#include "schema/base/json.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST = 64 * 1024, DEEPEST = 40 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

struct chance {
    uint32_t state;
};

static uint32_t below(struct chance *chance, size_t limit)
{
    chance->state = chance->state * 1664525u + 1013904223u;
    return limit > 0 ? (chance->state >> 8) % (uint32_t)limit : 0;
}

static struct hl_value *surprise(struct hl_arena *arena, struct chance *chance)
{
    static const char *const texts[] = {
        "", "0", "-1", "null", "..", "../..", "a/b", "\x1b[2J", "\xe2\x80\xae", "a\nb: c", "${secret.X}", "http://x/%00", "id", "9999-99-99T99:99:99Z"};
    static const int64_t numbers[] = {0, 1, -1, INT32_MAX, INT32_MIN, UINT32_MAX, INT64_MAX, INT64_MIN, 1 << 20};
    static const double reals[] = {0.5, -0.0, 1e308, -1e308, 9007199254740993.0, 1e19, 1e-300};
    struct hl_value *nested = NULL;

    switch (below(chance, 8)) {
    case 0:
        return hl_value_null(arena);
    case 1:
        return hl_value_bool(arena, below(chance, 2) == 0);
    case 2:
        return hl_value_int(arena, numbers[below(chance, HL_COUNT(numbers))]);
    case 3:
        return hl_value_real(arena, reals[below(chance, HL_COUNT(reals))]);
    case 4:
        return hl_value_list(arena);
    case 5:
        return hl_value_map(arena);
    case 6:
        nested = hl_value_list(arena);
        hl_value_list_add(arena, nested, surprise(arena, chance));
        return nested;
    default:
        return hl_value_text(arena, texts[below(chance, HL_COUNT(texts))]);
    }
}

static struct hl_value *any_part(struct hl_value *value, struct chance *chance)
{
    for (int depth = 0; depth < DEEPEST && hl_value_count(value) > 0 && below(chance, 4) > 0; depth++) {
        const uint32_t index = below(chance, hl_value_count(value));
        value = hl_value_is(value, HL_MAP) ? hl_value_at(value, index) : hl_value_item(value, index);
    }
    return value;
}

/* A copy of `value` with one place of it changed. */
static struct hl_value *changed(struct hl_arena *arena, struct hl_value *value, struct hl_value *root, struct chance *chance)
{
    const size_t count = hl_value_count(value);
    const uint32_t index = below(chance, count);
    const uint32_t how = below(chance, 8);

    if (count == 0 || how == 0)
        return how < 4 ? surprise(arena, chance) : any_part(root, chance);
    struct hl_value *copy = hl_value_is(value, HL_MAP) ? hl_value_map(arena) : hl_value_list(arena);
    for (size_t i = 0; i < count; i++) {
        const char *key = hl_value_is(value, HL_MAP) ? hl_value_key(value, i) : NULL;
        struct hl_value *item = key != NULL ? hl_value_at(value, i) : hl_value_item(value, i);
        if (i == index && how == 1)
            continue;
        if (i == index)
            item = how == 2 ? any_part(root, chance) : changed(arena, item, root, chance);
        if (key != NULL)
            hl_value_map_put(copy, key, item);
        else
            hl_value_list_add(arena, copy, item);
        if (i == index && how == 3 && key == NULL)
            hl_value_list_add(arena, copy, item);
    }
    return copy;
}

/* The `number`-th line that begins as JSON does. */
static const char *find_line(const char *text, const char *end, uint32_t number)
{
    const char *found = NULL;

    for (const char *line = text; line < end; line++) {
        if (*line == '{' || *line == '[') {
            found = line;
            if (number-- == 0)
                return found;
        }
        line = memchr(line, '\n', (size_t)(end - line));
        if (line == NULL)
            break;
    }
    return found;
}

static size_t mutate_json(struct hl_arena *arena, uint8_t *data, size_t size, size_t most, struct chance *chance)
{
    const char *text = hl_arena_copy(arena, (const char *)data, size);
    const char *line = find_line(text, text + size, below(chance, 64));
    hl_auto(error) struct hl_error *error = NULL;
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(16 * LONGEST);
    struct hl_value *value = NULL;

    if (line == NULL)
        return 0;
    const char *stop = memchr(line, '\n', (size_t)(text + size - line));
    const size_t length = (size_t)((stop != NULL ? stop : text + size) - line);
    if (length > LONGEST || !hl_json_decode(arena, line, length, &value, &error))
        return 0;
    hl_text_append(&out, text, (size_t)(line - text));
    hl_json_encode(&out, changed(arena, value, value, chance), HL_JSON_COMPACT);
    hl_text_append(&out, line + length, (size_t)(text + size - (line + length)));
    if (!hl_text_ok(&out) || out.length > most)
        return 0;
    memcpy(data, hl_text_get(&out), out.length);
    return out.length;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct chance chance = {seed};
    const size_t mutated = below(&chance, 4) > 0 ? mutate_json(arena, data, size, most, &chance) : 0;

    return mutated > 0 ? mutated : LLVMFuzzerMutate(data, size, most);
}
