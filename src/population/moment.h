/*
 * One person at a moment of a drift: the tastes, the rating habit and the attraction of films that
 * the injections make of those at rest. Everything that people do under a drift, in a step and in
 * the later past, goes through here. Pure.
 *
 * Who is concerned, and when a member of a gradual injection changes over, is drawn by person;
 * which of the new films come out first, and of the removed ones go first, by film. No draw depends
 * on the time or on other injections.
 */
#ifndef POPULATION_MOMENT_H
#define POPULATION_MOMENT_H

#include "population/population_int.h"

#include <stdbool.h>
#include <stdint.h>

enum moment_world {
    MOMENT_REST, /* no injection ever */
    MOMENT_NOW,
    MOMENT_FULL /* every injection complete and lasting */
};

struct moment {
    const struct population *population;
    const struct drift *drift; /* may be NULL */
    int32_t person;
    double share[DRIFT_INJECTIONS_MAX]; /* how far this person has gone with each injection */
    /* The population's or the injection's own, or in `turned`: a moment is not copied. */
    const float *taste, *opinion;
    float turned[2][TASTE_DIMS]; /* choice, opinion */
    bool films;                  /* some injection adds to or takes from the attraction of films */
    bool fashion;                /* ... and may add */
    double fame;                 /* weight of fame, 1 at rest */
    double power;                /* of examination, added; 0 at rest */
    double spread; /* of latent judgements around the person's own middle, 1 at rest */
    double shift;  /* of latent judgements, stars, besides `stars` */
    double stars;  /* shift of the mean of a past, of injections that are not bound */
};

void moment_make(const struct population *population, const struct drift *drift,
                 enum moment_world world, int64_t nominal_ns, int32_t person, struct moment *out);
/* The same in two parts, for those who need the opinion seldom: moment_choice leaves it at rest. */
void moment_choice(const struct population *population, const struct drift *drift,
                   enum moment_world world, int64_t nominal_ns, int32_t person, struct moment *out);
void moment_opinion(struct moment *moment);
/* What injections add to the attraction of a film beside fame and taste, in nats; -INFINITY if it
 * cannot be watched, because it is not out yet or removed. */
double moment_film(const struct moment *moment, int32_t film);
/* Attraction of a film in a list, without noise and cost. */
double moment_attraction(const struct moment *moment, int32_t film);
/* Judgement of a film in stars before noise, at rest but for the opinion. */
double moment_judgement(const struct moment *moment, int32_t film);
/* What spread and shift make of a latent judgement, `middle` being the person's for an average
 * film. `model` tells what an unbound shift comes to. */
double moment_latent(const struct moment *moment, const struct rating_model *model, double middle,
                     double latent);
/* Is the bit of that place set? */
bool moment_has(const uint64_t *bits, int64_t place);

#endif
