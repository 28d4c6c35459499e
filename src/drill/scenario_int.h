/* Shared by scenario.c, which reads a scenario, and the readers of its parts. */
#ifndef DRILL_SCENARIO_INT_H
#define DRILL_SCENARIO_INT_H

#include "base/fields.h"
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
/* The object under key; false, with a fault if something else stands there, when there is none. */
bool scenario_read_object(const struct fields_at *at, const char *key, const char *const *known,
                          struct fields_at *out);
/* Index of the text at key in `words` (ended by NULL), of which `expected` tells a reader: for
 * places where something that is no word may stand, too. */
bool scenario_choose(const struct fields_at *at, const char *key, enum fields_need need,
                     const char *const *words, const char *expected, int *out);
/* Drill time of the phase under "starts" and the "delay" after it; a fault unless it lies in the
 * drill. */
int64_t scenario_read_onset(const struct fields_at *at, const struct scenario *scenario);

/* The parts, in the order in which they must be read: newcomers first, then traffic, then phases,
 * then what names phases. */
void scenario_read_target(const struct fields_at *root, struct scenario *out);
void scenario_read_traffic(const struct fields_at *root, struct scenario *out);
void scenario_read_behaviour(const struct fields_at *root, struct scenario_behaviour *out);
void scenario_read_injections(const struct fields_at *root, struct scenario *out);
void scenario_read_disturbances(const struct fields_at *root, struct scenario *out);
void scenario_read_expectations(const struct fields_at *root, struct scenario *out);
/* An expectation about a panel; kind, index and line are set. */
void scenario_read_panel(const struct fields_at *at, const struct scenario *scenario,
                         struct scenario_expectation *out);
extern const char *const scenario_panel_keys[]; /* ended by NULL */
/* What the ledger knows without shares to compare with; ended by NULL, the first is conversion. */
extern const char *const scenario_plain_quantities[];
/* One bound or both under the keys; an absent one stays as it is. */
void scenario_read_bounds(const struct fields_at *at, const char *const key[2], double min,
                          double max, struct scenario_expectation *out);

#endif
