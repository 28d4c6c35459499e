/*
 * What injections changed, from two plays of the same people with the same draws. Every visitor is
 * in both plays, so most of what differs between people, films and moments cancels: effects of
 * hundredths of a star stand out that would take a hundred times the ratings in plays of their own.
 *
 * A metric is a ratio of sums over lists or ratings (conversion = converted / lists). With y and n
 * a person's sums, Y and N everybody's and r = Y / N, the difference r1 - r0 has in first order the
 * variance of the sum over people of
 *     z = (y1 - r1 n1) / N1 - (y0 - r0 n0) / N0,
 * which is P / (P - 1) times the sum of z^2 (the z add up to 0). People are the clusters: ratings
 * of one person are alike, those of two are not. (Cochran, Sampling Techniques, 1977, 6.3 and 9A.)
 *
 * Pure.
 */
#ifndef DRILL_PAIRED_H
#define DRILL_PAIRED_H

#include "load/events.h"

#include <stdbool.h>
#include <stdint.h>

enum paired_metric {
    PAIRED_RATED,           /* share of lists of which a film was rated */
    PAIRED_CONVERSION,      /* ... with 3.0 stars or more */
    PAIRED_RECIPROCAL_RANK, /* 1 / rank, a list */
    PAIRED_MEAN_RATING,     /* stars, a rating */
    PAIRED_SHARE_1,         /* share of ratings of at most 1 star, ... */
    PAIRED_SHARE_2,
    PAIRED_SHARE_3,
    PAIRED_SHARE_4,
    PAIRED_SHARE_5, /* ... of 4.5 and 5 */
    /* The same from what was expected of each list (choice and rating noise averaged out). */
    PAIRED_EXPECTED_RATED,
    PAIRED_EXPECTED_CONVERSION,
    PAIRED_EXPECTED_RECIPROCAL_RANK,
    PAIRED_EXPECTED_MEAN_RATING,
    PAIRED_METRICS
};

enum paired_play { PAIRED_WITHOUT, PAIRED_WITH, PAIRED_PLAYS };

struct paired_sums { /* of one visitor in one play; by metric */
    double value[PAIRED_METRICS], weight[PAIRED_METRICS];
};

struct paired {
    int64_t from_ns, to_ns; /* nominal time of the lists that count */
    int32_t visitors;       /* people and accounts seen so far: the highest one + 1 */
    int32_t capacity;
    struct paired_sums *sums[PAIRED_PLAYS]; /* [capacity] */
    int64_t lists[PAIRED_PLAYS];
};

struct paired_difference {
    double with, without; /* NaN if nothing was rated */
    double difference;    /* with - without */
    double standard_error;
    int32_t people; /* who came in either play */
};

void paired_init(struct paired *paired, int64_t from_ns, int64_t to_ns);
void paired_deinit(struct paired *paired);
/* Ratings that were never shown (shilling) count for no metric. */
void paired_add(struct paired *paired, enum paired_play play, const struct events *events);
struct paired_difference paired_difference(const struct paired *paired, enum paired_metric metric);
const char *paired_metric_name(enum paired_metric metric); /* "conversion", ... */

#endif
