#include "config.h"

#include "reconcile/transport/git_internal.h"

#include "reconcile/transport/files.h"
#include "schema/base/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    CONNECT_TIMEOUT_MS = 10 * 1000,
    TIMEOUT_MS = 2 * 60 * 1000,
    TOKEN_MOST = 16 * 1024,
    WINDOW = 16 * 1024 * 1024,       /* of a pack, mapped at once */
    MAPPED_MOST = 128 * 1024 * 1024, /* of all packs */
    CACHED_MOST = 16 * 1024 * 1024,  /* parsed objects */
};

int64_t hl_git_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reading changes nothing, so that the first signal ends it: nothing has to be waited for. */
bool hl_git_is_interrupted(const struct hl_git *git)
{
    return git->interrupts != NULL && *git->interrupts >= 1;
}

const char *hl_git_variable(const struct hl_git *git, const char *name)
{
    size_t length = strlen(name);

    for (const char *const *entry = git->environment; entry != NULL && *entry != NULL; entry++)
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=' && (*entry)[length + 1] != '\0')
            return *entry + length + 1;
    return NULL;
}

struct hl_git_fault hl_git_last_fault(int code)
{
    const git_error *last = code < 0 ? git_error_last() : NULL;
    struct hl_git_fault fault = {.code = code, .klass = last == NULL ? 0 : last->klass};
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(sizeof(fault.text) - 1);

    if (last != NULL && last->message != NULL)
        hl_text_put_escaped(&text, last->message, strlen(last->message));
    snprintf(fault.text, sizeof(fault.text), "%s", text.length == 0 ? "libgit2 gives no reason" : hl_text_get(&text));
    return fault;
}

bool hl_git_fault_is_damage(const struct hl_git_fault *fault)
{
    return fault->code == GIT_EMISMATCH || fault->klass == GIT_ERROR_REFERENCE || fault->klass == GIT_ERROR_ODB || fault->klass == GIT_ERROR_ZLIB ||
           fault->klass == GIT_ERROR_OBJECT || fault->klass == GIT_ERROR_REPOSITORY || fault->klass == GIT_ERROR_CONFIG || fault->klass == GIT_ERROR_TREE;
}

bool hl_git_fail_read(struct hl_git *git, int code, struct hl_error **err, const char *format, ...)
{
    struct hl_git_fault fault = hl_git_last_fault(code);
    hl_auto(text) struct hl_text what = HL_TEXT_INIT(1024);
    va_list args;

    va_start(args, format);
    hl_text_vprintf(&what, format, args);
    va_end(args);
    hl_fail(err, HL_E_FAILED, "%s: %s", hl_text_get(&what), fault.text);
    if (!hl_git_fault_is_damage(&fault))
        return false;
    hl_git_cache_mark_damaged(git);
    return hl_error_hint(err, "the cache '%s' is damaged: the next run makes it anew", git->cache.folder);
}

void hl_git_version(char out[HL_GIT_VERSION])
{
    int major = 0, minor = 0, revision = 0;

    git_libgit2_version(&major, &minor, &revision);
    snprintf(out, HL_GIT_VERSION, "%d.%d.%d", major, minor, revision);
}

/* --- Set-up --- */

/* All of it is process-wide and unsynchronised in libgit2: once, before there are threads. */
static void start_library(void)
{
    static const git_config_level_t levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL};

    if (git_libgit2_init() < 0)
        abort();
    /* No file of the user's or the system's configuration is read: url.*.insteadOf would send us to another host. */
    for (size_t i = 0; i < HL_COUNT(levels); i++)
        git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, (int)levels[i], "");
    git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
    git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1);
    git_libgit2_opts(GIT_OPT_SET_MWINDOW_SIZE, (size_t)WINDOW);
    git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, (size_t)MAPPED_MOST);
    git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, (ssize_t)CACHED_MOST);
}

static bool has_control(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++)
        if (*at < 0x20 || *at == 0x7f)
            return true;
    return false;
}

static bool read_token_file(struct hl_git *git, const char *path, struct hl_error **err)
{
    const char *text = NULL;
    size_t length = 0;

    if (!hl_file_read(git->arena, path, TOKEN_MOST, &text, &length, err))
        return hl_wrap(err, "reading the token that HLREC_GIT_TOKEN_FILE names");
    while (length > 0 && strchr("\r\n", text[length - 1]) != NULL)
        length--;
    if (length == 0 || memchr(text, '\0', length) != NULL)
        return hl_fail(err, HL_E_SPEC, "the token file '%s' is empty, or binary", path);
    git->token = hl_arena_copy(git->arena, text, length);
    return true;
}

static bool take_token(struct hl_git *git, struct hl_error **err)
{
    const char *token = hl_git_variable(git, "HLREC_GIT_TOKEN"), *file = hl_git_variable(git, "HLREC_GIT_TOKEN_FILE");
    const char *user = hl_git_variable(git, "HLREC_GIT_USER");

    /* ssh has keys, a file needs none: a token that is not used is not even read. */
    if (git->url.scheme != HL_GIT_HTTPS && git->url.scheme != HL_GIT_HTTP)
        return true;
    if (token != NULL && file != NULL)
        return hl_fail(err, HL_E_SPEC, "both HLREC_GIT_TOKEN and HLREC_GIT_TOKEN_FILE are set: which one counts?");
    git->token = hl_arena_strdup(git->arena, token);
    if (file != NULL && !read_token_file(git, file, err))
        return false;
    git->token_user = user == NULL ? "x-access-token" : hl_arena_strdup(git->arena, user);
    if (git->token == NULL)
        return true;
    if (git->redactor != NULL)
        hl_redactor_add(git->redactor, git->token, strlen(git->token));
    if (has_control(git->token) || has_control(git->token_user))
        return hl_fail(err, HL_E_SPEC, "the git token or its user (HLREC_GIT_USER) holds a line break or another control character");
    if (strchr(git->token_user, ':') != NULL)
        return hl_fail(err, HL_E_SPEC, "HLREC_GIT_USER holds a colon, which basic authentication cannot express");
    return true;
}

/* The list, not its texts: who sets a variable afterwards changes the list that `environ` is. */
static const char *const *copy_list(struct hl_arena *arena, const char *const *list)
{
    const char **copy = NULL;
    size_t count = 0;

    while (list != NULL && list[count] != NULL)
        count++;
    copy = hl_arena_alloc(arena, (count + 1) * sizeof(*copy));
    for (size_t i = 0; i < count; i++)
        copy[i] = list[i];
    return copy;
}

bool hl_git_open(const struct hl_git_options *options, struct hl_git **out, struct hl_error **err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct hl_git *git = hl_alloc(sizeof(*git));

    pthread_once(&once, start_library);
    git->arena = hl_arena_new();
    pthread_mutex_init(&git->mutex, NULL);
    git->environment = copy_list(git->arena, options->environment);
    git->redactor = options->redactor;
    git->interrupts = options->interrupts;
    git->connect_timeout_ms = options->connect_timeout_ms > 0 ? options->connect_timeout_ms : CONNECT_TIMEOUT_MS;
    git->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
    git->cache.lock = -1;
    if (hl_git_url_parse(git->arena, options->url, &git->url, err) && take_token(git, err) && hl_git_cache_open(git, options->cache, err)) {
        *out = git;
        return true;
    }
    hl_git_close(git);
    return false;
}

void hl_git_close(struct hl_git *git)
{
    if (git == NULL)
        return;
    hl_git_cache_close(git);
    pthread_mutex_destroy(&git->mutex);
    hl_arena_free(git->arena);
    free(git);
}
