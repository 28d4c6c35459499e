/*
 * Kneedle, offline: both axes are brought to 0..1; for a curve that rises and bends upwards the
 * difference x - y rises while the curve is flat and falls once it climbs, so its local maxima are
 * candidates. One is a knee if the difference then falls by more than S mean steps of x before it
 * rises above the candidate again. The paper smooths with a spline first; a search gives a dozen
 * points at best, which a spline would bend at will, so points of one rate are averaged instead.
 * Of several knees the one with the largest difference is told.
 */
#include "capacity/knee.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

static int by_x(const void *a, const void *b)
{
    const struct knee_point *left = a, *right = b;
    return (left->x > right->x) - (left->x < right->x);
}

/* Finite points, rising in x, one for each; returns how many. */
static size_t tidy(const struct knee_point *point, size_t count, struct knee_point *out)
{
    size_t used = 0, kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(point[i].x) && isfinite(point[i].y)) {
            out[used++] = point[i];
        }
    }
    qsort(out, used, sizeof *out, by_x);
    for (size_t i = 0; i < used;) {
        double sum = 0;
        size_t first = i;
        for (; i < used && out[i].x == out[first].x; i++) {
            sum += out[i].y;
        }
        out[kept++] = (struct knee_point){out[first].x, sum / (double)(i - first)};
    }
    return kept;
}

/* x - y in the unit square. */
static void differences(const struct knee_point *point, size_t count, double *out)
{
    double low = point[0].y, high = point[0].y, width = point[count - 1].x - point[0].x;
    for (size_t i = 1; i < count; i++) {
        low = fmin(low, point[i].y);
        high = fmax(high, point[i].y);
    }
    for (size_t i = 0; i < count; i++) {
        out[i] = (point[i].x - point[0].x) / width - (point[i].y - low) / (high - low);
    }
}

static bool is_level(const struct knee_point *point, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (point[i].y != point[0].y) {
            return false;
        }
    }
    return true;
}

/* Does the difference fall below the threshold of candidate i before it rises above it? */
static bool falls_after(const double *difference, size_t count, size_t i, double room)
{
    for (size_t k = i + 1; k < count && difference[k] <= difference[i]; k++) {
        if (difference[k] < difference[i] - room) {
            return true;
        }
    }
    return false;
}

bool knee_find(const struct knee_point *point, size_t count, double sensitivity,
               struct knee_point *out)
{
    struct knee_point *tidied = mem_array(count + 1, sizeof *tidied);
    size_t used = tidy(point, count, tidied), best = 0;
    if (used >= KNEE_POINTS_MIN && !is_level(tidied, used)) {
        double *difference = mem_array(used, sizeof *difference);
        double room = sensitivity / (double)(used - 1);
        differences(tidied, used, difference);
        for (size_t i = 1; i + 1 < used; i++) {
            bool peak = difference[i] >= difference[i - 1] && difference[i] > difference[i + 1];
            if (peak && (best == 0 || difference[i] > difference[best]) &&
                falls_after(difference, used, i, room)) {
                best = i;
            }
        }
        mem_free(difference);
    }
    if (best > 0) {
        *out = tidied[best];
    }
    mem_free(tidied);
    return best > 0;
}
