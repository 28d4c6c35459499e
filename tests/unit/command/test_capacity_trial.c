/* Trials on the fake, whose time is virtual: what a search is told is what happened. */
#include "command/capacity_trial.h"

#include "base/clock.h"
#include "load/stub_server.h"
#include "small_world.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define MS INT64_C(1000000)

static struct small_world world;
static struct slo slo;
static struct capacity_stand stand;

static void promise(const char *text)
{
    struct faults faults;
    slo = (struct slo){0};
    faults_init(&faults);
    cr_assert_eq(slo_read(text, "--slo", &slo, &faults), ERR_OK);
    faults_deinit(&faults);
}

static void set_up(void)
{
    small_world_init(&world);
    promise("p99<50ms,list.p90<10ms,errors<1%");
    stand = (struct capacity_stand){.population = world.population,
                                    .target = world.plan.target,
                                    .transport = &transport_fake,
                                    .slo = &slo,
                                    .threads = 1,
                                    .connections = 100,
                                    .timeout_ms = 1000,
                                    .think_median_s = 0.05,
                                    .think_sigma = 0.6,
                                    .fallbacks = 1,
                                    .fallback = {"popular"}};
    capacity_people_init(&stand.people, SMALL_WORLD_PEOPLE, false);
}

static void tear_down(void)
{
    small_world_deinit(&world);
}

TestSuite(capacity_trial, .init = set_up, .fini = tear_down);

static const struct capacity_trial_plan open_plan = {.kind = CAPACITY_OPEN,
                                                     .rate_per_s = 200,
                                                     .warmup_s = 2,
                                                     .duration_s = 10,
                                                     .block_s = 0.5,
                                                     .seed = 5};

static void play(const struct capacity_trial_plan *plan, struct capacity_trial *out)
{
    struct error error = {0};
    memset(out, 0, sizeof *out);
    fake_transport_use(&world.script);
    cr_assert_eq(capacity_trial_play(&stand, plan, out, &error), ERR_OK, "%s", error.text);
}

static struct capacity_block sum_of(const struct capacity_trial *trial, size_t objective)
{
    struct capacity_block sum = {0};
    for (size_t b = 0; b < trial->block_count; b++) {
        sum.good += trial->block[objective * trial->block_count + b].good;
        sum.bad += trial->block[objective * trial->block_count + b].bad;
    }
    return sum;
}

Test(capacity_trial, a_schedule_is_poisson_and_repeats_with_its_seed)
{
    struct capacity_trial_plan plan = {
        .kind = CAPACITY_OPEN, .rate_per_s = 1000, .warmup_s = 10, .duration_s = 90, .seed = 3};
    struct capacity_schedule first, second;
    struct capacity_people people = stand.people;
    capacity_schedule_init(&first, &plan, &people);
    capacity_schedule_init(&second, &plan, &people);
    cr_assert_eq(first.count, second.count);
    cr_expect_eq(memcmp(first.moment_ns, second.moment_ns, (size_t)first.count * 8), 0);
    cr_expect_neq(first.person[0], second.person[0], "others have their turn");
    /* 100,000 +- 4 standard deviations; gaps of the mean and the variance of an exponential. */
    cr_expect_float_eq((double)first.count, 100000, 4 * 316.3);
    double squares = 0;
    for (int64_t i = 1; i < first.count; i++) {
        double gap = (double)(first.moment_ns[i] - first.moment_ns[i - 1]) / 1e6;
        cr_assert_geq(gap, 0);
        squares += gap * gap;
        cr_assert_eq(first.person[i], (first.person[i - 1] + 1) % stand.people.turning);
    }
    cr_expect_float_eq(squares / (double)first.count, 2, 0.1);
    cr_expect_lt(first.moment_ns[first.count - 1], 100 * SMALL_WORLD_SECOND);
    capacity_schedule_deinit(&first);
    capacity_schedule_deinit(&second);
}

Test(capacity_trial, a_fast_target_is_good_in_every_block)
{
    struct capacity_trial trial;
    play(&open_plan, &trial);
    cr_expect(trial.valid, "%s", trial.why);
    cr_expect_eq(trial.block_count, 20);
    struct capacity_block all = sum_of(&trial, 0), lists = sum_of(&trial, 1),
                          errors = sum_of(&trial, 2);
    cr_expect_eq(all.bad + lists.bad + errors.bad, 0);
    cr_expect_eq(all.good, errors.good);
    cr_expect_float_eq((double)lists.good, 2000, 4 * 44.8);
    cr_expect_gt(all.good, lists.good + lists.good / 10, "ratings count, too");
    cr_expect_float_eq(trial.offered_per_s, (double)lists.good / 10, 1e-9);
    cr_expect_float_eq(trial.achieved_per_s, trial.offered_per_s, 1e-9);
    cr_expect_float_eq(trial.errors_share, 0, 1e-12);
    cr_expect_float_eq(trial.p99_s, 0.002, 1e-5);
    cr_expect_gt(trial.hit_rate, 0.02);
    cr_expect_eq(trial.lists, lists.good);
    cr_expect(isnan(trial.hit_rate_expected), "there was no reference");
    capacity_trial_deinit(&trial);
}

/* Every fifth person waits: too long for lists, not for all. */
static void slow_for_some(void *context, const struct fake_request *request,
                          struct fake_answer *answer)
{
    (void)context;
    answer->latency_ns = request->user_id % 5 == 0 ? 30 * MS : 2 * MS;
}

Test(capacity_trial, late_answers_are_bad_where_they_were_promised_earlier)
{
    struct capacity_trial trial;
    world.script.answer = slow_for_some;
    play(&open_plan, &trial);
    struct capacity_block all = sum_of(&trial, 0), lists = sum_of(&trial, 1);
    cr_expect_eq(all.bad, 0);
    cr_expect_float_eq((double)lists.bad / (double)(lists.good + lists.bad), 0.2, 0.01);
    capacity_trial_deinit(&trial);
}

static void broken_for_some(void *context, const struct fake_request *request,
                            struct fake_answer *answer)
{
    (void)context;
    if (request->user_id % 4 == 0 && !request->is_post) {
        answer->status = request->user_id % 8 == 0 ? 500 : 0;
    } else if (request->user_id % 4 == 1 && !request->is_post) {
        answer->status = 503;
    }
}

Test(capacity_trial, failed_and_shed_requests_are_bad_for_every_objective)
{
    struct capacity_trial trial;
    world.script.answer = broken_for_some;
    play(&open_plan, &trial);
    struct capacity_block all = sum_of(&trial, 0), lists = sum_of(&trial, 1),
                          errors = sum_of(&trial, 2);
    cr_expect_eq(all.bad, lists.bad);
    cr_expect_eq(errors.bad, lists.bad);
    cr_expect_float_eq((double)lists.bad / (double)(lists.good + lists.bad), 0.5, 0.02);
    cr_expect_float_eq(trial.errors_share, (double)errors.bad / (double)(errors.good + errors.bad),
                       1e-9);
    cr_expect(trial.valid, "that is the target's fault");
    capacity_trial_deinit(&trial);
}

/* Two connections that take 20 ms each hold 100 requests a second, and 200 steps want more. */
Test(capacity_trial, too_few_connections_are_not_the_targets_fault)
{
    struct capacity_trial trial;
    promise("p99<50ms,errors<1%");
    stand.connections = 2;
    world.script.latency_ns = 20 * MS;
    play(&open_plan, &trial);
    cr_expect_not(trial.valid);
    cr_expect_not_null(strstr(trial.why, "--connections"), "%s", trial.why);
    capacity_trial_deinit(&trial);
    /* If the answers that came are late as well, more connections would not help. */
    world.script.latency_ns = 80 * MS;
    play(&open_plan, &trial);
    cr_expect(trial.valid, "%s", trial.why);
    struct capacity_block all = sum_of(&trial, 0);
    cr_expect_lt(all.good, all.bad / 10);
    capacity_trial_deinit(&trial);
}

/* The same window, but the answers take five times as long as at rest: the target is full. */
Test(capacity_trial, a_full_target_is_its_own_fault_however_small_the_window)
{
    struct capacity_trial trial;
    promise("p99<50ms,errors<1%");
    stand.connections = 2;
    stand.rest_p50_ns[ENGINE_GET] = 4 * MS;
    world.script.latency_ns = 20 * MS;
    play(&open_plan, &trial);
    cr_expect(trial.valid, "%s", trial.why);
    struct capacity_block all = sum_of(&trial, 0);
    cr_expect_lt(all.good, all.bad / 10, "they waited, if not for an answer");
    capacity_trial_deinit(&trial);
    /* A long way is no queue: it was as long at rest. */
    stand.rest_p50_ns[ENGINE_GET] = stand.rest_p50_ns[ENGINE_POST] = 20 * MS;
    play(&open_plan, &trial);
    cr_expect_not(trial.valid);
    capacity_trial_deinit(&trial);
    /* Waits that pass do not prove that it is full: everything was done in time. */
    stand.rest_p50_ns[ENGINE_GET] = 4 * MS;
    stand.connections = 8;
    play(&open_plan, &trial);
    cr_expect_not(trial.valid, "%s", trial.why);
    capacity_trial_deinit(&trial);
}

Test(capacity_trial, the_window_follows_from_the_rate_and_the_promise)
{
    static const struct {
        const char *slo;
        double rate_per_s;
        unsigned threads;
        int connections, most;
        bool lists_only;
        int wanted;
    } rows[] = {
        {"p99<50ms,list.p90<500ms", 1000, 1, 0, 0, false, 2000},
        {"p99<50ms,list.p90<500ms", 1000, 1, 0, 0, true, 1000},
        {"p99<500ms", 1000, 2, 0, 0, false, 1000},
        {"p99<500ms", 10, 1, 0, 0, false, 256},
        {"p99<500ms", 1000, 1, 0, 700, false, 700},
        {"p99<500ms", 1000, 1, 30, 700, false, 30},
        {"errors<1%", 1000, 1, 0, 0, false, 4000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct capacity_trial_plan plan = {.kind = CAPACITY_OPEN, .rate_per_s = rows[i].rate_per_s};
        promise(rows[i].slo);
        stand.threads = rows[i].threads;
        stand.connections = rows[i].connections;
        stand.connections_most = rows[i].most;
        stand.lists_only = rows[i].lists_only;
        cr_expect_eq(capacity_window(&stand, &plan), rows[i].wanted, "row %zu: %d", i,
                     capacity_window(&stand, &plan));
    }
    struct capacity_trial_plan closed = {.kind = CAPACITY_CLOSED, .users = 900};
    stand.connections = stand.connections_most = 0;
    cr_expect_eq(capacity_window(&stand, &closed), 900);
}

/* An overload as slow as it may be within the promise: 100 connections would hide it. */
Test(capacity_trial, with_the_window_of_the_rate_an_overload_is_no_invalid_trial)
{
    struct capacity_trial trial;
    promise("p99<600ms,errors<1%");
    world.script.latency_ns = 800 * MS;
    stand.connections = 0;
    play(&open_plan, &trial);
    cr_expect(trial.valid, "%s", trial.why);
    cr_expect_eq(sum_of(&trial, 0).good, 0);
    capacity_trial_deinit(&trial);
}

static void promise_quality(const char *text)
{
    struct faults faults;
    faults_init(&faults);
    cr_assert_eq(slo_read_quality(text, "--quality", &slo, &faults), ERR_OK);
    faults_deinit(&faults);
}

/* Lists of every second half of a second fail: what is left is counted where it was meant. */
static void broken_by_turns(void *context, const struct fake_request *request,
                            struct fake_answer *answer)
{
    (void)context;
    if (!request->is_post && request->sent_ns / (SMALL_WORLD_SECOND / 2) % 2 == 0) {
        answer->status = 500;
    }
}

Test(capacity_trial, what_lists_are_worth_is_counted_by_blocks)
{
    struct capacity_trial trial;
    promise("errors<99%");
    promise_quality("hit_rate>0.01,fallback<99%,hit_rate_kept>50%");
    world.script.answer = broken_by_turns;
    play(&open_plan, &trial);
    cr_assert_eq(trial.block_count, 20);
    int empty = 0;
    for (size_t b = 0; b < 20; b++) {
        const struct capacity_block *errors = &trial.block[b], *hits = &trial.block[20 + b],
                                    *fallback = &trial.block[40 + b];
        empty += hits->good + hits->bad == 0;
        cr_expect_leq(hits->good + hits->bad, errors->good, "block %zu: a rating or more", b);
        cr_expect_eq(fallback->good + fallback->bad, hits->good + hits->bad, "block %zu", b);
    }
    cr_expect_eq(empty, 10, "%d", empty);
    struct capacity_block hits = sum_of(&trial, 1), fallback = sum_of(&trial, 2);
    struct capacity_block kept = sum_of(&trial, 3);
    cr_expect_eq(trial.lists, hits.good + hits.bad);
    cr_expect_float_eq(trial.hit_rate, (double)hits.good / (double)trial.lists, 1e-12);
    cr_expect_float_eq(trial.fallback_share, (double)fallback.bad / (double)trial.lists, 1e-12);
    cr_expect_gt(fallback.bad, 0);
    cr_expect_gt(fallback.good, 0);
    cr_expect(kept.good == hits.good && kept.bad == hits.bad);
    capacity_trial_deinit(&trial);
}

/* A body without sources. */
static char nameless[512];
static void name_nothing(void *context, const struct fake_request *request,
                         struct fake_answer *answer)
{
    (void)context;
    if (!request->is_post) {
        answer->body = nameless;
    }
}

Test(capacity_trial, lists_that_name_no_source_prove_nothing_about_fallbacks)
{
    struct capacity_trial trial;
    promise("errors<99%");
    promise_quality("fallback<5%");
    (void)snprintf(
        nameless, sizeof nameless,
        "{\"request_id\":\"a\",\"recommendations\":[{\"movie_id\":%d},{\"movie_id\":%d}]}",
        (int)world.script.movie_id[0], (int)world.script.movie_id[1]);
    world.script.answer = name_nothing;
    play(&open_plan, &trial);
    cr_expect_gt(trial.lists, 1000, "%lld", (long long)trial.lists);
    cr_expect(isnan(trial.fallback_share));
    struct capacity_block fallback = sum_of(&trial, 1);
    cr_expect_eq(fallback.good + fallback.bad, 0);
    capacity_trial_deinit(&trial);
}

static bool nobody(int64_t timeout_ns)
{
    clock_sleep_ns(timeout_ns);
    return false;
}

/* Of few steps the last is over before the trial is. A machine that stands still for a tenth of the
 * time before leaves the growth unknown: not ten times in a row. */
Test(capacity_trial, growth_is_known_although_the_last_step_comes_early)
{
    struct capacity_trial_plan plan = {
        .kind = CAPACITY_OPEN, .rate_per_s = 3, .duration_s = 1, .block_s = 0.25};
    struct capacity_schedule schedule;
    struct capacity_trial trial = {0};
    int64_t last_ns;
    do { /* a step, but none in the second half */
        plan.seed++;
        capacity_people_init(&stand.people, SMALL_WORLD_PEOPLE, true);
        capacity_schedule_init(&schedule, &plan, &stand.people);
        last_ns = schedule.count > 0 ? schedule.moment_ns[schedule.count - 1] : INT64_MAX;
        capacity_schedule_deinit(&schedule);
    } while (last_ns > 300 * MS);
    struct error error = {0};
    static const struct stub_config config = {.workers = 1};
    struct stub *stub;
    int64_t *seen = mem_zalloc(SMALL_WORLD_PEOPLE + 1, sizeof *seen);
    cr_assert_eq(stub_start(&stub, &config, &error), ERR_OK, "%s", error.text);
    small_world_aim(&world, stub_url(stub));
    stand.target = world.plan.target;
    stand.transport = &transport_http1;
    stand.seen.start = seen;
    stand.lists_only = true;
    stand.interrupted = nobody;
    trial.queue_slope = NAN;
    for (int i = 0; i < 10 && isnan(trial.queue_slope); i++) {
        capacity_trial_deinit(&trial);
        trial = (struct capacity_trial){0};
        cr_assert_eq(capacity_trial_play(&stand, &plan, &trial, &error), ERR_OK, "%s", error.text);
    }
    cr_expect(isfinite(trial.queue_slope) && isfinite(trial.queue_slope_error));
    capacity_trial_deinit(&trial);
    stub_stop(stub);
    mem_free(seen);
}

/* One worker that takes 20 ms answers 50 a second and no more, on whatever machine: of 150 offered
 * 100 a second are left, most of them before the two connections. */
Test(capacity_trial, what_waits_and_what_is_in_flight_grows_together)
{
    static const struct stub_config config = {.service_ns = 20 * MS, .workers = 1};
    const struct capacity_trial_plan plan = {
        .kind = CAPACITY_OPEN, .rate_per_s = 150, .duration_s = 2, .block_s = 0.25, .seed = 2};
    struct capacity_trial trial = {0};
    struct error error = {0};
    struct stub *stub;
    int64_t *seen = mem_zalloc(SMALL_WORLD_PEOPLE + 1, sizeof *seen);
    cr_assert_eq(stub_start(&stub, &config, &error), ERR_OK, "%s", error.text);
    small_world_aim(&world, stub_url(stub));
    stand.target = world.plan.target;
    stand.transport = &transport_http1;
    stand.connections = 2;
    stand.seen.start = seen;
    stand.lists_only = true;
    stand.interrupted = nobody;
    capacity_people_init(&stand.people, SMALL_WORLD_PEOPLE, true);
    cr_assert_eq(capacity_trial_play(&stand, &plan, &trial, &error), ERR_OK, "%s", error.text);
    /* Unknown, if this machine stood still for a tenth of the time. */
    cr_expect_not(trial.queue_slope <= 60, "%g", trial.queue_slope);
    cr_expect_not(trial.queue_slope_error >= trial.queue_slope, "%g", trial.queue_slope_error);
    cr_expect_geq(trial.wall_s, 2);
    struct capacity_block all = sum_of(&trial, 0);
    cr_expect_float_eq((double)(all.good + all.bad), 300, 5 * 17.4, "none is dropped");
    cr_expect_gt(all.bad, 150);
    capacity_trial_deinit(&trial);
    stub_stop(stub);
    mem_free(seen);
}

/* Ratings that were due when patience ended are as bad as lists that were. */
Test(capacity_trial, ratings_never_sent_are_bad)
{
    struct engine_result result;
    struct engine_block block[4] = {
        {.by = {{.sent = 10, .answered = 10}, {.sent = 4, .answered = 4}}, .lists = 10},
        {.by = {{.sent = 10, .answered = 9, .failed = 1}, {.sent = 2, .answered = 2, .unsent = 3}}},
        {.by = {{.unsent = 5}, {.unsent = 2}}},
    };
    struct capacity_trial trial = {0};
    struct capacity_trial_plan plan = {.kind = CAPACITY_CLOSED, .duration_s = 4, .block_s = 1};
    promise("rating.p99<50ms,rating.errors<1%,errors<1%");
    small_world_play(&world, &result);
    struct engine_block *own = result.block;
    int64_t own_count = result.block_count;
    result.block = block;
    result.block_count = 4;
    capacity_trial_measure(&stand, &plan, NULL, &result, 0, &trial);
    cr_expect_eq(sum_of(&trial, 0).bad, 5);
    cr_expect_eq(sum_of(&trial, 0).good, 6);
    cr_expect_eq(sum_of(&trial, 1).bad, 5);
    cr_expect_eq(sum_of(&trial, 2).bad, 11);
    cr_expect_float_eq(trial.errors_share, 11.0 / 36, 1e-12);
    cr_expect(trial.valid, "%s", trial.why);
    capacity_trial_deinit(&trial);
    block[3].by[ENGINE_GET].answered = 1;
    trial = (struct capacity_trial){0};
    capacity_trial_measure(&stand, &plan, NULL, &result, 0, &trial);
    cr_expect_not(trial.valid, "nobody answers what was not asked");
    cr_expect_not_null(strstr(trial.why, "contradict"), "%s", trial.why);
    capacity_trial_deinit(&trial);
    result.block = own;
    result.block_count = own_count;
    engine_result_deinit(&result);
}

Test(capacity_trial, a_closed_loop_is_as_fast_as_the_target)
{
    struct capacity_trial_plan plan = {.kind = CAPACITY_CLOSED,
                                       .users = 4,
                                       .warmup_s = 1,
                                       .duration_s = 10,
                                       .block_s = 0.5,
                                       .seed = 6};
    struct capacity_trial trial;
    stand.lists_only = true;
    capacity_people_init(&stand.people, SMALL_WORLD_PEOPLE, true);
    world.script.latency_ns = 10 * MS;
    play(&plan, &trial);
    cr_expect(trial.valid, "%s", trial.why);
    cr_expect_float_eq(trial.achieved_per_s, 400, 2);
    cr_expect_float_eq(trial.offered_per_s, trial.achieved_per_s, 1e-9);
    cr_expect_eq(fake_transport_totals()->ratings, 0, "lists only");
    cr_expect_eq(stand.people.steps, fake_transport_totals()->lists);
    capacity_trial_deinit(&trial);
}

Test(capacity_trial, a_reference_tells_what_to_expect)
{
    struct error error = {0};
    struct capacity_trial trial;
    world.script.latency_ns = 4 * MS;
    fake_transport_use(&world.script);
    cr_assert_eq(capacity_stand_reference(&stand, 2, 9, &error), ERR_OK, "%s", error.text);
    cr_expect(stand.people.known);
    cr_expect_gt(stand.people.lists, 400);
    cr_expect_eq(stand.people.steps, 0, "others were asked");
    play(&open_plan, &trial);
    /* Those who made the warm-up's steps, some 400, are not asked about. */
    int64_t first = stand.people.steps - (int64_t)llround(trial.offered_per_s * 10);
    struct capacity_expected expected =
        capacity_people_expected(&stand.people, first, stand.people.steps);
    cr_expect_float_eq((double)first, 400, 4 * 20);
    cr_expect_float_eq(trial.hit_rate_expected, expected.rate, 1e-9);
    cr_expect_float_eq(trial.expected_error, expected.error, 1e-9);
    cr_expect_gt(trial.expected_error, 0);
    cr_expect_lt(trial.hit_rate_expected, stand.people.hit_first + 1e-12, "films are used up");
    /* The fake names "popular" for the first place of some users. */
    cr_expect_gt(trial.fallback_share, 0.05);
    cr_expect_float_eq(trial.fallback_share, stand.people.fallback_share, 0.15);
    capacity_trial_deinit(&trial);
}

static void refused(void *context, const struct fake_request *request, struct fake_answer *answer)
{
    (void)context;
    (void)request;
    answer->status = 0;
}

Test(capacity_trial, a_target_that_gives_no_list_has_no_capacity)
{
    struct error error = {0};
    world.script.answer = refused;
    fake_transport_use(&world.script);
    cr_expect_eq(capacity_stand_reference(&stand, 1, 9, &error), ERR_INVALID);
    cr_expect_not_null(strstr(error.text, "not one list could be read"), "%s", error.text);
}

Test(capacity_trial, a_generator_that_was_late_or_busy_proves_nothing)
{
    struct engine_result result;
    struct capacity_trial trial = {0};
    fake_transport_use(&world.script);
    world.plan.measure_from_ns = 0;
    world.plan.block_ns = SMALL_WORLD_SECOND;
    small_world_play(&world, &result);
    struct capacity_trial_plan plan = {.kind = CAPACITY_CLOSED, .duration_s = 60, .block_s = 1};
    result.cpu_share_max = 0.79;
    capacity_trial_measure(&stand, &plan, NULL, &result, 0, &trial);
    cr_expect(trial.valid, "%s", trial.why);
    capacity_trial_deinit(&trial);
    result.cpu_share_max = 0.81;
    capacity_trial_measure(&stand, &plan, NULL, &result, 0, &trial);
    cr_expect_not(trial.valid);
    cr_expect_not_null(strstr(trial.why, "busy: 81 %"), "%s", trial.why);
    capacity_trial_deinit(&trial);
    result.cpu_share_max = 0.5;
    for (int i = 0; i < 100; i++) {
        histogram_record(result.part[ENGINE_GET][ENGINE_PART_LAG], 3 * MS);
    }
    capacity_trial_measure(&stand, &plan, NULL, &result, 0, &trial);
    cr_expect_not(trial.valid);
    cr_expect_not_null(strstr(trial.why, "late"), "%s", trial.why);
    capacity_trial_deinit(&trial);
    stand.lag_most_ns = 4 * MS;
    capacity_trial_measure(&stand, &plan, NULL, &result, 0, &trial);
    cr_expect(trial.valid, "so much is allowed: %s", trial.why);
    capacity_trial_deinit(&trial);
    engine_result_deinit(&result);
}

Test(capacity_trial, five_different_latencies_are_too_many)
{
    struct error error = {0};
    promise("p50<1ms,p90<2ms,p99<3ms,list.p99<3ms,p99.9<4ms");
    cr_expect_eq(capacity_stand_check(&slo, &error), ERR_OK);
    promise("p50<1ms,p90<2ms,p99<3ms,p99.9<4ms,p99.99<5ms");
    cr_expect_eq(capacity_stand_check(&slo, &error), ERR_USAGE);
}
