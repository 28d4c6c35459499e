/*
 * Merges the candidates of the sources into one list. The scales of the sources have nothing in
 * common, so each source's scores are first brought to a strength of 0..1 for the person who asks
 * (its best candidate 1, its worst 0; 0 for a film it did not propose). Films are ordered by the
 * linear blend
 *     score = base + RANKER_WEIGHT_OTHERS * (similar + popular),
 * which lets base carry the lists of whoever it knows. A film counts as coming from the source with
 * the largest claim[source] * strength. claim[base] is 1; the other two lie near 1 and are solved
 * when a model is trained (ranker_calibrate), so that each gets its intended share of list places.
 * Pure.
 */
#ifndef RECOMMENDER_RANKER_H
#define RECOMMENDER_RANKER_H

#include "recommender/source.h"

/* .1 to .2 rank held-out films of MovieLens as well as base alone does; from .3 on films that only
 * the other two propose displace better ones (rated lists -2 % at .3, -6 % at .4). */
#define RANKER_WEIGHT_OTHERS 0.2f

#define RANKER_SHARE_SIMILAR 0.125
#define RANKER_SHARE_POPULAR 0.125

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
int ranker_merge(const float claim[SOURCE_COUNT], const struct ranker_input *input, int n,
                 struct ranker_place *out);

/* Solves claim so that lists of n merged from the inputs hold about RANKER_SHARE_* of their places
 * from each source; share gets what was reached (all 0 if no list has a place). */
void ranker_calibrate(const struct ranker_input *inputs, int input_count, int n,
                      float claim[SOURCE_COUNT], double share[SOURCE_COUNT]);

#endif
