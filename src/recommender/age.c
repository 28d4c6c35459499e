#include "recommender/age.h"

#include <math.h>

double age_weight(int64_t age_s, double half_life_s)
{
    if (half_life_s <= 0 || age_s <= 0) {
        return 1;
    }
    return fmax(exp2(-(double)age_s / half_life_s), AGE_WEIGHT_FLOOR);
}
