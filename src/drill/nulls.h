/*
 * What quiet drills teach: how often an alert is false, and how much less a clustered sample knows
 * than its size promises.
 *
 * False alarms are counted by drill, and k of n drills bound the rate with the exact one-sided
 * bound of Clopper and Pearson (Biometrika 26, 1934): the rate at which k or fewer are as unlikely
 * as 1 - confidence, the quantile of a beta distribution with k + 1 and n - k.
 *
 * Clusters (all ratings of a person, or of a visit) are described by the intraclass correlation in
 * the estimator from the analysis of variance (Donner, Int. Stat. Rev. 54, 1986):
 *     ICC = (MSB - MSW) / (MSB + (n0 - 1) MSW),  n0 = (N - sum n_i^2 / N) / (k - 1),
 * with k clusters of n_i values, N in all. The variance of a mean is then larger by the design
 * effect 1 + (sum n_i^2 / N - 1) ICC (Kish), and N values know as much as N / that.
 *
 * Pure.
 */
#ifndef DRILL_NULLS_H
#define DRILL_NULLS_H

#include "drill/evidence.h"
#include "load/events.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NULLS_CONFIDENCE 0.95

/* Upper bound of a probability of which `hits` of `trials` were seen; 1 without a trial. */
double nulls_upper_bound(int64_t hits, int64_t trials, double confidence);

struct nulls_clusters { /* sums over clusters; zeroed = none. Several samples add up */
    double clusters, values;
    double squared_sizes; /* sum of n_i^2 */
    double total;         /* sum of all values */
    double between;       /* sum of (sum of a cluster)^2 / n_i */
    double within;        /* squared deviations from the cluster's mean */
};

/* A cluster of `count` values with the given sum and sum of squares; none if count is 0. */
void nulls_add_cluster(struct nulls_clusters *clusters, int64_t count, double sum,
                       double sum_of_squares);
double nulls_icc(const struct nulls_clusters *clusters); /* NaN if it cannot be told */
double nulls_design_effect(const struct nulls_clusters *clusters);
double nulls_effective_size(const struct nulls_clusters *clusters);

enum nulls_value { NULLS_STARS /* of each rating */, NULLS_CONVERSION /* of each list, 0 or 1 */ };
enum nulls_by { NULLS_BY_PERSON, NULLS_BY_VISIT };

/* Adds the clusters of one drill. Bots and shills are left out. False, and nothing is added, if the
 * events are not those of every list. Dies when memory is exhausted. */
bool nulls_add_events(struct nulls_clusters *clusters, const struct events *events,
                      enum nulls_value value, enum nulls_by by);

struct nulls_tally { /* of one alert */
    char alert[128], group[128];
    int drills, pending_drills; /* in which it fired; in which it was at least pending */
};

struct nulls_tallies { /* zeroed = none */
    size_t count;
    struct nulls_tally *tally; /* in the order of the rules */
};

/* Adds the alerts of one drill and returns how many of them fired. Those of severity none, which
 * fire at any time, prove the path and are no alarm; neither is what was over before the people
 * came, when the target was being started. */
int nulls_count_alarms(struct nulls_tallies *tallies, const struct evidence *evidence);
void nulls_tallies_deinit(struct nulls_tallies *tallies);

#endif
