/*
 * Nothing of such a stack may be started, stopped or changed, so everything that the native one has
 * by construction is asked for instead: before the drill, that it watches the target with the
 * scenario's rules and that its alerts arrive here (stack_checks.c, and the Watchdog, which is sent
 * again only when its repeat_interval is over); during the drill, once a second, that each service
 * answers and is the same process as before.
 *
 * What the stack did before the drill must not count. So it waits until no alert of the rules is
 * pending or firing and what was to be resolved has been notified.
 */
#include "drill/stack_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "drill/lifeline.h"
#include "drill/stack_checks.h"

#include <stdio.h>
#include <string.h>

#define LOOK_NS CLOCK_NS_PER_S
/* In production the shipped routes repeat the Watchdog every hour. */
#define WATCHDOG_NS (70 * 60 * CLOCK_NS_PER_S)
/* The longest window of the shipped rules and what holds an alert after it. */
#define QUIET_NS (30 * 60 * CLOCK_NS_PER_S)
#define QUIET_LASTS_NS (2 * 60 * CLOCK_NS_PER_S)
#define PATIENCE_NS (30 * CLOCK_NS_PER_S) /* whatever the time scale */

enum watched {
    WATCHED_PROMETHEUS,
    WATCHED_ALERTMANAGER,
    WATCHED_TARGET,
    WATCHED_GRAFANA,
    WATCHED_COUNT
};

struct stack_watch {
    char target_url[600];  /* answers with 200 while the target is there; "" = nothing does */
    char grafana_url[256]; /* "" if there is none */
    struct lifeline line[WATCHED_COUNT];
    int64_t looked_ns;
    double failures_before; /* evaluations that failed before the drill */
};

static const char *text_at(json_t *answer, const char *outer, const char *inner)
{
    json_t *object = outer == NULL ? answer : json_object_get(answer, outer);
    const char *text = json_string_value(json_object_get(object, inner));
    return text != NULL ? text : "";
}

/* ---- whether all are there and the same ---- */

static bool look_at_prometheus(struct stack *stack, int64_t now_ns, char *what, size_t size)
{
    json_t *answer = stack_fetch_json(stack->prometheus_url, "/api/v1/status/runtimeinfo");
    bool there = lifeline_look(&stack->watch->line[WATCHED_PROMETHEUS], answer != NULL,
                               text_at(answer, "data", "startTime"), now_ns, what, size);
    json_decref(answer);
    return there;
}

static bool look_at_alertmanager(struct stack *stack, int64_t now_ns, char *what, size_t size)
{
    json_t *answer = stack_fetch_json(stack->alertmanager_url, "/api/v2/status");
    bool there = lifeline_look(&stack->watch->line[WATCHED_ALERTMANAGER], answer != NULL,
                               text_at(answer, NULL, "uptime"), now_ns, what, size);
    json_decref(answer);
    return there;
}

/* Its /metrics may be what the scenario breaks, so when it began is asked of Prometheus. */
static bool look_at_target(struct stack *stack, int64_t now_ns, char *what, size_t size)
{
    struct buf body;
    if (stack->watch->target_url[0] == '\0') {
        return true;
    }
    bool answered = stack_fetch(stack->watch->target_url, "", &body);
    buf_deinit(&body);
    json_t *answer = stack_fetch_json(
        stack->prometheus_url,
        "/api/v1/query?query=process_start_time_seconds%7Bjob%3D%22recommender%22%7D");
    const json_t *sample = json_object_get(
        json_array_get(json_object_get(json_object_get(answer, "data"), "result"), 0), "value");
    const char *started = json_string_value(json_array_get(sample, 1));
    bool there =
        lifeline_look(&stack->watch->line[WATCHED_TARGET], answered, started, now_ns, what, size);
    json_decref(answer);
    return there;
}

/* Nothing that everybody may ask tells when it began. */
static bool look_at_grafana(struct stack *stack, int64_t now_ns, char *what, size_t size)
{
    struct buf body;
    if (stack->watch->grafana_url[0] == '\0') {
        return true;
    }
    bool answered = stack_fetch(stack->watch->grafana_url, "/api/health", &body);
    buf_deinit(&body);
    return lifeline_look(&stack->watch->line[WATCHED_GRAFANA], answered, NULL, now_ns, what, size);
}

static bool look(struct stack *stack, char *what, size_t size)
{
    int64_t now_ns = clock_mono_ns();
    stack->watch->looked_ns = now_ns;
    return look_at_prometheus(stack, now_ns, what, size) &&
           look_at_alertmanager(stack, now_ns, what, size) &&
           look_at_target(stack, now_ns, what, size) && look_at_grafana(stack, now_ns, what, size);
}

bool stack_external_alive(struct stack *stack, char *what, size_t size)
{
    return clock_mono_ns() - stack->watch->looked_ns < LOOK_NS || look(stack, what, size);
}

/* Tells apart, at the end, a service that is gone from one that missed a look. */
bool stack_external_alive_at_end(struct stack *stack, char *what, size_t size)
{
    bool alive = look(stack, what, size);
    for (int i = 0; alive && i < LIFELINE_MISSES; i++) {
        bool missed = false;
        for (int k = 0; k < WATCHED_COUNT; k++) {
            missed = missed || stack->watch->line[k].misses > 0;
        }
        if (!missed) {
            return true;
        }
        clock_sleep_ns(LOOK_NS);
        alive = look(stack, what, size);
    }
    return alive;
}

/* ---- waiting until it is ready for a drill ---- */

static enum err interrupted(const struct stack_config *config, struct error *error)
{
    return config->interrupted != NULL && config->interrupted(LOOK_NS / 4)
               ? error_set(error, ERR_INTERRUPTED, NULL, 0, "interrupted before the drill began")
               : ERR_OK;
}

static bool watchdog_arrived(struct webhook *webhook)
{
    struct webhook_notice *notices = NULL;
    size_t count = webhook_notices(webhook, &notices);
    bool arrived = false;
    for (size_t i = 0; i < count && !arrived; i++) {
        arrived = strcmp(notices[i].alert, "Watchdog") == 0 && !notices[i].resolved;
    }
    mem_free(notices);
    return arrived;
}

static bool alertmanager_has(struct stack *stack, const char *alert)
{
    size_t i;
    json_t *entry;
    bool found = false;
    json_t *answer = stack_fetch_json(stack->alertmanager_url, "/api/v2/alerts?active=true");
    json_array_foreach(answer, i, entry)
    {
        found = found || strcmp(text_at(entry, "labels", "alertname"), alert) == 0;
    }
    json_decref(answer);
    return found;
}

static enum err await_watchdog(const struct stack_config *config, struct stack *stack,
                               struct error *error)
{
    int64_t began_ns = clock_mono_ns(), bound_ns = WATCHDOG_NS / config->time_scale + PATIENCE_NS;
    bool told = false;
    while (!watchdog_arrived(stack->webhook)) {
        int64_t waited_ns = clock_mono_ns() - began_ns;
        if (waited_ns > bound_ns) {
            return error_set(
                error, ERR_INVALID, stack->alertmanager_url, 0,
                alertmanager_has(stack, "Watchdog")
                    ? "no Watchdog arrived at %s within %.0f s, although Alertmanager has it: do "
                      "all its receivers point there?"
                    : "no Watchdog arrived at %s within %.0f s, and Alertmanager has none: does "
                      "this Prometheus send its alerts to this Alertmanager?",
                webhook_url(stack->webhook), (double)bound_ns / (double)CLOCK_NS_PER_S);
        }
        if (!told && waited_ns > 2 * CLOCK_NS_PER_S) {
            told = true;
            log_write(LOG_INFO, "drill", "waiting at most %.0f s for the Watchdog to arrive at %s",
                      (double)bound_ns / (double)CLOCK_NS_PER_S, webhook_url(stack->webhook));
        }
        enum err code = interrupted(config, error);
        if (code != ERR_OK) {
            return code;
        }
    }
    return ERR_OK;
}

/* The first of our alerts that is pending, firing or not yet resolved in Alertmanager. */
static bool is_quiet(struct stack *stack, char *loud, size_t size)
{
    struct prometheus_matrix alerts = {0};
    double now_s = (double)clock_wall_ns() / (double)CLOCK_NS_PER_S;
    bool quiet = prometheus_query(stack->client, "ALERTS{severity!=\"none\"}", now_s, &alerts,
                                  NULL) == ERR_OK;
    text_copy(loud, size, quiet ? "" : "no answer from Prometheus");
    for (size_t i = 0; i < alerts.count && quiet; i++) {
        const char *alert = prometheus_label(&alerts.series[i], "alertname");
        if (rules_find(&stack->rules, alert) != NULL) {
            quiet = false;
            snprintf(loud, size, "%s is %s", alert,
                     prometheus_label(&alerts.series[i], "alertstate"));
        }
    }
    prometheus_matrix_deinit(&alerts);
    for (size_t i = 0; i < stack->rules.alert_count && quiet; i++) {
        const struct rules_alert *rule = &stack->rules.alert[i];
        if (strcmp(rule->severity, "none") != 0 && alertmanager_has(stack, rule->name)) {
            quiet = false;
            snprintf(loud, size, "%s is not resolved in Alertmanager", rule->name);
        }
    }
    return quiet;
}

static enum err await_quiet(const struct stack_config *config, struct stack *stack,
                            struct error *error)
{
    char loud[200];
    int64_t began_ns = clock_mono_ns(), quiet_ns = began_ns, now_ns = began_ns;
    int64_t bound_ns = QUIET_NS / config->time_scale + PATIENCE_NS;
    int64_t lasts_ns = QUIET_LASTS_NS / config->time_scale + LOOK_NS;
    bool told = false;
    while (now_ns - quiet_ns < lasts_ns) {
        if (!is_quiet(stack, loud, sizeof loud)) {
            quiet_ns = clock_mono_ns();
            if (!told) {
                log_write(LOG_INFO, "drill", "waiting at most %.0f s for quiet: %s",
                          (double)bound_ns / (double)CLOCK_NS_PER_S, loud);
            }
            told = true;
        }
        if (quiet_ns - began_ns > bound_ns) {
            return error_set(error, ERR_INVALID, stack->prometheus_url, 0,
                             "not quiet after %.0f s, and a drill cannot tell old alerts from its "
                             "own: %s",
                             (double)bound_ns / (double)CLOCK_NS_PER_S, loud);
        }
        enum err code = interrupted(config, error);
        if (code != ERR_OK) {
            return code;
        }
        now_ns = clock_mono_ns();
    }
    return ERR_OK;
}

static void begin_watch(const struct stack_config *config, struct stack *stack)
{
    static const char *const names[WATCHED_COUNT] = {"prometheus", "alertmanager", "the target",
                                                     "grafana"};
    struct stack_watch *watch = mem_zalloc(1, sizeof *watch);
    const char *grafana_url = config->external->grafana_url;
    const char *target_url = config->health_url != NULL ? config->health_url : config->metrics_url;
    text_copy(watch->target_url, sizeof watch->target_url, target_url != NULL ? target_url : "");
    text_copy(watch->grafana_url, sizeof watch->grafana_url,
              grafana_url != NULL ? grafana_url : "");
    for (int i = 0; i < WATCHED_COUNT; i++) {
        watch->line[i].name = names[i];
        watch->line[i].answered_ns = clock_mono_ns();
    }
    stack->watch = watch;
}

static enum err refuse(const struct faults *faults, struct error *error)
{
    size_t count = faults->count;
    return count == 0 ? ERR_OK
                      : error_set(error, ERR_INPUT, NULL, 0,
                                  "%zu thing%s of the running stack %s not as the drill needs",
                                  count, count == 1 ? "" : "s", count == 1 ? "is" : "are");
}

enum err stack_external_start(const struct stack_config *config, struct stack *stack,
                              struct faults *faults, struct error *error)
{
    const struct stack_external *external = config->external;
    bool found = false;
    char what[160];
    text_copy(stack->prometheus_url, sizeof stack->prometheus_url, external->prometheus_url);
    text_copy(stack->alertmanager_url, sizeof stack->alertmanager_url, external->alertmanager_url);
    stack->client = prometheus_new(stack->prometheus_url);
    begin_watch(config, stack);
    enum err code = stack_checks(config, stack, faults, error);
    if (code == ERR_OK) {
        code = refuse(faults, error);
    }
    if (code == ERR_OK && !look(stack, what, sizeof what)) {
        code = error_set(error, ERR_INVALID, NULL, 0, "%s", what);
    }
    if (code == ERR_OK) {
        code = await_watchdog(config, stack, error);
    }
    if (code == ERR_OK) {
        code = await_quiet(config, stack, error);
    }
    if (code == ERR_OK) {
        code = prometheus_own_sum(stack->client, "prometheus_rule_evaluation_failures_total",
                                  &stack->watch->failures_before, &found, error);
    }
    return code;
}

double stack_external_failures_before(const struct stack *stack)
{
    return stack->watch->failures_before;
}

void stack_external_stop(struct stack *stack)
{
    mem_free(stack->watch);
}
