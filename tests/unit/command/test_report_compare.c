/* Comparing builds, from files as run and capacity write them. */
#include "base/fileio.h"
#include "base/mem.h"
#include "base/text.h"
#include "capacity/search.h"
#include "command/capacity_report.h"
#include "command/command.h"
#include "command/versus_files.h"
#include "invalid.h"
#include "small_world.h"

#include "command/run_report.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static char folder[] = "/tmp/report-compare-XXXXXX";
static json_t *run_document; /* of a world that was really played */

static json_t *load(const char *path)
{
    json_t *root = json_load_file(path, 0, NULL);
    cr_assert_not_null(root, "%s", path);
    return root;
}

static void play_once(const char *path)
{
    static struct small_world world;
    static struct run_settings settings;
    struct run_ways ways = {.transport = "auto"};
    struct engine_result result;
    struct error error = {0};
    settings = (struct run_settings){.target = "http://a",
                                     .rate = 50,
                                     .duration_ns = 60 * SMALL_WORLD_SECOND,
                                     .people = SMALL_WORLD_PEOPLE,
                                     .seed = 1,
                                     .threads = 1,
                                     .connections = 8};
    small_world_init(&world);
    small_world_play(&world, &result);
    struct run_outcome outcome = {.settings = &settings,
                                  .ways = &ways,
                                  .result = &result,
                                  .data_name = "a small world",
                                  .started_wall_ns = 1700000000 * SMALL_WORLD_SECOND,
                                  .played_ns = 60 * SMALL_WORLD_SECOND,
                                  .cpu_s = 1.5};
    cr_assert_eq(run_report_write(&outcome, path, &error), ERR_OK, "%s", error.text);
    engine_result_deinit(&result);
    small_world_deinit(&world);
}

static void set_up(void)
{
    char path[64];
    cr_redirect_stdout();
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/played", folder);
    play_once(path);
    run_document = load(path);
    /* Time in the small world is not that of the clock, so its generator looks late. */
    json_object_set_new(run_document, "on_time", json_true());
}

static void tear_down(void)
{
    struct error error = {0};
    json_decref(run_document);
    cr_assert_eq(file_remove_tree(folder, &error), ERR_OK);
}

TestSuite(report_compare, .init = set_up, .fini = tear_down);

/* ---- files ---- */

static json_t *at(json_t *root, const char *path)
{
    char name[64];
    while (path[0] != '\0') {
        size_t length = strcspn(path, "/");
        (void)snprintf(name, sizeof name, "%.*s", (int)length, path);
        root = json_object_get(root, name);
        path += length + (path[length] == '/');
    }
    cr_assert_not_null(root);
    return root;
}

static void save(const json_t *root, const char *name)
{
    char path[96];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    cr_assert_eq(json_dump_file(root, path, 0), 0);
}

/* The k-th of the runs of a side: p99 in seconds, begun in its k-th minute. */
static json_t *make_run(double p99_s, int seed, int minute)
{
    char started[48];
    json_t *root = json_deep_copy(run_document);
    (void)snprintf(started, sizeof started, "2026-03-01T%02d:%02d:00.000Z", minute / 60,
                   minute % 60);
    json_object_set_new(at(root, "latency/list/from_intended"), "p99_s", json_real(p99_s));
    json_object_set_new(at(root, "settings"), "seed", json_integer(seed));
    json_object_set_new(root, "started", json_string(started));
    return root;
}

enum { RUNS = 6 };

/* A and B in turns, B `factor` times as slow; a0 ... a5 and b0 ... b5. */
static void make_runs(double factor)
{
    static const double luck[RUNS] = {1.00, 1.03, 0.98, 1.02, 0.97, 1.01};
    char name[24];
    for (int k = 0; k < RUNS; k++) {
        json_t *a = make_run(0.02 * luck[k], k, 2 * k);
        json_t *b = make_run(0.02 * luck[(k + 1) % RUNS] * factor, k, 2 * k + 1);
        json_object_set_new(at(b, "settings"), "target", json_string("http://b"));
        (void)snprintf(name, sizeof name, "a%d", k);
        save(a, name);
        (void)snprintf(name, sizeof name, "b%d", k);
        save(b, name);
        json_decref(a);
        json_decref(b);
    }
}

static void list_of(const char *names, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    while (names[0] != '\0') {
        size_t length = strcspn(names, ",");
        used += (size_t)snprintf(out + used, size - used, "%s%s/%.*s", used > 0 ? "," : "", folder,
                                 (int)length, names);
        names += length + (names[length] == ',');
    }
}

/* As on the command line; `more` holds options, ended by NULL. *out is the JSON, if there is any.
 */
static enum err run_command(const char *a, const char *b, const char *const *more, json_t **out,
                            struct error *error)
{
    char list[2][1024], json[96];
    char *argv[16] = {"compare", "--a", list[0], "--b", list[1], "--json", json};
    int argc = 7;
    struct options *options = NULL;
    list_of(a, list[0], sizeof list[0]);
    list_of(b, list[1], sizeof list[1]);
    (void)snprintf(json, sizeof json, "%s/out.json", folder);
    for (; more != NULL && *more != NULL; more++) {
        argv[argc++] = (char *)*more;
    }
    *error = (struct error){0};
    cr_assert_eq(options_parse(command_report_compare.options, argc, argv, 0, 0, &options), ERR_OK);
    enum err code = command_report_compare.run(options, error);
    options_free(options);
    if (out != NULL) {
        *out = load(json);
    }
    return code;
}

static double number(json_t *root, const char *path)
{
    const json_t *value = at(root, path);
    cr_assert(json_is_number(value), "%s", path);
    return json_number_value(value);
}

static const char *words(json_t *root, const char *path)
{
    const char *text = json_string_value(at(root, path));
    cr_assert_not_null(text, "%s", path);
    return text;
}

/* ---- comparisons ---- */

Test(report_compare, a_slower_build_is_shown_slower)
{
    struct error error;
    json_t *out;
    make_runs(1.3);
    cr_assert_eq(run_command("a*", "b*", NULL, &out, &error), ERR_OK, "%s", error.text);
    cr_expect_str_eq(words(out, "figure"), "list.p99");
    cr_expect_str_eq(words(out, "difference"), "shown");
    cr_expect_str_eq(words(out, "order"), "interleaved");
    cr_expect_float_eq(number(out, "a/median"), 20.1, 1e-6);
    cr_expect_float_eq(number(out, "a/low"), 19.4, 1e-6);
    cr_expect_float_eq(number(out, "a/covers"), 0.96875, 1e-9);
    cr_expect_float_eq(number(out, "b_over_a/ratio"), 1.3, 1e-6);
    cr_expect(number(out, "b_over_a/low") > 1.2 && number(out, "b_over_a/high") < 1.4);
    cr_expect_float_eq(number(out, "b_over_a/mann_whitney/p"), 2.0 / 924, 1e-9);
    /* Odd runs 1.00, .98, .97, even ones 1.03, 1.02, 1.01. */
    cr_expect_float_eq(number(out, "noise/ratio"), 1.02 / 0.98, 1e-6);
    cr_expect(json_is_true(at(out, "noise/exceeded")));
    cr_expect_eq(json_array_size(at(out, "warnings")), 0);
    cr_expect(text_starts(words(out, "text"), "B is slower than A: its list.p99 is 1.3 ("), "%s",
              words(out, "text"));
    cr_expect_not_null(strstr(words(out, "text"), ", further from 1 than the noise floor"));
    json_decref(out);
}

Test(report_compare, the_other_way_it_is_faster)
{
    struct error error;
    json_t *out;
    make_runs(1.3);
    cr_assert_eq(run_command("b0,b1,b2,b3,b4,b5", "a0,a1,a2,a3,a4,a5", NULL, &out, &error), ERR_OK,
                 "%s", error.text);
    cr_expect(text_starts(words(out, "text"), "B is faster than A"), "%s", words(out, "text"));
    json_decref(out);
}

Test(report_compare, the_same_build_shows_no_difference)
{
    struct error error;
    json_t *out;
    make_runs(1);
    cr_assert_eq(run_command("a*", "b*", NULL, &out, &error), ERR_OK, "%s", error.text);
    cr_expect_str_eq(words(out, "difference"), "not shown");
    cr_expect(json_is_false(at(out, "noise/exceeded")));
    cr_expect_not_null(strstr(words(out, "text"), "no difference shown"));
    cr_expect_not_null(strstr(words(out, "text"), ", no further from 1 than the noise floor"));
    json_decref(out);
}

Test(report_compare, other_runs_of_the_same_build_are_the_noise_floor)
{
    char again[1024];
    struct error error;
    json_t *out;
    make_runs(1.3);
    for (int k = 0; k < RUNS; k++) {
        char name[24];
        json_t *root = make_run(0.0201 * (1 + 0.001 * k), k, 2 * k + 1);
        (void)snprintf(name, sizeof name, "c%d", k);
        save(root, name);
        json_decref(root);
    }
    list_of("c*", again, sizeof again);
    const char *const more[] = {"--aa", again, NULL};
    cr_assert_eq(run_command("a*", "b*", more, &out, &error), ERR_OK, "%s", error.text);
    cr_expect_str_eq(words(out, "noise/of"), "other runs of A");
    cr_expect_float_eq(number(out, "noise/ratio"), 1.0025, 1e-6);
    cr_expect_eq(json_array_size(at(out, "noise/again/runs")), RUNS);
    json_decref(out);
}

Test(report_compare, a_gate_fails_only_if_the_whole_interval_is_worse)
{
    static const char *const strict[] = {"--fail-if-worse", "10", NULL};
    static const char *const lenient[] = {"--fail-if-worse", "30", NULL};
    struct error error;
    make_runs(1.3);
    cr_expect_eq(run_command("a*", "b*", strict, NULL, &error), ERR_FAILED);
    cr_expect_not_null(strstr(error.text, "list.p99 of B is worse"), "%s", error.text);
    cr_expect_eq(run_command("a*", "b*", lenient, NULL, &error), ERR_OK, "%s", error.text);
    cr_expect_eq(run_command("b*", "a*", strict, NULL, &error), ERR_OK, "%s", error.text);
}

Test(report_compare, every_figure_is_taken_from_where_run_writes_it)
{
    static const struct {
        const char *figure, *path;
        double scale;
    } table[] = {
        {"list.p50", "latency/list/from_intended/p50_s", 1e3},
        {"list.p99.9", "latency/list/from_intended/p999_s", 1e3},
        {"rating.p90", "latency/rating/from_intended/p90_s", 1e3},
        {"rating.mean", "latency/rating/from_intended/mean_s", 1e3},
        {"rating.max", "latency/rating/from_intended/max_s", 1e3},
        {"achieved", "achieved_steps_per_s", 1},
    };
    struct faults faults;
    struct versus_file file;
    char path[96];
    faults_init(&faults);
    save(run_document, "one");
    list_of("one", path, sizeof path);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct versus_figure *figure = versus_figure_find(table[i].figure);
        cr_assert_not_null(figure, "%s", table[i].figure);
        cr_expect_eq(versus_file_read(path, &figure, &file, &faults), ERR_OK, "%s",
                     table[i].figure);
        double wanted = number(run_document, table[i].path) * table[i].scale;
        cr_expect(wanted > 0 && fabs(file.value / wanted - 1) < 1e-12, "%s: %g", table[i].figure,
                  file.value);
        cr_expect_float_eq(file.start_s, 1.7e9, 1e-3, "%.3f", file.start_s);
        versus_file_deinit(&file);
    }
    const struct versus_figure *figure = versus_figure_find("cpu_us_a_step");
    cr_expect_eq(versus_file_read(path, &figure, &file, &faults), ERR_OK);
    cr_expect_float_eq(file.value, 1.5e6 / number(run_document, "steps"), 1e-6);
    versus_file_deinit(&file);
    faults_deinit(&faults);
}

static void make_search(const char *name, double low, const char *outcome_started, uint64_t seed)
{
    struct capacity_config config;
    struct faults faults;
    struct error error = {0};
    char path[96];
    faults_init(&faults);
    capacity_config_init(&config);
    cr_assert_eq(slo_read("p99<50ms", "", &config.slo, &faults), ERR_OK);
    config.seed = seed;
    struct capacity_result result = {.outcome = CAPACITY_FOUND,
                                     .low_per_s = low,
                                     .high_per_s = low * 1.02,
                                     .estimate_per_s = low * 1.01,
                                     .estimate_low_per_s = low,
                                     .estimate_high_per_s = low * 1.02};
    struct capacity_report report = {.config = &config,
                                     .result = &result,
                                     .target = "http://a",
                                     .people = 100,
                                     .started_unix_s = strtoll(outcome_started, NULL, 10)};
    list_of(name, path, sizeof path);
    cr_assert_eq(capacity_report_write_json(&report, path, &error), ERR_OK, "%s", error.text);
    faults_deinit(&faults);
}

Test(report_compare, more_is_better_of_capacities)
{
    struct error error;
    json_t *out;
    for (int k = 0; k < 5; k++) {
        char name[24], started[24];
        (void)snprintf(name, sizeof name, "a%d", k);
        (void)snprintf(started, sizeof started, "%d", 1700000000 + 7200 * k);
        make_search(name, 400 + k, started, (uint64_t)k);
        name[0] = 'b';
        (void)snprintf(started, sizeof started, "%d", 1700003600 + 7200 * k);
        make_search(name, 500 + k, started, (uint64_t)k);
    }
    cr_assert_eq(run_command("a*", "b*", NULL, &out, &error), ERR_OK, "%s", error.text);
    cr_expect_str_eq(words(out, "figure"), "capacity");
    cr_expect_str_eq(words(out, "order"), "interleaved");
    cr_expect_float_eq(number(out, "a/median"), 402, 1e-6);
    cr_expect(json_is_null(at(out, "a/low")), "five runs are too few at 95 %%");
    cr_expect(text_starts(words(out, "text"), "B is faster than A"), "%s", words(out, "text"));
    json_decref(out);
    static const char *const gate[] = {"--fail-if-worse", "10", NULL};
    cr_expect_eq(run_command("b*", "a*", gate, NULL, &error), ERR_FAILED);
}

/* ---- what is wrong with them ---- */

Test(report_compare, runs_in_blocks_and_without_a_time_are_warned_of)
{
    struct error error;
    json_t *out;
    make_runs(1.3);
    for (int k = 0; k < RUNS; k++) {
        char name[24];
        json_t *root = make_run(0.03 + 0.001 * k, k, 100 + k);
        (void)snprintf(name, sizeof name, "late%d", k);
        save(root, name);
        json_object_set_new(root, "started", json_null());
        json_object_set_new(at(root, "settings"), "target", json_integer(k));
        (void)snprintf(name, sizeof name, "when%d", k);
        save(root, name);
        json_decref(root);
    }
    cr_assert_eq(run_command("a*", "late*", NULL, &out, &error), ERR_OK, "%s", error.text);
    cr_expect_str_eq(words(out, "order"), "not interleaved");
    cr_expect_eq(json_array_size(at(out, "warnings")), 1);
    json_decref(out);
    cr_assert_eq(run_command("a*", "when*", NULL, &out, &error), ERR_OK, "%s", error.text);
    cr_expect_str_eq(words(out, "order"), "unknown");
    cr_expect_eq(json_array_size(at(out, "warnings")), 2, "the targets differ as well");
    json_decref(out);
}

Test(report_compare, few_runs_are_told_and_compare_nothing)
{
    struct error error;
    json_t *out;
    make_runs(1.3);
    cr_expect_eq(run_command("a0,a1,a2", "b0,b1,b2", NULL, &out, &error), ERR_INVALID);
    cr_expect_not_null(strstr(error.text, "from 3 and 3 runs"), "%s", error.text);
    cr_expect_str_eq(words(out, "difference"), "too few runs");
    cr_expect(json_is_null(at(out, "b_over_a/low")));
    json_decref(out);
}

/* All faults, one a line, without the folder. */
static enum err faults_of(const char *a, const char *b, char *out, size_t size)
{
    char list[2][1024];
    struct versus_files files;
    struct faults faults;
    size_t used = 0;
    faults_init(&faults);
    list_of(a, list[0], sizeof list[0]);
    list_of(b, list[1], sizeof list[1]);
    const char *const lists[VERSUS_SIDES] = {list[0], list[1], NULL};
    enum err code = versus_files_read(lists, NULL, &files, &faults);
    out[0] = '\0';
    for (size_t i = 0; i < faults.count; i++) {
        const struct fault *fault = &faults.list[i];
        const char *name = strrchr(fault->where, '/');
        used += (size_t)snprintf(out + used, size - used, "%s: %s\n",
                                 name != NULL ? name + 1 : fault->where, fault->text);
    }
    versus_files_deinit(&files);
    faults_deinit(&faults);
    return code;
}

static void change(const char *from, const char *to, const char *where, const char *name,
                   json_t *value)
{
    char path[96];
    list_of(from, path, sizeof path);
    json_t *root = load(path);
    json_object_set_new(at(root, where), name, value);
    save(root, to);
    json_decref(root);
}

Test(report_compare, other_plans_are_refused_all_at_once)
{
    char text[4096];
    make_runs(1.1);
    change("b0", "b0", "settings", "rate", json_real(60));
    change("b1", "b1", "ways", "lists_only", json_true());
    change("b2", "b2", "settings", "seed", json_integer(99));
    change("a2", "copy", "", "started", json_string("2026-03-01T00:04:00.000Z"));
    change("b3", "b3", "settings", "data", json_string("elsewhere"));
    cr_expect_eq(faults_of("a*", "b*,a1,nowhere,copy", text, sizeof text), ERR_INPUT);
    cr_expect_not_null(strstr(text, "nowhere: "), "%s", text);
    cr_expect_not_null(strstr(text, "a0: rate 60.0, not 50.0\n"), "%s", text);
    cr_expect_not_null(strstr(text, "a0: lists_only true, not false\n"), "%s", text);
    cr_expect_not_null(strstr(text, "a1: given twice\n"), "%s", text);
    cr_expect_not_null(strstr(text, "copy: the same run as "), "%s", text);
    cr_expect_null(strstr(text, "elsewhere"), "a folder's name is no plan: %s", text);
    change("b3", "b3", "settings", "rate", json_integer(50));
    cr_expect_eq(faults_of("a3", "b3", text, sizeof text), ERR_OK, "50 is 50.0: %s", text);
    cr_expect_eq(faults_of("a0,a1,a2", "b3,b4,b2", text, sizeof text), ERR_INPUT);
    cr_expect_not_null(strstr(text, "b2: 99, which no run of --a has\n"), "%s", text);
    cr_expect_not_null(strstr(text, "a2: 2, which no run of --b has\n"), "%s", text);
    cr_expect_eq(faults_of("a0,no*", "b3", text, sizeof text), ERR_INPUT);
    cr_expect_not_null(strstr(text, "no*: no file matches\n"), "%s", text);
    cr_expect_eq(faults_of("", "b3", text, sizeof text), ERR_INPUT);
    cr_expect_not_null(strstr(text, "--a: names no file\n"), "%s", text);
}

Test(report_compare, unfit_runs_are_refused_by_name)
{
    char text[4096];
    struct error error;
    make_runs(1.1);
    change("b1", "b1", "", "on_time", json_false());
    change("b4", "b4", "", "stopped", json_true());
    cr_expect_eq(faults_of("a*", "b*", text, sizeof text), ERR_INVALID);
    cr_expect_not_null(strstr(text, "b1: not fit to compare: the generator: "), "%s", text);
    cr_expect_not_null(strstr(text, "b4: not fit to compare: stopped before its end\n"), "%s",
                       text);
    cr_expect_eq(run_command("a*", "b*", NULL, NULL, &error), ERR_INVALID);
    cr_expect_not_null(strstr(error.text, "2 faults"), "%s", error.text);
    change("b2", "b2", "settings", "rate", json_real(60));
    cr_expect_eq(run_command("a*", "b*", NULL, NULL, &error), ERR_INPUT);
    cr_expect_not_null(strstr(error.text, "3 faults"), "%s", error.text);
}

Test(report_compare, a_search_in_which_nothing_failed_found_no_capacity)
{
    char text[1024];
    make_search("found", 400, "1700000000", 1);
    make_search("open", 500, "1700003600", 1);
    change("open", "wide", "capacity", "outcome", json_string("wide"));
    cr_expect_eq(faults_of("found", "wide", text, sizeof text), ERR_OK, "%s", text);
    change("wide", "open", "capacity", "high_per_s", json_null());
    cr_expect_eq(faults_of("found", "open", text, sizeof text), ERR_INVALID);
    cr_expect_str_eq(text, "open: not fit to compare: no rate that it tried failed\n");
}

Test(report_compare, bad_options_are_told_together)
{
    char *argv[] = {"compare", "--of", "p99"};
    struct options *options = NULL;
    struct error error = {0};
    cr_redirect_stderr();
    cr_assert_eq(options_parse(command_report_compare.options, 3, argv, 0, 0, &options), ERR_OK);
    cr_expect_eq(command_report_compare.run(options, &error), ERR_USAGE);
    options_free(options);
    (void)fflush(stderr);
    FILE *told = cr_get_redirected_stderr();
    char text[2048] = "";
    cr_assert(fread(text, 1, sizeof text - 1, told) > 0);
    cr_expect_not_null(strstr(text, "--a: is needed"), "%s", text);
    cr_expect_not_null(strstr(text, "--b: is needed"), "%s", text);
    cr_expect_not_null(strstr(text, "no figure 'p99'; there are list.p50"), "%s", text);
}

static void read_one(const char *path, char *message, size_t size)
{
    const struct versus_figure *figure = NULL;
    struct versus_file file;
    struct faults faults;
    size_t used = 0;
    faults_init(&faults);
    enum err code = versus_file_read(path, &figure, &file, &faults);
    for (size_t i = 0; i < faults.count && used < size; i++) {
        const struct fault *fault = &faults.list[i];
        used += (size_t)snprintf(message + used, size - used, "%s%d: %s%s%s", i > 0 ? "\n" : "",
                                 err_exit_status(code), fault->path,
                                 fault->path[0] != '\0' ? ": " : "", fault->text);
    }
    versus_file_deinit(&file);
    faults_deinit(&faults);
}

Test(report_compare, malformed_files_are_told)
{
    cr_expect_eq(invalid_each("compare", read_one), 0);
}
