/*
 * Who sees what. Person u takes the n_u films that win an exponential race: film i arrives after a
 * time with rate w_ui = exp(appeal_i + taste_u . taste_i), and the first n_u arrive in time. (This
 * is choosing the largest of log weight + Gumbel noise, without replacement.) Films released after
 * the person's first year do not run.
 *
 * The appeal is not the logarithm of the wanted share: choosing without replacement flattens the
 * head and tastes tilt everything. It is solved. Film i is among those of u with probability close
 * to 1 - exp(-w_ui t_u), where t_u makes the probabilities sum to n_u; a sweep takes one Newton
 * step for each t_u and moves each appeal by the logarithm of wanted over expected share. Doing it
 * with expectations instead of simulated races needs no tuning against noise, so films that two
 * people see converge as well as the famous ones.
 *
 * Sums over people run in blocks of fixed size added up in order, so that the answer does not
 * depend on the number of threads.
 */
#include "movielens/synth_int.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define SWEEPS 14
#define BLOCK_PEOPLE 32
/* Pairs kept in memory while solving; of more people every k-th takes part. */
#define FIT_PAIRS_MAX 12000000
#define FIT_PEOPLE_MIN 256

static double affinity(const double *person, const double *film)
{
    double sum[4] = {0};
    for (int d = 0; d < SYNTH_TASTE; d += 4) {
        sum[0] += person[d] * film[d];
        sum[1] += person[d + 1] * film[d + 1];
        sum[2] += person[d + 2] * film[d + 2];
        sum[3] += person[d + 3] * film[d + 3];
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

_Static_assert(SYNTH_TASTE % 4 == 0, "affinity takes four at a time");

struct fit {
    const struct synth_films *films;
    const struct synth_people *people;
    int32_t people_used, step; /* person number k is people index k * step */
    double *odds;              /* [people_used x films] exp(taste . taste), 0 = not yet released */
    double *log_time;          /* [people_used] */
    double *weight;            /* [films] exp(appeal) */
    double *expected;          /* [blocks x films] sums of probabilities over a block's people */
};

static void fill_odds(void *context, int64_t first, int64_t end, unsigned lane)
{
    struct fit *fit = context;
    (void)lane;
    for (int64_t k = first; k < end; k++) {
        int64_t person = k * fit->step;
        double *odds = fit->odds + k * fit->films->count;
        const double *taste = fit->people->taste + person * SYNTH_TASTE;
        for (int32_t i = 0; i < fit->films->count; i++) {
            bool released = fit->films->year[i] <= fit->people->year[person];
            odds[i] =
                released ? exp(affinity(taste, fit->films->taste + (size_t)i * SYNTH_TASTE)) : 0.0;
        }
    }
}

/* One Newton step for the person's time, in its logarithm: steps are bounded so that it cannot run
 * away from a poor start. */
static void sum_person(struct fit *fit, int64_t k, double *expected)
{
    const double *odds = fit->odds + k * fit->films->count;
    double time = exp(fit->log_time[k]), sum = 0.0, slope = 0.0;
    double wanted = fit->people->ratings[k * fit->step];
    for (int32_t i = 0; i < fit->films->count; i++) {
        double rate = odds[i] * fit->weight[i] * time;
        double missed = exp(-rate);
        expected[i] += 1.0 - missed;
        sum += 1.0 - missed;
        slope += rate * missed;
    }
    double move = (wanted - sum) / fmax(slope, 1e-9);
    fit->log_time[k] += fmax(-1.0, fmin(1.0, move));
}

static void sum_blocks(void *context, int64_t first, int64_t end, unsigned lane)
{
    struct fit *fit = context;
    (void)lane;
    for (int64_t block = first; block < end; block++) {
        double *expected = fit->expected + block * fit->films->count;
        memset(expected, 0, (size_t)fit->films->count * sizeof *expected);
        for (int64_t k = block * BLOCK_PEOPLE;
             k < (block + 1) * BLOCK_PEOPLE && k < fit->people_used; k++) {
            sum_person(fit, k, expected);
        }
    }
}

static void move_appeal(struct fit *fit, struct synth_films *films, int64_t blocks)
{
    for (int32_t i = 0; i < films->count; i++) {
        double sum = 0.0;
        for (int64_t block = 0; block < blocks; block++) {
            sum += fit->expected[block * films->count + i];
        }
        double share = sum / fit->people_used;
        films->appeal[i] += 0.9 * log((films->share[i] + 1e-7) / (share + 1e-7));
        fit->weight[i] = exp(films->appeal[i]);
    }
}

void synth_choice_solve(struct synth_films *films, const struct synth_people *people,
                        const struct parallel *parallel)
{
    int32_t most = FIT_PAIRS_MAX / films->count;
    most = most < FIT_PEOPLE_MIN ? FIT_PEOPLE_MIN : most;
    struct fit fit = {.films = films, .people = people, .step = (people->count + most - 1) / most};
    fit.people_used = people->count / fit.step;
    int64_t blocks = (fit.people_used + BLOCK_PEOPLE - 1) / BLOCK_PEOPLE;
    size_t used = (size_t)fit.people_used, count = (size_t)films->count;
    fit.odds = mem_array(used * count, sizeof *fit.odds);
    fit.log_time = mem_array(used, sizeof *fit.log_time);
    fit.weight = mem_array(count, sizeof *fit.weight);
    fit.expected = mem_array((size_t)blocks * count, sizeof *fit.expected);
    double sum = 0.0;
    for (int32_t i = 0; i < films->count; i++) {
        films->appeal[i] = log(films->share[i]);
        fit.weight[i] = films->share[i];
        sum += films->share[i];
    }
    for (int32_t k = 0; k < fit.people_used; k++) {
        fit.log_time[k] = log(people->ratings[k * fit.step] / sum);
    }
    parallel_for(parallel, fit.people_used, 0, fill_odds, &fit);
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        parallel_for(parallel, blocks, 1, sum_blocks, &fit);
        move_appeal(&fit, films, blocks);
    }
    mem_free(fit.odds);
    mem_free(fit.log_time);
    mem_free(fit.weight);
    mem_free(fit.expected);
}

/* Reorders `order` so that its first `wanted` entries have the smallest times (Hoare's selection).
 */
static void select_first(const double *time, int32_t *order, int32_t count, int32_t wanted)
{
    int32_t low = 0, high = count - 1;
    while (low < high) {
        double pivot = time[order[low + (high - low) / 2]];
        int32_t i = low, j = high;
        while (i <= j) {
            while (time[order[i]] < pivot) {
                i++;
            }
            while (time[order[j]] > pivot) {
                j--;
            }
            if (i <= j) {
                int32_t swap = order[i];
                order[i++] = order[j];
                order[j--] = swap;
            }
        }
        if (wanted - 1 <= j) {
            high = j;
        } else if (wanted - 1 >= i) {
            low = i;
        } else {
            return;
        }
    }
}

void synth_choice_pick(const struct synth_films *films, const struct synth_people *people,
                       int32_t person, uint64_t seed, double *scratch, int32_t *order, int32_t *out)
{
    struct rng rng = rng_stream(seed, (uint64_t)person, SYNTH_PICKS);
    const double *taste = people->taste + (size_t)person * SYNTH_TASTE;
    int32_t runners = 0, wanted = people->ratings[person];
    for (int32_t i = 0; i < films->count; i++) {
        double draw = rng_exponential(&rng);
        if (films->year[i] <= people->year[person]) {
            double weight =
                films->appeal[i] + affinity(taste, films->taste + (size_t)i * SYNTH_TASTE);
            scratch[i] = log(draw) - weight;
            order[runners++] = i;
        }
    }
    assert(runners >= wanted);
    select_first(scratch, order, runners, wanted);
    memcpy(out, order, (size_t)wanted * sizeof *out);
}
