/*
 * Who makes the steps of a capacity search, and what they are expected to like. Somebody who has
 * been shown their best films and rated them finds less in the next list, so a long search would
 * see quality fall whatever the target does. People therefore take turns in a fixed order, which
 * spreads the wear evenly, and the expected hit rate follows the steps each has made by then. Pure.
 */
#ifndef COMMAND_CAPACITY_PEOPLE_H
#define COMMAND_CAPACITY_PEOPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capacity_sight { /* one list that somebody looked at while the target had nothing to do */
    int32_t person;
    uint32_t step; /* of the person, from 0 */
    bool hit;      /* took a film they like: rated 3.0 or better */
};

struct capacity_people {
    int32_t turning;   /* people 0 .. turning - 1 take turns */
    int32_t reference; /* as many after them are kept for the reference */
    bool worn;         /* films are used up: ratings are sent */
    int64_t steps;     /* made by those who take turns, so far */

    bool known;                   /* the reference was played */
    double hit_first, hit_change; /* hit rate of a first step, and its change a further step */
    double steps_most;            /* what becomes of more steps a person was not seen */
    /* The hits of some steps lie off the line by more than chance, and by much: a target that gets
     * to know people as they rate, for instance. Nothing is expected then. */
    bool bent;
    /* Standard error of the rate of a first step, and variance of it and of the change. People
     * differ more than chance does, so it is taken over people, not lists; NAN with fewer than
     * CAPACITY_PEOPLE_SEEN_MIN of them. */
    double hit_error;
    double first_variance, change_variance, covariance;
    int64_t lists, seen;   /* lists of the reference, and people who looked at them */
    double fallback_share; /* of these, made by a fallback source; set by the caller */
};

#define CAPACITY_PEOPLE_SEEN_MIN 8
#define CAPACITY_UNKNOWN_SIZE 256

struct capacity_expected { /* a hit rate; both NAN if nothing can be said */
    double rate, error;    /* standard error */
};

/* Of `users` people some are kept apart for the reference, unless lists only are asked for: then
 * nothing wears out and all serve for both. */
void capacity_people_init(struct capacity_people *people, int32_t users, bool lists_only);
/* Who makes the next step. */
int32_t capacity_people_next(struct capacity_people *people);
/* Counts steps that others chose the people of, evenly over those who take turns. */
void capacity_people_made(struct capacity_people *people, int64_t steps);
/* Fits the hit rate by the step, a straight line, least squares, that never rises. Sorts `sight` by
 * person. The errors are the sandwich estimate with people as clusters (Liang and Zeger 1986). */
void capacity_people_learn(struct capacity_people *people, struct capacity_sight *sight,
                           size_t count);
/* Was nothing learned that a hit rate could be compared with, whatever is played? `why` then holds
 * the reason, and what to do about it. */
bool capacity_people_unknown(const struct capacity_people *people, char *why, size_t size);
/* Mean hit rate expected of steps number `from` to `to` (as counted in `steps`); NAN if unknown, if
 * the line is bent, and where somebody has made more steps by then than steps_most. */
struct capacity_expected capacity_people_expected(const struct capacity_people *people,
                                                  int64_t from, int64_t to);
/* So many steps can all of them make before nothing is known any more; INT64_MAX if nothing wears.
 */
int64_t capacity_people_reach(const struct capacity_people *people);

#endif
