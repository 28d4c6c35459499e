/* The engine against the fake: virtual time, so every figure is exact and nothing is awaited. */
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

TestSuite(engine, .init = set_up, .fini = tear_down);

static struct ledger_counts nominal_total(const struct ledger *ledger)
{
    struct ledger_counts sum = {0};
    for (int p = 0; p < ledger->phase_count; p++) {
        ledger_counts_add(&sum, &ledger->nominal[p]);
    }
    return sum;
}

static int64_t visits_scheduled(const struct arrivals_config *config)
{
    struct arrivals arrivals;
    struct visit visit;
    int64_t count = 0;
    arrivals_init(&arrivals, config);
    while (arrivals_next(&arrivals, &visit)) {
        count++;
    }
    return count;
}

/* Every user in a class of its own: slow, refused, broken, unreadable, silent, or healthy. */
static void trouble(void *context, const struct fake_request *request, struct fake_answer *answer)
{
    (void)context;
    answer->latency_ns = request->user_id % 5 == 0 ? 700 * MS : 3 * MS;
    int turn = request->nth % 4;
    if (request->user_id % 7 == 1 && turn == 1) {
        answer->status = 503;
    } else if (request->user_id % 7 == 2 && turn == 1) {
        answer->status = 0;
    } else if (request->user_id % 7 == 3 && turn == 2 && !request->is_post) {
        answer->body = "{\"recommendations\":[{\"movie_id\":";
    } else if (request->user_id % 7 == 4 && turn == 3) {
        answer->latency_ns = FAKE_UNTIL_TIMEOUT;
    } else if (request->user_id % 7 == 5 && turn == 0 && !request->is_post) {
        answer->body = "{\"recommendations\":[]}";
    }
}

Test(engine, one_two_and_four_threads_make_the_same_ledger)
{
    static const unsigned threads[] = {1, 2, 4};
    struct engine_result first, result;
    world.script.answer = trouble;
    for (size_t i = 0; i < 3; i++) {
        world.plan.threads = threads[i];
        /* Connections and speed do not matter either. */
        world.plan.connections = i == 2 ? 1 : 8;
        small_world_play(&world, i == 0 ? &first : &result);
        if (i == 0) {
            continue;
        }
        cr_expect_eq(result.ledger->digest, first.ledger->digest, "%u threads", threads[i]);
        cr_expect_eq(result.ledger->visits, first.ledger->visits);
        cr_expect_eq(result.ledger->steps, first.ledger->steps);
        for (int p = 0; p < 3; p++) {
            cr_expect_eq(memcmp(&result.ledger->nominal[p], &first.ledger->nominal[p],
                                sizeof(struct ledger_counts)),
                         0, "phase %d with %u threads", p, threads[i]);
        }
        engine_result_deinit(&result);
    }
    struct ledger_counts all = nominal_total(first.ledger);
    cr_expect_gt(all.rated, 100, "people do rate: %lld", (long long)all.rated);
    cr_expect_gt(all.get_failed, 10);
    cr_expect_gt(all.get_unknown, 10);
    cr_expect_gt(all.post_failed, 0);
    cr_expect_gt(all.post_unknown, 0);
    cr_expect_gt(all.lists_empty, 10);
    engine_result_deinit(&first);
}

Test(engine, another_seed_makes_another_ledger)
{
    struct engine_result first, second;
    small_world_play(&world, &first);
    world.plan.arrivals.seed++;
    small_world_play(&world, &second);
    cr_expect_neq(first.ledger->digest, second.ledger->digest);
    engine_result_deinit(&first);
    engine_result_deinit(&second);
}

Test(engine, ledger_and_target_count_the_same)
{
    struct engine_result result;
    small_world_play(&world, &result);
    const struct fake_totals *totals = fake_transport_totals();
    struct ledger_counts all = ledger_total(result.ledger), nominal = nominal_total(result.ledger);
    int64_t half_stars = 0, stars = 0;
    for (int i = 0; i < 10; i++) {
        half_stars += all.stars[i] * (i + 1);
        stars += all.stars[i];
    }
    cr_expect_eq(totals->malformed, 0);
    cr_expect_eq(totals->unnamed, 0, "every rating names its list");
    cr_expect_eq(all.lists, totals->lists);
    cr_expect_eq(all.rated, totals->ratings);
    cr_expect_eq(half_stars, totals->half_stars);
    cr_expect_eq(stars, all.rated);
    cr_expect_eq(all.get_sent, all.lists);
    cr_expect_eq(all.post_sent, all.rated);
    cr_expect_eq(all.get_sent, result.ledger->steps);
    cr_expect_eq(memcmp(&all, &nominal, sizeof all), 0, "both clocks add up to the same");
    cr_expect_eq(result.ledger->visits, visits_scheduled(&world.plan.arrivals));
    cr_expect_eq(histogram_count(result.from_send[ENGINE_GET]), (uint64_t)all.lists);
    cr_expect_eq(histogram_count(result.from_send[ENGINE_POST]), (uint64_t)all.rated);
    cr_expect_eq(result.problem.code, ERR_OK);
    cr_expect_eq(result.ledger->steps_unsent + result.ledger->lost, 0);
    engine_result_deinit(&result);
}

/* With room for everybody, requests leave at their due time exactly and take what the fake takes.
 */
Test(engine, latencies_are_those_of_the_target)
{
    struct engine_result result;
    world.plan.connections = 400;
    small_world_play(&world, &result);
    cr_expect_eq(histogram_max(result.schedule_lag), 0);
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        cr_expect_eq(histogram_max(result.from_send[e]), histogram_min(result.from_send[e]));
        cr_expect_float_eq((double)histogram_max(result.from_send[e]), 2e6, 2e3);
    }
    cr_expect_float_eq((double)histogram_quantile(result.from_intended[ENGINE_GET], 0.5), 2e6, 2e3);
    cr_expect_eq(result.ledger->steps_late, 0);
    engine_result_deinit(&result);
}

/* One visit of many steps; drift is judged by nominal time, and so is the end. */
Test(engine, nominal_time_ignores_how_slow_answers_are)
{
    struct engine_result fast, slow;
    world.plan.connections = 400;
    small_world_play(&world, &fast);
    world.script.latency_ns = 900 * MS;
    small_world_play(&world, &slow);
    cr_expect_eq(fast.ledger->digest, slow.ledger->digest);
    for (int p = 0; p < 3; p++) {
        cr_expect_eq(memcmp(&fast.ledger->nominal[p], &slow.ledger->nominal[p],
                            sizeof(struct ledger_counts)),
                     0, "phase %d", p);
    }
    cr_expect_gt(slow.ended_ns, fast.ended_ns);
    struct ledger_counts a = ledger_window(fast.ledger, 0, 20 * SECOND);
    struct ledger_counts b = ledger_window(slow.ledger, 0, 20 * SECOND);
    cr_expect_gt(a.lists, b.lists, "what was observed does depend on it");
    engine_result_deinit(&fast);
    engine_result_deinit(&slow);
}

Test(engine, a_busy_person_lets_the_next_visit_wait)
{
    struct engine_result result;
    world.plan.arrivals.people = 1;
    world.plan.arrivals.visits_per_s = 2;
    world.plan.arrivals.steps_per_visit = 1;
    world.plan.arrivals.think_median_s = 0;
    world.plan.connections = 4;
    world.script.latency_ns = 800 * MS;
    small_world_play(&world, &result);
    int64_t visits = visits_scheduled(&world.plan.arrivals);
    cr_expect_eq(result.ledger->visits, visits, "waiting visits are all played");
    cr_expect_gt(result.ledger->visits_delayed, visits / 3);
    cr_expect_lt(result.ledger->visits_delayed, visits);
    cr_expect_eq(fake_transport_totals()->in_flight_max, 1, "one person asks one thing at a time");
    cr_expect_eq(result.ledger->steps_late, 0, "a connection was always free");
    cr_expect_eq(histogram_max(result.schedule_lag), 0, "the generator was never late");
    cr_expect_gt(histogram_max(result.from_intended[ENGINE_GET]), 1600 * MS,
                 "but whoever wanted to start did wait");
    engine_result_deinit(&result);
}

Test(engine, starved_requests_wait_and_are_counted)
{
    struct engine_result result;
    world.plan.arrivals.visits_per_s = 10;
    world.plan.arrivals.steps_per_visit = 1;
    world.plan.arrivals.end_ns = 20 * SECOND;
    world.plan.connections = 1;
    world.script.latency_ns = 95 * MS;
    small_world_play(&world, &result);
    struct ledger_counts all = ledger_total(result.ledger);
    cr_expect_eq(fake_transport_totals()->in_flight_max, 1);
    cr_expect_gt(result.ledger->steps_late, result.ledger->steps / 2);
    cr_expect_leq(result.ledger->steps_late, result.ledger->steps + all.post_sent);
    cr_expect_eq(all.lists, result.ledger->visits, "late, not lost");
    cr_expect_gt(histogram_max(result.schedule_lag), 500 * MS);
    cr_expect_float_eq((double)histogram_max(result.from_send[ENGINE_GET]), 95e6, 1e5);
    cr_expect_gt(histogram_max(result.from_intended[ENGINE_GET]), 600 * MS,
                 "latency runs from the intended start");
    engine_result_deinit(&result);
}

/* A target that hangs for half the drill: half of the people wait, and the histogram shows it. */
static void stall(void *context, const struct fake_request *request, struct fake_answer *answer)
{
    (void)context;
    if (request->sent_ns >= 20 * SECOND && request->sent_ns < 40 * SECOND) {
        answer->latency_ns = 40 * SECOND - request->sent_ns;
    }
}

Test(engine, a_stall_shows_in_the_latency_from_the_intended_start)
{
    struct engine_result result;
    world.plan.arrivals.steps_per_visit = 1;
    world.plan.arrivals.end_ns = 40 * SECOND;
    world.plan.arrivals.visits_per_s = 20;
    world.plan.timeout_ms = 60000;
    world.plan.connections = 4;
    world.script.answer = stall;
    small_world_play(&world, &result);
    /* Half of the lists are asked for during the stall and wait for its end, uniformly up to 20 s:
     * quantile q > 1/2 is 20 s * (2 q - 1). Nearly all of them are sent after it and look fast. */
    double p90 = (double)histogram_quantile(result.from_intended[ENGINE_GET], 0.9) / 1e9;
    double p90_sent = (double)histogram_quantile(result.from_send[ENGINE_GET], 0.9) / 1e9;
    cr_expect_float_eq(p90, 16, 1.2, "p90 %.2f s", p90);
    cr_expect_lt(p90_sent, 0.1);
    engine_result_deinit(&result);
}

static void refuse(void *context, const struct fake_request *request, struct fake_answer *answer)
{
    const struct fake_answer *fault = context;
    if (request->is_post == (fault->body != NULL && strcmp(fault->body, "POST") == 0)) {
        answer->status = fault->status;
        answer->latency_ns = fault->latency_ns;
    }
}

Test(engine, failures_end_the_visit_and_are_told_apart)
{
    static const struct {
        const char *name;
        struct fake_answer fault; /* body "POST" = ratings, else lists */
        const char *problem;
    } rows[] = {
        {"list 429", {429, MS, NULL, 0}, "GET was answered with status 429"},
        {"list 503", {503, MS, NULL, 0}, "GET was answered with status 503"},
        {"list redirect", {302, MS, NULL, 0}, "GET was answered with status 302"},
        {"list reset", {0, MS, NULL, 0}, "GET was not answered: the fake gave no answer"},
        {"list reset late",
         {0, 100 * MS, NULL, 0},
         "GET was not answered: the fake gave no answer"},
        {"list timeout",
         {200, FAKE_UNTIL_TIMEOUT, NULL, 0},
         "GET was not answered: the fake gave no answer"},
        {"rating 500", {500, MS, "POST", 0}, "POST was answered with status 500"},
        {"rating reset", {0, MS, "POST", 0}, "POST was not answered: the fake gave no answer"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct engine_result result;
        struct fake_answer fault = rows[i].fault;
        world.script.answer = refuse;
        world.script.context = &fault;
        small_world_play(&world, &result);
        struct ledger_counts all = ledger_total(result.ledger);
        bool post = fault.body != NULL;
        bool unknown = fault.status == 0 || fault.latency_ns == FAKE_UNTIL_TIMEOUT;
        int64_t bad = post ? all.post_sent : all.get_sent;
        cr_expect_gt(bad, 100, "%s", rows[i].name);
        cr_expect_eq(all.get_failed, !post && !unknown ? bad : 0, "%s", rows[i].name);
        cr_expect_eq(all.get_unknown, !post && unknown ? bad : 0, "%s", rows[i].name);
        cr_expect_eq(all.post_failed, post && !unknown ? bad : 0, "%s", rows[i].name);
        cr_expect_eq(all.post_unknown, post && unknown ? bad : 0, "%s", rows[i].name);
        cr_expect_eq(all.rated, 0, "%s", rows[i].name);
        cr_expect_eq(all.lists, post ? all.get_sent : 0, "%s", rows[i].name);
        if (!post) {
            cr_expect_eq(all.get_sent, result.ledger->visits, "%s: one try a visit", rows[i].name);
        }
        cr_expect_str_eq(result.problem.text, rows[i].problem, "%s", rows[i].name);
        uint64_t timed = histogram_count(result.from_send[post ? ENGINE_POST : ENGINE_GET]);
        bool reset = fault.status == 0, shed = fault.status == 429 || fault.status == 503;
        bool at_once = reset && fault.latency_ns < 100 * MS; /* a tenth of the timeout */
        cr_expect_eq(timed, shed || at_once ? 0 : (uint64_t)bad,
                     "%s: who is cut off late has waited, who is turned away has not",
                     rows[i].name);
        int e = post ? ENGINE_POST : ENGINE_GET;
        int kind = !unknown ? EXCHANGE_ANSWERED : reset ? EXCHANGE_RESET : EXCHANGE_TIMEOUT;
        cr_expect_eq(result.failures[e][kind], shed ? 0 : bad, "%s by kind", rows[i].name);
        cr_expect_eq(result.shed[e], shed ? bad : 0, "%s", rows[i].name);
        cr_expect_eq(result.retried, 0, "%s: nobody said when to come back", rows[i].name);
        engine_result_deinit(&result);
    }
}

/* Two requests of three are cut off at once, the others answered after ten milliseconds. */
static void cut_off_at_once(void *context, const struct fake_request *request,
                            struct fake_answer *answer)
{
    (void)context;
    bool cut = !request->is_post && request->nth % 3 != 0;
    answer->status = cut ? 0 : 200;
    answer->latency_ns = cut ? MS / 10 : 10 * MS;
}

Test(engine, what_is_cut_off_at_once_makes_no_target_look_fast)
{
    struct engine_result result;
    world.script.answer = cut_off_at_once;
    small_world_play(&world, &result);
    const struct histogram *lists = result.from_send[ENGINE_GET];
    int64_t cut = result.failures[ENGINE_GET][EXCHANGE_RESET];
    cr_expect_gt(cut, 100);
    cr_expect_gt(histogram_count(lists), 50);
    cr_expect_geq(histogram_quantile(lists, 0.1), (uint64_t)(10 * MS) * 99 / 100);
    engine_result_deinit(&result);
}

static void unreadable(void *context, const struct fake_request *request,
                       struct fake_answer *answer)
{
    (void)context;
    if (!request->is_post) {
        answer->body = "{\"recommendations\":[17]}";
    }
}

Test(engine, unreadable_lists_fail_and_the_first_is_explained)
{
    struct engine_result result;
    world.script.answer = unreadable;
    small_world_play(&world, &result);
    struct ledger_counts all = ledger_total(result.ledger);
    cr_expect_eq(all.get_failed, all.get_sent);
    cr_expect_eq(all.lists, 0);
    cr_expect_str_eq(result.problem.text, "unreadable list, byte 20: expected an object");
    cr_expect(strstr(result.problem.where, "/recommendations/?user_id=") != NULL);
    engine_result_deinit(&result);
}

/* Lists are the same at every visit, so only the memory of films keeps people from repeating. */
static void no_film_twice(void *context, const struct fake_request *request,
                          struct fake_answer *answer)
{
    (void)answer;
    int *film_of = context; /* [users][20] films rated by each user */
    if (request->is_post) {
        const char *at = strstr(request->body, "\"movie_id\":");
        int film = (int)strtol(at + 11, NULL, 10);
        int *seen = film_of + 20 * request->user_id;
        for (int i = 0; i < 20; i++) {
            cr_assert_neq(seen[i], film, "user %d rates film %d again", request->user_id, film);
            if (seen[i] == 0) {
                seen[i] = film;
                break;
            }
        }
    }
}

Test(engine, nobody_rates_a_film_twice_or_one_seen_before)
{
    struct engine_result result;
    int *film_of = calloc((SMALL_WORLD_PEOPLE + 1) * 20, sizeof *film_of);
    world.plan.arrivals.people = 20;
    world.script.answer = no_film_twice;
    world.script.context = film_of;
    small_world_play(&world, &result);
    cr_expect_gt(ledger_total(result.ledger).rated, 60, "%lld ratings of 20 people",
                 (long long)ledger_total(result.ledger).rated);
    engine_result_deinit(&result);

    /* Whoever has seen everything rates nothing. */
    int32_t films = population_catalogue(world.population)->count;
    int64_t *start = calloc(SMALL_WORLD_PEOPLE + 1, sizeof *start);
    int32_t *item = malloc((size_t)films * sizeof *item);
    for (int32_t i = 0; i < films; i++) {
        item[i] = i;
    }
    for (int p = 1; p <= SMALL_WORLD_PEOPLE; p++) {
        start[p] = p > 7 ? films : 0; /* person 7 */
    }
    memset(film_of, 0, (SMALL_WORLD_PEOPLE + 1) * 20 * sizeof *film_of);
    world.plan.seen = (struct engine_seen){.start = start, .item = item};
    small_world_play(&world, &result);
    cr_expect_eq(film_of[20 * 8], 0, "user 8 is person 7");
    cr_expect_neq(film_of[20 * 9], 0, "the others go on");
    engine_result_deinit(&result);
    free(start);
    free(item);
    free(film_of);
}

Test(engine, threads_without_people_finish)
{
    struct engine_result result;
    world.plan.arrivals.people = 2;
    world.plan.threads = 4;
    small_world_play(&world, &result);
    cr_expect_gt(result.ledger->visits, 100);
    engine_result_deinit(&result);
}

Test(engine, live_figures_end_equal_to_the_ledger)
{
    struct engine *engine = NULL;
    struct engine_live live;
    struct engine_result result;
    world.plan.threads = 2;
    world.script.answer = trouble;
    fake_transport_use(&world.script);
    cr_assert_eq(engine_start(&world.plan, &engine, NULL), ERR_OK);
    while (!engine_finished(engine)) {
        engine_live(engine, &live);
        cr_expect_geq(live.in_flight, 0);
    }
    engine_live(engine, &live);
    engine_join(engine, &result);
    struct ledger_counts all = ledger_total(result.ledger);
    cr_expect_eq(live.lists, all.lists);
    cr_expect_eq(live.rated, all.rated);
    cr_expect_eq(live.converted, all.converted);
    cr_expect_eq(live.failed, all.get_failed + all.post_failed);
    cr_expect_eq(live.unknown, all.get_unknown + all.post_unknown);
    cr_expect_eq(live.in_flight, 0);
    cr_expect_eq(live.waiting, 0);
    cr_expect_float_eq(live.stars, ledger_mean_rating(&all) * (double)all.rated, 1e-6);
    cr_expect_float_eq(live.reciprocal_rank, all.reciprocal_rank, 1e-6);
    cr_expect_eq(live.steps, result.ledger->steps);
    cr_expect_eq(live.visits, result.ledger->visits);
    int64_t timed = 0;
    for (int i = 0; i <= ENGINE_LIVE_BOUNDS; i++) {
        timed += live.latency[ENGINE_GET][ENGINE_FROM_SEND].count[i];
    }
    cr_expect_eq(timed, (int64_t)histogram_count(result.from_send[ENGINE_GET]));
    cr_expect_eq((uint64_t)live.lag_max_ns > histogram_max(result.schedule_lag) + (uint64_t)MS,
                 false);
    engine_result_deinit(&result);
}

struct stopper {
    struct engine *_Atomic engine;
    _Atomic int64_t stopped_ns; /* 0 before */
    struct engine_live live;    /* then */
};

static void stop_at_ten_seconds(void *context, const struct fake_request *request,
                                struct fake_answer *answer)
{
    struct stopper *stopper = context;
    (void)answer;
    if (request->sent_ns >= 10 * SECOND && atomic_load(&stopper->stopped_ns) == 0) {
        while (atomic_load(&stopper->engine) == NULL) {
            sched_yield();
        }
        atomic_store(&stopper->stopped_ns, request->sent_ns);
        engine_live(stopper->engine, &stopper->live);
        engine_stop(stopper->engine);
    }
}

static int64_t visits_until(int64_t until_ns)
{
    struct arrivals arrivals;
    struct visit visit;
    int64_t count = 0;
    arrivals_init(&arrivals, &world.plan.arrivals);
    while (arrivals_next(&arrivals, &visit) && visit.start_ns <= until_ns) {
        count++;
    }
    arrivals_deinit(&arrivals);
    return count;
}

/* Plays what is planned until a list asked for after ten seconds stops it; when that was. */
static int64_t play_until_stopped(struct stopper *stopper, struct engine_result *result)
{
    struct engine *engine = NULL;
    *stopper = (struct stopper){.engine = NULL};
    world.script.answer = stop_at_ten_seconds;
    world.script.context = stopper;
    fake_transport_use(&world.script);
    cr_assert_eq(engine_start(&world.plan, &engine, NULL), ERR_OK);
    atomic_store(&stopper->engine, engine);
    engine_join(engine, result);
    return atomic_load(&stopper->stopped_ns);
}

Test(engine, stop_lets_requests_in_flight_complete_and_sends_no_more)
{
    struct stopper stopper;
    struct engine_result result;
    world.plan.arrivals.visits_per_s = 40;
    world.plan.connections = 4; /* too few, so that something is left unsent */
    world.plan.block_ns = SECOND;
    world.script.latency_ns = 300 * MS;
    int64_t stopped_ns = play_until_stopped(&stopper, &result);
    struct ledger_counts all = ledger_total(result.ledger);
    const struct fake_totals *totals = fake_transport_totals();
    struct ledger_counts after = ledger_window(result.ledger, 10 * SECOND + 400 * MS, 99 * SECOND);
    cr_expect_gt(stopped_ns, 0);
    cr_expect_eq(after.get_sent + after.post_sent, 0);
    cr_expect_eq(all.get_sent, all.lists, "what was in flight completed");
    cr_expect_eq(all.post_sent, all.rated);
    cr_expect_eq(all.lists, totals->lists);
    cr_expect_eq(all.rated, totals->ratings);
    cr_expect_eq(result.ended_ns, stopped_ns + 300 * MS);
    cr_expect_gt(result.ledger->steps_unsent, 100, "%lld steps unsent",
                 (long long)result.ledger->steps_unsent);
    /* Nothing that was due is forgotten: visits, lists, and ratings. */
    int64_t block_unsent[ENGINE_ENDPOINTS] = {0};
    cr_expect_geq(result.unsent[ENGINE_GET], visits_until(stopped_ns) - result.ledger->visits);
    cr_expect_eq(result.unsent[ENGINE_GET], result.ledger->steps_unsent);
    cr_expect_gt(result.unsent[ENGINE_POST], 5, "%lld ratings unsent",
                 (long long)result.unsent[ENGINE_POST]);
    for (int64_t b = 0; b < result.block_count; b++) {
        for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
            block_unsent[e] += result.block[b].by[e].unsent;
        }
    }
    int64_t unsent = result.unsent[ENGINE_GET] + result.unsent[ENGINE_POST];
    cr_expect_eq(block_unsent[ENGINE_GET], result.unsent[ENGINE_GET]);
    cr_expect_eq(block_unsent[ENGINE_POST], result.unsent[ENGINE_POST]);
    cr_expect_gt(result.unsent_late, unsent * 9 / 10, "they waited for connections");
    cr_expect(stopper.live.waiting <= unsent && stopper.live.waiting > unsent * 9 / 10,
              "%lld waiting, %lld never sent", (long long)stopper.live.waiting, (long long)unsent);
    engine_result_deinit(&result);
}

/* The person is on a visit when the run is stopped, and the next visits wait. */
Test(engine, a_stop_forgets_no_visit_of_a_busy_person)
{
    struct stopper stopper;
    struct engine_result result;
    world.plan.arrivals.people = 1;
    world.plan.arrivals.visits_per_s = 2;
    world.plan.arrivals.steps_per_visit = 1;
    world.plan.lists_only = true;
    world.script.latency_ns = 800 * MS;
    int64_t stopped_ns = play_until_stopped(&stopper, &result);
    cr_expect_gt(result.unsent[ENGINE_GET], 3);
    cr_expect_eq(result.ledger->steps + result.unsent[ENGINE_GET], visits_until(stopped_ns));
    cr_expect_eq(result.unsent_late, 0, "connections were free");
    engine_result_deinit(&result);
}
