/* Ratings that share a request, against the fake in virtual time. */
#include "load/engine.h"

#include "fake_transport.h"
#include "small_world.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define SECOND SMALL_WORLD_SECOND
#define WAIT_NS (10 * MS) /* docs/TARGETS.md, `batch` */

static struct small_world world;

/* What the target saw; each worker's requests come from its own thread. */
static struct seen {
    _Atomic int64_t requests, ratings, most, refused;
    int refuse_from; /* a request of as many ratings or more is answered with `status` */
    long status;
    int32_t retry_after_s;
    bool stops; /* the engine is stopped when the fifth rating has come */
    _Atomic(struct engine *) engine;
} seen;

static int64_t ratings_in(const char *body)
{
    int64_t count = 0;
    for (const char *at = body; (at = strstr(at, "\"user_id\":")) != NULL; at++) {
        count++;
    }
    return count;
}

static void record(void *context, const struct fake_request *request, struct fake_answer *answer)
{
    (void)context;
    if (!request->is_post) {
        struct engine *engine = NULL;
        while (seen.stops && (engine = atomic_load(&seen.engine)) == NULL) {
            sched_yield();
        }
        if (engine != NULL && atomic_load(&seen.ratings) >= 5) {
            engine_stop(engine);
        }
        return;
    }
    int64_t count = ratings_in(request->body);
    atomic_fetch_add(&seen.requests, 1);
    atomic_fetch_add(&seen.ratings, count);
    int64_t most = atomic_load(&seen.most);
    while (count > most && !atomic_compare_exchange_weak(&seen.most, &most, count)) {
    }
    if (seen.refuse_from > 0 && count >= seen.refuse_from) {
        answer->status = seen.status;
        answer->retry_after_s = seen.retry_after_s;
        atomic_fetch_add(&seen.refused, count);
    }
}

/* The fake's own shape, with so many ratings in one request; what is around them is a comma and
 * brackets, or with `wide` something that lets but a few fit. */
static void take_batches(int batch, bool wide)
{
    static const char rating[] = "{\"user_id\":{user},\"movie_id\":{film},\"rating\":{rating},"
                                 "\"request_id\":{request_id}}";
    char path[64], padding[400] = "";
    struct faults faults;
    struct error error = {0};
    (void)snprintf(path, sizeof path, "/tmp/driftdrill-parcel-%d.yml", (int)getpid());
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    memset(padding, ' ', wide ? sizeof padding - 1 : 0);
    (void)fprintf(file,
                  "address: http://fake\n"
                  "list: {url: '/recommendations/?user_id={user}&n={n}', films: /recommendations,\n"
                  "       film: /movie_id, source: /recommender, request_id: /request_id}\n"
                  "rating: {url: /ratings/, batch: %d, body: '[{each}%s%s{/each}]'}\n",
                  batch, padding, rating);
    cr_assert_eq(fclose(file), 0);
    faults_init(&faults);
    target_free(world.target);
    enum err code = target_read(path, population_catalogue(world.population), 10, &world.target,
                                &faults, &error);
    faults_print(&faults);
    faults_deinit(&faults);
    (void)unlink(path);
    cr_assert_eq(code, ERR_OK, "%s", error.text);
    world.plan.target = world.target;
}

static void set_up(void)
{
    small_world_init(&world);
    memset(&seen, 0, sizeof seen);
    world.script.answer = record;
    world.plan.arrivals.visits_per_s = 3000; /* a rating a millisecond, until films run out */
    world.plan.arrivals.think_median_s = 0.02;
    world.plan.arrivals.end_ns = SECOND;
    world.plan.connections = 1000;
}

static void tear_down(void)
{
    small_world_deinit(&world);
}

TestSuite(engine_parcel, .init = set_up, .fini = tear_down);

static int64_t sum_of(const int64_t *by_class)
{
    int64_t sum = 0;
    for (int c = 0; c < LEDGER_STATUS_CLASSES; c++) {
        sum += by_class[c];
    }
    return sum;
}

Test(engine_parcel, ratings_that_are_due_together_share_a_request)
{
    struct engine_result alone, result;
    small_world_play(&world, &alone);
    struct ledger_counts one_each = ledger_total(alone.ledger);
    cr_expect_eq(sum_of(one_each.post_requests), one_each.post_sent);
    static const struct {
        int batch;
        bool wide;
        unsigned threads;
        int64_t most;
    } rows[] = {{5, false, 1, 5}, {5, false, 3, 5}, {100, true, 1, 3}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(&seen, 0, sizeof seen);
        take_batches(rows[i].batch, rows[i].wide);
        world.plan.threads = rows[i].threads;
        small_world_play(&world, &result);
        struct ledger_counts all = ledger_total(result.ledger);
        cr_expect_eq(seen.most, rows[i].most, "row %zu: %lld", i, (long long)seen.most);
        cr_expect_lt(seen.requests, seen.ratings * 2 / 3, "row %zu: %lld requests", i,
                     (long long)seen.requests);
        cr_expect_eq(fake_transport_totals()->malformed, 0);
        cr_expect_eq(all.rated, seen.ratings);
        cr_expect_eq(all.post_sent, seen.ratings);
        cr_expect_eq(all.post_status[2], seen.ratings);
        cr_expect_eq(all.post_requests[2], seen.requests);
        cr_expect_eq(sum_of(all.post_requests), seen.requests);
        cr_expect_eq(result.ledger->digest, alone.ledger->digest,
                     "who shares with whom changes "
                     "nothing");
        cr_expect_eq(all.rated, one_each.rated);
        cr_expect_eq(result.ledger->steps_late, 0);
        engine_result_deinit(&result);
    }
    engine_result_deinit(&alone);
}

Test(engine_parcel, each_rating_keeps_its_own_start_and_waits_for_others_but_a_moment)
{
    struct engine_result result;
    take_batches(5, false);
    small_world_play(&world, &result);
    struct ledger_counts all = ledger_total(result.ledger);
    const struct histogram *whole = result.from_intended[ENGINE_POST];
    cr_expect_eq(histogram_count(whole), (uint64_t)all.post_sent);
    cr_expect_eq(histogram_count(result.from_send[ENGINE_POST]), (uint64_t)all.post_sent);
    /* Answers take 2 ms; histograms are right to a thousandth. */
    cr_expect_lt(histogram_quantile(whole, 0), 3 * MS, "the last one in goes at once");
    cr_expect_gt(histogram_quantile(whole, 0.5), 4 * MS);
    cr_expect_lt(histogram_max(whole), (uint64_t)(WAIT_NS + 2 * MS + MS / 10));
    cr_expect_lt(histogram_max(result.from_send[ENGINE_POST]), (uint64_t)(2 * MS + MS / 10));
    cr_expect_lt(histogram_max(result.schedule_lag), (uint64_t)(MS / 10), "nobody's lag");
    engine_result_deinit(&result);
    /* One person has nobody to share with. */
    world.plan.arrivals.people = 1;
    world.plan.arrivals.visits_per_s = 1;
    world.plan.arrivals.end_ns = 60 * SECOND;
    small_world_play(&world, &result);
    cr_expect_gt(histogram_count(result.from_intended[ENGINE_POST]), 5);
    cr_expect_gt(histogram_quantile(result.from_intended[ENGINE_POST], 0),
                 (uint64_t)(WAIT_NS + 2 * MS - MS / 10));
    engine_result_deinit(&result);
}

Test(engine_parcel, nobody_waits_in_a_closed_loop_that_is_all_there)
{
    struct engine_result result;
    take_batches(5, false);
    world.plan.mode = ENGINE_CLOSED;
    world.plan.closed_users = 1;
    small_world_play(&world, &result);
    cr_expect_gt(histogram_count(result.from_intended[ENGINE_POST]), 20);
    cr_expect_lt(histogram_max(result.from_intended[ENGINE_POST]), (uint64_t)(2 * MS + MS / 10));
    engine_result_deinit(&result);
}

Test(engine_parcel, a_refused_request_fails_every_rating_in_it)
{
    struct engine_result result;
    seen.refuse_from = 2;
    seen.status = 500;
    take_batches(5, false);
    small_world_play(&world, &result);
    struct ledger_counts all = ledger_total(result.ledger);
    cr_expect_gt(seen.refused, 100);
    cr_expect_eq(all.post_failed, seen.refused);
    cr_expect_eq(all.post_status[5], seen.refused);
    cr_expect_eq(result.failures[ENGINE_POST][EXCHANGE_ANSWERED], seen.refused);
    cr_expect_eq(all.rated, seen.ratings - seen.refused);
    cr_expect_lt(all.post_requests[5], seen.refused);
    cr_expect_eq(sum_of(all.post_requests), seen.requests);
    engine_result_deinit(&result);
}

Test(engine_parcel, whoever_is_turned_away_comes_back_with_whoever_is_there_then)
{
    struct engine_result result;
    seen.refuse_from = 4;
    seen.status = 429;
    seen.retry_after_s = 1;
    take_batches(5, false);
    world.plan.patience.tries = 1;
    world.plan.arrivals.end_ns = 3 * SECOND;
    small_world_play(&world, &result);
    struct ledger_counts all = ledger_total(result.ledger);
    cr_expect_gt(result.retried, 100);
    cr_expect_eq(result.shed[ENGINE_POST], seen.refused);
    cr_expect_leq(result.retried, seen.refused);
    cr_expect_eq(all.rated + seen.refused, seen.ratings);
    cr_expect_lt(histogram_max(result.schedule_lag), (uint64_t)(MS / 10),
                 "asked to wait, not late");
    engine_result_deinit(&result);
}

Test(engine_parcel, a_stop_leaves_those_who_wait_unsent)
{
    struct engine *engine = NULL;
    struct engine_result result;
    struct error error = {0};
    take_batches(100, false);
    fake_transport_use(&world.script);
    seen.stops = true;
    small_world_must(engine_start(&world.plan, &engine, &error), &error);
    atomic_store(&seen.engine, engine);
    engine_join(engine, &result);
    struct ledger_counts all = ledger_total(result.ledger);
    cr_expect_eq(all.post_sent, seen.ratings);
    cr_expect_eq(all.rated, seen.ratings, "what was sent is answered");
    cr_expect_gt(result.unsent[ENGINE_POST], 0);
    engine_result_deinit(&result);
}
