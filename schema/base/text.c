#include "config.h"

#include "schema/base/text.h"

#include "schema/base/arena.h"
#include "schema/base/crypto.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 128 };

void hl_text_init(struct hl_text *text, size_t maximum)
{
    *text = (struct hl_text)HL_TEXT_INIT(maximum);
}

void hl_text_clear(struct hl_text *text)
{
    if (text->data != NULL)
        hl_wipe(text->data, text->capacity);
    free(text->data);
    hl_text_init(text, text->maximum);
}

void hl_text_reset(struct hl_text *text)
{
    text->length = 0;
    text->overflow = false;
    if (text->data != NULL)
        text->data[0] = '\0';
}

/* Makes room for `more` bytes and the NUL. Not by realloc, which would leave secrets behind in the old place. */
static void reserve(struct hl_text *text, size_t more)
{
    size_t needed = text->length + more + 1;
    size_t capacity = text->capacity > 0 ? text->capacity : FIRST_CAPACITY;

    if (needed <= text->capacity)
        return;
    while (capacity < needed)
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;

    char *larger = hl_alloc(capacity);

    if (text->data != NULL) {
        memcpy(larger, text->data, text->length + 1);
        hl_wipe(text->data, text->capacity);
        free(text->data);
    }
    text->data = larger;
    text->capacity = capacity;
}

void hl_text_append(struct hl_text *text, const char *data, size_t length)
{
    if (text->overflow)
        return;
    if (length > text->maximum - text->length) {
        length = text->maximum - text->length;
        text->overflow = true;
    }
    reserve(text, length);
    if (length > 0)
        memcpy(text->data + text->length, data, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void hl_text_puts(struct hl_text *text, const char *string)
{
    hl_text_append(text, string, strlen(string));
}

void hl_text_putc(struct hl_text *text, char character)
{
    hl_text_append(text, &character, 1);
}

void hl_text_vprintf(struct hl_text *text, const char *format, va_list args)
{
    char small[256];
    va_list again;

    va_copy(again, args);

    int length = vsnprintf(small, sizeof(small), format, args);

    assert(length >= 0);
    if ((size_t)length < sizeof(small)) {
        hl_text_append(text, small, (size_t)length);
    } else {
        hl_auto(heap) char *large = hl_alloc((size_t)length + 1);

        vsnprintf(large, (size_t)length + 1, format, again);
        hl_text_append(text, large, (size_t)length);
        hl_wipe(large, (size_t)length);
    }
    va_end(again);
    hl_wipe(small, sizeof(small));
}

void hl_text_printf(struct hl_text *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    hl_text_vprintf(text, format, args);
    va_end(args);
}

static bool is_continuation(const char *data, size_t length, size_t at)
{
    return at < length && ((unsigned char)data[at] & 0xc0) == 0x80;
}

size_t hl_utf8_decode(const char *data, size_t length, uint32_t *code)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

    if (length == 0)
        return 0;

    unsigned char first = (unsigned char)data[0];
    size_t size = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0;

    if (size == 0)
        return 0;
    *code = size == 1 ? first : first & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if (!is_continuation(data, length, i))
            return 0;
        *code = *code << 6 | ((unsigned char)data[i] & 0x3f);
    }
    if (*code < smallest[size] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
        return 0;
    return size;
}

bool hl_is_deceptive(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x061c || code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2060 && code <= 0x2064) || (code >= 0x2066 && code <= 0x2069) || code == 0x200b || code == 0xad || code == 0xfeff;
}

void hl_text_put_escaped(struct hl_text *text, const char *data, size_t length)
{
    size_t from = 0;

    for (size_t at = 0; at < length;) {
        uint32_t code = 0;
        size_t size = hl_utf8_decode(data + at, length - at, &code);

        if (size > 0 && !hl_is_deceptive(code)) {
            at += size;
            continue;
        }
        hl_text_append(text, data + from, at - from);
        if (size > 1)
            hl_text_printf(text, "\\u{%" PRIx32 "}", code);
        else
            hl_text_printf(text, "\\x%02x", (unsigned)(unsigned char)data[at]);
        at += size > 0 ? size : 1;
        from = at;
    }
    hl_text_append(text, data + from, length - from);
}

bool hl_text_ok(const struct hl_text *text)
{
    return !text->overflow;
}

const char *hl_text_get(const struct hl_text *text)
{
    return text->data == NULL ? "" : text->data;
}

char *hl_text_take(struct hl_text *text)
{
    char *data = text->data == NULL ? hl_strdup("") : text->data;

    hl_text_init(text, text->maximum);
    return data;
}

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

/* Reads the digits at *at and steps behind them; false when there is none or the number is beyond int64. */
static bool read_digits(const char **at, int64_t *out)
{
    if (!is_digit(**at))
        return false;
    *out = 0;
    for (; is_digit(**at); (*at)++)
        if (__builtin_mul_overflow(*out, (int64_t)10, out) || __builtin_add_overflow(*out, (int64_t)(**at - '0'), out))
            return false;
    return true;
}

bool hl_parse_int(const char *string, int64_t minimum, int64_t maximum, int64_t *out)
{
    if (string == NULL)
        return false;

    bool negative = *string == '-';
    int64_t number = 0;

    string += negative ? 1 : 0;
    if (!is_digit(*string))
        return false;
    /* Counts down for negative numbers: the least has no positive counterpart. */
    for (; is_digit(*string); string++) {
        int64_t digit = negative ? -(*string - '0') : *string - '0';

        if (__builtin_mul_overflow(number, (int64_t)10, &number) || __builtin_add_overflow(number, digit, &number))
            return false;
    }
    if (*string != '\0' || number < minimum || number > maximum)
        return false;
    *out = number;
    return true;
}

static const struct unit {
    const char *name;
    int64_t milliseconds;
} units[] = {
    {"w", 604800000}, {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};

/* The unit at *at, which must be smaller than the one before: "1h30m", never "30m1h". */
static const struct unit *read_unit(const char **at, int64_t below)
{
    size_t length = strspn(*at, "abcdefghijklmnopqrstuvwxyz");

    for (size_t i = 0; i < HL_COUNT(units); i++) {
        if (strlen(units[i].name) == length && strncmp(units[i].name, *at, length) == 0) {
            *at += length;
            return units[i].milliseconds < below ? &units[i] : NULL;
        }
    }
    return NULL;
}

/* Adds the decimals at `digits` of a unit; they must come out as whole milliseconds. */
static bool add_decimals(const char *digits, size_t length, int64_t unit, int64_t *total)
{
    int64_t numerator = 0;
    int64_t denominator = 1;

    while (length > 0 && digits[length - 1] == '0')
        length--;
    if (length > 9)
        return false;
    for (size_t i = 0; i < length; i++) {
        numerator = numerator * 10 + (digits[i] - '0');
        denominator *= 10;
    }
    return numerator * unit % denominator == 0 && !__builtin_add_overflow(*total, numerator * unit / denominator, total);
}

bool hl_parse_duration(const char *string, int64_t *milliseconds)
{
    int64_t total = 0;
    int64_t below = INT64_MAX;

    if (hl_is_blank(string))
        return false;
    if (strcmp(string, "0") == 0) {
        *milliseconds = 0;
        return true;
    }
    while (*string != '\0') {
        int64_t whole = 0;
        const char *decimals = string;
        size_t length = 0;

        if (!read_digits(&string, &whole))
            return false;
        if (*string == '.') {
            decimals = string + 1;
            length = strspn(decimals, "0123456789");
            string = decimals + length;
            if (length == 0)
                return false;
        }

        const struct unit *unit = read_unit(&string, below);

        if (unit == NULL || __builtin_mul_overflow(whole, unit->milliseconds, &whole) || __builtin_add_overflow(total, whole, &total) ||
            !add_decimals(decimals, length, unit->milliseconds, &total))
            return false;
        below = unit->milliseconds;
    }
    *milliseconds = total;
    return true;
}

/* Writes with the units whose bits are set in `choice`, each as often as it fits; false when something is left over. */
static bool format_with_units(uint64_t rest, unsigned choice, struct hl_text *out)
{
    for (size_t i = 0; i < HL_COUNT(units); i++) {
        uint64_t unit = (uint64_t)units[i].milliseconds;

        if ((choice >> i & 1) == 0 || rest < unit)
            continue;
        hl_text_printf(out, "%" PRIu64 "%s", rest / unit, units[i].name);
        rest %= unit;
    }
    return rest == 0;
}

/* Neither the greatest nor the smallest unit is always the shortest ("90s", "1w1s"), so all 63 choices are tried; the first of equal
 * length wins, and choices with great units come first ("1d", not "24h" or "1d0h"). */
void hl_format_duration(int64_t milliseconds, char out[32])
{
    uint64_t size = milliseconds < 0 ? 0 - (uint64_t)milliseconds : (uint64_t)milliseconds;
    hl_auto(text) struct hl_text candidate = HL_TEXT_INIT(128);
    size_t shortest = 31;

    snprintf(out, 32, "0s");
    if (size == 0)
        return;
    for (unsigned choice = 1; choice < 1u << HL_COUNT(units); choice++) {
        hl_text_reset(&candidate);
        if (milliseconds < 0)
            hl_text_putc(&candidate, '-');
        if (format_with_units(size, choice, &candidate) && candidate.length < shortest) {
            shortest = candidate.length;
            memcpy(out, candidate.data, shortest + 1);
        }
    }
}

/* The power of 1024 of the suffix, -1 when it is none: "", "b", or one of k m g t p with "b" or "ib" behind. */
static int size_exponent(const char *suffix)
{
    static const char letters[] = "kmgtp";
    char lower[4] = "";
    size_t length = strlen(suffix);

    if (length > 3)
        return -1;
    for (size_t i = 0; i < length; i++)
        lower[i] = suffix[i] >= 'A' && suffix[i] <= 'Z' ? (char)(suffix[i] - 'A' + 'a') : suffix[i];
    if (length == 0 || strcmp(lower, "b") == 0)
        return 0;

    const char *letter = strchr(letters, lower[0]);

    if (letter == NULL || (lower[1] != '\0' && strcmp(lower + 1, "b") != 0 && strcmp(lower + 1, "ib") != 0))
        return -1;
    return (int)(letter - letters) + 1;
}

/* compose takes one blank before the unit, and cuts what is left of a byte: "1.5k" is 1536, "0.3b" is 0. */
bool hl_parse_size(const char *string, int64_t *bytes)
{
    int64_t whole = 0;
    long double fraction = 0;
    long double weight = 1;

    if (string == NULL || !read_digits(&string, &whole))
        return false;
    if (*string == '.') {
        if (!is_digit(string[1]))
            return false;
        for (string++; is_digit(*string); string++) {
            weight /= 10;
            fraction += weight * (long double)(*string - '0');
        }
    }
    if (*string == ' ' && string[1] != '\0')
        string++;

    int exponent = size_exponent(string);

    if (exponent < 0)
        return false;

    int64_t unit = INT64_C(1) << (10 * exponent);

    /* The tiny addition makes up for 0.1 having no exact form, so that 0.1 + ... never falls just below a whole byte. */
    int64_t part = (int64_t)(fraction * (long double)unit + 1e-6L);

    if (__builtin_mul_overflow(whole, unit, &whole) || __builtin_add_overflow(whole, part, &whole))
        return false;
    *bytes = whole;
    return true;
}

void hl_format_real(double real, char out[32])
{
    if (real >= -0x1p63 && real < 0x1p63 && (double)(int64_t)real == real) {
        snprintf(out, 32, "%" PRId64, (int64_t)real);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out, 32, "%.*g", digits, real);
        if (strtod(out, NULL) == real)
            return;
    }
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* One row of the table of distances, from the two before it; returns the least of the row. */
static size_t distance_row(const char *a, const char *b, size_t i, size_t b_length, size_t *const rows[3])
{
    size_t *row = rows[i % 3];
    const size_t *above = rows[(i + 2) % 3];
    const size_t *two_above = rows[(i + 1) % 3];
    size_t best = i;

    row[0] = i;
    for (size_t j = 1; j <= b_length; j++) {
        row[j] = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
        row[j] = least(row[j], least(above[j], row[j - 1]) + 1);
        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
            row[j] = least(row[j], two_above[j - 2] + 1);
        best = least(best, row[j]);
    }
    return best;
}

size_t hl_edit_distance(const char *a, const char *b, size_t limit)
{
    size_t a_length = strlen(a);
    size_t b_length = strlen(b);

    if ((a_length > b_length ? a_length - b_length : b_length - a_length) > limit)
        return limit + 1;

    hl_auto(heap) size_t *memory = hl_alloc(3 * (b_length + 1) * sizeof(*memory));
    size_t *const rows[3] = {memory, memory + b_length + 1, memory + 2 * (b_length + 1)};

    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = j;
    /* A swap reaches back two rows, so only a row well over the limit rules out what follows. */
    for (size_t i = 1; i <= a_length; i++)
        if (distance_row(a, b, i, b_length, rows) > limit + 1)
            return limit + 1;
    return least(rows[a_length % 3][b_length], limit + 1);
}

size_t hl_edit_tolerance(const char *word)
{
    const size_t length = strlen(word);

    return length < 3 ? 0 : length < 9 ? (length + 1) / 3 : 3;
}

bool hl_starts_with(const char *string, const char *prefix)
{
    return strncmp(string, prefix, strlen(prefix)) == 0;
}

bool hl_ends_with(const char *string, const char *suffix)
{
    size_t length = strlen(string);
    size_t tail = strlen(suffix);

    return length >= tail && memcmp(string + length - tail, suffix, tail) == 0;
}
