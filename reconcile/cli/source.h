/* Where the spec comes from when it is not a file: a git repository. */
#ifndef HL_RECONCILE_CLI_SOURCE_H
#define HL_RECONCILE_CLI_SOURCE_H

#include "reconcile/cli/context.h"

bool hl_source_is_git(const struct hl_context *context);
/* Options that only make sense with --git, or not with it. */
bool hl_source_check_options(const struct hl_context *context, struct hl_error **err) HL_MUST_CHECK;
/* Opens the cache of the repository: context->git. */
bool hl_source_open(struct hl_context *context, struct hl_error **err) HL_MUST_CHECK;
/* A ref or a file that is not there was named by the user: that is a mistake in what was asked for, and nothing was touched. Always false. */
bool hl_source_blame_names(struct hl_error **err);
/* The commit that `ref` is now, fetched; with --verify-signatures it is refused unless it may be used. */
bool hl_source_fetch(struct hl_context *context, const char *ref, char id[HL_GIT_ID], struct hl_error **err) HL_MUST_CHECK;
/* The file within the repository. */
const char *hl_source_path(const struct hl_context *context);
/* Fetches --ref and reads the spec: file, base, files, text, source and commit of the context. With --verify-signatures the commit's signature is checked
 * before. */
bool hl_source_read(struct hl_context *context, struct hl_error **err) HL_MUST_CHECK;

#endif
