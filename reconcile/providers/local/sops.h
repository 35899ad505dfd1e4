/* Files encrypted with sops, read through the `sops` program: it alone knows all key services, and each file is decrypted once a run.
 *
 * The program gets the file (or, when the spec comes from a commit, its text on stdin), no terminal, and only those variables of the environment that find
 * keys. Thread-safe: who asks for a file that is being decrypted waits for it; different files are decrypted side by side. */
#ifndef HL_RECONCILE_PROVIDERS_LOCAL_SOPS_H
#define HL_RECONCILE_PROVIDERS_LOCAL_SOPS_H

#include "reconcile/provider.h"

struct hl_sops;

struct hl_sops *hl_sops_new(const struct hl_run *run);
/* Wipes what was decrypted; NULL is fine. */
void hl_sops_free(struct hl_sops *sops);

/* The whole decrypted file, borrowed until hl_sops_free(); read-only. HL_E_NOT_FOUND when there is no such file. */
bool hl_sops_read(struct hl_sops *sops, const char *path, const struct hl_value **out, struct hl_error **err) HL_MUST_CHECK;
/* What stands at `key`: a key of the top level as it is written, a dotted path (a.b.0) or sops' own form (["a"]["b"][0]). NULL when there is none. */
const struct hl_value *hl_sops_find(const struct hl_value *document, const char *key);
/* Where `sops` is, by the run's PATH; NULL when it is nowhere. In `arena`. */
const char *hl_sops_find_program(struct hl_arena *arena, const struct hl_run *run);
/* What an exit code of sops means, and what to do; NULL for those that say nothing of their own. */
const char *hl_sops_explain(int status, const char **hint);

#endif
