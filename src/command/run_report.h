/* What a run came to: the table on stdout and the JSON file. Main thread only. */
#ifndef COMMAND_RUN_REPORT_H
#define COMMAND_RUN_REPORT_H

#include "base/error.h"
#include "command/run_settings.h"
#include "command/run_ways.h"
#include "load/engine.h"
#include "load/fitness.h"

#include <stdbool.h>
#include <stdint.h>

struct run_outcome {
    const struct run_settings *settings;
    const struct run_ways *ways;
    const struct engine_result *result;
    const char *data_name;
    uint64_t data_fingerprint;
    int64_t started_wall_ns; /* when drill time 0 was, of the first part; 0 = not known */
    int64_t played_ns;       /* drill time played: the duration, or less if interrupted */
    double cpu_s;            /* of this process while it played */
    bool interrupted;
    bool stopped; /* by the control socket: sound, but shorter than asked for */
    double share; /* of the schedule, if others play the rest of it; 0 = all */
};

double run_report_offered(const struct run_outcome *outcome);  /* steps/s the schedule asked for */
double run_report_achieved(const struct run_outcome *outcome); /* steps/s sent */
/* Did the generator keep to its schedule? A result of one that did not says nothing. */
struct fitness run_report_fitness(const struct run_outcome *outcome);
void run_report_print(const struct run_outcome *outcome);
enum err run_report_write(const struct run_outcome *outcome, const char *path, struct error *error);

#endif
