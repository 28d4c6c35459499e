/*
 * Do simulator and target count the same, series by series? Growth of the target's counters between
 * a scrape before the first request and one after the last answer, against the ledger. Each row
 * says what kind of disagreement it found. A target that was restarted has several lives, each with
 * scrapes of its own, whose growth is added up. Pure.
 */
#ifndef DRILL_RECONCILE_H
#define DRILL_RECONCILE_H

#include "base/metrics.h"
#include "drill/metric_map.h"
#include "load/events.h"
#include "load/ledger.h"

#include <stdbool.h>
#include <stddef.h>

/* With eight sources told apart, 282 are needed. */
#define RECONCILE_ROWS_MAX 320

enum reconcile_kind {
    RECONCILE_EQUAL,
    RECONCILE_EXPLAINED, /* differs by no more than requests that nobody can tell about */
    RECONCILE_ABSENT,    /* the target does not export the family */
    RECONCILE_RESET,     /* a counter fell within a life: the target started again unnoticed */
    RECONCILE_LOST,      /* the target counted less than happened */
    RECONCILE_DOUBLE,    /* the target counted more than happened */
    RECONCILE_BEYOND,    /* more, and unanswered requests explain only a part of it */
    RECONCILE_LABEL,     /* over all labels the sums agree, with this label they do not */
    RECONCILE_BUCKET     /* as many, but of other values */
};

struct reconcile_row {
    char name[128]; /* the series as Prometheus writes it; without labels: the sum over them */
    double ledger, target;
    double slack;   /* the target may hold up to this much more: requests without an answer */
    double missing; /* the target may show up to this much less: rated in another life */
    enum reconcile_kind kind;
    bool ok;
};

struct reconciliation {
    bool done; /* false: the target could not be asked any more */
    int count;
    struct reconcile_row row[RECONCILE_ROWS_MAX];
    int64_t lost; /* requests without an answer */
};

struct reconcile_life {                    /* of the target's process */
    const struct metrics_snapshot *before; /* NULL = it began with every counter at 0 */
    const struct metrics_snapshot *after;
    /* Of a life that ended before the drill did: drill time at which the next one began. `after` is
     * what it had counted at its very end, so that nothing of it may be missing; but a rating of a
     * list from before may find the list forgotten. 0: the last life. */
    int64_t ended_ns;
};

/* Families that the bundled recommender has and the article's service has not may be absent.
 * `events`, NULL or incomplete, tell exactly which lists were rated in another life. */
void reconcile_lives(const struct ledger *ledger, const struct events *events,
                     const struct reconcile_life *life, size_t life_count,
                     struct reconciliation *out);
/* The same of a target that is not the bundled one, whose snapshots are in our names: what the map
 * says it has must be there, what it has not has no row. Labels are compared where it has them. */
void reconcile_foreign(const struct ledger *ledger, const struct events *events,
                       const struct reconcile_life *life, size_t life_count,
                       const struct metric_map *map, struct reconciliation *out);
/* The same of a target with one life. */
void reconcile(const struct ledger *ledger, const struct metrics_snapshot *before,
               const struct metrics_snapshot *after, struct reconciliation *out);
bool reconcile_agrees(const struct reconciliation *reconciliation);
/* "lost", "double counted", ...: what a report calls the finding. */
const char *reconcile_kind_text(enum reconcile_kind kind);

#endif
