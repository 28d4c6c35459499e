/*
 * A restart has three moments: the target is ended, what it had counted is read from the file it
 * left, and after the pause it is started again. No scrape would do for that file: requests that
 * came between the scrape and the end would be in nobody's count.
 *
 * Rejected: kill -9, which is a fair disturbance but makes it impossible to tell what had been
 * counted, so that reconciliation proves nothing.
 */
#include "drill/disturbances.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/text.h"
#include "drill/remote.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From the end of a disturbance until scrapes and evaluations are regular again: a process that
 * reads its model, a Prometheus that catches up. */
#define RECOVERY_S 5.0
#define NO_FOLDER "/nonexistent/driftdrill-has-no-such-data"
#define METRICS_MAX_BYTES (8u << 20)
#define POLL_NS (CLOCK_NS_PER_MS)

/* A fault that chooses its handlers touches /metrics only if they name it. */
static bool fault_stops_scrapes(const char *fault)
{
    json_t *body = json_loads(fault, 0, NULL), *handler;
    const char *kind = json_string_value(json_object_get(body, "kind"));
    bool stops =
        kind != NULL && (strcmp(kind, "scrape-delay") == 0 || strcmp(kind, "scrape-garbage") == 0);
    size_t i;
    json_array_foreach(json_object_get(body, "handlers"), i, handler)
    {
        const char *path = json_string_value(handler);
        stops = stops || (path != NULL && strcmp(path, "/metrics") == 0);
    }
    json_decref(body);
    return stops;
}

static bool stops(const struct scenario_disturbance *disturbance, enum watched_series what)
{
    switch (disturbance->kind) {
    case SCENARIO_STALL_PROMETHEUS:
        return true;
    case SCENARIO_RESTART_TARGET:
        return what == WATCHED_SCRAPES;
    case SCENARIO_TARGET_FAULT:
        return what == WATCHED_SCRAPES && fault_stops_scrapes(disturbance->fault);
    case SCENARIO_FAILED_RETRAIN:
        return false;
    }
    return false;
}

/* A fault leaves no process to come back. */
static double recovery_s(const struct scenario_disturbance *disturbance)
{
    bool process = disturbance->kind == SCENARIO_RESTART_TARGET ||
                   disturbance->kind == SCENARIO_STALL_PROMETHEUS;
    return process ? RECOVERY_S : 0;
}

bool scenario_disturbed(const struct scenario *scenario, enum watched_series what, double from_s,
                        double to_s)
{
    double step_s =
        (double)(scenario->scrape_ns > scenario->evaluation_ns ? scenario->scrape_ns
                                                               : scenario->evaluation_ns) /
        (double)(scenario->time_scale * CLOCK_NS_PER_S);
    for (int i = 0; i < scenario->disturbance_count; i++) {
        const struct scenario_disturbance *d = &scenario->disturbance[i];
        double start_s = (double)d->at_ns / (double)CLOCK_NS_PER_S;
        double end_s = start_s + (double)d->lasts_ns / (double)CLOCK_NS_PER_S;
        /* The last good sample may lie two intervals before the first one that is missing. */
        if (from_s >= start_s - 2 * step_s && to_s <= end_s + recovery_s(d) + 2 * step_s &&
            to_s >= start_s && stops(d, what)) {
            return true;
        }
    }
    return false;
}

double scenario_longest_gap(const struct scenario *scenario, enum watched_series what,
                            const struct prometheus_series *series, double from_s, double to_s)
{
    double longest_s = 0, before_s = from_s;
    for (size_t i = 0; i <= series->count; i++) {
        double at_s = i < series->count ? series->point[i].time_s : to_s;
        if (at_s < from_s || at_s > to_s) {
            continue;
        }
        if (at_s - before_s > longest_s && !scenario_disturbed(scenario, what, before_s, at_s)) {
            longest_s = at_s - before_s;
        }
        before_s = at_s;
    }
    return longest_s;
}

static bool has_kind(const struct scenario *scenario, enum scenario_disturb kind)
{
    bool found = false;
    for (int i = 0; i < scenario->disturbance_count; i++) {
        found = found || scenario->disturbance[i].kind == kind;
    }
    return found;
}

bool scenario_restarts(const struct scenario *scenario)
{
    return has_kind(scenario, SCENARIO_RESTART_TARGET);
}

bool scenario_breaks(const struct scenario *scenario)
{
    return has_kind(scenario, SCENARIO_TARGET_FAULT);
}

void disturbances_init(struct disturbances *disturbances, const struct disturbances_config *config)
{
    *disturbances = (struct disturbances){.config = *config};
}

/* ---- the target ---- */

static struct metrics_snapshot *read_last_metrics(const char *path)
{
    struct metrics_snapshot *snapshot = NULL;
    struct buf text;
    buf_init(&text, METRICS_MAX_BYTES);
    if (file_read(path, &text, NULL) != ERR_OK ||
        metrics_parse(path, text.data, text.len, &snapshot, NULL) != ERR_OK) {
        snapshot = NULL;
    }
    buf_deinit(&text);
    remove(path);
    return snapshot;
}

static enum err end_target(struct disturbances *disturbances, struct error *error)
{
    const struct disturbances_config *config = &disturbances->config;
    if (config->bundled == NULL || disturbances->target != TARGET_UP) {
        return error_set(error, ERR_INVALID, NULL, 0, "the target could not be restarted: %s",
                         config->bundled == NULL ? "it is not the bundled one"
                                                 : "it was still down from the restart before");
    }
    bundled_pause(config->bundled);
    disturbances->target = TARGET_ENDING;
    return ERR_OK;
}

/* What it had counted is in the file once it has ended. */
static void look_for_end(struct disturbances *disturbances)
{
    if (disturbances->target == TARGET_ENDING && bundled_paused(disturbances->config.bundled)) {
        disturbances->target = TARGET_DOWN;
        disturbances->life[disturbances->life_count++] = (struct disturbance_life){
            .after = read_last_metrics(disturbances->config.last_metrics_path)};
    }
}

static enum err start_target(struct disturbances *disturbances, int64_t now_ns, struct error *error)
{
    struct disturbance_life *life = &disturbances->life[disturbances->life_count - 1];
    life->ended_ns = now_ns;
    disturbances->target = TARGET_STARTING;
    return bundled_resume(disturbances->config.bundled, error);
}

static enum err await_target(struct disturbances *disturbances, int64_t deadline_mono_ns,
                             struct error *error)
{
    const char *url = NULL;
    if (disturbances->target != TARGET_STARTING) {
        return ERR_OK;
    }
    enum err code = bundled_url(disturbances->config.bundled, deadline_mono_ns, &url, error);
    disturbances->target = code == ERR_OK ? TARGET_UP : TARGET_STARTING;
    return code;
}

static enum err begin_fault(struct disturbances *disturbances,
                            const struct scenario_disturbance *disturbance, struct error *error)
{
    json_t *body = json_loads(disturbance->fault, 0, NULL);
    if (!json_is_object(body)) {
        json_decref(body);
        return error_set(error, ERR_INVALID, NULL, 0, "the fault '%.200s' is no JSON object",
                         disturbance->fault);
    }
    json_object_set_new(body, "duration_s",
                        json_real((double)disturbance->lasts_ns / (double)CLOCK_NS_PER_S));
    char *text = json_dumps(body, JSON_COMPACT);
    enum err code =
        remote_fault(disturbances->config.http, disturbances->config.target_url, text, error);
    free(text);
    json_decref(body);
    return code;
}

/* ---- the course of one ---- */

static enum err begin(struct disturbances *disturbances,
                      const struct scenario_disturbance *disturbance, struct error *error)
{
    switch (disturbance->kind) {
    case SCENARIO_RESTART_TARGET:
        return end_target(disturbances, error);
    case SCENARIO_STALL_PROMETHEUS:
        if (disturbances->config.stack != NULL) {
            stack_stall(disturbances->config.stack, true);
            disturbances->prometheus_stalled = true;
        }
        return ERR_OK;
    case SCENARIO_TARGET_FAULT:
        return begin_fault(disturbances, disturbance, error);
    case SCENARIO_FAILED_RETRAIN:
        return remote_retrain(disturbances->config.http, disturbances->config.target_url, NO_FOLDER,
                              error);
    }
    return ERR_OK;
}

static enum err end(struct disturbances *disturbances,
                    const struct scenario_disturbance *disturbance, int64_t now_ns,
                    struct error *error)
{
    switch (disturbance->kind) {
    case SCENARIO_RESTART_TARGET:
        return start_target(disturbances, now_ns, error);
    case SCENARIO_STALL_PROMETHEUS:
        if (disturbances->config.stack != NULL) {
            stack_stall(disturbances->config.stack, false);
            disturbances->prometheus_stalled = false;
        }
        return ERR_OK;
    case SCENARIO_TARGET_FAULT: /* ends by itself */
    case SCENARIO_FAILED_RETRAIN:
        return ERR_OK;
    }
    return ERR_OK;
}

/* A target cannot be started again before it has ended. */
static bool can_end(const struct disturbances *disturbances,
                    const struct scenario_disturbance *disturbance)
{
    return disturbance->kind != SCENARIO_RESTART_TARGET || disturbances->target == TARGET_DOWN;
}

static void tell(const struct scenario_disturbance *disturbance, bool begins, int64_t now_ns)
{
    static const char *const what[][2] = {
        [SCENARIO_RESTART_TARGET] = {"the target is started again", "the target is ended"},
        [SCENARIO_STALL_PROMETHEUS] = {"Prometheus goes on", "Prometheus is stopped"},
        [SCENARIO_TARGET_FAULT] = {"the target's fault is over", "the target gets a fault"},
        [SCENARIO_FAILED_RETRAIN] = {"it has been asked",
                                     "the target is asked to train on a folder that is not there"}};
    log_write(LOG_INFO, "drill", "%.1f s: %s", (double)now_ns / (double)CLOCK_NS_PER_S,
              what[disturbance->kind][begins]);
}

bool disturbances_due(const struct disturbances *disturbances, int64_t now_ns)
{
    const struct scenario *scenario = disturbances->config.scenario;
    for (int i = 0; i < scenario->disturbance_count; i++) {
        const struct scenario_disturbance *disturbance = &scenario->disturbance[i];
        enum disturbance_state state = disturbances->state[i];
        if ((state == DISTURBANCE_AHEAD && now_ns >= disturbance->at_ns) ||
            (state == DISTURBANCE_ON && now_ns >= disturbance->at_ns + disturbance->lasts_ns &&
             can_end(disturbances, disturbance))) {
            return true;
        }
    }
    return false;
}

enum err disturbances_move(struct disturbances *disturbances, int64_t now_ns, struct error *error)
{
    const struct scenario *scenario = disturbances->config.scenario;
    enum err code = await_target(disturbances, clock_mono_ns() + POLL_NS, NULL);
    if (code != ERR_OK && code != ERR_TIMEOUT) {
        return error_set(error, code, NULL, 0,
                         "the restarted target did not become ready; target.log tells why");
    }
    code = ERR_OK;
    look_for_end(disturbances);
    for (int i = 0; i < scenario->disturbance_count && code == ERR_OK; i++) {
        const struct scenario_disturbance *disturbance = &scenario->disturbance[i];
        enum disturbance_state *state = &disturbances->state[i];
        if (*state == DISTURBANCE_AHEAD && now_ns >= disturbance->at_ns) {
            tell(disturbance, true, now_ns);
            *state = DISTURBANCE_ON;
            code = begin(disturbances, disturbance, error);
        }
        if (code == ERR_OK && *state == DISTURBANCE_ON &&
            now_ns >= disturbance->at_ns + disturbance->lasts_ns &&
            can_end(disturbances, disturbance)) {
            *state = DISTURBANCE_OVER;
            tell(disturbance, false, now_ns);
            code = end(disturbances, disturbance, now_ns, error);
        }
    }
    return code;
}

enum err disturbances_finish(struct disturbances *disturbances, int64_t now_ns,
                             int64_t deadline_mono_ns, struct error *error)
{
    const struct scenario *scenario = disturbances->config.scenario;
    enum err code = ERR_OK;
    int64_t began_ns = clock_mono_ns();
    while (disturbances->target == TARGET_ENDING) {
        clock_sleep_ns(POLL_NS);
        look_for_end(disturbances);
    }
    now_ns += clock_mono_ns() - began_ns;
    for (int i = 0; i < scenario->disturbance_count; i++) {
        if (disturbances->state[i] == DISTURBANCE_ON) {
            disturbances->state[i] = DISTURBANCE_OVER;
            enum err ended = end(disturbances, &scenario->disturbance[i], now_ns, error);
            code = code == ERR_OK ? ended : code;
        }
    }
    enum err awaited = await_target(disturbances, deadline_mono_ns, error);
    return code == ERR_OK ? awaited : code;
}
