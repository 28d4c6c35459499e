/* What a run came to: the table on stdout and the JSON file. Main thread only. */
#ifndef COMMAND_RUN_REPORT_H
#define COMMAND_RUN_REPORT_H

#include "base/error.h"
#include "command/run_settings.h"
#include "load/engine.h"

#include <stdbool.h>
#include <stdint.h>

struct run_outcome {
    const struct run_settings *settings;
    const struct engine_result *result;
    const char *data_name;
    uint64_t data_fingerprint;
    int64_t played_ns; /* drill time played: the duration, or less if interrupted */
    double cpu_s;      /* of this process while it played */
    bool interrupted;
};

double run_report_offered(const struct run_outcome *outcome);  /* steps/s the schedule asked for */
double run_report_achieved(const struct run_outcome *outcome); /* steps/s sent */
/* True if the generator kept to its schedule; else why not, for people. */
bool run_report_on_time(const struct run_outcome *outcome, char *why, size_t size);
void run_report_print(const struct run_outcome *outcome);
enum err run_report_write(const struct run_outcome *outcome, const char *path, struct error *error);

#endif
