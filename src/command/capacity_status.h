/*
 * The status line of a capacity search, on stderr: overwritten on a terminal, a line now and then
 * elsewhere, and one that stays for each run. Main thread only.
 */
#ifndef COMMAND_CAPACITY_STATUS_H
#define COMMAND_CAPACITY_STATUS_H

#include "capacity/search.h"
#include "load/engine.h"

#include <stdbool.h>
#include <stdint.h>

struct capacity_status {
    bool terminal;
    char what[64];
    int64_t shown_ns, steps_shown;
};

void capacity_status_init(struct capacity_status *status);
/* Names what is played from now on. */
void capacity_status_begin(struct capacity_status *status, const char *what);
void capacity_status_clear(const struct capacity_status *status);
/* The `show` of a struct capacity_stand and a capacity_progress_fn; the context is the status. */
void capacity_status_live(void *status, double now_s, double end_s, const struct engine_live *live);
void capacity_status_progress(void *status, const struct capacity_progress *progress);

#endif
