/* Child processes: the only module that forks. No shell, no inherited descriptors, stdin from /dev/null or given bytes, output to memory that is wiped. */
#ifndef HL_RECONCILE_TRANSPORT_PROCESS_H
#define HL_RECONCILE_TRANSPORT_PROCESS_H

#include "schema/base/error.h"
#include "schema/base/text.h"

#include <stdatomic.h>

struct hl_process {
    const char *const *argv;        /* NULL-terminated; argv[0] is looked up in PATH; secrets must not be in it */
    const char *const *environment; /* NULL-terminated; NULL: hlrec's own */
    const char *directory;          /* to run in, or NULL */
    const char *input;              /* for stdin, or NULL */
    size_t input_length;
    int64_t timeout_ms;           /* the whole group gets SIGTERM, two seconds later SIGKILL */
    size_t max_output;            /* of stdout; 0: HL_MAX_OUTPUT */
    const atomic_int *interrupts; /* 2 ends the child; may be NULL */
};

/* Runs to the end. False when it could not be started, was killed, timed out or printed too much. Otherwise *status is the exit code; stdout is in `out`, the
 * last 4 kB of stderr in `diagnostics` (both initialised by the caller). */
bool hl_process_run(const struct hl_process *process, struct hl_text *out, struct hl_text *diagnostics, int *status, struct hl_error **err) HL_MUST_CHECK;

/* From now on hl_process_run() starts nothing and fails with HL_E_REFUSED: for previews of untrusted specs. */
void hl_process_forbid(void);

#endif
