/*
 * ALS on a MovieLens folder by leave-last-out: quality, time and memory, to be set beside the
 * Python package `implicit` on the very same matrix (recommender_implicit.py).
 *     recommender_als --split FOLDER FILE   writes the training part and the held-out films
 *     recommender_als FILE [THREADS]        trains on it and prints one line of JSON
 * FILE holds int64 rows, cols, count, people; int64 row starts; int32 columns; int32 held-out users
 * and films.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "movielens/dataset.h"
#include "numeric/als.h"
#include "recommender/evaluate.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

enum { FACTORS = 32, SWEEPS = 8, SEEDS = 5, PEOPLE_MAX = 4000 };

struct problem {
    struct evaluate_split split;
    struct sparse weights;
    float *user_factor, *item_factor;
};

static bool put(FILE *file, const void *from, size_t size, int64_t count)
{
    return fwrite(from, size, (size_t)count, file) == (size_t)count;
}

static bool get(FILE *file, void *to, size_t size, int64_t count)
{
    return fread(to, size, (size_t)count, file) == (size_t)count;
}

static bool write_split(const char *path, const struct evaluate_split *split)
{
    const struct ratings *train = &split->train;
    const int64_t head[] = {train->users, train->items, train->count, split->people};
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        return false;
    }
    bool whole = put(file, head, sizeof head[0], 4) &&
                 put(file, train->start, sizeof *train->start, (int64_t)train->users + 1) &&
                 put(file, train->item, sizeof *train->item, train->count) &&
                 put(file, split->user, sizeof *split->user, split->people) &&
                 put(file, split->item, sizeof *split->item, split->people);
    return fclose(file) == 0 && whole;
}

static int make_split(const char *folder, const char *path)
{
    struct dataset dataset;
    struct corpus corpus;
    struct evaluate_split split;
    struct error error = {0};
    char text[1024];
    if (dataset_load(folder, &(struct dataset_options){0}, &dataset, NULL, &error) != ERR_OK) {
        error_format(&error, text, sizeof text);
        fprintf(stderr, "recommender_als: %s\n", text);
        return 2;
    }
    corpus_take(&corpus, &dataset);
    evaluate_split_init(&split, &corpus.ratings, 1, PEOPLE_MAX, 1);
    bool written = write_split(path, &split);
    evaluate_split_deinit(&split);
    corpus_deinit(&corpus);
    if (!written) {
        fprintf(stderr, "recommender_als: cannot write %s\n", path);
    }
    return written ? 0 : 2;
}

static bool read_problem(const char *path, struct problem *out)
{
    int64_t head[4];
    FILE *file = fopen(path, "rb");
    if (file == NULL || !get(file, head, sizeof head[0], 4)) {
        return false;
    }
    struct evaluate_split *split = &out->split;
    sparse_init(&out->weights, (int32_t)head[0], (int32_t)head[1], head[2]);
    split->people = (int32_t)head[3];
    split->user = mem_array((size_t)head[3] + 1, sizeof *split->user);
    split->item = mem_array((size_t)head[3] + 1, sizeof *split->item);
    bool whole = get(file, out->weights.start, sizeof(int64_t), head[0] + 1) &&
                 get(file, out->weights.col, sizeof(int32_t), head[2]) &&
                 get(file, split->user, sizeof *split->user, head[3]) &&
                 get(file, split->item, sizeof *split->item, head[3]);
    fclose(file);
    for (int64_t i = 0; i < head[2] && whole; i++) {
        out->weights.value[i] = 1;
    }
    split->train = (struct ratings){.users = out->weights.rows,
                                    .items = out->weights.cols,
                                    .count = head[2],
                                    .start = out->weights.start,
                                    .item = out->weights.col};
    out->user_factor = mem_array((size_t)head[0] * FACTORS, sizeof(float));
    out->item_factor = mem_array((size_t)head[1] * FACTORS, sizeof(float));
    return whole;
}

static void free_problem(struct problem *problem)
{
    mem_free(problem->user_factor);
    mem_free(problem->item_factor);
    mem_free(problem->split.user);
    mem_free(problem->split.item);
    sparse_deinit(&problem->weights);
}

static void score(void *context, int32_t user, unsigned lane, float *out)
{
    const struct problem *problem = context;
    const float *x = problem->user_factor + (size_t)user * FACTORS;
    (void)lane;
    for (int32_t i = 0; i < problem->weights.cols; i++) {
        const float *y = problem->item_factor + (size_t)i * FACTORS;
        float sum = 0;
        for (int j = 0; j < FACTORS; j++) {
            sum += x[j] * y[j];
        }
        out[i] = sum;
    }
}

/* Seconds of one training; *hit gets its quality. The transposition counts as training, because
 * `implicit` does it inside, too. */
static double train_once(struct problem *problem, uint64_t seed, const struct parallel *parallel,
                         struct evaluate_person *people, struct evaluate_hit *hit)
{
    const struct als_config config = {.factors = FACTORS,
                                      .sweeps = SWEEPS,
                                      .cg_steps = 3,
                                      .regularisation = 1,
                                      .alpha = 1,
                                      .seed = seed};
    struct sparse transposed;
    int64_t began_ns = clock_mono_ns();
    sparse_transpose(&problem->weights, &transposed);
    als_train(&config, &problem->weights, &transposed, parallel, 0, problem->user_factor,
              problem->item_factor, NULL, NULL);
    int64_t taken_ns = clock_mono_ns() - began_ns;
    sparse_deinit(&transposed);
    evaluate_everybody(&problem->split, score, problem, parallel, people);
    *hit = evaluate_mean(people, problem->split.people);
    return (double)taken_ns / 1e9;
}

static double peak_mib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

static int train(const char *path, const struct parallel *parallel)
{
    struct problem problem = {0};
    if (!read_problem(path, &problem)) {
        fprintf(stderr, "recommender_als: %s: cannot be read\n", path);
        return 2;
    }
    struct evaluate_person *people = mem_zalloc((size_t)problem.split.people + 1, sizeof *people);
    double hr10 = 0, mrr10 = 0, best_s = 1e300, peak = 0;
    for (int seed = 1; seed <= SEEDS; seed++) {
        struct evaluate_hit hit;
        double seconds = train_once(&problem, (uint64_t)seed, parallel, people, &hit);
        best_s = seconds < best_s ? seconds : best_s;
        hr10 += hit.hr10 / SEEDS;
        mrr10 += hit.mrr10 / SEEDS;
        peak = seed == 1 ? peak_mib() : peak;
    }
    printf("{\"who\": \"numeric/als\", \"threads\": %u, \"train_s\": %.3f, \"peak_mib\": %.0f, "
           "\"hr10\": %.4f, \"mrr10\": %.4f}\n",
           parallel->threads, best_s, peak, hr10, mrr10);
    mem_free(people);
    free_problem(&problem);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--split") == 0) {
        return make_split(argv[2], argv[3]);
    }
    struct parallel parallel = parallel_all_cores();
    int64_t threads = parallel.threads;
    if (argc < 2 || argc > 3 || (argc == 3 && (!text_to_i64(argv[2], &threads) || threads < 1))) {
        fprintf(stderr, "usage: recommender_als --split FOLDER FILE\n"
                        "       recommender_als FILE [THREADS]\n");
        return 2;
    }
    parallel.threads = (unsigned)threads;
    return train(argv[1], &parallel);
}
