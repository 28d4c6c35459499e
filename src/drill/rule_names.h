/* Whether the rules define what a scenario speaks of, known before anything is started. Main thread
 * only. */
#ifndef DRILL_RULE_NAMES_H
#define DRILL_RULE_NAMES_H

#include "base/error.h"
#include "drill/scenario.h"

#include <stddef.h>

/* Every alert, group of alerts and record that an expectation names must stand in one of the rule
 * files, and so must the alert Watchdog, without which no drill is valid. A decoy may not expect an
 * alert that watches a quantity of the people (annotation `quantity`), and only of such an alert
 * can the delay be told in floors. What is wrong goes to `faults` with the expectation's line;
 * ERR_INPUT if anything is, or if a file is not YAML. */
enum err rule_names_check(const char *const *paths, size_t count, const struct scenario *scenario,
                          struct faults *faults, struct error *error);

#endif
