/*
 * Objectives files: rule files of vector() records that drift rules compare with, headed by what
 * they were measured on. A drill whose people or target differ from the head must not be judged by
 * them.
 */
#ifndef DRILL_OBJECTIVES_H
#define DRILL_OBJECTIVES_H

#include "base/error.h"

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
};

/* *is_objectives is false, and nothing else is set, for a rule file without such a head. */
enum err objectives_read(const char *path, bool *is_objectives, struct objectives_head *out,
                         struct error *error);
/* Objectives derived from the measured values: .75 of conversion, .78 of reciprocal rank, .25 stars
 * below the mean rating, a population stability index of .1 against the shares. */
enum err objectives_write(const char *path, const struct objectives_head *head,
                          struct error *error);
/* Whether objectives measured on `head` hold for a drill of these data, people and target. */
bool objectives_fit(const struct objectives_head *head, uint64_t fingerprint, int32_t people,
                    const char *target);

#endif
