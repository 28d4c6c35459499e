/*
 * How much a data set is like MovieLens: the properties by which simulated people are judged, each
 * with the band in which real data lie. The bands are the spread over three MovieLens editions
 * (ml-latest-small, ml-100k, ml-1m); docs/data.md tells where each comes from and how each figure
 * is computed. Pure.
 */
#ifndef MOVIELENS_COMPARE_H
#define MOVIELENS_COMPARE_H

#include "base/parallel.h"
#include "movielens/dataset.h"

#include <stdbool.h>

enum compare_property_id {
    COMPARE_MEAN,
    COMPARE_SD_HALVES,
    COMPARE_SD_WHOLES,
    COMPARE_WHOLE_ORDER,
    COMPARE_HALVES_LOW,
    COMPARE_HALVES_HIGH,
    COMPARE_HALF_MEDIAN,
    COMPARE_HALF_LOW,
    COMPARE_HALF_HIGH,
    COMPARE_USER_SD,
    COMPARE_ITEM_SD,
    COMPARE_RESIDUAL_SD,
    COMPARE_ACTIVITY_LEAST,
    COMPARE_ACTIVITY_MEDIAN,
    COMPARE_ACTIVITY_MU,
    COMPARE_ACTIVITY_SIGMA,
    COMPARE_ACTIVITY_KS,
    COMPARE_TOP_TENTH,
    COMPARE_MOST_SEEN,
    COMPARE_POPULAR_LIKED,
    COMPARE_BUSY_HARSH,
    COMPARE_EXPOSURE,
    COMPARE_ITEM_CORRELATION,
    COMPARE_VALUE_ENERGY,
    COMPARE_GENRES_A_FILM,
    COMPARE_COMEDY_DRAMA,
    COMPARE_ACTION_ADVENTURE,
    COMPARE_ANIMATION_CHILDREN,
    COMPARE_GENRE_RISE,
    COMPARE_ONE_SESSION,
    COMPARE_FIRST_SESSION,
    COMPARE_FIRST_SHARE,
    COMPARE_LATER_SESSION,
    COMPARE_GAP_MU,
    COMPARE_GAP_SIGMA,
    COMPARE_PAUSE_MU,
    COMPARE_PAUSE_SIGMA,
    COMPARE_PEAK_HOUR,
    COMPARE_NIGHT_SHARE,
    COMPARE_PEAK_TO_TROUGH,
    COMPARE_FAME_FALL,
    COMPARE_RATING_FALL,
    COMPARE_LAG_ONE,
    COMPARE_LAG_TEN,
    COMPARE_BLOCK_SD,
    COMPARE_BIAS_GAIN,
    COMPARE_FACTOR_GAIN,
    COMPARE_FACTOR_QUARTER,
    COMPARE_RANKING,
    COMPARE_RATING_RANKING,
    COMPARE_UNSEEN_FILMS,
    COMPARE_UNSEEN_USERS,
    COMPARE_PROPERTIES
};

struct compare_property {
    const char *group, *name;
    double low, high;   /* the band, ends included, in the digits below */
    int digits;         /* behind the point; a value is rounded to them before it is judged */
    const char *source; /* of the band */
};

extern const struct compare_property compare_properties[COMPARE_PROPERTIES];

/* value [COMPARE_PROPERTIES]; NAN where the data cannot tell (no half stars for the half-star
 * habit, nothing but a few months for the pauses between visits). Needs 20 people, 50 rated films
 * and 1,000 ratings; with less than that most values are NAN. The same data give the same values
 * for any number of threads. */
void compare_measure(const struct dataset *data, const struct parallel *parallel, double *value);

enum compare_verdict { COMPARE_WITHIN, COMPARE_OUTSIDE, COMPARE_UNKNOWN };
enum compare_verdict compare_judge(enum compare_property_id property, double value);

#endif
