/*
 * One loop after another on the main thread, ten turns a second, each of which hears what
 * Alertmanager said, asks drill/loop.h what to do, and does it. A loop has an engine of its own
 * over people of its own: the population is dealt into parts, all of whom the target knows from
 * their past, and a loop's later past is that part's alone, so that those of the next loop are met
 * at rest. When every part has been played they come again and change back. (A fresh population for
 * each loop was rejected: the target would have to be trained on its past first, beside all it
 * knows already, for ever.)
 */
#include "command/run_loop.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "command/run_int.h"
#include "command/token.h"
#include "drill/loop.h"
#include "drill/past_files.h"
#include "drill/play.h"
#include "drill/remote.h"
#include "load/alias.h"
#include "observe/webhook.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define TURN_NS (CLOCK_NS_PER_S / 10)
#define POLL_NS (CLOCK_NS_PER_S / 2)
#define DAY_S 86400
/* A later past is younger than everything that came before it. */
#define PASS_DAYS 31

struct looping {
    struct run *run;
    const struct run_loop_settings *settings;
    struct loop_config config;
    struct loop loop;
    struct target_link *link;
    struct drift drift; /* of this loop; shares what is bound */
    struct alias mix;   /* this loop's part of the people */
    int64_t number;     /* of the loop, from 0 */
    int32_t part, parts;
    char later[PATH_MAX], later_in_target[PATH_MAX];
    int64_t polled_ns;
    bool training;
    int firing;
};

/* ---- settings ---- */

static enum err only_with(const struct options *options, const char *needed, bool given,
                          const char *const *names, struct error *error)
{
    for (size_t i = 0; names[i] != NULL && !given; i++) {
        if (options_is_set(options, names[i])) {
            char option[32];
            (void)snprintf(option, sizeof option, "--%s", names[i]);
            return error_set(error, ERR_USAGE, option, 0, "only with %s", needed);
        }
    }
    return ERR_OK;
}

static bool retrains(const struct scenario *scenario)
{
    bool found = false;
    for (int i = 0; i < scenario->phase_count; i++) {
        found = found || scenario->phase[i].retrains;
    }
    return found;
}

static enum err check(const struct options *options, const struct run_settings *settings,
                      const struct run_loop_settings *out, struct error *error)
{
    static const char *const of_loop[] = {
        "loops", "webhook",        "retrain-on-alert", "retrain-cooldown",
        "past",  "past-in-target", "admin-token-file", NULL};
    static const char *const of_webhook[] = {"retrain-on-alert", NULL};
    enum err code = only_with(options, "--loop", out->wanted, of_loop, error);
    if (code == ERR_OK) {
        code = only_with(options, "--webhook", out->webhook != NULL, of_webhook, error);
    }
    if (code != ERR_OK || !out->wanted) {
        return code;
    }
    if (settings->scenario_path == NULL) {
        return error_set(error, ERR_USAGE, "--loop", 0, "a --scenario to play is needed");
    }
    if (settings->json_path != NULL) {
        return error_set(error, ERR_USAGE, "--json", 0, "not with --loop, which has no outcome");
    }
    if (retrains(&settings->scenario) && out->past == NULL) {
        return error_set(
            error, ERR_USAGE, "--past", 0,
            "needed because the scenario retrains: a folder that the target sees, too");
    }
    return out->on_alert && !retrains(&settings->scenario)
               ? error_set(error, ERR_USAGE, "--retrain-on-alert", 0,
                           "no phase of the scenario retrains")
               : ERR_OK;
}

enum err run_loop_settings_read(const struct options *options, const struct run_settings *settings,
                                struct run_loop_settings *out, struct error *error)
{
    const char *past = options_text(options, "past");
    const char *in_target = options_text(options, "past-in-target");
    *out =
        (struct run_loop_settings){.wanted = options_flag(options, "loop"),
                                   .loops = options_int(options, "loops"),
                                   .webhook = options_text(options, "webhook"),
                                   .on_alert = options_flag(options, "retrain-on-alert"),
                                   .cooldown_ns = options_duration_ns(options, "retrain-cooldown"),
                                   .past = past,
                                   .past_in_target = in_target != NULL ? in_target : past};
    enum err code = check(options, settings, out, error);
    return code == ERR_OK ? token_read(options_text(options, "admin-token-file"), out->token,
                                       sizeof out->token, error)
                          : code;
}

/* ---- who and what ---- */

static const struct scenario_phase *retrain_phase(const struct scenario *scenario)
{
    int i = 0;
    while (i < scenario->phase_count && !scenario->phase[i].retrains) {
        i++;
    }
    return i < scenario->phase_count ? &scenario->phase[i] : NULL;
}

/* The people of this loop come as they would among all; nobody else does. */
static void deal_people(struct looping *looping)
{
    const struct run *run = looping->run;
    int32_t people = population_users(run->people.population);
    const struct alias *all = run->arrivals.mix;
    double *weight = mem_array((size_t)people, sizeof *weight);
    for (int32_t p = 0; p < people; p++) {
        double own = all != NULL ? all->share[p] : 1;
        weight[p] = p % looping->parts == looping->part ? own : 0;
    }
    alias_deinit(&looping->mix);
    alias_init(&looping->mix, weight, people);
    mem_free(weight);
}

static enum err name_later(struct looping *looping, struct error *error)
{
    char below[48];
    (void)snprintf(below, sizeof below, "later/loop-%" PRId64, looping->number);
    const struct run_loop_settings *settings = looping->settings;
    return text_join_path(looping->later, sizeof looping->later, settings->past, below) &&
                   text_join_path(looping->later_in_target, sizeof looping->later_in_target,
                                  settings->past_in_target, below)
               ? ERR_OK
               : error_set(error, ERR_USAGE, settings->past, 0, "the path is too long");
}

/* Those that earlier loops, of this process or another, have written; nothing else in `later`. */
static enum err remove_earlier(const struct run_loop_settings *settings, struct error *error)
{
    char quoted[PATH_MAX], pattern[PATH_MAX];
    char **paths = NULL;
    size_t count = 0;
    if (!file_glob_quote(quoted, sizeof quoted, settings->past) ||
        !text_join_path(pattern, sizeof pattern, quoted, "later/loop-[0-9]*")) {
        return error_set(error, ERR_USAGE, settings->past, 0, "the path is too long");
    }
    enum err code = file_glob(pattern, &paths, &count, error);
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        const char *number = strrchr(paths[i], '-') + 1;
        if (number[strspn(number, "0123456789")] == '\0') {
            code = file_remove_tree(paths[i], error);
        }
    }
    file_glob_free(paths, count);
    return code;
}

/* Written before the loop begins, and read by the target when it retrains; that of the loop before
 * has then been read. */
static enum err write_later(struct looping *looping, bool back, int64_t pass, struct error *error)
{
    static const struct drift at_rest = {0};
    const struct run *run = looping->run;
    const struct scenario_phase *phase = retrain_phase(&run->settings.scenario);
    struct past_files_report report = {0};
    struct parallel parallel = parallel_all_cores();
    if (phase == NULL) {
        return ERR_OK;
    }
    const struct past_files_part part = {looping->part, looping->parts, phase->films_min,
                                         phase->films_max};
    int64_t drill_s = clock_wall_ns() / CLOCK_NS_PER_S + pass * PASS_DAYS * DAY_S;
    enum err code = remove_earlier(looping->settings, error);
    code = code == ERR_OK ? name_later(looping, error) : code;
    code = code == ERR_OK ? file_make_folders(looping->later, error) : code;
    if (code == ERR_OK) {
        const struct drift *drift = back ? &at_rest : &run->settings.scenario.drift;
        code = past_files_write_part(run->people.population, drift, &part, drill_s, &parallel,
                                     looping->later, &report, error);
        past_files_report_deinit(&report);
    }
    return code;
}

static enum err prepare_loop(struct looping *looping, struct error *error)
{
    const struct drift *drift = &looping->run->settings.scenario.drift;
    int64_t pass = looping->number / looping->parts;
    bool back = pass % 2 == 1;
    looping->part = (int32_t)(looping->number % looping->parts);
    looping->drift = back ? loop_drift_back(drift) : *drift;
    deal_people(looping);
    log_write(LOG_INFO, "run", "loop %" PRId64 ": part %d of %d of the people%s",
              looping->number + 1, looping->part + 1, looping->parts,
              back ? ", who change back to what they liked at first" : "");
    return write_later(looping, back, pass, error);
}

/* ---- turns ---- */

static void listen_to_alerts(struct looping *looping)
{
    struct webhook_notice *notices = NULL;
    if (looping->run->webhook == NULL) {
        return;
    }
    size_t count = webhook_notices(looping->run->webhook, &notices);
    int firing = loop_firing(looping->config.scenario, notices, count);
    mem_free(notices);
    if (firing != looping->firing) {
        log_write(LOG_INFO, "run", "%.1f s: %d alert%s firing",
                  (double)loop_drill_ns(&looping->loop, clock_mono_ns()) * 1e-9, firing,
                  firing == 1 ? "" : "s");
    }
    looping->firing = firing;
}

static void ask_retraining(struct looping *looping)
{
    struct error error = {0};
    const char *why = looping->loop.cause == LOOP_ALERT ? "an alert" : "the schedule";
    if (looping->run->metrics != NULL) {
        own_metrics_skip(looping->run->metrics, looping->loop.origin_ns);
    }
    looping->polled_ns = clock_mono_ns();
    looping->training =
        target_link_retrain(looping->link, looping->later_in_target, &error) == ERR_OK;
    if (looping->training) {
        log_write(LOG_INFO, "run", "the target retrains because of %s", why);
    } else {
        log_write(LOG_WARN, "run", "the target does not retrain: %s", error.text);
        loop_trained(&looping->loop);
    }
}

static void poll_retraining(struct looping *looping, int64_t now_ns)
{
    struct remote_training training;
    if (!looping->training || now_ns - looping->polled_ns < POLL_NS) {
        return;
    }
    looping->polled_ns = now_ns;
    if (target_link_training(looping->link, &training, NULL) != ERR_OK || training.running) {
        return;
    }
    looping->training = false;
    loop_trained(&looping->loop);
    if (training.failed) {
        log_write(LOG_WARN, "run", "retraining failed: %s", training.text);
        return;
    }
    log_write(LOG_INFO, "run", "retrained, model version %" PRId64, training.model_version);
    if (looping->run->metrics != NULL) {
        own_metrics_retrained(looping->run->metrics, looping->loop.cause == LOOP_ALERT
                                                         ? OWN_METRICS_ALERT
                                                         : OWN_METRICS_SCHEDULE);
    }
}

/* To the end of the loop, or a signal. */
static void walk(struct looping *looping)
{
    struct run *run = looping->run;
    for (;;) {
        run->interrupted = play_interrupted(TURN_NS);
        if (run->interrupted) {
            return;
        }
        int64_t now_ns = clock_mono_ns();
        listen_to_alerts(looping);
        poll_retraining(looping, now_ns);
        enum loop_act act = loop_turn(&looping->loop, now_ns, looping->firing);
        if (act == LOOP_OVER) {
            return;
        }
        if (act == LOOP_RETRAIN) {
            ask_retraining(looping);
        }
    }
}

static void tell_loop(const struct looping *looping, const struct engine_live *live)
{
    log_write(LOG_INFO, "run",
              "loop %" PRId64 " over: %" PRId64 " lists, conversion %.3f, %" PRId64
              " requests failed",
              looping->number + 1, live->lists,
              live->lists > 0 ? (double)live->converted / (double)live->lists : 0,
              live->failed + live->unknown);
}

static enum err play_loop(struct looping *looping, struct error *error)
{
    struct run *run = looping->run;
    const struct loop former = looping->loop;
    struct engine_plan plan;
    struct engine_live live;
    struct engine_result result;
    run_plan(run, &plan);
    plan.drift = &looping->drift;
    plan.arrivals.drift = &looping->drift;
    plan.arrivals.mix = &looping->mix;
    plan.arrivals.seed = run->settings.seed + (uint64_t)looping->number;
    enum err code = run_ways_apply(&run->ways, &plan, error);
    if (code == ERR_OK) {
        code = engine_start(&plan, &run->engine, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    looping->training = false;
    if (run->webhook != NULL) {
        webhook_forget(run->webhook);
    }
    loop_begin(&looping->loop, &looping->config, looping->number > 0 ? &former : NULL,
               run->start_mono_ns);
    if (run->metrics != NULL) {
        own_metrics_attach(run->metrics, run->engine, run->start_mono_ns);
    }
    walk(looping);
    engine_stop(run->engine);
    engine_live(run->engine, &live);
    if (run->metrics != NULL) {
        own_metrics_detach(run->metrics);
    }
    engine_join(run->engine, &result);
    engine_result_deinit(&result);
    tell_loop(looping, &live);
    return ERR_OK;
}

enum err run_loop_listen(struct run *run, const struct run_loop_settings *settings,
                         struct error *error)
{
    enum err code = ERR_OK;
    if (run->settings.listen != NULL) {
        struct own_metrics_config config;
        own_metrics_describe(&run->settings.scenario, run->settings.seed, run->settings.rate,
                             &config);
        code = own_metrics_start(&config, run->settings.listen, &run->metrics, error);
    }
    if (code == ERR_OK && run->metrics != NULL) {
        log_write(LOG_INFO, "run", "own metrics on %s/metrics", own_metrics_url(run->metrics));
    }
    if (code == ERR_OK && settings->webhook != NULL) {
        code = webhook_start_at(settings->webhook, "/dev/null", &run->webhook, error);
    }
    if (code == ERR_OK && run->webhook != NULL) {
        log_write(LOG_INFO, "run", "Alertmanager may report to %s", webhook_url(run->webhook));
    }
    return code;
}

enum err run_loop(struct run *run, const struct run_loop_settings *settings, struct error *error)
{
    struct looping looping = {.run = run,
                              .settings = settings,
                              .config = {.scenario = &run->settings.scenario,
                                         .on_alert = settings->on_alert,
                                         .cooldown_ns = settings->cooldown_ns},
                              .parts =
                                  loop_parts(population_users(run->people.population),
                                             run->settings.rate, run->settings.scenario.end_ns)};
    enum err code = run_settings_open_link(&run->settings, settings->token, &looping.link, error);
    while (code == ERR_OK && !run->interrupted &&
           (settings->loops == 0 || looping.number < settings->loops)) {
        code = prepare_loop(&looping, error);
        run->interrupted = play_interrupted(0);
        if (code == ERR_OK && !run->interrupted) {
            code = play_loop(&looping, error);
        }
        looping.number++;
    }
    target_link_close(looping.link);
    alias_deinit(&looping.mix);
    return code;
}
