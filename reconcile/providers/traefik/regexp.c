#include "config.h"

#include "reconcile/providers/traefik/regexp.h"

#include "schema/base/text.h"

#include <string.h>

/* Limits of Go's regexp/syntax. */
enum { MAX_REPEAT = 1000, MAX_NESTING = 1000, MAX_RUNE = 0x10FFFF };

struct scanner {
    struct hl_arena *arena;
    const char *text;
    size_t at, length;
    size_t depth;
    const char *problem;
    size_t problem_at;
};

/* How large an element gets when its counted repeats are written out; Go refuses more than MAX_REPEAT. */
struct element {
    int64_t product; /* 0: there is none */
    bool repeated;   /* a repeat operator stands behind it already */
};

static int64_t scan_alternatives(struct scanner *scanner);

static bool fail(struct scanner *scanner, size_t at, const char *problem)
{
    if (scanner->problem == NULL) {
        scanner->problem = problem;
        scanner->problem_at = at;
    }
    return false;
}

static bool is_done(const struct scanner *scanner)
{
    return scanner->problem != NULL || scanner->at >= scanner->length;
}

/* The byte `ahead` of the current place, or 0 behind the end. */
static char look(const struct scanner *scanner, size_t ahead)
{
    return scanner->at + ahead < scanner->length ? scanner->text[scanner->at + ahead] : '\0';
}

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

static bool is_letter(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

static int hex_digit(char character)
{
    if (is_digit(character))
        return character - '0';
    if (character >= 'a' && character <= 'f')
        return character - 'a' + 10;
    if (character >= 'A' && character <= 'F')
        return character - 'A' + 10;
    return -1;
}

static bool take_rune(struct scanner *scanner, uint32_t *rune)
{
    const size_t size = hl_utf8_decode(scanner->text + scanner->at, scanner->length - scanner->at, rune);

    if (size == 0)
        return fail(scanner, scanner->at, "the text is not UTF-8");
    scanner->at += size;
    return true;
}

/* \x7F or \x{10FFFF}; stands behind the x. */
static bool take_hex(struct scanner *scanner, size_t start, uint32_t *rune)
{
    const bool braces = look(scanner, 0) == '{';
    size_t digits = 0;
    int digit = 0;

    *rune = 0;
    scanner->at += braces ? 1 : 0;
    while ((braces || digits < 2) && (digit = hex_digit(look(scanner, 0))) >= 0) {
        *rune = *rune * 16 + (uint32_t)digit;
        if (*rune > MAX_RUNE)
            return fail(scanner, start, "there is no such character");
        scanner->at++;
        digits++;
    }
    if (braces ? digits == 0 || look(scanner, 0) != '}' : digits != 2)
        return fail(scanner, start, "\\x takes two hexadecimal digits, or any number of them in braces");
    scanner->at += braces ? 1 : 0;
    return true;
}

/* An escape that stands for one character; `start` is the backslash, the place is behind the character `escaped`. */
static bool take_escape(struct scanner *scanner, size_t start, char escaped, uint32_t *rune)
{
    static const char controls[] = "a\af\fn\nr\rt\tv\v";

    if (escaped >= '1' && escaped <= '7' && !(look(scanner, 0) >= '0' && look(scanner, 0) <= '7'))
        return fail(scanner, start, "back-references do not exist in RE2");
    if (escaped >= '0' && escaped <= '7') {
        *rune = (uint32_t)(escaped - '0');
        for (int i = 0; i < 2 && look(scanner, 0) >= '0' && look(scanner, 0) <= '7'; i++)
            *rune = *rune * 8 + (uint32_t)(scanner->text[scanner->at++] - '0');
        return true;
    }
    if (is_digit(escaped))
        return fail(scanner, start, "back-references do not exist in RE2");
    if (escaped == 'x')
        return take_hex(scanner, start, rune);
    for (const char *control = controls; *control != '\0'; control += 2) {
        if (*control == escaped) {
            *rune = (uint32_t)control[1];
            return true;
        }
    }
    if (is_letter(escaped))
        return fail(scanner, start, hl_arena_printf(scanner->arena, "RE2 has no escape \\%c", escaped));
    *rune = (uint32_t)escaped;
    return true;
}

/* \pL, \p{Greek}, \P{^Lu}; stands behind the p. Which scripts exist is left to Traefik. */
static bool take_property(struct scanner *scanner, size_t start)
{
    const char first = look(scanner, 0);

    if (first != '{') {
        scanner->at++;
        return (first != '\0' && strchr("CLMNPSZclmnpsz", first) != NULL) || fail(scanner, start, "there is no such class of characters");
    }
    const char *name = scanner->text + scanner->at + 1;
    const char *end = memchr(name, '}', scanner->length - scanner->at - 1);

    if (end == NULL)
        return fail(scanner, start, "the brace behind \\p is not closed");
    scanner->at = (size_t)(end - scanner->text) + 1;
    name += *name == '^' ? 1 : 0;
    if (name == end)
        return fail(scanner, start, "there is no such class of characters");
    for (; name < end; name++) {
        if (!is_letter(*name) && *name != '_')
            return fail(scanner, start, "there is no such class of characters");
    }
    return true;
}

static bool is_class_escape(char escaped)
{
    return escaped != '\0' && strchr("dDsSwW", escaped) != NULL;
}

/* [:alpha:] within brackets; true when there was one (or a mistake in one). */
static bool take_posix_class(struct scanner *scanner)
{
    static const char *const names[] = {"alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph",
                                        "lower", "print", "punct", "space", "upper", "word",  "xdigit"};
    const char *name = scanner->text + scanner->at + 2;
    const char *end = NULL;

    if (look(scanner, 0) != '[' || look(scanner, 1) != ':')
        return false;
    end = memmem(name, scanner->length - scanner->at - 2, ":]", 2);
    if (end == NULL)
        return false; /* then the bracket stands for itself */
    const size_t start = scanner->at;

    scanner->at = (size_t)(end - scanner->text) + 2;
    name += *name == '^' ? 1 : 0;
    for (size_t i = 0; i < HL_COUNT(names); i++) {
        if ((size_t)(end - name) == strlen(names[i]) && strncmp(name, names[i], strlen(names[i])) == 0)
            return true;
    }
    fail(scanner, start, "there is no such class of characters");
    return true;
}

static bool take_class_rune(struct scanner *scanner, size_t class_start, uint32_t *rune)
{
    const size_t start = scanner->at;

    if (start >= scanner->length)
        return fail(scanner, class_start, "the bracket '[' is not closed");
    if (look(scanner, 0) != '\\')
        return take_rune(scanner, rune);
    if (start + 1 >= scanner->length)
        return fail(scanner, start, "a backslash at the end");
    scanner->at++;
    if ((unsigned char)look(scanner, 0) >= 0x80)
        return fail(scanner, start, "RE2 has no such escape");
    scanner->at++;
    return take_escape(scanner, start, scanner->text[start + 1], rune);
}

static bool take_class_range(struct scanner *scanner, size_t class_start)
{
    const size_t start = scanner->at;
    uint32_t low = 0;
    uint32_t high = 0;

    if (!take_class_rune(scanner, class_start, &low))
        return false;
    if (look(scanner, 0) != '-' || look(scanner, 1) == ']' || look(scanner, 1) == '\0')
        return true;
    scanner->at++;
    if (!take_class_rune(scanner, class_start, &high))
        return false;
    return high >= low || fail(scanner, start, "the range runs backwards");
}

/* [...]; stands at the bracket. */
static bool take_class(struct scanner *scanner)
{
    const size_t start = scanner->at++;

    if (look(scanner, 0) == '^')
        scanner->at++;
    for (bool first = true; first || look(scanner, 0) != ']'; first = false) {
        if (scanner->problem != NULL)
            return false;
        if (scanner->at >= scanner->length)
            return fail(scanner, start, "the bracket '[' is not closed");
        if (take_posix_class(scanner))
            continue;
        const size_t item = scanner->at;
        const char escaped = look(scanner, 0) == '\\' ? look(scanner, 1) : '\0';

        if (escaped == 'p' || escaped == 'P') {
            scanner->at += 2;
            take_property(scanner, item);
        } else if (is_class_escape(escaped)) {
            scanner->at += 2;
        } else if (!take_class_range(scanner, start)) {
            return false;
        }
    }
    scanner->at++;
    return scanner->problem == NULL;
}

/* \Q...\E takes all as it stands; the end may be missing. */
static void take_literal(struct scanner *scanner)
{
    const char *rest = scanner->text + scanner->at;
    const char *end = memmem(rest, scanner->length - scanner->at, "\\E", 2);

    scanner->at = end == NULL ? scanner->length : (size_t)(end - scanner->text) + 2;
}

static bool take_backslash(struct scanner *scanner)
{
    const size_t start = scanner->at;
    const char escaped = look(scanner, 1);
    uint32_t rune = 0;

    if (start + 1 >= scanner->length)
        return fail(scanner, start, "a backslash at the end");
    if ((unsigned char)escaped >= 0x80)
        return fail(scanner, start, "RE2 has no such escape");
    scanner->at += 2;
    if (escaped == 'Q') {
        take_literal(scanner);
        return true;
    }
    if (escaped == 'p' || escaped == 'P')
        return take_property(scanner, start);
    if (is_class_escape(escaped) || strchr("AbBz", escaped) != NULL)
        return true;
    return take_escape(scanner, start, escaped, &rune);
}

/* (?P<name>...) and (?<name>...); stands behind the '<'. */
static bool take_group_name(struct scanner *scanner, size_t start)
{
    const char *name = scanner->text + scanner->at;
    const char *end = memchr(name, '>', scanner->length - scanner->at);

    if (end == NULL || end == name)
        return fail(scanner, start, "the name of the group is missing or not closed");
    for (const char *c = name; c < end; c++) {
        if (!is_letter(*c) && !is_digit(*c) && *c != '_')
            return fail(scanner, start, "the name of a group takes letters, digits and '_'");
    }
    scanner->at = (size_t)(end - scanner->text) + 1;
    return true;
}

/* What follows `(?`; *flags_only is set for `(?i)`, which is no group. */
static bool take_group_head(struct scanner *scanner, size_t start, bool *flags_only)
{
    bool negative = false;
    bool any = false;

    if (look(scanner, 0) == '=' || look(scanner, 0) == '!')
        return fail(scanner, start, "look-ahead does not exist in RE2");
    if (look(scanner, 0) == '<' && (look(scanner, 1) == '=' || look(scanner, 1) == '!'))
        return fail(scanner, start, "look-behind does not exist in RE2");
    if (look(scanner, 0) == '<' || (look(scanner, 0) == 'P' && look(scanner, 1) == '<')) {
        scanner->at += look(scanner, 0) == 'P' ? 2 : 1;
        return take_group_name(scanner, start);
    }
    for (; !is_done(scanner); scanner->at++) {
        const char flag = look(scanner, 0);

        if (flag == ':' || flag == ')') {
            if (negative && !any)
                break;
            *flags_only = flag == ')';
            scanner->at++;
            return true;
        }
        if (flag == '-' && !negative) {
            negative = true;
            any = false;
        } else if (strchr("imsU", flag) != NULL) {
            any = true;
        } else {
            break;
        }
    }
    return fail(scanner, start, "RE2 has no such group");
}

/* (...); stands at the parenthesis. Gives the product of what is within; 0 for flags, which are no element. */
static int64_t take_group(struct scanner *scanner)
{
    const size_t start = scanner->at++;
    bool flags_only = false;
    int64_t product = 0;

    if (look(scanner, 0) == '?') {
        scanner->at++;
        if (!take_group_head(scanner, start, &flags_only) || flags_only)
            return 0;
    }
    if (++scanner->depth > MAX_NESTING) {
        fail(scanner, start, "the groups are nested too deeply");
        return 0;
    }
    product = scan_alternatives(scanner);
    scanner->depth--;
    if (look(scanner, 0) != ')' || scanner->at >= scanner->length)
        fail(scanner, start, "the parenthesis '(' is not closed");
    scanner->at++;
    return product;
}

static bool take_number(struct scanner *scanner, int64_t *number)
{
    const size_t start = scanner->at;

    *number = 0;
    if (!is_digit(look(scanner, 0)) || (look(scanner, 0) == '0' && is_digit(look(scanner, 1))))
        return false;
    while (is_digit(look(scanner, 0))) {
        if (*number <= MAX_REPEAT)
            *number = *number * 10 + (look(scanner, 0) - '0');
        scanner->at++;
    }
    return scanner->at > start;
}

/* {2}, {2,}, {2,3}; anything else in braces stands for itself. */
static bool take_count(struct scanner *scanner, int64_t *minimum, int64_t *maximum)
{
    const size_t start = scanner->at++;
    bool whole = take_number(scanner, minimum);

    *maximum = *minimum;
    if (whole && look(scanner, 0) == ',') {
        scanner->at++;
        if (look(scanner, 0) == '}')
            *maximum = -1;
        else
            whole = take_number(scanner, maximum);
    }
    if (whole && look(scanner, 0) == '}') {
        scanner->at++;
        return true;
    }
    scanner->at = start;
    return false;
}

/* A repeat operator behind `element`; stands behind the operator, which began at `start`. */
static bool apply_repeat(struct scanner *scanner, struct element *element, size_t start)
{
    if (element->product == 0)
        return fail(scanner, start, "there is nothing before the repeat operator");
    if (element->repeated)
        return fail(scanner, start, "a repeat operator behind another");
    element->repeated = true;
    if (look(scanner, 0) == '?')
        scanner->at++;
    return true;
}

static bool take_repeat(struct scanner *scanner, struct element *element)
{
    const size_t start = scanner->at;
    int64_t minimum = 0;
    int64_t maximum = 0;

    if (look(scanner, 0) != '{') {
        scanner->at++;
        return apply_repeat(scanner, element, start);
    }
    if (!take_count(scanner, &minimum, &maximum)) {
        scanner->at++;
        *element = (struct element){.product = 1};
        return true;
    }
    if (minimum > MAX_REPEAT || maximum > MAX_REPEAT)
        return fail(scanner, start, "a repeat count is at most 1000");
    if (maximum >= 0 && minimum > maximum)
        return fail(scanner, start, "the repeat count runs backwards");
    if (!apply_repeat(scanner, element, start))
        return false;
    element->product *= maximum > 0 ? maximum : minimum > 0 ? minimum : 1;
    return element->product <= MAX_REPEAT || fail(scanner, start, "nested repeat counts grow beyond 1000");
}

/* One character, class or group. Flags and an empty literal are none: an operator behind them is for what stands before. */
static void take_element(struct scanner *scanner, struct element *element)
{
    const char *rest = scanner->text + scanner->at;
    const bool empty_literal = scanner->length - scanner->at >= 4 && strncmp(rest, "\\Q\\E", 4) == 0;
    int64_t product = 1;
    uint32_t rune = 0;

    switch (*rest) {
    case '(':
        product = take_group(scanner);
        break;
    case '[':
        take_class(scanner);
        break;
    case '\\':
        take_backslash(scanner);
        product = empty_literal ? 0 : 1;
        break;
    default:
        take_rune(scanner, &rune);
    }
    *element = (struct element){.product = product > 0 ? product : element->product};
}

/* Alternatives up to a closing parenthesis or the end; the largest product within. An empty one counts as an element: RE2 repeats `()`. */
static int64_t scan_alternatives(struct scanner *scanner)
{
    struct element element = {0};
    int64_t largest = 1;

    while (!is_done(scanner) && look(scanner, 0) != ')') {
        const char next = look(scanner, 0);

        if (next == '|') {
            scanner->at++;
            element = (struct element){0};
        } else if (next == '*' || next == '+' || next == '?' || next == '{') {
            take_repeat(scanner, &element);
        } else {
            take_element(scanner, &element);
        }
        if (element.product > largest)
            largest = element.product;
    }
    return largest;
}

const char *hl_regexp_problem(struct hl_arena *arena, const char *regexp, size_t length, size_t *at)
{
    struct scanner scanner = {.arena = arena, .text = regexp, .length = length};

    scan_alternatives(&scanner);
    if (scanner.problem == NULL && scanner.at < length)
        fail(&scanner, scanner.at, "the parenthesis ')' was not opened");
    *at = scanner.problem_at;
    return scanner.problem;
}
