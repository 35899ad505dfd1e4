#include "config.h"

#include "reconcile/forge/forge.h"
#include "schema/base/json.h"

#include <stdio.h>
#include <string.h>

/* Posting by itself, for tests/integration/forge_test.py:
 *
 *     forge_tool post          a post as JSON on stdin (keys as the members of struct hl_forge_post)
 *     forge_tool detect        where we are, from the environment
 *     forge_tool token FORGE   which token
 *
 * Prints a JSON object; the status is 1 when it failed. */

extern char **environ;

static void print(const struct hl_value *value)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);

    hl_json_encode(&out, value, HL_JSON_COMPACT);
    puts(hl_text_get(&out));
}

static int finish(struct hl_value *out, struct hl_error *error)
{
    hl_auto(error) struct hl_error *owned = error;
    hl_auto(heap) char *text = NULL;

    if (error != NULL) {
        text = hl_error_text(owned);
        hl_value_map_put_text(out, "error", text);
        hl_value_map_put_text(out, "code", hl_code_name(owned->code));
    }
    for (const struct hl_error *node = owned; node != NULL; node = node->cause) {
        if (node->hint != NULL && hl_value_get(out, "hint") == NULL)
            hl_value_map_put_text(out, "hint", node->hint);
        if (node->http != NULL)
            hl_value_map_put_text(out, "http", node->http);
    }
    print(out);
    return error == NULL ? 0 : 1;
}

static enum hl_forge_state state_of(const char *name)
{
    static const char *const names[] = {"none", "pending", "success", "failure", "error"};

    for (size_t i = 0; name != NULL && i < HL_COUNT(names); i++) {
        if (strcmp(names[i], name) == 0)
            return (enum hl_forge_state)i;
    }
    return HL_FORGE_NO_STATUS;
}

static int post(struct hl_arena *arena)
{
    static const char *const outcomes[] = {"not asked", "created", "updated", "outdated", "silent", "failed"};
    hl_auto(text) struct hl_text input = HL_TEXT_INIT(HL_MAX_BODY);
    struct hl_value *out = hl_value_map(arena);
    struct hl_value *in = NULL;
    struct hl_error *error = NULL;
    struct hl_forge_result result;
    char chunk[65536];
    size_t size;

    while ((size = fread(chunk, 1, sizeof(chunk), stdin)) > 0)
        hl_text_append(&input, chunk, size);
    if (!hl_json_decode(arena, hl_text_get(&input), input.length, &in, &error))
        return finish(out, error);

    struct hl_redactor *redactor = hl_redactor_new();
    const struct hl_forge_post made = {
        .forge = hl_value_get_text(in, "forge"),
        .api = hl_value_get_text(in, "api"),
        .repository = hl_value_get_text(in, "repository"),
        .pull = hl_value_get_int(in, "pull", 0),
        .token = hl_value_get_text(in, "token"),
        .author = hl_value_get_text(in, "author"),
        .ca_file = hl_value_get_text(in, "ca_file"),
        .markdown = hl_value_get_text(in, "markdown"),
        .only_update = hl_value_get_bool(in, "only_update", false),
        .head = hl_value_get_text(in, "head"),
        .state = state_of(hl_value_get_text(in, "state")),
        .description = hl_value_get_text(in, "description"),
        .context = hl_value_get_text(in, "context"),
        .target_url = hl_value_get_text(in, "target_url"),
        .fork = hl_value_get_bool(in, "fork", false),
        .timeout_ms = hl_value_get_int(in, "timeout_ms", 0),
        .redactor = redactor,
    };

    if (hl_value_get_text(in, "secret") != NULL)
        hl_redactor_add(redactor, hl_value_get_text(in, "secret"), strlen(hl_value_get_text(in, "secret")));
    if (!hl_forge_post(&made, &result, &error) && error == NULL)
        hl_value_map_put_text(out, "bug", "failed without an error");
    hl_value_map_put_text(out, "comment", outcomes[result.comment]);
    hl_value_map_put_bool(out, "status_set", result.status_set);
    hl_redactor_free(redactor);
    return finish(out, error);
}

static int detect(struct hl_arena *arena)
{
    struct hl_value *out = hl_value_map(arena);
    struct hl_error *error = NULL;
    struct hl_forge_place place;

    if (hl_forge_detect(arena, (const char *const *)environ, &place, &error)) {
        hl_value_map_put_text(out, "forge", place.forge);
        hl_value_map_put_text(out, "api", place.api);
        hl_value_map_put_text(out, "repository", place.repository);
        hl_value_map_put_int(out, "pull", place.pull);
        hl_value_map_put_text(out, "head", place.head);
        hl_value_map_put_text(out, "base", place.base);
        hl_value_map_put_text(out, "base_ref", place.base_ref);
        hl_value_map_put_bool(out, "fork", place.fork);
        hl_value_map_put_text(out, "run", place.run);
        hl_value_map_put_text(out, "run_url", place.run_url);
        hl_value_map_put_int(out, "pipeline", place.pipeline);
        hl_value_map_put_text(out, "author", place.author);
        hl_value_map_put_text(out, "summary", place.summary);
        hl_value_map_put_text(out, "ca_file", place.ca_file);
        if (place.summary != NULL)
            (void)!hl_forge_summary(&place, "### a summary\n", &error);
    }
    return finish(out, error);
}

static int token(struct hl_arena *arena, const char *forge)
{
    struct hl_value *out = hl_value_map(arena);
    struct hl_redactor *redactor = hl_redactor_new();
    struct hl_error *error = NULL;
    const char *found = NULL;

    if (hl_forge_token(arena, (const char *const *)environ, forge, redactor, &found, &error))
        hl_value_map_put_text(out, "token", found);
    if (found != NULL && error == NULL) {
        hl_auto(text) struct hl_text masked = HL_TEXT_INIT(HL_MAX_RENDER);

        hl_redact(redactor, &masked, found, strlen(found));
        hl_value_map_put_text(out, "masked", hl_text_get(&masked));
    }
    hl_redactor_free(redactor);
    return finish(out, error);
}

int main(int count, char **arguments)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    if (count == 2 && strcmp(arguments[1], "post") == 0)
        return post(arena);
    if (count == 2 && strcmp(arguments[1], "detect") == 0)
        return detect(arena);
    if (count == 3 && strcmp(arguments[1], "token") == 0)
        return token(arena, arguments[2]);
    fputs("usage: forge_tool post|detect|token FORGE\n", stderr);
    return 3;
}
