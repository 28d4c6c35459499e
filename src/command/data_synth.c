/* driftdrill data synth: the built-in look-alike data as a MovieLens folder. */
#include "base/fileio.h"
#include "base/parallel.h"
#include "base/text.h"
#include "command/command.h"
#include "movielens/synth.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

static const struct option_row rows[] = {
    {"users", OPTION_INT, "N", "610", SYNTH_USERS_MIN, SYNTH_USERS_MAX, "People."},
    {"movies", OPTION_INT, "N", "9742", SYNTH_MOVIES_MIN, SYNTH_MOVIES_MAX, "Films."},
    {"seed", OPTION_INT, "S", "1", 0, 9e15, "The same seed gives the same bytes."},
    {"force", OPTION_FLAG, NULL, NULL, 0, 0, "Replace a ratings.csv that is there already."},
    {NULL},
};

static enum err write_data(const struct dataset *data, const char *folder, struct error *error)
{
    const struct ratings *ratings = &data->ratings;
    struct dataset_writer *writer = NULL;
    enum err code = dataset_writer_open(folder, &writer, error);
    if (code != ERR_OK) {
        return code;
    }
    for (int32_t u = 0; u < ratings->users; u++) {
        for (int64_t i = ratings->start[u]; i < ratings->start[u + 1]; i++) {
            dataset_writer_rate(writer, ratings->user_id[u], data->catalogue.id[ratings->item[i]],
                                ratings->half_stars[i], ratings->time_s[i]);
        }
    }
    return dataset_writer_close(writer, &data->catalogue, error);
}

static enum err run(const struct options *options, struct error *error)
{
    const char *folder = options_positional(options, 0);
    char path[PATH_MAX];
    struct synth_config config = {.users = (int32_t)options_int(options, "users"),
                                  .movies = (int32_t)options_int(options, "movies"),
                                  .seed = (uint64_t)options_int(options, "seed")};
    if (!text_join_path(path, sizeof path, folder, "ratings.csv")) {
        return error_set(error, ERR_USAGE, folder, 0, "the path is too long");
    }
    if (file_exists(path) && !options_flag(options, "force")) {
        return error_set(error, ERR_USAGE, path, 0, "is there already; --force replaces it");
    }
    struct parallel parallel = parallel_all_cores();
    struct dataset data;
    enum err code = synth_make(&config, &parallel, &data, error);
    if (code != ERR_OK) {
        return code;
    }
    code = write_data(&data, folder, error);
    if (code == ERR_OK) {
        printf("%s: %d users, %d films, %lld ratings, fingerprint %016" PRIx64 "\n", folder,
               (int)data.ratings.users, (int)data.catalogue.count, (long long)data.ratings.count,
               data.fingerprint);
    }
    dataset_deinit(&data);
    return code;
}

const struct command command_data_synth = {
    .name = "data synth",
    .usage = "data synth OUT [--users N] [--movies N] [--seed S]",
    .summary = "write synthetic data shaped like MovieLens",
    .options = rows,
    .positionals_min = 1,
    .positionals_max = 1,
    .run = run,
};
