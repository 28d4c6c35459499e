/*
 * People are spread over stripes by a hash of their id; each stripe is an open-addressing table
 * behind a mutex that is held for the copy of a few ratings. Nothing is ever removed: the table
 * grows with the ratings, of which the store keeps a copy anyway.
 */
#include "recommender/history.h"

#include "base/mem.h"
#include "base/rng.h"

#include <pthread.h>
#include <string.h>

#define STRIPES 64
#define FIRST_CAPACITY 64

struct person {
    bool used;
    int32_t user_id;
    uint32_t count, capacity;
    struct posted_rating *ratings;
};

struct stripe {
    pthread_mutex_t mutex; /* guards all below */
    struct person *table;
    size_t used, capacity; /* capacity is 0 or a power of two */
};

struct history {
    struct stripe stripes[STRIPES];
};

struct history *history_new(void)
{
    struct history *history = mem_zalloc(1, sizeof *history);
    for (int s = 0; s < STRIPES; s++) {
        pthread_mutex_init(&history->stripes[s].mutex, NULL);
    }
    return history;
}

void history_free(struct history *history)
{
    if (history == NULL) {
        return;
    }
    for (int s = 0; s < STRIPES; s++) {
        struct stripe *stripe = &history->stripes[s];
        for (size_t p = 0; p < stripe->capacity; p++) {
            mem_free(stripe->table[p].ratings);
        }
        mem_free(stripe->table);
        pthread_mutex_destroy(&stripe->mutex);
    }
    mem_free(history);
}

static uint64_t hash_of(int32_t user_id)
{
    return rng_mix(0, (uint64_t)(uint32_t)user_id);
}

/* The person's entry or the free one where they belong. The table must have a free entry. */
static struct person *entry_of(const struct stripe *stripe, int32_t user_id)
{
    size_t mask = stripe->capacity - 1;
    size_t at = (hash_of(user_id) / STRIPES) & mask;
    while (stripe->table[at].used && stripe->table[at].user_id != user_id) {
        at = (at + 1) & mask;
    }
    return &stripe->table[at];
}

static bool grow(struct stripe *stripe)
{
    struct stripe larger = {.capacity =
                                stripe->capacity > 0 ? 2 * stripe->capacity : FIRST_CAPACITY};
    larger.table = mem_try_alloc(larger.capacity * sizeof *larger.table);
    if (larger.table == NULL) {
        return false;
    }
    memset(larger.table, 0, larger.capacity * sizeof *larger.table);
    for (size_t p = 0; p < stripe->capacity; p++) {
        if (stripe->table[p].used) {
            *entry_of(&larger, stripe->table[p].user_id) = stripe->table[p];
        }
    }
    mem_free(stripe->table);
    stripe->table = larger.table;
    stripe->capacity = larger.capacity;
    return true;
}

static bool append(struct person *person, const struct posted_rating *rating)
{
    if (person->count == person->capacity) {
        uint32_t capacity = person->capacity > 0 ? 2 * person->capacity : 4;
        struct posted_rating *larger = mem_try_resize(person->ratings, capacity * sizeof *larger);
        if (larger == NULL) {
            return false;
        }
        person->ratings = larger;
        person->capacity = capacity;
    }
    person->ratings[person->count++] = *rating;
    return true;
}

/* A film rated again replaces its former rating, so a person's part is bounded by the films. */
static void forget(struct person *person, int32_t movie_id)
{
    for (uint32_t i = 0; i < person->count; i++) {
        if (person->ratings[i].movie_id == movie_id) {
            memmove(&person->ratings[i], &person->ratings[i + 1],
                    (person->count - i - 1) * sizeof *person->ratings);
            person->count--;
            return;
        }
    }
}

bool history_add(struct history *history, const struct posted_rating *rating)
{
    struct stripe *stripe = &history->stripes[hash_of(rating->user_id) % STRIPES];
    pthread_mutex_lock(&stripe->mutex);
    bool good = (stripe->used + 1) * 4 <= stripe->capacity * 3 || grow(stripe);
    if (good) {
        struct person *person = entry_of(stripe, rating->user_id);
        forget(person, rating->movie_id);
        good = append(person, rating);
        if (good && !person->used) {
            person->used = true;
            person->user_id = rating->user_id;
            stripe->used++;
        }
    }
    pthread_mutex_unlock(&stripe->mutex);
    return good;
}

bool history_copy(struct history *history, int32_t user_id, struct history_copy *out)
{
    struct stripe *stripe = &history->stripes[hash_of(user_id) % STRIPES];
    bool good = true;
    out->ratings = out->few;
    out->count = 0;
    pthread_mutex_lock(&stripe->mutex);
    const struct person *person = stripe->capacity > 0 ? entry_of(stripe, user_id) : NULL;
    if (person != NULL && person->used) {
        if (person->count > sizeof out->few / sizeof out->few[0]) {
            out->ratings = mem_try_alloc(person->count * sizeof *out->ratings);
        }
        good = out->ratings != NULL;
        if (good) {
            memcpy(out->ratings, person->ratings, person->count * sizeof *out->ratings);
            out->count = person->count;
        }
    }
    pthread_mutex_unlock(&stripe->mutex);
    return good;
}

void history_copy_deinit(struct history_copy *copy)
{
    if (copy->ratings != copy->few) {
        mem_free(copy->ratings);
    }
}
