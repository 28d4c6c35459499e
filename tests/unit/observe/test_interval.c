#include "observe/interval.h"

#include <criterion/criterion.h>
#include <string.h>

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define FROM INT64_C(1695513607123)

/* Worked out by hand from pkg/promlib/models/query.go, steps and windows in ms. */
static const struct {
    const char *name;
    struct interval_request request; /* to_ms is the range */
    int64_t interval_ms, step_ms, rate_ms;
} plans[] = {
    {"a small range is stepped by scrapes",
     {0, 15 * MINUTE, 600, 0, 0, 0, false, false, 0},
     15000,
     15000,
     60000},
    {"no width is 500 points", {0, 15 * MINUTE, 0, 0, 0, 1000, false, false, 0}, 2000, 2000, 4000},
    {"a day", {0, DAY, 500, 0, 0, 15000, false, false, 0}, 120000, 120000, 135000},
    {"a day on a narrow panel",
     {0, DAY, 300, 0, 0, 15000, false, false, 0},
     300000,
     300000,
     315000},
    {"a day on a wide panel", {0, DAY, 2000, 0, 0, 15000, false, false, 0}, 30000, 30000, 60000},
    {"Min interval of the panel",
     {0, HOUR, 1000, 30000, 0, 15000, false, false, 0},
     30000,
     30000,
     60000},
    {"Min step sets the window, too",
     {0, HOUR, 1000, 0, 60000, 15000, false, false, 0},
     15000,
     60000,
     240000},
    {"a finer Min step than the request",
     {0, HOUR, 600, 0, 1000, 15000, false, false, 0},
     15000,
     5000,
     16000},
    {"a bound is the browser's next step",
     {0, 150000, 100, 1, 0, 1, false, false, 0},
     2000,
     2000,
     2001},
    {"and the server's own", {0, 150000, 100, 1, 1, 1, false, false, 0}, 2000, 1000, 2001},
    {"at most 11000 points",
     {0, 30 * DAY, 100000, 1000, 1000, 1000, false, false, 0},
     30000,
     300000,
     31000},
    {"Min step is the window", {0, HOUR, 1000, 0, 0, 15000, true, false, 1}, 15000, 60000, 60000},
    {"Min step is the step", {0, HOUR, 1000, 0, 0, 15000, false, true, 1}, 15000, 15000, 60000},
    {"a compressed drill", {0, 15000, 600, 0, 0, 250, false, false, 0}, 250, 250, 1000},
    {"half of the points", {0, HOUR, 1000, 0, 0, 15000, false, false, 2}, 15000, 30000, 60000},
};

Test(interval, plans_follow_browser_and_server)
{
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        struct interval_plan plan;
        struct interval_request request = plans[i].request;
        request.from_ms = FROM;
        request.to_ms += FROM;
        interval_plan(&request, &plan);
        cr_expect_eq(plan.interval_ms, plans[i].interval_ms, "%s: interval %ld", plans[i].name,
                     (long)plan.interval_ms);
        cr_expect_eq(plan.step_ms, plans[i].step_ms, "%s: step %ld", plans[i].name,
                     (long)plan.step_ms);
        cr_expect_eq(plan.rate_interval_ms, plans[i].rate_ms, "%s: window %ld", plans[i].name,
                     (long)plan.rate_interval_ms);
        cr_expect_eq(plan.start_ms, FROM / plan.step_ms * plan.step_ms, "%s", plans[i].name);
        cr_expect_eq(plan.end_ms % plan.step_ms, 0, "%s", plans[i].name);
        cr_expect(plan.end_ms <= request.to_ms && plan.end_ms > request.to_ms - plan.step_ms, "%s",
                  plans[i].name);
        cr_expect_eq(plan.to_ms, request.to_ms);
    }
}

Test(interval, the_range_in_seconds_is_rounded)
{
    struct interval_plan plan;
    interval_plan(&(struct interval_request){.from_ms = FROM, .to_ms = FROM + 90499}, &plan);
    cr_expect_eq(plan.range_s, 90);
    cr_expect_eq(plan.range_ms, 90499);
    interval_plan(&(struct interval_request){.from_ms = FROM, .to_ms = FROM + 90500}, &plan);
    cr_expect_eq(plan.range_s, 91);
}

Test(interval, times_before_1970_are_floored)
{
    struct interval_plan plan;
    interval_plan(&(struct interval_request){.from_ms = -100001, .to_ms = -1}, &plan);
    cr_expect_eq(plan.start_ms, -105000);
    cr_expect_eq(plan.end_ms, -15000);
}

Test(interval, durations_are_spelled_as_grafana_and_go_do)
{
    static const struct {
        int64_t ms;
        const char *grafana, *go, *exact;
    } rows[] = {
        {0, "1ms", "0s", "0ms"},          {1, "1ms", "1ms", "1ms"},
        {250, "250ms", "250ms", "250ms"}, {1000, "1s", "1s", "1s"},
        {1500, "1s", "1.5s", "1500ms"},   {1875, "1s", "1.875s", "1875ms"},
        {1050, "1s", "1.05s", "1050ms"},  {60000, "1m", "1m0s", "1m"},
        {90000, "1m", "1m30s", "90s"},    {135000, "2m", "2m15s", "135s"},
        {HOUR, "1h", "1h0m0s", "1h"},     {HOUR + 1500, "1h", "1h0m1.5s", "3601500ms"},
        {DAY, "1d", "24h0m0s", "1d"},     {400 * DAY, "1y", "9600h0m0s", "400d"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[64];
        int64_t back = -1;
        cr_expect_str_eq(interval_text(rows[i].ms, text, sizeof text), rows[i].grafana);
        cr_expect_str_eq(interval_go_text(rows[i].ms, text, sizeof text), rows[i].go);
        cr_expect_str_eq(interval_write_ms(rows[i].ms, text, sizeof text), rows[i].exact);
        cr_expect(interval_read_ms(text, &back) && back == rows[i].ms, "%s", text);
    }
}

Test(interval, only_one_number_and_one_unit_is_a_duration)
{
    static const char *const refused[] = {
        "",    "s",   "1",     "1m30s", "-1s", "1.5s",         " 1s",
        "1s ", "1 s", "$step", "1sec",  ">",   "99999999999y", "12345678901234567s"};
    int64_t ms;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        cr_expect_not(interval_read_ms(refused[i], &ms), "%s", refused[i]);
    }
    cr_expect(interval_read_ms(">10s", &ms) && ms == 10000);
    cr_expect(interval_read_ms("2w", &ms) && ms == 14 * DAY);
}
