#include "config.h"

#include "reconcile/providers/docker/container/live.h"

#include "reconcile/providers/docker/container/fields.h"
#include "reconcile/providers/docker/container/plain.h"
#include "reconcile/providers/docker/container/spec.h"
#include "reconcile/providers/docker/mark.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { NS_IN_MS = 1000000, SHORT_ID = 12 };

static const struct hl_value *config(const struct hl_container_view *view, const char *key)
{
    return hl_value_get(hl_value_get(view->inspection, "Config"), key);
}

static const struct hl_value *host(const struct hl_container_view *view, const char *key)
{
    return hl_value_get(hl_value_get(view->inspection, "HostConfig"), key);
}

static const struct hl_value *of_image(const struct hl_container_view *view, const char *key)
{
    return hl_value_get(hl_value_get(view->image, "Config"), key);
}

/* --- Names --- */

static bool says(const struct hl_value *body, const char *field, const char *key)
{
    const struct hl_value *value = hl_value_get(body, field);

    if (key == NULL || hl_value_is(value, HL_UNKNOWN))
        return value != NULL && value->type != HL_NULL;
    return hl_value_get(value, key) != NULL;
}

bool hl_view_names(const struct hl_container_view *view, const char *field, const char *key)
{
    return says(view->desired, field, key) || says(view->recorded, field, key);
}

bool hl_view_is_import(const struct hl_container_view *view)
{
    return view->desired == NULL && view->recorded == NULL;
}

void hl_view_put(const struct hl_container_view *view, struct hl_value *live, const char *field, struct hl_value *value)
{
    const struct hl_field *row = hl_field_find(hl_container_fields, field, false);

    if (value != NULL && row != NULL && row->normalise != NULL)
        value = row->normalise(view->arena, value);
    hl_value_map_put(live, field, value);
}

/* --- Plain fields --- */

/* The engine writes its own where the spec is silent: the beginning of the id, or the host's name where the network is shared. */
static bool is_own_hostname(const struct hl_container_view *view, const char *hostname)
{
    const char *id = hl_value_get_text(view->inspection, "Id");
    const struct hl_value *mode = host(view, "NetworkMode");

    if (id != NULL && strncmp(id, hostname, SHORT_ID) == 0 && strlen(hostname) == SHORT_ID)
        return true;
    return hl_value_is(mode, HL_TEXT) && (strcmp(mode->text.data, "host") == 0 || hl_starts_with(mode->text.data, "container:"));
}

/* With all rights, or the host's namespaces, SELinux is switched off by the engine itself. */
static bool disables_labels(const struct hl_container_view *view)
{
    const struct hl_value *privileged = host(view, "Privileged");
    const struct hl_value *pid = host(view, "PidMode");
    const struct hl_value *ipc = host(view, "IpcMode");

    return (hl_value_is(privileged, HL_BOOL) && privileged->boolean) || (hl_value_is(pid, HL_TEXT) && strcmp(pid->text.data, "host") == 0) ||
           (hl_value_is(ipc, HL_TEXT) && strcmp(ipc->text.data, "host") == 0);
}

static bool has_option(const struct hl_value *body, const char *option)
{
    const struct hl_value *options = hl_value_get(body, "security_opt");

    for (size_t i = 0; i < hl_value_count(options); i++) {
        const struct hl_value *item = hl_value_item(options, i);
        if (hl_value_is(item, HL_TEXT) && strcmp(item->text.data, option) == 0)
            return true;
    }
    return false;
}

static struct hl_value *own_security(const struct hl_container_view *view, const struct hl_value *options)
{
    struct hl_value *own = hl_value_list(view->arena);
    const bool implied = disables_labels(view) && !has_option(view->desired, "label=disable") && !has_option(view->recorded, "label=disable");

    for (size_t i = 0; i < hl_value_count(options); i++) {
        struct hl_value *item = hl_value_item(options, i);
        if (!(implied && hl_value_is(item, HL_TEXT) && (strcmp(item->text.data, "label=disable") == 0 || strcmp(item->text.data, "label:disable") == 0)))
            hl_value_list_add(view->arena, own, item);
    }
    return hl_value_count(own) > 0 ? own : NULL;
}

static bool is_usual(struct hl_arena *arena, const struct hl_plain *plain, const struct hl_value *value)
{
    const char *text = hl_value_to_text(arena, value);

    for (size_t i = 0; text != NULL && i < HL_COUNT(plain->usual) && plain->usual[i] != NULL; i++) {
        if (strcmp(plain->usual[i], text) == 0)
            return true;
    }
    return false;
}

static void put_plain(const struct hl_container_view *view, struct hl_value *live, const struct hl_plain *plain)
{
    const struct hl_value *told = plain->host ? host(view, plain->key) : config(view, plain->key);
    struct hl_value *value = hl_plain_from_engine(view->arena, plain, told);

    if (value != NULL && strcmp(plain->field, "security_opt") == 0)
        value = own_security(view, value);
    if (value == NULL)
        return;
    if (!hl_view_names(view, plain->field, NULL)) {
        if (plain->image && (view->image == NULL || hl_value_equal(told, of_image(view, plain->key))))
            return;
        if (is_usual(view->arena, plain, value) || (strcmp(plain->field, "hostname") == 0 && is_own_hostname(view, value->text.data)))
            return;
    }
    hl_view_put(view, live, plain->field, value);
}

/* --- Process --- */

/* Names that tell a secret, for variables that nobody declared. */
static bool looks_secret(const char *name)
{
    static const char *const words[] = {"PASS", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "AUTH", "PRIVATE", "DSN", "DATABASE_URL"};
    char upper[256] = "";

    for (size_t i = 0; i + 1 < sizeof upper && name[i] != '\0'; i++)
        upper[i] = (char)toupper((unsigned char)name[i]);
    for (size_t i = 0; i < HL_COUNT(words); i++) {
        if (strstr(upper, words[i]) != NULL)
            return true;
    }
    return false;
}

static bool has_item(const struct hl_value *list, const struct hl_value *wanted)
{
    for (size_t i = 0; i < hl_value_count(list); i++) {
        if (hl_value_equal(hl_value_item(list, i), wanted))
            return true;
    }
    return false;
}

static void put_environment(const struct hl_container_view *view, struct hl_value *live)
{
    const struct hl_value *variables = config(view, "Env");
    struct hl_value *environment = hl_value_map(view->arena);

    for (size_t i = 0; i < hl_value_count(variables); i++) {
        const struct hl_value *item = hl_value_item(variables, i);
        const char *equals = hl_value_is(item, HL_TEXT) ? strchr(item->text.data, '=') : NULL;
        if (equals == NULL)
            continue; /* a bare name: unset */
        const char *name = hl_arena_copy(view->arena, item->text.data, (size_t)(equals - item->text.data));
        const bool named = hl_view_names(view, "environment", name);
        if (!named && (!hl_view_is_import(view) || view->image == NULL || has_item(of_image(view, "Env"), item)))
            continue;
        struct hl_value *value = hl_value_text(view->arena, equals + 1);
        if (!named && looks_secret(name))
            hl_value_mark_sensitive(value);
        hl_value_map_put(environment, name, value);
    }
    if (hl_value_count(environment) > 0)
        hl_view_put(view, live, "environment", environment);
}

static bool is_empty_word(const struct hl_value *list)
{
    const struct hl_value *first = hl_value_item(list, 0);

    return hl_value_count(list) == 1 && hl_value_is(first, HL_TEXT) && first->text.length == 0;
}

/* The image's command applies only while its entrypoint does. */
static void put_command(const struct hl_container_view *view, struct hl_value *live)
{
    const struct hl_value *entrypoint = config(view, "Entrypoint");
    const struct hl_value *command = config(view, "Cmd");
    const struct hl_value *image_entrypoint = of_image(view, "Entrypoint");
    const bool own_entrypoint =
        hl_value_count(entrypoint) != hl_value_count(image_entrypoint) || (hl_value_count(entrypoint) > 0 && !hl_value_equal(entrypoint, image_entrypoint));
    const struct hl_value *desired = hl_value_get(view->desired, "entrypoint");

    if (is_empty_word(desired) && hl_value_count(entrypoint) == 0) {
        hl_view_put(view, live, "entrypoint", hl_value_copy(view->arena, desired)); /* cleared, as asked for */
    } else if (hl_value_count(entrypoint) > 0 && (hl_view_names(view, "entrypoint", NULL) || (view->image != NULL && own_entrypoint))) {
        hl_view_put(view, live, "entrypoint", hl_value_copy(view->arena, entrypoint));
    }
    if (hl_value_count(command) == 0)
        return;
    const bool own_command = own_entrypoint || !hl_value_equal(command, of_image(view, "Cmd"));
    if (hl_view_names(view, "command", NULL) || (view->image != NULL && own_command))
        hl_view_put(view, live, "command", hl_value_copy(view->arena, command));
}

static void put_labels(const struct hl_container_view *view, struct hl_value *live)
{
    const struct hl_value *own = hl_mark_strip(view->arena, config(view, "Labels"));
    const struct hl_value *image = of_image(view, "Labels");
    struct hl_value *labels = hl_value_map(view->arena);

    for (size_t i = 0; i < hl_value_members(own); i++) {
        const char *name = hl_value_key(own, i);
        struct hl_value *value = hl_value_at(own, i);
        if (hl_view_names(view, "labels", name) || (view->image != NULL && !hl_value_equal(value, hl_value_get(image, name))))
            hl_value_map_put(labels, name, value);
    }
    if (hl_value_count(labels) > 0)
        hl_view_put(view, live, "labels", labels);
}

static bool names_health(const struct hl_container_view *view, const char *member)
{
    return hl_value_get(hl_value_get(view->desired, "healthcheck"), member) != NULL ||
           hl_value_get(hl_value_get(view->recorded, "healthcheck"), member) != NULL;
}

/* The engine merges member by member with the image's. */
static void put_healthcheck(const struct hl_container_view *view, struct hl_value *live)
{
    static const struct {
        const char *member, *key;
        int64_t unit;
    } numbers[] = {{"interval", "Interval", NS_IN_MS},
                   {"timeout", "Timeout", NS_IN_MS},
                   {"start_period", "StartPeriod", NS_IN_MS},
                   {"start_interval", "StartInterval", NS_IN_MS},
                   {"retries", "Retries", 1}};
    const struct hl_value *told = config(view, "Healthcheck");
    const struct hl_value *image = of_image(view, "Healthcheck");
    const struct hl_value *test = hl_value_get(told, "Test");
    struct hl_value *check = hl_value_map(view->arena);

    if (hl_value_count(test) > 0 && (names_health(view, "test") || (view->image != NULL && !hl_value_equal(test, hl_value_get(image, "Test")))))
        hl_value_map_put(check, "test", hl_value_copy(view->arena, test));
    for (size_t i = 0; i < HL_COUNT(numbers); i++) {
        const int64_t number = hl_value_get_int(told, numbers[i].key, 0);
        const bool own = view->image != NULL && number != hl_value_get_int(image, numbers[i].key, 0);
        if (number != 0 && (names_health(view, numbers[i].member) || own))
            hl_value_map_put_int(check, numbers[i].member, number / numbers[i].unit);
    }
    if (hl_value_count(check) > 0)
        hl_view_put(view, live, "healthcheck", check);
}

/* --- Limits and the like --- */

static void put_swap(const struct hl_container_view *view, struct hl_value *live)
{
    const int64_t swap = hl_value_get_int(hl_value_get(view->inspection, "HostConfig"), "MemorySwap", 0);
    const int64_t memory = hl_value_get_int(hl_value_get(view->inspection, "HostConfig"), "Memory", 0);

    if (swap == 0 || (!hl_view_names(view, "memswap_limit", NULL) && (swap == 2 * memory || swap == -1)))
        return;
    hl_view_put(view, live, "memswap_limit", swap == -1 ? hl_value_text(view->arena, "-1") : hl_value_text(view->arena, hl_size_text(view->arena, swap)));
}

static void put_cpus(const struct hl_container_view *view, struct hl_value *live)
{
    const struct hl_value *host_config = hl_value_get(view->inspection, "HostConfig");
    const int64_t nano = hl_value_get_int(host_config, "NanoCpus", 0);
    const int64_t quota = hl_value_get_int(host_config, "CpuQuota", 0);
    const int64_t period = hl_value_get_int(host_config, "CpuPeriod", 0);

    if (nano > 0)
        hl_view_put(view, live, "cpus", hl_value_real(view->arena, (double)nano / 1e9));
    else if (quota > 0)
        hl_view_put(view, live, "cpus", hl_value_real(view->arena, (double)quota / (double)(period > 0 ? period : 100000)));
}

static void put_restart(const struct hl_container_view *view, struct hl_value *live)
{
    const struct hl_value *policy = host(view, "RestartPolicy");
    const char *name = hl_value_get_text(policy, "Name");
    const int64_t retries = hl_value_get_int(policy, "MaximumRetryCount", 0);

    if (hl_is_blank(name))
        name = "no";
    if (retries > 0 && strcmp(name, "on-failure") == 0)
        name = hl_arena_printf(view->arena, "on-failure:%lld", (long long)retries);
    hl_view_put(view, live, "restart", hl_value_text(view->arena, name));
}

static void put_ulimits(const struct hl_container_view *view, struct hl_value *live)
{
    const struct hl_value *limits = host(view, "Ulimits");
    struct hl_value *map = hl_value_map(view->arena);

    for (size_t i = 0; i < hl_value_count(limits); i++) {
        const struct hl_value *limit = hl_value_item(limits, i);
        struct hl_value *entry = hl_value_map(view->arena);
        hl_value_map_put_int(entry, "soft", hl_value_get_int(limit, "Soft", 0));
        hl_value_map_put_int(entry, "hard", hl_value_get_int(limit, "Hard", 0));
        if (hl_value_get_text(limit, "Name") != NULL)
            hl_value_map_put(map, hl_value_get_text(limit, "Name"), entry);
    }
    if (hl_value_count(map) > 0)
        hl_view_put(view, live, "ulimits", map);
}

/* The engine fills in its own driver and options; they are the container's only when the spec says anything about logging. */
static void put_logging(const struct hl_container_view *view, struct hl_value *live)
{
    const struct hl_value *log = host(view, "LogConfig");
    const char *driver = hl_value_get_text(log, "Type");
    const bool usual = driver == NULL || (strcmp(driver, "json-file") == 0 && hl_value_count(hl_value_get(log, "Config")) == 0);
    struct hl_value *logging = hl_value_map(view->arena);

    if (!hl_view_names(view, "logging", NULL) && (usual || !hl_view_is_import(view)))
        return;
    hl_value_map_put_text(logging, "driver", driver);
    if (hl_value_count(hl_value_get(log, "Config")) > 0)
        hl_value_map_put(logging, "options", hl_value_copy(view->arena, hl_value_get(log, "Config")));
    hl_view_put(view, live, "logging", logging);
}

static bool is_platform(const char *wanted, const char *os, const char *arch, const char *variant)
{
    char full[128];

    snprintf(full, sizeof full, "%s/%s%s%s", os, arch, hl_is_blank(variant) ? "" : "/", hl_is_blank(variant) ? "" : variant);
    const size_t length = strlen(wanted);
    return strncmp(full, wanted, length) == 0 && (full[length] == '\0' || full[length] == '/');
}

static void put_platform(const struct hl_container_view *view, struct hl_value *live)
{
    const char *wanted = hl_value_get_text(says(view->desired, "platform", NULL) ? view->desired : view->recorded, "platform");
    const char *os = hl_value_get_text(view->image, "Os");
    const char *arch = hl_value_get_text(view->image, "Architecture");
    const char *variant = hl_value_get_text(view->image, "Variant");

    if (wanted == NULL)
        return;
    if (os == NULL || arch == NULL || is_platform(wanted, os, arch, variant))
        hl_view_put(view, live, "platform", hl_value_text(view->arena, wanted));
    else
        hl_view_put(view, live, "platform",
                    hl_value_printf(view->arena, "%s/%s%s%s", os, arch, hl_is_blank(variant) ? "" : "/", hl_is_blank(variant) ? "" : variant));
}

/* A container made from an image's id is of the wanted image when the reference stands for that id. */
static void put_image(const struct hl_container_view *view, struct hl_value *live)
{
    const struct hl_value *told = config(view, "Image");
    const char *wanted = hl_value_get_text(view->desired, "image");
    const char *id = hl_value_get_text(view->inspection, "Image");
    const bool by_id = hl_value_is(told, HL_TEXT) && hl_starts_with(told->text.data, "sha256:");

    if (by_id && wanted != NULL && view->desired_image_id != NULL && id != NULL && strcmp(view->desired_image_id, id) == 0)
        hl_view_put(view, live, "image", hl_value_text(view->arena, wanted));
    else if (hl_value_is(told, HL_TEXT))
        hl_view_put(view, live, "image", hl_value_text(view->arena, told->text.data));
    hl_value_map_put_text(live, "image_id", id);
    hl_value_map_put_text(live, "image_state", view->image_state != NULL ? view->image_state : "current");
}

static void put_identity(const struct hl_container_view *view, struct hl_value *live)
{
    const struct hl_value *state = hl_value_get(view->inspection, "State");
    const char *status = hl_value_get_text(state, "Status");
    const int64_t grace = hl_value_get_int(hl_value_get(view->inspection, "Config"), "StopTimeout", 0);

    hl_value_map_put_text(live, "id", hl_value_get_text(view->inspection, "Id"));
    hl_value_map_put_text(live, "container_name", hl_container_name(view->inspection));
    hl_value_map_put_text(live, "state", hl_container_state(view->arena, view->inspection));
    hl_value_map_put_text(live, "status", status);
    hl_value_map_put_text(live, "health", hl_value_get_text(hl_value_get(state, "Health"), "Status"));
    if (status != NULL && strcmp(status, "exited") == 0)
        hl_value_map_put_int(live, "exit_code", hl_value_get_int(state, "ExitCode", 0));
    if (grace > 0)
        hl_view_put(view, live, "stop_grace_period", hl_value_int(view->arena, grace * 1000));
}

struct hl_value *hl_container_live(const struct hl_container_view *view)
{
    struct hl_value *live = hl_value_map(view->arena);
    const struct hl_value *labels = config(view, "Labels");

    put_identity(view, live);
    put_image(view, live);
    for (const struct hl_plain *plain = hl_plain_fields; plain->field != NULL; plain++)
        put_plain(view, live, plain);
    put_environment(view, live);
    put_command(view, live);
    put_labels(view, live);
    put_healthcheck(view, live);
    put_swap(view, live);
    put_cpus(view, live);
    put_restart(view, live);
    put_ulimits(view, live);
    put_logging(view, live);
    put_platform(view, live);
    hl_view_put_mounts(view, live);
    hl_view_put_networks(view, live);
    hl_view_put(view, live, "files", hl_container_files_live(view->arena, view->key, hl_value_get_text(labels, HL_MARK_FILES), view->desired, view->recorded));
    hl_value_mark_like(live, view->desired); /* what is secret in the spec is secret here too, whatever the engine tells now */
    hl_value_mark_like(live, view->recorded);
    return live;
}
