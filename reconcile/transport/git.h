/* The spec from a git repository: the only module that includes git2.h.
 *
 * A bare cache per URL under a folder of hlrec's own; one ref is fetched; files are read from a commit's tree, never from a checkout. Nothing of the user's git
 * configuration counts. http and https go through libcurl (a smart subtransport of our own: TLS 1.3, proxies, CA files, time limits, no redirects). Each fetch,
 * and each walk over a history, runs in a child process: it is killed at the deadline, since libssh2 has no other way to end, and it has a limit on its memory,
 * since what it reads may come from strangers. libgit2 is initialised at the first hl_git_open(), never earlier: it costs milliseconds. Facts: libgit2 1.5.1 as
 * Debian 12 ships it; newer ones work the same way.
 *
 * Not thread-safe, but for hl_git_files(), whose reads are serialised. hl_git_open(), _fetch(), _descends(), _distance() and _merge() must be called before
 * there are other threads: they fork. */
#ifndef HL_RECONCILE_TRANSPORT_GIT_H
#define HL_RECONCILE_TRANSPORT_GIT_H

#include "schema/schema.h"

#include <stdatomic.h>

enum { HL_GIT_ID = 41, HL_GIT_VERSION = 32 }; /* 40 hex digits and a NUL; the text of a version */

/* Limits on what may come from a repository, before it is loaded. */
enum {
    HL_GIT_FILE_MOST = 4 * 1024 * 1024,       /* one file */
    HL_GIT_TOTAL_MOST = 64 * 1024 * 1024,     /* all files of one run */
    HL_GIT_RECEIVED_MOST = 512 * 1024 * 1024, /* one fetch, bytes on the wire */
    HL_GIT_OBJECTS_MOST = 2 * 1000 * 1000,    /* one fetch */
};

struct hl_git;
struct hl_git_tree;

struct hl_git_options {
    const char *url;   /* https://, ssh://, user@host:path, file://, an absolute path; http:// for loopback alone. No password, no user but for ssh ("git") */
    const char *cache; /* folder for all caches, made 0700; must belong to the user and not be writable by others */
    /* NAME=VALUE, NULL-terminated; the texts are borrowed as long as the git lives.
     * https: HLREC_GIT_TOKEN or HLREC_GIT_TOKEN_FILE, sent with HLREC_GIT_USER ("x-access-token") to this scheme, host and port alone; HLREC_GIT_CA_FILE (a PEM
     * file or a folder of hashed names: then these authorities alone count); HTTPS_PROXY, ALL_PROXY, NO_PROXY. ssh: HLREC_GIT_SSH_KEY, else the agent
     * (SSH_AUTH_SOCK), else HOME/.ssh/id_ed25519; HLREC_GIT_SSH_PASSPHRASE_FILE. The host's key: HLREC_GIT_HOST_KEY (pins, SHA256:..., with blanks between),
     * else HLREC_GIT_KNOWN_HOSTS, else HOME/.ssh/known_hosts and /etc/ssh/ssh_known_hosts. */
    const char *const *environment;
    int64_t connect_timeout_ms;   /* 0: 10 s */
    int64_t timeout_ms;           /* a whole fetch, and waiting for another run's; 0: 2 min. A connection on which nothing moves for 30 s is ended as well */
    struct hl_redactor *redactor; /* is told the token; may be NULL */
    const atomic_int *interrupts; /* 1 already breaks off: nothing has been changed; may be NULL */
};

/* Opens or makes the cache. HL_E_SPEC for a URL that is not taken, HL_E_REFUSED for a cache folder of somebody else. Heals what an interrupted run left (locks,
 * temporary packs, a broken ref): where it cannot, or there are too many packs, the cache is made anew. Runs may read one cache at the same time; one at a time
 * changes it. HL_E_LOCKED when another one does so for too long. */
bool hl_git_open(const struct hl_git_options *options, struct hl_git **out, struct hl_error **err) HL_MUST_CHECK;
void hl_git_close(struct hl_git *git);
static inline void hl_cleanup_git(struct hl_git **git)
{
    hl_git_close(*git);
}

/* Asks the remote what `ref` is now and fetches it when the cache lacks it: one small request when nothing is new, none for a commit id that is there already.
 * `ref`: a branch or tag name, "refs/...", a full commit id, "pull/7" or "merge-requests/7" (their heads), or NULL for the remote's HEAD. The commit's id comes
 * from what the remote says, so that a ref that is gone is HL_E_NOT_FOUND and never its former commit. A commit id says nothing about the branch that it is on
 * (forges give the commits of forks as well): who cares asks hl_git_descends(). HL_E_UNREACHABLE, HL_E_TIMEOUT; HL_E_AUTH also for a host key or certificate
 * that is not known or not right, and for a repository that is not there or not shown to us (status 404); HL_E_SPEC for a name that is none, both a branch and
 * a tag, or no commit; HL_E_REFUSED for a repository on this host that belongs to somebody else. */
bool hl_git_fetch(struct hl_git *git, const char *ref, char id[HL_GIT_ID], struct hl_error **err) HL_MUST_CHECK;

/* Whether `ancestor` is `id` itself or one of its ancestors; both must be in the cache (else HL_E_NOT_FOUND). */
bool hl_git_descends(struct hl_git *git, const char *id, const char *ancestor, bool *descends, struct hl_error **err) HL_MUST_CHECK;

/* The signature of a commit and the bytes that it signs, in `arena`; *signature is NULL when there is none. */
bool hl_git_signature(struct hl_git *git, const char *id, struct hl_arena *arena, const char **signature, const char **data, size_t *length,
                      struct hl_error **err) HL_MUST_CHECK;

/* The files of a commit, or of the merge of two made in memory; with conflicts *conflicts is true and the tree is that of `head` alone. Renames are not
 * followed: what is renamed on one side and changed on the other is a conflict, and so are binary files and unrelated histories. Freed with the git. */
bool hl_git_tree(struct hl_git *git, const char *id, struct hl_git_tree **out, struct hl_error **err) HL_MUST_CHECK;
bool hl_git_merge(struct hl_git *git, const char *base, const char *head, struct hl_git_tree **out, bool *conflicts, struct hl_error **err) HL_MUST_CHECK;
/* Commits on each side since they parted; for "3 behind". */
bool hl_git_distance(struct hl_git *git, const char *base, const char *head, size_t *ahead, size_t *behind, struct hl_error **err) HL_MUST_CHECK;

/* A file of the tree at `path` from its root, NUL-terminated in `arena`. HL_E_NOT_FOUND names close entries of its folder. Refused (HL_E_SPEC), each with its
 * own words: symlinks, submodules, LFS pointers, folders, `..` or an absolute path, control characters, backslashes, more than HL_GIT_FILE_MOST by the object's
 * header. */
bool hl_git_read(struct hl_git_tree *tree, struct hl_arena *arena, const char *path, const char **text, size_t *length, struct hl_error **err) HL_MUST_CHECK;
/* The same as the spec's files: `path` is relative to the folder of `spec_path`, and must stay within the tree. Lives as long as the tree. */
struct hl_files hl_git_files(struct hl_git_tree *tree, const char *spec_path);

/* The version of the library that runs, for `doctor`. */
void hl_git_version(char out[HL_GIT_VERSION]);

#endif
