/* What a capacity search came to: the table on stdout, JSON, and HTML with the curve. Main thread
 * only. */
#ifndef COMMAND_CAPACITY_REPORT_H
#define COMMAND_CAPACITY_REPORT_H

#include "base/error.h"
#include "capacity/search.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct capacity_report {
    const struct capacity_config *config;
    const struct capacity_result *result;
    const char *target;    /* URL or file */
    const char *data_name; /* of the people's ratings; NULL = unknown */
    uint64_t data_fingerprint;
    int32_t people;
    bool lists_only; /* no ratings were sent */
    bool interrupted;
    int64_t started_unix_s;
    const json_t *generator; /* what the caller knows of it (threads, transport ...), kept in the
                                JSON as it is; NULL = nothing */
};

void capacity_report_print(const struct capacity_report *report);
enum err capacity_report_write_json(const struct capacity_report *report, const char *path,
                                    struct error *error) __attribute__((warn_unused_result));
enum err capacity_report_write_html(const struct capacity_report *report, const char *path,
                                    struct error *error) __attribute__((warn_unused_result));
/* OK, ERR_FAILED (a wanted rate is not held, or nothing passed) or ERR_INVALID (no answer), with
 * the reason in *error. */
enum err capacity_report_verdict(const struct capacity_report *report, struct error *error)
    __attribute__((warn_unused_result));

#endif
