/* The other files of Traefik's folder: which names they have, and what keeps Traefik from reading them. */
#ifndef HL_RECONCILE_PROVIDERS_TRAEFIK_FOLDER_H
#define HL_RECONCILE_PROVIDERS_TRAEFIK_FOLDER_H

#include "reconcile/providers/traefik/document.h"

struct hl_traefik_folder_file {
    const char *name;
    struct hl_document document;
};

struct hl_traefik_folder {
    struct hl_traefik_folder_file *files; /* those of the top level that could be read as YAML, by name */
    size_t count;
    bool complete;       /* every file that Traefik reads is in `files`: no TOML, no sub-folders, none that cannot be read */
    const char *problem; /* a file that keeps Traefik from reading the whole folder: "'x.yml' cannot be read: ...", or NULL */
};

bool hl_traefik_folder_read(struct hl_traefik_folder *folder, struct hl_arena *arena, const struct hl_traefik *traefik, const struct hl_run *run,
                            struct hl_error **err) HL_MUST_CHECK;
/* The first file that has an object of this name, or NULL. */
const struct hl_traefik_folder_file *hl_traefik_folder_find(const struct hl_traefik_folder *folder, const char *protocol, const char *section,
                                                            const char *name);

#endif
