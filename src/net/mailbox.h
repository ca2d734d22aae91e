/* How threads talk to a worker: a queue of letters and an eventfd that its loop waits on. A letter
 * is a function to be run on the worker's thread. Letters of one sender arrive in order. */
#ifndef NET_MAILBOX_H
#define NET_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>

struct letter {
    struct letter *next;
    void (*read)(void *arg); /* on the worker's thread */
    void *arg;
    bool owned; /* the mailbox frees it once it is read */
};

struct mailbox {
    pthread_mutex_t lock;
    struct letter *first;
    struct letter **last;
    int fd; /* readable while letters wait */
};

/* False: no descriptor, errno says why. */
bool mailbox_open(struct mailbox *box);
/* Letters that still wait are read, on the calling thread. */
void mailbox_close(struct mailbox *box);

/* Any thread. The first form allocates a letter; the second uses the sender's, which must live
 * until it is read. */
void mailbox_send(struct mailbox *box, void (*read)(void *arg), void *arg);
void mailbox_post(struct mailbox *box, struct letter *letter);

/* Reads all letters that wait; false: there were none. The worker's thread. */
bool mailbox_empty(struct mailbox *box);

#endif
