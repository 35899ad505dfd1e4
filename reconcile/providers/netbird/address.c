#include "config.h"

#include "reconcile/providers/netbird/address.h"

#include <arpa/inet.h>
#include <string.h>

enum { DOMAIN_MOST = 253, LABEL_MOST = 63, IP4_BITS = 32, IP6_BITS = 128 };

/* ---- addresses and ranges ---- */

struct ip {
    unsigned char raw[sizeof(struct in6_addr)];
    int family;
};

static bool parse_ip(const char *text, struct ip *ip)
{
    ip->family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
    return inet_pton(ip->family, text, ip->raw) == 1;
}

static const char *show_ip(const struct ip *ip, char out[INET6_ADDRSTRLEN])
{
    return inet_ntop(ip->family, ip->raw, out, INET6_ADDRSTRLEN);
}

static void mask_ip(struct ip *ip, unsigned bits)
{
    for (unsigned i = 0; i < (ip->family == AF_INET ? IP4_BITS : IP6_BITS) / 8; i++) {
        const unsigned kept = bits > 8 * i ? bits - 8 * i : 0;
        if (kept < 8)
            ip->raw[i] = (unsigned char)(ip->raw[i] & (0xff00u >> kept));
    }
}

const char *hl_netbird_range(struct hl_arena *arena, const char *text)
{
    const char *slash = strchr(text, '/');
    char shown[INET6_ADDRSTRLEN];
    int64_t bits = 0;
    struct ip ip;

    if (slash == NULL || !parse_ip(hl_arena_copy(arena, text, (size_t)(slash - text)), &ip))
        return NULL;
    if (!hl_parse_int(slash + 1, 0, ip.family == AF_INET ? IP4_BITS : IP6_BITS, &bits))
        return NULL;
    mask_ip(&ip, (unsigned)bits);
    return hl_arena_printf(arena, "%s/%u", show_ip(&ip, shown), (unsigned)bits);
}

const char *hl_netbird_range_or_host(struct hl_arena *arena, const char *text)
{
    char shown[INET6_ADDRSTRLEN];
    struct ip ip;

    if (strchr(text, '/') != NULL)
        return hl_netbird_range(arena, text);
    if (!parse_ip(text, &ip))
        return NULL;
    return hl_arena_printf(arena, "%s/%d", show_ip(&ip, shown), ip.family == AF_INET ? (int)IP4_BITS : (int)IP6_BITS);
}

const char *hl_netbird_host(struct hl_arena *arena, const char *text, bool *is_ip6)
{
    const size_t length = strlen(text);
    const bool bracketed = length > 2 && text[0] == '[' && text[length - 1] == ']';
    char shown[INET6_ADDRSTRLEN];
    struct ip ip;

    if (!parse_ip(bracketed ? hl_arena_copy(arena, text + 1, length - 2) : text, &ip) || (bracketed && ip.family != AF_INET6))
        return NULL;
    if (is_ip6 != NULL)
        *is_ip6 = ip.family == AF_INET6;
    return hl_arena_strdup(arena, show_ip(&ip, shown));
}

/* ---- punycode (RFC 3492), one label ---- */

enum { PUNY_BASE = 36, PUNY_LEAST = 1, PUNY_MOST = 26, PUNY_SKEW = 38, PUNY_DAMP = 700, PUNY_BIAS = 72, PUNY_FIRST = 128 };

static char puny_digit(uint32_t digit)
{
    return (char)(digit < 26 ? 'a' + (int)digit : '0' + (int)digit - 26);
}

static uint32_t puny_adapt(uint32_t delta, uint32_t points, bool first)
{
    uint32_t k = 0;

    delta = first ? delta / PUNY_DAMP : delta / 2;
    delta += delta / points;
    for (; delta > (PUNY_BASE - PUNY_LEAST) * PUNY_MOST / 2; k += PUNY_BASE)
        delta /= PUNY_BASE - PUNY_LEAST;
    return k + (PUNY_BASE - PUNY_LEAST + 1) * delta / (delta + PUNY_SKEW);
}

static void puny_put(struct hl_text *out, uint32_t delta, uint32_t bias)
{
    for (uint32_t k = PUNY_BASE;; k += PUNY_BASE) {
        const uint32_t threshold = k <= bias ? PUNY_LEAST : k >= bias + PUNY_MOST ? PUNY_MOST : k - bias;
        if (delta < threshold)
            break;
        hl_text_putc(out, puny_digit(threshold + (delta - threshold) % (PUNY_BASE - threshold)));
        delta = (delta - threshold) / (PUNY_BASE - threshold);
    }
    hl_text_putc(out, puny_digit(delta));
}

static uint32_t next_code(const uint32_t *codes, size_t count, uint32_t from)
{
    uint32_t next = UINT32_MAX;

    for (size_t i = 0; i < count; i++) {
        if (codes[i] >= from && codes[i] < next)
            next = codes[i];
    }
    return next;
}

/* A label has at most 63 characters, so that no number here can overflow: 63 times the highest code. */
static void puny_encode(struct hl_text *out, const uint32_t *codes, size_t count)
{
    uint32_t delta = 0;
    uint32_t bias = PUNY_BIAS;
    uint32_t done = 0;

    for (size_t i = 0; i < count; i++) {
        if (codes[i] < PUNY_FIRST) {
            hl_text_putc(out, (char)codes[i]);
            done++;
        }
    }
    const uint32_t basic = done;
    if (basic > 0)
        hl_text_putc(out, '-');
    for (uint32_t code = PUNY_FIRST; done < count; code++, delta++) {
        const uint32_t next = next_code(codes, count, code);
        delta += (next - code) * (done + 1);
        code = next;
        for (size_t i = 0; i < count; i++) {
            delta += codes[i] < code;
            if (codes[i] != code)
                continue;
            puny_put(out, delta, bias);
            bias = puny_adapt(delta, done + 1, done == basic);
            delta = 0;
            done++;
        }
    }
}

/* ---- domains ---- */

static bool is_ascii_alnum(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9');
}

/* The server's own rule (shared/management/domain/validate.go): letters, digits, '-' and '_' within; '_' also first, but in the last label. */
static bool is_label(const char *label, size_t length, bool last)
{
    if (length == 0 || length > LABEL_MOST || (!is_ascii_alnum(label[0]) && (last || label[0] != '_')))
        return false;
    for (size_t i = 1; i < length; i++) {
        if (!is_ascii_alnum(label[i]) && (i + 1 == length || (label[i] != '-' && label[i] != '_')))
            return false;
    }
    return true;
}

static bool is_number(const char *text)
{
    return strspn(text, "0123456789") == strlen(text);
}

/* Appends one label of `length` bytes as the server keeps it; false when it is broken. */
static bool put_label(struct hl_text *out, const char *label, size_t length)
{
    uint32_t codes[LABEL_MOST];
    size_t count = 0;
    bool is_ascii = true;

    for (size_t i = 0; i < length; count++) {
        const size_t bytes = count < LABEL_MOST ? hl_utf8_decode(label + i, length - i, &codes[count]) : 0;
        if (bytes == 0)
            return false;
        if (codes[count] >= 'A' && codes[count] <= 'Z')
            codes[count] += 'a' - 'A';
        is_ascii = is_ascii && bytes == 1;
        i += bytes;
    }
    if (!is_ascii) {
        hl_text_puts(out, "xn--");
        puny_encode(out, codes, count);
    }
    for (size_t i = 0; is_ascii && i < count; i++)
        hl_text_putc(out, (char)codes[i]);
    return true;
}

const char *hl_netbird_domain(struct hl_arena *arena, const char *text, bool wildcard)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(DOMAIN_MOST + 2);
    const bool has_wildcard = hl_starts_with(text, "*.");

    if (has_wildcard && !wildcard)
        return NULL;
    if (has_wildcard)
        hl_text_puts(&out, "*.");
    text += has_wildcard ? 2 : 0;
    for (;;) {
        const size_t length = strcspn(text, ".");
        const size_t from = out.length;
        const bool last = text[length] == '\0' || text[length + 1] == '\0'; /* a dot at the end is no label */
        if (!put_label(&out, text, length) || !hl_text_ok(&out) || !is_label(hl_text_get(&out) + from, out.length - from, last))
            return NULL;
        if (last)
            return out.length <= DOMAIN_MOST && !is_number(hl_text_get(&out) + from) ? hl_arena_strdup(arena, hl_text_get(&out)) : NULL;
        hl_text_putc(&out, '.');
        text += length + 1;
    }
}

/* ---- fields ---- */

/* `normal` in the place of `value`; NULL: it is what it was, and the check says so. */
static struct hl_value *in_place(struct hl_arena *arena, struct hl_value *value, const char *normal)
{
    if (normal == NULL || strcmp(normal, value->text.data) == 0)
        return value;
    struct hl_value *made = hl_value_text(arena, normal);
    made->at = value->at;
    made->sensitive = value->sensitive;
    return made;
}

struct hl_value *hl_netbird_normal_range(struct hl_arena *arena, struct hl_value *value)
{
    return hl_value_is(value, HL_TEXT) ? in_place(arena, value, hl_netbird_range(arena, value->text.data)) : value;
}

void hl_netbird_check_range(struct hl_check *check, const struct hl_value *value)
{
    if (!hl_value_is(value, HL_TEXT) || hl_netbird_range(check->arena, value->text.data) != NULL)
        return;
    struct hl_diag *diag = hl_diag_error(check->diags, value->at, "'%s' is no range of addresses: write one like 192.168.1.0/24", value->text.data);
    const char *host = hl_netbird_range_or_host(check->arena, value->text.data);
    if (host != NULL)
        hl_diag_hint(check->diags, diag, "a single address is %s", host);
    else if (hl_netbird_domain(check->arena, value->text.data, true) != NULL)
        hl_diag_hint(check->diags, diag, "names go into `domains`");
}

static const char *normal_address(struct hl_arena *arena, const char *text)
{
    const char *range = hl_netbird_range_or_host(arena, text);

    return range != NULL ? range : hl_netbird_domain(arena, text, true);
}

struct hl_value *hl_netbird_normal_address(struct hl_arena *arena, struct hl_value *value)
{
    return hl_value_is(value, HL_TEXT) ? in_place(arena, value, normal_address(arena, value->text.data)) : value;
}

void hl_netbird_check_address(struct hl_check *check, const struct hl_value *value)
{
    if (!hl_value_is(value, HL_TEXT) || normal_address(check->arena, value->text.data) != NULL)
        return;
    struct hl_diag *diag = hl_diag_error(check->diags, value->at, "'%s' is neither an address nor a range of them nor a domain", value->text.data);
    hl_diag_hint(check->diags, diag, "like 192.168.1.10, 192.168.1.0/24, nas.example.org or \"*.lab.example.org\"");
}

struct hl_value *hl_netbird_normal_domains(struct hl_arena *arena, struct hl_value *list)
{
    if (!hl_value_is(list, HL_LIST))
        return list;
    struct hl_value *normal = hl_value_list(arena);
    normal->at = list->at;
    for (size_t i = 0; i < hl_value_count(list); i++) {
        struct hl_value *item = hl_value_item(list, i);
        hl_value_list_add(arena, normal, hl_value_is(item, HL_TEXT) ? in_place(arena, item, hl_netbird_domain(arena, item->text.data, true)) : item);
    }
    return normal;
}

void hl_netbird_check_domains(struct hl_check *check, const struct hl_value *list)
{
    for (size_t i = 0; i < hl_value_count(list); i++) {
        const struct hl_value *item = hl_value_item(list, i);
        if (hl_value_is(item, HL_TEXT) && hl_netbird_domain(check->arena, item->text.data, true) == NULL)
            hl_diag_error(check->diags, item->at, "'%s' is no domain: write one like git.example.org", item->text.data);
    }
}

/* ---- DNS servers ---- */

static struct hl_value *server(struct hl_arena *arena, const char *ip, int64_t port)
{
    struct hl_value *value = hl_value_map(arena);

    hl_value_map_put_text(value, "ip", ip);
    hl_value_map_put_text(value, "ns_type", "udp");
    hl_value_map_put_int(value, "port", port);
    return value;
}

struct hl_value *hl_netbird_short_server(struct hl_arena *arena, const char *text, const char **problem)
{
    const char *host = hl_netbird_host(arena, text, NULL);
    const char *colon = strrchr(text, ':');
    int64_t port = 0;

    if (host != NULL)
        return server(arena, host, 53);
    *problem = "a DNS server is an address, like 1.1.1.1, 1.1.1.1:5353 or \"[2606:4700::1111]:53\"";
    if (colon == NULL || !hl_parse_int(colon + 1, 1, 65535, &port))
        return NULL;
    host = hl_netbird_host(arena, hl_arena_copy(arena, text, (size_t)(colon - text)), NULL);
    /* Without brackets nobody could tell IPv6's own colons from that of the port. */
    if (host == NULL || (strchr(host, ':') != NULL && text[0] != '['))
        return NULL;
    return server(arena, host, port);
}

static struct hl_value *normal_server(struct hl_arena *arena, struct hl_value *item)
{
    struct hl_value *ip = hl_value_get(item, "ip");
    struct hl_value *normal = hl_value_copy(arena, item);

    if (hl_value_is(ip, HL_TEXT))
        hl_value_map_put(normal, "ip", in_place(arena, ip, hl_netbird_host(arena, ip->text.data, NULL)));
    if (hl_value_get(item, "ns_type") == NULL)
        hl_value_map_put_text(normal, "ns_type", "udp");
    if (hl_value_get(item, "port") == NULL)
        hl_value_map_put_int(normal, "port", 53);
    return normal;
}

struct hl_value *hl_netbird_normal_servers(struct hl_arena *arena, struct hl_value *list)
{
    if (!hl_value_is(list, HL_LIST))
        return list;
    struct hl_value *normal = hl_value_list(arena);
    normal->at = list->at;
    for (size_t i = 0; i < hl_value_count(list); i++) {
        struct hl_value *item = hl_value_item(list, i);
        hl_value_list_add(arena, normal, hl_value_is(item, HL_MAP) ? normal_server(arena, item) : item);
    }
    return normal;
}
