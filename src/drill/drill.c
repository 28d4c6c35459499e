/*
 * A drill is a chain of steps over one `struct drill`, each of which fills its part; whatever has
 * been started is stopped by clean_up in any case.
 */
#include "drill/drill_int.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/mem.h"
#include "drill/rule_names.h"

#include <stdio.h>

bool drill_calibrates(const struct drill *drill)
{
    return drill->config->calibrate_path != NULL;
}

bool drill_is_watched(const struct drill *drill)
{
    return !drill_calibrates(drill) && !drill->config->unwatched;
}

bool drill_starts_target(const struct drill *drill)
{
    return drill->config->target == NULL && drill->scenario.target[0] == '\0';
}

void drill_path(const struct drill *drill, const char *name, char *out, size_t size)
{
    snprintf(out, size, "%s/%s", drill->config->folder, name);
}

static int64_t first_onset(const struct drift *drift)
{
    int64_t onset_ns = INT64_MAX;
    for (int i = 0; i < drift->count; i++) {
        if (drift->injection[i].onset_ns < onset_ns) {
            onset_ns = drift->injection[i].onset_ns;
        }
    }
    return onset_ns;
}

int drill_control_phase(const struct scenario *scenario)
{
    int64_t onset_ns = first_onset(&scenario->drift);
    int control = -1;
    for (int i = 0; i < scenario->phase_count; i++) {
        const struct scenario_phase *phase = &scenario->phase[i];
        if (phase->start_ns + phase->duration_ns <= onset_ns && !phase->retrains) {
            control = i;
        }
    }
    return control;
}

/* A drill that nobody watches has no alert that a retraining could end. */
int drill_last_phase(const struct drill *drill)
{
    const struct scenario *scenario = &drill->scenario;
    int last = scenario->phase_count - 1;
    if (drill_calibrates(drill)) {
        return drill_control_phase(scenario);
    }
    for (int i = last; i > 0 && drill->config->unwatched; i--) {
        last = scenario->phase[i].retrains ? i - 1 : last;
    }
    return last;
}

static enum err read_scenario(struct drill *drill, struct error *error)
{
    struct faults faults;
    faults_init(&faults);
    enum err code = scenario_read(drill->config->scenario_path, &drill->scenario, &faults, error);
    if (code == ERR_OK && drill->config->check != NULL) {
        drill->config->check(&drill->scenario, &faults);
        code = faults.count == 0 ? ERR_OK
                                 : error_set(error, ERR_INPUT, drill->config->scenario_path, 0,
                                             "%zu fault%s in the scenario", faults.count,
                                             faults.count == 1 ? "" : "s");
    }
    faults_print(&faults);
    faults_deinit(&faults);
    if (code == ERR_OK && !drill_starts_target(drill) &&
        (drill->config->unwatched || drill->config->without_injections)) {
        code = error_set(error, ERR_INPUT, drill->config->scenario_path, 0,
                         "a target that was not started for the drill cannot be played against "
                         "several times alike");
    }
    if (code == ERR_OK && drill_calibrates(drill) && drill_control_phase(&drill->scenario) < 0) {
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

/* As the target calls it; NULL if there is none. */
static const char *later_folder(const struct drill *drill, char *out, size_t size)
{
    const char *folder = drill->people.later_folder, *theirs = drill->config->past_in_target;
    if (folder[0] != '\0' && theirs != NULL) {
        snprintf(out, size, "%s/later", theirs);
        return out;
    }
    return folder[0] != '\0' ? folder : NULL;
}

static enum err play_drill(struct drill *drill, struct error *error)
{
    char last_metrics[640], later[640];
    drill_path(drill, DRILL_LAST_METRICS, last_metrics, sizeof last_metrics);
    struct play_config config = {
        .scenario = &drill->scenario,
        .population = drill->people.population,
        .seen = {.start = drill->people.seen_start, .item = drill->people.seen_item},
        .arrivals = &drill->arrivals,
        .keep_events = !drill_calibrates(drill),
        .threads = drill->config->threads,
        .connections = drill->config->connections,
        .link = drill->link,
        .later_folder = later_folder(drill, later, sizeof later),
        .stack = drill->stack,
        .own = drill->own,
        .bundled = drill->bundled,
        .last_metrics_path = last_metrics,
        .last_phase = drill_last_phase(drill)};
    enum err code = play(&config, &drill->judgement, &drill->play, error);
    drill->played = code == ERR_OK;
    return code;
}

/* Of a stack that runs already it is looked at all the time. */
static void check_same_target(struct drill *drill, const struct metrics_snapshot *after)
{
    static const char metric[] = "process_start_time_seconds";
    bool found_before = false, found = false;
    if (drill_starts_target(drill) || drill->config->external != NULL ||
        target_link_metric_map(drill->link) == NULL) {
        return;
    }
    if (after == NULL) {
        judge_invalid(&drill->judgement, "the target did not answer any more when the drill ended");
        return;
    }
    double before = metrics_sum(drill->metrics_before, metric, NULL, 0, &found_before);
    if (metrics_sum(after, metric, NULL, 0, &found) != before && found && found_before) {
        judge_invalid(&drill->judgement, "the target was started again during the drill");
    }
}

void drill_reconcile(struct drill *drill)
{
    const struct play_result *play = &drill->play;
    struct reconcile_life life[SCENARIO_DISTURBANCES_MAX + 1] = {{.before = drill->metrics_before}};
    struct ledger_counts total = ledger_total(play->engine.ledger);
    struct metrics_snapshot *after = NULL;
    bool known = target_link_metrics(drill->link, &after, NULL) == ERR_OK && after != NULL;
    for (int i = 0; i < play->life_count; i++) {
        known = known && play->life[i].after != NULL;
        life[i].after = play->life[i].after;
        life[i].ended_ns = play->life[i].ended_ns;
    }
    life[play->life_count].after = after;
    drill->reconciliation.lost = total.get_unknown + total.post_unknown;
    if (known) {
        reconcile_foreign(
            play->engine.ledger, &play->engine.events, life, (size_t)play->life_count + 1,
            target_link_is_bundled(drill->link) ? NULL : target_link_metric_map(drill->link),
            &drill->reconciliation);
    }
    check_same_target(drill, after);
    metrics_snapshot_free(after);
}

static bool says_something(void *applicable, const char *alert)
{
    char why[192];
    return applicable_alert(applicable, alert, why, sizeof why);
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
    evidence_keep(&drill->evidence, says_something, &drill->applicable);
    if (stack_is_external(drill->stack)) {
        evidence_forget(&drill->evidence, 0);
        drill->evidence.evaluation_failures -= stack_failures_before(drill->stack);
    }
}

static void inspect(const struct drill *drill)
{
    if (drill->config->inspect != NULL) {
        struct drill_facts facts = {
            .scenario = &drill->scenario,
            .onset_ns =
                first_onset(drill->asleep.count > 0 ? &drill->asleep : &drill->scenario.drift),
            .people = population_users(drill->people.population),
            .play = &drill->play,
            .evidence = drill_is_watched(drill) ? &drill->evidence : NULL,
            .judgement = &drill->judgement,
            .data_name = drill->people.data_name,
            .data_fingerprint = drill->people.data.fingerprint,
            .target_version = drill->target_version,
            .rules = (const char *const *)drill->rules.path,
            .rule_count = drill->rules.count};
        drill->config->inspect(drill->config->inspect_context, &facts);
    }
}

/* Judged by nothing but whether it could measure. */
static enum err conclude_unwatched(struct drill *drill, struct error *error)
{
    drill_check_generator(drill);
    drill_reconcile(drill);
    if (drill->play.interrupted) {
        return error_set(error, ERR_INTERRUPTED, NULL, 0, "interrupted at %.1f s",
                         drill->play.end_s);
    }
    if (!reconcile_agrees(&drill->reconciliation)) {
        judge_invalid(&drill->judgement, "the counts do not reconcile");
    }
    judge_conclude(&drill->judgement);
    inspect(drill);
    return drill->judgement.reason_count == 0
               ? ERR_OK
               : error_set(error, ERR_INVALID, NULL, 0, "%s", drill->judgement.reason[0]);
}

static void measure_floors(struct drill *drill)
{
    const struct events *events = &drill->play.engine.events;
    struct floors_request request = {.scenario = &drill->scenario,
                                     .ledger = drill->play.engine.ledger,
                                     .events = events->complete ? events : NULL,
                                     .evidence = &drill->evidence,
                                     .end_s = drill->play.end_s};
    floors_measure(&request, &drill->floors);
}

/* What the panels showed was asked of it after the play. */
static void check_stack(struct drill *drill)
{
    char what[160];
    if (!drill->play.interrupted && drill->judgement.reason_count == 0 &&
        !stack_alive_at_end(drill->stack, what, sizeof what)) {
        judge_invalid(&drill->judgement, "%s while panels were looked at", what);
    }
}

static enum err conclude(struct drill *drill, struct error *error)
{
    drill_check_generator(drill);
    drill_reconcile(drill);
    collect_evidence(drill);
    if (drill->play.interrupted) {
        judge_invalid(&drill->judgement, "interrupted at %.1f s", drill->play.end_s);
    }
    if (drill->evidence.complete) {
        drill_collect_panels(drill);
        check_stack(drill);
    }
    measure_floors(drill);
    struct judge_case judge_case = {.scenario = &drill->scenario,
                                    .ledger = drill->play.engine.ledger,
                                    .evidence = &drill->evidence,
                                    .reconciliation = &drill->reconciliation,
                                    .floors = &drill->floors,
                                    .sights = drill->panels.sight,
                                    .course_count = drill->panels.course_count,
                                    .course = drill->panels.course,
                                    .unscraped = target_link_metric_map(drill->link) == NULL,
                                    .end_s = drill->play.end_s,
                                    .null_drill = drill->config->without_injections};
    judge(&judge_case, &drill->judgement);
    drill_ask_grafana(drill);
    inspect(drill);
    enum err code = drill_report(drill, error);
    if (code != ERR_OK) {
        return code;
    }
    static const enum err verdicts[] = {ERR_OK, ERR_FAILED, ERR_INVALID};
    return drill->play.interrupted ? ERR_INTERRUPTED : verdicts[drill->judgement.outcome];
}

static void clean_up(struct drill *drill)
{
    model_cache_release(&drill->model);
    bundled_stop(drill->bundled); /* it may write into the folder that goes with the stack */
    stack_stop(drill->stack);
    own_metrics_stop(drill->own);
    target_link_close(drill->link);
    metrics_snapshot_free(drill->metrics_before);
    if (drill->played) {
        play_result_deinit(&drill->play);
    }
    evidence_deinit(&drill->evidence);
    json_decref(drill->grafana);
    panel_book_deinit(&drill->panels);
    panel_boards_deinit(&drill->boards);
    watch_rules_deinit(&drill->rules);
    applicable_deinit(&drill->applicable);
    target_link_close(drill->described);
    traffic_deinit(&drill->traffic);
    effect_sample_free(drill->sample);
    drift_deinit(&drill->scenario.drift);
    drift_deinit(&drill->asleep);
    people_deinit(&drill->people);
    if (drill->results != NULL) {
        char scratch[600];
        drill_path(drill, DRILL_SCRATCH, scratch, sizeof scratch);
        (void)file_remove_tree(scratch, NULL);
    }
    results_close(drill->results);
}

static enum err run_steps(struct drill *drill, struct error *error)
{
    enum err code = read_scenario(drill, error);
    if (code == ERR_OK && drill_is_watched(drill)) {
        code = check_names(drill, error);
    }
    if (code == ERR_OK && drill_is_watched(drill)) {
        code = drill_check_panels(drill, error);
    }
    if (code == ERR_OK && !drill_starts_target(drill)) {
        code = drill_reduce(drill, error);
    }
    if (code == ERR_OK) {
        announce(drill);
        code = results_open(drill->config->folder, &drill->results, error);
    }
    if (code == ERR_OK) {
        code = drill_prepare(drill, error);
    }
    if (code == ERR_OK) {
        code = play_drill(drill, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    return drill_calibrates(drill)   ? drill_write_calibration(drill, error)
           : drill_is_watched(drill) ? conclude(drill, error)
                                     : conclude_unwatched(drill, error);
}

enum err drill_run(const struct drill_config *config, struct error *error)
{
    struct drill *drill = mem_zalloc(1, sizeof *drill);
    drill->config = config;
    drill->model.lock_fd = -1;
    drill->started_wall_ns = clock_wall_ns();
    enum err code = run_steps(drill, error);
    clean_up(drill);
    mem_free(drill);
    return code;
}
