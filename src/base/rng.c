/*
 * Why counter-based: a person's n-th draw must be the same whichever thread makes it and whatever
 * was drawn before for others, so a stream holds no hidden state, only a key and a counter, and a
 * draw is a keyed hash of the counter. A generator with real state (xoshiro, PCG) would need one
 * state a person and purpose, and could not be positioned.
 *
 * The hash is two rounds of a 64-bit finaliser of the splitmix family with constants found by
 * Pelle Evensen ("moremur"). The counter goes through the first round alone, which spreads the
 * small consecutive numbers over all 64 bits; the key, itself a hash of (seed, owner, purpose), is
 * added before the second. One round with key + counter would not do: two streams whose keys differ
 * by a small number would be shifted copies of each other.
 */
#include "base/rng.h"

#include <assert.h>
#include <math.h>

#define TWO_PI 6.283185307179586476925

struct rng rng_stream(uint64_t seed, uint64_t owner, uint32_t purpose)
{
    return rng_stream_at(seed, owner, purpose, 0);
}

struct rng rng_stream_at(uint64_t seed, uint64_t owner, uint32_t purpose, uint64_t counter)
{
    uint64_t key = rng_mix(rng_mix(rng_mix(0, seed), owner), purpose);
    return (struct rng){.key = key, .counter = counter};
}

/* Box and Muller's transform; its second value is dropped so that a call has no memory. */
double rng_normal(struct rng *rng)
{
    double radius = sqrt(-2.0 * log(rng_uniform(rng)));
    return radius * cos(TWO_PI * rng_uniform(rng));
}

double rng_gumbel(struct rng *rng)
{
    return -log(-log(rng_uniform(rng)));
}

double rng_exponential(struct rng *rng)
{
    return -log(rng_uniform(rng));
}

/* The upper half of the 96-bit product. Always one draw; the bias is below bound / 2^64. */
uint32_t rng_below(struct rng *rng, uint32_t bound)
{
    assert(bound > 0);
    uint64_t draw = rng_u64(rng);
    uint64_t high = (draw >> 32) * bound;
    uint64_t low = (draw & UINT32_MAX) * bound;
    return (uint32_t)((high + (low >> 32)) >> 32);
}
