/* Why an operation stopped.
 *
 * A function that can fail returns bool and takes `struct hl_error **err` as its last argument (before a format). *err is NULL on
 * entry and set exactly when false comes back. Making and wrapping return false, so failing is one line:
 *
 *     if (!hl_http_delete(...))
 *         return hl_wrap(err, "deleting network %s", id);
 *
 * The chain is kept as nodes, newest first (`cause` is what went before); only reconcile/render turns it into lines. Text: lower case,
 * no full stop, subject in single quotes, never a secret. Findings about what the user wrote are diagnostics (schema/diag.h) instead. */
#ifndef HL_SCHEMA_BASE_ERROR_H
#define HL_SCHEMA_BASE_ERROR_H

#include "schema/base/macros.h"
#include "schema/base/value.h"

/* What kind of failure; decides the exit code (reconcile/cli/exit.c) and whether a retry makes sense. */
enum hl_code {
    HL_E_FAILED,      /* anything else: I/O, a child process, a broken file */
    HL_E_SPEC,        /* the spec, the options or the plan file are wrong */
    HL_E_LOCKED,      /* another run holds the lock */
    HL_E_REJECTED,    /* an API understood and said no */
    HL_E_UNREACHABLE, /* an API could not be reached, or broke off */
    HL_E_AUTH,        /* an API refuses the credentials */
    HL_E_NOT_FOUND,   /* the object is not there */
    HL_E_CONFLICT,    /* the object is there, and is not ours; or it changed meanwhile */
    HL_E_REFUSED,     /* a guard of hlrec's own: protect, max_destroy, a stale plan */
    HL_E_TIMEOUT,     /* not ready, not healthy in time */
    HL_E_INTERRUPTED, /* Ctrl-C, SIGTERM */
    HL_E_NOT_SET_UP,  /* a system that waits for its first set-up */
    HL_E_CODES
};

struct hl_error {
    enum hl_code code;
    char *message;
    char *address; /* of the resource concerned, or NULL */
    char *file;    /* with `at`, or NULL */
    struct hl_span at;
    char *http; /* "POST http://localhost/v1.41/containers/create -> 409", or NULL */
    char *hint; /* what to do, or NULL */
    struct hl_error *cause;
};

bool hl_fail(struct hl_error **err, enum hl_code code, const char *format, ...) HL_PRINTF(3, 4);
/* Puts a node in front; the code of the cause is kept. */
bool hl_wrap(struct hl_error **err, const char *format, ...) HL_PRINTF(2, 3);
/* Fails with `strerror(number)` behind the message. */
bool hl_fail_errno(struct hl_error **err, int number, const char *format, ...) HL_PRINTF(3, 4);
/* These add to the newest node, keep what is there already, and return false. */
bool hl_error_hint(struct hl_error **err, const char *format, ...) HL_PRINTF(2, 3);
bool hl_error_address(struct hl_error **err, const char *address);
bool hl_error_place(struct hl_error **err, const char *file, struct hl_span at);
/* Leaves user part and query of the URL out; a status of 0 says that no answer came. */
bool hl_error_http(struct hl_error **err, const char *method, const char *url, long status);
void hl_error_free(struct hl_error *error);
/* Frees and sets NULL: the error was handled. */
void hl_error_clear(struct hl_error **err);
/* The whole chain as one line "a: b: c", malloc'ed; for logs, the state and tests. */
char *hl_error_text(const struct hl_error *error);
const char *hl_code_name(enum hl_code code); /* "unreachable": stable, used in JSON */

static inline void hl_cleanup_error(struct hl_error **error)
{
    hl_error_free(*error);
}

#endif
