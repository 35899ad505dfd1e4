#include "config.h"

#include "reconcile/providers/local/sops.h"

#include "reconcile/providers/local/local.h"
#include "reconcile/transport/files.h"
#include "reconcile/transport/process.h"
#include "schema/base/json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_MS = 60 * 1000, MOST_WORDS = 300 };

/* One file; locked while it is decrypted, so that others who want it wait. */
struct document {
    pthread_mutex_t lock;
    struct hl_arena *arena;
    bool done;
    struct hl_value *value; /* when it could be read */
    struct hl_error *error; /* else */
};

struct hl_sops {
    const struct hl_run *run;
    pthread_mutex_t lock; /* of `documents` and of reading files */
    struct hl_arena *arena;
    struct hl_map documents; /* path -> struct document * */
};

struct hl_sops *hl_sops_new(const struct hl_run *run)
{
    struct hl_sops *sops = hl_alloc(sizeof *sops);

    sops->run = run;
    sops->arena = hl_arena_new();
    pthread_mutex_init(&sops->lock, NULL);
    hl_map_init(&sops->documents, sops->arena);
    return sops;
}

void hl_sops_free(struct hl_sops *sops)
{
    if (sops == NULL)
        return;
    for (size_t i = 0; i < sops->documents.count; i++) {
        struct document *document = sops->documents.entries[i].value;
        pthread_mutex_destroy(&document->lock);
        hl_error_free(document->error);
        hl_arena_free(document->arena);
    }
    pthread_mutex_destroy(&sops->lock);
    hl_arena_free(sops->arena);
    free(sops);
}

/* ---- running the program ---- */

/* What finds keys, and nothing else. */
static const char *const kept_variables[] = {
    "PATH=",          "HOME=",         "USER=",       "TMPDIR=",      "XDG_CONFIG_HOME=", "XDG_RUNTIME_DIR=", "GNUPGHOME=",   "SSH_AUTH_SOCK=",
    "SSL_CERT_FILE=", "SSL_CERT_DIR=", "HTTP_PROXY=", "HTTPS_PROXY=", "NO_PROXY=",        "http_proxy=",      "https_proxy=", "no_proxy="};
static const char *const kept_prefixes[] = {"SOPS_", "AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_", "VAULT_", "BAO_", "HUAWEICLOUD_"};

static bool is_kept(const char *variable)
{
    if (hl_starts_with(variable, "SOPS_EDITOR="))
        return false;
    for (size_t i = 0; i < HL_COUNT(kept_variables); i++) {
        if (hl_starts_with(variable, kept_variables[i]))
            return true;
    }
    for (size_t i = 0; i < HL_COUNT(kept_prefixes); i++) {
        if (hl_starts_with(variable, kept_prefixes[i]))
            return true;
    }
    return false;
}

/* An old sops takes `decrypt` for the name of a new file and would start an editor on it. */
static const char *const *environment_of(struct hl_arena *arena, const struct hl_run *run)
{
    size_t count = 0;
    size_t kept = 0;

    while (run->environment != NULL && run->environment[count] != NULL)
        count++;
    const char **environment = hl_arena_alloc(arena, (count + 3) * sizeof *environment);
    for (size_t i = 0; i < count; i++) {
        if (is_kept(run->environment[i]))
            environment[kept++] = run->environment[i];
    }
    environment[kept++] = "EDITOR=/bin/false";
    environment[kept++] = "SOPS_EDITOR=/bin/false";
    return environment;
}

const char *hl_sops_find_program(struct hl_arena *arena, const struct hl_run *run)
{
    const char *path = hl_local_environment(run, "PATH");

    while (path != NULL && *path != '\0') {
        const size_t length = strcspn(path, ":");
        const char *program = hl_arena_printf(arena, "%.*s/sops", (int)length, path);
        if (length > 0 && access(program, X_OK) == 0)
            return program;
        path += length + (path[length] == ':' ? 1 : 0);
    }
    return NULL;
}

static const struct {
    int status;
    const char *meaning, *hint;
} statuses[] = {
    {2, "sops cannot read the file", NULL},
    {25, "a value in it cannot be decrypted: it was changed without sops", "restore the file from git, or set the value again with `sops edit`"},
    {51, "its checksum (MAC) does not fit: it was changed without sops",
     "restore the file from git; if the change is meant, `sops edit --ignore-mac` and save"},
    {52, "it has no checksum (MAC)", "encrypt it anew with sops"},
    {100, "sops found no such file", NULL},
    {128, "none of the keys that it is encrypted for is here",
     "set SOPS_AGE_KEY_FILE to the age key file (without HOME, as in a systemd unit, the default place is not found), or add this machine's key with `sops "
     "updatekeys`"},
};

const char *hl_sops_explain(int status, const char **hint)
{
    for (size_t i = 0; i < HL_COUNT(statuses); i++) {
        if (statuses[i].status == status) {
            *hint = statuses[i].hint;
            return statuses[i].meaning;
        }
    }
    *hint = NULL;
    return NULL;
}

/* The file as sops is to read it. */
struct encrypted {
    const char *path; /* as the spec names it */
    const char *text;
    size_t length;
    const char *file; /* to read it from; NULL: `text` on stdin */
};

static const char *input_type(const char *path)
{
    static const struct {
        const char *suffix, *type;
    } types[] = {{".yaml", "yaml"}, {".yml", "yaml"}, {".json", "json"}, {".env", "dotenv"}, {".ini", "ini"}};

    for (size_t i = 0; i < HL_COUNT(types); i++) {
        if (hl_ends_with(path, types[i].suffix))
            return types[i].type;
    }
    return "binary";
}

static bool run_sops(const struct hl_sops *sops, struct hl_arena *arena, const struct encrypted *encrypted, const char *verb, struct hl_text *out,
                     struct hl_text *messages, int *status, struct hl_error **err)
{
    const char *program = hl_sops_find_program(arena, sops->run);
    const char *argv[] = {program, verb, "--output-type", "json", encrypted->file, NULL, NULL, NULL};

    if (program == NULL) {
        hl_fail(err, HL_E_FAILED, "the program 'sops' is not in PATH");
        return hl_error_hint(err, "install it (https://getsops.io), or put its folder into PATH");
    }
    if (encrypted->file == NULL) {
        argv[4] = "--input-type";
        argv[5] = input_type(encrypted->path);
        argv[6] = "/dev/stdin";
    }
    const struct hl_process process = {
        .argv = argv,
        .environment = environment_of(arena, sops->run),
        .input = encrypted->file == NULL ? encrypted->text : NULL,
        .input_length = encrypted->length,
        .timeout_ms = TIMEOUT_MS,
        .max_output = HL_MAX_TEMPLATE,
        .interrupts = sops->run->interrupts,
    };
    return hl_process_run(&process, out, messages, status, err);
}

/* sops' own words (names of files and keys, never values), on one line and not too many. */
static const char *words_of(struct hl_arena *arena, const struct hl_text *messages)
{
    hl_auto(text) struct hl_text words = HL_TEXT_INIT(HL_MAX_OUTPUT);
    const char *data = hl_text_get(messages);
    size_t length = messages->length;

    while (length > 0 && (data[length - 1] == '\n' || data[length - 1] == ' '))
        length--;
    const size_t skipped = length > MOST_WORDS ? length - MOST_WORDS : 0;
    for (size_t i = skipped; i < length; i++)
        hl_text_putc(&words, data[i] == '\n' || data[i] == '\t' ? ' ' : data[i]);
    hl_auto(text) struct hl_text shown = HL_TEXT_INIT(HL_MAX_OUTPUT);
    hl_text_put_escaped(&shown, hl_text_get(&words), words.length);
    return hl_arena_printf(arena, "%s%s", skipped > 0 ? "..." : "", hl_text_get(&shown));
}

static bool fail_status(struct hl_arena *arena, const char *path, int status, const struct hl_text *messages, struct hl_error **err)
{
    const char *hint = NULL;
    const char *meaning = hl_sops_explain(status, &hint);

    if (meaning == NULL) {
        hl_fail(err, HL_E_FAILED, "'%s' cannot be decrypted: sops exited with %d: %s", path, status, words_of(arena, messages));
        return false;
    }
    hl_fail(err, HL_E_FAILED, "'%s' cannot be decrypted: %s", path, meaning);
    return hint == NULL ? false : hl_error_hint(err, "%s", hint);
}

/* Before 3.9 there was no `decrypt`; such a one fails in a way of its own, so whatever sops does not explain is tried the old way, too. */
static bool decrypt(const struct hl_sops *sops, struct hl_arena *arena, const struct encrypted *encrypted, struct hl_text *out, struct hl_error **err)
{
    static const char *const verbs[] = {"decrypt", "-d"};
    hl_auto(text) struct hl_text messages = HL_TEXT_INIT(HL_MAX_OUTPUT);
    const char *hint = NULL;
    int status = 0;

    for (size_t i = 0; i < HL_COUNT(verbs); i++) {
        hl_text_clear(out);
        hl_text_clear(&messages);
        if (!run_sops(sops, arena, encrypted, verbs[i], out, &messages, &status, err))
            return hl_wrap(err, "decrypting '%s'", encrypted->path);
        if (status == 0)
            return true;
        if (hl_sops_explain(status, &hint) != NULL && status != 100)
            break;
    }
    return fail_status(arena, encrypted->path, status, &messages, err);
}

/* ---- files ---- */

/* The file's text comes from where the spec comes from. If the same text stands on the disk, sops reads it there; the text of a commit goes through stdin. */
static bool load(struct hl_sops *sops, struct hl_arena *arena, struct encrypted *encrypted, struct hl_error **err)
{
    const struct hl_files *files = sops->run->files;
    const char *disk = hl_path_join(arena, sops->run->base, encrypted->path);
    const char *text = NULL;
    size_t length = 0;

    pthread_mutex_lock(&sops->lock);
    const bool fine = files->read(files->context, arena, encrypted->path, &encrypted->text, &encrypted->length, err);
    pthread_mutex_unlock(&sops->lock);
    if (!fine)
        return false;
    if (strstr(encrypted->text, "sops") == NULL) {
        hl_fail(err, HL_E_FAILED, "'%s' is not encrypted with sops", encrypted->path);
        return hl_error_hint(err, "encrypt it: sops encrypt --in-place %s", encrypted->path);
    }
    if (!hl_file_read(arena, disk, HL_MAX_SPEC, &text, &length, err)) {
        hl_error_clear(err);
        return true;
    }
    if (length == encrypted->length && memcmp(text, encrypted->text, length) == 0)
        encrypted->file = disk[0] == '-' ? hl_arena_printf(arena, "./%s", disk) : disk;
    return true;
}

static bool read_document(struct hl_sops *sops, struct document *document, const char *path, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    struct encrypted encrypted = {.path = path};

    if (!load(sops, scratch, &encrypted, err) || !decrypt(sops, scratch, &encrypted, &out, err))
        return false;
    if (hl_json_decode(document->arena, hl_text_get(&out), out.length, &document->value, err) && hl_value_is(document->value, HL_MAP))
        return true;
    /* A message about broken JSON could quote it. */
    hl_error_clear(err);
    return hl_fail(err, HL_E_FAILED, "'%s': what sops printed is not a JSON object", path);
}

static struct document *find_document(struct hl_sops *sops, const char *path)
{
    pthread_mutex_lock(&sops->lock);
    struct document *document = hl_map_find(&sops->documents, path);
    if (document == NULL) {
        document = hl_arena_alloc(sops->arena, sizeof *document);
        document->arena = hl_arena_new();
        pthread_mutex_init(&document->lock, NULL);
        hl_map_put(&sops->documents, path, document);
    }
    pthread_mutex_unlock(&sops->lock);
    return document;
}

/* Errors have one owner; who comes later gets the words and the hint. */
static bool fail_again(const struct hl_error *error, struct hl_error **err)
{
    hl_auto(heap) char *text = hl_error_text(error);
    const char *hint = NULL;

    for (const struct hl_error *node = error; node != NULL && hint == NULL; node = node->cause)
        hint = node->hint;
    hl_fail(err, error->code, "%s", text);
    return hint == NULL ? false : hl_error_hint(err, "%s", hint);
}

bool hl_sops_read(struct hl_sops *sops, const char *path, const struct hl_value **out, struct hl_error **err)
{
    struct document *document = find_document(sops, path);

    pthread_mutex_lock(&document->lock);
    if (!document->done) {
        document->done = true;
        if (!read_document(sops, document, path, &document->error))
            document->value = NULL;
    }
    const bool fine = document->error == NULL;
    if (fine)
        *out = document->value;
    else
        fail_again(document->error, err);
    pthread_mutex_unlock(&document->lock);
    return fine;
}

/* ---- values in it ---- */

/* One step of ["a"]["b"][0]; NULL when it is not of that form. */
static const char *read_step(struct hl_arena *arena, const char *at, const char **step)
{
    if (*at++ != '[')
        return NULL;
    const bool quoted = *at == '"' || *at == '\'';
    const char quote = *at;
    const char *start = quoted ? at + 1 : at;
    const char *end = strchr(start, quoted ? quote : ']');
    if (end == NULL || (quoted && end[1] != ']'))
        return NULL;
    *step = hl_arena_copy(arena, start, (size_t)(end - start));
    return end + (quoted ? 2 : 1);
}

static const struct hl_value *descend(const struct hl_value *value, const char *step)
{
    int64_t index = 0;

    if (!hl_value_is(value, HL_LIST))
        return hl_value_get(value, step);
    return hl_parse_int(step, 0, INT32_MAX, &index) ? hl_value_item(value, (size_t)index) : NULL;
}

const struct hl_value *hl_sops_find(const struct hl_value *document, const char *key)
{
    hl_auto(arena) struct hl_arena *scratch = hl_arena_new();
    const struct hl_value *whole = hl_value_get(document, key);

    if (whole != NULL || *key != '[')
        return whole != NULL ? whole : hl_value_find_path(document, key);
    while (key != NULL && *key != '\0' && document != NULL) {
        const char *step = NULL;
        key = read_step(scratch, key, &step);
        document = key != NULL ? descend(document, step) : NULL;
    }
    return document;
}

/* A number that a double cannot hold has lost digits on its way. */
static bool is_exact(const struct hl_value *value)
{
    return value->type != HL_REAL || (value->real < 9007199254740992.0 && value->real > -9007199254740992.0);
}

bool hl_source_sops(struct hl_source *source, struct hl_value **value, struct hl_error **err)
{
    const struct hl_value *wanted = hl_value_get(source->desired, "sops");
    const char *path = hl_value_get_text(wanted, "file");
    const char *key = hl_value_get_text(wanted, "key");
    const struct hl_value *document = NULL;

    const bool whole = key == NULL && strcmp(input_type(path), "binary") == 0; /* no list of values but one, which sops calls `data` */
    if (key == NULL)
        key = whole ? "data" : source->name;
    *value = NULL;
    source->hint = hl_arena_printf(source->arena, "add it: sops edit %s", path);
    source->missing = hl_arena_printf(source->arena, "'%s' has no key '%s'", path, key);
    if (!hl_sops_read(source->local->sops, path, &document, err)) {
        if ((*err)->code != HL_E_NOT_FOUND)
            return false;
        hl_error_clear(err);
        source->missing = hl_arena_printf(source->arena, "sops file '%s' does not exist", path);
        return true;
    }
    const struct hl_value *found = hl_sops_find(document, key);
    if (hl_value_is_null(found))
        return true;
    const char *text = hl_value_to_text(source->arena, found);
    if (text == NULL)
        return hl_fail(err, HL_E_FAILED, "'%s' in '%s' is a %s, not a value", key, path, hl_type_name(found->type));
    if (!is_exact(found)) {
        hl_fail(err, HL_E_FAILED, "'%s' in '%s' is a number too long to be read exactly", key, path);
        return hl_error_hint(err, "write it in quotes, as text");
    }
    const char *what = hl_arena_printf(source->arena, "'%s' in '%s'", key, path);
    const size_t stored = found->type == HL_TEXT ? found->text.length : strlen(text);
    const size_t length = whole ? hl_local_without_line_end(text, stored) : stored;
    source->missing = hl_arena_printf(source->arena, "%s is empty", what);
    return hl_source_take(source, text, length, what, value, err);
}
