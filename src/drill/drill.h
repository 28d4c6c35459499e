/* One drill from scenario to verdict: prepares people, past, target and stack, plays, judges,
 * writes the evidence, stops everything it started. Main thread only; SIGINT and SIGTERM blocked.
 */
#ifndef DRILL_DRILL_H
#define DRILL_DRILL_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct drill_config { /* texts borrowed; NULL where a default applies */
    const char *scenario_path;
    const char *folder; /* results; made if absent */
    uint64_t seed;
    const char *home;              /* where prometheus/ lies */
    const char *rules_glob;        /* NULL = home/prometheus/rules/[a-z]*.yml */
    const char *alertmanager_file; /* NULL = home/prometheus/alertmanager.yml */
    const char *data;              /* MovieLens folder; NULL = dataset_find order */
    const char *cache_root;
    const char *prometheus_program, *alertmanager_program;
    unsigned threads;
    int connections;            /* per thread */
    const char *calibrate_path; /* not NULL: measure objectives into this file, judge nothing */
};

/* ERR_OK = pass, ERR_FAILED = fail, ERR_INVALID, ERR_INTERRUPTED; ERR_INPUT, ERR_USAGE ... when the
 * drill could not start (then *error tells why). */
enum err drill_run(const struct drill_config *config, struct error *error);

#endif
