/*
 * The films that one person of the data rated. They are a third of the films and a thirtieth of the
 * ratings, and no taste or popularity can be learned about them. In a past they are dealt: each
 * round over the real users deals every such film once, and a look-alike gets as many as the base
 * person had. Left to chance, as other films are, more than a third of them would be rated by
 * nobody and most others by two or three, and a data set of the same size would lack the films that
 * only a single person knows. Pure.
 */
#ifndef POPULATION_SINGLES_H
#define POPULATION_SINGLES_H

#include "movielens/ratings.h"

#include <stdint.h>

struct singles {
    int32_t count;
    int32_t *film;  /* [count] in order of their raters */
    int32_t *start; /* [users + 1] those of user u are film[start[u]] to film[start[u + 1] - 1] */
};

void singles_find(const struct ratings *ratings, const int32_t *film_count, struct singles *out);
void singles_deinit(struct singles *singles);
/* The films that `user`'s look-alike of a round gets into out; returns how many. In each round
 * every film goes to exactly one person. */
int32_t singles_deal(const struct singles *singles, uint64_t seed, uint32_t round, int32_t user,
                     int32_t *out);

#endif
