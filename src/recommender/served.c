/*
 * Lists live in a ring indexed by their sequence number. A request id is the sequence number and a
 * per-run tag, so finding a list is one index and one comparison, and a slot that has been reused
 * is noticed. The latest list of a person is found through a set-associative table of (person,
 * sequence number): four places a set, the oldest replaced. It forgets a person early only when
 * five people of one set were active within the ring's length, and it never grows. Slots and sets
 * are guarded by striped mutexes, never two at once.
 */
#include "recommender/served.h"

#include "base/mem.h"
#include "base/rng.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define STRIPES 64
#define WAYS 4
#define SEQUENCE_BITS 40
#define CONVERTING_HALF_STARS 6 /* 3 stars */

struct slot {
    uint64_t sequence; /* 0 = never used */
    int32_t user_id;
    uint8_t count;
    bool rated, converted;
    int32_t movie_id[RECOMMEND_LENGTH_MAX];
    uint8_t source[RECOMMEND_LENGTH_MAX];
};

struct latest {
    uint64_t sequence[WAYS]; /* 0 = free */
    int32_t user_id[WAYS];
};

struct served {
    atomic_uint_least64_t next; /* sequence numbers start at 1 */
    uint64_t tag;               /* above SEQUENCE_BITS of every id */
    size_t slot_mask, set_mask;
    struct slot *slots;
    struct latest *sets;
    pthread_mutex_t slot_mutex[STRIPES]; /* slot i is guarded by [i % STRIPES] */
    pthread_mutex_t set_mutex[STRIPES];  /* set i likewise */
};

static size_t power_of_two(size_t least)
{
    size_t size = 1;
    while (size < least) {
        size *= 2;
    }
    return size;
}

struct served *served_new(size_t lists_max, size_t users_max, uint64_t nonce)
{
    struct served *served = mem_zalloc(1, sizeof *served);
    atomic_init(&served->next, 1);
    served->tag = rng_mix(nonce, 0) << SEQUENCE_BITS;
    served->slot_mask = power_of_two(lists_max) - 1;
    served->set_mask = power_of_two((users_max + WAYS - 1) / WAYS) - 1;
    served->slots = mem_zalloc(served->slot_mask + 1, sizeof *served->slots);
    served->sets = mem_zalloc(served->set_mask + 1, sizeof *served->sets);
    for (int i = 0; i < STRIPES; i++) {
        pthread_mutex_init(&served->slot_mutex[i], NULL);
        pthread_mutex_init(&served->set_mutex[i], NULL);
    }
    return served;
}

void served_free(struct served *served)
{
    if (served == NULL) {
        return;
    }
    for (int i = 0; i < STRIPES; i++) {
        pthread_mutex_destroy(&served->slot_mutex[i]);
        pthread_mutex_destroy(&served->set_mutex[i]);
    }
    mem_free(served->slots);
    mem_free(served->sets);
    mem_free(served);
}

static size_t set_of(const struct served *served, int32_t user_id)
{
    return (size_t)rng_mix(1, (uint64_t)(uint32_t)user_id) & served->set_mask;
}

/* Two lists of one person made at the same moment may arrive here in either order. */
static void remember_latest(struct served *served, int32_t user_id, uint64_t sequence)
{
    size_t index = set_of(served, user_id);
    struct latest *set = &served->sets[index];
    pthread_mutex_lock(&served->set_mutex[index % STRIPES]);
    int oldest = 0;
    for (int way = 0; way < WAYS; way++) {
        if (set->sequence[way] != 0 && set->user_id[way] == user_id) {
            oldest = way;
            break;
        }
        if (set->sequence[way] < set->sequence[oldest]) {
            oldest = way;
        }
    }
    if (set->sequence[oldest] < sequence) {
        set->sequence[oldest] = sequence;
        set->user_id[oldest] = user_id;
    }
    pthread_mutex_unlock(&served->set_mutex[index % STRIPES]);
}

static uint64_t find_latest(struct served *served, int32_t user_id)
{
    size_t index = set_of(served, user_id);
    const struct latest *set = &served->sets[index];
    uint64_t sequence = 0;
    pthread_mutex_lock(&served->set_mutex[index % STRIPES]);
    for (int way = 0; way < WAYS; way++) {
        if (set->sequence[way] != 0 && set->user_id[way] == user_id) {
            sequence = set->sequence[way];
        }
    }
    pthread_mutex_unlock(&served->set_mutex[index % STRIPES]);
    return sequence;
}

void served_add(struct served *served, int32_t user_id, const struct served_place *places,
                int count, char request_id[SERVED_ID_SIZE])
{
    assert(count >= 0 && count <= RECOMMEND_LENGTH_MAX);
    uint64_t sequence = atomic_fetch_add(&served->next, 1);
    size_t index = (size_t)sequence & served->slot_mask;
    struct slot *slot = &served->slots[index];
    pthread_mutex_lock(&served->slot_mutex[index % STRIPES]);
    slot->sequence = sequence;
    slot->user_id = user_id;
    slot->count = (uint8_t)count;
    slot->rated = slot->converted = false;
    for (int i = 0; i < count; i++) {
        slot->movie_id[i] = places[i].movie_id;
        slot->source[i] = (uint8_t)places[i].source;
    }
    pthread_mutex_unlock(&served->slot_mutex[index % STRIPES]);
    remember_latest(served, user_id, sequence);
    uint64_t id = served->tag | (sequence & ((UINT64_C(1) << SEQUENCE_BITS) - 1));
    snprintf(request_id, SERVED_ID_SIZE, "%016llx", (unsigned long long)id);
}

/* Sequence number of an id of this run, 0 if it is none. */
static uint64_t sequence_of(const struct served *served, const char *request_id)
{
    uint64_t id = 0;
    for (size_t i = 0; i < SERVED_ID_SIZE - 1; i++) {
        char c = request_id[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) {
            return 0;
        }
        id = id << 4 | (uint64_t)digit;
    }
    uint64_t sequence = id & ((UINT64_C(1) << SEQUENCE_BITS) - 1);
    bool ours = request_id[SERVED_ID_SIZE - 1] == '\0' && (id ^ sequence) == served->tag;
    return ours ? sequence : 0;
}

static struct attribution rate_slot(struct slot *slot, int32_t movie_id, uint8_t half_stars)
{
    struct attribution result = {0};
    for (int i = 0; i < slot->count && !result.attributed; i++) {
        if (slot->movie_id[i] == movie_id) {
            bool good = half_stars >= CONVERTING_HALF_STARS;
            result = (struct attribution){.attributed = true,
                                          .source = (enum source)slot->source[i],
                                          .rank = i + 1,
                                          .first = !slot->rated,
                                          .converts = good && !slot->converted};
            slot->rated = true;
            slot->converted = slot->converted || good;
        }
    }
    return result;
}

struct attribution served_rate(struct served *served, int32_t user_id, int32_t movie_id,
                               uint8_t half_stars, const char *request_id)
{
    struct attribution result = {0};
    uint64_t sequence =
        request_id[0] != '\0' ? sequence_of(served, request_id) : find_latest(served, user_id);
    if (sequence == 0) {
        return result;
    }
    size_t index = (size_t)sequence & served->slot_mask;
    struct slot *slot = &served->slots[index];
    pthread_mutex_lock(&served->slot_mutex[index % STRIPES]);
    if (slot->sequence == sequence && slot->user_id == user_id) {
        result = rate_slot(slot, movie_id, half_stars);
    }
    pthread_mutex_unlock(&served->slot_mutex[index % STRIPES]);
    return result;
}
