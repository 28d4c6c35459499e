/*
 * The best `max` of a stream of scored films, kept sorted by insertion. For the sizes here (64 of
 * ten thousand) almost every film fails the comparison with the floor, which a heap could not make
 * cheaper. Equal scores keep their order of arrival, so the result is reproducible.
 */
#ifndef RECOMMENDER_TOPK_H
#define RECOMMENDER_TOPK_H

#include "recommender/source.h"

struct topk {
    struct candidate *best; /* the caller's, [max] */
    int count, max;
    float floor; /* only scores above it enter; set the start, later the worst of a full list */
};

/* score > top->floor */
static inline void topk_enter(struct topk *top, int32_t item, float score)
{
    int place = top->count < top->max ? top->count++ : top->max - 1;
    for (; place > 0 && top->best[place - 1].score < score; place--) {
        top->best[place] = top->best[place - 1];
    }
    top->best[place] = (struct candidate){item, score};
    if (top->count == top->max) {
        top->floor = top->best[top->max - 1].score;
    }
}

/* Films looked at together: most groups hold none that enters, and finding that out without a
 * branch a film is several times as fast. */
#define TOPK_GROUP 16

/* Whether any of TOPK_GROUP scores lies above the floor. */
static inline int topk_any(const float *scores, float floor)
{
    int any = 0;
    for (int i = 0; i < TOPK_GROUP; i++) {
        any |= scores[i] > floor;
    }
    return any;
}

#endif
