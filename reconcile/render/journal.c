/* systemd's journal as what stderr is: each line begins with its priority, see sd-daemon(3). */
#include "config.h"

#include "reconcile/render/render.h"

#include <string.h>

enum { LEVEL_ERROR = 3, LEVEL_WARNING = 4, LEVEL_NOTICE = 5, LEVEL_INFO = 6 };

static bool holds(const char *line, size_t length, const char *words)
{
    return memmem(line, length, words, strlen(words)) != NULL;
}

/* The first word says it, or the one behind a place in the spec; hints and lines that are indented belong to the one before. */
static int level_of(const char *line, size_t length, int before)
{
    static const struct {
        const char *word;
        int level;
    } words[] = {{"error:", LEVEL_ERROR},     {"failed ", LEVEL_ERROR}, {"warning:", LEVEL_WARNING},
                 {"skipped ", LEVEL_WARNING}, {"note:", LEVEL_NOTICE},  {"note ", LEVEL_NOTICE}};

    if (length > 0 && (line[0] == ' ' || line[0] == '\t' || (length > 5 && memcmp(line, "hint:", 5) == 0)))
        return before;
    for (size_t i = 0; i < HL_COUNT(words); i++) {
        const size_t size = strlen(words[i].word);

        if (length >= size && memcmp(line, words[i].word, size) == 0)
            return words[i].level;
    }
    return holds(line, length, ": error: ") ? LEVEL_ERROR : holds(line, length, ": warning: ") ? LEVEL_WARNING : LEVEL_INFO;
}

void hl_journal_lines(struct hl_text *out, const char *text, size_t length)
{
    int level = LEVEL_INFO;

    while (length > 0) {
        const char *end = memchr(text, '\n', length);
        const size_t size = end != NULL ? (size_t)(end - text) : length;

        level = level_of(text, size, level);
        /* The journal drops empty lines. */
        if (size > 0) {
            hl_text_printf(out, "<%d>", level);
            hl_text_append(out, text, size);
            hl_text_putc(out, '\n');
        }
        text += size + (end != NULL ? 1 : 0);
        length -= size + (end != NULL ? 1 : 0);
    }
}
