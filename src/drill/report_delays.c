#include "drill/report_delays.h"

#include "base/clock.h"
#include "base/document.h"
#include "drill/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_COLUMNS 38 /* leaves the whole table within 100 */

static double seconds(int64_t ns)
{
    return (double)ns / (double)CLOCK_NS_PER_S;
}

/* ---- terminal ---- */

/* "3.5 (3.7)": of this run, and to expect; "-" for a floor that does not exist. */
static const char *floor_text(const struct floors_floor *floor, char *out, size_t size)
{
    if (!floor->exists) {
        snprintf(out, size, "-");
    } else if (isnan(floor->delay_s)) {
        snprintf(out, size, "never (%.1f)", floor->expected_s);
    } else {
        snprintf(out, size, "%.1f (%.1f)", floor->delay_s, floor->expected_s);
    }
    return out;
}

static void print_delays_of(const struct delay_budget *budget, int name_width)
{
    const struct floors_row *floors = budget->floors;
    char fired[32], notified[32] = "-", text[FLOORS_VIEWS][32];
    snprintf(fired, sizeof fired, "%.1f", seconds(budget->firing_ns));
    if (budget->notified) {
        snprintf(notified, sizeof notified, "%.1f", seconds(budget->total_ns));
    }
    printf("%-*.*s  %6s  %8s", name_width, name_width, budget->alert->rule->name, fired, notified);
    for (int v = 0; v < FLOORS_VIEWS; v++) {
        bool known = floors != NULL && floors->exists;
        printf("  %12s", known ? floor_text(&floors->view[v], text[v], sizeof text[v]) : "-");
    }
    printf("\n");
    const char *sign = "    =";
    for (int i = budget->has_floor ? 0 : DELAY_WINDOW; i < DELAY_PARTS; i++) {
        if (budget->part_ns[i] > 0) {
            printf("%s %s %.1f", sign, delay_part_name(i), seconds(budget->part_ns[i]));
            sign = " +";
        }
    }
    printf("\n");
}

/* Why an alert of a quantity, or a view of it, has no floor. */
static void print_reasons(const struct delay_budget *budget)
{
    const struct floors_row *floors = budget->floors;
    if (floors == NULL) {
        return;
    }
    if (!floors->exists) {
        printf("    no floor: %.86s\n", floors->why);
        return;
    }
    for (int v = 0; v < FLOORS_VIEWS; v++) {
        if (!floors->view[v].exists) {
            printf("    no floor %s: %.74s\n", floors_view_name(v), floors->view[v].why);
        }
    }
}

static void print_scale(const struct floors *floors)
{
    if (floors != NULL) {
        printf("floors: of this run (to expect), one false alarm in %.0f production days; "
               "x %lld in production\n",
               floors->interval_s / 86400, (long long)floors->time_scale);
    }
}

void report_print_delays(const struct delay_budgets *delays, const struct floors *floors)
{
    int name = 8;
    if (delays == NULL || delays->count == 0) {
        return;
    }
    for (int i = 0; i < delays->count; i++) {
        int len = (int)strlen(delays->budget[i].alert->rule->name);
        name = len > name ? len : name;
    }
    name = name < NAME_MAX_COLUMNS ? name : NAME_MAX_COLUMNS;
    printf("\n%-*s  %6s  %8s", name, "delay, s", "firing", "notified");
    for (int v = 0; v < FLOORS_VIEWS; v++) {
        printf("  %12s", floors_view_name(v));
    }
    printf("\n");
    for (int i = 0; i < delays->count; i++) {
        print_delays_of(&delays->budget[i], name);
        print_reasons(&delays->budget[i]);
    }
    print_scale(floors);
}

/* ---- verdict.json ---- */

static json_t *floor_json(const struct floors_floor *floor, int64_t time_scale)
{
    if (!floor->exists) {
        return json_pack("{s:b,s:o}", "exists", false, "why", report_text(floor->why));
    }
    double best = isnan(floor->delay_s) ? floor->expected_s : floor->delay_s;
    return json_pack(
        "{s:b,s:f,s:f,s:o,s:o,s:o,s:i}", "exists", true, "nats_per_s", floor->nats_per_s,
        "threshold_nats", floor->threshold, "delay_s", document_number(floor->delay_s),
        "expected_s", document_number(floor->expected_s), "production_s",
        document_number(best * (double)time_scale), "false_alarms", floor->false_alarms);
}

static json_t *row_json(const struct floors_row *row, int64_t time_scale)
{
    json_t *object =
        json_pack("{s:i,s:s,s:o,s:f,s:f,s:o,s:o,s:o,s:b}", "injection", row->injection, "quantity",
                  scenario_quantity_name(row->quantity), "objective",
                  document_number(row->objective), "onset_s", row->onset_s, "until_s", row->until_s,
                  "at_rest", document_number(row->rest), "under_drift", document_number(row->full),
                  "objective_share", document_number(row->share), "exists", row->exists);
    if (!row->exists) {
        json_object_set_new(object, "why", report_text(row->why));
        return object;
    }
    for (int v = 0; v < FLOORS_VIEWS; v++) {
        json_object_set_new(object, floors_view_name(v), floor_json(&row->view[v], time_scale));
    }
    return object;
}

json_t *report_floors_json(const struct floors *floors)
{
    if (floors == NULL) {
        return json_null();
    }
    json_t *rows = json_array();
    for (int i = 0; i < floors->count; i++) {
        json_array_append_new(rows, row_json(&floors->row[i], floors->time_scale));
    }
    return json_pack("{s:f,s:o}", "false_alarm_interval_production_s", floors->interval_s, "rows",
                     rows);
}

json_t *report_delay_json(const struct delay_budgets *delays, const struct evidence_alert *alert,
                          int64_t time_scale)
{
    const struct delay_budget *found = NULL;
    for (int i = 0; delays != NULL && i < delays->count; i++) {
        found = delays->budget[i].alert == alert ? &delays->budget[i] : found;
    }
    if (found == NULL) {
        return json_null();
    }
    json_t *parts = json_object();
    for (int i = 0; i < DELAY_PARTS; i++) {
        json_object_set_new(parts, delay_part_name(i), json_real(seconds(found->part_ns[i])));
    }
    return json_pack("{s:f,s:f,s:f,s:f,s:b,s:o,s:o}", "onset_s", found->onset_s, "delay_s",
                     seconds(found->total_ns), "firing_delay_s", seconds(found->firing_ns),
                     "production_s", seconds(found->total_ns) * (double)time_scale, "notified",
                     found->notified, "budget", parts, "floors",
                     found->floors == NULL ? json_null() : row_json(found->floors, time_scale));
}

/* ---- JUnit ---- */

static void add_property(struct buf *out, const char *alert, const char *what, const char *part,
                         double value)
{
    if (isfinite(value)) {
        buf_text(out, "      <property name=\"");
        report_add_xml(out, alert);
        buf_printf(out, ".%s%s_s\" value=\"%.3f\"/>\n", what, part, value);
    }
}

void report_add_delay_properties(struct buf *out, const struct delay_budgets *delays)
{
    if (delays == NULL || delays->count == 0) {
        return;
    }
    buf_text(out, "    <properties>\n");
    for (int i = 0; i < delays->count; i++) {
        const struct delay_budget *budget = &delays->budget[i];
        const char *name = budget->alert->rule->name;
        add_property(out, name, "delay", "", seconds(budget->total_ns));
        for (int v = 0; v < FLOORS_VIEWS; v++) {
            const struct floors_row *floors = budget->floors;
            if (floors != NULL && floors->exists && floors->view[v].exists) {
                add_property(out, name, "floor.", floors_view_name(v), floors->view[v].delay_s);
            }
        }
        for (int p = 0; p < DELAY_PARTS; p++) {
            add_property(out, name, "budget.", delay_part_name(p), seconds(budget->part_ns[p]));
        }
    }
    buf_text(out, "    </properties>\n");
}
