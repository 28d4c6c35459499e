/* What a running drill shows on stderr: on a terminal of enough size the live view, on a smaller
 * one a line rewritten in place, otherwise a plain line every few seconds. Main thread only. */
#ifndef DRILL_STATUS_H
#define DRILL_STATUS_H

#include "drill/live_view.h"
#include "load/engine.h"

#include <stdbool.h>
#include <stdint.h>

struct status {
    bool terminal;
    int64_t shown_ns;          /* drill time of the last line or frame */
    struct engine_live before; /* totals then */
    struct live_view *view;    /* NULL: the line */
    int view_lines;            /* of the frame that stands on the terminal */
    bool view_gone;            /* it was wiped off for other text */
};

struct status_now {
    const char *phase;
    int64_t drill_ns, phase_left_ns;
    struct engine_live live;
    int alerts_pending, alerts_firing;
    const struct live_watched *watched; /* NULL: Prometheus has told nothing */
};

void status_init(struct status *status);
/* The same, with the live view of a scenario if the terminal allows it. */
void status_init_view(struct status *status, const struct scenario *scenario);
void status_deinit(struct status *status);
/* Shows a line or a frame if it is time for one. */
void status_show(struct status *status, const struct status_now *now);
/* Ends a line being rewritten, or wipes the frame off, so that other text can follow. */
void status_break(struct status *status);
/* The last frame or line stays where it is; other text follows. */
void status_end(struct status *status);

#endif
