/*
 * Who rated what, when, as compressed rows: the ratings of user u are the entries start[u] to
 * start[u+1]-1, in order of (time, place in the file). Users and films are dense indexes.
 * Constant after loading; any thread may read.
 */
#ifndef MOVIELENS_RATINGS_H
#define MOVIELENS_RATINGS_H

#include <stdint.h>

struct ratings {
    int32_t users, items;
    int64_t count;
    int32_t *user_id;    /* [users], rising */
    int64_t *start;      /* [users + 1] */
    int32_t *item;       /* [count] */
    uint8_t *half_stars; /* [count], 1 (= 0.5 stars) to 10 (= 5.0) */
    int64_t *time_s;     /* [count], seconds since 1970 UTC */
};

void ratings_deinit(struct ratings *ratings);
/* Index of a user id, -1 if unknown. O(log users). */
int32_t ratings_user(const struct ratings *ratings, int32_t user_id);

#endif
