/* driftdrill render: the files of a monitoring stack at a time scale, in one folder. */
#include "drill/render.h"
#include "base/fileio.h"
#include "base/mem.h"
#include "base/version.h"
#include "command/command.h"
#include "drill/people.h"
#include "drill/target_link.h"
#include "drill/watch_rules.h"

#include <stdio.h>

static const struct option_row rows[] = {
    {"out", OPTION_TEXT, "DIR", NULL, 0, 0,
     "Folder for prometheus/, alertmanager/ and grafana/ (required)."},
    {"time-scale", OPTION_INT, "N", "1", 1, 100000,
     "What every duration is divided by; 1 = production."},
    {"rules", OPTION_TEXT, "GLOB", NULL, 0, 0,
     "Rule files (default the shipped prometheus/rules)."},
    {"dashboards", OPTION_TEXT, "GLOB", NULL, 0, 0,
     "Dashboards (default the shipped grafana/dashboards)."},
    {"prometheus-config", OPTION_TEXT, "FILE", NULL, 0, 0,
     "Jobs and intervals (default the shipped prometheus/prometheus.yml)."},
    {"alertmanager-config", OPTION_TEXT, "FILE", NULL, 0, 0,
     "Routes and inhibitions (default the shipped prometheus/alertmanager.yml)."},
    {"dashboards-path", OPTION_TEXT, "DIR", NULL, 0, 0,
     "Where Grafana will find the dashboards (default: as its provisioning says)."},
    {"webhook", OPTION_TEXT, "URL", NULL, 0, 0,
     "Where every receiver reports (default: receivers stay as they are)."},
    {"target", OPTION_TEXT, "URL|FILE", NULL, 0, 0,
     "Point the job of the recommender at this one, by a target file with its own names of metrics "
     "(default: the job stays as it is)."},
    {"objectives", OPTION_TEXT, "FILE", NULL, 0, 0,
     "With --fit-objectives: in place of those among the rules, as verify --calibrate wrote them."},
    {"fit-objectives", OPTION_FLAG, NULL, NULL, 0, 0,
     "Put objectives measured on the people's data in the place of others, as a drill does."},
    {"data", OPTION_TEXT, "DIR", NULL, 0, 0,
     "With --fit-objectives: MovieLens folder the people are learned from; else MOVIELENS_DIR, "
     "data/ml-latest-small or built-in synthetic data."},
    {"users", OPTION_INT, "N", "20000", 1, 10000000, "With --fit-objectives: people in all."},
    {NULL, OPTION_FLAG, NULL, NULL, 0, 0, NULL},
};

/* The files as they are. */
static enum err take_rules(const struct watch_rules_request *request, struct watch_rules *out,
                           struct error *error)
{
    char **paths = NULL;
    size_t count = 0;
    enum err code = watch_rules_files(request, &paths, &count, error);
    if (code == ERR_OK) {
        out->path = mem_zalloc(count + 1, sizeof *out->path);
        for (; out->count < count; out->count++) {
            out->path[out->count] = mem_text(paths[out->count]);
        }
        file_glob_free(paths, count);
    }
    return code;
}

/* NULL without --target. */
static enum err open_target(const struct options *options, struct target_link **out,
                            struct error *error)
{
    const struct target_link_request request = {.target = options_text(options, "target"),
                                                .list_length = 1};
    struct faults faults;
    *out = NULL;
    if (request.target == NULL) {
        return ERR_OK;
    }
    faults_init(&faults);
    enum err code = target_link_open(&request, out, &faults, error);
    faults_print(&faults);
    faults_deinit(&faults);
    if (code == ERR_OK && target_link_metrics_url(*out) == NULL) {
        code = error_set(error, ERR_USAGE, "--target", 0,
                         "%s has no metrics for Prometheus to read", request.target);
    }
    return code;
}

static enum err fit_rules(const struct options *options, const struct target_link *link,
                          struct watch_rules_request *request, struct watch_rules *out,
                          struct error *error)
{
    struct people people = {.population = NULL};
    enum err code = people_load_data(options_text(options, "data"), request->home, &people, error);
    if (code == ERR_OK) {
        request->fingerprint = people.data.fingerprint;
        request->data_name = people.data_name;
        request->people = (int32_t)options_int(options, "users");
        request->target = link != NULL && !target_link_is_bundled(link)
                              ? target_name(target_link_target(link))
                              : "driftdrill-recommender " DRIFTDRILL_VERSION;
        request->target_option = options_text(options, "target");
        request->objectives_path = options_text(options, "objectives");
        request->scenario_path = "SCENARIO";
        code = watch_rules_choose(request, out, error);
    }
    people_deinit(&people);
    return code;
}

static enum err render(const struct options *options, const char *home,
                       const struct watch_rules *rules, const struct target_link *link,
                       struct error *error)
{
    json_t *relabel = link != NULL ? metric_map_relabel(target_link_metric_map(link)) : NULL;
    const struct render_config config = {
        .home = home,
        .rule_files = rules->path,
        .rule_file_count = rules->count,
        .prometheus_file = options_text(options, "prometheus-config"),
        .alertmanager_file = options_text(options, "alertmanager-config"),
        .dashboards_glob = options_text(options, "dashboards"),
        .dashboards_path = options_text(options, "dashboards-path"),
        .metrics_url = link != NULL ? target_link_metrics_url(link) : NULL,
        .relabel = relabel,
        .webhook_url = options_text(options, "webhook"),
        .time_scale = options_int(options, "time-scale"),
        .folder = options_text(options, "out")};
    struct render_report report;
    struct faults faults;
    faults_init(&faults);
    enum err code = render_stack(&config, &report, &faults, error);
    faults_print(&faults);
    faults_deinit(&faults);
    json_decref(relabel);
    if (code != ERR_OK) {
        return code;
    }
    printf("%zu rule files with %zu alerts, %zu dashboards, %zu files of provisioning in %s, "
           "durations divided by %lld\n",
           report.rules, report.alerts, report.dashboards, report.provisioning, config.folder,
           (long long)config.time_scale);
    if (report.groups_left_out > 0) {
        printf("left out: %zu group%s of Grafana-managed rules, whose interval would fall off "
               "Grafana's tick of 10 s\n",
               report.groups_left_out, report.groups_left_out == 1 ? "" : "s");
    }
    return ERR_OK;
}

static enum err run(const struct options *options, struct error *error)
{
    char home[1024];
    struct watch_rules rules = {0};
    if (options_text(options, "out") == NULL) {
        return error_set(error, ERR_USAGE, "--out", 0, "a folder to write to is needed");
    }
    if (!command_home(home, sizeof home)) {
        return error_set(error, ERR_USAGE, NULL, 0,
                         "cannot find the shipped prometheus/ and scenarios/ folders");
    }
    struct watch_rules_request request = {.home = home, .glob = options_text(options, "rules")};
    struct target_link *link = NULL;
    enum err code = open_target(options, &link, error);
    if (code == ERR_OK) {
        code = options_flag(options, "fit-objectives")
                   ? fit_rules(options, link, &request, &rules, error)
                   : take_rules(&request, &rules, error);
    }
    if (code == ERR_OK) {
        code = render(options, home, &rules, link, error);
    }
    target_link_close(link);
    watch_rules_deinit(&rules);
    return code;
}

const struct command command_render = {
    .name = "render",
    .usage = "render --out DIR [--time-scale N] [--webhook URL]",
    .summary = "write rules, dashboards and configuration with every duration divided",
    .options = rows,
    .run = run,
};
