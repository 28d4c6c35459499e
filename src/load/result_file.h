/*
 * The outcome of a run as one JSON document, without loss: histograms bucket by bucket, the ledger
 * with every bucket of observed time, every count. Two processes that played shards of one schedule
 * each write one; merged they are what a single process would have written. docs/shards.md explains
 * the members. Main thread.
 */
#ifndef LOAD_RESULT_FILE_H
#define LOAD_RESULT_FILE_H

#include "base/error.h"
#include "load/engine.h"
#include "load/shard.h"

#include <jansson.h>
#include <stdbool.h>

#define RESULT_FORMAT 1

struct result_file {
    /* What was to be played: the same in every shard, or they do not belong together. An object;
     * only compared here. */
    json_t *plan;
    /* An array, one object for each process whose outcome is in `result`, by "shard", its index
     * from 0; further members (host, threads, when it began) are the writer's. */
    json_t *parts;
    unsigned shards;             /* how many there are in all; 1 = not sharded */
    struct engine_result result; /* without events: what a single list came to is not written */
};

void result_file_deinit(struct result_file *file); /* accepts a zeroed one */

enum err result_write(const struct result_file *file, const char *path, struct error *error)
    __attribute__((warn_unused_result));
/* ERR_INPUT with the place in the document if it is not such a file. */
enum err result_read(const char *path, struct result_file *out, struct error *error)
    __attribute__((warn_unused_result));
/* Adds `from`. ERR_INPUT if their plans differ (the first member that does is named) or a shard is
 * in both. The order of merging does not matter. Changes of the rate stay in the result only if
 * both had the same. */
enum err result_merge(struct result_file *into, struct result_file *from, struct error *error)
    __attribute__((warn_unused_result));
/* Are all shards in it? */
bool result_complete(const struct result_file *file);

#endif
