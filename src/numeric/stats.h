/*
 * Statistics of samples. Pure. The upper Wilson bound is what the drift rules compute in PromQL
 * (prometheus/rules/drift.yml); the unit tests hold the two against each other.
 */
#ifndef NUMERIC_STATS_H
#define NUMERIC_STATS_H

#include <stdint.h>

/* Upper and lower Wilson bound of a proportion `ratio` seen in n trials, at z standard errors. */
double stats_wilson_upper(double ratio, double n, double z);
double stats_wilson_lower(double ratio, double n, double z);

/* Population stability index of shares p against q over `bins`, floored at 1e-4. */
double stats_psi(const double *p, const double *q, int bins);

struct stats_moments {
    int64_t count;
    double mean, m2; /* m2 = sum of squared deviations (Welford) */
};
void stats_moments_add(struct stats_moments *moments, double value);
double stats_moments_variance(const struct stats_moments *moments); /* n - 1 in the denominator */

#endif
