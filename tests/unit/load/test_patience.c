#include "load/patience.h"

#include <criterion/criterion.h>
#include <string.h>

#define S INT64_C(1000000000)

Test(patience, each_kind_waits_as_it_should)
{
    static const struct {
        const char *name;
        struct engine_patience patience;
        int made;
        int32_t told_s;
        int64_t wait_ns;
    } rows[] = {
        {"polite, told", {0}, 1, 7, 7 * S},
        {"polite, told to come back at once", {0}, 1, 0, 0},
        {"polite, told nothing", {0}, 1, -1, -1},
        {"polite, told a minute", {0}, 1, 60, 60 * S},
        {"polite, told more than a minute", {0}, 1, 61, -1},
        {"polite, third repetition", {0}, PATIENCE_TRIES, 1, S},
        {"polite, no fourth", {0}, PATIENCE_TRIES + 1, 1, -1},
        {"polite, shorter patience", {.wait_max_ns = 2 * S}, 1, 3, -1},
        {"polite, more tries", {.tries = 9}, 9, 1, S},
        {"impatient", {.kind = PATIENCE_IMPATIENT}, 1, 1, -1},
        {"stubborn, told nothing", {.kind = PATIENCE_STUBBORN}, 1, -1, S},
        {"stubborn, told", {.kind = PATIENCE_STUBBORN}, 1, 30, S},
        {"stubborn, own pause", {.kind = PATIENCE_STUBBORN, .again_ns = 5}, 1, 30, 5},
        {"stubborn, in the end", {.kind = PATIENCE_STUBBORN}, PATIENCE_TRIES + 1, -1, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t wait_ns = patience_wait_ns(&rows[i].patience, rows[i].made, rows[i].told_s);
        cr_expect_eq(wait_ns, rows[i].wait_ns, "%s: %lld", rows[i].name, (long long)wait_ns);
    }
}

Test(patience, only_two_statuses_turn_people_away)
{
    static const long others[] = {0, 200, 302, 400, 404, 408, 428, 430, 500, 502, 504};
    cr_expect(patience_shed(429) && patience_shed(503));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        cr_expect_not(patience_shed(others[i]), "%ld", others[i]);
    }
}

Test(patience, names_are_read_as_they_are_written)
{
    enum patience_kind kind = PATIENCE_POLITE;
    for (int k = PATIENCE_POLITE; k <= PATIENCE_STUBBORN; k++) {
        cr_expect(patience_from_name(patience_name((enum patience_kind)k), &kind));
        cr_expect_eq((int)kind, k);
    }
    cr_expect_not(patience_from_name("Polite", &kind));
    cr_expect_eq(kind, PATIENCE_STUBBORN, "left alone");
}
