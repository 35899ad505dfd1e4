#include "config.h"

#include "schema/diag.h"

#include <stdlib.h>
#include <string.h>

/* Names that one run may compare for "did you mean"; behind that, a file is so wrong or so large that hints would cost more than they help. */
enum { MAX_COMPARED = 2000000 };

void hl_diags_init(struct hl_diags *diags, struct hl_arena *arena, const char *file)
{
    *diags = (struct hl_diags){.arena = arena, .file = file};
    hl_map_init(&diags->seen, arena);
}

static void *grown(struct hl_arena *arena, const void *items, size_t count, size_t *capacity, size_t size)
{
    *capacity = *capacity == 0 ? 16 : *capacity * 2;

    void *larger = hl_arena_alloc(arena, *capacity * size);

    if (count > 0)
        memcpy(larger, items, count * size);
    return larger;
}

static struct hl_diag *add(struct hl_diags *diags, enum hl_severity severity, struct hl_span at, const char *format, va_list args)
{
    char *message = hl_arena_vprintf(diags->arena, format, args);
    char *place = hl_arena_printf(diags->arena, "%s:%u:%u:%s", diags->file == NULL ? "" : diags->file, at.line, at.column, message);
    uintptr_t number = (uintptr_t)hl_map_find(&diags->seen, place);

    if (number > 0)
        return &diags->items[number - 1];
    if (diags->count == diags->capacity)
        diags->items = grown(diags->arena, diags->items, diags->count, &diags->capacity, sizeof(*diags->items));
    diags->items[diags->count++] = (struct hl_diag){.severity = severity, .file = diags->file, .at = at, .message = message, .address = diags->address};
    if (severity == HL_SEVERITY_ERROR)
        diags->errors++;
    hl_map_put(&diags->seen, place, (void *)(uintptr_t)diags->count); /* a number, not a pointer: the items move */
    return &diags->items[diags->count - 1];
}

struct hl_diag *hl_diag_error(struct hl_diags *diags, struct hl_span at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    struct hl_diag *diag = add(diags, HL_SEVERITY_ERROR, at, format, args);
    va_end(args);
    return diag;
}

struct hl_diag *hl_diag_warning(struct hl_diags *diags, struct hl_span at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    struct hl_diag *diag = add(diags, HL_SEVERITY_WARNING, at, format, args);
    va_end(args);
    return diag;
}

void hl_diag_hint(struct hl_diags *diags, struct hl_diag *diag, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    diag->hint = hl_arena_vprintf(diags->arena, format, args);
    va_end(args);
}

static char lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character - 'A' + 'a') : character;
}

static void lower_into(char *out, size_t size, const char *word)
{
    size_t i = 0;

    for (; word[i] != '\0' && i + 1 < size; i++)
        out[i] = lower(word[i]);
    out[i] = '\0';
}

const char *hl_diag_suggest(struct hl_diags *diags, struct hl_diag *diag, const char *word, const char *const *names, size_t count)
{
    char wanted[64], candidate[64];
    const char *best = NULL;
    size_t limit = hl_edit_tolerance(word);

    if (strlen(word) >= sizeof(wanted) || diags->compared + count > MAX_COMPARED)
        return NULL;
    diags->compared += count;
    lower_into(wanted, sizeof(wanted), word);
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) >= sizeof(candidate))
            continue;
        lower_into(candidate, sizeof(candidate), names[i]);

        size_t distance = hl_edit_distance(wanted, candidate, limit);

        if (distance > limit || (best != NULL && distance == limit))
            continue;
        best = names[i];
        limit = distance;
    }
    if (best != NULL)
        hl_diag_hint(diags, diag, "did you mean '%s'?", best);
    return best;
}

void hl_diags_hide(struct hl_diags *diags, struct hl_span at)
{
    if (at.line == 0)
        return;
    if (diags->secrets_count == diags->secrets_capacity)
        diags->secrets = grown(diags->arena, diags->secrets, diags->secrets_count, &diags->secrets_capacity, sizeof(*diags->secrets));
    diags->secrets[diags->secrets_count++] = (struct hl_diag_secret){.file = diags->file, .at = at};
}

static int compare_files(const char *a, const char *b)
{
    return a == b ? 0 : strcmp(a == NULL ? "" : a, b == NULL ? "" : b);
}

static int compare_numbers(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int compare_places(const char *a_file, struct hl_span a, const char *b_file, struct hl_span b)
{
    int result = compare_files(a_file, b_file);

    if (result == 0)
        result = compare_numbers(a.line, b.line);
    return result != 0 ? result : compare_numbers(a.column, b.column);
}

static int compare_secrets(const void *a_pointer, const void *b_pointer)
{
    const struct hl_diag_secret *a = a_pointer;
    const struct hl_diag_secret *b = b_pointer;

    return compare_places(a->file, a->at, b->file, b->at);
}

/* The first secret on the finding's line. */
static void hide_secrets(const struct hl_diags *diags, struct hl_diag *diag)
{
    const struct hl_span start = {.line = diag->at.line};
    size_t low = 0;
    size_t high = diags->secrets_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct hl_diag_secret *secret = &diags->secrets[middle];

        if (compare_places(secret->file, secret->at, diag->file, start) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == diags->secrets_count || diags->secrets[low].at.line != diag->at.line || compare_files(diags->secrets[low].file, diag->file) != 0)
        return;
    diag->hide_from = diags->secrets[low].at.column;
}

static int compare_diags(const void *a_pointer, const void *b_pointer)
{
    const struct hl_diag *const *a = a_pointer;
    const struct hl_diag *const *b = b_pointer;
    int result = compare_places((*a)->file, (*a)->at, (*b)->file, (*b)->at);

    return result != 0 ? result : (*a > *b) - (*a < *b); /* pointers into one array: its order, so the sort is stable */
}

static int compare_severities(const void *a_pointer, const void *b_pointer)
{
    const struct hl_diag *const *a = a_pointer;
    const struct hl_diag *const *b = b_pointer;
    int result = ((*a)->severity > (*b)->severity) - ((*a)->severity < (*b)->severity);

    return result != 0 ? result : compare_diags(a_pointer, b_pointer);
}

/* The findings that will be shown, in any order. */
static void choose(struct hl_diags *diags, struct hl_diag **order)
{
    if (diags->count <= HL_DIAGS_SHOWN)
        return;
    qsort(order, diags->count, sizeof(struct hl_diag *), compare_severities);
    diags->left_out += diags->count - HL_DIAGS_SHOWN;
    diags->count = HL_DIAGS_SHOWN;
}

void hl_diags_sort(struct hl_diags *diags)
{
    if (diags->count == 0)
        return;
    if (diags->secrets_count > 1)
        qsort(diags->secrets, diags->secrets_count, sizeof(*diags->secrets), compare_secrets);

    struct hl_diag **order = hl_alloc(diags->count * sizeof(struct hl_diag *));
    struct hl_diag *sorted = hl_arena_alloc(diags->arena, diags->capacity * sizeof(*sorted));

    for (size_t i = 0; i < diags->count; i++)
        order[i] = &diags->items[i];
    choose(diags, order);
    qsort(order, diags->count, sizeof(struct hl_diag *), compare_diags);
    hl_map_init(&diags->seen, diags->arena);
    for (size_t i = 0; i < diags->count; i++) {
        const struct hl_diag *diag = order[i];

        sorted[i] = *diag;
        hide_secrets(diags, &sorted[i]);
        hl_map_put(&diags->seen,
                   hl_arena_printf(diags->arena, "%s:%u:%u:%s", diag->file == NULL ? "" : diag->file, diag->at.line, diag->at.column, diag->message),
                   (void *)(uintptr_t)(i + 1));
    }
    free(order);
    diags->items = sorted;
}
