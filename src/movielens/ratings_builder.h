/*
 * Collects ratings in any order and makes the compressed rows of them. Start-up memory. One
 * thread.
 */
#ifndef MOVIELENS_RATINGS_BUILDER_H
#define MOVIELENS_RATINGS_BUILDER_H

#include "movielens/ratings.h"

#include <stddef.h>

struct ratings_builder {
    size_t count, capacity;
    int32_t *item;
    uint8_t *half_stars;
    uint32_t *time_s;
    /* Runs of consecutive rows of one user. */
    size_t runs, run_capacity;
    int32_t *run_user;
    size_t *run_first;
};

/* Makes room for a row of this user; ratings_builder_add calls it when there is none. */
void ratings_builder_make_room(struct ratings_builder *builder, int32_t user_id);

/* A zeroed builder is a valid empty one. time_s lies in 0 to UINT32_MAX. Inline, because it is the
 * inner loop of loading. */
static inline void ratings_builder_add(struct ratings_builder *builder, int32_t user_id,
                                       int32_t item, uint8_t half_stars, int64_t time_s)
{
    if (builder->count == builder->capacity || builder->run_user[builder->runs - 1] != user_id) {
        ratings_builder_make_room(builder, user_id);
    }
    builder->item[builder->count] = item;
    builder->half_stars[builder->count] = half_stars;
    builder->time_s[builder->count] = (uint32_t)time_s;
    builder->count++;
}
/* Of several ratings of one film by one user the one added last stays; returns how many were
 * dropped. The builder is empty afterwards; *out is the caller's (ratings_deinit). */
int64_t ratings_builder_finish(struct ratings_builder *builder, int32_t items, struct ratings *out);
void ratings_builder_deinit(struct ratings_builder *builder);

#endif
