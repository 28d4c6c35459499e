#include "base/fileio.h"
#include "base/mem.h"
#include "drill/effect_report.h"
#include "drill/forecast.h"
#include "drill/forecast_int.h"
#include "people_world.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define S INT64_C(1000000000)

enum { PEOPLE = 240 };

static const struct objectives_head head = {.lists = 10000,
                                            .ratings = 3500,
                                            .conversion = .3,
                                            .reciprocal_rank = .15,
                                            .mean_rating = 3.7,
                                            .rating_share = {.03, .07, .25, .4, .25}};

struct stage {
    struct people_world people;
    struct parallel parallel;
    struct effect_sample *sample;
    struct scenario scenario;
    struct arrivals_config arrivals;
    const char *rules[3];
    struct forecast_request request;
    char objectives[64];
};

/* Twenty seconds of warm-up, thirty of control and thirty of drift; then ten more
 * after a retraining of ten seconds. */
static void set_phases(struct scenario *scenario)
{
    static const struct {
        const char *name;
        int64_t lasts_s;
    } phases[] = {{"warm-up", 20}, {"control", 30}, {"drift", 30}, {"retrain", 10}, {"after", 10}};
    for (int p = 0; p < 5; p++) {
        struct scenario_phase *phase = &scenario->phase[p];
        snprintf(phase->name, sizeof phase->name, "%s", phases[p].name);
        phase->start_ns = scenario->end_ns;
        phase->duration_ns = phases[p].lasts_s * S;
        phase->retrains = p == 3;
        scenario->end_ns += phase->duration_ns;
    }
    scenario->phase_count = 5;
}

static void stage_init(struct stage *stage, double lists_per_s)
{
    struct error error = {0};
    struct effect_config config = effect_defaults();
    config.people = PEOPLE / 2;
    memset(stage, 0, sizeof *stage);
    people_world_small(&stage->people, PEOPLE, 2);
    stage->parallel = (struct parallel){.threads = 2};
    stage->sample = effect_sample_new(&config, stage->people.population, &stage->parallel);
    stage->scenario = (struct scenario){.time_scale = 60,
                                        .lists_per_s = lists_per_s,
                                        .steps_per_visit = 2,
                                        .scrape_ns = 15 * S,
                                        .evaluation_ns = 30 * S};
    set_phases(&stage->scenario);
    stage->arrivals = (struct arrivals_config){.seed = 1,
                                               .visits_per_s = lists_per_s / 2,
                                               .steps_per_visit = 2,
                                               .think_median_s = .2,
                                               .think_sigma = .6,
                                               .people = PEOPLE,
                                               .end_ns = stage->scenario.end_ns,
                                               .drift = &stage->scenario.drift};
    snprintf(stage->objectives, sizeof stage->objectives, "/tmp/driftdrill-forecast-%d.yml",
             (int)getpid());
    people_world_must(objectives_write(stage->objectives, &head, &error), &error);
    stage->rules[0] = "prometheus/rules/drift.yml";
    stage->rules[1] = stage->objectives;
    stage->request = (struct forecast_request){.scenario = &stage->scenario,
                                               .drift = &stage->scenario.drift,
                                               .sample = stage->sample,
                                               .arrivals = &stage->arrivals,
                                               .rules = stage->rules,
                                               .rule_count = 2,
                                               .rest = &head,
                                               .parallel = &stage->parallel,
                                               .replicates = 4};
}

static void stage_deinit(struct stage *stage)
{
    unlink(stage->objectives);
    drift_deinit(&stage->scenario.drift);
    effect_sample_free(stage->sample);
    people_world_end(&stage->people);
}

static void inject(struct stage *stage, struct drift_injection injection)
{
    struct error error = {0};
    struct drift *drift = &stage->scenario.drift;
    injection.onset_ns = 50 * S;
    injection.end_ns = INT64_MAX;
    drift->injection[drift->count++] = injection;
    people_world_must(
        population_bind_drift(stage->people.population, drift, &stage->parallel, &error), &error);
    people_world_must(effect_solve(stage->sample, drift, &stage->parallel, &error), &error);
}

static void expect_fires(struct stage *stage, const char *alert, int phase)
{
    struct scenario_expectation *wanted =
        &stage->scenario.expectation[stage->scenario.expectation_count++];
    *wanted =
        (struct scenario_expectation){.kind = SCENARIO_FIRES, .phase = phase, .within_ns = 25 * S};
    snprintf(wanted->alert, sizeof wanted->alert, "%s", alert);
    snprintf(wanted->name, sizeof wanted->name, "%s fires", alert);
}

static void expect_silent(struct stage *stage, const char *alert, const char *group,
                          uint32_t phases)
{
    struct scenario_expectation *wanted =
        &stage->scenario.expectation[stage->scenario.expectation_count++];
    *wanted = (struct scenario_expectation){.kind = SCENARIO_SILENT, .phases = phases};
    snprintf(wanted->alert, sizeof wanted->alert, "%s", alert);
    snprintf(wanted->group, sizeof wanted->group, "%s", group);
    snprintf(wanted->name, sizeof wanted->name, "%s%s stays silent", alert, group);
}

static struct forecast make(struct stage *stage)
{
    struct error error = {0};
    struct forecast forecast;
    people_world_must(forecast_make(&stage->request, &forecast, &error), &error);
    return forecast;
}

/* ---- what lists are worth ---- */

Test(forecast, levels_start_where_the_objectives_were_measured)
{
    struct stage stage;
    struct forecast_plan plan;
    stage_init(&stage, 100);
    inject(&stage, (struct drift_injection){.kind = DRIFT_CHOICE_ROTATION, .size = 180});
    inject(&stage,
           (struct drift_injection){.kind = DRIFT_CUT_POINTS, .unit = DRIFT_STARS, .size = -.3});
    forecast_plan_init(&stage.request, &plan);
    cr_assert_eq(plan.steps, 400);
    const struct forecast_level *rest = &plan.level[100], *drifted = &plan.level[300];
    const struct forecast_level *cured = &plan.level[380];
    double shares = 0, reciprocal = 0;
    cr_expect_float_eq(rest->rated, .35, 1e-9);
    cr_expect_float_eq(rest->conversion, .3, 1e-9);
    cr_expect_float_eq(rest->reciprocal_rank, .15, 1e-9);
    cr_expect_float_eq(rest->mean_rating, 3.7, 1e-9);
    cr_expect_float_eq(rest->share[3], .4, 1e-9);
    for (int s = 0; s < 5; s++) {
        shares += drifted->share[s];
    }
    for (int k = 0; k < EFFECT_RANKS; k++) {
        reciprocal += drifted->rank[k] / (k + 1) * drifted->reciprocal_scale * drifted->rated;
    }
    cr_expect_float_eq(shares, 1, 1e-9);
    cr_expect_float_eq(reciprocal, drifted->reciprocal_rank, 1e-9, "what is drawn has the mean");
    cr_expect_lt(drifted->conversion, .25);
    cr_expect_lt(drifted->mean_rating, 3.55);
    cr_expect_lt(drifted->share[4], .22, "harsher: %g", drifted->share[4]);
    /* A retraining finds what people want now; it does not make them kinder. */
    cr_expect_gt(cured->reciprocal_rank, .149, "%g", cured->reciprocal_rank);
    cr_expect_float_eq(cured->mean_rating, 3.4, .01);
    mem_free(plan.level);
    stage_deinit(&stage);
}

static double sum_of(const struct forecast_counts *counts, int steps, bool converted)
{
    double sum = 0;
    for (int step = 0; step < steps; step++) {
        sum += converted ? counts[step].converted : counts[step].lists;
    }
    return sum;
}

Test(forecast, plays_scatter_around_what_is_expected_as_clustered_visits_do)
{
    enum { PLAYS = 500 };
    struct stage stage;
    struct forecast_plan plan;
    stage_init(&stage, 25);
    forecast_plan_init(&stage.request, &plan);
    struct forecast_counts *counts = mem_array((size_t)plan.steps, sizeof *counts);
    int64_t visits, lists, again;
    forecast_play(&plan, 0, counts, &visits, &lists);
    double expected = sum_of(counts, plan.steps, true), sum = 0, squares = 0;
    cr_expect_float_eq(sum_of(counts, plan.steps, false), (double)lists, 1e-6);
    cr_expect_float_eq((double)lists / 2500, 1, .15, "25 lists/s for 100 s: %g", (double)lists);
    for (int play = 1; play <= PLAYS; play++) {
        forecast_play(&plan, play, counts, &visits, &again);
        double converted = sum_of(counts, plan.steps, true);
        sum += converted;
        squares += converted * converted;
    }
    double mean = sum / PLAYS, variance = squares / PLAYS - mean * mean;
    double single = (double)lists * .3 * .7;
    /* Ratings still to come when the drill ends are not counted. */
    cr_expect_float_eq(mean / expected, 1, .01, "%g, expected %g", mean, expected);
    cr_expect(variance / single > 1.2 && variance / single < 1.75, "design effect %g",
              variance / single);
    mem_free(counts);
    mem_free(plan.level);
    stage_deinit(&stage);
}

Test(forecast, the_schedule_is_that_of_the_engine)
{
    struct stage stage;
    struct arrivals arrivals;
    struct visit visit;
    int64_t visits = 0;
    stage_init(&stage, 200);
    expect_silent(&stage, "MeanRatingLow", "", 3);
    arrivals_init(&arrivals, &stage.arrivals);
    while (arrivals_next(&arrivals, &visit)) {
        visits++;
    }
    struct forecast forecast = make(&stage);
    cr_expect_eq(forecast.visits, visits);
    cr_expect_float_eq(forecast.production_lists_per_s * 60, forecast.lists_per_s, 1e-9);
    cr_expect_float_eq(forecast.production_s, 6000, 1e-9);
    stage_deinit(&stage);
}

/* ---- what it says ---- */

Test(forecast, a_large_drift_is_seen_and_nothing_else_is)
{
    struct stage stage;
    stage_init(&stage, 250);
    inject(&stage,
           (struct drift_injection){.kind = DRIFT_CUT_POINTS, .unit = DRIFT_STARS, .size = -.45});
    expect_fires(&stage, "MeanRatingLow", 2);
    expect_fires(&stage, "RecommendationReciprocalRankLow", 2);
    expect_silent(&stage, "MeanRatingLow", "", 3);
    expect_silent(&stage, "MeanRatingLow", "", 7);
    expect_silent(&stage, "", "drift", 3);
    expect_silent(&stage, "", "drift", 31);
    const enum forecast_verdict wanted[] = {FORECAST_LIKELY, FORECAST_UNLIKELY,
                                            FORECAST_LIKELY, FORECAST_UNLIKELY,
                                            FORECAST_LIKELY, FORECAST_UNLIKELY};
    struct forecast forecast = make(&stage);
    cr_assert_eq(forecast.count, 6);
    for (int i = 0; i < 6; i++) {
        cr_expect_eq(forecast.row[i].verdict, wanted[i], "expectation %d: %d of %d plays", i,
                     forecast.row[i].met, forecast.row[i].replicates);
    }
    const struct forecast_row *mean = &forecast.row[0];
    cr_expect_eq(mean->quantity, SCENARIO_MEAN_RATING);
    cr_expect_float_eq(mean->value, 3.25, .02);
    cr_expect_float_eq(mean->objective, 3.45, 1e-6);
    cr_expect(mean->delay_s > 5 && mean->delay_s < 20, "%g", mean->delay_s);
    cr_expect(mean->least_s <= mean->delay_s && mean->delay_s <= mean->most_s);
    cr_expect(isnan(forecast.row[1].delay_s));
    cr_expect_str_eq(forecast.row[5].alert, "MeanRatingLow");
    cr_expect_gt(forecast.row[5].unfed, 0, "some of the group read what is not simulated");
    cr_expect_eq(forecast.row[3].unfed, 0);
    cr_expect_eq(forecast_unlikely(&forecast), 3);
    stage_deinit(&stage);
}

Test(forecast, a_small_drift_or_too_few_lists_are_not_seen)
{
    const struct {
        const char *name;
        double lists_per_s, stars;
        enum forecast_verdict verdict;
    } rows[] = {{"one that stays above the objective", 250, -.2, FORECAST_UNLIKELY},
                {"too few lists", 2.5, -.45, FORECAST_UNLIKELY}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stage stage;
        stage_init(&stage, rows[i].lists_per_s);
        inject(&stage, (struct drift_injection){
                           .kind = DRIFT_CUT_POINTS, .unit = DRIFT_STARS, .size = rows[i].stars});
        expect_fires(&stage, "MeanRatingLow", 2);
        struct forecast forecast = make(&stage);
        cr_expect_eq(forecast.row[0].verdict, rows[i].verdict, "%s: in %d plays", rows[i].name,
                     forecast.row[0].met);
        stage_deinit(&stage);
    }
}

Test(forecast, what_is_not_simulated_is_not_foretold)
{
    struct stage stage;
    stage_init(&stage, 100);
    inject(&stage,
           (struct drift_injection){.kind = DRIFT_CUT_POINTS, .unit = DRIFT_STARS, .size = -.45});
    expect_fires(&stage, "MeanRatingLow", 4);
    expect_fires(&stage, "NoSuchAlert", 2);
    expect_silent(&stage, "MeanRatingLow", "", 1);
    expect_silent(&stage, "MeanRatingLow", "", 3);
    expect_silent(&stage, "SourceShareShifted", "", 3);
    stage.scenario.disturbance_count = 1;
    stage.scenario.disturbance[0].at_ns = 30 * S;
    struct forecast forecast = make(&stage);
    cr_expect_not_null(strstr(forecast.row[0].why, "disturbance"));
    cr_expect_eq(forecast.row[1].verdict, FORECAST_UNKNOWN);
    cr_expect_eq(forecast.row[2].verdict, FORECAST_LIKELY, "it is over before the disturbance");
    cr_expect_eq(forecast.row[3].verdict, FORECAST_UNKNOWN);
    stage.scenario.disturbance_count = 0;
    forecast = make(&stage);
    cr_expect_not_null(strstr(forecast.row[0].why, "retraining"));
    cr_expect_not_null(strstr(forecast.row[1].why, "no rule file"));
    cr_expect_eq(forecast.row[4].verdict, FORECAST_UNKNOWN);
    cr_expect_not_null(strstr(forecast.row[4].why, "SourceShareShifted rests on"));
    stage.request.rest = NULL;
    forecast = make(&stage);
    cr_expect_not_null(strstr(forecast.row[2].why, "objectives"));
    stage_deinit(&stage);
}

/* A fifth of the visits only rates, two films each; lists and their ratings know nothing of it. */
Test(forecast, ratings_that_belong_to_no_list_are_foretold)
{
    struct stage stage;
    stage_init(&stage, 250);
    inject(&stage, (struct drift_injection){.kind = DRIFT_SHILLING, .size = .2, .stars_given = 1});
    stage.rules[2] = "prometheus/rules/infrastructure.yml";
    stage.request.rule_count = 3;
    expect_fires(&stage, "RatingsUnattributedHigh", 2);
    expect_silent(&stage, "RatingsUnattributedHigh", "", 3);
    expect_silent(&stage, "", "drift", 31);
    expect_silent(&stage, "", "infrastructure", 3);
    struct forecast forecast = make(&stage);
    for (int i = 0; i < 4; i++) {
        cr_expect_eq(forecast.row[i].verdict, FORECAST_LIKELY, "expectation %d: %s, %d plays", i,
                     forecast.row[i].why, forecast.row[i].met);
    }
    cr_expect_eq(forecast_unlikely(&forecast), 0);
    struct forecast_plan plan;
    struct forecast_counts sum = {0};
    int64_t visits, lists, ratings = 0;
    struct arrivals arrivals;
    struct visit visit;
    forecast_plan_init(&stage.request, &plan);
    struct forecast_counts *counts = mem_array((size_t)plan.steps, sizeof *counts);
    forecast_play(&plan, 1, counts, &visits, &lists);
    for (int step = 0; step < plan.steps; step++) {
        forecast_counts_add(&sum, &counts[step]);
    }
    arrivals_init(&arrivals, &stage.arrivals);
    while (arrivals_next(&arrivals, &visit)) {
        ratings += visit.kind == ARRIVALS_SHILL ? visit.steps : 0;
    }
    arrivals_deinit(&arrivals);
    /* Those of the last moments may come after the end. */
    cr_expect_float_eq(sum.unattributed / (double)ratings, 1, .01, "%g of %g", sum.unattributed,
                       (double)ratings);
    cr_expect_float_eq(sum.lists, (double)lists, 1e-9);
    mem_free(counts);
    mem_free(plan.level);
    stage_deinit(&stage);
}

Test(forecast, an_alert_on_what_is_not_simulated_is_not_foretold)
{
    static const char rules[] =
        "groups:\n"
        "  - name: strange\n"
        "    interval: 30s\n"
        "    rules:\n"
        "      - {record: queue:sum, expr: 'sum(queue_length{kind=\"slow\"})'}\n"
        "      - {alert: QueueLong, expr: queue:sum > 5, labels: {severity: ticket}}\n"
        "  - name: plain\n"
        "    interval: 30s\n"
        "    rules:\n"
        "      - {alert: Gone, expr: up == 0, labels: {severity: page}}\n";
    char path[64];
    struct stage stage;
    stage_init(&stage, 100);
    snprintf(path, sizeof path, "/tmp/driftdrill-forecast-rules-%d.yml", (int)getpid());
    cr_assert_eq(file_write(path, rules, strlen(rules), NULL), ERR_OK);
    stage.rules[2] = path;
    stage.request.rule_count = 3;
    expect_fires(&stage, "QueueLong", 2);
    expect_silent(&stage, "QueueLong", "", 3);
    expect_silent(&stage, "", "strange", 3);
    expect_silent(&stage, "", "plain", 3);
    struct forecast forecast = make(&stage);
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(forecast.row[i].verdict, FORECAST_UNKNOWN, "expectation %d", i);
        cr_expect_str_eq(forecast.row[i].why,
                         "QueueLong rests on queue_length{kind=\"slow\"}, which "
                         "is not simulated");
    }
    cr_expect_eq(forecast.row[3].verdict, FORECAST_LIKELY);
    cr_expect_eq(forecast_unlikely(&forecast), 0);
    unlink(path);
    stage_deinit(&stage);
}

Test(forecast, the_same_drill_has_the_same_forecast)
{
    struct stage stage;
    stage_init(&stage, 60);
    inject(&stage,
           (struct drift_injection){.kind = DRIFT_CUT_POINTS, .unit = DRIFT_STARS, .size = -.4});
    expect_fires(&stage, "MeanRatingLow", 2);
    struct forecast a = make(&stage);
    stage.parallel.threads = 1;
    struct forecast b = make(&stage);
    cr_expect_eq(a.row[0].met, b.row[0].met);
    cr_expect(a.row[0].met == 0 || a.row[0].delay_s == b.row[0].delay_s);
    stage_deinit(&stage);
}

Test(forecast, rules_that_cannot_be_read_are_an_error)
{
    struct stage stage;
    struct error error = {0};
    struct forecast forecast;
    stage_init(&stage, 10);
    expect_silent(&stage, "MeanRatingLow", "", 1);
    stage.rules[0] = "tests/data/absent.yml";
    cr_expect_neq(forecast_make(&stage.request, &forecast, &error), ERR_OK);
    cr_expect_not_null(strstr(error.where, "absent.yml"));
    stage_deinit(&stage);
}

/* ---- what is printed ---- */

static void read_back(FILE *file, char *out, size_t size)
{
    rewind(file);
    size_t len = fread(out, 1, size - 1, file);
    out[len] = '\0';
    (void)fclose(file);
}

Test(forecast, what_is_printed_tells_verdicts_and_sizes)
{
    char text[8192];
    struct stage stage;
    stage_init(&stage, 250);
    inject(&stage,
           (struct drift_injection){.kind = DRIFT_CUT_POINTS, .unit = DRIFT_STARS, .size = -.45});
    inject(&stage, (struct drift_injection){.kind = DRIFT_TRAFFIC, .size = 2});
    inject(&stage, (struct drift_injection){.kind = DRIFT_CHOICE_ROTATION, .size = 10});
    expect_fires(&stage, "MeanRatingLow", 2);
    expect_fires(&stage, "NoSuchAlert", 2);
    struct forecast forecast = make(&stage);
    FILE *file = tmpfile();
    forecast_print(file, &forecast);
    read_back(file, text, sizeof text);
    cr_expect_not_null(strstr(text, "likely   MeanRatingLow fires"), "%s", text);
    cr_expect_not_null(strstr(text, "4 of 4 plays"), "%s", text);
    cr_expect_not_null(strstr(text, "objective 3.4500"), "%s", text);
    cr_expect_not_null(strstr(text, "unknown  NoSuchAlert fires"), "%s", text);
    file = tmpfile();
    effect_report_print(file, &stage.scenario.drift, stage.sample, &stage.parallel);
    read_back(file, text, sizeof text);
    cr_expect_not_null(strstr(text, "1. rating-shift: -0.45 stars asked for, by -0."), "%s", text);
    cr_expect_not_null(strstr(text, "mean rating -0.450 stars"), "%s", text);
    cr_expect_not_null(strstr(text, "2. traffic: 2 times the traffic\n  3. choice"), "%s", text);
    cr_expect_not_null(strstr(text, "turns the choice taste by 10.0"), "%s", text);
    cr_expect_not_null(strstr(text, "all of them at once:"), "%s", text);
    stage_deinit(&stage);
}

Test(forecast, guests_are_told_too)
{
    char text[8192], wanted[160];
    struct stage stage;
    stage_init(&stage, 250);
    inject(&stage, (struct drift_injection){.kind = DRIFT_BOTS, .size = .25, .stars_given = 2});
    inject(&stage, (struct drift_injection){.kind = DRIFT_SHILLING, .size = .5, .stars_given = 9});
    inject(&stage, (struct drift_injection){.kind = DRIFT_CUT_POINTS, .size = -.5});
    inject(&stage, (struct drift_injection){.kind = DRIFT_CHOICE_ROTATION, .size = 60});
    const struct effect *rest = effect_rest(stage.sample);
    FILE *file = tmpfile();
    effect_report_print(file, &stage.scenario.drift, stage.sample, &stage.parallel);
    read_back(file, text, sizeof text);
    double mean = (.75 * rest->rated * rest->mean_rating + .25) / (.75 * rest->rated + .25);
    (void)snprintf(wanted, sizeof wanted, "mean rating %+.3f stars", mean - rest->mean_rating);
    cr_expect_not_null(strstr(text, wanted), "%s: %s", wanted, text);
    cr_expect_not_null(strstr(text, "conversion -25.0 %, reciprocal rank +"), "%s", text);
    (void)snprintf(wanted, sizeof wanted, "4.5 stars for films nobody showed them, %.0f %% of all",
                   100 / (1 + rest->rated));
    cr_expect_not_null(strstr(text, wanted), "%s: %s", wanted, text);
    cr_expect_not_null(strstr(text, "all of them at once, but for guests:"), "%s", text);
    stage_deinit(&stage);
}
