#include "population/singles.h"

#include "base/mem.h"
#include "base/rng.h"

#include <string.h>

#define PURPOSE 0x534e474c /* random stream of the rounds */

void singles_find(const struct ratings *ratings, const int32_t *film_count, struct singles *out)
{
    out->count = 0;
    out->start = mem_zalloc((size_t)ratings->users + 1, sizeof *out->start);
    out->film = mem_array((size_t)ratings->items + 1, sizeof *out->film);
    for (int32_t u = 0; u < ratings->users; u++) {
        for (int64_t i = ratings->start[u]; i < ratings->start[u + 1]; i++) {
            if (film_count[ratings->item[i]] == 1) {
                out->film[out->count++] = ratings->item[i];
            }
        }
        out->start[u + 1] = out->count;
    }
}

void singles_deinit(struct singles *singles)
{
    mem_free(singles->film);
    mem_free(singles->start);
    memset(singles, 0, sizeof *singles);
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
    while (b != 0) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Place k of a round holds film factor * k + offset (mod count): a permutation, because the factor
 * has no divisor in common with the count, that needs no table. */
int32_t singles_deal(const struct singles *singles, uint64_t seed, uint32_t round, int32_t user,
                     int32_t *out)
{
    int32_t dealt = singles->start[user + 1] - singles->start[user];
    uint32_t count = (uint32_t)singles->count;
    if (dealt == 0) {
        return 0;
    }
    struct rng rng = rng_stream(seed, round, PURPOSE);
    uint32_t offset = rng_below(&rng, count), factor = 1 + rng_below(&rng, count);
    while (common_divisor(factor, count) != 1) {
        factor = 1 + rng_below(&rng, count);
    }
    for (int32_t k = 0; k < dealt; k++) {
        uint64_t place = (uint64_t)singles->start[user] + (uint64_t)k;
        out[k] = singles->film[(place * factor + offset) % count];
    }
    return dealt;
}
