#include "config.h"

#include "reconcile/providers/local/destination.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static bool parse_mode(const char *text, mode_t *mode)
{
    char *end = NULL;

    if (strspn(text, "01234567") != strlen(text) || strlen(text) < 3 || strlen(text) > 4)
        return false;
    const unsigned long number = strtoul(text, &end, 8);
    *mode = (mode_t)number;
    return number <= 0777;
}

static mode_t mode_of(const struct hl_value *item)
{
    const char *text = hl_value_get_text(item, "mode");
    mode_t mode = HL_SECRET_MODE;

    return text != NULL && parse_mode(text, &mode) ? mode : HL_SECRET_MODE;
}

static void check_mode(struct hl_check *check, const struct hl_value *value)
{
    mode_t mode = 0;

    if (!parse_mode(value->text.data, &mode) || (mode & 0111) != 0)
        hl_diag_error(check->diags, value->at, "a mode is three or four octal digits without execute bits, such as \"0640\"");
}

static struct hl_value *normalise_mode(struct hl_arena *arena, struct hl_value *value)
{
    mode_t mode = 0;

    if (!hl_value_is(value, HL_TEXT) || !parse_mode(value->text.data, &mode))
        return value;
    struct hl_value *normal = hl_value_printf(arena, "%04o", (unsigned)mode);
    normal->at = value->at;
    return normal;
}

static const char *file_identify(struct hl_arena *arena, const struct hl_value *item, const char *name)
{
    (void)name;
    return hl_arena_printf(arena, "file:%s", hl_value_get_text(item, "file"));
}

static bool is_text(const char *data, size_t length)
{
    uint32_t code = 0;

    for (size_t at = 0; at < length;) {
        const size_t step = hl_utf8_decode(data + at, length - at, &code);
        if (step == 0 || code == 0)
            return false;
        at += step;
    }
    return true;
}

static bool file_read(const struct hl_destination *destination, struct hl_value *live, struct hl_value **guess, struct hl_error **err)
{
    const char *path = hl_destination_path(destination, "file");
    const char *data = NULL;
    size_t length = 0;
    struct stat about;

    if (!hl_destination_load(destination->arena, path, &data, &length, NULL, err))
        return false;
    if (data == NULL || stat(path, &about) != 0)
        return true;
    hl_value_map_put(live, "mode", hl_value_printf(destination->arena, "%04o", (unsigned)about.st_mode & 0777));
    if (length == 0)
        return true;
    if (!is_text(data, length)) {
        hl_value_map_put_text(live, "content", "(not text)");
        return true;
    }
    hl_redactor_add(destination->run->redactor, data, length);
    hl_value_map_put(live, "content", hl_value_mark_sensitive(hl_value_bytes(destination->arena, data, length)));
    /* Who puts a value there by hand mostly ends it with a line end. */
    const char *end = memchr(data, '\n', length);
    if (end != NULL && (size_t)(end - data) + 1 == length)
        length--;
    if (length > 0) {
        hl_redactor_add(destination->run->redactor, data, length);
        *guess = hl_value_mark_sensitive(hl_value_bytes(destination->arena, data, length));
    }
    return true;
}

/* A file that others could read is closed to them before the value is in it. */
static bool file_write(const struct hl_destination *destination, const struct hl_value *value, struct hl_error **err)
{
    const char *path = hl_destination_path(destination, "file");
    const bool stated = hl_value_get(destination->item, "mode") != NULL;
    struct stat about;

    if (stated && stat(path, &about) == 0 && (about.st_mode & 0777) != mode_of(destination->item) && chmod(path, mode_of(destination->item)) != 0)
        return hl_fail_errno(err, errno, "cannot change the mode of '%s'", path);
    return hl_destination_save(path, value->text.data, value->text.length, mode_of(destination->item), err);
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
