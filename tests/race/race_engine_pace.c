/* Changes of rate from two threads while four workers play, some of them from a worker's own
 * thread. Under the thread sanitizer this proves that a change is published before it is counted;
 * everywhere, that what happens does not depend on when. */
#include "base/clock.h"
#include "fake_transport.h"
#include "load/engine.h"
#include "small_world.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#define CHANGES 60

struct changer {
    struct engine *engine;
    double factor;
    int made;
};

static void *change_often(void *context)
{
    struct changer *changer = context;
    for (int i = 0; i < CHANGES; i++) {
        int64_t at_ns = i * SMALL_WORLD_SECOND / 4;
        changer->made +=
            engine_set_rate_factor(changer->engine, i % 3 == 0 ? 1 : changer->factor, at_ns);
        (void)engine_drill_ns(changer->engine, at_ns);
        sched_yield();
    }
    return NULL;
}

static int play_changed(const struct small_world *world, struct engine_result *out)
{
    struct engine *engine = NULL;
    struct error error = {0};
    pthread_t thread;
    int failures = 0;
    fake_transport_use(&world->script);
    small_world_must(engine_start(&world->plan, &engine, &error), &error);
    struct changer slow = {.engine = engine, .factor = 0.5}, fast = {.engine = engine, .factor = 4};
    if (pthread_create(&thread, NULL, change_often, &slow) != 0) {
        abort();
    }
    change_often(&fast);
    pthread_join(thread, NULL);
    while (!engine_finished(engine)) {
        struct engine_live live;
        engine_live(engine, &live);
        sched_yield();
    }
    engine_join(engine, out);
    if (slow.made + fast.made != 2 * CHANGES || out->rate_changes != 2 * CHANGES) {
        (void)fprintf(stderr, "%d changes of %d\n", out->rate_changes, 2 * CHANGES);
        failures++;
    }
    for (int i = 1; i < out->rate_changes; i++) {
        failures += out->rate_change[i].at_ns < out->rate_change[i - 1].at_ns;
    }
    return failures;
}

int main(void)
{
    struct small_world world;
    struct engine_result usual, changed;
    int failures = 0;
    small_world_init(&world);
    world.plan.arrivals.end_ns = 20 * SMALL_WORLD_SECOND;
    small_world_play(&world, &usual);
    world.plan.threads = 4;
    for (int i = 0; i < 5; i++) {
        failures += play_changed(&world, &changed);
        if (changed.ledger->digest != usual.ledger->digest ||
            changed.ledger->visits != usual.ledger->visits) {
            (void)fprintf(stderr, "round %d: another ledger\n", i);
            failures++;
        }
        engine_result_deinit(&changed);
    }
    engine_result_deinit(&usual);
    small_world_deinit(&world);
    return failures == 0 ? 0 : 1;
}
