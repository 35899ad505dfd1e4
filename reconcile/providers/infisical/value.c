#include "config.h"

#include "reconcile/providers/infisical/session.h"

#include <string.h>

/* What String.prototype.trim() takes away: ECMAScript's white space and line terminators. */
static bool is_white(uint32_t code)
{
    static const uint32_t others[] = {0x20, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff};

    if ((code >= 0x09 && code <= 0x0d) || (code >= 0x2000 && code <= 0x200a))
        return true;
    for (size_t i = 0; i < HL_COUNT(others); i++) {
        if (code == others[i])
            return true;
    }
    return false;
}

bool hl_infisical_keeps(const char *data, size_t length)
{
    size_t end = 0; /* behind the last character that stays */
    uint32_t code = 0;

    for (size_t at = 0, step = 0; at < length; at += step) {
        step = hl_utf8_decode(data + at, length - at, &code);
        if (step == 0)
            return false;
        if (!is_white(code))
            end = at + step;
        else if (end == 0 && length > 1)
            return false; /* white space before the first */
    }
    const bool line_end = length > 0 && data[length - 1] == '\n';
    return end + (line_end ? 1 : 0) == length;
}

/* The versions differ in what they take between the braces; this is the widest. */
bool hl_infisical_has_reference(const char *data, size_t length)
{
    for (size_t at = 0; at + 3 < length; at++) {
        if (data[at] != '$' || data[at + 1] != '{' || data[at + 2] == '}')
            continue;
        if (memchr(data + at + 2, '}', length - at - 2) != NULL)
            return true;
    }
    return false;
}
