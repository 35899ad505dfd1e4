/* {file: PATH, mode:}: a file that holds the value and nothing else. */
#include "config.h"

#include "reconcile/providers/local/destination.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool parse_mode(const char *text, mode_t *mode)
{
    const size_t length = strlen(text);

    if (strspn(text, "01234567") != length || length < 3 || length > 4)
        return false;
    *mode = (mode_t)strtoul(text, NULL, 8);
    return *mode <= 0777;
}

void hl_destination_check_mode(struct hl_check *check, const struct hl_value *value)
{
    mode_t mode = 0;

    if (!parse_mode(value->text.data, &mode) || (mode & 0111) != 0)
        hl_diag_error(check->diags, value->at, "a mode is three or four octal digits without the right to execute, such as \"0640\"");
}

struct hl_value *hl_destination_normalise_mode(struct hl_arena *arena, struct hl_value *value)
{
    mode_t mode = 0;

    if (!hl_value_is(value, HL_TEXT) || !parse_mode(value->text.data, &mode))
        return value;
    struct hl_value *normal = hl_value_printf(arena, "%04o", (unsigned)mode);
    normal->at = value->at;
    return normal;
}

static mode_t mode_of(const struct hl_value *item)
{
    const char *text = hl_value_get_text(item, "mode");
    mode_t mode = HL_SECRET_MODE;

    return text != NULL && parse_mode(text, &mode) ? mode : HL_SECRET_MODE;
}

static const char *file_identify(struct hl_arena *arena, const struct hl_value *item, const char *name)
{
    (void)name;
    return hl_arena_printf(arena, "file:%s", hl_value_get_text(item, "file"));
}

static bool file_read(const struct hl_destination *destination, struct hl_value *live, struct hl_value **guess, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
    const char *data = NULL;
    size_t length = 0;
    mode_t mode = 0;

    if (!hl_destination_load(scratch, hl_destination_path(destination, "file"), &data, &length, &mode, err))
        return false;
    if (data == NULL)
        return true;
    hl_value_map_put(live, "mode", hl_value_printf(destination->arena, "%04o", (unsigned)mode));
    if (!hl_local_is_text(data, length)) {
        hl_value_map_put_text(live, "content", "(not text)"); /* no value of ours is like that, so it differs */
        return true;
    }
    hl_value_map_put(live, "content", hl_destination_take(destination, data, length));
    *guess = hl_destination_take(destination, data, hl_local_without_line_end(data, length));
    return true;
}

/* A file that others could read is closed to them before the value is in it. */
static bool file_write(const struct hl_destination *destination, const struct hl_value *value, struct hl_error **err)
{
    const char *path = hl_destination_path(destination, "file");
    const mode_t mode = mode_of(destination->item);
    const bool stated = hl_value_get(destination->item, "mode") != NULL;
    struct stat about;

    if (stated && stat(path, &about) == 0 && (about.st_mode & 0777) != mode && chmod(path, mode) != 0)
        return hl_fail_errno(err, errno, "cannot change the mode of '%s'", path);
    return hl_destination_save(path, value->text.data, value->text.length, mode, err);
}

static bool file_remove(const struct hl_destination *destination, struct hl_error **err)
{
    return hl_destination_unlink(destination->arena, hl_destination_path(destination, "file"), err);
}

static const char *const members[] = {"mode", NULL};

const struct hl_destination_type hl_destination_file = {
    .name = "file",
    .members = members,
    .identify = file_identify,
    .read = file_read,
    .write = file_write,
    .remove = file_remove,
};
