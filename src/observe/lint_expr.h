/*
 * Any PromQL expression as a tree to look at, not to evaluate: all of the grammar that Prometheus
 * 2.42 and 3.x share, all functions of both, with the types of operands and arguments checked as
 * they do. promql_parse.h reads less and evaluates it.
 */
#ifndef OBSERVE_LINT_EXPR_H
#define OBSERVE_LINT_EXPR_H

#include "base/error.h"
#include "observe/labels.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINT_DEPTH_MAX 100 /* brackets, calls and operators inside each other */

enum lint_kind {
    LINT_NUMBER,
    LINT_STRING,
    LINT_SELECTOR,
    LINT_SUBQUERY, /* child[0] over a range */
    LINT_CALL,
    LINT_AGGREGATE, /* the operand is the last child, a parameter the first */
    LINT_BINARY,
    LINT_SIGN, /* -x; +x is x */
};

enum lint_type { LINT_SCALAR, LINT_VECTOR, LINT_MATRIX, LINT_TEXT };

struct lint_names {
    const char **name;
    size_t count, capacity;
};

struct lint_matcher {
    const char *name, *sign, *value; /* sign: "=", "!=", "=~" or "!~" */
    size_t at, len;                  /* of the value with its quotes, in the expression */
};

enum lint_side { LINT_ONE_TO_ONE, LINT_GROUP_LEFT, LINT_GROUP_RIGHT };

struct lint_node { /* all texts lie in the words that the tree was read with */
    enum lint_kind kind;
    enum lint_type type;
    const char *text; /* metric ("" if none), function, aggregation, operator, the string's value */
    double number;
    size_t at, len; /* the first word of the node, in the expression */
    int line;

    struct lint_matcher *matcher; /* SELECTOR */
    size_t matcher_count, matcher_capacity;
    int64_t range_ns; /* SELECTOR and SUBQUERY; 0 for an instant */
    size_t range_at;  /* where the duration stands in the expression */

    bool grouped, without;     /* AGGREGATE: by or without is there, and which */
    bool as_bool;              /* BINARY, as are the next three */
    bool on, ignoring;         /* which of them is there, if any */
    enum lint_side side;       /* */
    struct lint_names names;   /* of by, without, on, ignoring */
    struct lint_names include; /* of group_left, group_right */

    struct lint_node **child;
    size_t child_count, child_capacity;
};

/* ERR_INPUT, with error->line counted inside the expression and no `where`. The texts go into
 * `words`, which must outlive the tree; `expr` need not. */
enum err lint_expr_parse(const char *expr, struct labels *words, struct lint_node **out,
                         struct error *error) __attribute__((warn_unused_result));
void lint_node_free(struct lint_node *node); /* accepts NULL */

bool lint_is_call(const struct lint_node *node, const char *function);
/* A binary operator, as it is spelled: "/", "and". */
bool lint_is_operator(const struct lint_node *node, const char *spelling);
bool lint_is_comparison(const struct lint_node *node); /* with or without bool */
/* A selector of one metric by its name. */
bool lint_is_series(const struct lint_node *node);

#endif
