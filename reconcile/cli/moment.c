#include "config.h"

#include "reconcile/cli/moment.h"

#include <string.h>
#include <time.h>

/* `count` digits; -1 and *at as it was for anything else. */
static int take_digits(const char **at, int count)
{
    int number = 0;

    for (int i = 0; i < count; i++) {
        if ((*at)[i] < '0' || (*at)[i] > '9')
            return -1;
        number = number * 10 + (*at)[i] - '0';
    }
    *at += count;
    return number;
}

static bool take(const char **at, char character)
{
    if (**at != character)
        return false;
    (*at)++;
    return true;
}

static bool take_date(const char **at, struct tm *out)
{
    const int year = take_digits(at, 4);

    if (year < 1970 || !take(at, '-'))
        return false;
    out->tm_year = year - 1900;
    out->tm_mon = take_digits(at, 2) - 1;
    if (out->tm_mon < 0 || out->tm_mon > 11 || !take(at, '-'))
        return false;
    out->tm_mday = take_digits(at, 2);
    return out->tm_mday >= 1 && out->tm_mday <= 31;
}

static bool take_clock(const char **at, struct tm *out)
{
    out->tm_hour = take_digits(at, 2);
    if (out->tm_hour < 0 || out->tm_hour > 23 || !take(at, ':'))
        return false;
    out->tm_min = take_digits(at, 2);
    if (out->tm_min < 0 || out->tm_min > 59)
        return false;
    if (!take(at, ':'))
        return true;
    out->tm_sec = take_digits(at, 2);
    return out->tm_sec >= 0 && out->tm_sec <= 59;
}

/* "Z" or "+HH:MM"; *seconds is how far east. */
static bool take_zone(const char **at, int *seconds)
{
    const int sign = **at == '-' ? -1 : 1;

    *seconds = 0;
    if (take(at, 'Z'))
        return true;
    if (!take(at, '+') && !take(at, '-'))
        return false;

    const int hours = take_digits(at, 2);
    const bool colon = take(at, ':');
    const int minutes = take_digits(at, 2);

    *seconds = sign * (hours * 3600 + minutes * 60);
    return colon && hours >= 0 && hours <= 14 && minutes >= 0 && minutes <= 59;
}

/* mktime makes 3 March of 31 February. */
static bool finish(struct tm when, bool has_zone, int zone_s, int64_t *ms)
{
    const int month = when.tm_mon;
    const int day = when.tm_mday;

    when.tm_isdst = -1;

    const time_t seconds = has_zone ? timegm(&when) : mktime(&when);

    *ms = ((int64_t)seconds - (has_zone ? zone_s : 0)) * 1000;
    return seconds != (time_t)-1 && when.tm_mon == month && when.tm_mday == day;
}

/* The next time that the clock shows this. */
static bool finish_clock(const struct tm *clock, int64_t now_ms, int64_t *ms)
{
    const time_t now = (time_t)(now_ms / 1000);
    struct tm when;

    if (localtime_r(&now, &when) == NULL)
        return false;
    when.tm_hour = clock->tm_hour;
    when.tm_min = clock->tm_min;
    when.tm_sec = clock->tm_sec;
    when.tm_isdst = -1;

    struct tm tomorrow = when;
    time_t seconds = mktime(&when);

    tomorrow.tm_mday++;
    if (seconds != (time_t)-1 && seconds <= now)
        seconds = mktime(&tomorrow);
    *ms = (int64_t)seconds * 1000;
    return seconds != (time_t)-1;
}

bool hl_moment_parse(const char *text, int64_t now_ms, int64_t *ms)
{
    const char *at = text;
    struct tm when = {0};
    int zone_s = 0;

    if (strlen(text) >= 3 && text[2] == ':')
        return take_clock(&at, &when) && *at == '\0' && finish_clock(&when, now_ms, ms);
    if (!take_date(&at, &when))
        return false;
    if (*at == '\0')
        return finish(when, false, 0, ms);
    if ((!take(&at, 'T') && !take(&at, ' ')) || !take_clock(&at, &when))
        return false;
    if (*at == '\0')
        return finish(when, false, 0, ms);
    return take_zone(&at, &zone_s) && *at == '\0' && finish(when, true, zone_s, ms);
}

const char *hl_moment_text(struct hl_arena *arena, int64_t ms)
{
    const time_t seconds = (time_t)(ms / 1000);
    char text[64] = "";
    struct tm when;

    if (localtime_r(&seconds, &when) == NULL || strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %Z", &when) == 0)
        return "a time that cannot be shown";
    return hl_arena_strdup(arena, text);
}
