/* Findings about what the user wrote: collected, never fatal, all shown at once in the order of the file.
 *
 * A finding says where (file:line:column), what, and what was expected or what to do; the renderer adds the offending line and a caret.
 * Never a secret: a finding about a value names its key. Errors of the outside world are struct hl_error. */
#ifndef HL_SCHEMA_DIAG_H
#define HL_SCHEMA_DIAG_H

#include "schema/base/text.h"
#include "schema/base/value.h"

/* Findings that are shown: nobody reads more, and a file of strangers may have any number. */
enum { HL_DIAGS_SHOWN = 1000 };

enum hl_severity { HL_SEVERITY_ERROR, HL_SEVERITY_WARNING, HL_SEVERITIES };

struct hl_diag {
    enum hl_severity severity;
    const char *file; /* as the user named it */
    struct hl_span at;
    const char *message;
    const char *hint;    /* "did you mean 'image'?", or NULL */
    const char *address; /* of the resource concerned, or NULL */
    const char *line;    /* the offending line, when `file` is not the spec; NULL when it is, or may not be shown */
    uint32_t hide_from;  /* column from which the line is not shown, since a secret is written there; 0: all is shown */
};

struct hl_diag_secret {
    const char *file;
    struct hl_span at;
};

struct hl_diags {
    struct hl_arena *arena;
    struct hl_diag *items;
    size_t count;
    size_t capacity;
    size_t errors;                  /* also those that are left out */
    size_t left_out;                /* by hl_diags_sort() */
    const char *file;               /* given to findings as they are added */
    const char *address;            /* likewise; set while a resource is decoded */
    struct hl_map seen;             /* place and message -> number of the finding + 1 */
    size_t compared;                /* names that suggestions looked at so far: they stop when it gets slow */
    struct hl_diag_secret *secrets; /* where secrets are written in plain text */
    size_t secrets_count;
    size_t secrets_capacity;
};

void hl_diags_init(struct hl_diags *diags, struct hl_arena *arena, const char *file);
/* Returns the finding, so that a hint can be added. A finding equal to an earlier one (place and message) is not added again. */
struct hl_diag *hl_diag_error(struct hl_diags *diags, struct hl_span at, const char *format, ...) HL_PRINTF(3, 4);
struct hl_diag *hl_diag_warning(struct hl_diags *diags, struct hl_span at, const char *format, ...) HL_PRINTF(3, 4);
void hl_diag_hint(struct hl_diags *diags, struct hl_diag *diag, const char *format, ...) HL_PRINTF(3, 4);
/* Adds the hint "did you mean 'x'?" when one of `names` is close to `word`; gives that name, or NULL. */
const char *hl_diag_suggest(struct hl_diags *diags, struct hl_diag *diag, const char *word, const char *const *names, size_t count);
/* A value that must not be shown is written at `at`, in diags->file: findings on its line show the line up to there. */
void hl_diags_hide(struct hl_diags *diags, struct hl_span at);
/* By file, then place; stable. Call it before formatting: it also applies hl_diags_hide(), and keeps HL_DIAGS_SHOWN findings, errors before warnings. */
void hl_diags_sort(struct hl_diags *diags);
/* One finding as people read it, with the line of `source` (the whole text of its file, may be NULL) and a caret under the column by display
 * width:
 *     hlrec.yaml:12:7: error: unknown key 'imaeg' in container 'web'
 *        12 |       imaeg: nginx
 *           |       ^~~~~
 *     hint: did you mean 'image'? */
void hl_diag_format(struct hl_text *out, const struct hl_diag *diag, const char *source);
/* All findings, in time linear in `source`, which is the text of `file`; findings in other files come without their line. */
void hl_diags_format(struct hl_text *out, const struct hl_diags *diags, const char *file, const char *source);

#endif
