#include "config.h"

#include "reconcile/cli/commands.h"
#include "reconcile/cli/context.h"
#include "reconcile/cli/records.h"
#include "reconcile/cli/values.h"
#include "reconcile/render/layout.h"

#include <string.h>
#include <unistd.h>

static const char *address_of(struct hl_context *context, const char *name)
{
    return hl_starts_with(name, "secret.") ? name : hl_arena_printf(context->arena, "secret.%s", name);
}

/* A secret's value as it was last applied. */
static const struct hl_value *find_value(const struct hl_record *record)
{
    const struct hl_kind *kind = hl_kind_find(&hl_registry, record->kind, NULL);
    const char *output = kind != NULL && kind->output != NULL ? kind->output : "value";
    const struct hl_value *value = hl_value_get(record->live, output);

    return !hl_value_is_null(value) ? value : hl_value_get(record->desired, output);
}

/* The one way by which a secret leaves hlrec: past the redactor, as it is, without a line end unless somebody looks at it. */
static int reveal(struct hl_context *context, const struct hl_record *record)
{
    const struct hl_value *value = find_value(record);
    struct hl_error *err = NULL;

    if (!hl_value_is(value, HL_TEXT)) {
        hl_fail(&err, HL_E_NOT_FOUND, "%s has no value", record->address);
        return hl_context_fail(context, err);
    }
    (void)hl_sink_flush(&context->out);
    (void)fwrite(value->text.data, 1, value->text.length, context->out.stream);
    if (context->out.width > 0)
        (void)fputc('\n', context->out.stream);
    return HL_EXIT_OK;
}

static int show(struct hl_context *context)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    const struct hl_record *record = NULL;
    const int code = hl_record_open(context, false, address_of(context, context->arguments[0]), &record);

    if (code != HL_EXIT_OK)
        return code;
    if (hl_option_given(&context->options, HL_OPT_REVEAL))
        return reveal(context, record);
    hl_put_record(context, &out, record);
    if (record->rotate)
        hl_text_puts(&out, "a new value is asked for: the next apply makes it\n");
    hl_text_puts(&out, "--reveal prints the value\n");
    hl_sink_text(&context->out, &out);
    return HL_EXIT_OK;
}

static bool check_rotation(const struct hl_record *record, struct hl_error **err)
{
    /* What data is encrypted with must outlive the data; the state knows that even when the spec says otherwise by now. */
    if (record->holds_data) {
        hl_fail(err, HL_E_REFUSED, "%s says `rotate: never`", record->address);
        return hl_error_hint(err, "what is encrypted with it would be lost");
    }
    if (hl_value_is_null(hl_value_get(record->desired, "generate"))) {
        hl_fail(err, HL_E_REFUSED, "%s is not made by hlrec", record->address);
        return hl_error_hint(err, "change it where it comes from; the next apply takes it over");
    }
    return true;
}

static void put_users(struct hl_context *context, struct hl_text *out, const char *address)
{
    const struct hl_map *records = hl_records(context);

    for (size_t i = 0; i < records->count; i++) {
        const struct hl_record *record = records->entries[i].value;

        for (const char *const *need = record->needs; need != NULL && *need != NULL; need++) {
            if (strcmp(*need, address) == 0) {
                hl_text_puts(out, "  used by ");
                hl_put_safe(out, record->address);
                hl_text_putc(out, '\n');
            }
        }
    }
}

static int rotate(struct hl_context *context)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);
    const struct hl_record *record = NULL;
    struct hl_error *err = NULL;
    const int code = hl_record_open(context, true, address_of(context, context->arguments[0]), &record);

    if (code != HL_EXIT_OK)
        return code;
    if (!check_rotation(record, &err) || !hl_store_set_rotate(context->store, record->address, true, &err))
        return hl_context_fail(context, err);
    hl_text_printf(&out, "%s: the next `hlrec apply` makes a new value and updates what uses it\n", record->address);
    put_users(context, &out, record->address);
    if (!context->quiet)
        hl_sink_text(&context->out, &out);
    return HL_EXIT_OK;
}

const struct hl_command hl_command_secret_show = {
    .name = "secret show",
    .summary = "about a secret; its value only with --reveal",
    .usage = "[--reveal] NAME",
    .groups = HL_GROUP_STATE | HL_GROUP_SECRET,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = show,
    .help =
        "Tells where the secret comes from, when it was made and where it is written. With --reveal it prints the value and nothing else; this is the only\n"
        "command that ever prints one.\n\n"
        "  hlrec secret show DB_PASSWORD --reveal | wl-copy",
};

const struct hl_command hl_command_secret_rotate = {
    .name = "secret rotate",
    .summary = "make a new value at the next apply",
    .usage = "NAME",
    .groups = HL_GROUP_STATE | HL_GROUP_LOCK,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = rotate,
    .help = "Marks a generated secret: the next `hlrec apply` makes a new value, writes it to its destinations and updates (or replaces) what uses it. A "
            "secret with\n"
            "`rotate: never` is refused.",
};
