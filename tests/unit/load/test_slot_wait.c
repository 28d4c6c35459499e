#include "load/slot_wait.h"

#include <criterion/criterion.h>

#define MS INT64_C(1000000)

Test(slot_wait, only_the_time_without_a_free_slot_counts)
{
    struct slot_wait slots = {0};
    cr_expect_eq(slot_wait_ns(&slots, 0, 100 * MS), 0, "never full");
    slot_wait_full(&slots, 10 * MS);
    slot_wait_full(&slots, 12 * MS); /* still */
    cr_expect_eq(slot_wait_ns(&slots, 11 * MS, 15 * MS), 4 * MS, "full to this moment");
    slot_wait_freed(&slots, 20 * MS);
    slot_wait_freed(&slots, 25 * MS); /* another one */
    slot_wait_full(&slots, 50 * MS);
    slot_wait_freed(&slots, 60 * MS);
    static const struct {
        const char *name;
        int64_t due_ms, now_ms, wait_ms;
    } rows[] = {
        {"before both", 0, 100, 20},       {"all before the first", 0, 10, 0},
        {"within the first", 15, 30, 5},   {"between them", 20, 50, 0},
        {"due between them", 30, 100, 10}, {"sent within the second", 0, 55, 15},
        {"after both", 60, 100, 0},        {"due after it was sent", 70, 60, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(slot_wait_ns(&slots, rows[i].due_ms * MS, rows[i].now_ms * MS),
                     rows[i].wait_ms * MS, "%s", rows[i].name);
    }
}

Test(slot_wait, a_slot_on_its_way_to_the_next_request_is_not_free)
{
    struct slot_wait slots = {0};
    slot_wait_full(&slots, 0);
    slot_wait_freed(&slots, 5 * MS);
    slot_wait_full(&slots, 5 * MS + SLOT_WAIT_GAP_NS - 1);
    slot_wait_freed(&slots, 10 * MS);
    cr_expect_eq(slot_wait_ns(&slots, 0, 20 * MS), 10 * MS);
    slot_wait_full(&slots, 10 * MS + SLOT_WAIT_GAP_NS);
    slot_wait_freed(&slots, 20 * MS);
    cr_expect_eq(slot_wait_ns(&slots, 0, 20 * MS), 20 * MS - SLOT_WAIT_GAP_NS);
}

Test(slot_wait, the_oldest_spells_are_taken_for_one)
{
    struct slot_wait slots = {0};
    for (int i = 0; i < SLOT_WAIT_SPELLS + 2; i++) { /* 1 ms of every 10 */
        slot_wait_full(&slots, 10 * i * MS);
        slot_wait_freed(&slots, (10 * i + 1) * MS);
    }
    int64_t end_ns = 10 * (SLOT_WAIT_SPELLS + 2) * MS;
    cr_expect_eq(slot_wait_ns(&slots, 30 * MS, end_ns), (SLOT_WAIT_SPELLS - 1) * MS);
    cr_expect_eq(slot_wait_ns(&slots, 0, end_ns), (SLOT_WAIT_SPELLS - 1 + 21) * MS,
                 "two gaps of 9 ms went under");
}
