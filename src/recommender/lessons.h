/*
 * What the ranker learns from: the latest choices of a sample of people, held out from everything
 * else the model is made of, each with the candidates that the sources proposed the moment before.
 * Pure; results do not depend on the number of threads.
 */
#ifndef RECOMMENDER_LESSONS_H
#define RECOMMENDER_LESSONS_H

#include "base/parallel.h"
#include "recommender/model.h"
#include "recommender/ranker.h"

/* A choice held out: ratings->item[at], chosen by `user`. */
struct lesson {
    int32_t user;
    int64_t at;
};

struct lessons {
    int32_t count;
    struct lesson *lesson; /* by person and time */
    struct ratings before; /* the ratings without those held out; people keep their indexes */
};

/* The last `each` ratings of a person (at most an eighth of theirs, none as old as since_s) are
 * held out, from so many people, drawn by `seed`, that there are about `choices_max` lessons. */
void lessons_init(struct lessons *out, const struct ratings *ratings, int each, int choices_max,
                  int64_t since_s, uint64_t seed);
void lessons_deinit(struct lessons *lessons);

/* The lists that `model`, made of lessons->before, would have ranked. Choices that no source
 * proposed are left out. *out and its arrays are the caller's (lessons_choices_deinit). */
struct lessons_choices {
    struct ranker_choices choices;
    float *feature;
    int32_t missed; /* choices that no source proposed */
};
void lessons_choices(const struct lessons *lessons, const struct model *model,
                     const struct ratings *ratings, const struct parallel *parallel,
                     struct lessons_choices *out);
void lessons_choices_deinit(struct lessons_choices *choices);

#endif
