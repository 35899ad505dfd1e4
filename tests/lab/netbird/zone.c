/* Custom zones and their records. parts: the zone, the record. */
#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include <string.h>

static const struct netbird_field zone_fields[] = {
    {"name", NETBIRD_TEXT, NULL},
    {"domain", NETBIRD_TEXT, NULL},
    {"enabled", NETBIRD_BOOL, NULL},
    {"enable_search_domain", NETBIRD_BOOL, NULL},
    {"distribution_groups", NETBIRD_TEXTS, NULL},
    {NULL, NETBIRD_TEXT, NULL},
};

static const struct netbird_field record_fields[] = {
    {"name", NETBIRD_TEXT, NULL}, {"type", NETBIRD_TEXT, NULL}, {"content", NETBIRD_TEXT, NULL}, {"ttl", NETBIRD_INT, NULL}, {NULL, NETBIRD_TEXT, NULL},
};

/* --- Answers --- */

static struct hl_value *describe_record(struct netbird_call *c, const struct hl_value *record)
{
    static const char *const same[] = {"content", "id", "name", "ttl", "type"};
    struct hl_value *out = hl_value_map(c->arena);

    for (size_t i = 0; i < HL_COUNT(same); i++)
        hl_value_map_put(out, same[i], hl_value_get(record, same[i]));
    return out;
}

static struct hl_value *describe_records(struct netbird_call *c, const char *zone)
{
    struct hl_value *out = hl_value_list(c->arena);

    for (size_t i = 0; i < c->netbird->tables[NETBIRD_RECORD].count; i++)
        if (strcmp(netbird_text(netbird_at(c->netbird, NETBIRD_RECORD, i), "zone"), zone) == 0)
            hl_value_list_add(c->arena, out, describe_record(c, netbird_at(c->netbird, NETBIRD_RECORD, i)));
    return netbird_shuffle(c->netbird, out);
}

static struct hl_value *describe(struct netbird_call *c, const struct hl_value *zone)
{
    struct hl_value *out = netbird_clone(c, zone);

    hl_value_map_put(out, "records", describe_records(c, netbird_text(zone, "id")));
    return out;
}

/* `what`: in front of the message. */
static struct hl_value *find(struct netbird_call *c, const char *what)
{
    struct hl_value *zone = netbird_find(c->netbird, NETBIRD_ZONE, c->parts[0]);

    if (zone == NULL)
        netbird_fail(c, 404, "%szone: %s not found", what, c->parts[0]);
    return zone;
}

static struct hl_value *find_record(struct netbird_call *c, const char *what)
{
    struct hl_value *record = netbird_find(c->netbird, NETBIRD_RECORD, c->parts[1]);

    if (record != NULL && strcmp(netbird_text(record, "zone"), c->parts[0]) == 0)
        return record;
    netbird_fail(c, 404, "%sdns record: %s not found", what, c->parts[1]);
    return NULL;
}

void netbird_zones_list(struct netbird_call *c)
{
    struct hl_value *out = hl_value_list(c->arena);

    if (!netbird_allow(c, NETBIRD_M_DNS, NETBIRD_READ))
        return;
    for (size_t i = 0; i < c->netbird->tables[NETBIRD_ZONE].count; i++)
        hl_value_list_add(c->arena, out, describe(c, netbird_at(c->netbird, NETBIRD_ZONE, i)));
    netbird_ok(c, netbird_shuffle(c->netbird, out));
}

void netbird_zone_get(struct netbird_call *c)
{
    const struct hl_value *zone = netbird_allow(c, NETBIRD_M_DNS, NETBIRD_READ) ? find(c, "") : NULL;

    if (zone != NULL)
        netbird_ok(c, describe(c, zone));
}

/* --- Zones --- */

static bool is_domain(struct netbird_call *c, const char *text, bool wildcard_too)
{
    const char *reason = NULL;

    for (const char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at >= 0x80)
            return false; /* not converted here */
    return *text != '\0' && (wildcard_too || !hl_starts_with(text, "*.")) && netbird_domain(c->arena, text, &reason) != NULL;
}

static bool check(struct netbird_call *c, const struct hl_value *body)
{
    const char *name = netbird_text(body, "name");

    if (*name == '\0')
        return netbird_fail(c, 422, "zone name is required");
    if (strlen(name) > 255)
        return netbird_fail(c, 422, "zone name exceeds maximum length of 255 characters");
    if (!is_domain(c, netbird_text(body, "domain"), false))
        return netbird_fail(c, 422, "invalid zone domain format");
    if (hl_value_count(hl_value_get(body, "distribution_groups")) == 0)
        return netbird_fail(c, 422, "at least one distribution group is required");
    return true;
}

static bool check_groups(struct netbird_call *c, const struct hl_value *ids)
{
    for (size_t i = 0; i < hl_value_count(ids); i++)
        if (netbird_find(c->netbird, NETBIRD_GROUP, hl_value_item(ids, i)->text.data) == NULL)
            return netbird_fail(c, 422, "group: %s not found", hl_value_item(ids, i)->text.data);
    return true;
}

static bool check_domain(struct netbird_call *c, const char *domain)
{
    if (strcmp(domain, netbird_dns_domain(c->netbird)) == 0)
        return netbird_fail(c, 422, "zone domain %s conflicts with peer DNS domain", domain);
    for (size_t i = 0; i < c->netbird->tables[NETBIRD_ZONE].count; i++)
        if (strcmp(netbird_text(netbird_at(c->netbird, NETBIRD_ZONE, i), "domain"), domain) == 0)
            return netbird_fail(c, 409, "zone with domain %s already exists", domain);
    return true;
}

static void save(struct netbird_call *c, const char *id, const struct hl_value *body)
{
    struct hl_value *zone = hl_value_map(c->arena);

    hl_value_map_put_text(zone, "id", id);
    hl_value_map_put_text(zone, "name", netbird_text(body, "name"));
    hl_value_map_put_text(zone, "domain", netbird_text(body, "domain"));
    hl_value_map_put_bool(zone, "enabled", hl_value_get_bool(body, "enabled", true));
    hl_value_map_put_bool(zone, "enable_search_domain", hl_value_get_bool(body, "enable_search_domain", false));
    hl_value_map_put(zone, "distribution_groups", hl_value_get(body, "distribution_groups"));
    netbird_ok(c, describe(c, netbird_put(c->netbird, NETBIRD_ZONE, zone)));
}

void netbird_zone_create(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, zone_fields);

    if (body != NULL && check(c, body) && netbird_allow(c, NETBIRD_M_DNS, NETBIRD_CREATE) && check_domain(c, netbird_text(body, "domain")) &&
        check_groups(c, hl_value_get(body, "distribution_groups")))
        save(c, netbird_new_id(c->netbird, c->arena), body);
}

void netbird_zone_update(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, zone_fields), *old = NULL;

    if (body == NULL || !check(c, body) || !netbird_allow(c, NETBIRD_M_DNS, NETBIRD_UPDATE))
        return;
    old = find(c, "failed to get zone: ");
    if (old == NULL)
        return;
    if (strcmp(netbird_text(old, "domain"), netbird_text(body, "domain")) != 0)
        netbird_fail(c, 422, "zone domain cannot be updated");
    else if (check_groups(c, hl_value_get(body, "distribution_groups")))
        save(c, c->parts[0], body);
}

void netbird_zone_delete(struct netbird_call *c)
{
    const char *id = c->parts[0];

    if (!netbird_allow(c, NETBIRD_M_DNS, NETBIRD_DELETE) || find(c, "failed to get zone: ") == NULL)
        return;
    for (size_t i = c->netbird->tables[NETBIRD_RECORD].count; i > 0; i--) {
        const struct hl_value *record = netbird_at(c->netbird, NETBIRD_RECORD, i - 1);

        if (strcmp(netbird_text(record, "zone"), id) == 0)
            netbird_remove(c->netbird, NETBIRD_RECORD, netbird_text(record, "id"));
    }
    netbird_remove(c->netbird, NETBIRD_ZONE, id);
    netbird_done(c);
}

/* --- Records --- */

void netbird_records_list(struct netbird_call *c)
{
    if (netbird_allow(c, NETBIRD_M_DNS, NETBIRD_READ))
        netbird_ok(c, describe_records(c, c->parts[0]));
}

void netbird_record_get(struct netbird_call *c)
{
    const struct hl_value *record = netbird_allow(c, NETBIRD_M_DNS, NETBIRD_READ) ? find_record(c, "") : NULL;

    if (record != NULL)
        netbird_ok(c, describe_record(c, record));
}

static bool check_content(struct netbird_call *c, const char *type, const char *content)
{
    const char *address = netbird_address(c->arena, content);
    bool v6 = strchr(content, ':') != NULL;

    if (*type == '\0')
        return netbird_fail(c, 422, "record type is required");
    if (strcmp(type, "A") == 0 && (address == NULL || v6))
        return netbird_fail(c, 422, *content == '\0' ? "A record is required" : "A record must be a valid IPv4 address");
    if (strcmp(type, "AAAA") == 0 && (address == NULL || !v6))
        return netbird_fail(c, 422, *content == '\0' ? "AAAA record is required" : "AAAA record must be a valid IPv6 address");
    if (strcmp(type, "CNAME") == 0 && !is_domain(c, content, false))
        return netbird_fail(c, 422, "invalid CNAME target format");
    if (strcmp(type, "A") != 0 && strcmp(type, "AAAA") != 0 && strcmp(type, "CNAME") != 0)
        return netbird_fail(c, 422, "invalid record type, must be A, AAAA, or CNAME");
    return true;
}

static bool check_record(struct netbird_call *c, const struct hl_value *body)
{
    const char *name = netbird_text(body, "name");

    if (*name == '\0')
        return netbird_fail(c, 422, "record name is required");
    if (!is_domain(c, name, true))
        return netbird_fail(c, 422, "invalid record name format");
    if (!check_content(c, netbird_text(body, "type"), netbird_text(body, "content")))
        return false;
    return hl_value_get_int(body, "ttl", 0) >= 0 || netbird_fail(c, 422, "TTL cannot be negative");
}

static bool check_conflict(struct netbird_call *c, const struct hl_value *other, const struct hl_value *body, const char *id)
{
    const char *name = netbird_text(body, "name"), *type = netbird_text(body, "type"), *other_type = netbird_text(other, "type");

    if (strcmp(netbird_text(other, "zone"), c->parts[0]) != 0 || strcmp(netbird_text(other, "name"), name) != 0 || strcmp(netbird_text(other, "id"), id) == 0)
        return true;
    if (strcmp(other_type, type) == 0 && strcmp(netbird_text(other, "content"), netbird_text(body, "content")) == 0)
        return netbird_fail(c, 409, "identical record already exists");
    if (strcmp(type, "CNAME") == 0 || strcmp(other_type, "CNAME") == 0)
        return netbird_fail(c, 422, "An A, AAAA, or CNAME record with name %s already exists", name);
    return true;
}

static bool check_conflicts(struct netbird_call *c, const struct hl_value *zone, const struct hl_value *body, const char *id)
{
    const char *name = netbird_text(body, "name"), *domain = netbird_text(zone, "domain");

    if (strcmp(name, domain) != 0 && !hl_ends_with(name, hl_arena_printf(c->arena, ".%s", domain)))
        return netbird_fail(c, 422, "record name does not belong to zone");
    for (size_t i = 0; i < c->netbird->tables[NETBIRD_RECORD].count; i++)
        if (!check_conflict(c, netbird_at(c->netbird, NETBIRD_RECORD, i), body, id))
            return false;
    return true;
}

static void save_record(struct netbird_call *c, const char *id, const struct hl_value *body)
{
    struct hl_value *record = hl_value_map(c->arena);

    hl_value_map_put_text(record, "id", id);
    hl_value_map_put_text(record, "zone", c->parts[0]);
    hl_value_map_put_text(record, "name", netbird_text(body, "name"));
    hl_value_map_put_text(record, "type", netbird_text(body, "type"));
    hl_value_map_put_text(record, "content", netbird_text(body, "content"));
    hl_value_map_put_int(record, "ttl", hl_value_get_int(body, "ttl", 0));
    netbird_ok(c, describe_record(c, netbird_put(c->netbird, NETBIRD_RECORD, record)));
}

void netbird_record_create(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, record_fields), *zone = NULL;
    const char *id = netbird_new_id(c->netbird, c->arena);

    if (body == NULL || !check_record(c, body) || !netbird_allow(c, NETBIRD_M_DNS, NETBIRD_CREATE))
        return;
    zone = find(c, "failed to get zone: ");
    if (zone != NULL && check_conflicts(c, zone, body, id))
        save_record(c, id, body);
}

void netbird_record_update(struct netbird_call *c)
{
    const struct hl_value *body = netbird_body(c, record_fields), *zone = NULL;

    if (body == NULL || !check_record(c, body) || !netbird_allow(c, NETBIRD_M_DNS, NETBIRD_UPDATE))
        return;
    zone = find(c, "failed to get zone: ");
    if (zone != NULL && find_record(c, "failed to get record: ") != NULL && check_conflicts(c, zone, body, c->parts[1]))
        save_record(c, c->parts[1], body);
}

void netbird_record_delete(struct netbird_call *c)
{
    if (!netbird_allow(c, NETBIRD_M_DNS, NETBIRD_DELETE) || find(c, "failed to get zone: ") == NULL || find_record(c, "failed to get record: ") == NULL)
        return;
    netbird_remove(c->netbird, NETBIRD_RECORD, c->parts[1]);
    netbird_done(c);
}
