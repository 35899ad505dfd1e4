/* Ranges of addresses, domains and DNS servers in the one form that NetBird's answers and the spec are compared in. Pure. */
#ifndef HL_RECONCILE_PROVIDERS_NETBIRD_ADDRESS_H
#define HL_RECONCILE_PROVIDERS_NETBIRD_ADDRESS_H

#include "schema/kind.h"

/* "10.1.2.7/24" to "10.1.2.0/24", IPv6 to its shortest form; NULL for what is no range. A route's network is masked so by the server (netbird.md 3); a network
 * resource's is not, but the bits behind the mask mean nothing there either. */
const char *hl_netbird_range(struct hl_arena *arena, const char *text);
/* Likewise; a bare address is the range of one host: "10.1.2.7" to "10.1.2.7/32" (netbird.md 7). */
const char *hl_netbird_range_or_host(struct hl_arena *arena, const char *text);
/* A bare IP address in its shortest form, brackets around IPv6 dropped; NULL for anything else. *is_ip6 may be NULL. */
const char *hl_netbird_host(struct hl_arena *arena, const char *text, bool *is_ip6);
/* A domain in small ASCII letters without a dot at its end, labels beyond ASCII in punycode: as the server keeps it (it answers in Unicode, and changes no
 * letters beyond ASCII; so "Bücher.example" and "xn--bcher-kva.example" are one domain, "BÜCHER.example" is another). NULL for what the server would refuse,
 * and for a text that ends in a number, which is an address mistyped. `wildcard`: whether "*.lab.example" is taken. */
const char *hl_netbird_domain(struct hl_arena *arena, const char *text, bool wildcard);

/* `normalise` and `check` of fields. */
struct hl_value *hl_netbird_normal_range(struct hl_arena *arena, struct hl_value *value);
void hl_netbird_check_range(struct hl_check *check, const struct hl_value *value);
/* A range, an address or a domain (a network resource). */
struct hl_value *hl_netbird_normal_address(struct hl_arena *arena, struct hl_value *value);
void hl_netbird_check_address(struct hl_check *check, const struct hl_value *value);
/* A list of domains; the number of them is the caller's to check. */
struct hl_value *hl_netbird_normal_domains(struct hl_arena *arena, struct hl_value *list);
void hl_netbird_check_domains(struct hl_check *check, const struct hl_value *list); /* wildcards are fine */
/* A list of DNS servers, {ip, ns_type, port}: addresses in their shortest form, what is not said filled in. */
struct hl_value *hl_netbird_normal_servers(struct hl_arena *arena, struct hl_value *list);
/* "1.1.1.1", "1.1.1.1:5353", "2606:4700::1111", "[2606:4700::1111]:53". */
struct hl_value *hl_netbird_short_server(struct hl_arena *arena, const char *text, const char **problem);

#endif
