#include "config.h"

#include "reconcile/providers/local/dotenv.h"

#include <ctype.h>
#include <string.h>

static const char header[] = "# Made by hlrec, which keeps its own lines here and leaves all others as they are.\n";

enum { DOCKER_VALUE = 60 * 1024 }; /* a line of 64 kB, name and all, is too long for its scanner */

bool hl_dotenv_is_key(const char *name)
{
    if (name == NULL || (!isalpha((unsigned char)name[0]) && name[0] != '_'))
        return false;
    for (; *name != '\0'; name++) {
        if (!isalnum((unsigned char)*name) && *name != '_')
            return false;
    }
    return true;
}

/* ---- what each reader does with a form ----
 *
 * Each rule gives what the reader would do otherwise than take the bytes, as a phrase behind its name; NULL when it takes them. They lean to the safe side
 * where versions differ. Sources: docker/cli pkg/kvfile, compose-go dotenv, systemd src/basic/env-file.c, POSIX shell language 2.6 (an assignment is
 * subject to tilde, parameter and command expansion and quote removal, not to splitting or globbing). */

struct form {
    const char *data;
    size_t length;
};

static bool has(struct form form, char character)
{
    return memchr(form.data, character, form.length) != NULL;
}

static bool has_any(struct form form, const char *characters)
{
    for (size_t i = 0; i < form.length; i++) {
        if (form.data[i] != '\0' && strchr(characters, form.data[i]) != NULL)
            return true;
    }
    return false;
}

static bool has_control(struct form form)
{
    for (size_t i = 0; i < form.length; i++) {
        if ((unsigned char)form.data[i] < ' ' || form.data[i] == 0x7f)
            return true;
    }
    return false;
}

static char first(struct form form)
{
    return form.length == 0 ? '\0' : form.data[0];
}

static char last(struct form form)
{
    return form.length == 0 ? '\0' : form.data[form.length - 1];
}

/* What Go's unicode.IsSpace trims. */
static bool is_space(uint32_t code)
{
    return (code >= 9 && code <= 13) || code == ' ' || code == 0x85 || code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
           code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

static bool has_outer_blanks(struct form form)
{
    uint32_t code = 0;
    bool space = false;

    for (size_t at = 0; at < form.length;) {
        const size_t step = hl_utf8_decode(form.data + at, form.length - at, &code);
        space = step > 0 && is_space(code);
        if (at == 0 && space)
            return true;
        at += step > 0 ? step : 1;
    }
    return space;
}

static bool has_comment(struct form form)
{
    for (size_t i = 0; i < form.length; i++) {
        if (form.data[i] == '#' && (i == 0 || form.data[i - 1] == ' ' || form.data[i - 1] == '\t'))
            return true;
    }
    return false;
}

static bool has_tilde(struct form form)
{
    for (size_t i = 0; i < form.length; i++) {
        if (form.data[i] == '~' && (i == 0 || form.data[i - 1] == ':' || form.data[i - 1] == '='))
            return true;
    }
    return false;
}

static const char *docker_bare(struct form form)
{
    if (has(form, '\n'))
        return "ends the value at the line break";
    if (last(form) == '\r')
        return "drops a carriage return at the end";
    if (form.length > DOCKER_VALUE)
        return "refuses lines of that length";
    return NULL;
}

static const char *docker_quoted(struct form form)
{
    (void)form;
    return "keeps the quotes as a part of the value";
}

static const char *compose_bare(struct form form)
{
    if (has_any(form, "\r\n"))
        return "ends the value at the line break";
    if (has(form, '$'))
        return "expands '$'";
    if (has_outer_blanks(form))
        return "drops blanks at the ends";
    if (first(form) == '\'' || first(form) == '"')
        return "takes a quote at the start as the start of a quoted value";
    return has_comment(form) ? "takes '#' as the start of a comment" : NULL;
}

static const char *compose_quoted(struct form form)
{
    if (has(form, '\''))
        return "ends the value at a single quote within";
    if (last(form) == '\\')
        return "takes a backslash before the closing quote as an escape";
    return has(form, '\r') ? "changes carriage returns" : NULL;
}

static const char *systemd_bare(struct form form)
{
    if (has_any(form, "\r\n"))
        return "ends the value at the line break";
    if (has(form, '\\'))
        return "takes a backslash as an escape";
    if (has_outer_blanks(form))
        return "drops blanks at the ends";
    return first(form) == '\'' || first(form) == '"' ? "takes a quote at the start as the start of a quoted value" : NULL;
}

static const char *systemd_quoted(struct form form)
{
    return has(form, '\'') ? "ends the value at a single quote within" : NULL;
}

static const char *sh_bare(struct form form)
{
    if (has_any(form, "\r\n"))
        return "ends the value at the line break";
    if (has(form, '$'))
        return "expands '$'";
    if (has(form, '`'))
        return "runs what stands in backquotes";
    if (has_any(form, "'\""))
        return "removes quotes";
    if (has(form, '\\'))
        return "takes a backslash as an escape";
    if (has_any(form, " \t"))
        return "ends the value at a blank";
    if (has_any(form, ";&|<>()"))
        return "gives ; & | < > ( ) a meaning";
    if (has_tilde(form))
        return "expands '~'";
    return has_control(form) ? "gives control characters a meaning" : NULL;
}

static const char *sh_quoted(struct form form)
{
    return has(form, '\'') ? "ends the value at a single quote within" : NULL;
}

static const struct {
    unsigned bit;
    const char *name; /* as errors say it */
    const char *(*bare)(struct form form);
    const char *(*quoted)(struct form form);
} rules[] = {
    {HL_DOTENV_DOCKER, "docker --env-file", docker_bare, docker_quoted},
    {HL_DOTENV_COMPOSE, "docker compose", compose_bare, compose_quoted},
    {HL_DOTENV_SYSTEMD, "systemd", systemd_bare, systemd_quoted},
    {HL_DOTENV_SH, "sh", sh_bare, sh_quoted},
};

const char *const hl_dotenv_reader_names[] = {"docker", "compose", "systemd", "sh", NULL};
_Static_assert(HL_COUNT(hl_dotenv_reader_names) == HL_COUNT(rules) + 1, "every reader has its word");

unsigned hl_dotenv_reader_find(const char *name)
{
    for (size_t i = 0; name != NULL && i < HL_COUNT(rules); i++) {
        if (strcmp(name, hl_dotenv_reader_names[i]) == 0)
            return rules[i].bit;
    }
    return 0;
}

/* Whether all `readers` take the form; the first that does not is told. */
static bool all_take(unsigned readers, struct form form, bool quoted, const char **reader, const char **what)
{
    for (size_t i = 0; i < HL_COUNT(rules); i++) {
        if ((readers & rules[i].bit) == 0)
            continue;
        *what = quoted ? rules[i].quoted(form) : rules[i].bare(form);
        *reader = rules[i].name;
        if (*what != NULL)
            return false;
    }
    return true;
}

static bool is_text(struct form form)
{
    uint32_t code = 0;

    for (size_t at = 0; at < form.length;) {
        const size_t step = hl_utf8_decode(form.data + at, form.length - at, &code);
        if (step == 0 || code == 0)
            return false;
        at += step;
    }
    return true;
}

bool hl_dotenv_encode(struct hl_text *out, unsigned readers, const char *value, size_t length, struct hl_dotenv_problem *problem)
{
    const struct form form = {value, length};

    *problem = (struct hl_dotenv_problem){0};
    if (!is_text(form)) {
        *problem = (struct hl_dotenv_problem){"every reader", "stops at a NUL or at broken UTF-8", "every reader", "does the same"};
        return false;
    }
    if (all_take(readers, form, false, &problem->bare_reader, &problem->bare)) {
        hl_text_append(out, value, length);
        return true;
    }
    if (all_take(readers, form, true, &problem->quoted_reader, &problem->quoted)) {
        hl_text_putc(out, '\'');
        hl_text_append(out, value, length);
        hl_text_putc(out, '\'');
        return true;
    }
    return false;
}

static bool is_wrapped(struct form form, char quote)
{
    return form.length >= 2 && first(form) == quote && last(form) == quote;
}

static struct form unwrapped(struct form form)
{
    return (struct form){form.data + 1, form.length - 2};
}

bool hl_dotenv_decode(struct hl_text *out, unsigned readers, const char *written, size_t length)
{
    struct form form = {written, length};
    const char *reader = NULL;
    const char *what = NULL;

    /* Only a shell keeps the carriage return of a file with CRLF line ends. */
    if (last(form) == '\r' && (readers & HL_DOTENV_SH) == 0)
        form.length--;
    if (all_take(readers, form, false, &reader, &what)) {
        hl_text_append(out, form.data, form.length);
        return true;
    }
    const bool single = is_wrapped(form, '\'') && all_take(readers, unwrapped(form), true, &reader, &what);
    /* Without escapes, double quotes mean what single ones do. */
    const bool twice = is_wrapped(form, '"') && (readers & HL_DOTENV_DOCKER) == 0 && !has_any(unwrapped(form), "\"$`\\\r");
    if (!single && !twice)
        return false;
    hl_text_append(out, form.data + 1, form.length - 2);
    return true;
}

void hl_dotenv_guess(struct hl_text *out, const char *written, size_t length)
{
    struct form form = {written, length};

    while (form.length > 0 && isspace((unsigned char)last(form)))
        form.length--;
    while (form.length > 0 && isspace((unsigned char)first(form)))
        form = (struct form){form.data + 1, form.length - 1};
    if (is_wrapped(form, '\'') || is_wrapped(form, '"'))
        form = unwrapped(form);
    hl_text_append(out, form.data, form.length);
}

/* ---- the file ---- */

/* One line, or an assignment that goes on over several within quotes. */
struct entry {
    const char *start;
    size_t length;   /* with the line end */
    const char *key; /* NULL: no assignment */
    size_t key_length;
    const char *written;   /* behind '=' */
    size_t written_length; /* without the line end */
};

static const char *line_end(const char *at, const char *end)
{
    const char *found = memchr(at, '\n', (size_t)(end - at));

    return found != NULL ? found : end;
}

/* Where a value in quotes that starts at `at` ends: behind the closing quote's line. NULL when the quote is never closed. */
static const char *quoted_end(const char *at, const char *end)
{
    for (const char *look = at + 1; look < end; look++) {
        if (*look == '\\' && *at == '"')
            look++;
        else if (*look == *at)
            return line_end(look, end);
    }
    return NULL;
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at;
}

/* Reads the key of an assignment; NULL when it is none. `export` in front is for shells and compose. */
static const char *read_key(struct entry *entry, const char *at, const char *end)
{
    static const char export[] = "export";

    at = skip_blanks(at, end);
    if ((size_t)(end - at) > sizeof export && memcmp(at, export, sizeof export - 1) == 0 && (at[6] == ' ' || at[6] == '\t'))
        at = skip_blanks(at + sizeof export, end);
    const char *key = at;
    while (at < end && (isalnum((unsigned char)*at) || *at == '_'))
        at++;
    if (at == key || at == end || *at != '=')
        return NULL;
    entry->key = key;
    entry->key_length = (size_t)(at - key);
    return at + 1;
}

/* The entry at `at`. For docker a line is a line; for the others quotes may hold several. */
static struct entry read_entry(const char *at, const char *end, unsigned readers)
{
    struct entry entry = {.start = at};
    const char *stop = line_end(at, end);
    const char *value = read_key(&entry, at, stop);

    if (value != NULL) {
        const bool quoted = value < stop && (*value == '\'' || *value == '"') && (readers & HL_DOTENV_DOCKER) == 0;
        const char *closed = quoted ? quoted_end(value, end) : NULL;
        stop = closed != NULL ? closed : stop;
        entry.written = value;
        entry.written_length = (size_t)(stop - value);
    }
    entry.length = (size_t)(stop - at) + (stop < end ? 1 : 0);
    return entry;
}

static bool is_of_key(const struct entry *entry, const char *key)
{
    return entry->key != NULL && strlen(key) == entry->key_length && memcmp(entry->key, key, entry->key_length) == 0;
}

struct hl_dotenv_found hl_dotenv_find(const char *file, size_t length, unsigned readers, const char *key)
{
    struct hl_dotenv_found found = {0};
    struct entry entry;

    for (size_t at = 0; at < length; at += entry.length) {
        entry = read_entry(file + at, file + length, readers);
        if (is_of_key(&entry, key))
            found = (struct hl_dotenv_found){entry.written, entry.written_length, found.times + 1};
    }
    return found;
}

/* Copies the file without the key's lines; the last of them is put as `written` when that is not NULL, and what stood before the key is kept. */
static void rewrite(struct hl_text *out, const char *file, size_t length, unsigned readers, const char *key, const char *written)
{
    size_t left = hl_dotenv_find(file, length, readers, key).times;
    struct entry entry;

    for (size_t at = 0; at < length; at += entry.length) {
        entry = read_entry(file + at, file + length, readers);
        if (!is_of_key(&entry, key)) {
            hl_text_append(out, entry.start, entry.length);
        } else if (--left == 0 && written != NULL) {
            hl_text_append(out, entry.start, (size_t)(entry.written - entry.start));
            hl_text_puts(out, written);
            hl_text_putc(out, '\n');
        }
    }
}

void hl_dotenv_set(struct hl_text *out, const char *file, size_t length, unsigned readers, const char *key, const char *written)
{
    if (hl_dotenv_find(file, length, readers, key).times > 0) {
        rewrite(out, file, length, readers, key, written);
        return;
    }
    hl_text_append(out, length > 0 ? file : header, length > 0 ? length : sizeof header - 1);
    if (length > 0 && file[length - 1] != '\n')
        hl_text_putc(out, '\n');
    hl_text_printf(out, "%s=", key);
    hl_text_puts(out, written);
    hl_text_putc(out, '\n');
}

void hl_dotenv_remove(struct hl_text *out, const char *file, size_t length, unsigned readers, const char *key)
{
    rewrite(out, file, length, readers, key, NULL);
}

bool hl_dotenv_is_left_empty(const char *file, size_t length)
{
    return length == 0 || (length == sizeof header - 1 && memcmp(file, header, length) == 0);
}
