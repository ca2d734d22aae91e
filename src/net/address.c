/* getaddrinfo and getnameinfo, and nothing else. */
#include "net/address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

void address_read(struct address *address, const struct sockaddr *from)
{
    *address = (struct address){.family = from->sa_family};
    if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
        memcpy(address->bytes, &in6->sin6_addr, sizeof in6->sin6_addr);
        address->scope = in6->sin6_scope_id;
        address->port = in6->sin6_port;
    } else if (from->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)from;
        memcpy(address->bytes, &in->sin_addr, sizeof in->sin_addr);
        address->port = in->sin_port;
    }
}

socklen_t address_write(const struct address *address, struct sockaddr_storage *to)
{
    memset(to, 0, sizeof *to);
    to->ss_family = address->family;
    if (address->family == AF_INET6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
        memcpy(&in6->sin6_addr, address->bytes, sizeof in6->sin6_addr);
        in6->sin6_scope_id = address->scope;
        in6->sin6_port = address->port;
        return sizeof *in6;
    }
    struct sockaddr_in *in = (struct sockaddr_in *)to;
    memcpy(&in->sin_addr, address->bytes, sizeof in->sin_addr);
    in->sin_port = address->port;
    return sizeof *in;
}

bool address_is_loopback(const struct address *address)
{
    static const unsigned char one[16] = {[15] = 1}, mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (address->family == AF_INET)
        return address->bytes[0] == IN_LOOPBACKNET;
    if (memcmp(address->bytes, mapped, sizeof mapped) == 0)
        return address->bytes[sizeof mapped] == IN_LOOPBACKNET;
    return address->family == AF_INET6 && memcmp(address->bytes, one, sizeof one) == 0;
}

bool address_resolve(struct address *address, const char *host, int port, struct herd_error *err)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *found = NULL;
    char service[8];
    snprintf(service, sizeof service, "%d", port);
    int error = getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, service, &hints, &found);
    if (error != 0)
        return herd_fail(err, "%s: %s", host, gai_strerror(error));
    address_read(address, found->ai_addr);
    freeaddrinfo(found);
    return true;
}

void address_print(const struct address *address, char text[ADDRESS_TEXT_MAX])
{
    struct sockaddr_storage storage;
    socklen_t len = address_write(address, &storage);
    char host[ADDRESS_TEXT_MAX - 10], service[8];
    int error = getnameinfo((const struct sockaddr *)&storage, len, host, sizeof host, service,
                            sizeof service, NI_NUMERICHOST | NI_NUMERICSERV);
    const char *form = address->family == AF_INET6 ? "[%s]:%s" : "%s:%s";
    if (error != 0)
        snprintf(text, ADDRESS_TEXT_MAX, "unknown");
    else
        snprintf(text, ADDRESS_TEXT_MAX, form, host, service);
}
