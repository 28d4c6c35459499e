#include "command/run_settings.h"

#include "base/clock.h"
#include "base/text.h"

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

static enum err read_target(const struct options *options, struct run_settings *out,
                            struct error *error)
{
    const char *url = options_text(options, "target");
    if (url == NULL) {
        return error_set(error, ERR_USAGE, "--target", 0, "the URL of a target is needed");
    }
    if (!text_starts(url, "http://") && !text_starts(url, "https://")) {
        return error_set(error, ERR_USAGE, "--target", 0,
                         "expected http://HOST:PORT or https://HOST, got '%.100s'", url);
    }
    if (!text_copy(out->target_text, sizeof out->target_text, url)) {
        return error_set(error, ERR_USAGE, "--target", 0, "longer than %zu bytes",
                         sizeof out->target_text - 1);
    }
    size_t len = strlen(out->target_text);
    while (len > 0 && out->target_text[len - 1] == '/') {
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
    enum err code = read_target(options, out, error);
    if (code == ERR_OK && out->scenario_path != NULL) {
        code = read_scenario(out, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    read_traffic(options, out);
    out->seed = (uint64_t)options_int(options, "seed");
    out->threads = (unsigned)options_int(options, "threads");
    out->connections = (int)options_int(options, "connections");
    out->list_length = (int)options_int(options, "list-length");
    out->timeout_ms = (long)(options_duration_ns(options, "timeout") / CLOCK_NS_PER_MS);
    return ERR_OK;
}
