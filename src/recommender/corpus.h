/*
 * What a model is trained on: films and ratings joined from the first data set, later data sets and
 * the ratings posted to the service. Everything is joined by MovieLens ids; indexes differ from one
 * corpus to the next. Constant once made; any thread may read.
 */
#ifndef RECOMMENDER_CORPUS_H
#define RECOMMENDER_CORPUS_H

#include "movielens/dataset.h"

#include <stddef.h>
#include <stdint.h>

/* A rating given to the service. */
struct posted_rating {
    int32_t user_id, movie_id;
    uint8_t half_stars; /* 1 to 10 */
    int64_t time_s;     /* since 1970 UTC */
};

struct corpus {
    struct catalogue catalogue;
    struct ratings ratings;
    struct tags tags; /* of the films; none if no data set had a tags.csv */
    int64_t newest_s; /* time of the newest rating; ages count from here */
};

/* Moves films, ratings and tags out of a data set, which is empty afterwards. */
void corpus_take(struct corpus *out, struct dataset *dataset);

/* Joins a former corpus, a further data set (may be NULL) and posted ratings (in any order; those
 * of unknown films are left out). Of several ratings of a film by one person the newest stays. */
void corpus_join(struct corpus *out, const struct corpus *former, const struct dataset *further,
                 const struct posted_rating *posted, size_t posted_count);

void corpus_deinit(struct corpus *corpus);

#endif
