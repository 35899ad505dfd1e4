#include "config.h"

#include "reconcile/transport/git_internal.h"

#include "reconcile/transport/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { KEY_MOST = 64 * 1024, PASSPHRASE_MOST = 4096 };

/* All that libssh2 1.10 can verify and an OpenSSH of today offers; ssh-rsa with SHA-1 is switched off there. */
static const char *const all_kinds[] = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"};

/* --- The kind of host key --- */

static bool write_home(struct hl_git_wire *wire, const char *kind)
{
    const struct hl_git *git = wire->git;
    const char *path = hl_arena_printf(wire->arena, "%s/.ssh/known_hosts", git->cache.home);
    hl_auto(error) struct hl_error *ignored = NULL;
    /* libgit2 looks a nonsense key up in known_hosts, and asks the host for the kind that stands there. So the line only has to name a kind. */
    const char *text = *kind == '\0' ? "" : hl_arena_printf(wire->arena, "%s %s %s\n", git->url.host, kind, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");

    return hl_file_write(&(struct hl_file_write){.path = path, .data = text, .length = strlen(text), .mode = 0600, .make_folder = true}, &ignored);
}

/* A host has several keys and shows one. Asked for are those that can be right; with a pin, any. */
static bool collect_kinds(struct hl_git_wire *wire, struct hl_error **err)
{
    const struct hl_git_url *url = &wire->git->url;
    struct hl_git_host_search search = {.host = url->host, .port = url->port, .kinds = ""};
    struct hl_git_trust trust = hl_git_trust_of(wire);
    const char *file = NULL;

    if (trust.pin == NULL && !hl_git_trust_search(wire, &search, &file, err))
        return false;
    for (size_t i = 0; i < HL_COUNT(all_kinds); i++)
        if (trust.pin != NULL || strstr(search.kinds, all_kinds[i]) != NULL)
            wire->kinds[wire->kinds_count++] = all_kinds[i];
    /* An unknown host is told with its ed25519 key, which is the one to pin. */
    if (wire->kinds_count == 0 && search.kinds[0] == '\0')
        wire->kinds[wire->kinds_count++] = all_kinds[0];
    wire->kinds[wire->kinds_count++] = "";
    return true;
}

/* --- Our keys --- */

static bool read_passphrase(struct hl_git_wire *wire, const char **out, struct hl_error **err)
{
    const char *file = hl_git_variable(wire->git, "HLREC_GIT_SSH_PASSPHRASE_FILE"), *text = NULL;
    size_t length = 0;

    *out = NULL;
    if (file == NULL)
        return true;
    if (!hl_file_read(wire->arena, file, PASSPHRASE_MOST, &text, &length, err))
        return hl_wrap(err, "reading the passphrase of the ssh key");
    while (length > 0 && strchr("\r\n", text[length - 1]) != NULL)
        length--;
    *out = hl_arena_copy(wire->arena, text, length);
    return true;
}

static bool add_key(struct hl_git_wire *wire, const char *path, bool named, struct hl_error **err)
{
    struct hl_git_credential_try attempt = {.key = path};
    struct hl_error *absent = NULL;
    const char *text = NULL;
    size_t length = 0;

    if (!hl_file_read(wire->arena, path, KEY_MOST, &text, &length, &absent)) {
        if (!named && absent->code == HL_E_NOT_FOUND) {
            hl_error_clear(&absent);
            return true;
        }
        *err = absent;
        return hl_wrap(err, "reading the ssh key");
    }

    struct hl_git_key_facts facts = hl_git_key_look(wire->arena, text, length);

    if (!facts.is_key) {
        hl_fail(err, HL_E_SPEC, "'%s' is no private ssh key", path);
        return hl_error_hint(err, "name the private half, without .pub, in OpenSSH's or PEM form");
    }
    if (!read_passphrase(wire, &attempt.passphrase, err))
        return false;
    if (facts.encrypted && attempt.passphrase == NULL) {
        /* One that was not named stays out: the agent may have it. */
        if (!named)
            return true;
        hl_fail(err, HL_E_SPEC, "the ssh key '%s' is encrypted, and there is no passphrase", path);
        return hl_error_hint(err, "put the passphrase into a file and name it in HLREC_GIT_SSH_PASSPHRASE_FILE, or load the key into an agent");
    }
    attempt.rsa = facts.rsa;
    wire->tries[wire->tries_count++] = attempt;
    return true;
}

/* libssh2 reports an agent that is gone as it does a refused key. */
static bool agent_answers(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int end = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool fine = end >= 0 && strlen(path) < sizeof(address.sun_path);

    if (fine) {
        memcpy(address.sun_path, path, strlen(path) + 1);
        fine = connect(end, (const struct sockaddr *)&address, sizeof(address)) == 0;
    }
    if (end >= 0)
        close(end);
    return fine;
}

static bool collect_keys(struct hl_git_wire *wire, struct hl_error **err)
{
    const struct hl_git *git = wire->git;
    const char *named = hl_git_variable(git, "HLREC_GIT_SSH_KEY"), *agent = hl_git_variable(git, "SSH_AUTH_SOCK"), *home = hl_git_variable(git, "HOME");

    if (named != NULL)
        return add_key(wire, named, true, err);
    if (agent != NULL && agent_answers(agent))
        wire->tries[wire->tries_count++] = (struct hl_git_credential_try){.key = NULL};
    if (home != NULL && !add_key(wire, hl_arena_printf(wire->arena, "%s/.ssh/id_ed25519", home), false, err))
        return false;
    if (wire->tries_count > 0)
        return true;
    hl_fail(err, HL_E_AUTH, "there is no ssh key to read '%s' with", git->url.shown);
    return hl_error_hint(err, "name one in HLREC_GIT_SSH_KEY, run an agent (SSH_AUTH_SOCK), or make ~/.ssh/id_ed25519: `ssh-keygen -t ed25519`");
}

bool hl_git_ssh_prepare(struct hl_git_wire *wire, struct hl_error **err)
{
    const struct hl_git *git = wire->git;
    const char *agent = hl_git_variable(git, "SSH_AUTH_SOCK");

    if (!collect_keys(wire, err) || !collect_kinds(wire, err))
        return false;
    if (!write_home(wire, wire->kinds[0]))
        return hl_fail(err, HL_E_FAILED, "cannot write below '%s'", git->cache.home);
    /* We are in a child, and alone. The library is to see the environment that our caller gave, and not the user's home. */
    if (agent == NULL)
        unsetenv("SSH_AUTH_SOCK");
    else
        setenv("SSH_AUTH_SOCK", agent, 1);
    setenv("HOME", git->cache.home, 1);
#if LIBGIT2_VER_MAJOR > 1 || (LIBGIT2_VER_MAJOR == 1 && LIBGIT2_VER_MINOR >= 7)
    git_libgit2_opts(GIT_OPT_SET_HOMEDIR, git->cache.home);
#endif
    return true;
}

/* --- While it connects --- */

int hl_git_ssh_credentials(git_credential **out, const char *url, const char *user, unsigned allowed, void *payload)
{
    struct hl_git_wire *wire = payload;
    const struct hl_git_credential_try *attempt = wire->tries + wire->tries_next;

    (void)url, (void)user;
    wire->progress->ticks++;
    if ((allowed & GIT_CREDENTIAL_USERNAME) != 0)
        return git_credential_username_new(out, wire->git->url.user);
    if ((allowed & GIT_CREDENTIAL_SSH_KEY) == 0) {
        hl_error_clear(&wire->error);
        hl_fail(&wire->error, HL_E_AUTH, "'%s' takes no ssh keys", wire->git->url.shown);
        hl_error_hint(&wire->error, "hlrec logs in with a key only");
    }
    /* The library asks again for as long as it gets an answer. */
    if (wire->error != NULL || wire->tries_next >= wire->tries_count) {
        git_error_set_str(GIT_ERROR_SSH, "no key was accepted");
        return GIT_EAUTH;
    }
    wire->tries_next++;
    if (attempt->key == NULL)
        return git_credential_ssh_key_from_agent(out, wire->git->url.user);
    return git_credential_ssh_key_new(out, wire->git->url.user, NULL, attempt->key, attempt->passphrase);
}

bool hl_git_ssh_again(struct hl_git_wire *wire, const struct hl_git_fault *fault)
{
    bool refused = fault->code == GIT_ECERTIFICATE;
    bool pinned = hl_git_variable(wire->git, "HLREC_GIT_HOST_KEY") != NULL;

    if (wire->host_checked) {
        /* An agent without the right key may end a session that the next key would open. */
        wire->host_checked = false;
        return wire->error == NULL && wire->progress->stage == HL_GIT_LOGIN && wire->tries_next > 0 && wire->tries_next < wire->tries_count;
    }
    /* The host has no key of the kind that was asked for, or it is another key of the host that is pinned. */
    if (refused ? !pinned : fault->klass != GIT_ERROR_SSH)
        return false;
    return wire->kinds_next + 1 < wire->kinds_count && write_home(wire, wire->kinds[++wire->kinds_next]);
}

/* --- When it did not --- */

static bool fail_login(struct hl_git_wire *wire, const struct hl_git_fault *fault, struct hl_error **err)
{
    const char *shown = wire->git->url.shown;
    hl_auto(text) struct hl_text tried = HL_TEXT_INIT(4096);
    bool rsa = false;

    for (size_t i = 0; i < wire->tries_next && i < wire->tries_count; i++) {
        const char *key = wire->tries[i].key;

        hl_text_puts(&tried, i == 0 ? "" : ", ");
        if (key == NULL)
            hl_text_puts(&tried, "the agent's keys");
        else
            hl_text_printf(&tried, "'%s'", key);
        rsa = rsa || wire->tries[i].rsa;
    }
    if (strstr(fault->text, "passphrase") != NULL) {
        hl_fail(err, HL_E_AUTH, "the ssh key cannot be used: %s", fault->text);
        return hl_error_hint(err, "is the passphrase in HLREC_GIT_SSH_PASSPHRASE_FILE right, and the key of a kind that libssh2 reads (ed25519)?");
    }
    hl_fail(err, HL_E_AUTH, "'%s' accepts none of our keys: %s was tried", shown, tried.length == 0 ? "none" : hl_text_get(&tried));
    if (rsa)
        return hl_error_hint(err,
                             "RSA keys fail with libssh2 1.10 and a server of today (it only signs with SHA-1): make an ed25519 key, `ssh-keygen -t ed25519`");
    return hl_error_hint(
        err, "is the public half registered with the forge, as a deploy key or of a user who may read the repository? RSA keys do not work: use ed25519");
}

bool hl_git_ssh_fail(struct hl_git_wire *wire, const struct hl_git_fault *fault, struct hl_error **err)
{
    const struct hl_git *git = wire->git;
    int stage = wire->progress->stage;

    if (stage == HL_GIT_LOGIN && (fault->klass == GIT_ERROR_SSH || fault->code == GIT_EAUTH) && fault->code != GIT_EEOF)
        return fail_login(wire, fault, err);
    if (fault->code == GIT_EEOF || stage >= HL_GIT_LOGIN) {
        hl_fail(err, HL_E_AUTH, "'%s' lets us in, but gives us no repository: %s", git->url.shown, fault->text);
        return hl_error_hint(err, "is the path right, and may this key read it?");
    }
    hl_fail(err, HL_E_UNREACHABLE, "cannot reach '%s': %s", git->url.shown, fault->text);
    if (strstr(fault->text, "exchange encryption keys") != NULL)
        return hl_error_hint(err, "the server has no host key of a kind that libssh2 can use: it needs ed25519 or ecdsa");
    return hl_error_hint(err, "is the host's name or address right, and does an ssh server listen on port %d?", git->url.port);
}
