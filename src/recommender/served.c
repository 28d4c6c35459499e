/*
 * Lists live in a ring indexed by their sequence number. A request id is the sequence number and a
 * per-run tag, so finding a list is one index and one comparison, and a slot that has been reused
 * is noticed. The latest list of a person is found through a set-associative table: four places a
 * set, each one word of (tag of the person, sequence number), the oldest replaced. It forgets a
 * person early only when five people of one set were active within the ring's length, and it never
 * grows.
 *
 * Without locks. A slot's `state` is its sequence number and three flags in one word. Who makes a
 * list takes the slot by setting its own sequence number and WRITING, fills it, and clears WRITING.
 * Who rates reads the slot and then looks at the state again: the same sequence number says that
 * nothing was overwritten meanwhile. Every field is written with release and read with acquire, so
 * whoever reads a value of a later list also sees, in that second look, that the slot was taken.
 * RATED and CONVERTED are set by compare-and-exchange on the state, so of several ratings at once
 * exactly one is the first, and none is counted for a list that took the place.
 *
 * A thread that stalls for a whole turn of the ring between drawing its number and taking its slot
 * finds a later list there; its own is forgotten at once, as it would have been by then anyway.
 */
#include "recommender/served.h"

#include "base/mem.h"
#include "base/rng.h"

#include <assert.h>
#include <stdatomic.h>

#define WAYS 4
#define SEQUENCE_BITS 40
#define SEQUENCE_MASK ((UINT64_C(1) << SEQUENCE_BITS) - 1)
#define CONVERTING_HALF_STARS 6 /* 3 stars */

#define FLAG_BITS 3
#define WRITING UINT64_C(1)
#define RATED UINT64_C(2)
#define CONVERTED UINT64_C(4)

struct slot {
    atomic_uint_least64_t state; /* sequence << FLAG_BITS | flags; 0 = never used */
    atomic_int_least64_t served_ns;
    atomic_int_least32_t user_id;
    atomic_int_least32_t count;
    atomic_int_least32_t movie_id[RECOMMEND_LENGTH_MAX];
    atomic_uchar source[RECOMMEND_LENGTH_MAX];
};

struct latest {
    atomic_uint_least64_t way[WAYS]; /* tag << SEQUENCE_BITS | sequence; 0 = free */
};

struct served {
    atomic_uint_least64_t next; /* sequence numbers start at 1 */
    uint64_t tag;               /* above SEQUENCE_BITS of every id */
    int64_t window_ns;
    size_t slot_mask, set_mask;
    struct slot *slots;
    struct latest *sets;
};

static size_t power_of_two(size_t least)
{
    size_t size = 1;
    while (size < least) {
        size *= 2;
    }
    return size;
}

struct served *served_new(size_t lists_max, size_t users_max, int64_t window_ns, uint64_t nonce)
{
    struct served *served = mem_zalloc(1, sizeof *served);
    atomic_init(&served->next, 1);
    served->tag = rng_mix(nonce, 0) << SEQUENCE_BITS;
    served->window_ns = window_ns;
    served->slot_mask = power_of_two(lists_max) - 1;
    served->set_mask = power_of_two((users_max + WAYS - 1) / WAYS) - 1;
    served->slots = mem_zalloc(served->slot_mask + 1, sizeof *served->slots);
    served->sets = mem_zalloc(served->set_mask + 1, sizeof *served->sets);
    return served;
}

void served_free(struct served *served)
{
    if (served != NULL) {
        mem_free(served->slots);
        mem_free(served->sets);
        mem_free(served);
    }
}

/* ---- the latest list of a person ---- */

static struct latest *set_of(const struct served *served, int32_t user_id, uint64_t *tag)
{
    uint64_t hash = rng_mix(1, (uint64_t)(uint32_t)user_id);
    *tag = hash >> SEQUENCE_BITS << SEQUENCE_BITS;
    return &served->sets[(size_t)hash & served->set_mask];
}

/* The place for a person's new list: their own, or the oldest. *seen is what it holds. */
static int way_for(struct latest *set, uint64_t tag, uint_least64_t *seen)
{
    int best = -1;
    bool own = false;
    for (int way = 0; way < WAYS; way++) {
        uint_least64_t word = atomic_load_explicit(&set->way[way], memory_order_relaxed);
        bool same = word != 0 && (word & ~SEQUENCE_MASK) == tag;
        if (best < 0 || (same && !own) ||
            (same == own && (word & SEQUENCE_MASK) < (*seen & SEQUENCE_MASK))) {
            best = way;
            own = same;
            *seen = word;
        }
    }
    return best;
}

/* Two lists of one person made at the same moment may arrive here in either order. */
static void remember_latest(struct served *served, int32_t user_id, uint64_t sequence)
{
    uint64_t tag;
    struct latest *set = set_of(served, user_id, &tag);
    uint_least64_t seen = 0;
    int way;
    do {
        way = way_for(set, tag, &seen);
        if ((seen & SEQUENCE_MASK) >= sequence) {
            return;
        }
    } while (!atomic_compare_exchange_strong_explicit(&set->way[way], &seen, tag | sequence,
                                                      memory_order_release, memory_order_relaxed));
}

/* 0 if there is none. */
static uint64_t find_latest(const struct served *served, int32_t user_id)
{
    uint64_t tag, newest = 0;
    struct latest *set = set_of(served, user_id, &tag);
    for (int way = 0; way < WAYS; way++) {
        uint64_t word = atomic_load_explicit(&set->way[way], memory_order_acquire);
        uint64_t sequence = word & SEQUENCE_MASK;
        if (word != 0 && (word & ~SEQUENCE_MASK) == tag && sequence > newest) {
            newest = sequence;
        }
    }
    return newest;
}

/* ---- lists ---- */

static bool take_slot(struct slot *slot, uint64_t sequence)
{
    uint_least64_t state = atomic_load_explicit(&slot->state, memory_order_relaxed);
    do {
        if ((state & WRITING) != 0 || state >> FLAG_BITS >= sequence) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&slot->state, &state,
                                                    sequence << FLAG_BITS | WRITING,
                                                    memory_order_acquire, memory_order_relaxed));
    return true;
}

static void fill_slot(struct slot *slot, int32_t user_id, const struct served_place *places,
                      int count, int64_t now_ns)
{
    atomic_store_explicit(&slot->user_id, user_id, memory_order_release);
    atomic_store_explicit(&slot->served_ns, now_ns, memory_order_release);
    atomic_store_explicit(&slot->count, count, memory_order_release);
    for (int i = 0; i < count; i++) {
        atomic_store_explicit(&slot->movie_id[i], places[i].movie_id, memory_order_release);
        atomic_store_explicit(&slot->source[i], (unsigned char)places[i].source,
                              memory_order_release);
    }
}

static void write_id(uint64_t id, char out[SERVED_ID_SIZE])
{
    for (int i = SERVED_ID_SIZE - 2; i >= 0; i--) {
        out[i] = "0123456789abcdef"[id & 15];
        id >>= 4;
    }
    out[SERVED_ID_SIZE - 1] = '\0';
}

void served_add(struct served *served, int32_t user_id, const struct served_place *places,
                int count, int64_t now_ns, char request_id[SERVED_ID_SIZE])
{
    assert(count >= 0 && count <= RECOMMEND_LENGTH_MAX);
    uint64_t sequence = atomic_fetch_add_explicit(&served->next, 1, memory_order_relaxed);
    struct slot *slot = &served->slots[(size_t)sequence & served->slot_mask];
    if (take_slot(slot, sequence)) {
        fill_slot(slot, user_id, places, count, now_ns);
        atomic_store_explicit(&slot->state, sequence << FLAG_BITS, memory_order_release);
        remember_latest(served, user_id, sequence);
    }
    write_id(served->tag | (sequence & SEQUENCE_MASK), request_id);
}

/* ---- ratings ---- */

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
    uint64_t sequence = id & SEQUENCE_MASK;
    bool ours = request_id[SERVED_ID_SIZE - 1] == '\0' && (id ^ sequence) == served->tag &&
                sequence < atomic_load_explicit(&served->next, memory_order_relaxed);
    return ours ? sequence : 0;
}

static bool holds(uint64_t state, uint64_t sequence)
{
    return state >> FLAG_BITS == sequence && (state & WRITING) == 0;
}

/* What a rating needs to know of a list. */
struct finding {
    bool forgotten, own; /* own: the person's list, and the film is in it */
    enum source source;
    int rank;
    int64_t served_ns;
};

static struct finding look(struct slot *slot, uint64_t sequence, int32_t user_id, int32_t movie_id)
{
    struct finding found = {.forgotten = true};
    if (!holds(atomic_load_explicit(&slot->state, memory_order_acquire), sequence)) {
        return found;
    }
    bool theirs = atomic_load_explicit(&slot->user_id, memory_order_acquire) == user_id;
    int count = theirs ? atomic_load_explicit(&slot->count, memory_order_acquire) : 0;
    found.served_ns = atomic_load_explicit(&slot->served_ns, memory_order_acquire);
    for (int i = 0; i < count && !found.own; i++) {
        if (atomic_load_explicit(&slot->movie_id[i], memory_order_acquire) == movie_id) {
            found.own = true;
            found.rank = i + 1;
            found.source =
                (enum source)atomic_load_explicit(&slot->source[i], memory_order_acquire);
        }
    }
    found.forgotten = !holds(atomic_load_explicit(&slot->state, memory_order_acquire), sequence);
    return found;
}

/* Sets the flags of a rating; false if the list was forgotten meanwhile. */
static bool mark(struct slot *slot, uint64_t sequence, bool good, struct attribution *result)
{
    uint_least64_t state = atomic_load_explicit(&slot->state, memory_order_relaxed);
    uint64_t marks = RATED | (good ? CONVERTED : 0);
    do {
        if (!holds(state, sequence)) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&slot->state, &state, state | marks,
                                                    memory_order_relaxed, memory_order_relaxed));
    result->first = (state & RATED) == 0;
    result->converts = good && (state & CONVERTED) == 0;
    return true;
}

struct attribution served_rate(struct served *served, int32_t user_id, int32_t movie_id,
                               uint8_t half_stars, const char *request_id, int64_t now_ns)
{
    struct attribution result = {0};
    bool named = request_id[0] != '\0';
    uint64_t sequence = named ? sequence_of(served, request_id) : find_latest(served, user_id);
    if (sequence == 0) {
        return result;
    }
    struct slot *slot = &served->slots[(size_t)sequence & served->slot_mask];
    struct finding found = look(slot, sequence, user_id, movie_id);
    if (!found.forgotten && !found.own) {
        return result;
    }
    bool timely = !found.forgotten && now_ns - found.served_ns <= served->window_ns;
    if (timely && mark(slot, sequence, half_stars >= CONVERTING_HALF_STARS, &result)) {
        result.attributed = true;
        result.source = found.source;
        result.rank = found.rank;
    } else {
        result.late = named || !found.forgotten;
    }
    return result;
}
