#include "config.h"

#include "reconcile/transport/git_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One fetch, in the child. */
struct session {
    struct hl_git *git;
    const struct hl_git_wanted *wanted;
    struct hl_git_wire wire;
    git_remote *remote;
    git_fetch_options options;
    struct hl_value *answer;
};

struct question {
    const struct hl_git_wanted *wanted;
    int64_t deadline_ms;
};

/* --- Failures --- */

static bool is_remote_word(const struct hl_git_fault *fault)
{
    return hl_starts_with(fault->text, "remote error: ");
}

/* An error of the server's own, within the protocol. */
static bool fail_remote(const struct session *session, const struct hl_git_fault *fault, struct hl_error **err)
{
    const char *words = fault->text + strlen("remote error: ");

    if (strstr(words, "not our ref") != NULL) {
        hl_fail(err, HL_E_UNREACHABLE, "'%s' no longer has what it advertised: %s", session->git->url.shown, words);
        return hl_error_hint(err, "somebody pushed just now: run again");
    }
    return hl_fail(err, HL_E_REJECTED, "'%s' says: %s", session->git->url.shown, words);
}

/* `fault` is of the call before. What a part of ours knows better goes first. */
static bool fail(struct session *session, const struct hl_git_fault *fault, struct hl_error **err)
{
    const struct hl_git *git = session->git;
    const bool receiving = session->wire.progress->stage >= HL_GIT_RECEIVE;

    if (session->wire.error != NULL) {
        *err = session->wire.error;
        session->wire.error = NULL;
        return false;
    }
    if (is_remote_word(fault))
        return fail_remote(session, fault, err);
    if (git->url.scheme == HL_GIT_SSH && !receiving)
        return hl_git_ssh_fail(&session->wire, fault, err);
    if (git->url.scheme == HL_GIT_FILE && !receiving && fault->klass == GIT_ERROR_REPOSITORY) {
        hl_fail(err, HL_E_NOT_FOUND, "there is no git repository at '%s'", git->url.shown);
        return hl_error_hint(err, "name the folder that holds .git, or a bare repository");
    }
    /* Of a repository on this host, the remote's faults look like the cache's. */
    if (hl_git_fault_is_damage(fault) && (receiving || git->url.scheme != HL_GIT_FILE))
        hl_value_map_put_bool(session->answer, "damaged", true);
    hl_fail(err, fault->klass == GIT_ERROR_NET || fault->klass == GIT_ERROR_SSH ? HL_E_UNREACHABLE : HL_E_FAILED, "cannot read '%s': %s", git->url.shown,
            fault->text);
    if (fault->klass == GIT_ERROR_NOMEMORY)
        return hl_error_hint(err, "a fetch is given some 750 MB of memory: is something in the repository very large?");
    return false;
}

/* --- What libgit2 calls --- */

static int on_transfer(const git_indexer_progress *stats, void *payload)
{
    struct hl_git_wire *wire = payload;
    const char *shown = wire->git->url.shown;

    wire->progress->ticks++;
    if (stats->received_bytes <= HL_GIT_RECEIVED_MOST && stats->total_objects <= HL_GIT_OBJECTS_MOST)
        return 0;
    hl_error_clear(&wire->error);
    if (stats->total_objects > HL_GIT_OBJECTS_MOST)
        hl_fail(&wire->error, HL_E_SPEC, "'%s' is too large: it sends %u objects, and %d are taken", shown, stats->total_objects, HL_GIT_OBJECTS_MOST);
    else
        hl_fail(&wire->error, HL_E_SPEC, "'%s' is too large: it sends more than %d MiB", shown, HL_GIT_RECEIVED_MOST / 1024 / 1024);
    hl_error_hint(&wire->error, "keep the spec in a repository of its own");
    git_error_set_str(GIT_ERROR_CALLBACK, "too much is sent");
    return GIT_EUSER;
}

static int on_words(const char *text, int length, void *payload)
{
    struct hl_git_wire *wire = payload;

    (void)text, (void)length;
    wire->progress->ticks++;
    return 0;
}

static int on_packing(int stage, uint32_t current, uint32_t total, void *payload)
{
    struct hl_git_wire *wire = payload;

    (void)stage, (void)current, (void)total;
    wire->progress->ticks++;
    return 0;
}

static void set_options(struct session *session)
{
    git_fetch_options *options = &session->options;

    git_fetch_options_init(options, GIT_FETCH_OPTIONS_VERSION);
    options->download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE; /* else each tag on the way comes along */
    options->prune = GIT_FETCH_NO_PRUNE;
    options->update_fetchhead = 0;
    options->follow_redirects = GIT_REMOTE_REDIRECT_NONE;
    options->callbacks.payload = &session->wire;
    options->callbacks.transfer_progress = on_transfer;
    options->callbacks.sideband_progress = on_words;
    options->callbacks.pack_progress = on_packing;
    if (session->git->url.scheme == HL_GIT_SSH) {
        options->callbacks.credentials = hl_git_ssh_credentials;
        options->callbacks.certificate_check = hl_git_ssh_check_host;
    } else if (session->git->url.scheme != HL_GIT_FILE) {
        options->callbacks.transport = hl_git_http_transport;
    }
}

/* --- Connect --- */

static bool make_remote(struct session *session, struct hl_error **err)
{
    git_remote_create_options options;

    git_remote_create_options_init(&options, GIT_REMOTE_CREATE_OPTIONS_VERSION);
    /* Without a name, so that no URL is written anywhere; and as it stands, whatever a configuration says. */
    options.repository = session->git->repository;
    options.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF | GIT_REMOTE_CREATE_SKIP_DEFAULT_FETCHSPEC;

    int code = git_remote_create_with_opts(&session->remote, session->git->url.remote, &options);
    struct hl_git_fault fault = hl_git_last_fault(code);

    return code == 0 || fail(session, &fault, err);
}

static int try_connect(struct session *session)
{
    git_remote_connect_options options;

    git_remote_connect_options_init(&options, GIT_REMOTE_CONNECT_OPTIONS_VERSION);
    options.callbacks = session->options.callbacks;
    options.follow_redirects = session->options.follow_redirects;
    hl_git_enter(session->wire.progress, HL_GIT_CONNECT);
    return git_remote_connect_ext(session->remote, GIT_DIRECTION_FETCH, &options);
}

static bool connect_remote(struct session *session, struct hl_error **err)
{
    const bool ssh = session->git->url.scheme == HL_GIT_SSH;
    int code = try_connect(session);
    struct hl_git_fault fault = hl_git_last_fault(code);

    while (code != 0 && ssh && hl_git_ssh_again(&session->wire, &fault)) {
        code = try_connect(session);
        fault = hl_git_last_fault(code);
    }
    if (code != 0)
        return fail(session, &fault, err);
    /* A libgit2 that leaves ssh to another program would not ask us about the host's key. */
    if (ssh && !session->wire.host_checked)
        return hl_fail(err, HL_E_AUTH, "this libgit2 checks no ssh host keys with us, so nothing that came is used");
    hl_git_enter(session->wire.progress, HL_GIT_LIST);
    return true;
}

/* --- Receive --- */

enum presence { ABSENT, PRESENT, NO_COMMIT, DAMAGED };

/* What a tag that is there points at may be anything. */
static enum presence peel(const git_object *object, struct hl_git *git, git_oid *commit_id)
{
    git_object *peeled = NULL;
    int code = git_object_peel(&peeled, object, GIT_OBJECT_COMMIT);
    bool complete = code == 0 && git_odb_exists(git->odb, git_commit_tree_id((const git_commit *)peeled)) == 1;

    if (complete)
        *commit_id = *git_object_id(peeled);
    git_object_free(peeled);
    if (code == GIT_EPEEL || code == GIT_EINVALIDSPEC)
        return NO_COMMIT;
    return complete ? PRESENT : DAMAGED;
}

/* Whether the commit that `id` is, or that its tag points at, is in the cache. A pack is put in place as a whole: what it has is complete, or damaged. */
static enum presence look_for(struct hl_git *git, const git_oid *id, git_oid *commit_id)
{
    git_object *object = NULL;
    git_object_t type = GIT_OBJECT_INVALID;
    size_t size = 0;
    int code = git_odb_read_header(&size, &type, git->odb, id);

    if (code != 0)
        return code == GIT_ENOTFOUND ? ABSENT : DAMAGED;
    /* What is large is neither a commit nor a tag, and need not be loaded. */
    if ((type != GIT_OBJECT_COMMIT && type != GIT_OBJECT_TAG) || size > HL_GIT_COMMIT_MOST)
        return NO_COMMIT;
    if (git_object_lookup(&object, git->repository, id, type) != 0)
        return DAMAGED;

    enum presence presence = peel(object, git, commit_id);

    git_object_free(object);
    return presence;
}

static int download(struct session *session, const char *refspec)
{
    char *list[] = {(char *)(uintptr_t)refspec};
    const git_strarray refspecs = {.strings = list, .count = 1};

    hl_git_enter(session->wire.progress, HL_GIT_RECEIVE);
    return git_remote_download(session->remote, &refspecs, &session->options);
}

static bool receive(struct session *session, const char *source, const char *target, struct hl_error **err)
{
    int code = download(session, hl_arena_printf(session->wire.arena, "+%s:%s", source, target));
    struct hl_git_fault fault = hl_git_last_fault(code);

    return code == 0 || fail(session, &fault, err);
}

/* By its id: some servers give any commit that is reachable (GitHub, GitLab), others only what they advertise. */
static bool receive_id(struct session *session)
{
    const char *id = session->wanted->ref;

    return download(session, hl_arena_printf(session->wire.arena, "%s:%s", id, hl_git_cache_ref(session->wire.arena, id))) == 0;
}

static bool fail_no_commit(const struct session *session, struct hl_error **err)
{
    hl_fail(err, HL_E_NOT_FOUND, "'%s' has no commit '%s' on any branch", session->git->url.shown, session->wanted->ref);
    return hl_error_hint(err, "was the branch deleted or pushed with force? This server gives no commits that no branch leads to");
}

static bool fail_damaged(struct session *session, struct hl_error **err)
{
    hl_value_map_put_bool(session->answer, "damaged", true);
    return hl_fail(err, HL_E_FAILED, "the cache of '%s' is damaged", session->git->url.shown);
}

static bool fail_not_a_commit(const struct session *session, const git_oid *id, struct hl_error **err)
{
    const char *shown = session->git->url.shown, *given = session->wanted->given;
    git_object_t type = GIT_OBJECT_INVALID;
    size_t size = 0;

    if (git_odb_read_header(&size, &type, session->git->odb, id) == 0 && size > HL_GIT_COMMIT_MOST)
        return hl_fail(err, HL_E_SPEC, "'%s' of '%s' is a %s of %zu bytes, and %d are taken", given, shown, git_object_type2string(type), size,
                       HL_GIT_COMMIT_MOST);
    hl_fail(err, HL_E_SPEC, "'%s' of '%s' is a %s that is no commit, and leads to none", given, shown, git_object_type2string(type));
    return hl_error_hint(err, "name a branch, or a tag of a commit");
}

/* After all that could be fetched was. */
static bool check_received(struct session *session, const git_oid *id, git_oid *commit_id, struct hl_error **err)
{
    switch (look_for(session->git, id, commit_id)) {
    case PRESENT:
        return true;
    case NO_COMMIT:
        return fail_not_a_commit(session, id, err);
    case DAMAGED:
        return fail_damaged(session, err);
    case ABSENT:
        break;
    }
    if (session->wanted->kind == HL_GIT_WANT_ID)
        return fail_no_commit(session, err);
    /* Or it was sent, and libgit2 goes on believing a damaged pack of the same name. */
    hl_value_map_put_bool(session->answer, "damaged", true);
    return hl_fail(err, HL_E_UNREACHABLE, "'%s' advertises '%s' and does not send it", session->git->url.shown, session->wanted->given);
}

/* A commit that no ref names: by its id, or among all branches. */
static bool receive_commit(struct session *session, const git_oid *id, git_oid *commit_id, struct hl_error **err)
{
    if (receive_id(session) && look_for(session->git, id, commit_id) == PRESENT)
        return true;
    if (session->wire.error != NULL)
        return fail(session, &(struct hl_git_fault){.code = -1}, err);
    /* After a refusal the connection is of no more use. */
    git_remote_disconnect(session->remote);
    session->wire.tries_next = 0;
    return connect_remote(session, err) && receive(session, "refs/heads/*", "refs/hlrec/all/*", err) && check_received(session, id, commit_id, err);
}

static bool bring(struct session *session, const struct hl_git_found *found, git_oid *commit_id, struct hl_error **err)
{
    enum presence presence = look_for(session->git, &found->id, commit_id);

    if (presence == PRESENT)
        return true;
    if (presence == DAMAGED)
        return fail_damaged(session, err);
    if (presence == NO_COMMIT)
        return fail_not_a_commit(session, &found->id, err);
    if (found->ref == NULL)
        return receive_commit(session, &found->id, commit_id, err);
    return receive(session, found->ref, hl_git_cache_ref(session->wire.arena, found->ref), err) && check_received(session, &found->id, commit_id, err);
}

/* Kept so that the next fetch can tell the server what need not be sent. */
static bool keep_ref(struct session *session, const char *remote_name, const git_oid *id, struct hl_error **err)
{
    const char *name = hl_git_cache_ref(session->wire.arena, remote_name);
    git_reference *reference = NULL;
    git_oid former;

    if (git_reference_name_to_id(&former, session->git->repository, name) == 0 && git_oid_equal(&former, id))
        return true;

    int code = git_reference_create(&reference, session->git->repository, name, id, 1, NULL);
    struct hl_git_fault fault = hl_git_last_fault(code);

    git_reference_free(reference);
    return code == 0 || fail(session, &fault, err);
}

static bool fetch(struct session *session, struct hl_error **err)
{
    const git_remote_head **heads = NULL;
    struct hl_git_found found = {0};
    size_t count = 0;
    char text[GIT_OID_HEXSZ + 1];
    git_oid id;

    set_options(session);
    if (session->git->url.scheme == HL_GIT_SSH && !hl_git_ssh_prepare(&session->wire, err))
        return false;
    if (!make_remote(session, err) || !connect_remote(session, err))
        return false;

    int code = git_remote_ls(&heads, &count, session->remote);
    struct hl_git_fault fault = hl_git_last_fault(code);

    if (code != 0)
        return fail(session, &fault, err);
    if (!hl_git_wanted_find(session->wire.arena, session->wanted, session->git->url.shown, heads, count, &found, err))
        return false;
    if (!bring(session, &found, &id, err) || !keep_ref(session, found.ref == NULL ? session->wanted->ref : found.ref, &id, err))
        return false;
    git_oid_tostr(text, sizeof(text), &id);
    hl_value_map_put(session->answer, "id", hl_value_text(session->wire.arena, text));
    return true;
}

static bool run(struct hl_git *git, const void *context, struct hl_git_progress *progress, struct hl_arena *arena, struct hl_value *answer,
                struct hl_error **err)
{
    const struct question *question = context;
    struct session session = {
        .git = git,
        .wanted = question->wanted,
        .answer = answer,
        .wire = {.git = git, .arena = arena, .progress = progress, .deadline_ms = question->deadline_ms},
    };
    bool fine = fetch(&session, err);

    /* The goodbye of ssh may take as long as the server likes; the kernel says it for us. */
    if (git->url.scheme != HL_GIT_SSH)
        git_remote_free(session.remote);
    return fine;
}

/* --- In the parent --- */

static bool belongs_to_us(uid_t owner)
{
    const char *sudo = getenv("SUDO_UID");
    int64_t behind_sudo = -1;

    if (owner == geteuid())
        return true;
    return geteuid() == 0 && sudo != NULL && hl_parse_int(sudo, 0, UINT32_MAX, &behind_sudo) && (uid_t)behind_sudo == owner;
}

/* libgit2 refuses a repository of somebody else as git does, but 1.5.1 puts it into misleading words. */
static bool check_local(struct hl_git *git, struct hl_error **err)
{
    const char *inner = hl_arena_printf(git->arena, "%s/.git", git->url.path);
    struct stat about;

    if (git->url.scheme != HL_GIT_FILE)
        return true;
    if (stat(git->url.path, &about) != 0 && errno != ENOENT && errno != ENOTDIR)
        return hl_fail_errno(err, errno, "cannot read '%s'", git->url.shown);
    if (stat(git->url.path, &about) != 0)
        return hl_fail(err, HL_E_NOT_FOUND, "there is no git repository at '%s': no such folder", git->url.shown);
    if (!S_ISDIR(about.st_mode)) {
        hl_fail(err, HL_E_SPEC, "'%s' is no folder, so it is no git repository", git->url.shown);
        return hl_error_hint(err, "bundles are not read: `git clone --bare` it");
    }
    if (belongs_to_us(about.st_uid) && (stat(inner, &about) != 0 || belongs_to_us(about.st_uid)))
        return true;
    hl_fail(err, HL_E_REFUSED, "the repository '%s' belongs to user %u, and we are user %u", git->url.shown, (unsigned)about.st_uid, (unsigned)geteuid());
    return hl_error_hint(err, "run as its owner, or read it over ssh or https (git's own safe.directory has no say here)");
}

static bool ask(struct hl_git *git, const struct question *question, char id[HL_GIT_ID], bool *damaged, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct hl_git_task task = {.run = run, .context = question, .deadline_ms = question->deadline_ms, .watches_connect = git->url.scheme == HL_GIT_SSH};
    struct hl_value *answer = NULL;
    git_oid checked;

    if (!hl_git_child_run(git, &task, arena, &answer, damaged, err))
        return false;

    const char *text = hl_value_get_text(answer, "id");

    if (text == NULL || !hl_git_parse_id(text, &checked))
        return hl_fail(err, HL_E_FAILED, "fetching from '%s' gave no commit", git->url.shown);
    git_oid_tostr(id, HL_GIT_ID, &checked);
    /* The child's packs are new to us. */
    return git_odb_refresh(git->odb) == 0 || hl_git_fail_read(git, -1, err, "cannot read the cache of '%s'", git->url.shown);
}

static bool ask_and_heal(struct hl_git *git, const struct question *question, char id[HL_GIT_ID], struct hl_error **err)
{
    bool damaged = false;

    if (ask(git, question, id, &damaged, err))
        return true;
    if (!damaged)
        return false;
    hl_error_clear(err);
    return hl_git_cache_renew(git, question->deadline_ms, err) && ask(git, question, id, &damaged, err);
}

bool hl_git_fetch(struct hl_git *git, const char *ref, char id[HL_GIT_ID], struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_git_wanted wanted = {0};
    const struct question question = {.wanted = &wanted, .deadline_ms = hl_git_now_ms() + git->timeout_ms};
    git_oid wanted_id, commit_id;

    if (!hl_git_wanted_parse(arena, ref, &wanted, err))
        return false;
    /* What an id names never changes: nobody has to be asked. */
    if (wanted.kind == HL_GIT_WANT_ID && hl_git_parse_id(wanted.ref, &wanted_id) && look_for(git, &wanted_id, &commit_id) == PRESENT) {
        git_oid_tostr(id, HL_GIT_ID, &commit_id);
        return true;
    }
    if (!check_local(git, err) || !hl_git_cache_lock(git, question.deadline_ms, err))
        return false;

    bool fine = ask_and_heal(git, &question, id, err);

    hl_git_cache_unlock(git);
    return fine;
}
