/* What the injections of a drill are worth, in every unit, told before it is played. */
#ifndef DRILL_EFFECT_REPORT_H
#define DRILL_EFFECT_REPORT_H

#include "base/parallel.h"
#include "population/effect.h"

#include <stdio.h>

/* Two or three lines for each injection, complete, lasting and alone: what was asked for and what
 * it comes to in degrees, stars, nats, PSI, conversion and reciprocal rank; then all at once if
 * there are several of the people. Bots are reckoned beside the people at rest, of shills it says
 * how many ratings are theirs. `drift` is bound and solved. Nothing is printed without
 * injections. */
void effect_report_print(FILE *file, const struct drift *drift, const struct effect_sample *sample,
                         const struct parallel *parallel);

#endif
