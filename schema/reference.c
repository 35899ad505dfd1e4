#include "config.h"

#include "schema/reference.h"

#include <string.h>

/* What stands between `${` and `}`. */
enum form {
    FORM_REFERENCE, /* ${kind.name...} */
    FORM_NAME,      /* ${NAME}: no reference, but a template may give it a value */
    FORM_OTHER,
};

/* One text on its way to a value. */
struct resolving {
    struct hl_arena *arena;
    const struct hl_scope *scope;
    struct hl_diags *diags;
    struct hl_span at;            /* of what is looked at */
    bool template;                /* what is no reference of ours stays as it is */
    const struct hl_value *names; /* for ${NAME}, or NULL */
    struct hl_text out;
    const char *unknown; /* the first reference without a value yet */
    bool sensitive;
    bool failed;
};

static bool is_word(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') || (character >= '0' && character <= '9') || character == '_';
}

static bool is_name(const char *text)
{
    if (!is_word(*text) || (*text >= '0' && *text <= '9'))
        return false;
    while (is_word(*text))
        text++;
    return *text == '\0';
}

static bool is_kind(const char *text)
{
    return is_name(text) && !(*text >= 'A' && *text <= 'Z');
}

/* `rest` is what follows `env.`. */
static enum form split_env(char *rest, struct hl_reference *reference)
{
    char *operator= strstr(rest, ":-");

    reference->kind = "env";
    reference->name = rest;
    if (operator!= NULL) {
        *operator= '\0';
        reference->fallback = operator+ 2;
    }
    if (!is_name(rest) || (operator!= NULL && strstr(reference->fallback, "${") != NULL))
        return FORM_OTHER;
    return FORM_REFERENCE;
}

/* Cuts `text` (a copy of reference->text) into its parts. */
static enum form split(char *text, struct hl_reference *reference)
{
    char *dot = strchr(text, '.');
    char *output;

    if (dot == NULL)
        return is_name(text) ? FORM_NAME : FORM_OTHER;
    *dot = '\0';
    if (strcmp(text, "env") == 0)
        return split_env(dot + 1, reference);
    reference->kind = text;
    reference->name = dot + 1;
    if (!is_kind(text) || strpbrk(dot + 1, " \t\r\n\"'${") != NULL || strstr(dot + 1, ":-") != NULL)
        return FORM_OTHER;
    output = strchr(dot + 1, '.');
    if (output != NULL) {
        *output = '\0';
        reference->output = output + 1;
        if (*reference->output == '\0' || *reference->output == '.')
            return FORM_OTHER;
    }
    return *reference->name == '\0' ? FORM_OTHER : FORM_REFERENCE;
}

static enum form parse(struct hl_arena *arena, const char *inner, size_t length, struct hl_reference *reference)
{
    *reference = (struct hl_reference){.text = hl_arena_copy(arena, inner, length)};
    if (strlen(reference->text) != length)
        return FORM_OTHER;
    return split(hl_arena_copy(arena, inner, length), reference);
}

/* The next `${` at or behind `from`; NULL when there is none. */
static const char *next_opening(const char *from, const char *end)
{
    while (from < end) {
        const char *dollar = memchr(from, '$', (size_t)(end - from));

        if (dollar == NULL || dollar + 1 >= end)
            return NULL;
        if (dollar[1] == '{')
            return dollar;
        from = dollar + 1;
    }
    return NULL;
}

bool hl_reference_has(const char *text, size_t length)
{
    return next_opening(text, text + length) != NULL;
}

static void report_form(struct resolving *resolving, const struct hl_reference *reference, enum form form)
{
    struct hl_diag *diag = hl_diag_error(resolving->diags, resolving->at, "'${%s}' is no reference", reference->text);
    const char *text = reference->text;

    if (form == FORM_NAME)
        hl_diag_hint(resolving->diags, diag, "write ${env.%s} for the environment, ${var.%s} for a variable, or $${%s} for the text itself", text, text, text);
    else if (strstr(text, ":-") != NULL || strstr(text, ":?") != NULL)
        hl_diag_hint(resolving->diags, diag, "only the environment has fallbacks: ${env.NAME:-fallback}");
    else
        hl_diag_hint(resolving->diags, diag, "references are ${kind.name.output}, ${var.NAME} and ${env.NAME}; $${ is a literal ${");
}

/* The value that the scope has; NULL after a finding. */
static const struct hl_value *look_up(struct resolving *resolving, const struct hl_reference *reference)
{
    const struct hl_value *value = NULL;

    if (resolving->scope == NULL)
        hl_diag_error(resolving->diags, resolving->at, "'${%s}': references cannot be used here", reference->text);
    else
        value = resolving->scope->find(resolving->scope->context, resolving->arena, reference, resolving->at, resolving->diags);
    if (value == NULL)
        resolving->failed = true;
    return value;
}

/* Puts a value into the text around it. */
static void put(struct resolving *resolving, const struct hl_value *value, const char *reference)
{
    const char *text;

    if (value->sensitive)
        resolving->sensitive = true;
    switch (value->type) {
    case HL_UNKNOWN:
        if (resolving->unknown == NULL)
            resolving->unknown = value->unknown;
        return;
    case HL_NULL:
        return;
    case HL_TEXT:
        hl_text_append(&resolving->out, value->text.data, value->text.length);
        return;
    case HL_LIST:
    case HL_MAP:
        hl_diag_error(resolving->diags, resolving->at, "'${%s}' is a %s and cannot stand within a text", reference, hl_type_name(value->type));
        resolving->failed = true;
        return;
    case HL_BOOL:
    case HL_INT:
    case HL_REAL:
    case HL_TYPES:
        break;
    }
    text = hl_value_to_text(resolving->arena, value);
    hl_text_puts(&resolving->out, text == NULL ? "" : text);
}

static bool is_ours(const struct resolving *resolving, const struct hl_reference *reference)
{
    if (!resolving->template || strcmp(reference->kind, "var") == 0 || strcmp(reference->kind, "env") == 0)
        return true;
    return resolving->scope == NULL || resolving->scope->knows == NULL || resolving->scope->knows(resolving->scope->context, reference->kind);
}

/* Handles `${...}` of `size` bytes at `opening`. */
static void put_reference(struct resolving *resolving, const char *opening, size_t size)
{
    struct hl_reference reference;
    enum form form = parse(resolving->arena, opening + 2, size - 3, &reference);
    const struct hl_value *value = NULL;

    if (form == FORM_REFERENCE && is_ours(resolving, &reference)) {
        value = look_up(resolving, &reference);
    } else if (resolving->template) {
        value = form == FORM_NAME ? hl_value_get(resolving->names, reference.text) : NULL;
        if (value == NULL)
            hl_text_append(&resolving->out, opening, size);
    } else {
        report_form(resolving, &reference, form);
        resolving->failed = true;
    }
    if (value != NULL)
        put(resolving, value, reference.text);
}

static void move_on(struct hl_span *at, const char *from, const char *to)
{
    for (; from < to; from++) {
        if (*from == '\n') {
            at->line++;
            at->column = 1;
        } else if (((unsigned char)*from & 0xc0) != 0x80) {
            at->column++;
        }
    }
}

static void report_open(struct resolving *resolving)
{
    if (resolving->template)
        return;

    struct hl_diag *diag = hl_diag_error(resolving->diags, resolving->at, "'${' without '}'");

    hl_diag_hint(resolving->diags, diag, "write $${ for the text '${' itself");
    resolving->failed = true;
}

/* Handles the `${` or `$${` at `opening`, the text before it included; gives where to go on, or NULL when it is never closed. */
static const char *put_opening(struct resolving *resolving, const char *at, const char *opening, const char *end)
{
    const char *closing;

    if (opening > at && opening[-1] == '$') {
        hl_text_append(&resolving->out, at, (size_t)(opening - 1 - at));
        hl_text_puts(&resolving->out, "${");
        return opening + 2;
    }
    closing = memchr(opening, '}', (size_t)(end - opening));
    if (closing == NULL) {
        report_open(resolving);
        return NULL;
    }
    hl_text_append(&resolving->out, at, (size_t)(opening - at));
    put_reference(resolving, opening, (size_t)(closing + 1 - opening));
    return closing + 1;
}

/* Everything between references is copied. */
static void put_all(struct resolving *resolving, const char *text, size_t length)
{
    const char *end = text + length;
    const char *at = text;

    for (const char *opening = next_opening(at, end); opening != NULL; opening = next_opening(at, end)) {
        if (resolving->template)
            move_on(&resolving->at, at, opening);

        const char *next = put_opening(resolving, at, opening, end);

        if (next == NULL)
            break;
        if (resolving->template)
            move_on(&resolving->at, opening, next);
        at = next;
    }
    hl_text_append(&resolving->out, at, (size_t)(end - at));
}

static struct hl_value *finish(struct resolving *resolving, struct hl_span at)
{
    struct hl_value *value = NULL;

    if (!hl_text_ok(&resolving->out)) {
        hl_diag_error(resolving->diags, at, "the text is longer than %d bytes when its references are filled in", (int)HL_MAX_TEMPLATE);
        resolving->failed = true;
    }
    if (!resolving->failed) {
        value = resolving->unknown != NULL ? hl_value_unknown(resolving->arena, resolving->unknown)
                                           : hl_value_bytes(resolving->arena, hl_text_get(&resolving->out), resolving->out.length);
        value->sensitive = resolving->sensitive;
        value->at = at;
    }
    hl_text_clear(&resolving->out);
    return value;
}

/* The whole text is one reference: its value, type and all. */
static struct hl_value *resolve_single(struct resolving *resolving, const char *text, size_t length)
{
    struct hl_reference reference;
    enum form form = parse(resolving->arena, text + 2, length - 3, &reference);
    const struct hl_value *value;
    struct hl_value *result;

    if (form != FORM_REFERENCE) {
        report_form(resolving, &reference, form);
        return NULL;
    }
    value = look_up(resolving, &reference);
    if (value == NULL)
        return NULL;
    result = hl_arena_alloc(resolving->arena, sizeof(*result));
    *result = *value; /* shallow: parts are not changed by anyone */
    result->at = resolving->at;
    return result;
}

struct hl_value *hl_reference_resolve(struct hl_arena *arena, const char *text, size_t length, struct hl_span at, const struct hl_scope *scope,
                                      struct hl_diags *diags)
{
    struct resolving resolving = {.arena = arena, .scope = scope, .diags = diags, .at = at, .out = HL_TEXT_INIT(HL_MAX_TEMPLATE)};

    if (length > 3 && text[0] == '$' && text[1] == '{' && memchr(text, '}', length) == text + length - 1)
        return resolve_single(&resolving, text, length);
    put_all(&resolving, text, length);
    return finish(&resolving, at);
}

/* Findings in a template bring their lines along: who shows them has only the spec. */
static void show_lines(struct hl_diags *diags, size_t first, const char *text, size_t length)
{
    for (size_t i = first; i < diags->count; i++) {
        const char *line = text;

        for (uint32_t number = 1; number < diags->items[i].at.line && line != NULL; number++) {
            line = memchr(line, '\n', length - (size_t)(line - text));
            line = line == NULL ? NULL : line + 1;
        }
        if (line != NULL && diags->items[i].at.line > 0) {
            const char *end = memchr(line, '\n', length - (size_t)(line - text));

            diags->items[i].line = hl_arena_copy(diags->arena, line, end == NULL ? length - (size_t)(line - text) : (size_t)(end - line));
        }
    }
}

struct hl_value *hl_template_render(struct hl_arena *arena, const char *file, const char *text, size_t length, const struct hl_value *names,
                                    const struct hl_scope *scope, struct hl_diags *diags)
{
    const struct hl_span start = {.line = 1, .column = 1};
    const char *outer_file = diags->file;
    size_t first = diags->count;
    struct resolving resolving = {
        .arena = arena, .scope = scope, .diags = diags, .at = start, .template = true, .names = names, .out = HL_TEXT_INIT(HL_MAX_TEMPLATE)};

    if (hl_value_is(names, HL_UNKNOWN)) {
        resolving.unknown = names->unknown;
        resolving.sensitive = names->sensitive;
    }
    diags->file = file;
    put_all(&resolving, text, length);
    show_lines(diags, first, text, length);

    struct hl_value *value = finish(&resolving, start);

    diags->file = outer_file;
    if (value != NULL)
        value->at = (struct hl_span){.line = 0}; /* not a place in the spec */
    return value;
}

void hl_reference_each(struct hl_arena *arena, const char *text, size_t length, void (*visit)(void *context, const struct hl_reference *reference),
                       void *context)
{
    const char *end = text + length;

    for (const char *opening = next_opening(text, end); opening != NULL;) {
        const char *closing = memchr(opening, '}', (size_t)(end - opening));
        bool literal = opening > text && opening[-1] == '$';
        struct hl_reference reference;

        if (closing == NULL)
            return;
        if (!literal && parse(arena, opening + 2, (size_t)(closing - opening) - 2, &reference) == FORM_REFERENCE)
            visit(context, &reference);
        opening = next_opening(literal ? opening + 2 : closing + 1, end);
    }
}
