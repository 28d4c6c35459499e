/* The parts of a forecast: what lists are worth over time, what a play of them counts, and what the
 * rules make of it. */
#ifndef DRILL_FORECAST_INT_H
#define DRILL_FORECAST_INT_H

#include "drill/forecast.h"

struct forecast_counts { /* of one scrape interval */
    double lists, converted, reciprocal_rank, ratings, stars;
    double unattributed; /* ratings of films that their raters were not shown; not in `ratings` */
    double bucket[OBJECTIVES_SHARES]; /* ratings by whole star, not summed up */
};

struct forecast_level { /* what a list is worth at a moment */
    double rated, conversion;
    double rank[EFFECT_RANKS];       /* of the film rated; sums to 1 */
    double reciprocal_scale;         /* makes the reciprocal rank the target's */
    double pmf[10];                  /* of ratings by half stars - 1 */
    double stars_added;              /* makes the mean rating the target's */
    double share[OBJECTIVES_SHARES]; /* of ratings by whole star */
    double reciprocal_rank, mean_rating;
};

struct forecast_plan {
    const struct forecast_request *request;
    int64_t step_ns; /* scrape interval, drill time */
    int steps;
    struct forecast_level *level;         /* [steps] */
    double rest_share[OBJECTIVES_SHARES]; /* of ratings by whole star, at rest */
};

/* plan->level is the caller's (mem_free). */
void forecast_plan_init(const struct forecast_request *request, struct forecast_plan *out);
/* What one play of the schedule counts; replicate 0 is what is expected, others are drawn. counts
 * [plan->steps]. Also the number of visits and lists. */
void forecast_play(const struct forecast_plan *plan, int replicate, struct forecast_counts *counts,
                   int64_t *visits, int64_t *lists);
void forecast_counts_add(struct forecast_counts *into, const struct forecast_counts *from);
/* NaN without data. */
double forecast_quantity(const struct forecast_counts *counts, enum scenario_quantity quantity,
                         const double rest_share[OBJECTIVES_SHARES]);
/* Is this what a retraining on newer ratings makes up for? */
bool forecast_curable(enum drift_kind kind);

#endif
