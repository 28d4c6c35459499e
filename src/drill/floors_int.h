/* Shared by floors.c, which finds what is to be told apart, and floors_views.c, which runs the
 * detectors. */
#ifndef DRILL_FLOORS_INT_H
#define DRILL_FLOORS_INT_H

#include "drill/floors.h"
#include "load/events.h"

#define FLOORS_CATEGORIES 11 /* not rated; the ten half stars, or the ranks 1 to 10 and beyond */
#define FLOORS_WHOLE_STARS 5

struct floors_world { /* means over lists, of people at rest or under the complete drift */
    double lists;     /* as many independent ones are behind the shares below */
    double rated, converted, reciprocal_rank, stars;
    double squares;                         /* of what the exported quantity adds up, see .c */
    double category[FLOORS_CATEGORIES];     /* shares of lists */
    double whole_stars[FLOORS_WHOLE_STARS]; /* shares of ratings */
};

struct floors_task { /* one row; borrowed */
    const struct floors_request *request;
    struct floors_world rest, full;
    double lists_per_s; /* drill time, under the drift */
    double interval_s;  /* drill time between false alarms */
};

/* How a rating counts in the view of ratings: 0 = not rated. */
int floors_category(enum scenario_quantity quantity, const struct event *event);
bool floors_is_rated(const struct event *event);
double floors_reciprocal_rank(const struct event *event);
/* Fills the three views of a row whose share is known. */
void floors_fill_views(const struct floors_task *task, struct floors_row *row);

#endif
