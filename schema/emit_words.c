#include "config.h"

#include "schema/emitting.h"

#include <inttypes.h>
#include <string.h>

static const char *const type_words[] = {
    [HL_F_STRING] = "text", [HL_F_BOOL] = "true or false", [HL_F_INT] = "whole number", [HL_F_NUMBER] = "number",  [HL_F_DURATION] = "duration",
    [HL_F_SIZE] = "size",   [HL_F_LIST] = "list",          [HL_F_MAP] = "mapping",      [HL_F_OBJECT] = "mapping", [HL_F_ANY] = "anything",
};
_Static_assert(HL_COUNT(type_words) == HL_FIELD_TYPES, "words for each type");

static const char *const item_words[] = {
    [HL_F_STRING] = "texts", [HL_F_BOOL] = "true or false", [HL_F_INT] = "whole numbers", [HL_F_NUMBER] = "numbers",  [HL_F_DURATION] = "durations",
    [HL_F_SIZE] = "sizes",   [HL_F_LIST] = "lists",         [HL_F_MAP] = "mappings",      [HL_F_OBJECT] = "mappings", [HL_F_ANY] = "anything",
};
_Static_assert(HL_COUNT(item_words) == HL_FIELD_TYPES, "words for each type");

bool hl_emit_is_input(const struct hl_field *field)
{
    return !field->computed && !field->internal;
}

bool hl_emit_is_output(const struct hl_field *field)
{
    return field->computed && !field->internal;
}

bool hl_emit_has_members(const struct hl_field *field)
{
    bool holds_objects = (field->type == HL_F_LIST || field->type == HL_F_MAP) && field->item == HL_F_OBJECT;

    return (field->type == HL_F_OBJECT || holds_objects) && field->fields != NULL && field->fields[0].name != NULL;
}

static const struct {
    enum hl_form form;
    enum hl_field_type type;
    const char *words;
} form_words[] = {
    {HL_FORM_SINGLE, HL_F_LIST, "one item needs no list"},
    {HL_FORM_WORDS, HL_F_LIST, "or a command line, split as a shell does"},
    {HL_FORM_PAIRS, HL_F_MAP, "or a list of KEY=value"},
    {HL_FORM_NAMES, HL_F_MAP, "or a list of names"},
    {HL_FORM_TRUE, HL_F_OBJECT, "true is the empty mapping, false none"},
    {HL_FORM_NOCASE, HL_F_OBJECT, "keys in any case"},
};

void hl_emit_type(struct hl_text *out, const struct hl_field *field)
{
    bool is_keyed = field->type == HL_F_LIST && field->key != NULL;

    if (field->allowed != NULL && field->type == HL_F_STRING) {
        for (size_t i = 0; field->allowed[i] != NULL; i++)
            hl_text_printf(out, "%s%s", i == 0 ? "" : " | ", field->allowed[i]);
    } else if (field->type == HL_F_LIST) {
        hl_text_printf(out, "%s of %s", field->order == HL_SET ? "set" : "list", item_words[field->item]);
    } else if (field->type == HL_F_MAP) {
        hl_text_printf(out, "mapping of names to %s", item_words[field->item]);
    } else {
        hl_text_puts(out, type_words[field->type]);
    }
    if (is_keyed)
        hl_text_printf(out, ", each with its own '%s'", field->key);
    if (field->shorthand != NULL)
        hl_text_printf(out, "; %s", field->type == HL_F_LIST ? "items also in a short form" : "also in a short form");
    for (size_t i = 0; i < HL_COUNT(form_words); i++)
        if ((field->forms & form_words[i].form) != 0 && field->type == form_words[i].type)
            hl_text_printf(out, "; %s", form_words[i].words);
}

static void put_note(struct hl_text *out, const char *text)
{
    hl_text_printf(out, "%s%s", out->length == 0 ? "" : "; ", text);
}

void hl_emit_notes(struct hl_text *out, const struct hl_field *field)
{
    hl_auto(text) struct hl_text notes = HL_TEXT_INIT(16384);

    if (field->required && !field->computed)
        put_note(&notes, "required");
    if (field->fallback != NULL)
        hl_text_printf(&notes, "%sdefault %s", notes.length == 0 ? "" : "; ", *field->fallback == '\0' ? "\"\"" : field->fallback);
    if (field->minimum != 0 || field->maximum != 0)
        hl_text_printf(&notes, "%s%" PRId64 " to %" PRId64, notes.length == 0 ? "" : "; ", field->minimum, field->maximum);
    if (field->immutable || field->must_replace != NULL)
        put_note(&notes, field->must_replace != NULL ? "some changes replace it" : "a change replaces it");
    if (field->refers_to != NULL)
        hl_text_printf(&notes, "%snames a %s", notes.length == 0 ? "" : "; ", field->refers_to);
    if (field->sensitive)
        put_note(&notes, "never shown");
    if (field->write_only)
        put_note(&notes, "cannot be read back");
    hl_text_append(out, hl_text_get(&notes), notes.length);
}

void hl_emit_indented(struct hl_text *out, const char *text, const char *indent)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");

        hl_text_printf(out, "%s%.*s\n", length == 0 ? "" : indent, (int)length, text);
        text += length + (text[length] == '\n' ? 1 : 0);
    }
}
