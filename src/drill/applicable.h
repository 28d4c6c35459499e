/*
 * Which expectations of a scenario can be judged with a target that lacks something. What cannot is
 * taken out of the scenario before anything starts, with the reason, and listed as not applicable;
 * so everything behind this knows only expectations that can be judged.
 *
 * A phase that retrains a target which cannot be retrained, and one in which something happens to
 * it that cannot, is not played, nor is any phase after it. Main thread.
 */
#ifndef DRILL_APPLICABLE_H
#define DRILL_APPLICABLE_H

#include "base/error.h"
#include "drill/metric_map.h"
#include "drill/panels.h"
#include "drill/scenario.h"

#include <stdbool.h>
#include <stddef.h>

struct needs;

struct applicable_gap {
    char name[256]; /* of the expectation */
    char why[192];
    int line; /* in the scenario's file */
};

struct applicable { /* zeroed = everything is */
    int count;
    struct applicable_gap gap[SCENARIO_EXPECTATIONS_MAX];
    struct needs *needs; /* of the target, by the rules; NULL = not asked */
    const struct metric_map *map;
};

struct applicable_request {          /* borrowed */
    const struct metric_map *map;    /* NULL: no metrics at all; kept until applicable_deinit */
    bool ratings;                    /* does the target take any? */
    bool retrains, restarts, breaks; /* can it be retrained, started again, given faults? */
    const char *const *rules;        /* rule files that the scenario will be drilled with */
    size_t rule_count;
    const struct panel_boards *boards; /* NULL: panels are not looked at */
};

/* Reduces the scenario. ERR_INPUT, with a fault for each expectation, if none is left. *out needs
 * applicable_deinit in any case. */
enum err applicable_reduce(const struct applicable_request *request, struct scenario *scenario,
                           struct applicable *out, struct faults *faults, struct error *error)
    __attribute__((warn_unused_result));
/* Can the alert, or a query of a panel, say anything of the target? Else `why` tells what is
 * missing. */
bool applicable_alert(const struct applicable *applicable, const char *alert, char *why,
                      size_t size);
bool applicable_query(const struct applicable *applicable, const char *query, char *why,
                      size_t size);
void applicable_deinit(struct applicable *applicable);

#endif
