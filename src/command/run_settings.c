#include "command/run_settings.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/text.h"
#include "command/address.h"
#include "drill/wish.h"
#include "load/target.h"

#include <stdio.h>
#include <string.h>

#define THINK_SIGMA 0.6 /* sd of the logarithm of a pause; as in the shipped scenarios */

/* Traffic, people, phases and drift of the scenario, before the command line has its say. */
static enum err read_scenario(struct run_settings *out, struct error *error)
{
    struct faults faults;
    faults_init(&faults);
    enum err code = scenario_read(out->scenario_path, &out->scenario, &faults, error);
    faults_print(&faults);
    faults_deinit(&faults);
    if (code != ERR_OK) {
        return code;
    }
    const struct scenario *scenario = &out->scenario;
    out->rate = scenario->lists_per_s;
    out->duration_ns = scenario->end_ns;
    out->people = scenario->people;
    out->newcomers = scenario->newcomers;
    out->wish = wish_traffic(scenario);
    out->steps_per_visit = scenario->steps_per_visit;
    out->think_median_s = scenario->think_median_s;
    out->think_sigma = scenario->think_sigma;
    out->phase_count = scenario->phase_count;
    for (int i = 0; i < scenario->phase_count; i++) {
        out->phase_start_ns[i] = scenario->phase[i].start_ns;
    }
    return ERR_OK;
}

static bool decides(const struct options *options, const struct run_settings *settings,
                    const char *name)
{
    return settings->scenario_path == NULL || options_is_set(options, name);
}

static void read_traffic(const struct options *options, struct run_settings *out)
{
    if (decides(options, out, "rate")) {
        out->rate = options_real(options, "rate");
    }
    if (decides(options, out, "duration")) {
        out->duration_ns = options_duration_ns(options, "duration");
    }
    if (decides(options, out, "users")) {
        out->people = (int32_t)options_int(options, "users");
    }
    if (decides(options, out, "steps-per-visit")) {
        out->steps_per_visit = options_real(options, "steps-per-visit");
    }
    if (decides(options, out, "think")) {
        out->think_median_s =
            (double)options_duration_ns(options, "think") / (double)CLOCK_NS_PER_S;
    }
}

/* Index of an option's word, -1 with an error if it is none of them. */
static int read_word(const struct options *options, const char *name, const char *const *words,
                     const char *expected, struct error *error)
{
    const char *given = options_text(options, name);
    char where[32];
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(given, words[i]) == 0) {
            return i;
        }
    }
    (void)snprintf(where, sizeof where, "--%s", name);
    error_set(error, ERR_USAGE, where, 0, "expected %s, got '%.100s'", expected, given);
    return -1;
}

static enum err read_arrivals(const struct options *options, struct run_settings *out,
                              struct error *error)
{
    static const char *const words[] = {"poisson", "constant", "diurnal", "replay", NULL};
    if (decides(options, out, "arrivals")) {
        int word =
            read_word(options, "arrivals", words, "poisson, constant, diurnal or replay", error);
        if (word < 0) {
            return ERR_USAGE;
        }
        out->wish.arrivals = (enum traffic_arrivals)word;
    }
    if (options_text(options, "visits") != NULL) {
        if (options_is_set(options, "arrivals")) {
            return error_set(error, ERR_USAGE, "--visits", 0,
                             "a recorded file leaves no room for --arrivals");
        }
        out->wish.arrivals = TRAFFIC_RECORDED;
        out->wish.file = options_text(options, "visits");
        out->wish.time_scale = 1;
    }
    if (decides(options, out, "day")) {
        out->wish.day_ns = options_duration_ns(options, "day");
    }
    if (decides(options, out, "start-hour")) {
        out->wish.start_hour = (int32_t)options_int(options, "start-hour");
    }
    return ERR_OK;
}

static enum err read_crowd(const struct options *options, struct run_settings *out,
                           struct error *error)
{
    static const char *const words[] = {"uniform", "activity", NULL};
    if (decides(options, out, "people")) {
        int word = read_word(options, "people", words, "uniform or activity", error);
        if (word < 0) {
            return ERR_USAGE;
        }
        out->wish.by_activity = word == 1;
    }
    if (decides(options, out, "newcomers")) {
        out->newcomers = (int32_t)options_int(options, "newcomers");
    }
    if (decides(options, out, "joins")) {
        out->wish.joins_per_s = options_real(options, "joins");
    }
    if (decides(options, out, "leave-after")) {
        out->wish.leaving.after_steps = (int32_t)options_int(options, "leave-after");
    }
    if (decides(options, out, "leave-probability")) {
        out->wish.leaving.probability = options_real(options, "leave-probability");
    }
    if (out->newcomers >= out->people) {
        return error_set(error, ERR_USAGE, "--newcomers", 0,
                         "%d of %d people: somebody must have a past", (int)out->newcomers,
                         (int)out->people);
    }
    if (out->wish.joins_per_s > 0 && out->newcomers == 0) {
        return error_set(error, ERR_USAGE, "--joins", 0, "nobody can join without --newcomers");
    }
    return ERR_OK;
}

static enum err read_target(const struct options *options, struct run_settings *out,
                            struct error *error)
{
    const char *url = options_text(options, "target");
    if (url == NULL && out->scenario.target[0] != '\0') {
        out->target_of_scenario = true;
        out->target = out->scenario_path;
        return ERR_OK;
    }
    if (url == NULL) {
        return error_set(error, ERR_USAGE, "--target", 0,
                         "the URL of a target or a target file is needed");
    }
    enum err code = address_without_secret("--target", url, "leave them away", error);
    if (code != ERR_OK) {
        return code;
    }
    if (!target_is_url(url) && !file_exists(url)) {
        return error_set(error, ERR_USAGE, "--target", 0,
                         "expected http://HOST:PORT, https://HOST or a target file, got '%.100s'",
                         url);
    }
    if (!text_copy(out->target_text, sizeof out->target_text, url)) {
        return error_set(error, ERR_USAGE, "--target", 0, "longer than %zu bytes",
                         sizeof out->target_text - 1);
    }
    size_t len = strlen(out->target_text);
    while (target_is_url(url) && len > 0 && out->target_text[len - 1] == '/') {
        out->target_text[--len] = '\0';
    }
    out->target = out->target_text;
    return ERR_OK;
}

enum err run_settings_read(const struct options *options, struct run_settings *out,
                           struct error *error)
{
    *out = (struct run_settings){.scenario_path = options_text(options, "scenario"),
                                 .data = options_text(options, "data"),
                                 .json_path = options_text(options, "json"),
                                 .listen = options_text(options, "listen"),
                                 .think_sigma = THINK_SIGMA,
                                 .phase_count = 1};
    enum err code = out->scenario_path != NULL ? read_scenario(out, error) : ERR_OK;
    if (code == ERR_OK) {
        code = read_target(options, out, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    read_traffic(options, out);
    code = read_arrivals(options, out, error);
    if (code == ERR_OK) {
        code = read_crowd(options, out, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    out->seed = (uint64_t)options_int(options, "seed");
    out->threads = (unsigned)options_int(options, "threads");
    out->connections = (int)options_int(options, "connections");
    out->list_length = (int)options_int(options, "list-length");
    out->timeout_ms = (long)(options_duration_ns(options, "timeout") / CLOCK_NS_PER_MS);
    return ERR_OK;
}

static struct target_link_request request_of(const struct run_settings *settings)
{
    return (struct target_link_request){.target =
                                            settings->target_of_scenario ? NULL : settings->target,
                                        .block = settings->scenario.target,
                                        .block_file = settings->scenario_path,
                                        .list_length = settings->list_length};
}

enum err run_settings_open_target(const struct run_settings *settings,
                                  const struct catalogue *catalogue, struct target **out,
                                  struct error *error)
{
    struct target_link_request request = request_of(settings);
    struct faults faults;
    request.catalogue = catalogue;
    faults_init(&faults);
    enum err code = target_link_open_target(&request, out, &faults, error);
    faults_print(&faults);
    faults_deinit(&faults);
    return code;
}

enum err run_settings_open_link(const struct run_settings *settings, const char *token,
                                struct target_link **out, struct error *error)
{
    struct target_link_request request = request_of(settings);
    struct faults faults;
    request.admin_token = token;
    faults_init(&faults);
    enum err code = target_link_open(&request, out, &faults, error);
    faults_print(&faults);
    faults_deinit(&faults);
    return code;
}
