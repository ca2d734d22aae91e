/* Addresses of sockets, kept small, as each connection has one. Any thread, but address_resolve may
 * take its time, so it is for the start. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <herd/module.h>
#include <sys/socket.h>

struct address {
    unsigned char bytes[16]; /* of IPv6, or the first four of IPv4 */
    uint32_t scope;          /* of IPv6 */
    uint16_t port;           /* in the network's order */
    sa_family_t family;      /* AF_INET, AF_INET6 */
};

#define ADDRESS_TEXT_MAX 72

/* The first address of a host and port. False: err says why. */
bool address_resolve(struct address *address, const char *host, int port, struct herd_error *err);

/* Whether nobody but this machine can be there: 127.0.0.0/8, ::1. */
bool address_is_loopback(const struct address *address);

/* To and from what the system calls take. The first returns its length. */
socklen_t address_write(const struct address *address, struct sockaddr_storage *to);
void address_read(struct address *address, const struct sockaddr *from);

/* Writes "127.0.0.1:11645" or "[::1]:11645", with a NUL. */
void address_print(const struct address *address, char text[ADDRESS_TEXT_MAX]);

#endif
