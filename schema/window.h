/* Times of the week in which drift may be corrected (`settings.window`): "Mon-Fri 22:00-06:00", "Sat,Sun *". */
#ifndef HL_SCHEMA_WINDOW_H
#define HL_SCHEMA_WINDOW_H

#include "schema/base/macros.h"

struct hl_window {
    unsigned days; /* on which it opens; bit 0 is Sunday, as in struct tm */
    int from, to;  /* minutes since midnight; `to` is less than `from` when it ends on the next day, and 24 * 60 for the day's end */
};

/* Days: names of three letters in any case, ranges (also over the week's end: Fri-Mon), lists with commas, or `*`; then blanks; then HH:MM-HH:MM or `*`. A
 * window without length ("10:00-10:00") is refused. */
bool hl_window_parse(const char *text, struct hl_window *out);
/* Minutes from that minute of the week until the window is open: 0 when it is. `weekday` as in struct tm. */
int hl_window_wait(const struct hl_window *window, int weekday, int minute);

#endif
