/*
 * The knee of a curve by Kneedle (Satopaa, Albrecht, Irwin and Raghavan 2011): where going on
 * begins to cost much more than it did. Here of latency against offered rate, a rising curve that
 * bends upwards. Not the capacity: no promise enters it. Pure.
 */
#ifndef CAPACITY_KNEE_H
#define CAPACITY_KNEE_H

#include <stdbool.h>
#include <stddef.h>

#define KNEE_SENSITIVITY 1.0 /* S of the paper: drop after the knee, in mean steps of x */
#define KNEE_POINTS_MIN 5    /* of different x */

struct knee_point {
    double x, y;
};

/* Points in any order; those of one x are averaged, those that are not finite left out. False if
 * there is no knee. */
bool knee_find(const struct knee_point *point, size_t count, double sensitivity,
               struct knee_point *out);

#endif
