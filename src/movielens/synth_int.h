/*
 * Parts of the look-alike generator, for synth*.c alone. Films and people are columns; an index is
 * a film's or a person's. Order of making: people, films, appeal, histories.
 */
#ifndef MOVIELENS_SYNTH_INT_H
#define MOVIELENS_SYNTH_INT_H

#include "base/parallel.h"
#include "base/rng.h"

#include <stdbool.h>
#include <stdint.h>

#define SYNTH_GENRES 19
#define SYNTH_LATENT 23
/* Choice taste: one number a genre, one for old or new films, one for well-known or obscure
 * films, latent directions. */
#define SYNTH_TASTE_AGE SYNTH_GENRES
#define SYNTH_TASTE_FAME (SYNTH_GENRES + 1)
#define SYNTH_TASTE_LATENT (SYNTH_GENRES + 2)
#define SYNTH_TASTE (SYNTH_TASTE_LATENT + SYNTH_LATENT)
#define SYNTH_OPINION 4 /* latent directions of opinion; genres come on top */
#define SYNTH_FIRST_YEAR 1996
#define SYNTH_LAST_YEAR 2018
#define SYNTH_YEARS (SYNTH_LAST_YEAR - SYNTH_FIRST_YEAR + 1)

/* Purposes of the random streams; the owner is a film, a person or 0. */
enum synth_purpose {
    SYNTH_FILM_GENRES,
    SYNTH_FILM_YEAR,
    SYNTH_FILM_RANK,
    SYNTH_FILM_TASTE,
    SYNTH_FILM_QUALITY,
    SYNTH_PERSON_SHUFFLE,
    SYNTH_PERSON_ACTIVITY,
    SYNTH_PERSON_START,
    SYNTH_PERSON_TASTE,
    SYNTH_PERSON_OPINION,
    SYNTH_PICKS,
    SYNTH_TIMES,
    SYNTH_ORDER,
    SYNTH_RATINGS,
    SYNTH_SCALE_CHOICE,
    SYNTH_FILM_IDS,
    SYNTH_UNSEEN,
    SYNTH_PERSON_STRATA,
    SYNTH_GENRE_OPINION,
};

struct synth_people {
    int32_t count;
    int32_t *ratings;      /* [count] how many each gives */
    int64_t *start_s;      /* [count] first visit */
    int32_t *year;         /* [count] of the first visit */
    double *taste;         /* [count x SYNTH_TASTE] */
    double *bias;          /* [count] stars */
    double *scale;         /* [count] how much wider or narrower than usual they spread ratings */
    double *half_habit;    /* [count] share of their ratings given on the half-star scale */
    double *opinion;       /* [count x SYNTH_OPINION] */
    double *genre_opinion; /* [count x SYNTH_GENRES] stars */
    double share_from_year[SYNTH_YEARS + 1]; /* share of people whose first year is this or later */
};

struct synth_films {
    int32_t count;
    uint32_t *genres; /* [count] bits in the order of synth_genres */
    int16_t *year;    /* [count] */
    double *share;    /* [count] wanted share of people who rate the film */
    double *taste;    /* [count x SYNTH_TASTE] */
    double *quality;  /* [count] stars */
    double *opinion;  /* [count x SYNTH_OPINION] */
    double *appeal;   /* [count] solved, log weight */
};

/* What the literature tells of a genre; shares of films and ratings, effects on choice and rating.
 */
struct synth_genre {
    const char *name;
    double film_share, rating_share; /* of all films, of all ratings */
    double mean;                     /* rating, stars */
    double taste_sd;                 /* of people's log preference for it */
    double opinion_sd;               /* of people's rating shift for it, stars */
};
extern const struct synth_genre synth_genres[SYNTH_GENRES];

void synth_people_make(struct synth_people *people, int32_t count, int32_t films, uint64_t seed);
void synth_people_deinit(struct synth_people *people);

void synth_films_make(struct synth_films *films, int32_t count, const struct synth_people *people,
                      uint64_t seed);
void synth_films_deinit(struct synth_films *films);

/* Sets appeal so that each film's expected share of people is the wanted one. */
void synth_choice_solve(struct synth_films *films, const struct synth_people *people,
                        const struct parallel *parallel);
/* The films of one person, in no order: `out` has room for people->ratings[person]. `scratch` holds
 * films->count doubles and as many int32_t. */
void synth_choice_pick(const struct synth_films *films, const struct synth_people *people,
                       int32_t person, uint64_t seed, double *scratch, int32_t *order,
                       int32_t *out);

/* Times of a person's ratings in rising order, and for each the number of its session. */
void synth_times(const struct synth_people *people, int32_t person, uint64_t seed, int64_t *time_s,
                 int32_t *session);

/* Puts a person's films in the order in which they are rated. */
void synth_order(const struct synth_films *films, const struct synth_people *people, int32_t person,
                 uint64_t seed, int32_t *items);
/* How much a person likes each film of an ordered history, in stars before the scale is applied. */
void synth_liking(const struct synth_films *films, const struct synth_people *people,
                  int32_t person, uint64_t seed, const int32_t *items, const int32_t *session,
                  double *liking);
/* The scales liking is put on, as cut-points in standard deviations from the mean liking. */
struct synth_scale {
    double whole[4], half[9];
};
void synth_scale_init(struct synth_scale *scale);
/* Are half stars used? Not before the site had them, later as often as is the person's habit. */
bool synth_uses_halves(const struct synth_people *people, int32_t person, int64_t time_s,
                       double uniform);
uint8_t synth_half_stars(const struct synth_scale *scale, double standard_liking, bool halves);

/* Shuffled 0..count-1, each value falling on each place alike. */
void synth_shuffle(struct rng rng, int32_t *out, int32_t count);

#endif
