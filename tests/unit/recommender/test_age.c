#include "recommender/age.h"

#include <criterion/criterion.h>
#include <math.h>

Test(age, the_weight_halves_with_every_half_life)
{
    for (int halvings = 0; halvings <= 5; halvings++) {
        double weight = age_weight(30 * 86400 * (int64_t)halvings, 30 * 86400.0);
        cr_expect(fabs(weight - pow(0.5, halvings)) < 1e-12, "%d: %g", halvings, weight);
    }
}

Test(age, the_weight_never_rises_with_age_and_ends_at_the_floor)
{
    double before = 1;
    for (int64_t day = 0; day < 4000; day += 7) {
        double weight = age_weight(day * 86400, 30 * 86400.0);
        cr_expect(weight <= before && weight >= AGE_WEIGHT_FLOOR, "day %d", (int)day);
        before = weight;
    }
    cr_expect(before == AGE_WEIGHT_FLOOR);
}

Test(age, no_half_life_means_no_ageing)
{
    cr_expect(age_weight(1000000000, 0) == 1);
}

Test(age, a_rating_from_the_future_weighs_like_the_newest)
{
    cr_expect(age_weight(-5, 10) == 1);
}
