/* Shared by scenario.c, which reads a scenario, and expectations.c, which reads that part of it. */
#ifndef DRILL_SCENARIO_INT_H
#define DRILL_SCENARIO_INT_H

#include "drill/fields.h"
#include "drill/scenario.h"

/* By enum scenario_quantity, ended by NULL; the first is no quantity. */
extern const char *const scenario_quantity_names[];

/* Reads a production duration and divides it by time_scale; a fraction of a millisecond is a
 * fault. True if *out_ns was set. */
bool scenario_read_duration(const struct fields_at *at, const char *key, enum fields_need need,
                            int64_t min_ns, int64_t time_scale, int64_t *out_ns);
/* Reads a phase name under key; -1 (with a fault if it was given) when there is none. */
int scenario_read_phase_name(const struct fields_at *at, const char *key, enum fields_need need,
                             const struct scenario *scenario);
/* After the phases. */
void scenario_read_expectations(const struct fields_at *root, struct scenario *out);

#endif
