/* What the parts of the git source share; nobody else includes this, or git2.h.
 *
 * git.c: open and close. git_url.c: which URLs are taken. git_cache.c: the folder, its locks, its healing. git_child.c: work in a child process with a
 * deadline. git_ref.c: a name and what the remote advertises. git_fetch.c: asking and fetching. git_http.c, git_http_failure.c: http and https on libcurl.
 * git_ssh.c, git_hosts.c, git_key.c: keys and host keys. git_tree.c, git_path.c: files of a commit. git_merge.c: files of a merge. git_history.c: ancestors,
 * signatures. */
#ifndef HL_RECONCILE_TRANSPORT_GIT_INTERNAL_H
#define HL_RECONCILE_TRANSPORT_GIT_INTERNAL_H

#include "reconcile/transport/git.h"

#include "schema/base/redact.h"

#include <git2.h>
#include <git2/sys/transport.h>
#if __has_include(<git2/sys/errors.h>) /* where git_error_set_str() moved to, after 1.5 */
#include <git2/sys/errors.h>
#endif
#include <pthread.h>

/* --- The URL --- */

enum hl_git_scheme { HL_GIT_HTTPS, HL_GIT_HTTP, HL_GIT_SSH, HL_GIT_FILE };

struct hl_git_url {
    enum hl_git_scheme scheme;
    const char *remote;   /* for libgit2 and curl */
    const char *shown;    /* for people: as they wrote it */
    const char *identity; /* the same repository, the same text; a cache's name is made of it */
    const char *user;     /* ssh; else NULL */
    const char *host;     /* lower case, without brackets; NULL for a file */
    int port;             /* ssh, https, http */
    const char *path;     /* file: absolute, without escapes */
};

/* HL_E_SPEC for what is not taken, without a word of a password that stands in it. */
bool hl_git_url_parse(struct hl_arena *arena, const char *text, struct hl_git_url *out, struct hl_error **err) HL_MUST_CHECK;
/* Whether packets to it stay on this host: localhost, 127.0.0.0/8, ::1. */
bool hl_git_is_loopback(const char *host);
/* `url` without user, password, query and fragment, control characters escaped; for what a server sent. */
const char *hl_git_masked_url(struct hl_arena *arena, const char *url);

/* --- The cache --- */

/* CACHE/HASH/{lock, git, home}: byte 0 of `lock` is locked (shared) by who reads, byte 1 by who changes. */
struct hl_git_cache {
    const char *folder;
    const char *repository;
    const char *home; /* what libssh2 is shown instead of the user's home */
    int lock;
    bool writing, reading;
};

struct hl_git {
    struct hl_arena *arena;
    struct hl_git_url url;
    struct hl_git_cache cache;
    git_repository *repository;
    git_odb *odb;
    const char *const *environment;
    const char *token, *token_user; /* http and https; NULL: none */
    int64_t connect_timeout_ms, timeout_ms;
    struct hl_redactor *redactor;
    const atomic_int *interrupts;
    pthread_mutex_t mutex; /* over libgit2's objects and all below */
    size_t total;          /* bytes of all files that were read */
};

int64_t hl_git_now_ms(void);
bool hl_git_is_interrupted(const struct hl_git *git);
/* The value of a variable, or NULL when it is unset or empty. */
const char *hl_git_variable(const struct hl_git *git, const char *name);

/* Makes and checks the folders, mends or renews the repository, opens it; leaves the cache locked for reading. */
bool hl_git_cache_open(struct hl_git *git, const char *folder, struct hl_error **err) HL_MUST_CHECK;
void hl_git_cache_close(struct hl_git *git);
/* One writer at a time; waits until `deadline_ms`, then HL_E_LOCKED. */
bool hl_git_cache_lock(struct hl_git *git, int64_t deadline_ms, struct hl_error **err) HL_MUST_CHECK;
void hl_git_cache_unlock(struct hl_git *git);
/* Throws the repository away and makes an empty one; the caller holds the writer's lock. */
bool hl_git_cache_renew(struct hl_git *git, int64_t deadline_ms, struct hl_error **err) HL_MUST_CHECK;
/* The next open renews it. */
void hl_git_cache_mark_damaged(struct hl_git *git);
/* The cache's own ref for a remote one: its name cannot clash with another's as a folder does with a file. */
const char *hl_git_cache_ref(struct hl_arena *arena, const char *name);

/* --- Errors --- */

/* libgit2's last error, copied in the very next statement after `code` came back. */
struct hl_git_fault {
    int code, klass;
    char text[512]; /* printable */
};
struct hl_git_fault hl_git_last_fault(int code);
/* Whether the cache, and not the remote, is to blame. */
bool hl_git_fault_is_damage(const struct hl_git_fault *fault);
/* HL_E_FAILED about an object or file of the cache; marks it as damaged when it is. */
bool hl_git_fail_read(struct hl_git *git, int code, struct hl_error **err, const char *format, ...) HL_PRINTF(4, 5);

/* --- Work in a child --- */

enum hl_git_stage { HL_GIT_START, HL_GIT_CONNECT, HL_GIT_LOGIN, HL_GIT_LIST, HL_GIT_RECEIVE, HL_GIT_WALK, HL_GIT_STAGES };

/* Shared with the child, who writes. */
struct hl_git_progress {
    atomic_int stage;
    atomic_uint ticks; /* moves as long as something happens */
};

struct hl_git_task {
    /* Runs in the child. `answer` is a map to fill; nothing else comes back. */
    bool (*run)(struct hl_git *git, const void *context, struct hl_git_progress *progress, struct hl_arena *arena, struct hl_value *answer,
                struct hl_error **err);
    const void *context;
    int64_t deadline_ms;  /* then the child is killed */
    bool watches_connect; /* nobody else ends a connect, or a connection on which nothing moves */
};
/* Forks; the caller must be the only thread. HL_E_TIMEOUT, HL_E_UNREACHABLE, HL_E_INTERRUPTED when the child had to be ended; else what it failed with.
 * *damaged is set when it blames the cache. */
bool hl_git_child_run(struct hl_git *git, const struct hl_git_task *task, struct hl_arena *arena, struct hl_value **answer, bool *damaged,
                      struct hl_error **err) HL_MUST_CHECK;
void hl_git_enter(struct hl_git_progress *progress, enum hl_git_stage stage);

/* --- Names --- */

enum hl_git_want { HL_GIT_WANT_HEAD, HL_GIT_WANT_REF, HL_GIT_WANT_NAME, HL_GIT_WANT_ID };

struct hl_git_wanted {
    enum hl_git_want kind;
    const char *given; /* for messages */
    const char *ref;   /* HL_GIT_WANT_REF: "refs/pull/7/head"; HL_GIT_WANT_NAME: "main"; HL_GIT_WANT_ID: 40 digits */
};
struct hl_git_found {
    const char *ref; /* full name on the remote; NULL: none advertises the id */
    git_oid id;      /* of the commit, as far as the remote tells: of a tag what it points at */
};
bool hl_git_wanted_parse(struct hl_arena *arena, const char *ref, struct hl_git_wanted *out, struct hl_error **err) HL_MUST_CHECK;
bool hl_git_wanted_find(struct hl_arena *arena, const struct hl_git_wanted *wanted, const char *shown, const git_remote_head *const *heads, size_t count,
                        struct hl_git_found *out, struct hl_error **err) HL_MUST_CHECK;

struct hl_git_host_search;

/* --- The wire: what a connection needs to know; in the child --- */

enum { HL_GIT_CREDENTIALS = 2, HL_GIT_KINDS = 6 };

struct hl_git_credential_try {
    const char *key;        /* path of a private key; NULL: the agent */
    const char *passphrase; /* or NULL */
    bool rsa;
};

struct hl_git_wire {
    struct hl_git *git;
    struct hl_arena *arena;
    struct hl_git_progress *progress;
    int64_t deadline_ms;
    struct hl_error *error; /* what stopped it, when we know better than libgit2 */
    /* http */
    git_smart_subtransport_definition definition;
    /* ssh */
    struct hl_git_credential_try tries[HL_GIT_CREDENTIALS];
    size_t tries_count, tries_next;
    const char *kinds[HL_GIT_KINDS]; /* of host key, asked for one after the other; "": what the library likes best */
    size_t kinds_count, kinds_next;
    const char *seen;  /* the host's keys that were refused, for people */
    bool host_checked; /* and accepted */
};

/* callbacks.transport for http and https; payload: the wire. */
int hl_git_http_transport(git_transport **out, git_remote *owner, void *wire);
/* HL_E_AUTH, HL_E_UNREACHABLE ... for an answer that is not git's. `location` and `type` may be NULL. */
bool hl_git_http_fail_status(const struct hl_git *git, long status, const char *type, const char *location, int64_t retry_after_s, const char *body,
                             struct hl_error **err);
/* `number` is the CURLcode; `text` curl's own words. */
bool hl_git_http_fail_curl(const struct hl_git *git, int number, long os_errno, bool connected, const char *text, struct hl_error **err);

/* Collects the keys, and gives libssh2 a home of its own. */
bool hl_git_ssh_prepare(struct hl_git_wire *wire, struct hl_error **err) HL_MUST_CHECK;
/* Whether another connection may fare better: with another of our keys, or another kind of host key. */
bool hl_git_ssh_again(struct hl_git_wire *wire, const struct hl_git_fault *fault);
int hl_git_ssh_credentials(git_credential **out, const char *url, const char *user, unsigned allowed, void *wire);
int hl_git_ssh_check_host(git_cert *cert, int valid, const char *host, void *wire);
/* Why a connection over ssh failed, when wire->error does not say it. */
bool hl_git_ssh_fail(struct hl_git_wire *wire, const struct hl_git_fault *fault, struct hl_error **err);

/* What is trusted about the host of wire->git: the pin, or the files of known hosts. */
struct hl_git_trust {
    const char *pin;      /* HLREC_GIT_HOST_KEY or NULL */
    const char *files[3]; /* NULL-terminated */
    bool named;           /* by HLREC_GIT_KNOWN_HOSTS: it must be there */
};
struct hl_git_trust hl_git_trust_of(struct hl_git_wire *wire);
/* Searches the files; `found_in` is the one that decided, or NULL. */
bool hl_git_trust_search(struct hl_git_wire *wire, struct hl_git_host_search *search, const char **found_in, struct hl_error **err) HL_MUST_CHECK;

/* --- Host keys --- */

enum hl_git_known { HL_GIT_HOST_UNKNOWN, HL_GIT_HOST_KNOWN, HL_GIT_HOST_CHANGED, HL_GIT_HOST_REVOKED };

struct hl_git_host_search {
    const char *host; /* lower case */
    int port;
    const unsigned char *key; /* the raw key that the host showed; NULL: only the kinds are wanted */
    size_t key_length;
    enum hl_git_known verdict;
    unsigned line;     /* of the line that decided, or that knows another key; 0: none */
    const char *kinds; /* of the keys that are known for the host, each with a blank behind it: "ssh-ed25519 ssh-rsa " */
};
/* Goes through the text of a known_hosts file: plain and hashed names, [host]:port, wildcards, negations, @revoked; @cert-authority is passed over. Keeps the
 * verdict of an earlier file unless this one knows more. */
void hl_git_hosts_search(struct hl_arena *arena, const char *text, size_t length, struct hl_git_host_search *search);
/* HMAC-SHA-1, for nothing but the hashed names of known_hosts. */
void hl_git_hmac_sha1(const unsigned char *key, size_t key_length, const char *text, size_t length, unsigned char out[20]);

/* What a private key's file says without its passphrase. */
struct hl_git_key_facts {
    bool is_key, encrypted, rsa;
};
struct hl_git_key_facts hl_git_key_look(struct hl_arena *arena, const char *text, size_t length);

/* --- Objects and trees --- */

enum { HL_GIT_COMMIT_MOST = 1024 * 1024, HL_GIT_TREE_MOST = 8 * 1024 * 1024 };

/* An entry of a tree; mode 0: there is none. */
struct hl_git_entry {
    unsigned mode;
    git_oid id;
};

/* Where the walk stands in a merge: the same place in the common ancestor and on both sides. */
struct hl_git_place {
    bool settled; /* `head` is the answer; the others count no more */
    struct hl_git_entry ancestor, base, head;
    const char *text; /* settled on a file that was merged from both sides */
    size_t length;
};

struct hl_git_tree {
    struct hl_git *git;
    struct hl_git_place root;
    struct hl_map merged; /* path -> struct hl_git_merged *: files changed on both sides */
};
struct hl_git_merged {
    unsigned mode;
    const char *text;
    size_t length;
};

bool hl_git_parse_id(const char *text, git_oid *out);
/* A commit, after a look at its size; HL_E_NOT_FOUND when the cache lacks it. */
bool hl_git_commit(struct hl_git *git, const char *id, git_commit **out, struct hl_error **err) HL_MUST_CHECK;
bool hl_git_load_tree(struct hl_git *git, const git_oid *id, git_tree **out, struct hl_error **err) HL_MUST_CHECK;
/* A blob's bytes, NUL-terminated, in `arena`. */
bool hl_git_load_blob(struct hl_git *git, const git_oid *id, struct hl_arena *arena, const char *path, const char **text, size_t *length,
                      struct hl_error **err) HL_MUST_CHECK;
/* `name` within the folder at `place`. */
bool hl_git_step(struct hl_git_tree *tree, const struct hl_git_place *place, const char *path, const char *name, struct hl_git_place *out,
                 struct hl_error **err) HL_MUST_CHECK;
/* The common ancestor; *related is false when there is none. */
bool hl_git_merge_base(struct hl_git *git, const char *one, const char *two, git_oid *base, bool *related, struct hl_error **err) HL_MUST_CHECK;
/* Settles what the three say of one name, as far as that needs no look within. */
struct hl_git_place hl_git_settle(const struct hl_git_entry *ancestor, const struct hl_git_entry *base, const struct hl_git_entry *head);
/* `path` from `folder`, without '.' and '..'; NULL when it leaves the tree. */
const char *hl_git_path_join(struct hl_arena *arena, const char *folder, const char *path);
/* Whether the bytes are fit for a path within a tree. */
bool hl_git_path_check(const char *path, struct hl_error **err) HL_MUST_CHECK;

static inline void hl_cleanup_git_tree_object(git_tree **tree)
{
    git_tree_free(*tree);
}
static inline void hl_cleanup_git_commit_object(git_commit **commit)
{
    git_commit_free(*commit);
}

#endif
