/*
 * The syntax tree of a PromQL expression, for the subset that rule_engine.h names. Types are
 * checked here, so that evaluation can only fail for what the samples look like.
 */
#ifndef OBSERVE_PROMQL_PARSE_H
#define OBSERVE_PROMQL_PARSE_H

#include "base/error.h"
#include "observe/labels.h"

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROMQL_ARGUMENTS_MAX 3
#define PROMQL_DEPTH_MAX 100 /* brackets, calls and operators inside each other */

enum promql_type { PROMQL_SCALAR, PROMQL_VECTOR, PROMQL_MATRIX };

enum promql_node_kind {
    PROMQL_LITERAL,
    PROMQL_SELECTOR,
    PROMQL_CALL,
    PROMQL_AGGREGATE,
    PROMQL_BINARY,
    PROMQL_NEGATE,
};

enum promql_match { PROMQL_EQUAL, PROMQL_NOT_EQUAL, PROMQL_LIKE, PROMQL_NOT_LIKE };

struct promql_matcher {
    enum promql_match match;
    int name, value; /* words; the value of LIKE is the regular expression */
    bool compiled;
    regex_t regex; /* with LIKE and NOT_LIKE only */
};

enum promql_operator {
    PROMQL_OR,
    PROMQL_AND,
    PROMQL_UNLESS,
    PROMQL_EQ,
    PROMQL_NE,
    PROMQL_LE,
    PROMQL_LT,
    PROMQL_GE,
    PROMQL_GT,
    PROMQL_ADD,
    PROMQL_SUB,
    PROMQL_MUL,
    PROMQL_DIV,
    PROMQL_MOD,
    PROMQL_POW,
};

/* name in PromQL, enum name, what it takes, smallest and largest number of arguments */
#define PROMQL_FUNCTIONS(X)                                                                        \
    X(abs, ABS, VECTOR, 1, 1)                                                                      \
    X(absent, ABSENT, VECTOR, 1, 1)                                                                \
    X(avg_over_time, AVG_OVER_TIME, MATRIX, 1, 1)                                                  \
    X(ceil, CEIL, VECTOR, 1, 1)                                                                    \
    X(changes, CHANGES, MATRIX, 1, 1)                                                              \
    X(clamp, CLAMP, VECTOR, 3, 3)                                                                  \
    X(clamp_max, CLAMP_MAX, VECTOR, 2, 2)                                                          \
    X(clamp_min, CLAMP_MIN, VECTOR, 2, 2)                                                          \
    X(count_over_time, COUNT_OVER_TIME, MATRIX, 1, 1)                                              \
    X(delta, DELTA, MATRIX, 1, 1)                                                                  \
    X(exp, EXP, VECTOR, 1, 1)                                                                      \
    X(floor, FLOOR, VECTOR, 1, 1)                                                                  \
    X(idelta, IDELTA, MATRIX, 1, 1)                                                                \
    X(increase, INCREASE, MATRIX, 1, 1)                                                            \
    X(irate, IRATE, MATRIX, 1, 1)                                                                  \
    X(label_replace, LABEL_REPLACE, VECTOR, 1, 1) /* and four strings */                           \
    X(last_over_time, LAST_OVER_TIME, MATRIX, 1, 1)                                                \
    X(ln, LN, VECTOR, 1, 1)                                                                        \
    X(log10, LOG10, VECTOR, 1, 1)                                                                  \
    X(log2, LOG2, VECTOR, 1, 1)                                                                    \
    X(max_over_time, MAX_OVER_TIME, MATRIX, 1, 1)                                                  \
    X(min_over_time, MIN_OVER_TIME, MATRIX, 1, 1)                                                  \
    X(present_over_time, PRESENT_OVER_TIME, MATRIX, 1, 1)                                          \
    X(rate, RATE, MATRIX, 1, 1)                                                                    \
    X(resets, RESETS, MATRIX, 1, 1)                                                                \
    X(round, ROUND, VECTOR, 1, 2)                                                                  \
    X(scalar, SCALAR_OF, VECTOR, 1, 1)                                                             \
    X(sgn, SGN, VECTOR, 1, 1)                                                                      \
    X(sqrt, SQRT, VECTOR, 1, 1)                                                                    \
    X(stddev_over_time, STDDEV_OVER_TIME, MATRIX, 1, 1)                                            \
    X(stdvar_over_time, STDVAR_OVER_TIME, MATRIX, 1, 1)                                            \
    X(sum_over_time, SUM_OVER_TIME, MATRIX, 1, 1)                                                  \
    X(time, TIME, SCALAR, 0, 0)                                                                    \
    X(timestamp, TIMESTAMP, VECTOR, 1, 1)                                                          \
    X(vector, VECTOR_OF, SCALAR, 1, 1)

enum promql_function {
#define X(text, name, takes, least, most) PROMQL_FN_##name,
    PROMQL_FUNCTIONS(X)
#undef X
};

enum promql_aggregation {
    PROMQL_SUM_BY,
    PROMQL_AVG_BY,
    PROMQL_MIN_BY,
    PROMQL_MAX_BY,
    PROMQL_COUNT_BY,
    PROMQL_GROUP_BY,
    PROMQL_STDDEV_BY,
    PROMQL_STDVAR_BY,
};

enum promql_side { PROMQL_ONE_TO_ONE, PROMQL_GROUP_LEFT, PROMQL_GROUP_RIGHT };

struct promql_words {
    int *word;
    size_t count, capacity;
};

struct promql_node {
    enum promql_node_kind kind;
    enum promql_type type;
    double number; /* LITERAL */

    struct promql_matcher *matcher; /* SELECTOR; the one of label_replace */
    size_t matcher_count, matcher_capacity;
    int64_t range_ms, offset_ms; /* range 0 for an instant selector */
    int *series; /* the series matched so far, and how many of all were looked at: for evaluation */
    size_t series_count, series_capacity, series_seen;

    enum promql_function function;       /* CALL */
    struct label replacement;            /* CALL of label_replace: what a match puts in */
    enum promql_aggregation aggregation; /* AGGREGATE; its operand is argument[0] */
    enum promql_operator operation;      /* BINARY; its operands are argument[0] and [1] */
    struct promql_node *argument[PROMQL_ARGUMENTS_MAX];
    size_t argument_count;

    bool without; /* AGGREGATE: not `by` */
    bool as_bool; /* BINARY, as are the next three */
    bool on;      /* not `ignoring` */
    enum promql_side side;
    struct promql_words names;   /* of by, without, on, ignoring; those two of BINARY end with
                                    __name__ if they are `ignoring` */
    struct promql_words include; /* of group_left, group_right */
};

/* ERR_INPUT, with error->line counted inside the expression and no `where`. Words go into `labels`,
 * which must outlive the tree. */
enum err promql_parse(const char *expr, struct labels *labels, struct promql_node **out,
                      struct error *error) __attribute__((warn_unused_result));
/* name{a="b"} without anything else, as a label set. */
enum err promql_parse_series(const char *text, struct labels *labels, int *set, struct error *error)
    __attribute__((warn_unused_result));
void promql_node_free(struct promql_node *node); /* accepts NULL */

/* Whether the matchers of a selector, or that of label_replace, take a label set. */
bool promql_matches(const struct promql_node *node, const struct labels *labels, int set);
/* The oldest sample any selector of the tree can ask for, before the moment of evaluation. */
int64_t promql_reach_ms(const struct promql_node *node, int64_t lookback_ms);
bool promql_is_label(const char *text, size_t len);

#endif
