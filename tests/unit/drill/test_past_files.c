#include "drill/past_files.h"

#include "base/fileio.h"
#include "base/mem.h"
#include "movielens/dataset.h"
#include "people_world.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { PEOPLE = 400 };

#define DRILL_S INT64_C(1700000000)

static void make_folder(char folder[static 64])
{
    strncpy(folder, "/tmp/driftdrill-past-XXXXXX", 64);
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(const char *folder)
{
    struct error error = {0};
    cr_expect_eq(file_remove_tree(folder, &error), ERR_OK, "%s", error.text);
}

static struct past_files_report must_write(const struct people_world *world, unsigned threads,
                                           const struct drift *drift, const char *folder)
{
    struct parallel parallel = {.threads = threads};
    struct past_files_report report;
    struct error error = {0};
    cr_assert_eq(past_files_write(world->population, drift, 20, 30, DRILL_S, &parallel, folder,
                                  &report, &error),
                 ERR_OK, "%s", error.text);
    return report;
}

static void read_text(const char *folder, const char *name, struct buf *out)
{
    char path[128];
    struct error error = {0};
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    buf_init(out, (size_t)1 << 30);
    cr_assert_eq(file_read(path, out, &error), ERR_OK, "%s", error.text);
}

static double share(const struct past_summary *summary, int k)
{
    return (double)summary->stars[k] / (double)summary->ratings;
}

/* The bounds the README states. */
Test(past_files, the_written_past_has_the_statistics_of_the_data)
{
    struct people_world world;
    people_world_full(&world, 5);
    char folder[64];
    make_folder(folder);
    struct past_files_report report = must_write(&world, 2, NULL, folder);
    struct past_summary data = past_summary_of(&world.data.ratings);
    const struct past_summary *past = &report.summary;
    cr_expect_eq(past->people, 5 * data.people);
    cr_expect_eq(past->ratings, 5 * data.ratings);
    cr_expect_float_eq(past->mean, data.mean, .03, "%g against %g", past->mean, data.mean);
    cr_expect_float_eq(past->sd, data.sd, .05, "%g against %g", past->sd, data.sd);
    for (int k = 0; k < 10; k++) {
        cr_expect_float_eq(share(past, k), share(&data, k), .02, "share of %g: %g against %g",
                           (k + 1) / 2., share(past, k), share(&data, k));
    }
    cr_expect_float_eq(past->top_tenth_share, data.top_tenth_share, .03, "%g against %g",
                       past->top_tenth_share, data.top_tenth_share);
    cr_expect_float_eq(past->most_seen_share, data.most_seen_share, .05, "%g against %g",
                       past->most_seen_share, data.most_seen_share);
    past_files_report_deinit(&report);
    remove_folder(folder);
    people_world_end(&world);
}

Test(past_files, the_file_is_the_same_for_any_number_of_threads)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    char folder[64];
    make_folder(folder);
    struct buf first, again;
    struct past_files_report report = must_write(&world, 1, NULL, folder);
    past_files_report_deinit(&report);
    read_text(folder, "ratings.csv", &first);
    const unsigned threads[] = {2, 4};
    for (size_t i = 0; i < 2; i++) {
        report = must_write(&world, threads[i], NULL, folder);
        past_files_report_deinit(&report);
        read_text(folder, "ratings.csv", &again);
        cr_expect(again.len == first.len && memcmp(again.data, first.data, first.len) == 0,
                  "%u threads", threads[i]);
        buf_deinit(&again);
    }
    buf_deinit(&first);
    remove_folder(folder);
    people_world_end(&world);
}

/* What is read back is what the report says, for the past and for the later one. */
Test(past_files, the_folder_reads_back_as_reported)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    const struct drift none = {.count = 0};
    const struct drift *const drifts[] = {NULL, &none};
    for (int later = 0; later < 2; later++) {
        char folder[64];
        make_folder(folder);
        struct past_files_report report = must_write(&world, 2, drifts[later], folder);
        struct dataset read;
        struct dataset_options options = {.strict = true};
        struct error error = {0};
        cr_assert_eq(dataset_load(folder, &options, &read, NULL, &error), ERR_OK, "%s", error.text);
        cr_expect_eq(read.catalogue.count, world.data.catalogue.count);
        cr_expect_eq(read.ratings.users, PEOPLE);
        cr_expect_eq(read.ratings.count, report.summary.ratings);
        cr_expect_eq(read.ratings.count, report.start[PEOPLE]);
        struct past_summary summary = past_summary_of(&read.ratings);
        cr_expect_eq(memcmp(summary.stars, report.summary.stars, sizeof summary.stars), 0);
        cr_expect_float_eq(summary.most_seen_share, report.summary.most_seen_share, 1e-12);
        for (int32_t u = 0; u < PEOPLE; u++) {
            int64_t from = report.start[u], to = report.start[u + 1];
            cr_assert_eq(to - from, read.ratings.start[u + 1] - read.ratings.start[u]);
            for (int64_t k = from + 1; k < to; k++) {
                cr_assert_gt(report.item[k], report.item[k - 1], "person %d", u);
            }
            for (int64_t k = read.ratings.start[u]; k < read.ratings.start[u + 1]; k++) {
                int32_t low = report.item[from], high = report.item[to - 1];
                cr_expect(read.ratings.item[k] >= low && read.ratings.item[k] <= high);
            }
        }
        dataset_deinit(&read);
        past_files_report_deinit(&report);
        remove_folder(folder);
    }
    people_world_end(&world);
}

/* Nobody else is in it, and who is has in it what they have in the later past of all. */
Test(past_files, a_part_is_of_its_people_alone)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    const struct drift none = {.count = 0};
    const struct past_files_part part = {.part = 1, .parts = 3, .count_min = 20, .count_max = 30};
    const struct parallel parallel = {.threads = 2};
    char folder[64];
    make_folder(folder);
    struct past_files_report all = must_write(&world, 2, &none, folder), some;
    cr_assert_eq(past_files_write_part(world.population, &none, &part, DRILL_S, &parallel, folder,
                                       &some, NULL),
                 ERR_OK);
    for (int32_t p = 0; p < PEOPLE; p++) {
        int64_t count = some.start[p + 1] - some.start[p];
        int64_t whole = all.start[p + 1] - all.start[p];
        cr_expect_eq(count, p % 3 == 1 ? whole : 0, "person %d", p);
        cr_expect(memcmp(some.item + some.start[p], all.item + all.start[p],
                         (size_t)count * sizeof(int32_t)) == 0,
                  "person %d", p);
    }
    struct dataset_options options = {.strict = true};
    struct dataset read = {0};
    cr_assert_eq(dataset_load(folder, &options, &read, NULL, NULL), ERR_OK);
    cr_expect_eq(read.ratings.users, PEOPLE / 3);
    dataset_deinit(&read);
    past_files_report_deinit(&all);
    past_files_report_deinit(&some);
    remove_folder(folder);
    people_world_end(&world);
}

Test(past_files, a_folder_that_cannot_be_made_is_an_error)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    struct parallel parallel = {.threads = 1};
    struct past_files_report report;
    struct error error = {0};
    cr_expect_eq(past_files_write(world.population, NULL, 0, 0, DRILL_S, &parallel,
                                  "/proc/no/such/folder", &report, &error),
                 ERR_IO);
    cr_expect(strstr(error.where, "/proc") != NULL, "%s", error.where);
    cr_expect_null(report.item);
    people_world_end(&world);
}
