/* One scalar by the type of its field. */
#include "config.h"

#include "schema/decoding.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Strict: JSON's numbers, no blanks, no hex, no infinities. */
static bool parse_real(const char *text, double *real)
{
    char *end;

    if (*text == '\0' || strspn(text, "0123456789+-.eE") != strlen(text) || text[0] == '+')
        return false;
    errno = 0;
    *real = strtod(text, &end);
    return *end == '\0' && errno == 0 && isfinite(*real);
}

static struct hl_value *new_text(struct hl_arena *arena, const struct hl_node *node)
{
    struct hl_value *value = hl_arena_alloc(arena, sizeof(*value));

    value->type = HL_TEXT;
    value->text.data = node->scalar.data; /* shared: nodes outlive what is decoded from them */
    value->text.length = node->scalar.length;
    value->at = node->at;
    return value;
}

struct hl_value *hl_decode_scalar_core(struct hl_arena *arena, const struct hl_node *node)
{
    const char *text = node->scalar.data;
    struct hl_value *value = NULL;
    int64_t integer;
    double real;

    if (hl_node_is_null(node))
        value = hl_value_null(arena);
    else if (node->plain && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
        value = hl_value_bool(arena, *text == 't');
    else if (node->plain && hl_parse_int(text, INT64_MIN, INT64_MAX, &integer) && !(text[0] == '0' && text[1] != '\0'))
        value = hl_value_int(arena, integer);
    else if (node->plain && strpbrk(text, ".eE") != NULL && parse_real(text, &real))
        value = hl_value_real(arena, real);
    else
        return new_text(arena, node);
    value->at = node->at;
    return value;
}

static const char *text_of(struct hl_check *check, const struct hl_node *node)
{
    if (node->type == HL_NODE_SCALAR)
        return strlen(node->scalar.data) == node->scalar.length ? node->scalar.data : NULL;
    if (node->type == HL_NODE_VALUE)
        return hl_value_to_text(check->arena, node->value);
    return NULL;
}

static struct hl_value *decode_string(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const struct hl_place *place)
{
    struct hl_value *value = NULL;

    if (node->type == HL_NODE_SCALAR) {
        value = new_text(check->arena, node);
    } else if (node->type == HL_NODE_VALUE && node->value->type == HL_TEXT) {
        value = hl_arena_alloc(check->arena, sizeof(*value));
        *value = *node->value;
    } else if (node->type == HL_NODE_VALUE) {
        value = hl_value_text(check->arena, hl_value_to_text(check->arena, node->value));
    }
    if (value == NULL)
        hl_decode_wrong_type(check, node, field, place);
    return value;
}

static struct hl_value *decode_int(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const struct hl_place *place,
                                   const char *text)
{
    bool limited = field->minimum != 0 || field->maximum != 0;
    int64_t integer;

    if (!hl_parse_int(text, INT64_MIN, INT64_MAX, &integer)) {
        hl_decode_wrong_type(check, node, field, place);
        return NULL;
    }
    if (limited && (integer < field->minimum || integer > field->maximum)) {
        hl_diag_error(check->diags, node->at, "%s must be between %lld and %lld, found %s", hl_place_words(check->arena, place), (long long)field->minimum,
                      (long long)field->maximum, hl_decode_shown(check, node, field, text));
        return NULL;
    }
    return hl_value_int(check->arena, integer);
}

static struct hl_value *decode_number(struct hl_check *check, const char *text)
{
    int64_t integer;
    double real;

    if (hl_parse_int(text, INT64_MIN, INT64_MAX, &integer))
        return hl_value_int(check->arena, integer);
    return parse_real(text, &real) ? hl_value_real(check->arena, real) : NULL;
}

static struct hl_value *decode_quantity(struct hl_check *check, const char *text, bool (*parse)(const char *text, int64_t *quantity))
{
    int64_t quantity;

    return parse(text, &quantity) ? hl_value_int(check->arena, quantity) : NULL;
}

static struct hl_value *decode_bool(struct hl_check *check, const char *text)
{
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return hl_value_bool(check->arena, *text == 't');
    return NULL;
}

struct hl_value *hl_decode_scalar(struct hl_check *check, const struct hl_node *node, const struct hl_field *field, const struct hl_place *place)
{
    const char *text;
    struct hl_value *value = NULL;

    if (field->type == HL_F_STRING) {
        value = decode_string(check, node, field, place);
    } else if (field->type == HL_F_INT && (text = text_of(check, node)) != NULL) {
        value = decode_int(check, node, field, place, text);
    } else {
        text = text_of(check, node);
        if (text != NULL && field->type == HL_F_BOOL)
            value = decode_bool(check, text);
        else if (text != NULL && field->type == HL_F_NUMBER)
            value = decode_number(check, text);
        else if (text != NULL)
            value = decode_quantity(check, text, field->type == HL_F_DURATION ? hl_parse_duration : hl_parse_size);
        if (value == NULL)
            hl_decode_wrong_type(check, node, field, place);
    }
    if (value == NULL)
        return NULL;
    value->at = node->at;
    value->sensitive = hl_node_is_sensitive(node);
    return value;
}
