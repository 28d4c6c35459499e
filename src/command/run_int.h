/* What the ways to run share. */
#ifndef COMMAND_RUN_INT_H
#define COMMAND_RUN_INT_H

#include "command/run_result.h"
#include "command/run_settings.h"
#include "command/run_ways.h"
#include "drill/own_metrics.h"
#include "drill/people.h"
#include "load/engine.h"
#include "load/traffic.h"
#include "observe/webhook.h"

#include <stdbool.h>
#include <stdint.h>

struct run { /* everything a run holds */
    struct run_settings settings;
    struct run_ways ways;
    struct run_sharing sharing;
    struct people people;
    struct engine_seen seen;
    struct arrivals_config arrivals;
    struct traffic traffic;
    struct target *target;
    struct engine *engine;
    struct own_metrics *metrics; /* NULL = not served */
    struct webhook *webhook;     /* of a loop; NULL = nobody listens */
    int64_t start_mono_ns;
    bool terminal, line_open;
    int64_t shown_ns;
    struct engine_live before;
    bool interrupted;
};

/* What the engine is to play, from a moment a little ahead on (run->start_mono_ns); borrows from
 * `run`. */
void run_plan(struct run *run, struct engine_plan *plan);

#endif
