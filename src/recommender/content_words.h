/*
 * Vectors of films from what the catalogue says of them: words of the title, genres, time of
 * release, and tags. Pure.
 */
#ifndef RECOMMENDER_CONTENT_WORDS_H
#define RECOMMENDER_CONTENT_WORDS_H

#include "base/parallel.h"
#include "movielens/catalogue.h"
#include "movielens/tags.h"

#define CONTENT_WORDS_DIMS 32

/* vector [films x CONTENT_WORDS_DIMS] gets rows of length 1, or 0 for a film of which nothing is
 * known. The same for any number of threads. */
void content_words(const struct catalogue *catalogue, const struct tags *tags,
                   const struct parallel *parallel, float *vector);

#endif
