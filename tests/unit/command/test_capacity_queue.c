/* A queue that grows is told from one that goes up and down. */
#include "command/capacity_queue.h"

#include "base/rng.h"

#include <criterion/criterion.h>
#include <math.h>

Test(capacity_queue, growth_is_the_slope_of_what_was_seen)
{
    struct capacity_queue queue;
    double error;
    capacity_queue_init(&queue, 2, 12);
    for (int i = 0; i < 300; i++) {
        double now_s = i * .05; /* before 2 s and after 12 s something else goes on */
        double requests = now_s < 2 ? 500 : now_s < 12 ? 10 + 4 * (now_s - 2) : 0;
        capacity_queue_look(&queue, now_s, requests);
    }
    cr_expect_float_eq(capacity_queue_slope(&queue, &error), 4, .05);
    cr_expect_lt(error, .2);
}

Test(capacity_queue, a_part_not_looked_at_leaves_it_unknown)
{
    struct capacity_queue queue;
    double error = 0;
    capacity_queue_init(&queue, 0, 10);
    cr_expect(isnan(capacity_queue_slope(&queue, &error)));
    for (int i = 0; i < 90; i++) {
        capacity_queue_look(&queue, i * .1, 3);
    }
    cr_expect(isnan(capacity_queue_slope(&queue, &error)) && isnan(error));
    capacity_queue_look(&queue, 9.5, 3);
    cr_expect_float_eq(capacity_queue_slope(&queue, &error), 0, 1e-9);
    cr_expect_float_eq(error, .1, 1e-9, "one request in ten seconds is no trend");
}

/* Few steps are over before their time is. */
Test(capacity_queue, what_is_over_before_its_time_is_empty_until_then)
{
    struct capacity_queue queue;
    double error;
    capacity_queue_init(&queue, 2, 12);
    for (int i = 0; i < 100; i++) {
        capacity_queue_look(&queue, i * .1, 0);
    }
    capacity_queue_empty_from(&queue, 10);
    cr_expect_float_eq(capacity_queue_slope(&queue, &error), 0, 1e-9);
    cr_expect_float_eq(error, .1, 1e-9);
    capacity_queue_init(&queue, 2, 12);
    capacity_queue_look(&queue, 3, 0);
    capacity_queue_empty_from(&queue, 10);
    cr_expect(isnan(capacity_queue_slope(&queue, &error)), "nobody looked in the middle");
}

/* Queues without a trend that forget where they were at once, or within half a second, one or two
 * and a half: how many of 500 seem to grow by more than three errors? With ten means some must. */
Test(capacity_queue, queues_that_only_wander_seldom_seem_to_grow)
{
    static const double keeps[] = {0, .9, .95, .98}; /* of the last look, 20 a second */
    for (size_t k = 0; k < sizeof keeps / sizeof keeps[0]; k++) {
        int grown = 0;
        for (uint64_t seed = 0; seed < 500; seed++) {
            struct rng rng = rng_stream(seed, k, 0);
            struct capacity_queue queue;
            double level = 0, error;
            capacity_queue_init(&queue, 0, 30);
            for (int i = 0; i < 1000; i++) { /* twenty seconds to settle */
                level = keeps[k] * level + rng_normal(&rng);
                capacity_queue_look(&queue, i * .05 - 20, 100 + 5 * level);
            }
            double slope = capacity_queue_slope(&queue, &error);
            grown += slope > 3 * error;
        }
        cr_expect_leq(grown, 25, "%g: %d of 500", keeps[k], grown);
    }
}

Test(capacity_queue, a_service_short_of_a_twentieth_is_found_out)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct rng rng = rng_stream(seed, 7, 0);
        struct capacity_queue queue;
        double level = 0, error;
        capacity_queue_init(&queue, 0, 30);
        for (int i = 0; i < 600; i++) {
            level = .9 * level + rng_normal(&rng);
            capacity_queue_look(&queue, i * .05, 20 + 3 * level + 2.5 * i * .05);
        }
        double slope = capacity_queue_slope(&queue, &error);
        cr_expect_gt(slope, 3 * error, "seed %d: %g of %g", (int)seed, slope, error);
    }
}
