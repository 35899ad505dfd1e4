#include "config.h"

#include "reconcile/cli/planfile.h"

#include "reconcile/transport/files.h"
#include "schema/base/json.h"

#include <stdio.h>
#include <string.h>

enum { STRETCHING = 1 << 18 };

/* ---- the seals ---- */

static void hash_spec(struct hl_context *context, char out[HL_HASH_HEX])
{
    unsigned char key[HL_KEY_BYTES];

    hl_store_subkey(hl_engine_store(context->engine), "spec", key);
    hl_hash(key, context->text, context->length, out);
    hl_wipe(key, sizeof(key));
}

/* Without a state there is no key. What was planned is hashed with a salt then, and so often over again that trying guesses of a secret costs its price. */
static void digest_without_key(struct hl_context *context, const char *salt, const struct hl_plan *plan, char out[HL_HASH_HEX])
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_RENDER);
    char round[2 * HL_HASH_HEX];

    hl_text_puts(&text, salt);
    hl_plan_digest_text(&text, plan);
    hl_text_append(&text, context->text, context->length);
    hl_hash(NULL, hl_text_get(&text), text.length, out);
    for (int i = 0; i < STRETCHING; i++) {
        const int length = snprintf(round, sizeof(round), "%s%s", salt, out);

        hl_hash(NULL, round, (size_t)length, out);
    }
}

static const char *new_salt(struct hl_arena *arena)
{
    unsigned char bytes[16];

    hl_random(bytes, sizeof(bytes));
    return hl_hex_encode(arena, bytes, sizeof(bytes));
}

/* ---- saving ---- */

static struct hl_value *list_value(struct hl_arena *arena, const char *const *items)
{
    struct hl_value *list = hl_value_list(arena);

    for (; items != NULL && *items != NULL; items++)
        hl_value_list_add(arena, list, hl_value_text(arena, *items));
    return list;
}

static struct hl_value *options_value(struct hl_arena *arena, const struct hl_plan_options *options)
{
    struct hl_value *map = hl_value_map(arena);

    hl_value_map_put(map, "targets", list_value(arena, options->targets));
    hl_value_map_put(map, "excludes", list_value(arena, options->excludes));
    hl_value_map_put(map, "replaces", list_value(arena, options->replaces));
    hl_value_map_put_bool(map, "destroy", options->destroy);
    hl_value_map_put_bool(map, "refresh_only", options->refresh_only);
    hl_value_map_put_bool(map, "drift_only", options->drift_only);
    hl_value_map_put_bool(map, "adopt", options->adopt);
    hl_value_map_put_bool(map, "allow_destroy", options->allow_destroy);
    hl_value_map_put_int(map, "max_destroy", options->max_destroy);
    hl_value_map_put(map, "max_destroy_share", hl_value_real(arena, options->max_destroy_share));
    return map;
}

static struct hl_value *document_of(struct hl_context *context, const struct hl_plan_view *view, const struct hl_plan_options *options)
{
    const char *state_id = hl_store_id(hl_engine_store(context->engine));
    struct hl_value *map = hl_value_map(context->arena);
    char hash[HL_HASH_HEX] = "";

    hl_value_map_put_int(map, "hlrec_plan", HL_PLANFILE_VERSION);
    hl_value_map_put_text(map, "hlrec_version", PACKAGE_VERSION);
    hl_render_put_time(map, "created", hl_wall_ms());
    hl_value_map_put_text(map, "stack", context->stack);
    hl_value_map_put_text(map, "state_id", state_id);
    hl_value_map_put_int(map, "serial", view->serial);
    if (state_id[0] != '\0')
        hash_spec(context, hash);
    hl_value_map_put_text(map, "spec_hash", hash);
    if (state_id[0] != '\0') {
        hl_engine_digest(context->engine, view->plan, hash);
    } else {
        const char *salt = new_salt(context->arena);

        hl_value_map_put_text(map, "salt", salt);
        digest_without_key(context, salt, view->plan, hash);
    }
    hl_value_map_put_text(map, "digest", hash);
    hl_value_map_put(map, "options", options_value(context->arena, options));
    hl_value_map_put(map, "plan", hl_render_plan_value(context->arena, view));
    return map;
}

bool hl_planfile_save(struct hl_context *context, const char *path, const struct hl_plan_view *view, const struct hl_plan_options *options,
                      struct hl_error **err)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_PLANFILE_MOST);
    hl_auto(text) struct hl_text safe = HL_TEXT_INIT(HL_PLANFILE_MOST);

    hl_json_encode(&text, document_of(context, view, options), HL_JSON_PRETTY);
    hl_text_putc(&text, '\n');
    hl_redact(context->redactor, &safe, hl_text_get(&text), text.length);
    if (!hl_text_ok(&text) || !hl_text_ok(&safe))
        return hl_fail(err, HL_E_FAILED, "the plan is too long to be saved");

    const struct hl_file_write write = {.path = path, .data = hl_text_get(&safe), .length = safe.length, .mode = 0600};

    return hl_file_write(&write, err) || hl_wrap(err, "saving the plan");
}

/* ---- loading ---- */

bool hl_planfile_load(struct hl_context *context, const char *path, struct hl_saved_plan *out, struct hl_error **err)
{
    const char *text = NULL;
    size_t length = 0;

    if (!hl_file_read(context->arena, path, HL_PLANFILE_MOST, &text, &length, err)) {
        (*err)->code = HL_E_SPEC;
        return hl_wrap(err, "reading the plan file");
    }
    return hl_planfile_parse(context->arena, path, text, length, out, err);
}

/* ---- checking ---- */

static bool refuse(struct hl_error **err, const char *what)
{
    hl_fail(err, HL_E_REFUSED, "the plan file is stale: %s", what);
    return hl_error_hint(err, "plan again, look at it, and apply that");
}

static bool check_state(struct hl_context *context, const struct hl_saved_plan *saved, struct hl_error **err)
{
    struct hl_store *store = hl_engine_store(context->engine);

    if (strcmp(saved->stack, context->stack) != 0)
        return refuse(err, hl_arena_printf(context->arena, "it is of stack '%s', the spec of '%s'", saved->stack, context->stack));
    if (saved->state_id[0] == '\0') {
        /* There was none, so that the one made just now, by this run, must be empty. */
        if (hl_store_serial(store) != 0 || hl_engine_recorded(context->engine)->count > 0)
            return refuse(err, "there was no state when it was made, and there is one now");
        return true;
    }
    if (strcmp(saved->state_id, hl_store_id(store)) != 0)
        return refuse(err, "it was made with another state");
    if (saved->serial != hl_store_serial(store))
        return refuse(err, hl_arena_printf(context->arena, "the state has changed since (#%lld then, #%lld now)", (long long)saved->serial,
                                           (long long)hl_store_serial(store)));
    return true;
}

bool hl_planfile_check(struct hl_context *context, const struct hl_saved_plan *saved, const struct hl_plan *plan, struct hl_error **err)
{
    char hash[HL_HASH_HEX];

    if (!check_state(context, saved, err))
        return false;
    if (saved->state_id[0] == '\0') {
        digest_without_key(context, saved->salt, plan, hash);
        return strcmp(saved->digest, hash) == 0 || refuse(err, "the spec, its variables and files, or the live objects have changed since");
    }
    hash_spec(context, hash);
    if (strcmp(saved->spec_hash, hash) != 0)
        return refuse(err, "the spec has changed since");
    hl_engine_digest(context->engine, plan, hash);
    return strcmp(saved->digest, hash) == 0 || refuse(err, "the live objects (or variables, or files that the spec names) have changed since");
}
