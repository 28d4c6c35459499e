/*
 * What a source or a whole recommender is worth offline: leave-last-out. The last rating of each
 * person (by time, then by place in the file) is held out, the model is made from what remains, and
 * every film of the catalogue that the person has not rated in what remains is ranked. HR@10 is
 * the share of people whose held-out film is among the first ten, MRR@10 the mean of 1 / rank,
 * counting 0 beyond the tenth place. Only the training part (`train`) may be shown to a model.
 *
 * Ties. With b films better than the held-out one and t others equal to it, the expected value
 * under a random order of the equals counts: the rank is uniform over b+1 ... b+t+1, so
 *     hit        = min(max(10 - b, 0), t + 1) / (t + 1)
 *     reciprocal = sum of 1 / r over r = b+1 ... min(10, b+t+1), divided by t + 1.
 * A constant score thus gets exactly what a random order would.
 *
 * Pure; results do not depend on the number of threads.
 */
#ifndef RECOMMENDER_EVALUATE_H
#define RECOMMENDER_EVALUATE_H

#include "base/parallel.h"
#include "recommender/corpus.h"

#include <stdint.h>

#define EVALUATE_LENGTH 10 /* places of a list that count */

/* People keep their indexes and ids, films theirs. Constant once made; any thread may read. */
struct evaluate_split {
    struct ratings train;
    int32_t people;      /* from whom a rating was held out */
    int32_t *user;       /* [people], index in `train`, rising */
    int32_t *item;       /* [people], the film held out */
    uint8_t *half_stars; /* [people], of the rating held out */
    int64_t *time_s;     /* [people], of the rating held out */
};

/* held_from_end 1 holds out the last rating, 2 the second to last and drops the last: whatever
 * comes after the held-out rating is in neither part. At most max_people are held out from (0 = no
 * bound), drawn by `seed` without replacement; others, and people with no more than held_from_end
 * ratings, stay whole. *out is the caller's (evaluate_split_deinit). */
void evaluate_split_init(struct evaluate_split *out, const struct ratings *ratings,
                         int held_from_end, int32_t max_people, uint64_t seed);
void evaluate_split_deinit(struct evaluate_split *split);

/* A copy of the training part with the films and tags of `whole`, for training; the caller's. Tags
 * are of films, not of ratings: one that a person gave the film held out stays. */
void evaluate_corpus(const struct evaluate_split *split, const struct corpus *whole,
                     struct corpus *out);

/* What one person contributes; both 0 to 1. */
struct evaluate_person {
    double hit, reciprocal;
};

/* The formula above. */
struct evaluate_person evaluate_rank(int64_t better, int64_t ties);
/* `score` [items] ranks the films for the n-th held-out person; higher is better. Films the person
 * rated in the training part do not count, whatever their score. */
struct evaluate_person evaluate_scores(const struct evaluate_split *split, int32_t n,
                                       const float *score);
/* A list of films, best first, without those the person rated; a film it lacks is not found. */
struct evaluate_person evaluate_list(const struct evaluate_split *split, int32_t n,
                                     const int32_t *list, int count);

struct evaluate_hit {
    int32_t people;
    double hr10, mrr10;       /* means over the people */
    double hr10_se, mrr10_se; /* standard errors of these means */
};

struct evaluate_hit evaluate_mean(const struct evaluate_person *of, int32_t people);
/* The mean of a minus b, person by person, with the standard errors of paired differences. */
struct evaluate_hit evaluate_difference(const struct evaluate_person *a,
                                        const struct evaluate_person *b, int32_t people);

/* Writes score [items] for a person (index in the training part). Called from several threads at
 * once, `lane` (0 to threads - 1) tells them apart. */
typedef void evaluate_scorer(void *context, int32_t user, unsigned lane, float *score);

/* evaluate_scores for everybody held out; out [split->people]. */
void evaluate_everybody(const struct evaluate_split *split, evaluate_scorer *scorer, void *context,
                        const struct parallel *parallel, struct evaluate_person *out);

/* What any recommender is compared with. out [split->people]. */
enum evaluate_reference {
    EVALUATE_RANDOM,     /* expected value of a random order */
    EVALUATE_POPULARITY, /* number of ratings in the training part */
    EVALUATE_ALS,    /* numeric/als.h on who rated what: 20 factors, alpha 1, regularisation 1 */
    EVALUATE_COSINE, /* sum of the cosines to the last five films: people who rated both over
                        the root of the product of those who rated each */
    EVALUATE_REFERENCES
};
const char *evaluate_reference_name(enum evaluate_reference reference);
/* `seed` starts the factors of ALS; the others do not use it. */
void evaluate_reference_people(const struct evaluate_split *split,
                               enum evaluate_reference reference, uint64_t seed,
                               const struct parallel *parallel, struct evaluate_person *out);

#endif
