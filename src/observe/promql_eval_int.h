/* Shared by the promql_*.c that evaluate. */
#ifndef OBSERVE_PROMQL_EVAL_INT_H
#define OBSERVE_PROMQL_EVAL_INT_H

#include "observe/promql_eval.h"

struct promql_span { /* what a range function sees of one series */
    struct samples_slice slice;
    int64_t from_ms, until_ms;
    bool prometheus_2;
};

void promql_add(struct promql_value *value, int labels, double number, int64_t t_ms);
int promql_nameless(const struct promql_world *world, int set);
/* ERR_INPUT if two elements have the same labels. */
enum err promql_check_unique(const struct promql_world *world, const struct promql_value *value);

enum err promql_eval_call(struct promql_node *node, struct promql_world *world,
                          struct promql_value *out);
enum err promql_eval_binary(struct promql_node *node, struct promql_world *world,
                            struct promql_value *out);
/* False if the function has no result for so few samples. */
bool promql_over_range(enum promql_function function, const struct promql_span *span, double *out);
/* Looks for series that came since the selector was last used. */
void promql_find_series(struct promql_node *selector, const struct promql_world *world);

#endif
