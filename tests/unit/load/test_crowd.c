#include "base/mem.h"
#include "base/rng.h"
#include "load/crowd.h"
#include "population/scene.h"

#include <criterion/criterion.h>
#include <malloc.h>

Test(crowd, every_person_belongs_to_exactly_one_worker)
{
    for (unsigned threads = 1; threads <= 7; threads++) {
        struct engine_plan plan = {.threads = threads, .arrivals = {.people = 23}};
        int owners[23] = {0};
        int32_t total = 0;
        for (unsigned index = 0; index < threads; index++) {
            struct crowd crowd;
            crowd_init(&crowd, &plan, index);
            for (int32_t v = 0; v < crowd.count; v++) {
                int32_t person = crowd_person(&crowd, v);
                cr_assert(person >= 0 && person < 23);
                cr_expect(crowd_owns(&crowd, person));
                cr_expect_eq(crowd_visitor(&crowd, person), v);
                owners[person]++;
            }
            total += crowd.count;
            crowd_deinit(&crowd);
        }
        cr_expect_eq(total, 23);
        for (int i = 0; i < 23; i++) {
            cr_expect_eq(owners[i], 1, "person %d of %u threads", i, threads);
        }
    }
}

Test(crowd, waiting_visits_come_in_order_of_arrival)
{
    struct engine_plan plan = {.threads = 1, .arrivals = {.people = 3}};
    struct crowd crowd;
    struct visit visit;
    crowd_init(&crowd, &plan, 0);
    cr_expect_not(crowd_next_visit(&crowd, 0, &visit));
    for (int round = 0; round < 3; round++) {
        for (uint64_t n = 0; n < 300; n++) {
            visit = (struct visit){.number = n, .person = (int32_t)(n % 3)};
            cr_assert(crowd_wait(&crowd, (int32_t)(n % 3), &visit));
        }
        cr_expect_eq(crowd_waiting_total(&crowd), 300);
        for (uint64_t n = 0; n < 300; n++) {
            cr_assert(crowd_next_visit(&crowd, (int32_t)(n % 3), &visit));
            cr_expect_eq(visit.number, n);
        }
        cr_expect_eq(crowd_waiting_total(&crowd), 0);
        cr_expect_not(crowd_next_visit(&crowd, 1, &visit));
    }
    cr_expect_leq(crowd.waiting_capacity, 600, "records are used again");
    crowd_deinit(&crowd);
}

Test(crowd, films_seen_are_those_before_and_those_rated_in_order)
{
    static const int64_t start[] = {0, 0, 3};
    static const int32_t item[] = {4, 8, 9};
    struct engine_plan plan = {
        .threads = 1, .arrivals = {.people = 2}, .seen = {.start = start, .item = item}};
    struct crowd crowd;
    int32_t count;
    crowd_init(&crowd, &plan, 0);
    cr_expect_eq(crowd_seen(&crowd, 1, &count), item, "nothing is copied before it must be");
    cr_expect_eq(count, 3);
    (void)crowd_seen(&crowd, 0, &count);
    cr_expect_eq(count, 0);
    static const int32_t rated[] = {100, 5, 1, 7, 6, 50};
    static const int32_t wanted[] = {1, 4, 5, 6, 7, 8, 9, 50, 100};
    for (int i = 0; i < 6; i++) {
        cr_assert(crowd_remember(&crowd, 1, rated[i]));
    }
    const int32_t *seen = crowd_seen(&crowd, 1, &count);
    cr_assert_eq(count, 9);
    cr_expect_arr_eq(seen, wanted, sizeof wanted);
    cr_assert(crowd_remember(&crowd, 0, 2));
    seen = crowd_seen(&crowd, 0, &count);
    cr_expect(count == 1 && seen[0] == 2);
    crowd_deinit(&crowd);
}

/* What a step may ask: is this film of the list among those seen? */
Test(crowd, a_step_knows_as_much_of_its_list_as_all_that_was_seen_tells)
{
    static const int64_t start[] = {0, 6};
    static const int32_t item[] = {4, 8, 9, 15, 16, 42};
    static const int32_t rated[] = {100, 5, 1, 7, 41};
    struct drift drift = {.count = 1};
    struct engine_plan plan = {.threads = 1,
                               .drift = &drift,
                               .arrivals = {.people = 1},
                               .seen = {.start = start, .item = item}};
    struct crowd crowd;
    crowd_init(&crowd, &plan, 0);
    for (int round = 0; round <= 5; round++) {
        for (uint64_t n = 0; n < 50; n++) {
            struct rng rng = rng_stream(1, n, (uint32_t)round);
            struct step_list list = {.count = (int32_t)rng_below(&rng, 20)};
            bool wanted[20];
            int32_t count;
            for (int32_t k = 0; k < list.count; k++) {
                list.item[k] = (int32_t)rng_below(&rng, 45) - 1; /* -1: a film unknown here */
            }
            const int32_t *all = crowd_seen(&crowd, 0, &count);
            bool each[20];
            scene_contains_each(all, count, &list, each);
            for (int32_t k = 0; k < list.count; k++) {
                wanted[k] = false;
                for (int32_t i = 0; i < count; i++) {
                    wanted[k] = wanted[k] || all[i] == list.item[k];
                }
                cr_expect_eq(scene_contains(all, count, list.item[k]), wanted[k]);
                cr_expect_eq(each[k], wanted[k]);
            }
            const int32_t *some = crowd_seen_for(&crowd, 0, &list, &count);
            for (int32_t k = 0; k < list.count; k++) {
                cr_expect_eq(scene_contains(some, count, list.item[k]), wanted[k],
                             "list %d, film %d after %d ratings", (int)n, (int)list.item[k], round);
            }
            cr_expect(round == 0 || count <= list.count, "no more than is asked about");
        }
        cr_assert(round == 5 || crowd_remember(&crowd, 0, rated[round]));
    }
    crowd_deinit(&crowd);
    int32_t count;
    struct step_list list = {.count = 1, .item = {3}};
    drift.injection[0].offers = 1; /* new films may come to mind that no list shows */
    crowd_init(&crowd, &plan, 0);
    cr_assert(crowd_remember(&crowd, 0, 3));
    (void)crowd_seen_for(&crowd, 0, &list, &count);
    cr_expect_eq(count, 7, "then all that was seen matters");
    crowd_deinit(&crowd);
}

Test(crowd, bots_remember_nothing)
{
    struct engine_plan plan = {.threads = 1, .arrivals = {.people = 2}};
    struct crowd crowd;
    int32_t count;
    crowd_init(&crowd, &plan, 0);
    crowd.visitor[0].visit.kind = ARRIVALS_BOT;
    crowd.visitor[1].visit.kind = ARRIVALS_SHILL;
    for (int32_t film = 0; film < 50; film++) {
        cr_assert(crowd_remember(&crowd, 0, film));
        cr_assert(crowd_remember(&crowd, 1, film));
    }
    (void)crowd_seen(&crowd, 0, &count);
    cr_expect_eq(count, 0);
    (void)crowd_seen(&crowd, 1, &count);
    cr_expect_eq(count, 50, "shills rate no film twice");
    crowd_deinit(&crowd);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HEAP_IS_COUNTED false /* by the sanitizer's own allocator */
#else
#define HEAP_IS_COUNTED true
#endif

/* What a long run at full rate grows by (docs/shards.md). */
Test(crowd, a_film_remembered_takes_few_bytes)
{
    enum { MANY = 500, FILMS = 150 };
    struct engine_plan plan = {.threads = 1, .arrivals = {.people = MANY}};
    struct crowd crowd;
    crowd_init(&crowd, &plan, 0);
    size_t before = mallinfo2().uordblks;
    for (int32_t film = 1; HEAP_IS_COUNTED && film <= FILMS; film++) {
        for (int32_t visitor = 0; visitor < MANY; visitor++) {
            cr_assert(crowd_remember(&crowd, visitor, film));
        }
        size_t bytes = mallinfo2().uordblks - before;
        if (film <= CROWD_RATED_WITHIN) {
            cr_expect_eq(bytes, 0, "%zu bytes for %d films", bytes, (int)film);
        } else {
            cr_expect_leq(bytes, (size_t)(CROWD_BYTES_A_FILM * film * MANY),
                          "%zu bytes for %d films of each", bytes, (int)film);
            cr_expect_geq(bytes, sizeof(int32_t) * (size_t)(film * MANY), "they are somewhere");
        }
    }
    crowd_deinit(&crowd);
}

Test(crowd, exhausted_memory_is_told_and_breaks_nothing)
{
    struct engine_plan plan = {.threads = 1, .arrivals = {.people = 1}};
    struct crowd crowd;
    struct visit visit = {.number = 1};
    int32_t count;
    crowd_init(&crowd, &plan, 0);
    mem_fail_after(1);
    cr_expect_not(crowd_wait(&crowd, 0, &visit));
    mem_fail_after(1);
    for (int32_t film = 0; film < CROWD_RATED_WITHIN; film++) {
        cr_expect(crowd_remember(&crowd, 0, 40 - 10 * film), "the first few need no memory");
    }
    cr_expect_not(crowd_remember(&crowd, 0, 3));
    mem_fail_after(0);
    cr_expect(crowd_remember(&crowd, 0, 3));
    mem_fail_after(1);
    cr_expect_null(crowd_seen(&crowd, 0, &count));
    cr_expect_eq(count, CROWD_RATED_WITHIN + 1);
    mem_fail_after(0);
    const int32_t *seen = crowd_seen(&crowd, 0, &count);
    cr_assert_not_null(seen);
    for (int32_t i = 1; i < count; i++) {
        cr_expect_lt(seen[i - 1], seen[i], "all are there, rising");
    }
    cr_expect(crowd_wait(&crowd, 0, &visit));
    cr_expect(crowd_next_visit(&crowd, 0, &visit));
    cr_expect_eq(visit.number, 1);
    crowd_deinit(&crowd);
}
