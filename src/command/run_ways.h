/* How the engine is to play what a run asks for: open or closed, with what patience, over which
 * transport. Constant after reading. */
#ifndef COMMAND_RUN_WAYS_H
#define COMMAND_RUN_WAYS_H

#include "base/error.h"
#include "base/option.h"
#include "load/engine.h"

#include <stdbool.h>
#include <stdint.h>

struct run_ways {
    int closed_users; /* 0 = open arrivals */
    bool lists_only;
    struct engine_patience patience;
    const char *transport; /* as transport_pick reads it */
    int64_t warmup_ns;     /* of the start; not in the latencies */
    const char *control;   /* path of the control socket; NULL = none */
};

/* From the options closed, lists-only, patience, transport, warmup and control. */
enum err run_ways_read(const struct options *options, int64_t duration_ns, struct run_ways *out,
                       struct error *error) __attribute__((warn_unused_result));
/* Each thread of each shard needs somebody of its own to play. */
enum err run_ways_divide(int32_t people, unsigned threads, unsigned shards, struct error *error)
    __attribute__((warn_unused_result));
/* Fills in how to play; `plan` knows already what. */
enum err run_ways_apply(const struct run_ways *ways, struct engine_plan *plan, struct error *error)
    __attribute__((warn_unused_result));

#endif
