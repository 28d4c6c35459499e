/*
 * Objectives files: rule files of vector() records that drift rules compare with, headed by what
 * they were measured on. A drill whose people or target differ from the head must not be judged by
 * them.
 */
#ifndef DRILL_OBJECTIVES_H
#define DRILL_OBJECTIVES_H

#include "base/error.h"

#include "load/ledger.h"

#include <stdbool.h>
#include <stdint.h>

#define OBJECTIVES_SHARES 5

struct objectives_head {
    char scenario[64];
    char data[128];       /* name of the data, for people */
    uint64_t fingerprint; /* of the data the people come from */
    int32_t people;
    uint64_t seed;
    char target[128]; /* name and version */
    int64_t lists, ratings;
    double conversion, reciprocal_rank, mean_rating; /* measured at rest */
    double rating_share[OBJECTIVES_SHARES]; /* of ratings of 1, 2, ... stars; 2.5 counts as 3 */
    double item_rank;                       /* mean place of rated films, from 1 */
    /* Mean of rating less predicted rating; share of lists for people nothing is known of. NaN for
     * a target that does not export them. */
    double calibration_gap, without_history;
    int source_count; /* that films were shown of; 0 if lists name none */
    struct objectives_source {
        char name[LEDGER_SOURCE_SIZE];
        double conversion; /* ratings of 3 or more over films shown */
    } source[LEDGER_SOURCES_MAX];
};

/* *is_objectives is false, and nothing else is set, for a rule file without such a head. */
enum err objectives_read(const char *path, bool *is_objectives, struct objectives_head *out,
                         struct error *error);
/* Objectives derived from the measured values: .75 of conversion, .78 of reciprocal rank, .25 stars
 * below the mean rating, a population stability index of .1 against the shares of ratings and
 * against those of the sources, 1.1 of the mean place, .6 of each source's conversion, .25 stars
 * either side of the calibration gap, .2 above the share of lists without a history. What was not
 * measured has no objective. */
enum err objectives_write(const char *path, const struct objectives_head *head,
                          struct error *error);
/* Whether objectives measured on `head` hold for a drill of these data, people and target. */
bool objectives_fit(const struct objectives_head *head, uint64_t fingerprint, int32_t people,
                    const char *target);

#endif
