/*
 * The result folder of a drill. One drill at a time may write into it, and only files that drills
 * write are ever removed from it: a marker file, locked while a drill lasts, tells both. Main
 * thread only.
 */
#ifndef DRILL_RESULTS_H
#define DRILL_RESULTS_H

#include "base/error.h"

#define RESULTS_MARKER ".driftdrill"

struct results;

/* Makes the folder if it is absent, takes it until results_close and removes what an earlier drill
 * left there. ERR_USAGE if another drill has it, if something in it has the name of one of our
 * files but was not written by a drill, or if its path is too long. `folder` is borrowed. */
enum err results_open(const char *folder, struct results **out, struct error *error);
void results_close(struct results *results); /* accepts NULL; what the drill wrote stays */

#endif
