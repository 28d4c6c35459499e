/*
 * One loop on the main thread, ten turns a second, whose sleep is the wait for a signal. Each turn
 * looks at the children, moves retraining along, refreshes the status line and asks whether the
 * drill is over. The workers know nothing of phases beyond their nominal start times; the schedule
 * is fixed before the first thread starts, so a slow turn delays nothing but the display.
 */
#include "drill/play.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "drill/status.h"
#include "load/transport_pick.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TURN_NS (CLOCK_NS_PER_S / 10)
#define LEAD_NS (CLOCK_NS_PER_S / 2) /* between starting the threads and drill time 0 */
#define REQUEST_TIMEOUT_MS 5000
#define SETTLED_EXTRA_NS                                                                           \
    (2 * CLOCK_NS_PER_S) /* to see what comes after the last expected event                        \
                          */
#define RESTART_TIMEOUT_NS (20 * CLOCK_NS_PER_S)
#define RETRAIN_POLL_NS (CLOCK_NS_PER_S / 5)

struct stage { /* the loop's state */
    const struct play_config *config;
    struct judgement *judgement;
    struct play_result *result;
    struct engine *engine;
    struct status status;
    struct disturbances disturbances;
    int64_t start_mono_ns;
    int64_t phase_start_ns[SCENARIO_PHASES_MAX];
    int retrain_phase; /* -1: none */
    bool retrain_asked, retrain_done;
    int64_t polled_ns, alerts_asked_ns, settled_ns;
    int alerts_pending, alerts_firing;
    struct live_watched watched; /* for the live view */
    bool is_watched;
};

bool play_interrupted(int64_t timeout_ns)
{
    sigset_t waited;
    struct timespec timeout = {.tv_sec = timeout_ns / CLOCK_NS_PER_S,
                               .tv_nsec = timeout_ns % CLOCK_NS_PER_S};
    sigemptyset(&waited);
    sigaddset(&waited, SIGINT);
    sigaddset(&waited, SIGTERM);
    return sigtimedwait(&waited, NULL, &timeout) > 0;
}

static int64_t drill_now(const struct stage *stage)
{
    return clock_mono_ns() - stage->start_mono_ns;
}

static int64_t play_end_ns(const struct play_config *config)
{
    const struct scenario_phase *last = &config->scenario->phase[config->last_phase];
    return last->start_ns + last->duration_ns;
}

/* ---- retraining ---- */

static void ask_retraining(struct stage *stage, int64_t now_ns)
{
    struct error error = {0};
    stage->retrain_asked = true;
    status_break(&stage->status);
    log_write(LOG_INFO, "drill", "%.1f s: the later past is handed over, the recommender retrains",
              (double)now_ns / (double)CLOCK_NS_PER_S);
    if (target_link_retrain(stage->config->link, stage->config->later_folder, &error) != ERR_OK) {
        stage->retrain_done = true;
        text_copy(stage->result->retrain_error, sizeof stage->result->retrain_error, error.text);
    }
}

static void poll_retraining(struct stage *stage, int64_t now_ns)
{
    struct remote_training training;
    if (now_ns - stage->polled_ns < RETRAIN_POLL_NS) {
        return;
    }
    stage->polled_ns = now_ns;
    if (target_link_training(stage->config->link, &training, NULL) != ERR_OK || training.running) {
        return;
    }
    stage->retrain_done = true;
    if (training.failed) {
        text_copy(stage->result->retrain_error, sizeof stage->result->retrain_error, training.text);
    } else {
        stage->result->retrained_s = (double)now_ns / (double)CLOCK_NS_PER_S;
        if (stage->config->own != NULL) {
            own_metrics_retrained(stage->config->own, OWN_METRICS_SCHEDULE);
        }
    }
    status_break(&stage->status);
    log_write(LOG_INFO, "drill", "%.1f s: retraining %s, model version %lld",
              (double)now_ns / (double)CLOCK_NS_PER_S, training.failed ? "failed" : "done",
              (long long)training.model_version);
}

static void move_retraining(struct stage *stage, int64_t now_ns)
{
    if (stage->retrain_phase < 0 || stage->retrain_done) {
        return;
    }
    if (!stage->retrain_asked) {
        if (now_ns >= stage->phase_start_ns[stage->retrain_phase]) {
            ask_retraining(stage, now_ns);
        }
    } else {
        poll_retraining(stage, now_ns);
    }
}

/* ---- watching ---- */

static bool children_alive(struct stage *stage, int64_t now_ns)
{
    char what[160];
    bool alive =
        stage->config->bundled == NULL || bundled_alive(stage->config->bundled, what, sizeof what);
    if (alive && stage->config->stack != NULL) {
        alive = stack_alive(stage->config->stack, what, sizeof what);
    }
    if (!alive) {
        judge_invalid(
            stage->judgement, "%s at %.1f s, in %s", what, (double)now_ns / (double)CLOCK_NS_PER_S,
            stage->config->scenario->phase[scenario_phase_at(stage->config->scenario, now_ns)]
                .name);
    }
    return alive;
}

static void take_series(struct stage *stage, const struct prometheus_series *series)
{
    const char *name = prometheus_label(series, "__name__");
    const char *state = prometheus_label(series, "alertstate");
    bool firing = strcmp(state, "firing") == 0, pending = strcmp(state, "pending") == 0;
    stage->alerts_firing += firing;
    stage->alerts_pending += pending;
    if (series->count > 0) {
        live_watched_add(&stage->watched, name, prometheus_label(series, "alertname"), state,
                         series->point[0].value);
    }
}

static void count_alerts(struct stage *stage, int64_t now_ns)
{
    struct prometheus_matrix alerts = {0};
    double now_unix_s = (double)clock_wall_ns() / (double)CLOCK_NS_PER_S;
    if (stage->config->stack == NULL || stage->disturbances.prometheus_stalled ||
        now_ns - stage->alerts_asked_ns < CLOCK_NS_PER_S) {
        return;
    }
    stage->alerts_asked_ns = now_ns;
    stage->is_watched = false;
    if (prometheus_query(stack_prometheus(stage->config->stack),
                         stage->status.view == NULL ? "ALERTS{severity!=\"none\"}"
                                                    : live_view_query(),
                         now_unix_s, &alerts, NULL) != ERR_OK) {
        return;
    }
    stage->is_watched = true;
    stage->alerts_pending = stage->alerts_firing = 0;
    live_watched_init(&stage->watched);
    for (size_t i = 0; i < alerts.count; i++) {
        take_series(stage, &alerts.series[i]);
    }
    prometheus_matrix_deinit(&alerts);
}

static void show(struct stage *stage, int64_t now_ns)
{
    const struct scenario *scenario = stage->config->scenario;
    int phase = scenario_phase_at(scenario, now_ns);
    struct status_now now = {.phase = scenario->phase[phase].name,
                             .drill_ns = now_ns,
                             .phase_left_ns = scenario->phase[phase].start_ns +
                                              scenario->phase[phase].duration_ns - now_ns,
                             .alerts_pending = stage->alerts_pending,
                             .alerts_firing = stage->alerts_firing,
                             .watched = stage->is_watched ? &stage->watched : NULL};
    engine_live(stage->engine, &now.live);
    status_show(&stage->status, &now);
}

/* ---- the end ---- */

static int count_notices(const struct webhook_notice *notices, size_t count, const char *alert,
                         bool resolved)
{
    int found = 0;
    for (size_t i = 0; i < count; i++) {
        found += notices[i].resolved == resolved && strcmp(notices[i].alert, alert) == 0;
    }
    return found;
}

/* Every firing and resolution that is expected has been notified; the resolve of an alert that has
 * fired again since is not the expected one. */
static bool all_notified(const struct scenario *scenario, struct webhook *webhook)
{
    struct webhook_notice *notices = NULL;
    size_t count = webhook_notices(webhook, &notices);
    bool all = true;
    for (int i = 0; i < scenario->expectation_count && all; i++) {
        const struct scenario_expectation *e = &scenario->expectation[i];
        int fired = count_notices(notices, count, e->alert, false);
        if (e->kind == SCENARIO_FIRES) {
            all = fired > 0;
        } else if (e->kind == SCENARIO_RESOLVES) {
            int resolved = count_notices(notices, count, e->alert, true);
            all = resolved > 0 && resolved >= fired;
        }
    }
    mem_free(notices);
    return all;
}

static bool settled(struct stage *stage, int64_t now_ns)
{
    const struct scenario *scenario = stage->config->scenario;
    const struct scenario_phase *last = &scenario->phase[scenario->phase_count - 1];
    if (stage->config->stack == NULL || !last->end_when_settled ||
        now_ns < last->start_ns + scenario_judged_window_ns(scenario) + CLOCK_NS_PER_S) {
        return false;
    }
    if (stage->settled_ns == 0 && all_notified(scenario, stack_webhook(stage->config->stack))) {
        stage->settled_ns = now_ns;
    }
    return stage->settled_ns != 0 && now_ns - stage->settled_ns >= SETTLED_EXTRA_NS;
}

/* A drill that did not do what its scenario says shows nothing. */
static bool disturb(struct stage *stage, int64_t now_ns)
{
    struct error error = {0};
    if (disturbances_due(&stage->disturbances, now_ns)) {
        status_break(&stage->status); /* it is told of */
    }
    if (disturbances_move(&stage->disturbances, now_ns, &error) == ERR_OK) {
        return true;
    }
    judge_invalid(stage->judgement, "%.200s at %.1f s", error.text,
                  (double)now_ns / (double)CLOCK_NS_PER_S);
    return false;
}

static void end_disturbances(struct stage *stage)
{
    struct error error = {0};
    if (disturbances_finish(&stage->disturbances, drill_now(stage),
                            clock_mono_ns() + RESTART_TIMEOUT_NS, &error) != ERR_OK) {
        judge_invalid(stage->judgement, "%.200s when the drill ended", error.text);
    }
    stage->result->life_count = stage->disturbances.life_count;
    memcpy(stage->result->life, stage->disturbances.life, sizeof stage->result->life);
}

static void walk_phases(struct stage *stage)
{
    int64_t end_ns = play_end_ns(stage->config);
    for (;;) {
        stage->result->interrupted = play_interrupted(TURN_NS);
        int64_t now_ns = drill_now(stage);
        stage->result->end_s = (double)(now_ns < end_ns ? now_ns : end_ns) / (double)CLOCK_NS_PER_S;
        if (stage->result->interrupted || !children_alive(stage, now_ns)) {
            return;
        }
        if (now_ns >= end_ns || settled(stage, now_ns)) {
            return;
        }
        if (!disturb(stage, now_ns)) {
            return;
        }
        move_retraining(stage, now_ns);
        count_alerts(stage, now_ns);
        show(stage, now_ns);
    }
}

/* A service that went in the last moments has not been missed yet. */
static void check_end(struct stage *stage)
{
    char what[160];
    if (stage->config->stack != NULL && stage->judgement->reason_count == 0 &&
        !stage->result->interrupted &&
        !stack_alive_at_end(stage->config->stack, what, sizeof what)) {
        judge_invalid(stage->judgement, "%s when the drill ended", what);
    }
}

/* Without the cure that the scenario promises, no alert can be blamed for not resolving. */
static void check_retraining(const struct stage *stage)
{
    const struct play_result *result = stage->result;
    if (!stage->retrain_asked || !isnan(result->retrained_s)) {
        return;
    }
    if (stage->retrain_done) {
        judge_invalid(stage->judgement, "retraining failed: %.200s", result->retrain_error);
    } else {
        judge_invalid(stage->judgement, "retraining was not done when the drill ended");
    }
}

static int find_retrain_phase(const struct play_config *config)
{
    for (int i = 0; i <= config->last_phase; i++) {
        if (config->scenario->phase[i].retrains && config->later_folder != NULL) {
            return i;
        }
    }
    return -1;
}

enum err play_plan(const struct play_config *config, const struct target *target,
                   struct engine_plan *plan, struct error *error)
{
    const struct scenario *scenario = config->scenario;
    size_t shape_count = 0;
    const struct request_shape *const *shapes = target_shapes(target, &shape_count);
    *plan = (struct engine_plan){.population = config->population,
                                 .drift = &scenario->drift,
                                 .target = target,
                                 .lists_only = !target_has(target)->ratings,
                                 .seen = config->seen,
                                 .arrivals = *config->arrivals,
                                 .transport = transport_pick("auto", shapes, shape_count, error),
                                 .threads = config->threads,
                                 .connections = config->connections,
                                 .timeout_ms = REQUEST_TIMEOUT_MS,
                                 .phase_count = config->last_phase + 1,
                                 /* A Retry-After is real time: waiting it out would lengthen
                                  * visits by minutes of the scenario, and each rating turned away
                                  * would be several errors. */
                                 .patience = {.kind = PATIENCE_IMPATIENT},
                                 .keep_truth = config->keep_events,
                                 .keep_events = config->keep_events};
    return plan->transport != NULL ? ERR_OK : ERR_USAGE;
}

static void set_origin(struct stage *stage)
{
    int64_t mono_ns = clock_mono_ns(), wall_ns = clock_wall_ns();
    stage->start_mono_ns = mono_ns + LEAD_NS;
    stage->result->origin_unix_s = (double)(wall_ns + LEAD_NS) / (double)CLOCK_NS_PER_S;
}

enum err play(const struct play_config *config, struct judgement *judgement,
              struct play_result *out, struct error *error)
{
    struct engine_plan plan;
    struct stage stage = {.config = config,
                          .judgement = judgement,
                          .result = out,
                          .retrain_phase = find_retrain_phase(config)};
    *out = (struct play_result){.retrained_s = NAN};
    for (int i = 0; i <= config->last_phase; i++) {
        stage.phase_start_ns[i] = config->scenario->phase[i].start_ns;
    }
    set_origin(&stage);
    enum err code = play_plan(config, target_link_target(config->link), &plan, error);
    plan.start_mono_ns = stage.start_mono_ns;
    plan.phase_start_ns = stage.phase_start_ns;
    if (code == ERR_OK) {
        code = engine_start(&plan, &stage.engine, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    if (config->own != NULL) {
        own_metrics_attach(config->own, stage.engine, stage.start_mono_ns);
    }
    struct disturbances_config disturbed = {.scenario = config->scenario,
                                            .http = target_link_http(config->link),
                                            .stack = config->stack,
                                            .bundled = config->bundled,
                                            .target_url = target_link_url(config->link),
                                            .last_metrics_path = config->last_metrics_path};
    disturbances_init(&stage.disturbances, &disturbed);
    status_init_view(&stage.status, config->scenario);
    walk_phases(&stage);
    check_end(&stage);
    check_retraining(&stage);
    end_disturbances(&stage);
    status_end(&stage.status);
    status_deinit(&stage.status);
    engine_stop(stage.engine);
    if (config->own != NULL) {
        own_metrics_detach(config->own);
    }
    engine_join(stage.engine, &out->engine);
    return ERR_OK;
}

void play_result_deinit(struct play_result *result)
{
    for (int i = 0; i < result->life_count; i++) {
        metrics_snapshot_free(result->life[i].after);
    }
    engine_result_deinit(&result->engine);
}
