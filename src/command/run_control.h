/*
 * Hands on a run while it goes: SIGUSR1 and SIGUSR2 play the schedule 10 % faster and slower, and a
 * socket takes commands, one a line, each answered by a line of JSON. Main thread only.
 *
 *     rate STEPS_PER_S    the rate from now on
 *     factor X            the same as a multiple of the rate asked for at the start
 *     step PERCENT        relative to the rate now: "step +10", "step -25%"
 *     hold, resume        nobody comes any more; they come again as before
 *     status              what was played so far
 *     stop                ends the run and has it reported
 */
#ifndef COMMAND_RUN_CONTROL_H
#define COMMAND_RUN_CONTROL_H

#include "base/error.h"
#include "load/engine.h"

#include <stdbool.h>
#include <stdint.h>

enum run_command_kind {
    RUN_COMMAND_RATE,
    RUN_COMMAND_FACTOR,
    RUN_COMMAND_STEP,
    RUN_COMMAND_HOLD,
    RUN_COMMAND_RESUME,
    RUN_COMMAND_STATUS,
    RUN_COMMAND_STOP
};

struct run_command {
    enum run_command_kind kind;
    double value; /* steps a second, a factor, or by what to multiply */
};

/* One line without its end. False with what was wrong in *problem (static text). */
bool run_command_read(const char *line, struct run_command *out, const char **problem);

struct run_control;

/* Before the first thread: from here on the two signals wait for run_control_wait. socket_path NULL
 * = signals only; else the socket is made (a dead one of that name is replaced) and only its owner
 * may connect. */
enum err run_control_open(const char *socket_path, struct run_control **out, struct error *error)
    __attribute__((warn_unused_result));
void run_control_close(struct run_control *control); /* removes the socket; accepts NULL */

struct run_controlled {
    struct engine *engine;
    double rate_per_s; /* at factor 1 */
    int64_t start_mono_ns;
};

enum run_control_event { RUN_CONTROL_NOTHING, RUN_CONTROL_INTERRUPTED, RUN_CONTROL_STOP };

/* Waits until the timeout, doing what is asked of it. INTERRUPTED: SIGINT or SIGTERM. */
enum run_control_event run_control_wait(struct run_control *control,
                                        const struct run_controlled *run, int64_t timeout_ns);

#endif
