#include "config.h"

#include "state/internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- the state itself ---- */

static bool fail_missing(struct hl_store *store, struct hl_error **err)
{
    hl_auto(heap) char *copy = hl_state_file_beside(store->file, ".bak");

    hl_fail(err, HL_E_NOT_FOUND, "there is no state file '%s'", store->path);
    if (hl_store_is_whole(copy))
        return hl_error_hint(err, "there is its last good copy; to go back to it: cp -p '%s' '%s'", copy, store->file);
    return hl_error_hint(err, "the first `hlrec apply` makes it; --state names another one");
}

static bool check_rows(struct hl_store *store, struct hl_arena *arena, struct hl_store_findings *out, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
    struct hl_value *secrets = NULL;
    struct hl_map *records = NULL;

    if (!hl_migrate_check_references(store, err))
        return hl_sql_way_back(store, err);
    if (!hl_store_records(store, arena, NULL, &records, err))
        return false;
    out->records = records;
    return hl_store_open_intents(store, arena, &out->intents, &out->intents_count, err) && hl_store_secrets(store, scratch, &secrets, err);
}

static bool check_state(const struct hl_store_options *options, struct hl_arena *arena, struct hl_store_findings *out, struct hl_error **err)
{
    if (!hl_store_open(options, &out->store, err))
        return false;
    return out->store->missing ? fail_missing(out->store, err) : check_rows(out->store, arena, out, err);
}

static void find_dangling(struct hl_arena *arena, struct hl_store_findings *out)
{
    size_t most = 0;

    for (size_t i = 0; i < out->records->count; i++) {
        const struct hl_record *record = out->records->entries[i].value;

        for (const char *const *need = record->needs; need != NULL && *need != NULL; need++)
            most += hl_map_has(out->records, *need) ? 0 : 1;
    }
    out->dangling = hl_arena_alloc(arena, (most + 1) * sizeof(*out->dangling));
    for (size_t i = 0; i < out->records->count; i++) {
        const struct hl_record *record = out->records->entries[i].value;

        for (const char *const *need = record->needs; need != NULL && *need != NULL; need++) {
            if (!hl_map_has(out->records, *need))
                out->dangling[out->dangling_count++] = (struct hl_dangling){.address = record->address, .need = *need};
        }
    }
}

/* ---- what there is to go back to ---- */

static bool check_copy(const struct hl_store_options *options, struct hl_store_copy *copy, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(store) struct hl_store *store = NULL;
    struct hl_store_findings ignored = {.store = NULL};

    if (!hl_store_open(options, &store, err))
        return false;
    copy->serial = store->serial;
    return check_rows(store, arena, &ignored, err);
}

static int newest_first(const void *left, const void *right)
{
    const struct hl_store_copy *a = left, *b = right;

    if (a->made_ms != b->made_ms)
        return a->made_ms > b->made_ms ? -1 : 1;
    return strcmp(a->path, b->path);
}

static void check_copies(const struct hl_store_options *of_state, struct hl_arena *arena, struct hl_store_findings *out)
{
    hl_auto(heap) char *file = NULL;
    bool exists = false;

    if (!hl_state_file_resolve(of_state->path, false, &file, &exists, NULL))
        return;

    const struct hl_value *paths = hl_state_file_copies(file, arena);

    out->copies = hl_arena_alloc(arena, (hl_value_count(paths) + 1) * sizeof(*out->copies));
    for (size_t i = 0; i < hl_value_count(paths); i++) {
        struct hl_store_copy *copy = &out->copies[out->copies_count++];
        struct hl_store_options options = *of_state;

        copy->path = hl_value_item(paths, i)->text.data;
        copy->made_ms = hl_state_file_written_ms(copy->path);
        options.path = copy->path;
        options.key_of = file;
        if (!check_copy(&options, copy, &copy->problem))
            continue; /* which is what is told of it */
    }
    qsort(out->copies, out->copies_count, sizeof(*out->copies), newest_first);
}

void hl_store_check(const struct hl_store_options *options, struct hl_arena *arena, struct hl_store_findings *out)
{
    struct hl_store_options thorough = *options;

    thorough.mode = HL_STORE_READ;
    thorough.thorough = true;
    *out = (struct hl_store_findings){.store = NULL};
    if (check_state(&thorough, arena, out, &out->problem))
        find_dangling(arena, out);
    check_copies(&thorough, arena, out);
}

void hl_store_findings_clear(struct hl_store_findings *findings)
{
    for (size_t i = 0; i < findings->copies_count; i++)
        hl_error_free(findings->copies[i].problem);
    hl_error_free(findings->problem);
    if (findings->store != NULL)
        hl_store_close(findings->store);
    *findings = (struct hl_store_findings){.store = NULL};
}
