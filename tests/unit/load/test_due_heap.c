#include "base/rng.h"
#include "load/due_heap.h"

#include <criterion/criterion.h>

Test(due_heap, gives_back_in_order_of_time_then_owner)
{
    enum { ENTRIES = 2000 };
    struct due_heap heap;
    struct rng rng = rng_stream(5, 0, 1);
    due_heap_init(&heap, ENTRIES);
    cr_expect_eq(due_heap_next_ns(&heap), INT64_MAX);
    for (int32_t i = 0; i < ENTRIES; i++) {
        due_heap_push(&heap, (int64_t)rng_below(&rng, 300), ENTRIES - i);
    }
    struct due last = {.time_ns = -1};
    for (int i = 0; i < ENTRIES; i++) {
        int64_t next = due_heap_next_ns(&heap);
        struct due due = due_heap_pop(&heap);
        cr_assert_eq(due.time_ns, next);
        cr_assert(due.time_ns > last.time_ns ||
                      (due.time_ns == last.time_ns && due.owner > last.owner),
                  "entry %d", i);
        last = due;
    }
    cr_expect_eq(heap.count, 0);
    due_heap_deinit(&heap);
}

Test(due_heap, stays_in_order_while_it_is_used)
{
    struct due_heap heap;
    struct rng rng = rng_stream(6, 0, 1);
    int64_t now = 0;
    due_heap_init(&heap, 64);
    for (int32_t i = 0; i < 64; i++) {
        due_heap_push(&heap, (int64_t)rng_below(&rng, 100), i);
    }
    for (int i = 0; i < 10000; i++) {
        struct due due = due_heap_pop(&heap);
        cr_assert_geq(due.time_ns, now);
        now = due.time_ns;
        due_heap_push(&heap, now + (int64_t)rng_below(&rng, 100), due.owner);
    }
    cr_expect_eq(heap.count, 64);
    due_heap_deinit(&heap);
}

Test(due_heap, what_is_due_is_counted_in_place)
{
    struct due_heap heap;
    due_heap_init(&heap, 200);
    cr_expect_eq(due_heap_due(&heap, INT64_MAX), 0);
    for (int32_t i = 0; i < 200; i++) {
        due_heap_push(&heap, (i * 77) % 200, i);
    }
    cr_expect_eq(due_heap_due(&heap, -1), 0);
    for (int64_t now = 0; now < 250; now += 7) {
        cr_expect_eq(due_heap_due(&heap, now), now < 200 ? now + 1 : 200, "at %d", (int)now);
    }
    cr_expect_eq(heap.count, 200);
    due_heap_deinit(&heap);
}
