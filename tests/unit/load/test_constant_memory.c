/*
 * A long run does not grow: bytes in use of the heap, looked at during ten minutes of virtual time
 * against the fake. bench/constant_memory.c does the same for a million people in real time.
 */
#include "load/crowd.h"
#include "small_world.h"

#include <criterion/criterion.h>
#include <malloc.h>
#include <stdatomic.h>

#define MINUTES 10
#define LOOK_EVERY 64

static struct small_world world;

static void set_up(void)
{
    small_world_init(&world);
}

static void tear_down(void)
{
    small_world_deinit(&world);
}

TestSuite(constant_memory, .init = set_up, .fini = tear_down);

struct watch {
    int64_t warm_ns, end_ns;
    _Atomic int64_t requests;
    _Atomic size_t settled, most; /* bytes at the end of the warm-up, and at most afterwards */
};

static void look(void *context, const struct fake_request *request, struct fake_answer *answer)
{
    struct watch *watch = context;
    (void)answer;
    if (request->sent_ns < watch->warm_ns || request->sent_ns >= watch->end_ns ||
        atomic_fetch_add(&watch->requests, 1) % LOOK_EVERY != 0) {
        return;
    }
    struct mallinfo2 info = mallinfo2();
    size_t bytes = info.uordblks + info.hblkhd, none = 0;
    atomic_compare_exchange_strong(&watch->settled, &none, bytes);
    if (bytes > watch->most) {
        watch->most = bytes;
    }
}

/* Bytes by which the heap grew after the first minute, until the last visit may begin; *rated, if
 * wanted, are the films rated in all. */
static int64_t growth(double steps_per_s, int64_t *rated)
{
    struct watch watch = {.warm_ns = 60 * SMALL_WORLD_SECOND,
                          .end_ns = MINUTES * 60 * SMALL_WORLD_SECOND};
    struct engine_result result;
    world.script.answer = look;
    world.script.context = &watch;
    world.plan.arrivals.end_ns = watch.end_ns;
    world.plan.arrivals.visits_per_s = steps_per_s / 3;
    small_world_play(&world, &result);
    cr_assert_gt(result.ledger->steps, (int64_t)(steps_per_s * MINUTES * 50));
    cr_assert_gt(watch.settled, 0, "somebody has to be looked at");
    if (rated != NULL) {
        *rated = ledger_total(result.ledger).rated;
    }
    engine_result_deinit(&result);
    return (int64_t)watch.most - (int64_t)watch.settled;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HEAP_IS_COUNTED false /* by the sanitizer's own allocator */
#else
#define HEAP_IS_COUNTED true
#endif

/* Lists alone: nobody has anything to remember. */
Test(constant_memory, ten_minutes_do_not_grow)
{
    if (!HEAP_IS_COUNTED) {
        cr_log_info("the heap is the sanitizer's, nothing is measured");
        return;
    }
    world.plan.lists_only = true;
    int64_t bytes = growth(100, NULL);
    cr_expect_lt(bytes, 4096, "%lld bytes", (long long)bytes);
}

#define MANY 20000

/* Three steps each: whoever takes a film or two remembers them where there is room already. */
Test(constant_memory, many_people_hardly_grow_by_what_they_remember)
{
    static const struct parallel one = {.threads = 1};
    struct population_config config = population_defaults();
    struct population *many, *few = world.population;
    struct error error = {0};
    if (!HEAP_IS_COUNTED) {
        return;
    }
    config.users = MANY;
    cr_assert_eq(population_build(&config, &world.data, &one, &many, &error), ERR_OK);
    world.plan.population = many;
    world.plan.arrivals.people = MANY;
    int64_t bytes = growth(100, NULL);
    cr_expect_lt(bytes, MANY * 4, "%lld bytes", (long long)bytes);
    world.plan.population = few;
    population_free(many);
}

/* The measure is no blind one: 160 people who take many films each remember them, and that is all.
 */
Test(constant_memory, what_people_remember_is_seen)
{
    int64_t rated = 0;
    if (!HEAP_IS_COUNTED) {
        return;
    }
    int64_t bytes = growth(20, &rated);
    cr_expect_gt(bytes, 4096, "%lld bytes", (long long)bytes);
    cr_expect_lt(bytes, CROWD_BYTES_A_FILM * rated + 4096, "but only the films: %lld of %lld",
                 (long long)bytes, (long long)rated);
}
