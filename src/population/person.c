/* What past and step share of a person: activity, and what they think of a film. */
#include "population/moment.h"

#include <string.h>

int32_t population_activity(const struct population *population, int32_t person)
{
    const int64_t *start = population->data->ratings.start + population->base[person];
    return (int32_t)(start[1] - start[0]);
}

void population_expect_step(const struct population *population, int32_t person)
{
    int64_t row = (int64_t)person * TASTE_DIMS;
    /* Rows are as long as a cache line and need not begin with one. */
    __builtin_prefetch(population->taste + row);
    __builtin_prefetch(population->taste + row + TASTE_DIMS - 1);
    __builtin_prefetch(population->opinion + row);
    __builtin_prefetch(population->opinion + row + TASTE_DIMS - 1);
    __builtin_prefetch(population->user_bias + person);
    __builtin_prefetch(population->whole_stars + person);
}

void population_taste(const struct population *population, const struct drift *drift,
                      int64_t nominal_ns, int32_t person, float out[TASTE_DIMS])
{
    struct moment moment;
    moment_choice(population, drift, MOMENT_NOW, nominal_ns, person, &moment);
    memcpy(out, moment.taste, TASTE_DIMS * sizeof *out);
}

double population_shift(const struct population *population, const struct drift *drift,
                        int64_t nominal_ns)
{
    struct moment moment;
    moment_make(population, drift, MOMENT_NOW, nominal_ns, 0, &moment);
    return moment.shift + rating_shift(&population->rating, moment.stars);
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

double population_judgement(const struct population *population, int32_t person, int32_t film)
{
    return population->mean_stars + (double)population->user_bias[person] +
           (double)population->film_bias[film] +
           (double)taste_dot(population->opinion + (int64_t)person * TASTE_DIMS,
                             population->film_opinion + (int64_t)film * TASTE_DIMS);
}

double population_noise(struct rng stream, int32_t film)
{
    stream.counter = 2 * (uint64_t)film; /* a normal takes two draws */
    return POPULATION_RATING_NOISE * rng_normal(&stream);
}
