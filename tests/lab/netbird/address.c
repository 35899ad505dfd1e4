/* Addresses and prefixes as Go's net/netip reads and prints them. */
#include "config.h"

#include "tests/lab/netbird/netbird.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

static bool parse_address(const char *text, struct netbird_prefix *prefix)
{
    prefix->v6 = strchr(text, ':') != NULL;
    prefix->bits = prefix->v6 ? 128 : 32;
    return inet_pton(prefix->v6 ? AF_INET6 : AF_INET, text, prefix->bytes) == 1;
}

bool netbird_prefix_parse(const char *text, bool bare_too, struct netbird_prefix *prefix)
{
    const char *slash = strchr(text, '/');
    char address[INET6_ADDRSTRLEN] = "";

    memset(prefix, 0, sizeof(*prefix));
    if (slash == NULL)
        return bare_too && parse_address(text, prefix);
    if ((size_t)(slash - text) >= sizeof(address))
        return false;
    memcpy(address, text, (size_t)(slash - text));
    /* No "/08" and no "/+8". */
    if (!parse_address(address, prefix) || (slash[1] == '0' && slash[2] != '\0'))
        return false;
    return hl_parse_int(slash + 1, 0, prefix->bits, &prefix->bits);
}

void netbird_prefix_mask(struct netbird_prefix *prefix)
{
    for (int64_t i = 0; i < 16; i++) {
        int64_t left = prefix->bits - 8 * i;

        if (left <= 0)
            prefix->bytes[i] = 0;
        else if (left < 8)
            prefix->bytes[i] &= (unsigned char)(0xff << (8 - left));
    }
}

static const char *address_text(struct hl_arena *arena, const struct netbird_prefix *prefix)
{
    char text[INET6_ADDRSTRLEN] = "";

    inet_ntop(prefix->v6 ? AF_INET6 : AF_INET, prefix->bytes, text, sizeof(text));
    return hl_arena_strdup(arena, text);
}

const char *netbird_prefix_text(struct hl_arena *arena, const struct netbird_prefix *prefix)
{
    return hl_arena_printf(arena, "%s/%" PRId64, address_text(arena, prefix), prefix->bits);
}

const char *netbird_address(struct hl_arena *arena, const char *text)
{
    struct netbird_prefix prefix = {.bits = 0};

    return parse_address(text, &prefix) ? address_text(arena, &prefix) : NULL;
}
