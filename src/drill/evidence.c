/*
 * The state of an alert comes from raw ALERTS samples beside the heartbeat that rendering added to
 * its group: a sample missing where the heartbeat misses too is a skipped evaluation, not a
 * resolve. Whether a resolve was a recovery is asked of the database at that moment: the series
 * named by the rule's `recovered` annotation must be back at the objective, the target up, the
 * sample large enough. Anything else vanished.
 */
#include "drill/evidence.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A resolve on fewer events than a drift rule needs to fire proves nothing. */
#define RECOVERY_SAMPLES_MIN 50

struct collector {
    struct prometheus *prometheus;
    double origin_s, end_s; /* Unix */
    double span_s;
};

static enum err raw_samples(const struct collector *collector, const char *selector,
                            struct prometheus_matrix *out, struct error *error)
{
    char expr[512];
    snprintf(expr, sizeof expr, "%s[%.0fms]", selector, collector->span_s * 1000);
    return prometheus_query(collector->prometheus, expr, collector->end_s, out, error);
}

/* Moves the points of the first series out, times converted to drill seconds. */
static struct prometheus_series take_first(struct prometheus_matrix *matrix, double origin_s)
{
    struct prometheus_series series = {0};
    if (matrix->count > 0) {
        series = matrix->series[0];
        series.labels = NULL;
        matrix->series[0].point = NULL;
        matrix->series[0].count = 0;
        for (size_t i = 0; i < series.count; i++) {
            series.point[i].time_s -= origin_s;
        }
    }
    return series;
}

static enum err fetch_series(const struct collector *collector, const char *selector,
                             struct prometheus_series *out, struct error *error)
{
    struct prometheus_matrix matrix = {0};
    enum err code = raw_samples(collector, selector, &matrix, error);
    if (code == ERR_OK) {
        *out = take_first(&matrix, collector->origin_s);
        prometheus_matrix_deinit(&matrix);
    }
    return code;
}

static double value_at(const struct collector *collector, const char *expr, double unix_s)
{
    double value = NAN;
    bool found = false;
    if (expr[0] == '\0' ||
        prometheus_value(collector->prometheus, expr, unix_s, &value, &found, NULL) != ERR_OK ||
        !found) {
        return NAN;
    }
    return value;
}

/* Objectives are named for the side they bound: objective:x:max is the most that x may be. */
static bool bounds_from_above(const struct rules_alert *rule)
{
    size_t len = strlen(rule->objective);
    return (len > 4 && strcmp(rule->objective + len - 4, ":max") == 0) ||
           scenario_quantity_named(rule->quantity) == SCENARIO_RATING_PSI;
}

/* Whether all values that the expression gives are on the right side of 0; false if there are none,
 * and *some tells. */
static bool margins_right(const struct collector *collector, const struct rules_alert *rule,
                          const char *expr, double at_unix_s, bool *some)
{
    struct prometheus_matrix margins = {0};
    *some = false;
    if (prometheus_query(collector->prometheus, expr, at_unix_s, &margins, NULL) != ERR_OK) {
        return false;
    }
    bool right = *some = margins.count > 0;
    for (size_t i = 0; i < margins.count; i++) {
        double margin = margins.series[i].count > 0 ? margins.series[i].point[0].value : NAN;
        right = right && (bounds_from_above(rule) ? margin <= 0 : margin >= 0);
    }
    prometheus_matrix_deinit(&margins);
    return right;
}

/* What an expression gives for the elements of the alert that have fired, matched by their labels.
 */
static void of_fired(const struct collector *collector, const struct rules_alert *rule,
                     const char *expr, char *out, size_t size)
{
    snprintf(out, size,
             "(%s) and ignoring (alertname, alertstate, severity) "
             "max_over_time(ALERTS{alertname=\"%s\",alertstate=\"firing\"}[%.0fms])",
             expr, rule->name, collector->span_s * 1000);
}

/* Whether the watched series is back at the objective, or, of one that is there for each source,
 * every element that has fired at that with its labels. An alert with labels of its own making is
 * held against all elements, as is its sample size. */
static bool is_back(const struct collector *collector, const struct rules_alert *rule,
                    double at_unix_s)
{
    char all[400], fired[800];
    bool some;
    snprintf(all, sizeof all, "(%s) - ignoring (job) group_left () (%s)", rule->recovered,
             rule->objective);
    of_fired(collector, rule, all, fired, sizeof fired);
    bool right = margins_right(collector, rule, fired, at_unix_s, &some);
    return some ? right : margins_right(collector, rule, all, at_unix_s, &some);
}

static bool is_sampled(const struct collector *collector, const struct rules_alert *rule,
                       double at_unix_s)
{
    char fired[600], least[640];
    of_fired(collector, rule, rule->samples, fired, sizeof fired);
    snprintf(least, sizeof least, "min(%s)", fired);
    double samples = value_at(collector, least, at_unix_s);
    if (isnan(samples) && rule->samples[0] != '\0') {
        snprintf(least, sizeof least, "min(%s)", rule->samples);
        samples = value_at(collector, least, at_unix_s);
    }
    return samples >= RECOVERY_SAMPLES_MIN;
}

static enum evidence_resolve classify(const struct collector *collector,
                                      const struct rules_alert *rule, double resolved_unix_s)
{
    if (isnan(resolved_unix_s)) {
        return EVIDENCE_NOT_RESOLVED;
    }
    double up = value_at(collector, "min(up{job=\"recommender\"})", resolved_unix_s);
    bool back = true;
    if (rule->recovered[0] != '\0') {
        back = is_back(collector, rule, resolved_unix_s) &&
               is_sampled(collector, rule, resolved_unix_s);
    }
    return up > 0 && back ? EVIDENCE_RECOVERED : EVIDENCE_VANISHED;
}

static void take_episodes(const struct collector *collector, const struct timeline *timeline,
                          struct evidence_alert *alert)
{
    alert->count = timeline->count;
    alert->episode = mem_zalloc(timeline->count + 1, sizeof *alert->episode);
    for (size_t i = 0; i < timeline->count; i++) {
        const struct timeline_episode *from = &timeline->episode[i];
        alert->episode[i] =
            (struct evidence_episode){.pending_s = from->pending_s - collector->origin_s,
                                      .firing_s = from->firing_s - collector->origin_s,
                                      .resolved_s = from->resolved_s - collector->origin_s,
                                      .resolve = classify(collector, alert->rule, from->resolved_s),
                                      .notified_s = NAN,
                                      .resolved_notified_s = NAN};
    }
}

static enum err collect_alert(const struct collector *collector, const struct rules_alert *rule,
                              struct evidence_alert *out, struct error *error)
{
    struct prometheus_matrix pending = {0}, firing = {0}, heartbeat = {0};
    char selector[400];
    out->objective = value_at(collector, rule->objective, collector->end_s);
    snprintf(selector, sizeof selector, "ALERTS{alertname=\"%s\",alertstate=\"pending\"}",
             rule->name);
    enum err code = raw_samples(collector, selector, &pending, error);
    snprintf(selector, sizeof selector, "ALERTS{alertname=\"%s\",alertstate=\"firing\"}",
             rule->name);
    if (code == ERR_OK) {
        code = raw_samples(collector, selector, &firing, error);
    }
    snprintf(selector, sizeof selector, "driftdrill:heartbeat{rule_group=\"%s\"}", rule->group);
    if (code == ERR_OK) {
        code = raw_samples(collector, selector, &heartbeat, error);
    }
    if (code == ERR_OK) {
        struct timeline timeline = {0};
        timeline_build(&pending, &firing, &heartbeat, &timeline);
        take_episodes(collector, &timeline, out);
        timeline_deinit(&timeline);
        out->heartbeat = take_first(&heartbeat, collector->origin_s);
    }
    prometheus_matrix_deinit(&pending);
    prometheus_matrix_deinit(&firing);
    prometheus_matrix_deinit(&heartbeat);
    return code;
}

static enum err collect_alerts(const struct collector *collector, const struct rules *rules,
                               struct evidence *out, struct error *error)
{
    out->alert_count = rules->alert_count;
    out->alert = mem_zalloc(rules->alert_count + 1, sizeof *out->alert);
    for (size_t i = 0; i < rules->alert_count; i++) {
        out->alert[i].rule = &rules->alert[i];
        out->alert[i].objective = NAN;
    }
    for (size_t i = 0; i < rules->alert_count; i++) {
        enum err code = collect_alert(collector, &rules->alert[i], &out->alert[i], error);
        if (code != ERR_OK) {
            return code;
        }
    }
    return ERR_OK;
}

static enum err collect_records(const struct collector *collector, const struct scenario *scenario,
                                struct evidence *out, struct error *error)
{
    for (int i = 0; i < scenario->expectation_count; i++) {
        const struct scenario_expectation *expectation = &scenario->expectation[i];
        if (expectation->kind != SCENARIO_AGREES) {
            continue;
        }
        enum err code = fetch_series(collector, expectation->record, &out->record[i], error);
        if (code != ERR_OK) {
            return code;
        }
    }
    return ERR_OK;
}

/* The whole stars that a record of the reference shares is about: the label whose value is a number
 * from 1 to 5; 0 if there is none. */
static int stars_of(const struct prometheus_series *series)
{
    const char *name;
    json_t *value;
    json_object_foreach(series->labels, name, value)
    {
        char *end;
        const char *text = json_string_value(value);
        double stars = text == NULL || *text == '\0' ? 0 : strtod(text, &end);
        if (stars >= 1 && *end == '\0' && stars <= EVIDENCE_WHOLE_STARS && stars == floor(stars)) {
            return (int)stars;
        }
    }
    return 0;
}

static enum err collect_shares(const struct collector *collector, struct evidence *out,
                               struct error *error)
{
    struct prometheus_matrix matrix = {0};
    enum err code = prometheus_query(collector->prometheus, "objective:user_rating_share",
                                     collector->end_s, &matrix, error);
    for (size_t i = 0; code == ERR_OK && i < matrix.count; i++) {
        int stars = stars_of(&matrix.series[i]);
        if (stars > 0 && matrix.series[i].count > 0) {
            out->rating_share[stars - 1] = matrix.series[i].point[0].value;
        }
    }
    prometheus_matrix_deinit(&matrix);
    return code;
}

static void collect_rule_error(const json_t *rule, struct evidence *out)
{
    const char *health = json_string_value(json_object_get(rule, "health"));
    const char *name = json_string_value(json_object_get(rule, "name"));
    const char *text = json_string_value(json_object_get(rule, "lastError"));
    if (health == NULL || strcmp(health, "err") != 0 ||
        out->rule_error_count == EVIDENCE_RULE_ERRORS_MAX) {
        return;
    }
    struct evidence_rule_error *error = &out->rule_error[out->rule_error_count++];
    text_copy(error->rule, sizeof error->rule, name != NULL ? name : "without a name");
    text_copy(error->text, sizeof error->text, text != NULL ? text : "");
}

/* A rule that cannot be evaluated looks like one that is silent. The counter knows of failures that
 * have passed; the list of rules, which ones fail. */
static enum err collect_rule_errors(const struct collector *collector, struct evidence *out,
                                    struct error *error)
{
    json_t *document = NULL, *group, *rule;
    size_t g, r;
    bool found = false;
    enum err code = prometheus_rules(collector->prometheus, &document, error);
    if (code != ERR_OK) {
        return code;
    }
    json_array_foreach(json_object_get(json_object_get(document, "data"), "groups"), g, group)
    {
        json_array_foreach(json_object_get(group, "rules"), r, rule)
        {
            collect_rule_error(rule, out);
        }
    }
    json_decref(document);
    return prometheus_own_sum(collector->prometheus, "prometheus_rule_evaluation_failures_total",
                              &out->evaluation_failures, &found, error);
}

static void drop_failed_scrapes(struct prometheus_series *scrapes)
{
    size_t kept = 0;
    for (size_t i = 0; i < scrapes->count; i++) {
        if (scrapes->point[i].value > 0) {
            scrapes->point[kept++] = scrapes->point[i];
        }
    }
    scrapes->count = kept;
}

/* Gives a notification to the episode it reports: the last one that had begun by its arrival. */
static void attach_notice(struct evidence *evidence, const struct evidence_notice *notice)
{
    for (size_t a = 0; a < evidence->alert_count; a++) {
        struct evidence_alert *alert = &evidence->alert[a];
        if (strcmp(alert->rule->name, notice->alert) != 0) {
            continue;
        }
        for (size_t i = alert->count; i-- > 0;) {
            struct evidence_episode *episode = &alert->episode[i];
            double *slot = notice->resolved ? &episode->resolved_notified_s : &episode->notified_s;
            double since = notice->resolved ? episode->resolved_s : episode->firing_s;
            if (since <= notice->received_s && isnan(*slot)) {
                *slot = notice->received_s;
                return;
            }
        }
    }
}

/* Does another element of the same alert stand as firing before notice `at`? Then the alert as a
 * whole neither begins nor ends with this one. */
static bool is_of_many(const struct webhook_notice *notices, size_t at)
{
    for (size_t i = at; i-- > 0;) {
        bool later = false;
        for (size_t k = i + 1; k < at; k++) {
            later = later || (strcmp(notices[k].fingerprint, notices[i].fingerprint) == 0);
        }
        if (!later && !notices[i].resolved && strcmp(notices[i].alert, notices[at].alert) == 0 &&
            strcmp(notices[i].fingerprint, notices[at].fingerprint) != 0) {
            return true;
        }
    }
    return false;
}

static void collect_notices(struct webhook *webhook, double origin_unix_s, struct evidence *out)
{
    struct webhook_notice *notices = NULL;
    size_t count = webhook_notices(webhook, &notices);
    out->malformed_notices = webhook_malformed(webhook);
    out->notice = mem_zalloc(count + 1, sizeof *out->notice);
    for (size_t i = 0; i < count; i++) {
        if (is_of_many(notices, i)) {
            continue;
        }
        struct evidence_notice *notice = &out->notice[out->notice_count++];
        notice->received_s =
            (double)notices[i].received_wall_ns / (double)CLOCK_NS_PER_S - origin_unix_s;
        notice->resolved = notices[i].resolved;
        text_copy(notice->alert, sizeof notice->alert, notices[i].alert);
        text_copy(notice->severity, sizeof notice->severity, notices[i].severity);
        attach_notice(out, notice);
    }
    mem_free(notices);
}

enum err evidence_collect(struct prometheus *prometheus, const struct rules *rules,
                          struct webhook *webhook, const struct scenario *scenario,
                          double origin_unix_s, double end_s, struct evidence *out,
                          struct error *error)
{
    struct collector collector = {.prometheus = prometheus,
                                  .origin_s = origin_unix_s,
                                  .end_s = origin_unix_s + end_s + 1,
                                  .span_s = end_s + 60};
    *out = (struct evidence){0};
    enum err code = collect_alerts(&collector, rules, out, error);
    if (code == ERR_OK) {
        code = fetch_series(&collector, "up{job=\"recommender\"}", &out->scrapes, error);
        drop_failed_scrapes(&out->scrapes);
    }
    if (code == ERR_OK) {
        code = collect_shares(&collector, out, error);
    }
    if (code == ERR_OK) {
        code = collect_records(&collector, scenario, out, error);
    }
    if (code == ERR_OK) {
        code = collect_rule_errors(&collector, out, error);
    }
    out->complete = code == ERR_OK;
    collect_notices(webhook, origin_unix_s, out);
    return code;
}

void evidence_forget(struct evidence *evidence, double before_s)
{
    size_t kept = 0;
    for (size_t a = 0; a < evidence->alert_count; a++) {
        struct evidence_alert *alert = &evidence->alert[a];
        size_t count = 0;
        for (size_t i = 0; i < alert->count; i++) {
            if (!(alert->episode[i].resolved_s < before_s)) {
                alert->episode[count++] = alert->episode[i];
            }
        }
        alert->count = count;
    }
    for (size_t i = 0; i < evidence->notice_count; i++) {
        const struct evidence_notice *notice = &evidence->notice[i];
        if (notice->received_s >= before_s || strcmp(notice->severity, "none") == 0) {
            evidence->notice[kept++] = *notice;
        }
    }
    evidence->notice_count = kept;
}

void evidence_keep(struct evidence *evidence, evidence_keeps *keeps, void *context)
{
    size_t alerts = 0, notices = 0;
    for (size_t i = 0; i < evidence->alert_count; i++) {
        struct evidence_alert *alert = &evidence->alert[i];
        if (keeps(context, alert->rule->name)) {
            evidence->alert[alerts++] = *alert;
        } else {
            mem_free(alert->episode);
            mem_free(alert->heartbeat.point);
        }
    }
    for (size_t i = 0; i < evidence->notice_count; i++) {
        if (keeps(context, evidence->notice[i].alert)) {
            evidence->notice[notices++] = evidence->notice[i];
        }
    }
    evidence->alert_count = alerts;
    evidence->notice_count = notices;
}

const struct evidence_alert *evidence_find(const struct evidence *evidence, const char *alert)
{
    for (size_t i = 0; i < evidence->alert_count; i++) {
        if (strcmp(evidence->alert[i].rule->name, alert) == 0) {
            return &evidence->alert[i];
        }
    }
    return NULL;
}

void evidence_deinit(struct evidence *evidence)
{
    for (size_t i = 0; i < evidence->alert_count; i++) {
        mem_free(evidence->alert[i].episode);
        mem_free(evidence->alert[i].heartbeat.point);
    }
    for (int i = 0; i < SCENARIO_EXPECTATIONS_MAX; i++) {
        mem_free(evidence->record[i].point);
    }
    mem_free(evidence->scrapes.point);
    mem_free(evidence->alert);
    mem_free(evidence->notice);
}
