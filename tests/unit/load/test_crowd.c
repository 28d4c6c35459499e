#include "base/mem.h"
#include "load/crowd.h"

#include <criterion/criterion.h>

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
    cr_expect_not(crowd_remember(&crowd, 0, 3));
    mem_fail_after(0);
    cr_expect(crowd_remember(&crowd, 0, 3));
    mem_fail_after(1);
    cr_expect_null(crowd_seen(&crowd, 0, &count));
    cr_expect_eq(count, 1);
    mem_fail_after(0);
    cr_expect(crowd_wait(&crowd, 0, &visit));
    cr_expect(crowd_next_visit(&crowd, 0, &visit));
    cr_expect_eq(visit.number, 1);
    crowd_deinit(&crowd);
}
