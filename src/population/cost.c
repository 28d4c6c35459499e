/*
 * The no-choice cost: what makes people take a film of the popular list as often as they are said
 * to. Everybody's list is the popular one without the films they have seen, as a service would show
 * it; what is looked at is drawn, the choice given that is computed.
 */
#include "base/mem.h"
#include "population/scene.h"

#include <math.h>
#include <stdlib.h>

#define COST_LOOKS 8 /* draws of what each looks at */
#define COST_LIST 10
#define COST_ROUNDS 60

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
        if (!scene_contains(past.item, past.count, problem->popular[k])) {
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
        struct moment rest;
        int32_t list[COST_LIST];
        bool looked[COST_LIST];
        double attraction[COST_LIST];
        int32_t listed = popular_unseen(problem, person, list);
        moment_make(population, NULL, MOMENT_REST, 0, person, &rest);
        for (int32_t k = 0; k < listed; k++) {
            attraction[k] = exp(moment_attraction(&rest, list[k]));
        }
        struct rng look = rng_stream(population->config.seed, (uint64_t)person, POPULATION_COST);
        for (int draw = 0; draw < COST_LOOKS; draw++) {
            double weight = 0;
            scene_look(&rest, look, listed, looked);
            look.counter += (uint64_t)listed; /* a draw a place */
            for (int32_t k = 0; k < listed; k++) {
                weight += looked[k] ? attraction[k] : 0;
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
