/* A container's place in networks, and its ports on the host. Both are taken at start and given back at exit. */
#include "config.h"

#include "tests/lab/docker/docker.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- Addresses --- */

const char *docker_address_text(struct hl_arena *arena, uint32_t address)
{
    return address == 0 ? "" : hl_arena_printf(arena, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

bool docker_address_parse(const char *text, uint32_t *address)
{
    struct in_addr parsed;

    if (inet_pton(AF_INET, text, &parsed) != 1)
        return false;
    *address = ntohl(parsed.s_addr);
    return true;
}

static const struct docker_container *holder_of(const struct docker_network *network, uint32_t address)
{
    char text[16];

    snprintf(text, sizeof(text), "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
    return hl_map_find(&network->addresses, text);
}

static void set_holder(struct docker_network *network, uint32_t address, struct docker_container *container)
{
    char text[16];

    snprintf(text, sizeof(text), "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
    hl_map_put(&network->addresses, text, container);
}

/* The lowest that nobody holds; 0 when the network is full. */
static uint32_t lowest_address(struct docker_network *network)
{
    uint32_t base = network->range_mask != 0 ? network->range : network->subnet;
    uint32_t mask = network->range_mask != 0 ? network->range_mask : network->mask;

    for (; network->first_free <= ~mask; network->first_free++) {
        uint32_t address = base + network->first_free;
        bool special = address == network->subnet || address == network->gateway || address == (network->subnet | ~network->mask);

        if (!special && holder_of(network, address) == NULL)
            return address;
    }
    return 0;
}

static void give_back(struct docker_network *network, uint32_t address)
{
    uint32_t base = network->range_mask != 0 ? network->range : network->subnet;

    set_holder(network, address, NULL);
    if (address >= base && address - base < network->first_free)
        network->first_free = address - base;
}

/* --- Endpoints --- */

struct docker_endpoint *docker_endpoint_find(const struct docker_container *container, const char *network)
{
    for (size_t i = 0; i < container->endpoints_count; i++)
        if (strcmp(container->endpoints[i]->network, network) == 0)
            return container->endpoints[i];
    return NULL;
}

struct docker_endpoint *docker_endpoint_add(struct docker_container *container, const char *network, const struct hl_value *settings)
{
    struct docker_endpoint *endpoint = hl_arena_alloc(container->arena, sizeof(*endpoint));

    *endpoint = (struct docker_endpoint){.network = hl_arena_strdup(container->arena, network),
                                         .network_id = "",
                                         .settings = settings == NULL ? hl_value_map(container->arena) : hl_value_copy(container->arena, settings),
                                         .endpoint_id = ""};
    container->endpoints = docker_grow(container->arena, container->endpoints, container->endpoints_count, &container->endpoints_capacity);
    container->endpoints[container->endpoints_count++] = endpoint;
    container->row_fresh = false;
    return endpoint;
}

void docker_endpoint_remove(struct docker_container *container, struct docker_endpoint *endpoint)
{
    size_t at = 0;

    while (container->endpoints[at] != endpoint)
        at++;
    container->endpoints_count--;
    for (; at < container->endpoints_count; at++)
        container->endpoints[at] = container->endpoints[at + 1];
    container->row_fresh = false;
}

static bool has_text(const struct hl_value *list, const char *text)
{
    for (size_t i = 0; i < hl_value_count(list); i++)
        if (strcmp(hl_value_item(list, i)->text.data, text) == 0)
            return true;
    return false;
}

void docker_endpoint_add_aliases(struct docker_container *container, struct docker_endpoint *endpoint)
{
    const char *names[] = {hl_arena_copy(container->arena, container->id, SHORT_ID), hl_value_get_text(container->config, "Hostname")};
    struct hl_value *aliases = hl_value_get(endpoint->settings, "Aliases");

    if (hl_value_is_null(aliases)) {
        aliases = hl_value_list(container->arena);
        hl_value_map_put(endpoint->settings, "Aliases", aliases);
    }
    for (size_t i = 0; i < HL_COUNT(names); i++)
        if (names[i] != NULL && !has_text(aliases, names[i]))
            hl_value_list_add(container->arena, aliases, hl_value_text(container->arena, names[i]));
}

bool docker_endpoint_check(struct docker_call *c, const struct docker_network *network, const struct hl_value *settings)
{
    const char *text = hl_value_get_text(hl_value_get(settings, "IPAMConfig"), "IPv4Address");
    uint32_t address = 0;

    if (network->predefined && hl_value_count(hl_value_get(settings, "Aliases")) > 0)
        return docker_fail(c, 400, "network-scoped alias is supported only for containers in user defined networks");
    if (hl_is_blank(text))
        return true;
    if (network->predefined)
        return docker_fail(c, 400, "user specified IP address is supported on user defined networks only");
    if (!network->user_subnet)
        return docker_fail(c, 400,
                           "user specified IP address is supported only when connecting to networks with user configured "
                           "subnets");
    if (!docker_address_parse(text, &address))
        return docker_fail(c, c->docker->minor >= 44 ? 400 : 500, "Invalid IPv4 address: %s)", text);
    if ((address & network->mask) != network->subnet)
        return docker_fail(c, c->docker->minor >= 44 ? 400 : 500, "Invalid address %s: It does not belong to any of this network's subnets", text);
    return true;
}

static bool take_address(struct docker_call *c, struct docker_container *container, struct docker_endpoint *endpoint, struct docker_network *network)
{
    const char *text = hl_value_get_text(hl_value_get(endpoint->settings, "IPAMConfig"), "IPv4Address");

    if (network->mask == 0)
        return true;
    if (hl_is_blank(text)) {
        endpoint->address = lowest_address(network);
        if (endpoint->address == 0)
            return docker_fail(c, 500, "no available IPv4 addresses on this network's address pools: %s (%s)", network->name, network->id);
    } else {
        uint32_t address = 0;

        docker_address_parse(text, &address);
        if (address == network->gateway || holder_of(network, address) != NULL)
            return docker_fail(c, 403, "Address already in use");
        endpoint->address = address;
    }
    set_holder(network, endpoint->address, container);
    return true;
}

static struct docker_network *network_of(struct docker_call *c, const struct docker_endpoint *endpoint)
{
    bool pinned = endpoint->network_id[0] != '\0';
    struct docker_network *network = pinned ? docker_network_by_id(c->docker, endpoint->network_id) : docker_network_find(c->docker, c, endpoint->network);

    if (network == NULL && pinned)
        docker_fail(c, 404, "network %s not found", endpoint->network_id);
    return network;
}

bool docker_endpoint_up(struct docker_call *c, struct docker_container *container, struct docker_endpoint *endpoint)
{
    struct docker_network *network = network_of(c, endpoint);
    char id[DOCKER_ID];

    if (network == NULL || !docker_endpoint_check(c, network, endpoint->settings) || !take_address(c, container, endpoint, network))
        return false;
    docker_new_id(id);
    endpoint->endpoint_id = hl_arena_strdup(container->arena, id);
    endpoint->network_id = hl_arena_strdup(container->arena, network->id);
    if (!network->predefined)
        docker_endpoint_add_aliases(container, endpoint);
    network->active++;
    container->row_fresh = false;
    return true;
}

void docker_endpoint_down(struct docker *docker, struct docker_container *container, struct docker_endpoint *endpoint)
{
    struct docker_network *network = docker_network_by_id(docker, endpoint->network_id);

    if (endpoint->endpoint_id[0] == '\0')
        return;
    if (network != NULL) {
        network->active--;
        if (endpoint->address != 0)
            give_back(network, endpoint->address);
    }
    endpoint->endpoint_id = "";
    endpoint->address = 0;
    container->row_fresh = false;
}

/* --- Ports --- */

int64_t docker_port_of_key(const char *key, bool *udp)
{
    char digits[8] = "";
    size_t length = strcspn(key, "/");
    int64_t number = 0;

    *udp = strcasecmp(key + length, "/udp") == 0;
    if (key[length] != '\0' && !*udp && strcasecmp(key + length, "/tcp") != 0 && strcasecmp(key + length, "/sctp") != 0)
        return -1;
    if (length >= sizeof(digits))
        return -1;
    memcpy(digits, key, length);
    return hl_parse_int(digits, 1, PORT_COUNT - 1, &number) ? number : -1;
}

bool docker_port_range(const char *text, int64_t *first, int64_t *last)
{
    char digits[8] = "";
    size_t length = strcspn(text, "-");

    if (length >= sizeof(digits))
        return false;
    memcpy(digits, text, length);
    if (!hl_parse_int(digits, 0, PORT_COUNT - 1, first))
        return false;
    *last = *first;
    return text[length] == '\0' || (hl_parse_int(text + length + 1, *first, PORT_COUNT - 1, last));
}

static bool is_any(const char *address)
{
    return *address == '\0' || strcmp(address, "0.0.0.0") == 0;
}

static bool is_free(const struct docker *docker, bool udp, int64_t number, const char *host_ip)
{
    for (const struct docker_port *port = docker->ports[udp ? 1 : 0][number]; port != NULL; port = port->next)
        if (is_any(port->host_ip) || is_any(host_ip) || strcmp(port->host_ip, host_ip) == 0)
            return false;
    return true;
}

/* The first of the range that is free; 0 when none is. */
static int64_t choose_port(struct docker *docker, bool udp, const char *text, const char *host_ip)
{
    int64_t first = 0, last = 0;

    if (hl_is_blank(text) || strcmp(text, "0") == 0) {
        for (int64_t tried = 0; tried < PORT_COUNT / 2; tried++) {
            int64_t number = docker->next_port;

            docker->next_port = number + 1 < PORT_COUNT ? number + 1 : PORT_COUNT / 2;
            if (is_free(docker, udp, number, host_ip))
                return number;
        }
        return 0;
    }
    docker_port_range(text, &first, &last);
    for (int64_t number = first; number <= last; number++)
        if (is_free(docker, udp, number, host_ip))
            return number;
    return 0;
}

static bool publish(struct docker_call *c, struct docker_container *container, const char *key, const struct hl_value *binding)
{
    const char *host_ip = hl_value_get_text(binding, "HostIp");
    const char *text = hl_value_get_text(binding, "HostPort");
    bool udp = false;
    struct docker_port *port = NULL;

    docker_port_of_key(key, &udp);
    host_ip = host_ip == NULL ? "" : host_ip;

    int64_t number = choose_port(c->docker, udp, text, host_ip);
    const char *endpoint = container->endpoints_count > 0 ? container->endpoints[0]->endpoint_id : "";

    if (number == 0)
        return docker_fail(c, 500,
                           "driver failed programming external connectivity on endpoint %s (%s): Bind for %s:%s failed: "
                           "port is already allocated",
                           container->name, endpoint, *host_ip == '\0' ? "0.0.0.0" : host_ip, text);
    port = hl_arena_alloc(container->arena, sizeof(*port));
    *port = (struct docker_port){.next = c->docker->ports[udp ? 1 : 0][number],
                                 .sibling = container->ports,
                                 .container = container,
                                 .key = hl_arena_strdup(container->arena, key),
                                 .host_ip = hl_arena_strdup(container->arena, host_ip),
                                 .udp = udp,
                                 .number = number};
    c->docker->ports[udp ? 1 : 0][number] = port;
    container->ports = port;
    return true;
}

/* The trap of 20.10: a binding whose port is not among ExposedPorts, letter by letter, is not published, without a word. */
bool docker_ports_up(struct docker_call *c, struct docker_container *container)
{
    const struct hl_value *bindings = hl_value_get(container->host, "PortBindings");
    const struct hl_value *exposed = hl_value_get(container->config, "ExposedPorts");
    const char *mode = hl_value_get_text(container->host, "NetworkMode");

    if (strcmp(mode, "host") == 0 || strcmp(mode, "none") == 0 || hl_starts_with(mode, "container:"))
        return true;
    for (size_t i = 0; i < hl_value_count(bindings); i++) {
        const char *key = hl_value_key(bindings, i);
        const struct hl_value *list = hl_value_at(bindings, i);

        if (hl_value_get(exposed, key) == NULL && c->docker->minor < 44)
            continue;
        for (size_t j = 0; j < hl_value_count(list); j++)
            if (!publish(c, container, key, hl_value_item(list, j)))
                return false;
    }
    return true;
}

void docker_ports_down(struct docker *docker, struct docker_container *container)
{
    for (struct docker_port *port = container->ports; port != NULL; port = port->sibling) {
        struct docker_port **at = &docker->ports[port->udp ? 1 : 0][port->number];

        while (*at != port)
            at = &(*at)->next;
        *at = port->next;
    }
    container->ports = NULL;
    container->row_fresh = false;
}
