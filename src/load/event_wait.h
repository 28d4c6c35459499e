/* Waiting for events to a moment in nanoseconds. */
#ifndef LOAD_EVENT_WAIT_H
#define LOAD_EVENT_WAIT_H

#include <stdint.h>
#include <sys/epoll.h>

/* Waits until something happens or until_mono_ns (past = only looks); fills at most `max` events
 * and returns how many, -1 with errno if it was interrupted. Any thread. */
int event_wait(int epoll_fd, struct epoll_event *event, int max, int64_t until_mono_ns);

#endif
