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

/* 64 bits that depend on every bit of both inputs (the mixing step of all streams). */
uint64_t rng_mix(uint64_t key, uint64_t counter);

uint64_t rng_u64(struct rng *rng);
double rng_uniform(struct rng *rng);                 /* open interval (0,1) */
double rng_normal(struct rng *rng);                  /* N(0,1); two draws a call */
double rng_gumbel(struct rng *rng);                  /* standard Gumbel: -log(-log U) */
double rng_exponential(struct rng *rng);             /* mean 1 */
uint32_t rng_below(struct rng *rng, uint32_t bound); /* uniform in [0,bound); bound > 0 */

#endif
