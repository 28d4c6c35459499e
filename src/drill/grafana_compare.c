/*
 * The evaluation that is compared asks its queries through a function, with everything put in. This
 * one finds out which target an expression came from, puts only the dashboard's variables into the
 * target's own text, and sends that to Grafana, which answers what it asked Prometheus and at which
 * step. Both must be what was going to be asked; the samples then go through the same naming,
 * reducing and colouring as those from Prometheus.
 *
 * Variables of Grafana's own are hidden from the substitution by a byte that no expression holds.
 */
#include "drill/grafana_compare.h"

#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define HIDDEN '\001'
/* Both had the numbers from the same Prometheus, as text. */
#define RELATIVE_MAX 1e-9

struct asker {
    const struct grafana_compare *compare;
    struct grafana_findings *findings;
};

/* "$__" and "${__" begin Grafana's own; hides or shows their dollar signs in place. */
static void hide_own(char *text)
{
    for (char *at = strchr(text, '$'); at != NULL; at = strchr(at + 1, '$')) {
        const char *name = at[1] == '{' ? at + 2 : at + 1;
        if (strncmp(name, "__", 2) == 0) {
            *at = HIDDEN;
        }
    }
}

static void show_own(char *text)
{
    for (char *at = strchr(text, HIDDEN); at != NULL; at = strchr(at + 1, HIDDEN)) {
        *at = '$';
    }
}

/* The target's text with the dashboard's variables put in; heap, NULL on error. */
static char *sent_text(const struct grafana_compare *compare, const struct dashboard_target *target,
                       struct error *error)
{
    struct dashboard_target copy = *target;
    struct interval_plan plan;
    size_t size = strlen(target->expr) + 1;
    char *hidden = mem_array(size, 1);
    memcpy(hidden, target->expr, size);
    hide_own(hidden);
    copy.expr = hidden;
    char *text =
        panel_expand(compare->dashboard, compare->panel, &copy, compare->request, &plan, error);
    mem_free(hidden);
    if (text != NULL) {
        show_own(text);
    }
    return text;
}

/* The target that this expression came from. */
static const struct dashboard_target *find_target(const struct grafana_compare *compare,
                                                  const char *expr, bool instant,
                                                  struct interval_plan *plan)
{
    const struct dashboard_panel *panel = compare->panel;
    for (size_t i = 0; i < panel->target_count; i++) {
        const struct dashboard_target *target = &panel->target[i];
        bool asked = instant ? target->instant : target->range || !target->instant;
        char *text = target->hide || !asked ? NULL
                                            : panel_expand(compare->dashboard, panel, target,
                                                           compare->request, plan, NULL);
        bool same = text != NULL && strcmp(text, expr) == 0;
        mem_free(text);
        if (same) {
            return target;
        }
    }
    return NULL;
}

static const char *min_step(const struct dashboard_target *target, char *out, size_t size)
{
    if (target->min_step_is_rate) {
        return "$__rate_interval";
    }
    if (target->min_step_is_interval) {
        return "$__interval";
    }
    return target->min_step_ms > 0 ? interval_write_ms(target->min_step_ms, out, size) : "";
}

static void check_executed(const struct asker *asker, const char *expr, bool instant, double step_s,
                           const struct grafana_answer *answer)
{
    const char *name = asker->compare->name;
    int64_t step_ms = llround(step_s * 1000);
    if (answer->executed == NULL) {
        grafana_findings_add(asker->findings, name, "does not tell what it asked Prometheus");
    } else if (strcmp(answer->executed, expr) != 0) {
        grafana_findings_add(asker->findings, name, "asked '%.80s', wanted '%.80s'",
                             answer->executed, expr);
    }
    if (!instant && answer->step_ms != step_ms) {
        grafana_findings_add(asker->findings, name, "step %lld ms, wanted %lld ms",
                             (long long)answer->step_ms, (long long)step_ms);
    }
}

/* A panel_query. */
static enum err ask(void *context, const char *expr, bool instant, double from_s, double to_s,
                    double step_s, struct prometheus_matrix *out, struct error *error)
{
    const struct asker *asker = context;
    const struct grafana_compare *compare = asker->compare;
    const struct panel_request *request = compare->request;
    struct interval_plan plan;
    struct grafana_answer answer;
    char step[32];
    (void)from_s;
    (void)to_s;
    const struct dashboard_target *target = find_target(compare, expr, instant, &plan);
    if (target == NULL) {
        return error_set(error, ERR_INPUT, compare->name, 0, "no target asks '%.80s'", expr);
    }
    char *text = sent_text(compare, target, error);
    if (text == NULL) {
        return ERR_INPUT;
    }
    const struct grafana_question question = {
        .expr = text,
        .legend = target->legend,
        .format = target->format,
        .min_step = min_step(target, step, sizeof step),
        .datasource_uid = compare->datasource_uid,
        .instant = instant,
        .range = !instant,
        .from_ms = plan.from_ms,
        .to_ms = plan.to_ms,
        .interval_ms = plan.interval_ms,
        .max_data_points = compare->panel->max_data_points > 0 ? compare->panel->max_data_points
                           : request->width_px > 0             ? request->width_px
                                                               : INTERVAL_POINTS};
    enum err code = grafana_query(compare->grafana, &question, &answer, error);
    mem_free(text);
    if (code != ERR_OK) {
        return code;
    }
    check_executed(asker, expr, instant, step_s, &answer);
    *out = answer.matrix;
    answer.matrix = (struct prometheus_matrix){0};
    grafana_answer_deinit(&answer);
    return ERR_OK;
}

/* ---- views ---- */

static bool same_number(double a, double b)
{
    if (isnan(a) || isnan(b)) {
        return isnan(a) && isnan(b);
    }
    return a == b || fabs(a - b) <= RELATIVE_MAX * fmax(fabs(a), fabs(b));
}

static const struct panel_series *find_series(const struct panel_view *view,
                                              const struct panel_series *wanted)
{
    for (size_t i = 0; i < view->series_count; i++) {
        const struct panel_series *series = &view->series[i];
        if (strcmp(series->ref, wanted->ref) == 0 && strcmp(series->legend, wanted->legend) == 0 &&
            series->instant == wanted->instant && json_equal(series->labels, wanted->labels)) {
            return series;
        }
    }
    return NULL;
}

/* The first sample that differs. */
static bool samples_differ(const struct panel_series *ours, const struct panel_series *theirs,
                           size_t *index)
{
    size_t count = ours->count < theirs->count ? ours->count : theirs->count;
    for (size_t i = 0; i < count; i++) {
        if (fabs(ours->point[i].time_s - theirs->point[i].time_s) > 5e-4 ||
            !same_number(ours->point[i].value, theirs->point[i].value)) {
            *index = i;
            return true;
        }
    }
    return false;
}

static void compare_series(const char *name, const struct panel_series *ours,
                           const struct panel_series *theirs, struct grafana_findings *out)
{
    size_t at = 0;
    if (ours->count != theirs->count) {
        grafana_findings_add(out, name, "'%.60s' has %zu samples, wanted %zu", ours->legend,
                             theirs->count, ours->count);
    } else if (samples_differ(ours, theirs, &at)) {
        grafana_findings_add(out, name, "'%.60s' is %.9g at %.3f, wanted %.9g at %.3f",
                             ours->legend, theirs->point[at].value, theirs->point[at].time_s,
                             ours->point[at].value, ours->point[at].time_s);
    } else if (strcmp(ours->text, theirs->text) != 0 || strcmp(ours->colour, theirs->colour) != 0) {
        grafana_findings_add(out, name, "'%.60s' shows %.60s in %s, wanted %.60s in %s",
                             ours->legend, theirs->text, theirs->colour, ours->text, ours->colour);
    }
}

void grafana_compare_views(const char *name, const struct panel_view *ours,
                           const struct panel_view *theirs, struct grafana_findings *out)
{
    for (size_t i = 0; i < ours->series_count; i++) {
        const struct panel_series *found = find_series(theirs, &ours->series[i]);
        if (found == NULL) {
            grafana_findings_add(out, name, "has no series '%.60s'", ours->series[i].legend);
        } else {
            compare_series(name, &ours->series[i], found, out);
        }
    }
    for (size_t i = 0; i < theirs->series_count; i++) {
        if (find_series(ours, &theirs->series[i]) == NULL) {
            grafana_findings_add(out, name, "has a series '%.60s' more", theirs->series[i].legend);
        }
    }
}

void grafana_compare_panel(const struct grafana_compare *compare, struct grafana_findings *out)
{
    struct asker asker = {.compare = compare, .findings = out};
    struct panel_request request = *compare->request;
    struct panel_view theirs = {0};
    struct error error = {0};
    request.query = ask;
    request.context = &asker;
    out->compared++;
    if (panel_evaluate(compare->dashboard, compare->panel, &request, &theirs, &error) != ERR_OK) {
        if (error.code == ERR_NETWORK || error.code == ERR_TIMEOUT || error.code == ERR_USAGE) {
            snprintf(out->unasked, sizeof out->unasked, "%.200s", error.text);
        } else {
            grafana_findings_add(out, compare->name, "%.200s", error.text);
        }
        return;
    }
    grafana_compare_views(compare->name, compare->view, &theirs, out);
    panel_view_deinit(&theirs);
}
