#include "config.h"

#include "schema/base/redact.h"

#include "schema/base/crypto.h"
#include "schema/base/json.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHORTEST = 6,      /* below, a needle would mask innocent text; the first so many bytes are also what the table hashes */
    SHORTEST_LINE = 8, /* of a secret with several lines */
    BUCKETS = 1 << 14,
};

struct needle {
    struct needle *next; /* in the same bucket, longest first */
    size_t length;
    char data[];
};

/* Each needle hangs in the bucket of its first SHORTEST bytes, so one look into the table tells for a place in the text which needles can
 * begin there: nearly always none. */
struct hl_redactor {
    pthread_rwlock_t *lock; /* apart from the struct, so that a const redactor can be locked */
    struct hl_arena *needles;
    struct hl_arena *scratch; /* for one form at a time */
    struct needle *buckets[BUCKETS];
};

struct hl_redactor *hl_redactor_new(void)
{
    struct hl_redactor *redactor = hl_alloc(sizeof(*redactor));

    redactor->lock = hl_alloc(sizeof(*redactor->lock));
    redactor->needles = hl_arena_new();
    redactor->scratch = hl_arena_new();
    pthread_rwlock_init(redactor->lock, NULL);
    return redactor;
}

void hl_redactor_free(struct hl_redactor *redactor)
{
    if (redactor == NULL)
        return;
    hl_arena_free(redactor->needles);
    hl_arena_free(redactor->scratch);
    pthread_rwlock_destroy(redactor->lock);
    free(redactor->lock);
    free(redactor);
}

static size_t bucket_of(const char *data)
{
    uint64_t bytes = 0;

    memcpy(&bytes, data, SHORTEST);
    return (size_t)(bytes * UINT64_C(0x9e3779b97f4a7c15) >> 50);
}
_Static_assert(BUCKETS == 1 << (64 - 50), "the hash gives a number of a bucket");

static void add_needle(struct hl_redactor *redactor, const char *data, size_t length)
{
    if (length < SHORTEST)
        return;

    struct needle **place = &redactor->buckets[bucket_of(data)];

    for (; *place != NULL && (*place)->length >= length; place = &(*place)->next)
        if ((*place)->length == length && memcmp((*place)->data, data, length) == 0)
            return;

    struct needle *needle = hl_arena_alloc(redactor->needles, sizeof(*needle) + length);

    needle->length = length;
    memcpy(needle->data, data, length);
    needle->next = *place;
    *place = needle;
}

/* Base64 takes three bytes at a time, so what a secret looks like within a longer text depends on how many bytes stand before it, modulo
 * three. Characters at the edges that also hold bits of a neighbour are no part of the needle. The form with its end (and padding) is one
 * too, for a secret that ends the encoded text. */
static void add_base64(struct hl_redactor *redactor, enum hl_base64 form, const char *data, size_t length)
{
    static const size_t foreign[] = {0, 2, 3};

    for (size_t before = 0; before < HL_COUNT(foreign); before++) {
        char *shifted = hl_arena_alloc(redactor->scratch, before + length);

        memcpy(shifted + before, data, length);

        const char *encoded = hl_base64_encode(redactor->scratch, form, shifted, before + length);
        const char *start = encoded + foreign[before];
        size_t own = (before + length) * 8 / 6 - foreign[before];

        add_needle(redactor, start, own);
        add_needle(redactor, start, strcspn(start, "="));
        add_needle(redactor, start, strlen(start));
        hl_arena_reset(redactor->scratch);
    }
}

static void add_hex(struct hl_redactor *redactor, const char *data, size_t length)
{
    char *hex = hl_hex_encode(redactor->scratch, data, length);

    add_needle(redactor, hex, 2 * length);
    for (char *at = hex; *at != '\0'; at++)
        if (*at >= 'a')
            *at = (char)(*at - 'a' + 'A');
    add_needle(redactor, hex, 2 * length);
    hl_arena_reset(redactor->scratch);
}

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Written in the same way in a URL (by each of the forms below), in JSON and on a terminal, as most generated secrets are. */
static bool needs_no_escape(const char *data, size_t length)
{
    size_t i = 0;

    while (i < length && (is_alphanumeric(data[i]) || data[i] == '-' || data[i] == '.' || data[i] == '_'))
        i++;
    return i == length;
}

/* How programs write URLs: they agree neither on the letters of hex nor on what needs no escape. */
static const struct url_form {
    const char *hex;
    const char *safe; /* besides letters and digits */
    bool plus_is_blank;
} url_forms[] = {
    {"0123456789ABCDEF", "-._~", false},      {"0123456789abcdef", "-._~", false},
    {"0123456789ABCDEF", "-._~/", false},     {"0123456789ABCDEF", "-._~!$&'()*+,;=:@", false},
    {"0123456789ABCDEF", "-._~!*'()", false}, {"0123456789ABCDEF", "-._~", true},
    {"0123456789ABCDEF", "-._*", true},
};

static void add_url(struct hl_redactor *redactor, const struct url_form *form, const char *data, size_t length)
{
    char *escaped = hl_arena_alloc(redactor->scratch, 3 * length);
    char *end = escaped;

    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)data[i];

        if (is_alphanumeric(data[i]) || (byte != 0 && strchr(form->safe, byte) != NULL)) {
            *end++ = data[i];
        } else if (byte == ' ' && form->plus_is_blank) {
            *end++ = '+';
        } else {
            *end++ = '%';
            *end++ = form->hex[byte >> 4];
            *end++ = form->hex[byte & 15];
        }
    }
    add_needle(redactor, escaped, (size_t)(end - escaped));
    hl_arena_reset(redactor->scratch);
}

/* As hl_json_put_string writes it, and as Go does ("\u003c" for '<') and PHP ("\/"). */
static void add_json(struct hl_redactor *redactor, const char *data, size_t length)
{
    hl_auto(text) struct hl_text json = HL_TEXT_INIT(SIZE_MAX / 2);
    hl_auto(text) struct hl_text go = HL_TEXT_INIT(SIZE_MAX / 2);
    hl_auto(text) struct hl_text php = HL_TEXT_INIT(SIZE_MAX / 2);

    hl_json_put_string(&json, data, length);
    add_needle(redactor, json.data + 1, json.length - 2);
    if (strpbrk(json.data, "<>&/") == NULL)
        return;
    for (size_t i = 1; i + 1 < json.length; i++) {
        char c = json.data[i];

        if (c == '<' || c == '>' || c == '&')
            hl_text_printf(&go, "\\u%04x", (unsigned)c);
        else
            hl_text_putc(&go, c);
        if (c == '/')
            hl_text_putc(&php, '\\');
        hl_text_putc(&php, c);
    }
    add_needle(redactor, hl_text_get(&go), go.length);
    add_needle(redactor, hl_text_get(&php), php.length);
}

/* As a terminal gets to see it. */
static void add_escaped(struct hl_redactor *redactor, const char *data, size_t length)
{
    hl_auto(text) struct hl_text escaped = HL_TEXT_INIT(SIZE_MAX / 2);

    hl_text_put_escaped(&escaped, data, length);
    add_needle(redactor, hl_text_get(&escaped), escaped.length);
}

static void add_all_forms(struct hl_redactor *redactor, const char *data, size_t length)
{
    if (length < SHORTEST)
        return;
    add_needle(redactor, data, length);
    add_base64(redactor, HL_BASE64, data, length);
    add_base64(redactor, HL_BASE64_URL, data, length);
    add_hex(redactor, data, length);
    if (needs_no_escape(data, length))
        return;
    for (size_t i = 0; i < HL_COUNT(url_forms); i++)
        add_url(redactor, &url_forms[i], data, length);
    add_json(redactor, data, length);
    add_escaped(redactor, data, length);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Lines without the blanks around them: a key is often indented anew when it is put into another file. */
static void add_lines(struct hl_redactor *redactor, const char *data, size_t length)
{
    const char *end = data + length;

    while (data < end) {
        const char *newline = memchr(data, '\n', (size_t)(end - data));
        const char *line_end = newline == NULL ? end : newline;
        const char *next = newline == NULL ? end : newline + 1;

        while (data < line_end && is_blank(*data))
            data++;
        while (data < line_end && is_blank(line_end[-1]))
            line_end--;
        if (line_end - data >= SHORTEST_LINE)
            add_all_forms(redactor, data, (size_t)(line_end - data));
        data = next;
    }
}

static bool has_needle(const struct hl_redactor *redactor, const char *data, size_t length)
{
    for (const struct needle *needle = redactor->buckets[bucket_of(data)]; needle != NULL; needle = needle->next) {
        if (needle->length == length && memcmp(needle->data, data, length) == 0)
            return true;
    }
    return false;
}

void hl_redactor_add(struct hl_redactor *redactor, const char *data, size_t length)
{
    if (redactor == NULL || length < SHORTEST)
        return;
    pthread_rwlock_wrlock(redactor->lock);
    /* The same value comes from the record, from its destinations, from each place that it is used in. */
    if (has_needle(redactor, data, length)) {
        pthread_rwlock_unlock(redactor->lock);
        return;
    }
    add_all_forms(redactor, data, length);
    /* A file with a secret mostly ends in a newline that its use does not have. */
    size_t trimmed = length;
    while (trimmed > 0 && (data[trimmed - 1] == '\n' || data[trimmed - 1] == '\r'))
        trimmed--;
    if (trimmed < length)
        add_all_forms(redactor, data, trimmed);
    length = trimmed;
    if (memchr(data, '\n', length) != NULL)
        add_lines(redactor, data, length);
    pthread_rwlock_unlock(redactor->lock);
}

static void add_value(struct hl_redactor *redactor, const struct hl_value *value, bool sensitive)
{
    if (value == NULL)
        return;
    sensitive = sensitive || value->sensitive;
    if (value->type == HL_TEXT && sensitive)
        hl_redactor_add(redactor, value->text.data, value->text.length);
    for (size_t i = 0; i < hl_value_count(value); i++)
        add_value(redactor, value->type == HL_LIST ? hl_value_item(value, i) : hl_value_at(value, i), sensitive);
}

void hl_redactor_add_value(struct hl_redactor *redactor, const struct hl_value *value)
{
    add_value(redactor, value, false);
}

/* The length of the longest needle that `data` starts with, or 0. */
static size_t match(const struct hl_redactor *redactor, const char *data, size_t length)
{
    if (length < SHORTEST)
        return 0;
    for (const struct needle *needle = redactor->buckets[bucket_of(data)]; needle != NULL; needle = needle->next)
        if (needle->length <= length && memcmp(needle->data, data, needle->length) == 0)
            return needle->length;
    return 0;
}

/* Where the secret that begins at `at` ends. Another one may begin within it and reach further: both go as one. */
static size_t end_of_match(const struct hl_redactor *redactor, const char *data, size_t length, size_t at)
{
    size_t end = at;

    do {
        size_t matched = match(redactor, data + at, length - at);

        if (at + matched > end)
            end = at + matched;
        at++;
    } while (at < end);
    return end;
}

bool hl_redactor_finds(const struct hl_redactor *redactor, const char *data, size_t length)
{
    bool found = false;

    if (redactor == NULL)
        return false;
    pthread_rwlock_rdlock(redactor->lock);
    for (size_t at = 0; at < length && !found; at++)
        found = match(redactor, data + at, length - at) > 0;
    pthread_rwlock_unlock(redactor->lock);
    return found;
}

void hl_redact(const struct hl_redactor *redactor, struct hl_text *out, const char *data, size_t length)
{
    size_t from = 0;

    if (redactor == NULL) {
        hl_text_append(out, data, length);
        return;
    }
    pthread_rwlock_rdlock(redactor->lock);
    for (size_t at = 0; at < length;) {
        size_t end = end_of_match(redactor, data, length, at);

        if (end == at) {
            at++;
            continue;
        }
        hl_text_append(out, data + from, at - from);
        hl_text_puts(out, HL_REDACTED);
        at = end;
        from = end;
    }
    pthread_rwlock_unlock(redactor->lock);
    hl_text_append(out, data + from, length - from);
}
