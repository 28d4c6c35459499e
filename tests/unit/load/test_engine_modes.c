/* Ways to play a schedule other than alone, open and at its own speed; against the fake. */
#include "load/engine.h"

#include "fake_transport.h"
#include "small_world.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#define MS INT64_C(1000000)
#define SECOND SMALL_WORLD_SECOND

static struct small_world world;

static void set_up(void)
{
    small_world_init(&world);
}

static void tear_down(void)
{
    small_world_deinit(&world);
}

TestSuite(engine_modes, .init = set_up, .fini = tear_down);

static void play_to(struct engine_result *out)
{
    small_world_play(&world, out);
}

static int64_t requests(const struct engine_result *result)
{
    struct ledger_counts all = ledger_total(result->ledger);
    return all.get_sent + all.post_sent;
}

/* ---- changes of rate ---- */

/* Nobody gets an answer, and so no virtual time passes, before the changes are in. */
static void wait_for_changes(void *context, const struct fake_request *request,
                             struct fake_answer *answer)
{
    atomic_bool *changed = context;
    (void)request;
    (void)answer;
    while (!atomic_load(changed)) {
        sched_yield();
    }
}

static void play_with(struct engine_result *out, const struct pace_change *changes, int count)
{
    atomic_bool changed = false;
    struct engine *engine = NULL;
    struct error error = {0};
    world.script.answer = wait_for_changes;
    world.script.context = &changed;
    fake_transport_use(&world.script);
    small_world_must(engine_start(&world.plan, &engine, &error), &error);
    for (int i = 0; i < count; i++) {
        cr_assert(engine_set_rate_factor(engine, changes[i].factor, changes[i].at_ns));
    }
    cr_expect_eq(engine_rate_factor(engine), count > 0 ? changes[count - 1].factor : 1);
    atomic_store(&changed, true);
    engine_join(engine, out);
    world.script.answer = NULL;
}

Test(engine_modes, a_change_of_rate_moves_the_visits_and_changes_nothing_else)
{
    static const struct pace_change changes[] = {{.at_ns = 10 * SECOND, .factor = 2},
                                                 {.at_ns = 20 * SECOND, .factor = 0},
                                                 {.at_ns = 100 * SECOND, .factor = 1}};
    struct engine_result usual, changed;
    play_to(&usual);
    for (unsigned threads = 1; threads <= 2; threads++) {
        world.plan.threads = threads;
        play_with(&changed, changes, 3);
        cr_expect_eq(changed.ledger->digest, usual.ledger->digest, "%u threads", threads);
        cr_expect_eq(changed.ledger->visits, usual.ledger->visits);
        for (int p = 0; p < 3; p++) {
            cr_expect_eq(memcmp(&changed.ledger->nominal[p], &usual.ledger->nominal[p],
                                sizeof(struct ledger_counts)),
                         0, "phase %d", p);
        }
        /* 30 s of the schedule by 20 s, nothing for 80 s but visits under way, the rest as planned:
         * of 60 s * 50 steps, half came in the first 20 s. */
        struct ledger_counts first = ledger_window(changed.ledger, 0, 20 * SECOND);
        struct ledger_counts half = ledger_window(usual.ledger, 0, 30 * SECOND);
        struct ledger_counts pause = ledger_window(changed.ledger, 30 * SECOND, 100 * SECOND);
        cr_expect_float_eq((double)first.lists, (double)half.lists, 0.1 * (double)half.lists);
        cr_expect_lt(pause.lists, half.lists / 50);
        cr_expect_geq(changed.ended_ns, 125 * SECOND);
        cr_expect_eq(changed.rate_changes, 3);
        cr_expect_eq(changed.rate_change[1].at_ns, 20 * SECOND);
        cr_expect_eq(changed.rate_change[1].schedule_ns, 30 * SECOND);
        cr_expect_eq(changed.rate_change[1].factor, 0);
        engine_result_deinit(&changed);
    }
    engine_result_deinit(&usual);
}

Test(engine_modes, a_change_is_refused_when_there_is_no_room_or_no_schedule)
{
    atomic_bool changed = false;
    struct engine *engine = NULL;
    struct engine_result result;
    world.script.answer = wait_for_changes;
    world.script.context = &changed;
    fake_transport_use(&world.script);
    cr_assert_eq(engine_start(&world.plan, &engine, NULL), ERR_OK);
    for (int i = 0; i < PACE_CHANGES_MAX; i++) {
        cr_expect(engine_set_rate_factor(engine, 1, 0));
    }
    cr_expect_not(engine_set_rate_factor(engine, 2, 0));
    cr_expect_eq(engine_schedule_ns(engine, 7), 7);
    cr_expect_eq(engine_drill_ns(engine, 7), 7);
    atomic_store(&changed, true);
    engine_join(engine, &result);
    cr_expect_eq(result.rate_changes, PACE_CHANGES_MAX);
    engine_result_deinit(&result);
    world.plan.mode = ENGINE_CLOSED;
    world.plan.closed_users = 1;
    world.plan.arrivals.end_ns = SECOND;
    cr_assert_eq(engine_start(&world.plan, &engine, NULL), ERR_OK);
    cr_expect_not(engine_set_rate_factor(engine, 2, 0), "closed");
    engine_join(engine, &result);
    engine_result_deinit(&result);
}

/* ---- the closed loop ---- */

Test(engine_modes, a_closed_loop_keeps_so_many_people_busy)
{
    static const struct {
        int users;
        unsigned threads;
    } rows[] = {{1, 1}, {5, 1}, {8, 2}, {7, 3}};
    world.plan.mode = ENGINE_CLOSED;
    world.plan.arrivals.end_ns = 20 * SECOND;
    world.script.latency_ns = 10 * MS;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct engine_result result;
        world.plan.closed_users = rows[i].users;
        world.plan.threads = rows[i].threads;
        play_to(&result);
        /* Each asks every 10 ms without a pause, for 20 s. */
        double wanted = rows[i].users * 2000.0;
        cr_expect_float_eq((double)requests(&result), wanted, 0.002 * wanted + 2, "%d users: %lld",
                           rows[i].users, (long long)requests(&result));
        cr_expect_eq(result.late_starts, 0);
        cr_expect_eq(result.ledger->visits_delayed, 0);
        cr_expect_lt(result.ended_ns, 20 * SECOND + 50 * MS, "no step after the end");
        int64_t most = (rows[i].users + (int)rows[i].threads - 1) / (int)rows[i].threads;
        cr_expect_eq(fake_transport_totals()->in_flight_max, most, "%d users", rows[i].users);
        engine_result_deinit(&result);
    }
}

Test(engine_modes, a_closed_loop_goes_on_with_more_users_than_people)
{
    struct engine_result result;
    world.plan.mode = ENGINE_CLOSED;
    world.plan.closed_users = 50;
    world.plan.connections = 50;
    world.plan.arrivals.people = 3;
    world.plan.arrivals.end_ns = 2 * SECOND;
    play_to(&result);
    cr_expect_leq(fake_transport_totals()->in_flight_max, 3);
    cr_expect_gt(requests(&result), 2900, "three people, 2 ms each, for 2 s");
    engine_result_deinit(&result);
}

Test(engine_modes, a_closed_loop_of_workers_without_people_starts_and_ends, .timeout = 60)
{
    double one_comes[SMALL_WORLD_PEOPLE] = {[1] = 1};
    struct alias mix = {0};
    alias_init(&mix, one_comes, SMALL_WORLD_PEOPLE);
    static const struct {
        int32_t people;
        unsigned threads, shards;
        bool mixed;
    } rows[] = {
        {3, 4, 1, false},                    /* the fourth owns nobody */
        {SMALL_WORLD_PEOPLE, 4, 1, true},    /* three own people who never come */
        {SMALL_WORLD_PEOPLE, 1, 150, false}, /* a visit in 150 is of somebody here */
        {2, 2, 2, false},                    /* one each, and the second worker owns nobody */
    };
    world.plan.mode = ENGINE_CLOSED;
    world.plan.closed_users = 600;
    world.plan.arrivals.end_ns = 2 * SECOND;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct engine_result result;
        world.plan.threads = rows[i].threads;
        world.plan.shards = rows[i].shards;
        world.plan.arrivals.people = rows[i].people;
        world.plan.arrivals.mix = rows[i].mixed ? &mix : NULL;
        play_to(&result);
        cr_expect_gt(requests(&result), 500, "row %zu: somebody plays, 2 ms a request, for 2 s", i);
        cr_expect_eq(result.ledger->lost, 0);
        engine_result_deinit(&result);
    }
    alias_deinit(&mix);
}

/* ---- lists only ---- */

Test(engine_modes, lists_only_asks_rates_nothing_and_forgets)
{
    struct engine_result result;
    world.plan.lists_only = true;
    world.plan.arrivals.people = 10; /* who would soon have rated all they are shown */
    play_to(&result);
    struct ledger_counts all = ledger_total(result.ledger);
    cr_expect_eq(all.post_sent, 0);
    cr_expect_gt(all.lists, 1000);
    struct ledger_counts early = ledger_window(result.ledger, 0, 30 * SECOND);
    cr_expect_gt(early.lists, 0);
    double taken = (double)result.taken / (double)all.lists;
    cr_expect(taken > 0.2 && taken < 1, "%.2f of the lists had something to take", taken);
    cr_expect(result.liked > 0 && result.liked <= result.taken);
    engine_result_deinit(&result);
    world.plan.lists_only = false;
    play_to(&result);
    all = ledger_total(result.ledger);
    cr_expect_eq(result.liked, all.converted, "nothing failed");
    cr_expect_lt((double)result.taken / (double)all.lists, taken, "films run out");
    engine_result_deinit(&result);
}

/* ---- shards ---- */

Test(engine_modes, shards_together_are_one_run)
{
    struct engine_result whole, part, sum = {0};
    world.plan.block_ns = SECOND;
    play_to(&whole);
    world.plan.shards = 3;
    for (unsigned s = 0; s < 3; s++) {
        world.plan.shard = s;
        world.plan.threads = s + 1; /* does not matter */
        play_to(s == 0 ? &sum : &part);
        if (s > 0) {
            cr_expect_gt(part.ledger->visits, 100);
            engine_result_merge(&sum, &part);
            engine_result_deinit(&part);
        }
    }
    cr_expect_eq(sum.ledger->digest, whole.ledger->digest);
    cr_expect_eq(sum.ledger->visits, whole.ledger->visits);
    cr_expect_eq(sum.threads, 6);
    struct ledger_counts a = ledger_total(sum.ledger), b = ledger_total(whole.ledger);
    cr_expect_eq(memcmp(&a, &b, sizeof a), 0);
    cr_expect_eq(sum.block_count, whole.block_count);
    cr_expect_eq(memcmp(sum.block, whole.block, (size_t)sum.block_count * sizeof *sum.block), 0);
    engine_result_deinit(&sum);
    engine_result_deinit(&whole);
}

/* ---- being turned away ---- */

static void full(void *context, const struct fake_request *request, struct fake_answer *answer)
{
    const int32_t *retry_after_s = context;
    if (request->sent_ns < 55 * SECOND && request->sent_ns % (10 * SECOND) < 2 * SECOND) {
        answer->status = request->is_post ? 429 : 503;
        answer->retry_after_s = *retry_after_s;
    }
}

/* Full for two seconds of every ten, so that three seconds later there is room again. */
Test(engine_modes, people_come_back_as_their_patience_says)
{
    static const struct {
        const char *name;
        enum patience_kind kind;
        int32_t retry_after_s;
        bool come_back, all_do;
    } rows[] = {
        {"polite", PATIENCE_POLITE, 3, true, true},
        {"polite, not told", PATIENCE_POLITE, 0, false, false},
        {"impatient", PATIENCE_IMPATIENT, 3, false, false},
        {"stubborn", PATIENCE_STUBBORN, 0, true, true},
    };
    struct engine_result usual;
    play_to(&usual);
    world.script.answer = full;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct engine_result result;
        int32_t told_s = rows[i].retry_after_s;
        world.script.context = &told_s;
        world.plan.patience = (struct engine_patience){.kind = rows[i].kind};
        play_to(&result);
        struct ledger_counts all = ledger_total(result.ledger);
        int64_t shed = result.shed[ENGINE_GET] + result.shed[ENGINE_POST];
        cr_expect_gt(shed, 100, "%s", rows[i].name);
        cr_expect_eq(all.get_failed, result.shed[ENGINE_GET], "%s", rows[i].name);
        cr_expect_eq(all.post_failed, result.shed[ENGINE_POST], "%s", rows[i].name);
        cr_expect_eq(result.failures[ENGINE_GET][EXCHANGE_ANSWERED], 0, "accounted apart");
        cr_expect_eq(all.get_sent, all.lists + all.get_failed, "%s", rows[i].name);
        cr_expect_eq(all.get_sent > result.ledger->steps, rows[i].come_back, "%s", rows[i].name);
        cr_expect_eq(result.retried, rows[i].all_do ? shed : 0, "%s", rows[i].name);
        /* Who is served in the end does what would have been done anyway. */
        cr_expect_eq(result.ledger->digest == usual.ledger->digest, rows[i].all_do, "%s",
                     rows[i].name);
        cr_expect_eq(result.problem.code == ERR_OK, rows[i].all_do, "%s", rows[i].name);
        /* Being turned away is no service, so its speed is not the service's. */
        cr_expect_eq(histogram_count(result.from_send[ENGINE_GET]), (uint64_t)all.lists);
        engine_result_deinit(&result);
    }
    engine_result_deinit(&usual);
}

Test(engine_modes, nobody_comes_back_after_the_end)
{
    struct engine_result result;
    int32_t told_s = 3;
    world.script.answer = full;
    world.script.context = &told_s;
    world.plan.arrivals.end_ns = 2 * SECOND;
    play_to(&result);
    cr_expect_gt(result.shed[ENGINE_GET], 20);
    cr_expect_eq(result.retried, 0);
    cr_expect_lt(result.ended_ns, 4 * SECOND);
    engine_result_deinit(&result);
}

/* ---- parts and blocks ---- */

/* Lists take 300 ms, so that one connection is far too few. */
static void slow_lists(void *context, const struct fake_request *request,
                       struct fake_answer *answer)
{
    (void)context;
    answer->latency_ns = request->is_post ? MS : 300 * MS;
}

static double sum_of(const struct histogram *histogram)
{
    return histogram_mean(histogram) * (double)histogram_count(histogram);
}

Test(engine_modes, the_parts_of_a_request_add_up_to_its_latency)
{
    static const int connections[] = {400, 1};
    world.script.answer = slow_lists;
    world.plan.arrivals.end_ns = 10 * SECOND;
    for (size_t i = 0; i < 2; i++) {
        struct engine_result result;
        world.plan.connections = connections[i];
        play_to(&result);
        for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
            struct histogram **part = result.part[e];
            double parts = sum_of(part[ENGINE_PART_LAG]) +
                           sum_of(part[ENGINE_PART_CONNECTION_WAIT]) +
                           sum_of(part[ENGINE_PART_CONNECT]) +
                           sum_of(part[ENGINE_PART_FIRST_BYTE]) + sum_of(part[ENGINE_PART_BODY]);
            /* A visit that waits for its person has no slot to wait for: its list's latency from
             * the intended start is longer than the parts. Ratings have no such wait. */
            double latency = sum_of(result.from_intended[e]);
            cr_expect_leq(parts, latency * (1 + 1e-9), "%s, %d connections",
                          e == ENGINE_GET ? "lists" : "ratings", connections[i]);
            if (e == ENGINE_POST) {
                cr_expect_float_eq(parts, latency, 1e-9 * latency);
            }
            cr_expect_eq(histogram_count(part[ENGINE_PART_LAG]),
                         histogram_count(result.from_send[e]));
        }
        uint64_t waited = histogram_count(result.part[ENGINE_GET][ENGINE_PART_CONNECTION_WAIT]) +
                          histogram_count(result.part[ENGINE_POST][ENGINE_PART_CONNECTION_WAIT]);
        cr_expect_eq(result.late_starts, (int64_t)waited);
        cr_expect_eq(result.late_starts, result.ledger->steps_late);
        cr_expect_eq(result.late_starts > 0, connections[i] == 1);
        cr_expect_eq(histogram_max(result.part[ENGINE_GET][ENGINE_PART_FIRST_BYTE]), 300 * MS);
        uint64_t lists = histogram_count(result.from_send[ENGINE_GET]);
        cr_expect_eq(histogram_count(result.part[ENGINE_GET][ENGINE_PART_SCAN]),
                     (lists + ENGINE_SCAN_EVERY - 1) / ENGINE_SCAN_EVERY);
        engine_result_deinit(&result);
    }
}

static void half_slow(void *context, const struct fake_request *request, struct fake_answer *answer)
{
    (void)context;
    answer->latency_ns = request->user_id % 2 == 0 ? 40 * MS : 2 * MS;
    if (request->user_id % 7 == 0) {
        answer->status = 500;
    } else if (request->user_id % 7 == 1) {
        answer->status = 503;
    }
}

Test(engine_modes, blocks_count_what_the_histograms_do)
{
    struct engine_result result;
    world.script.answer = half_slow;
    world.plan.threads = 2;
    world.plan.connections = 200;
    world.plan.measure_from_ns = 12 * SECOND + 500 * MS;
    world.plan.block_ns = 700 * MS;
    world.plan.slo_ns[0] = 10 * MS;
    world.plan.slo_ns[2] = 39 * MS;
    play_to(&result);
    struct ledger_counts all = ledger_total(result.ledger);
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        struct engine_block_counts sum = {0};
        for (int64_t b = 0; b < result.block_count; b++) {
            const struct engine_block_counts *block = &result.block[b].by[e];
            sum.sent += block->sent;
            sum.answered += block->answered;
            sum.failed += block->failed;
            sum.shed += block->shed;
            sum.over[0] += block->over[0];
            sum.over[1] += block->over[1];
            sum.over[2] += block->over[2];
        }
        cr_expect_eq(sum.sent, sum.answered + sum.failed + sum.shed);
        cr_expect_gt(sum.answered, 100);
        cr_expect_eq((uint64_t)sum.sent, histogram_count(result.part[e][ENGINE_PART_LAG]));
        cr_expect_eq((uint64_t)(sum.answered + sum.failed),
                     histogram_count(result.from_intended[e]));
        cr_expect_eq(sum.over[1], 0, "no such objective");
        cr_expect(sum.over[0] >= sum.over[2] && sum.over[2] > 0 && sum.over[0] < sum.answered);
        int64_t sent = e == ENGINE_GET ? all.get_sent : all.post_sent;
        cr_expect_float_eq((double)sum.sent, (double)sent * 47.5 / 60, 0.06 * (double)sent,
                           "%lld of %lld, without the warm-up", (long long)sum.sent,
                           (long long)sent);
    }
    /* 47.5 s in blocks of 0.7 s, and the visits under way at the end. */
    cr_expect_geq(result.block_count, 67);
    cr_expect_leq(result.block_count, 75);
    cr_expect_gt(result.failures[ENGINE_GET][EXCHANGE_ANSWERED], 10);
    engine_result_deinit(&result);
}

Test(engine_modes, the_generator_accounts_for_itself)
{
    struct engine_result result;
    world.plan.threads = 2;
    play_to(&result);
    cr_expect_eq(result.threads, 2);
    cr_expect(result.cpu_s > 0 && result.cpu_s < 60, "%g s", result.cpu_s);
    cr_expect(result.cpu_share_max > 0 && result.cpu_share_max < 1,
              "of a virtual minute, that is little: %g", result.cpu_share_max);
    engine_result_deinit(&result);
}

/* ---- what is the generator's own ---- */

/* Off the processor for 200 ms with all four slots free: of the twenty lists that fall due, four
 * fill the slots at once and the others follow by the millisecond. They are late because of the
 * generator, not for want of connections. */
Test(engine_modes, a_late_generator_is_not_a_lack_of_connections)
{
    struct engine_result result;
    world.plan.arrivals.visits_per_s = 100;
    world.plan.arrivals.steps_per_visit = 1;
    world.plan.arrivals.end_ns = 10 * SECOND;
    world.plan.lists_only = true;
    world.plan.connections = 4;
    world.script.latency_ns = MS;
    world.script.frozen_from_ns = 5 * SECOND;
    world.script.frozen_ns = 200 * MS;
    play_to(&result);
    const struct histogram *lag = result.part[ENGINE_GET][ENGINE_PART_LAG];
    const struct histogram *wait = result.part[ENGINE_GET][ENGINE_PART_CONNECTION_WAIT];
    cr_expect_geq(histogram_max(lag), 150 * (uint64_t)MS);
    cr_expect_geq(histogram_above(lag, 10 * (uint64_t)MS), 10, "%llu late lists are its own",
                  (unsigned long long)histogram_above(lag, 10 * (uint64_t)MS));
    cr_expect_gt(histogram_count(wait), 0);
    cr_expect_leq(histogram_max(wait), 20 * (uint64_t)MS, "%.1f ms",
                  (double)histogram_max(wait) * 1e-6);
    double latency = sum_of(result.from_intended[ENGINE_GET]);
    double parts =
        sum_of(lag) + sum_of(wait) + sum_of(result.part[ENGINE_GET][ENGINE_PART_FIRST_BYTE]);
    cr_expect_geq(parts, 0.9 * latency, "and the parts account for it");
    cr_expect_leq(parts, latency * (1 + 1e-9));
    engine_result_deinit(&result);
}

Test(engine_modes, answers_that_came_while_the_generator_was_busy_are_told)
{
    for (int frozen_ms = 0; frozen_ms <= 50; frozen_ms += 50) {
        struct engine_result result;
        world.plan.connections = 200;
        world.plan.arrivals.visits_per_s = 100;
        world.script.latency_ns = 30 * MS;
        world.script.frozen_from_ns = 5 * SECOND;
        world.script.frozen_ns = frozen_ms * MS;
        play_to(&result);
        const struct histogram *unread = result.part[ENGINE_GET][ENGINE_PART_UNREAD];
        cr_expect_eq(histogram_count(unread),
                     histogram_count(result.part[ENGINE_GET][ENGINE_PART_FIRST_BYTE]));
        cr_expect_float_eq((double)histogram_max(unread), frozen_ms * 1e6, frozen_ms * 1e3);
        cr_expect_eq(histogram_above(unread, MS) > 0, frozen_ms > 0);
        engine_result_deinit(&result);
    }
}

/* ---- lists by block ---- */

static void nobody_says_why(void *context, const struct fake_request *request,
                            struct fake_answer *answer)
{
    const char *body = context;
    if (!request->is_post && request->user_id % 3 == 0) {
        answer->body = body;
    } else if (!request->is_post && request->user_id % 3 == 1) {
        answer->status = request->nth % 2 == 0 ? 500 : 200;
    }
}

Test(engine_modes, blocks_count_lists_their_sources_and_hits)
{
    char body[64];
    (void)snprintf(body, sizeof body, "{\"recommendations\":[{\"movie_id\":%d}]}",
                   (int)population_catalogue(world.population)->id[7]);
    world.script.answer = nobody_says_why;
    world.script.context = body;
    world.plan.threads = 2;
    world.plan.block_ns = SECOND;
    world.plan.fallback[0] = "similar";
    world.plan.fallback[1] = "popular";
    world.plan.fallback_count = 2;
    for (int lists_only = 0; lists_only <= 1; lists_only++) {
        struct engine_result result;
        struct engine_block sum = {0};
        struct ledger_places places;
        int64_t fallback = 0, named = 0;
        world.plan.lists_only = lists_only;
        play_to(&result);
        for (int64_t b = 0; b < result.block_count; b++) {
            const struct engine_block *block = &result.block[b];
            cr_expect_eq(block->lists, block->by[ENGINE_GET].answered, "block %lld", (long long)b);
            sum.lists += block->lists;
            sum.named += block->named;
            sum.fallback += block->fallback;
            sum.hits += block->hits;
        }
        ledger_places_total(result.ledger, &places);
        for (int s = 0; s < result.ledger->source_count; s++) {
            named += places.items[s][0];
            fallback += strcmp(result.ledger->source[s], "base") != 0 ? places.items[s][0] : 0;
        }
        cr_expect_eq(sum.lists, ledger_total(result.ledger).lists);
        cr_expect_eq(sum.named, named);
        cr_expect(sum.named > 0 && sum.named < sum.lists, "some lists name no source");
        cr_expect_eq(sum.fallback, fallback);
        cr_expect(sum.fallback > 0 && sum.fallback < sum.named);
        cr_expect_eq(sum.hits, result.liked);
        cr_expect_gt(sum.hits, 10);
        engine_result_deinit(&result);
    }
}
