/*
 * What Grafana makes one number of a series with (@grafana/data fieldReducers). A missing point is
 * a NaN that was never there; Prometheus's own NaN is a value: last and lastNotNull give it.
 */
#ifndef OBSERVE_REDUCE_H
#define OBSERVE_REDUCE_H

#include <stdbool.h>
#include <stddef.h>

enum reduce_null { REDUCE_NULL_KEEP, REDUCE_NULL_IGNORE, REDUCE_NULL_AS_ZERO };

struct reduce_input {
    const double *value;
    const bool *missing; /* null in the browser; NULL pointer = none is */
    size_t count;
    enum reduce_null nulls; /* nullValueMode; panels ignore nulls unless they say otherwise */
};

bool reduce_known(const char *calc);
/* False if the result is null ("no data"): no points, or only missing ones. `calc` must be known.
 * allIsNull and allIsZero give 0 or 1. */
bool reduce(const char *calc, const struct reduce_input *input, double *out);

#endif
