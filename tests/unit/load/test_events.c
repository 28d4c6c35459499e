#include "base/mem.h"
#include "load/events.h"

#include <criterion/criterion.h>

static struct event at(int64_t listed_ns, uint64_t visit, uint32_t step)
{
    return (struct event){.listed_ns = listed_ns, .visit = visit, .step = step};
}

Test(events, are_sorted_by_time_then_visit_then_step)
{
    static const struct {
        int64_t listed_ns;
        uint64_t visit;
        uint32_t step;
    } rows[] = {{5, 1, 1}, {2, 9, 1}, {2, 3, 2}, {2, 3, 1}, {-4, 7, 0}, {5, 1, 0}},
      sorted[] = {{-4, 7, 0}, {2, 3, 1}, {2, 3, 2}, {2, 9, 1}, {5, 1, 0}, {5, 1, 1}};
    struct events events = {.complete = true};
    for (int64_t i = 0; i < 6; i++) {
        struct event event = at(rows[i].listed_ns, rows[i].visit, rows[i].step);
        cr_assert_eq(events_add(&events, &event, EVENTS_MAX), i);
    }
    events_sort(&events);
    for (int i = 0; i < 6; i++) {
        cr_expect_eq(events.event[i].listed_ns, sorted[i].listed_ns, "%d", i);
        cr_expect_eq(events.event[i].visit, sorted[i].visit, "%d", i);
        cr_expect_eq(events.event[i].step, sorted[i].step, "%d", i);
    }
    cr_expect(events.complete);
    events_deinit(&events);
}

Test(events, more_than_are_kept_make_them_incomplete)
{
    struct events events = {.complete = true};
    struct event event = at(1, 1, 1);
    cr_expect_eq(events_add(&events, &event, 2), 0);
    cr_expect_eq(events_add(&events, &event, 2), 1);
    cr_expect(events.complete);
    cr_expect_eq(events_add(&events, &event, 2), -1);
    cr_expect_not(events.complete);
    cr_expect_eq(events.count, 2);
    events_deinit(&events);
}

Test(events, exhausted_memory_makes_them_incomplete_and_keeps_what_was_there)
{
    struct events events = {.complete = true}, more = {.complete = true};
    struct event event = at(1, 1, 1);
    cr_assert_eq(events_add(&events, &event, EVENTS_MAX), 0);
    while (events.count < events.capacity) {
        cr_assert_geq(events_add(&events, &event, EVENTS_MAX), 0);
    }
    int64_t count = events.count;
    mem_fail_after(1);
    cr_expect_eq(events_add(&events, &event, EVENTS_MAX), -1);
    mem_fail_after(0);
    cr_expect_not(events.complete);
    cr_expect_eq(events.count, count);
    events.complete = true;
    cr_assert_eq(events_add(&more, &event, EVENTS_MAX), 0);
    mem_fail_after(1);
    events_merge(&events, &more);
    mem_fail_after(0);
    cr_expect_not(events.complete);
    cr_expect_eq(events.count, count);
    cr_expect_null(more.event);
    events_deinit(&events);
}

Test(events, merging_takes_all_over_and_remembers_what_is_missing)
{
    struct events into = {.complete = true}, from = {.complete = true}, none = {0};
    for (int64_t i = 0; i < 5000; i++) {
        struct event event = at(i, (uint64_t)i, 0);
        cr_assert_geq(events_add(i % 2 == 0 ? &into : &from, &event, EVENTS_MAX), 0);
    }
    events_merge(&into, &from);
    cr_expect_eq(into.count, 5000);
    cr_expect_eq(from.count, 0);
    cr_expect(into.complete);
    events_sort(&into);
    for (int64_t i = 0; i < 5000; i++) {
        cr_assert_eq(into.event[i].listed_ns, i);
    }
    events_merge(&into, &none);
    cr_expect_not(into.complete, "a worker that kept none, or not all");
    events_deinit(&into);
}

Test(events, sources_are_renamed)
{
    static const uint8_t map[] = {2, 0, 1, 3, 4, 5, 6, 7, 8};
    struct events events = {0};
    for (uint8_t s = 0; s < 9; s++) {
        struct event event = {.source = s};
        cr_assert_geq(events_add(&events, &event, EVENTS_MAX), 0);
    }
    events_rename_sources(&events, map);
    for (uint8_t s = 0; s < 9; s++) {
        cr_expect_eq(events.event[s].source, map[s]);
    }
    events_deinit(&events);
}
