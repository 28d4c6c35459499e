/*
 * Do simulator and target count the same? Differences of the target's counters between a scrape
 * before the first request and one after the last answer, against the ledger. Requests without an
 * answer may or may not have been counted and give that much slack. Pure.
 */
#ifndef DRILL_RECONCILE_H
#define DRILL_RECONCILE_H

#include "base/metrics.h"
#include "load/ledger.h"

#include <stdbool.h>

#define RECONCILE_ROWS_MAX 24

struct reconcile_row {
    char name[96];
    double ledger, target;
    double slack; /* the target may hold up to this much more */
    bool ok;
};

struct reconciliation {
    bool done; /* false: the target could not be asked any more */
    int count;
    struct reconcile_row row[RECONCILE_ROWS_MAX];
    int64_t lost; /* requests without an answer */
};

void reconcile(const struct ledger_counts *ledger, const struct metrics_snapshot *before,
               const struct metrics_snapshot *after, struct reconciliation *out);
bool reconcile_agrees(const struct reconciliation *reconciliation);

#endif
