#include "load/shard.h"

#include "base/text.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum err shard_parse(const char *text, struct shard *out, struct error *error)
{
    char first[24];
    int64_t place, count;
    const char *slash = strchr(text, '/');
    size_t length = slash != NULL ? (size_t)(slash - text) : sizeof first;
    bool read = false;
    if (length < sizeof first) {
        memcpy(first, text, length);
        first[length] = '\0';
        read = text_to_i64(first, &place) && text_to_i64(slash + 1, &count);
    }
    if (!read || count < 1 || count > SHARDS_MAX || place < 1 || place > count) {
        return error_set(error, ERR_USAGE, "--shard", 0,
                         "expected which of how many, 1/%d to %d/%d at most, got '%.60s'",
                         SHARDS_MAX, SHARDS_MAX, SHARDS_MAX, text);
    }
    *out = (struct shard){.index = (unsigned)(place - 1), .count = (unsigned)count};
    return ERR_OK;
}

/* ---- schedulers ---- */

struct scheduler {
    const char *variable; /* which of its tasks this is */
    int64_t first;
    const char *first_variable, *step_variable, *count_variable; /* NULL = it has none */
};

static const struct scheduler schedulers[] = {
    {"JOB_COMPLETION_INDEX", 0, NULL, NULL, NULL},
    {"TASK_SLOT", 1, NULL, NULL, NULL},
    {"SLURM_ARRAY_TASK_ID", 0, "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP",
     "SLURM_ARRAY_TASK_COUNT"},
};

#define SCHEDULERS (sizeof schedulers / sizeof schedulers[0])

/* Reads a variable; *out stays as it is if there is none of that name. */
static enum err read_variable(const char *name, char *(*lookup)(const char *name), int64_t *out,
                              struct error *error)
{
    const char *text = name != NULL ? lookup(name) : NULL;
    if (text != NULL && (!text_to_i64(text, out) || *out < 0)) {
        return error_set(error, ERR_USAGE, name, 0, "expected a whole number, got '%.60s'", text);
    }
    return ERR_OK;
}

static enum err find_scheduler(char *(*lookup)(const char *name), const struct scheduler **out,
                               struct error *error)
{
    *out = NULL;
    for (size_t i = 0; i < SCHEDULERS; i++) {
        if (lookup(schedulers[i].variable) == NULL) {
            continue;
        }
        if (*out != NULL) {
            return error_set(error, ERR_USAGE, "--shards", 0,
                             "both %s and %s are set: say which it is with --shard",
                             (*out)->variable, schedulers[i].variable);
        }
        *out = &schedulers[i];
    }
    if (*out == NULL) {
        return error_set(error, ERR_USAGE, "--shards", 0,
                         "neither JOB_COMPLETION_INDEX, TASK_SLOT nor SLURM_ARRAY_TASK_ID is set: "
                         "say which of them this is with --shard");
    }
    return ERR_OK;
}

enum err shard_from_environment(unsigned count, char *(*lookup)(const char *name),
                                struct shard *out, struct error *error)
{
    const struct scheduler *scheduler;
    enum err code = find_scheduler(lookup, &scheduler, error);
    if (code != ERR_OK) {
        return code;
    }
    int64_t task = 0, first = scheduler->first, step = 1, told = (int64_t)count;
    const struct {
        const char *name;
        int64_t *value;
    } rows[] = {{scheduler->variable, &task},
                {scheduler->first_variable, &first},
                {scheduler->step_variable, &step},
                {scheduler->count_variable, &told}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        code = read_variable(rows[i].name, lookup, rows[i].value, error);
        if (code != ERR_OK) {
            return code;
        }
    }
    if (told != (int64_t)count) {
        return error_set(error, ERR_USAGE, "--shards", 0, "%u, but %s is %lld", count,
                         scheduler->count_variable, (long long)told);
    }
    if (step < 1 || task < first || (task - first) % step != 0 ||
        (task - first) / step >= (int64_t)count) {
        return error_set(error, ERR_USAGE, scheduler->variable, 0,
                         "%lld is not the number of one of %u tasks from %lld on", (long long)task,
                         count, (long long)first);
    }
    *out = (struct shard){.index = (unsigned)((task - first) / step), .count = count};
    return ERR_OK;
}
