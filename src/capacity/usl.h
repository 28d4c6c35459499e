/*
 * The universal scalability law (Gunther 1993), fitted to a closed-loop ladder:
 *
 *     X(N) = g N / (1 + a (N-1) + b N (N-1))
 *
 * N people at once, X steps a second, g = X(1) free, a contention, b coherency. A peak exists at
 * N* = sqrt((1-a)/b) if b > 0. It is told only if the data tell it: the bootstrap interval of b
 * must exclude zero and the peak must lie within what was measured. Pure.
 */
#ifndef CAPACITY_USL_H
#define CAPACITY_USL_H

#include <stddef.h>
#include <stdint.h>

#define USL_LEVELS_MIN 6
#define USL_CONFIDENCE 0.95

struct usl_level {
    double users;
    double rate_per_s;
    double error_per_s; /* standard error of the rate; 0 = unknown */
};

struct usl_interval {
    double value, low, high; /* bootstrap, USL_CONFIDENCE; NAN if unknown */
    double error;            /* standard error by the covariance of the fit; NAN if unknown */
};

enum usl_outcome {
    USL_PEAK,       /* seen, within the levels */
    USL_NO_PEAK,    /* b's interval includes zero: no peak identifiable */
    USL_BEYOND,     /* b > 0, but the peak lies beyond the levels: an extrapolation, not given */
    USL_FEW_LEVELS, /* fewer than USL_LEVELS_MIN */
    USL_NO_FIT,     /* no convergence */
};

struct usl_fit {
    enum usl_outcome outcome;
    struct usl_interval gamma, alpha, beta;
    struct usl_interval peak_users, peak_per_s; /* USL_PEAK only, else NAN; no `error` */
    double misfit; /* root of the reduced chi square; above 2 the law does not hold well */
    int resamples; /* bootstrap fits that converged */
};

/* Levels need at least two different numbers of users. Same seed, same result. */
void usl_fit(const struct usl_level *level, size_t count, uint64_t seed, struct usl_fit *out);
double usl_rate(const struct usl_fit *fit, double users); /* X(N) of the fit */
const char *usl_outcome_text(enum usl_outcome outcome);   /* a sentence's rest: "no peak ..." */

#endif
