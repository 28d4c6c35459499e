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

enum population_examination {
    POPULATION_POSITION, /* rank k is looked at with probability k^-power, each for itself */
    POPULATION_CASCADE   /* from the top down: the first film wanted is taken, and after one that
                            is not, a person stops with probability cascade_stop */
};

/*
 * Where the defaults are from. MovieLens tells who rated what, not what they were shown, so how a
 * list is treated is assumed, and its scale set by what comes out of it.
 *
 * choice_sharpness, popularity_weight: assumed. Affinity has a standard deviation of 1 over films
 *     as often as they are rated, so at 1.2 a film that fits by one deviation is 3.3 times as
 *     likely to be taken as one that does not; at .3 one with ten times the ratings, twice as
 *     likely. The two leave lists made for somebody about twice as good as the popular list, and
 *     a swap of all tastes costs about two fifths of conversion.
 * examination_power: the position-based click model P(look at k) = k^-eta, with eta from .5 to
 *     1.5 in use and 1 the commonest for results of a search; .5 for a short row of films that
 *     are taken in at a glance, assumed.
 * popular_list_share: sets the scale of everything else, the cost of choosing nothing. At .18 of
 *     the popular list, lists of a recommender that has learned are rated about .33 times and
 *     convert about .3 times.
 * past_sharpness: calibrated, with an appeal for each film solved until its share of the people is
 *     the real one. At 1.1 implicit ALS finds a held-out film 1.7 times as often as popularity does
 *     in the people's pasts, as in ml-latest-small; higher makes people easier to learn than real
 *     ones are.
 * look_alike_mix: at .35 two people are 79 degrees apart in the mean, and a look-alike 18 degrees
 *     from its base person; 0 would make copies.
 */
struct population_config {
    int32_t users;     /* people in all; at least the users of the data set */
    int32_t newcomers; /* the last of them have no past, 0; at most users - those of the data */
    uint64_t seed;
    /* Behaviour; population_defaults gives the values named here. */
    double choice_sharpness;   /* tau: weight of the (clipped) affinity in a list, 1.2 */
    double popularity_weight;  /* .3, on log popularity minus its mean */
    double examination_power;  /* rank k is looked at with probability k^-power, .5 */
    double popular_list_share; /* the no-choice cost is solved so that of the popular list, without
                                  the films a person has seen, one is taken with this probability
                                  if the list is looked at at all, .18 */
    double past_sharpness;     /* beta: weight of affinity when the past is chosen, 1.1 */
    double look_alike_mix;     /* x = unit(x_base + mix x_other), .35 */
    /* How people treat a list. The defaults are the behaviour without these options. */
    enum population_examination examination; /* POPULATION_POSITION */
    double cascade_stop;                     /* probability, .15; only for a cascade */
    double abandon_share;                    /* share of lists left without a look, 0 */
    double rating_share;                     /* share of what is watched that is rated, 1 */
};

struct population;

struct population_config population_defaults(void);
/* data must outlive the population. ERR_INPUT if the data are too small to fit or the config cannot
 * be had (says what is needed). */
enum err population_build(const struct population_config *config, const struct dataset *data,
                          const struct parallel *parallel, struct population **out,
                          struct error *error);
void population_free(struct population *population);

int32_t population_users(const struct population *population);
int32_t population_user_id(const struct population *population, int32_t person); /* person + 1 */
const struct catalogue *population_catalogue(const struct population *population);
double population_no_choice_cost(const struct population *population); /* c, after calibration */
int32_t population_newcomers(const struct population *population);
bool population_is_newcomer(const struct population *population, int32_t person);

/* ---- drift (bind.c) ---- */

/* Finds what the injections of the people are about, and fills the bound part of each: members of
 * its cohort, films, goals, groups; `parameter` becomes `size` where the unit is DRIFT_BY_KIND, and
 * for shifted cut-points in stars the shift that does it to a past (effect_solve, which is called
 * next, overwrites what is asked for in stars, nats or PSI). Cohorts of traffic kinds are bound
 * too. What was bound before is freed. ERR_INPUT, all of the drift unbound, for a genre that no
 * film has, a cohort without people and a size its kind cannot have.
 *
 * Without binding, an injection concerns everybody, `size` is the parameter, shifted cut-points are
 * asked for in stars of a past, and kinds and goals that need films or groups do nothing.
 *
 * Injections that overlap compose. Rotations turn, in the order in which they are written, what the
 * ones before have left; goals are always made of tastes at rest. Shifts, fashions, powers add up;
 * spreads and waves multiply; a spread comes before a shift. A film must be out by every injection
 * of new films that withholds it and be removed by none. */
enum err population_bind_drift(const struct population *population, struct drift *drift,
                               const struct parallel *parallel, struct error *error);
/* Is the film withheld until some injection of new films brings it out? Such films belong neither
 * into movies.csv nor into ratings.csv of the past; the later past has them. False if unbound. */
bool population_withheld(const struct drift *drift, int32_t film);
/* Whether population_withheld is true of any film. */
bool population_withholds(const struct drift *drift);

/* ---- their past (past.c) ---- */

/* One person's generated ratings, in order of time. Memory is the buffer's, reused. */
struct past {
    int32_t count, capacity;
    int32_t *item;
    uint8_t *half_stars;
    int64_t *time_s;
};
void past_deinit(struct past *past); /* a zeroed struct past is a valid empty one */
/* Takes the films that the drift withholds (population_withheld) out of a past. */
void past_withhold(struct past *past, const struct drift *drift);

/* The past before the drill: real users keep their histories, re-dated; look-alikes get generated
 * ones, their films from the well-known and well-liked to the rarer. Times lie in
 * [drill_s - 180 days, drill_s - 90 days] and keep their hours of the day (UTC). Newcomers have
 * none. Whoever plays a drift with new films calls past_withhold next. */
void population_past(const struct population *population, int32_t person, int64_t drill_s,
                     struct past *out);
/* Only the films of population_past, the same ones in another order, at two thirds of the cost;
 * half_stars and time_s are left as they are. */
void population_past_films(const struct population *population, int32_t person, struct past *out);
/* The later past: count_min to count_max further films nobody in `past` saw yet, chosen and rated
 * under the completed `drift`, times in [drill_s - 30 days, drill_s]. `seen` is that person's past.
 * Newcomers have one too: they came in those days. */
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
    uint8_t half_stars; /* 1 to 10; 0 if none was chosen or the one chosen is not rated */
    bool watched;       /* one was chosen: from now on it is a film seen */
};

/* Has the processor fetch what a step of this person is going to read; changes no result. Worth it
 * some microseconds before, when it is known who will look at a list. */
void population_expect_step(const struct population *population, int32_t person);

/* What `person` does with a list in its step number `step` (counted over the whole drill), when
 * the step nominally happens at nominal_ns. A pure function of its arguments and the seed, with
 * common random numbers: the same draws with and without drift. Films in `seen` (rising catalogue
 * indexes, may be NULL) are never chosen. */
struct step_outcome population_step(const struct population *population, const struct drift *drift,
                                    int64_t nominal_ns, int32_t person, uint32_t step,
                                    const struct step_list *list, const int32_t *seen,
                                    int32_t seen_count);

/* ---- the truth about a step (truth.c) ---- */

/* Expectations over choice and rating noise, given the list, the films seen and what is looked at
 * (the same draws in every world). */
struct step_world {
    double rated;           /* probability that a film is taken and rated */
    double converted;       /* ... with at least 3.0 */
    double reciprocal_rank; /* 1 / rank if rated, else 0 */
    double stars;           /* stars given if rated, else 0: mean rating = stars / rated */
    double half_stars[10];  /* probability that one is rated (entry + 1) / 2 stars; sums to rated */
    /* Of what happened: P(film or none) * P(half stars or no rating | film), given what was really
     * looked at, and of that too if in any of the worlds an injection has moved the position habit
     * (otherwise all look alike). 0 where it cannot happen: a new film at rest, a removed one
     * afterwards, a cascade that stops where it never does. */
    double likelihood;
};

struct step_truth {
    struct step_world rest; /* no injection ever */
    struct step_world now;  /* the drift at that moment */
    struct step_world full; /* every injection complete and lasting */
};

/* The same arguments as population_step, and what it returned. Pure; costs a few steps. */
void population_step_truth(const struct population *population, const struct drift *drift,
                           int64_t nominal_ns, int32_t person, uint32_t step,
                           const struct step_list *list, const int32_t *seen, int32_t seen_count,
                           const struct step_outcome *outcome, struct step_truth *out);

#endif
