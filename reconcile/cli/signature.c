#include "config.h"

#include "reconcile/cli/signature.h"

#include "reconcile/transport/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEYGEN_MS = 20 * 1000 };

/* One check. */
struct checking {
    struct hl_context *context;
    const char *id;
    const char *allowed; /* the list of allowed keys */
    char file[32];       /* the signature, for ssh-keygen */
    const char *data;
    size_t length;
};

static bool refuse(const struct checking *checking, const char *why, struct hl_error **err)
{
    return hl_fail(err, HL_E_REFUSED, "commit %.12s %s: it is not used", checking->id, why);
}

static bool write_signature(struct checking *checking, const char *signature, struct hl_error **err)
{
    static const char template[] = "/tmp/hlrec-signature-XXXXXX";

    memcpy(checking->file, template, sizeof template);

    const int file = mkstemp(checking->file);

    if (file < 0)
        return hl_fail_errno(err, errno, "making a temporary file for the signature");
    const size_t length = strlen(signature);
    const bool written = write(file, signature, length) == (ssize_t)length;
    close(file);
    return written || hl_fail(err, HL_E_FAILED, "the signature could not be written to '%s'", checking->file);
}

/* *good: ssh-keygen ended with 0. */
static bool keygen(const struct checking *checking, const char *const *argv, struct hl_text *out, bool *good, struct hl_error **err)
{
    hl_auto(text) struct hl_text words = HL_TEXT_INIT(8192);
    const char *path = getenv("PATH");
    /* It needs nothing of ours, least of all the key of the state. */
    const char *const environment[] = {path != NULL ? hl_arena_printf(checking->context->arena, "PATH=%s", path) : "PATH=/usr/bin:/bin", NULL};
    const struct hl_process process = {.argv = argv,
                                       .environment = environment,
                                       .input = checking->data,
                                       .input_length = checking->length,
                                       .timeout_ms = KEYGEN_MS,
                                       .interrupts = hl_signals_count()};
    int status = 0;

    if (!hl_process_run(&process, out, &words, &status, err)) {
        hl_wrap(err, "checking the signature of commit %.12s", checking->id);
        return hl_error_hint(err, "ssh-keygen is in Debian's package openssh-client");
    }
    *good = status == 0;
    return true;
}

static bool verify_as(const struct checking *checking, const char *principal, bool *good, struct hl_error **err)
{
    const char *const argv[] = {"ssh-keygen", "-Y", "verify", "-f", checking->allowed, "-I", principal, "-n", "git", "-s", checking->file, NULL};
    hl_auto(text) struct hl_text ignored = HL_TEXT_INIT(8192);

    return keygen(checking, argv, &ignored, good, err);
}

/* Who may have signed it, by the key alone; then whether one of them did. */
static bool verify(const struct checking *checking, struct hl_error **err)
{
    const char *const argv[] = {"ssh-keygen", "-Y", "find-principals", "-s", checking->file, "-f", checking->allowed, NULL};
    hl_auto(text) struct hl_text principals = HL_TEXT_INIT(HL_MAX_OUTPUT);
    bool good = false;

    if (!keygen(checking, argv, &principals, &good, err))
        return false;
    if (!good)
        return refuse(checking, "is signed with a key that is not allowed", err);
    char *rest = hl_arena_strdup(checking->context->arena, hl_text_get(&principals));
    for (char *principal = strtok_r(rest, "\n", &rest); principal != NULL; principal = strtok_r(NULL, "\n", &rest)) {
        if (!verify_as(checking, principal, &good, err))
            return false;
        if (good) {
            checking->context->signer = hl_arena_strdup(checking->context->arena, principal);
            return true;
        }
    }
    return refuse(checking, "has a signature that is not good: of other content, for another purpose, or with a key that has ended", err);
}

static bool check_signature(struct checking *checking, struct hl_error **err)
{
    const char *signature = NULL;

    if (access(checking->allowed, R_OK) != 0)
        return hl_fail_errno(err, errno, "reading the allowed signers '%s'", checking->allowed);
    if (!hl_git_signature(checking->context->git, checking->id, checking->context->arena, &signature, &checking->data, &checking->length, err))
        return false;
    if (signature == NULL)
        return refuse(checking, "is not signed", err);
    if (!hl_starts_with(signature, "-----BEGIN SSH SIGNATURE-----"))
        return refuse(checking, "has a signature that is not made with an SSH key", err) ||
               hl_error_hint(err, "sign with `git config gpg.format ssh`; GPG and X.509 are not supported");
    const bool good = write_signature(checking, signature, err) && verify(checking, err);
    (void)unlink(checking->file);
    return good;
}

bool hl_signature_check_descent(struct hl_context *context, const char *id, struct hl_error **err)
{
    const struct checking checking = {.context = context, .id = id};
    const char *last = NULL;
    bool descends = false;

    if (!hl_context_applied_commit(context, &last, err))
        return false;
    if (last == NULL || hl_option_given(&context->options, HL_OPT_ALLOW_REWIND))
        return true;
    if (!hl_git_descends(context->git, id, last, &descends, err)) {
        if ((*err)->code != HL_E_NOT_FOUND)
            return false;
        hl_error_clear(err);
    }
    if (descends)
        return true;
    refuse(&checking, hl_arena_printf(context->arena, "does not come after %.12s, which was applied last", last), err);
    return hl_error_hint(err, "was the branch rewritten? If that is meant: --allow-rewind");
}

bool hl_signature_check(struct hl_context *context, const char *id, struct hl_error **err)
{
    struct checking checking = {.context = context, .id = id, .allowed = hl_option_text(&context->options, HL_OPT_VERIFY_SIGNATURES)};

    return check_signature(&checking, err);
}
