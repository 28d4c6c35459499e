/*
 * What a drill needs before it can be played. The recommender trains in its own process while this
 * one reads back who saw what; objectives are chosen only when the target has told its version.
 */
#include "drill/drill_int.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/text.h"
#include "drill/disturbances.h"
#include "drill/drill_external.h"
#include "drill/effect_report.h"
#include "drill/model_cache.h"
#include "drill/wish.h"
#include "observe/grafana.h"

#include <stdio.h>

#define TRAINING_TIMEOUT_NS (120 * CLOCK_NS_PER_S)
#define STACK_TIMEOUT_NS (30 * CLOCK_NS_PER_S)
#define OWN_METRICS_LISTEN "127.0.0.1:0"

/* What the target needs for itself lies beside the stack's data and goes when the drill does. */
static enum err start_target(struct drill *drill, struct error *error)
{
    const struct scenario *scenario = &drill->scenario;
    bool restarts = scenario_restarts(scenario);
    char log[600], folder[600], model[640], store[640], last_metrics[640];
    drill_path(drill, "target.log", log, sizeof log);
    drill_path(drill, DRILL_SCRATCH, folder, sizeof folder);
    drill_path(drill, DRILL_SCRATCH "/target.model", model, sizeof model);
    drill_path(drill, DRILL_SCRATCH "/ratings.db", store, sizeof store);
    drill_path(drill, DRILL_LAST_METRICS, last_metrics, sizeof last_metrics);
    enum err code = file_make_folders(folder, error);
    if (code != ERR_OK) {
        return code;
    }
    struct bundled_config config = {.data_folder = drill->people.past_folder,
                                    .log_path = log,
                                    .seed = drill->config->seed,
                                    .model_path = model,
                                    .store_path = restarts ? store : NULL,
                                    .last_metrics_path = restarts ? last_metrics : NULL,
                                    .enable_faults = scenario_breaks(scenario)};
    model_cache_claim(&drill->model, drill->people.past_folder, drill->config->seed, model,
                      play_interrupted);
    log_write(LOG_INFO, "drill", "the recommender %s",
              drill->model.found ? "starts from a model that was kept" : "trains on it");
    return bundled_start(&config, &drill->bundled, error);
}

static void keep_model(struct drill *drill)
{
    char model[640];
    drill_path(drill, DRILL_SCRATCH "/target.model", model, sizeof model);
    model_cache_keep(&drill->model, model);
    model_cache_release(&drill->model);
}

/* The address comes when training is done; a signal must not wait for that. */
static enum err await_target(struct drill *drill, struct error *error)
{
    int64_t deadline_ns = clock_mono_ns() + TRAINING_TIMEOUT_NS;
    for (;;) {
        int64_t turn_ns = clock_mono_ns() + CLOCK_NS_PER_S / 4;
        bool last = turn_ns >= deadline_ns;
        enum err code =
            bundled_url(drill->bundled, turn_ns, &drill->bundled_url, last ? error : NULL);
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
    enum err code = drill_open_link(drill, error);
    if (code == ERR_OK) {
        code = target_link_version(drill->link, drill->target_version, sizeof drill->target_version,
                                   error);
    }
    if (code == ERR_OK) {
        code = target_link_metrics(drill->link, &drill->metrics_before, error);
    }
    return code;
}

/* What the stack is to scrape beside the target. Drift in force and phases are those of this drill.
 */
static enum err start_own_metrics(struct drill *drill, struct error *error)
{
    struct own_metrics_config config;
    own_metrics_describe(&drill->scenario, drill->config->seed, drill->scenario.lists_per_s,
                         &config);
    const char *listen = drill->config->own_metrics_listen;
    return own_metrics_start(&config, listen != NULL ? listen : OWN_METRICS_LISTEN, &drill->own,
                             error);
}

static void check_grafana(const struct drill_external *external, struct faults *faults)
{
    char version[32];
    struct error error = {0};
    const char *url = external->grafana_url;
    struct grafana *grafana = url != NULL ? grafana_new(url, external->grafana_token) : NULL;
    if (grafana != NULL && grafana_health(grafana, version, sizeof version, &error) != ERR_OK) {
        faults_add(faults, url, 0, "", "no Grafana answers there: %s", error.text);
    }
    grafana_free(grafana);
}

/* A target that was not started for the drill. */
static enum err check_target(struct drill *drill, struct faults *faults, struct error *error)
{
    const struct drill_external_target target = {
        .scenario = &drill->scenario, .people = &drill->people, .link = drill->link};
    drill_external_check(&target, faults);
    metrics_snapshot_free(drill->metrics_before); /* it was asked for lists since */
    drill->metrics_before = NULL;
    return target_link_metrics(drill->link, &drill->metrics_before, error);
}

/* What is wrong with a stack that runs is told together with what is wrong with its target. */
static enum err check_running(struct drill *drill, struct faults *faults, struct error *error)
{
    enum err code = ERR_OK;
    if (drill->config->external != NULL) {
        drill_external_disturbances(&drill->scenario, faults);
        check_grafana(drill->config->external, faults);
    }
    if (!drill_starts_target(drill)) {
        code = check_target(drill, faults, error);
    }
    if (code == ERR_OK && drill->config->external == NULL && faults->count > 0) {
        code = error_set(error, ERR_INPUT, target_link_url(drill->link), 0,
                         "the target is not as the drill needs it");
    }
    return code;
}

/* Nothing watches, but the target must be the right one all the same. */
static enum err check_unwatched(struct drill *drill, struct error *error)
{
    struct faults faults;
    faults_init(&faults);
    enum err code = check_running(drill, &faults, error);
    faults_print(&faults);
    faults_deinit(&faults);
    return code;
}

/* Counts are what is added from here on, and nobody else may add to them. */
static enum err begin_counting(struct drill *drill, struct error *error)
{
    bool found = false;
    struct metrics_snapshot *now = NULL;
    enum err code = target_link_metrics(drill->link, &now, error);
    if (code != ERR_OK || now == NULL) {
        return code;
    }
    double lists =
        metrics_sum(now, "recommendation_lists_total", NULL, 0, &found) -
        metrics_sum(drill->metrics_before, "recommendation_lists_total", NULL, 0, &found);
    metrics_snapshot_free(drill->metrics_before);
    drill->metrics_before = now;
    return lists == 0 ? ERR_OK
                      : error_set(error, ERR_INVALID, target_link_url(drill->link), 0,
                                  "somebody else plays against this target: %.0f lists while the "
                                  "drill waited",
                                  lists);
}

static enum err start_stack(struct drill *drill, struct error *error)
{
    const struct drill_config *config = drill->config;
    char alertmanager_file[600], health_url[300];
    struct faults faults;
    bool bundled = target_link_is_bundled(drill->link);
    const struct metric_map *map = target_link_metric_map(drill->link);
    json_t *relabel = map != NULL ? metric_map_relabel(map) : NULL;
    snprintf(health_url, sizeof health_url, "%s/healthz", target_link_url(drill->link));
    snprintf(alertmanager_file, sizeof alertmanager_file, "%s/prometheus/alertmanager.yml",
             config->home);
    struct stack_external external = {0};
    if (config->external != NULL) {
        external = (struct stack_external){.prometheus_url = config->external->prometheus_url,
                                           .alertmanager_url = config->external->alertmanager_url,
                                           .grafana_url = config->external->grafana_url,
                                           .webhook_listen = config->external->webhook_listen};
    }
    struct stack_config stack = {.folder = config->folder,
                                 .external = config->external != NULL ? &external : NULL,
                                 .target_url = target_link_url(drill->link),
                                 .metrics_url = target_link_metrics_url(drill->link),
                                 .health_url = bundled ? health_url : NULL,
                                 .relabel = relabel,
                                 .own_metrics_url = own_metrics_url(drill->own),
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
    enum err code = check_running(drill, &faults, error);
    if (code == ERR_OK) {
        code = stack_start(&stack, &drill->stack, &faults, error);
    }
    faults_print(&faults);
    faults_deinit(&faults);
    json_decref(relabel);
    if (code == ERR_OK) {
        log_write(LOG_INFO, "drill", "target %s, Prometheus %s, Alertmanager %s",
                  target_link_url(drill->link), stack_prometheus_url(drill->stack),
                  stack_alertmanager_url(drill->stack));
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
                                          .target_option = drill->config->target,
                                          .objectives_path = drill->config->objectives_path,
                                          .scenario_path = drill->config->scenario_path};
    return watch_rules_choose(&request, &drill->rules, error);
}

/* Injections are bound to the people, and sizes in stars, nats or PSI are solved. */
static enum err bind_drift(struct drill *drill, struct error *error)
{
    struct parallel parallel = parallel_all_cores();
    struct drift *drift = &drill->scenario.drift;
    enum err code = population_bind_drift(drill->people.population, drift, &parallel, error);
    if (code == ERR_OK && drift->count > 0) {
        struct effect_config config = drill_effect_config(&drill->scenario);
        drill->sample = effect_sample_new(&config, drill->people.population, &parallel);
        code = effect_solve(drill->sample, drift, &parallel, error);
    }
    if (code != ERR_OK && error->where[0] == '\0') {
        text_copy(error->where, sizeof error->where, drill->config->scenario_path);
    }
    return code;
}

static enum err prepare_people(struct drill *drill, struct error *error)
{
    struct people_request request = {.data = drill->config->data,
                                     .home = drill->config->home,
                                     .cache_root = drill->config->cache_root,
                                     .past_folder = drill->config->past_folder,
                                     .scenario = &drill->scenario,
                                     .seed = drill->config->seed,
                                     .interrupted = play_interrupted};
    enum err code = people_prepare(&request, &drill->people, error);
    if (code == ERR_OK) {
        code = bind_drift(drill, error);
    }
    if (code == ERR_OK) {
        bool later = drill_is_watched(drill) && !drill->config->without_injections;
        code = people_write_pasts(&request, &drill->scenario.drift, later, &drill->people, error);
    }
    return code;
}

static enum err plan_visits(struct drill *drill, struct error *error)
{
    const struct scenario *scenario = &drill->scenario;
    const struct scenario_phase *last = &scenario->phase[drill_last_phase(drill)];
    const struct traffic_wish wish = wish_traffic(scenario);
    const struct engine_seen seen = {.start = drill->people.seen_start,
                                     .item = drill->people.seen_item};
    struct faults faults;
    drill->arrivals =
        (struct arrivals_config){.seed = drill->config->seed,
                                 .visits_per_s = scenario->lists_per_s / scenario->steps_per_visit,
                                 .steps_per_visit = scenario->steps_per_visit,
                                 .think_median_s = scenario->think_median_s,
                                 .think_sigma = scenario->think_sigma,
                                 .people = population_users(drill->people.population),
                                 .newcomers = population_newcomers(drill->people.population),
                                 .end_ns = last->start_ns + last->duration_ns,
                                 .drift = &scenario->drift};
    faults_init(&faults);
    enum err code = traffic_prepare(&wish, &drill->people.data, drill->people.population, &seen,
                                    &drill->arrivals, &drill->traffic, &faults, error);
    faults_print(&faults);
    faults_deinit(&faults);
    return code;
}

/* Without rules that watch there is nothing to forecast. */
static void tell_effects(const struct drill *drill)
{
    struct parallel parallel = parallel_all_cores();
    if (drill->config->unwatched && drill->scenario.drift.count > 0) {
        effect_report_print(stdout, &drill->scenario.drift, drill->sample, &parallel);
        (void)fflush(stdout);
    }
}

/* The past is that of a world in which the injections will come, so that a drill with them and one
 * without have the same people and the same model. */
static void put_drift_to_sleep(struct drill *drill)
{
    if (drill->config->without_injections) {
        drill->asleep = drill->scenario.drift;
        drill->scenario.drift = (struct drift){0};
        drill->scenario.disturbance_count = 0;
        drill->scenario.expectation_count = 0;
    }
}

static enum err prepare_target(struct drill *drill, struct error *error)
{
    bool starts = drill_starts_target(drill);
    enum err code = starts ? start_target(drill, error) : ERR_OK;
    if (code == ERR_OK) {
        code = people_read_seen(&drill->people, &drill->scenario.drift, error);
    }
    if (code == ERR_OK) {
        put_drift_to_sleep(drill);
        code = plan_visits(drill, error);
    }
    if (code == ERR_OK && starts) {
        code = await_target(drill, error);
        if (code == ERR_OK) {
            keep_model(drill);
        }
    }
    if (code == ERR_OK) {
        tell_effects(drill);
        code = ask_target(drill, error);
    }
    return code;
}

/* Steps that need nothing running yet, then the target, then the stack. */
enum err drill_prepare(struct drill *drill, struct error *error)
{
    enum err code = prepare_people(drill, error);
    if (code == ERR_OK) {
        code = prepare_target(drill, error);
    }
    if (code == ERR_OK && drill_is_watched(drill)) {
        code = choose_rules(drill, error);
    }
    if (code == ERR_OK && drill_is_watched(drill)) {
        code = drill_foresee(drill, error);
    }
    if (code == ERR_OK && drill_is_watched(drill)) {
        code = drill_load_boards(drill, error);
    }
    if (code == ERR_OK && drill_is_watched(drill)) {
        code = start_own_metrics(drill, error);
    }
    if (code == ERR_OK && drill_is_watched(drill)) {
        code = start_stack(drill, error);
    }
    if (code == ERR_OK && !drill_is_watched(drill)) {
        code = check_unwatched(drill, error);
    }
    if (code == ERR_OK && !drill_starts_target(drill)) {
        code = begin_counting(drill, error);
    }
    return code;
}
