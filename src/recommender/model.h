/*
 * One trained model: everything that answering a list request reads, except what people did since.
 * A part each, with its own training and deinit. Immutable once published (publish.h).
 */
#ifndef RECOMMENDER_MODEL_H
#define RECOMMENDER_MODEL_H

#include "recommender/content.h"
#include "recommender/corpus.h"
#include "recommender/films.h"
#include "recommender/neighbours.h"
#include "recommender/opinions.h"
#include "recommender/ranker.h"
#include "recommender/retrieval.h"
#include "recommender/source.h"
#include "recommender/trending.h"

#include <stdint.h>

struct model {
    int version; /* 1, 2, ... in order of training */
    struct corpus corpus;

    struct retrieval retrieval;  /* source "base" */
    struct content content;      /* source "similar" */
    struct trending trending;    /* source "popular" */
    struct neighbours together;  /* films near one another in histories */
    struct neighbours followers; /* films that come soon after a film */
    struct films films;          /* what the ranker knows of each film */
    struct opinions opinions;    /* predicted stars */
    struct ranker ranker;

    double source_share[SOURCE_COUNT]; /* of list places, over a sample of people; sums to 1 */
    int64_t trained_at_s;              /* seconds since 1970 UTC */
    double training_s;                 /* wall time */
};

/* The caller's. Fields are filled by training. */
struct model *model_new(void);
void model_free(struct model *model); /* accepts NULL */

/* 0.5 to 5.0; an unknown person has bias 0. `item` is an index of the model. */
double model_predict_stars(const struct model *model, int32_t user_id, int32_t item);
/* The same, the ratings posted since counting for the person's bias. */
double model_predict_stars_of(const struct model *model, int32_t user_id,
                              const struct posted_rating *posted, size_t posted_count,
                              int32_t item);

#endif
