/* Files, carefully: whole reads with limits, atomic and synced writes. */
#ifndef HL_RECONCILE_TRANSPORT_FILES_H
#define HL_RECONCILE_TRANSPORT_FILES_H

#include "schema/base/error.h"
#include "schema/schema.h"

#include <sys/types.h>

/* The whole file, NUL-terminated in `arena`. HL_E_NOT_FOUND when it is absent; refuses what is no regular file (through links is fine) or longer than
 * `maximum`. */
bool hl_file_read(struct hl_arena *arena, const char *path, size_t maximum, const char **data, size_t *length, struct hl_error **err) HL_MUST_CHECK;

struct hl_file_write {
    const char *path;
    const char *data;
    size_t length;
    mode_t mode;        /* of a new file */
    bool keep_mode;     /* an existing file keeps its mode, owner and group */
    const char *suffix; /* of the temporary file beside it; NULL: ".tmp" */
    bool make_folder;   /* make missing parents, 0755 (0700 when mode has no group and other bits) */
};
/* Temporary file with O_EXCL in the same folder, write, fsync, rename, fsync of the folder. A symlink is followed, so that the link stays. Nothing is left
 * behind on failure. */
bool hl_file_write(const struct hl_file_write *write, struct hl_error **err) HL_MUST_CHECK;
/* base + '/' + path unless path is absolute; in `arena`. */
const char *hl_path_join(struct hl_arena *arena, const char *base, const char *path);
/* Files of a folder, for hl_spec_source.files; `base` is borrowed. */
struct hl_files hl_files_of_folder(const char *base);

#endif
