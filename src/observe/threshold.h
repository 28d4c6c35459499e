/*
 * Threshold steps and the colour they give a value (@grafana/data field/thresholds). The first step
 * is the base and has no bound; the active step is the last one whose bound the value reaches.
 */
#ifndef OBSERVE_THRESHOLD_H
#define OBSERVE_THRESHOLD_H

#include <stdbool.h>
#include <stddef.h>

struct threshold_step {
    double value; /* -INFINITY for the base */
    char colour[32];
};

struct thresholds {
    size_t count;
    struct threshold_step *step; /* rising; owned by whoever holds the thresholds */
    bool percent;                /* bounds are percent of the way from min to max */
};

/* Index of the active step, -1 if there is none. With `percent`, min and max give the scale, and
 * a value at both of its ends is at 0 %. NaN takes the base. */
int threshold_active(const struct thresholds *thresholds, double value, double min, double max);

#endif
