/*
 * The simulated people: the real users of a data set and look-alikes of them. Each has a choice
 * taste (from who rated what, popularity removed), an opinion taste and biases (from how high),
 * an activity and a half-star habit. A person is known by an index (0..users-1); the id sent to a
 * target is population_user_id. Films are catalogue indexes.
 *
 * Built once before the first worker thread, constant afterwards; any thread may read.
 * Learned from the data set alone: the bundled recommender's parameters never come here.
 */
#ifndef POPULATION_POPULATION_H
#define POPULATION_POPULATION_H

#include "base/error.h"
#include "base/parallel.h"
#include "movielens/dataset.h"
#include "population/drift.h"

#include <stdbool.h>
#include <stdint.h>

#define POPULATION_LIST_MAX 64 /* longest list a person looks at */

struct population_config {
    int32_t users; /* people in all; at least the users of the data set */
    uint64_t seed;
    /* Behaviour; population_defaults gives the values named here. */
    double choice_sharpness;   /* tau: weight of the (clipped) affinity in a list, 1.2 */
    double popularity_weight;  /* .3, on log popularity minus its mean */
    double examination_power;  /* rank k is looked at with probability k^-power, .5 */
    double popular_list_share; /* the no-choice cost is solved so that the popular list, without the
                                  films a person has seen, is rated with this probability, .18 */
    double past_sharpness;     /* beta: weight of affinity when the past is chosen, 1.1 */
    double look_alike_mix;     /* x = unit(x_base + mix x_other), .35 */
};

struct population;

struct population_config population_defaults(void);
/* data must outlive the population. ERR_INPUT if the data are too small to fit (says what is
 * needed). */
enum err population_build(const struct population_config *config, const struct dataset *data,
                          const struct parallel *parallel, struct population **out,
                          struct error *error);
void population_free(struct population *population);

int32_t population_users(const struct population *population);
int32_t population_user_id(const struct population *population, int32_t person); /* person + 1 */
const struct catalogue *population_catalogue(const struct population *population);
double population_no_choice_cost(const struct population *population); /* c, after calibration */

/* ---- their past (past.c) ---- */

/* One person's generated ratings, in order of time. Memory is the buffer's, reused. */
struct past {
    int32_t count, capacity;
    int32_t *item;
    uint8_t *half_stars;
    int64_t *time_s;
};
void past_deinit(struct past *past); /* a zeroed struct past is a valid empty one */

/* The past before the drill: real users keep their histories, re-dated; look-alikes get generated
 * ones, their films from the well-known and well-liked to the rarer. Times lie in
 * [drill_s - 180 days, drill_s - 90 days] and keep their hours of the day (UTC). */
void population_past(const struct population *population, int32_t person, int64_t drill_s,
                     struct past *out);
/* The later past: count_min to count_max further films nobody in `past` saw yet, chosen and rated
 * under the completed `drift`, times in [drill_s - 30 days, drill_s]. `seen` is that person's past.
 */
void population_later_past(const struct population *population, int32_t person, int64_t drill_s,
                           const struct drift *drift, int32_t count_min, int32_t count_max,
                           const struct past *seen, struct past *out);

/* ---- one step (step.c) ---- */

struct step_list {
    int32_t count;
    int32_t item[POPULATION_LIST_MAX]; /* catalogue indexes in served order; -1 = unknown film */
};

struct step_outcome {
    int32_t rank; /* 1-based rank of the film chosen; 0 = none of them */
    int32_t item;
    uint8_t half_stars; /* 1 to 10; 0 if none chosen */
};

/* What `person` does with a list in its step number `step` (counted over the whole drill), when
 * the step nominally happens at nominal_ns. A pure function of its arguments and the seed, with
 * common random numbers: the same draws with and without drift. Films in `seen` (rising catalogue
 * indexes, may be NULL) are never chosen. */
struct step_outcome population_step(const struct population *population, const struct drift *drift,
                                    int64_t nominal_ns, int32_t person, uint32_t step,
                                    const struct step_list *list, const int32_t *seen,
                                    int32_t seen_count);

#endif
