#include "drill/lifeline.h"

#include <criterion/criterion.h>
#include <string.h>

#define S INT64_C(1000000000)

Test(lifeline, one_missing_answer_is_no_death)
{
    struct lifeline line = {.name = "prometheus", .answered_ns = 0};
    char what[80] = "";
    cr_expect(lifeline_look(&line, true, "a", 1 * S, what, sizeof what));
    cr_expect(lifeline_look(&line, false, NULL, 2 * S, what, sizeof what));
    cr_expect(lifeline_look(&line, false, NULL, 3 * S, what, sizeof what));
    cr_expect(lifeline_look(&line, true, "a", 4 * S, what, sizeof what));
    cr_expect(lifeline_look(&line, false, NULL, 5 * S, what, sizeof what));
    cr_expect(lifeline_look(&line, false, NULL, 6 * S, what, sizeof what));
    cr_expect_str_eq(what, "");
}

Test(lifeline, several_in_a_row_are)
{
    struct lifeline line = {.name = "alertmanager", .answered_ns = 0};
    char what[80] = "";
    cr_expect(lifeline_look(&line, true, "a", 10 * S, what, sizeof what));
    cr_expect(lifeline_look(&line, false, NULL, 11 * S, what, sizeof what));
    cr_expect(lifeline_look(&line, false, NULL, 12 * S, what, sizeof what));
    cr_expect_not(lifeline_look(&line, false, NULL, 13 * S, what, sizeof what));
    cr_expect_str_eq(what, "alertmanager had not answered for 3.0 s");
}

Test(lifeline, quick_looks_wait_for_the_time_to_pass)
{
    struct lifeline line = {.name = "the target", .answered_ns = 0};
    char what[80] = "";
    for (int64_t at_ns = S / 10; at_ns < 2 * S; at_ns += S / 10) {
        cr_expect(lifeline_look(&line, false, NULL, at_ns, what, sizeof what), "%lld",
                  (long long)at_ns);
    }
    cr_expect_not(lifeline_look(&line, false, NULL, 2 * S, what, sizeof what));
}

Test(lifeline, another_start_is_another_process)
{
    struct lifeline line = {.name = "prometheus"};
    char what[80] = "";
    cr_expect(lifeline_look(&line, true, NULL, 1 * S, what, sizeof what));
    cr_expect(lifeline_look(&line, true, "2026-11-23T01:31:09.967613567Z", 2 * S, what, 80));
    cr_expect(lifeline_look(&line, true, "", 3 * S, what, sizeof what));
    cr_expect(lifeline_look(&line, true, "2026-11-23T01:31:09.967613567Z", 4 * S, what, 80));
    cr_expect_not(lifeline_look(&line, true, "2026-11-23T01:31:19.967613567Z", 5 * S, what, 80));
    cr_expect_str_eq(what, "prometheus was started again");
}
