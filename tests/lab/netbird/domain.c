/* Domains: kept as the server keeps them, in Punycode (RFC 3492) without any mapping but that of ASCII letters, and told in Unicode. */
#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include <stdlib.h>
#include <string.h>

enum { BASE = 36, T_MIN = 1, T_MAX = 26, SKEW = 38, DAMP = 700, FIRST_BIAS = 72, FIRST_CODE = 128, MAX_LABEL = 256 };

size_t netbird_characters(const char *text)
{
    size_t length = strlen(text), count = 0;

    for (size_t at = 0; at < length; count++) {
        uint32_t code = 0;
        size_t bytes = hl_utf8_decode(text + at, length - at, &code);

        at += bytes == 0 ? 1 : bytes; /* a broken byte is a rune of its own */
    }
    return count;
}

/* --- Punycode of one label --- */

static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
    uint32_t k = 0;

    delta = first ? delta / DAMP : delta / 2;
    delta += delta / points;
    for (; delta > (BASE - T_MIN) * T_MAX / 2; k += BASE)
        delta /= BASE - T_MIN;
    return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

static uint32_t threshold(uint32_t k, uint32_t bias)
{
    return k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;
}

static char digit_of(uint32_t value)
{
    return (char)(value < 26 ? 'a' + value : '0' + (value - 26));
}

static void put_number(struct hl_text *out, uint32_t number, uint32_t bias)
{
    for (uint32_t k = BASE;; k += BASE) {
        uint32_t t = threshold(k, bias);

        if (number < t)
            break;
        hl_text_putc(out, digit_of(t + (number - t) % (BASE - t)));
        number = (number - t) / (BASE - t);
    }
    hl_text_putc(out, digit_of(number));
}

static uint32_t next_code(const uint32_t *codes, size_t count, uint32_t least)
{
    uint32_t next = UINT32_MAX;

    for (size_t i = 0; i < count; i++)
        if (codes[i] >= least && codes[i] < next)
            next = codes[i];
    return next;
}

static void encode_codes(struct hl_text *out, const uint32_t *codes, size_t count)
{
    uint32_t code = FIRST_CODE, delta = 0, bias = FIRST_BIAS, handled = 0, basic = 0;

    hl_text_puts(out, "xn--");
    for (size_t i = 0; i < count; i++) {
        if (codes[i] < FIRST_CODE) {
            hl_text_putc(out, (char)codes[i]);
            basic++;
        }
    }
    if (basic > 0)
        hl_text_putc(out, '-');
    for (handled = basic; handled < count; delta++, code++) {
        uint32_t next = next_code(codes, count, code);

        delta += (next - code) * (handled + 1);
        code = next;
        for (size_t i = 0; i < count; i++) {
            if (codes[i] < code)
                delta++;
            if (codes[i] != code)
                continue;
            put_number(out, delta, bias);
            bias = adapt(delta, handled + 1, handled == basic);
            delta = 0;
            handled++;
        }
    }
}

/* Bytes of UTF-8 as codes; false when they are broken or too many. */
static bool to_codes(const char *text, size_t length, uint32_t codes[MAX_LABEL], size_t *count, bool *ascii)
{
    *count = 0;
    *ascii = true;
    for (size_t at = 0; at < length; ++*count) {
        size_t bytes = *count == MAX_LABEL ? 0 : hl_utf8_decode(text + at, length - at, &codes[*count]);

        if (bytes == 0)
            return false;
        *ascii = *ascii && bytes == 1;
        at += bytes;
    }
    return true;
}

static bool value_of_digit(char digit, uint32_t *value)
{
    if (digit >= 'a' && digit <= 'z')
        *value = (uint32_t)(digit - 'a');
    else if (digit >= 'A' && digit <= 'Z')
        *value = (uint32_t)(digit - 'A');
    else if (digit >= '0' && digit <= '9')
        *value = (uint32_t)(digit - '0') + 26;
    else
        return false;
    return true;
}

static bool take_number(const char **at, const char *end, uint32_t bias, uint32_t *out)
{
    uint64_t weight = 1;

    for (uint32_t k = BASE;; k += BASE) {
        uint32_t t = threshold(k, bias), value = 0;

        if (*at == end || !value_of_digit(*(*at)++, &value) || value * weight + *out > INT32_MAX)
            return false;
        *out += (uint32_t)(value * weight);
        if (value < t)
            return true;
        weight *= BASE - t;
        if (weight > INT32_MAX)
            return false;
    }
}

/* What stands behind "xn--". */
static bool decode_codes(const char *text, size_t length, uint32_t codes[MAX_LABEL], size_t *count)
{
    const char *end = text + length, *at = text;
    uint32_t code = FIRST_CODE, index = 0, bias = FIRST_BIAS;

    *count = 0;
    for (size_t i = length; i > 0; i--) {
        if (text[i - 1] != '-')
            continue;
        for (; *count < i - 1 && *count < MAX_LABEL; ++*count)
            codes[*count] = (unsigned char)text[*count];
        at = text + i;
        break;
    }
    while (at < end) {
        uint32_t before = index, points = (uint32_t)*count + 1;

        if (*count == MAX_LABEL || !take_number(&at, end, bias, &index))
            return false;
        bias = adapt(index - before, points, before == 0);
        code += index / points;
        index %= points;
        memmove(codes + index + 1, codes + index, (*count - index) * sizeof(*codes));
        codes[index++] = code;
        ++*count;
    }
    return true;
}

static void put_code(struct hl_text *out, uint32_t code)
{
    if (code < 0x80) {
        hl_text_putc(out, (char)code);
        return;
    }
    if (code >= 0x10000) {
        hl_text_putc(out, (char)(0xf0 | code >> 18));
        hl_text_putc(out, (char)(0x80 | (code >> 12 & 0x3f)));
    } else if (code >= 0x800) {
        hl_text_putc(out, (char)(0xe0 | code >> 12));
    }
    hl_text_putc(out, (char)(code >= 0x800 ? 0x80 | (code >> 6 & 0x3f) : 0xc0 | code >> 6));
    hl_text_putc(out, (char)(0x80 | (code & 0x3f)));
}

/* --- Domains --- */

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool label_fits(const char *label, size_t length, bool last)
{
    if (length > 4 && strncmp(label, "xn--", 4) == 0 && label_fits(label + 4, length - 4, last))
        return true;
    if (length == 0 || length > 63 || !is_alphanumeric(label[length - 1])) {
        return length == 1 && !last && *label == '_';
    }
    if (!is_alphanumeric(*label) && (last || *label != '_'))
        return false;
    for (size_t i = 1; i < length; i++)
        if (!is_alphanumeric(label[i]) && label[i] != '-' && label[i] != '_')
            return false;
    return true;
}

static bool has_form(const char *domain)
{
    if (hl_starts_with(domain, "*."))
        domain += 2;
    for (;;) {
        size_t length = strcspn(domain, ".");
        bool last = domain[length] == '\0';

        if (!label_fits(domain, length, last))
            return false;
        if (last)
            return true;
        domain += length + 1;
    }
}

static bool put_ascii_label(struct hl_text *out, const char *label, size_t length)
{
    uint32_t codes[MAX_LABEL];
    size_t count = 0;
    bool ascii = false;

    if (!to_codes(label, length, codes, &count, &ascii))
        return false;
    if (!ascii) {
        encode_codes(out, codes, count);
        return true;
    }
    hl_text_append(out, label, length);
    return length < 4 || strncmp(label, "xn--", 4) != 0 || decode_codes(label + 4, length - 4, codes, &count);
}

const char *netbird_domain(struct hl_arena *arena, const char *text, const char **reason)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(65536);

    for (const char *label = text;; label++) {
        size_t length = strcspn(label, ".");

        if (!put_ascii_label(&out, label, length)) {
            *reason = hl_arena_printf(arena, "convert domain to punycode: %s: idna: invalid label \"%.*s\"", text, (int)length, label);
            return NULL;
        }
        label += length;
        if (*label == '\0')
            break;
        hl_text_putc(&out, '.');
    }

    char *domain = hl_arena_strdup(arena, hl_text_get(&out));

    for (char *at = domain; *at != '\0'; at++)
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
    if (has_form(domain))
        return domain;
    *reason = hl_arena_printf(arena, "invalid domain format: %s", text);
    return NULL;
}

const char *netbird_domain_text(struct hl_arena *arena, const char *domain)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(65536);
    uint32_t codes[MAX_LABEL];

    for (const char *label = domain;; label++) {
        size_t length = strcspn(label, "."), count = 0;

        if (length > 4 && strncmp(label, "xn--", 4) == 0 && decode_codes(label + 4, length - 4, codes, &count))
            for (size_t i = 0; i < count; i++)
                put_code(&out, codes[i]);
        else
            hl_text_append(&out, label, length);
        label += length;
        if (*label == '\0')
            break;
        hl_text_putc(&out, '.');
    }
    return hl_arena_strdup(arena, hl_text_get(&out));
}

bool netbird_domains(struct netbird_call *c, const struct hl_value *texts, const char *what, struct hl_value **out)
{
    *out = hl_value_list(c->arena);
    if (hl_value_count(texts) == 0)
        return netbird_fail(c, 422, "%s: domains list is empty", what);
    if (hl_value_count(texts) > 32)
        return netbird_fail(c, 422, "%s: domains list exceeds maximum allowed domains: 32", what);
    for (size_t i = 0; i < hl_value_count(texts); i++) {
        const char *reason = NULL;
        const char *domain = netbird_domain(c->arena, hl_value_item(texts, i)->text.data, &reason);

        if (domain == NULL)
            return netbird_fail(c, 422, "%s: %s", what, reason);
        hl_value_list_add(c->arena, *out, hl_value_text(c->arena, domain));
    }
    return true;
}
