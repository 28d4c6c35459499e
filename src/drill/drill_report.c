/* What is written about a drill: the report and, of a calibration, the objectives. */
#include "drill/drill_int.h"

#include "base/clock.h"
#include "base/text.h"
#include "base/version.h"
#include "drill/calibration.h"
#include "drill/github.h"
#include "drill/objectives.h"
#include "drill/report.h"
#include "drill/report_html.h"
#include "drill/report_tracks.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define ACHIEVED_SHARE_MIN 0.99
#define CALIBRATION_RATINGS_MIN 500 /* leaves a standard error of .05 stars */

void drill_check_generator(struct drill *drill)
{
    const struct ledger *ledger = drill->play.engine.ledger;
    uint64_t lag_ns = histogram_quantile(drill->play.engine.schedule_lag, 0.99);
    double late = (double)ledger->steps_late / fmax(1, (double)ledger->steps);
    if (lag_ns > (uint64_t)ENGINE_LAG_P99_MAX_NS) {
        judge_invalid(&drill->judgement,
                      "the load generator was too slow: p99 of its schedule lag was %.0f ms",
                      (double)lag_ns / (double)CLOCK_NS_PER_MS);
    }
    if (late > 1 - ACHIEVED_SHARE_MIN) {
        judge_invalid(&drill->judgement, "%.1f %% of the steps found no free connection",
                      100 * late);
    }
}

static json_t *versions_json(struct drill *drill)
{
    json_t *versions = json_object();
    json_object_set_new(versions, "driftdrill", json_string(DRIFTDRILL_VERSION));
    json_object_set_new(versions, "target", report_text(drill->target_version));
    json_object_set_new(versions, "prometheus",
                        report_text(stack_prometheus_version(drill->stack)));
    json_object_set_new(versions, "alertmanager",
                        report_text(stack_alertmanager_version(drill->stack)));
    return versions;
}

static json_t *options_json(const struct drill *drill)
{
    const struct drill_config *config = drill->config;
    const struct drill_external *external = config->external;
    const struct {
        const char *name, *value;
    } texts[] = {{"scenario", config->scenario_path},
                 {"rules", config->rules_glob},
                 {"dashboards", config->dashboards_glob},
                 {"alertmanager-config", config->alertmanager_file},
                 {"data", config->data},
                 {"cache", config->cache_root},
                 {"stack", external != NULL ? "external" : "native"},
                 {"target", config->target},
                 {"grafana", external != NULL ? external->grafana_url : NULL},
                 {"past", config->past_folder},
                 {"prometheus", config->prometheus_program},
                 {"alertmanager", config->alertmanager_program}};
    json_t *options = json_pack("{s:I,s:i,s:i}", "seed", (json_int_t)config->seed, "threads",
                                (int)config->threads, "connections", config->connections);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_object_set_new(options, texts[i].name, report_text(texts[i].value));
    }
    return options;
}

static enum err write_reports(struct drill *drill, const struct report *report, struct error *error)
{
    char path[600];
    drill_path(drill, "verdict.json", path, sizeof path);
    enum err code = report_write_json(report, path, error);
    drill_path(drill, "junit.xml", path, sizeof path);
    if (code == ERR_OK) {
        code = report_write_junit(report, path, error);
    }
    drill_path(drill, "ledger.jsonl", path, sizeof path);
    if (code == ERR_OK) {
        code = ledger_write(drill->play.engine.ledger, path, error);
    }
    drill_path(drill, REPORT_HTML_FILE, path, sizeof path);
    if (code == ERR_OK) {
        code = report_write_html(report, path, error);
    }
    if (code == ERR_OK) {
        code = report_write_dashboards(report, drill->config->folder, error);
    }
    report_print(report);
    github_report(report);
    return code;
}

/* What Prometheus recorded, while it still answers. */
static void collect_tracks(struct drill *drill, struct report_tracks *out)
{
    const struct report_tracks_request request = {
        .prometheus = drill->evidence.complete ? stack_prometheus(drill->stack) : NULL,
        .scenario = &drill->scenario,
        .evidence = &drill->evidence,
        .ledger = drill->play.engine.ledger,
        .origin_unix_s = drill->play.origin_unix_s,
        .end_s = drill->play.end_s};
    report_tracks_collect(&request, out);
}

enum err drill_report(struct drill *drill, struct error *error)
{
    json_t *versions = versions_json(drill), *options = options_json(drill);
    struct delay_budgets delays;
    struct report_tracks tracks;
    collect_tracks(drill, &tracks);
    delay_budgets_measure(&drill->scenario, &drill->evidence, &drill->floors, &delays);
    struct report report = {.scenario = &drill->scenario,
                            .judgement = &drill->judgement,
                            .evidence = &drill->evidence,
                            .reconciliation = &drill->reconciliation,
                            .play = &drill->play,
                            .objectives =
                                drill->rules.has_objectives ? &drill->rules.objectives : NULL,
                            .floors = &drill->floors,
                            .delays = &delays,
                            .tracks = &tracks,
                            .applicable = &drill->applicable,
                            .panels = drill->panels.count > 0 ? &drill->panels : NULL,
                            .seed = drill->config->seed,
                            .folder = drill->config->folder,
                            .data_name = drill->people.data_name,
                            .data_fingerprint = drill->people.data.fingerprint,
                            .target_version = drill->target_version,
                            .versions = versions,
                            .options = options,
                            .grafana = drill->grafana,
                            .started_wall_ns = drill->started_wall_ns};
    enum err code = write_reports(drill, &report, error);
    report_tracks_deinit(&tracks);
    json_decref(versions);
    json_decref(options);
    return code;
}

enum err drill_write_calibration(struct drill *drill, struct error *error)
{
    int control = drill_control_phase(&drill->scenario);
    const struct ledger_counts *counts = &drill->play.engine.ledger->nominal[control];
    if (drill->play.interrupted) {
        return error_set(error, ERR_INTERRUPTED, NULL, 0, "interrupted, no objectives written");
    }
    drill_check_generator(drill);
    drill_reconcile(drill);
    bool counted = target_link_metric_map(drill->link) != NULL;
    if (drill->judgement.reason_count > 0 ||
        (counted && !reconcile_agrees(&drill->reconciliation))) {
        return error_set(error, ERR_INVALID, NULL, 0, "%s, no objectives written",
                         drill->judgement.reason_count > 0 ? drill->judgement.reason[0]
                                                           : "the counts do not reconcile");
    }
    if (ledger_ratings(counts) < CALIBRATION_RATINGS_MIN) {
        return error_set(error, ERR_INVALID, NULL, 0,
                         "%" PRId64 " ratings in %s are too few to measure objectives (%d): more "
                         "traffic or a longer phase is needed",
                         ledger_ratings(counts), drill->scenario.phase[control].name,
                         CALIBRATION_RATINGS_MIN);
    }
    struct objectives_head head = {.fingerprint = drill->people.data.fingerprint,
                                   .people = drill->scenario.people,
                                   .seed = drill->config->seed};
    struct metrics_snapshot *after = NULL;
    enum err code = target_link_metrics(drill->link, &after, error);
    if (code != ERR_OK) {
        return code;
    }
    calibration_measure(drill->play.engine.ledger, control, drill->metrics_before, after, &head);
    metrics_snapshot_free(after);
    text_copy(head.scenario, sizeof head.scenario, drill->scenario.name);
    text_copy(head.data, sizeof head.data, drill->people.data_name);
    text_copy(head.target, sizeof head.target, drill->target_version);
    code = objectives_write(drill->config->calibrate_path, &head, error);
    if (code == ERR_OK) {
        printf("%s: conversion %.4f, reciprocal rank %.4f, mean rating %.3f at rest, from %" PRId64
               " lists\n",
               drill->config->calibrate_path, head.conversion, head.reciprocal_rank,
               head.mean_rating, head.lists);
    }
    return code;
}
