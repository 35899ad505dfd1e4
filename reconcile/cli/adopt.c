/* A spec for what was there before hlrec: one block for each live object without an owner, with what its system tells of it. The blocks carry `adopt: ID`, so
 * that applying them takes the objects over instead of making new ones. */
#include "config.h"

#include "reconcile/cli/commands.h"
#include "reconcile/cli/context.h"
#include "reconcile/render/layout.h"
#include "schema/base/json.h"

#include <string.h>
#include <sys/stat.h>

#define FOUND_STACK "found"

static bool is_plain_name(const char *name)
{
    return *name != '\0' && strchr("-._", *name) == NULL && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == strlen(name);
}

static void put_key(struct hl_text *out, const char *name)
{
    if (is_plain_name(name))
        hl_text_puts(out, name);
    else
        hl_json_put_string(out, name, strlen(name));
}

/* Not what nobody can write, nor what is so anyway. */
static bool is_worth_writing(struct hl_context *context, const struct hl_field *field, const struct hl_value *value)
{
    if (field->computed || field->internal || hl_value_is_null(value))
        return false;
    if ((value->type == HL_LIST || value->type == HL_MAP) && hl_value_count(value) == 0)
        return false;
    return field->required || !hl_value_equal(value, hl_field_fallback(context->arena, field));
}

/* What may be secret is left out, but for the names of its entries. */
static void put_secret_field(struct hl_text *out, const struct hl_field *field, const struct hl_value *value)
{
    hl_text_printf(out, "    # %s: ", field->name);
    for (size_t i = 0; value->type == HL_MAP && i < value->map->count; i++) {
        hl_text_puts(out, i > 0 ? ", " : "it has ");
        put_key(out, value->map->entries[i].key);
    }
    hl_text_puts(out, value->type == HL_MAP ? "; what is secret of it: " : "it is secret: ");
    hl_text_puts(out, "put it into `secrets` and refer to it\n");
}

static void put_field(struct hl_text *out, const struct hl_field *field, const struct hl_value *value)
{
    hl_auto(text) struct hl_text line = HL_TEXT_INIT(HL_MAX_RENDER);

    if (field->sensitive || hl_value_has_sensitive(value)) {
        put_secret_field(out, field, value);
        return;
    }
    hl_field_format(&line, field, value);
    hl_text_printf(out, "    %s: ", field->name);
    hl_text_append(out, hl_text_get(&line), line.length);
    hl_text_putc(out, '\n');
}

static void put_block(struct hl_context *context, struct hl_text *out, const struct hl_kind *kind, const struct hl_value *item)
{
    const struct hl_value *values = hl_value_get(item, "values");
    const char *id = hl_value_get_text(item, "id");
    const char *provider = hl_value_get_text(item, "provider");

    hl_text_puts(out, "  ");
    put_key(out, hl_value_get_text(item, "name"));
    hl_text_puts(out, ":\n");
    if (provider != NULL && strcmp(provider, kind->provider) != 0)
        hl_text_printf(out, "    provider: %s\n", provider);
    hl_text_puts(out, "    adopt: ");
    if (hl_is_blank(id))
        hl_text_puts(out, "true");
    else
        hl_json_put_string(out, id, strlen(id));
    hl_text_putc(out, '\n');
    for (const struct hl_field *field = kind->fields; field->name != NULL; field++) {
        const struct hl_value *value = hl_value_get(values, field->name);

        if (is_worth_writing(context, field, value))
            put_field(out, field, value);
        else if (field->required && hl_value_is_null(value))
            hl_text_printf(out, "    # %s: needed, and not told by the system: %s\n", field->name, field->doc);
    }
}

static bool is_wanted(const struct hl_context *context, const struct hl_value *item)
{
    const char *provider = hl_value_get_text(item, "provider");

    return hl_value_get_text(item, "name") != NULL && (context->arguments_count == 0 || (provider != NULL && strcmp(provider, context->arguments[0]) == 0));
}

/* Of one kind's objects; the section's head comes with the first. */
/* Kinds of several providers may have one name. */
static bool is_type_of(const struct hl_context *context, const struct hl_value *item, const char *type)
{
    const char *instance = hl_value_get_text(item, "provider");
    const struct hl_provider_spec *provider = instance != NULL ? hl_map_find(&context->spec->providers, instance) : NULL;

    return provider == NULL || strcmp(provider->type->name, type) == 0;
}

static size_t put_section(struct hl_context *context, struct hl_text *out, const struct hl_kind *kind, const struct hl_value *list)
{
    size_t count = 0;

    for (size_t i = 0; i < hl_value_count(list); i++) {
        const struct hl_value *item = hl_value_item(list, i);
        const char *name = hl_value_get_text(item, "kind");

        if (!is_wanted(context, item) || name == NULL || strcmp(name, kind->name) != 0 || !is_type_of(context, item, kind->provider))
            continue;
        if (count++ == 0)
            hl_text_printf(out, "%s:\n", kind->section);
        put_block(context, out, kind, item);
    }
    return count;
}

static int write_spec(struct hl_context *context, const struct hl_value *list)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    size_t count = 0;

    hl_text_printf(&out, "# Written from what is live. Read it, give the stack a name, move secrets to `secrets`; then `hlrec plan`.\nhlrec: 1\nstack: %s\n",
                   context->stack);
    for (const struct hl_kind *const *kind = hl_registry.kinds; *kind != NULL; kind++)
        count += put_section(context, &out, *kind, list);
    hl_sink_text(&context->out, &out);
    if (count == 0 && !context->quiet)
        hl_sink_puts(&context->err, "nothing was found that has no owner\n");
    return HL_EXIT_OK;
}

static int list_found(struct hl_context *context, const struct hl_value *list)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    struct hl_table table;

    hl_table_init(&table, context->arena, 3);
    for (size_t i = 0; i < hl_value_count(list); i++) {
        const struct hl_value *item = hl_value_item(list, i);

        if (is_wanted(context, item))
            hl_table_add(&table, (const char *const[]){hl_value_get_text(item, "kind"), hl_value_get_text(item, "name"), hl_value_get_text(item, "owner")});
    }
    hl_table_render(&out, &table, false, false, 0);
    hl_put_count(&out, table.rows, "object");
    hl_text_puts(&out, " without an owner; `hlrec adopt --write` writes a spec for them\n");
    hl_sink_text(&context->out, &out);
    return HL_EXIT_OK;
}

/* Before there is a spec, the systems that are at hand without settings are looked at. */
static const char *spec_of_defaults(struct hl_arena *arena)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(65536);

    hl_text_puts(&text, "hlrec: 1\nstack: " FOUND_STACK "\nproviders:\n");
    for (const struct hl_provider_type *const *type = hl_registry.providers; *type != NULL; type++) {
        if ((*type)->implicit)
            hl_text_printf(&text, "  %s: {}\n", (*type)->name);
    }
    return hl_arena_copy(arena, hl_text_get(&text), text.length);
}

/* An empty file is none: in `hlrec adopt --write >hlrec.yaml` the shell has just made it. */
static bool has_spec(void)
{
    struct stat info;

    return stat("hlrec.yaml", &info) == 0 && info.st_size > 0;
}

static int run(struct hl_context *context)
{
    struct hl_error *err = NULL;

    if (!hl_option_given(&context->options, HL_OPT_FILE) && !has_spec())
        hl_context_use_text(context, "<defaults>", spec_of_defaults(context->arena));

    int code = hl_context_load_spec(context);

    if (code == HL_EXIT_OK)
        code = hl_context_open_engine(context, false, NULL);
    if (code != HL_EXIT_OK)
        return code;

    const struct hl_value *list = hl_engine_unmanaged(context->engine, &err);

    if (list == NULL)
        return hl_context_fail(context, err);
    return hl_option_given(&context->options, HL_OPT_WRITE) ? write_spec(context, list) : list_found(context, list);
}

const struct hl_command hl_command_adopt = {
    .name = "adopt",
    .summary = "a spec written from what is live",
    .usage = "[--write] [PROVIDER]",
    .groups = HL_GROUP_SPEC | HL_GROUP_STATE | HL_GROUP_ADOPT,
    .max_arguments = 1,
    .run = run,
    .help = "Lists live objects that no stack owns; with --write it prints a spec that takes them over (`adopt: ID`). Without a spec the local Docker is "
            "looked at.\n\n"
            "  hlrec adopt --write docker > found.yaml",
};
