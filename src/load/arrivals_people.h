/* Who makes a visit: the part of arrivals that knows the people. Pure; see arrivals.h. */
#ifndef LOAD_ARRIVALS_PEOPLE_H
#define LOAD_ARRIVALS_PEOPLE_H

#include "load/arrivals.h"

#include <stdbool.h>
#include <stdint.h>

/* Purposes of the random streams of this and the neighbouring module; the owner of a stream is a
 * visit's number unless said otherwise. */
enum arrivals_purpose {
    ARRIVALS_DRAW_VISIT = 0x6c6f0001, /* gap, person, steps */
    ARRIVALS_DRAW_THINK,              /* pauses */
    ARRIVALS_DRAW_LEAVE,              /* owner a person: by step */
    ARRIVALS_DRAW_THIN,               /* is it dropped when there is less traffic */
    ARRIVALS_DRAW_ACTIVITY,           /* a person by activity */
    ARRIVALS_DRAW_PLACE,              /* owner a person: place in a gradual change */
    ARRIVALS_DRAW_MIX                 /* + place of the injection: does it replace the person */
};

/* What an injection's size comes to. */
double arrivals_parameter(const struct drift_injection *injection);
/* Weighs those who come at the start; needed before anything else here if the drift mixes people.
 */
void arrivals_people_init(struct arrivals *arrivals);
/* How many people come as yet; they are the first ones. */
int32_t arrivals_present(const struct arrivals *arrivals);
/* Lets the next newcomer in. */
int32_t arrivals_join(struct arrivals *arrivals);
/* The person of a visit at rest: the recorded one, or one drawn. `rng` is the visit's stream, which
 * moves by one draw in any case. */
int32_t arrivals_person(const struct arrivals *arrivals, uint64_t number, int32_t recorded,
                        struct rng *rng);
/* The person instead, as the mixes of people in force want it. */
int32_t arrivals_mixed(struct arrivals *arrivals, uint64_t number, int32_t person,
                       int64_t start_ns);

#endif
