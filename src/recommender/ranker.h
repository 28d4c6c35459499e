/*
 * Merges the candidates of the sources into one list. A source's scores are first brought to 0..1
 * for the person who asks (its best candidate 1, its worst 0), since the scales have nothing in
 * common. Then, for every film any source proposed,
 *     score = sum over the sources that proposed it of blend[source] * normalised score,
 * and the film counts as coming from the source with the largest term. blend[base] is 1; the other
 * two are solved when a model is trained (ranker_calibrate), so that each gets its intended share
 * of list places on that data. Pure.
 */
#ifndef RECOMMENDER_RANKER_H
#define RECOMMENDER_RANKER_H

#include "recommender/source.h"

/* Candidates asked of each source; enough for a full list of 50 with room to choose. */
#define RANKER_CANDIDATES_MAX 64

struct ranker_input {
    struct candidate list[SOURCE_COUNT][RANKER_CANDIDATES_MAX]; /* falling scores */
    int count[SOURCE_COUNT];
};

struct ranker_place {
    int32_t item;
    float score;
    enum source source;
};

/* Writes at most n places, best first; returns how many. */
int ranker_merge(const float blend[SOURCE_COUNT], const struct ranker_input *input, int n,
                 struct ranker_place *out);

/* Solves blend so that lists of n merged from the inputs hold about RANKER_SHARE_* of their places
 * from each source; share gets what was reached (all 0 if no list has a place). */
void ranker_calibrate(const struct ranker_input *inputs, int input_count, int n,
                      float blend[SOURCE_COUNT], double share[SOURCE_COUNT]);

#define RANKER_SHARE_SIMILAR 0.125
#define RANKER_SHARE_POPULAR 0.125

#endif
