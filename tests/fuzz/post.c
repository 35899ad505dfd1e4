#include "config.h"

#include "tests/fuzz/post.h"

#include "reconcile/forge/forge.h"

#include <assert.h>
#include <string.h>

#define HEAD "1111111111111111111111111111111111111111"

static void post_to(const char *forge, const atomic_int *interrupts)
{
    struct hl_redactor *redactor = hl_redactor_new();
    const struct hl_forge_post post = {
        .forge = forge,
        .api = "http://127.0.0.1:1",
        .repository = "owner/name",
        .pull = 7,
        .token = "lab-user",
        .markdown = "<!-- hlrec:v1 stack=fuzz target=default -->\n<!-- hlrec:run head=" HEAD " order=1000 run=x -->\n# Plan\n",
        .head = HEAD,
        .state = HL_FORGE_SUCCESS,
        .description = "1 to create",
        .context = "hlrec/fuzz",
        .pipeline = strcmp(forge, "gitlab") == 0 ? 9 : 0,
        .timeout_ms = 60 * 1000,
        .redactor = redactor,
        .interrupts = interrupts,
    };
    hl_auto(error) struct hl_error *error = NULL;
    struct hl_forge_result result;

    hl_redactor_add(redactor, post.token, strlen(post.token));
    const bool ok = hl_forge_post(&post, &result, &error);
    assert(ok == (error == NULL) && result.comment <= HL_FORGE_FAILED);
    (void)ok;
    hl_redactor_free(redactor);
}

bool post_run(const char *name, const atomic_int *interrupts)
{
    for (const char *const *forge = hl_forge_names; *forge != NULL; forge++) {
        if (strcmp(*forge, name) == 0) {
            post_to(*forge, interrupts);
            return true;
        }
    }
    return false;
}
