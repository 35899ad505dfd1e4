/* Keys and tokens end: when a new one is due. */
#include "config.h"

#include "reconcile/providers/netbird/netbird.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char not_due[] = "none";

enum { DAY_MS = 24 * 60 * 60 * 1000 };

const char *hl_netbird_renewal(struct hl_arena *arena, const struct hl_run *run, const struct hl_netbird_ending *ending)
{
    if (ending->ended != NULL)
        return ending->ended;
    if (ending->expires_ms == 0)
        return not_due;
    if (ending->expires_ms <= run->now_ms)
        return "expired";
    if (ending->renew_before_ms <= 0 || ending->expires_ms - ending->renew_before_ms > run->now_ms)
        return not_due;

    const time_t second = (time_t)(ending->expires_ms / 1000);
    struct tm day;
    if (gmtime_r(&second, &day) == NULL)
        return not_due;
    return hl_arena_printf(arena, "expires on %04d-%02d-%02d", day.tm_year + 1900, day.tm_mon + 1, day.tm_mday);
}

void hl_netbird_complete_ending(struct hl_value *body)
{
    hl_value_map_put_text(body, "renewal", not_due);
}

void hl_netbird_check_ending(struct hl_check *check, const struct hl_value *body, int64_t fallback_ms)
{
    const struct hl_value *before = hl_value_get(body, "renew_before");
    const struct hl_value *lifetime = hl_value_get(body, "expires_in");
    const int64_t lifetime_ms = hl_value_is(lifetime, HL_INT) ? lifetime->integer : fallback_ms;

    if (!hl_value_is(before, HL_INT) || hl_value_is(lifetime, HL_UNKNOWN))
        return;
    if (lifetime_ms == 0) {
        struct hl_diag *diag = hl_diag_error(check->diags, before->at, "'renew_before' needs 'expires_in': what never ends is never renewed");
        hl_diag_hint(check->diags, diag, "for instance `expires_in: 365d`");
    } else if (before->integer >= lifetime_ms) {
        hl_diag_error(check->diags, before->at, "'renew_before' must be shorter than 'expires_in': each run would make a new one");
    }
}

/* ---- times ---- */

/* Days since 1970 of a date in the Gregorian calendar; years from March on, so that the leap day is the last. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    const int64_t shifted = month > 2 ? year : year - 1;
    const int64_t era = shifted / 400;
    const int64_t of_era = shifted - era * 400;
    const int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* ".5", ".123456789" behind the seconds to milliseconds; *rest is what follows. */
static int64_t fraction_ms(const char *text, const char **rest)
{
    int64_t ms = 0;
    int64_t weight = 100;

    if (*text == '.') {
        for (text++; *text >= '0' && *text <= '9'; text++) {
            ms += (*text - '0') * weight;
            weight /= 10;
        }
    }
    *rest = text;
    return ms;
}

/* "Z", "+02:00"; false for anything else. */
static bool read_offset(const char *text, int64_t *minutes)
{
    int hours = 0;
    int rest = 0;
    int end = 0;

    *minutes = 0;
    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
        return true;
    if ((*text != '+' && *text != '-') || sscanf(text + 1, "%2d:%2d%n", &hours, &rest, &end) != 2 || text[1 + end] != '\0')
        return false;
    if (hours < 0 || hours > 23 || rest < 0 || rest > 59)
        return false;
    *minutes = (*text == '-' ? -1 : 1) * (hours * 60 + rest);
    return true;
}

int64_t hl_netbird_time(const struct hl_value *text)
{
    int year = 0;
    int month = 0;
    int day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    int end = 0;
    int64_t offset = 0;
    const char *rest = NULL;

    if (!hl_value_is(text, HL_TEXT) || strspn(text->text.data, "0123456789") != 4)
        return 0;
    if (sscanf(text->text.data, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second, &end) != 6)
        return 0;
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return 0;
    const int64_t fraction = fraction_ms(text->text.data + end, &rest);
    if (year <= 1 || !read_offset(rest, &offset)) /* Go's zero time is 0001-01-01T00:00:00Z */
        return 0;
    return days_of(year, month, day) * DAY_MS + ((hour * 60 + minute - offset) * 60 + second) * 1000 + fraction;
}
