#include "config.h"

#include "reconcile/transport/git_internal.h"

#include "reconcile/transport/files.h"
#include "schema/base/crypto.h"

#include <string.h>

/* Which host key is right. Nothing is ever trusted because it is seen for the first time: a run in the night has nobody to ask. */

enum { KNOWN_HOSTS_MOST = 16 * 1024 * 1024 };

struct hl_git_trust hl_git_trust_of(struct hl_git_wire *wire)
{
    const struct hl_git *git = wire->git;
    const char *named = hl_git_variable(git, "HLREC_GIT_KNOWN_HOSTS"), *home = hl_git_variable(git, "HOME");
    struct hl_git_trust trust = {.pin = hl_git_variable(git, "HLREC_GIT_HOST_KEY"), .named = named != NULL};
    size_t count = 0;

    if (named != NULL) {
        trust.files[0] = named;
        return trust;
    }
    if (home != NULL)
        trust.files[count++] = hl_arena_printf(wire->arena, "%s/.ssh/known_hosts", home);
    trust.files[count] = "/etc/ssh/ssh_known_hosts";
    return trust;
}

bool hl_git_trust_search(struct hl_git_wire *wire, struct hl_git_host_search *search, const char **found_in, struct hl_error **err)
{
    struct hl_git_trust trust = hl_git_trust_of(wire);

    *found_in = NULL;
    search->kinds = "";
    for (size_t i = 0; trust.files[i] != NULL; i++) {
        struct hl_error *absent = NULL;
        enum hl_git_known before = search->verdict;
        const char *text = NULL;
        size_t length = 0;

        if (!hl_file_read(wire->arena, trust.files[i], KNOWN_HOSTS_MOST, &text, &length, &absent)) {
            if (trust.named || absent->code != HL_E_NOT_FOUND) {
                *err = absent;
                return hl_wrap(err, "reading the known ssh hosts");
            }
            hl_error_clear(&absent);
            continue;
        }
        hl_git_hosts_search(wire->arena, text, length, search);
        *found_in = search->verdict == before ? *found_in : trust.files[i];
    }
    return true;
}

/* --- A key that the host shows --- */

static const char *kind_of(struct hl_arena *arena, const git_cert_hostkey *key)
{
    const unsigned char *raw = (const unsigned char *)key->hostkey;
    size_t length = key->hostkey_len < 4 ? 0 : (size_t)raw[2] << 8 | raw[3];

    if (key->hostkey_len < 4 || raw[0] != 0 || raw[1] != 0 || length > key->hostkey_len - 4)
        return "key of an unknown kind";

    hl_auto(text) struct hl_text shown = HL_TEXT_INIT(256);

    hl_text_put_escaped(&shown, key->hostkey + 4, length);
    return hl_arena_strdup(arena, hl_text_get(&shown));
}

/* As `ssh-keygen -lf` prints it: base64 without padding. */
static const char *fingerprint_of(struct hl_arena *arena, const git_cert_hostkey *key)
{
    char *text = hl_base64_encode(arena, HL_BASE64, key->hash_sha256, sizeof(key->hash_sha256));
    size_t length = strlen(text);

    while (length > 0 && text[length - 1] == '=')
        text[--length] = '\0';
    return hl_arena_printf(arena, "SHA256:%s", text);
}

/* Several pins may stand in the variable, for the days when a host changes its key. */
static bool is_pinned(const char *pins, const char *fingerprint)
{
    const char *separators = " ,\t\n";

    for (const char *at = pins + strspn(pins, separators); *at != '\0'; at += strspn(at, separators)) {
        size_t length = strcspn(at, separators), bare = length;

        while (bare > 0 && at[bare - 1] == '=')
            bare--;
        if (bare == strlen(fingerprint) && memcmp(at, fingerprint, bare) == 0)
            return true;
        at += length;
    }
    return false;
}

static const char *place(const struct hl_git_wire *wire)
{
    const struct hl_git_url *url = &wire->git->url;

    return url->port == 22 ? url->host : hl_arena_printf(wire->arena, "[%s]:%d", url->host, url->port);
}

static bool refuse_pin(struct hl_git_wire *wire, struct hl_error **err)
{
    hl_fail(err, HL_E_AUTH, "THE HOST KEY OF '%s' IS NOT THE PINNED ONE: it shows %s", place(wire), wire->seen);
    return hl_error_hint(err, "somebody may stand between you and the host; only when its administrator confirms this key, set HLREC_GIT_HOST_KEY to it");
}

static bool refuse_unknown(struct hl_git_wire *wire, const struct hl_git_host_search *search, struct hl_error **err)
{
    struct hl_git_trust trust = hl_git_trust_of(wire);

    if (search->kinds[0] != '\0') {
        hl_fail(err, HL_E_AUTH, "the host '%s' shows a key of a kind that is not known for it: %s", place(wire), wire->seen);
        return hl_error_hint(err, "'%s' knows %sof it; add this one when its administrator confirms it, or pin it: HLREC_GIT_HOST_KEY=SHA256:...",
                             trust.files[0], search->kinds);
    }
    hl_fail(err, HL_E_AUTH, "the host key of '%s' is not known: it shows %s", place(wire), wire->seen);
    return hl_error_hint(err, "compare it with what the host's administrator says, then pin it: HLREC_GIT_HOST_KEY=SHA256:..., or add it to '%s'",
                         trust.files[0]);
}

static bool refuse(struct hl_git_wire *wire, const struct hl_git_host_search *search, const char *file, struct hl_error **err)
{
    if (search->verdict == HL_GIT_HOST_UNKNOWN)
        return refuse_unknown(wire, search, err);
    if (search->verdict == HL_GIT_HOST_REVOKED) {
        hl_fail(err, HL_E_AUTH, "THE HOST KEY OF '%s' IS REVOKED in '%s', line %u: it shows %s", place(wire), file, search->line, wire->seen);
        return hl_error_hint(err, "whoever holds that key is not to be trusted: do not remove the line");
    }
    hl_fail(err, HL_E_AUTH, "THE HOST KEY OF '%s' HAS CHANGED: it shows %s", place(wire), wire->seen);
    return hl_error_hint(
        err,
        "'%s', line %u, knows another one: somebody may stand between you and the host; only when its administrator confirms the new key, replace "
        "that line",
        file, search->line);
}

static void note_seen(struct hl_git_wire *wire, const char *kind, const char *fingerprint)
{
    if (wire->seen == NULL)
        wire->seen = hl_arena_printf(wire->arena, "%s %s", kind, fingerprint);
    else if (strstr(wire->seen, fingerprint) == NULL)
        wire->seen = hl_arena_printf(wire->arena, "%s, %s %s", wire->seen, kind, fingerprint);
}

static bool judge(struct hl_git_wire *wire, const git_cert_hostkey *key, struct hl_error **err)
{
    const struct hl_git_url *url = &wire->git->url;
    const char *pin = hl_git_variable(wire->git, "HLREC_GIT_HOST_KEY"), *file = NULL;
    const char *fingerprint = fingerprint_of(wire->arena, key);
    struct hl_git_host_search search = {
        .host = url->host, .port = url->port, .key = (const unsigned char *)key->hostkey, .key_length = key->hostkey_len, .kinds = ""};

    note_seen(wire, kind_of(wire->arena, key), fingerprint);
    if (pin != NULL)
        return is_pinned(pin, fingerprint) || refuse_pin(wire, err);
    if (!hl_git_trust_search(wire, &search, &file, err))
        return false;
    return search.verdict == HL_GIT_HOST_KNOWN || refuse(wire, &search, file, err);
}

int hl_git_ssh_check_host(git_cert *cert, int valid, const char *host, void *payload)
{
    struct hl_git_wire *wire = payload;
    const git_cert_hostkey *key = (const git_cert_hostkey *)(const void *)cert;
    const unsigned needed = GIT_CERT_SSH_SHA256 | GIT_CERT_SSH_RAW;

    /* What libssh2 finds in the file that we made for it says nothing. */
    (void)valid, (void)host;
    hl_error_clear(&wire->error);
    if (cert->cert_type != GIT_CERT_HOSTKEY_LIBSSH2 || ((unsigned)key->type & needed) != needed)
        hl_fail(&wire->error, HL_E_AUTH, "this libgit2 does not tell the ssh host's key, so it cannot be checked");
    else
        wire->host_checked = judge(wire, key, &wire->error);
    if (wire->host_checked) {
        hl_git_enter(wire->progress, HL_GIT_LOGIN);
        return 0;
    }
    git_error_set_str(GIT_ERROR_SSH, "the host key was refused");
    return GIT_ECERTIFICATE;
}
