#include "drill/stack_checks.h"

#include "base/clock.h"
#include "base/http.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/text.h"
#include "drill/loaded_rules.h"
#include "drill/scrape_job.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Evidence is taken by our clock from samples stamped by Prometheus's. */
#define CLOCK_DIFFERENCE_MAX_S 0.5
#define SAME_START_S 0.01
#define SCRAPE_PATIENCE 20 /* looks, half a second apart */
#define LOOKBACK_NS (300 * CLOCK_NS_PER_S)

struct checks {
    const struct stack_config *config;
    struct stack *stack;
    struct faults *faults;
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* Adds a fault about Prometheus. */
#define FAULT(checks, ...)                                                                         \
    faults_add((checks)->faults, (checks)->stack->prometheus_url, 0, "", __VA_ARGS__)

static const char *scaled(int64_t production_ns, int64_t time_scale, char *out, size_t size)
{
    return text_from_duration_ns(production_ns / time_scale / CLOCK_NS_PER_MS * CLOCK_NS_PER_MS,
                                 out, size);
}

/* ---- the scrape of the target ---- */

/* The one active target of job recommender; NULL with a fault. */
static const json_t *find_target(const struct checks *checks, const json_t *answer)
{
    size_t i, count = 0;
    json_t *target;
    const json_t *found = NULL;
    json_array_foreach(json_object_get(json_object_get(answer, "data"), "activeTargets"), i, target)
    {
        if (strcmp(text_of(json_object_get(target, "labels"), "job"), "recommender") == 0) {
            found = target;
            count++;
        }
    }
    if (count != 1) {
        FAULT(checks,
              "scrapes %zu targets as job \"recommender\"; a drill needs exactly one, the service "
              "it plays against",
              count);
        return NULL;
    }
    return found;
}

#define START_METRIC "process_start_time_seconds"

/* When the target began, as it says itself. */
static bool own_start(const struct checks *checks, double *out_s)
{
    struct buf body;
    struct metrics_snapshot *own = NULL;
    bool known = false;
    if (stack_fetch(checks->config->metrics_url, "", &body) && body.len > 0 &&
        metrics_parse(checks->config->target_url, body.data, body.len, &own, NULL) == ERR_OK) {
        *out_s = metrics_sum(own, START_METRIC, NULL, 0, &known);
        metrics_snapshot_free(own);
    }
    buf_deinit(&body);
    return known;
}

/* When what Prometheus scrapes began; false if it has no, or no recent, sample of it. */
static bool scraped_start(const struct checks *checks, double *out_s)
{
    double now_s = (double)clock_wall_ns() / (double)CLOCK_NS_PER_S;
    bool found = false;
    return prometheus_value(checks->stack->client, START_METRIC "{job=\"recommender\"}", now_s,
                            out_s, &found, NULL) == ERR_OK &&
           found;
}

/* The address may be called otherwise here and there, so the service itself is recognised, by the
 * moment at which it began. */
static void check_identity(const struct checks *checks, const char *scraped_url)
{
    double started_s = 0, scraped_s = 0;
    if (!own_start(checks, &started_s)) {
        /* Only the bundled interface promises it. */
        if (checks->config->health_url != NULL) {
            faults_add(checks->faults, checks->config->target_url, 0, "",
                       "does not export %s at /metrics, by which it is recognised", START_METRIC);
        } else {
            log_write(LOG_WARN, "drill",
                      "%s does not export %s: nobody can tell whether %s is the same service",
                      checks->config->target_url, START_METRIC, scraped_url);
        }
    } else if (!scraped_start(checks, &scraped_s)) {
        FAULT(checks, "holds no %s of job \"recommender\"", START_METRIC);
    } else if (fabs(started_s - scraped_s) > SAME_START_S) {
        FAULT(checks, "scrapes %s, which is not the service at %s: that one began %+.2f s later",
              scraped_url, checks->config->target_url, started_s - scraped_s);
    }
}

/* One scrape may have missed, and one that comes after a start of the target is still to come. */
static void await_scrape(const struct checks *checks)
{
    bool fresh = false;
    for (int i = 0; i < SCRAPE_PATIENCE && !fresh; i++) {
        double started_s = 0, scraped_s = 0;
        fresh = own_start(checks, &started_s) && scraped_start(checks, &scraped_s) &&
                fabs(started_s - scraped_s) <= SAME_START_S;
        if (!fresh) {
            clock_sleep_ns(CLOCK_NS_PER_S / 2);
        }
    }
}

static void check_target(const struct checks *checks)
{
    char wanted[32];
    if (checks->config->metrics_url == NULL) {
        return;
    }
    await_scrape(checks);
    json_t *answer =
        stack_fetch_json(checks->stack->prometheus_url, "/api/v1/targets?state=active");
    const json_t *target = find_target(checks, answer);
    const struct stack_config *config = checks->config;
    if (target != NULL) {
        const char *interval = text_of(target, "scrapeInterval");
        const char *health = text_of(target, "health"), *why = text_of(target, "lastError");
        char url[256];
        bool whole = scrape_job_shown(text_of(target, "scrapeUrl"), url, sizeof url);
        int64_t interval_ns = 0, wanted_ns = config->scrape_ns / config->time_scale;
        if (strcmp(health, "up") != 0) {
            FAULT(checks, "job \"recommender\", %s, is %s: %s", url, health,
                  whole ? why : "its page of targets tells why");
        } else {
            check_identity(checks, url);
        }
        if (!text_to_duration_ns(interval, &interval_ns) ||
            interval_ns / CLOCK_NS_PER_MS != wanted_ns / CLOCK_NS_PER_MS) {
            FAULT(checks, "scrapes job \"recommender\" every %s, the scenario wants %s", interval,
                  scaled(config->scrape_ns, config->time_scale, wanted, sizeof wanted));
        }
    }
    json_decref(answer);
}

/* ---- its rules ---- */

/* As Prometheus formats it. */
static char *spell(void *context, const char *expr)
{
    const struct checks *checks = context;
    char *escaped = http_escape(expr);
    size_t size = strlen(escaped) + 64;
    char *path = mem_array(size, 1), *out = NULL;
    snprintf(path, size, "/api/v1/format_query?query=%s", escaped);
    json_t *answer = stack_fetch_json(checks->stack->prometheus_url, path);
    const char *text = json_string_value(json_object_get(answer, "data"));
    if (text != NULL) {
        out = mem_array(strlen(text) + 1, 1);
        memcpy(out, text, strlen(text) + 1);
    }
    json_decref(answer);
    mem_free(path);
    mem_free(escaped);
    return out;
}

static enum err check_rules(struct checks *checks, struct error *error)
{
    json_t *document = NULL;
    struct error unheard = {0};
    size_t before = checks->faults->count;
    if (prometheus_rules(checks->stack->client, &document, &unheard) != ERR_OK) {
        FAULT(checks, "does not tell its rules: %s", unheard.text);
        return ERR_OK;
    }
    const struct stack_config *config = checks->config;
    struct loaded_rules_case loaded = {.wanted = &checks->stack->rules,
                                       .document = document,
                                       .default_interval_ns = config->evaluation_ns /
                                                              config->time_scale / CLOCK_NS_PER_MS *
                                                              CLOCK_NS_PER_MS,
                                       .where = checks->stack->prometheus_url,
                                       .spell = spell,
                                       .context = checks};
    enum err code = loaded_rules_compare(&loaded, checks->faults, error);
    if (code == ERR_OK && checks->faults->count > before) {
        FAULT(checks,
              "its rules are not the scenario's; `driftdrill render --time-scale %lld` writes "
              "those, and %s/rules holds them now",
              (long long)config->time_scale, config->folder);
    }
    json_decref(document);
    return code;
}

/* ---- itself ---- */

static void check_clock(const struct checks *checks)
{
    double before_s = (double)clock_wall_ns() / (double)CLOCK_NS_PER_S;
    json_t *answer = stack_fetch_json(checks->stack->prometheus_url, "/api/v1/query?query=time()");
    double after_s = (double)clock_wall_ns() / (double)CLOCK_NS_PER_S, now_s = 0;
    const char *text = json_string_value(
        json_array_get(json_object_get(json_object_get(answer, "data"), "result"), 1));
    if (text != NULL && text_to_f64(text, &now_s) &&
        (now_s < before_s - CLOCK_DIFFERENCE_MAX_S || now_s > after_s + CLOCK_DIFFERENCE_MAX_S)) {
        FAULT(checks,
              "its clock differs from this machine's by %.1f s; at most %.1f s can be borne",
              now_s - after_s, CLOCK_DIFFERENCE_MAX_S);
    }
    json_decref(answer);
}

/* A series that vanished is only seen to have vanished after the look-back. */
static void check_lookback(const struct checks *checks)
{
    char wanted[32];
    const struct stack_config *config = checks->config;
    json_t *answer = stack_fetch_json(checks->stack->prometheus_url, "/api/v1/status/flags");
    const char *lookback = text_of(json_object_get(answer, "data"), "query.lookback-delta");
    int64_t ns = 0;
    if (text_to_duration_ns(lookback, &ns) && ns > LOOKBACK_NS / config->time_scale) {
        log_write(LOG_WARN, "drill",
                  "%s looks %s back for a sample, at this time scale it should be "
                  "--query.lookback-delta=%s",
                  checks->stack->prometheus_url, lookback,
                  scaled(LOOKBACK_NS, config->time_scale, wanted, sizeof wanted));
    }
    json_decref(answer);
}

static void check_knows_alertmanager(const struct checks *checks)
{
    json_t *answer = stack_fetch_json(checks->stack->prometheus_url, "/api/v1/alertmanagers");
    if (json_array_size(json_object_get(json_object_get(answer, "data"), "activeAlertmanagers")) ==
        0) {
        FAULT(checks, "knows no Alertmanager");
    }
    json_decref(answer);
}

/* ---- Alertmanager ---- */

/* May the silence be about one of our alerts? Only a matcher that excludes all of them says no. */
static bool concerns_us(const struct stack *stack, const json_t *silence)
{
    size_t i;
    json_t *matcher;
    json_array_foreach(json_object_get(silence, "matchers"), i, matcher)
    {
        bool exact = !json_is_true(json_object_get(matcher, "isRegex")) &&
                     !json_is_false(json_object_get(matcher, "isEqual"));
        const char *name = text_of(matcher, "name"), *value = text_of(matcher, "value");
        if (exact && strcmp(name, "alertname") == 0 && rules_find(&stack->rules, value) == NULL) {
            return false;
        }
        if (exact && strcmp(name, "job") == 0 && strcmp(value, "recommender") != 0) {
            return false;
        }
    }
    return true;
}

static void check_silences(const struct checks *checks)
{
    size_t i;
    json_t *silence;
    json_t *answer = stack_fetch_json(checks->stack->alertmanager_url, "/api/v2/silences");
    json_array_foreach(answer, i, silence)
    {
        const char *state = text_of(json_object_get(silence, "status"), "state");
        if (strcmp(state, "active") == 0 && concerns_us(checks->stack, silence)) {
            faults_add(checks->faults, checks->stack->alertmanager_url, 0, "",
                       "silence %.40s (%.100s) may keep alerts of the drill back",
                       text_of(silence, "id"), text_of(silence, "comment"));
        }
    }
    json_decref(answer);
}

static bool answers(const struct checks *checks, const char *url, const char *path,
                    const char *program)
{
    struct buf body;
    bool ready = stack_fetch(url, path, &body);
    buf_deinit(&body);
    if (!ready) {
        faults_add(checks->faults, url, 0, "", "no %s answers there at %s", program, path);
    }
    return ready;
}

enum err stack_checks(const struct stack_config *config, struct stack *stack, struct faults *faults,
                      struct error *error)
{
    struct checks checks = {.config = config, .stack = stack, .faults = faults};
    enum err code = ERR_OK;
    if (answers(&checks, stack->prometheus_url, "/-/ready", "Prometheus")) {
        check_clock(&checks);
        check_lookback(&checks);
        check_target(&checks);
        check_knows_alertmanager(&checks);
        code = check_rules(&checks, error);
    }
    if (answers(&checks, stack->alertmanager_url, "/-/ready", "Alertmanager")) {
        check_silences(&checks);
    }
    return code;
}
