#include "command/capacity_report_int.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/version.h"
#include "drill/svg.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PAGE_MAX_BYTES (4u << 20)

/* ---- pieces ---- */

static void cell(struct buf *out, const char *class, const char *text)
{
    buf_printf(out, "<td%s>", class);
    svg_add_text(out, text);
    buf_text(out, "</td>");
}

static void number_cell(struct buf *out, double value, int decimals)
{
    char text[48];
    (void)snprintf(text, sizeof text, "%.*f", decimals, value);
    cell(out, " class=\"num\"", isfinite(value) ? text : "-");
}

static void fact(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "<dt>%s</dt><dd>", name);
    svg_add_text(out, value);
    buf_text(out, "</dd>\n");
}

static void head(struct buf *out, const struct capacity_report *report)
{
    buf_text(out, "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n"
                  "<head><meta charset=\"utf-8\" />"
                  "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\" />\n"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                  "style-src 'unsafe-inline'\" />\n<title>capacity of ");
    svg_add_text(out, report->target);
    buf_text(out, ", driftdrill</title>\n<style>\n");
    svg_style(out);
    buf_text(out, "body{margin:0;background:var(--page);color:var(--ink);"
                  "font:15px/1.5 system-ui,'Segoe UI',Helvetica,Arial,sans-serif}\n"
                  "main{max-width:1100px;margin:0 auto;padding:16px}"
                  "h1{font-size:24px;margin:.2em 0;overflow-wrap:anywhere}"
                  "h2{font-size:19px;margin:1.6em 0 .4em}\n"
                  ".verdict{border:2px solid var(--ink);border-left-width:14px;padding:8px 16px;"
                  "margin:12px 0;font-size:19px;font-weight:600;background:var(--panel)}\n"
                  ".chart{display:block;width:100%;height:auto;margin:10px 0}"
                  ".wide{overflow-x:auto;margin:8px 0}\n"
                  "table{border-collapse:collapse;font-size:13px;background:var(--panel)}"
                  "caption{text-align:left;color:var(--dim);padding:4px 0}"
                  "th,td{border:1px solid var(--edge);padding:3px 8px;text-align:left}"
                  "th{background:var(--soft)}td.num{text-align:right;white-space:nowrap;"
                  "font-variant-numeric:tabular-nums}\n"
                  "dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px}"
                  "dt,.dim{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}\n"
                  "@media print{@page{size:A4 landscape;margin:10mm}main{max-width:none;padding:0}"
                  "tr,.chart{break-inside:avoid}*{print-color-adjust:exact}}\n"
                  "</style>\n</head>\n<body><main>\n");
}

/* ---- parts of the page ---- */

static void answer(struct buf *out, const struct capacity_report *report)
{
    struct buf text;
    buf_init(&text, 8192);
    buf_text(out, "<h1>Capacity of ");
    svg_add_text(out, report->target);
    buf_text(out, "</h1>\n<p class=\"verdict\">Within ");
    capacity_objectives_text(&report->config->slo, &text);
    buf_text(&text, " it ");
    capacity_answer_text(report, &text);
    svg_add_text(out, text.len > 0 ? text.data : "");
    buf_printf(out, "%s</p>\n", report->interrupted ? " (interrupted)" : "");
    if (report->result->note[0] != '\0') {
        buf_text(out, "<p>");
        svg_add_text(out, report->result->note);
        buf_text(out, "</p>\n");
    }
    buf_reset(&text);
    capacity_findings_text(report, &text);
    buf_text(out, "<ul>\n");
    for (char *line = text.data, *end; text.len > 0 && (end = strchr(line, '\n')) != NULL;
         line = end + 1) {
        *end = '\0';
        buf_text(out, "<li>");
        svg_add_text(out, line);
        buf_text(out, "</li>\n");
    }
    buf_text(out, "</ul>\n");
    buf_deinit(&text);
}

static void facts(struct buf *out, const struct capacity_report *report)
{
    char text[128], started[48];
    buf_text(out, "<dl>\n");
    fact(out, "started",
         clock_format_wall(report->started_unix_s * CLOCK_NS_PER_S, started, sizeof started));
    (void)snprintf(text, sizeof text, "%.0f s, warm-ups included", report->result->played_s);
    fact(out, "load played", text);
    (void)snprintf(text, sizeof text, "%" PRId32 " from %s, data %016" PRIx64, report->people,
                   report->data_name != NULL ? report->data_name : "unknown data",
                   report->data_fingerprint);
    fact(out, "people", text);
    (void)snprintf(text, sizeof text, "%" PRIu64, report->config->seed);
    fact(out, "seed", text);
    fact(out, "requests", report->lists_only ? "lists only" : "a list and a rating a step");
    fact(out, "driftdrill", DRIFTDRILL_VERSION);
    buf_text(out, "</dl>\n");
}

static void level_row(struct buf *out, const struct capacity_report *report,
                      const struct capacity_level *level)
{
    const struct capacity_trial *sum = &level->sum;
    char text[160];
    buf_text(out, "<tr>");
    cell(out, "", capacity_stage_name(level->stage));
    cell(out, " class=\"num\"", capacity_load_text(level, text, sizeof text));
    if (!level->valid) {
        buf_text(out, "<td colspan=\"10\">invalid: ");
        svg_add_text(out, sum->why);
        buf_text(out, "</td></tr>\n");
        return;
    }
    number_cell(out, level->played_s, 0);
    number_cell(out, sum->achieved_per_s, 1);
    number_cell(out, sum->p50_s * 1e3, 2);
    number_cell(out, sum->p99_s * 1e3, 2);
    number_cell(out, sum->errors_share * 100, 2);
    number_cell(out, sum->hit_rate, 3);
    number_cell(out, sum->hit_rate_expected, 3);
    number_cell(out, sum->fallback_share * 100, 1);
    if (level->plan.kind == CAPACITY_CLOSED) {
        buf_text(out, "<td></td><td></td></tr>\n");
        return;
    }
    size_t o = capacity_tightest(report, level);
    const struct sequential_state *state = &level->objective[o];
    const char *grew = level->grew ? "; its queue grew" : "";
    (void)snprintf(text, sizeof text, "%s%s", report->config->slo.objective[o].text, grew);
    if (isfinite(state->share)) {
        (void)snprintf(text, sizeof text, "%s: %.3f %% (%.3f to %.3f)%s",
                       report->config->slo.objective[o].text, state->share * 100, state->low * 100,
                       state->high * 100, grew);
    }
    cell(out, "", sequential_verdict_name(level->verdict));
    cell(out, "", text);
    buf_text(out, "</tr>\n");
}

static void levels(struct buf *out, const struct capacity_report *report)
{
    static const char *const heads[] = {
        "stage",    "load", "seconds",  "steps/s",    "p50 ms",  "p99 ms",
        "errors %", "hits", "expected", "fallback %", "verdict", "tightest objective: bad"};
    buf_text(out,
             "<h2 id=\"trials\">Trials</h2>\n<div class=\"wide\" tabindex=\"0\" role=\"region\" "
             "aria-label=\"Trials\"><table><caption>Every load that was tried, in this order; "
             "latency from the intended start</caption>\n<thead><tr>");
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        buf_printf(out, "<th scope=\"col\">%s</th>", heads[i]);
    }
    buf_text(out, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < report->result->level_count; i++) {
        level_row(out, report, &report->result->level[i]);
    }
    buf_text(out, "</tbody></table></div>\n");
}

enum err capacity_report_write_html(const struct capacity_report *report, const char *path,
                                    struct error *error)
{
    struct buf page;
    buf_init(&page, PAGE_MAX_BYTES);
    head(&page, report);
    answer(&page, report);
    buf_text(&page, "<h2 id=\"curve\">The curve</h2>\n");
    capacity_curve_svg(&page, report);
    levels(&page, report);
    buf_text(&page, "<h2 id=\"settings\">Settings</h2>\n");
    facts(&page, report);
    buf_text(&page, "</main></body></html>\n");
    enum err code = page.failed ? error_set(error, ERR_MEMORY, path, 0, "the page is too large")
                                : file_write(path, page.data, page.len, error);
    buf_deinit(&page);
    return code;
}
