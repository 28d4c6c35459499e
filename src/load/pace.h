/*
 * How fast the schedule is played: drill time against schedule time, in straight pieces. Schedule
 * time is what visits, phases and injections are planned in; it runs `factor` times as fast as
 * drill time from each change on, 1 before the first, and stands still at 0. So a change moves when
 * things happen, never what happens. Pure.
 */
#ifndef LOAD_PACE_H
#define LOAD_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_CHANGES_MAX 256
#define PACE_FACTOR_MAX 1000.0
#define PACE_NEVER INT64_MAX

struct pace_change {
    int64_t at_ns;       /* drill time */
    int64_t schedule_ns; /* what that is in schedule time */
    double factor;       /* from then on; 0 = the schedule stands still */
};

struct pace { /* zeroed = both times are the same */
    int count;
    struct pace_change change[PACE_CHANGES_MAX]; /* at_ns not falling */
};

/* The change to append after these `count`: a time before the last change becomes that, a factor
 * out of [0, PACE_FACTOR_MAX] its nearest end. */
struct pace_change pace_next_change(const struct pace_change *change, int count, double factor,
                                    int64_t at_ns);
double pace_factor(const struct pace *pace); /* in force after the last change */
/* When the schedule reaches a moment; PACE_NEVER if it stands still before it. */
int64_t pace_drill_ns(const struct pace *pace, int64_t schedule_ns);
/* Where the schedule stands at a moment of drill time. */
int64_t pace_schedule_ns(const struct pace *pace, int64_t drill_ns);

#endif
