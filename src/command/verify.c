#include "command/command.h"

#include "base/text.h"
#include "command/fault_bodies.h"
#include "command/verify_external.h"
#include "drill/drill.h"
#include "drill/null_run.h"
#include "drill/paired_run.h"

#include <stdio.h>
#include <string.h>

static const struct option_row rows[] = {
    {"seed", OPTION_INT, "S", "1", 0, 4e15,
     "The same seed gives the same people, visits and choices."},
    {"out", OPTION_TEXT, "DIR", NULL, 0, 0,
     "Folder for the evidence (default results/ and the scenario's name)."},
    {"rules", OPTION_TEXT, "GLOB", NULL, 0, 0,
     "Rule files to drill (default the shipped prometheus/rules)."},
    {"dashboards", OPTION_TEXT, "GLOB", NULL, 0, 0,
     "Grafana dashboards to drill (default the shipped grafana/dashboards)."},
    {"alertmanager-config", OPTION_TEXT, "FILE", NULL, 0, 0,
     "Routes and inhibitions (default the shipped prometheus/alertmanager.yml)."},
    {"data", OPTION_TEXT, "DIR", NULL, 0, 0,
     "MovieLens folder the people are learned from; else MOVIELENS_DIR, data/ml-latest-small or "
     "built-in synthetic data."},
    {"threads", OPTION_INT, "T", "1", 1, 64, "Threads of the load generator."},
    {"connections", OPTION_INT, "N", "256", 1, 4096, "Connections a thread."},
    {"prometheus", OPTION_TEXT, "PROGRAM", NULL, 0, 0,
     "Prometheus to start (else from PATH), or its URL."},
    {"alertmanager", OPTION_TEXT, "PROGRAM", NULL, 0, 0,
     "Alertmanager to start (else alertmanager or prometheus-alertmanager from PATH), or its URL."},
    {"cache", OPTION_TEXT, "DIR", NULL, 0, 0,
     "Where the people's past is kept (default ~/.cache/driftdrill)."},
    {"calibrate", OPTION_FLAG, NULL, NULL, 0, 0,
     "Play up to the control phase and write objectives instead of judging."},
    {"objectives", OPTION_TEXT, "FILE", NULL, 0, 0,
     "Objectives in place of those among the rules; with --calibrate the file to write (default "
     "the shipped prometheus/rules/objectives.yml)."},
    {"strict", OPTION_FLAG, NULL, NULL, 0, 0,
     "Do not begin a drill that probably cannot show what it should."},
    {"paired", OPTION_FLAG, NULL, NULL, 0, 0,
     "Play the same seed with and without injections and tell what they change; no Prometheus."},
    {"null", OPTION_INT, "N", NULL, 1, 1000,
     "Play N seeds from --seed on without injections and count false alarms."},
    {"virtual-hours", OPTION_INT, "H", "0", 0, 1e6,
     "With --null: evaluate the rules on so many simulated hours of those plays, too."},
    {"stack", OPTION_TEXT, "WHICH", "native", 0, 0,
     "native: Prometheus and Alertmanager are started for the drill, and without --target the "
     "recommender; external: they run already, and --prometheus and --alertmanager are their "
     "URLs."},
    {"target", OPTION_TEXT, "URL|FILE", NULL, 0, 0,
     "The recommender, running already: its URL, or a target file that says how to speak to it "
     "(default the scenario's target, else the bundled one)."},
    {"grafana", OPTION_TEXT, "URL", NULL, 0, 0,
     "With --stack external: a Grafana whose panels and rules are compared, too."},
    {"grafana-token-file", OPTION_TEXT, "FILE", NULL, 0, 0,
     "With --grafana: token of a service account that may read its alert rules, the file's only "
     "line."},
    {"webhook", OPTION_TEXT, "HOST:PORT", NULL, 0, 0,
     "With --stack external: listen here for what Alertmanager posts to /alerts (default "
     "127.0.0.1:9099)."},
    {"listen", OPTION_TEXT, "HOST:PORT", NULL, 0, 0,
     "Serve the drill's own metrics here (default a free loopback port)."},
    {"admin-token-file", OPTION_TEXT, "FILE", NULL, 0, 0,
     "With --target URL: token for its /admin, the file's only line."},
    {"past", OPTION_TEXT, "DIR", NULL, 0, 0,
     "With --target: folder that the target sees, too; the people's past is read or "
     "written there, what they do later goes to DIR/later."},
    {"past-in-target", OPTION_TEXT, "PATH", NULL, 0, 0,
     "With --target: the same folder as the target calls it (default as --past)."},
    {NULL, OPTION_FLAG, NULL, NULL, 0, 0, NULL},
};

/* results/NAME below the working folder, NAME being the scenario file's without its ending. */
static void default_folder(const char *scenario_path, char *out, size_t size)
{
    const char *slash = strrchr(scenario_path, '/');
    const char *name = slash == NULL ? scenario_path : slash + 1;
    const char *dot = strrchr(name, '.');
    int len = dot == NULL || dot == name ? (int)strlen(name) : (int)(dot - name);
    snprintf(out, size, "results/%.*s", len, name);
}

/* Ways to play that exclude each other. */
static enum err check_modes(const struct options *options, struct error *error)
{
    bool calibrate = options_flag(options, "calibrate");
    bool null = options_is_set(options, "null");
    if (calibrate + options_flag(options, "paired") + null > 1) {
        return error_set(error, ERR_USAGE, "verify", 0,
                         "expected at most one of --calibrate, --paired and --null");
    }
    if (options_is_set(options, "virtual-hours") && !null) {
        return error_set(error, ERR_USAGE, "--virtual-hours", 0, "only with --null");
    }
    return ERR_OK;
}

static enum err run_verify(const struct options *options, struct error *error)
{
    char home[512], folder[512], objectives[600];
    const char *scenario = options_positional(options, 0);
    bool calibrate = options_flag(options, "calibrate");
    if (!command_home(home, sizeof home)) {
        return error_set(error, ERR_USAGE, NULL, 0,
                         "cannot find the shipped prometheus/ and scenarios/ folders");
    }
    struct verify_external external;
    enum err code = verify_external_read(options, &external, error);
    if (code == ERR_OK) {
        code = check_modes(options, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    default_folder(scenario, folder, sizeof folder);
    snprintf(objectives, sizeof objectives, "%s/prometheus/rules/objectives.yml", home);
    const char *out = options_text(options, "out"), *file = options_text(options, "objectives");
    struct drill_config config = {.scenario_path = scenario,
                                  .check = fault_bodies_check,
                                  .folder = out != NULL ? out : folder,
                                  .seed = (uint64_t)options_int(options, "seed"),
                                  .home = home,
                                  .rules_glob = options_text(options, "rules"),
                                  .dashboards_glob = options_text(options, "dashboards"),
                                  .alertmanager_file = options_text(options, "alertmanager-config"),
                                  .data = options_text(options, "data"),
                                  .cache_root = options_text(options, "cache"),
                                  .prometheus_program = options_text(options, "prometheus"),
                                  .alertmanager_program = options_text(options, "alertmanager"),
                                  .external = external.wanted ? &external.drill : NULL,
                                  .target = external.target,
                                  .admin_token = external.admin_token,
                                  .past_folder = external.past_folder,
                                  .past_in_target = external.past_in_target,
                                  .objectives_path = calibrate ? NULL : file,
                                  .own_metrics_listen = options_text(options, "listen"),
                                  .strict = options_flag(options, "strict"),
                                  .threads = (unsigned)options_int(options, "threads"),
                                  .connections = (int)options_int(options, "connections"),
                                  .calibrate_path = !calibrate     ? NULL
                                                    : file != NULL ? file
                                                                   : objectives};
    if (options_flag(options, "paired")) {
        return paired_run(&config, error);
    }
    if (options_is_set(options, "null")) {
        return null_run(&config, (int)options_int(options, "null"),
                        (double)options_int(options, "virtual-hours"), error);
    }
    return drill_run(&config, error);
}

const struct command command_verify = {
    .name = "verify",
    .usage = "verify SCENARIO [options]",
    .summary = "run a drill: inject drift into live traffic and judge whether the alerts noticed",
    .options = rows,
    .positionals_min = 1,
    .positionals_max = 1,
    .run = run_verify,
};
