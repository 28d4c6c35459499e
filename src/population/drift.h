/*
 * Injections compiled for evaluation: how far each has moved at a moment. Time here is *nominal
 * drill time*: nanoseconds since the start of the first phase, as the schedule has it, so the truth
 * is a function of scenario and seed, never of how fast a target answered. Pure; constant after
 * drift_add; any thread may read.
 */
#ifndef POPULATION_DRIFT_H
#define POPULATION_DRIFT_H

#include <stdint.h>

#define DRIFT_INJECTIONS_MAX 8

enum drift_kind {
    DRIFT_CHOICE_ROTATION, /* choice taste turns by an angle */
    DRIFT_CUT_POINTS       /* everybody's rating cut-points shift, in stars of mean rating */
};
enum drift_shape { DRIFT_SUDDEN, DRIFT_LINEAR };
enum drift_towards { DRIFT_ANOTHER_PERSON, DRIFT_COMMON_DIRECTION };

struct drift_injection {
    enum drift_kind kind;
    enum drift_shape shape;
    enum drift_towards towards; /* rotations only */
    int64_t onset_ns, ramp_ns;  /* compressed drill time; ramp 0 unless linear */
    int64_t end_ns;             /* INT64_MAX = stays */
    double size;                /* degrees (> 0, stops at the goal), or stars (< 0 = harsher) */
};

struct drift {
    int count;
    struct drift_injection injection[DRIFT_INJECTIONS_MAX];
};

/* 0 before the onset, 1 when complete. */
double drift_intensity(const struct drift_injection *injection, int64_t nominal_ns);
/* The drift with every injection complete and lasting: the world the later past is written in. */
struct drift drift_completed(const struct drift *drift);

#endif
