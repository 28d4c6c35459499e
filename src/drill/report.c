#include "drill/report.h"

#include "base/clock.h"
#include "base/document.h"
#include "base/fileio.h"
#include "base/mem.h"
#include "base/text.h"
#include "drill/report_delays.h"
#include "drill/report_panels.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- terminal ---- */

static int widest(const struct judgement *judgement, bool names)
{
    int widest = names ? 11 : 6;
    for (int i = 0; i < judgement->row_count; i++) {
        const struct judge_row *row = &judgement->row[i];
        int len = (int)strlen(names ? row->name : row->wanted);
        widest = len > widest ? len : widest;
    }
    return widest;
}

/* Prints observed text, its parts on lines of their own, indented to the column. */
static void print_observed(const char *observed, int column)
{
    const char *part = observed;
    for (;;) {
        const char *end = strstr(part, "; ");
        printf("%.*s\n", end == NULL ? (int)strlen(part) : (int)(end - part), part);
        if (end == NULL) {
            return;
        }
        part = end + 2;
        printf("%*s", column, "");
    }
}

static void print_rows(const struct judgement *judgement)
{
    int name = widest(judgement, true), wanted = widest(judgement, false);
    printf("%-7s  %-*s  %-*s  %s\n", "outcome", name, "expectation", wanted, "wanted", "observed");
    for (int i = 0; i < judgement->row_count; i++) {
        const struct judge_row *row = &judgement->row[i];
        printf("%-7s  %-*s  %-*s  ", judge_outcome_name(row->outcome), name, row->name, wanted,
               row->wanted);
        print_observed(row->observed, 7 + 2 + name + 2 + wanted + 2);
    }
}

static void print_gaps(const struct applicable *applicable)
{
    int name = 0;
    for (int i = 0; applicable != NULL && i < applicable->count; i++) {
        int len = (int)strlen(applicable->gap[i].name);
        name = len > name ? len : name;
    }
    for (int i = 0; applicable != NULL && i < applicable->count; i++) {
        printf("%snot applicable  %-*s  %s\n", i == 0 ? "\n" : "", name, applicable->gap[i].name,
               applicable->gap[i].why);
    }
}

void report_print(const struct report *report)
{
    const struct judgement *judgement = report->judgement;
    printf("\n");
    print_rows(judgement);
    print_gaps(report->applicable);
    report_print_delays(report->delays, report->floors);
    for (int i = 0; i < judgement->reason_count; i++) {
        printf("invalid: %s\n", judgement->reason[i]);
    }
    printf("\nverdict: %s%s   (%s, seed %" PRIu64 ", %s)\n", judge_outcome_name(judgement->outcome),
           report->play->interrupted ? ", interrupted" : "", report->scenario->name, report->seed,
           report->data_name);
    printf("evidence: %s  (report.html, verdict.json, junit.xml, *.jsonl, rules/, *.log)\n",
           report->folder);
}

/* ---- JSON ---- */

json_t *report_text(const char *text)
{
    if (text == NULL) {
        return json_null();
    }
    char *copy = mem_text(text);
    text_make_utf8(copy);
    json_t *value = json_string(copy);
    mem_free(copy);
    return value;
}

static json_t *expectations_json(const struct judgement *judgement)
{
    json_t *list = json_array();
    for (int i = 0; i < judgement->row_count; i++) {
        const struct judge_row *row = &judgement->row[i];
        json_array_append_new(list, json_pack("{s:o,s:o,s:o,s:s}", "name", report_text(row->name),
                                              "wanted", report_text(row->wanted), "observed",
                                              report_text(row->observed), "outcome",
                                              judge_outcome_name(row->outcome)));
    }
    return list;
}

/* Onset of the injections, which is what an alert's times are read against. */
static json_t *onset_json(const struct scenario *scenario)
{
    int64_t onset_ns = INT64_MAX;
    for (int i = 0; i < scenario->drift.count; i++) {
        if (scenario->drift.injection[i].onset_ns < onset_ns) {
            onset_ns = scenario->drift.injection[i].onset_ns;
        }
    }
    return scenario->drift.count == 0 ? json_null()
                                      : json_real((double)onset_ns / (double)CLOCK_NS_PER_S);
}

static bool has_fired(const struct evidence_alert *alert)
{
    bool fired = false;
    for (size_t i = 0; i < alert->count; i++) {
        fired = fired || !isnan(alert->episode[i].firing_s);
    }
    return fired;
}

static json_t *alerts_json(const struct report *report)
{
    const struct evidence *evidence = report->evidence;
    const struct scenario *scenario = report->scenario;
    static const char *const classes[] = {"not resolved", "recovered", "vanished"};
    json_t *list = json_array();
    for (size_t a = 0; a < evidence->alert_count; a++) {
        const struct evidence_alert *alert = &evidence->alert[a];
        json_t *episodes = json_array();
        for (size_t i = 0; i < alert->count; i++) {
            const struct evidence_episode *e = &alert->episode[i];
            json_array_append_new(
                episodes,
                json_pack("{s:o,s:o,s:o,s:o,s:o,s:s}", "pending_s", document_number(e->pending_s),
                          "firing_s", document_number(e->firing_s), "notified_s",
                          document_number(e->notified_s), "resolved_s",
                          document_number(e->resolved_s), "resolved_notified_s",
                          document_number(e->resolved_notified_s), "resolve", classes[e->resolve]));
        }
        json_array_append_new(
            list,
            json_pack("{s:o,s:o,s:b,s:o,s:o,s:o,s:o}", "alert", report_text(alert->rule->name),
                      "group", report_text(alert->rule->group), "fired", has_fired(alert),
                      "objective", document_number(alert->objective), "onset_s",
                      onset_json(scenario), "episodes", episodes, "delay",
                      report_delay_json(report->delays, alert, scenario->time_scale)));
    }
    return list;
}

static json_t *reconciliation_json(const struct reconciliation *reconciliation)
{
    json_t *rows = json_array();
    for (int i = 0; i < reconciliation->count; i++) {
        const struct reconcile_row *row = &reconciliation->row[i];
        json_array_append_new(rows, json_pack("{s:s,s:f,s:o,s:f,s:f,s:s,s:b}", "count", row->name,
                                              "ledger", row->ledger, "target",
                                              document_number(row->target), "slack", row->slack,
                                              "missing", row->missing, "finding",
                                              reconcile_kind_text(row->kind), "ok", row->ok));
    }
    return rows;
}

static json_t *latency_json(const struct histogram *histogram)
{
    const double us = 1e-3;
    return json_pack("{s:I,s:f,s:f,s:f,s:f,s:f}", "count", (json_int_t)histogram_count(histogram),
                     "mean_us", histogram_mean(histogram) * us, "p50_us",
                     (double)histogram_quantile(histogram, 0.5) * us, "p90_us",
                     (double)histogram_quantile(histogram, 0.9) * us, "p99_us",
                     (double)histogram_quantile(histogram, 0.99) * us, "max_us",
                     (double)histogram_max(histogram) * us);
}

/* What the generator cost and was late with, and the failures by kind. */
static void add_generator(json_t *load, const struct engine_result *engine)
{
    static const char *const endpoints[ENGINE_ENDPOINTS] = {"get", "post"};
    json_t *failures = json_object();
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        json_t *kinds = json_object();
        for (int f = 0; f < EXCHANGE_FAILURES; f++) {
            json_object_set_new(kinds, exchange_failure_name((enum exchange_failure)f),
                                json_integer(engine->failures[e][f]));
        }
        json_object_set_new(kinds, "shed", json_integer(engine->shed[e]));
        json_object_set_new(failures, endpoints[e], kinds);
    }
    json_object_set_new(load, "failures", failures);
    json_object_set_new(load, "retried", json_integer(engine->retried));
    json_object_set_new(load, "late_starts", json_integer(engine->late_starts));
    json_object_set_new(load, "cpu_s", json_real(engine->cpu_s));
    json_object_set_new(load, "cpu_share_max", json_real(engine->cpu_share_max));
}

static json_t *load_json(const struct report *report)
{
    const struct engine_result *engine = &report->play->engine;
    struct ledger_counts total = ledger_total(engine->ledger);
    json_t *load = json_pack(
        "{s:f,s:f,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "offered_lists_per_s",
        report->scenario->lists_per_s, "achieved_lists_per_s",
        (double)total.get_sent / fmax(report->play->end_s, 1e-9), "lists", (json_int_t)total.lists,
        "ratings", (json_int_t)ledger_ratings(&total), "converted", (json_int_t)total.converted,
        "failed", (json_int_t)(total.get_failed + total.post_failed), "unanswered",
        (json_int_t)(total.get_unknown + total.post_unknown), "visits",
        (json_int_t)engine->ledger->visits, "visits_delayed",
        (json_int_t)engine->ledger->visits_delayed, "steps", (json_int_t)engine->ledger->steps,
        "steps_late", (json_int_t)engine->ledger->steps_late);
    static const char *const endpoints[ENGINE_ENDPOINTS] = {"get", "post"};
    for (int i = 0; i < ENGINE_ENDPOINTS; i++) {
        json_object_set_new(load, endpoints[i],
                            json_pack("{s:o,s:o}", "from_intended_start",
                                      latency_json(engine->from_intended[i]), "from_send",
                                      latency_json(engine->from_send[i])));
    }
    json_object_set_new(load, "schedule_lag", latency_json(engine->schedule_lag));
    add_generator(load, engine);
    return load;
}

static json_t *phases_json(const struct report *report)
{
    json_t *list = json_array();
    const struct ledger *ledger = report->play->engine.ledger;
    for (int i = 0; i < ledger->phase_count; i++) {
        const struct scenario_phase *phase = &report->scenario->phase[i];
        const struct ledger_counts *counts = &ledger->nominal[i];
        json_array_append_new(
            list, json_pack("{s:s,s:f,s:f,s:I,s:o,s:o,s:o}", "phase", phase->name, "start_s",
                            (double)phase->start_ns / (double)CLOCK_NS_PER_S, "duration_s",
                            (double)phase->duration_ns / (double)CLOCK_NS_PER_S, "lists",
                            (json_int_t)counts->lists, "conversion",
                            document_number(ledger_conversion(counts)), "reciprocal_rank",
                            document_number(ledger_reciprocal_rank(counts)), "mean_rating",
                            document_number(ledger_mean_rating(counts))));
    }
    return list;
}

static json_t *reasons_json(const struct judgement *judgement)
{
    json_t *list = json_array();
    for (int i = 0; i < judgement->reason_count; i++) {
        json_array_append_new(list, report_text(judgement->reason[i]));
    }
    return list;
}

static json_t *unjudged_json(const struct judgement *judgement)
{
    json_t *list = json_array();
    for (int i = 0; i < judgement->unjudged_count; i++) {
        const struct judge_unjudged *unjudged = &judgement->unjudged[i];
        json_array_append_new(list, json_pack("{s:o,s:o}", "panel", report_text(unjudged->panel),
                                              "why", report_text(unjudged->why)));
    }
    return list;
}

static json_t *gaps_json(const struct applicable *applicable)
{
    json_t *list = json_array();
    for (int i = 0; applicable != NULL && i < applicable->count; i++) {
        const struct applicable_gap *gap = &applicable->gap[i];
        json_array_append_new(list, json_pack("{s:o,s:o}", "name", report_text(gap->name), "why",
                                              report_text(gap->why)));
    }
    return list;
}

static json_t *objectives_json(const struct objectives_head *head)
{
    if (head == NULL) {
        return json_null();
    }
    return json_pack("{s:o,s:o,s:I,s:f,s:f,s:f}", "measured_on", report_text(head->data), "target",
                     report_text(head->target), "lists", (json_int_t)head->lists,
                     "conversion_at_rest", head->conversion, "reciprocal_rank_at_rest",
                     head->reciprocal_rank, "mean_rating_at_rest", head->mean_rating);
}

enum err report_write_json(const struct report *report, const char *path, struct error *error)
{
    char started[48], fingerprint[32];
    snprintf(fingerprint, sizeof fingerprint, "%016" PRIx64, report->data_fingerprint);
    json_t *document =
        json_pack("{s:s,s:b,s:s,s:o,s:I,s:s,s:f,s:I,s:o,s:s,s:o}", "verdict",
                  judge_outcome_name(report->judgement->outcome), "interrupted",
                  report->play->interrupted, "scenario", report->scenario->name, "scenario_file",
                  report_text(report->scenario->path), "seed", (json_int_t)report->seed, "started",
                  clock_format_wall(report->started_wall_ns, started, sizeof started), "ended_s",
                  report->play->end_s, "time_scale", (json_int_t)report->scenario->time_scale,
                  "data", report_text(report->data_name), "data_fingerprint", fingerprint, "target",
                  report_text(report->target_version));
    json_object_set_new(document, "invalid_because", reasons_json(report->judgement));
    json_object_set_new(document, "expectations", expectations_json(report->judgement));
    json_object_set_new(document, "not_applicable", gaps_json(report->applicable));
    json_object_set_new(document, "alerts", alerts_json(report));
    json_object_set_new(document, "panels", report_panels_json(report->panels, report->scenario));
    json_object_set_new(document, "signs_not_judged", unjudged_json(report->judgement));
    json_object_set_new(document, "floors", report_floors_json(report->floors));
    json_object_set_new(document, "phases", phases_json(report));
    json_object_set_new(document, "reconciliation", reconciliation_json(report->reconciliation));
    json_object_set_new(document, "lost", json_integer((json_int_t)report->reconciliation->lost));
    json_object_set_new(document, "retrained_s", document_number(report->play->retrained_s));
    json_object_set_new(document, "load", load_json(report));
    json_object_set_new(document, "objectives", objectives_json(report->objectives));
    if (report->grafana != NULL) {
        json_object_set(document, "grafana", (json_t *)(uintptr_t)report->grafana);
    }
    json_object_set(document, "versions", (json_t *)(uintptr_t)report->versions);
    json_object_set(document, "options", (json_t *)(uintptr_t)report->options);
    enum err code = document_write(document, 9, path, error);
    json_decref(document);
    return code;
}

/* ---- JUnit ---- */

void report_add_xml(struct buf *out, const char *text)
{
    char *copy = mem_text(text);
    text_make_utf8(copy);
    for (const char *c = copy; *c != '\0'; c++) {
        switch (*c) {
        case '&':
            buf_text(out, "&amp;");
            break;
        case '<':
            buf_text(out, "&lt;");
            break;
        case '>':
            buf_text(out, "&gt;");
            break;
        case '"':
            buf_text(out, "&quot;");
            break;
        case '\xef': /* U+FFFE and U+FFFF are UTF-8, but no characters of XML */
            if (strncmp(c, "\xef\xbf\xbe", 3) == 0 || strncmp(c, "\xef\xbf\xbf", 3) == 0) {
                buf_text(out, "?");
                c += 2;
            } else {
                buf_add(out, c, 1);
            }
            break;
        default:
            if ((unsigned char)*c >= 0x20 || *c == '\t' || *c == '\n') {
                buf_add(out, c, 1);
            }
        }
    }
    mem_free(copy);
}

/* JUnit's failure is an expectation not met, its error a drill that could not measure. */
static void add_case(struct buf *out, const char *scenario, const char *name,
                     enum judge_outcome outcome, const char *wanted, const char *observed)
{
    static const char *const elements[] = {NULL, "failure", "error"};
    buf_text(out, "    <testcase classname=\"driftdrill.");
    report_add_xml(out, scenario);
    buf_text(out, "\" name=\"");
    report_add_xml(out, name);
    buf_text(out, "\">");
    if (elements[outcome] != NULL) {
        buf_printf(out, "<%s type=\"%s\" message=\"wanted ", elements[outcome],
                   judge_outcome_name(outcome));
        report_add_xml(out, wanted);
        buf_text(out, "\">");
        report_add_xml(out, observed);
        buf_printf(out, "</%s>", elements[outcome]);
    }
    buf_text(out, "</testcase>\n");
}

static void add_skipped(struct buf *out, const char *scenario, const struct applicable_gap *gap)
{
    buf_text(out, "    <testcase classname=\"driftdrill.");
    report_add_xml(out, scenario);
    buf_text(out, "\" name=\"");
    report_add_xml(out, gap->name);
    buf_text(out, "\"><skipped message=\"not applicable: ");
    report_add_xml(out, gap->why);
    buf_text(out, "\"/></testcase>\n");
}

static int count_outcome(const struct judgement *judgement, enum judge_outcome outcome)
{
    int count = outcome == JUDGE_INVALID ? judgement->reason_count : 0;
    for (int i = 0; i < judgement->row_count; i++) {
        count += judgement->row[i].outcome == outcome;
    }
    return count;
}

enum err report_write_junit(const struct report *report, const char *path, struct error *error)
{
    const struct judgement *judgement = report->judgement;
    int skipped = report->applicable == NULL ? 0 : report->applicable->count;
    struct buf out;
    buf_init(&out, 1u << 20);
    buf_text(&out,
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"");
    report_add_xml(&out, report->scenario->name);
    buf_printf(&out,
               "\" tests=\"%d\" failures=\"%d\" errors=\"%d\" skipped=\"%d\" time=\"%.3f\">\n",
               judgement->row_count + judgement->reason_count + skipped,
               count_outcome(judgement, JUDGE_FAIL), count_outcome(judgement, JUDGE_INVALID),
               skipped, report->play->end_s);
    report_add_delay_properties(&out, report->delays);
    for (int i = 0; i < judgement->row_count; i++) {
        const struct judge_row *row = &judgement->row[i];
        add_case(&out, report->scenario->name, row->name, row->outcome, row->wanted, row->observed);
    }
    for (int i = 0; i < skipped; i++) {
        add_skipped(&out, report->scenario->name, &report->applicable->gap[i]);
    }
    for (int i = 0; i < judgement->reason_count; i++) {
        add_case(&out, report->scenario->name, "the drill could measure", JUDGE_INVALID,
                 "a valid run", judgement->reason[i]);
    }
    buf_text(&out, "  </testsuite>\n</testsuites>\n");
    enum err code = out.failed ? error_set(error, ERR_MEMORY, path, 0, "report too large")
                               : file_write(path, out.data, out.len, error);
    buf_deinit(&out);
    return code;
}
