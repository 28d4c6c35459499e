/* Which part of a schedule a process plays, as told by people and by schedulers. */
#include "load/shard.h"

#include <criterion/criterion.h>
#include <string.h>

Test(shard, a_shard_is_named_from_one_and_kept_from_zero)
{
    static const struct {
        const char *text;
        bool good;
        unsigned index, count;
    } rows[] = {
        {"1/1", true, 0, 1},    {"1/2", true, 0, 2},
        {"2/2", true, 1, 2},    {"10000/10000", true, 9999, 10000},
        {"0/2", false, 0, 0},   {"3/2", false, 0, 0},
        {"1/0", false, 0, 0},   {"1/10001", false, 0, 0},
        {"1", false, 0, 0},     {"", false, 0, 0},
        {"/", false, 0, 0},     {"1/", false, 0, 0},
        {"/2", false, 0, 0},    {"-1/2", false, 0, 0},
        {"1/2/3", false, 0, 0}, {" 1/2", false, 0, 0},
        {"1.0/2", false, 0, 0}, {"000000000000000000000000000001/2", false, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shard shard = {77, 77};
        struct error error = {0};
        enum err code = shard_parse(rows[i].text, &shard, &error);
        cr_expect_eq(code, rows[i].good ? ERR_OK : ERR_USAGE, "'%s'", rows[i].text);
        if (rows[i].good) {
            cr_expect(shard.index == rows[i].index && shard.count == rows[i].count, "'%s'",
                      rows[i].text);
        } else {
            cr_expect_str_eq(error.where, "--shard", "'%s'", rows[i].text);
        }
    }
}

/* The environment a row of the table below sets. */
static const char *const *environment;

static char *look_up(const char *name)
{
    for (const char *const *pair = environment; *pair != NULL; pair += 2) {
        if (strcmp(pair[0], name) == 0) {
            return (char *)pair[1];
        }
    }
    return NULL;
}

Test(shard, schedulers_number_their_tasks_in_their_own_ways)
{
    static const struct {
        const char *row, *variables[9];
        unsigned count;
        int index;        /* -1 = refused */
        const char *told; /* by the refusal */
    } rows[] = {
        {"kubernetes", {"JOB_COMPLETION_INDEX", "0"}, 3, 0, NULL},
        {"kubernetes, the last", {"JOB_COMPLETION_INDEX", "2"}, 3, 2, NULL},
        {"kubernetes, beyond", {"JOB_COMPLETION_INDEX", "3"}, 3, -1, "3 is not the number"},
        {"swarm", {"TASK_SLOT", "1"}, 3, 0, NULL},
        {"swarm, the last", {"TASK_SLOT", "3"}, 3, 2, NULL},
        {"swarm has no slot 0", {"TASK_SLOT", "0"}, 3, -1, "0 is not the number"},
        {"slurm", {"SLURM_ARRAY_TASK_ID", "0"}, 2, 0, NULL},
        {"slurm, an array from 5 in steps of 10",
         {"SLURM_ARRAY_TASK_ID", "25", "SLURM_ARRAY_TASK_MIN", "5", "SLURM_ARRAY_TASK_STEP", "10",
          "SLURM_ARRAY_TASK_COUNT", "3"},
         3,
         2,
         NULL},
        {"slurm, between two steps",
         {"SLURM_ARRAY_TASK_ID", "24", "SLURM_ARRAY_TASK_MIN", "5", "SLURM_ARRAY_TASK_STEP", "10"},
         3,
         -1,
         "24 is not the number"},
        {"slurm counts otherwise",
         {"SLURM_ARRAY_TASK_ID", "0", "SLURM_ARRAY_TASK_COUNT", "4"},
         3,
         -1,
         "3, but SLURM"},
        {"two schedulers", {"TASK_SLOT", "1", "JOB_COMPLETION_INDEX", "0"}, 3, -1, "both"},
        {"none", {"HOME", "/root"}, 3, -1, "neither"},
        {"no number", {"TASK_SLOT", "one"}, 3, -1, "whole number"},
        {"negative", {"JOB_COMPLETION_INDEX", "-1"}, 3, -1, "whole number"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shard shard = {0};
        struct error error = {0};
        environment = rows[i].variables;
        enum err code = shard_from_environment(rows[i].count, look_up, &shard, &error);
        cr_expect_eq(code, rows[i].index >= 0 ? ERR_OK : ERR_USAGE, "%s", rows[i].row);
        if (code == ERR_OK) {
            cr_expect(shard.index == (unsigned)rows[i].index && shard.count == rows[i].count, "%s",
                      rows[i].row);
        } else {
            cr_expect_not_null(strstr(error.text, rows[i].told), "%s: %s", rows[i].row, error.text);
        }
    }
}

Test(shard, everybody_is_played_by_exactly_one)
{
    for (unsigned count = 1; count <= 7; count++) {
        for (int32_t person = 0; person < 100; person++) {
            int owners = 0;
            for (unsigned index = 0; index < count; index++) {
                owners += shard_owns((struct shard){index, count}, person);
            }
            cr_expect_eq(owners, 1, "person %d of %u shards", person, count);
        }
    }
    cr_expect(shard_owns((struct shard){0, 0}, 5), "zeroed is the whole");
}
