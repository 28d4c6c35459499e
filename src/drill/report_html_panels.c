#include "drill/report_html_int.h"

#include "base/fileio.h"
#include "base/text.h"
#include "drill/panels.h"
#include "drill/svg.h"
#include "drill/svg_panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PICTURE_MAX_BYTES (1u << 20)
#define ROWS_ON_PAPER 21     /* of the grid, on A4 across */
#define SERIES_LISTED_MAX 24 /* of one panel */

/* ---- what panels showed, as text ---- */

static const struct panel_shown *find_shown(const struct panel_glance *glance, const char *legend)
{
    for (size_t i = 0; i < glance->count; i++) {
        if (strcmp(glance->shown[i].legend, legend) == 0) {
            return &glance->shown[i];
        }
    }
    return NULL;
}

/* The value, and what its colour says unless that is nothing. */
static void value_cell(struct buf *out, const char *text, const char *colour)
{
    char cell[128];
    const char *state = svg_panel_state_text(svg_panel_state(colour));
    snprintf(cell, sizeof cell, "%s%s%s", text, state[0] == '\0' ? "" : ", ", state);
    html_cell(out, "num", cell);
}

static void add_series(struct buf *out, const struct report *report,
                       const struct panel_entry *entry, const struct panel_series *series,
                       bool first)
{
    buf_text(out, "<tr>");
    html_cell(out, NULL, first ? entry->panel->title : "");
    html_cell(out, "keep", first ? entry->panel->type_id : "");
    html_cell(out, NULL, series->legend);
    for (int p = 0; p < report->scenario->phase_count; p++) {
        const struct panel_shown *shown =
            p < entry->phase_count ? find_shown(&entry->at_end[p], series->legend) : NULL;
        if (shown == NULL) {
            html_cell(out, "num", "-");
        } else {
            value_cell(out, shown->text, shown->colour);
        }
    }
    value_cell(out, series->text, series->colour);
    html_cell(out, "keep", !first ? "" : entry->moved ? "moved" : "did not move");
    buf_text(out, "</tr>\n");
}

static void add_message(struct buf *out, const struct report *report,
                        const struct panel_entry *entry, const char *message)
{
    buf_text(out, "<tr>");
    html_cell(out, NULL, entry->panel->title);
    html_cell(out, "keep", entry->panel->type_id);
    buf_printf(out, "<td class=\"dim\" colspan=\"%d\">", report->scenario->phase_count + 3);
    svg_add_text(out, message);
    buf_text(out, "</td></tr>\n");
}

static void add_entry(struct buf *out, const struct report *report, const struct panel_entry *entry)
{
    const struct panel_view *view = &entry->view;
    if (!entry->ok) {
        add_message(out, report, entry, entry->why);
        return;
    }
    if (view->series_count == 0) {
        add_message(out, report, entry, "no data");
        return;
    }
    for (size_t i = 0; i < view->series_count && i < SERIES_LISTED_MAX; i++) {
        add_series(out, report, entry, &view->series[i], i == 0);
    }
    if (view->series_count > SERIES_LISTED_MAX) {
        char text[64];
        snprintf(text, sizeof text, "and %zu more series", view->series_count - SERIES_LISTED_MAX);
        add_message(out, report, entry, text);
    }
}

static void add_table(struct buf *out, const struct report *report,
                      const struct dashboard *dashboard)
{
    const char *heads[SCENARIO_PHASES_MAX + 5] = {"panel", "type", "series"};
    size_t count = 3;
    for (int p = 0; p < report->scenario->phase_count; p++) {
        heads[count++] = report->scenario->phase[p].name;
    }
    heads[count++] = "the whole drill";
    heads[count++] = "from phase to phase";
    buf_text(out, "<details><summary>The same as a table</summary>\n");
    html_table(out, "What each panel showed at the end of each phase", heads, count);
    for (size_t i = 0; i < report->panels->count; i++) {
        if (report->panels->entry[i].dashboard == dashboard) {
            add_entry(out, report, &report->panels->entry[i]);
        }
    }
    html_table_end(out);
    buf_text(out, "</details>\n");
}

/* ---- pictures ---- */

/* In bands that are whole on paper. False: too large, and nothing was added. */
static bool add_bands(struct buf *out, const struct report *report, size_t index)
{
    const struct dashboard *dashboard = &report->panels->dashboard[index];
    struct svg_rows rows[SVG_ROWS_MAX];
    struct buf picture;
    size_t count = svg_dashboard_bands(dashboard, report->panels, ROWS_ON_PAPER, rows);
    buf_init(&picture, PICTURE_MAX_BYTES);
    for (size_t i = 0; i < count; i++) {
        char id[48];
        snprintf(id, sizeof id, "dashboard-%zu-%zu", index, i);
        buf_text(&picture, "<div class=\"figure\">\n");
        svg_dashboard_band(&picture, id, dashboard, report->panels, report->scenario, rows[i]);
        buf_text(&picture, "</div>\n");
    }
    bool whole = !picture.failed;
    if (whole) {
        buf_add(out, picture.data, picture.len);
    }
    buf_deinit(&picture);
    return whole;
}

static void add_dashboard(struct buf *out, const struct report *report, size_t index)
{
    const struct dashboard *dashboard = &report->panels->dashboard[index];
    buf_text(out, "<h3>");
    svg_add_text(out, dashboard->title);
    buf_text(out, "</h3>\n<div class=\"wide\" tabindex=\"0\" role=\"region\" "
                  "aria-label=\"Dashboard\">\n");
    if (!add_bands(out, report, index)) {
        buf_text(out, "<p>The dashboard is too large to be drawn here.</p>\n");
    }
    buf_text(out, "</div>\n");
    add_table(out, report, dashboard);
}

void html_dashboards(struct buf *out, const struct report *report)
{
    buf_text(out, "<h2 id=\"dashboards\">Dashboards</h2>\n");
    if (report->panels == NULL || report->panels->dashboard_count == 0) {
        buf_text(out, "<p>No dashboard was looked at.</p>\n");
        return;
    }
    buf_text(out, "<p>Panels as Grafana evaluates them, over the whole drill; dashed upright lines "
                  "are where phases begin. A circle is fine, a triangle near the limit, a cross "
                  "past it.</p>\n");
    /* The home page first, the others in the order of their files. */
    for (int home = 1; home >= 0; home--) {
        for (size_t i = 0; i < report->panels->dashboard_count; i++) {
            if (text_ends(report->panels->dashboard[i].uid, "main") == (home == 1)) {
                add_dashboard(out, report, i);
            }
        }
    }
}

/* A uid names a file only if it could not name anything else. */
static void picture_name(const struct dashboard *dashboard, size_t index, char *out, size_t size)
{
    size_t good =
        strspn(dashboard->uid, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    if (good > 0 && dashboard->uid[good] == '\0') {
        snprintf(out, size, "%s.svg", dashboard->uid);
    } else {
        snprintf(out, size, "dashboard-%zu.svg", index);
    }
}

enum err report_write_dashboards(const struct report *report, const char *folder,
                                 struct error *error)
{
    char path[700], name[96];
    if (report->panels == NULL || report->panels->dashboard_count == 0) {
        return ERR_OK;
    }
    snprintf(path, sizeof path, "%s/" REPORT_HTML_DASHBOARDS, folder);
    enum err code = file_make_folders(path, error);
    for (size_t i = 0; i < report->panels->dashboard_count && code == ERR_OK; i++) {
        struct buf picture;
        picture_name(&report->panels->dashboard[i], i, name, sizeof name);
        snprintf(path, sizeof path, "%s/" REPORT_HTML_DASHBOARDS "/%s", folder, name);
        buf_init(&picture, PICTURE_MAX_BYTES);
        svg_dashboard(&picture, "dashboard", true, &report->panels->dashboard[i], report->panels,
                      report->scenario);
        if (!picture.failed) {
            code = file_write(path, picture.data, picture.len, error);
        }
        buf_deinit(&picture);
    }
    return code;
}
