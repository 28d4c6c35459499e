/* Shared by lint_expr.c, lint_expr_selector.c and lint_functions.c only. */
#ifndef OBSERVE_LINT_EXPR_INT_H
#define OBSERVE_LINT_EXPR_INT_H

#include "observe/lint_expr.h"
#include "observe/promql.h"

struct lint_reader {
    const char *expr;
    struct promql_token *token;
    size_t count, at;
    size_t depth;
    int last_line;
    struct labels *words;
    struct error *error;
};

const struct promql_token *lint_peek(const struct lint_reader *reader); /* NULL at the end */
/* Notes that `what` was expected; returns false, so that callers can return it. */
bool lint_expected(struct lint_reader *reader, const char *what);
bool lint_at_symbol(const struct lint_reader *reader, char symbol);
bool lint_take_symbol(struct lint_reader *reader, char symbol);    /* false if it is not there */
bool lint_take_word(struct lint_reader *reader, const char *word); /* any case */
const char *lint_token_word(struct lint_reader *reader, const struct promql_token *token);
struct lint_node *lint_node_new(struct lint_reader *reader, enum lint_kind kind,
                                enum lint_type type);
void lint_names_add(struct lint_names *names, const char *name);

/* The value of the string token at the reader; NULL with the error noted. */
const char *lint_read_string(struct lint_reader *reader);
/* The metric and its matchers, without what may follow in brackets; NULL with the error noted. */
struct lint_node *lint_read_selector(struct lint_reader *reader);

bool lint_is_function(const char *name);
/* Number and types of a call's arguments; the call gets its type. */
bool lint_check_call(struct lint_reader *reader, struct lint_node *call);
bool lint_is_aggregation(const char *name);
bool lint_check_aggregate(struct lint_reader *reader, struct lint_node *aggregate);
bool lint_check_binary(struct lint_reader *reader, struct lint_node *binary);

#endif
