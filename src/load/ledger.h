/*
 * What the simulator itself knows happened. Each worker keeps one; they are merged after join.
 * Two clocks are kept apart: *observed* buckets by the moment an answer arrived (what a metrics
 * window can be compared with) and *nominal* totals by the scheduled time (what does not depend on
 * the target's speed, and so is equal for any number of threads).
 */
#ifndef LOAD_LEDGER_H
#define LOAD_LEDGER_H

#include "base/error.h"
#include "load/scan.h"
#include "population/drift.h"

#include <stdint.h>

/* Observed time is kept in tenths of a second; of what lasts longer than an hour in whole seconds,
 * as many as make LEDGER_BUCKETS_MAX of all (10 to 20 MB a worker, however long). */
#define LEDGER_BUCKET_NS INT64_C(100000000)
#define LEDGER_BUCKETS_MAX 36000
#define LEDGER_CONVERTED_HALF_STARS 6     /* a rating of 3.0 or more converts */
#define LEDGER_SOURCES_MAX 8              /* names of sources told apart */
#define LEDGER_UNNAMED LEDGER_SOURCES_MAX /* index of places whose source is not told */
#define LEDGER_SOURCE_ROWS (LEDGER_SOURCES_MAX + 1)
#define LEDGER_SOURCE_SIZE 48
#define LEDGER_PLACES_MAX 64
#define LEDGER_STATUS_CLASSES 6 /* 0 = no answer, 1 to 5 = 1xx to 5xx; anything else is 5 */

/* What people were expected to do with lists, given the lists and what they had seen; sums over
 * lists. Mean values of events.h. Kept on a grid of 2^-32, exact up to a sum of 2^21, two million.
 * Counted when the list arrives: the ratings themselves come later. */
struct ledger_expected {
    int64_t lists; /* whose expected values were computed; 0 if the plan did not ask for any */
    double rated, converted, reciprocal_rank, stars;
    double half_stars[10]; /* ratings expected of each value, half stars - 1; sum to `rated` */
};

struct ledger_counts {
    int64_t lists;                     /* GETs answered with a readable list */
    int64_t lists_empty;               /* of these, without any film */
    int64_t rated;                     /* lists of which one film was rated and the POST accepted */
    int64_t converted;                 /* of these, rated >= 3.0 */
    double reciprocal_rank;            /* sum of 1/rank over `rated` */
    double reciprocal_rank_squares;    /* sum of 1/rank^2 over `rated` */
    double rank;                       /* sum of rank over `rated` */
    int64_t stars[10];                 /* accepted ratings by half stars - 1 */
    int64_t get_failed, post_failed;   /* an HTTP status outside 2xx, or an unreadable list */
    int64_t get_unknown, post_unknown; /* no answer: the target may or may not have counted it */
    int64_t get_sent, post_sent;
    /* Requests that ratings came in, by how they were answered: fewer than ratings where a target
     * takes several in one. Nominal counts of them go by the first rating in each, and who shares a
     * request with whom depends on the moment. */
    int64_t post_requests[LEDGER_STATUS_CLASSES];
    int64_t unattributed; /* accepted ratings of films that their raters were not shown */
    int64_t get_status[LEDGER_STATUS_CLASSES], post_status[LEDGER_STATUS_CLASSES];
    int64_t items;                        /* films shown */
    int64_t items_by[LEDGER_SOURCE_ROWS]; /* of these, by source */
    int64_t rated_by[LEDGER_SOURCE_ROWS]; /* `rated` by the source of the film */
    struct ledger_expected now, rest;     /* under the drift in force, and without any */
};

/* Exact counts by source, place and value. The last row holds what no source is named for. */
struct ledger_places {
    int64_t items[LEDGER_SOURCE_ROWS][LEDGER_PLACES_MAX];     /* [source][rank - 1] */
    int64_t rated[LEDGER_SOURCE_ROWS][LEDGER_PLACES_MAX][10]; /* ... [half stars - 1] */
};

struct ledger {
    int64_t bucket_ns; /* LEDGER_BUCKET_NS, or whole seconds */
    int64_t bucket_count;
    int64_t bucket_now, bucket_from_ns; /* the bucket last counted in, and where it begins */
    struct ledger_counts *observed;     /* [bucket_count], bucket b = [b, b+1) * bucket_ns */
    int phase_count;
    int64_t *phase_start_ns;       /* [phase_count], rising; nominal */
    struct ledger_counts *nominal; /* [phase_count] */
    struct ledger_places *places;  /* [phase_count]; nominal, too */
    int source_count;              /* sources met; in alphabetical order after ledger_settle */
    char source[LEDGER_SOURCES_MAX][LEDGER_SOURCE_SIZE];
    /* Places of sources that found no room, counted as unnamed. Which of more than
     * LEDGER_SOURCES_MAX find it depends on which are met first, and so on the number of workers.
     */
    int64_t sources_dropped;
    struct drift drift; /* what was injected, unbound; its course is written down */
    uint64_t digest;    /* order-independent hash over (person, step, films shown, outcome) */
    int64_t visits, visits_delayed; /* delayed: the person was still busy with an earlier visit */
    int64_t leavers, visits_missed; /* people who left for good; visits they did not make */
    int64_t steps;                  /* list requests sent */
    int64_t steps_late;   /* requests (of either kind) that waited for a connection to be free */
    int64_t steps_unsent; /* due, but never sent because the engine was stopped first */
    int64_t lost;         /* visits or films forgotten because memory ran out; 0 in a sound run */
};

enum ledger_outcome { /* how a step ended; part of the digest */
                      LEDGER_NOTHING_CHOSEN,
                      LEDGER_RATED,
                      LEDGER_GET_FAILED,
                      LEDGER_GET_UNKNOWN,
                      LEDGER_POST_FAILED,
                      LEDGER_POST_UNKNOWN,
                      LEDGER_WATCHED,     /* a film was taken and not rated */
                      LEDGER_UNATTRIBUTED /* an accepted rating of a film that was not shown */
};

struct ledger_step { /* one finished step, for the digest */
    int32_t person;
    uint32_t step; /* counted over the person's whole drill */
    uint64_t list; /* ledger_list_hash of what was shown, 0 if nothing was */
    int32_t rank;  /* of the film chosen, 0 = none */
    uint8_t half_stars;
    enum ledger_outcome outcome;
};

/* end_ns: of the schedule; decides how long a bucket is. phase_count 0 makes one phase that starts
 * at 0. Dies when memory is exhausted. */
struct ledger *ledger_new(int64_t end_ns, const int64_t *phase_start_ns, int phase_count);
void ledger_free(struct ledger *ledger);

/* ---- recording; the owning worker only ---- */

/* The bucket of an observed moment (drill time). Buckets are added as time goes on; should memory
 * for them run out, the last one takes the rest and `lost` counts it. */
struct ledger_counts *ledger_observed_at(struct ledger *ledger, int64_t observed_ns);
/* The counts of the phase that a nominal moment lies in. */
struct ledger_counts *ledger_nominal_at(struct ledger *ledger, int64_t nominal_ns);
/* Where something observed at one moment and scheduled for another is counted: under both clocks.
 * What happens with every request adds its few numbers at both; valid until the next call. */
#define LEDGER_CLOCKS 2
struct ledger_at {
    struct ledger_counts *clock[LEDGER_CLOCKS];
};
struct ledger_at ledger_at(struct ledger *ledger, int64_t observed_ns, int64_t nominal_ns);
/* Adds whole counts under both clocks. */
void ledger_note(struct ledger *ledger, int64_t observed_ns, int64_t nominal_ns,
                 const struct ledger_counts *counts);
/* Counts an accepted rating of the film at `rank`. The reciprocal and its square are kept on a
 * grid of 2^-32, so that sums are exact and do not depend on the order in which workers are merged.
 */
void ledger_count_rating(struct ledger_counts *counts, int32_t rank, uint8_t half_stars);
/* Counts an answer with this HTTP status, 0 for none. */
void ledger_count_status(int64_t by_class[LEDGER_STATUS_CLASSES], long status);
/* Adds one list's expected values; of `one`, `lists` is not looked at. */
void ledger_count_expected(struct ledger_expected *sum, const struct ledger_expected *one);
/* Index of a source as a list spells it; LEDGER_UNNAMED if there is no text, it is no label value
 * or there are too many. */
uint8_t ledger_source(struct ledger *ledger, const struct scan_text *spelled);
/* The places of the phase that a nominal moment lies in. */
struct ledger_places *ledger_places_at(struct ledger *ledger, int64_t nominal_ns);
/* Notes the plain values of the injections. */
void ledger_set_drift(struct ledger *ledger, const struct drift *drift);
uint64_t ledger_list_hash(const int32_t *item, int32_t count);
void ledger_add_step(struct ledger *ledger, const struct ledger_step *step);

/* ---- reading ---- */

/* Counts of the observed buckets wholly inside [from_ns, to_ns), rounded to bucket edges. */
struct ledger_counts ledger_window(const struct ledger *ledger, int64_t from_ns, int64_t to_ns);
struct ledger_counts ledger_total(const struct ledger *ledger);
void ledger_counts_add(struct ledger_counts *into, const struct ledger_counts *from);
/* Two ledgers made for the same end and phases. Sources are matched by name; `map`, if not NULL,
 * receives the index in `into` of each of from's.
 */
void ledger_merge(struct ledger *into, const struct ledger *from, uint8_t map[LEDGER_SOURCE_ROWS]);
/* Once everything is merged: puts the sources in alphabetical order, so that the ledger does not
 * tell which was met first. `map` as above, from the former indexes. */
void ledger_settle(struct ledger *ledger, uint8_t map[LEDGER_SOURCE_ROWS]);
void ledger_places_total(const struct ledger *ledger, struct ledger_places *out);

double ledger_conversion(const struct ledger_counts *counts); /* converted / lists; NaN if none */
double ledger_reciprocal_rank(const struct ledger_counts *counts); /* per list */
double ledger_mean_rating(const struct ledger_counts *counts);     /* stars */
int64_t ledger_ratings(const struct ledger_counts *counts);
int64_t ledger_post_requests(const struct ledger_counts *counts); /* that have ended */
double ledger_rated_share(const struct ledger_counts *counts);    /* rated / lists */
/* The same of expected values; NaN without any. */
double ledger_expected_conversion(const struct ledger_expected *expected);
double ledger_expected_reciprocal_rank(const struct ledger_expected *expected);
double ledger_expected_mean_rating(const struct ledger_expected *expected);
double ledger_expected_rated_share(const struct ledger_expected *expected);

/* JSON lines: one for each injection, one a second of observed time (or a bucket, if that is
 * longer), one a phase (nominal time, and
 * by source, place and value), one in all. docs/ledger.md explains the members. */
enum err ledger_write(const struct ledger *ledger, const char *path, struct error *error);

#endif
