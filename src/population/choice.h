/*
 * Choice taste, learned from who rated what; how high they rated is not looked at. The recipe:
 * truncated SVD U S V' of the degree-normalised binary matrix B_ui / sqrt(d_u d_i), first component
 * dropped because it is popularity (left in, everybody shares it, and people would hardly differ).
 * A person is the direction of U S, a film V / sqrt(d_i): the normalisation is undone on the film's
 * side, so affinity is how much more likely than others somebody is to watch it, and popular films
 * have no longer vectors than others. Films rated less than five times are shrunk by
 * sqrt(d_i / 5), and the popularity-weighted mean is taken out. Pure.
 */
#ifndef POPULATION_CHOICE_H
#define POPULATION_CHOICE_H

#include "base/parallel.h"
#include "movielens/ratings.h"

#include <stdint.h>

/* user_taste [users x TASTE_DIMS] gets unit vectors; film_taste [films x TASTE_DIMS] is scaled so
 * that user . film has standard deviation 1 over all users and, by popularity, over films.
 * film_count [films] holds the number of ratings of each film. */
void choice_fit(const struct ratings *ratings, const int32_t *film_count, uint64_t seed,
                const struct parallel *parallel, float *user_taste, float *film_taste);

#endif
