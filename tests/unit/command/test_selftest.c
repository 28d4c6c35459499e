/* The selftest's own truths, and what its checks make of short plays. How fast this machine is
 * decides nothing here: what is judged by time is only looked at from the side on which a slow
 * machine cannot err. */
#include "base/clock.h"
#include "command/command.h"
#include "command/selftest_checks.h"
#include "small_world.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

struct small_selftest { /* with people who are made faster than the selftest's own */
    struct small_world small;
    struct selftest self;
};

/* The population keeps the address of its data: *out must stay where it is. */
static struct selftest *begin(struct small_selftest *out, const char *transport)
{
    small_world_init(&out->small);
    const struct dataset *data = &out->small.data;
    size_t films = (size_t)data->catalogue.count;
    out->self = (struct selftest){.transport = transport,
                                  .seed = 3,
                                  .duration_ns = CLOCK_NS_PER_S / 2,
                                  .threads = 1,
                                  .connections = 16};
    out->self.world.data = *data;
    out->self.world.population = out->small.population;
    out->self.world.people = SMALL_WORLD_PEOPLE;
    out->self.world.seen_start =
        mem_zalloc(SMALL_WORLD_PEOPLE + 1, sizeof *out->self.world.seen_start);
    out->self.world.film = mem_array(films, sizeof *out->self.world.film);
    memcpy(out->self.world.film, data->catalogue.id, films * sizeof *out->self.world.film);
    return &out->self;
}

static void end(struct small_selftest *all)
{
    mem_free(all->self.world.seen_start);
    mem_free(all->self.world.film);
    small_world_deinit(&all->small);
}

static double figure_of(const struct selftest_row *row, const char *name)
{
    const json_t *value = json_object_get(row->figures, name);
    cr_assert_not_null(value, "%s", name);
    return json_number_value(value);
}

/* Requests due evenly for 4 s, nothing answered from 1 s to 3 s: the mathematics of the ^Z test. */
Test(selftest, a_stall_of_half_the_run_puts_the_ninetieth_percentile_at_four_fifths)
{
    static const struct {
        double q, share;
    } rows[] = {{.3, 0}, {.5, 0}, {.75, .5}, {.9, .8}, {.99, .98}, {1, 1}};
    const struct arrivals_config config = {.seed = 1,
                                           .visits_per_s = 2000,
                                           .steps_per_visit = 1,
                                           .people = 10,
                                           .end_ns = 4 * CLOCK_NS_PER_S,
                                           .process = ARRIVALS_CONSTANT};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double stalled_s = (double)selftest_stalled_quantile_ns(&config, CLOCK_NS_PER_S,
                                                                3 * CLOCK_NS_PER_S, rows[i].q) *
                           1e-9;
        cr_expect_float_eq(stalled_s, 2 * rows[i].share, 0.0025, "%g: %g s", rows[i].q, stalled_s);
    }
    struct arrivals_config nobody = config;
    nobody.end_ns = 0;
    cr_expect_eq(selftest_stalled_quantile_ns(&nobody, 0, 1, .9), 0);
}

/* A request due in the stall cannot be answered before its end, on whatever machine: a percentile
 * below the schedule's is latency that was hidden. From the send, nearly all of it is. */
Test(selftest, a_frozen_server_cannot_hide_with_either_transport)
{
    static const char *const transports[] = {"http1", "libcurl"};
    for (size_t t = 0; t < 2; t++) {
        struct small_selftest all;
        struct selftest *self = begin(&all, transports[t]);
        struct selftest_row row;
        struct error error = {0};
        cr_assert_eq(selftest_omission(self, &row, &error), ERR_OK, "%s", error.text);
        cr_expect_str_eq(self->transport_taken, transports[t]);
        cr_expect_geq(figure_of(&row, "p75_s"), .999 * figure_of(&row, "p75_of_the_schedule_s"));
        cr_expect_geq(figure_of(&row, "p90_s"), .999 * figure_of(&row, "p90_of_the_schedule_s"));
        cr_expect_geq(figure_of(&row, "p99_s"), .999 * figure_of(&row, "p99_of_the_schedule_s"));
        cr_expect_float_eq(figure_of(&row, "p90_of_the_schedule_s"),
                           .8 * figure_of(&row, "stall_s"), .05);
        cr_expect_float_eq(figure_of(&row, "stall_s"), 1, 1e-9);
        json_decref(row.figures);
        end(&all);
    }
}

Test(selftest, no_answer_comes_before_its_service_time)
{
    struct small_selftest all;
    struct selftest *self = begin(&all, "auto");
    struct selftest_row row;
    cr_assert_eq(selftest_delay(self, &row, NULL), ERR_OK);
    cr_expect_geq(figure_of(&row, "from_send_min_ms"), 19.98);
    cr_expect_geq(figure_of(&row, "from_intended_p50_ms"), 19.98);
    cr_expect_geq(figure_of(&row, "first_byte_p50_ms"), 19.9);
    json_decref(row.figures);
    end(&all);
}

Test(selftest, the_histogram_tells_what_a_sorted_list_tells)
{
    struct selftest self = {.seed = 8};
    struct selftest_row row;
    cr_assert_eq(selftest_histogram(&self, &row, NULL), ERR_OK);
    cr_expect_eq(row.verdict, SELFTEST_PASS, "%s", row.observed);
    cr_expect_lt(figure_of(&row, "worst_relative_error"), .001);
    json_decref(row.figures);
}

Test(selftest, speed_and_pacing_are_told_for_the_same_people)
{
    struct small_selftest all;
    struct selftest *self = begin(&all, "auto");
    struct selftest_row row;
    self->requests_per_cpu_s = 1e12;
    cr_assert_eq(selftest_speed(self, &row, NULL), ERR_OK);
    cr_expect_neq(row.verdict, SELFTEST_PASS, "nobody is that fast: %s", row.observed);
    cr_expect_gt(figure_of(&row, "steps_per_s"), 0);
    cr_expect_eq(figure_of(&row, "failed"), 0);
    json_decref(row.figures);
    self->steps_per_s = 800; /* 200 steps, each played to its end however late */
    cr_assert_eq(selftest_pacing(self, &row, NULL), ERR_OK);
    cr_expect_eq(figure_of(&row, "steps_per_s"), 400);
    cr_expect(figure_of(&row, "ratings_per_step") > .05 && figure_of(&row, "ratings_per_step") < .9,
              "%g", figure_of(&row, "ratings_per_step"));
    cr_expect_geq(figure_of(&row, "lag_p99_ms"), figure_of(&row, "lag_p50_ms"));
    json_decref(row.figures);
    end(&all);
}

Test(selftest, only_what_time_decides_is_excused_by_other_programs)
{
    static const struct {
        bool wrong, off, others;
        enum selftest_verdict verdict;
    } rows[] = {{false, false, false, SELFTEST_PASS}, {false, false, true, SELFTEST_PASS},
                {false, true, false, SELFTEST_FAIL},  {false, true, true, SELFTEST_UNTOLD},
                {true, false, true, SELFTEST_FAIL},   {true, true, true, SELFTEST_FAIL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum selftest_verdict verdict =
            selftest_verdict_of(rows[i].wrong, rows[i].off, rows[i].others);
        cr_expect_eq(verdict, rows[i].verdict, "row %zu: %d", i, (int)verdict);
    }
}

/* However busy the machine is: with a timeout of a minute nothing but the fault decides. */
Test(selftest, faults_are_counted_as_the_server_counted_them)
{
    struct small_selftest all;
    struct selftest *self = begin(&all, "auto");
    struct selftest_row row;
    cr_assert_eq(selftest_faults(self, &row, NULL), ERR_OK);
    cr_expect_eq(figure_of(&row, "miscounted"), figure_of(&row, "miscounted_timeouts"), "%s",
                 row.observed);
    cr_expect_gt(figure_of(&row, "faults"), 100);
    json_decref(row.figures);
    end(&all);
}

Test(selftest, an_unknown_transport_is_refused_before_anything_is_made)
{
    char *argv[] = {"selftest", "--transport", "carrier-pigeon"};
    struct options *options = NULL;
    struct error error = {0};
    cr_assert_eq(options_parse(command_selftest.options, 3, argv, 0, 0, &options), ERR_OK);
    cr_expect_eq(command_selftest.run(options, &error), ERR_USAGE);
    cr_expect_not_null(strstr(error.text, "carrier-pigeon"), "%s", error.text);
    options_free(options);
}

Test(selftest, an_unknown_behaviour_is_told_with_all_there_are)
{
    char *argv[] = {"selftest", "--serve", "127.0.0.1:0", "--behaviour", "polite"};
    struct options *options = NULL;
    struct error error = {0};
    cr_assert_eq(options_parse(command_selftest.options, 5, argv, 0, 0, &options), ERR_OK);
    cr_expect_eq(command_selftest.run(options, &error), ERR_USAGE);
    cr_expect_not_null(strstr(error.text, "not-json"), "%s", error.text);
    cr_expect_not_null(strstr(error.text, "got 'polite'"), "%s", error.text);
    options_free(options);
}
