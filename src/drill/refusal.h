/* Why a Prometheus that ended at its start did so, if it was a rule that it could not read. Main
 * thread only. */
#ifndef DRILL_REFUSAL_H
#define DRILL_REFUSAL_H

#include "base/error.h"

#include <stdbool.h>

/* Searches the log for a refused rule file; true and *error (ERR_INPUT with the rendered file, its
 * line, group and rule) if there is one. */
bool refusal_of_rules(const char *log_path, struct error *error);

#endif
