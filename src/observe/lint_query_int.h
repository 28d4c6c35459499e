/* Shared by lint_query.c, lint_match.c and lint_divide.c only. */
#ifndef OBSERVE_LINT_QUERY_INT_H
#define OBSERVE_LINT_QUERY_INT_H

#include "observe/lint_query.h"

struct lint_walk {
    const struct lint *lint;
    const struct lint_place *place;
    const struct lint_filled *filled;
};

/* The metric of a selector, its labels and values, and whether it ever had data; `optional` where
 * the expression says what to do without. */
void lint_check_selector(const struct lint_walk *walk, const struct lint_node *selector,
                         bool optional);
/* Divisions whose divisor may be 0 while nothing takes the result out. */
void lint_check_divisions(const struct lint_walk *walk, const struct lint_node *node);

#endif
