/*
 * From a latent judgement in stars to the rating somebody clicks: the noisy latent value is cut at
 * nine points into the ten half-star steps, or, for people whose habit is whole stars, at four
 * points into five. The cut-points are fitted to the data, so that the ratings of the written past
 * have its histogram. Pure; constant after rating_fit.
 */
#ifndef POPULATION_RATING_H
#define POPULATION_RATING_H

#include <stdbool.h>
#include <stdint.h>

#define RATING_SHIFTS 161 /* latent shifts from -4 to +4 in steps of .05 */

struct rating_model {
    double half_cut[9];         /* between 0.5|1.0 ... 4.5|5.0 */
    double whole_cut[4];        /* between 1|2 ... 4|5 */
    double mean[RATING_SHIFTS]; /* mean rating of the sample under each latent shift */
};

/* Noisy latent values of the ratings that one habit produces, and the data's counts to match. */
struct rating_sample {
    int64_t count;
    double *latent;     /* [count], sorted here */
    int64_t wanted[10]; /* counts by half stars - 1; whole-star people only use the odd places */
};

/* Either sample may be empty; the cut-points then lie half way between the star values. */
void rating_fit(struct rating_model *model, struct rating_sample *halves,
                struct rating_sample *wholes);
/* 1 to 10 half stars. */
uint8_t rating_cut(const struct rating_model *model, bool whole_stars, double latent);
/* The latent shift that moves the mean rating of the written past by `stars`; what cannot be
 * reached (the scale ends) gives the largest shift of the table. rating_shift(0) is 0. */
double rating_shift(const struct rating_model *model, double stars);

#endif
