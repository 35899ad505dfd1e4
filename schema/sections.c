#include "config.h"

#include "schema/sections.h"

#include "schema/window.h"

#include <assert.h>
#include <string.h>

static void check_max_destroy(struct hl_check *check, const struct hl_value *value)
{
    int64_t number;
    double share;

    if (!hl_parse_max_destroy(value->text.data, &number, &share))
        hl_diag_error(check->diags, value->at, "'max_destroy' must be a number like 5 or a share like 30%%, found '%s'", value->text.data);
}

static void check_window(struct hl_check *check, const struct hl_value *list)
{
    struct hl_window window;

    for (size_t i = 0; i < hl_value_count(list); i++) {
        const struct hl_value *item = hl_value_item(list, i);

        if (hl_value_is(item, HL_TEXT) && !hl_window_parse(item->text.data, &window))
            hl_diag_hint(check->diags,
                         hl_diag_error(check->diags, item->at, "'window' wants days and hours such as 'Mon-Fri 22:00-06:00', found '%s'", item->text.data),
                         "days: Mon to Sun, ranges, lists with commas, or `*`; hours: HH:MM-HH:MM, or `*`");
    }
}

static struct hl_value *removal_of_address(struct hl_arena *arena, const char *text, const char **problem)
{
    struct hl_value *removal = hl_value_map(arena);

    (void)problem;
    hl_value_map_put_text(removal, "address", text);
    return removal;
}

static const char *const replace_orders[] = {"create-first", "delete-first", NULL};

const struct hl_field hl_common_fields[] = {
    {.name = "provider",
     .type = HL_F_STRING,
     .doc = "the provider instance that has it; default: the one named like its type, or the only one",
     .example = "nas"},
    {.name = "when",
     .type = HL_F_ANY,
     .doc = "it exists only while this holds: false, null, \"\", \"false\" and \"0\" do not",
     .example = "${secret.NB_PROXY_TOKEN}"},
    {.name = "needs",
     .type = HL_F_LIST,
     .item = HL_F_STRING,
     .forms = HL_FORM_SINGLE,
     .doc = "addresses of resources that must be in place first",
     .example = "[container.db]"},
    {.name = "protect", .type = HL_F_BOOL, .doc = "true refuses to delete or replace it; false lets a kind that holds data go", .example = "true"},
    {.name = "ignore", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_SINGLE, .doc = "fields whose live value is left alone", .example = "[labels]"},
    {.name = "adopt", .type = HL_F_ANY, .doc = "take over the live object of this name (true), or the one with this ID", .example = "true"},
    {.name = "replace", .type = HL_F_STRING, .allowed = replace_orders, .doc = "which comes first when it has to be replaced", .example = "create-first"},
    {.name = "timeout", .type = HL_F_DURATION, .doc = "time limit of one action on it", .example = "5m"},
    {.name = "description", .type = HL_F_STRING, .doc = "a note for people; some systems show it"},
    {.name = NULL},
};

const struct hl_field hl_variable_fields[] = {
    {.name = "default", .type = HL_F_ANY, .doc = "the value when none is given; may use ${env.NAME}", .example = "example.org"},
    {.name = "description", .type = HL_F_STRING, .doc = "what it is for"},
    {.name = "sensitive", .type = HL_F_BOOL, .fallback = "false", .doc = "never show the value"},
    {.name = "required", .type = HL_F_BOOL, .fallback = "false", .doc = "a value must be given with --var or --var-file"},
    {.name = NULL},
};

const struct hl_field hl_output_fields[] = {
    {.name = "value", .type = HL_F_ANY, .required = true, .doc = "what `hlrec output` prints", .example = "https://netbird.${var.domain}"},
    {.name = "sensitive", .type = HL_F_BOOL, .fallback = "false", .doc = "never show the value"},
    {.name = "description", .type = HL_F_STRING, .doc = "what it is"},
    {.name = NULL},
};

const struct hl_field hl_provider_fields[] = {
    {.name = "type", .type = HL_F_STRING, .doc = "the kind of system; default: the instance's name", .example = "docker"},
    {.name = "needs",
     .type = HL_F_LIST,
     .item = HL_F_STRING,
     .forms = HL_FORM_SINGLE,
     .doc = "addresses of resources that must be in place before the system can be reached",
     .example = "[container.netbird-server]"},
    {.name = "parallel", .type = HL_F_INT, .minimum = 1, .maximum = 1000, .doc = "actions at once on this system", .example = "4"},
    {.name = NULL},
};

static const struct hl_field moved_fields[] = {
    {.name = "from", .type = HL_F_STRING, .required = true, .doc = "the address that the state knows", .example = "container.nb"},
    {.name = "to", .type = HL_F_STRING, .required = true, .doc = "the address in this spec", .example = "container.netbird-server"},
    {.name = NULL},
};

static const struct hl_field removed_fields[] = {
    {.name = "address", .type = HL_F_STRING, .required = true, .doc = "the address that the state knows", .example = "route.old"},
    {.name = "destroy", .type = HL_F_BOOL, .fallback = "true", .doc = "false forgets the object and leaves it where it is", .example = "false"},
    {.name = NULL},
};

static const struct hl_field settings_fields[] = {
    {.name = "max_destroy",
     .type = HL_F_STRING,
     .check = check_max_destroy,
     .doc = "refuse a plan that deletes more: a number, or a share of all resources",
     .example = "5"},
    {.name = "timeout", .type = HL_F_DURATION, .doc = "time limit of one action", .example = "5m"},
    {.name = "parallel", .type = HL_F_INT, .minimum = 1, .maximum = 1000, .fallback = "10", .doc = "actions at once"},
    {.name = "window",
     .type = HL_F_LIST,
     .item = HL_F_STRING,
     .forms = HL_FORM_SINGLE,
     .check = check_window,
     .doc = "when drift may be corrected without anybody who looks on (`apply --yes`, `apply --drift-only`), in local time: days, then hours or `*`; past "
            "midnight "
            "belongs to the day that it began on; changes of the spec are applied at any time",
     .example = "[\"Mon-Fri 22:00-06:00\", \"Sat,Sun *\"]"},
    {.name = "history", .type = HL_F_INT, .minimum = 1, .maximum = 1000000, .doc = "runs that the state remembers", .example = "500"},
    {.name = NULL},
};

const struct hl_field hl_top_fields[] = {
    {.name = "hlrec", .type = HL_F_INT, .required = true, .doc = "format of the spec: 1", .example = "1"},
    {.name = "stack",
     .type = HL_F_STRING,
     .required = true,
     .doc = "name of the whole; it marks what hlrec owns: a letter, then up to 39 of a-z, 0-9 and '-'",
     .example = "bifrost"},
    {.name = "variables",
     .type = HL_F_MAP,
     .item = HL_F_OBJECT,
     .fields = hl_variable_fields,
     .doc = "values to use as ${var.NAME}: a default, or a mapping that says more",
     .example = "{domain: example.org}"},
    {.name = "providers", .type = HL_F_MAP, .item = HL_F_OBJECT, .fields = hl_provider_fields, .doc = "the systems, and how to reach them"},
    {.name = "outputs", .type = HL_F_MAP, .item = HL_F_OBJECT, .fields = hl_output_fields, .doc = "values that `hlrec output` prints"},
    {.name = "moved", .type = HL_F_LIST, .item = HL_F_OBJECT, .fields = moved_fields, .doc = "resources that have a new address"},
    {.name = "removed",
     .type = HL_F_LIST,
     .item = HL_F_OBJECT,
     .fields = removed_fields,
     .shorthand = removal_of_address,
     .doc = "resources that are no longer in the spec, and what becomes of them"},
    {.name = "settings", .type = HL_F_OBJECT, .fields = settings_fields, .doc = "how runs of this stack behave"},
    {.name = NULL},
};

const struct hl_field *hl_top_field_get(const char *name)
{
    const struct hl_field *field = hl_field_find(hl_top_fields, name, false);

    assert(field != NULL);
    return field;
}

bool hl_parse_max_destroy(const char *text, int64_t *number, double *share)
{
    size_t length = strlen(text);
    char digits[8];

    *number = -1;
    *share = -1;
    if (length == 0 || text[length - 1] != '%')
        return hl_parse_int(text, 0, INT32_MAX, number);
    if (length > sizeof(digits))
        return false;
    memcpy(digits, text, length - 1);
    digits[length - 1] = '\0';
    if (!hl_parse_int(digits, 0, 100, number))
        return false;
    *share = (double)*number / 100;
    *number = -1;
    return true;
}
