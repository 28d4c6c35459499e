#include "drill/panels.h"

#include "base/clock.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ORIGIN_S 1700000000.0
#define BOARD "tests/data/dashboards/small.json"

/* A drill of three minutes, in which `falls` falls from .3 to .2 after the last one has begun. */
static struct scenario scenario;
static struct panel_boards boards;
static int queries;

static void set_up(void)
{
    static const char *const names[] = {"warm-up", "control", "drift"};
    static const char *const path = BOARD;
    struct faults faults;
    struct error error = {0};
    faults_init(&faults);
    scenario = (struct scenario){
        .time_scale = 60, .scrape_ns = 15 * CLOCK_NS_PER_S, .phase_count = 3, .path = "s.yml"};
    for (int p = 0; p < 3; p++) {
        snprintf(scenario.phase[p].name, sizeof scenario.phase[p].name, "%s", names[p]);
        scenario.phase[p].start_ns = p * 60 * CLOCK_NS_PER_S;
        scenario.phase[p].duration_ns = 60 * CLOCK_NS_PER_S;
    }
    cr_assert_eq(panel_boards_read(&path, 1, &boards, &faults, &error), ERR_OK, "%s", error.text);
    faults_deinit(&faults);
    queries = 0;
}

static void tear_down(void)
{
    panel_boards_deinit(&boards);
}

TestSuite(panels, .init = set_up, .fini = tear_down);

static double value_at(const char *expr, double drill_s)
{
    if (strcmp(expr, "falls") == 0) {
        return drill_s <= 120 ? 0.3 : 0.2;
    }
    if (strcmp(expr, "appears") == 0) {
        return drill_s <= 130 ? NAN : drill_s <= 140 ? 1 : 3;
    }
    return strcmp(expr, "flat") == 0 ? 1 : NAN;
}

static enum err query(void *context, const char *expr, bool instant, double from_s, double to_s,
                      double step_s, struct prometheus_matrix *out, struct error *error)
{
    (void)context;
    queries++;
    *out = (struct prometheus_matrix){0};
    if (strcmp(expr, "broken") == 0) {
        return error_set(error, ERR_INPUT, NULL, 0, "bad_data: no such function");
    }
    struct prometheus_series series = {.labels = json_object()};
    for (double t = instant ? to_s : from_s; t <= to_s + 1e-6; t += step_s > 0 ? step_s : 1) {
        double value = value_at(expr, t - ORIGIN_S);
        if (!isnan(value)) {
            series.point = mem_resize(series.point, series.count + 1, sizeof *series.point);
            series.point[series.count++] = (struct prometheus_point){t, value};
        }
    }
    if (series.count == 0) {
        json_decref(series.labels);
        return ERR_OK;
    }
    out->series = mem_zalloc(1, sizeof *out->series);
    out->series[out->count++] = series;
    return ERR_OK;
}

static struct panel_book collect(double end_s)
{
    struct panel_book book;
    const struct panels_request request = {.boards = &boards,
                                           .scenario = &scenario,
                                           .origin_unix_s = ORIGIN_S,
                                           .end_s = end_s,
                                           .query = query};
    panels_collect(&request, &book);
    return book;
}

static struct scenario_expectation *expect(const char *panel, enum scenario_panel_ask ask)
{
    struct scenario_expectation *wanted = &scenario.expectation[scenario.expectation_count];
    *wanted = (struct scenario_expectation){
        .kind = SCENARIO_PANEL,
        .phase = 2,
        .rest_phase = 1,
        .index = scenario.expectation_count,
        .line = 10 + scenario.expectation_count,
        .panel = {.ask = ask, .after_ns = -1, .range_ns = 15 * CLOCK_NS_PER_S}};
    snprintf(wanted->panel.name, sizeof wanted->panel.name, "%s", panel);
    scenario.expectation_count++;
    return wanted;
}

Test(panels, every_panel_with_a_query_is_looked_at_over_the_drill_and_at_each_phases_end)
{
    struct panel_book book = collect(180);
    cr_assert_eq(book.count, 5, "the text has no query");
    const struct panel_entry *e = &book.entry[0];
    cr_expect_str_eq(e->name, "small/Conversion");
    cr_expect(e->ok);
    cr_expect_eq(e->phase_count, 3);
    for (int p = 0; p < 3; p++) {
        cr_expect_float_eq(e->at_end[p].at_s, 60 * (p + 1), 1e-9);
        cr_assert_eq(e->at_end[p].count, 1);
        cr_expect_float_eq(e->at_end[p].shown[0].value, p < 2 ? 0.3 : 0.2, 1e-9);
        cr_expect_str_eq(e->at_end[p].shown[0].colour, p < 2 ? "blue" : "dark-red");
        cr_expect_str_eq(e->at_end[p].shown[0].legend, "a");
        cr_expect(e->at_end[p].shown[0].headline);
    }
    cr_expect_not(book.entry[3].ok);
    cr_expect_not_null(strstr(book.entry[3].why, "no such function"), "%s", book.entry[3].why);
    cr_expect_not(book.entry[3].at_end[1].ok);
    panel_book_deinit(&book);
}

Test(panels, mean_and_median_are_of_the_points_within_the_range)
{
    struct panel_book book = collect(144);
    const struct panel_entry *e = &book.entry[4];
    cr_assert_str_eq(e->name, "small/Appears");
    const struct panel_shown *shown = &e->at_end[2].shown[0];
    cr_expect_float_eq(shown->value, 3, 1e-9, "the last one");
    cr_expect_float_eq(shown->mean, 1 + 2 * 4 / 14., 0.1, "got %g", shown->mean);
    cr_expect_float_eq(shown->median, 1, 1e-9, "got %g", shown->median);
    cr_expect(isnan(e->at_end[1].count > 0 ? e->at_end[1].shown[0].median : NAN), "no points");
    panel_book_deinit(&book);
}

Test(panels, what_moves_is_told_from_what_does_not)
{
    static const bool moved[] = {true, false, false, false, false};
    struct panel_book book = collect(180);
    for (size_t i = 0; i < book.count; i++) {
        cr_expect_eq(book.entry[i].moved, moved[i], "%s", book.entry[i].name);
    }
    panel_book_deinit(&book);
    book = collect(119);
    for (size_t i = 0; i < book.count; i++) {
        cr_expect_not(book.entry[i].moved, "%s, before the drift", book.entry[i].name);
        cr_expect_eq(book.entry[i].phase_count, 2);
    }
    panel_book_deinit(&book);
}

Test(panels, only_panels_that_declare_a_way_are_candidates_for_the_sign_test)
{
    struct panel_book book = collect(180);
    cr_assert_eq(book.course_count, 1);
    cr_expect_str_eq(book.course[0].title, "Conversion");
    cr_expect_str_eq(book.course[0].query, "falls");
    cr_expect_eq(book.course[0].worse, PANEL_LOWER);
    cr_expect_eq(book.course[0].phase_count, 3);
    panel_book_deinit(&book);
}

Test(panels, an_expectation_looks_at_every_size_it_names_and_at_the_phase_it_compares_with)
{
    struct scenario_expectation *wanted = expect("small/Conversion", SCENARIO_PANEL_MOVES);
    wanted->panel.width_count = 2;
    wanted->panel.width_px[0] = 300;
    wanted->panel.width_px[1] = 2000;
    wanted->panel.range_count = 1;
    wanted->panel.ranges_ns[0] = 1440 * CLOCK_NS_PER_S;
    expect("small-board/Flat / over time", SCENARIO_PANEL_SHOWS)->panel.after_ns =
        10 * CLOCK_NS_PER_S;
    struct panel_book book = collect(180);
    const struct panel_sight *sight = &book.sight[0];
    cr_expect(sight->known);
    cr_expect_eq(sight->worse, PANEL_LOWER);
    cr_assert_eq(sight->count, 6, "each width with each range, the usual ones among them");
    cr_expect_eq(sight->glance[0].width_px, 600);
    cr_expect_eq(sight->glance[0].range_ns, 15 * CLOCK_NS_PER_S);
    cr_expect_eq(sight->glance[5].width_px, 2000);
    cr_expect_eq(sight->glance[5].range_ns, 1440 * CLOCK_NS_PER_S);
    for (size_t i = 0; i < 6; i++) {
        cr_assert_eq(sight->glance[i].count, 1);
        cr_expect_float_eq(sight->glance[i].shown[0].value, 0.2, 1e-9);
    }
    cr_expect_float_eq(sight->rest.at_s, 120, 1e-9);
    cr_assert_eq(book.sight[1].count, 1, "the uid is a name, too, and titles may hold slashes");
    cr_expect_float_eq(book.sight[1].glance[0].at_s, 130, 1e-9);
    panel_book_deinit(&book);
}

Test(panels, a_moment_that_did_not_come_is_not_looked_at)
{
    expect("small/Conversion", SCENARIO_PANEL_SHOWS);
    expect("small/Conversion", SCENARIO_PANEL_SHOWS)->panel.after_ns = 50 * CLOCK_NS_PER_S;
    struct panel_book book = collect(119);
    cr_expect_eq(book.sight[0].count, 0);
    panel_book_deinit(&book);
    book = collect(160);
    cr_expect_eq(book.sight[0].count, 1, "the phase that was cut short ends where it was");
    cr_expect_eq(book.sight[1].count, 0);
    panel_book_deinit(&book);
}

Test(panels, what_no_dashboard_has_is_a_fault_with_its_line)
{
    static const struct {
        const char *panel;
        enum scenario_panel_ask ask;
        const char *fault; /* NULL = none */
    } rows[] = {
        {"small/Conversion", SCENARIO_PANEL_MOVES, NULL},
        {"small-board/Conversion", SCENARIO_PANEL_COLOUR, NULL},
        {"small/Flat / over time", SCENARIO_PANEL_SHOWS, NULL},
        {"large/Conversion", SCENARIO_PANEL_SHOWS, "there is no dashboard 'large', but: small"},
        {"small/Convversion", SCENARIO_PANEL_SHOWS,
         "the dashboard 'small' has no panel 'Convversion', but: Conversion, Flat / over time"},
        {"Conversion", SCENARIO_PANEL_SHOWS, "expected a dashboard and a title"},
        {"small/Words", SCENARIO_PANEL_HAS_DATA, "asks for no data"},
        {"small/Empty", SCENARIO_PANEL_MOVES, "does not say which way is worse"},
        {"small/Empty", SCENARIO_PANEL_COLOUR, "has no threshold or mapping that is 'red'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct faults faults;
        faults_init(&faults);
        scenario.expectation_count = 0;
        struct scenario_expectation *wanted = expect(rows[i].panel, rows[i].ask);
        snprintf(wanted->panel.colour, sizeof wanted->panel.colour, "red");
        panel_boards_check(&boards, &scenario, &faults);
        cr_expect_eq(faults.count, rows[i].fault == NULL ? 0 : 1, "%s", rows[i].panel);
        if (rows[i].fault != NULL && faults.count == 1) {
            cr_expect_not_null(strstr(faults.list[0].text, rows[i].fault), "%s: %s", rows[i].panel,
                               faults.list[0].text);
            cr_expect_eq(faults.list[0].line, 10);
            cr_expect_str_eq(faults.list[0].path, "/expectations/0");
        }
        faults_deinit(&faults);
    }
}

Test(panels, a_pattern_that_fits_nothing_is_an_error_and_no_shipped_board_is_none)
{
    struct panel_boards none;
    struct faults faults;
    struct error error = {0};
    faults_init(&faults);
    struct panel_boards_request request = {.glob = "tests/data/dashboards/no-*.json"};
    cr_expect_eq(panel_boards_load(&request, &none, &faults, &error), ERR_USAGE);
    request = (struct panel_boards_request){.home = "tests/data"};
    cr_expect_eq(panel_boards_load(&request, &none, &faults, &error), ERR_OK);
    cr_expect_eq(none.count, 0);
    panel_boards_deinit(&none);
    faults_deinit(&faults);
}
