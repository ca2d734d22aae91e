/* getaddrinfo and getnameinfo, and nothing else. */
#include "net/address.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

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
    memcpy(&address->storage, found->ai_addr, found->ai_addrlen);
    address->len = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

void address_print(const struct address *address, char text[ADDRESS_TEXT_MAX])
{
    char host[ADDRESS_TEXT_MAX - 10], service[8];
    int error = getnameinfo((const struct sockaddr *)&address->storage, address->len, host,
                            sizeof host, service, sizeof service, NI_NUMERICHOST | NI_NUMERICSERV);
    const char *form = address->storage.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s";
    if (error != 0)
        snprintf(text, ADDRESS_TEXT_MAX, "unknown");
    else
        snprintf(text, ADDRESS_TEXT_MAX, form, host, service);
}
