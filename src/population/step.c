/*
 * One step: which of the films shown somebody takes, and how they rate it.
 *
 * Rank k is looked at with probability k^-power, each rank for itself. Among the films looked at
 * and not yet seen, each has the utility tau * clip(affinity, +-3) + fame + Gumbel noise - c; the
 * best one is taken if it beats the utility of taking none, which is Gumbel noise around 0. (The
 * maximum of attraction + Gumbel is a multinomial logit choice without normaliser.) Affinity is
 * clipped because nobody is a hundred times more likely to want a film than the average person.
 *
 * Common random numbers: every draw is keyed by (seed, person, step) and by what it is about, looks
 * by rank and Gumbels and rating noise by film. The same film gets the same draw wherever it stands
 * in the list and whether or not a drift is on, so two runs of one seed differ by the drift alone.
 */
#include "base/mem.h"
#include "base/rng.h"
#include "numeric/sampling.h"
#include "population/population_int.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define COST_LOOKS 8 /* draws of what each looks at */
#define COST_LIST 10
#define COST_ROUNDS 60

/* The stream of one step; draw n of it is reached by setting the counter. */
static struct rng step_stream(const struct population *population, int32_t person, uint32_t purpose,
                              uint32_t step)
{
    struct rng stream = rng_stream(population->config.seed, (uint64_t)person, purpose);
    stream.key = rng_mix(stream.key, step);
    stream.counter = 0;
    return stream;
}

static bool was_seen(const int32_t *seen, int32_t count, int32_t film)
{
    int32_t first = 0, end = count;
    while (first < end) {
        int32_t middle = first + (end - first) / 2;
        if (seen[middle] < film) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return first < count && seen[first] == film;
}

double population_attraction(const struct population *population, const float *taste, int32_t film)
{
    float affinity = taste_dot(taste, population->film_taste + (int64_t)film * TASTE_DIMS);
    affinity = affinity > POPULATION_AFFINITY_CLIP    ? POPULATION_AFFINITY_CLIP
               : affinity < -POPULATION_AFFINITY_CLIP ? -POPULATION_AFFINITY_CLIP
                                                      : affinity;
    return population->config.choice_sharpness * (double)affinity +
           (double)population->film_fame[film];
}

/* The 0-based place of the film taken, -1 for none. */
static int32_t choose(const struct population *population, const float *taste, int32_t person,
                      uint32_t step, const struct step_list *list, const int32_t *seen,
                      int32_t seen_count)
{
    struct rng look = step_stream(population, person, POPULATION_STEP_LOOK, step);
    struct rng gumbel = step_stream(population, person, POPULATION_STEP_CHOICE, step);
    int32_t taken = -1;
    /* No film has the last number, so its draw is that of "none of them". */
    double best = (double)sampling_gumbel(&gumbel, INT32_MAX) + population->no_choice_cost;
    for (int32_t place = 0; place < list->count; place++) {
        int32_t film = list->item[place];
        bool looked_at = rng_uniform(&look) < population->look[place];
        if (!looked_at || film < 0 || was_seen(seen, seen_count, film)) {
            continue;
        }
        double utility =
            population_attraction(population, taste, film) + (double)sampling_gumbel(&gumbel, film);
        if (utility > best) {
            best = utility;
            taken = place;
        }
    }
    return taken;
}

struct step_outcome population_step(const struct population *population, const struct drift *drift,
                                    int64_t nominal_ns, int32_t person, uint32_t step,
                                    const struct step_list *list, const int32_t *seen,
                                    int32_t seen_count)
{
    assert(person >= 0 && person < population->users);
    assert(list->count >= 0 && list->count <= POPULATION_LIST_MAX);
    float taste[TASTE_DIMS];
    population_taste(population, drift, nominal_ns, person, taste);
    struct step_outcome outcome = {.item = -1};
    int32_t taken = choose(population, taste, person, step, list, seen, seen_count);
    if (taken < 0) {
        return outcome;
    }
    outcome.watched = true;
    outcome.rank = taken + 1;
    outcome.item = list->item[taken];
    struct rng noise = step_stream(population, person, POPULATION_STEP_NOISE, step);
    double latent = population_judgement(population, person, outcome.item) +
                    population_noise(noise, outcome.item) +
                    population_shift(population, drift, nominal_ns);
    outcome.half_stars = rating_cut(&population->rating, population->whole_stars[person], latent);
    return outcome;
}

struct cost_problem {
    const struct population *population;
    int32_t *popular; /* [films] most rated first */
    int32_t first;    /* person */
    double *weight;   /* [people x COST_LOOKS] sum of exp(attraction) over the films looked at */
};

static int by_index(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;
    return (left > right) - (left < right);
}

/* The popular list as a service would show it to this person: without what they have seen. */
static int32_t popular_unseen(const struct cost_problem *problem, int32_t person,
                              int32_t list[COST_LIST])
{
    struct past past = {0};
    int32_t listed = 0;
    population_past(problem->population, person, 0, &past);
    qsort(past.item, (size_t)past.count, sizeof *past.item, by_index);
    for (int32_t k = 0; k < problem->population->films && listed < COST_LIST; k++) {
        if (!was_seen(past.item, past.count, problem->popular[k])) {
            list[listed++] = problem->popular[k];
        }
    }
    past_deinit(&past);
    return listed;
}

static void weigh_people(void *context, int64_t first, int64_t end, unsigned lane)
{
    (void)lane;
    const struct cost_problem *problem = context;
    const struct population *population = problem->population;
    for (int64_t row = first; row < end; row++) {
        int32_t person = problem->first + (int32_t)row;
        const float *taste = population->taste + (int64_t)person * TASTE_DIMS;
        int32_t list[COST_LIST];
        double attraction[COST_LIST];
        int32_t listed = popular_unseen(problem, person, list);
        for (int32_t k = 0; k < listed; k++) {
            attraction[k] = exp(population_attraction(population, taste, list[k]));
        }
        struct rng look = rng_stream(population->config.seed, (uint64_t)person, POPULATION_COST);
        for (int draw = 0; draw < COST_LOOKS; draw++) {
            double weight = 0;
            for (int32_t k = 0; k < listed; k++) {
                weight += rng_uniform(&look) < population->look[k] ? attraction[k] : 0;
            }
            problem->weight[row * COST_LOOKS + draw] = weight;
        }
    }
}

/* Films with the same count stand in order of their index: the sort key holds both. */
static int by_falling_key(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left < right) - (left > right);
}

static void order_by_count(struct cost_problem *problem)
{
    const struct population *population = problem->population;
    size_t films = (size_t)population->films;
    uint64_t *key = mem_array(films, sizeof *key);
    for (size_t film = 0; film < films; film++) {
        key[film] = (uint64_t)population->film_count[film] << 32 | (uint32_t)~film;
    }
    qsort(key, films, sizeof *key, by_falling_key);
    for (size_t k = 0; k < films; k++) {
        problem->popular[k] = (int32_t) ~(uint32_t)key[k];
    }
    mem_free(key);
}

double step_solve_cost(const struct population *population, struct people_range sample,
                       const struct parallel *parallel)
{
    struct cost_problem problem = {.population = population, .first = sample.first};
    int32_t people = sample.count;
    problem.popular = mem_array((size_t)population->films, sizeof *problem.popular);
    order_by_count(&problem);
    int64_t count = (int64_t)people * COST_LOOKS;
    problem.weight = mem_array((size_t)count, sizeof *problem.weight);
    parallel_for(parallel, people, 0, weigh_people, &problem);
    /* Given what is looked at, a film is taken with probability weight / (weight + exp(c)), which
     * falls with c: bisection. */
    double low = -30, high = 30;
    for (int round = 0; round < COST_ROUNDS; round++) {
        double cost = (low + high) / 2, none = exp(cost), taken = 0;
        for (int64_t k = 0; k < count; k++) {
            taken += problem.weight[k] / (problem.weight[k] + none);
        }
        if (taken / (double)count > population->config.popular_list_share) {
            low = cost;
        } else {
            high = cost;
        }
    }
    mem_free(problem.weight);
    mem_free(problem.popular);
    return (low + high) / 2;
}
