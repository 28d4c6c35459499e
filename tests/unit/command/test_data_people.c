#include "base/fileio.h"
#include "base/mem.h"
#include "base/option.h"
#include "command/command.h"
#include "movielens/dataset.h"
#include "people_world.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void write_source(const char *folder)
{
    struct people_world world;
    people_world_small(&world, 80, 1);
    const struct ratings *ratings = &world.data.ratings;
    struct dataset_writer *writer;
    struct error error = {0};
    cr_assert_eq(dataset_writer_open(folder, &writer, &error), ERR_OK, "%s", error.text);
    for (int32_t u = 0; u < ratings->users; u++) {
        for (int64_t k = ratings->start[u]; k < ratings->start[u + 1]; k++) {
            dataset_writer_rate(writer, ratings->user_id[u],
                                world.data.catalogue.id[ratings->item[k]], ratings->half_stars[k],
                                ratings->time_s[k]);
        }
    }
    cr_assert_eq(dataset_writer_close(writer, &world.data.catalogue, &error), ERR_OK, "%s",
                 error.text);
    people_world_end(&world);
}

static enum err run_with(char **argv, int argc, struct error *error)
{
    struct options *options = NULL;
    cr_assert_eq(options_parse(command_data_people.options, argc, argv, 0, 0, &options), ERR_OK);
    enum err code = command_data_people.run(options, error);
    options_free(options);
    return code;
}

static char *people_of_seed(const char *folder, char *seed)
{
    char out[96], path[128];
    (void)snprintf(out, sizeof out, "%s/people", folder);
    (void)snprintf(path, sizeof path, "%s/people/ratings.csv", folder);
    char *argv[] = {"people", "--from", (char *)folder, "--users",   "200", "--seed", seed,
                    "--out",  out,      "--at",         "1700000000"};
    struct error error = {0};
    cr_assert_eq(run_with(argv, sizeof argv / sizeof argv[0], &error), ERR_OK, "%s", error.text);
    struct buf text;
    buf_init(&text, (size_t)1 << 30);
    cr_assert_eq(file_read(path, &text, &error), ERR_OK, "%s", error.text);
    return buf_take(&text);
}

Test(data_people, the_seed_and_nothing_else_decides_the_people)
{
    char folder[] = "/tmp/driftdrill-people-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    write_source(folder);
    char *one = people_of_seed(folder, "1"), *again = people_of_seed(folder, "1");
    char *other = people_of_seed(folder, "2");
    cr_expect_str_eq(one, again);
    cr_expect_str_neq(one, other);
    cr_expect(strncmp(one, "userId,movieId,rating,timestamp\n", 32) == 0);
    mem_free(one);
    mem_free(again);
    mem_free(other);
    struct error error = {0};
    cr_expect_eq(file_remove_tree(folder, &error), ERR_OK);
}

Test(data_people, a_folder_to_write_to_is_needed)
{
    char *argv[] = {"people", "--users", "200"};
    struct error error = {0};
    cr_expect_eq(run_with(argv, 3, &error), ERR_USAGE);
    cr_expect_str_eq(error.where, "--out");
}
