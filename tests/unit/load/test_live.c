#include "load/live.h"

#include "base/clock.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <math.h>

Test(live, a_latency_counts_at_the_least_bound_it_does_not_exceed)
{
    for (int bound = 0; bound < ENGINE_LIVE_BOUNDS; bound++) {
        struct live *live = mem_zalloc(1, sizeof *live);
        struct engine_live seen = {0};
        int64_t ns = llround(engine_live_bound_s[bound] * (double)CLOCK_NS_PER_S);
        live_record(&live->schedule_lag, ns);
        live_record(&live->schedule_lag, ns + 1);
        live_collect(live, &seen);
        cr_expect_eq(seen.schedule_lag.count[bound], 1, "bound %d itself", bound);
        cr_expect_eq(seen.schedule_lag.count[bound + 1], 1, "more than bound %d", bound);
        cr_expect_float_eq(seen.schedule_lag.sum_s, 2 * engine_live_bound_s[bound] + 1e-9, 1e-12);
        mem_free(live);
    }
}

Test(live, figures_of_several_workers_add_up_and_the_largest_lag_stays)
{
    struct live *live = mem_zalloc(2, sizeof *live);
    struct engine_live seen = {0};
    live_add(&live[0].lists, 3);
    live_add(&live[1].lists, 4);
    live_add(&live[0].stars[9], 2);
    live_add(&live[1].stars[0], 1);
    live_raise(&live[0].lag_max_ns, 70);
    live_raise(&live[0].lag_max_ns, 50);
    live_raise(&live[1].lag_max_ns, 60);
    for (int i = 0; i < 2; i++) {
        live_collect(&live[i], &seen);
    }
    cr_expect_eq(seen.lists, 7);
    cr_expect(seen.rated == 3 && seen.converted == 2);
    cr_expect_float_eq(seen.stars, 10.5, 1e-12);
    cr_expect_eq(seen.lag_max_ns, 70);
    mem_free(live);
}
