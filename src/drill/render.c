#include "drill/render.h"

#include "base/fileio.h"
#include "base/text.h"
#include "drill/render_folder.h"
#include "observe/dashboard.h"
#include "observe/rules.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define SCRAPES_A_WINDOW 10

struct rendering {
    const struct render_config *config; /* its folder is the one inside the caller's */
    const struct render_folder *folder;
    struct render_report *report;
    struct faults *faults;
};

static enum err path_below(const char *folder, const char *below, char out[PATH_MAX],
                           struct error *error)
{
    return text_join_path(out, PATH_MAX, folder, below)
               ? ERR_OK
               : error_set(error, ERR_USAGE, folder, 0, "the path is too long");
}

static enum err make_folder(const struct rendering *rendering, const char *below,
                            char out[PATH_MAX], struct error *error)
{
    enum err code = path_below(rendering->config->folder, below, out, error);
    return code == ERR_OK ? file_make_folders(out, error) : code;
}

/* The file the caller names, or the shipped one. */
static enum err source(const struct rendering *rendering, const char *wanted, const char *shipped,
                       char out[PATH_MAX], struct error *error)
{
    enum err code = ERR_OK;
    if (wanted == NULL) {
        code = path_below(rendering->config->home, shipped, out, error);
    } else if (!text_copy(out, PATH_MAX, wanted)) {
        code = error_set(error, ERR_USAGE, wanted, 0, "the path is too long");
    }
    return code == ERR_OK ? render_folder_spares(rendering->folder, out, error) : code;
}

static enum err spare_rules(const struct rendering *rendering, struct error *error)
{
    const struct render_config *config = rendering->config;
    enum err code = ERR_OK;
    for (size_t i = 0; i < config->rule_file_count && code == ERR_OK; i++) {
        code = render_folder_spares(rendering->folder, config->rule_files[i], error);
    }
    return code;
}

static enum err put_prometheus(const struct rendering *rendering, struct error *error)
{
    const struct render_config *config = rendering->config;
    struct render_report *report = rendering->report;
    char production[PATH_MAX], folder[PATH_MAX], path[PATH_MAX];
    struct rules rules = {0};
    enum err code =
        source(rendering, config->prometheus_file, "prometheus/prometheus.yml", production, error);
    if (code == ERR_OK) {
        code = make_folder(rendering, "prometheus/rules", folder, error);
    }
    if (code == ERR_OK) {
        code = path_below(config->folder, "prometheus/prometheus.yml", path, error);
    }
    if (code == ERR_OK) {
        code = render_prometheus(production, config->time_scale, path, &report->scrape_ns,
                                 &report->evaluation_ns, error);
    }
    if (code == ERR_OK && config->metrics_url != NULL) {
        code = render_prometheus_target(path, config->metrics_url, config->relabel, error);
    }
    if (code == ERR_OK) {
        code = rules_render_files(config->rule_files, config->rule_file_count, config->time_scale,
                                  report->scrape_ns, report->evaluation_ns, folder, &rules,
                                  rendering->faults, error);
    }
    if (code == ERR_OK) {
        report->rules = rules.file_count;
        report->alerts = rules.alert_count;
        rules_deinit(&rules);
        code = path_below(config->folder, "prometheus/flags", path, error);
    }
    return code == ERR_OK ? render_prometheus_flags(config->time_scale, path, error) : code;
}

static enum err put_alertmanager(const struct rendering *rendering, struct error *error)
{
    const struct render_config *config = rendering->config;
    char production[PATH_MAX], folder[PATH_MAX], path[PATH_MAX];
    enum err code = source(rendering, config->alertmanager_file, "prometheus/alertmanager.yml",
                           production, error);
    if (code == ERR_OK) {
        code = make_folder(rendering, "alertmanager", folder, error);
    }
    if (code == ERR_OK) {
        code = path_below(folder, "alertmanager.yml", path, error);
    }
    return code == ERR_OK ? render_alertmanager(production, config->time_scale, config->webhook_url,
                                                path, error)
                          : code;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* Every file of a pattern, one after another. */
typedef enum err put_file(const struct rendering *rendering, const char *path, const char *out,
                          struct error *error);

static enum err put_all(const struct rendering *rendering, const char *pattern, const char *folder,
                        put_file *put, size_t *found, struct error *error)
{
    char out[PATH_MAX];
    char **paths = NULL;
    size_t count = 0;
    enum err code = file_glob(pattern, &paths, &count, error);
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        code = render_folder_spares(rendering->folder, paths[i], error);
        if (code == ERR_OK) {
            code = path_below(folder, base_name(paths[i]), out, error);
        }
        if (code == ERR_OK) {
            code = put(rendering, paths[i], out, error);
        }
    }
    if (found != NULL) {
        *found = count;
    }
    file_glob_free(paths, count);
    return code;
}

static enum err put_dashboard(const struct rendering *rendering, const char *path, const char *out,
                              struct error *error)
{
    return dashboard_render(path, rendering->config->time_scale,
                            SCRAPES_A_WINDOW * rendering->report->scrape_ns, out, rendering->faults,
                            error);
}

static enum err put_provisioning(const struct rendering *rendering, const char *path,
                                 const char *out, struct error *error)
{
    const struct render_provisioning request = {.production = path,
                                                .path = out,
                                                .dashboards_path =
                                                    rendering->config->dashboards_path,
                                                .time_scale = rendering->config->time_scale,
                                                .scrape_ns = rendering->report->scrape_ns};
    bool written = false;
    enum err code =
        render_provisioning(&request, &written, &rendering->report->groups_left_out, error);
    rendering->report->provisioning += written;
    return code;
}

/* A pattern below home, whose own name stands for itself. */
static enum err home_pattern(const struct rendering *rendering, const char *below,
                             char out[PATH_MAX], struct error *error)
{
    char quoted[PATH_MAX];
    const char *home = rendering->config->home;
    return file_glob_quote(quoted, sizeof quoted, home)
               ? path_below(quoted, below, out, error)
               : error_set(error, ERR_USAGE, home, 0, "the path is too long");
}

static enum err put_dashboards(const struct rendering *rendering, struct error *error)
{
    const char *glob = rendering->config->dashboards_glob;
    struct render_report *report = rendering->report;
    char pattern[PATH_MAX], folder[PATH_MAX];
    enum err code = make_folder(rendering, "grafana/dashboards", folder, error);
    if (code == ERR_OK && glob == NULL) {
        code = home_pattern(rendering, "grafana/dashboards/[a-z]*.json", pattern, error);
    }
    if (code == ERR_OK) {
        code = put_all(rendering, glob != NULL ? glob : pattern, folder, put_dashboard,
                       &report->dashboards, error);
    }
    if (code == ERR_OK && report->dashboards == 0) {
        code =
            error_set(error, ERR_USAGE, glob != NULL ? glob : pattern, 0, "no dashboard matches");
    }
    return code;
}

static enum err put_all_provisioning(const struct rendering *rendering, struct error *error)
{
    static const char *const parts[] = {"datasources", "dashboards", "alerting"};
    enum err code = ERR_OK;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && code == ERR_OK; i++) {
        char below[64], pattern[PATH_MAX], folder[PATH_MAX];
        (void)snprintf(below, sizeof below, "grafana/provisioning/%s", parts[i]);
        code = make_folder(rendering, below, folder, error);
        (void)snprintf(below, sizeof below, "grafana/provisioning/%s/[a-z]*.yml", parts[i]);
        if (code == ERR_OK) {
            code = home_pattern(rendering, below, pattern, error);
        }
        if (code == ERR_OK) {
            code = put_all(rendering, pattern, folder, put_provisioning, NULL, error);
        }
    }
    return code;
}

static enum err put_everything(const struct rendering *rendering, struct error *error)
{
    enum err code = spare_rules(rendering, error);
    if (code == ERR_OK) {
        code = put_prometheus(rendering, error);
    }
    if (code == ERR_OK) {
        code = put_alertmanager(rendering, error);
    }
    if (code == ERR_OK) {
        code = put_dashboards(rendering, error);
    }
    return code == ERR_OK ? put_all_provisioning(rendering, error) : code;
}

enum err render_stack(const struct render_config *config, struct render_report *report,
                      struct faults *faults, struct error *error)
{
    struct render_folder folder;
    struct render_config inside = *config;
    const struct rendering rendering = {&inside, &folder, report, faults};
    *report = (struct render_report){0};
    enum err code = render_folder_open(&folder, config->folder, error);
    if (code == ERR_OK) {
        inside.folder = folder.staging;
        code = put_everything(&rendering, error);
    }
    if (code == ERR_OK) {
        code = render_folder_commit(&folder, error);
    }
    render_folder_close(&folder);
    return code;
}
