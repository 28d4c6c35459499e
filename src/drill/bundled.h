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

struct bundled_config {
    const char *data_folder; /* what it trains on */
    const char *log_path;
    uint64_t seed;
};

enum err bundled_start(const struct bundled_config *config, struct bundled **out,
                       struct error *error);
/* Waits for the address it prints once its model is trained; valid until bundled_stop. */
enum err bundled_url(struct bundled *bundled, int64_t deadline_mono_ns, const char **url,
                     struct error *error);
/* False once it has ended; `what` tells how. */
bool bundled_alive(struct bundled *bundled, char *what, size_t size);
void bundled_stop(struct bundled *bundled); /* accepts NULL */

#endif
