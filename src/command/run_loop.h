/* driftdrill run --loop: a scenario over and over, with retraining when an alert asks for it. */
#ifndef COMMAND_RUN_LOOP_H
#define COMMAND_RUN_LOOP_H

#include "base/error.h"
#include "base/option.h"
#include "command/run_settings.h"

#include <stdbool.h>
#include <stdint.h>

struct run;

struct run_loop_settings {
    bool wanted;                       /* else the run is played once, and the rest means nothing */
    int64_t loops;                     /* 0 = until a signal */
    const char *webhook;               /* NULL = nobody listens */
    bool on_alert;                     /* retrain */
    int64_t cooldown_ns;               /* real time */
    const char *past, *past_in_target; /* NULL if no phase retrains */
    char token[256];                   /* "" = none */
};

enum err run_loop_settings_read(const struct options *options, const struct run_settings *settings,
                                struct run_loop_settings *out, struct error *error)
    __attribute__((warn_unused_result));
/* Serves metrics and listens for alerts: before people are prepared, so that whoever watches finds
 * somebody there. */
enum err run_loop_listen(struct run *run, const struct run_loop_settings *settings,
                         struct error *error) __attribute__((warn_unused_result));
/* People, drift and visits are prepared. ERR_OK also when a signal ended
 * it. */
enum err run_loop(struct run *run, const struct run_loop_settings *settings, struct error *error)
    __attribute__((warn_unused_result));

#endif
