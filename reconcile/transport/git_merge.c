#include "config.h"

#include "reconcile/transport/git_internal.h"

#include <string.h>

/* A merge that is looked at and never made: only what changed on both sides is gone into, and only its content is kept, in memory.
 *
 * libgit2's own merge expands every folder of all three trees. Of a pull request that is a trap: ten folders within each other, each with ten names for the
 * next one, are a kilobyte to send and 10^10 files to expand. Here a folder that one side alone changed is taken over unseen. What differs from git's merge:
 * renames are not followed (a file renamed on one side and changed on the other is a conflict), and of several common ancestors one is taken. Both err to the
 * safe side: with a conflict the head is shown alone, and that is said. */

enum { ENTRIES_MOST = 500000, DEEPEST = 128 };

enum outcome { CLEAN, CONFLICT, FAILED };

struct merge {
    struct hl_git_tree *tree;
    size_t entries, bytes;
};

/* The same folder in all three; NULL where it is none. */
struct triple {
    git_tree *ancestor, *base, *head;
};

static bool is_same(const struct hl_git_entry *a, const struct hl_git_entry *b)
{
    return a->mode == b->mode && (a->mode == 0 || git_oid_equal(&a->id, &b->id));
}

struct hl_git_place hl_git_settle(const struct hl_git_entry *ancestor, const struct hl_git_entry *base, const struct hl_git_entry *head)
{
    if (is_same(ancestor, base) || is_same(base, head))
        return (struct hl_git_place){.settled = true, .head = *head};
    if (is_same(ancestor, head))
        return (struct hl_git_place){.settled = true, .head = *base};
    return (struct hl_git_place){.ancestor = *ancestor, .base = *base, .head = *head};
}

/* --- One file, changed on both sides --- */

static bool is_file(const struct hl_git_entry *entry)
{
    return entry->mode == GIT_FILEMODE_BLOB || entry->mode == GIT_FILEMODE_BLOB_EXECUTABLE;
}

struct side {
    const char *text;
    size_t length;
};

/* What is too long or binary is no text to merge. */
static enum outcome load_side(struct merge *merge, const struct hl_git_entry *entry, const char *path, struct hl_arena *arena, struct side *out,
                              struct hl_error **err)
{
    struct hl_git *git = merge->tree->git;
    git_object_t type = GIT_OBJECT_INVALID;
    size_t size = 0;

    if (git_odb_read_header(&size, &type, git->odb, &entry->id) == 0 && (size > HL_GIT_FILE_MOST || type != GIT_OBJECT_BLOB))
        return CONFLICT;
    merge->bytes += size;
    if (merge->bytes > HL_GIT_TOTAL_MOST)
        return CONFLICT;
    if (!hl_git_load_blob(git, &entry->id, arena, path, &out->text, &out->length, err))
        return FAILED;
    return memchr(out->text, '\0', out->length) == NULL ? CLEAN : CONFLICT;
}

static enum outcome merge_text(struct merge *merge, const char *path, unsigned mode, const struct side sides[3], struct hl_error **err)
{
    struct hl_git *git = merge->tree->git;
    git_merge_file_input inputs[3];
    git_merge_file_options options;
    git_merge_file_result result = {0};

    git_merge_file_options_init(&options, GIT_MERGE_FILE_OPTIONS_VERSION);
    for (size_t i = 0; i < HL_COUNT(inputs); i++) {
        git_merge_file_input_init(&inputs[i], GIT_MERGE_FILE_INPUT_VERSION);
        inputs[i].ptr = sides[i].text;
        inputs[i].size = sides[i].length;
        inputs[i].mode = mode;
    }

    int code = git_merge_file(&result, &inputs[0], &inputs[1], &inputs[2], &options);
    enum outcome outcome = code == 0 && result.automergeable != 0 ? CLEAN : CONFLICT;

    if (code != 0) {
        hl_git_fail_read(git, code, err, "cannot merge '%s' of '%s'", path, git->url.shown);
        outcome = FAILED;
    } else if (outcome == CLEAN) {
        struct hl_git_merged *merged = hl_arena_alloc(git->arena, sizeof(*merged));

        *merged = (struct hl_git_merged){.mode = mode, .text = hl_arena_copy(git->arena, result.ptr, result.len), .length = result.len};
        hl_map_put(&merge->tree->merged, path, merged);
    }
    git_merge_file_result_free(&result);
    return outcome;
}

static enum outcome merge_file(struct merge *merge, const struct hl_git_place *place, const char *path, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_git_entry *entries[3] = {&place->ancestor, &place->base, &place->head};
    struct side sides[3] = {0};
    unsigned mode = place->ancestor.mode == place->base.mode ? place->head.mode : place->base.mode;

    if (!is_file(entries[0]) || !is_file(entries[1]) || !is_file(entries[2]))
        return CONFLICT;
    for (size_t i = 0; i < HL_COUNT(sides); i++) {
        enum outcome outcome = load_side(merge, entries[i], path, arena, &sides[i], err);

        if (outcome != CLEAN)
            return outcome;
    }
    return merge_text(merge, path, mode, sides, err);
}

/* --- Folders --- */

static struct hl_git_entry entry_of(const git_tree *tree, const char *name)
{
    const git_tree_entry *entry = tree == NULL ? NULL : git_tree_entry_byname(tree, name);

    if (entry == NULL)
        return (struct hl_git_entry){.mode = 0};
    return (struct hl_git_entry){.mode = (unsigned)git_tree_entry_filemode(entry), .id = *git_tree_entry_id(entry)};
}

static enum outcome merge_folder(struct merge *merge, const struct hl_git_place *place, const char *path, unsigned depth, struct hl_error **err);

static enum outcome merge_name(struct merge *merge, const struct triple *trees, const char *name, const char *path, unsigned depth, struct hl_error **err)
{
    const struct hl_git_entry ancestor = entry_of(trees->ancestor, name), base = entry_of(trees->base, name), head = entry_of(trees->head, name);
    const struct hl_git_place place = hl_git_settle(&ancestor, &base, &head);
    hl_auto(arena) struct hl_arena *arena = NULL;
    const char *within = NULL;

    if (++merge->entries > ENTRIES_MOST)
        return CONFLICT;
    if (place.settled)
        return CLEAN;
    arena = hl_arena_new();
    within = *path == '\0' ? name : hl_arena_printf(arena, "%s/%s", path, name);
    if (base.mode == GIT_FILEMODE_TREE && head.mode == GIT_FILEMODE_TREE)
        return merge_folder(merge, &place, within, depth + 1, err);
    return merge_file(merge, &place, within, err);
}

static enum outcome merge_names(struct merge *merge, const struct triple *trees, const char *path, unsigned depth, struct hl_error **err)
{
    enum outcome outcome = CLEAN;

    for (size_t i = 0; outcome == CLEAN && i < git_tree_entrycount(trees->head); i++)
        outcome = merge_name(merge, trees, git_tree_entry_name(git_tree_entry_byindex(trees->head, i)), path, depth, err);
    for (size_t i = 0; outcome == CLEAN && i < git_tree_entrycount(trees->base); i++) {
        const char *name = git_tree_entry_name(git_tree_entry_byindex(trees->base, i));

        if (git_tree_entry_byname(trees->head, name) == NULL)
            outcome = merge_name(merge, trees, name, path, depth, err);
    }
    return outcome;
}

static enum outcome merge_folder(struct merge *merge, const struct hl_git_place *place, const char *path, unsigned depth, struct hl_error **err)
{
    struct hl_git *git = merge->tree->git;
    hl_auto(git_tree_object) git_tree *ancestor = NULL;
    hl_auto(git_tree_object) git_tree *base = NULL;
    hl_auto(git_tree_object) git_tree *head = NULL;

    if (depth > DEEPEST)
        return CONFLICT;
    if (place->ancestor.mode == GIT_FILEMODE_TREE && !hl_git_load_tree(git, &place->ancestor.id, &ancestor, err))
        return FAILED;
    if (!hl_git_load_tree(git, &place->base.id, &base, err) || !hl_git_load_tree(git, &place->head.id, &head, err))
        return FAILED;
    return merge_names(merge, &(struct triple){.ancestor = ancestor, .base = base, .head = head}, path, depth, err);
}

static bool root_of(struct hl_git *git, const char *id, struct hl_git_entry *out, struct hl_error **err)
{
    hl_auto(git_commit_object) git_commit *commit = NULL;

    if (!hl_git_commit(git, id, &commit, err))
        return false;
    *out = (struct hl_git_entry){.mode = GIT_FILEMODE_TREE, .id = *git_commit_tree_id(commit)};
    return true;
}

static bool find_roots(struct hl_git *git, const char *base, const char *head, struct hl_git_place *out, bool *related, struct hl_error **err)
{
    struct hl_git_entry ancestor = {.mode = 0}, ours = {.mode = 0}, theirs = {.mode = 0};
    char text[GIT_OID_HEXSZ + 1];
    git_oid common;

    if (!root_of(git, base, &ours, err) || !root_of(git, head, &theirs, err) || !hl_git_merge_base(git, base, head, &common, related, err))
        return false;
    if (*related) {
        git_oid_tostr(text, sizeof(text), &common);
        if (!root_of(git, text, &ancestor, err))
            return false;
    }
    *out = hl_git_settle(&ancestor, &ours, &theirs);
    return true;
}

bool hl_git_merge(struct hl_git *git, const char *base, const char *head, struct hl_git_tree **out, bool *conflicts, struct hl_error **err)
{
    struct hl_git_tree *tree = hl_arena_alloc(git->arena, sizeof(*tree));
    struct merge merge = {.tree = tree};
    enum outcome outcome = CLEAN;
    bool related = false;

    tree->git = git;
    hl_map_init(&tree->merged, git->arena);
    if (!find_roots(git, base, head, &tree->root, &related, err))
        return false;
    /* git refuses to merge histories that never were one. */
    if (!related)
        outcome = CONFLICT;
    else if (!tree->root.settled)
        outcome = merge_folder(&merge, &tree->root, "", 0, err);
    if (outcome == FAILED)
        return false;
    *conflicts = outcome == CONFLICT;
    *out = tree;
    return outcome == CLEAN || hl_git_tree(git, head, out, err);
}
