/* The answers of a turn: gathered in the worker's output, and sent when all the sockets of the turn
 * were told. So the server works through what has come in before it wakes those who wait for it; to
 * send each client's behind its lines cost 5 to 8 % more processor time a command at a depth of 16
 * (50 connections), most of it in the scheduler. */
#ifndef NET_OWED_H
#define NET_OWED_H

#include "net/sockets.h"

#include <stddef.h>

struct clients;
struct connection;

/* A connection whose lines are executed, and what is left to do for it. */
struct owed_one {
    struct connection *connection;
    size_t bytes; /* of the output, behind those of the one before */
    bool worked;  /* commands were among the lines */
    bool kept;    /* false: no memory for what was not executed */
};

/* Part of struct clients. Between turns there is none. */
struct owed {
    size_t bytes; /* of all of them, at the front of the worker's output */
    unsigned count;
    struct owed_one to[SOCKETS_ROUND];
};

/* Puts a connection off to the end of the turn, or until there is much to send or to count, with
 * what is behind the others' answers in the output; until then it must be neither told anything nor
 * closed. */
void owed_put_off(struct connection *connection, bool worked, bool kept);

/* Sends what is owed. Each connection then waits for what comes next, or is closed and freed. Of
 * the output there is left what one who was not put off yet has answered. */
void owed_send(struct clients *clients);

#endif
