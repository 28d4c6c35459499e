/* The generator's own /metrics: live figures of the engine under driftdrill_ names. */
#ifndef COMMAND_RUN_METRICS_H
#define COMMAND_RUN_METRICS_H

#include "base/buf.h"
#include "base/error.h"
#include "base/httpd.h"
#include "command/run_settings.h"
#include "load/engine.h"

#include <stdint.h>

struct run_metrics { /* constant while served */
    const struct run_settings *settings;
    const struct engine *engine;
    int64_t start_mono_ns;
};

/* The page, as of a moment of the drill. */
void run_metrics_write(struct buf *out, const struct run_settings *settings,
                       const struct engine_live *live, int64_t drill_ns);
/* *metrics and the engine must outlive the server: httpd_stop before engine_join. */
enum err run_metrics_serve(const struct run_metrics *metrics, struct httpd **out,
                           struct error *error);

#endif
