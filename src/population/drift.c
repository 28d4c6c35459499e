#include "population/drift.h"

double drift_intensity(const struct drift_injection *injection, int64_t nominal_ns)
{
    if (nominal_ns < injection->onset_ns || nominal_ns >= injection->end_ns) {
        return 0;
    }
    if (injection->shape == DRIFT_SUDDEN || injection->ramp_ns <= 0) {
        return 1;
    }
    /* In doubles, because the onset of a completed drift is INT64_MIN. */
    double done = ((double)nominal_ns - (double)injection->onset_ns) / (double)injection->ramp_ns;
    return done < 1 ? done : 1;
}

struct drift drift_completed(const struct drift *drift)
{
    struct drift completed = *drift;
    for (int i = 0; i < completed.count; i++) {
        completed.injection[i].shape = DRIFT_SUDDEN;
        completed.injection[i].onset_ns = INT64_MIN;
        completed.injection[i].ramp_ns = 0;
        completed.injection[i].end_ns = INT64_MAX;
    }
    return completed;
}
