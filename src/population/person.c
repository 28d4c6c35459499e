/* What past and step share: one person under a drift, and what they think of a film. */
#include "population/population_int.h"

#include <string.h>

int32_t population_activity(const struct population *population, int32_t person)
{
    const int64_t *start = population->data->ratings.start + population->base[person];
    return (int32_t)(start[1] - start[0]);
}

void population_taste(const struct population *population, const struct drift *drift,
                      int64_t nominal_ns, int32_t person, float out[TASTE_DIMS])
{
    memcpy(out, population->taste + (int64_t)person * TASTE_DIMS, TASTE_DIMS * sizeof *out);
    for (int i = 0; drift != NULL && i < drift->count; i++) {
        const struct drift_injection *injection = &drift->injection[i];
        if (injection->kind != DRIFT_CHOICE_ROTATION) {
            continue;
        }
        const float *goal =
            injection->towards == DRIFT_COMMON_DIRECTION
                ? population->common
                : population->taste + (int64_t)population->partner[person] * TASTE_DIMS;
        taste_turn(out, goal, injection->size * drift_intensity(injection, nominal_ns));
    }
}

double population_stars(const struct drift *drift, int64_t nominal_ns)
{
    double stars = 0;
    for (int i = 0; drift != NULL && i < drift->count; i++) {
        if (drift->injection[i].kind == DRIFT_CUT_POINTS) {
            stars += drift->injection[i].size * drift_intensity(&drift->injection[i], nominal_ns);
        }
    }
    return stars;
}

double population_shift(const struct population *population, const struct drift *drift,
                        int64_t nominal_ns)
{
    return rating_shift(&population->rating, population_stars(drift, nominal_ns));
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
