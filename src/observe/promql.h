/*
 * The words of a PromQL expression, and what each duration among them is for. Not a parser: it
 * knows strings, comments, brackets and the word `offset`, which is enough to find the durations
 * that time compression must change, and leaves everything else to Prometheus.
 */
#ifndef OBSERVE_PROMQL_H
#define OBSERVE_PROMQL_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum promql_kind {
    PROMQL_WORD,     /* metric, function, label or keyword */
    PROMQL_NUMBER,   /* also 0x1F, 1e9; anything else that starts with a digit */
    PROMQL_DURATION, /* 5m, 1h30m */
    PROMQL_STRING,   /* with its quotes */
    PROMQL_SYMBOL,   /* one byte; "==" is two tokens */
    PROMQL_VARIABLE, /* $name, ${name}, [[name]]: in templates only */
};

enum promql_role {
    PROMQL_PLAIN,
    PROMQL_RANGE,    /* x[5m] */
    PROMQL_SUBQUERY, /* x[5m:30s], the 5m */
    PROMQL_STEP,     /* x[5m:30s], the 30s */
    PROMQL_OFFSET,   /* offset 5m, offset -5m (the sign is a token of its own) */
};

struct promql_token {
    enum promql_kind kind;
    enum promql_role role; /* other than PROMQL_PLAIN for durations only */
    const char *text;      /* inside the expression, not terminated */
    size_t len;
    int line;            /* 1-based, inside the expression */
    int64_t duration_ns; /* 0 if role is PROMQL_PLAIN */
};

/* All tokens without blanks and comments; *out on the heap (mem_free), also when count is 0.
 * ERR_INPUT, with error->line counted inside the expression and no `where`: a string or bracket
 * that does not end, or something else than a duration where only one can stand. */
enum err promql_tokens(const char *expr, struct promql_token **out, size_t *count,
                       struct error *error) __attribute__((warn_unused_result));

/* The same for an expression of a dashboard, where template variables may stand anywhere. One that
 * stands for a duration has the duration's role and duration_ns 0. */
enum err promql_template_tokens(const char *expr, struct promql_token **out, size_t *count,
                                struct error *error) __attribute__((warn_unused_result));

#endif
