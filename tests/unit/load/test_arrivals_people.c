/* Who makes the visits: mixes, activity, newcomers. Bounds are four standard errors; fixed seeds.
 */
#include "load/arrivals.h"
#include "population/effect.h"

#include "small_world.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define SECOND INT64_C(1000000000)
#define PEOPLE 320

static struct arrivals_config config_of(double visits_per_s, int64_t seconds)
{
    return (struct arrivals_config){.seed = 29,
                                    .visits_per_s = visits_per_s,
                                    .steps_per_visit = 2,
                                    .people = PEOPLE,
                                    .end_ns = seconds * SECOND};
}

static struct drift mix_of(enum drift_kind kind, double share, const uint64_t *members)
{
    return (struct drift){.count = 1,
                          .injection = {{.kind = kind,
                                         .shape = DRIFT_SUDDEN,
                                         .onset_ns = 100 * SECOND,
                                         .end_ns = 300 * SECOND,
                                         .size = share,
                                         .members = members}}};
}

struct shares {
    double before, during, after; /* of visits, made by the cohort */
    int64_t count, kept;          /* in all; with the person of the run at rest */
    int64_t wrongly_moved;        /* a person replaced who was on the wanted side already */
};

static bool in(const uint64_t *members, int32_t person)
{
    return (members[person / 64] >> (person % 64) & 1) != 0;
}

/* Compares a run with a mix of people to the same run without. */
static struct shares compare(const struct arrivals_config *config, const uint64_t *members)
{
    struct arrivals_config at_rest = *config;
    struct arrivals a, b;
    struct visit v, w;
    struct shares shares = {0};
    double visits[3] = {0}, of_cohort[3] = {0};
    at_rest.drift = NULL;
    arrivals_init(&a, config);
    arrivals_init(&b, &at_rest);
    while (arrivals_next(&a, &v)) {
        cr_assert(arrivals_next(&b, &w));
        cr_assert(v.number == w.number && v.start_ns == w.start_ns && v.steps == w.steps);
        int time = v.start_ns < 100 * SECOND ? 0 : v.start_ns < 300 * SECOND ? 1 : 2;
        visits[time]++;
        of_cohort[time] += in(members, v.person);
        shares.count++;
        shares.kept += v.person == w.person;
        shares.wrongly_moved +=
            v.person != w.person && in(members, v.person) == in(members, w.person);
    }
    cr_expect_not(arrivals_next(&b, &w));
    shares.before = of_cohort[0] / visits[0];
    shares.during = of_cohort[1] / visits[1];
    shares.after = of_cohort[2] / visits[2];
    return shares;
}

/* The first quarter of the people. */
static const uint64_t QUARTER[PEOPLE / 64] = {UINT64_MAX, 0xffff};

Test(arrivals_people, a_mix_gives_a_cohort_its_share_and_moves_as_few_as_it_can)
{
    static const double wanted[] = {0, .05, .25, .5, .9, 1};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        struct drift drift = mix_of(DRIFT_USER_MIX, wanted[i], QUARTER);
        struct arrivals_config config = config_of(100, 400);
        config.drift = &drift;
        struct shares shares = compare(&config, QUARTER);
        double se = sqrt(.25 / 20000);
        cr_expect_float_eq(shares.during, wanted[i], 4 * se, "%g: %g", wanted[i], shares.during);
        cr_expect_float_eq(shares.before, .25, 4 * sqrt(.1875 / 10000));
        cr_expect_float_eq(shares.after, .25, 4 * sqrt(.1875 / 10000));
        cr_expect_eq(shares.wrongly_moved, 0);
        double moved = 20000 * fabs(wanted[i] - .25);
        cr_expect_float_eq((double)(shares.count - shares.kept), moved, 4 * sqrt(moved) + 1,
                           "%g: %lld moved", wanted[i], (long long)(shares.count - shares.kept));
    }
}

static void weights_of(double weight[PEOPLE])
{
    for (int p = 0; p < PEOPLE; p++) {
        weight[p] = 1.0 / (1 + p % 40);
    }
}

static double chi2_of(const struct arrivals_config *config, const double *weight)
{
    double of[PEOPLE] = {0}, n = 0, sum = 0, chi2 = 0;
    struct arrivals arrivals;
    struct visit visit;
    arrivals_init(&arrivals, config);
    while (arrivals_next(&arrivals, &visit)) {
        of[visit.person]++;
        n++;
    }
    for (int p = 0; p < PEOPLE; p++) {
        sum += weight[p];
    }
    for (int p = 0; p < PEOPLE; p++) {
        double expected = weight[p] / sum * n;
        chi2 += (of[p] - expected) * (of[p] - expected) / expected;
    }
    return chi2;
}

Test(arrivals_people, active_people_come_more_often)
{
    double weight[PEOPLE], bound = 4 * sqrt(2.0 * (PEOPLE - 1));
    struct alias mix;
    struct arrivals_config config = config_of(200, 400);
    weights_of(weight);
    alias_init(&mix, weight, PEOPLE);
    config.mix = &mix;
    cr_expect_float_eq(chi2_of(&config, weight), PEOPLE - 1, bound);
    config.mix = NULL;
    cr_expect_gt(chi2_of(&config, weight), 10 * PEOPLE, "without the mix they do not");
    alias_deinit(&mix);
}

/* The share is one of visits, so the cohort's members count by their activity. */
Test(arrivals_people, a_mix_of_active_people_keeps_activity_within_the_cohort)
{
    double weight[PEOPLE], in_cohort = 0, all = 0;
    struct alias mix;
    struct drift drift = mix_of(DRIFT_USER_MIX, .6, QUARTER);
    struct arrivals_config config = config_of(100, 400);
    weights_of(weight);
    alias_init(&mix, weight, PEOPLE);
    config.mix = &mix;
    config.drift = &drift;
    for (int p = 0; p < PEOPLE; p++) {
        all += weight[p];
        in_cohort += in(QUARTER, p) ? weight[p] : 0;
    }
    struct shares shares = compare(&config, QUARTER);
    cr_expect_float_eq(shares.before, in_cohort / all, .02);
    cr_expect_float_eq(shares.during, .6, 4 * sqrt(.24 / 20000));
    alias_deinit(&mix);
}

Test(arrivals_people, a_cold_start_brings_newcomers)
{
    uint64_t newcomers[PEOPLE / 64] = {0};
    struct drift drift = mix_of(DRIFT_COLD_START, .5, NULL);
    struct arrivals_config config = config_of(100, 400);
    newcomers[PEOPLE / 64 - 1] = UINT64_MAX;
    config.newcomers = 64;
    config.drift = &drift;
    struct shares shares = compare(&config, newcomers);
    cr_expect_float_eq(shares.during, .5, 4 * sqrt(.25 / 20000));
    cr_expect_float_eq(shares.before, .2, 4 * sqrt(.16 / 10000), "they are people like others");
    cr_expect_eq(shares.wrongly_moved, 0);
    config.newcomers = 0;
    shares = compare(&config, newcomers);
    cr_expect_eq(shares.kept, shares.count, "without newcomers nothing can be done");
}

Test(arrivals_people, newcomers_join_at_their_rate_and_then_come_like_others)
{
    struct arrivals_config config = config_of(100, 400);
    struct arrivals arrivals;
    struct visit visit;
    int joined = 0;
    double by_joined = 0, expected = 0, squares = 0;
    config.newcomers = 120;
    config.joins_per_s = .2;
    arrivals_init(&arrivals, &config);
    while (arrivals_next(&arrivals, &visit)) {
        bool first = visit.number >> 48 == ARRIVALS_JOIN;
        if (first) {
            cr_assert_eq(visit.person, PEOPLE - 120 + joined, "in their order");
            joined++;
            continue;
        }
        cr_assert_lt(visit.person, PEOPLE - 120 + joined, "nobody comes before joining");
        double share = joined / (200.0 + joined);
        by_joined += visit.person >= 200;
        expected += share;
        squares += share * (1 - share);
    }
    cr_expect_float_eq(joined, 80, 4 * sqrt(80.0), "%d joined", joined);
    cr_expect_float_eq(by_joined, expected, 4 * sqrt(squares), "%g of %g", by_joined, expected);
}

Test(arrivals_people, joining_ends_with_the_last_newcomer)
{
    struct arrivals_config config = config_of(1, 400);
    struct arrivals arrivals;
    struct visit visit;
    int64_t joined = 0;
    config.newcomers = 20;
    config.joins_per_s = 5;
    arrivals_init(&arrivals, &config);
    while (arrivals_next(&arrivals, &visit)) {
        joined += visit.number >> 48 == ARRIVALS_JOIN;
    }
    cr_expect_eq(joined, 20);
    config.visits_per_s = 0;
    config.newcomers = PEOPLE;
    joined = 0;
    arrivals_init(&arrivals, &config);
    while (arrivals_next(&arrivals, &visit)) {
        joined++;
    }
    cr_expect_eq(joined, PEOPLE, "they come even if nobody else does");
}

/* ---- mixes that overlap ---- */

#define FRESH 32

static struct population *people_of(const struct dataset *data)
{
    static const struct parallel one = {.threads = 1};
    struct population_config config = population_defaults();
    struct population *population;
    struct error error = {0};
    config.users = SMALL_WORLD_PEOPLE;
    config.newcomers = FRESH;
    small_world_must(population_build(&config, data, &one, &population, &error), &error);
    return population;
}

static struct drift_injection mix_for(double share, enum drift_cohort cohort, double of_people)
{
    struct drift_injection mix = {.kind = DRIFT_USER_MIX, .end_ns = INT64_MAX, .size = share};
    mix.cohort.kind = cohort;
    mix.cohort.share = mix.cohort.to = of_people;
    return mix;
}

/* The share of visits that the forecast gives to a cohort: a rotation of its members alone tells,
 * on a sample of all people. */
static double forecast_share(const struct population *population, const struct drift *drift)
{
    static const struct parallel one = {.threads = 1};
    struct effect_config config = effect_defaults();
    struct effect effect;
    config.people = SMALL_WORLD_PEOPLE;
    struct effect_sample *sample = effect_sample_new(&config, population, &one);
    effect_measure(sample, drift, 50 * SECOND, &one, &effect);
    effect_sample_free(sample);
    return effect.turned;
}

static double played_share(const struct drift *drift, const uint64_t *members)
{
    struct arrivals_config config = config_of(100, 400);
    struct arrivals arrivals;
    struct visit visit;
    double visits = 0, inside = 0;
    config.people = SMALL_WORLD_PEOPLE;
    config.newcomers = FRESH;
    config.drift = drift;
    arrivals_init(&arrivals, &config);
    while (arrivals_next(&arrivals, &visit)) {
        visits++;
        inside += in(members, visit.person);
    }
    arrivals_deinit(&arrivals);
    return inside / visits;
}

static void expect_as_forecast(const struct population *population, struct drift drift,
                               const char *what)
{
    static const struct parallel one = {.threads = 1};
    static const enum drift_cohort asked[] = {DRIFT_SHARE, DRIFT_ACTIVITY_BAND, DRIFT_NEWCOMERS};
    int turn = drift.count++;
    for (int i = 0; i < 3; i++) {
        struct error error = {0};
        drift.injection[turn] = mix_for(60, asked[i], .3);
        drift.injection[turn].kind = DRIFT_TASTE_ROTATION;
        drift.injection[turn].towards = DRIFT_ANOTHER_PERSON;
        small_world_must(population_bind_drift(population, &drift, &one, &error), &error);
        double wanted = forecast_share(population, &drift);
        double played = played_share(&drift, drift.injection[turn].members);
        cr_expect_float_eq(played, wanted, 4 * sqrt(.25 / 40000), "%s, cohort %d: %g, not %g", what,
                           i, played, wanted);
        drift_deinit(&drift);
    }
}

Test(arrivals_people, overlapping_mixes_are_played_as_they_are_forecast)
{
    struct drift_injection fifth = mix_for(.4, DRIFT_SHARE, .2);
    struct drift_injection half = mix_for(.4, DRIFT_SHARE, .5);
    struct drift_injection lazy = mix_for(.7, DRIFT_ACTIVITY_BAND, .6);
    struct drift_injection cold = {.kind = DRIFT_COLD_START, .end_ns = INT64_MAX, .size = .5};
    struct drift_injection rising = lazy;
    struct dataset data = {0};
    small_world_data(&data);
    struct population *population = people_of(&data);
    /* On its way for longer than the test lasts, so that its half does not move. */
    rising.shape = DRIFT_LINEAR;
    rising.onset_ns = -500000 * SECOND;
    rising.ramp_ns = 1000000 * SECOND;
    const struct {
        const char *what;
        struct drift drift;
    } rows[] = {
        {"the same fifth twice", {2, {fifth, fifth}}},
        {"a half around a fifth", {2, {fifth, half}}},
        {"a fifth within a half", {2, {half, fifth}}},
        {"a cold start after a mix", {2, {lazy, cold}}},
        {"a mix after a cold start", {2, {cold, half}}},
        {"one of them half way", {3, {half, rising, cold}}},
        {"four of them", {4, {fifth, lazy, cold, half}}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_as_forecast(population, rows[i].drift, rows[i].what);
    }
    population_free(population);
    dataset_deinit(&data);
}
