/*
 * Writing everybody's past as a MovieLens folder: ratings.csv by person and time, movies.csv from
 * the catalogue. The pasts are generated on all threads given, the file is the same for any number
 * of them.
 */
#ifndef DRILL_PAST_FILES_H
#define DRILL_PAST_FILES_H

#include "base/error.h"
#include "base/parallel.h"
#include "movielens/ratings.h"
#include "population/drift.h"
#include "population/population.h"

#include <stdint.h>

/* What a reader wants to compare between a data set and a past written from it. */
struct past_summary {
    int32_t people, films; /* films: with at least one rating */
    int64_t ratings;
    int64_t stars[10];      /* by half stars - 1 */
    double mean, sd;        /* stars */
    double top_tenth_share; /* of all ratings, held by the most-rated tenth of `films` */
    double most_seen_share; /* of all people, who rated the most-rated film */
};

struct past_summary past_summary_of(const struct ratings *ratings);

struct past_files_report {
    struct past_summary summary;
    /* Films in each person's written past: those of person p are item[start[p]] to
     * item[start[p + 1] - 1], rising catalogue indexes (what struct engine_seen wants). */
    int64_t *start;
    int32_t *item;
};

void past_files_report_deinit(struct past_files_report *report);

/* drift NULL: writes the past before the drill at drill_s (seconds since 1970), and count_min and
 * count_max mean nothing. Else the later past under the completed drift, count_min to count_max
 * further films a person; a drift without injections is a later past in an unchanged world. The
 * report is the caller's (past_files_report_deinit); on failure it is empty. */
enum err past_files_write(const struct population *population, const struct drift *drift,
                          int32_t count_min, int32_t count_max, int64_t drill_s,
                          const struct parallel *parallel, const char *folder,
                          struct past_files_report *report, struct error *error)
    __attribute__((warn_unused_result));

/* The later past of some people only: of each person p with p % parts == part. */
struct past_files_part {
    int32_t part, parts;
    int32_t count_min, count_max;
};
enum err past_files_write_part(const struct population *population, const struct drift *drift,
                               const struct past_files_part *part, int64_t drill_s,
                               const struct parallel *parallel, const char *folder,
                               struct past_files_report *report, struct error *error)
    __attribute__((warn_unused_result));

/* The past before the drill, without the films that the bound drift withholds: neither movies.csv
 * nor ratings.csv knows them. The same files as with past_files_write if it withholds none. */
enum err past_files_write_early(const struct population *population, const struct drift *drift,
                                int64_t drill_s, const struct parallel *parallel,
                                const char *folder, struct past_files_report *report,
                                struct error *error) __attribute__((warn_unused_result));

#endif
