/*
 * One list before one person in one step: what is looked at, what else is on, and how attractive
 * all of it is. What a step draws from and what the truth about it is computed from. Pure.
 */
#ifndef POPULATION_SCENE_H
#define POPULATION_SCENE_H

#include "population/moment.h"

#include <stdbool.h>
#include <stdint.h>

#define SCENE_OFFERS 64 /* new films that a person thinks of besides the list, the best ones */

struct scene_films {
    const struct step_list *list;
    const int32_t *seen; /* rising, may be NULL */
    int32_t seen_count;
};

struct scene {
    const struct step_list *list;
    bool abandoned; /* left without a look */
    bool looked[POPULATION_LIST_MAX];
    double attraction[POPULATION_LIST_MAX]; /* -INFINITY = cannot be taken; of what is looked at */
    int offers;
    int32_t offer[SCENE_OFFERS]; /* new films out by now and not seen */
    double offer_attraction[SCENE_OFFERS];
};

/* Stream of a step by purpose; draw n of it is reached by setting the counter. */
struct rng scene_stream(const struct population *population, int32_t person, uint32_t purpose,
                        uint32_t step);
/* What is looked at, by draws that depend on person and step alone. Where a cascade stops if
 * nothing is taken before. */
void scene_look(const struct moment *moment, struct rng draws, int32_t places, bool *looked);
/* `also` [list->count], if not NULL, names places whose attraction is wanted though they are not
 * looked at. */
void scene_make(const struct moment *moment, uint32_t step, const struct scene_films *films,
                const bool *also, struct scene *out);
/* How likely it is that just these places are looked at. */
double scene_look_probability(const struct moment *moment, const bool *looked, int32_t places);
/* Is the film among those in rising order? */
bool scene_contains(const int32_t *rising, int32_t count, int32_t film);
/* The same of each film of a list, all at once: found [list->count]. */
void scene_contains_each(const int32_t *rising, int32_t count, const struct step_list *list,
                         bool *found);

#endif
