/* {dotenv: FILE, as: KEY, readers: [...]}: one line of a file that may have others, of other secrets and of people. */
#include "config.h"

#include "reconcile/providers/local/destination.h"
#include "reconcile/providers/local/dotenv.h"

#include <string.h>

static unsigned readers_of(const struct hl_value *item)
{
    const struct hl_value *readers = hl_value_get(item, "readers");
    unsigned bits = 0;

    for (size_t i = 0; i < hl_value_count(readers); i++) {
        const struct hl_value *reader = hl_value_item(readers, i);
        bits |= hl_dotenv_reader_find(hl_value_is(reader, HL_TEXT) ? reader->text.data : NULL);
    }
    return bits != 0 ? bits : HL_DOTENV_ALL;
}

static const char *key_of(const struct hl_value *item, const char *name)
{
    const char *key = hl_value_get_text(item, "as");

    return key != NULL ? key : name;
}

static const char *dotenv_identify(struct hl_arena *arena, const struct hl_value *item, const char *name)
{
    return hl_arena_printf(arena, "dotenv:%s#%s", hl_value_get_text(item, "dotenv"), key_of(item, name));
}

/* ---- findings ---- */

static void check_generated(struct hl_check *check, const struct hl_value *item, const struct hl_value *generate)
{
    hl_auto(text) struct hl_text ignored = HL_TEXT_INIT(HL_MAX_OUTPUT);
    const char *characters = hl_generate_characters(generate);
    struct hl_dotenv_problem problem;

    if (hl_dotenv_encode(&ignored, readers_of(item), characters, strlen(characters), &problem))
        return;
    struct hl_diag *diag = hl_diag_error(check->diags, item->at,
                                         "the alphabet has characters that the readers of a dotenv file do not all take alike: bare, %s %s; in quotes, %s %s",
                                         problem.bare_reader, problem.bare, problem.quoted_reader, problem.quoted);
    hl_diag_hint(check->diags, diag, "leave them out, or say which programs read the file: `readers: [compose, sh]`");
}

static void dotenv_check(struct hl_check *check, const struct hl_value *item, const struct hl_value *generate)
{
    const struct hl_value *as = hl_value_get(item, "as");
    const char *key = key_of(item, check->name);

    if (!hl_dotenv_is_key(key)) {
        struct hl_diag *diag = hl_diag_error(check->diags, as != NULL ? as->at : item->at, "'%s' cannot be the name of a variable", key);
        hl_diag_hint(check->diags, diag, "give it a name of letters, digits and '_': `as: NAME`");
    }
    if (generate != NULL && hl_value_find_unknown(generate) == NULL)
        check_generated(check, item, generate);
}

/* ---- the file ---- */

static bool dotenv_read(const struct hl_destination *destination, struct hl_value *live, struct hl_value **guess, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
    hl_auto(text) struct hl_text decoded = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    hl_auto(text) struct hl_text guessed = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    const unsigned readers = readers_of(destination->item);
    const char *data = NULL;
    size_t length = 0;
    mode_t mode = 0;

    if (!hl_destination_load(scratch, hl_destination_path(destination, "dotenv"), &data, &length, &mode, err))
        return false;
    if (data == NULL)
        return true;
    hl_value_map_put(live, "mode", hl_value_printf(destination->arena, "%04o", (unsigned)mode));
    const struct hl_dotenv_found found = hl_dotenv_find(data, length, readers, key_of(destination->item, destination->name));
    if (found.times == 0 || !hl_local_is_text(found.written, found.length))
        return true;
    hl_dotenv_guess(&guessed, found.written, found.length);
    *guess = hl_destination_take(destination, hl_text_get(&guessed), guessed.length);
    if (hl_dotenv_decode(&decoded, readers, found.written, found.length))
        hl_value_map_put(live, "content", hl_destination_take(destination, hl_text_get(&decoded), decoded.length));
    return true;
}

static bool encode(const struct hl_destination *destination, const struct hl_value *value, struct hl_text *out, struct hl_error **err)
{
    struct hl_dotenv_problem problem;

    if (hl_dotenv_encode(out, readers_of(destination->item), value->text.data, value->text.length, &problem))
        return true;
    hl_fail(err, HL_E_FAILED, "the value cannot be written to %s so that all programs read the same from it: bare, %s %s; in quotes, %s %s",
            hl_destination_place(destination), problem.bare_reader, problem.bare, problem.quoted_reader, problem.quoted);
    return hl_error_hint(err, "say which programs read the file (`readers: [compose, sh]`), write the value to a file of its own (`file: PATH`), or use a "
                              "value without such characters (base64, hex)");
}

static bool dotenv_takes(const struct hl_destination *destination, const struct hl_value *value, struct hl_error **err)
{
    hl_auto(text) struct hl_text ignored = HL_TEXT_INIT(HL_MAX_TEMPLATE);

    return encode(destination, value, &ignored, err);
}

static bool dotenv_write(const struct hl_destination *destination, const struct hl_value *value, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
    hl_auto(text) struct hl_text written = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    hl_auto(text) struct hl_text file = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    const char *path = hl_destination_path(destination, "dotenv");
    const char *data = NULL;
    size_t length = 0;

    if (!encode(destination, value, &written, err) || !hl_destination_load(scratch, path, &data, &length, NULL, err))
        return false;
    hl_dotenv_set(&file, data, length, readers_of(destination->item), key_of(destination->item, destination->name), hl_text_get(&written));
    if (!hl_text_ok(&file) || !hl_text_ok(&written))
        return hl_fail(err, HL_E_FAILED, "'%s' would be longer than %d bytes", path, HL_MAX_TEMPLATE);
    return hl_destination_save(path, hl_text_get(&file), file.length, HL_SECRET_MODE, err);
}

static bool dotenv_remove(const struct hl_destination *destination, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
    hl_auto(text) struct hl_text file = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    const char *path = hl_destination_path(destination, "dotenv");
    const char *data = NULL;
    size_t length = 0;

    if (!hl_destination_load(scratch, path, &data, &length, NULL, err))
        return false;
    if (data == NULL)
        return true;
    hl_dotenv_remove(&file, data, length, readers_of(destination->item), key_of(destination->item, destination->name));
    if (hl_dotenv_is_left_empty(hl_text_get(&file), file.length))
        return hl_destination_unlink(scratch, path, err);
    return hl_destination_save(path, hl_text_get(&file), file.length, HL_SECRET_MODE, err);
}

static const char *const members[] = {"as", "readers", NULL};

const struct hl_destination_type hl_destination_dotenv = {
    .name = "dotenv",
    .members = members,
    .check = dotenv_check,
    .identify = dotenv_identify,
    .read = dotenv_read,
    .takes = dotenv_takes,
    .write = dotenv_write,
    .remove = dotenv_remove,
};
