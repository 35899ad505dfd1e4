#include "config.h"

#include "tests/unit/docker/world.h"

#include "tests/unit/docker/tests.h"

#include "schema/base/json.h"

#include <stdio.h>
#include <string.h>

static int differing;

static const char *const environment[] = {"OWN=mine", NULL};

static const struct {
    const char *path, *text;
} files[] = {
    {"app.env", "# settings\nA=1\nexport B=\"two words\" # said\nC='$x'\nOWN\nEMPTY=\n"},
    {"bad.env", "A=1\nno equals\n"},
    {"app.conf", "name ${NAME}, ${OTHER}\n"},
    {"plain.txt", "plain ${NAME}\n"},
};

static bool read_file(void *context, struct hl_arena *arena, const char *path, const char **text, size_t *length, struct hl_error **err)
{
    (void)context;
    for (size_t i = 0; i < HL_COUNT(files); i++) {
        if (strcmp(files[i].path, path) != 0)
            continue;
        *text = hl_arena_strdup(arena, files[i].text);
        *length = strlen(files[i].text);
        return true;
    }
    return hl_fail(err, HL_E_NOT_FOUND, "'%s': no such file", path);
}

/* What other resources give: their names as the spec says them; the id of `vpn`. */
static struct hl_value *find_output(void *context, struct hl_arena *arena, const char *address, const char *output)
{
    (void)context;
    if (strcmp(output, "name") == 0 && strcmp(address, "network.back") == 0)
        return hl_value_text(arena, "proj_back");
    if (strcmp(output, "name") == 0 && strcmp(address, "volume.data") == 0)
        return hl_value_text(arena, "proj_data");
    if (strcmp(output, "id") == 0 && strcmp(address, "container.vpn") == 0)
        return hl_value_text(arena, "f00df00df00d");
    if (strcmp(output, "value") == 0)
        return hl_value_mark_sensitive(hl_value_text(arena, "s3cret-value"));
    return hl_value_unknown(arena, address);
}

static const char *text_of(struct hl_arena *arena, const struct hl_diags *diags)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(1 << 20);

    for (size_t i = 0; i < diags->count; i++) {
        hl_text_puts(&text, diags->items[i].message);
        if (diags->items[i].hint != NULL)
            hl_text_printf(&text, " (%s)", diags->items[i].hint);
        hl_text_putc(&text, '\n');
    }
    return hl_arena_strdup(arena, hl_text_get(&text));
}

struct hl_value *hl_body(struct hl_arena *arena, const char *kind, const char *yaml, const char **findings)
{
    static const struct hl_files all_files = {.read = read_file};
    static const struct hl_outputs outputs = {.find = find_output};
    const bool is_container = strcmp(kind, "container") == 0;
    const char *name = is_container ? "web" : "it";
    const char *text =
        hl_arena_printf(arena,
                        "hlrec: 1\nstack: test\nsecrets: {PW: {generate: {bytes: 16}}}\nnetworks: {back: {name: proj_back}%s%s}\n"
                        "volumes: {data: {name: proj_data}%s%s}\ncontainers:\n  vpn: {image: vpn}\n%s%s\n",
                        strcmp(kind, "network") == 0 ? ", it: " : "", strcmp(kind, "network") == 0 ? yaml : "", strcmp(kind, "volume") == 0 ? ", it: " : "",
                        strcmp(kind, "volume") == 0 ? yaml : "", is_container ? "  web: " : "", is_container ? yaml : "");
    const struct hl_spec_source source = {.file = "spec.yaml", .text = text, .length = strlen(text), .files = &all_files, .environment = environment};
    struct hl_diags diags;

    hl_diags_init(&diags, arena, "spec.yaml");
    const struct hl_spec *spec = hl_spec_load(arena, &hl_registry, &source, &diags);
    struct hl_value *body = NULL;
    if (spec != NULL)
        body = hl_spec_decode(spec, hl_spec_find(spec, hl_arena_printf(arena, "%s.%s", kind, name)), arena, &outputs, &diags);
    if (findings != NULL) {
        *findings = text_of(arena, &diags);
        return body;
    }
    if (diags.count > 0)
        fail_msg("%s: %s", yaml, text_of(arena, &diags));
    return body;
}

struct hl_value *hl_parse(struct hl_arena *arena, const char *json)
{
    struct hl_error *err = NULL;
    struct hl_value *value = NULL;

    if (!hl_json_decode(arena, json, strlen(json), &value, &err))
        fail_msg("%s: %s", err->message, json);
    return value;
}

/* A copy in which what JSON cannot say is text. */
static struct hl_value *spelled_out(struct hl_arena *arena, const struct hl_value *value)
{
    struct hl_value *copy;

    if (value == NULL)
        return hl_value_null(arena);
    if (value->type == HL_UNKNOWN)
        return hl_value_printf(arena, "?%s", value->unknown);
    if (value->type == HL_TEXT && value->sensitive)
        return hl_value_printf(arena, "!%s", value->text.data);
    if (value->type == HL_LIST) {
        copy = hl_value_list(arena);
        for (size_t i = 0; i < hl_value_count(value); i++)
            hl_value_list_add(arena, copy, spelled_out(arena, hl_value_item(value, i)));
        return copy;
    }
    if (value->type == HL_MAP) {
        copy = hl_value_map(arena);
        for (size_t i = 0; i < hl_value_count(value); i++)
            hl_value_map_put(copy, hl_value_key(value, i), spelled_out(arena, hl_value_at(value, i)));
        return copy;
    }
    return hl_value_copy(arena, value);
}

const char *hl_shown(struct hl_arena *arena, const struct hl_value *value)
{
    hl_auto(text) struct hl_text json = HL_TEXT_INIT(1 << 20);

    hl_json_encode(&json, spelled_out(arena, value), HL_JSON_CANONICAL);
    return hl_arena_strdup(arena, hl_text_get(&json));
}

void hl_expect_text(const char *label, const char *expected, const char *actual)
{
    if (strcmp(expected, actual) == 0)
        return;
    differing++;
    print_error("%s:\n  expected %s\n  found    %s\n", label, expected, actual);
}

void hl_expect_end(void)
{
    const int count = differing;

    differing = 0;
    if (count > 0)
        fail_msg("%d rows differ", count);
}
