/*
 * Prometheus rule files: reading, time compression, writing. Rules are written in production
 * durations; a drill divides every range, offset, subquery, `for`, `keep_firing_for` and interval
 * by time_scale. A tokeniser finds the durations inside expressions, because label matchers and
 * strings hold brackets too.
 */
#ifndef OBSERVE_RULES_H
#define OBSERVE_RULES_H

#include "base/error.h"

#include <jansson.h>
#include <stdint.h>

/* Rewrites the durations of one PromQL expression; heap (mem_free), NULL on error, whose line
 * counts inside the expression. A result with a fraction of a millisecond, or a range (of a
 * selector or subquery, as written) shorter than min_range_ns, which is ten scrapes, is ERR_INPUT.
 */
char *rules_compress_expr(const char *expr, int64_t time_scale, int64_t min_range_ns,
                          struct error *error);
/* The same for an expression of a dashboard: its template variables stay. */
char *rules_compress_template(const char *expr, int64_t time_scale, int64_t min_range_ns,
                              struct error *error);

struct rules_alert {
    char name[128];
    char group[128];
    char quantity[64];   /* annotation: the ledger's name for what the alert watches, or "" */
    char objective[128]; /* annotation: series holding the bound, or "" */
    char recovered[128]; /* annotation: series that must be back at the objective, or "" */
    char samples[128];   /* annotation: series holding the sample size, or "" */
    char severity[32];   /* label */
    int64_t window_ns;   /* annotation `window`, production time; 0 if none */
    int64_t for_ns;      /* production time */
    int64_t interval_ns; /* its group's, production time */
};

struct rules {
    size_t file_count;
    char (*rendered)[256]; /* paths written */
    size_t alert_count;
    struct rules_alert *alert;
};

/* Reads every file matching `glob`, compresses it and writes it (same base name) into out_folder.
 * Each group gets one more recording rule, driftdrill:heartbeat{rule_group="NAME"} = 1, so that the
 * moment of a missing alert sample can be told from a skipped evaluation. scrape_ns is the
 * production scrape interval: windows of fewer than ten scrapes are refused. A group without an
 * interval gets default_interval_ns. Faults are all collected; with any, nothing is written and the
 * result is ERR_INPUT. Fields Prometheus does not know, and names of alerts, groups or files that
 * are there twice, are faults. *out needs rules_deinit after ERR_OK only. */
enum err rules_render(const char *glob, int64_t time_scale, int64_t scrape_ns,
                      int64_t default_interval_ns, const char *out_folder, struct rules *out,
                      struct faults *faults, struct error *error);
/* The same for files named one by one; `paths` may be empty. */
enum err rules_render_files(const char *const *paths, size_t count, int64_t time_scale,
                            int64_t scrape_ns, int64_t default_interval_ns, const char *out_folder,
                            struct rules *out, struct faults *faults, struct error *error);
const struct rules_alert *rules_find(const struct rules *rules, const char *alert);
void rules_deinit(struct rules *rules);

#endif
