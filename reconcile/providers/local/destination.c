#include "config.h"

#include "reconcile/providers/local/dotenv.h"
#include "reconcile/providers/local/local.h"
#include "reconcile/transport/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One way to keep a secret somewhere else. Members get items whose texts are all known; reading and writing happen under the path's lock. */
struct destination_type {
    const char *name; /* the member of an item that chooses it, and that says where */
    const char *const *members; /* further members that belong to it alone; NULL-terminated */
    void (*check)(struct hl_check *check, const struct hl_value *item, const struct hl_value *generate);
    /* By which the item is matched with recorded and live ones. */
    const char *(*identify)(struct hl_arena *arena, const struct hl_value *item, const char *name);
    /* Puts `content` (absent: nothing there) and what else can drift into `live`. */
    bool (*read)(const struct hl_destination *destination, struct hl_value *live, struct hl_value **guess, struct hl_error **err);
    bool (*takes)(const struct hl_destination *destination, const struct hl_value *value, struct hl_error **err); /* NULL: every text */
    bool (*write)(const struct hl_destination *destination, const struct hl_value *value, struct hl_error **err);
    bool (*remove)(const struct hl_destination *destination, struct hl_error **err); /* what is there is ours */
};

enum { DEFAULT_MODE = 0600 };

/* ---- files ---- */

static const char *path_of(const struct hl_destination *destination, const char *member)
{
    return hl_path_join(destination->arena, destination->run->base, hl_value_get_text(destination->item, member));
}

/* *data is NULL when there is no such file. */
static bool read_whole(struct hl_arena *arena, const char *path, const char **data, size_t *length, struct hl_error **err)
{
    *data = NULL;
    *length = 0;
    if (hl_file_read(arena, path, HL_MAX_TEMPLATE, data, length, err))
        return true;
    if ((*err)->code != HL_E_NOT_FOUND)
        return false;
    hl_error_clear(err);
    return true;
}

static bool write_whole(const char *path, const char *data, size_t length, mode_t mode, struct hl_error **err)
{
    const struct hl_file_write write = {.path = path, .data = data, .length = length, .mode = mode, .keep_mode = true, .make_folder = true};

    return hl_file_write(&write, err);
}

static bool sync_folder_of(struct hl_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *folder = slash == NULL ? "." : hl_arena_copy(arena, path, slash == path ? 1 : (size_t)(slash - path));
    const int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool fine = file >= 0 && (fsync(file) == 0 || errno == EINVAL || errno == EROFS);

    if (file >= 0)
        close(file);
    return fine;
}

static bool remove_whole(struct hl_arena *arena, const char *path, struct hl_error **err)
{
    if ((unlink(path) != 0 && errno != ENOENT) || !sync_folder_of(arena, path))
        return hl_fail_errno(err, errno, "cannot remove '%s'", path);
    return true;
}

/* Two spellings of a path, and links, are one file and one lock. */
static pthread_mutex_t *lock_of(const struct hl_destination *destination, const char *path)
{
    char *real = realpath(path, NULL);
    uint32_t hash = 2166136261u;

    if (real == NULL) {
        const char *slash = strrchr(path, '/');
        char *folder = slash == NULL ? realpath(".", NULL) : realpath(hl_arena_copy(destination->arena, path, (size_t)(slash - path) + 1), NULL);
        const char *name = hl_arena_printf(destination->arena, "%s/%s", folder != NULL ? folder : "", slash == NULL ? path : slash + 1);
        free(folder);
        real = hl_strdup(name);
    }
    for (const char *at = real; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    free(real);
    return &destination->local->locks[hash % HL_LOCAL_LOCKS];
}

/* ---- dotenv ---- */

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

static void check_generated(struct hl_check *check, const struct hl_value *item, const struct hl_value *generate)
{
    hl_auto(text) struct hl_text ignored = HL_TEXT_INIT(HL_MAX_OUTPUT);
    const char *characters = hl_generate_characters(generate);
    struct hl_dotenv_problem problem;

    if (hl_dotenv_encode(&ignored, readers_of(item), characters, strlen(characters), &problem))
        return;
    struct hl_diag *diag = hl_diag_error(check->diags, item->at,
                                         "the alphabet has characters that not all readers of a dotenv file take alike: bare, %s %s; in quotes, %s %s",
                                         problem.bare_reader, problem.bare, problem.quoted_reader, problem.quoted);
    hl_diag_hint(check->diags, diag, "leave them out, or say which programs read the file: `readers: [compose, sh]`");
}

static void dotenv_check(struct hl_check *check, const struct hl_value *item, const struct hl_value *generate)
{
    const struct hl_value *as = hl_value_get(item, "as");
    const char *key = key_of(item, check->name);

    if (!hl_dotenv_is_key(key)) {
        struct hl_diag *diag = hl_diag_error(check->diags, as != NULL ? as->at : item->at, "'%s' cannot be the name of a variable", key);
        hl_diag_hint(check->diags, diag, "give it one of letters, digits and '_': `as: NAME`");
    }
    if (generate != NULL && hl_value_find_unknown(generate) == NULL)
        check_generated(check, item, generate);
}

static void put_content(const struct hl_destination *destination, struct hl_value *map, const char *member, const struct hl_text *text)
{
    struct hl_value *value = hl_value_bytes(destination->arena, hl_text_get(text), text->length);

    if (text->length == 0)
        return;
    hl_redactor_add(destination->run->redactor, hl_text_get(text), text->length);
    hl_value_map_put(map, member, hl_value_mark_sensitive(value));
}

static bool dotenv_read(const struct hl_destination *destination, struct hl_value *live, struct hl_value **guess, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
    hl_auto(text) struct hl_text decoded = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    hl_auto(text) struct hl_text guessed = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    const unsigned readers = readers_of(destination->item);
    struct hl_value *found_map = hl_value_map(destination->arena);
    const char *data = NULL;
    size_t length = 0;

    if (!read_whole(scratch, path_of(destination, "dotenv"), &data, &length, err))
        return false;
    const struct hl_dotenv_found found = hl_dotenv_find(data, length, readers, key_of(destination->item, destination->name));
    if (found.times == 0)
        return true;
    if (hl_dotenv_decode(&decoded, readers, found.written, found.length))
        put_content(destination, live, "content", &decoded);
    hl_dotenv_guess(&guessed, found.written, found.length);
    put_content(destination, found_map, "guess", &guessed);
    *guess = hl_value_get(found_map, "guess");
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
    const char *path = path_of(destination, "dotenv");
    const char *data = NULL;
    size_t length = 0;

    if (!encode(destination, value, &written, err) || !read_whole(scratch, path, &data, &length, err))
        return false;
    hl_dotenv_set(&file, data, length, readers_of(destination->item), key_of(destination->item, destination->name), hl_text_get(&written));
    if (!hl_text_ok(&file) || !hl_text_ok(&written))
        return hl_fail(err, HL_E_FAILED, "'%s' would be longer than %d bytes", path, HL_MAX_TEMPLATE);
    return write_whole(path, hl_text_get(&file), file.length, DEFAULT_MODE, err);
}

static bool dotenv_remove(const struct hl_destination *destination, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
    hl_auto(text) struct hl_text file = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    const char *path = path_of(destination, "dotenv");
    const char *data = NULL;
    size_t length = 0;

    if (!read_whole(scratch, path, &data, &length, err))
        return false;
    if (data == NULL)
        return true;
    hl_dotenv_remove(&file, data, length, readers_of(destination->item), key_of(destination->item, destination->name));
    if (hl_dotenv_is_left_empty(hl_text_get(&file), file.length))
        return remove_whole(scratch, path, err);
    return write_whole(path, hl_text_get(&file), file.length, DEFAULT_MODE, err);
}

/* ---- file ---- */

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
    mode_t mode = DEFAULT_MODE;

    return text != NULL && parse_mode(text, &mode) ? mode : DEFAULT_MODE;
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
    const char *path = path_of(destination, "file");
    const char *data = NULL;
    size_t length = 0;
    struct stat about;

    if (!read_whole(destination->arena, path, &data, &length, err))
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
    const char *path = path_of(destination, "file");
    const bool stated = hl_value_get(destination->item, "mode") != NULL;
    struct stat about;

    if (stated && stat(path, &about) == 0 && (about.st_mode & 0777) != mode_of(destination->item) && chmod(path, mode_of(destination->item)) != 0)
        return hl_fail_errno(err, errno, "cannot change the mode of '%s'", path);
    return write_whole(path, value->text.data, value->text.length, mode_of(destination->item), err);
}

static bool file_remove(const struct hl_destination *destination, struct hl_error **err)
{
    return remove_whole(destination->arena, path_of(destination, "file"), err);
}

/* ---- the table ---- */

static const char *const dotenv_members[] = {"as", "readers", NULL};
static const char *const file_members[] = {"mode", NULL};

static const struct destination_type types[] = {
    {.name = "dotenv", .members = dotenv_members, .check = dotenv_check, .identify = dotenv_identify, .read = dotenv_read, .takes = dotenv_takes,
     .write = dotenv_write, .remove = dotenv_remove},
    {.name = "file", .members = file_members, .identify = file_identify, .read = file_read, .write = file_write, .remove = file_remove},
};

const struct hl_field hl_destination_fields[] = {
    {.name = "dotenv", .type = HL_F_STRING, .local = true, .example = "/etc/bifrost/.secrets.env",
     .doc = "a file of KEY=value lines; only the own line is changed, relative to the spec"},
    {.name = "as", .type = HL_F_STRING, .local = true, .doc = "the variable's name in the dotenv file; the secret's name when not said"},
    {.name = "readers", .type = HL_F_LIST, .item = HL_F_STRING, .allowed = hl_dotenv_reader_names, .order = HL_SET, .forms = HL_FORM_SINGLE, .local = true,
     .doc = "who reads the dotenv file; a value is written only in a form that they all read alike; all four when not said", .example = "[compose, sh]"},
    {.name = "file", .type = HL_F_STRING, .local = true, .example = "/run/secrets/db_password",
     .doc = "a file that holds the value and nothing else, relative to the spec"},
    {.name = "mode", .type = HL_F_STRING, .fallback = "0600", .check = check_mode, .normalise = normalise_mode,
     .doc = "the mode of that file", .example = "\"0640\""},
    {.name = "destination", .type = HL_F_STRING, .internal = true, .doc = "what the entry is known by"},
    {.name = "content", .type = HL_F_STRING, .internal = true, .sensitive = true, .doc = "what stands there"},
    {.name = NULL},
};

static const struct destination_type *find_type(const struct hl_value *item)
{
    for (size_t i = 0; i < HL_COUNT(types); i++) {
        if (hl_value_get(item, types[i].name) != NULL)
            return &types[i];
    }
    return NULL;
}

static void check_members(struct hl_check *check, const struct hl_value *item, const struct destination_type *type)
{
    for (size_t i = 0; i < HL_COUNT(types); i++) {
        if (&types[i] == type)
            continue;
        if (hl_value_get(item, types[i].name) != NULL)
            hl_diag_error(check->diags, hl_value_get(item, types[i].name)->at, "a destination is one of 'dotenv' and 'file': write two entries");
        for (const char *const *member = types[i].members; *member != NULL; member++) {
            if (hl_value_get(item, *member) != NULL)
                hl_diag_error(check->diags, hl_value_get(item, *member)->at, "'%s' is for destinations with '%s'", *member, types[i].name);
        }
    }
}

static void check_twice(struct hl_check *check, const struct hl_value *write, size_t index)
{
    const struct hl_value *item = hl_value_item(write, index);
    const char *identity = find_type(item)->identify(check->arena, item, check->name);

    for (size_t i = 0; i < index; i++) {
        const struct hl_value *other = hl_value_item(write, i);
        const struct destination_type *type = find_type(other);
        if (type != NULL && hl_destination_is_known(other) && strcmp(type->identify(check->arena, other, check->name), identity) == 0) {
            hl_diag_error(check->diags, item->at, "the secret is written to this place already");
            return;
        }
    }
}

void hl_destination_check(struct hl_check *check, const struct hl_value *write, const struct hl_value *generate)
{
    for (size_t i = 0; i < hl_value_count(write); i++) {
        const struct hl_value *item = hl_value_item(write, i);
        const struct destination_type *type = find_type(item);
        if (type == NULL) {
            struct hl_diag *diag = hl_diag_error(check->diags, item->at, "a destination says where the secret is written");
            hl_diag_hint(check->diags, diag, "write {dotenv: FILE} or {file: PATH}");
            continue;
        }
        check_members(check, item, type);
        if (!hl_destination_is_known(item))
            continue;
        if (type->check != NULL)
            type->check(check, item, generate);
        check_twice(check, write, i);
    }
}

void hl_destination_complete(const char *name, struct hl_arena *arena, struct hl_value *write)
{
    for (size_t i = 0; i < hl_value_count(write); i++) {
        struct hl_value *item = hl_value_item(write, i);
        const struct destination_type *type = find_type(item);
        if (type != NULL && hl_destination_is_known(item))
            hl_value_map_put_text(item, "destination", type->identify(arena, item, name));
    }
}

bool hl_destination_is_known(const struct hl_value *item)
{
    for (size_t i = 0; i < hl_value_count(item); i++) {
        if (strcmp(hl_value_key(item, i), "content") != 0 && hl_value_find_unknown(hl_value_at(item, i)) != NULL)
            return false;
    }
    return hl_value_is(item, HL_MAP);
}

const char *hl_destination_place(const struct hl_destination *destination)
{
    const struct destination_type *type = find_type(destination->item);

    return hl_arena_printf(destination->arena, "'%s'", type != NULL ? hl_value_get_text(destination->item, type->name) : "?");
}

/* ---- what the kind uses ---- */

static bool fail_type(struct hl_error **err)
{
    return hl_fail(err, HL_E_FAILED, "a destination of a kind that this version of hlrec does not know");
}

/* What the item says of itself, without what is read. */
static struct hl_value *own_members(const struct hl_destination *destination)
{
    struct hl_value *own = hl_value_map(destination->arena);

    for (size_t i = 0; i < hl_value_count(destination->item); i++) {
        const char *member = hl_value_key(destination->item, i);
        if (strcmp(member, "content") != 0 && strcmp(member, "mode") != 0)
            hl_value_map_put(own, member, hl_value_copy(destination->arena, hl_value_at(destination->item, i)));
    }
    return own;
}

static bool read_unlocked(const struct hl_destination *destination, const struct destination_type *type, struct hl_value **live, struct hl_value **guess,
                          struct hl_error **err)
{
    struct hl_value *ignored = NULL;

    *live = own_members(destination);
    if (guess == NULL)
        guess = &ignored;
    *guess = NULL;
    if (!type->read(destination, *live, guess, err))
        return hl_wrap(err, "reading destination %s", hl_destination_place(destination));
    return true;
}

bool hl_destination_read(const struct hl_destination *destination, struct hl_value **live, struct hl_value **guess, struct hl_error **err)
{
    const struct destination_type *type = find_type(destination->item);

    return type == NULL ? fail_type(err) : read_unlocked(destination, type, live, guess, err);
}

bool hl_destination_takes(const struct hl_destination *destination, const struct hl_value *value, struct hl_error **err)
{
    const struct destination_type *type = find_type(destination->item);

    if (type == NULL)
        return fail_type(err);
    return type->takes == NULL || !hl_value_is(value, HL_TEXT) || type->takes(destination, value, err);
}

static bool is_in_place(const struct hl_destination *destination, const struct hl_value *live, const struct hl_value *value)
{
    const struct hl_value *mode = hl_value_get(destination->item, "mode");

    return hl_secret_same(hl_value_get(live, "content"), value) && (mode == NULL || hl_value_equal(mode, hl_value_get(live, "mode")));
}

static bool write_locked(const struct hl_destination *destination, const struct destination_type *type, const struct hl_value *value,
                         struct hl_error **err)
{
    struct hl_value *live = NULL;

    if (!read_unlocked(destination, type, &live, NULL, err))
        return false;
    if (is_in_place(destination, live, value)) /* what watches the file's time is left in peace */
        return true;
    if (!type->write(destination, value, err))
        return hl_wrap(err, "writing destination %s", hl_destination_place(destination));
    if (!read_unlocked(destination, type, &live, NULL, err))
        return false;
    if (is_in_place(destination, live, value))
        return true;
    return hl_fail(err, HL_E_CONFLICT, "%s does not hold what was just written to it: something else changes it", hl_destination_place(destination));
}

bool hl_destination_write(const struct hl_destination *destination, const struct hl_value *value, struct hl_error **err)
{
    const struct destination_type *type = find_type(destination->item);

    if (type == NULL)
        return fail_type(err);
    pthread_mutex_t *lock = lock_of(destination, path_of(destination, type->name));
    pthread_mutex_lock(lock);
    const bool fine = write_locked(destination, type, value, err);
    pthread_mutex_unlock(lock);
    return fine;
}

static bool remove_locked(const struct hl_destination *destination, const struct destination_type *type, const struct hl_value *value, bool *left,
                          struct hl_error **err)
{
    struct hl_value *live = NULL;
    struct hl_value *guess = NULL;

    *left = false;
    if (!read_unlocked(destination, type, &live, &guess, err))
        return false;
    const struct hl_value *content = hl_value_get(live, "content");
    if (content == NULL && guess == NULL)
        return true;
    if (!hl_secret_same(content, value) && !hl_secret_same(guess, value)) {
        *left = true;
        return true;
    }
    return type->remove(destination, err) || hl_wrap(err, "removing the secret from %s", hl_destination_place(destination));
}

bool hl_destination_remove(const struct hl_destination *destination, const struct hl_value *value, bool *left, struct hl_error **err)
{
    const struct destination_type *type = find_type(destination->item);

    if (type == NULL)
        return fail_type(err);
    pthread_mutex_t *lock = lock_of(destination, path_of(destination, type->name));
    pthread_mutex_lock(lock);
    const bool fine = remove_locked(destination, type, value, left, err);
    pthread_mutex_unlock(lock);
    return fine;
}
