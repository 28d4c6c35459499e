/* driftdrill data info: what a MovieLens folder holds, and what is wrong with it. */
#include "base/clock.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/text.h"
#include "command/command.h"
#include "movielens/dataset.h"
#include "movielens/profile.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct option_row rows[] = {
    {"strict", OPTION_FLAG, NULL, NULL, 0, 0, "Stop with an error at the first bad row."},
    {"faults", OPTION_INT, "N", "10", 0, 100000, "Bad rows to describe; all are counted."},
    {NULL},
};

static void print_file(const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat status;
    if (text_join_path(path, sizeof path, folder, name) && stat(path, &status) == 0) {
        printf("%-18s %s, %lld bytes\n", "file", name, (long long)status.st_size);
    }
}

static void print_dates(const struct profile *profile)
{
    char first[40], last[40];
    clock_format_wall(profile->first_s * CLOCK_NS_PER_S, first, sizeof first);
    clock_format_wall(profile->last_s * CLOCK_NS_PER_S, last, sizeof last);
    /* "2018-09-24T14:27:30.000Z" without the fraction, which the files do not have. */
    printf("%-18s %.10s %.8s to %.10s %.8s UTC\n", "dates", first, first + 11, last, last + 11);
}

static void print_profile(const struct profile *profile)
{
    printf("%-18s %d\n", "users", (int)profile->users);
    printf("%-18s %d, %d of them rated\n", "films", (int)profile->films, (int)profile->films_rated);
    printf("%-18s %lld\n", "ratings", (long long)profile->ratings);
    printf("%-18s %.5f, sd %.5f\n", "mean rating", profile->mean, profile->sd);
    for (int k = 0; k < 10; k++) {
        printf("%-12s %4.1f  %9lld  %5.2f %%\n", k == 0 ? "stars" : "", (k + 1) / 2.0,
               (long long)profile->stars[k],
               100.0 * (double)profile->stars[k] / (double)profile->ratings);
    }
    printf("%-18s", "ratings a user");
    for (int k = 0; k < PROFILE_QUANTILES; k++) {
        printf(" %g", profile->a_user[k]);
    }
    printf("  (min, 5 25 50 75 95 %%, max)\n");
    printf("%-18s %.3f of the ratings\n", "top 10 % of films", profile->top_tenth_share);
    printf("%-18s rated by %.3f of the users\n", "most-rated film", profile->most_seen_share);
    print_dates(profile);
}

static void print_bad_rows(const struct dataset *data)
{
    int64_t rows_good = data->ratings.count + data->duplicate_rows;
    printf("%-18s %lld\n", "rating rows", (long long)(rows_good + data->bad_rating_rows));
    printf("%-18s %lld", "bad rows", (long long)data->bad_rows);
    if (data->unknown_films > 0) {
        printf(", %lld of them for a film that %s lacks", (long long)data->unknown_films,
               data->layout->films_file);
    }
    printf("\n%-18s %lld\n", "repeated pairs", (long long)data->duplicate_rows);
}

/* The folder asked for or found; ERR_INPUT if there is none. */
static enum err choose_folder(const struct options *options, char *folder, size_t size,
                              struct error *error)
{
    char home[PATH_MAX];
    bool found = false;
    if (options_positional_count(options) == 1) {
        /* Not through dataset_find: the loader says more exactly what is missing. */
        return text_copy(folder, size, options_positional(options, 0))
                   ? ERR_OK
                   : error_set(error, ERR_INPUT, "DIR", 0, "the path is too long");
    }
    bool has_home = command_home(home, sizeof home);
    enum err code = dataset_find(NULL, has_home ? home : NULL, folder, size, &found, error);
    if (code == ERR_OK && !found) {
        code = error_set(error, ERR_INPUT, NULL, 0,
                         "no MovieLens data: name a folder, set MOVIELENS_DIR, or put them at "
                         "data/ml-latest-small");
    }
    return code;
}

static enum err run(const struct options *options, struct error *error)
{
    char folder[PATH_MAX];
    struct dataset data;
    struct faults faults;
    struct dataset_options how = {.strict = options_flag(options, "strict"),
                                  .reports_max = (int)options_int(options, "faults")};
    enum err code = choose_folder(options, folder, sizeof folder, error);
    if (code != ERR_OK) {
        return code;
    }
    faults_init(&faults);
    code = dataset_load(folder, &how, &data, how.strict ? NULL : &faults, error);
    faults_print(&faults);
    if (code == ERR_OK) {
        struct profile profile = profile_of(&data);
        if (data.bad_rows > (int64_t)faults.count) {
            log_write(LOG_WARN, "data", "%lld further bad rows are only counted",
                      (long long)data.bad_rows - (long long)faults.count);
        }
        printf("%-18s %s\n", "folder", folder);
        printf("%-18s %s\n", "layout", data.layout->name);
        print_file(folder, data.layout->ratings_file);
        print_file(folder, data.layout->films_file);
        print_bad_rows(&data);
        print_profile(&profile);
        printf("%-18s %016" PRIx64 "\n", "fingerprint", data.fingerprint);
        dataset_deinit(&data);
    }
    faults_deinit(&faults);
    return code;
}

const struct command command_data_info = {
    .name = "data info",
    .usage = "data info [DIR] [--strict]",
    .summary = "show what a MovieLens folder holds and which rows are bad",
    .options = rows,
    .positionals_max = 1,
    .run = run,
};
