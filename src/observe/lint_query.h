/*
 * What is wrong with one expression of a rule or panel, given the series there are. Says nothing
 * about what only data can tell, unless somebody answers for them.
 */
#ifndef OBSERVE_LINT_QUERY_H
#define OBSERVE_LINT_QUERY_H

#include "base/error.h"
#include "observe/lint_series.h"
#include "observe/lint_text.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define LINT_WHO_BYTES 120

struct lint {
    const struct lint_series *series; /* settled */
    int64_t scrape_ns;                /* production */
    bool ten_scrapes; /* say what ranges are shorter; of rules, rules_render says it */
    struct faults *faults, *warnings;
    /* Whether a selector has matched anything lately, or NULL if nobody can say. */
    bool (*matched)(void *context, const char *selector);
    /* Whether a runbook that `file` names is there, or NULL. */
    bool (*runbook)(void *context, const char *file, const char *url);
    void *context;
};

struct lint_place {
    const char *file;
    int line;
    const char *path; /* JSON pointer */
    const char *who;  /* begins the messages: `panel "Conversion": `; may be empty */
};

void lint_fault(const struct lint *lint, const struct lint_place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void lint_warn(const struct lint *lint, const struct lint_place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Checks the expression, whose variables take `values` (name -> string; NULL: it has none, and $ is
 * no more than a letter). *out is its tree, NULL if it does not parse; the caller frees it. */
void lint_query(const struct lint *lint, const struct lint_place *place, const char *expr,
                const json_t *values, struct lint_node **out);
/* The labels named in {{ }} of a legend or title that the expression's result cannot have. A NULL
 * tree has none to compare with. */
void lint_legend(const struct lint *lint, const struct lint_place *place,
                 const struct lint_node *node, const char *text);

#endif
