/* The playing of a run from its start to its end, with its status line. Main thread. */
#ifndef COMMAND_RUN_PLAY_H
#define COMMAND_RUN_PLAY_H

#include <stdbool.h>
#include <stdint.h>

struct run;
struct run_control;

struct run_played {
    int64_t played_ns; /* drill time from the start to the end of the schedule, or to a stop */
    bool interrupted;  /* by a signal */
    bool stopped;      /* by whoever has the control socket */
};

/* Plays run->engine to the end of the schedule and of what is under way then, to the end of its
 * patience, or until told to end; the engine has been stopped then. */
struct run_played run_play(struct run *run, struct run_control *control);

#endif
