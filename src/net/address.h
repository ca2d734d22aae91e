/* Addresses of sockets. Any thread, but address_resolve may take its time, so it is for the start.
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <herd/module.h>
#include <sys/socket.h>

struct address {
    struct sockaddr_storage storage;
    socklen_t len;
};

#define ADDRESS_TEXT_MAX 72

/* The first address of a host and port. False: err says why. */
bool address_resolve(struct address *address, const char *host, int port, struct herd_error *err);

/* Writes "127.0.0.1:11645" or "[::1]:11645", with a NUL. */
void address_print(const struct address *address, char text[ADDRESS_TEXT_MAX]);

#endif
