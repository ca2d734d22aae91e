/* What clients' addresses have and may: how many connections each has (limits.address_connections),
 * and how many commands it may still give (limits.rate, limits.burst). One table for the whole
 * server. Addresses of IPv6 count by their first 64 bits, as a household has at least that many;
 * one of IPv4 in IPv6's clothes counts as itself. Any thread. */
#ifndef NET_ADDRESSES_H
#define NET_ADDRESSES_H

#include "net/address.h"

struct addresses;
struct addresses_entry; /* one address, while it has connections */

struct addresses_limits {
    uint64_t connections; /* of one address; 0: no limit */
    uint64_t rate, burst; /* commands a second, 0: no limit; and at once, at least 1 */
};

/* NULL if there is nothing to limit: then every address has and may what it likes. */
struct addresses *addresses_create(const struct addresses_limits *limits);
/* No address may have a connection any more. */
void addresses_destroy(struct addresses *all);

/* Counts a connection from an address. False: it has as many as it may. *entry is for
 * addresses_leave and addresses_spend; NULL where all is NULL. */
bool addresses_enter(struct addresses *all, const struct address *from,
                     struct addresses_entry **entry);
void addresses_leave(struct addresses *all, struct addresses_entry *entry);

/* Takes a token for a command. Returns 0, or in how many nanoseconds there is one. Only where there
 * is a rate. */
int64_t addresses_spend(const struct addresses *all, struct addresses_entry *entry, int64_t now_ns);

/* How many addresses are known. For tests. */
size_t addresses_count(struct addresses *all);

#endif
