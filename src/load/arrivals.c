/*
 * Visit n takes its gap, its person and its length from the stream (seed, n), so that a visit is
 * the same whoever walks to it. Only its start needs the walk, being the sum of the gaps before it;
 * it is summed in whole nanoseconds, which makes the sum exact on every worker.
 */
#include "load/arrivals.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

enum { PURPOSE_VISIT = 0x6c6f0001, PURPOSE_THINK = 0x6c6f0002, PURPOSE_LEAVE = 0x6c6f0003 };

#define STEPS_MAX 100000

void arrivals_init(struct arrivals *arrivals, const struct arrivals_config *config)
{
    assert(config->people <= 0 || config->steps_per_visit >= 1.0);
    *arrivals = (struct arrivals){.config = *config};
}

/* Geometric on 1, 2, ... with the given mean, by inversion. */
static int32_t draw_steps(struct rng *rng, double mean)
{
    double uniform = rng_uniform(rng);
    if (mean <= 1.0) {
        return 1;
    }
    double steps = 1.0 + floor(log(uniform) / log1p(-1.0 / mean));
    return steps < STEPS_MAX ? (int32_t)steps : STEPS_MAX;
}

bool arrivals_next(struct arrivals *arrivals, struct visit *visit)
{
    const struct arrivals_config *config = &arrivals->config;
    if (!(config->visits_per_s > 0.0) || config->people <= 0) {
        return false;
    }
    struct rng rng = rng_stream(config->seed, arrivals->next, PURPOSE_VISIT);
    double gap_ns = rng_exponential(&rng) / config->visits_per_s * 1e9;
    if (gap_ns >= (double)(config->end_ns - arrivals->time_ns)) {
        return false;
    }
    int64_t start_ns = arrivals->time_ns + (int64_t)gap_ns;
    if (start_ns >= config->end_ns) {
        return false;
    }
    visit->number = arrivals->next;
    visit->start_ns = start_ns;
    visit->person = (int32_t)rng_below(&rng, (uint32_t)config->people);
    visit->steps = draw_steps(&rng, config->steps_per_visit);
    visit->kind = ARRIVALS_PERSON;
    visit->injection = 0;
    arrivals->next++;
    arrivals->time_ns = start_ns;
    return true;
}

int64_t arrivals_think_ns(const struct arrivals_config *config, uint64_t visit, uint32_t action)
{
    if (!(config->think_median_s > 0.0)) {
        return 0;
    }
    /* A normal takes two draws, so every action has a place of its own in the visit's stream. */
    struct rng rng = rng_stream_at(config->seed, visit, PURPOSE_THINK, 2 * (uint64_t)action);
    double seconds = config->think_median_s * exp(config->think_sigma * rng_normal(&rng));
    return (int64_t)(fmin(seconds, 1e9) * 1e9);
}

int64_t arrivals_pause_ns(const struct arrivals_config *config, const struct visit *visit,
                          uint32_t action, int64_t nominal_ns)
{
    (void)nominal_ns;
    return arrivals_think_ns(config, visit->number, action);
}

int32_t arrivals_accounts(const struct arrivals_config *config)
{
    int32_t accounts = config->people;
    for (int i = 0; config->drift != NULL && i < config->drift->count; i++) {
        enum drift_kind kind = config->drift->injection[i].kind;
        accounts += kind == DRIFT_BOTS ? ARRIVALS_BOT_ACCOUNTS : 0;
        accounts += kind == DRIFT_SHILLING ? ARRIVALS_SHILL_ACCOUNTS : 0;
    }
    return accounts;
}

bool arrivals_leaves(const struct arrivals_config *config, int32_t person, uint32_t step,
                     int32_t unlucky)
{
    const struct arrivals_leaving *leaving = &config->leaving;
    if (leaving->after_steps <= 0 || unlucky < leaving->after_steps) {
        return false;
    }
    struct rng rng = rng_stream_at(config->seed, (uint64_t)person, PURPOSE_LEAVE, step);
    return rng_uniform(&rng) < leaving->probability;
}
