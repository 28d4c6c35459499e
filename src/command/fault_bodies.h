/* Whether the bundled recommender would take the faults that a scenario asks of it. */
#ifndef COMMAND_FAULT_BODIES_H
#define COMMAND_FAULT_BODIES_H

#include "base/error.h"
#include "drill/scenario.h"

/* A drill_check: what is wrong is added with the line of the disturbance. */
void fault_bodies_check(const struct scenario *scenario, struct faults *faults);

#endif
