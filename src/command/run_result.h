/*
 * A run that is one of several: which part of the schedule it plays, when all of them begin, and
 * the file it leaves for `driftdrill report merge`. Main thread only.
 */
#ifndef COMMAND_RUN_RESULT_H
#define COMMAND_RUN_RESULT_H

#include "base/error.h"
#include "base/option.h"
#include "command/run_report.h"
#include "load/result_file.h"
#include "load/shard.h"

#include <stdbool.h>
#include <stdint.h>

struct run_sharing {
    struct shard shard;
    int64_t start_wall_ns;   /* when drill time is to begin; 0 = at once */
    const char *result_path; /* NULL = no file is asked for */
};

/* From the options shard, shards, start-at and result. */
enum err run_sharing_read(const struct options *options, struct run_sharing *out,
                          struct error *error) __attribute__((warn_unused_result));
/* Is anything asked for that a run alone does without? */
bool run_sharing_wanted(const struct run_sharing *sharing);
/* Monotonic time of drill time 0: as agreed, or lead_ns from now. ERR_INVALID if the moment agreed
 * has passed: the shards would not play together. */
enum err run_sharing_start(const struct run_sharing *sharing, int64_t lead_ns,
                           int64_t *start_mono_ns, struct error *error)
    __attribute__((warn_unused_result));

/* Writes what the run came to, without loss. The result is borrowed; nothing in it changes. */
enum err run_result_write(const struct run_outcome *outcome, const struct run_sharing *sharing,
                          int64_t start_mono_ns, struct error *error)
    __attribute__((warn_unused_result));

struct run_merged { /* what a file says of the run, for its report */
    struct run_settings settings;
    struct run_ways ways;
    struct run_outcome outcome; /* borrows from the two above and from the file */
};

/* Reads plan and parts of a result file, one or several shards. ERR_INPUT if a member is missing or
 * of another kind. *out borrows from the file and must stay where it is. */
enum err run_result_describe(const struct result_file *file, const char *path,
                             struct run_merged *out, struct error *error)
    __attribute__((warn_unused_result));
/* Greatest difference in seconds between the moments at which the parts began. */
double run_result_skew_s(const struct result_file *file);

#endif
