/* The inside of a population, for the modules of this floor and their tests. */
#ifndef POPULATION_POPULATION_INT_H
#define POPULATION_POPULATION_INT_H

#include "base/rng.h"
#include "population/population.h"
#include "population/rating.h"
#include "population/singles.h"
#include "population/taste.h"

#include <stdint.h>

/* Purposes of random streams; the owner of a stream is a person unless said otherwise. */
enum population_purpose {
    POPULATION_MIX = 100,   /* whom a look-alike resembles besides its base person */
    POPULATION_PARTNER,     /* towards whose taste a rotation turns */
    POPULATION_COMMON,      /* owner 0: the common direction */
    POPULATION_PAST_CHOICE, /* Gumbel of film i is draw i */
    POPULATION_PAST_NOISE,  /* rating noise of the sample for a step's cut-points, by film */
    POPULATION_PAST_DATES,
    POPULATION_LATER_CHOICE,
    POPULATION_LATER_NOISE,
    POPULATION_LATER_DATES,
    POPULATION_LATER_COUNT,
    POPULATION_STEP_LOOK,   /* is rank k looked at */
    POPULATION_STEP_CHOICE, /* Gumbel of a film, wherever it stands in the list */
    POPULATION_STEP_NOISE,  /* rating noise, by film */
    POPULATION_COST,        /* examination draws of the calibration */
    POPULATION_FIT,         /* owner 0: seeds of the factorisations */
    POPULATION_PAST_FILM,   /* owner a film: what its ratings leave open of its bias */
    POPULATION_PAST_ORDER,  /* order of a past, by place in what was chosen */
    POPULATION_PAST_MOOD,   /* rating noise of a past, in order of time */
    POPULATION_LATER_MOOD,
    POPULATION_PAST_GENRES, /* liking of genres */
    POPULATION_PAST_GRID,   /* whole or half stars, in order of time */
    POPULATION_LATER_GRID,
    POPULATION_STEP_ABANDON,  /* is a list left without a look */
    POPULATION_STEP_RATES,    /* is what was watched rated */
    POPULATION_CHANGE_OVER,   /* place in the order in which people change over */
    POPULATION_FILM_CHANGE,   /* owner a film: when it comes out or goes, of those that do */
    POPULATION_FILM_REMOVED,  /* owner a film: place in the order of removal */
    POPULATION_COHORT,        /* is somebody of a drawn share */
    POPULATION_COMMON_OPINION /* owner 0: the common direction of opinions */
};

#define POPULATION_RATING_NOISE .82 /* sd in stars around biases and opinion */
#define POPULATION_AFFINITY_CLIP 3.F

struct people_range {
    int32_t first, count;
};

struct population {
    struct population_config config;
    const struct dataset *data;
    int32_t users, real_users, films;

    /* people */
    float *taste;      /* [users x TASTE_DIMS] choice taste at rest, unit length */
    float *opinion;    /* [users x TASTE_DIMS] */
    float *user_bias;  /* [users] */
    int32_t *base;     /* [users] the real user whose habits these are; oneself for real ones */
    int32_t *partner;  /* [users] somebody else */
    bool *whole_stars; /* [users] never gives half stars */
    float *half_use;   /* [real_users] share of a past's ratings given on half stars */
    float common[TASTE_DIMS]; /* the common direction of drift */
    float common_opinion[TASTE_DIMS];

    /* films */
    int32_t *film_count; /* [films] ratings in the data */
    float *film_taste;   /* [films x TASTE_DIMS] */
    float *film_by_dim;  /* [TASTE_DIMS x films] the same */
    float *film_opinion; /* [films x TASTE_DIMS] */
    float *film_bias;    /* [films] */
    float *film_fame;    /* [films] popularity_weight * (log(count + 1) - its mean over ratings) */
    float *film_appeal;  /* [films] solved, for the past */
    float *past_opinion; /* [films x TASTE_DIMS] in a past, over ratings 0 in the mean */
    float *film_log;     /* [films] log(count + 1) */
    struct singles singles; /* never chosen, but dealt */
    float *film_past;       /* [films] bias in a past: film_bias and what it lacks of the data's */

    double genre_sd[CATALOGUE_GENRES_MAX];    /* of people's liking of a genre in a past, stars */
    double genre_share[CATALOGUE_GENRES_MAX]; /* of the data's ratings */
    double mean_stars;
    struct rating_model rating;       /* of a step */
    struct rating_model past_rating;  /* of a past */
    double look[POPULATION_LIST_MAX]; /* probability that rank k + 1 is looked at */
    double no_choice_cost;
};

/* Number of ratings in the history of a person's base. */
int32_t population_activity(const struct population *population, int32_t person);
/* Choice taste under the drift at a moment; drift may be NULL. */
void population_taste(const struct population *population, const struct drift *drift,
                      int64_t nominal_ns, int32_t person, float out[TASTE_DIMS]);
/* Shift of the latent judgements of a step that the drift brings about in person 0 at a moment. */
double population_shift(const struct population *population, const struct drift *drift,
                        int64_t nominal_ns);
/* Judgement in stars before noise: mean, biases and opinion. */
double population_judgement(const struct population *population, int32_t person, int32_t film);
/* The noise of film's rating in a stream of noise. */
double population_noise(struct rng stream, int32_t film);
/* Attraction of a film in a list, without noise and cost. */
double population_attraction(const struct population *population, const float *taste, int32_t film);

/* past.c: the films a person takes, most wanted first: the `count` largest of
 * sharpness * affinity + appeal + Gumbel, without those in `seen` (any order). `score` is scratch
 * [films]. Returns how many were found. */
int32_t past_choose(const struct population *population, const float *taste, const float *appeal,
                    struct rng stream, const int32_t *seen, int32_t seen_count, int32_t count,
                    float *score, int32_t *out);

/* past.c: the films of a generated past, in no order; returns how many. */
int32_t past_films(const struct population *population, int32_t person, float *score, int32_t *out);

/* cost.c: solves the no-choice cost (population_config.popular_list_share) on a sample of people,
 * at rest. */
double step_solve_cost(const struct population *population, struct people_range sample,
                       const struct parallel *parallel);

#endif
