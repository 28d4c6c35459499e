/*
 * The courses that a report draws: what Prometheus recorded of each quantity that an alert or an
 * expectation watches, beside what the ledger knows, averaged over the same window.
 */
#ifndef DRILL_REPORT_TRACKS_H
#define DRILL_REPORT_TRACKS_H

#include "drill/evidence.h"
#include "drill/scenario.h"
#include "load/ledger.h"
#include "observe/prometheus.h"

#include <stdint.h>

#define REPORT_TRACKS_MAX 4 /* quantities */

struct report_track {
    enum scenario_quantity quantity;
    char record[160];  /* name of the series; "" if nothing was recorded */
    int64_t window_ns; /* that both are averaged over; drill time */
    double objective;  /* NaN if no alert has one */
    size_t recorded_count, truth_count;
    struct prometheus_point *recorded, *truth; /* drill seconds; values may be NaN */
};

struct report_tracks {
    int count; /* in the order of enum scenario_quantity */
    struct report_track track[REPORT_TRACKS_MAX];
};

struct report_tracks_request {     /* borrowed */
    struct prometheus *prometheus; /* NULL: only what the evidence holds */
    const struct scenario *scenario;
    const struct evidence *evidence;
    const struct ledger *ledger;
    double origin_unix_s, end_s;
};

/* Never fails: what Prometheus does not tell is not there. Main thread. */
void report_tracks_collect(const struct report_tracks_request *request, struct report_tracks *out);
void report_tracks_deinit(struct report_tracks *tracks);
const struct report_track *report_tracks_find(const struct report_tracks *tracks,
                                              enum scenario_quantity quantity); /* or NULL */
/* The duration that a record's name ends with ("ratio15m"), production time; 0 if it has none. */
int64_t report_tracks_window(const char *record);

#endif
