#include "drill/judge.h"

#include "base/clock.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/*
 * A drill of a warm-up, a phase at rest and one with an injection, a minute each, and panels that
 * showed this and that. Of 30 lists in every tenth of a second three tenths convert at rest.
 */
enum { WARM_UP, REST, DRIFT, PHASES };

#define BEATS 400
#define PHASE_S 60
#define BUCKETS (PHASE_S * 10)

struct people { /* of a bucket */
    double converted, rest_converted, stars, rest_stars;
    int64_t half_stars[10];
};

struct world {
    struct scenario scenario;
    struct scenario_expectation *wanted;
    struct ledger *ledger;
    struct prometheus_point beat[BEATS];
    struct evidence_notice notice;
    struct evidence evidence;
    struct reconciliation reconciliation;
    struct panel_shown shown[6][2];
    struct panel_glance glance[4], at_end[PHASES];
    struct panel_sight sight;
    struct panel_course course;
    struct judgement judgement;
};

static const struct people at_rest = {.converted = 9,
                                      .rest_converted = 9,
                                      .stars = 38,
                                      .rest_stars = 38,
                                      .half_stars = {[1] = 1, [5] = 4, [9] = 5}};

static void set_people(struct world *world, int phase, const struct people *people)
{
    for (int64_t b = phase * BUCKETS; b < (phase + 1) * BUCKETS; b++) {
        struct ledger_counts *counts = ledger_observed_at(world->ledger, b * LEDGER_BUCKET_NS);
        *counts = (struct ledger_counts){.lists = 30};
        for (int h = 0; h < 10; h++) {
            counts->stars[h] = people->half_stars[h];
            counts->rated += people->half_stars[h];
            counts->converted += h >= 5 ? people->half_stars[h] : 0;
        }
        counts->now = (struct ledger_expected){
            .lists = 30, .rated = 10, .converted = people->converted, .stars = people->stars};
        counts->rest = (struct ledger_expected){.lists = 30,
                                                .rated = 10,
                                                .converted = people->rest_converted,
                                                .stars = people->rest_stars};
    }
}

static struct world *world_new(void)
{
    static const char *const names[PHASES] = {"warm-up", "control", "drift"};
    int64_t starts[PHASES];
    struct world *world = mem_zalloc(1, sizeof *world);
    struct scenario *s = &world->scenario;
    *s = (struct scenario){.time_scale = 60,
                           .scrape_ns = 15 * CLOCK_NS_PER_S,
                           .phase_count = PHASES,
                           .expectation_count = 1,
                           .drift = {.count = 1}};
    for (int p = 0; p < PHASES; p++) {
        snprintf(s->phase[p].name, sizeof s->phase[p].name, "%s", names[p]);
        starts[p] = s->phase[p].start_ns = p * PHASE_S * CLOCK_NS_PER_S;
        s->phase[p].duration_ns = PHASE_S * CLOCK_NS_PER_S;
    }
    s->end_ns = PHASES * PHASE_S * CLOCK_NS_PER_S;
    s->drift.injection[0].onset_ns = s->phase[DRIFT].start_ns;
    world->ledger = ledger_new(s->end_ns, starts, PHASES);
    for (int p = 0; p < PHASES; p++) {
        set_people(world, p, &at_rest);
    }
    for (int i = 0; i < BEATS; i++) {
        world->beat[i] = (struct prometheus_point){i / 2.0 - 1, 1};
    }
    world->evidence = (struct evidence){.complete = true,
                                        .notice_count = 1,
                                        .notice = &world->notice,
                                        .scrapes = {.count = BEATS, .point = world->beat},
                                        .rating_share = {.1, 1e-3, .4, 1e-3, .498}};
    world->notice = (struct evidence_notice){.received_s = 1};
    snprintf(world->notice.alert, sizeof world->notice.alert, "Watchdog");
    world->wanted = &s->expectation[0];
    *world->wanted = (struct scenario_expectation){
        .kind = SCENARIO_PANEL,
        .phase = DRIFT,
        .rest_phase = REST,
        .window_ns = 15 * CLOCK_NS_PER_S,
        .quantity = SCENARIO_CONVERSION,
        .tolerance = 0.05,
        .panel = {.after_ns = -1, .range_ns = 15 * CLOCK_NS_PER_S, .steady = 0.05}};
    for (int i = 0; i < 4; i++) {
        world->glance[i] = (struct panel_glance){.at_s = 180,
                                                 .range_ns = 15 * CLOCK_NS_PER_S,
                                                 .width_px = 600,
                                                 .ok = true,
                                                 .shown = world->shown[i]};
    }
    world->sight =
        (struct panel_sight){.known = true, .worse = PANEL_LOWER, .glance = world->glance};
    return world;
}

static void world_free(struct world *world)
{
    ledger_free(world->ledger);
    mem_free(world);
}

static void show(struct panel_glance *glance, const char *legend, double value, const char *colour)
{
    struct panel_shown *shown = &glance->shown[glance->count++];
    *shown = (struct panel_shown){.value = value, .mean = value, .median = value, .headline = true};
    snprintf(shown->legend, sizeof shown->legend, "%s", legend);
    snprintf(shown->text, sizeof shown->text, "%.3g", value);
    snprintf(shown->colour, sizeof shown->colour, "%s", colour);
}

static void look(struct world *world, double value, const char *colour)
{
    show(&world->glance[world->sight.count++], "a", value, colour);
}

static const struct judge_row *judge_world(struct world *world)
{
    struct judge_case judge_case = {.scenario = &world->scenario,
                                    .ledger = world->ledger,
                                    .evidence = &world->evidence,
                                    .reconciliation = &world->reconciliation,
                                    .sights = &world->sight,
                                    .course_count = world->course.name == NULL ? 0 : 1,
                                    .course = &world->course,
                                    .end_s = PHASES * PHASE_S};
    memset(&world->judgement, 0, sizeof world->judgement);
    judge(&judge_case, &world->judgement);
    int last = world->judgement.row_count - 1;
    return &world->judgement.row[last < 0 ? 0 : last];
}

static void expect(struct world *world, enum judge_outcome outcome, const char *observed,
                   const char *what)
{
    const struct judge_row *row = judge_world(world);
    cr_expect_eq(row->outcome, outcome, "%s: %s, %s", what, judge_outcome_name(row->outcome),
                 row->observed);
    cr_expect_not_null(strstr(row->observed, observed), "%s: '%s' is not in '%s'", what, observed,
                       row->observed);
}

Test(judge_panels, a_value_lies_between_its_bounds)
{
    static const struct {
        const char *what;
        double value;
        enum judge_outcome outcome;
        const char *observed;
    } rows[] = {
        {"inside", 0.3, JUDGE_PASS, "0.3"},
        {"at the bound", 0.2, JUDGE_PASS, "0.2"},
        {"below", 0.19, JUDGE_FAIL, "0.19"},
        {"above", 0.41, JUDGE_FAIL, "0.41"},
        {"NaN", NAN, JUDGE_FAIL, "shows no number"},
        {"infinite", INFINITY, JUDGE_FAIL, "shows no number"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_new();
        world->wanted->panel.ask = SCENARIO_PANEL_SHOWS;
        world->wanted->least = 0.2;
        world->wanted->most = 0.4;
        look(world, rows[i].value, "red");
        expect(world, rows[i].outcome, rows[i].observed, rows[i].what);
        world_free(world);
    }
}

Test(judge_panels, nothing_to_see_fails_unless_nothing_is_wanted)
{
    struct world *world = world_new();
    world->wanted->panel.ask = SCENARIO_PANEL_SHOWS;
    world->sight.count = 1;
    expect(world, JUDGE_FAIL, "no data", "no series");
    world->wanted->panel.ask = SCENARIO_PANEL_HAS_DATA;
    expect(world, JUDGE_PASS, "0 series", "no data is wanted");
    world->wanted->panel.has_data = true;
    expect(world, JUDGE_FAIL, "0 series", "data are wanted");
    show(&world->glance[0], "a", NAN, "red");
    expect(world, JUDGE_FAIL, "0 series", "NaN is no data");
    show(&world->glance[0], "b", 1, "red");
    expect(world, JUDGE_PASS, "1 series", "one of two");
    snprintf(world->wanted->panel.series, sizeof world->wanted->panel.series, "a");
    expect(world, JUDGE_FAIL, "0 series", "the other one");
    world_free(world);
}

Test(judge_panels, a_panel_that_cannot_be_evaluated_fails_and_one_not_looked_at_is_invalid)
{
    struct world *world = world_new();
    world->wanted->panel.ask = SCENARIO_PANEL_COLOUR;
    expect(world, JUDGE_INVALID, "not looked at", "no glance");
    world->sight.count = 1;
    world->glance[0].ok = false;
    snprintf(world->glance[0].why, sizeof world->glance[0].why, "parse error");
    expect(world, JUDGE_FAIL, "cannot be evaluated: parse error", "a broken query");
    world->wanted->panel.ask = SCENARIO_PANEL_HAS_DATA;
    expect(world, JUDGE_FAIL, "parse error", "a broken query that should have no data");
    world->evidence.complete = false;
    expect(world, JUDGE_INVALID, "could not be asked", "Prometheus is gone");
    world_free(world);
}

Test(judge_panels, a_panel_that_nobody_answered_for_is_invalid)
{
    static const struct {
        enum err code;
        enum judge_outcome outcome;
    } rows[] = {{ERR_INPUT, JUDGE_FAIL},
                {ERR_NETWORK, JUDGE_INVALID},
                {ERR_TIMEOUT, JUDGE_INVALID},
                {ERR_MEMORY, JUDGE_INVALID}};
    static const enum scenario_panel_ask asks[] = {SCENARIO_PANEL_COLOUR, SCENARIO_PANEL_HAS_DATA,
                                                   SCENARIO_PANEL_MOVES};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t a = 0; a < sizeof asks / sizeof asks[0]; a++) {
            struct world *world = world_new();
            bool moves = asks[a] == SCENARIO_PANEL_MOVES;
            struct panel_glance *glance = moves ? &world->sight.rest : &world->glance[0];
            world->wanted->panel.ask = asks[a];
            look(world, 0.3, "blue");
            glance->ok = false;
            glance->code = rows[i].code;
            snprintf(glance->why, sizeof glance->why, "HTTP 503");
            expect(world, rows[i].outcome, "HTTP 503", moves ? "in control: " : "");
            world_free(world);
        }
    }
}

Test(judge_panels, a_panel_that_loses_a_series_fails)
{
    struct world *world = world_new();
    world->wanted->panel.ask = SCENARIO_PANEL_MOVES;
    world->wanted->panel.way = SCENARIO_PANEL_DOWN;
    world->sight.rest = (struct panel_glance){.ok = true, .shown = world->shown[5]};
    show(&world->sight.rest, "a", 0.4, "blue");
    show(&world->sight.rest, "b", 0.4, "blue");
    look(world, 0.2, "blue");
    expect(world, JUDGE_FAIL, "no series b, which is there in control", "gone since rest");
    snprintf(world->wanted->panel.series, sizeof world->wanted->panel.series, "a");
    expect(world, JUDGE_PASS, "0.4 to 0.2", "only a is asked for");
    world->wanted->panel.series[0] = '\0';
    show(&world->glance[0], "b", 0.3, "blue");
    look(world, 0.2, "blue");
    world->glance[1].width_px = 2000;
    expect(world, JUDGE_FAIL, "at 2000 px over 15m: no series b, which is there at the usual size",
           "gone at another size");
    world->wanted->panel.ask = SCENARIO_PANEL_HAS_DATA;
    world->wanted->panel.has_data = true;
    expect(world, JUDGE_FAIL, "no series b", "whatever is asked");
    show(&world->glance[1], "b", 0.3, "blue");
    expect(world, JUDGE_PASS, "2 series", "both are there");
    world_free(world);
}

Test(judge_panels, a_colour_is_known_in_every_shade)
{
    static const struct {
        const char *shown, *wanted;
        enum judge_outcome outcome;
    } rows[] = {
        {"red", "red", JUDGE_PASS},
        {"dark-red", "red", JUDGE_PASS},
        {"super-light-red", "red", JUDGE_PASS},
        {"semi-dark-red", "red", JUDGE_PASS},
        {"#F2495C", "#F2495C", JUDGE_PASS},
        {"dark-red", "light-red", JUDGE_FAIL},
        {"blue", "red", JUDGE_FAIL},
        {"", "red", JUDGE_FAIL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_new();
        world->wanted->panel.ask = SCENARIO_PANEL_COLOUR;
        snprintf(world->wanted->panel.colour, sizeof world->wanted->panel.colour, "%s",
                 rows[i].wanted);
        look(world, 0.3, rows[i].shown);
        expect(world, rows[i].outcome, rows[i].shown, rows[i].shown);
        world_free(world);
    }
}

Test(judge_panels, a_move_has_a_direction_and_a_size)
{
    static const struct {
        const char *what;
        enum scenario_panel_way way;
        enum panel_worse worse;
        double by, from, to;
        enum judge_outcome outcome;
    } rows[] = {
        {"down is worse", SCENARIO_PANEL_WORSE, PANEL_LOWER, 0.1, 0.4, 0.2, JUDGE_PASS},
        {"too little", SCENARIO_PANEL_WORSE, PANEL_LOWER, 0.1, 0.4, 0.31, JUDGE_FAIL},
        {"up is better", SCENARIO_PANEL_WORSE, PANEL_LOWER, 0.1, 0.2, 0.4, JUDGE_FAIL},
        {"up is worse", SCENARIO_PANEL_WORSE, PANEL_HIGHER, 0, 0.2, 0.4, JUDGE_PASS},
        {"better", SCENARIO_PANEL_BETTER, PANEL_HIGHER, 0, 0.4, 0.2, JUDGE_PASS},
        {"not at all", SCENARIO_PANEL_UP, PANEL_NO_WAY, 0, 0.4, 0.4, JUDGE_FAIL},
        {"up", SCENARIO_PANEL_UP, PANEL_NO_WAY, 0, 0.4, 0.41, JUDGE_PASS},
        {"down", SCENARIO_PANEL_DOWN, PANEL_NO_WAY, 0, 0.4, 0.41, JUDGE_FAIL},
        {"stays", SCENARIO_PANEL_STAYS, PANEL_NO_WAY, 0.02, 0.4, 0.41, JUDGE_PASS},
        {"does not stay", SCENARIO_PANEL_STAYS, PANEL_NO_WAY, 0.02, 0.4, 0.37, JUDGE_FAIL},
        {"from nothing", SCENARIO_PANEL_UP, PANEL_NO_WAY, 0, NAN, 0.37, JUDGE_FAIL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_new();
        world->wanted->panel.ask = SCENARIO_PANEL_MOVES;
        world->wanted->panel.way = rows[i].way;
        world->wanted->panel.by = rows[i].by;
        world->sight.worse = rows[i].worse;
        world->sight.rest = (struct panel_glance){.ok = true, .shown = world->shown[5]};
        show(&world->sight.rest, "a", rows[i].from, "blue");
        look(world, rows[i].to, "blue");
        expect(world, rows[i].outcome, isnan(rows[i].from) ? "nothing in control" : "to",
               rows[i].what);
        world_free(world);
    }
}

Test(judge_panels, a_value_agrees_with_the_ledger_over_its_window)
{
    static const struct {
        double value;
        enum judge_outcome outcome;
    } rows[] = {{0.3, JUDGE_PASS}, {0.314, JUDGE_PASS}, {0.32, JUDGE_FAIL}, {0.28, JUDGE_FAIL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_new();
        world->wanted->panel.ask = SCENARIO_PANEL_AGREES;
        look(world, rows[i].value, "blue");
        expect(world, rows[i].outcome, "ledger 0.3 ", "conversion is nine in thirty");
        world_free(world);
    }
}

Test(judge_panels, a_number_that_depends_on_the_size_of_the_window_fails)
{
    struct world *world = world_new();
    world->wanted->panel.ask = SCENARIO_PANEL_SHOWS;
    world->wanted->least = 0;
    world->wanted->most = 1;
    look(world, 0.3, "blue");
    look(world, 0.31, "blue");
    world->glance[1].width_px = 2000;
    world->glance[1].range_ns = 24 * 60 * CLOCK_NS_PER_S;
    expect(world, JUDGE_PASS, "0.3", "nearly the same");
    world->glance[1].shown[0].value = 0.32;
    expect(world, JUDGE_FAIL, "at 2000 px over 1d: ", "another number");
    world->glance[1].shown[0].value = NAN;
    expect(world, JUDGE_FAIL, "at 2000 px over 1d: shows no number", "NaN at one size");
    world->glance[1].count = 0;
    expect(world, JUDGE_FAIL, "at 2000 px over 1d: no data", "empty at one size");
    world_free(world);
}

Test(judge_panels, what_was_not_scraped_or_played_is_not_judged)
{
    struct world *world = world_new();
    world->wanted->panel.ask = SCENARIO_PANEL_SHOWS;
    world->wanted->most = 1;
    look(world, 0.3, "blue");
    for (int i = 340; i < 352; i++) {
        world->beat[i] = world->beat[339];
    }
    expect(world, JUDGE_INVALID, "no scrape for", "a hole before the moment");
    world->wanted->phase = WARM_UP;
    world->wanted->panel.after_ns = 61 * CLOCK_NS_PER_S;
    expect(world, JUDGE_INVALID, "its moment had not come", "cut short");
    world_free(world);
}

/* ---- the sign test ---- */

#define ARTICLE                                                                                    \
    "sum(rate(user_rating_bucket{le=~\"3.0|4.0|5.0\"}[5s])) / sum(rate(user_rating_count[5s]))"

static void set_course(struct world *world, const char *title, enum panel_worse worse, double rest,
                       double now)
{
    world->course = (struct panel_course){.name = "main/Panel",
                                          .title = title,
                                          .query = ARTICLE,
                                          .worse = worse,
                                          .phase_count = PHASES,
                                          .at_end = world->at_end};
    for (int p = 0; p < PHASES; p++) {
        world->at_end[p] = (struct panel_glance){.ok = true, .shown = world->shown[p]};
        show(&world->at_end[p], "a", p == DRIFT ? now : rest, "blue");
    }
    world->scenario.expectation_count = 0;
}

/* Half a star harsher: fewer of the same lists convert, and ratings are lower. */
static const struct people harsher = {.converted = 8.4,
                                      .rest_converted = 9,
                                      .stars = 33,
                                      .rest_stars = 38,
                                      .half_stars = {[1] = 2, [5] = 4, [7] = 4}};
/* Fewer take anything; ratings stay. */
static const struct people elsewhere = {.converted = 5,
                                        .rest_converted = 9,
                                        .stars = 38,
                                        .rest_stars = 38,
                                        .half_stars = {[1] = 1, [5] = 2, [9] = 2}};

static void expect_unjudged(struct world *world, const char *why)
{
    judge_world(world);
    cr_expect_eq(world->judgement.row_count, 0, "%s", why);
    cr_assert_eq(world->judgement.unjudged_count, 1, "%s", why);
    cr_expect_str_eq(world->judgement.unjudged[0].panel, "main/Panel");
    cr_expect_str_eq(world->judgement.unjudged[0].why, why);
}

Test(judge_signs, a_panel_moves_the_way_it_calls_worse)
{
    static const struct {
        const char *what, *title;
        const struct people *people;
        enum panel_worse worse;
        double rest, now;
        int rows; /* 0 = not tested */
        enum judge_outcome outcome;
        const char *observed;
    } rows[] = {
        {"right", "Conversion", &elsewhere, PANEL_LOWER, .3, .17, 1, JUDGE_PASS, "falls by 0.13"},
        {"another scale", "MRR and conversion", &elsewhere, PANEL_HIGHER, 10, 14, 1, JUDGE_PASS,
         "rises"},
        {"the article's", "Conversion rate", &harsher, PANEL_LOWER, .61, .73, 1, JUDGE_FAIL,
         "rises by 0.12 (0.61 to 0.73) although people are worse in conversion"},
        {"and why", "Conversion rate", &harsher, PANEL_LOWER, .61, .73, 1, JUDGE_FAIL,
         "adds up cumulative buckets (le 3.0|4.0|5.0)"},
        {"and its query", "Conversion rate", &harsher, PANEL_LOWER, .61, .73, 1, JUDGE_FAIL,
         "the query is sum(rate(user_rating_bucket"},
        {"stuck", "Conversion", &elsewhere, PANEL_LOWER, .61, .61, 1, JUDGE_FAIL, "although"},
        {"within noise", "Conversion", &harsher, PANEL_LOWER, .300, .303, 1, JUDGE_PASS, "rises"},
        {"mean", "Mean rating by recommender", &harsher, PANEL_LOWER, 3.8, 3.3, 1, JUDGE_PASS,
         "falls"},
        {"index", "Rating distribution shift", &harsher, PANEL_HIGHER, 0, 3, 1, JUDGE_PASS,
         "rises"},
        {"index, upside down", "PSI", &harsher, PANEL_LOWER, 0, 3, 1, JUDGE_FAIL, "rises"},
        {"nobody is worse", "Conversion", &at_rest, PANEL_LOWER, .3, .4, 0, JUDGE_PASS, ""},
        {"worse in something else", "Mean rating", &elsewhere, PANEL_LOWER, 3.8, 4.2, 0, JUDGE_PASS,
         ""},
        {"no way declared", "Conversion", &harsher, PANEL_NO_WAY, .3, .4, 0, JUDGE_PASS, ""},
        {"no quantity", "Epsilon", &harsher, PANEL_LOWER, .3, .4, 0, JUDGE_PASS, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_new();
        set_people(world, DRIFT, rows[i].people);
        set_course(world, rows[i].title, rows[i].worse, rows[i].rest, rows[i].now);
        if (rows[i].rows > 0) {
            expect(world, rows[i].outcome, rows[i].observed, rows[i].what);
        } else {
            judge_world(world);
        }
        cr_expect_eq(world->judgement.row_count, rows[i].rows, "%s: %d rows", rows[i].what,
                     world->judgement.row_count);
        cr_expect_eq(world->judgement.unjudged_count,
                     rows[i].rows == 0 && rows[i].worse != PANEL_NO_WAY, "%s: %d not judged",
                     rows[i].what, world->judgement.unjudged_count);
        world_free(world);
    }
}

Test(judge_signs, a_limit_beside_the_measure_is_not_the_measure)
{
    struct world *world = world_new();
    set_people(world, DRIFT, &elsewhere);
    set_course(world, "Conversion", PANEL_LOWER, .3, .3);
    for (int p = 0; p < PHASES; p++) {
        show(&world->at_end[p], "limit", p == DRIFT ? .1 : .2, "blue");
        world->at_end[p].shown[1].headline = false;
    }
    expect(world, JUDGE_FAIL, "although", "the measure does not move, the limit does");
    world->at_end[DRIFT].shown[0].mean = NAN;
    expect(world, JUDGE_FAIL, "shows no number at the end of control and of drift", "no number");
    world_free(world);
}

/* The first points of an index may be huge; those of a mean are as often too small. */
Test(judge_signs, an_index_is_judged_by_its_median_and_others_by_their_mean)
{
    struct world *world = world_new();
    set_people(world, DRIFT, &harsher);
    set_course(world, "PSI", PANEL_HIGHER, 0, 3);
    world->at_end[REST].shown[0].mean = 30;
    expect(world, JUDGE_PASS, "rises by 3 (0 to 3)", "the mean tells nothing");
    world->at_end[DRIFT].shown[0].median = 0;
    expect(world, JUDGE_FAIL, "although", "an index that is stuck");
    set_course(world, "Conversion rate", PANEL_LOWER, .61, .4);
    world->at_end[REST].shown[0].median = 0;
    expect(world, JUDGE_PASS, "falls by 0.21", "the median tells nothing");
    world_free(world);
}

Test(judge_signs, what_comes_after_a_retraining_is_not_compared_with_rest)
{
    struct world *world = world_new();
    set_people(world, DRIFT, &harsher);
    set_course(world, "Conversion rate", PANEL_LOWER, .61, .73);
    world->scenario.phase[DRIFT].retrains = true;
    judge_world(world);
    cr_expect_eq(world->judgement.row_count, 0);
    world_free(world);
}

Test(judge_signs, a_hole_in_the_scrapes_blames_no_panel)
{
    struct world *world = world_new();
    set_people(world, DRIFT, &harsher);
    set_course(world, "Conversion rate", PANEL_LOWER, .61, .73);
    for (int i = 340; i < 352; i++) {
        world->beat[i] = world->beat[339];
    }
    expect(world, JUDGE_INVALID, "no scrape for", "a hole before the end of the drift");
    world_free(world);
}

Test(judge_signs, nothing_is_known_to_be_worse_without_an_injection_or_evidence)
{
    struct world *world = world_new();
    set_people(world, DRIFT, &elsewhere);
    set_course(world, "Conversion", PANEL_LOWER, .3, .4);
    judge_world(world);
    cr_assert_eq(world->judgement.row_count, 1);
    world->scenario.drift.count = 0;
    expect_unjudged(world, "nothing was injected");
    world->scenario.drift.count = 1;
    world->evidence.complete = false;
    expect_unjudged(world, "Prometheus could not be asked");
    world->evidence.complete = true;
    set_people(world, DRIFT, &at_rest);
    expect_unjudged(world, "people are not known to be worse in conversion");
    world->course.title = "Duration";
    expect_unjudged(world, "no quantity of the ledger");
    world_free(world);
}

Test(judge_signs, a_sign_for_which_there_is_no_room_is_said)
{
    enum { COURSES = JUDGE_SIGNS_MAX + JUDGE_UNJUDGED_MAX + 1 };
    struct world *world = world_new();
    static struct panel_course courses[COURSES];
    set_people(world, DRIFT, &elsewhere);
    set_course(world, "Conversion", PANEL_LOWER, .3, .17);
    for (int i = 0; i < COURSES; i++) {
        courses[i] = world->course;
    }
    struct judge_case judge_case = {.scenario = &world->scenario,
                                    .ledger = world->ledger,
                                    .evidence = &world->evidence,
                                    .reconciliation = &world->reconciliation,
                                    .course_count = COURSES - 1,
                                    .course = courses,
                                    .end_s = PHASES * PHASE_S};
    judge(&judge_case, &world->judgement);
    cr_expect_eq(world->judgement.row_count, JUDGE_SIGNS_MAX);
    cr_expect_eq(world->judgement.unjudged_count, JUDGE_UNJUDGED_MAX);
    cr_expect_not_null(strstr(world->judgement.unjudged[0].why, "room"));
    cr_expect_eq(world->judgement.outcome, JUDGE_PASS);
    memset(&world->judgement, 0, sizeof world->judgement);
    judge_case.course_count = COURSES;
    judge(&judge_case, &world->judgement);
    cr_expect_eq(world->judgement.outcome, JUDGE_INVALID, "one has no place at all");
    world_free(world);
}
