/* A command line cut into words as a shell would, without expanding anything. */
#ifndef HL_SCHEMA_WORDS_H
#define HL_SCHEMA_WORDS_H

#include "schema/base/arena.h"

struct hl_words {
    char **items;
    size_t count;
};

/* Blanks part words; 'single quotes' keep all, "double quotes" and backslashes work as in sh. `${...}` is never cut, so that references can be
 * resolved word by word. False with *problem set when a quote is not closed. */
bool hl_words_split(struct hl_arena *arena, const char *text, struct hl_words *out, const char **problem);

#endif
