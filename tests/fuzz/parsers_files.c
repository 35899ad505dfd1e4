#include "config.h"

#include "tests/fuzz/parsers.h"

#include "reconcile/cli/planfile.h"
#include "reconcile/forge/forge.h"
#include "reconcile/providers/docker/login.h"
#include "reconcile/providers/local/sops.h"
#include "reconcile/providers/traefik/document.h"
#include "schema/base/json.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_planfile(struct hl_arena *arena, const char *text, size_t length)
{
    struct hl_saved_plan saved = {0};
    hl_auto(error) struct hl_error *error = NULL;

    if (!hl_planfile_parse(arena, "fuzz.plan", text, length, &saved, &error)) {
        assert(error != NULL);
        return;
    }
    assert(saved.stack != NULL && saved.state_id != NULL && saved.spec_hash != NULL && saved.digest != NULL && saved.serial >= 0);
    for (const char *const *target = saved.options.targets; target != NULL && *target != NULL; target++)
        assert(strlen(*target) <= length);
}

/* The stack's file as somebody left it. Written again it is read as the same objects. */
void fuzz_traefik_file(struct hl_arena *arena, const char *text, size_t length)
{
    hl_auto(text) struct hl_text written = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    hl_auto(text) struct hl_text second = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    struct hl_document document = {0};
    struct hl_document again = {0};

    hl_document_parse(&document, arena, text, length, "fuzz", "0b1f");
    if (document.state != HL_DOCUMENT_READ) {
        assert(document.problem != NULL);
        return;
    }
    static const char *const protocols[] = {"http", "tcp", "udp"};
    for (size_t i = 0; i < HL_COUNT(protocols); i++) {
        (void)hl_document_find(&document, arena, HL_TRAEFIK_ROUTER, protocols[i], "web", true);
        (void)hl_document_find(&document, arena, HL_TRAEFIK_SERVICE, protocols[i], "web", false);
    }
    hl_document_format(&document, "fuzz", "0b1f", NULL, &written);
    if (written.length == 0 || !hl_text_ok(&written))
        return;
    hl_document_parse(&again, arena, hl_text_get(&written), written.length, "fuzz", "0b1f");
    assert(again.state == HL_DOCUMENT_READ && again.owner == HL_OWNER_US);
    hl_document_format(&again, "fuzz", "0b1f", NULL, &second);
    assert(strcmp(hl_text_get(&written), hl_text_get(&second)) == 0);
}

/* What sops printed, and below it in the first line which value is wanted. */
void fuzz_sops(struct hl_arena *arena, const char *text, size_t length)
{
    const size_t line = strcspn(text, "\n");
    const char *key = hl_arena_copy(arena, text, line);
    hl_auto(error) struct hl_error *error = NULL;
    struct hl_value *document = NULL;

    if (line < length && hl_json_decode(arena, text + line + 1, length - line - 1, &document, &error))
        (void)hl_sops_find(document, key);
}

/* What started a CI job, of which a stranger's pull request has written a part. The first byte says in whose CI. */
void fuzz_event(struct hl_arena *arena, const char *text, size_t length)
{
    static const char *const systems[] = {"GITHUB_ACTIONS=true", "GITEA_ACTIONS=true", "FORGEJO_ACTIONS=true"};
    hl_auto(error) struct hl_error *error = NULL;
    struct hl_forge_place place;
    const int file = length > 0 ? memfd_create("event", MFD_CLOEXEC) : -1;

    if (file < 0)
        return;
    const char *const environment[] = {systems[(unsigned char)text[0] % HL_COUNT(systems)],
                                       hl_arena_printf(arena, "GITHUB_EVENT_PATH=/proc/self/fd/%d", file),
                                       "GITHUB_REPOSITORY=owner/name",
                                       "GITHUB_SERVER_URL=https://git.example.org/",
                                       "GITHUB_RUN_ID=7",
                                       NULL};
    const bool written = write(file, text + 1, length - 1) == (ssize_t)(length - 1);
    if (!written || !hl_forge_detect(arena, environment, &place, &error))
        assert(!written || (error != NULL && error->code == HL_E_SPEC));
    else
        assert((place.head == NULL || strlen(place.head) >= 40) && (place.base == NULL || strlen(place.base) >= 40));
    close(file);
}

/* ~/.docker/config.json. A login is one word, for a header. */
void fuzz_docker_config(struct hl_arena *arena, const char *text, size_t length)
{
    static const char *const domains[] = {"docker.io", "ghcr.io", "registry.example.org:5000"};
    const struct hl_run run = {.preview = false};
    struct hl_docker docker = {.run = &run, .arena = arena, .config_read = true, .lock = PTHREAD_MUTEX_INITIALIZER};
    hl_auto(error) struct hl_error *error = NULL;

    if (!hl_json_decode(arena, text, length, &docker.config, &error))
        return;
    for (size_t i = 0; i < HL_COUNT(domains); i++) {
        const struct hl_image_name name = {.domain = domains[i], .path = "a/b", .tag = "1"};
        const char *login = hl_docker_login(&docker, arena, &name);
        assert(login == NULL || (*login != '\0' && strpbrk(login, " \r\n\t") == NULL));
    }
}
