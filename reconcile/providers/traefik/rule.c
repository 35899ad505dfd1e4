#include "config.h"

#include "reconcile/providers/traefik/rule.h"

#include "reconcile/providers/traefik/matcher.h"
#include "schema/base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MAX_NESTING = 200, MAX_ARGUMENTS = 64, MAX_RULE = 1024 * 1024 };

/* The first mistake of form ends the parse; mistakes within calls are collected. */
struct parser {
    struct hl_rule_context context;
    size_t at;
    size_t depth;
    bool stopped;
};

static void parse_expression(struct parser *parser);

static struct hl_rule_finding *add_finding(struct hl_rule_context *context, size_t offset, bool warning, const char *format, va_list args)
{
    struct hl_rule *rule = context->rule;
    size_t column = 1;

    if (rule->count == rule->capacity) {
        const size_t capacity = rule->capacity == 0 ? 4 : rule->capacity * 2;
        struct hl_rule_finding *findings = hl_arena_alloc(context->arena, capacity * sizeof *findings);

        if (rule->count > 0)
            memcpy(findings, rule->findings, rule->count * sizeof *findings);
        rule->findings = findings;
        rule->capacity = capacity;
    }
    for (size_t i = 0; i < offset && i < context->length; i++)
        column += ((unsigned char)context->text[i] & 0xc0) != 0x80 ? 1 : 0;
    rule->errors += warning ? 0 : 1;
    struct hl_rule_finding *finding = &rule->findings[rule->count++];

    *finding = (struct hl_rule_finding){.warning = warning, .column = column, .message = hl_arena_vprintf(context->arena, format, args)};
    return finding;
}

struct hl_rule_finding *hl_rule_error(struct hl_rule_context *context, size_t offset, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    struct hl_rule_finding *finding = add_finding(context, offset, false, format, args);
    va_end(args);
    return finding;
}

struct hl_rule_finding *hl_rule_warning(struct hl_rule_context *context, size_t offset, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    struct hl_rule_finding *finding = add_finding(context, offset, true, format, args);
    va_end(args);
    return finding;
}

static void stop(struct parser *parser, size_t offset, const char *message, const char *hint)
{
    if (!parser->stopped)
        hl_rule_error(&parser->context, offset, "%s", message)->hint = hint;
    parser->stopped = true;
}

/* The next byte, or 0 at the end. */
static char peek(const struct parser *parser, size_t ahead)
{
    return parser->at + ahead < parser->context.length ? parser->context.text[parser->at + ahead] : '\0';
}

static void skip_blanks(struct parser *parser)
{
    while (peek(parser, 0) == ' ' || peek(parser, 0) == '\t')
        parser->at++;
    if (peek(parser, 0) == '\n' || peek(parser, 0) == '\r')
        stop(parser, parser->at, "a line end within the rule", "write the rule on one line, or as a folded block: rule: >-");
    else if (peek(parser, 0) == '/' && (peek(parser, 1) == '/' || peek(parser, 1) == '*'))
        stop(parser, parser->at, "a rule has no comments", NULL);
}

static bool is_name_byte(char character)
{
    return isalnum((unsigned char)character) || character == '_' || character == '.' || (unsigned char)character >= 0x80;
}

static void put_rune(struct hl_text *out, uint32_t rune)
{
    if (rune < 0x80) {
        hl_text_putc(out, (char)rune);
    } else if (rune < 0x800) {
        hl_text_putc(out, (char)(0xc0 | rune >> 6));
        hl_text_putc(out, (char)(0x80 | (rune & 0x3f)));
    } else if (rune < 0x10000) {
        hl_text_putc(out, (char)(0xe0 | rune >> 12));
        hl_text_putc(out, (char)(0x80 | (rune >> 6 & 0x3f)));
        hl_text_putc(out, (char)(0x80 | (rune & 0x3f)));
    } else {
        hl_text_putc(out, (char)(0xf0 | rune >> 18));
        hl_text_putc(out, (char)(0x80 | (rune >> 12 & 0x3f)));
        hl_text_putc(out, (char)(0x80 | (rune >> 6 & 0x3f)));
        hl_text_putc(out, (char)(0x80 | (rune & 0x3f)));
    }
}

/* \x41 \101 A \U00000041; the place is behind the letter or at the first octal digit. */
static bool take_number(struct parser *parser, struct hl_text *out, char letter)
{
    const size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 3;
    const uint32_t base = letter == 'x' || letter == 'u' || letter == 'U' ? 16 : 8;
    uint32_t number = 0;

    for (size_t i = 0; i < digits; i++) {
        const char c = peek(parser, 0);
        const uint32_t digit = isdigit((unsigned char)c)    ? (uint32_t)(c - '0')
                               : isxdigit((unsigned char)c) ? (uint32_t)(tolower((unsigned char)c) - 'a' + 10)
                                                            : 99;
        if (digit >= base)
            return false;
        number = number * base + digit;
        parser->at++;
    }
    if (letter == 'u' || letter == 'U') {
        if (number > 0x10ffff || (number >= 0xd800 && number < 0xe000))
            return false;
        put_rune(out, number);
        return true;
    }
    if (number > 255)
        return false;
    hl_text_putc(out, (char)number);
    return true;
}

/* One escape of a double-quoted text; stands at the backslash. */
static bool take_escape(struct parser *parser, struct hl_text *out)
{
    static const char simple[] = "a\ab\bf\fn\nr\rt\tv\v\\\\\"\"";
    const char letter = peek(parser, 1);

    parser->at++;
    if (letter >= '0' && letter <= '7')
        return take_number(parser, out, '0');
    parser->at++;
    if (letter == 'x' || letter == 'u' || letter == 'U')
        return take_number(parser, out, letter);
    for (const char *pair = simple; *pair != '\0'; pair += 2) {
        if (*pair == letter) {
            hl_text_putc(out, pair[1]);
            return true;
        }
    }
    return false;
}

static bool take_quoted(struct parser *parser, struct hl_rule_argument *argument)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(MAX_RULE);
    const size_t start = parser->at++;

    *argument = (struct hl_rule_argument){.offset = parser->at, .exact = true};
    while (peek(parser, 0) != '"') {
        const size_t at = parser->at;

        if (at >= parser->context.length) {
            stop(parser, start, "the text in quotes is not closed", NULL);
            return false;
        }
        if (peek(parser, 0) != '\\') {
            hl_text_putc(&text, parser->context.text[parser->at++]);
            continue;
        }
        argument->exact = false;
        if (!take_escape(parser, &text)) {
            stop(parser, at, "there is no such escape in a text in double quotes", "write the text in backticks: there a backslash stands for itself");
            return false;
        }
    }
    parser->at++;
    argument->text = hl_arena_copy(parser->context.arena, hl_text_get(&text), text.length);
    argument->length = text.length;
    return true;
}

static bool take_raw(struct parser *parser, struct hl_rule_argument *argument)
{
    const size_t start = parser->at++;
    const char *text = parser->context.text + parser->at;
    const char *end = memchr(text, '`', parser->context.length - parser->at);

    if (end == NULL) {
        stop(parser, start, "the text in backticks is not closed", NULL);
        return false;
    }
    *argument = (struct hl_rule_argument){.offset = parser->at, .exact = true, .length = (size_t)(end - text)};
    argument->text = hl_arena_copy(parser->context.arena, text, argument->length);
    parser->at += argument->length + 1;
    return true;
}

static bool take_argument(struct parser *parser, struct hl_rule_argument *argument)
{
    const char next = peek(parser, 0);

    if (next == '`')
        return take_raw(parser, argument);
    if (next == '"')
        return take_quoted(parser, argument);
    if (next == '\'')
        stop(parser, parser->at, "an argument stands in backticks or double quotes, not in single ones", NULL);
    else if (next == '\0')
        stop(parser, parser->at, "the rule ends within a call", "an argument stands in backticks, and the call ends with ')'");
    else
        stop(parser, parser->at, "an argument stands in backticks", "write Host(`example.com`)");
    return false;
}

/* The arguments behind a name; stands at the parenthesis. */
static bool take_arguments(struct parser *parser, struct hl_rule_call *call)
{
    const size_t start = parser->at++;

    skip_blanks(parser);
    while (!parser->stopped && peek(parser, 0) != ')') {
        if (call->count == MAX_ARGUMENTS) {
            stop(parser, parser->at, "too many arguments", NULL);
            return false;
        }
        if (!take_argument(parser, &call->arguments[call->count]))
            return false;
        call->count++;
        skip_blanks(parser);
        if (peek(parser, 0) == ',') {
            parser->at++;
            skip_blanks(parser);
        } else if (peek(parser, 0) != ')') {
            stop(parser, peek(parser, 0) == '\0' ? start : parser->at,
                 peek(parser, 0) == '\0' ? "the parenthesis '(' is not closed" : "',' or ')' is expected here", NULL);
        }
    }
    if (!parser->stopped)
        parser->at++;
    return !parser->stopped;
}

static void parse_call(struct parser *parser)
{
    struct hl_rule_argument arguments[MAX_ARGUMENTS];
    struct hl_rule_call call = {.offset = parser->at, .arguments = arguments};
    const char *name = parser->context.text + parser->at;

    while (is_name_byte(peek(parser, 0)))
        parser->at++;
    call.name = hl_arena_copy(parser->context.arena, name, parser->at - call.offset);
    skip_blanks(parser);
    if (peek(parser, 0) != '(') {
        stop(parser, parser->at, hl_arena_printf(parser->context.arena, "'(' is expected behind '%s'", call.name), "write Host(`example.com`)");
        return;
    }
    if (take_arguments(parser, &call))
        hl_matcher_check(&parser->context, &call);
}

static void parse_operand(struct parser *parser)
{
    skip_blanks(parser);
    while (peek(parser, 0) == '!') {
        parser->at++;
        skip_blanks(parser);
    }
    const size_t start = parser->at;

    if (parser->stopped)
        return;
    if (peek(parser, 0) == '(') {
        if (++parser->depth > MAX_NESTING) {
            stop(parser, start, "the parentheses are nested too deeply", NULL);
            return;
        }
        parser->at++;
        parse_expression(parser);
        skip_blanks(parser);
        if (peek(parser, 0) != ')')
            stop(parser, peek(parser, 0) == '\0' ? start : parser->at,
                 peek(parser, 0) == '\0' ? "the parenthesis '(' is not closed" : "'&&', '||' or ')' is expected here", NULL);
        parser->at++;
        parser->depth--;
    } else if (is_name_byte(peek(parser, 0)) && !isdigit((unsigned char)peek(parser, 0))) {
        parse_call(parser);
    } else if (peek(parser, 0) == '\0') {
        stop(parser, start, start == 0 ? "the rule is empty" : "the rule ends where a matcher is expected", "write Host(`example.com`)");
    } else {
        stop(parser, start, "a matcher is expected here", "write Host(`example.com`)");
    }
}

/* Both operators are parsed alike: which binds tighter does not matter for what is a mistake. */
static void parse_expression(struct parser *parser)
{
    for (;;) {
        parse_operand(parser);
        skip_blanks(parser);
        const char first = peek(parser, 0);

        if (parser->stopped || (first != '&' && first != '|'))
            return;
        if (peek(parser, 1) != first) {
            stop(parser, parser->at, first == '&' ? "'&' alone means nothing" : "'|' alone means nothing", first == '&' ? "write '&&'" : "write '||'");
            return;
        }
        parser->at += 2;
    }
}

void hl_rule_check(struct hl_arena *arena, const char *text, size_t length, bool tcp, struct hl_rule *rule)
{
    struct parser parser = {.context = {.arena = arena, .text = text, .length = length, .tcp = tcp, .rule = rule}};

    *rule = (struct hl_rule){0};
    if (length > MAX_RULE || memchr(text, '\0', length) != NULL) {
        hl_rule_error(&parser.context, 0, "the rule is too long or has a NUL byte");
        return;
    }
    parse_expression(&parser);
    skip_blanks(&parser);
    if (parser.stopped || parser.at >= length)
        return;
    const char next = peek(&parser, 0);

    stop(&parser, parser.at, next == ')' ? "the parenthesis ')' was not opened" : "'&&' or '||' is expected here", NULL);
}

const char *hl_rule_join(struct hl_arena *arena, const char *text, size_t length)
{
    char *joined = hl_arena_copy(arena, text, length);
    size_t out = 0;

    for (size_t i = 0; i < length; i++) {
        if (joined[i] != '\n' && joined[i] != '\r') {
            joined[out++] = joined[i];
            continue;
        }
        while (out > 0 && (joined[out - 1] == ' ' || joined[out - 1] == '\t'))
            out--;
        while (i + 1 < length && strchr(" \t\r\n", joined[i + 1]) != NULL && joined[i + 1] != '\0')
            i++;
        if (out > 0 && i + 1 < length)
            joined[out++] = ' ';
    }
    joined[out] = '\0';
    return joined;
}
