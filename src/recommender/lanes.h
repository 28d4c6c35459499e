/*
 * Numbers for work under way: whoever enters gets a lane that nobody else holds until they leave,
 * and with it the sole use of whatever is kept one a lane. What one holder wrote there is visible
 * to the next. Entering takes no lock: it is one atomic operation on a word, and the lowest free
 * lane is given, so that few lanes are ever used and their memory stays warm. Any thread.
 *
 * There are more lanes than threads of a service that may hold one (SERVICE_THREADS_MAX, and a few
 * for what is done behind requests), so entering never waits. Should all be held nevertheless,
 * lanes_enter yields the processor until one is left.
 */
#ifndef RECOMMENDER_LANES_H
#define RECOMMENDER_LANES_H

#include <stdatomic.h>
#include <stdint.h>

#define LANES_MAX 64

struct lanes {
    atomic_uint_least64_t held; /* bit i = lane i */
    atomic_uint_least64_t used; /* bit i = lane i was held at some time */
};

void lanes_init(struct lanes *lanes);
unsigned lanes_enter(struct lanes *lanes);
/* This very lane, sleeping while somebody holds it: for those who look at all lanes in turn. */
void lanes_enter_at(struct lanes *lanes, unsigned lane);
void lanes_leave(struct lanes *lanes, unsigned lane);
/* The lanes held at some time so far, as bits. */
uint64_t lanes_used(struct lanes *lanes);

#endif
