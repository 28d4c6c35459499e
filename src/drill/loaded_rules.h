/*
 * Are the rules that a Prometheus has loaded those of a drill? Compared rule by rule with the files
 * rendered for it: names and their order, expressions, `for`, `keep_firing_for`, labels, intervals.
 * Annotations are not compared: they tell people and the drill, and Prometheus decides nothing by
 * them. Reads files, asks nobody.
 */
#ifndef DRILL_LOADED_RULES_H
#define DRILL_LOADED_RULES_H

#include "base/error.h"
#include "observe/rules.h"

#include <jansson.h>
#include <stdint.h>

/* One spelling for all expressions that are parsed alike, as Prometheus itself formats them; heap
 * (mem_free), NULL if it could not be had: then texts are compared without their blanks. */
typedef char *loaded_rules_spell(void *context, const char *expr);

struct loaded_rules_case {       /* borrowed */
    const struct rules *wanted;  /* as rendered */
    const json_t *document;      /* of GET /api/v1/rules */
    int64_t default_interval_ns; /* of groups without one, compressed */
    const char *where;           /* labels the faults: the Prometheus asked */
    loaded_rules_spell *spell;
    void *context;
};

/* Adds a fault for each difference; groups that are loaded beside those wanted are none, unless
 * they define an alert of the same name. An error means that a file could not be read. */
enum err loaded_rules_compare(const struct loaded_rules_case *loaded, struct faults *faults,
                              struct error *error) __attribute__((warn_unused_result));

#endif
