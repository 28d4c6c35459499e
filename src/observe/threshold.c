#include "observe/threshold.h"

#include <math.h>

int threshold_active(const struct thresholds *thresholds, double value, double min, double max)
{
    if (thresholds->count == 0) {
        return -1;
    }
    if (thresholds->percent) {
        double share = (value - min) / (max - min);
        value = isnan(share) ? 0 : 100 * share;
    }
    size_t active = 0;
    for (size_t i = 1; i < thresholds->count && value >= thresholds->step[i].value; i++) {
        active = i;
    }
    return (int)active;
}
