#include "config.h"

#include "tests/lab/openbao/openbao.h"

#include "schema/base/crypto.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- What a body may say --- */

const char *openbao_go_type(const struct hl_value *value)
{
    static const char *const names[HL_TYPES] = {
        [HL_NULL] = "nil",
        [HL_BOOL] = "bool",
        [HL_INT] = "json.Number",
        [HL_REAL] = "json.Number",
        [HL_TEXT] = "string",
        [HL_LIST] = "[]interface {}",
        [HL_MAP] = "map[string]interface {}",
        [HL_UNKNOWN] = "nil",
    };

    return names[value->type];
}

static bool fail_type(struct openbao_call *c, const char *name, const char *prefix, const char *wanted, const struct hl_value *value)
{
    return openbao_fail(c, 400, "%serror converting input for field \"%s\": '' expected type '%s', got unconvertible type '%s'", prefix, name, wanted,
                        openbao_go_type(value));
}

bool openbao_take_int(struct openbao_call *c, const struct hl_value *map, const char *name, const char *prefix, int64_t *out, bool *given)
{
    const struct hl_value *value = hl_value_get(map, name);

    *given = value != NULL;
    *out = 0;
    if (hl_value_is_null(value))
        return true;
    if (value->type == HL_INT)
        *out = value->integer;
    else if (value->type == HL_BOOL)
        *out = value->boolean ? 1 : 0;
    else if (value->type != HL_TEXT)
        return fail_type(c, name, prefix, "int", value);
    else if (value->text.length > 0 && !hl_parse_int(value->text.data, INT64_MIN, INT64_MAX, out))
        return openbao_fail(c, 400, "%serror converting input for field \"%s\": '' cannot parse value as 'int': strconv.ParseInt: invalid syntax", prefix,
                            name);
    return true;
}

bool openbao_parse_bool(const char *text, bool *out)
{
    static const char *const words[] = {"0", "f", "F", "false", "FALSE", "False", "1", "t", "T", "true", "TRUE", "True"};

    for (size_t i = 0; i < HL_COUNT(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i >= HL_COUNT(words) / 2;
            return true;
        }
    }
    return false;
}

bool openbao_take_bool(struct openbao_call *c, const struct hl_value *map, const char *name, bool *out, bool *given)
{
    const struct hl_value *value = hl_value_get(map, name);

    *given = value != NULL;
    *out = false;
    if (hl_value_is_null(value))
        return true;
    if (value->type == HL_BOOL)
        *out = value->boolean;
    else if (value->type == HL_INT)
        *out = value->integer != 0;
    else if (value->type != HL_TEXT)
        return fail_type(c, name, "", "bool", value);
    else if (value->text.length > 0 && !openbao_parse_bool(value->text.data, out))
        return openbao_fail(c, 400, "error converting input for field \"%s\": '' cannot parse value as 'bool': strconv.ParseBool: invalid syntax", name);
    return true;
}

/* Seconds as a number or its text, or Go's durations. */
bool openbao_take_ms(struct openbao_call *c, const struct hl_value *map, const char *name, const char *prefix, int64_t *out, bool *given)
{
    enum { MOST_SECONDS = 1000000000 };
    const struct hl_value *value = hl_value_get(map, name);
    int64_t seconds = 0;

    *given = value != NULL;
    *out = 0;
    if (hl_value_is_null(value))
        return true;
    if (value->type != HL_INT && value->type != HL_TEXT)
        return fail_type(c, name, prefix, "time.Duration", value);

    const char *text = value->type == HL_TEXT ? value->text.data : hl_arena_printf(c->arena, "%" PRId64, value->integer);
    bool negative = *text == '-';

    if (*text == '\0')
        return true;
    text += negative ? 1 : 0;
    if (hl_parse_int(text, 0, MOST_SECONDS, &seconds))
        *out = seconds * 1000;
    else if (!hl_parse_duration(text, out))
        return openbao_fail(c, 400, "%serror converting input for field \"%s\": time: invalid duration \"%s\"", prefix, name, text);
    if (negative && *out > 0)
        return openbao_fail(c, 400, "%serror converting input for field \"%s\": cannot provide negative value '-%" PRId64 "'", prefix, name, *out / 1000);
    return true;
}

struct hl_value *openbao_take_words(struct openbao_call *c, const struct hl_value *map, const char *name)
{
    const struct hl_value *value = hl_value_get(map, name);
    struct hl_value *words = hl_value_list(c->arena);

    if (value == NULL)
        return NULL;
    if (value->type == HL_TEXT) {
        for (const char *at = value->text.data; *at != '\0';) {
            size_t length = strcspn(at, ",");

            if (length > 0)
                hl_value_list_add(c->arena, words, hl_value_bytes(c->arena, at, length));
            at += length + (at[length] == ',' ? 1 : 0);
        }
    }
    for (size_t i = 0; value->type == HL_LIST && i < hl_value_count(value); i++) {
        const char *text = hl_value_to_text(c->arena, hl_value_item(value, i));

        if (text != NULL)
            hl_value_list_add(c->arena, words, hl_value_text(c->arena, text));
    }
    return words;
}

/* --- Time --- */

const char *openbao_time(struct hl_arena *arena, int64_t ns)
{
    time_t seconds = (time_t)(ns / 1000000000);
    struct tm utc;
    char date[32] = "";
    char fraction[16] = "";

    if (ns == 0)
        return "";
    gmtime_r(&seconds, &utc);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(fraction, sizeof(fraction), ".%09" PRId64, ns % 1000000000);
    for (char *end = fraction + strlen(fraction); end > fraction && (end[-1] == '0' || end[-1] == '.'); end--)
        end[-1] = '\0';
    return hl_arena_printf(arena, "%s%sZ", date, fraction);
}

const char *openbao_duration(struct hl_arena *arena, int64_t ms)
{
    int64_t hours = ms / 3600000, minutes = ms / 60000 % 60;
    double rest = (double)(ms % 60000) / 1000;

    if (ms > 0 && ms < 1000)
        return hl_arena_printf(arena, "%" PRId64 "ms", ms);
    if (hours > 0)
        return hl_arena_printf(arena, "%" PRId64 "h%" PRId64 "m%gs", hours, minutes, rest);
    if (minutes > 0)
        return hl_arena_printf(arena, "%" PRId64 "m%gs", minutes, rest);
    return hl_arena_printf(arena, "%gs", rest);
}

const char *openbao_short_span(struct hl_arena *arena, int64_t ms)
{
    int64_t seconds = (ms + 500) / 1000;
    const char *text = "";

    if (seconds >= 3600)
        text = hl_arena_printf(arena, "%" PRId64 "h", seconds / 3600);
    if (seconds / 60 % 60 > 0)
        text = hl_arena_printf(arena, "%s%" PRId64 "m", text, seconds / 60 % 60);
    if (seconds % 60 > 0 || *text == '\0')
        text = hl_arena_printf(arena, "%s%" PRId64 "s", text, seconds % 60);
    return text;
}

/* --- Names --- */

const char *openbao_random_text(struct hl_arena *arena, size_t count)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char *text = hl_arena_alloc(arena, count + 1);

    for (size_t i = 0; i < count; i++)
        text[i] = letters[hl_random_below(sizeof(letters) - 1)];
    return text;
}

const char *openbao_accessor(struct hl_arena *arena, const char *type)
{
    unsigned char bytes[4];

    hl_random(bytes, sizeof(bytes));
    return hl_arena_printf(arena, "%s_%s", type, hl_hex_encode(arena, bytes, sizeof(bytes)));
}

int openbao_compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}
