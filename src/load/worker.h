/*
 * One worker of the engine: the visits of the people it owns, its connections and its results.
 * Made and freed on the engine's thread; worker_main runs on its own; `live`, `stop` and `running`
 * are the only things both touch at once.
 */
#ifndef LOAD_WORKER_H
#define LOAD_WORKER_H

#include "base/error.h"
#include "load/engine.h"
#include "load/live.h"

#include <stdatomic.h>
#include <stdbool.h>

struct worker_signals {
    atomic_bool stop;    /* set by any thread: send nothing more */
    atomic_uint running; /* workers that have not returned yet */
    /* Of rate_change, which are constant once counted; the engine appends. */
    atomic_int rate_changes;
    struct pace_change rate_change[PACE_CHANGES_MAX];
};

struct worker;

enum err worker_new(const struct engine_plan *plan, unsigned index, struct worker_signals *signals,
                    struct worker **out, struct error *error);
void *worker_main(void *worker); /* a pthread body */
/* Brings *pace up to date; true if there was something new. */
bool worker_read_pace(const struct worker_signals *signals, struct pace *pace);
const struct live *worker_live(const struct worker *worker);
/* After worker_main returned: moves the results out. */
void worker_take_result(struct worker *worker, struct engine_result *out);
void worker_free(struct worker *worker); /* accepts NULL */

#endif
