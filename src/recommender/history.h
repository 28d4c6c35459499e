/*
 * The ratings people posted since the service started (or that its store held then), by person:
 * what must not be recommended again although the model was trained before. Any thread.
 */
#ifndef RECOMMENDER_HISTORY_H
#define RECOMMENDER_HISTORY_H

#include "recommender/corpus.h"

#include <stdbool.h>
#include <stddef.h>

struct history;

struct history *history_new(void);
void history_free(struct history *history); /* accepts NULL */

/* False when memory is exhausted; nothing has changed then. */
bool history_add(struct history *history, const struct posted_rating *rating);

/* A copy of one person's ratings, oldest first, made for one request. */
struct history_copy {
    struct posted_rating *ratings;
    size_t count;
    struct posted_rating few[32]; /* where most copies fit */
};

/* False when memory is exhausted (the copy is then empty). history_copy_deinit in any case. */
bool history_copy(struct history *history, int32_t user_id, struct history_copy *out);
void history_copy_deinit(struct history_copy *copy);

#endif
