/*
 * How soon could an alert have known? For each injection and each quantity that an alert watches,
 * the delay of the quickest detector (cusum.h) with a stated interval between false alarms, on
 * three views of the same run:
 * - everything: the likelihood of each step's outcome for the person and the list it was;
 * - ratings: of each list whether it was rated and with how many stars (for the reciprocal rank,
 *   from which rank);
 * - exported: at each scrape, what has been added to the counters behind the quantity.
 *
 * A drift rule does not ask whether people are as at rest, but whether they are worse than the
 * objective. So the null hypothesis is a world at the objective: every outcome has probability
 * (1 - share) p_rest + share p_full, where `share` makes the expected quantity equal the objective;
 * the alternative is the complete drift. At rest false alarms are rarer still.
 *
 * Computed after the run from what the workers kept. Pure.
 */
#ifndef DRILL_FLOORS_H
#define DRILL_FLOORS_H

#include "drill/evidence.h"
#include "drill/scenario.h"
#include "load/ledger.h"

#include <stdbool.h>

#define FLOORS_INTERVAL_S (30 * 86400.0) /* production time between false alarms */
#define FLOORS_ROWS_MAX 64
#define FLOORS_WHY_SIZE 160

struct events;

enum floors_view { FLOORS_EVERYTHING, FLOORS_RATINGS, FLOORS_EXPORTED, FLOORS_VIEWS };

struct floors_floor { /* one view; drill seconds */
    bool exists;
    char why[FLOORS_WHY_SIZE]; /* if it does not */
    double nats_per_s;         /* information under the complete drift */
    double threshold;          /* nats */
    double expected_s;         /* delay to expect of a sudden change */
    double delay_s;            /* of this run, from the onset; NaN = not reached in time */
    /* Exported only: delay by which enough had happened for the scrape that reached the threshold,
     * the rest of delay_s being the wait for that scrape. */
    double enough_s;
    int false_alarms; /* thresholds reached before the onset */
};

struct floors_row { /* an injection and a quantity */
    enum scenario_quantity quantity;
    double objective;
    int injection;           /* of the scenario's drift */
    double onset_s, until_s; /* drill time looked at: to the retraining, or to the end */
    double rest, full;       /* expected at rest and under the complete drift; NaN = unknown */
    double share;            /* see above; NaN = the drift does not reach the objective */
    bool exists;             /* otherwise no view does */
    char why[FLOORS_WHY_SIZE];
    struct floors_floor view[FLOORS_VIEWS];
};

struct floors {
    double interval_s; /* production time */
    int64_t time_scale;
    int count;
    struct floors_row row[FLOORS_ROWS_MAX];
};

struct floors_request { /* borrowed */
    const struct scenario *scenario;
    const struct ledger *ledger;
    const struct events *events; /* NULL = none were kept */
    const struct evidence *evidence;
    double end_s;
    double interval_s; /* production time; 0 = FLOORS_INTERVAL_S */
};

void floors_measure(const struct floors_request *request, struct floors *out);
/* The row that an alert of this quantity and objective is read against: that of the first
 * injection which moves the quantity, otherwise one that tells why there is none; NULL if nothing
 * was injected or no alert watches it. */
const struct floors_row *floors_find(const struct floors *floors, enum scenario_quantity quantity,
                                     double objective);
const char *floors_view_name(enum floors_view view); /* "everything", "ratings", "exported" */

#endif
