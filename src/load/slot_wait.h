/*
 * When a worker had no connection slot free. What became due in that time, or was due already when
 * it began, waited for a slot as long as it lasted; the rest of its lateness is the worker's own. A
 * worker that comes late to many due requests at once fills its slots with the first of them, and
 * what the others had waited until then is no wait for a slot. Pure; owned by one thread.
 */
#ifndef LOAD_SLOT_WAIT_H
#define LOAD_SLOT_WAIT_H

#include <stdbool.h>
#include <stdint.h>

/* A slot free for less than this between two spells was on its way to the next request: one spell.
 */
#define SLOT_WAIT_GAP_NS INT64_C(100000)
/* Spells remembered. Beyond, the two oldest are taken for one. */
#define SLOT_WAIT_SPELLS 64

struct slot_spell {
    int64_t from_ns, to_ns;
};

struct slot_wait { /* zeroed = slots have been free all the time */
    int count;
    bool full;                                 /* the last spell has not ended yet */
    struct slot_spell spell[SLOT_WAIT_SPELLS]; /* rising, apart from each other */
};

/* The last free slot was taken. Moments must not fall from call to call. */
void slot_wait_full(struct slot_wait *slots, int64_t now_ns);
/* One of them became free. */
void slot_wait_freed(struct slot_wait *slots, int64_t now_ns);
/* For how long of [due_ns, now_ns] no slot was free. */
int64_t slot_wait_ns(const struct slot_wait *slots, int64_t due_ns, int64_t now_ns);

#endif
