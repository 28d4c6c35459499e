/*
 * Counter-based random streams: the n-th draw of a stream is a pure function of
 * (seed, owner, purpose, n), so results depend neither on threads nor on order.
 * A stream is a value; copy it freely. Distinct purposes of one owner are independent streams.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t key;
    uint64_t counter;
};

struct rng rng_stream(uint64_t seed, uint64_t owner, uint32_t purpose);
/* The stream positioned at its `counter`-th draw. */
struct rng rng_stream_at(uint64_t seed, uint64_t owner, uint32_t purpose, uint64_t counter);

/* One round of the hash that rng.c explains. */
static inline uint64_t rng_finalise(uint64_t x)
{
    x ^= x >> 27;
    x *= UINT64_C(0x3C79AC492BA7B653);
    x ^= x >> 33;
    x *= UINT64_C(0x1C69B3F74AC4AE35);
    x ^= x >> 27;
    return x;
}

/* 64 bits that depend on every bit of both inputs (the mixing step of all streams). */
static inline uint64_t rng_mix(uint64_t key, uint64_t counter)
{
    /* The odd constant (2^64 over the golden ratio) keeps 0 from being mapped to itself. */
    return rng_finalise(key + rng_finalise(counter + UINT64_C(0x9E3779B97F4A7C15)));
}

static inline uint64_t rng_u64(struct rng *rng)
{
    return rng_mix(rng->key, rng->counter++);
}

/* Open interval (0,1): the middle of one of 2^52 equal cells. With 53 bits the last cell's middle
 * would round to 1. */
static inline double rng_uniform(struct rng *rng)
{
    return ((double)(rng_u64(rng) >> 12) + 0.5) * 0x1p-52;
}

double rng_normal(struct rng *rng);                  /* N(0,1); two draws a call */
double rng_gumbel(struct rng *rng);                  /* standard Gumbel: -log(-log U) */
double rng_exponential(struct rng *rng);             /* mean 1 */
uint32_t rng_below(struct rng *rng, uint32_t bound); /* uniform in [0,bound); bound > 0 */

#endif
