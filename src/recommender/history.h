/*
 * The ratings people posted lately, by person: what must not be recommended to them again although
 * the model was trained before, and what their taste is told from. Bounded: of all people together
 * the newest ratings are kept, the oldest are forgotten first (the store keeps them, and the next
 * training folds them into the model). Any thread; readers take no lock and never wait.
 */
#ifndef RECOMMENDER_HISTORY_H
#define RECOMMENDER_HISTORY_H

#include "recommender/corpus.h"

#include <stddef.h>
#include <stdint.h>

/* Most ratings of one person that a reader gets, the newest of them. */
#define HISTORY_PERSON_MAX 2048

struct history;

/* ratings_max is rounded up to a power of two; 40 bytes a rating, taken from the system as they
 * come. */
struct history *history_new(size_t ratings_max);
void history_free(struct history *history); /* accepts NULL */

/* Adds a rating; one of a film rated before by this person takes the former's place. */
void history_add(struct history *history, const struct posted_rating *rating);

/* Copies one person's ratings, oldest first, and returns how many: at most HISTORY_PERSON_MAX. Of a
 * film that is rated again at this very moment the former rating may be there, too. */
size_t history_read(const struct history *history, int32_t user_id,
                    struct posted_rating out[HISTORY_PERSON_MAX]);

/* Ratings kept at the moment, at most ratings_max. */
size_t history_count(const struct history *history);

#endif
