/*
 * The history of one alert, read back from the time series database after the run: when its state
 * changed, from raw ALERTS samples beside the heartbeat of its group (docs/decisions, 5). Pure
 * functions over series, so that recorded series test them.
 */
#ifndef OBSERVE_TIMELINE_H
#define OBSERVE_TIMELINE_H

#include "observe/prometheus.h"

#include <stdbool.h>

/* From quiet to quiet. One that was pending only has neither firing_s nor resolved_s, one that
 * fired at its first sample has no pending_s. An alert of several series is as active as the most
 * active. */
struct timeline_episode {
    double pending_s, firing_s, resolved_s; /* Unix seconds; NaN = did not happen */
};

struct timeline {
    size_t count;
    struct timeline_episode *episode;
};

/* pending, firing: raw samples of ALERTS{alertname=...,alertstate=...} (any number of series);
 * heartbeat: raw samples of the group. A sample missing at one heartbeat is a state change; missing
 * where the heartbeat misses too is a skipped evaluation. */
void timeline_build(const struct prometheus_matrix *pending, const struct prometheus_matrix *firing,
                    const struct prometheus_matrix *heartbeat, struct timeline *out);
void timeline_deinit(struct timeline *timeline);

/* Longest gap between consecutive points of a series inside [from_s, to_s], edges included. */
double timeline_longest_gap(const struct prometheus_series *series, double from_s, double to_s);

#endif
