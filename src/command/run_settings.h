/* What `driftdrill run` was asked to do: options, or a scenario's traffic and drift where the
 * command line is silent. Constant after reading. */
#ifndef COMMAND_RUN_SETTINGS_H
#define COMMAND_RUN_SETTINGS_H

#include "base/error.h"
#include "base/option.h"
#include "drill/scenario.h"
#include "drill/target_link.h"
#include "load/traffic.h"

#include <stdbool.h>
#include <stdint.h>

struct run_settings {
    /* URL without trailing slash, or a target file; in target_text. The scenario's file if that
     * describes the target and the command line does not. */
    const char *target;
    bool target_of_scenario;
    char target_text[512];
    double rate; /* steps per second */
    int64_t duration_ns;
    int32_t people, newcomers; /* newcomers: the last of them, without a past */
    uint64_t seed;
    unsigned threads;
    int connections; /* per thread */
    int list_length;
    double steps_per_visit;
    double think_median_s, think_sigma;
    struct traffic_wish wish; /* borrows from the options or from `scenario` */
    long timeout_ms;
    const char *data, *json_path, *listen; /* NULL if unset */
    const char *scenario_path;             /* NULL if none */
    struct scenario scenario;              /* zeroed if none: one phase, no drift */
    int phase_count;
    int64_t phase_start_ns[SCENARIO_PHASES_MAX];
};

/* Faults of a scenario are printed; the error then says how many. */
enum err run_settings_read(const struct options *options, struct run_settings *out,
                           struct error *error);

/* The target; faults of its description are printed. The catalogue may be NULL. */
enum err run_settings_open_target(const struct run_settings *settings,
                                  const struct catalogue *catalogue, struct target **out,
                                  struct error *error) __attribute__((warn_unused_result));
/* The same beside the load; `token` for /admin of a bundled one, or NULL. */
enum err run_settings_open_link(const struct run_settings *settings, const char *token,
                                struct target_link **out, struct error *error)
    __attribute__((warn_unused_result));

#endif
