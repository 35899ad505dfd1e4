/* What APIs keep in --data: a JSON file each, "DIR/NAME.json". */
#include "config.h"

#include "tests/lab/lab.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_all(FILE *file, struct hl_text *text)
{
    char buffer[65536];
    size_t got = 0;

    while ((got = fread(buffer, 1, sizeof(buffer), file)) > 0)
        hl_text_append(text, buffer, got);
    return ferror(file) == 0 && hl_text_ok(text);
}

/* A file that cannot be read ends the lab: going on would replace it by an empty world. */
static HL_NORETURN void give_up(const char *path, const char *why)
{
    fprintf(stderr, "hlrec-lab: cannot read '%s': %s\n", path, why);
    exit(1);
}

struct hl_value *lab_load(const struct lab *lab, struct hl_arena *arena, const char *name)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_BODY);
    hl_auto(error) struct hl_error *err = NULL;
    const char *data = lab_options(lab)->data;
    struct hl_value *value = NULL;

    if (data == NULL)
        return NULL;

    const char *path = hl_arena_printf(arena, "%s/%s.json", data, name);
    FILE *file = fopen(path, "re");

    if (file == NULL && errno == ENOENT)
        return NULL;
    if (file == NULL)
        give_up(path, strerror(errno));

    bool fine = read_all(file, &text);

    fclose(file);
    if (!fine)
        give_up(path, "it is too long, or the disk fails");
    if (!hl_json_decode(arena, hl_text_get(&text), text.length, &value, &err))
        give_up(path, err->message);
    return value;
}

/* Atomic for who reads it, and for a lab that is killed; a power failure may take the newest back. */
void lab_save(const struct lab *lab, const char *name, const struct hl_value *value)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_BODY);
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const char *data = lab_options(lab)->data;

    if (data == NULL)
        return;

    const char *path = hl_arena_printf(arena, "%s/%s.json", data, name);
    const char *temporary = hl_arena_printf(arena, "%s.tmp", path);
    FILE *file = fopen(temporary, "we");

    hl_json_encode(&text, value, HL_JSON_COMPACT);

    bool fine = file != NULL && hl_text_ok(&text) && fwrite(hl_text_get(&text), 1, text.length, file) == text.length;

    if (file != NULL && fclose(file) != 0)
        fine = false;
    if (!fine || rename(temporary, path) != 0) {
        fprintf(stderr, "hlrec-lab: cannot write '%s': %s\n", path, strerror(errno));
        exit(1);
    }
}
