/* Short forms: what compose lets people write as one text. */
#include "config.h"

#include "reconcile/providers/docker/container/fields.h"

#include <ctype.h>
#include <string.h>

enum { MAX_PORTS = 1000 };

static struct hl_value *fail(const char **problem, const char *text)
{
    *problem = text;
    return NULL;
}

/* --- Ports --- */

static bool parse_range(const char *text, int64_t *first, int64_t *last)
{
    char copy[32];
    const size_t length = strlen(text);

    if (length == 0 || length >= sizeof copy)
        return false;
    memcpy(copy, text, length + 1);
    char *dash = strchr(copy, '-');
    if (dash != NULL)
        *dash = '\0';
    if (!hl_parse_int(copy, 1, 65535, first))
        return false;
    *last = *first;
    return dash == NULL || (hl_parse_int(dash + 1, 1, 65535, last) && *last >= *first);
}

bool hl_short_port_range(struct hl_arena *arena, const char *text, int64_t *first, int64_t *last, const char **protocol, const char **problem)
{
    char *range = hl_arena_strdup(arena, text);
    char *slash = strchr(range, '/');

    *protocol = "tcp";
    if (slash != NULL) {
        *slash = '\0';
        for (char *at = slash + 1; *at != '\0'; at++)
            *at = (char)tolower((unsigned char)*at);
        *protocol = slash + 1;
    }
    if (strcmp(*protocol, "tcp") != 0 && strcmp(*protocol, "udp") != 0 && strcmp(*protocol, "sctp") != 0) {
        *problem = "the protocol behind '/' must be tcp, udp or sctp";
        return false;
    }
    if (!parse_range(range, first, last)) {
        *problem = "a port is a number from 1 to 65535, or a range like 8000-8005";
        return false;
    }
    if (*last - *first >= MAX_PORTS) {
        *problem = "a range of more than 1000 ports";
        return false;
    }
    return true;
}

static struct hl_value *new_port(struct hl_arena *arena, int64_t target, const char *published, const char *host_ip, const char *protocol)
{
    struct hl_value *port = hl_value_map(arena);

    hl_value_map_put_int(port, "target", target);
    if (!hl_is_blank(published))
        hl_value_map_put_text(port, "published", published);
    if (!hl_is_blank(host_ip))
        hl_value_map_put_text(port, "host_ip", host_ip);
    hl_value_map_put_text(port, "protocol", protocol);
    return port;
}

/* [host_ip:][published]: cut off at the last colon outside of brackets; a lone part is the published port. */
static void split_host(struct hl_arena *arena, char *rest, const char **host_ip, const char **published)
{
    char *colon = strrchr(rest, ':');

    *host_ip = "";
    *published = rest;
    if (colon == NULL || strchr(colon, ']') != NULL)
        return;
    *colon = '\0';
    *published = colon + 1;
    *host_ip = rest;
    if (rest[0] == '[' && rest[strlen(rest) - 1] == ']')
        *host_ip = hl_arena_copy(arena, rest + 1, strlen(rest) - 2);
}

struct hl_value *hl_short_port(struct hl_arena *arena, const char *text, const char **problem)
{
    char *rest = hl_arena_strdup(arena, text);
    char *colon = strrchr(rest, ':');
    const char *target = colon != NULL ? colon + 1 : rest;
    const char *host_ip = "";
    const char *published = "";
    const char *protocol = NULL;
    int64_t first = 0, last = 0, from = 0, to = 0;

    if (colon != NULL) {
        *colon = '\0';
        split_host(arena, rest, &host_ip, &published);
    }
    if (!hl_short_port_range(arena, target, &first, &last, &protocol, problem))
        return NULL;
    if (*published != '\0' && !parse_range(published, &from, &to))
        return fail(problem, "cannot be read as [[host_ip:]published:]target[/protocol]");
    if (first == last)
        return new_port(arena, first, published, host_ip, protocol);
    if (*published != '\0' && to - from != last - first)
        return fail(problem, "the two ranges of ports differ in length");
    struct hl_value *list = hl_value_list(arena);
    for (int64_t i = 0; i <= last - first; i++)
        hl_value_list_add(arena, list,
                          new_port(arena, first + i, *published != '\0' ? hl_arena_printf(arena, "%lld", (long long)(from + i)) : "", host_ip, protocol));
    return list;
}

/* --- Volumes --- */

bool hl_short_is_path(const char *source)
{
    return source[0] == '/' || source[0] == '~' || source[0] == '.';
}

static struct hl_value *part(struct hl_value *volume, const char *name, struct hl_arena *arena)
{
    struct hl_value *found = hl_value_get(volume, name);

    if (found == NULL) {
        found = hl_value_map(arena);
        hl_value_map_put(volume, name, found);
    }
    return found;
}

static bool take_option(struct hl_arena *arena, struct hl_value *volume, const char *option)
{
    static const char *const propagations[] = {"private", "rprivate", "shared", "rshared", "slave", "rslave"};
    static const char *const without_effect[] = {"rw", "cached", "delegated", "consistent", "", "rbind", "copy"};

    if (strcmp(option, "ro") == 0 || strcmp(option, "readonly") == 0) {
        hl_value_map_put_bool(volume, "read_only", true);
        return true;
    }
    if (strcmp(option, "z") == 0 || strcmp(option, "Z") == 0) {
        hl_value_map_put_text(part(volume, "bind", arena), "selinux", option);
        return true;
    }
    if (strcmp(option, "nocopy") == 0) {
        hl_value_map_put_bool(part(volume, "volume", arena), "nocopy", true);
        return true;
    }
    for (size_t i = 0; i < HL_COUNT(propagations); i++) {
        if (strcmp(option, propagations[i]) == 0) {
            hl_value_map_put_text(part(volume, "bind", arena), "propagation", option);
            return true;
        }
    }
    for (size_t i = 0; i < HL_COUNT(without_effect); i++) {
        if (strcmp(option, without_effect[i]) == 0)
            return true;
    }
    return false;
}

static bool take_options(struct hl_arena *arena, struct hl_value *volume, const char *options)
{
    while (*options != '\0') {
        const size_t length = strcspn(options, ",");
        if (!take_option(arena, volume, hl_arena_copy(arena, options, length)))
            return false;
        options += length;
        options += *options == ',';
    }
    return true;
}

struct hl_value *hl_short_volume(struct hl_arena *arena, const char *text, const char **problem)
{
    struct hl_value *volume = hl_value_map(arena);
    char *source = hl_arena_strdup(arena, text);
    char *target = strchr(source, ':');
    char *options = target != NULL ? strchr(target + 1, ':') : NULL;

    if (target == NULL) { /* a volume without a name */
        if (source[0] != '/')
            return fail(problem, "needs a path inside the container: source:/target, or /target alone");
        hl_value_map_put_text(volume, "type", "volume");
        hl_value_map_put_text(volume, "target", source);
        return volume;
    }
    *target++ = '\0';
    if (options != NULL)
        *options++ = '\0';
    if (*source == '\0')
        return fail(problem, "the source before ':' is empty");
    if (*target != '/')
        return fail(problem, "the path inside the container must begin with '/'");
    const bool is_path = hl_short_is_path(source);
    hl_value_map_put_text(volume, "type", is_path ? "bind" : "volume");
    hl_value_map_put_text(volume, "source", source);
    hl_value_map_put_text(volume, "target", target);
    if (is_path) /* as compose does for the short form */
        hl_value_map_put_bool(part(volume, "bind", arena), "create_host_path", true);
    if (options != NULL && !take_options(arena, volume, options))
        return fail(problem, "an option behind the last ':' is none of ro, rw, z, Z, nocopy, [r]private, [r]shared, [r]slave");
    return volume;
}

/* --- The others --- */

static bool is_permissions(const char *text)
{
    return *text != '\0' && strspn(text, "rwm") == strlen(text);
}

struct hl_value *hl_short_device(struct hl_arena *arena, const char *text, const char **problem)
{
    struct hl_value *device = hl_value_map(arena);
    char *source = hl_arena_strdup(arena, text);
    char *target = strchr(source, ':');
    char *permissions = target != NULL ? strchr(target + 1, ':') : NULL;

    if (source[0] != '/')
        return fail(problem, "a device is a path of the host, like /dev/net/tun");
    if (target != NULL)
        *target++ = '\0';
    if (permissions != NULL)
        *permissions++ = '\0';
    if (target != NULL && permissions == NULL && is_permissions(target)) { /* "/dev/a:rw" */
        permissions = target;
        target = NULL;
    }
    if (permissions != NULL && !is_permissions(permissions))
        return fail(problem, "the permissions behind the last ':' are some of r, w and m");
    if (target != NULL && target[0] != '/')
        return fail(problem, "the path inside the container must begin with '/'");
    hl_value_map_put_text(device, "source", source);
    hl_value_map_put_text(device, "target", target != NULL ? target : source);
    hl_value_map_put_text(device, "permissions", permissions != NULL ? permissions : "rwm");
    return device;
}

struct hl_value *hl_short_ulimit(struct hl_arena *arena, const char *text, const char **problem)
{
    struct hl_value *limit = hl_value_map(arena);
    char *soft_text = hl_arena_strdup(arena, text);
    char *hard_text = strchr(soft_text, ':');
    int64_t soft = 0;
    int64_t hard = 0;

    if (hard_text != NULL)
        *hard_text++ = '\0';
    if (!hl_parse_int(soft_text, -1, INT64_MAX, &soft) || (hard_text != NULL && !hl_parse_int(hard_text, -1, INT64_MAX, &hard)))
        return fail(problem, "a limit is a number, or a mapping with soft and hard");
    hl_value_map_put_int(limit, "soft", soft);
    hl_value_map_put_int(limit, "hard", hard_text != NULL ? hard : soft);
    return limit;
}

struct hl_value *hl_short_env_file(struct hl_arena *arena, const char *text, const char **problem)
{
    struct hl_value *file = hl_value_map(arena);

    if (*text == '\0')
        return fail(problem, "the path is empty");
    hl_value_map_put_text(file, "path", text);
    return file;
}
