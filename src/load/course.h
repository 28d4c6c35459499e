/* When the course of injections changes: what the schedule must not look past. Pure. */
#ifndef LOAD_COURSE_H
#define LOAD_COURSE_H

#include "population/drift.h"

#include <stdint.h>

/* The first moment after `after_ns` at which an injection sets in, ends, or goes over from one
 * level of its intensity to another; a ramp is taken in COURSE_RAMP_PARTS parts. INT64_MAX = never
 * again. */
#define COURSE_RAMP_PARTS 64
int64_t course_next_change(const struct drift_injection *injection, int64_t after_ns);

#endif
