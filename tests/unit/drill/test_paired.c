#include "drill/paired.h"

#include "base/rng.h"
#include "load/arrivals.h"

#include <criterion/criterion.h>
#include <math.h>

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

static struct event rated(int32_t person, uint8_t rank, uint8_t half_stars)
{
    return (struct event){
        .person = person, .rank = rank, .half_stars = half_stars, .post_accepted = true};
}

static struct event shown(int32_t person)
{
    return (struct event){.person = person};
}

static void add(struct paired *paired, enum paired_play play, struct event *event, int64_t count)
{
    struct events events = {.count = count, .event = event};
    paired_add(paired, play, &events);
}

Test(paired, a_difference_and_its_error_by_hand)
{
    struct event without[] = {rated(0, 1, 8), rated(0, 2, 6), rated(1, 1, 4)};
    struct event with[] = {rated(0, 1, 6), rated(0, 2, 4), shown(1)};
    struct paired paired;
    paired_init(&paired, 0, 1);
    add(&paired, PAIRED_WITHOUT, without, 3);
    add(&paired, PAIRED_WITH, with, 3);
    struct paired_difference stars = paired_difference(&paired, PAIRED_MEAN_RATING);
    cr_expect(near(stars.without, 3) && near(stars.with, 2.5) && near(stars.difference, -0.5));
    /* Person 0: (5 - 2.5 * 2) / 2 - (7 - 3 * 2) / 3 = -1/3; person 1: 0 - (2 - 3) / 3 = 1/3. */
    cr_expect(stars.people == 2 && near(stars.standard_error, sqrt(2 * 2 / 9.0)));
    struct paired_difference conversion = paired_difference(&paired, PAIRED_CONVERSION);
    cr_expect(near(conversion.without, 2 / 3.0) && near(conversion.with, 1 / 3.0));
    struct paired_difference rank = paired_difference(&paired, PAIRED_RECIPROCAL_RANK);
    cr_expect(near(rank.without, 2.5 / 3) && near(rank.with, 1.5 / 3));
    struct paired_difference share = paired_difference(&paired, PAIRED_SHARE_2);
    cr_expect(near(share.without, 1 / 3.0) && near(share.with, 0.5));
    paired_deinit(&paired);
}

Test(paired, the_same_play_twice_differs_by_nothing_for_certain)
{
    struct event events[] = {rated(0, 1, 8), rated(3, 2, 6), shown(1), rated(70, 4, 1)};
    struct paired paired;
    paired_init(&paired, 0, 1);
    add(&paired, PAIRED_WITHOUT, events, 4);
    add(&paired, PAIRED_WITH, events, 4);
    for (int m = 0; m < PAIRED_EXPECTED_RATED; m++) {
        struct paired_difference one = paired_difference(&paired, (enum paired_metric)m);
        cr_expect(near(one.difference, 0) && near(one.standard_error, 0), "%s",
                  paired_metric_name((enum paired_metric)m));
    }
    cr_expect(isnan(paired_difference(&paired, PAIRED_EXPECTED_MEAN_RATING).difference));
    paired_deinit(&paired);
}

Test(paired, only_lists_of_the_time_asked_for_count_and_no_shills)
{
    struct event events[] = {rated(0, 1, 8), rated(1, 1, 8), rated(2, 1, 8), rated(3, 1, 8)};
    events[0].nominal_ns = 9;
    events[1].nominal_ns = 10;
    events[2].nominal_ns = 20;
    events[3].nominal_ns = 15;
    events[3].kind = ARRIVALS_SHILL;
    struct paired paired;
    paired_init(&paired, 10, 20);
    add(&paired, PAIRED_WITH, events, 4);
    cr_expect(paired.lists[PAIRED_WITH] == 1 && paired.lists[PAIRED_WITHOUT] == 0);
    cr_expect(isnan(paired_difference(&paired, PAIRED_MEAN_RATING).standard_error));
    paired_deinit(&paired);
}

static double normal(struct rng *rng)
{
    return rng_normal(rng);
}

/* 400 people with ten ratings each, alike within a person; the effect is .02 stars. Stars are put
 * where they may be any number: into what is expected. */
static struct paired_difference one_experiment(uint64_t seed)
{
    struct paired paired;
    struct rng rng = rng_stream_at(seed, 1, 1, 0);
    paired_init(&paired, 0, 1);
    for (int32_t p = 0; p < 400; p++) {
        double habit = 3.5 + 0.5 * normal(&rng), reaction = 0.02 + 0.1 * normal(&rng);
        for (int k = 0; k < 10; k++) {
            double noise = normal(&rng);
            struct event event = {.person = p, .now_rated = 1};
            event.now_stars = (float)(habit + noise);
            add(&paired, PAIRED_WITHOUT, &event, 1);
            event.now_stars = (float)(habit + noise + reaction);
            add(&paired, PAIRED_WITH, &event, 1);
        }
    }
    struct paired_difference out = paired_difference(&paired, PAIRED_EXPECTED_MEAN_RATING);
    paired_deinit(&paired);
    return out;
}

Test(paired, the_error_is_the_scatter_of_repeated_experiments)
{
    double sum = 0, squares = 0, told = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct paired_difference one = one_experiment(seed);
        sum += one.difference;
        squares += one.difference * one.difference;
        told += one.standard_error;
    }
    double mean = sum / 200, scatter = sqrt(squares / 200 - mean * mean);
    cr_expect(fabs(mean - 0.02) < 0.0015, "%f", mean);
    cr_expect(fabs(told / 200 / scatter - 1) < 0.15, "told %f, seen %f", told / 200, scatter);
    cr_expect(told / 200 < 0.006, "%f", told / 200);
}
