/* The status line of a running drill on stderr: rewritten in place on a terminal, a plain line
 * every few seconds otherwise. Main thread only. */
#ifndef DRILL_STATUS_H
#define DRILL_STATUS_H

#include "load/engine.h"

#include <stdbool.h>
#include <stdint.h>

struct status {
    bool terminal;
    int64_t shown_ns;          /* drill time of the last line */
    struct engine_live before; /* totals then */
};

struct status_now {
    const char *phase;
    int64_t drill_ns, phase_left_ns;
    struct engine_live live;
    int alerts_pending, alerts_firing;
};

void status_init(struct status *status);
/* Shows a line if it is time for one. */
void status_show(struct status *status, const struct status_now *now);
/* Ends a line being rewritten, so that other text can follow. */
void status_break(struct status *status);

#endif
