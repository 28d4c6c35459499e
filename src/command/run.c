/* driftdrill run: the people of a drill as a load generator, without a verdict. */
#include "base/clock.h"
#include "base/http.h"
#include "base/log.h"
#include "base/text.h"
#include "command/command.h"
#include "command/run_control.h"
#include "command/run_int.h"
#include "command/run_loop.h"
#include "command/run_play.h"
#include "command/run_report.h"
#include "drill/effect_report.h"
#include "drill/own_metrics.h"
#include "drill/people.h"
#include "drill/wish.h"
#include "load/seen.h"
#include "load/traffic.h"
#include "population/effect.h"

#include <stdio.h>
#include <sys/resource.h>

#define LEAD_NS (CLOCK_NS_PER_S / 10) /* between starting the threads and drill time 0 */
#define PROBE_TIMEOUT_MS 3000L

static const struct option_row rows[] = {
    {"target", OPTION_TEXT, "URL|FILE", NULL, 0, 0,
     "The recommender to play against, or a target file that says how to speak to it (required "
     "unless the scenario has a target)."},
    {"rate", OPTION_REAL, "STEPS_PER_S", "50", 0.001, 1e6,
     "Steps (a list, perhaps a rating) a second."},
    {"duration", OPTION_DURATION, "TIME", "30s", 0.1, 31536000, "How long visits start."},
    {"users", OPTION_INT, "N", "20000", 1, 10000000, "People in all, the real users among them."},
    {"seed", OPTION_INT, "S", "1", 0, 9e15,
     "The same seed gives the same people, visits and choices."},
    {"threads", OPTION_INT, "T", "1", 1, 256, "Worker threads."},
    {"connections", OPTION_INT, "N", "64", 1, 65536, "Connections a thread."},
    {"steps-per-visit", OPTION_REAL, "X", "2", 1, 1000, "Mean of a geometric number of steps."},
    {"think", OPTION_DURATION, "TIME", "500ms", 0, 86400,
     "Median pause before a rating and before the next list."},
    {"arrivals", OPTION_TEXT, "HOW", "poisson", 0, 0,
     "When visits start: poisson, constant, diurnal (as often as the data's visits in each hour of "
     "the week) or replay (at the data's own moments, squeezed)."},
    {"visits", OPTION_TEXT, "FILE", NULL, 0, 0,
     "Start visits as recorded instead: a line 'seconds[,user id]' each, whatever the rate."},
    {"day", OPTION_DURATION, "TIME", "24h", 1, 31536000, "How long a day of diurnal visits lasts."},
    {"start-hour", OPTION_INT, "H", "0", 0, ARRIVALS_WEEK_HOURS - 1,
     "Hour of the week that diurnal visits start in, 0 = Monday 0:00 UTC."},
    {"people", OPTION_TEXT, "MIX", "uniform", 0, 0,
     "Who makes the visits: uniform, or activity (as often as they have rated)."},
    {"newcomers", OPTION_INT, "N", "0", 0, 10000000, "How many of the people have no past."},
    {"joins", OPTION_REAL, "PER_S", "0", 0, 1e6,
     "Newcomers who come for the first time a second; 0 = they are there from the start."},
    {"leave-after", OPTION_INT, "N", "0", 0, 1000,
     "Lists in a row without a film taken after which people leave for good; 0 = never."},
    {"leave-probability", OPTION_REAL, "P", "1", 0, 1,
     "With what probability they leave, at each such list."},
    {"list-length", OPTION_INT, "N", "10", 1, POPULATION_LIST_MAX, "Films asked for."},
    {"timeout", OPTION_DURATION, "TIME", "5s", 0.001, 3600, "When a request is given up."},
    {"data", OPTION_TEXT, "DIR", NULL, 0, 0,
     "MovieLens folder the people are learned from; else MOVIELENS_DIR, data/ml-latest-small or "
     "built-in synthetic data."},
    {"scenario", OPTION_TEXT, "FILE", NULL, 0, 0,
     "Traffic, people, phases and drift of a scenario; options given here go before it."},
    {"json", OPTION_TEXT, "FILE", NULL, 0, 0, "Write the whole outcome here."},
    {"listen", OPTION_TEXT, "HOST:PORT", NULL, 0, 0,
     "Serve own /metrics while playing; port 0 takes a free one."},
    {"loop", OPTION_FLAG, NULL, NULL, 0, 0,
     "Play the scenario over and over until a signal, each time with other people."},
    {"loops", OPTION_INT, "N", "0", 0, 1e9, "With --loop: end after so many; 0 = never."},
    {"webhook", OPTION_TEXT, "HOST:PORT", NULL, 0, 0,
     "With --loop: listen here for Alertmanager, which reports to /alerts."},
    {"retrain-on-alert", OPTION_FLAG, NULL, NULL, 0, 0,
     "With --webhook: an alert that the scenario expects makes the target retrain at once."},
    {"retrain-cooldown", OPTION_DURATION, "TIME", "5m", 0, 31536000,
     "Time between two retrainings that alerts ask for."},
    {"past", OPTION_TEXT, "DIR", NULL, 0, 0,
     "With --loop: folder that the target sees, too; what people watch later goes into later/."},
    {"past-in-target", OPTION_TEXT, "DIR", NULL, 0, 0,
     "What the target calls that folder (default the same)."},
    {"closed", OPTION_INT, "USERS", "0", 0, 1000000,
     "Play so many people at once who never pause, instead of a rate."},
    {"lists-only", OPTION_FLAG, NULL, NULL, 0, 0, "Ask for lists and rate nothing."},
    {"patience", OPTION_TEXT, "KIND", "polite", 0, 0,
     "What people do when turned away (429, 503): polite ones come back when told, impatient ones "
     "give up, stubborn ones ask again."},
    {"transport", OPTION_TEXT, "NAME", "auto", 0, 0,
     "How requests are sent: http1 (fast), libcurl (proxies), http2 (libcurl, https:// only) or "
     "auto."},
    {"warmup", OPTION_DURATION, "TIME", "0", 0, 31536000,
     "Leave the requests of the first while out of the latencies."},
    {"control", OPTION_TEXT, "PATH", NULL, 0, 0,
     "Make a socket here that takes rate, hold, resume, status and stop while it plays."},
    {"shard", OPTION_TEXT, "I/N", NULL, 0, 0,
     "Play the I-th of N parts of the schedule; others play the rest, with the same options."},
    {"shards", OPTION_INT, "N", "1", 1, SHARDS_MAX,
     "The same, which part being told by JOB_COMPLETION_INDEX (Kubernetes), TASK_SLOT (Swarm) or "
     "SLURM_ARRAY_TASK_ID."},
    {"start-at", OPTION_REAL, "UNIX_TIME", "0", 0, 9e9,
     "When the schedule begins, so that shards begin together; 0 = at once."},
    {"result", OPTION_TEXT, "FILE", NULL, 0, 0,
     "Write all that was measured here, for report merge."},
    {"admin-token-file", OPTION_TEXT, "FILE", NULL, 0, 0,
     "Its only line is the token for the target's /admin."},
    {NULL},
};

/* Any answer will do: what a target without /healthz says proves as much. No list is asked for, so
 * that target and ledger count the same. */
static enum err probe(const struct run_settings *settings, struct error *error)
{
    char url[320];
    struct error cause = {0};
    struct http_reply reply;
    struct target *target = NULL;
    enum err code = run_settings_open_target(settings, NULL, &target, error);
    if (code != ERR_OK) {
        return code;
    }
    struct http *http = http_new();
    (void)snprintf(url, sizeof url, "%s/%s", target_address(target, TARGET_LIST),
                   target_has(target)->bundled ? "healthz" : "");
    buf_init(&reply.body, 65536);
    code = http_get(http, url, PROBE_TIMEOUT_MS, &reply, &cause);
    buf_deinit(&reply.body);
    http_free(http);
    target_free(target);
    if (code != ERR_OK) {
        error_set(error, code, settings->target, 0, "the target cannot be reached: %s", cause.text);
    }
    return code;
}

/* Sizes in stars, nats or PSI are solved on a sample of the people, and all are told, as in a
 * drill. */
static enum err bind_drift(struct run *run, const struct parallel *parallel, struct error *error)
{
    struct drift *drift = &run->settings.scenario.drift;
    enum err code = population_bind_drift(run->people.population, drift, parallel, error);
    if (code == ERR_OK && drift->count > 0) {
        struct effect_config config = effect_defaults();
        config.newcomers_visit = !(run->settings.wish.joins_per_s > 0);
        config.by_activity = run->settings.wish.by_activity;
        config.withheld = drift;
        struct effect_sample *sample = effect_sample_new(&config, run->people.population, parallel);
        code = effect_solve(sample, drift, parallel, error);
        if (code == ERR_OK) {
            effect_report_print(stdout, drift, sample, parallel);
            (void)fflush(stdout);
        }
        effect_sample_free(sample);
    }
    return code;
}

static enum err plan_visits(struct run *run, struct error *error)
{
    const struct run_settings *settings = &run->settings;
    struct faults faults;
    run->arrivals =
        (struct arrivals_config){.seed = settings->seed,
                                 .visits_per_s = settings->rate / settings->steps_per_visit,
                                 .steps_per_visit = settings->steps_per_visit,
                                 .think_median_s = settings->think_median_s,
                                 .think_sigma = settings->think_sigma,
                                 .people = settings->people,
                                 .end_ns = settings->duration_ns,
                                 .drift = &settings->scenario.drift};
    faults_init(&faults);
    enum err code = traffic_prepare(&settings->wish, &run->people.data, run->people.population,
                                    &run->seen, &run->arrivals, &run->traffic, &faults, error);
    faults_print(&faults);
    faults_deinit(&faults);
    return code;
}

static enum err open_target(struct run *run, struct error *error)
{
    return run_settings_open_target(&run->settings, population_catalogue(run->people.population),
                                    &run->target, error);
}

static enum err make_people(struct run *run, struct error *error)
{
    char home[1024];
    bool has_home = command_home(home, sizeof home);
    struct parallel parallel = parallel_all_cores();
    struct population_config config = run->settings.scenario_path != NULL
                                          ? wish_people(&run->settings.scenario, 0)
                                          : population_defaults();
    enum err code =
        people_load_data(run->settings.data, has_home ? home : NULL, &run->people, error);
    if (code != ERR_OK) {
        return code;
    }
    config.users = run->settings.people;
    config.newcomers = run->settings.newcomers;
    config.seed = run->settings.seed;
    code = population_build(&config, &run->people.data, &parallel, &run->people.population, error);
    if (code == ERR_OK) {
        code = open_target(run, error);
    }
    if (code == ERR_OK) {
        code = bind_drift(run, &parallel, error);
    }
    if (code == ERR_OK) {
        seen_build(run->people.population, &run->settings.scenario.drift, &parallel, &run->seen);
        code = plan_visits(run, error);
    }
    return code;
}

static enum err serve_metrics(struct run *run, struct error *error)
{
    const struct run_settings *settings = &run->settings;
    struct own_metrics_config config;
    own_metrics_describe(&settings->scenario, settings->seed, settings->rate, &config);
    enum err code = own_metrics_start(&config, settings->listen, &run->metrics, error);
    if (code == ERR_OK) {
        own_metrics_attach(run->metrics, run->engine, run->start_mono_ns);
        log_write(LOG_INFO, "run", "own metrics on %s/metrics", own_metrics_url(run->metrics));
    }
    return code;
}

void run_plan(struct run *run, struct engine_plan *plan)
{
    const struct run_settings *settings = &run->settings;
    run->start_mono_ns = clock_mono_ns() + LEAD_NS;
    *plan = (struct engine_plan){.population = run->people.population,
                                 .drift = &settings->scenario.drift,
                                 .target = run->target,
                                 .seen = run->seen,
                                 .arrivals = run->arrivals,
                                 .transport = &transport_curl,
                                 .threads = settings->threads,
                                 .connections = settings->connections,
                                 .timeout_ms = settings->timeout_ms,
                                 .start_mono_ns = run->start_mono_ns,
                                 .phase_start_ns = settings->phase_start_ns,
                                 .phase_count = settings->phase_count};
}

static enum err start(struct run *run, struct error *error)
{
    const struct run_settings *settings = &run->settings;
    struct engine_plan plan;
    run_plan(run, &plan);
    enum err code = run_ways_apply(&run->ways, &plan, error);
    if (code == ERR_OK) {
        code = run_ways_divide(plan.arrivals.people, plan.threads, run->sharing.shard.count, error);
    }
    if (code == ERR_OK) {
        code = run_sharing_start(&run->sharing, LEAD_NS, &run->start_mono_ns, error);
    }
    plan.start_mono_ns = run->start_mono_ns;
    plan.shard = run->sharing.shard.index;
    plan.shards = run->sharing.shard.count;
    if (code == ERR_OK) {
        code = engine_start(&plan, &run->engine, error);
    }
    if (code != ERR_OK || settings->listen == NULL) {
        return code;
    }
    return serve_metrics(run, error);
}

static double cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static enum err report(const struct run *run, const struct run_outcome *outcome,
                       struct error *error)
{
    struct fitness fitness = run_report_fitness(outcome);
    run_report_print(outcome);
    fflush(stdout);
    if (outcome->settings->json_path != NULL) {
        enum err code = run_report_write(outcome, outcome->settings->json_path, error);
        if (code != ERR_OK) {
            return code;
        }
    }
    if (run->sharing.result_path != NULL) {
        enum err code = run_result_write(outcome, &run->sharing, run->start_mono_ns, error);
        if (code != ERR_OK) {
            return code;
        }
    }
    if (outcome->interrupted) {
        return ERR_INTERRUPTED;
    }
    struct ledger_counts all = ledger_total(outcome->result->ledger);
    if (all.get_sent > 0 && all.lists == 0) {
        return error_set(error, ERR_INVALID, outcome->settings->target, 0,
                         "not one readable list came back");
    }
    return fitness.fit ? ERR_OK : error_set(error, ERR_INVALID, NULL, 0, "%s", fitness.why);
}

static enum err play_and_report(struct run *run, struct run_control *control, struct error *error)
{
    struct engine_result result;
    double cpu_before_s = cpu_s();
    enum err code = start(run, error);
    if (run->engine == NULL) {
        return code;
    }
    struct run_played played = {0};
    if (code == ERR_OK) {
        played = run_play(run, control);
    }
    engine_stop(run->engine);
    own_metrics_stop(run->metrics);
    run->metrics = NULL;
    engine_join(run->engine, &result);
    if (code == ERR_OK) {
        struct run_outcome outcome = {.settings = &run->settings,
                                      .ways = &run->ways,
                                      .result = &result,
                                      .data_name = run->people.data_name,
                                      .data_fingerprint = run->people.data.fingerprint,
                                      .started_wall_ns =
                                          clock_wall_ns() - clock_mono_ns() + run->start_mono_ns,
                                      .played_ns = played.played_ns,
                                      .cpu_s = cpu_s() - cpu_before_s,
                                      .interrupted = played.interrupted,
                                      .stopped = played.stopped,
                                      .share = 1.0 / run->sharing.shard.count};
        code = report(run, &outcome, error);
    }
    engine_result_deinit(&result);
    return code;
}

static enum err run_load(const struct options *options, struct error *error)
{
    struct run run = {0};
    struct run_loop_settings loop;
    struct run_control *control = NULL;
    enum err code = run_settings_read(options, &run.settings, error);
    if (code == ERR_OK) {
        code = run_ways_read(options, run.settings.duration_ns, &run.ways, error);
    }
    if (code == ERR_OK) {
        code = run_control_open(run.ways.control, &control, error);
    }
    if (code == ERR_OK) {
        code = run_sharing_read(options, &run.sharing, error);
    }
    if (code == ERR_OK) {
        code = run_loop_settings_read(options, &run.settings, &loop, error);
    }
    if (code == ERR_OK && loop.wanted && run.ways.closed_users > 0) {
        code = error_set(error, ERR_USAGE, "--closed", 0, "a loop has its own visits");
    }
    if (code == ERR_OK && loop.wanted && run_sharing_wanted(&run.sharing)) {
        code = error_set(error, ERR_USAGE, "--loop", 0,
                         "plays alone: no --shard, --start-at or --result");
    }
    if (code == ERR_OK) {
        code = probe(&run.settings, error);
    }
    if (code == ERR_OK && loop.wanted) {
        code = run_loop_listen(&run, &loop, error);
    }
    if (code == ERR_OK) {
        code = make_people(&run, error);
    }
    if (code == ERR_OK) {
        code = loop.wanted ? run_loop(&run, &loop, error) : play_and_report(&run, control, error);
    }
    run_control_close(control);
    webhook_stop(run.webhook);
    own_metrics_stop(run.metrics);
    traffic_deinit(&run.traffic);
    drift_deinit(&run.settings.scenario.drift);
    seen_deinit(&run.seen);
    target_free(run.target);
    people_deinit(&run.people);
    return code;
}

const struct command command_run = {
    .name = "run",
    .usage = "run --target URL [--rate STEPS_PER_S] [--duration TIME] [options]",
    .summary = "play the simulated people against a recommender, without a verdict",
    .options = rows,
    .run = run_load,
};
