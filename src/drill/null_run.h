/*
 * Null drills: a scenario played without its injections with several seeds, each in full with
 * Prometheus, to learn how often the alerts are false and how clustered the ratings are. Main
 * thread only.
 */
#ifndef DRILL_NULL_RUN_H
#define DRILL_NULL_RUN_H

#include "base/error.h"
#include "drill/drill.h"

/* Plays seeds config->seed, +1, ... in config->folder/seed-S, prints a table and writes
 * config->folder/nulls.json. With virtual_hours > 0 the rules are also evaluated on that many hours
 * simulated from the plays' events. ERR_FAILED if there was a false alarm, ERR_INVALID if a drill
 * could not measure twice in a row. */
enum err null_run(const struct drill_config *config, int drills, double virtual_hours,
                  struct error *error) __attribute__((warn_unused_result));

#endif
