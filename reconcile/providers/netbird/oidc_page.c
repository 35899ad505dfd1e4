#include "config.h"

#include "reconcile/providers/netbird/oidc_page.h"

#include "schema/base/text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { MAX_ITEMS = 256, MAX_TEXT = 300, MAX_NAME = 32 };

struct reader {
    struct hl_arena *arena;
    const char *at, *end;
    struct hl_page page;
    struct hl_page_form *form; /* that is open, or NULL */
    struct hl_text text;
};

struct attribute {
    const char *name, *value;
    size_t name_length, value_length;
};

/* ---- small parts ---- */

static bool is_blank(char character)
{
    return character == ' ' || (character >= '\t' && character <= '\r');
}

static void *add(struct hl_arena *arena, void *items, size_t *count, size_t *capacity, size_t size)
{
    char *grown = items;

    if (*count == *capacity) {
        *capacity = *capacity == 0 ? 4 : *capacity * 2;
        grown = hl_arena_alloc(arena, *capacity * size);
        if (*count > 0)
            memcpy(grown, items, *count * size);
    }
    memset(grown + *count * size, 0, size);
    ++*count;
    return grown;
}

static void put_code(struct hl_text *out, unsigned long code)
{
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return;
    if (code < 0x80) {
        hl_text_putc(out, (char)code);
        return;
    }
    const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned first[] = {0, 0xc0, 0xe0, 0xf0};
    hl_text_putc(out, (char)(first[more] | (code >> (6 * more))));
    for (int i = more - 1; i >= 0; i--)
        hl_text_putc(out, (char)(0x80 | ((code >> (6 * i)) & 0x3f)));
}

/* The bytes that an entity takes; 0 when it is none that is known. */
static size_t put_entity(struct hl_text *out, const char *at, size_t length)
{
    static const struct {
        const char *name;
        char character;
    } entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&nbsp;", ' '}};
    const char *semicolon = memchr(at, ';', length < 12 ? length : 12);

    if (semicolon == NULL)
        return 0;
    for (size_t i = 0; i < HL_COUNT(entities); i++) {
        const size_t width = strlen(entities[i].name);
        if (width <= length && memcmp(at, entities[i].name, width) == 0) {
            hl_text_putc(out, entities[i].character);
            return width;
        }
    }
    if (at[1] != '#')
        return 0;
    const bool hex = at[2] == 'x' || at[2] == 'X';
    unsigned long code = 0;
    for (const char *digit = at + (hex ? 3 : 2); digit < semicolon; digit++) {
        if (hex ? !isxdigit((unsigned char)*digit) : !isdigit((unsigned char)*digit))
            return 0;
        const int value = isdigit((unsigned char)*digit) ? *digit - '0' : (tolower((unsigned char)*digit) - 'a') + 10;
        code = code * (hex ? 16 : 10) + (unsigned long)value;
    }
    put_code(out, code);
    return (size_t)(semicolon - at) + 1;
}

static const char *decode(struct hl_arena *arena, const char *data, size_t length)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_OUTPUT);

    for (size_t i = 0; i < length;) {
        const size_t taken = data[i] == '&' ? put_entity(&out, data + i, length - i) : 0;
        if (taken == 0)
            hl_text_putc(&out, data[i]);
        i += taken == 0 ? 1 : taken;
    }
    return hl_arena_copy(arena, hl_text_get(&out), out.length);
}

/* ---- tags ---- */

static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->end && is_blank(*reader->at))
        reader->at++;
}

static bool at_end(const struct reader *reader)
{
    return reader->at >= reader->end;
}

/* Up to one of `stops`, all of which end it too. */
static const char *take_until(struct reader *reader, const char *stops, size_t *length)
{
    const char *begin = reader->at;

    while (!at_end(reader) && (*reader->at == '\0' || strchr(stops, *reader->at) == NULL))
        reader->at++;
    *length = (size_t)(reader->at - begin);
    return begin;
}

static void read_value(struct reader *reader, struct attribute *attribute)
{
    const char quote = at_end(reader) ? '\0' : *reader->at;

    if (quote != '"' && quote != '\'') {
        attribute->value = take_until(reader, " \t\r\n\f\v>", &attribute->value_length);
        return;
    }
    reader->at++;
    attribute->value = take_until(reader, quote == '"' ? "\"" : "'", &attribute->value_length);
    reader->at += !at_end(reader);
}

/* The next attribute of the tag that is open; false at its end, which is passed. */
static bool next_attribute(struct reader *reader, struct attribute *attribute)
{
    while (!at_end(reader) && (is_blank(*reader->at) || *reader->at == '/'))
        reader->at++;
    if (at_end(reader) || *reader->at == '>') {
        reader->at += !at_end(reader);
        return false;
    }
    *attribute = (struct attribute){.name = reader->at++, .value = ""};
    (void)take_until(reader, " \t\r\n\f\v=>/", &attribute->name_length);
    attribute->name_length++;
    skip_blanks(reader);
    if (at_end(reader) || *reader->at != '=')
        return true;
    reader->at++;
    skip_blanks(reader);
    read_value(reader, attribute);
    return true;
}

static bool is_named(const struct attribute *attribute, const char *name)
{
    return attribute->name_length == strlen(name) && strncasecmp(attribute->name, name, attribute->name_length) == 0;
}

static const char *value_of(struct reader *reader, const struct attribute *attribute)
{
    return decode(reader->arena, attribute->value, attribute->value_length);
}

static void read_form(struct reader *reader)
{
    struct hl_page *page = &reader->page;
    struct attribute attribute;

    page->forms = add(reader->arena, page->forms, &page->forms_count, &page->forms_capacity, sizeof *page->forms);
    reader->form = &page->forms[page->forms_count - 1];
    while (next_attribute(reader, &attribute)) {
        if (is_named(&attribute, "action"))
            reader->form->action = value_of(reader, &attribute);
        else if (is_named(&attribute, "method"))
            reader->form->posts = strcasecmp(value_of(reader, &attribute), "post") == 0;
    }
    if (reader->form->action != NULL && *reader->form->action == '\0')
        reader->form->action = NULL;
}

static void read_input(struct reader *reader)
{
    struct hl_page_input input = {.name = "", .type = "text", .value = ""};
    struct hl_page_form *form = reader->form;
    struct attribute attribute;

    while (next_attribute(reader, &attribute)) {
        if (is_named(&attribute, "name")) {
            input.name = value_of(reader, &attribute);
        } else if (is_named(&attribute, "value")) {
            input.value = value_of(reader, &attribute);
        } else if (is_named(&attribute, "type")) {
            char *type = hl_arena_copy(reader->arena, attribute.value, attribute.value_length);
            for (char *letter = type; *letter != '\0'; letter++)
                *letter = (char)tolower((unsigned char)*letter);
            input.type = type;
        }
    }
    if (form == NULL || form->inputs_count >= MAX_ITEMS)
        return;
    form->inputs = add(reader->arena, form->inputs, &form->inputs_count, &form->inputs_capacity, sizeof *form->inputs);
    form->inputs[form->inputs_count - 1] = input;
}

static void read_link(struct reader *reader)
{
    struct hl_page *page = &reader->page;
    struct attribute attribute;

    while (next_attribute(reader, &attribute)) {
        if (!is_named(&attribute, "href") || page->links_count >= MAX_ITEMS)
            continue;
        page->links = add(reader->arena, page->links, &page->links_count, &page->links_capacity, sizeof *page->links);
        page->links[page->links_count - 1] = value_of(reader, &attribute);
    }
}

static void skip_tag(struct reader *reader)
{
    struct attribute attribute;

    while (next_attribute(reader, &attribute))
        continue;
}

/* Behind the `</name` that ends what is no markup: a script, a style. */
static void skip_content(struct reader *reader, const char *name)
{
    const size_t length = strlen(name);

    for (; reader->at < reader->end; reader->at++) {
        if (*reader->at == '<' && (size_t)(reader->end - reader->at) > length + 1 && reader->at[1] == '/' && strncasecmp(reader->at + 2, name, length) == 0)
            return;
    }
}

static void read_tag(struct reader *reader)
{
    char name[MAX_NAME];
    size_t length = 0;
    const bool closes = reader->at < reader->end && *reader->at == '/';

    reader->at += closes;
    while (reader->at < reader->end && isalnum((unsigned char)*reader->at)) {
        if (length + 1 < sizeof name)
            name[length++] = (char)tolower((unsigned char)*reader->at);
        reader->at++;
    }
    name[length] = '\0';
    if (closes) {
        reader->form = strcmp(name, "form") == 0 ? NULL : reader->form;
        skip_tag(reader);
    } else if (strcmp(name, "form") == 0 && reader->page.forms_count < MAX_ITEMS) {
        read_form(reader);
    } else if (strcmp(name, "input") == 0) {
        read_input(reader);
    } else if (strcmp(name, "a") == 0) {
        read_link(reader);
    } else {
        skip_tag(reader);
        if (strcmp(name, "script") == 0 || strcmp(name, "style") == 0 || strcmp(name, "title") == 0)
            skip_content(reader, name);
    }
}

static void skip_comment(struct reader *reader)
{
    static const char end[] = "-->";
    const size_t length = strlen(end);

    while (!at_end(reader) && !((size_t)(reader->end - reader->at) >= length && memcmp(reader->at, end, length) == 0))
        reader->at++;
    reader->at += at_end(reader) ? 0 : length;
}

static void read_text(struct reader *reader)
{
    const char *begin = reader->at;

    while (reader->at < reader->end && *reader->at != '<')
        reader->at++;
    const char *words = decode(reader->arena, begin, (size_t)(reader->at - begin));
    while (*words != '\0' && reader->text.length < MAX_TEXT) {
        const size_t blanks = strspn(words, " \t\r\n\f\v");
        const size_t word = strcspn(words + blanks, " \t\r\n\f\v");
        if (word > 0 && reader->text.length > 0)
            hl_text_putc(&reader->text, ' ');
        hl_text_append(&reader->text, words + blanks, word);
        words += blanks + word;
    }
}

struct hl_page hl_page_read(struct hl_arena *arena, const char *html, size_t length)
{
    struct reader reader = {.arena = arena, .at = html, .end = html + length, .text = HL_TEXT_INIT(MAX_TEXT)};

    while (reader.at < reader.end) {
        if (*reader.at != '<') {
            read_text(&reader);
        } else if (reader.end - reader.at >= 4 && memcmp(reader.at, "<!--", 4) == 0) {
            skip_comment(&reader);
        } else {
            reader.at++;
            read_tag(&reader);
        }
    }
    reader.page.text = hl_arena_copy(arena, hl_text_get(&reader.text), reader.text.length);
    hl_text_clear(&reader.text);
    return reader.page;
}

const struct hl_page_input *hl_page_find_type(const struct hl_page_form *form, const char *type)
{
    for (size_t i = 0; i < form->inputs_count; i++) {
        if (strcmp(form->inputs[i].type, type) == 0)
            return &form->inputs[i];
    }
    return NULL;
}

const struct hl_page_input *hl_page_find_name(const struct hl_page_form *form, const char *name)
{
    for (size_t i = 0; i < form->inputs_count; i++) {
        if (strcmp(form->inputs[i].name, name) == 0)
            return &form->inputs[i];
    }
    return NULL;
}
