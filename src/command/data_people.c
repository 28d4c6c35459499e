/* driftdrill data people: the simulated people's past as a MovieLens folder. */
#include "base/clock.h"
#include "base/log.h"
#include "base/parallel.h"
#include "command/command.h"
#include "drill/past_files.h"
#include "movielens/dataset.h"
#include "movielens/synth.h"
#include "population/population.h"

#include <limits.h>
#include <stdio.h>

static const struct option_row rows[] = {
    {"from", OPTION_TEXT, "DIR", NULL, 0, 0,
     "MovieLens folder the people are learned from; else MOVIELENS_DIR, data/ml-latest-small or "
     "built-in synthetic data."},
    {"users", OPTION_INT, "N", "20000", 1, 10000000, "People in all, the real users among them."},
    {"seed", OPTION_INT, "S", "1", 0, 9e15, "The same seed gives the same people."},
    {"out", OPTION_TEXT, "DIR", NULL, 0, 0, "Where ratings.csv and movies.csv go (required)."},
    {"at", OPTION_INT, "UNIX_S", NULL, 31536000, 4e9,
     "Moment of the drill the dates lead up to; now, if not given."},
    {NULL},
};

static enum err load(const struct options *options, const struct parallel *parallel,
                     struct dataset *data, char *source, size_t size, struct error *error)
{
    char home[PATH_MAX];
    bool found = false, has_home = command_home(home, sizeof home);
    enum err code = dataset_find(options_text(options, "from"), has_home ? home : NULL, source,
                                 size, &found, error);
    if (code != ERR_OK) {
        return code;
    }
    if (!found) {
        log_write(LOG_WARN, "data",
                  "no MovieLens data found: the people are learned from the "
                  "built-in synthetic look-alike");
        snprintf(source, size, "built-in synthetic data");
        struct synth_config config = synth_defaults();
        return synth_make(&config, parallel, data, error);
    }
    struct dataset_options how = {.reports_max = 10};
    struct faults faults;
    faults_init(&faults);
    code = dataset_load(source, &how, data, &faults, error);
    faults_print(&faults);
    faults_deinit(&faults);
    return code;
}

static void print_table(const struct past_summary *data, const struct past_summary *written)
{
    printf("%-28s %12s %12s\n", "", "the data", "written");
    printf("%-28s %12d %12d\n", "people", data->people, written->people);
    printf("%-28s %12d %12d\n", "films rated", data->films, written->films);
    printf("%-28s %12lld %12lld\n", "ratings", (long long)data->ratings,
           (long long)written->ratings);
    printf("%-28s %12.3f %12.3f\n", "mean rating", data->mean, written->mean);
    printf("%-28s %12.3f %12.3f\n", "standard deviation", data->sd, written->sd);
    printf("%-28s %12.3f %12.3f\n", "share of the top 10 % films", data->top_tenth_share,
           written->top_tenth_share);
    printf("%-28s %12.3f %12.3f\n", "most-seen film, of people", data->most_seen_share,
           written->most_seen_share);
    for (int k = 0; k < 10; k++) {
        printf("%-24s %.1f %12.3f %12.3f\n", "ratings of", (k + 1) / 2.,
               (double)data->stars[k] / (double)data->ratings,
               (double)written->stars[k] / (double)written->ratings);
    }
}

static enum err write_past(const struct options *options, const char *source,
                           const struct dataset *data, const struct parallel *parallel,
                           struct error *error)
{
    struct population_config config = population_defaults();
    config.users = (int32_t)options_int(options, "users");
    config.seed = (uint64_t)options_int(options, "seed");
    struct population *population = NULL;
    enum err code = population_build(&config, data, parallel, &population, error);
    if (code != ERR_OK) {
        return code;
    }
    int64_t drill_s = options_is_set(options, "at") ? options_int(options, "at")
                                                    : clock_wall_ns() / CLOCK_NS_PER_S;
    struct past_files_report report;
    code = past_files_write(population, NULL, 0, 0, drill_s, parallel, options_text(options, "out"),
                            &report, error);
    if (code == ERR_OK) {
        struct past_summary learned_from = past_summary_of(&data->ratings);
        printf("people learned from %s, past written to %s\n", source,
               options_text(options, "out"));
        print_table(&learned_from, &report.summary);
    }
    past_files_report_deinit(&report);
    population_free(population);
    return code;
}

static enum err run(const struct options *options, struct error *error)
{
    if (options_text(options, "out") == NULL) {
        return error_set(error, ERR_USAGE, "--out", 0, "a folder to write to is needed");
    }
    struct parallel parallel = parallel_all_cores();
    struct dataset data = {0};
    char source[PATH_MAX];
    enum err code = load(options, &parallel, &data, source, sizeof source, error);
    if (code == ERR_OK) {
        code = write_past(options, source, &data, &parallel, error);
    }
    dataset_deinit(&data);
    return code;
}

const struct command command_data_people = {
    .name = "data people",
    .usage = "data people --out DIR [--from DIR] [--users N] [--seed S]",
    .summary = "write the simulated people's past in MovieLens layout",
    .options = rows,
    .run = run,
};
