/* One form for equal meanings. The decoder calls these for what the spec says, live.c for what the engine tells. */
#include "config.h"

#include "reconcile/providers/docker/container/fields.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_text(const struct hl_value *value)
{
    return hl_value_is(value, HL_TEXT);
}

/* What was known about the old value is known about the one in its place. */
static struct hl_value *in_place_of(const struct hl_value *old, struct hl_value *value)
{
    value->at = old->at;
    value->sensitive = value->sensitive || old->sensitive;
    return value;
}

static struct hl_value *text_in_place_of(struct hl_arena *arena, const struct hl_value *old, const char *text)
{
    return strcmp(old->text.data, text) == 0 ? (struct hl_value *)old : in_place_of(old, hl_value_text(arena, text));
}

/* A list of what `item` makes of each text; other items (unknown ones) stay. */
static struct hl_value *each_text(struct hl_arena *arena, struct hl_value *list, const char *(*item)(struct hl_arena *arena, const char *text))
{
    struct hl_value *normal = in_place_of(list, hl_value_list(arena));

    for (size_t i = 0; i < hl_value_count(list); i++) {
        struct hl_value *old = hl_value_item(list, i);
        hl_value_list_add(arena, normal, is_text(old) ? text_in_place_of(arena, old, item(arena, old->text.data)) : old);
    }
    return normal;
}

static void keep(struct hl_value *to, const struct hl_value *from, const char *name)
{
    struct hl_value *value = hl_value_get(from, name);

    if (value != NULL && !(is_text(value) && value->text.length == 0))
        hl_value_map_put(to, name, value);
}

const char *hl_normal_path(struct hl_arena *arena, const char *path)
{
    hl_auto(text) struct hl_text clean = HL_TEXT_INIT(HL_MAX_TEMPLATE);

    if (path[0] != '/')
        return path;
    while (*path != '\0') {
        path += strspn(path, "/");
        const size_t length = strcspn(path, "/");
        if (length > 0 && !(length == 1 && path[0] == '.')) {
            hl_text_putc(&clean, '/');
            hl_text_append(&clean, path, length);
        }
        path += length;
    }
    return clean.length == 0 ? "/" : hl_arena_copy(arena, hl_text_get(&clean), clean.length);
}

/* --- Ports --- */

static struct hl_value *normal_port(struct hl_arena *arena, struct hl_value *port)
{
    if (!hl_value_is(port, HL_MAP))
        return port;
    struct hl_value *normal = in_place_of(port, hl_value_map(arena));
    keep(normal, port, "target");
    keep(normal, port, "published");
    keep(normal, port, "host_ip");
    keep(normal, port, "protocol");
    if (hl_value_get(normal, "protocol") == NULL)
        hl_value_map_put_text(normal, "protocol", "tcp");
    return normal;
}

struct hl_value *hl_normal_ports(struct hl_arena *arena, struct hl_value *value)
{
    struct hl_value *normal = in_place_of(value, hl_value_list(arena));

    for (size_t i = 0; i < hl_value_count(value); i++)
        hl_value_list_add(arena, normal, normal_port(arena, hl_value_item(value, i)));
    return normal;
}

struct hl_value *hl_normal_expose(struct hl_arena *arena, struct hl_value *value)
{
    struct hl_value *normal = in_place_of(value, hl_value_list(arena));

    for (size_t i = 0; i < hl_value_count(value); i++) {
        struct hl_value *item = hl_value_item(value, i);
        int64_t first = 0, last = 0;
        const char *protocol = NULL;
        const char *problem = NULL;
        if (!is_text(item) || !hl_short_port_range(arena, item->text.data, &first, &last, &protocol, &problem)) {
            hl_value_list_add(arena, normal, item); /* the check tells */
            continue;
        }
        for (int64_t port = first; port <= last; port++)
            hl_value_list_add(arena, normal, in_place_of(item, hl_value_printf(arena, "%lld/%s", (long long)port, protocol)));
    }
    return normal;
}

/* --- Mounts and devices --- */

static void keep_options(struct hl_value *to, const struct hl_value *from, const char *name)
{
    struct hl_value *options = hl_value_get(from, name);

    if (hl_value_count(options) > 0 || hl_value_is(options, HL_UNKNOWN))
        hl_value_map_put(to, name, options);
}

static struct hl_value *normal_volume(struct hl_arena *arena, struct hl_value *volume)
{
    if (!hl_value_is(volume, HL_MAP))
        return volume;
    struct hl_value *normal = in_place_of(volume, hl_value_map(arena));
    struct hl_value *source = hl_value_get(volume, "source");
    struct hl_value *target = hl_value_get(volume, "target");
    keep(normal, volume, "type");
    if (hl_value_get(normal, "type") == NULL && !hl_value_is(source, HL_UNKNOWN))
        hl_value_map_put_text(normal, "type", is_text(source) && hl_short_is_path(source->text.data) ? "bind" : "volume");
    if (is_text(source) && source->text.length > 0)
        hl_value_map_put(normal, "source", text_in_place_of(arena, source, hl_normal_path(arena, source->text.data)));
    else
        keep(normal, volume, "source");
    if (is_text(target))
        hl_value_map_put(normal, "target", text_in_place_of(arena, target, hl_normal_path(arena, target->text.data)));
    else
        keep(normal, volume, "target");
    keep(normal, volume, "read_only");
    keep_options(normal, volume, "bind");
    keep_options(normal, volume, "volume");
    keep_options(normal, volume, "tmpfs");
    return normal;
}

struct hl_value *hl_normal_volumes(struct hl_arena *arena, struct hl_value *value)
{
    struct hl_value *normal = in_place_of(value, hl_value_list(arena));

    for (size_t i = 0; i < hl_value_count(value); i++)
        hl_value_list_add(arena, normal, normal_volume(arena, hl_value_item(value, i)));
    return normal;
}

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "/run:size=64m,mode=1777": the options in the order of the alphabet. */
static const char *normal_tmpfs(struct hl_arena *arena, const char *text)
{
    enum { MOST = 32 };
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    const char *words[MOST];
    size_t count = 0;
    char *path = hl_arena_strdup(arena, text);
    char *options = strchr(path, ':');

    if (options != NULL)
        *options++ = '\0';
    while (options != NULL && *options != '\0' && count < MOST) {
        const size_t length = strcspn(options, ",");
        if (length > 0)
            words[count++] = hl_arena_copy(arena, options, length);
        options += length;
        options += *options == ',';
    }
    qsort(words, count, sizeof words[0], compare_words);
    hl_text_puts(&out, hl_normal_path(arena, path));
    for (size_t i = 0; i < count; i++)
        hl_text_printf(&out, "%c%s", i == 0 ? ':' : ',', words[i]);
    return hl_arena_copy(arena, hl_text_get(&out), out.length);
}

struct hl_value *hl_normal_tmpfs(struct hl_arena *arena, struct hl_value *value)
{
    return each_text(arena, value, normal_tmpfs);
}

static const char *normal_permissions(struct hl_arena *arena, const char *text)
{
    return hl_arena_printf(arena, "%s%s%s", strchr(text, 'r') != NULL ? "r" : "", strchr(text, 'w') != NULL ? "w" : "", strchr(text, 'm') != NULL ? "m" : "");
}

static struct hl_value *normal_device(struct hl_arena *arena, struct hl_value *device)
{
    if (!hl_value_is(device, HL_MAP))
        return device;
    struct hl_value *normal = in_place_of(device, hl_value_map(arena));
    const char *permissions = hl_value_get_text(device, "permissions");
    keep(normal, device, "source");
    keep(normal, device, "target");
    if (hl_value_get(normal, "target") == NULL)
        hl_value_map_put(normal, "target", hl_value_get(device, "source"));
    if (hl_value_is(hl_value_get(device, "permissions"), HL_UNKNOWN))
        keep(normal, device, "permissions");
    else
        hl_value_map_put_text(normal, "permissions", hl_is_blank(permissions) ? "rwm" : normal_permissions(arena, permissions));
    return normal;
}

struct hl_value *hl_normal_devices(struct hl_arena *arena, struct hl_value *value)
{
    struct hl_value *normal = in_place_of(value, hl_value_list(arena));

    for (size_t i = 0; i < hl_value_count(value); i++)
        hl_value_list_add(arena, normal, normal_device(arena, hl_value_item(value, i)));
    return normal;
}

/* --- Security --- */

static const char *normal_capability(struct hl_arena *arena, const char *text)
{
    char *upper = hl_arena_strdup(arena, text);

    for (char *at = upper; *at != '\0'; at++)
        *at = (char)toupper((unsigned char)*at);
    return hl_starts_with(upper, "CAP_") ? upper + 4 : upper;
}

struct hl_value *hl_normal_capabilities(struct hl_arena *arena, struct hl_value *value)
{
    return each_text(arena, value, normal_capability);
}

/* "label:disable" and "label=disable" are one; so are "no-new-privileges" and "no-new-privileges:true". */
static const char *normal_security(struct hl_arena *arena, const char *text)
{
    const size_t name = strcspn(text, ":=");

    if (strcmp(text, "no-new-privileges") == 0)
        return "no-new-privileges=true";
    if (text[name] != ':')
        return text;
    return hl_arena_printf(arena, "%.*s=%s", (int)name, text, text + name + 1);
}

struct hl_value *hl_normal_security(struct hl_arena *arena, struct hl_value *value)
{
    return each_text(arena, value, normal_security);
}

/* --- Hosts --- */

static const char *bare_address(struct hl_arena *arena, const char *address)
{
    const size_t length = strlen(address);

    if (length > 2 && address[0] == '[' && address[length - 1] == ']')
        return hl_arena_copy(arena, address + 1, length - 2);
    return address;
}

/* The list form has "name:address" (the decoder cuts at '=' only); a name with several addresses gets them with commas between. */
struct hl_value *hl_normal_extra_hosts(struct hl_arena *arena, struct hl_value *value)
{
    struct hl_value *normal = in_place_of(value, hl_value_map(arena));

    for (size_t i = 0; i < hl_value_members(value); i++) {
        struct hl_value *old = hl_value_at(value, i);
        const char *name = hl_value_key(value, i);
        const char *colon = strchr(name, ':');
        if (is_text(old)) {
            hl_value_map_put(normal, name, text_in_place_of(arena, old, bare_address(arena, old->text.data)));
        } else if (hl_value_is_null(old) && colon != NULL) {
            const char *host = hl_arena_copy(arena, name, (size_t)(colon - name));
            const char *before = hl_value_get_text(normal, host);
            struct hl_value *address =
                hl_value_printf(arena, "%s%s%s", before != NULL ? before : "", before != NULL ? "," : "", bare_address(arena, colon + 1));
            hl_value_map_put(normal, host, old != NULL ? in_place_of(old, address) : address);
        } else {
            hl_value_map_put(normal, name, old);
        }
    }
    return normal;
}

/* --- Health --- */

struct hl_value *hl_normal_test(struct hl_arena *arena, struct hl_value *value)
{
    const struct hl_value *first = hl_value_item(value, 0);

    if (hl_value_count(value) != 1 || (is_text(first) && strcmp(first->text.data, "NONE") == 0))
        return value;
    struct hl_value *normal = in_place_of(value, hl_value_list(arena));
    hl_value_list_add(arena, normal, hl_value_text(arena, "CMD-SHELL"));
    hl_value_list_add(arena, normal, hl_value_item(value, 0));
    return normal;
}

static bool is_none(const struct hl_value *test)
{
    const struct hl_value *first = hl_value_item(test, 0);

    return is_text(first) && strcmp(first->text.data, "NONE") == 0;
}

struct hl_value *hl_normal_healthcheck(struct hl_arena *arena, struct hl_value *value)
{
    struct hl_value *normal = in_place_of(value, hl_value_map(arena));

    if (hl_value_get_bool(value, "disable", false) || is_none(hl_value_get(value, "test"))) {
        struct hl_value *test = hl_value_list(arena);
        hl_value_list_add(arena, test, hl_value_text(arena, "NONE"));
        hl_value_map_put(normal, "test", in_place_of(value, test));
        return normal;
    }
    for (size_t i = 0; i < hl_value_members(value); i++) {
        if (strcmp(hl_value_key(value, i), "disable") != 0)
            hl_value_map_put(normal, hl_value_key(value, i), hl_value_at(value, i));
    }
    return normal;
}

/* --- Scalars --- */

const char *hl_restart_policy(struct hl_arena *arena, const char *restart, int64_t *retries)
{
    const char *colon = restart == NULL ? NULL : strchr(restart, ':');

    *retries = 0;
    if (hl_is_blank(restart))
        return "no";
    if (colon == NULL)
        return restart;
    if (!hl_parse_int(colon + 1, 0, INT32_MAX, retries))
        *retries = 0;
    return hl_arena_copy(arena, restart, (size_t)(colon - restart));
}

struct hl_value *hl_normal_restart(struct hl_arena *arena, struct hl_value *value)
{
    return is_text(value) && strcmp(value->text.data, "on-failure:0") == 0 ? text_in_place_of(arena, value, "on-failure") : value;
}

const char *hl_size_text(struct hl_arena *arena, int64_t bytes)
{
    static const struct {
        int64_t unit;
        const char *name;
    } units[] = {{1024 * 1024 * 1024, "g"}, {1024 * 1024, "m"}, {1024, "k"}};

    for (size_t i = 0; i < HL_COUNT(units); i++) {
        if (bytes > 0 && bytes % units[i].unit == 0)
            return hl_arena_printf(arena, "%lld%s", (long long)(bytes / units[i].unit), units[i].name);
    }
    return hl_arena_printf(arena, "%lld", (long long)bytes);
}

struct hl_value *hl_normal_swap(struct hl_arena *arena, struct hl_value *value)
{
    int64_t bytes = 0;

    if (!is_text(value) || strcmp(value->text.data, "-1") == 0 || !hl_parse_size(value->text.data, &bytes))
        return value;
    return text_in_place_of(arena, value, hl_size_text(arena, bytes));
}

/* The engine counts in billionths; what is finer does not come back. */
struct hl_value *hl_normal_cpus(struct hl_arena *arena, struct hl_value *value)
{
    const double cpus = hl_value_is(value, HL_INT) ? (double)value->integer : value->real;

    if (!(cpus >= 0 && cpus <= HL_MOST_CPUS))
        return value; /* the check tells */
    return in_place_of(value, hl_value_real(arena, (double)(int64_t)(cpus * 1e9 + 0.5) / 1e9));
}

struct hl_value *hl_normal_pids(struct hl_arena *arena, struct hl_value *value)
{
    return hl_value_is(value, HL_INT) && value->integer <= 0 ? in_place_of(value, hl_value_int(arena, -1)) : value;
}

/* "400", "0o400" and "0400" are one. */
struct hl_value *hl_normal_mode(struct hl_arena *arena, struct hl_value *value)
{
    if (!is_text(value))
        return value;
    const char *text = value->text.data;
    if (hl_starts_with(text, "0o"))
        text += 2;
    text += strspn(text, "0");
    if (strlen(text) > 4 || strspn(text, "01234567") != strlen(text) || value->text.length == 0)
        return value;
    return text_in_place_of(arena, value, hl_arena_printf(arena, "%04lo", strtoul(*text == '\0' ? "0" : text, NULL, 8)));
}

/* The engine counts in seconds: a shorter time would become none. */
struct hl_value *hl_normal_seconds(struct hl_arena *arena, struct hl_value *value)
{
    if (!hl_value_is(value, HL_INT) || value->integer % 1000 == 0)
        return value;
    return in_place_of(value, hl_value_int(arena, (value->integer / 1000 + 1) * 1000));
}
