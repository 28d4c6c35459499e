/* driftdrill report merge: the shards of one run become what a single process would have told. */
#include "base/mem.h"
#include "command/command.h"
#include "command/run_report.h"
#include "command/run_result.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Shards that began further apart did not load the target together. */
#define SKEW_MAX_S 1.0

static const struct option_row rows[] = {
    {"out", OPTION_TEXT, "FILE", NULL, 0, 0, "Write the merged result here; it can be merged on."},
    {"json", OPTION_TEXT, "FILE", NULL, 0, 0, "Write the report here, as run --json does."},
    {"partial", OPTION_FLAG, NULL, NULL, 0, 0, "Report although shards are missing."},
    {NULL},
};

/* Was each generator fit by itself? One that was not would drown in the others' figures: *invalid
 * keeps the first reason. An error is about the file. */
static enum err judge_part(const struct result_file *file, const char *path, struct error *invalid,
                           struct error *error)
{
    struct run_merged alone;
    enum err code = run_result_describe(file, path, &alone, error);
    if (code != ERR_OK) {
        return code;
    }
    struct fitness fitness = run_report_fitness(&alone.outcome);
    if (!fitness.fit) {
        (void)error_set(invalid, ERR_INVALID, path, 0, "%s", fitness.why);
    } else if (alone.outcome.interrupted) {
        (void)error_set(invalid, ERR_INVALID, path, 0, "this shard was interrupted");
    }
    return ERR_OK;
}

/* Adds all files to *sum. A part that was unfit is merged all the same. */
static enum err add_files(const struct options *options, struct result_file *sum,
                          struct error *invalid, struct error *error)
{
    for (int i = 0; i < options_positional_count(options); i++) {
        const char *path = options_positional(options, i);
        struct result_file *file = mem_zalloc(1, sizeof *file);
        enum err code = result_read(path, file, error);
        if (code == ERR_OK) {
            code = judge_part(file, path, invalid, error);
        }
        if (code == ERR_OK && i == 0) {
            *sum = *file;
            memset(file, 0, sizeof *file);
        } else if (code == ERR_OK) {
            struct error why = {0};
            code = result_merge(sum, file, &why);
            if (code != ERR_OK) {
                error_set(error, code, path, 0, "%s", why.text);
            }
        }
        result_file_deinit(file);
        mem_free(file);
        if (code != ERR_OK) {
            return code;
        }
    }
    return ERR_OK;
}

/* "2, 5 and 7" without its ends: the shards that are not there, as people count them. */
static void list_missing(const struct result_file *sum, char *out, size_t size)
{
    size_t next = 0, used = 0;
    out[0] = '\0';
    for (unsigned shard = 0; shard < sum->shards && used + 16 < size; shard++) {
        const json_t *part = json_array_get(sum->parts, next);
        if (part != NULL && json_integer_value(json_object_get(part, "shard")) == shard) {
            next++;
            continue;
        }
        used += (size_t)snprintf(out + used, size - used, "%s%u", used > 0 ? ", " : "", shard + 1);
    }
}

static enum err verdict(const struct options *options, const struct result_file *sum,
                        const struct error *invalid, struct error *error)
{
    char missing[256];
    if (!result_complete(sum) && !options_flag(options, "partial")) {
        list_missing(sum, missing, sizeof missing);
        return error_set(error, ERR_INVALID, NULL, 0, "missing of %u shards: %s", sum->shards,
                         missing);
    }
    if (invalid->code != ERR_OK) {
        return error_set(error, ERR_INVALID, invalid->where, 0, "%s", invalid->text);
    }
    double skew_s = run_result_skew_s(sum);
    if (skew_s > SKEW_MAX_S) {
        return error_set(
            error, ERR_INVALID, NULL, 0,
            "the shards began up to %.1f s apart (--start-at lets them begin together)", skew_s);
    }
    return ERR_OK;
}

static enum err report(const struct options *options, const struct result_file *sum,
                       const struct error *invalid, struct error *error)
{
    const char *out = options_text(options, "out"), *json = options_text(options, "json");
    struct run_merged *merged = mem_zalloc(1, sizeof *merged);
    enum err code = run_result_describe(sum, "the sum", merged, error);
    if (code == ERR_OK) {
        printf("%zu of %u shards, begun within %.3f s\n", json_array_size(sum->parts), sum->shards,
               run_result_skew_s(sum));
        run_report_print(&merged->outcome);
        fflush(stdout);
    }
    if (code == ERR_OK && out != NULL) {
        code = result_write(sum, out, error);
    }
    if (code == ERR_OK && json != NULL) {
        code = run_report_write(&merged->outcome, json, error);
    }
    mem_free(merged);
    return code == ERR_OK ? verdict(options, sum, invalid, error) : code;
}

static enum err merge(const struct options *options, struct error *error)
{
    struct result_file *sum = mem_zalloc(1, sizeof *sum);
    struct error invalid = {0};
    enum err code = add_files(options, sum, &invalid, error);
    if (code == ERR_OK) {
        code = report(options, sum, &invalid, error);
    }
    result_file_deinit(sum);
    mem_free(sum);
    return code;
}

const struct command command_report_merge = {
    .name = "report merge",
    .usage = "report merge FILE... [--out FILE] [--json FILE]",
    .summary = "add up the results of several shards of one run",
    .options = rows,
    .positionals_min = 1,
    .positionals_max = SHARDS_MAX,
    .run = merge,
};
