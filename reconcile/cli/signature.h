/* Whether a commit may be applied: signed by an allowed key, and not older than what was applied last. */
#ifndef HL_RECONCILE_CLI_SIGNATURE_H
#define HL_RECONCILE_CLI_SIGNATURE_H

#include "reconcile/cli/context.h"

/* The name under which the state keeps the last applied commit. */
#define HL_APPLIED_COMMIT "applied.commit"

/* --verify-signatures FILE: the commit carries an SSH signature that `ssh-keygen -Y verify` (OpenSSH 8.2 and newer) finds good for a key in FILE, a list as in
 * ssh-keygen(1) "ALLOWED SIGNERS" that is not part of the repository. Else HL_E_REFUSED. */
bool hl_signature_check(struct hl_context *context, const char *id, struct hl_error **err) HL_MUST_CHECK;
/* It is the commit that was applied last, or descends from it, else HL_E_REFUSED: an older one with a good signature undoes what was agreed to since, and a
 * forced push must not be enough for that (--allow-rewind: it is meant). Which state that is in may be known only by the spec's `stack`: nothing is checked
 * before. */
bool hl_signature_check_descent(struct hl_context *context, const char *id, struct hl_error **err) HL_MUST_CHECK;

#endif
