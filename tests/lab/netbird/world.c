/* Objects by kind and id, what of them is kept in --data, ids and times. */
#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include "schema/base/crypto.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const kind_names[] = {
    [NETBIRD_GROUP] = "groups",
    [NETBIRD_SETUP_KEY] = "setup_keys",
    [NETBIRD_ROUTE] = "routes",
    [NETBIRD_PEER] = "peers",
    [NETBIRD_USER] = "users",
    [NETBIRD_TOKEN] = "tokens",
    [NETBIRD_NETWORK] = "networks",
    [NETBIRD_RESOURCE] = "resources",
    [NETBIRD_ROUTER] = "routers",
    [NETBIRD_POLICY] = "policies",
    [NETBIRD_NAMESERVER] = "servers",
    [NETBIRD_ZONE] = "zones",
    [NETBIRD_RECORD] = "records",
    [NETBIRD_IDENTITY_PROVIDER] = "identity_providers",
    [NETBIRD_PROXY_TOKEN] = "proxy_tokens",
};
_Static_assert(HL_COUNT(kind_names) == NETBIRD_KINDS, "a name for each kind");

/* --- Objects --- */

struct hl_value *netbird_find(const struct netbird *netbird, enum netbird_kind kind, const char *id)
{
    const struct netbird_object *object = hl_map_find(&netbird->tables[kind].by_id, id);

    return object == NULL ? NULL : object->value;
}

/* The other ways to an object. */
static void refer(struct netbird *netbird, enum netbird_kind kind, const struct hl_value *value, struct hl_value *target)
{
    const char *hash = hl_value_get_text(value, "hash");

    if (kind == NETBIRD_TOKEN && hash != NULL)
        hl_map_put(&netbird->tokens_by_hash, hash, target);
    if (kind == NETBIRD_SETUP_KEY && hash != NULL)
        hl_map_put(&netbird->keys_by_hash, hash, target);
}

static struct netbird_object *append(struct netbird *netbird, struct netbird_table *table)
{
    struct netbird_object *object = hl_arena_alloc(netbird->arena, sizeof(*object));

    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? 16 : 2 * table->capacity;
        table->items = hl_realloc(table->items, table->capacity * sizeof(*table->items));
    }
    object->position = table->count;
    table->items[table->count++] = object;
    return object;
}

struct hl_value *netbird_put(struct netbird *netbird, enum netbird_kind kind, const struct hl_value *value)
{
    struct netbird_table *table = &netbird->tables[kind];
    const char *id = hl_value_get_text(value, "id");
    struct netbird_object *object = hl_map_find(&table->by_id, id);

    if (object == NULL) {
        object = append(netbird, table);
        hl_map_put(&table->by_id, id, object);
    }
    object->value = hl_value_copy(netbird->arena, value);
    refer(netbird, kind, value, object->value);
    return object->value;
}

void netbird_remove(struct netbird *netbird, enum netbird_kind kind, const char *id)
{
    struct netbird_table *table = &netbird->tables[kind];
    struct netbird_object *object = hl_map_find(&table->by_id, id);

    if (object == NULL)
        return;

    struct netbird_object *last = table->items[--table->count];

    refer(netbird, kind, object->value, NULL);
    table->items[object->position] = last;
    last->position = object->position;
    hl_map_put(&table->by_id, id, NULL); /* `id` may be the object's own */
}

struct hl_value *netbird_clone(struct netbird_call *c, const struct hl_value *value)
{
    struct hl_value *out = hl_value_map(c->arena);

    for (size_t i = 0; i < hl_value_count(value); i++)
        hl_value_map_put(out, hl_value_key(value, i), hl_value_at(value, i));
    return out;
}

/* --- Lists --- */

bool netbird_list_has(const struct hl_value *list, const char *text)
{
    for (size_t i = 0; i < hl_value_count(list); i++)
        if (hl_value_is(hl_value_item(list, i), HL_TEXT) && strcmp(hl_value_item(list, i)->text.data, text) == 0)
            return true;
    return false;
}

struct hl_value *netbird_list_without(struct hl_arena *arena, const struct hl_value *list, const char *text)
{
    struct hl_value *out = hl_value_list(arena);

    for (size_t i = 0; i < hl_value_count(list); i++)
        if (!hl_value_is(hl_value_item(list, i), HL_TEXT) || strcmp(hl_value_item(list, i)->text.data, text) != 0)
            hl_value_list_add(arena, out, hl_value_item(list, i));
    return out;
}

/* xorshift: good enough for disorder, and far cheaper than a call of the system for each item. */
static size_t draw_below(struct netbird *netbird, size_t limit)
{
    netbird->random ^= netbird->random << 13;
    netbird->random ^= netbird->random >> 7;
    netbird->random ^= netbird->random << 17;
    return (size_t)(netbird->random % limit);
}

struct hl_value *netbird_shuffle(struct netbird *netbird, struct hl_value *list)
{
    for (size_t i = hl_value_count(list); i > 1; i--) {
        size_t other = draw_below(netbird, i);
        struct hl_value *item = list->list.items[i - 1];

        list->list.items[i - 1] = list->list.items[other];
        list->list.items[other] = item;
    }
    return list;
}

/* --- Times and ids --- */

int64_t netbird_now(const struct netbird *netbird)
{
    return lab_now_ns() + hl_value_get_int(netbird->settings, "clock", 0);
}

int64_t netbird_stored_ns(int64_t ns)
{
    return (int64_t)((uint64_t)ns / 1000 * 1000);
}

struct hl_value *netbird_time(struct hl_arena *arena, int64_t ns, int offset_seconds)
{
    uint64_t unsigned_ns = (uint64_t)ns;
    time_t seconds = (time_t)(unsigned_ns / 1000000000) + offset_seconds;
    char date[32] = "", fraction[12] = "", zone[8] = "Z";
    struct tm local;

    if (ns == 0)
        return hl_value_text(arena, "0001-01-01T00:00:00Z");
    gmtime_r(&seconds, &local);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &local);
    if (unsigned_ns % 1000000000 != 0) {
        snprintf(fraction, sizeof(fraction), ".%09" PRIu64, unsigned_ns % 1000000000);
        for (size_t end = strlen(fraction); fraction[end - 1] == '0'; end--)
            fraction[end - 1] = '\0';
    }
    if (offset_seconds > 0)
        snprintf(zone, sizeof(zone), "+%02d:%02d", offset_seconds / 3600 % 24, offset_seconds / 60 % 60);
    return hl_value_printf(arena, "%s%s%s", date, fraction, zone);
}

/* As xid: 4 bytes of time, then 8 that make it unique, in the digits of base32hex. */
const char *netbird_new_id(struct netbird *netbird, struct hl_arena *arena)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
    uint32_t seconds = (uint32_t)(netbird_now(netbird) / 1000000000);
    unsigned char bytes[13] = "";
    char *id = hl_arena_alloc(arena, 21);

    hl_random(bytes + 4, 8);
    for (size_t i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(seconds >> (24 - 8 * i));
    for (size_t i = 0; i < 20; i++) {
        size_t bit = 5 * i;
        unsigned pair = (unsigned)bytes[bit / 8] << 8 | bytes[bit / 8 + 1];

        id[i] = digits[pair >> (11 - bit % 8) & 31];
    }
    return id;
}

/* --- What is kept --- */

bool netbird_since(const struct netbird *netbird, int minor, int patch)
{
    return netbird->version >= (int64_t)minor * 1000 + patch;
}

const char *netbird_dns_domain(const struct netbird *netbird)
{
    return netbird_since(netbird, 66, 3) ? "netbird.selfhosted" : "netbird.test";
}

static int64_t parse_version(const char *text)
{
    int64_t parts[3] = {0};
    const char *at = text;

    for (size_t i = 0; i < HL_COUNT(parts) && *at != '\0'; i++) {
        char *end = NULL;

        parts[i] = strtol(at, &end, 10);
        at = *end == '.' ? end + 1 : end;
    }
    return parts[0] * 1000000 + parts[1] * 1000 + parts[2];
}

void netbird_save(const struct netbird *netbird)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *world = hl_value_map(arena);

    if (lab_options(netbird->lab)->data == NULL)
        return;
    hl_value_map_put(world, "settings", netbird->settings);
    for (enum netbird_kind kind = 0; kind < NETBIRD_KINDS; kind++) {
        struct hl_value *list = hl_value_list(arena);

        for (size_t i = 0; i < netbird->tables[kind].count; i++)
            hl_value_list_add(arena, list, netbird_at(netbird, kind, i));
        hl_value_map_put(world, kind_names[kind], list);
    }
    lab_save(netbird->lab, "netbird", world);
}

static void make_settings(struct netbird *netbird)
{
    unsigned char seal[32];

    hl_random(seal, sizeof(seal));
    netbird->settings = hl_value_map(netbird->arena);
    hl_value_map_put_text(netbird->settings, "seal", hl_base64_encode(netbird->arena, HL_BASE64, seal, sizeof(seal)));
}

void netbird_open_world(struct netbird *netbird)
{
    const struct hl_value *world = lab_load(netbird->lab, netbird->arena, "netbird");

    netbird->version = parse_version(lab_options(netbird->lab)->netbird);
    hl_map_init(&netbird->tokens_by_hash, netbird->arena);
    hl_map_init(&netbird->keys_by_hash, netbird->arena);
    hl_random(&netbird->random, sizeof(netbird->random));
    netbird->random |= 1; /* zero would stay zero */
    for (enum netbird_kind kind = 0; kind < NETBIRD_KINDS; kind++) {
        const struct hl_value *list = hl_value_get(world, kind_names[kind]);

        hl_map_init(&netbird->tables[kind].by_id, netbird->arena);
        for (size_t i = 0; i < hl_value_count(list); i++)
            netbird_put(netbird, kind, hl_value_item(list, i));
    }
    netbird->settings = hl_value_get(world, "settings");
    if (netbird->settings == NULL)
        make_settings(netbird);
    netbird->opened_ns = netbird_now(netbird);
}
