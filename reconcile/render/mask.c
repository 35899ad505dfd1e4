#include "config.h"

#include "reconcile/render/render.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static struct hl_value *masked(struct hl_arena *arena, bool for_people)
{
    return for_people ? hl_value_text(arena, HL_REDACTED) : hl_value_null(arena);
}

struct hl_value *hl_render_mask(struct hl_arena *arena, const struct hl_value *value, bool for_people)
{
    struct hl_value *copy;

    if (value == NULL)
        return hl_value_null(arena);
    if (value->sensitive && value->type != HL_NULL)
        return masked(arena, for_people);
    switch (value->type) {
    case HL_LIST:
        copy = hl_value_list(arena);
        for (size_t i = 0; i < hl_value_count(value); i++)
            hl_value_list_add(arena, copy, hl_render_mask(arena, hl_value_item(value, i), for_people));
        return copy;
    case HL_MAP:
        copy = hl_value_map(arena);
        for (size_t i = 0; i < hl_value_count(value); i++)
            hl_value_map_put(copy, hl_value_key(value, i), hl_render_mask(arena, hl_value_at(value, i), for_people));
        return copy;
    case HL_UNKNOWN:
        return for_people ? hl_value_printf(arena, "(known after apply: %s)", value->unknown) : hl_value_null(arena);
    case HL_NULL:
    case HL_BOOL:
    case HL_INT:
    case HL_REAL:
    case HL_TEXT:
    case HL_TYPES:
        break;
    }
    return hl_value_copy(arena, value);
}

static struct tm broken_down(int64_t ms)
{
    const time_t seconds = (time_t)(ms / 1000);
    struct tm parts = {0};

    gmtime_r(&seconds, &parts);
    return parts;
}

void hl_render_time(int64_t ms, char out[HL_TIME_TEXT])
{
    const struct tm parts = broken_down(ms);
    char day[24];

    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out, HL_TIME_TEXT, "%s.%03dZ", day, (int)(ms % 1000));
}

void hl_render_put_time(struct hl_value *map, const char *name, int64_t ms)
{
    char time[HL_TIME_TEXT];

    hl_render_time(ms, time);
    hl_value_map_put_text(map, name, time);
}

void hl_render_time_short(int64_t ms, char out[HL_TIME_TEXT])
{
    const struct tm parts = broken_down(ms);

    strftime(out, HL_TIME_TEXT, "%Y-%m-%d %H:%M:%S", &parts);
}
