/*
 * How large a drift is, whatever its kind: what it does to conversion, reciprocal rank and ratings
 * of the people, in units that injections of different kinds can be compared in, and the other way
 * round, which parameter of a kind brings a wanted size about.
 *
 * Measured on a fixed sample of the people, each with a list of ten films as a good recommender
 * would show them (the best of affinity and fame among what they have not seen, with noise, because
 * no recommender knows anybody that well). What happens with a list is not drawn but expected:
 * probabilities of the choice and of each rating are summed, and everybody looks at the same places
 * with and without drift, so that effects of .001 stars are told from nothing.
 *
 * Sizes are those of a drift against people at rest who see the same lists. A target that adapts,
 * or whose lists are worse, moves less; the levels themselves (conversion at rest) are the
 * stand-in's, not the target's. Pure; constant after building, any thread may measure.
 *
 * Sources: ratings after against before, f1 against f0, over the ten half-star values:
 * nats = KL(f1 || f0) = sum f1 ln(f1 / f0), PSI = sum (f1 - f0) ln(f1 / f0).
 */
#ifndef POPULATION_EFFECT_H
#define POPULATION_EFFECT_H

#include "base/error.h"
#include "base/parallel.h"
#include "population/drift.h"
#include "population/population.h"

#include <stdbool.h>
#include <stdint.h>

#define EFFECT_RANKS 10 /* films in a list */

struct effect {
    double turned;          /* share of visits by people whose taste, of either kind, has turned */
    double degrees;         /* mean angle by which their choice taste has, 0 if nobody's has */
    double opinion_degrees; /* the same for opinion taste */

    double rated;                  /* share of lists of which a film is rated */
    double conversion;             /* share of lists rated 3.0 or more */
    double reciprocal_rank;        /* 1 / rank of what is rated, a list */
    double rated_at[EFFECT_RANKS]; /* share of lists of which the film at rank k + 1 is rated */
    double pmf[10];                /* of ratings by half stars - 1; sums to 1 */
    double mean_rating, rating_sd; /* of pmf, stars */
    double conversion_change;      /* relative to rest: -.4 = 40 % lower */
    double reciprocal_rank_change; /* the same */
    double stars;                  /* mean_rating less that at rest */
    double nats, psi;              /* of pmf against rest */
    double psi_whole;              /* PSI over the five whole-star buckets that are exported */
};

struct effect_config {
    int32_t people;       /* of the sample: at most so many, spread evenly over all with a past */
    int32_t newcomers;    /* the same among those without */
    bool newcomers_visit; /* at rest, like others; false: only a cold start brings them */
    bool by_activity;     /* people count as often as they have rated; else all alike */
    uint64_t seed;        /* of lists and looks */
    const struct drift *withheld; /* bound; its new films are in no list and no past; may be NULL */
};

struct effect_sample;

struct effect_config effect_defaults(void); /* 2000 people, 400 newcomers who visit */

/* Makes everybody's list and measures them at rest. population must outlive the sample. Dies when
 * memory is exhausted. */
struct effect_sample *effect_sample_new(const struct effect_config *config,
                                        const struct population *population,
                                        const struct parallel *parallel);
void effect_sample_free(struct effect_sample *sample);
int32_t effect_sample_people(const struct effect_sample *sample); /* how many there are */
const struct effect *effect_rest(const struct effect_sample *sample);

/* The people at a moment of a drift (bound, NULL = none) against rest; drift_completed gives the
 * whole of it. The same for any number of threads. Who comes (user mix, cold start) counts; bots
 * and shilling, which are no people, and traffic do not. */
void effect_measure(const struct effect_sample *sample, const struct drift *drift,
                    int64_t nominal_ns, const struct parallel *parallel, struct effect *out);
/* Injection number `index` alone, complete and lasting. */
void effect_measure_one(const struct effect_sample *sample, const struct drift *drift, int index,
                        const struct parallel *parallel, struct effect *out);

/* KL(after || before) in nats and PSI of two distributions over `count` values. A value of
 * probability 0 counts as one of 1e-12, so that both stay finite. */
double effect_kl(const double *after, const double *before, int count);
double effect_psi(const double *after, const double *before, int count);
/* Shares of the five exported buckets, which end at whole stars: half stars fall into the one
 * above. */
void effect_whole_stars(const double pmf[10], double whole[5]);
/* Fills what *out says beside `rest`: the changes, from conversion, reciprocal rank, mean and
 * distribution of both. */
void effect_compare(const struct effect *rest, struct effect *out);

/* Sets `parameter` of every injection whose size is in stars, nats or PSI, so that alone, complete
 * and lasting, it has that size on this sample; of several parameters that do, the one nearest to
 * no drift. Stars are signed. A shift of the cut-points in nats or PSI makes people harsher, a
 * fashion or a wave of popularity attracts more, a spread goes the way of `narrows`.
 * The drift must be bound (population_bind_drift). ERR_INPUT, with nothing of that injection
 * changed: the kind has no such unit, or cannot be that large (says which injection, and the range
 * that can be reached). */
enum err effect_solve(const struct effect_sample *sample, struct drift *drift,
                      const struct parallel *parallel, struct error *error)
    __attribute__((warn_unused_result));

#endif
