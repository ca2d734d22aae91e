/* The eventfd is written only when the queue was empty, so a burst of letters costs one wake-up. */
#include "net/mailbox.h"

#include "base/memory.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool mailbox_open(struct mailbox *box)
{
    box->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (box->fd < 0)
        return false;
    pthread_mutex_init(&box->lock, NULL);
    box->first = NULL;
    box->last = &box->first;
    return true;
}

void mailbox_close(struct mailbox *box)
{
    mailbox_empty(box);
    close(box->fd);
    pthread_mutex_destroy(&box->lock);
}

void mailbox_post(struct mailbox *box, struct letter *letter)
{
    letter->next = NULL;
    pthread_mutex_lock(&box->lock);
    bool was_empty = box->first == NULL;
    *box->last = letter;
    box->last = &letter->next;
    if (was_empty) {
        while (write(box->fd, &(uint64_t){1}, sizeof(uint64_t)) < 0 && errno == EINTR)
            ; /* else it can only fail because it is readable already */
    }
    pthread_mutex_unlock(&box->lock);
}

void mailbox_send(struct mailbox *box, void (*read)(void *), void *arg)
{
    struct letter *letter = memory_zeroed(1, sizeof *letter);
    letter->read = read;
    letter->arg = arg;
    letter->owned = true;
    mailbox_post(box, letter);
}

static struct letter *take_all(struct mailbox *box)
{
    uint64_t count;
    pthread_mutex_lock(&box->lock);
    ssize_t n = read(box->fd, &count, sizeof count);
    (void)n; /* nothing to read: nothing waits */
    struct letter *first = box->first;
    box->first = NULL;
    box->last = &box->first;
    pthread_mutex_unlock(&box->lock);
    return first;
}

bool mailbox_empty(struct mailbox *box)
{
    struct letter *letter;
    bool read = false;
    while ((letter = take_all(box)) != NULL) {
        read = true;
        while (letter != NULL) {
            struct letter *next = letter->next;
            bool owned = letter->owned; /* reading may free a letter that is not */
            letter->read(letter->arg);
            if (owned)
                free(letter);
            letter = next;
        }
    }
    return read;
}
