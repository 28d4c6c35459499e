/*
 * Where the time between an injection and the alert's notification went. The parts are differences
 * of moments in a row, kept in nanoseconds, so that they add up to the measured delay exactly.
 * Pure.
 */
#ifndef DRILL_DELAY_BUDGET_H
#define DRILL_DELAY_BUDGET_H

#include "drill/evidence.h"
#include "drill/floors.h"

#include <stdbool.h>
#include <stdint.h>

enum delay_part {
    DELAY_SAMPLING,     /* until enough had happened for the exported floor */
    DELAY_SCRAPE,       /* until the target was scraped after that */
    DELAY_EVALUATION,   /* until the alert's group was evaluated after that */
    DELAY_WINDOW,       /* until the condition held: what the rule needs beyond the floor */
    DELAY_FOR,          /* from pending to firing */
    DELAY_NOTIFICATION, /* until the notification arrived; 0 if none did */
    DELAY_PARTS
};

#define DELAY_BUDGETS_MAX 64

struct delay_budget {                   /* drill time */
    const struct evidence_alert *alert; /* borrowed */
    const struct floors_row *floors;    /* borrowed; NULL if the alert has no quantity */
    double onset_s;
    bool has_floor; /* otherwise sampling, scrape and evaluation are 0 and `window` holds them */
    bool notified;
    int64_t part_ns[DELAY_PARTS];
    int64_t firing_ns; /* onset to firing: all but the notification */
    int64_t total_ns;  /* onset to notification, or to firing if there was none */
};

struct delay_budgets {
    int count;
    struct delay_budget budget[DELAY_BUDGETS_MAX];
};

/* One budget for every alert of a quantity that fired after the onset of what moved it, and for
 * every other alert with a severity that fired after the first onset or disturbance. */
void delay_budgets_measure(const struct scenario *scenario, const struct evidence *evidence,
                           const struct floors *floors, struct delay_budgets *out);
const char *delay_part_name(enum delay_part part); /* "sampling", "scrape" ... */

#endif
