/* A run that is one of several: what it was, as its file tells it. */
#include "command/run_result.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "command/command.h"
#include "small_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct small_world world;
static char folder[] = "/tmp/run-result-XXXXXX";

static void set_up(void)
{
    small_world_init(&world);
    cr_assert_not_null(mkdtemp(folder));
}

static void tear_down(void)
{
    struct error error = {0};
    small_world_deinit(&world);
    cr_assert_eq(file_remove_tree(folder, &error), ERR_OK);
}

TestSuite(run_result, .init = set_up, .fini = tear_down);

static const struct option_row rows[] = {
    {"shard", OPTION_TEXT, "I/N", NULL, 0, 0, ""},
    {"shards", OPTION_INT, "N", "1", 1, SHARDS_MAX, ""},
    {"start-at", OPTION_REAL, "UNIX_TIME", "0", 0, 9e9, ""},
    {"result", OPTION_TEXT, "FILE", NULL, 0, 0, ""},
    {NULL},
};

Test(run_result, a_part_is_named_by_option_or_by_scheduler)
{
    static const struct {
        const char *row, *line[6], *slot;
        enum err code;
        unsigned index, count;
        bool wanted;
    } table[] = {
        {"nothing", {"run"}, "2", ERR_OK, 0, 1, false},
        {"an option", {"run", "--shard", "2/3"}, NULL, ERR_OK, 1, 3, true},
        {"a slot", {"run", "--shards", "3"}, "3", ERR_OK, 2, 3, true},
        {"no slot", {"run", "--shards", "3"}, NULL, ERR_USAGE, 0, 0, false},
        {"both", {"run", "--shards", "3", "--shard", "1/3"}, NULL, ERR_USAGE, 0, 0, false},
        {"a file alone", {"run", "--result", "x"}, NULL, ERR_OK, 0, 1, true},
        {"a moment alone", {"run", "--start-at", "9"}, NULL, ERR_OK, 0, 1, true},
    };
    unsetenv("JOB_COMPLETION_INDEX");
    unsetenv("SLURM_ARRAY_TASK_ID");
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct options *options = NULL;
        struct run_sharing sharing;
        struct error error = {0};
        int argc = 0;
        while (argc < 6 && table[i].line[argc] != NULL) {
            argc++;
        }
        if (table[i].slot != NULL) {
            setenv("TASK_SLOT", table[i].slot, 1);
        } else {
            unsetenv("TASK_SLOT");
        }
        cr_assert_eq(options_parse(rows, argc, (char **)table[i].line, 0, 0, &options), ERR_OK);
        cr_expect_eq(run_sharing_read(options, &sharing, &error), table[i].code, "%s: %s",
                     table[i].row, error.text);
        if (table[i].code == ERR_OK) {
            cr_expect_eq(sharing.shard.index, table[i].index, "%s", table[i].row);
            cr_expect_eq(sharing.shard.count, table[i].count, "%s", table[i].row);
            cr_expect_eq(run_sharing_wanted(&sharing), table[i].wanted, "%s", table[i].row);
        }
        options_free(options);
    }
}

Test(run_result, all_begin_at_the_moment_agreed)
{
    struct run_sharing sharing = {.shard = {0, 1}};
    struct error error = {0};
    int64_t start_ns, now_ns = clock_mono_ns();
    cr_assert_eq(run_sharing_start(&sharing, 1000, &start_ns, &error), ERR_OK);
    cr_expect(start_ns >= now_ns + 1000 && start_ns < now_ns + CLOCK_NS_PER_S * 60);
    sharing.start_wall_ns = clock_wall_ns() + 3600 * CLOCK_NS_PER_S;
    cr_assert_eq(run_sharing_start(&sharing, 1000, &start_ns, &error), ERR_OK);
    double away_s = (double)(start_ns - now_ns) * 1e-9;
    cr_expect_float_eq(away_s, 3600, 60, "%.3f s", away_s);
    sharing.start_wall_ns = clock_wall_ns() - 3 * CLOCK_NS_PER_S;
    cr_expect_eq(run_sharing_start(&sharing, 1000, &start_ns, &error), ERR_INVALID);
    cr_expect_not_null(strstr(error.text, "not ready in time"), "%s", error.text);
}

static void write_part(unsigned shard, unsigned shards, const char *path)
{
    static struct run_settings settings;
    settings = (struct run_settings){.target = "http://fake",
                                     .rate = 50,
                                     .duration_ns = 60 * SMALL_WORLD_SECOND,
                                     .people = SMALL_WORLD_PEOPLE,
                                     .seed = 77,
                                     .threads = 1 + shard,
                                     .connections = 8,
                                     .list_length = 10,
                                     .steps_per_visit = 3,
                                     .think_median_s = 0.4,
                                     .think_sigma = 0.6,
                                     .wish = {.arrivals = TRAFFIC_CONSTANT, .by_activity = true},
                                     .timeout_ms = 1000};
    struct run_ways ways = {.transport = "auto", .warmup_ns = 5, .lists_only = true};
    struct run_sharing sharing = {.shard = {shard, shards}, .result_path = path};
    struct engine_result result;
    struct error error = {0};
    world.plan.shard = shard;
    world.plan.shards = shards;
    small_world_play(&world, &result);
    struct run_outcome outcome = {.settings = &settings,
                                  .ways = &ways,
                                  .result = &result,
                                  .data_name = "a small world",
                                  .data_fingerprint = 0xfedcba9876543210,
                                  .played_ns = (60 - shard) * SMALL_WORLD_SECOND,
                                  .cpu_s = 1.5,
                                  .interrupted = shard == 1};
    cr_assert_eq(
        run_result_write(&outcome, &sharing, clock_mono_ns() - shard * 2 * CLOCK_NS_PER_S, &error),
        ERR_OK, "%s", error.text);
    engine_result_deinit(&result);
}

Test(run_result, the_parts_describe_the_whole)
{
    char path[2][64];
    struct result_file file[2];
    struct run_merged merged;
    struct error error = {0};
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(path[i], sizeof path[i], "%s/%u", folder, i);
        write_part(i, 2, path[i]);
        cr_assert_eq(result_read(path[i], &file[i], &error), ERR_OK, "%s", error.text);
    }
    cr_assert_eq(run_result_describe(&file[1], "x", &merged, &error), ERR_OK, "%s", error.text);
    cr_expect_float_eq(merged.outcome.share, 0.5, 1e-12);
    cr_assert_eq(result_merge(&file[0], &file[1], &error), ERR_OK, "%s", error.text);
    cr_assert_eq(run_result_describe(&file[0], "x", &merged, &error), ERR_OK, "%s", error.text);
    cr_expect_float_eq(merged.outcome.share, 1, 1e-12);
    cr_expect_str_eq(merged.settings.target, "http://fake");
    cr_expect_float_eq(merged.settings.rate, 50, 1e-12);
    cr_expect_eq(merged.settings.duration_ns, 60 * SMALL_WORLD_SECOND);
    cr_expect_eq(merged.settings.people, SMALL_WORLD_PEOPLE);
    cr_expect_eq(merged.settings.seed, 77);
    cr_expect_eq(merged.settings.threads, 3, "those of both");
    cr_expect_eq(merged.settings.connections, 8);
    cr_expect_eq(merged.settings.wish.arrivals, TRAFFIC_CONSTANT);
    cr_expect(merged.settings.wish.by_activity);
    cr_expect(merged.ways.lists_only);
    cr_expect_eq(merged.ways.warmup_ns, 5);
    cr_expect_str_eq(merged.outcome.data_name, "a small world");
    cr_expect_eq(merged.outcome.data_fingerprint, 0xfedcba9876543210);
    cr_expect_eq(merged.outcome.played_ns, 60 * SMALL_WORLD_SECOND);
    cr_expect_float_eq(merged.outcome.cpu_s, 3, 1e-12);
    cr_expect(merged.outcome.interrupted);
    cr_expect_float_eq(run_result_skew_s(&file[0]), 2, 1.9);
    json_int_t first_ns = INT64_MAX;
    for (size_t i = 0; i < 2; i++) {
        const json_t *part = json_array_get(file[0].parts, i);
        json_int_t start_ns = json_integer_value(json_object_get(part, "start_unix_ns"));
        first_ns = start_ns < first_ns ? start_ns : first_ns;
    }
    cr_expect_eq(merged.outcome.started_wall_ns, first_ns, "the sum began with its first part");
    result_file_deinit(&file[0]);
    result_file_deinit(&file[1]);
}

Test(run_result, a_plan_that_lacks_something_is_refused)
{
    struct result_file file;
    struct run_merged merged;
    struct error error = {0};
    char path[64];
    (void)snprintf(path, sizeof path, "%s/one", folder);
    write_part(0, 1, path);
    cr_assert_eq(result_read(path, &file, &error), ERR_OK, "%s", error.text);
    json_object_del(file.plan, "rate");
    cr_expect_eq(run_result_describe(&file, "x", &merged, &error), ERR_INPUT);
    cr_expect_not_null(strstr(error.text, "rate"), "%s", error.text);
    result_file_deinit(&file);
}

/* Two parts merged as on the command line; the first was interrupted, which is told in the end. */
static enum err merge_parts(char *interrupted, char *other, struct error *error)
{
    char *argv[] = {"merge", interrupted, other};
    struct options *options = NULL;
    cr_assert_eq(options_parse(command_report_merge.options, 3, argv,
                               command_report_merge.positionals_min,
                               command_report_merge.positionals_max, &options),
                 ERR_OK);
    enum err code = command_report_merge.run(options, error);
    options_free(options);
    return code;
}

Test(run_result, a_part_that_cannot_be_merged_is_named_with_its_own_fault)
{
    char path[2][64];
    struct result_file file;
    struct error error = {0};
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(path[i], sizeof path[i], "%s/%u", folder, i);
        write_part(i, 2, path[i]);
    }
    cr_expect_eq(merge_parts(path[1], path[0], &error), ERR_INVALID);
    cr_expect_str_eq(error.where, path[1]);
    cr_expect_not_null(strstr(error.text, "interrupted"), "%s", error.text);
    error = (struct error){0};
    cr_assert_eq(result_read(path[0], &file, &error), ERR_OK, "%s", error.text);
    json_object_del(file.plan, "rate");
    cr_assert_eq(result_write(&file, path[0], &error), ERR_OK, "%s", error.text);
    result_file_deinit(&file);
    cr_expect_eq(merge_parts(path[1], path[0], &error), ERR_INPUT);
    cr_expect_str_eq(error.where, path[0]);
    cr_expect_not_null(strstr(error.text, "rate"), "%s", error.text);
}

Test(run_result, moments_that_no_clock_tells_lie_far_apart)
{
    struct result_file file = {.parts = json_pack("[{s:I}, {s:I}]", "start_unix_ns",
                                                  (json_int_t)INT64_MIN, "start_unix_ns",
                                                  (json_int_t)INT64_MAX)};
    double skew_s = run_result_skew_s(&file);
    cr_expect_float_eq(skew_s, 1.8446744e10, 1e4, "%.0f s", skew_s);
    json_decref(file.parts);
}
