/*
 * The bundled recommender as the target of a drill: `driftdrill serve` run as a child process. The
 * drill knows its address and nothing else of it. Main thread only.
 */
#ifndef DRILL_BUNDLED_H
#define DRILL_BUNDLED_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bundled;

struct bundled_config {      /* texts borrowed by bundled_start only */
    const char *data_folder; /* what it trains on */
    const char *log_path;
    uint64_t seed;
    const char *model_path; /* starts from it if it is there, and keeps its models there; or NULL */
    const char *store_path; /* posted ratings outlive it there; NULL = in memory */
    const char *last_metrics_path; /* its metrics, written when it ends; or NULL */
    bool enable_faults;
};

enum err bundled_start(const struct bundled_config *config, struct bundled **out,
                       struct error *error);
/* Waits for the address it prints once its model is trained; valid until bundled_stop. */
enum err bundled_url(struct bundled *bundled, int64_t deadline_mono_ns, const char **url,
                     struct error *error);
/* False once it has ended; `what` tells how. Of one that is being or was paused: true. */
bool bundled_alive(struct bundled *bundled, char *what, size_t size);
/* Asks it to end, without waiting; what bundled_resume needs is kept. Every request it took is
 * answered first. */
void bundled_pause(struct bundled *bundled);
/* Has it ended since? Kills it once it has had three seconds. */
bool bundled_paused(struct bundled *bundled);
/* Starts it again at its former address, from its model. Ready as bundled_url tells. */
enum err bundled_resume(struct bundled *bundled, struct error *error);
void bundled_stop(struct bundled *bundled); /* accepts NULL */

#endif
