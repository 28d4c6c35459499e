/*
 * A drill is a chain of steps over one `struct drill`, each of which fills its part; whatever has
 * been started is stopped by clean_up in any case. The order matters in two places: the
 * recommender trains in its own process while this one reads back who saw what, and objectives are
 * chosen only when the target has told its version.
 */
#include "drill/drill.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/http.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/version.h"
#include "drill/bundled.h"
#include "drill/evidence.h"
#include "drill/judge.h"
#include "drill/objectives.h"
#include "drill/past_cache.h"
#include "drill/people.h"
#include "drill/play.h"
#include "drill/reconcile.h"
#include "drill/remote.h"
#include "drill/report.h"
#include "drill/results.h"
#include "drill/rule_names.h"
#include "drill/scenario.h"
#include "drill/stack.h"
#include "drill/watch_rules.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRAINING_TIMEOUT_NS (120 * CLOCK_NS_PER_S)
#define STACK_TIMEOUT_NS (30 * CLOCK_NS_PER_S)
#define ACHIEVED_SHARE_MIN 0.99
#define CALIBRATION_RATINGS_MIN 500 /* leaves a standard error of .05 stars */

struct drill {
    const struct drill_config *config;
    struct scenario scenario;
    struct results *results;
    struct people people;
    struct bundled *bundled;
    const char *target_url;
    char target_version[128];
    struct http *http;
    struct watch_rules rules;
    struct stack *stack;
    struct metrics_snapshot *metrics_before;
    struct play_result play;
    bool played;
    struct reconciliation reconciliation;
    struct evidence evidence;
    struct judgement judgement;
    int64_t started_wall_ns;
};

static bool calibrating(const struct drill *drill)
{
    return drill->config->calibrate_path != NULL;
}

static void path_in(const struct drill *drill, const char *name, char *out, size_t size)
{
    snprintf(out, size, "%s/%s", drill->config->folder, name);
}

/* The phase whose people are at rest: the last one before any injection begins; -1 if none is. */
static int control_phase(const struct scenario *scenario)
{
    int64_t onset_ns = INT64_MAX;
    for (int i = 0; i < scenario->drift.count; i++) {
        if (scenario->drift.injection[i].onset_ns < onset_ns) {
            onset_ns = scenario->drift.injection[i].onset_ns;
        }
    }
    int control = -1;
    for (int i = 0; i < scenario->phase_count; i++) {
        const struct scenario_phase *phase = &scenario->phase[i];
        if (phase->start_ns + phase->duration_ns <= onset_ns && !phase->retrains) {
            control = i;
        }
    }
    return control;
}

static enum err read_scenario(struct drill *drill, struct error *error)
{
    struct faults faults;
    faults_init(&faults);
    enum err code = scenario_read(drill->config->scenario_path, &drill->scenario, &faults, error);
    faults_print(&faults);
    faults_deinit(&faults);
    if (code == ERR_OK && calibrating(drill) && control_phase(&drill->scenario) < 0) {
        code = error_set(error, ERR_INPUT, drill->config->scenario_path, 0,
                         "no phase ends before the first injection, so there is nothing at rest to "
                         "calibrate on");
    }
    return code;
}

/* Names that no rule defines would be found out two minutes later, as a failure of the alert. */
static enum err check_names(struct drill *drill, struct error *error)
{
    struct watch_rules_request request = {.home = drill->config->home,
                                          .glob = drill->config->rules_glob};
    struct faults faults;
    char **paths = NULL;
    size_t count = 0;
    enum err code = watch_rules_files(&request, &paths, &count, error);
    if (code != ERR_OK) {
        return code;
    }
    faults_init(&faults);
    code = rule_names_check((const char *const *)paths, count, &drill->scenario, &faults, error);
    faults_print(&faults);
    faults_deinit(&faults);
    file_glob_free(paths, count);
    return code;
}

static void announce(const struct drill *drill)
{
    const struct scenario *s = &drill->scenario;
    printf("%s: %s\n", s->name, s->summary);
    printf("%.0f s; time runs %lld times faster, so that %.0f lists/s fill a window like a service "
           "with %.3g lists/s\n",
           (double)s->end_ns / (double)CLOCK_NS_PER_S, (long long)s->time_scale, s->lists_per_s,
           s->lists_per_s / (double)s->time_scale);
    fflush(stdout);
}

static enum err start_target(struct drill *drill, struct error *error)
{
    char log[600];
    path_in(drill, "target.log", log, sizeof log);
    struct bundled_config config = {
        .data_folder = drill->people.past_folder, .log_path = log, .seed = drill->config->seed};
    return bundled_start(&config, &drill->bundled, error);
}

/* The address comes when training is done; a signal must not wait for that. */
static enum err await_target(struct drill *drill, struct error *error)
{
    int64_t deadline_ns = clock_mono_ns() + TRAINING_TIMEOUT_NS;
    for (;;) {
        int64_t turn_ns = clock_mono_ns() + CLOCK_NS_PER_S / 4;
        bool last = turn_ns >= deadline_ns;
        enum err code =
            bundled_url(drill->bundled, turn_ns, &drill->target_url, last ? error : NULL);
        if (code != ERR_TIMEOUT || last) {
            if (code != ERR_OK && !last) {
                error_set(error, code, drill->config->folder, 0,
                          "the recommender did not start; target.log tells why");
            }
            return code;
        }
        if (play_interrupted(0)) {
            return error_set(error, ERR_INTERRUPTED, NULL, 0, "interrupted before the drill began");
        }
    }
}

static enum err ask_target(struct drill *drill, struct error *error)
{
    drill->http = http_new();
    enum err code = remote_version(drill->http, drill->target_url, drill->target_version,
                                   sizeof drill->target_version, error);
    if (code == ERR_OK) {
        code = remote_metrics(drill->http, drill->target_url, &drill->metrics_before, error);
    }
    return code;
}

static enum err start_stack(struct drill *drill, struct error *error)
{
    const struct drill_config *config = drill->config;
    char alertmanager_file[600];
    struct faults faults;
    snprintf(alertmanager_file, sizeof alertmanager_file, "%s/prometheus/alertmanager.yml",
             config->home);
    struct stack_config stack = {.folder = config->folder,
                                 .target_url = drill->target_url,
                                 .rule_files = drill->rules.path,
                                 .rule_file_count = drill->rules.count,
                                 .alertmanager_file = config->alertmanager_file != NULL
                                                          ? config->alertmanager_file
                                                          : alertmanager_file,
                                 .time_scale = drill->scenario.time_scale,
                                 .scrape_ns = drill->scenario.scrape_ns,
                                 .evaluation_ns = drill->scenario.evaluation_ns,
                                 .prometheus_program = config->prometheus_program,
                                 .alertmanager_program = config->alertmanager_program,
                                 .ready_timeout_ns = STACK_TIMEOUT_NS,
                                 .interrupted = play_interrupted};
    faults_init(&faults);
    enum err code = stack_start(&stack, &drill->stack, &faults, error);
    faults_print(&faults);
    faults_deinit(&faults);
    if (code == ERR_OK) {
        log_write(LOG_INFO, "drill", "target %s, Prometheus %s, Alertmanager %s", drill->target_url,
                  stack_prometheus_url(drill->stack), stack_alertmanager_url(drill->stack));
    }
    return code;
}

static enum err choose_rules(struct drill *drill, struct error *error)
{
    struct watch_rules_request request = {.home = drill->config->home,
                                          .glob = drill->config->rules_glob,
                                          .fingerprint = drill->people.data.fingerprint,
                                          .people = drill->scenario.people,
                                          .data_name = drill->people.data_name,
                                          .target = drill->target_version,
                                          .scenario_path = drill->config->scenario_path};
    return watch_rules_choose(&request, &drill->rules, error);
}

/* Steps that need nothing running yet, then the target, then the stack. */
static enum err prepare(struct drill *drill, struct error *error)
{
    struct people_request request = {.data = drill->config->data,
                                     .home = drill->config->home,
                                     .cache_root = drill->config->cache_root,
                                     .scenario = &drill->scenario,
                                     .seed = drill->config->seed,
                                     .without_later_past = calibrating(drill),
                                     .interrupted = play_interrupted};
    enum err code = people_prepare(&request, &drill->people, error);
    if (code == ERR_OK) {
        code = start_target(drill, error);
    }
    if (code == ERR_OK) {
        code = people_read_seen(&drill->people, error);
    }
    if (code == ERR_OK) {
        code = await_target(drill, error);
    }
    if (code == ERR_OK) {
        code = ask_target(drill, error);
    }
    if (code == ERR_OK && !calibrating(drill)) {
        code = choose_rules(drill, error);
    }
    if (code == ERR_OK && !calibrating(drill)) {
        code = start_stack(drill, error);
    }
    return code;
}

static enum err play_drill(struct drill *drill, struct error *error)
{
    struct play_config config = {
        .scenario = &drill->scenario,
        .population = drill->people.population,
        .seen = {.start = drill->people.seen_start, .item = drill->people.seen_item},
        .seed = drill->config->seed,
        .threads = drill->config->threads,
        .connections = drill->config->connections,
        .target_url = drill->target_url,
        .later_folder = drill->people.later_folder[0] == '\0' ? NULL : drill->people.later_folder,
        .stack = drill->stack,
        .bundled = drill->bundled,
        .last_phase =
            calibrating(drill) ? control_phase(&drill->scenario) : drill->scenario.phase_count - 1};
    enum err code = play(&config, &drill->judgement, &drill->play, error);
    drill->played = code == ERR_OK;
    return code;
}

static void check_generator(struct drill *drill)
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

static void reconcile_counts(struct drill *drill)
{
    struct ledger_counts total = ledger_total(drill->play.engine.ledger);
    struct metrics_snapshot *after = NULL;
    drill->reconciliation.lost = total.get_unknown + total.post_unknown;
    if (remote_metrics(drill->http, drill->target_url, &after, NULL) == ERR_OK) {
        reconcile(&total, drill->metrics_before, after, &drill->reconciliation);
    }
    metrics_snapshot_free(after);
}

static void collect_evidence(struct drill *drill)
{
    struct error error = {0};
    /* The evaluation that covers the last moments may still be under way. */
    clock_sleep_ns(drill->scenario.evaluation_ns / drill->scenario.time_scale);
    if (evidence_collect(stack_prometheus(drill->stack), stack_rules(drill->stack),
                         stack_webhook(drill->stack), &drill->scenario, drill->play.origin_unix_s,
                         drill->play.end_s, &drill->evidence, &error) != ERR_OK) {
        char text[900];
        error_format(&error, text, sizeof text);
        judge_invalid(&drill->judgement, "no evidence from Prometheus: %.200s", text);
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
    const struct {
        const char *name, *value;
    } texts[] = {{"scenario", config->scenario_path},
                 {"rules", config->rules_glob},
                 {"alertmanager-config", config->alertmanager_file},
                 {"data", config->data},
                 {"cache", config->cache_root},
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
    path_in(drill, "verdict.json", path, sizeof path);
    enum err code = report_write_json(report, path, error);
    path_in(drill, "junit.xml", path, sizeof path);
    if (code == ERR_OK) {
        code = report_write_junit(report, path, error);
    }
    path_in(drill, "ledger.jsonl", path, sizeof path);
    if (code == ERR_OK) {
        code = ledger_write(drill->play.engine.ledger, path, error);
    }
    report_print(report);
    return code;
}

static enum err report_drill(struct drill *drill, struct error *error)
{
    json_t *versions = versions_json(drill), *options = options_json(drill);
    struct report report = {.scenario = &drill->scenario,
                            .judgement = &drill->judgement,
                            .evidence = &drill->evidence,
                            .reconciliation = &drill->reconciliation,
                            .play = &drill->play,
                            .objectives =
                                drill->rules.has_objectives ? &drill->rules.objectives : NULL,
                            .seed = drill->config->seed,
                            .folder = drill->config->folder,
                            .data_name = drill->people.data_name,
                            .data_fingerprint = drill->people.data.fingerprint,
                            .target_version = drill->target_version,
                            .versions = versions,
                            .options = options,
                            .started_wall_ns = drill->started_wall_ns};
    enum err code = write_reports(drill, &report, error);
    json_decref(versions);
    json_decref(options);
    return code;
}

static enum err conclude(struct drill *drill, struct error *error)
{
    check_generator(drill);
    reconcile_counts(drill);
    collect_evidence(drill);
    if (drill->play.interrupted) {
        judge_invalid(&drill->judgement, "interrupted at %.1f s", drill->play.end_s);
    }
    struct judge_case judge_case = {.scenario = &drill->scenario,
                                    .ledger = drill->play.engine.ledger,
                                    .evidence = &drill->evidence,
                                    .reconciliation = &drill->reconciliation,
                                    .end_s = drill->play.end_s};
    judge(&judge_case, &drill->judgement);
    enum err code = report_drill(drill, error);
    if (code != ERR_OK) {
        return code;
    }
    static const enum err verdicts[] = {ERR_OK, ERR_FAILED, ERR_INVALID};
    return drill->play.interrupted ? ERR_INTERRUPTED : verdicts[drill->judgement.outcome];
}

static enum err write_calibration(struct drill *drill, struct error *error)
{
    int control = control_phase(&drill->scenario);
    const struct ledger_counts *counts = &drill->play.engine.ledger->nominal[control];
    if (drill->play.interrupted) {
        return error_set(error, ERR_INTERRUPTED, NULL, 0, "interrupted, no objectives written");
    }
    check_generator(drill);
    reconcile_counts(drill);
    if (drill->judgement.reason_count > 0 || !reconcile_agrees(&drill->reconciliation)) {
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
                                   .seed = drill->config->seed,
                                   .lists = counts->lists,
                                   .ratings = ledger_ratings(counts),
                                   .conversion = ledger_conversion(counts),
                                   .reciprocal_rank = ledger_reciprocal_rank(counts),
                                   .mean_rating = ledger_mean_rating(counts)};
    text_copy(head.scenario, sizeof head.scenario, drill->scenario.name);
    text_copy(head.data, sizeof head.data, drill->people.data_name);
    text_copy(head.target, sizeof head.target, drill->target_version);
    enum err code = objectives_write(drill->config->calibrate_path, &head, error);
    if (code == ERR_OK) {
        printf("%s: conversion %.4f, reciprocal rank %.4f, mean rating %.3f at rest, from %" PRId64
               " lists\n",
               drill->config->calibrate_path, head.conversion, head.reciprocal_rank,
               head.mean_rating, head.lists);
    }
    return code;
}

static void clean_up(struct drill *drill)
{
    stack_stop(drill->stack);
    bundled_stop(drill->bundled);
    http_free(drill->http);
    metrics_snapshot_free(drill->metrics_before);
    if (drill->played) {
        engine_result_deinit(&drill->play.engine);
    }
    evidence_deinit(&drill->evidence);
    watch_rules_deinit(&drill->rules);
    people_deinit(&drill->people);
    results_close(drill->results);
}

static enum err run_steps(struct drill *drill, struct error *error)
{
    enum err code = read_scenario(drill, error);
    if (code == ERR_OK && !calibrating(drill)) {
        code = check_names(drill, error);
    }
    if (code == ERR_OK) {
        announce(drill);
        code = results_open(drill->config->folder, &drill->results, error);
    }
    if (code == ERR_OK) {
        code = prepare(drill, error);
    }
    if (code == ERR_OK) {
        code = play_drill(drill, error);
    }
    if (code == ERR_OK) {
        code = calibrating(drill) ? write_calibration(drill, error) : conclude(drill, error);
    }
    return code;
}

enum err drill_run(const struct drill_config *config, struct error *error)
{
    struct drill *drill = mem_zalloc(1, sizeof *drill);
    drill->config = config;
    drill->started_wall_ns = clock_wall_ns();
    enum err code = run_steps(drill, error);
    clean_up(drill);
    mem_free(drill);
    return code;
}
