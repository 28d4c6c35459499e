/*
 * A column a thing, each filled to the mean: what a light thing lacks is lent by a heavy one, whose
 * own rest then counts as light or heavy in turn. The columns left at the end differ from full only
 * by rounding. Both worklists share one array, filled from its two ends.
 */
#include "load/alias.h"

#include "base/mem.h"

#include <assert.h>

void alias_init(struct alias *alias, const double *weight, int32_t count)
{
    double sum = 0;
    assert(count > 0);
    *alias = (struct alias){.count = count,
                            .share = mem_array((size_t)count, sizeof(double)),
                            .keep = mem_array((size_t)count, sizeof(double)),
                            .other = mem_array((size_t)count, sizeof(int32_t))};
    for (int32_t i = 0; i < count; i++) {
        assert(weight[i] >= 0);
        sum += weight[i];
    }
    assert(sum > 0);
    int32_t *work = mem_array((size_t)count, sizeof *work);
    /* Light ones are work[0..light), heavy ones work[heavy..count). */
    int32_t light = 0, heavy = count, last = -1;
    for (int32_t i = 0; i < count; i++) {
        alias->share[i] = weight[i] / sum;
        alias->keep[i] = alias->share[i] * count;
        alias->other[i] = i;
        work[alias->keep[i] < 1 ? light++ : --heavy] = i;
    }
    while (light > 0 && heavy < count) {
        int32_t poor = work[--light], rich = work[heavy++];
        last = rich;
        alias->other[poor] = rich;
        alias->keep[rich] -= 1 - alias->keep[poor];
        work[alias->keep[rich] < 1 ? light++ : --heavy] = rich;
    }
    /* A light one left over has been short-changed by rounding alone; it lends from the last heavy
     * one, so that a weight of 0 stays one. */
    while (light > 0) {
        int32_t poor = work[--light];
        alias->keep[poor] = last < 0 ? 1 : alias->keep[poor];
        alias->other[poor] = last < 0 ? poor : last;
    }
    while (heavy < count) {
        alias->keep[work[heavy++]] = 1;
    }
    mem_free(work);
}

void alias_deinit(struct alias *alias)
{
    mem_free(alias->share);
    mem_free(alias->keep);
    mem_free(alias->other);
    *alias = (struct alias){0};
}

int32_t alias_draw(const struct alias *alias, struct rng *rng)
{
    int32_t column = (int32_t)rng_below(rng, (uint32_t)alias->count);
    return rng_uniform(rng) < alias->keep[column] ? column : alias->other[column];
}
