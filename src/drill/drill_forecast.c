/* What is said, and whether a drill begins at all, once its people and rules are known. */
#include "base/log.h"
#include "drill/drill_int.h"
#include "drill/effect_report.h"
#include "drill/forecast.h"

#include <stdio.h>

struct effect_config drill_effect_config(const struct scenario *scenario)
{
    struct effect_config config = effect_defaults();
    config.newcomers_visit = !(scenario->traffic.joins_per_s > 0);
    config.by_activity = scenario->traffic.by_activity;
    config.withheld = &scenario->drift;
    return config;
}

static enum err refuse(const struct drill *drill, int unlikely, struct error *error)
{
    static const char *const advice = "more traffic, a larger size or a longer bound would help";
    if (drill->config->strict) {
        return error_set(error, ERR_INPUT, drill->config->scenario_path, 0,
                         "%d of its expectations would probably not be met; %s", unlikely, advice);
    }
    log_write(LOG_WARN, "drill", "%d of the expectations will probably not be met; %s", unlikely,
              advice);
    return ERR_OK;
}

enum err drill_foresee(struct drill *drill, struct error *error)
{
    struct parallel parallel = parallel_all_cores();
    struct forecast forecast;
    if (drill->scenario.expectation_count == 0 && drill->scenario.drift.count == 0) {
        return ERR_OK;
    }
    if (drill->sample == NULL) {
        struct effect_config config = drill_effect_config(&drill->scenario);
        drill->sample = effect_sample_new(&config, drill->people.population, &parallel);
    }
    struct forecast_request request = {
        .scenario = &drill->scenario,
        .drift = &drill->scenario.drift,
        .sample = drill->sample,
        .arrivals = &drill->arrivals,
        .rules = drill->rules.path,
        .rule_count = drill->rules.count,
        .rest = drill->rules.has_objectives ? &drill->rules.objectives : NULL,
        .parallel = &parallel};
    effect_report_print(stdout, &drill->scenario.drift, drill->sample, &parallel);
    enum err code = forecast_make(&request, &forecast, error);
    if (code != ERR_OK) {
        return code;
    }
    forecast_print(stdout, &forecast);
    (void)fflush(stdout);
    int unlikely = forecast_unlikely(&forecast);
    return unlikely > 0 ? refuse(drill, unlikely, error) : ERR_OK;
}
