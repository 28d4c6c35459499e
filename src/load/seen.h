/*
 * Who has seen which film before the drill, from the people's generated pasts, without writing
 * them anywhere. The same for any number of threads.
 */
#ifndef LOAD_SEEN_H
#define LOAD_SEEN_H

#include "base/parallel.h"
#include "load/engine.h"
#include "population/population.h"

/* Dies when memory is exhausted (start-up). Films that the drift, bound, withholds are in no past;
 * it may be NULL. */
void seen_build(const struct population *population, const struct drift *drift,
                const struct parallel *parallel, struct engine_seen *out);
void seen_deinit(struct engine_seen *seen);

#endif
