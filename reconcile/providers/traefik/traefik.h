/* The Traefik provider: routers, services and middlewares of a stack live in one file of Traefik's dynamic folder.
 *
 * Traefik reads all files of the folder at once, takes them whole or not at all, and has no API to write. So hlrec
 *   - checks all it can before it writes (rule.h, the field tables, names that are referred to, the version of Traefik);
 *   - writes the file in one step (document.h makes the text) with a marker: an unused middleware named after the hash of the content;
 *   - waits until the API tells of the marker, which means that exactly this content is live, and reads what Traefik says of each router;
 *   - puts the former content back when the new one does not load, and leaves out what Traefik rejects.
 * Without `api` the last two steps are left out, and each change says so.
 *
 * The file is ours by its name and by its first lines, which carry the stack and the state's id. Objects in it that neither the spec nor the state knows
 * stay as they are. */
#ifndef HL_RECONCILE_PROVIDERS_TRAEFIK_TRAEFIK_H
#define HL_RECONCILE_PROVIDERS_TRAEFIK_TRAEFIK_H

#include "reconcile/provider.h"

#include <pthread.h>
#include <sys/types.h>

enum hl_traefik_kind { HL_TRAEFIK_ROUTER, HL_TRAEFIK_SERVICE, HL_TRAEFIK_MIDDLEWARE, HL_TRAEFIK_KINDS };
enum { HL_TRAEFIK_MAX_FILE = 64 * 1024 * 1024 };

/* One opened instance: session->data. */
struct hl_traefik {
    pthread_mutex_t lock;  /* around all that reads and writes the file, and around `wanted` */
    const char *directory; /* absolute, or relative to where hlrec runs */
    const char *file;      /* its name within the directory */
    const char *path;
    mode_t mode;
    bool mode_given;      /* else an existing file keeps its mode */
    struct hl_http *http; /* NULL without `api` */
    const char *api;      /* the URL, for messages */
    int64_t verify_ms;
    struct hl_arena *arena;  /* of what follows */
    struct hl_map *wanted;   /* "service/http/web", "own service/http/web" of router web: what refresh saw in the spec */
    struct hl_map *recorded; /* "service/web": struct hl_value *, last applied; what a broken file is made anew from */
};

/* Of all its kinds: what differs is told by hl_traefik_kind_of(). */
extern const struct hl_verbs hl_traefik_verbs;

enum hl_traefik_kind hl_traefik_kind_of(const struct hl_kind *kind);
/* "routers": the section of Traefik's file. */
const char *hl_traefik_section(enum hl_traefik_kind kind);
const struct hl_kind *hl_traefik_kind_info(enum hl_traefik_kind kind);
extern const struct hl_kind hl_kind_router, hl_kind_service, hl_kind_middleware;

/* provider.c: whether the folder is there; HL_E_UNREACHABLE with what to do. */
bool hl_traefik_check_folder(const struct hl_traefik *traefik, struct hl_error **err) HL_MUST_CHECK;

/* write.c: replaces the stack's file in one step; an empty text removes it. */
bool hl_traefik_write(const struct hl_traefik *traefik, const char *text, size_t length, struct hl_error **err) HL_MUST_CHECK;

/* apply.c: the verb. */
void hl_traefik_apply_batch(struct hl_session *session, struct hl_op **ops, size_t count);

#endif
