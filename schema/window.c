#include "config.h"

#include "schema/window.h"

#include <string.h>
#include <strings.h>

enum { DAYS = 7, DAY_MINUTES = 24 * 60, ALL_DAYS = (1 << DAYS) - 1 };

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

/* -1: no day. */
static int take_day(const char **text)
{
    static const char *const names[DAYS] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

    for (int day = 0; day < DAYS; day++) {
        if (strncasecmp(*text, names[day], 3) == 0) {
            *text += 3;
            return day;
        }
    }
    return -1;
}

static bool take_days(const char **text, unsigned *days)
{
    if (**text == '*') {
        (*text)++;
        *days = ALL_DAYS;
        return true;
    }
    for (;;) {
        const int first = take_day(text);
        int last = first;

        if (first >= 0 && **text == '-') {
            (*text)++;
            last = take_day(text);
        }
        if (first < 0 || last < 0)
            return false;
        for (int day = first; day != last; day = (day + 1) % DAYS)
            *days |= 1U << day;
        *days |= 1U << last;
        if (**text != ',')
            return true;
        (*text)++;
    }
}

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

static bool take_time(const char **text, int *minute)
{
    const char *at = *text;

    if (!is_digit(at[0]) || !is_digit(at[1]) || at[2] != ':' || !is_digit(at[3]) || !is_digit(at[4]))
        return false;

    const int hours = (at[0] - '0') * 10 + at[1] - '0';
    const int minutes = (at[3] - '0') * 10 + at[4] - '0';

    *minute = hours * 60 + minutes;
    *text += 5;
    return minutes < 60 && *minute <= DAY_MINUTES;
}

static bool take_hours(const char **text, struct hl_window *window)
{
    if (**text == '*') {
        (*text)++;
        window->from = 0;
        window->to = DAY_MINUTES;
        return true;
    }
    if (!take_time(text, &window->from) || window->from == DAY_MINUTES || **text != '-')
        return false;
    (*text)++;
    return take_time(text, &window->to) && window->to != window->from;
}

bool hl_window_parse(const char *text, struct hl_window *out)
{
    *out = (struct hl_window){0};
    text = skip_blanks(text);
    if (!take_days(&text, &out->days) || (*text != ' ' && *text != '\t'))
        return false;
    text = skip_blanks(text);
    return take_hours(&text, out) && *skip_blanks(text) == '\0';
}

static bool opens_on(const struct hl_window *window, int weekday)
{
    return (window->days & 1U << ((weekday + DAYS) % DAYS)) != 0;
}

static bool is_open(const struct hl_window *window, int weekday, int minute)
{
    if (window->from < window->to)
        return opens_on(window, weekday) && minute >= window->from && minute < window->to;
    return (opens_on(window, weekday) && minute >= window->from) || (opens_on(window, weekday - 1) && minute < window->to);
}

int hl_window_wait(const struct hl_window *window, int weekday, int minute)
{
    if (is_open(window, weekday, minute))
        return 0;
    for (int day = 0; day < DAYS; day++) {
        if (opens_on(window, weekday + day) && day * DAY_MINUTES + window->from > minute)
            return day * DAY_MINUTES + window->from - minute;
    }
    return DAYS * DAY_MINUTES + window->from - minute; /* only today, and today's is over */
}
