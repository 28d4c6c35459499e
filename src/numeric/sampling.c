/*
 * The problem: 20,000 people choose some 170 of 10,000 films each, which takes 200 million Gumbel
 * draws and 20,000 selections. With libm's log and a sort a person costs 1 ms.
 *
 * Noise. g = -log(E), E = -log(V), V uniform. A float V next to 1 is too coarse for the upper tail,
 * which is what wins, so both V and W = 1 - V are made exactly from the same 31 bits, and for small
 * W the series of log(1 - W) gets W itself. The logarithm splits x = 2^e m with m in
 * [sqrt(1/2), sqrt(2)) and takes log m = f + f^2 R(f), f = m - 1, with R of degree 6 fitted by the
 * Remez exchange for the least relative error of the whole (1.8e-7 before rounding). There is no
 * branch and no table, so the loop over draws becomes vector code; random words are made
 * beforehand a block at a time, one for two draws.
 *
 * Selection. One walk over the keys with a rising threshold: a key above it enters a buffer of
 * twice the wanted size; a full buffer is cut to its n best by quickselect and the threshold rises
 * to the worst of them. With keys in random order about n ln(count / n) enter, and in the worst
 * order (rising keys) the cuts still cost O(count) together. Key and index are packed into one
 * integer, larger = better, so that every comparison is of distinct integers and ties are settled
 * by the index. The walk first lists the keys of a block that reach the threshold, without a branch
 * that could be mispredicted, and then looks at those.
 *
 * Rejected: a heap (log n a hit, unpredictable branches), sorting, a radix histogram (Gumbel keys
 * fall into few exponents, its counters collide), alias tables (utilities differ for every person).
 */
#include "numeric/sampling.h"

#include "base/mem.h"
#include "numeric/versions.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- logarithm and noise ---- */

/* log(1 + f) for 1 + f in [sqrt(1/2), sqrt(2)]. The polynomial is summed in pairs (Estrin), which
 * halves the chain of dependent operations against Horner. */
INLINED float log_near_one(float f)
{
    float f2 = f * f;
    float low = (-0.50000322f + 0.33334714f * f) + f2 * (-0.24971229f + 0.19906884f * f);
    float high = (-0.17243224f + 0.16180497f * f) + f2 * -0.10082374f;
    return f + f2 * (low + f2 * f2 * high);
}

/* x = 2^e (1 + f), 1 + f in [sqrt(1/2), sqrt(2)); works on the bits of the float. */
INLINED float split(float x, int32_t *e)
{
    const int32_t sqrt_half_bits = 0x3f3504f3;
    int32_t bits;
    float m;
    memcpy(&bits, &x, sizeof bits);
    *e = (bits - sqrt_half_bits) >> 23;
    bits -= *e * (1 << 23);
    memcpy(&m, &bits, sizeof m);
    return m - 1.0f;
}

#define LOG_2 0.69314718f

INLINED float log_inlined(float x)
{
    int32_t e;
    float f = split(x, &e);
    return (float)e * LOG_2 + log_near_one(f);
}

float sampling_log(float x)
{
    return log_inlined(x);
}

/* a where mask is all ones, b where it is 0; a conditional expression would keep the compiler from
 * making vector code, for float operations may not be done in vain (they could trap). */
INLINED float blend(int32_t mask, float a, float b)
{
    int32_t a_bits, b_bits;
    float out;
    memcpy(&a_bits, &a, sizeof a_bits);
    memcpy(&b_bits, &b, sizeof b_bits);
    a_bits = (a_bits & mask) | (b_bits & ~mask);
    memcpy(&out, &a_bits, sizeof out);
    return out;
}

/* bits31 in [0, 2^31): W is the middle of that cell of (0, 1), V = 1 - W. */
INLINED float gumbel_of(int32_t bits31)
{
    const float cell = 0x1p-31f;
    const int32_t series_below = 622770258; /* W < .29, where V > sqrt(1/2), so e is 0 */
    float w = ((float)bits31 + 0.5f) * cell;
    float v = ((float)(INT32_MAX - bits31) + 0.5f) * cell;
    int32_t e;
    float f = split(v, &e);
    float exact = blend((bits31 - series_below) >> 31, -w, f);
    float exponential = -((float)e * LOG_2 + log_near_one(exact));
    return -log_inlined(exponential);
}

enum { BLOCK_WORDS = 128, BLOCK_DRAWS = 2 * BLOCK_WORDS };

/* The two draws of a word are its halves, less the lowest bit of each. */
INLINED int32_t draw_bits(const uint32_t *halves, int32_t i)
{
    return (int32_t)(halves[i] >> 1);
}

static void fill_halves(const struct rng *stream, int32_t first_word, int32_t words,
                        uint32_t *halves)
{
    for (int32_t n = 0; n < words; n++) {
        uint64_t word = rng_mix(stream->key, stream->counter + (uint64_t)(first_word + n));
        halves[2 * n] = (uint32_t)word;
        halves[2 * n + 1] = (uint32_t)(word >> 32);
    }
}

VECTOR_VERSIONS
static void add_noise(const uint32_t *halves, const float *utility, int32_t count, float *keys)
{
    for (int32_t i = 0; i < count; i++)
        keys[i] = utility[i] + gumbel_of(draw_bits(halves, i));
}

float sampling_gumbel(const struct rng *stream, int32_t i)
{
    uint32_t halves[2];
    assert(i >= 0);
    fill_halves(stream, i / 2, 1, halves);
    return gumbel_of(draw_bits(halves, i % 2));
}

void sampling_gumbel_keys(const struct rng *stream, const float *utility, int32_t count,
                          float *keys)
{
    uint32_t halves[BLOCK_DRAWS];
    for (int32_t first = 0; first < count; first += BLOCK_DRAWS) {
        int32_t draws = count - first < BLOCK_DRAWS ? count - first : BLOCK_DRAWS;
        fill_halves(stream, first / 2, (draws + 1) / 2, halves);
        add_noise(halves, utility + first, draws, keys + first);
    }
}

/* ---- selection ---- */

enum { WALK_KEYS = 64, BUFFER_LEAST = 64 };

struct selection {
    uint64_t *entry; /* [capacity], packed key and index; larger = better */
    int32_t count, capacity, wanted;
    float threshold; /* keys must be above it */
};

/* Floats in order of value as unsigned integers, above the inverted index. Adding 0 makes -0 and
 * +0 one value. */
static uint64_t pack(float key, int32_t index)
{
    float canonical = key + 0.0f;
    uint32_t bits;
    memcpy(&bits, &canonical, sizeof bits);
    bits = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    return (uint64_t)bits << 32 | (uint32_t)~index;
}

static int32_t index_of(uint64_t entry)
{
    return (int32_t) ~(uint32_t)entry;
}

static void swap(uint64_t *a, uint64_t *b)
{
    uint64_t old = *a;
    *a = *b;
    *b = old;
}

/* Leaves the median of three in the middle place. */
static void order_three(uint64_t *low, uint64_t *middle, uint64_t *high)
{
    if (*low < *middle)
        swap(low, middle);
    if (*middle < *high)
        swap(middle, high);
    if (*low < *middle)
        swap(low, middle);
}

/* Hoare's quickselect: afterwards the `wanted` best stand first, the worst of them last. */
static void select_best(uint64_t *entry, int32_t count, int32_t wanted)
{
    int32_t low = 0, high = count - 1, place = wanted - 1;
    while (low < high) {
        int32_t i = low, j = high;
        order_three(&entry[low], &entry[low + (high - low) / 2], &entry[high]);
        uint64_t pivot = entry[low + (high - low) / 2];
        while (i <= j) {
            while (entry[i] > pivot)
                i++;
            while (entry[j] < pivot)
                j--;
            if (i <= j)
                swap(&entry[i++], &entry[j--]);
        }
        if (place <= j)
            high = j;
        else if (place >= i)
            low = i;
        else
            return;
    }
}

static void cut(struct selection *selection, const float *keys)
{
    if (selection->count <= selection->wanted)
        return;
    select_best(selection->entry, selection->count, selection->wanted);
    selection->count = selection->wanted;
    selection->threshold = keys[index_of(selection->entry[selection->wanted - 1])];
}

static void take(struct selection *selection, const float *keys, int32_t i)
{
    if (!(keys[i] > selection->threshold))
        return;
    if (selection->count == selection->capacity) {
        cut(selection, keys);
        if (!(keys[i] > selection->threshold))
            return;
    }
    selection->entry[selection->count++] = pack(keys[i], i);
}

/* Indexes in [first, end) of keys that reach the threshold, without a branch a key. */
static int32_t reaching(const float *keys, int32_t first, int32_t end, float threshold,
                        int32_t *hits)
{
    int32_t count = 0;
    for (int32_t i = first; i < end; i++) {
        hits[count] = i;
        count += keys[i] >= threshold;
    }
    return count;
}

static int32_t block_end(int32_t first, int32_t count)
{
    return count - first < WALK_KEYS ? count : first + WALK_KEYS;
}

static void walk(struct selection *selection, const float *keys, int32_t count)
{
    int32_t hits[WALK_KEYS];
    for (int32_t first = 0; first < count; first += WALK_KEYS) {
        int32_t end = block_end(first, count);
        int32_t n = reaching(keys, first, end, selection->threshold, hits);
        for (int32_t h = 0; h < n; h++)
            take(selection, keys, hits[h]);
    }
}

/* Later keys equal to the threshold lose to the earlier ones, so a key is chosen when its packed
 * value reaches that of the worst chosen one. Walking the keys again gives rising indexes. */
static int32_t collect(const float *keys, int32_t count, uint64_t worst, int32_t *chosen)
{
    int32_t hits[WALK_KEYS], found = 0;
    float threshold = keys[index_of(worst)];
    for (int32_t first = 0; first < count; first += WALK_KEYS) {
        int32_t n = reaching(keys, first, block_end(first, count), threshold, hits);
        for (int32_t h = 0; h < n; h++)
            if (pack(keys[hits[h]], hits[h]) >= worst)
                chosen[found++] = hits[h];
    }
    return found;
}

int32_t sampling_top_n(const float *keys, int32_t count, int32_t n, int32_t *chosen)
{
    assert(count >= 0 && n >= 0);
    if (n == 0 || count == 0)
        return 0;
    int32_t wanted = n < count ? n : count;
    struct selection selection = {
        .capacity = wanted < BUFFER_LEAST / 2 ? BUFFER_LEAST : 2 * wanted,
        .wanted = wanted,
        .threshold = -INFINITY,
    };
    selection.entry = mem_array((size_t)selection.capacity, sizeof *selection.entry);
    walk(&selection, keys, count);
    cut(&selection, keys);

    uint64_t worst = UINT64_MAX;
    for (int32_t i = 0; i < selection.count; i++)
        worst = selection.entry[i] < worst ? selection.entry[i] : worst;
    int32_t found = 0;
    if (selection.count > 0)
        found = collect(keys, count, worst, chosen);
    assert(found == selection.count);
    mem_free(selection.entry);
    return found;
}
