#include "config.h"

#include "reconcile/transport/git_internal.h"

#include <string.h>

enum {
    SUGGESTIONS = 3,
    FARTHEST = 3,
    POINTER_MOST = 1024, /* git-lfs: pointer files are shorter */
};

static const char lfs_mark[] = "version https://git-lfs.github.com/spec/v1";

/* --- Objects --- */

static bool check_size(struct hl_git *git, const git_oid *id, git_object_t wanted, size_t most, struct hl_error **err)
{
    git_object_t type = GIT_OBJECT_INVALID;
    size_t size = 0;
    char text[GIT_OID_HEXSZ + 1];
    int code = git_odb_read_header(&size, &type, git->odb, id);

    git_oid_tostr(text, sizeof(text), id);
    if (code == GIT_ENOTFOUND) {
        hl_fail(err, HL_E_NOT_FOUND, "the cache of '%s' has no %s '%s'", git->url.shown, git_object_type2string(wanted), text);
        return hl_error_hint(err, "fetch what leads to it; when the cache was just made anew, run again");
    }
    if (code != 0)
        return hl_git_fail_read(git, code, err, "cannot read '%s' of '%s'", text, git->url.shown);
    if (type != wanted)
        return hl_fail(err, HL_E_SPEC, "'%s' of '%s' is a %s, and a %s is wanted", text, git->url.shown, git_object_type2string(type),
                       git_object_type2string(wanted));
    if (size > most)
        return hl_fail(err, HL_E_SPEC, "the %s '%s' of '%s' has %zu bytes, and %zu are taken", git_object_type2string(type), text, git->url.shown, size, most);
    return true;
}

bool hl_git_commit(struct hl_git *git, const char *id, git_commit **out, struct hl_error **err)
{
    git_oid parsed;

    *out = NULL;
    if (!hl_git_parse_id(id, &parsed))
        return hl_fail(err, HL_E_SPEC, "a commit's id has 40 hexadecimal digits");
    if (!check_size(git, &parsed, GIT_OBJECT_COMMIT, HL_GIT_COMMIT_MOST, err))
        return false;

    int code = git_commit_lookup(out, git->repository, &parsed);

    return code == 0 || hl_git_fail_read(git, code, err, "cannot read commit '%s' of '%s'", id, git->url.shown);
}

bool hl_git_load_tree(struct hl_git *git, const git_oid *id, git_tree **out, struct hl_error **err)
{
    *out = NULL;
    if (!check_size(git, id, GIT_OBJECT_TREE, HL_GIT_TREE_MOST, err))
        return false;

    int code = git_tree_lookup(out, git->repository, id);

    return code == 0 || hl_git_fail_read(git, code, err, "cannot read a folder of '%s'", git->url.shown);
}

static bool check_blob(struct hl_git *git, const git_oid *id, const char *path, struct hl_error **err)
{
    git_object_t type = GIT_OBJECT_INVALID;
    size_t size = 0;
    int code = git_odb_read_header(&size, &type, git->odb, id);

    if (code != 0)
        return hl_git_fail_read(git, code, err, "cannot read '%s' of '%s'", path, git->url.shown);
    if (type != GIT_OBJECT_BLOB)
        return hl_fail(err, HL_E_SPEC, "'%s' is a %s, not a file", path, git_object_type2string(type));
    if (size > HL_GIT_FILE_MOST)
        return hl_fail(err, HL_E_SPEC, "'%s' has %zu bytes, and %d are taken of a file from git", path, size, HL_GIT_FILE_MOST);
    return true;
}

bool hl_git_load_blob(struct hl_git *git, const git_oid *id, struct hl_arena *arena, const char *path, const char **text, size_t *length, struct hl_error **err)
{
    git_odb_object *object = NULL;

    if (!check_blob(git, id, path, err))
        return false;

    int code = git_odb_read(&object, git->odb, id);

    if (code != 0)
        return hl_git_fail_read(git, code, err, "cannot read '%s' of '%s'", path, git->url.shown);
    *length = git_odb_object_size(object);
    *text = hl_arena_copy(arena, git_odb_object_data(object), *length);
    git_odb_object_free(object);
    return true;
}

/* --- Steps --- */

static bool find_entry(struct hl_git *git, const struct hl_git_entry *folder, const char *name, struct hl_git_entry *out, struct hl_error **err)
{
    hl_auto(git_tree_object) git_tree *tree = NULL;

    *out = (struct hl_git_entry){.mode = 0};
    if (folder->mode != GIT_FILEMODE_TREE)
        return true;
    if (!hl_git_load_tree(git, &folder->id, &tree, err))
        return false;

    const git_tree_entry *entry = git_tree_entry_byname(tree, name);

    if (entry != NULL)
        *out = (struct hl_git_entry){.mode = (unsigned)git_tree_entry_filemode(entry), .id = *git_tree_entry_id(entry)};
    return true;
}

bool hl_git_step(struct hl_git_tree *tree, const struct hl_git_place *place, const char *path, const char *name, struct hl_git_place *out,
                 struct hl_error **err)
{
    struct hl_git_entry ancestor, base, head;
    const struct hl_git_merged *merged = NULL;

    *out = (struct hl_git_place){.settled = true};
    if (place->settled)
        return find_entry(tree->git, &place->head, name, &out->head, err);
    if (!find_entry(tree->git, &place->ancestor, name, &ancestor, err) || !find_entry(tree->git, &place->base, name, &base, err) ||
        !find_entry(tree->git, &place->head, name, &head, err))
        return false;
    *out = hl_git_settle(&ancestor, &base, &head);
    if (out->settled)
        return true;
    merged = hl_map_find(&tree->merged, path);
    if (merged != NULL)
        *out = (struct hl_git_place){.settled = true, .head = {.mode = merged->mode}, .text = merged->text, .length = merged->length};
    return true;
}

static bool is_folder(const struct hl_git_place *place)
{
    return !place->settled || place->head.mode == GIT_FILEMODE_TREE;
}

/* --- What is not there --- */

struct suggestions {
    const char *name;
    size_t count;
    struct hl_text text;
};

static bool suggest_from(struct hl_git *git, const struct hl_git_entry *folder, struct suggestions *suggestions)
{
    hl_auto(git_tree_object) git_tree *tree = NULL;
    hl_auto(error) struct hl_error *ignored = NULL;

    if (folder->mode != GIT_FILEMODE_TREE || !hl_git_load_tree(git, &folder->id, &tree, &ignored))
        return false;
    for (size_t i = 0; i < git_tree_entrycount(tree) && suggestions->count < SUGGESTIONS; i++) {
        const char *name = git_tree_entry_name(git_tree_entry_byindex(tree, i));

        if (hl_edit_distance(suggestions->name, name, FARTHEST) > FARTHEST)
            continue;
        hl_text_puts(&suggestions->text, suggestions->count++ == 0 ? "'" : ", '");
        hl_text_put_escaped(&suggestions->text, name, strlen(name));
        hl_text_puts(&suggestions->text, "'");
    }
    return true;
}

static bool fail_absent(struct hl_git *git, const struct hl_git_place *folder, const char *path, const char *name, struct hl_error **err)
{
    struct suggestions suggestions = {.name = name, .text = HL_TEXT_INIT(2048)};

    hl_fail(err, HL_E_NOT_FOUND, "there is no '%s' in the repository '%s' at this commit", path, git->url.shown);
    suggest_from(git, &folder->head, &suggestions);
    if (suggestions.count > 0)
        hl_error_hint(err, "in that folder is %s", hl_text_get(&suggestions.text));
    hl_text_clear(&suggestions.text);
    return false;
}

static bool check_mode(const struct hl_git_place *place, const char *path, struct hl_error **err)
{
    switch (place->settled ? place->head.mode : (unsigned)GIT_FILEMODE_TREE) {
    case GIT_FILEMODE_BLOB:
    case GIT_FILEMODE_BLOB_EXECUTABLE:
        return true;
    case GIT_FILEMODE_TREE:
        return hl_fail(err, HL_E_SPEC, "'%s' is a folder of the repository, not a file", path);
    case GIT_FILEMODE_LINK:
        hl_fail(err, HL_E_SPEC, "'%s' is a symbolic link in the repository, and links are not followed", path);
        return hl_error_hint(err, "name the file itself");
    case GIT_FILEMODE_COMMIT:
        hl_fail(err, HL_E_SPEC, "'%s' is a submodule, and submodules are not supported", path);
        return hl_error_hint(err, "copy the file into the repository, or read the spec from that other repository");
    default:
        return hl_fail(err, HL_E_SPEC, "'%s' has the odd mode %o in the repository", path, place->head.mode);
    }
}

/* --- Files --- */

static bool find_place(struct hl_git_tree *tree, struct hl_arena *arena, const char *path, struct hl_git_place *out, struct hl_error **err)
{
    *out = tree->root;
    for (const char *at = path; *at != '\0';) {
        size_t length = strcspn(at, "/");
        const char *name = hl_arena_copy(arena, at, length);
        const char *so_far = hl_arena_copy(arena, path, (size_t)(at - path) + length);
        struct hl_git_place folder = *out;

        if (!is_folder(&folder)) {
            check_mode(&folder, hl_arena_copy(arena, path, (size_t)(at - path) - 1), err);
            return *err == NULL ? hl_fail(err, HL_E_SPEC, "'%s' leads through a file", path) : false;
        }
        if (!hl_git_step(tree, &folder, so_far, name, out, err))
            return false;
        if (out->settled && out->head.mode == 0)
            return fail_absent(tree->git, &folder, so_far, name, err);
        at += length;
        at += *at == '/';
    }
    return check_mode(out, path, err);
}

static bool is_pointer(const char *text, size_t length)
{
    return length < POINTER_MOST && length > sizeof(lfs_mark) && memcmp(text, lfs_mark, sizeof(lfs_mark) - 1) == 0;
}

static bool read_place(struct hl_git_tree *tree, const struct hl_git_place *place, struct hl_arena *arena, const char *path, const char **text, size_t *length,
                       struct hl_error **err)
{
    struct hl_git *git = tree->git;

    if (place->text != NULL) {
        *text = hl_arena_copy(arena, place->text, place->length);
        *length = place->length;
    } else if (!hl_git_load_blob(git, &place->head.id, arena, path, text, length, err)) {
        return false;
    }
    if (is_pointer(*text, *length)) {
        hl_fail(err, HL_E_SPEC, "'%s' is only a pointer to a file that git LFS keeps elsewhere", path);
        return hl_error_hint(err, "LFS is not supported: take the file out of it (`git lfs untrack`), it is text after all");
    }
    git->total += *length;
    if (git->total > HL_GIT_TOTAL_MOST)
        return hl_fail(err, HL_E_SPEC, "the files that the spec names have more than %d MiB together", HL_GIT_TOTAL_MOST / 1024 / 1024);
    return true;
}

bool hl_git_read(struct hl_git_tree *tree, struct hl_arena *arena, const char *path, const char **text, size_t *length, struct hl_error **err)
{
    struct hl_git_place place;

    if (!hl_git_path_check(path, err))
        return false;
    pthread_mutex_lock(&tree->git->mutex);

    bool fine = find_place(tree, arena, path, &place, err) && read_place(tree, &place, arena, path, text, length, err);

    pthread_mutex_unlock(&tree->git->mutex);
    return fine;
}

/* --- As the spec's files --- */

struct folder {
    struct hl_git_tree *tree;
    const char *path; /* "" for the root */
};

static bool read_from_folder(void *context, struct hl_arena *arena, const char *path, const char **text, size_t *length, struct hl_error **err)
{
    const struct folder *folder = context;
    const char *joined = hl_git_path_join(arena, folder->path, path);

    if (joined != NULL)
        return hl_git_read(folder->tree, arena, joined, text, length, err);

    hl_auto(text) struct hl_text shown = HL_TEXT_INIT(4096);

    hl_text_put_escaped(&shown, path, strlen(path) < 512 ? strlen(path) : 512);
    hl_fail(err, HL_E_SPEC, "'%s' is outside the repository", hl_text_get(&shown));
    return hl_error_hint(err, "a spec from git reads no files of this host, only those of its repository");
}

struct hl_files hl_git_files(struct hl_git_tree *tree, const char *spec_path)
{
    struct hl_arena *arena = tree->git->arena;
    struct folder *folder = hl_arena_alloc(arena, sizeof(*folder));
    const char *slash = strrchr(spec_path, '/');

    folder->tree = tree;
    folder->path = slash == NULL ? "" : hl_arena_copy(arena, spec_path, (size_t)(slash - spec_path));
    return (struct hl_files){.read = read_from_folder, .context = folder};
}

bool hl_git_tree(struct hl_git *git, const char *id, struct hl_git_tree **out, struct hl_error **err)
{
    hl_auto(git_commit_object) git_commit *commit = NULL;
    struct hl_git_tree *tree = hl_arena_alloc(git->arena, sizeof(*tree));

    if (!hl_git_commit(git, id, &commit, err))
        return false;
    tree->git = git;
    tree->root = (struct hl_git_place){.settled = true, .head = {.mode = GIT_FILEMODE_TREE, .id = *git_commit_tree_id(commit)}};
    hl_map_init(&tree->merged, git->arena);
    *out = tree;
    return true;
}
