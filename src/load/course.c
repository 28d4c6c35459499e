#include "load/course.h"

static int64_t sooner(int64_t moment_ns, int64_t after_ns, int64_t best_ns)
{
    return moment_ns > after_ns && moment_ns < best_ns ? moment_ns : best_ns;
}

static int64_t next_in_ramp(const struct drift_injection *injection, int64_t after_ns)
{
    int64_t part_ns = injection->ramp_ns / COURSE_RAMP_PARTS;
    int64_t passed_ns = after_ns - injection->onset_ns;
    if (injection->ramp_ns <= 0 || passed_ns >= injection->ramp_ns) {
        return INT64_MAX;
    }
    int64_t next_ns = part_ns > 0 ? (passed_ns / part_ns + 1) * part_ns : injection->ramp_ns;
    return injection->onset_ns + (next_ns < injection->ramp_ns ? next_ns : injection->ramp_ns);
}

static int64_t next_in_period(const struct drift_injection *injection, int64_t after_ns)
{
    if (injection->period_ns <= 0) {
        return INT64_MAX;
    }
    int64_t begun_ns = after_ns - (after_ns - injection->onset_ns) % injection->period_ns;
    return sooner(begun_ns + injection->on_ns, after_ns, begun_ns + injection->period_ns);
}

int64_t course_next_change(const struct drift_injection *injection, int64_t after_ns)
{
    if (after_ns < injection->onset_ns) {
        return injection->onset_ns < injection->end_ns ? injection->onset_ns : INT64_MAX;
    }
    if (after_ns >= injection->end_ns) {
        return INT64_MAX;
    }
    int64_t next_ns = INT64_MAX;
    switch (injection->shape) {
    case DRIFT_LINEAR:
    case DRIFT_GRADUAL:
        next_ns = next_in_ramp(injection, after_ns);
        break;
    case DRIFT_RECURRING:
        next_ns = next_in_period(injection, after_ns);
        break;
    case DRIFT_BLIP:
        next_ns = sooner(injection->onset_ns + injection->on_ns, after_ns, INT64_MAX);
        break;
    case DRIFT_SUDDEN:
        break;
    }
    return next_ns < injection->end_ns ? next_ns : injection->end_ns;
}
