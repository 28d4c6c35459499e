/* driftdrill data evaluate: what the bundled recommender is worth on a data set, offline. */
#include "base/log.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "command/command.h"
#include "movielens/dataset.h"
#include "movielens/synth.h"
#include "recommender/quality.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define SEEDS_MAX 20

static const struct option_row rows[] = {
    {"data", OPTION_TEXT, "DIR", NULL, 0, 0,
     "MovieLens folder (else MOVIELENS_DIR, data/ml-latest-small, built-in synthetic data)."},
    {"people", OPTION_INT, "N", "0", 0, 10000000,
     "People whose last rating is held out, drawn by the first seed; 0 = all."},
    {"seeds", OPTION_INT, "K", "1", 1, SEEDS_MAX, "Trainings, each with a seed of its own."},
    {"seed", OPTION_INT, "S", "1", 0, 9e15, "The first of the seeds."},
    {"factors", OPTION_INT, "K", "32", 8, 64, "Factors of the base source, a multiple of 8."},
    {"half-life", OPTION_DURATION, "TIME", "30d", 0, 0,
     "Age at which a rating weighs half, counted from the newest rating; 0 = no ageing."},
    {"popular-half-life", OPTION_DURATION, "TIME", "30d", 0, 0,
     "The same for the source \"popular\"."},
    {"train-threads", OPTION_INT, "N", NULL, 1, 64, "Threads that train (else one a core)."},
    {"json", OPTION_FLAG, NULL, NULL, 0, 0, "Print the table as JSON."},
    {NULL},
};

static enum err load(const struct options *options, const struct train_config *config,
                     struct dataset *data, char *source, size_t size, struct error *error)
{
    char home[PATH_MAX];
    bool found = false, has_home = command_home(home, sizeof home);
    enum err code = dataset_find(options_text(options, "data"), has_home ? home : NULL, source,
                                 size, &found, error);
    if (code == ERR_OK && !found) {
        log_write(LOG_WARN, "data",
                  "no MovieLens data found: measuring on built-in synthetic data");
        snprintf(source, size, "built-in synthetic data");
        struct synth_config synth = synth_defaults();
        return synth_make(&synth, &config->parallel, data, error);
    }
    if (code == ERR_OK) {
        const struct dataset_options how = {.reports_max = 10};
        struct faults faults;
        faults_init(&faults);
        code = dataset_load(source, &how, data, &faults, error);
        faults_print(&faults);
        faults_deinit(&faults);
    }
    return code;
}

static enum err read_config(const struct options *options, struct train_config *config,
                            struct error *error)
{
    *config = train_defaults();
    config->factors = (int)options_int(options, "factors");
    config->half_life_s = (double)options_duration_ns(options, "half-life") * 1e-9;
    config->popular_half_life_s = (double)options_duration_ns(options, "popular-half-life") * 1e-9;
    config->parallel = parallel_all_cores();
    if (options_is_set(options, "train-threads")) {
        config->parallel.threads = (unsigned)options_int(options, "train-threads");
    }
    return config->factors % 8 == 0
               ? ERR_OK
               : error_set(error, ERR_USAGE, "--factors", 0, "expected a multiple of 8, got %d",
                           config->factors);
}

static void print_table(const char *title, const struct quality *quality)
{
    printf("%-26s %8s %8s %9s %8s\n", title, "HR@10", "+-", "MRR@10", "+-");
    for (int r = 0; r < QUALITY_ROWS; r++) {
        struct evaluate_hit hit = evaluate_mean(quality->of[r], quality->people);
        printf("%-26s %8.4f %8.4f %9.4f %8.4f\n", quality_row_name((enum quality_row)r), hit.hr10,
               hit.hr10_se, hit.mrr10, hit.mrr10_se);
    }
    struct evaluate_hit gain = evaluate_difference(quality->of[QUALITY_PIPELINE],
                                                   quality->of[QUALITY_BLEND], quality->people);
    printf("%-26s %+8.4f %8.4f %+9.4f %8.4f\n", "pipeline minus blend", gain.hr10, gain.hr10_se,
           gain.mrr10, gain.mrr10_se);
}

static json_t *hit_json(const struct evaluate_hit *hit)
{
    return json_pack("{s:f, s:f, s:f, s:f}", "hr10", hit->hr10, "hr10_se", hit->hr10_se, "mrr10",
                     hit->mrr10, "mrr10_se", hit->mrr10_se);
}

static json_t *quality_json(const struct quality *quality)
{
    json_t *table = json_object();
    for (int r = 0; r < QUALITY_ROWS; r++) {
        struct evaluate_hit hit = evaluate_mean(quality->of[r], quality->people);
        json_object_set_new(table, quality_row_name((enum quality_row)r), hit_json(&hit));
    }
    struct evaluate_hit gain = evaluate_difference(quality->of[QUALITY_PIPELINE],
                                                   quality->of[QUALITY_BLEND], quality->people);
    json_object_set_new(table, "pipeline minus blend", hit_json(&gain));
    json_object_set_new(table, "training_s", json_real(quality->training_s));
    return table;
}

/* What differs from seed to seed besides the table. */
static void print_seed(uint64_t seed, const struct quality *quality)
{
    printf("blend: base + %g similar + %g popular; training %.1f s\n",
           (double)quality->blend[SOURCE_SIMILAR], (double)quality->blend[SOURCE_POPULAR],
           quality->training_s);
    printf("model %016llx of seed %llu\n\n", (unsigned long long)quality->model_bits,
           (unsigned long long)seed);
}

static json_t *seed_json(uint64_t seed, const struct quality *quality)
{
    char bits[17];
    snprintf(bits, sizeof bits, "%016llx", (unsigned long long)quality->model_bits);
    json_t *table = quality_json(quality);
    json_object_set_new(table, "seed", json_integer((json_int_t)seed));
    json_object_set_new(table, "model", json_string(bits));
    json_object_set_new(table, "blend",
                        json_pack("{s:f, s:f, s:f}", "base", (double)quality->blend[SOURCE_BASE],
                                  "similar", (double)quality->blend[SOURCE_SIMILAR], "popular",
                                  (double)quality->blend[SOURCE_POPULAR]));
    return table;
}

/* Measures every seed; prints tables, or collects them in `list`. Means go to *mean. */
static enum err measure(const struct options *options, const struct corpus *corpus,
                        struct train_config *config, struct quality *mean, json_t *list,
                        struct error *error)
{
    int32_t people = (int32_t)options_int(options, "people");
    uint64_t first = (uint64_t)options_int(options, "seed");
    int seeds = (int)options_int(options, "seeds");
    for (int s = 0; s < seeds; s++) {
        struct quality quality;
        char title[40];
        config->seed = first + (uint64_t)s;
        bool done = quality_measure(&quality, corpus, config, people, first);
        if (done && list != NULL) {
            json_array_append_new(list, seed_json(config->seed, &quality));
        } else if (done) {
            snprintf(title, sizeof title, "seed %llu", (unsigned long long)config->seed);
            print_table(title, &quality);
            print_seed(config->seed, &quality);
        }
        for (int r = 0; r < QUALITY_ROWS && s == 0; r++) {
            mean->people = quality.people;
            mean->of[r] = mem_zalloc((size_t)quality.people + 1, sizeof *mean->of[r]);
        }
        quality_add(mean, &quality, seeds);
        quality_deinit(&quality);
        if (!done) {
            return error_set(error, ERR_MEMORY, "", 0, "out of memory");
        }
    }
    return ERR_OK;
}

static void print_result(const char *source, const struct quality *mean, int seeds, json_t *list)
{
    if (list == NULL) {
        printf("mean over %d seed%s, %d people of %s\n", seeds, seeds == 1 ? "" : "s", mean->people,
               source);
        print_table("", mean);
        printf("training %.1f s\n", mean->training_s);
        return;
    }
    json_t *all = json_pack("{s:s, s:i, s:O, s:o}", "data", source, "people", (int)mean->people,
                            "seeds", list, "mean", quality_json(mean));
    json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    printf("\n");
    json_decref(all);
}

static enum err run(const struct options *options, struct error *error)
{
    struct train_config config;
    struct dataset data = {0};
    struct corpus corpus = {0};
    struct quality mean = {0};
    char source[PATH_MAX];
    enum err code = read_config(options, &config, error);
    code = code == ERR_OK ? load(options, &config, &data, source, sizeof source, error) : code;
    if (code != ERR_OK) {
        dataset_deinit(&data);
        return code;
    }
    corpus_take(&corpus, &data);
    json_t *list = options_flag(options, "json") ? json_array() : NULL;
    code = measure(options, &corpus, &config, &mean, list, error);
    if (code == ERR_OK) {
        print_result(source, &mean, (int)options_int(options, "seeds"), list);
    }
    json_decref(list);
    quality_deinit(&mean);
    corpus_deinit(&corpus);
    dataset_deinit(&data);
    return code;
}

const struct command command_data_evaluate = {
    .name = "data evaluate",
    .usage = "data evaluate [--data DIR] [--people N] [--seeds K] [--json]",
    .summary = "offline quality of the recommender: hit rate of held-out last ratings",
    .options = rows,
    .run = run,
};
