/* What follows from a container's body and is not written there. Called on each decoding, the first time with other resources' values unknown. */
#include "config.h"

#include "reconcile/providers/docker/container/fields.h"

#include <string.h>

/* --- Environment --- */

static struct hl_value *part(struct hl_check *check, struct hl_value *body, const char *name)
{
    struct hl_value *map = hl_value_get(body, name);

    if (map == NULL) {
        map = hl_value_map(check->arena);
        hl_value_map_put(body, name, map);
    }
    return map;
}

/* What stands in env files is mostly secret, and nothing there says which part: all of it is treated so. */
static void take_env_file(struct hl_check *check, struct hl_value *environment, const struct hl_value *file)
{
    const char *path = hl_value_get_text(file, "path");
    struct hl_value *lines = hl_value_map(check->arena);
    struct hl_diags quiet;
    const char *text = NULL;
    const char *problem = NULL;
    size_t length = 0;
    uint32_t line = 0;

    if (path == NULL || check->read_file == NULL)
        return;
    hl_diags_init(&quiet, check->arena, "");
    if (!check->read_file(check->files, check->arena, path, file->at, hl_value_get_bool(file, "required", true) ? check->diags : &quiet, &text, &length))
        return;
    if (!hl_env_file_parse(check->arena, text, length, lines, &problem, &line)) {
        hl_diag_error(check->diags, file->at, "env file '%s', line %u: %s", path, line, problem);
        return;
    }
    /* Later files go before earlier ones. */
    for (size_t i = 0; i < hl_value_members(lines); i++)
        hl_value_map_put(environment, hl_value_key(lines, i), hl_value_mark_sensitive(hl_value_at(lines, i)));
}

/* A bare KEY takes the value of hlrec's own environment; it stays unset where that has none. */
static void fill_bare(struct hl_check *check, struct hl_value *environment)
{
    for (size_t i = 0; i < hl_value_members(environment); i++) {
        const char *key = hl_value_key(environment, i);
        struct hl_value *value = hl_value_at(environment, i);
        if (!hl_value_is_null(value))
            continue;
        struct hl_value *own = hl_check_ask(check, "env", key, NULL, value->at);
        if (own != NULL && !hl_value_is(own, HL_NULL))
            hl_value_map_put(environment, key, own);
    }
}

static void complete_environment(struct hl_check *check, struct hl_value *body)
{
    const struct hl_value *files = hl_value_get(body, "env_file");
    const struct hl_value *written = hl_value_get(body, "environment");

    if (hl_value_is(written, HL_UNKNOWN) || (files == NULL && written == NULL))
        return;
    struct hl_value *environment = hl_value_map(check->arena);
    for (size_t i = 0; i < hl_value_count(files); i++)
        take_env_file(check, environment, hl_value_item(files, i));
    for (size_t i = 0; i < hl_value_members(written); i++)
        hl_value_map_put(environment, hl_value_key(written, i), hl_value_at(written, i));
    fill_bare(check, environment);
    if (written != NULL)
        environment->at = written->at;
    hl_value_map_put(body, "environment", environment);
}

/* --- Files --- */

static struct hl_value *render(struct hl_check *check, const struct hl_value *template_path, const struct hl_value *vars)
{
    const char *text = NULL;
    size_t length = 0;

    if (hl_value_is(template_path, HL_UNKNOWN))
        return hl_value_unknown(check->arena, template_path->unknown);
    if (hl_value_is(vars, HL_UNKNOWN))
        return hl_value_unknown(check->arena, vars->unknown);
    if (!check->read_file(check->files, check->arena, template_path->text.data, template_path->at, check->diags, &text, &length))
        return NULL;
    return hl_template_render(check->arena, template_path->text.data, text, length, vars, check->scope, check->diags);
}

static struct hl_value *load(struct hl_check *check, const struct hl_value *source)
{
    const char *text = NULL;
    size_t length = 0;

    if (hl_value_is(source, HL_UNKNOWN))
        return hl_value_unknown(check->arena, source->unknown);
    if (!check->read_file(check->files, check->arena, source->text.data, source->at, check->diags, &text, &length))
        return NULL;
    return hl_value_bytes(check->arena, text, length);
}

static void complete_file(struct hl_check *check, struct hl_value *file)
{
    const struct hl_value *template_path = hl_value_get(file, "template");
    const struct hl_value *source = hl_value_get(file, "source");
    struct hl_value *content = NULL;

    if (!hl_value_is(file, HL_MAP) || hl_value_get(file, "content") != NULL || check->read_file == NULL)
        return;
    if (template_path != NULL)
        content = render(check, template_path, hl_value_get(file, "vars"));
    else if (source != NULL)
        content = load(check, source);
    if (content != NULL && content->at.line == 0)
        content->at = file->at;
    hl_value_map_put(file, "content", content);
}

/* A seccomp profile is handed to the engine as its text, as the docker command line does. */
static void complete_security(struct hl_check *check, struct hl_value *body)
{
    struct hl_value *options = hl_value_get(body, "security_opt");
    static const char seccomp[] = "seccomp=";

    for (size_t i = 0; i < hl_value_count(options); i++) {
        const struct hl_value *item = hl_value_item(options, i);
        const char *path = hl_value_is(item, HL_TEXT) && hl_starts_with(item->text.data, seccomp) ? item->text.data + strlen(seccomp) : NULL;
        const char *text = NULL;
        size_t length = 0;
        if (path == NULL || *path == '{' || strcmp(path, "unconfined") == 0 || strcmp(path, "builtin") == 0 || check->read_file == NULL)
            continue;
        if (!check->read_file(check->files, check->arena, path, item->at, check->diags, &text, &length))
            continue;
        struct hl_value *inlined = hl_value_printf(check->arena, "%s%s", seccomp, text);
        inlined->at = item->at;
        options->list.items[i] = inlined;
    }
}

/* --- Other resources --- */

/* The name that a network or volume of the spec has in Docker; its own name when the spec has none, or does not know yet. */
static const char *docker_name(struct hl_check *check, const char *kind, const char *name, struct hl_span at)
{
    const struct hl_value *found = hl_check_ask(check, kind, name, "name", at);

    return hl_value_is(found, HL_TEXT) && found->text.length > 0 ? found->text.data : name;
}

static void rename_networks(struct hl_check *check, struct hl_value *body)
{
    struct hl_value *networks = hl_value_get(body, "networks");
    bool renamed = false;

    if (!hl_value_is(networks, HL_MAP))
        return;
    struct hl_value *map = hl_value_map(check->arena);
    map->at = networks->at;
    for (size_t i = 0; i < hl_value_members(networks); i++) {
        const char *name = docker_name(check, "network", hl_value_key(networks, i), hl_value_at(networks, i)->at);
        renamed = renamed || strcmp(name, hl_value_key(networks, i)) != 0;
        hl_value_map_put(map, name, hl_value_at(networks, i));
    }
    if (renamed)
        hl_value_map_put(body, "networks", map);
}

static void rename_volumes(struct hl_check *check, struct hl_value *body)
{
    struct hl_value *volumes = hl_value_get(body, "volumes");

    for (size_t i = 0; i < hl_value_count(volumes); i++) {
        struct hl_value *volume = hl_value_item(volumes, i);
        const char *type = hl_value_get_text(volume, "type");
        const struct hl_value *source = hl_value_get(volume, "source");
        if (type == NULL || strcmp(type, "volume") != 0 || !hl_value_is(source, HL_TEXT))
            continue;
        const char *name = docker_name(check, "volume", source->text.data, source->at);
        if (strcmp(name, source->text.data) == 0)
            continue;
        struct hl_value *renamed = hl_value_text(check->arena, name);
        renamed->at = source->at;
        hl_value_map_put(volume, "source", renamed);
    }
}

/* A container that lives in another's namespace holds on to that one's id: it must follow its replacement. (Asking for
 * the id makes the dependency.) */
static void join(struct hl_check *check, struct hl_value *body, const char *field, const char *member)
{
    const struct hl_value *value = hl_value_get(body, field);
    const char *text = hl_value_is(value, HL_TEXT) ? value->text.data : "";
    const bool is_service = hl_starts_with(text, "service:");

    if (!is_service && !hl_starts_with(text, "container:"))
        return;
    const char *name = strchr(text, ':') + 1;
    struct hl_value *id = hl_check_ask(check, "container", name, "id", value->at);
    if (id == NULL && is_service && check->scope != NULL)
        hl_diag_error(check->diags, value->at, "'%s: %s': the spec has no container '%s'", field, text, name);
    if (id == NULL)
        return;
    if (!hl_value_is(id, HL_NULL))
        hl_value_map_put(part(check, body, "joins"), member, id);
}

void hl_container_complete(struct hl_check *check, struct hl_value *body)
{
    struct hl_value *files = hl_value_get(body, "files");

    if (hl_value_get(body, "container_name") == NULL)
        hl_value_map_put_text(body, "container_name", check->name);
    hl_value_map_put_text(body, "state", "running");
    hl_value_map_put_text(body, "image_state", "current");
    complete_environment(check, body);
    for (size_t i = 0; i < hl_value_count(files); i++)
        complete_file(check, hl_value_at(files, i));
    complete_security(check, body);
    rename_networks(check, body);
    rename_volumes(check, body);
    join(check, body, "network_mode", "network");
    join(check, body, "pid", "pid");
    join(check, body, "ipc", "ipc");
}
