/*
 * A paired run: a scenario played twice, with and without its injections, by the same people
 * against the same model, without Prometheus; and what they changed. Main thread only.
 */
#ifndef DRILL_PAIRED_RUN_H
#define DRILL_PAIRED_RUN_H

#include "base/error.h"
#include "drill/drill.h"

/* Plays in config->folder/without and .../with, prints a table and writes
 * config->folder/paired.json. What config says of watching and inspecting does not matter.
 * ERR_INVALID if one of the plays could not measure. */
enum err paired_run(const struct drill_config *config, struct error *error)
    __attribute__((warn_unused_result));

#endif
