/*
 * Is build B faster than build A? One figure of each of several runs of both: the run is the unit,
 * not the request, because requests of one run share its luck (Kalibera & Jones 2013, "Rigorous
 * benchmarking in reasonable time"). No run is taken out. Pure; same seed, same result. Values are
 * finite and positive, and every side has at least one.
 */
#ifndef CAPACITY_VERSUS_H
#define CAPACITY_VERSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VERSUS_EXACT_MAX 100 /* runs of both sides together; beyond, p is the normal law's */
#define VERSUS_RESAMPLES 5000

/* The median with an interval between order statistics, x_(r) to x_(n+1-r): it covers the true
 * median with probability 1 - 2 P(Binomial(n, 1/2) < r) at least, whatever the distribution (David
 * & Nagaraja, "Order Statistics", 3rd ed. 2003, section 7.1). r is the largest that reaches the
 * confidence. */
struct versus_median {
    double value;
    double low, high; /* NAN: too few runs for any */
    double covers;    /* that probability; 0 without an interval */
};
void versus_median(const double *value, size_t count, double confidence, struct versus_median *out);
/* How many runs have such an interval at least; confidence < 1. */
size_t versus_median_runs(double confidence);

/* The rank-sum test of Mann & Whitney (1947), two-sided: the probability of a rank sum at least as
 * far from its mean if all orders of the runs were equally likely. Equal values get the mean of
 * their ranks. Exact over all choices of the runs of one side (the shift algorithm of Streitberg &
 * Roehmel 1986) up to VERSUS_EXACT_MAX; beyond it the normal approximation, corrected for ties
 * and continuity. */
struct versus_ranks {
    double u; /* pairs in which B's value is the larger; an equal pair is half of one */
    double p;
    bool exact, ties;
};
void versus_ranks(const double *a, size_t a_count, const double *b, size_t b_count,
                  struct versus_ranks *out);
/* The least p that so many runs can give: that of sides which do not overlap. */
double versus_least_p(size_t a_count, size_t b_count);

/* Median of B / median of A, with the percentile interval of the bootstrap (Efron 1979; Efron &
 * Tibshirani 1993, chapter 13), each side drawn anew by itself. */
struct versus_ratio {
    double value;
    double low, high; /* NAN: the runs are so few that versus_least_p() > 1 - confidence. From
                         those any interval would leave out 1 by chance more often than it says. */
};
void versus_ratio(const double *a, size_t a_count, const double *b, size_t b_count,
                  double confidence, uint64_t seed, struct versus_ratio *out);

enum versus_outcome {
    VERSUS_TOO_FEW,   /* runs: no difference could be shown, however large */
    VERSUS_NOT_SHOWN, /* the interval holds 1, or p > 1 - confidence */
    VERSUS_SHOWN,     /* neither */
};

struct versus_result {
    struct versus_median a, b;
    struct versus_ratio ratio;
    struct versus_ranks ranks;
    enum versus_outcome outcome;
};
void versus_sides(const double *a, size_t a_count, const double *b, size_t b_count,
                  double confidence, uint64_t seed, struct versus_result *out);

/* Is the ratio further from 1 than `noise`, the ratio of a build to itself? By their logarithms. */
bool versus_beyond(double ratio, double noise);

/* Were the runs taken in turns? At no moment had one side done more of its runs than the other by
 * over one run of the smaller side: A B A B and A B B A pass, A A B B does not. */
enum versus_order { VERSUS_INTERLEAVED, VERSUS_IN_BLOCKS, VERSUS_ORDER_UNKNOWN };
/* Starts in seconds; one that is NAN makes the order unknown. */
enum versus_order versus_order(const double *a_start_s, size_t a_count, const double *b_start_s,
                               size_t b_count);

#endif
