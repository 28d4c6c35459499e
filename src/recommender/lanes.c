/*
 * Acquire on entering and release on leaving order everything done under a lane before everything
 * done under it later, so what a lane owns needs no atomics of its own.
 *
 * Rejected: thread-local storage (a thread's part could not be found by a scrape, and threads that
 * end would leave theirs behind) and a lock a lane (a holder that loses its processor would make
 * others wait; here they take the next lane).
 */
#include "recommender/lanes.h"

#include "base/clock.h"

#include <assert.h>
#include <sched.h>
#include <stdbool.h>

#define RETRY_NS 20000 /* a holder leaves within microseconds, unless it lost its processor */

void lanes_init(struct lanes *lanes)
{
    atomic_init(&lanes->held, 0);
    atomic_init(&lanes->used, 0);
}

/* `held` is what was last seen; a failed attempt refreshes it. */
static bool take(struct lanes *lanes, uint_least64_t *held, uint64_t bit)
{
    if ((*held & bit) != 0 ||
        !atomic_compare_exchange_strong_explicit(&lanes->held, held, *held | bit,
                                                 memory_order_acquire, memory_order_relaxed)) {
        return false;
    }
    if ((atomic_load_explicit(&lanes->used, memory_order_relaxed) & bit) == 0) {
        atomic_fetch_or_explicit(&lanes->used, bit, memory_order_release);
    }
    return true;
}

unsigned lanes_enter(struct lanes *lanes)
{
    uint_least64_t held = atomic_load_explicit(&lanes->held, memory_order_relaxed);
    for (;;) {
        if (held == UINT64_MAX) {
            sched_yield();
            held = atomic_load_explicit(&lanes->held, memory_order_relaxed);
            continue;
        }
        unsigned lane = (unsigned)__builtin_ctzll(~held);
        if (take(lanes, &held, UINT64_C(1) << lane)) {
            return lane;
        }
    }
}

void lanes_enter_at(struct lanes *lanes, unsigned lane)
{
    assert(lane < LANES_MAX);
    uint64_t bit = UINT64_C(1) << lane;
    uint_least64_t held = atomic_load_explicit(&lanes->held, memory_order_relaxed);
    while (!take(lanes, &held, bit)) {
        if ((held & bit) != 0) {
            clock_sleep_ns(RETRY_NS);
            held = atomic_load_explicit(&lanes->held, memory_order_relaxed);
        }
    }
}

void lanes_leave(struct lanes *lanes, unsigned lane)
{
    assert(lane < LANES_MAX);
    atomic_fetch_and_explicit(&lanes->held, ~(UINT64_C(1) << lane), memory_order_release);
}

uint64_t lanes_used(struct lanes *lanes)
{
    return atomic_load_explicit(&lanes->used, memory_order_acquire);
}
