/* Several workers against the fake, watched and stopped from the main thread. Under the thread
 * sanitizer this proves that live figures and stop are the only things shared; everywhere, that the
 * ledger does not depend on the number of threads. */
#include "base/clock.h"
#include "fake_transport.h"
#include "load/engine.h"
#include "small_world.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

static struct engine *start(const struct small_world *world)
{
    struct engine *engine = NULL;
    struct error error = {0};
    fake_transport_use(&world->script);
    small_world_must(engine_start(&world->plan, &engine, &error), &error);
    return engine;
}

static void play_watched(const struct small_world *world, struct engine_result *out)
{
    struct engine *engine = start(world);
    struct engine_live live;
    int64_t steps = 0;
    while (!engine_finished(engine)) {
        engine_live(engine, &live);
        if (live.steps < steps || live.lists > live.steps + live.in_flight) {
            (void)fprintf(stderr, "live figures go backwards\n");
            abort();
        }
        steps = live.steps;
        clock_sleep_ns(CLOCK_NS_PER_MS);
    }
    engine_join(engine, out);
}

static int differs(const struct ledger *a, const struct ledger *b)
{
    int different = a->digest != b->digest || a->steps != b->steps || a->visits != b->visits;
    for (int p = 0; p < a->phase_count; p++) {
        different |= memcmp(&a->nominal[p], &b->nominal[p], sizeof a->nominal[p]) != 0;
        different |= memcmp(&a->places[p], &b->places[p], sizeof a->places[p]) != 0;
    }
    return different | (memcmp(a->source, b->source, sizeof a->source) != 0);
}

/* What people did and were expected to do; observed times depend on who waited for whom. */
static int events_differ(const struct events *a, const struct events *b)
{
    double sums[2] = {0, 0};
    const struct events *both[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        for (int64_t e = 0; e < both[i]->count; e++) {
            const struct event *event = &both[i]->event[e];
            sums[i] += (double)event->rank * 1e3 + event->source;
        }
    }
    return !a->complete || !b->complete || a->count != b->count || sums[0] != sums[1];
}

static int same_for_any_number_of_threads(struct small_world *world)
{
    struct engine_result first, result;
    int failures = 0;
    world->plan.threads = 1;
    play_watched(world, &first);
    for (unsigned threads = 2; threads <= 4; threads *= 2) {
        world->plan.threads = threads;
        play_watched(world, &result);
        if (differs(first.ledger, result.ledger)) {
            (void)fprintf(stderr, "%u threads: digest %016" PRIx64 ", one thread %016" PRIx64 "\n",
                          threads, result.ledger->digest, first.ledger->digest);
            failures++;
        }
        if (events_differ(&first.events, &result.events)) {
            (void)fprintf(stderr, "%u threads: other events\n", threads);
            failures++;
        }
        engine_result_deinit(&result);
    }
    if (ledger_total(first.ledger).rated < 50) {
        (void)fprintf(stderr, "hardly anybody rated\n");
        failures++;
    }
    engine_result_deinit(&first);
    return failures;
}

/* Stopped at some point of its course, the ledger still agrees with the target. */
static int stopped_anywhere(struct small_world *world)
{
    int failures = 0;
    world->plan.threads = 4;
    for (int delay = 0; delay < 20; delay++) {
        struct engine_result result;
        struct engine *engine = start(world);
        for (int i = 0; i < delay * 50; i++) {
            sched_yield();
        }
        engine_stop(engine);
        engine_join(engine, &result);
        struct ledger_counts all = ledger_total(result.ledger);
        const struct fake_totals *totals = fake_transport_totals();
        if (all.lists != totals->lists || all.rated + all.unattributed != totals->ratings ||
            all.get_sent != all.lists) {
            (void)fprintf(stderr, "stop %d: ledger and target disagree\n", delay);
            failures++;
        }
        engine_result_deinit(&result);
    }
    return failures;
}

/* Every kind of traffic at once. */
static void bring_traffic(struct small_world *world)
{
    static const struct {
        enum drift_kind kind;
        double size;
    } rows[] = {{DRIFT_BOTS, .1},       {DRIFT_SHILLING, .1},   {DRIFT_TRAFFIC, 2},
                {DRIFT_COLD_START, .3}, {DRIFT_COLD_START, .5}, {DRIFT_SLOW_RATERS, 3}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        world->drift.injection[world->drift.count++] =
            (struct drift_injection){.kind = rows[i].kind,
                                     .shape = DRIFT_SUDDEN,
                                     .onset_ns = 5 * SMALL_WORLD_SECOND,
                                     .end_ns = INT64_MAX,
                                     .size = rows[i].size};
    }
    world->plan.arrivals.newcomers = 30;
    world->plan.arrivals.joins_per_s = 1;
    world->plan.arrivals.leaving = (struct arrivals_leaving){.after_steps = 5, .probability = .5};
}

int main(void)
{
    struct small_world world;
    small_world_init(&world);
    world.plan.arrivals.end_ns = 20 * SMALL_WORLD_SECOND;
    world.plan.keep_events = true;
    world.drift.injection[0].onset_ns = 10 * SMALL_WORLD_SECOND;
    int failures = same_for_any_number_of_threads(&world) + stopped_anywhere(&world);
    bring_traffic(&world);
    failures += same_for_any_number_of_threads(&world) + stopped_anywhere(&world);
    small_world_deinit(&world);
    return failures == 0 ? 0 : 1;
}
