/* How a running server is found and told something: the pid file, and herd -s. Main thread.
 *
 * The server keeps its number in the file and holds an fcntl lock on it as long as it lives. herd
 * -s asks the kernel who holds that lock, so a number left behind in the file, or one that another
 * process has by now, is never signalled. */
#ifndef CORE_CONTROL_H
#define CORE_CONTROL_H

#include <herd/module.h>
#include <sys/types.h>

struct control;

/* Replaces each %n of a pid file's or log file's path by the server's name. The caller frees it. */
char *control_path(const char *path, const char *name);

/* Locks the file and writes this process's number. To be called after the fork of -d, as a lock
 * does not pass to a child; and the process must not open the file a second time, as closing that
 * would give up the lock. NULL: err says why; another server that holds it is one reason. */
struct control *control_open(const char *path, struct herd_error *err);

/* Removes the file and gives up the lock. NULL is taken. */
void control_close(struct control *control);

/* The signal of an action of -s: reload HUP, reopen USR1, status USR2, stop TERM, quit QUIT; 0: no
 * such action. */
int control_signal(const char *action);

/* Sends a signal to the server that holds the file. False: err says why; none is running is one
 * reason. */
bool control_send(const char *path, int signal, struct herd_error *err);

#endif
