/*
 * One slice of sampled softmax. Each of some rows h chooses one class c+ of many, scored h.v_c +
 * b_c; instead of all classes, `negatives` of them, drawn with known probabilities q and shared by
 * the rows, stand for the rest: loss = -weight log( exp(s+) / (exp(s+) + sum over negatives n of
 * exp(s_n) / (N q_n)) ). The correction by N q makes the sum an unbiased estimate of the sum over
 * all other classes, so that scores are learned as with the full softmax and popular classes, which
 * are drawn more often, are not pushed down for that. A negative that is the row's own choice, or
 * that the row excludes, counts for nothing. Pure.
 */
#ifndef NUMERIC_SOFTMAX_H
#define NUMERIC_SOFTMAX_H

#include <stdint.h>

#define SOFTMAX_SLICE 64     /* rows at most */
#define SOFTMAX_NEGATIVES 64 /* N is a multiple of it */
#define SOFTMAX_FACTORS_MAX 64

/* What all slices of a batch share. */
struct softmax_negatives {
    int count, factors;     /* factors a multiple of 8 */
    const float *by_class;  /* [count x factors] */
    const float *by_factor; /* [factors x count], the same numbers */
    const float *offset;    /* [count], bias - log(N q) */
};

struct softmax_rows {
    int count;
    const float *row;            /* [count x factors], h */
    const float *const *chosen;  /* [count], v of the choice */
    const float *chosen_bias;    /* [count] */
    const float *weight;         /* [count] */
    const uint64_t *const *mask; /* [count], bit n = negative n counts for nothing */
};

/* Gradients of the loss, written, not added. */
struct softmax_gradient {
    float *row;           /* [count x factors] */
    float *chosen;        /* [count x factors] */
    float *chosen_bias;   /* [count] */
    float *negative;      /* [negatives x factors], summed over the rows */
    float *negative_bias; /* [negatives] */
};

/* scratch holds SOFTMAX_SLICE * negatives floats. Returns the summed loss. */
double softmax_slice(const struct softmax_negatives *negatives, const struct softmax_rows *rows,
                     const struct softmax_gradient *out, float *scratch);

/* e^x, off relatively by at most 3e-7 for -87 <= x <= 88; beyond, as at those ends. */
float softmax_exp(float x);

#endif
