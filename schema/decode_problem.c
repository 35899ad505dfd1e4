/* What the decoder says about values that do not fit: where, what was expected, what was found. */
#include "config.h"

#include "schema/decoding.h"

#include "schema/base/redact.h"

#include <string.h>
#include <strings.h>

static void put_path(struct hl_text *out, const struct hl_place *place)
{
    if (place->up == NULL)
        return;
    put_path(out, place->up);
    if (out->length > 0)
        hl_text_putc(out, '.');
    if (place->key != NULL)
        hl_text_puts(out, place->key);
    else
        hl_text_printf(out, "%zu", place->number);
}

const char *hl_place_words(struct hl_arena *arena, const struct hl_place *place)
{
    hl_auto(text) struct hl_text path = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    const struct hl_place *outermost = place;

    while (outermost->up != NULL)
        outermost = outermost->up;
    put_path(&path, place);
    if (path.length == 0)
        return outermost->what == NULL ? "the value" : outermost->what;
    if (outermost->what == NULL)
        return hl_arena_printf(arena, "'%s'", hl_text_get(&path));
    return hl_arena_printf(arena, "'%s' of %s", hl_text_get(&path), outermost->what);
}

bool hl_node_is_sensitive(const struct hl_node *node)
{
    return node->type == HL_NODE_VALUE && node->value->sensitive;
}

const char *hl_decode_shown(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const char *text)
{
    enum { ROOM = 60 };

    if (field->sensitive || hl_node_is_sensitive(node))
        return "a secret value";
    if (strlen(text) > ROOM)
        return hl_arena_printf(check->arena, "'%.*s...'", ROOM, text);
    return hl_arena_printf(check->arena, "'%s'", text);
}

static const char *expected(const struct hl_field *field)
{
    static const char *const words[] = {
        [HL_F_STRING] = "text",
        [HL_F_BOOL] = "true or false",
        [HL_F_INT] = "a whole number",
        [HL_F_NUMBER] = "a number",
        [HL_F_DURATION] = "a duration like 90s, 5m, 12h or 30d",
        [HL_F_SIZE] = "a size like 512m or 2g",
        [HL_F_LIST] = "a list",
        [HL_F_MAP] = "a mapping",
        [HL_F_OBJECT] = "a mapping",
        [HL_F_ANY] = "a value",
    };
    _Static_assert(HL_COUNT(words) == HL_FIELD_TYPES, "words for each type");

    if (field->type == HL_F_LIST && (field->forms & HL_FORM_WORDS) != 0)
        return "a list or a command line";
    if (field->type == HL_F_MAP && (field->forms & (HL_FORM_PAIRS | HL_FORM_NAMES)) != 0)
        return "a mapping or a list";
    if (field->type == HL_F_OBJECT && field->shorthand != NULL)
        return "a mapping or text";
    if (field->type == HL_F_OBJECT && (field->forms & HL_FORM_TRUE) != 0)
        return "a mapping, true or false";
    return words[field->type];
}

/* What was found: the text itself where it may be shown and helps. */
static const char *found(struct hl_check *check, const struct hl_node *node, const struct hl_field *field)
{
    bool is_scalar = field->type != HL_F_LIST && field->type != HL_F_MAP && field->type != HL_F_OBJECT;
    const char *text = NULL;

    if (node->type == HL_NODE_SCALAR)
        text = node->scalar.data;
    else if (node->type == HL_NODE_VALUE)
        text = hl_value_to_text(check->arena, node->value);
    if (text == NULL || hl_node_is_null(node) || (!is_scalar && strlen(text) > 40))
        return hl_node_describe(node);
    if (field->sensitive || hl_node_is_sensitive(node))
        return "something else";
    return hl_decode_shown(check, node, field, text);
}

static void hint_type(struct hl_check *check, struct hl_diag *diag, const struct hl_node *node, const struct hl_field *field)
{
    const char *text = node->type == HL_NODE_SCALAR ? node->scalar.data : "";
    int64_t number;

    if (field->sensitive)
        return;
    if (field->type == HL_F_BOOL && (strcasecmp(text, "yes") == 0 || strcasecmp(text, "on") == 0 || strcasecmp(text, "true") == 0))
        hl_diag_hint(check->diags, diag, "write true");
    else if (field->type == HL_F_BOOL && (strcasecmp(text, "no") == 0 || strcasecmp(text, "off") == 0 || strcasecmp(text, "false") == 0))
        hl_diag_hint(check->diags, diag, "write false");
    else if (field->type == HL_F_DURATION && hl_parse_int(text, 0, INT32_MAX, &number))
        hl_diag_hint(check->diags, diag, "a duration has a unit: %ss, %sm, %sh or %sd", text, text, text, text);
    else if (field->type == HL_F_LIST && node->type != HL_NODE_MAP)
        hl_diag_hint(check->diags, diag, "write [...] or an item a line, each with '- ' before it");
}

void hl_decode_wrong_type(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const struct hl_place *place)
{
    struct hl_diag *diag =
        hl_diag_error(check->diags, node->at, "%s must be %s, found %s", hl_place_words(check->arena, place), expected(field), found(check, node, field));

    hint_type(check, diag, node, field);
}

static bool is_allowed(const struct hl_field *field, const char *text)
{
    for (size_t i = 0; field->allowed[i] != NULL; i++)
        if (strcmp(field->allowed[i], text) == 0)
            return true;
    return false;
}

static void report_allowed(struct hl_check *check, const struct hl_field *field, const struct hl_value *value, const struct hl_place *place)
{
    hl_auto(text) struct hl_text list = HL_TEXT_INIT(4096);
    bool secret = field->sensitive || value->sensitive;
    size_t count = 0;
    struct hl_diag *diag;

    for (; field->allowed[count] != NULL; count++)
        hl_text_printf(&list, "%s%s", count == 0 ? "" : field->allowed[count + 1] == NULL ? " or " : ", ", field->allowed[count]);
    diag = hl_diag_error(check->diags, value->at, "%s must be %s, found %s", hl_place_words(check->arena, place), hl_text_get(&list),
                         secret ? "something else" : hl_arena_printf(check->arena, "'%.60s'", value->text.data));
    if (!secret)
        hl_diag_suggest(check->diags, diag, value->text.data, field->allowed, count);
}

/* A text, or the texts of a list or map. */
void hl_decode_check_allowed(struct hl_check *check, const struct hl_field *field, const struct hl_value *value, const struct hl_place *place)
{
    if (value->type == HL_TEXT && !is_allowed(field, value->text.data))
        report_allowed(check, field, value, place);
    for (size_t i = 0; i < hl_value_count(value); i++) {
        const struct hl_place inner = {.up = place, .key = hl_value_key(value, i), .number = i};

        hl_decode_check_allowed(check, field, value->type == HL_LIST ? hl_value_item(value, i) : hl_value_at(value, i), &inner);
    }
}

/* `message` with each `secret` masked; one of a few characters only where it is quoted, since it would be found everywhere. */
static const char *mask_text(struct hl_arena *arena, const char *message, const char *secret)
{
    enum { FEW = 4 };
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    size_t length = strlen(secret);

    if (length == 0 || strstr(message, secret) == NULL)
        return message;
    for (const char *at = message; *at != '\0';) {
        bool is_here = strncmp(at, secret, length) == 0;
        bool is_quoted = is_here && at > message && at[-1] == '\'' && at[length] == '\'';

        if (is_quoted || (is_here && length >= FEW)) {
            hl_text_puts(&text, HL_REDACTED);
            at += length;
        } else {
            hl_text_putc(&text, *at++);
        }
    }
    return hl_arena_strdup(arena, hl_text_get(&text));
}

void hl_decode_mask(struct hl_check *check, size_t first, const struct hl_value *value)
{
    if (value == NULL || first >= check->diags->count)
        return;
    if (value->sensitive && hl_value_to_text(check->arena, value) != NULL) {
        const char *secret = hl_value_to_text(check->arena, value);

        for (size_t i = first; i < check->diags->count; i++) {
            struct hl_diag *diag = &check->diags->items[i];

            diag->message = mask_text(check->diags->arena, diag->message, secret);
            if (diag->hint != NULL)
                diag->hint = mask_text(check->diags->arena, diag->hint, secret);
        }
    }
    for (size_t i = 0; i < hl_value_count(value); i++)
        hl_decode_mask(check, first, value->type == HL_LIST ? hl_value_item(value, i) : hl_value_at(value, i));
}
