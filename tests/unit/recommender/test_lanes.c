#include "recommender/lanes.h"

#include <criterion/criterion.h>

Test(lanes, everybody_inside_has_a_lane_of_their_own)
{
    struct lanes lanes;
    uint64_t seen = 0;
    lanes_init(&lanes);
    for (int i = 0; i < LANES_MAX; i++) {
        unsigned lane = lanes_enter(&lanes);
        cr_assert(lane < LANES_MAX && (seen >> lane & 1) == 0, "lane %u twice", lane);
        seen |= UINT64_C(1) << lane;
    }
    lanes_leave(&lanes, 17);
    lanes_leave(&lanes, 40);
    cr_expect(lanes_enter(&lanes) == 17, "the lowest free lane");
    cr_expect(lanes_enter(&lanes) == 40);
}

Test(lanes, few_lanes_are_used_by_those_who_come_one_after_the_other)
{
    struct lanes lanes;
    lanes_init(&lanes);
    cr_expect(lanes_used(&lanes) == 0);
    for (int i = 0; i < 1000; i++) {
        lanes_leave(&lanes, lanes_enter(&lanes));
    }
    cr_expect(lanes_used(&lanes) == 1);
}

Test(lanes, a_lane_asked_for_by_number_is_not_given_to_others)
{
    struct lanes lanes;
    lanes_init(&lanes);
    lanes_enter_at(&lanes, 0);
    cr_expect(lanes_enter(&lanes) == 1);
    lanes_leave(&lanes, 0);
    lanes_enter_at(&lanes, 63);
    cr_expect(lanes_used(&lanes) == (UINT64_C(3) | UINT64_C(1) << 63));
}
