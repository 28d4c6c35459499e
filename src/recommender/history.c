/*
 * A ring of entries, each numbered by its sequence in the order of arrival, and a table of heads:
 * the newest entry of all people of one hash. Every entry tells how far back the one before it of
 * the same hash lies. A reader walks back from the head and stops at the first entry that has been
 * overwritten, because all before it have been, too.
 *
 * Without locks for readers. Writers queue at a mutex. One that reuses a slot first sets its
 * sequence number to 0, then writes the fields, each with release, and sets the new number last. A
 * reader takes the fields with acquire between two looks at the number: if it read anything of the
 * new entry, the second look shows a number that is not the one it came for.
 *
 * An entry does not change but for one field: the stars become 0 when the person has rated the film
 * again. The new entry is there before, so no moment shows the film as unrated.
 *
 * A walk ends after WALK_MAX entries. That bounds the work of a request when somebody posts without
 * end: their own older ratings, and those of others of the same hash, are then forgotten earlier
 * than the ring would. There are as many heads as entries, so otherwise few share one.
 *
 * Rejected: a table of people behind striped mutexes (readers wait for writers, and memory grows
 * with every new person), and immutable copies of a person's list swapped by pointer (when to free
 * the old one is a question that the ring does not have).
 */
#include "recommender/history.h"

#include "base/mem.h"
#include "base/rng.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define WALK_MAX (2 * HISTORY_PERSON_MAX)

struct entry {
    atomic_uint_least64_t sequence; /* 0 = unused or being written */
    atomic_int_least64_t time_s;
    atomic_int_least32_t user_id, movie_id;
    atomic_uint_least32_t back;       /* sequence numbers to the entry before it, 0 = none */
    atomic_uint_least32_t half_stars; /* 0 = rated again */
};

struct history {
    size_t mask;
    struct entry *entries;        /* [mask + 1], entry s at s & mask */
    atomic_uint_least64_t *heads; /* [mask + 1], by hash of the person; 0 = none */
    atomic_uint_least64_t newest; /* sequence number, 0 before the first */
    pthread_mutex_t writing;      /* guards every change */
};

struct history *history_new(size_t ratings_max)
{
    struct history *history = mem_zalloc(1, sizeof *history);
    size_t size = 1;
    while (size < ratings_max) {
        size *= 2;
    }
    history->mask = size - 1;
    history->entries = mem_zalloc(size, sizeof *history->entries);
    history->heads = mem_zalloc(size, sizeof *history->heads);
    pthread_mutex_init(&history->writing, NULL);
    return history;
}

void history_free(struct history *history)
{
    if (history != NULL) {
        pthread_mutex_destroy(&history->writing);
        mem_free(history->entries);
        mem_free(history->heads);
        mem_free(history);
    }
}

static atomic_uint_least64_t *head_of(const struct history *history, int32_t user_id)
{
    return &history->heads[(size_t)rng_mix(0, (uint64_t)(uint32_t)user_id) & history->mask];
}

static struct entry *entry_at(const struct history *history, uint64_t sequence)
{
    return &history->entries[(size_t)sequence & history->mask];
}

/* One entry as a reader took it. */
struct seen {
    struct posted_rating rating;
    uint32_t back;
};

/* False if the entry has been overwritten. */
static bool look(const struct history *history, uint64_t sequence, struct seen *out)
{
    struct entry *entry = entry_at(history, sequence);
    if (atomic_load_explicit(&entry->sequence, memory_order_acquire) != sequence) {
        return false;
    }
    out->rating.user_id = atomic_load_explicit(&entry->user_id, memory_order_acquire);
    out->rating.movie_id = atomic_load_explicit(&entry->movie_id, memory_order_acquire);
    out->rating.half_stars =
        (uint8_t)atomic_load_explicit(&entry->half_stars, memory_order_acquire);
    out->rating.time_s = atomic_load_explicit(&entry->time_s, memory_order_acquire);
    out->back = atomic_load_explicit(&entry->back, memory_order_acquire);
    return atomic_load_explicit(&entry->sequence, memory_order_acquire) == sequence;
}

/* The entry before the one seen, 0 if there is none. */
static uint64_t before(uint64_t sequence, const struct seen *seen)
{
    return seen->back > 0 ? sequence - seen->back : 0;
}

/* Takes back the former rating of the film, which lies before `newest`. Under the mutex. */
static void withdraw(struct history *history, uint64_t newest, const struct posted_rating *rating)
{
    struct seen seen;
    uint64_t sequence = newest;
    for (int step = 0; step < WALK_MAX && sequence != 0; step++) {
        if (!look(history, sequence, &seen)) {
            return;
        }
        if (sequence != newest && seen.rating.user_id == rating->user_id &&
            seen.rating.movie_id == rating->movie_id) {
            atomic_store_explicit(&entry_at(history, sequence)->half_stars, 0,
                                  memory_order_release);
            return;
        }
        sequence = before(sequence, &seen);
    }
}

void history_add(struct history *history, const struct posted_rating *rating)
{
    pthread_mutex_lock(&history->writing);
    uint64_t sequence = atomic_load_explicit(&history->newest, memory_order_relaxed) + 1;
    atomic_uint_least64_t *head = head_of(history, rating->user_id);
    uint64_t previous = atomic_load_explicit(head, memory_order_relaxed);
    bool there = previous != 0 && sequence - previous <= history->mask;
    struct entry *entry = entry_at(history, sequence);
    atomic_store_explicit(&entry->sequence, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->user_id, rating->user_id, memory_order_release);
    atomic_store_explicit(&entry->movie_id, rating->movie_id, memory_order_release);
    atomic_store_explicit(&entry->half_stars, rating->half_stars, memory_order_release);
    atomic_store_explicit(&entry->time_s, rating->time_s, memory_order_release);
    atomic_store_explicit(&entry->back, there ? (uint32_t)(sequence - previous) : 0,
                          memory_order_release);
    atomic_store_explicit(&entry->sequence, sequence, memory_order_release);
    atomic_store_explicit(&history->newest, sequence, memory_order_release);
    atomic_store_explicit(head, sequence, memory_order_release);
    withdraw(history, sequence, rating);
    pthread_mutex_unlock(&history->writing);
}

size_t history_read(const struct history *history, int32_t user_id,
                    struct posted_rating out[HISTORY_PERSON_MAX])
{
    struct seen seen;
    uint64_t sequence = atomic_load_explicit(head_of(history, user_id), memory_order_acquire);
    size_t count = 0;
    for (int step = 0; step < WALK_MAX && sequence != 0 && count < HISTORY_PERSON_MAX; step++) {
        if (!look(history, sequence, &seen)) {
            break;
        }
        if (seen.rating.user_id == user_id && seen.rating.half_stars > 0) {
            out[count++] = seen.rating;
        }
        sequence = before(sequence, &seen);
    }
    for (size_t i = 0; i < count / 2; i++) { /* the walk was newest first */
        struct posted_rating swapped = out[i];
        out[i] = out[count - 1 - i];
        out[count - 1 - i] = swapped;
    }
    return count;
}

size_t history_count(const struct history *history)
{
    uint64_t newest = atomic_load_explicit(&history->newest, memory_order_acquire);
    return newest > history->mask ? history->mask + 1 : (size_t)newest;
}
