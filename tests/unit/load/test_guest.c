#include "load/guest.h"

#include <criterion/criterion.h>
#include <string.h>

Test(guest, a_bot_takes_the_first_film_it_knows)
{
    struct drift_injection bots = {.kind = DRIFT_BOTS, .stars_given = 3};
    struct step_list list = {.count = 3, .item = {-1, 17, 4}};
    struct step_outcome taken = guest_take_first(&bots, &list);
    cr_expect_eq(taken.rank, 2);
    cr_expect_eq(taken.item, 17);
    cr_expect_eq(taken.half_stars, 3);
    cr_expect(taken.watched);
    bots.stars_given = 0;
    cr_expect_eq(guest_take_first(&bots, &list).half_stars, 10, "five stars unless told otherwise");
    list.count = 1;
    cr_expect_eq(guest_take_first(&bots, &list).rank, 0);
    list.count = 0;
    cr_expect_not(guest_take_first(&bots, &list).watched);
}

/* Rates until nothing is left, keeping the films in order. */
static int32_t push_all(const struct drift_injection *injection, int32_t account, int32_t films,
                        int32_t *order)
{
    int32_t rated[64], count = 0;
    for (;;) {
        struct step_outcome pushed = guest_push(injection, 4, account, films, rated, count);
        if (!pushed.watched) {
            return count;
        }
        cr_assert_eq(pushed.rank, 0, "nobody showed it");
        cr_assert_eq(pushed.half_stars, 10);
        cr_assert(pushed.item >= 0 && pushed.item < films && count < 64);
        order[count] = pushed.item;
        int32_t place = count++;
        for (; place > 0 && rated[place - 1] > pushed.item; place--) {
            rated[place] = rated[place - 1];
        }
        rated[place] = pushed.item;
        cr_assert(place == 0 || rated[place - 1] != pushed.item, "no film twice");
    }
}

Test(guest, shills_share_eight_different_targets_and_then_rate_everything_else_once)
{
    static const struct drift_injection paid = {.kind = DRIFT_SHILLING};
    for (int32_t films = 1; films <= 60; films++) {
        int32_t first[64], second[64], same = 0;
        cr_expect_eq(push_all(&paid, 1, films, first), films);
        cr_expect_eq(push_all(&paid, 2, films, second), films);
        while (same < films && first[same] == second[same]) {
            same++;
        }
        int32_t targets = films < GUEST_TARGETS ? films : GUEST_TARGETS;
        cr_expect_geq(same, targets, "%d films, %d in common", films, same);
        cr_expect(films < 20 || same <= GUEST_TARGETS + 2, "camouflage differs: %d", same);
    }
    cr_expect_not(guest_push(&paid, 4, 1, 0, NULL, 0).watched, "no films, no ratings");
}
