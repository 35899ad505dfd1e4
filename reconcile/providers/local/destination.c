#include "config.h"

#include "reconcile/providers/local/destination.h"

#include "reconcile/providers/infisical/infisical.h"
#include "reconcile/providers/local/dotenv.h"
#include "reconcile/providers/openbao/openbao.h"
#include "reconcile/transport/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the table ---- */

static const struct hl_destination_type *const types[] = {&hl_destination_dotenv, &hl_destination_file, &hl_destination_infisical, &hl_destination_openbao};

static const char type_words[] = "{dotenv: FILE}, {file: PATH}, {infisical: {path: /FOLDER}} or {openbao: {path: PATH}}";

const struct hl_field hl_destination_fields[] = {
    {.name = "dotenv",
     .type = HL_F_STRING,
     .local = true,
     .example = "/etc/bifrost/.secrets.env",
     .doc = "a file of KEY=value lines, relative to the spec; only the own line is changed"},
    {.name = "as", .type = HL_F_STRING, .local = true, .doc = "the variable's name in the dotenv file; the secret's name when not said"},
    {.name = "readers",
     .type = HL_F_LIST,
     .item = HL_F_STRING,
     .allowed = hl_dotenv_reader_names,
     .order = HL_SET,
     .forms = HL_FORM_SINGLE,
     .local = true,
     .doc = "who reads the dotenv file; a value is written only in a form that they all read alike; all four when not said",
     .example = "[compose, sh]"},
    {.name = "file",
     .type = HL_F_STRING,
     .local = true,
     .example = "/run/secrets/db_password",
     .doc = "a file that holds the value and nothing else, relative to the spec"},
    {.name = "mode",
     .type = HL_F_STRING,
     .fallback = "0600",
     .check = hl_destination_check_mode,
     .normalise = hl_destination_normalise_mode,
     .doc = "the mode of that file",
     .example = "\"0640\""},
    {.name = "infisical",
     .type = HL_F_OBJECT,
     .fields = hl_infisical_place_fields,
     .uses = "infisical",
     .forms = HL_FORM_TRUE,
     .local = true,
     .doc = "a secret of Infisical; missing folders are made, and it is deleted only while it holds this value",
     .example = "{path: /netbird}"},
    {.name = "openbao",
     .type = HL_F_OBJECT,
     .fields = hl_openbao_place_fields,
     .uses = "openbao",
     .local = true,
     .doc = "a key of OpenBao or Vault (KV version 2); other keys of the path stay as they are",
     .example = "{path: netbird}"},
    {.name = "destination", .type = HL_F_STRING, .internal = true, .doc = "what the entry is known by"},
    {.name = "content", .type = HL_F_STRING, .internal = true, .sensitive = true, .doc = "what stands there"},
    {.name = NULL},
};

static const struct hl_destination_type *find_type(const struct hl_value *item)
{
    for (size_t i = 0; i < HL_COUNT(types); i++) {
        const struct hl_value *place = hl_value_get(item, types[i]->name);
        if (hl_value_is(place, HL_TEXT) || hl_value_is(place, HL_MAP) || hl_value_is(place, HL_UNKNOWN))
            return types[i];
    }
    return NULL;
}

bool hl_destination_is_known(const struct hl_value *item)
{
    for (size_t i = 0; i < hl_value_members(item); i++) {
        if (strcmp(hl_value_key(item, i), "content") != 0 && hl_value_find_unknown(hl_value_at(item, i)) != NULL)
            return false;
    }
    return hl_value_is(item, HL_MAP) && find_type(item) != NULL;
}

const char *hl_destination_place(const struct hl_destination *destination)
{
    const struct hl_destination_type *type = find_type(destination->item);

    if (type->place != NULL)
        return type->place(destination);
    return hl_arena_printf(destination->arena, "'%s'", hl_value_get_text(destination->item, type->name));
}

bool hl_destination_is_reachable(const struct hl_destination *destination)
{
    const struct hl_destination_type *type = find_type(destination->item);

    return type->reachable == NULL || type->reachable(destination);
}

const char *hl_destination_shared(const struct hl_destination *destination)
{
    const struct hl_destination_type *type = find_type(destination->item);

    return type->shared != NULL ? type->shared(destination) : NULL;
}

/* ---- findings ---- */

static void check_members(struct hl_check *check, const struct hl_value *item, const struct hl_destination_type *type)
{
    for (size_t i = 0; i < HL_COUNT(types); i++) {
        if (types[i] == type)
            continue;
        const struct hl_value *other = hl_value_get(item, types[i]->name);
        if (other != NULL)
            hl_diag_error(check->diags, other->at, "a destination is one place: write '%s' and '%s' as two entries", type->name, types[i]->name);
        for (const char *const *member = types[i]->members; *member != NULL && other == NULL; member++) {
            if (hl_value_get(item, *member) != NULL)
                hl_diag_error(check->diags, hl_value_get(item, *member)->at, "'%s' is for destinations with '%s'", *member, types[i]->name);
        }
    }
}

static void check_twice(struct hl_check *check, const struct hl_value *write, size_t index)
{
    const struct hl_value *item = hl_value_item(write, index);
    const char *identity = find_type(item)->identify(check->arena, item, check->name);

    for (size_t i = 0; i < index; i++) {
        const struct hl_value *other = hl_value_item(write, i);
        if (hl_destination_is_known(other) && strcmp(find_type(other)->identify(check->arena, other, check->name), identity) == 0) {
            hl_diag_error(check->diags, item->at, "the secret is written to this place already");
            return;
        }
    }
}

void hl_destination_check(struct hl_check *check, const struct hl_value *write, const struct hl_value *generate)
{
    for (size_t i = 0; i < hl_value_count(write); i++) {
        const struct hl_value *item = hl_value_item(write, i);
        const struct hl_destination_type *type = find_type(item);
        if (type == NULL) {
            struct hl_diag *diag = hl_diag_error(check->diags, item->at, "a destination must say where the secret is written");
            hl_diag_hint(check->diags, diag, "write %s", type_words);
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
        if (hl_destination_is_known(item))
            hl_value_map_put_text(item, "destination", find_type(item)->identify(arena, item, name));
    }
}

/* ---- files ---- */

const char *hl_destination_path(const struct hl_destination *destination, const char *member)
{
    return hl_path_join(destination->arena, destination->run->base, hl_value_get_text(destination->item, member));
}

bool hl_destination_load(struct hl_arena *arena, const char *path, const char **data, size_t *length, mode_t *mode, struct hl_error **err)
{
    struct stat about;

    *data = NULL;
    *length = 0;
    if (!hl_file_read(arena, path, HL_MAX_TEMPLATE, data, length, err)) {
        if ((*err)->code != HL_E_NOT_FOUND)
            return false;
        hl_error_clear(err);
        return true;
    }
    if (mode != NULL)
        *mode = stat(path, &about) == 0 ? about.st_mode & 0777 : HL_SECRET_MODE;
    return true;
}

bool hl_destination_save(const char *path, const char *data, size_t length, mode_t mode, struct hl_error **err)
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

bool hl_destination_unlink(struct hl_arena *arena, const char *path, struct hl_error **err)
{
    if ((unlink(path) != 0 && errno != ENOENT) || !sync_folder_of(arena, path))
        return hl_fail_errno(err, errno, "cannot remove '%s'", path);
    return true;
}

struct hl_value *hl_destination_take(const struct hl_destination *destination, const char *data, size_t length)
{
    const struct hl_value *known = destination->known;

    if (length == 0)
        return NULL;
    if (!hl_value_is(known, HL_TEXT) || known->text.length != length || memcmp(known->text.data, data, length) != 0)
        hl_redactor_add(destination->run->redactor, data, length);
    return hl_value_mark_sensitive(hl_value_bytes(destination->arena, data, length));
}

/* One file has one lock, however its path is spelled: so only the last name counts, behind links. The folder does not: another thread may just be making
 * it, and then it would have two spellings in the end. That files of one name in different folders share a lock costs little. */
static pthread_mutex_t *lock_of_file(const struct hl_destination *destination, const struct hl_destination_type *type)
{
    const char *path = hl_destination_path(destination, type->name);
    hl_auto(heap) char *real = realpath(path, NULL);
    const char *slash = strrchr(real != NULL ? real : path, '/');
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (const char *at = slash != NULL ? slash + 1 : path; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    return &destination->local->locks[hash % HL_LOCAL_LOCKS];
}

/* Stores have locks of their own: no file waits for a network. */
static pthread_mutex_t *lock_of(const struct hl_destination *destination)
{
    const struct hl_destination_type *type = find_type(destination->item);

    return type->lock != NULL ? type->lock(destination) : lock_of_file(destination, type);
}

/* ---- reading and writing ---- */

/* What the item says of itself, without what is read. */
static struct hl_value *own_members(const struct hl_destination *destination)
{
    struct hl_value *own = hl_value_map(destination->arena);

    for (size_t i = 0; i < hl_value_members(destination->item); i++) {
        const char *member = hl_value_key(destination->item, i);
        if (strcmp(member, "content") != 0 && strcmp(member, "mode") != 0)
            hl_value_map_put(own, member, hl_value_copy(destination->arena, hl_value_at(destination->item, i)));
    }
    return own;
}

bool hl_destination_read(const struct hl_destination *destination, struct hl_value **live, struct hl_value **guess, struct hl_error **err)
{
    struct hl_value *ignored = NULL;

    guess = guess != NULL ? guess : &ignored;
    *guess = NULL;
    *live = own_members(destination);
    if (!find_type(destination->item)->read(destination, *live, guess, err))
        return hl_wrap(err, "reading destination %s", hl_destination_place(destination));
    return true;
}

bool hl_destination_takes(const struct hl_destination *destination, const struct hl_value *value, struct hl_error **err)
{
    const struct hl_destination_type *type = find_type(destination->item);

    return type->takes == NULL || !hl_value_is(value, HL_TEXT) || type->takes(destination, value, err);
}

static bool is_in_place(const struct hl_destination *destination, const struct hl_value *live, const struct hl_value *value)
{
    const struct hl_value *mode = hl_value_get(destination->item, "mode");

    return hl_secret_same(hl_value_get(live, "content"), value) && (mode == NULL || hl_value_equal(mode, hl_value_get(live, "mode")));
}

static bool write_locked(const struct hl_destination *destination, const struct hl_value *value, struct hl_error **err)
{
    struct hl_destination written = *destination;
    struct hl_value *live = NULL;

    if (!hl_destination_read(destination, &live, NULL, err))
        return false;
    if (is_in_place(destination, live, value)) /* what watches the file's time is left in peace */
        return true;
    if (!find_type(destination->item)->write(destination, value, err))
        return hl_wrap(err, "writing destination %s", hl_destination_place(destination));
    written.fresh = true;
    if (!hl_destination_read(&written, &live, NULL, err))
        return false;
    if (is_in_place(destination, live, value))
        return true;
    return hl_fail(err, HL_E_CONFLICT, "%s does not hold what was just written to it: something else changes it", hl_destination_place(destination));
}

bool hl_destination_write(const struct hl_destination *destination, const struct hl_value *value, struct hl_error **err)
{
    struct hl_value *live = NULL;

    if (!hl_destination_is_reachable(destination)) /* fails, and says why; there is no lock either */
        return hl_destination_read(destination, &live, NULL, err);
    pthread_mutex_t *lock = lock_of(destination);
    pthread_mutex_lock(lock);
    const bool fine = write_locked(destination, value, err);
    pthread_mutex_unlock(lock);
    return fine;
}

static bool holds_one_of(const struct hl_value *held, const struct hl_value *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (hl_secret_same(held, values[i]))
            return true;
    }
    return false;
}

static bool remove_locked(const struct hl_destination *destination, const struct hl_value *value, bool *left, struct hl_error **err)
{
    /* The record of the destination can be older than that of the secret: a crash or a failure may lie between the two. */
    const struct hl_value *const ours[] = {value, hl_value_get(destination->item, "content")};
    struct hl_destination now = *destination;
    struct hl_value *live = NULL;
    struct hl_value *guess = NULL;

    *left = false;
    now.fresh = true; /* nothing is deleted by what stood there once */
    if (!hl_destination_read(&now, &live, &guess, err))
        return false;
    const struct hl_value *content = hl_value_get(live, "content");
    if (content == NULL && guess == NULL)
        return true;
    if (!holds_one_of(content, ours, HL_COUNT(ours)) && !holds_one_of(guess, ours, HL_COUNT(ours))) {
        *left = true;
        return true;
    }
    return find_type(destination->item)->remove(destination, err) || hl_wrap(err, "removing the secret from %s", hl_destination_place(destination));
}

bool hl_destination_remove(const struct hl_destination *destination, const struct hl_value *value, bool *left, struct hl_error **err)
{
    *left = false;
    if (!hl_destination_is_reachable(destination)) {
        *left = true;
        return true;
    }
    pthread_mutex_t *lock = lock_of(destination);
    pthread_mutex_lock(lock);
    const bool fine = remove_locked(destination, value, left, err);
    pthread_mutex_unlock(lock);
    return fine;
}
