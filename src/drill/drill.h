/* One drill from scenario to verdict: prepares people, past, target and stack, plays, judges,
 * writes the evidence, stops everything it started. Main thread only; SIGINT and SIGTERM blocked.
 */
#ifndef DRILL_DRILL_H
#define DRILL_DRILL_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evidence;
struct judgement;
struct play_result;
struct scenario;

struct drill_facts { /* of a drill that was played; borrowed for the call */
    const struct scenario *scenario;
    int64_t onset_ns; /* of the first injection, also if it was not played; INT64_MAX = none */
    int32_t people;
    const struct play_result *play;
    const struct evidence *evidence; /* NULL if unwatched */
    const struct judgement *judgement;
    const char *data_name;
    uint64_t data_fingerprint;
    const char *target_version;
    const char *const *rules; /* rule files as chosen for it */
    size_t rule_count;
};

/* Adds to `faults` what is wrong with a scenario for reasons that only the target knows. */
typedef void drill_check(const struct scenario *scenario, struct faults *faults);
typedef void drill_inspect(void *context, const struct drill_facts *facts);

struct drill_external { /* a stack that runs already; texts borrowed, NULL = none or default */
    const char *prometheus_url, *alertmanager_url;
    const char *grafana_url, *grafana_token;
    const char *webhook_listen; /* Alertmanager reports to http://THIS/alerts */
};

struct drill_config { /* texts borrowed; NULL where a default applies */
    const char *scenario_path;
    const char *folder; /* results; made if absent */
    uint64_t seed;
    const char *home;              /* where prometheus/ lies */
    const char *dashboards_glob;   /* NULL = all of home/grafana/dashboards */
    const char *rules_glob;        /* NULL = home/prometheus/rules/[a-z]*.yml */
    const char *alertmanager_file; /* NULL = home/prometheus/alertmanager.yml */
    const char *data;              /* MovieLens folder; NULL = dataset_find order */
    const char *cache_root;
    const char *prometheus_program, *alertmanager_program;
    const struct drill_external *external; /* NULL: the stack is started for the drill */
    /* A URL or a target file. NULL: as the scenario says, or else the bundled recommender, started
     * for the drill. What follows is of a target that was not. */
    const char *target;
    const char *admin_token;        /* for /admin of a bundled one; NULL = none */
    const char *past_folder;        /* that the target sees, too; NULL = the cache */
    const char *past_in_target;     /* what the target calls it; NULL = the same */
    const char *objectives_path;    /* in the place of those among the rules; NULL = none */
    const char *own_metrics_listen; /* NULL = a free loopback port */
    unsigned threads;
    int connections;            /* per thread */
    const char *calibrate_path; /* not NULL: measure objectives into this file, judge nothing */
    bool strict;             /* a drill that probably cannot show what it should does not begin */
    bool unwatched;          /* no Prometheus, nothing judged; ends before the first retraining */
    bool without_injections; /* the same people and model, but nothing injected or disturbed, and
                                no expectation */
    drill_check *check;      /* asked before anything starts; NULL = nobody */
    drill_inspect *inspect;  /* called once before a drill that was played ends; NULL = nobody */
    void *inspect_context;
};

/* ERR_OK = pass, ERR_FAILED = fail, ERR_INVALID, ERR_INTERRUPTED; ERR_INPUT, ERR_USAGE ... when the
 * drill could not start (then *error tells why). */
enum err drill_run(const struct drill_config *config, struct error *error);

#endif
