/*
 * What bots and shills do: no taste, no look at the list, always the stars they are paid for. Pure.
 */
#ifndef LOAD_GUEST_H
#define LOAD_GUEST_H

#include "population/population.h"

#include <stdint.h>

/* Different films that shills are paid to rate; fewer if there are fewer. */
#define GUEST_TARGETS 8

/* A bot takes the first film of the list that it knows. */
struct step_outcome guest_take_first(const struct drift_injection *injection,
                                     const struct step_list *list);
/* A shill's next film: of GUEST_TARGETS drawn by the seed, the same for all accounts, then others
 * as camouflage, none twice: `rated` are the films of the account so far, rising. Rank 0, because
 * nobody showed it; watched false if no film is left. `account` tells accounts apart, whose
 * camouflage differs. */
struct step_outcome guest_push(const struct drift_injection *injection, uint64_t seed,
                               int32_t account, int32_t films, const int32_t *rated,
                               int32_t rated_count);

#endif
