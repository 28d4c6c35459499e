/*
 * The three sources that propose films. The names are label values of the metrics and part of the
 * HTTP answers, so they are fixed.
 */
#ifndef RECOMMENDER_SOURCE_H
#define RECOMMENDER_SOURCE_H

#include <stdint.h>

enum source { SOURCE_BASE, SOURCE_SIMILAR, SOURCE_POPULAR, SOURCE_COUNT };

const char *source_name(enum source source); /* "base", "similar", "popular" */

/* A film proposed by a source. Scores of different sources are on different scales. */
struct candidate {
    int32_t item; /* index in the model's catalogue */
    float score;
};

#endif
