/*
 * The lists served lately, so that a rating can be attributed to the source and the place it was
 * served at. Bounded: the oldest lists are forgotten first. Any thread; nothing here takes a lock
 * or waits.
 */
#ifndef RECOMMENDER_SERVED_H
#define RECOMMENDER_SERVED_H

#include "recommender/recommend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERVED_ID_SIZE 17 /* 16 hexadecimal digits and the NUL */

struct served;

struct served_place {
    int32_t movie_id;
    enum source source;
};

/* What a rating means for the metrics: attributed, late, or neither. */
struct attribution {
    bool late;       /* of a list of this run, but too old or forgotten; nothing else is set */
    bool attributed; /* the film was in the list; the fields below are set only then */
    enum source source;
    int rank;      /* from 1 */
    bool first;    /* first rating of this list, whatever its value */
    bool converts; /* first rating of 3 stars or more of this list */
};

/* lists_max and users_max are rounded up to powers of two. A rating counts for a list served at
 * most window_ns before. nonce makes the ids of one run of the service unlike those of another, so
 * that an old id is not taken for a new one. */
struct served *served_new(size_t lists_max, size_t users_max, int64_t window_ns, uint64_t nonce);
void served_free(struct served *served); /* accepts NULL */

/* Remembers a list of at most RECOMMEND_LENGTH_MAX films, served at now_ns (monotonic), and writes
 * the id it can be named by. */
void served_add(struct served *served, int32_t user_id, const struct served_place *places,
                int count, int64_t now_ns, char request_id[SERVED_ID_SIZE]);

/* Attributes a rating to the list named by request_id ("" = the person's latest list). One of
 * somebody else's list, of a list without the film, or naming no list of this run is neither
 * attributed nor late. Of a forgotten list the film is not known any more: who names one is late.
 */
struct attribution served_rate(struct served *served, int32_t user_id, int32_t movie_id,
                               uint8_t half_stars, const char *request_id, int64_t now_ns);

#endif
