#include "made_report.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ORIGIN_S 1.7e9
#define POINTS 240

static const char *const phase_names[] = {"warm-up", "control", "drift", "retrain", "recovery"};
static const int64_t phase_starts_s[] = {0, 20, 50, 80, 90};

/* Down from rest in the middle third, with a wobble. */
static double course(double at_s, double rest, double drifted)
{
    double wobble = 0.03 * rest * sin(at_s * 1.7) + 0.02 * rest * sin(at_s * 5.3);
    double share = at_s < 50 ? 0 : at_s < 65 ? (at_s - 50) / 15 : at_s < 85 ? 1 : 0.15;
    return rest + (drifted - rest) * share + wobble;
}

/* ---- scenario, verdict, evidence ---- */

static void make_scenario(struct made_report *made)
{
    struct scenario *s = &made->scenario;
    *s = (struct scenario){.time_scale = 60,
                           .lists_per_s = 400,
                           .phase_count = 5,
                           .end_ns = 120 * CLOCK_NS_PER_S,
                           .disturbance_count = 1};
    snprintf(s->path, sizeof s->path, "scenarios/made-up.yml");
    snprintf(s->name, sizeof s->name, "made-up");
    snprintf(s->summary, sizeof s->summary, "%s", MADE_HOSTILE);
    for (int i = 0; i < 5; i++) {
        int64_t end_s = i < 4 ? phase_starts_s[i + 1] : 120;
        snprintf(s->phase[i].name, sizeof s->phase[i].name, "%s", phase_names[i]);
        s->phase[i].start_ns = phase_starts_s[i] * CLOCK_NS_PER_S;
        s->phase[i].duration_ns = (end_s - phase_starts_s[i]) * CLOCK_NS_PER_S;
    }
    s->disturbance[0] = (struct scenario_disturbance){.kind = SCENARIO_STALL_PROMETHEUS,
                                                      .at_ns = 30 * CLOCK_NS_PER_S,
                                                      .lasts_ns = 2 * CLOCK_NS_PER_S};
    s->drift.count = 2;
    s->drift.injection[0] = (struct drift_injection){.kind = DRIFT_CHOICE_ROTATION,
                                                     .shape = DRIFT_SUDDEN,
                                                     .onset_ns = 50 * CLOCK_NS_PER_S,
                                                     .end_ns = INT64_MAX,
                                                     .size = 180};
    s->drift.injection[1] = (struct drift_injection){.kind = DRIFT_CUT_POINTS,
                                                     .shape = DRIFT_LINEAR,
                                                     .unit = DRIFT_STARS,
                                                     .onset_ns = 50 * CLOCK_NS_PER_S,
                                                     .ramp_ns = 20 * CLOCK_NS_PER_S,
                                                     .end_ns = INT64_MAX,
                                                     .size = -0.4};
}

static void add_row(struct made_report *made, const char *name, const char *observed,
                    enum judge_outcome outcome)
{
    struct judge_row *row = &made->judgement.row[made->judgement.row_count++];
    struct scenario_expectation *e =
        &made->scenario.expectation[made->scenario.expectation_count++];
    snprintf(row->name, sizeof row->name, "%s", name);
    snprintf(row->wanted, sizeof row->wanted, "within 25.0 s of its start");
    snprintf(row->observed, sizeof row->observed, "%s", observed);
    row->outcome = outcome;
    *e = (struct scenario_expectation){.kind = SCENARIO_RECONCILES,
                                       .line = 40 + made->judgement.row_count};
}

static void make_judgement(struct made_report *made)
{
    add_row(made, "ConversionLow fires in drift", "pending 10.5 s, firing 13.0 s; notified 13.6 s",
            JUDGE_PASS);
    made->scenario.expectation[0].kind = SCENARIO_FIRES;
    made->scenario.expectation[0].phase = 2;
    made->scenario.expectation[0].within_ns = 25 * CLOCK_NS_PER_S;
    snprintf(made->scenario.expectation[0].alert, sizeof made->scenario.expectation[0].alert,
             "ConversionLow");
    add_row(made, MADE_HOSTILE, "it | did `not` <b>\n::error::x", JUDGE_FAIL);
    add_row(made, "MeanRatingLow stays silent", "no evaluation for 9 s", JUDGE_INVALID);
    judge_invalid(&made->judgement, "the <dog> died: 100 %%, at noon");
    judge_conclude(&made->judgement);
}

static void make_alerts(struct made_report *made)
{
    static const char *const names[MADE_ALERTS] = {"ConversionLow", "ReciprocalRankCusum",
                                                   "MeanRatingLow", "TargetDown"};
    static const struct evidence_episode episodes[MADE_ALERTS] = {
        {60.5, 63, 95, EVIDENCE_RECOVERED, 63.6, 95.5},
        {NAN, 54.6, 70, EVIDENCE_VANISHED, 55.1, 70.4},
        {66, NAN, 68, EVIDENCE_NOT_RESOLVED, NAN, NAN}};
    for (int i = 0; i < MADE_ALERTS; i++) {
        snprintf(made->rule[i].name, sizeof made->rule[i].name, "%s", names[i]);
        made->episode[i] = episodes[i];
        made->alert[i] = (struct evidence_alert){.rule = &made->rule[i],
                                                 .objective = i == 0 ? 0.235 : NAN,
                                                 .count = i < 3 ? 1 : 0,
                                                 .episode = &made->episode[i]};
    }
    made->evidence =
        (struct evidence){.complete = true, .alert_count = MADE_ALERTS, .alert = made->alert};
}

static void make_play(struct made_report *made)
{
    struct engine_result *engine = &made->play.engine;
    int64_t starts[5];
    for (int i = 0; i < 5; i++) {
        starts[i] = phase_starts_s[i] * CLOCK_NS_PER_S;
    }
    engine->ledger = ledger_new(made->scenario.end_ns, starts, 5);
    for (int64_t second = 0; second < 120; second++) {
        struct ledger_counts counts = {.lists = 400, .get_sent = 400};
        int rated = (int)(course((double)second, 0.3, 0.17) * 400);
        for (int i = 0; i < rated; i++) {
            ledger_count_rating(&counts, 1 + i % 7, (uint8_t)(5 + i % 5));
        }
        ledger_note(engine->ledger, second * CLOCK_NS_PER_S, second * CLOCK_NS_PER_S, &counts);
    }
    for (int i = 0; i < ENGINE_ENDPOINTS; i++) {
        engine->from_intended[i] = histogram_new(1000000000);
        engine->from_send[i] = histogram_new(1000000000);
    }
    engine->schedule_lag = histogram_new(1000000000);
    made->play.end_s = MADE_END_S;
    made->play.retrained_s = 84.2;
    made->play.origin_unix_s = ORIGIN_S;
}

static void make_delays(struct made_report *made)
{
    static const int64_t tenths[2][DELAY_PARTS] = {{45, 2, 3, 55, 25, 6}, {27, 1, 4, 15, 0, 5}};
    struct floors_row *row = &made->floors.row[0];
    made->floors = (struct floors){.interval_s = FLOORS_INTERVAL_S, .time_scale = 60, .count = 1};
    *row = (struct floors_row){.quantity = SCENARIO_CONVERSION, .exists = true};
    row->view[FLOORS_EVERYTHING] =
        (struct floors_floor){.exists = true, .delay_s = 0.6, .expected_s = 0.4};
    row->view[FLOORS_RATINGS] = (struct floors_floor){.why = "too few <lists>"};
    row->view[FLOORS_EXPORTED] =
        (struct floors_floor){.exists = true, .delay_s = NAN, .expected_s = 3.7};
    made->delays.count = 2;
    for (int i = 0; i < 2; i++) {
        struct delay_budget *budget = &made->delays.budget[i];
        *budget = (struct delay_budget){.alert = &made->alert[i],
                                        .floors = i == 0 ? row : NULL,
                                        .onset_s = 50,
                                        .has_floor = i == 0,
                                        .notified = true};
        for (int p = 0; p < DELAY_PARTS; p++) {
            budget->part_ns[p] = tenths[i][p] * 100 * CLOCK_NS_PER_MS;
            budget->total_ns += budget->part_ns[p];
        }
        budget->firing_ns = budget->total_ns - budget->part_ns[DELAY_NOTIFICATION];
    }
}

static void make_tracks(struct made_report *made)
{
    struct report_track *track = &made->tracks.track[0];
    made->tracks.count = 1;
    *track = (struct report_track){.quantity = SCENARIO_CONVERSION,
                                   .record = "job:conversion:ratio15m",
                                   .window_ns = 15 * CLOCK_NS_PER_S,
                                   .objective = 0.235,
                                   .recorded_count = POINTS,
                                   .truth_count = POINTS};
    track->recorded = mem_array(POINTS, sizeof *track->recorded);
    track->truth = mem_array(POINTS, sizeof *track->truth);
    for (int i = 0; i < POINTS; i++) {
        double at_s = 0.5 * i;
        bool gap = at_s > 30 && at_s < 32;
        track->recorded[i] =
            (struct prometheus_point){at_s, gap ? NAN : course(at_s - 0.5, 0.306, 0.175)};
        track->truth[i] = (struct prometheus_point){at_s, course(at_s, 0.3, 0.17)};
    }
}

/* ---- panels ---- */

static void make_panel(struct made_report *made, int index, enum dashboard_panel_type type,
                       const char *title, const char *unit)
{
    struct dashboard_panel *panel = &made->panel[index];
    *panel = (struct dashboard_panel){.id = index + 1,
                                      .type = type,
                                      .description = MADE_HOSTILE,
                                      .min = NAN,
                                      .max = NAN,
                                      .decimals = -1,
                                      .w = 12,
                                      .h = 8,
                                      .worse = index % 2 == 0 ? DASHBOARD_LOWER : DASHBOARD_HIGHER};
    text_copy(panel->title, sizeof panel->title, title);
    text_copy(panel->unit, sizeof panel->unit, unit);
    text_copy(panel->type_id, sizeof panel->type_id, dashboard_panel_type_id(type));
    snprintf(panel->thresholds_style, sizeof panel->thresholds_style, "area");
    panel->x = index % 2 * 12;
    panel->y = index / 2 * 8;
    panel->thresholds = (struct thresholds){.count = 3, .step = made->step};
    made->entry[index] = (struct panel_entry){.board = "made",
                                              .dashboard = &made->dashboard,
                                              .panel = panel,
                                              .ok = true,
                                              .moved = index % 2 == 0};
    made->entry[index].view.plan.step_ms = 500;
}

static struct panel_series *add_series(struct made_report *made, int index, const char *legend,
                                       double rest, double drifted)
{
    struct panel_view *view = &made->entry[index].view;
    view->series = mem_resize(view->series, view->series_count + 1, sizeof *view->series);
    struct panel_series *series = &view->series[view->series_count++];
    *series = (struct panel_series){.count = POINTS, .has_value = true, .min = 0, .max = 0.5};
    text_copy(series->legend, sizeof series->legend, legend);
    series->point = mem_array(POINTS, sizeof *series->point);
    for (int i = 0; i < POINTS; i++) {
        series->point[i] =
            (struct prometheus_point){ORIGIN_S + 0.5 * i, course(0.5 * i, rest, drifted)};
    }
    series->reduced = series->point[POINTS - 1].value;
    snprintf(series->text, sizeof series->text, "%.1f%%", 100 * series->reduced);
    snprintf(series->colour, sizeof series->colour, "blue");
    snprintf(series->line_colour, sizeof series->line_colour, "blue");
    view->has_data = true;
    return series;
}

static void add_glances(struct made_report *made, int index)
{
    struct panel_entry *entry = &made->entry[index];
    entry->phase_count = 5;
    for (int p = 0; p < 5; p++) {
        struct panel_shown *shown = &made->shown[p][0];
        double value = course((double)phase_starts_s[p] + 8, 0.3, 0.17);
        *shown = (struct panel_shown){.value = value, .headline = true};
        text_copy(shown->legend, sizeof shown->legend, entry->view.series[0].legend);
        snprintf(shown->text, sizeof shown->text, "%.1f%%", 100 * value);
        snprintf(shown->colour, sizeof shown->colour, "%s",
                 value < 0.23   ? "red"
                 : value < 0.26 ? "yellow"
                                : "blue");
        entry->at_end[p] = (struct panel_glance){.ok = true, .count = 1, .shown = shown};
    }
}

/* States: nothing, pending, firing. */
static void make_states(struct made_report *made, int index)
{
    make_panel(made, index, DASHBOARD_STATE_TIMELINE, "Alert timeline", "none");
    for (int s = 0; s < 2; s++) {
        struct panel_series *series =
            add_series(made, index, s == 0 ? "ConversionLow" : MADE_HOSTILE, 0, 0);
        for (int i = 0; i < POINTS; i++) {
            double at_s = 0.5 * i + 5 * s;
            series->point[i].value = at_s < 60 ? NAN : at_s < 63 ? 0.24 : at_s < 95 ? 0.1 : NAN;
        }
    }
}

static void make_heatmap(struct made_report *made, int index)
{
    make_panel(made, index, DASHBOARD_HEATMAP, "Duration distribution", "s");
    for (int r = 0; r < 10; r++) {
        char legend[16];
        snprintf(legend, sizeof legend, "%.3g", 0.005 * pow(2, r));
        struct panel_series *series = add_series(made, index, legend, 0, 0);
        for (int i = 0; i < POINTS; i++) {
            double middle = 4 + 2 * sin(i * 0.03);
            series->point[i].value = 100 * exp(-(r - middle) * (r - middle) / 3);
        }
    }
}

static void make_values(struct made_report *made)
{
    make_panel(made, 2, DASHBOARD_GAUGE, "Conversion", "percentunit");
    add_series(made, 2, "conversion", 0.3, 0.17);
    add_glances(made, 2);
    make_panel(made, 3, DASHBOARD_STAT, "Error ratio", "percentunit");
    add_series(made, 3, "errors", 0.01, 0.02);
    add_glances(made, 3);
    make_panel(made, 4, DASHBOARD_BARGAUGE, "Mean rating by recommender", "none");
    add_series(made, 4, "base", 0.31, 0.2);
    snprintf(add_series(made, 4, MADE_HOSTILE, 0.2, 0.1)->colour, 32, "red");
    snprintf(add_series(made, 4, "popular", 0.25, 0.1)->colour, 32, "#EAB839");
    add_glances(made, 4);
}

static void make_book(struct made_report *made)
{
    made->step[0] = (struct threshold_step){-INFINITY, "red"};
    made->step[1] = (struct threshold_step){0.23, "yellow"};
    made->step[2] = (struct threshold_step){0.26, "blue"};
    text_copy(made->dashboard.uid, sizeof made->dashboard.uid, "made-up");
    text_copy(made->dashboard.title, sizeof made->dashboard.title, "Made up " MADE_HOSTILE);
    make_panel(made, 0, DASHBOARD_TIMESERIES, "Conversion over time", "percentunit");
    add_series(made, 0, "measured", 0.3, 0.17);
    add_series(made, 0, "at most", 0.33, 0.2);
    snprintf(add_series(made, 0, "objective", 0.235, 0.235)->line_colour, 32, "red");
    make_panel(made, 1, DASHBOARD_TIMESERIES, MADE_HOSTILE, "bytes");
    for (int i = 0; i < MADE_SERIES; i++) {
        add_series(made, 1, i == 0 ? MADE_HOSTILE : "a series with a rather long name indeed",
                   1e8 * (i + 1), 2e8);
    }
    make_values(made);
    make_heatmap(made, 5);
    make_states(made, 6);
    make_panel(made, 7, DASHBOARD_TABLE, "A table", "short");
    add_series(made, 7, "row", 1, 2);
    make_panel(made, 8, DASHBOARD_STAT, "Nothing", "short");
    snprintf(made->entry[8].view.text_no_data, sizeof made->entry[8].view.text_no_data, "no data");
    make_panel(made, 9, DASHBOARD_TIMESERIES, "Not evaluated", "short");
    made->entry[9].ok = false;
    snprintf(made->entry[9].why, sizeof made->entry[9].why, "%s", MADE_HOSTILE);
    make_panel(made, 10, DASHBOARD_TIMESERIES, "Beyond the grid", "short");
    made->panel[10].x = -3;
    made->panel[10].w = 1000000;
    made->panel[10].h = 1;
    add_series(made, 10, "flat", 0, 0);
    make_panel(made, 11, DASHBOARD_TIMESERIES, "Infinite", "short");
    add_series(made, 11, "infinite", 1, 2)->point[100].value = INFINITY;
    made->entry[11].view.series[0].point[50].value = NAN;
    made->book = (struct panel_book){.count = MADE_PANELS,
                                     .entry = made->entry,
                                     .dashboard_count = 1,
                                     .dashboard = &made->dashboard,
                                     .origin_unix_s = ORIGIN_S,
                                     .end_s = MADE_END_S};
}

struct made_report *made_report_new(void)
{
    struct made_report *made = mem_zalloc(1, sizeof *made);
    make_scenario(made);
    make_judgement(made);
    make_alerts(made);
    make_play(made);
    make_delays(made);
    make_tracks(made);
    make_book(made);
    made->reconciliation = (struct reconciliation){.done = true, .count = 1};
    made->reconciliation.row[0] =
        (struct reconcile_row){.name = "lists", .ledger = 48000, .target = 47999};
    made->report = (struct report){.scenario = &made->scenario,
                                   .judgement = &made->judgement,
                                   .evidence = &made->evidence,
                                   .reconciliation = &made->reconciliation,
                                   .play = &made->play,
                                   .floors = &made->floors,
                                   .delays = &made->delays,
                                   .tracks = &made->tracks,
                                   .panels = &made->book,
                                   .seed = 5,
                                   .folder = "results/x",
                                   .data_name = "ml-latest-small",
                                   .target_version = MADE_HOSTILE,
                                   .versions = json_pack("{s:s}", "driftdrill", "0"),
                                   .options = json_pack("{s:i,s:n}", "threads", 1, "rules"),
                                   .started_wall_ns = 1700000000 * CLOCK_NS_PER_S};
    return made;
}

void made_report_free(struct made_report *made)
{
    for (int i = 0; i < MADE_PANELS; i++) {
        struct panel_view *view = &made->entry[i].view;
        for (size_t s = 0; s < view->series_count; s++) {
            mem_free(view->series[s].point);
        }
        mem_free(view->series);
    }
    engine_result_deinit(&made->play.engine);
    report_tracks_deinit(&made->tracks);
    json_decref((json_t *)made->report.versions);
    json_decref((json_t *)made->report.options);
    mem_free(made);
}
