/* Growing text with a maximum, and the strict parsers of numbers.
 *
 * The maximum is given at init. Running over it is sticky: what fits is kept, further appends do nothing and hl_text_ok() is
 * false, so that twenty appends need one check at the end. The data is always NUL-terminated; it may hold NULs of its own. */
#ifndef HL_SCHEMA_BASE_TEXT_H
#define HL_SCHEMA_BASE_TEXT_H

#include "schema/base/macros.h"

#include <stdarg.h>

/* All limits of hlrec on sizes from outside, in bytes. */
enum {
    HL_MAX_SPEC = 16 * 1024 * 1024,     /* a spec or variable file; 100,000 resources take 48 MB: see HL_MAX_SPEC_LARGE */
    HL_MAX_TEMPLATE = 4 * 1024 * 1024,  /* a template or secret file */
    HL_MAX_BODY = 256 * 1024 * 1024,    /* an answer of an API */
    HL_MAX_OUTPUT = 16 * 1024 * 1024,   /* what a child process may print */
    HL_MAX_RENDER = 1024 * 1024 * 1024, /* what hlrec prints */
};

struct hl_text {
    char *data; /* never NULL after init's first append; use hl_text_get() for a borrowed C string */
    size_t length;
    size_t capacity;
    size_t maximum;
    bool overflow;
};

#define HL_TEXT_INIT(max)                                                                                                                                      \
    {                                                                                                                                                          \
        .data = NULL, .length = 0, .capacity = 0, .maximum = (size_t)(max), .overflow = false                                                                  \
    }

void hl_text_init(struct hl_text *text, size_t maximum);
/* Wipes and frees; the text can be used again. */
void hl_text_clear(struct hl_text *text);
/* Sets the length to zero, forgets an overflow, keeps the memory. */
void hl_text_reset(struct hl_text *text);
void hl_text_append(struct hl_text *text, const char *data, size_t length);
void hl_text_puts(struct hl_text *text, const char *string);
void hl_text_putc(struct hl_text *text, char character);
void hl_text_printf(struct hl_text *text, const char *format, ...) HL_PRINTF(2, 3);
void hl_text_vprintf(struct hl_text *text, const char *format, va_list args) HL_PRINTF(2, 0);
/* Appends `string` with every control character (C0, DEL, C1, bidi overrides) and broken UTF-8 shown as \xNN or \u{N}; tab and
 * newline too. For what comes from outside and goes to a terminal. */
void hl_text_put_escaped(struct hl_text *text, const char *data, size_t length);
/* Whether nothing was cut. */
bool hl_text_ok(const struct hl_text *text);
/* The text so far, "" when empty; borrowed. */
const char *hl_text_get(const struct hl_text *text);
/* Hands the malloc'ed string over (free with free()) and leaves the text empty. */
char *hl_text_take(struct hl_text *text);

static inline void hl_cleanup_text(struct hl_text *text)
{
    hl_text_clear(text);
}

/* The whole of `string` as a decimal number within [minimum, maximum]; false for anything else (blanks, sign '+', rubbish). */
bool hl_parse_int(const char *string, int64_t minimum, int64_t maximum, int64_t *out);
/* Go-like durations `90s 5m 12h 30d 1m30s 500ms 1.5h`, units ms s m h d w, each once and the greatest first; a bare 0 is allowed.
 * Gives milliseconds; what has no whole number of them is refused. */
bool hl_parse_duration(const char *string, int64_t *milliseconds);
/* The shortest form that hl_parse_duration reads back; at least 32 bytes. */
void hl_format_duration(int64_t milliseconds, char out[32]);
/* `512m 2g 64k 10b 1024`, powers of 1024, an optional b or ib behind (`512mb`, `1gib`), small or capital letters;
 * fractions as compose reads them. */
bool hl_parse_size(const char *string, int64_t *bytes);
/* The shortest decimal form that reads back as the same number; whole numbers within int64 without exponent. Not for NaN. */
void hl_format_real(double real, char out[32]);
/* The number of bytes (1 to 4) of the UTF-8 character that `data` starts with, its code in `code`; 0 when it is broken: overlong,
 * a surrogate, beyond U+10FFFF, cut off. */
size_t hl_utf8_decode(const char *data, size_t length, uint32_t *code);
/* What could move the cursor, change colours or turn the reading direction, and so show something that is not there. */
bool hl_is_deceptive(uint32_t code);
/* Edit distance (a swap of neighbours counts one), at most `limit` + 1; for "did you mean". */
size_t hl_edit_distance(const char *a, const char *b, size_t limit);
/* How far from `word` a name may be and still be meant: a third of the letters, at least one, at most three; a word of two letters has to be equal. */
size_t hl_edit_tolerance(const char *word);
bool hl_starts_with(const char *string, const char *prefix);
bool hl_ends_with(const char *string, const char *suffix);
static inline bool hl_is_blank(const char *string)
{
    return string == NULL || *string == '\0';
}

#endif
