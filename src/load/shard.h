/*
 * One of several processes that play the same schedule together. Each takes the people whose number
 * leaves its index as the remainder, so that every visit is played by exactly one of them, whatever
 * number of threads each has. Constant; any thread.
 */
#ifndef LOAD_SHARD_H
#define LOAD_SHARD_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define SHARDS_MAX 10000

struct shard {
    unsigned index, count; /* index from 0; {0, 1} plays everything, and so does {0, 0} */
};

/* "2/4" is the second of four: people count from 1, the struct from 0. */
enum err shard_parse(const char *text, struct shard *out, struct error *error)
    __attribute__((warn_unused_result));

/*
 * The index as a scheduler tells it, `count` as the user does. `lookup` is getenv or a test's own.
 * Read are JOB_COMPLETION_INDEX (an indexed Kubernetes job, from 0), TASK_SLOT (a Swarm service
 * started with --env TASK_SLOT={{.Task.Slot}}, from 1) and SLURM_ARRAY_TASK_ID (a Slurm array, from
 * SLURM_ARRAY_TASK_MIN in steps of SLURM_ARRAY_TASK_STEP). ERR_USAGE if none or several are set,
 * the index lies beyond `count`, or Slurm's own count is another.
 */
enum err shard_from_environment(unsigned count, char *(*lookup)(const char *name),
                                struct shard *out, struct error *error)
    __attribute__((warn_unused_result));

/* Is the person played by this shard? */
static inline bool shard_owns(struct shard shard, int32_t person)
{
    return shard.count <= 1 || (uint32_t)person % shard.count == shard.index;
}

#endif
