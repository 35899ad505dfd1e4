#include "config.h"

#include "reconcile/providers/docker/container/plain.h"

#include <string.h>

const struct hl_plain hl_plain_fields[] = {
    {.field = "user", .key = "User", .form = HL_PLAIN_TEXT, .image = true},
    {.field = "working_dir", .key = "WorkingDir", .form = HL_PLAIN_TEXT, .image = true},
    {.field = "stop_signal", .key = "StopSignal", .form = HL_PLAIN_TEXT, .image = true},
    {.field = "hostname", .key = "Hostname", .form = HL_PLAIN_TEXT},
    {.field = "domainname", .key = "Domainname", .form = HL_PLAIN_TEXT},
    {.field = "tty", .key = "Tty", .form = HL_PLAIN_BOOL},
    {.field = "stdin_open", .key = "OpenStdin", .form = HL_PLAIN_BOOL},
    {.field = "privileged", .key = "Privileged", .form = HL_PLAIN_BOOL, .host = true},
    {.field = "read_only", .key = "ReadonlyRootfs", .form = HL_PLAIN_BOOL, .host = true},
    {.field = "init", .key = "Init", .form = HL_PLAIN_BOOL, .host = true},
    {.field = "oom_kill_disable", .key = "OomKillDisable", .form = HL_PLAIN_BOOL, .host = true},
    {.field = "cap_add", .key = "CapAdd", .form = HL_PLAIN_LIST, .host = true},
    {.field = "cap_drop", .key = "CapDrop", .form = HL_PLAIN_LIST, .host = true},
    {.field = "security_opt", .key = "SecurityOpt", .form = HL_PLAIN_LIST, .host = true},
    {.field = "device_cgroup_rules", .key = "DeviceCgroupRules", .form = HL_PLAIN_LIST, .host = true},
    {.field = "dns", .key = "Dns", .form = HL_PLAIN_LIST, .host = true},
    {.field = "dns_search", .key = "DnsSearch", .form = HL_PLAIN_LIST, .host = true},
    {.field = "dns_opt", .key = "DnsOptions", .form = HL_PLAIN_LIST, .host = true},
    {.field = "group_add", .key = "GroupAdd", .form = HL_PLAIN_LIST, .host = true},
    {.field = "sysctls", .key = "Sysctls", .form = HL_PLAIN_MAP, .host = true},
    {.field = "mem_limit", .key = "Memory", .form = HL_PLAIN_INT, .host = true},
    {.field = "mem_reservation", .key = "MemoryReservation", .form = HL_PLAIN_INT, .host = true},
    {.field = "cpu_shares", .key = "CpuShares", .form = HL_PLAIN_INT, .host = true},
    {.field = "cpuset", .key = "CpusetCpus", .form = HL_PLAIN_TEXT, .host = true},
    {.field = "pids_limit", .key = "PidsLimit", .form = HL_PLAIN_INT, .host = true},
    {.field = "shm_size", .key = "ShmSize", .form = HL_PLAIN_INT, .host = true, .usual = {"67108864"}},
    {.field = "oom_score_adj", .key = "OomScoreAdj", .form = HL_PLAIN_INT, .host = true},
    {.field = "uts", .key = "UTSMode", .form = HL_PLAIN_TEXT, .host = true},
    {.field = "userns_mode", .key = "UsernsMode", .form = HL_PLAIN_TEXT, .host = true},
    {.field = "cgroup", .key = "CgroupnsMode", .form = HL_PLAIN_TEXT, .host = true, .usual = {"private", "host"}},
    {.field = "cgroup_parent", .key = "CgroupParent", .form = HL_PLAIN_TEXT, .host = true},
    {.field = "runtime", .key = "Runtime", .form = HL_PLAIN_TEXT, .host = true, .usual = {"runc"}},
    {.field = NULL},
};

static struct hl_value *texts(struct hl_arena *arena, const struct hl_value *list)
{
    struct hl_value *copy = hl_value_list(arena);

    for (size_t i = 0; i < hl_value_count(list); i++)
        hl_value_list_add(arena, copy, hl_value_text(arena, hl_value_to_text(arena, hl_value_item(list, i))));
    return hl_value_count(copy) > 0 ? copy : NULL;
}

static struct hl_value *text_map(struct hl_arena *arena, const struct hl_value *map)
{
    struct hl_value *copy = hl_value_map(arena);

    for (size_t i = 0; i < hl_value_members(map); i++) {
        const struct hl_value *value = hl_value_at(map, i);
        const char *text = hl_value_is_null(value) ? "" : hl_value_to_text(arena, value);
        hl_value_map_put_text(copy, hl_value_key(map, i), text);
    }
    return hl_value_count(copy) > 0 ? copy : NULL;
}

struct hl_value *hl_plain_to_engine(struct hl_arena *arena, const struct hl_plain *plain, const struct hl_value *value)
{
    if (hl_value_is_null(value))
        return NULL;
    switch (plain->form) {
    case HL_PLAIN_TEXT:
        return hl_value_text(arena, hl_value_to_text(arena, value));
    case HL_PLAIN_BOOL:
    case HL_PLAIN_INT:
        return hl_value_copy(arena, value);
    case HL_PLAIN_LIST:
        return texts(arena, value);
    case HL_PLAIN_MAP:
        return text_map(arena, value);
    }
    return NULL;
}

struct hl_value *hl_plain_from_engine(struct hl_arena *arena, const struct hl_plain *plain, const struct hl_value *value)
{
    if (hl_value_is_null(value))
        return NULL;
    switch (plain->form) {
    case HL_PLAIN_TEXT:
        return hl_value_is(value, HL_TEXT) && value->text.length > 0 ? hl_value_copy(arena, value) : NULL;
    case HL_PLAIN_BOOL:
        return hl_value_is(value, HL_BOOL) && value->boolean ? hl_value_bool(arena, true) : NULL;
    case HL_PLAIN_INT:
        return hl_value_is(value, HL_INT) && value->integer != 0 ? hl_value_int(arena, value->integer) : NULL;
    case HL_PLAIN_LIST:
        return texts(arena, value);
    case HL_PLAIN_MAP:
        return text_map(arena, value);
    }
    return NULL;
}
