/* Findings about what the spec says of a container: single fields first, what spans several at the end. */
#include "config.h"

#include "reconcile/providers/docker/container/fields.h"

#include "reconcile/providers/docker/image_name.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

static const char *text_of(const struct hl_value *value)
{
    return hl_value_is(value, HL_TEXT) ? value->text.data : NULL;
}

static bool is_said(const struct hl_value *value)
{
    return !hl_value_is_null(value) && !(hl_value_is(value, HL_TEXT) && value->text.length == 0);
}

void hl_check_image(struct hl_check *check, const struct hl_value *value)
{
    struct hl_image_name name;
    const char *problem = NULL;
    const char *text = text_of(value);

    if (text != NULL && !value->sensitive && !hl_image_name_parse(check->arena, text, &name, &problem))
        hl_diag_hint(check->diags, hl_diag_error(check->diags, value->at, "'%s' is no image reference", text), "%s", problem);
}

/* --- Files --- */

static void check_file(struct hl_check *check, const char *path, const struct hl_value *file)
{
    size_t origins = 0;

    if (!hl_value_is(file, HL_MAP))
        return;
    if (path[0] != '/' || strstr(path, "/../") != NULL || hl_ends_with(path, "/") || hl_ends_with(path, "/.."))
        hl_diag_error(check->diags, file->at, "'%s' must be the absolute path of a file in the container", path);
    origins += hl_value_get(file, "content") != NULL;
    origins += hl_value_get(file, "template") != NULL;
    origins += hl_value_get(file, "source") != NULL;
    if (origins != 1)
        hl_diag_error(check->diags, file->at, "file '%s' needs exactly one of content, template and source", path);
    if (hl_value_get(file, "vars") != NULL && hl_value_get(file, "template") == NULL)
        hl_diag_error(check->diags, file->at, "file '%s' has `vars` and no `template` to fill in", path);
}

void hl_check_files(struct hl_check *check, const struct hl_value *value)
{
    for (size_t i = 0; i < hl_value_members(value); i++)
        check_file(check, hl_value_key(value, i), hl_value_at(value, i));
}

/* --- Mounts --- */

static void check_volume(struct hl_check *check, const struct hl_value *volume)
{
    const char *type = hl_value_get_text(volume, "type");
    const char *target = hl_value_get_text(volume, "target");
    const struct hl_value *source = hl_value_get(volume, "source");

    if (target != NULL && target[0] != '/')
        hl_diag_error(check->diags, volume->at, "the target '%s' must be an absolute path in the container", target);
    if (type == NULL)
        return;
    if (strcmp(type, "bind") == 0 && !is_said(source))
        hl_diag_error(check->diags, volume->at, "a bind mount needs a `source`, a path of the host");
    if (strcmp(type, "bind") == 0 && text_of(source) != NULL && !hl_short_is_path(text_of(source)))
        hl_diag_hint(check->diags, hl_diag_error(check->diags, volume->at, "the source '%s' of a bind mount must be a path", text_of(source)),
                     "write ./%s, or `type: volume`", text_of(source));
    if (strcmp(type, "volume") == 0 && text_of(source) != NULL && hl_short_is_path(text_of(source)))
        hl_diag_hint(check->diags, hl_diag_error(check->diags, volume->at, "'%s' is no name of a volume", text_of(source)), "write `type: bind` for a path");
    if (strcmp(type, "tmpfs") == 0 && is_said(source))
        hl_diag_error(check->diags, volume->at, "a tmpfs has no `source`");
}

void hl_check_volumes(struct hl_check *check, const struct hl_value *value)
{
    for (size_t i = 0; i < hl_value_count(value); i++)
        check_volume(check, hl_value_item(value, i));
}

/* --- Ports --- */

static void check_host_ip(struct hl_check *check, const struct hl_value *port)
{
    unsigned char address[sizeof(struct in6_addr)];
    const char *text = hl_value_get_text(port, "host_ip");

    if (hl_is_blank(text) || inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1)
        return;

    struct hl_diag *diag = hl_diag_error(check->diags, port->at, "'%s' is no address of the host", text);

    if (strcmp(text, "localhost") == 0)
        hl_diag_hint(check->diags, diag, "write 127.0.0.1: Docker takes no names");
}

void hl_check_ports(struct hl_check *check, const struct hl_value *value)
{
    for (size_t i = 0; i < hl_value_count(value); i++)
        check_host_ip(check, hl_value_item(value, i));
}

/* --- Scalars --- */

void hl_check_test(struct hl_check *check, const struct hl_value *value)
{
    const char *first = text_of(hl_value_item(value, 0));

    if (first == NULL || strcmp(first, "CMD") == 0 || strcmp(first, "CMD-SHELL") == 0 || strcmp(first, "NONE") == 0)
        return;
    hl_diag_hint(check->diags, hl_diag_error(check->diags, value->at, "the list of a health check's test must begin with CMD, CMD-SHELL or NONE"),
                 "[CMD, program, argument], or a text that runs in a shell");
}

void hl_check_restart(struct hl_check *check, const struct hl_value *value)
{
    static const char *const plain[] = {"no", "always", "unless-stopped", "on-failure"};
    const char *text = text_of(value);
    int64_t count = 0;

    for (size_t i = 0; text != NULL && i < HL_COUNT(plain); i++) {
        if (strcmp(text, plain[i]) == 0)
            return;
    }
    if (text == NULL || (hl_starts_with(text, "on-failure:") && hl_parse_int(text + 11, 0, 1000000, &count)))
        return;
    struct hl_diag *diag =
        hl_diag_error(check->diags, value->at, "'restart' must be no, always, unless-stopped, on-failure or on-failure:COUNT, found '%s'", text);
    hl_diag_suggest(check->diags, diag, text, plain, HL_COUNT(plain));
}

void hl_check_swap(struct hl_check *check, const struct hl_value *value)
{
    const char *text = text_of(value);
    int64_t bytes = 0;

    if (text != NULL && strcmp(text, "-1") != 0 && !hl_parse_size(text, &bytes))
        hl_diag_error(check->diags, value->at, "'memswap_limit' must be a size like 512m, or -1 for no limit");
}

void hl_check_cpus(struct hl_check *check, const struct hl_value *value)
{
    const double cpus = hl_value_is(value, HL_INT) ? (double)value->integer : value->real;

    if (!(cpus > 0 && cpus <= HL_MOST_CPUS))
        hl_diag_error(check->diags, value->at, "'cpus' must be more than 0");
}

void hl_check_mode(struct hl_check *check, const struct hl_value *value)
{
    const char *text = text_of(value);

    if (text != NULL && (strlen(text) != 4 || strspn(text, "01234567") != 4))
        hl_diag_error(check->diags, value->at, "permissions are octal digits like \"0644\", found '%s'", text);
}

static bool is_container_name(const char *name)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    static const char others[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

    return strlen(name) >= 2 && strchr(first, name[0]) != NULL && strspn(name, others) == strlen(name);
}

void hl_check_container_name(struct hl_check *check, const struct hl_value *value)
{
    const char *text = text_of(value);

    if (text != NULL && !is_container_name(text))
        hl_diag_error(check->diags, value->at, "'%s' is no name for a container: two or more letters, digits, '_', '.', '-', the first a letter or digit",
                      text);
}

void hl_check_expose(struct hl_check *check, const struct hl_value *value)
{
    for (size_t i = 0; i < hl_value_count(value); i++) {
        const struct hl_value *item = hl_value_item(value, i);
        int64_t first = 0, last = 0;
        const char *protocol = NULL;
        const char *problem = NULL;
        if (text_of(item) != NULL && !hl_short_port_range(check->arena, text_of(item), &first, &last, &protocol, &problem))
            hl_diag_error(check->diags, item->at, "'expose': %s", problem);
    }
}

static void check_ip(struct hl_check *check, const struct hl_value *value, int family, const char *what)
{
    unsigned char address[sizeof(struct in6_addr)];
    const char *text = text_of(value);

    if (text != NULL && *text != '\0' && inet_pton(family, text, address) != 1)
        hl_diag_error(check->diags, value->at, "'%s' is no %s address", text, what);
}

void hl_check_ip4(struct hl_check *check, const struct hl_value *value)
{
    check_ip(check, value, AF_INET, "IPv4");
}

void hl_check_ip6(struct hl_check *check, const struct hl_value *value)
{
    check_ip(check, value, AF_INET6, "IPv6");
}

void hl_check_extra_hosts(struct hl_check *check, const struct hl_value *value)
{
    for (size_t i = 0; i < hl_value_members(value); i++) {
        const struct hl_value *address = hl_value_at(value, i);
        if (hl_value_is_null(address) || (text_of(address) != NULL && *text_of(address) == '\0'))
            hl_diag_error(check->diags, address != NULL ? address->at : value->at, "host '%s' has no address: write name:address", hl_value_key(value, i));
    }
}

/* --- Across fields --- */

static void check_unsupported(struct hl_check *check, const struct hl_value *body)
{
    for (const struct hl_field *field = hl_container_fields; field->name != NULL; field++) {
        const struct hl_value *value = hl_value_get(body, field->name);
        if (value != NULL && hl_starts_with(field->doc, HL_UNSUPPORTED))
            hl_diag_hint(check->diags, hl_diag_error(check->diags, value->at, "compose's '%s' is not supported in container '%s'", field->name, check->name),
                         "%s", field->doc + strlen(HL_UNSUPPORTED));
    }
}

static void check_networks(struct hl_check *check, const struct hl_value *body)
{
    const struct hl_value *networks = hl_value_get(body, "networks");
    const struct hl_value *ports = hl_value_get(body, "ports");
    const struct hl_value *mode_value = hl_value_get(body, "network_mode");
    const char *mode = text_of(mode_value);

    if (mode == NULL)
        return;
    const bool shares = hl_starts_with(mode, "container:") || hl_starts_with(mode, "service:");
    if (hl_value_count(networks) > 0)
        hl_diag_error(check->diags, mode_value->at, "'network_mode' and 'networks' exclude each other");
    else if (!shares && strcmp(mode, "host") != 0 && strcmp(mode, "none") != 0 && strcmp(mode, "bridge") != 0 && strcmp(mode, "default") != 0)
        hl_diag_hint(check->diags, hl_diag_error(check->diags, mode_value->at, "'network_mode' must be host, none, bridge, service:NAME or container:NAME"),
                     "to be in network '%s' write `networks: [%s]`", mode, mode);
    if (hl_value_count(ports) == 0)
        return;
    if (shares)
        hl_diag_error(check->diags, ports->at, "'ports' belong to the container whose network is shared (%s)", mode);
    else if (strcmp(mode, "host") == 0 || strcmp(mode, "none") == 0)
        hl_diag_warning(check->diags, ports->at, "'ports' have no effect with 'network_mode: %s'", mode);
}

static bool is_below(const char *path, const char *folder)
{
    const size_t length = strlen(folder);

    return strncmp(path, folder, length) == 0 && (path[length] == '/' || (length > 0 && folder[length - 1] == '/'));
}

/* The mount that a path lies in: the longest target. */
static const struct hl_value *mount_of(const struct hl_value *body, const char *path)
{
    const struct hl_value *volumes = hl_value_get(body, "volumes");
    const struct hl_value *found = NULL;
    size_t longest = 0;

    for (size_t i = 0; i < hl_value_count(volumes); i++) {
        const char *target = hl_value_get_text(hl_value_item(volumes, i), "target");
        if (target != NULL && is_below(path, target) && strlen(target) > longest) {
            longest = strlen(target);
            found = hl_value_item(volumes, i);
        }
    }
    return found;
}

static bool is_in_tmpfs(const struct hl_value *body, const char *path, const struct hl_value *mount)
{
    const struct hl_value *tmpfs = hl_value_get(body, "tmpfs");
    const char *type = hl_value_get_text(mount, "type");

    for (size_t i = 0; i < hl_value_count(tmpfs); i++) {
        const char *text = text_of(hl_value_item(tmpfs, i));
        const size_t length = text != NULL ? strcspn(text, ":") : 0;
        if (length > 0 && strncmp(path, text, length) == 0 && path[length] == '/')
            return true;
    }
    return type != NULL && strcmp(type, "tmpfs") == 0;
}

/* Files are put in before the start: a read-only file system refuses them, and a tmpfs is laid over them later. */
static void check_file_places(struct hl_check *check, const struct hl_value *body)
{
    const struct hl_value *files = hl_value_get(body, "files");
    const bool read_only = hl_value_get_bool(body, "read_only", false);

    for (size_t i = 0; i < hl_value_members(files); i++) {
        const char *path = hl_value_key(files, i);
        const struct hl_value *file = hl_value_at(files, i);
        const struct hl_value *mount = mount_of(body, path);
        if (is_in_tmpfs(body, path, mount))
            hl_diag_error(check->diags, file->at, "file '%s' would be hidden by the tmpfs above it", path);
        else if (mount != NULL && hl_value_get_bool(mount, "read_only", false))
            hl_diag_error(check->diags, file->at, "file '%s' lies in a mount that is read-only", path);
        else if (mount == NULL && read_only)
            hl_diag_hint(check->diags, hl_diag_error(check->diags, file->at, "file '%s' cannot be put into a container with 'read_only: true'", path),
                         "put it into a volume, or mount it from the host");
    }
}

static void check_memory(struct hl_check *check, const struct hl_value *body)
{
    const struct hl_value *swap = hl_value_get(body, "memswap_limit");
    const struct hl_value *memory = hl_value_get(body, "mem_limit");
    int64_t bytes = 0;

    if (text_of(swap) == NULL)
        return;
    if (memory == NULL)
        hl_diag_error(check->diags, swap->at, "'memswap_limit' needs 'mem_limit'");
    else if (hl_value_is(memory, HL_INT) && hl_parse_size(text_of(swap), &bytes) && bytes < memory->integer)
        hl_diag_error(check->diags, swap->at, "'memswap_limit' is memory and swap together: it must not be less than 'mem_limit'");
}

/* compose writes `$$` for a dollar sign; here `$` stands for itself, and a program would get both. A `$$` of a shell, its number, has no word behind it. */
static bool has_doubled_dollar(const char *text)
{
    for (const char *at = strstr(text, "$$"); at != NULL; at = strstr(at + 1, "$$"))
        if (isalnum((unsigned char)at[2]) || at[2] == '_' || at[2] == '(')
            return true;
    return false;
}

static void check_dollars(struct hl_check *check, const struct hl_value *value, const char *field)
{
    for (size_t i = 0; i < hl_value_members(value); i++)
        check_dollars(check, hl_value_at(value, i), field);
    for (size_t i = 0; hl_value_is(value, HL_LIST) && i < hl_value_count(value); i++)
        check_dollars(check, hl_value_item(value, i), field);
    if (text_of(value) != NULL && !value->sensitive && has_doubled_dollar(text_of(value)))
        hl_diag_hint(check->diags, hl_diag_warning(check->diags, value->at, "'$$' in '%s' of container '%s' stays as it is", field, check->name),
                     "compose's `$$` is a single `$` here");
}

static void check_texts(struct hl_check *check, const struct hl_value *body)
{
    static const char *const fields[] = {"command", "entrypoint", "environment", "healthcheck", "labels"};

    for (size_t i = 0; i < HL_COUNT(fields); i++)
        check_dollars(check, hl_value_get(body, fields[i]), fields[i]);
}

void hl_container_check(struct hl_check *check, const struct hl_value *body)
{
    check_texts(check, body);
    check_unsupported(check, body);
    check_networks(check, body);
    check_file_places(check, body);
    check_memory(check, body);
    if (hl_value_get(body, "container_name") == NULL && check->name != NULL && strlen(check->name) < 2)
        hl_diag_hint(check->diags, hl_diag_error(check->diags, body->at, "Docker takes no name of one letter for container '%s'", check->name),
                     "give it a longer name, or a `container_name`");
}
