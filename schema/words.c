#include "config.h"

#include "schema/words.h"

#include <string.h>

struct splitter {
    const char *at;
    char *out; /* where the word's next character goes */
    const char *problem;
};

static bool is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\n' || character == '\r';
}

static bool is_reference(const char *at)
{
    return at[0] == '$' && at[1] == '{';
}

static void put(struct splitter *splitter, const char *data, size_t length)
{
    memcpy(splitter->out, data, length);
    splitter->out += length;
    splitter->at = data + length;
}

static void put_reference(struct splitter *splitter)
{
    const char *end = strchr(splitter->at, '}');

    put(splitter, splitter->at, end == NULL ? strlen(splitter->at) : (size_t)(end - splitter->at) + 1);
}

static void put_single_quoted(struct splitter *splitter)
{
    const char *end = strchr(splitter->at + 1, '\'');

    if (end == NULL) {
        splitter->problem = "a single quote is not closed";
        return;
    }
    put(splitter, splitter->at + 1, (size_t)(end - splitter->at) - 1);
    splitter->at++;
}

/* A backslash outside of quotes; within double quotes it is one only before $ ` " \ and a line's end. */
static void put_escaped(struct splitter *splitter, const char *special)
{
    char next = splitter->at[1];

    if (next == '\0' || (special != NULL && strchr(special, next) == NULL))
        put(splitter, splitter->at, 1);
    else if (next == '\n')
        splitter->at += 2;
    else
        put(splitter, splitter->at + 1, 1);
}

static void put_double_quoted(struct splitter *splitter)
{
    splitter->at++;
    while (*splitter->at != '"') {
        if (*splitter->at == '\0') {
            splitter->problem = "a double quote is not closed";
            return;
        }
        if (*splitter->at == '\\')
            put_escaped(splitter, "$`\"\\\n");
        else if (is_reference(splitter->at))
            put_reference(splitter);
        else
            put(splitter, splitter->at, 1);
    }
    splitter->at++;
}

static void put_word(struct splitter *splitter)
{
    while (*splitter->at != '\0' && !is_blank(*splitter->at) && splitter->problem == NULL) {
        if (is_reference(splitter->at))
            put_reference(splitter);
        else if (*splitter->at == '\'')
            put_single_quoted(splitter);
        else if (*splitter->at == '"')
            put_double_quoted(splitter);
        else if (*splitter->at == '\\')
            put_escaped(splitter, NULL);
        else
            put(splitter, splitter->at, 1);
    }
}

bool hl_words_split(struct hl_arena *arena, const char *text, struct hl_words *out, const char **problem)
{
    size_t length = strlen(text);
    char *room = hl_arena_alloc(arena, 2 * length + 2); /* each word with a NUL behind */
    struct splitter splitter = {.at = text, .out = room};

    *out = (struct hl_words){.items = hl_arena_alloc(arena, (length / 2 + 1) * sizeof(char *))};
    for (;;) {
        while (is_blank(*splitter.at))
            splitter.at++;
        if (*splitter.at == '\0')
            return true;
        out->items[out->count++] = splitter.out;
        put_word(&splitter);
        *splitter.out++ = '\0';
        if (splitter.problem != NULL) {
            *problem = splitter.problem;
            return false;
        }
    }
}
