/* What a Grafana that watches, too, has and shows, as rows of the verdict. */
#include "drill/drill_int.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "drill/grafana_compare.h"
#include "drill/grafana_files.h"
#include "drill/render.h"
#include "drill/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* As provisioned. */
#define DATASOURCE_UID "prometheus"
#define TOLD_MAX 5 /* differences a check that are logged; verdict.json has more */

struct asked { /* one row of the verdict */
    const char *name, *what;
    struct grafana_findings findings;
};

static void compare_panels(const struct drill *drill, struct grafana *grafana,
                           struct grafana_findings *out)
{
    const struct scenario *scenario = &drill->scenario;
    int64_t scrape_ns = scenario->scrape_ns / scenario->time_scale;
    const struct panel_book *book = &drill->panels;
    const struct panel_request request = {
        .from_ms = llround(book->origin_unix_s * 1000),
        .to_ms = llround((book->origin_unix_s + book->end_s) * 1000),
        .width_px = PANELS_WIDTH_PX,
        .datasource_ms = (scrape_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS};
    for (size_t i = 0; i < book->count && out->unasked[0] == '\0'; i++) {
        const struct panel_entry *entry = &book->entry[i];
        const struct grafana_compare compare = {.grafana = grafana,
                                                .datasource_uid = DATASOURCE_UID,
                                                .dashboard = entry->dashboard,
                                                .panel = entry->panel,
                                                .name = entry->name,
                                                .request = &request,
                                                .view = &entry->view};
        if (entry->ok) {
            grafana_compare_panel(&compare, out);
        }
    }
}

/* Rules of one shipped file, as Grafana can hold them at this time scale. */
static enum err compare_rules_of(const struct drill *drill, struct grafana *grafana,
                                 const char *production_path, struct grafana_findings *out,
                                 struct error *error)
{
    char path[600];
    bool written = false;
    size_t left_out = 0;
    json_t *production = NULL, *wanted = NULL;
    drill_path(drill, DRILL_SCRATCH "/alerting.yml", path, sizeof path);
    const struct render_provisioning rendering = {.production = production_path,
                                                  .path = path,
                                                  .time_scale = drill->scenario.time_scale,
                                                  .scrape_ns = drill->scenario.scrape_ns};
    enum err code = yaml_read_file(production_path, &production, NULL, error);
    if (code == ERR_OK) {
        code = render_provisioning(&rendering, &written, &left_out, error);
    }
    if (code == ERR_OK && written) {
        code = yaml_read_file(path, &wanted, NULL, error);
    }
    if (code == ERR_OK) {
        grafana_files_rules(grafana, wanted, production, out);
    }
    json_decref(wanted);
    json_decref(production);
    return code;
}

static void compare_rules(const struct drill *drill, struct grafana *grafana,
                          struct grafana_findings *out)
{
    char pattern[1200], quoted[1024], scratch[600];
    char **paths = NULL;
    size_t count = 0;
    struct error error = {0};
    drill_path(drill, DRILL_SCRATCH, scratch, sizeof scratch);
    bool fits = file_glob_quote(quoted, sizeof quoted, drill->config->home);
    snprintf(pattern, sizeof pattern, "%s/grafana/provisioning/alerting/*.yml", quoted);
    enum err code = fits ? file_glob(pattern, &paths, &count, &error) : ERR_USAGE;
    if (code == ERR_OK) {
        code = file_make_folders(scratch, &error);
    }
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        code = compare_rules_of(drill, grafana, paths[i], out, &error);
    }
    if (code != ERR_OK) {
        snprintf(out->unasked, sizeof out->unasked, "%.200s", error.text);
    }
    file_glob_free(paths, count);
}

static void add_row(const struct asked *asked, struct judgement *judgement)
{
    if (judgement->row_count == JUDGE_ROWS_MAX) {
        return;
    }
    const struct grafana_findings *findings = &asked->findings;
    struct judge_row *row = &judgement->row[judgement->row_count++];
    size_t told = findings->count < TOLD_MAX ? findings->count : TOLD_MAX;
    *row = (struct judge_row){.outcome = JUDGE_PASS};
    snprintf(row->name, sizeof row->name, "%s", asked->name);
    snprintf(row->wanted, sizeof row->wanted, "all of %zu %s", findings->compared, asked->what);
    if (findings->unasked[0] != '\0') {
        row->outcome = JUDGE_INVALID;
        snprintf(row->observed, sizeof row->observed, "could not be asked: %s", findings->unasked);
    } else if (findings->count == 0) {
        snprintf(row->observed, sizeof row->observed, "all of %zu", findings->compared);
    } else {
        row->outcome = JUDGE_FAIL;
        snprintf(row->observed, sizeof row->observed, "%zu difference%s; %s: %s", findings->count,
                 findings->count == 1 ? "" : "s", findings->finding[0].about,
                 findings->finding[0].text);
    }
    for (size_t i = 0; i < told; i++) {
        log_write(LOG_WARN, "grafana", "%s: %s", findings->finding[i].about,
                  findings->finding[i].text);
    }
}

static json_t *findings_json(const struct asked *asked)
{
    const struct grafana_findings *findings = &asked->findings;
    json_t *list = json_array();
    for (size_t i = 0; i < findings->count && i < GRAFANA_FINDINGS_MAX; i++) {
        json_array_append_new(list, json_pack("{s:o,s:o}", "about",
                                              report_text(findings->finding[i].about), "text",
                                              report_text(findings->finding[i].text)));
    }
    return json_pack("{s:s,s:I,s:I,s:o,s:o}", "what", asked->what, "compared",
                     (json_int_t)findings->compared, "difference_count",
                     (json_int_t)findings->count, "differences", list, "unasked",
                     findings->unasked[0] != '\0' ? report_text(findings->unasked) : json_null());
}

void drill_ask_grafana(struct drill *drill)
{
    const struct drill_external *external = drill->config->external;
    char version[32] = "unknown";
    struct error error = {0};
    if (external == NULL || external->grafana_url == NULL) {
        return;
    }
    struct asked *asked = mem_zalloc(3, sizeof *asked);
    struct grafana *grafana = grafana_new(external->grafana_url, external->grafana_token);
    json_t *list = json_array();
    asked[0] = (struct asked){.name = "Grafana shows what was computed here", .what = "panels"};
    asked[1] = (struct asked){.name = "Grafana has the shipped dashboards", .what = "dashboards"};
    asked[2] =
        (struct asked){.name = "Grafana has the shipped rules that fit its ticks", .what = "rules"};
    if (grafana_health(grafana, version, sizeof version, &error) == ERR_OK) {
        compare_panels(drill, grafana, &asked[0].findings);
        grafana_files_dashboards(grafana, drill->boards.dashboard, drill->boards.count,
                                 &asked[1].findings);
        compare_rules(drill, grafana, &asked[2].findings);
    } else {
        for (int i = 0; i < 3; i++) {
            snprintf(asked[i].findings.unasked, sizeof asked[i].findings.unasked, "%.200s",
                     error.text);
        }
    }
    for (int i = 0; i < 3; i++) {
        add_row(&asked[i], &drill->judgement);
        json_array_append_new(list, findings_json(&asked[i]));
    }
    drill->grafana = json_pack("{s:o,s:o}", "version", report_text(version), "checks", list);
    grafana_free(grafana);
    mem_free(asked);
    judge_conclude(&drill->judgement);
}
