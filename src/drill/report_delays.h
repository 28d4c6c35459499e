/* The part of a drill's result that tells how late the alerts were: the terminal table and the
 * members of verdict.json and junit.xml about detection delays and their floors. */
#ifndef DRILL_REPORT_DELAYS_H
#define DRILL_REPORT_DELAYS_H

#include "base/buf.h"
#include "drill/delay_budget.h"
#include "drill/floors.h"

#include <jansson.h>

/* Two lines an alert, at most 100 columns; nothing without any. NULL is none. */
void report_print_delays(const struct delay_budgets *delays, const struct floors *floors);

/* What verdict.json holds of one alert; null if it did not fire after anything was done:
 *   onset_s         drill time from which the delay counts
 *   delay_s         to the notification, or to firing if `notified` is false
 *   firing_delay_s  to firing
 *   budget          object: sampling, scrape, evaluation, window, for, notification; seconds that
 *                   add up to delay_s. Without a floor `window` holds the first three.
 *   production_s    delay_s in production time
 *   floors          as in report_floors_json, NULL if the alert has no quantity */
json_t *report_delay_json(const struct delay_budgets *delays, const struct evidence_alert *alert,
                          int64_t time_scale);
/* Every injection and quantity: injection (its number from 0), quantity, objective, onset_s,
 * until_s, at_rest, under_drift, objective_share (of the way between them), exists, why (if not),
 * and of each view (everything, ratings, exported): exists, why, nats_per_s, threshold_nats,
 * delay_s (of this run, null = never reached), expected_s, production_s (delay_s, or expected_s if
 * null, in production time), false_alarms. Drill seconds unless said otherwise. */
json_t *report_floors_json(const struct floors *floors);
/* <property> elements of one testsuite: NAME.delay_s, NAME.floor.VIEW_s and NAME.budget.PART_s of
 * each alert NAME that fired, drill seconds. */
void report_add_delay_properties(struct buf *out, const struct delay_budgets *delays);

#endif
