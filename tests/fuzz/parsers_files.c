#include "config.h"

#include "tests/fuzz/parsers.h"

#include "reconcile/cli/planfile.h"
#include "reconcile/providers/local/sops.h"
#include "reconcile/providers/traefik/document.h"
#include "reconcile/transport/git_internal.h"
#include "schema/base/json.h"

#include <assert.h>
#include <string.h>

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

void fuzz_known_hosts(struct hl_arena *arena, const char *text, size_t length)
{
    static const unsigned char key[] = {0, 0, 0, 11, 's', 's', 'h', '-', 'e', 'd', '2', '5', '5', '1', '9', 0, 0, 0, 1, 7};

    for (int port = 22; port <= 2222; port += 2200) {
        struct hl_git_host_search search = {.host = "git.example.org", .port = port, .key = key, .key_length = sizeof key};
        hl_git_hosts_search(arena, text, length, &search);
        assert(search.verdict <= HL_GIT_HOST_REVOKED && (search.verdict != HL_GIT_HOST_KNOWN || search.line > 0));
    }
}

void fuzz_private_key(struct hl_arena *arena, const char *text, size_t length)
{
    const struct hl_git_key_facts facts = hl_git_key_look(arena, text, length);

    assert(facts.is_key || (!facts.encrypted && !facts.rsa));
    (void)facts;
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
