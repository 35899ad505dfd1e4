/* How one type of destination is read, written and cleaned; destination.c holds the table of them and what they have in common.
 *
 * A further type (a secret store with an API) is a file of its own like destination_file.c, a line in the table, and its rows among the fields. */
#ifndef HL_RECONCILE_PROVIDERS_LOCAL_DESTINATION_H
#define HL_RECONCILE_PROVIDERS_LOCAL_DESTINATION_H

#include "reconcile/providers/local/local.h"

#include <sys/types.h>

enum { HL_SECRET_MODE = 0600 }; /* of files that are made and that nobody said more of */

/* One way to keep a secret somewhere else. Members get items whose texts are all known; reading and writing happen under the place's lock. */
struct hl_destination_type {
    const char *name;           /* the member of an item that chooses it, and that says where: a path, or an object */
    const char *const *members; /* further members that belong to it alone; NULL-terminated */
    void (*check)(struct hl_check *check, const struct hl_value *item, const struct hl_value *generate);
    /* By which the item is matched with recorded and live ones. */
    const char *(*identify)(struct hl_arena *arena, const struct hl_value *item, const char *name);
    /* Puts `content` (absent: nothing there) and what else can drift (`mode`) into `live`. */
    bool (*read)(const struct hl_destination *destination, struct hl_value *live, struct hl_value **guess, struct hl_error **err);
    bool (*takes)(const struct hl_destination *destination, const struct hl_value *value, struct hl_error **err); /* NULL: every text */
    bool (*write)(const struct hl_destination *destination, const struct hl_value *value, struct hl_error **err);
    bool (*remove)(const struct hl_destination *destination, struct hl_error **err); /* what is there is ours */
    /* For stores; NULL for files. */
    bool (*reachable)(const struct hl_destination *destination);
    const char *(*place)(const struct hl_destination *destination);  /* for sentences */
    const char *(*shared)(const struct hl_destination *destination); /* see hl_destination_shared() */
    pthread_mutex_t *(*lock)(const struct hl_destination *destination);
};

extern const struct hl_destination_type hl_destination_dotenv, hl_destination_file, hl_destination_infisical, hl_destination_openbao;

/* ---- destination_file.c ---- */

void hl_destination_check_mode(struct hl_check *check, const struct hl_value *value);
/* "640" and "0640" are one. */
struct hl_value *hl_destination_normalise_mode(struct hl_arena *arena, struct hl_value *value);

/* ---- for files, in destination.c ---- */

/* The path in `member`, as the run sees it. In destination->arena. */
const char *hl_destination_path(const struct hl_destination *destination, const char *member);
/* *data is NULL when there is no such file; *mode may be NULL. */
bool hl_destination_load(struct hl_arena *arena, const char *path, const char **data, size_t *length, mode_t *mode, struct hl_error **err) HL_MUST_CHECK;
/* Atomic and synced; a file that is there keeps its mode and owner, a new one gets `mode`. */
bool hl_destination_save(const char *path, const char *data, size_t length, mode_t mode, struct hl_error **err) HL_MUST_CHECK;
bool hl_destination_unlink(struct hl_arena *arena, const char *path, struct hl_error **err) HL_MUST_CHECK;
/* A text that was read, sensitive and known to the redactor; NULL when it is empty. */
struct hl_value *hl_destination_take(const struct hl_destination *destination, const char *data, size_t length);

#endif
