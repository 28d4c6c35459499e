/* Shared by promql_parse.c and promql_selector.c only. */
#ifndef OBSERVE_PROMQL_PARSE_INT_H
#define OBSERVE_PROMQL_PARSE_INT_H

#include "observe/promql.h"
#include "observe/promql_parse.h"

struct promql_reader {
    struct promql_token *token;
    size_t count, at;
    int last_line;
    size_t depth;
    struct labels *labels;
    struct error *error;
};

struct promql_node *promql_node_new(enum promql_node_kind kind, enum promql_type type);
const struct promql_token *promql_peek(const struct promql_reader *reader); /* NULL at the end */
/* Notes that `what` was expected; returns NULL, so that callers can return it. */
void *promql_expected(struct promql_reader *reader, const char *what);
bool promql_at_symbol(const struct promql_reader *reader, char symbol);
bool promql_take_symbol(struct promql_reader *reader, char symbol); /* false if it is not there */
bool promql_at_word(const struct promql_reader *reader, const char *word); /* any case */
void promql_words_add(struct promql_words *words, int word);

/* The strings of label_replace, from the comma behind the vector to the closing bracket. */
bool promql_read_replacement(struct promql_reader *reader, struct promql_node *node);
/* A selector with its braces, range and offset; NULL with the error noted. */
struct promql_node *promql_read_selector(struct promql_reader *reader);

#endif
