/* What a drill asks of a target that it has not started. Main thread only. */
#ifndef DRILL_DRILL_EXTERNAL_H
#define DRILL_DRILL_EXTERNAL_H

#include "base/error.h"
#include "drill/people.h"
#include "drill/scenario.h"
#include "drill/target_link.h"

/* Adds a fault for each disturbance that only somebody who started the stack can do. */
void drill_external_disturbances(const struct scenario *scenario, struct faults *faults);

struct drill_external_target { /* borrowed */
    const struct scenario *scenario;
    const struct people *people; /* with what they have seen */
    struct target_link *link;
};

/* Is it the target that this drill needs: trained on these people's past and on nothing since, open
 * for what the scenario will ask of it? Asks it for some lists. Adds a fault for what is wrong. */
void drill_external_check(const struct drill_external_target *target, struct faults *faults);

#endif
