#include "config.h"

#include "reconcile/providers/traefik/folder.h"

#include "reconcile/transport/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static bool has_extension(const char *name, const char *extension)
{
    const char *dot = strrchr(name, '.');

    return dot != NULL && strcasecmp(dot, extension) == 0;
}

/* Traefik refuses a file for an empty section, and with it the whole folder. */
static const char *find_empty(const struct hl_document *document)
{
    for (size_t i = 0; i < hl_value_members(document->root); i++) {
        const struct hl_value *part = hl_value_at(document->root, i);

        if (hl_value_is(part, HL_MAP) && hl_value_count(part) == 0)
            return hl_value_key(document->root, i);
        for (size_t j = 0; hl_value_is(part, HL_MAP) && j < hl_value_members(part); j++) {
            if (hl_value_is(hl_value_at(part, j), HL_MAP) && hl_value_count(hl_value_at(part, j)) == 0)
                return hl_value_key(part, j);
        }
    }
    return NULL;
}

static void read_yaml(struct hl_traefik_folder *folder, struct hl_arena *arena, const struct hl_run *run, const char *path, const char *name)
{
    hl_auto(error) struct hl_error *error = NULL;
    struct hl_traefik_folder_file *file = &folder->files[folder->count];
    const char *text = NULL;
    size_t length = 0;

    file->name = name;
    if (!hl_file_read(arena, path, HL_TRAEFIK_MAX_FILE, &text, &length, &error)) {
        hl_auto(heap) char *words = hl_error_text(error);

        folder->complete = false;
        folder->problem = hl_arena_strdup(arena, words);
        return;
    }
    hl_document_parse(&file->document, arena, text, length, run->stack, run->state_id);
    if (file->document.state != HL_DOCUMENT_READ) {
        folder->complete = false;
        /* With templates in it, it need not be YAML yet. */
        if (strstr(text, "{{") == NULL)
            folder->problem = hl_arena_printf(arena, "'%s' is not YAML that can be used: %s", name, file->document.problem);
        return;
    }
    const char *empty = find_empty(&file->document);

    if (empty != NULL)
        folder->problem = hl_arena_printf(arena, "'%s' has an empty mapping '%s'", name, empty);
    folder->count++;
}

static int only_named(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static void free_entries(struct dirent **entries, int count)
{
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
}

bool hl_traefik_folder_read(struct hl_traefik_folder *folder, struct hl_arena *arena, const struct hl_traefik *traefik, const struct hl_run *run,
                            struct hl_error **err)
{
    struct dirent **entries = NULL;
    const int count = scandir(traefik->directory, &entries, only_named, alphasort);

    if (count < 0)
        return hl_fail_errno(err, errno, "cannot list the folder '%s'", traefik->directory);
    *folder = (struct hl_traefik_folder){.complete = true};
    folder->files = hl_arena_alloc(arena, ((size_t)count + 1) * sizeof *folder->files);
    for (int i = 0; i < count; i++) {
        const char *name = hl_arena_strdup(arena, entries[i]->d_name);
        const char *path = hl_path_join(arena, traefik->directory, name);
        struct stat about;

        if (strcmp(name, traefik->file) == 0)
            continue;
        if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
            folder->complete = false;
        else if (has_extension(name, ".toml"))
            folder->complete = false;
        else if (has_extension(name, ".yml") || has_extension(name, ".yaml"))
            read_yaml(folder, arena, run, path, name);
    }
    free_entries(entries, count);
    return true;
}

const struct hl_traefik_folder_file *hl_traefik_folder_find(const struct hl_traefik_folder *folder, const char *protocol, const char *section, const char *name)
{
    for (size_t i = 0; i < folder->count; i++) {
        if (hl_value_get(hl_document_section(&folder->files[i].document, protocol, section), name) != NULL)
            return &folder->files[i];
    }
    return NULL;
}
