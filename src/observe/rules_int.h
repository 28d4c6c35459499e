/* Shared by rules.c and rules_expr.c only. */
#ifndef OBSERVE_RULES_INT_H
#define OBSERVE_RULES_INT_H

#include <stdbool.h>
#include <stdint.h>

/* Whether a duration divided by time_scale is a whole number of milliseconds, as Prometheus needs
 * it. */
bool rules_is_whole(int64_t ns, int64_t time_scale);

#endif
