#include "drill/report_html_int.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/mem.h"
#include "drill/report_tracks.h"
#include "drill/svg.h"
#include "drill/svg_timeline.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PAGE_MAX_BYTES (16u << 20)

static const char *const marks[] = {"\xe2\x9c\x94", "\xe2\x9c\x96", "?"}; /* by outcome */

/* ---- pieces ---- */

void html_cell(struct buf *out, const char *class, const char *text)
{
    buf_text(out, "<td");
    if (class != NULL) {
        buf_printf(out, " class=\"%s\"", class);
    }
    buf_text(out, ">");
    svg_add_text(out, text);
    buf_text(out, "</td>");
}

void html_head_cell(struct buf *out, const char *text)
{
    buf_text(out, "<th scope=\"col\">");
    svg_add_text(out, text);
    buf_text(out, "</th>");
}

void html_table(struct buf *out, const char *caption, const char *const *heads, size_t count)
{
    buf_printf(out,
               "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table>"
               "<caption>%s</caption>\n<thead><tr>",
               caption, caption);
    for (size_t i = 0; i < count; i++) {
        html_head_cell(out, heads[i]);
    }
    buf_text(out, "</tr></thead>\n<tbody>\n");
}

void html_table_end(struct buf *out)
{
    buf_text(out, "</tbody></table></div>\n");
}

/* A number, or a dash for what did not happen. */
static void number_cell(struct buf *out, double value, int decimals)
{
    char text[48];
    snprintf(text, sizeof text, "%.*f", decimals, value);
    html_cell(out, "num", isfinite(value) ? text : "-");
}

static double seconds(int64_t ns)
{
    return (double)ns / (double)CLOCK_NS_PER_S;
}

/* ---- the head ---- */

static void add_style(struct buf *out)
{
    buf_text(out, "<style>\n");
    svg_style(out);
    buf_text(out, "body{margin:0;background:var(--page);color:var(--ink);"
                  "font:15px/1.5 system-ui,'Segoe UI',Helvetica,Arial,sans-serif}\n"
                  "main{max-width:1240px;margin:0 auto;padding:16px}\n"
                  "h1{font-size:26px;margin:.2em 0}h2{font-size:20px;margin:1.8em 0 .5em}"
                  "h3{font-size:16px;margin:1.4em 0 .4em}\n"
                  "nav a{margin-right:1em}a{color:var(--ok)}\n"
                  ".verdict{border:2px solid var(--ink);border-left-width:14px;padding:8px 16px;"
                  "margin:12px 0;font-size:20px;font-weight:600;background:var(--panel)}"
                  ".verdict.pass{border-color:var(--ok)}.verdict.fail{border-color:var(--past)}"
                  ".verdict.invalid{border-color:var(--near);border-style:dashed;"
                  "border-left-style:solid}\n"
                  ".chart{display:block;width:100%;height:auto;min-width:880px}"
                  ".wide{overflow-x:auto;margin:8px 0}\n"
                  "table{border-collapse:collapse;font-size:14px;background:var(--panel)}"
                  "caption{text-align:left;color:var(--dim);padding:4px 0}"
                  "th,td{border:1px solid var(--edge);padding:4px 9px;text-align:left;"
                  "vertical-align:top}th{background:var(--soft)}"
                  "td.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
                  "td.keep,td.outcome{white-space:nowrap}td.fail{background:var(--past-soft);"
                  "font-weight:600}td.invalid{background:var(--near-soft);font-weight:600}\n");
    buf_text(out, "dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:8px 0}"
                  "dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}"
                  "summary{cursor:pointer;color:var(--dim)}details{margin:6px 0}"
                  ".dim,footer{color:var(--dim)}footer{font-size:13px;margin:2em 0}\n"
                  "@media print{@page{size:A4 landscape;margin:10mm}body{font-size:11px}"
                  "main{max-width:none;padding:0}table{font-size:10px}.chart{min-width:0}"
                  "nav{display:none}.wide{overflow:visible}h2,h3{break-after:avoid}"
                  "tr,.figure{break-inside:avoid}"
                  "*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n</style>\n");
}

static void add_head(struct buf *out, const struct report *report)
{
    buf_text(out, "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n"
                  "<head><meta charset=\"utf-8\" />"
                  "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\" />\n"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                  "style-src 'unsafe-inline'\" />\n<title>");
    svg_add_text(out, report->scenario->name);
    buf_printf(out, ": %s, driftdrill</title>\n", judge_outcome_name(report->judgement->outcome));
    add_style(out);
    buf_text(out, "</head>\n<body><main>\n");
}

static void add_fact(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "<dt>%s</dt><dd>", name);
    svg_add_text(out, value);
    buf_text(out, "</dd>\n");
}

static void add_facts(struct buf *out, const struct report *report)
{
    const struct scenario *s = report->scenario;
    char text[256], started[48];
    buf_text(out, "<dl>\n");
    add_fact(out, "scenario", s->path);
    snprintf(text, sizeof text, "%" PRIu64, report->seed);
    add_fact(out, "seed", text);
    add_fact(out, "data", report->data_name);
    add_fact(out, "target", report->target_version);
    snprintf(text, sizeof text, "%s, %.1f s",
             clock_format_wall(report->started_wall_ns, started, sizeof started),
             report->play->end_s);
    add_fact(out, "started", text);
    snprintf(text, sizeof text,
             "%lld times faster than production; %.3g lists/s fill a window like %.3g lists/s",
             (long long)s->time_scale, s->lists_per_s, s->lists_per_s / (double)s->time_scale);
    add_fact(out, "time", text);
    buf_text(out, "</dl>\n");
}

static void add_verdict(struct buf *out, const struct report *report)
{
    const struct judgement *judgement = report->judgement;
    const char *outcome = judge_outcome_name(judgement->outcome);
    int met = 0;
    for (int i = 0; i < judgement->row_count; i++) {
        met += judgement->row[i].outcome == JUDGE_PASS;
    }
    buf_text(out, "<h1>Drill ");
    svg_add_text(out, report->scenario->name);
    buf_text(out, "</h1>\n<p>");
    svg_add_text(out, report->scenario->summary);
    buf_printf(out, "</p>\n<p class=\"verdict %s\">%s %s%s: %d of %d expectations met</p>\n",
               outcome, marks[judgement->outcome], outcome,
               report->play->interrupted ? ", interrupted" : "", met, judgement->row_count);
    if (judgement->reason_count > 0) {
        buf_text(out, "<p>The drill could not measure:</p>\n<ul>\n");
        for (int i = 0; i < judgement->reason_count; i++) {
            buf_text(out, "<li>");
            svg_add_text(out, judgement->reason[i]);
            buf_text(out, "</li>\n");
        }
        buf_text(out, "</ul>\n");
    }
    add_facts(out, report);
    buf_text(out, "<nav aria-label=\"Contents\"><a href=\"#expectations\">Expectations</a> "
                  "<a href=\"#timeline\">Timeline</a> <a href=\"#delays\">Delays</a> "
                  "<a href=\"#dashboards\">Dashboards</a> <a href=\"#counts\">Counts</a></nav>\n");
}

/* ---- expectations ---- */

/* The parts of what was observed, each on a line of its own. */
static void observed_cell(struct buf *out, const char *observed)
{
    char *copy = mem_text(observed);
    buf_text(out, "<td>");
    char *part = copy;
    for (char *end; (end = strstr(part, "; ")) != NULL; part = end + 2) {
        *end = '\0';
        svg_add_text(out, part);
        buf_text(out, "<br />");
    }
    svg_add_text(out, part);
    buf_text(out, "</td>");
    mem_free(copy);
}

static void add_expectation(struct buf *out, const struct report *report, int index)
{
    const struct judge_row *row = &report->judgement->row[index];
    const struct scenario *scenario = report->scenario;
    const char *outcome = judge_outcome_name(row->outcome);
    char line[32] = "";
    /* Rows that nobody wrote down come after those of the scenario. */
    if (index < scenario->expectation_count && scenario->expectation[index].line > 0) {
        snprintf(line, sizeof line, "%d", scenario->expectation[index].line);
    }
    buf_printf(out, "<tr><td class=\"outcome %s\">%s %s</td>", outcome, marks[row->outcome],
               outcome);
    html_cell(out, NULL, row->name);
    html_cell(out, NULL, row->wanted);
    observed_cell(out, row->observed);
    html_cell(out, "num", line);
    buf_text(out, "</tr>\n");
}

static void add_expectations(struct buf *out, const struct report *report)
{
    static const char *const heads[] = {"outcome", "expectation", "wanted", "observed", "line"};
    buf_text(out, "<h2 id=\"expectations\">Expectations</h2>\n");
    html_table(out, "What the scenario expects, and what was seen", heads, 5);
    for (int i = 0; i < report->judgement->row_count; i++) {
        add_expectation(out, report, i);
    }
    html_table_end(out);
}

static void add_gaps(struct buf *out, const struct report *report)
{
    static const char *const heads[] = {"expectation", "not applicable, because"};
    const struct applicable *applicable = report->applicable;
    if (applicable == NULL || applicable->count == 0) {
        return;
    }
    html_table(out, "What this target cannot be asked", heads, 2);
    for (int i = 0; i < applicable->count; i++) {
        buf_text(out, "<tr>");
        html_cell(out, NULL, applicable->gap[i].name);
        html_cell(out, NULL, applicable->gap[i].why);
        buf_text(out, "</tr>\n");
    }
    html_table_end(out);
}

/* ---- timeline ---- */

static void add_phases(struct buf *out, const struct report *report)
{
    static const char *const heads[] = {"phase",      "from, s",         "lists",
                                        "conversion", "reciprocal rank", "mean rating"};
    const struct ledger *ledger = report->play->engine.ledger;
    html_table(out, "What people did in each phase", heads, 6);
    for (int i = 0; i < ledger->phase_count && i < report->scenario->phase_count; i++) {
        const struct ledger_counts *counts = &ledger->nominal[i];
        buf_text(out, "<tr>");
        html_cell(out, "keep", report->scenario->phase[i].name);
        number_cell(out, seconds(report->scenario->phase[i].start_ns), 1);
        number_cell(out, (double)counts->lists, 0);
        number_cell(out, ledger_conversion(counts), 3);
        number_cell(out, ledger_reciprocal_rank(counts), 3);
        number_cell(out, ledger_mean_rating(counts), 2);
        buf_text(out, "</tr>\n");
    }
    html_table_end(out);
}

static void add_episodes(struct buf *out, const struct report *report)
{
    static const char *const heads[] = {"alert",          "pending, s",  "firing, s",
                                        "notified, s",    "resolved, s", "resolve notified, s",
                                        "how it resolved"};
    static const char *const resolves[] = {"not resolved", "recovered", "series vanished"};
    const struct evidence *evidence = report->evidence;
    html_table(out, "States of alerts, drill time", heads, 7);
    for (size_t a = 0; a < evidence->alert_count; a++) {
        const struct evidence_alert *alert = &evidence->alert[a];
        for (size_t i = 0; i < alert->count; i++) {
            const struct evidence_episode *e = &alert->episode[i];
            buf_text(out, "<tr>");
            html_cell(out, "keep", alert->rule->name);
            number_cell(out, e->pending_s, 1);
            number_cell(out, e->firing_s, 1);
            number_cell(out, e->notified_s, 1);
            number_cell(out, e->resolved_s, 1);
            number_cell(out, e->resolved_notified_s, 1);
            html_cell(out, "keep", isnan(e->firing_s) ? "never fired" : resolves[e->resolve]);
            buf_text(out, "</tr>\n");
        }
        if (alert->count == 0) {
            buf_text(out, "<tr>");
            html_cell(out, "keep", alert->rule->name);
            buf_printf(out, "<td colspan=\"6\" class=\"dim\">%s</td></tr>\n",
                       evidence->complete ? "silent" : "not known");
        }
    }
    html_table_end(out);
}

static void add_injections(struct buf *out, const struct report *report)
{
    const struct scenario *scenario = report->scenario;
    char text[200];
    if (scenario->drift.count + scenario->disturbance_count == 0) {
        buf_text(out, "<p>Nothing was injected.</p>\n");
        return;
    }
    buf_text(out, "<p>Injected:</p>\n<ul>\n");
    for (int i = 0; i < scenario->drift.count; i++) {
        const struct drift_injection *injection = &scenario->drift.injection[i];
        svg_timeline_injection_text(injection, text, sizeof text);
        buf_text(out, "<li>");
        svg_add_text(out, text);
        buf_printf(out, ", from %.1f s</li>\n", seconds(injection->onset_ns));
    }
    for (int i = 0; i < scenario->disturbance_count; i++) {
        const struct scenario_disturbance *disturbance = &scenario->disturbance[i];
        buf_printf(out, "<li>%s, from %.1f s for %.1f s</li>\n",
                   svg_timeline_disturbance_text(disturbance->kind), seconds(disturbance->at_ns),
                   seconds(disturbance->lasts_ns));
    }
    buf_text(out, "</ul>\n");
}

static void add_timeline(struct buf *out, const struct report *report)
{
    buf_text(out, "<h2 id=\"timeline\">Timeline</h2>\n<div class=\"wide figure\" tabindex=\"0\" "
                  "role=\"region\" aria-label=\"Timeline\">\n");
    svg_timeline(out, "timeline-chart", false, report);
    buf_text(out, "</div>\n");
    add_phases(out, report);
    buf_text(out, "<details><summary>Injections and states of alerts as text</summary>\n");
    add_injections(out, report);
    add_episodes(out, report);
    buf_text(out, "</details>\n");
}

/* ---- delays ---- */

static void floor_cell(struct buf *out, const struct floors_row *row, int view)
{
    char text[64];
    const struct floors_floor *floor = row == NULL || !row->exists ? NULL : &row->view[view];
    if (floor == NULL || !floor->exists) {
        html_cell(out, "num", "-");
    } else if (isnan(floor->delay_s)) {
        snprintf(text, sizeof text, "never (%.1f)", floor->expected_s);
        html_cell(out, "num", text);
    } else {
        snprintf(text, sizeof text, "%.1f (%.1f)", floor->delay_s, floor->expected_s);
        html_cell(out, "num", text);
    }
}

static void add_delay_row(struct buf *out, const struct delay_budget *budget)
{
    buf_text(out, "<tr>");
    html_cell(out, "keep", budget->alert->rule->name);
    number_cell(out, seconds(budget->firing_ns), 1);
    number_cell(out, budget->notified ? seconds(budget->total_ns) : NAN, 1);
    for (int v = 0; v < FLOORS_VIEWS; v++) {
        floor_cell(out, budget->floors, v);
    }
    for (int p = 0; p < DELAY_PARTS; p++) {
        number_cell(out, seconds(budget->part_ns[p]), 1);
    }
    buf_text(out, "</tr>\n");
}

static void add_delays(struct buf *out, const struct report *report)
{
    static const char *const heads[] = {
        "alert",      "firing, s",   "notified, s", "floor by everything",
        "by ratings", "as exported", "sampling",    "scrape",
        "evaluation", "window",      "for",         "notification"};
    const struct delay_budgets *delays = report->delays;
    buf_text(out, "<h2 id=\"delays\">Delays, beside the quickest there can be</h2>\n");
    if (delays == NULL || delays->count == 0) {
        buf_text(out, "<p>No alert fired after anything was injected.</p>\n");
        return;
    }
    buf_text(out, "<div class=\"wide figure\" tabindex=\"0\" role=\"region\" "
                  "aria-label=\"Delays\">\n");
    svg_delays(out, "delays-chart", report);
    buf_text(out, "</div>\n");
    html_table(out, "Seconds of the drill; floors of this run, to expect in brackets", heads, 12);
    for (int i = 0; i < delays->count; i++) {
        add_delay_row(out, &delays->budget[i]);
    }
    html_table_end(out);
}

/* ---- the rest ---- */

static void add_counts(struct buf *out, const struct report *report)
{
    static const char *const heads[] = {"count", "people", "target", "finding"};
    const struct reconciliation *reconciliation = report->reconciliation;
    int differ = 0;
    for (int i = 0; i < reconciliation->count; i++) {
        differ += !reconciliation->row[i].ok;
    }
    buf_printf(out,
               "<h2 id=\"counts\">Counts</h2>\n<details%s><summary>%d counts of people and target "
               "compared, %d differ</summary>\n",
               differ > 0 ? " open=\"open\"" : "", reconciliation->count, differ);
    html_table(out, "What people know they did, and what the target counted", heads, 4);
    for (int i = 0; i < reconciliation->count; i++) {
        const struct reconcile_row *row = &reconciliation->row[i];
        buf_text(out, "<tr>");
        html_cell(out, NULL, row->name);
        number_cell(out, row->ledger, 1);
        number_cell(out, row->target, 1);
        html_cell(out, row->ok ? NULL : "fail", reconcile_kind_text(row->kind));
        buf_text(out, "</tr>\n");
    }
    html_table_end(out);
    buf_text(out, "</details>\n");
}

static void add_object(struct buf *out, const json_t *object)
{
    const char *name;
    json_t *value;
    buf_text(out, "<dl>\n");
    json_object_foreach((json_t *)object, name, value)
    {
        char *text = json_is_string(value) ? mem_text(json_string_value(value))
                                           : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        if (text != NULL && !json_is_null(value)) {
            buf_text(out, "<dt>");
            svg_add_text(out, name);
            buf_text(out, "</dt><dd>");
            svg_add_text(out, text);
            buf_text(out, "</dd>\n");
        }
        mem_free(text);
    }
    buf_text(out, "</dl>\n");
}

static void add_foot(struct buf *out, const struct report *report)
{
    buf_text(out, "<details><summary>Versions and options</summary>\n");
    add_object(out, report->versions);
    add_object(out, report->options);
    buf_printf(out,
               "</details>\n<footer><p>Play it again: <code>driftdrill verify "
               "--seed %" PRIu64 " ",
               report->seed);
    svg_add_text(out, report->scenario->path);
    buf_text(out, "</code>. The same in files: verdict.json, junit.xml, ledger.jsonl, "
                  "notifications.jsonl.</p></footer>\n</main></body>\n</html>\n");
}

enum err report_write_html(const struct report *report, const char *path, struct error *error)
{
    struct buf out;
    buf_init(&out, PAGE_MAX_BYTES);
    add_head(&out, report);
    add_verdict(&out, report);
    add_expectations(&out, report);
    add_gaps(&out, report);
    add_timeline(&out, report);
    add_delays(&out, report);
    html_dashboards(&out, report);
    add_counts(&out, report);
    add_foot(&out, report);
    enum err code = out.failed ? error_set(error, ERR_MEMORY, path, 0, "report too large")
                               : file_write(path, out.data, out.len, error);
    buf_deinit(&out);
    return code;
}
