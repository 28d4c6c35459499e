/*
 * How long ALS takes: a generated problem of the default drill's size (20,000 people, 9,742 films,
 * about 3.4 M observations, 32 factors, 8 sweeps), times and objective a sweep.
 *     als [THREADS [FILE]]
 * With FILE the problem is also written there for als_implicit.py: int64 rows, cols, count, then
 * row starts (int64) and columns (int32).
 */
#include "numeric/als.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { PEOPLE = 20000, FILMS = 9742, TASTES = 8, FACTORS = 32, SWEEPS = 8 };

struct bench {
    const struct als_config *config;
    const struct sparse *weights;
    const float *users, *items;
    int64_t since_ns, training_ns;
};

/* Films in order of falling popularity, taken by taste; the figures give 3.4 M observations. */
static struct sparse make_problem(void)
{
    struct sparse weights;
    float *taste = mem_array((size_t)(PEOPLE + FILMS) * TASTES, sizeof *taste);
    struct rng rng = rng_stream(1, 0, 0);
    for (size_t j = 0; j < (size_t)(PEOPLE + FILMS) * TASTES; j++)
        taste[j] = (float)rng_normal(&rng);

    sparse_init(&weights, PEOPLE, FILMS, (int64_t)PEOPLE * FILMS / 16);
    weights.count = 0;
    for (int32_t person = 0; person < PEOPLE; person++) {
        double appetite = 60 * rng_exponential(&rng) + 16;
        for (int32_t film = 0; film < FILMS; film++) {
            double affinity = 0;
            for (int j = 0; j < TASTES; j++)
                affinity +=
                    (double)(taste[person * TASTES + j] * taste[(PEOPLE + film) * TASTES + j]);
            double appeal = affinity > 0 ? 1 + affinity : 1 / (1 - affinity);
            if (weights.count < (int64_t)PEOPLE * FILMS / 16 &&
                rng_uniform(&rng) * (film + 40) < .24 * appetite * appeal) {
                weights.col[weights.count] = film;
                weights.value[weights.count++] = 1;
            }
        }
        weights.start[person + 1] = weights.count;
    }
    mem_free(taste);
    return weights;
}

/* The objective of als.h at weights of 1. The sum over all pairs of (x.y)^2 is that of the
 * products of both Gram matrices. */
static double objective(const struct bench *bench)
{
    static const int k = FACTORS;
    float of_users[FACTORS * FACTORS], of_items[FACTORS * FACTORS];
    double alpha = (double)bench->config->alpha, total = 0;
    als_gram(bench->users, PEOPLE, k, 0, of_users);
    als_gram(bench->items, FILMS, k, 0, of_items);
    for (int j = 0; j < k * k; j++)
        total += (double)of_users[j] * (double)of_items[j];
    for (int j = 0; j < k; j++)
        total += (double)bench->config->regularisation *
                 (double)(of_users[j * k + j] + of_items[j * k + j]);
    for (int32_t person = 0; person < PEOPLE; person++) {
        const struct sparse *weights = bench->weights;
        for (int64_t n = weights->start[person]; n < weights->start[person + 1]; n++) {
            double score = 0;
            for (int j = 0; j < k; j++)
                score += (double)bench->users[person * k + j] *
                         (double)bench->items[weights->col[n] * k + j];
            total += (1 + alpha) * (1 - score) * (1 - score) - score * score;
        }
    }
    return total;
}

static int report(void *context, int sweep, int sweeps)
{
    struct bench *bench = context;
    int64_t taken_ns = clock_mono_ns() - bench->since_ns;
    bench->training_ns += taken_ns;
    printf("sweep %d of %d: %.3f s, objective %.0f\n", sweep, sweeps, (double)taken_ns / 1e9,
           objective(bench));
    bench->since_ns = clock_mono_ns();
    return 1;
}

static int write_problem(const char *path, const struct sparse *weights)
{
    const int64_t head[] = {weights->rows, weights->cols, weights->count};
    size_t starts = (size_t)weights->rows + 1, count = (size_t)weights->count;
    FILE *file = fopen(path, "wb");
    if (!file)
        return 0;
    int whole = fwrite(head, sizeof head, 1, file) == 1 &&
                fwrite(weights->start, sizeof *weights->start, starts, file) == starts &&
                fwrite(weights->col, sizeof *weights->col, count, file) == count;
    return fclose(file) == 0 && whole;
}

int main(int argc, char **argv)
{
    struct parallel parallel = parallel_all_cores();
    int64_t threads = parallel.threads;
    if (argc > 3 || (argc > 1 && (!text_to_i64(argv[1], &threads) || threads < 1))) {
        fprintf(stderr, "usage: als [THREADS [FILE]]\n");
        return 2;
    }
    parallel.threads = (unsigned)threads;

    struct sparse weights = make_problem(), transposed;
    sparse_transpose(&weights, &transposed);
    if (argc > 2 && !write_problem(argv[2], &weights)) {
        fprintf(stderr, "als: cannot write %s\n", argv[2]);
        return 2;
    }
    struct als_config config = {.factors = FACTORS,
                                .sweeps = SWEEPS,
                                .cg_steps = 3,
                                .regularisation = 1,
                                .alpha = 1,
                                .seed = 1};
    float *users = mem_array((size_t)PEOPLE * FACTORS, sizeof *users);
    float *items = mem_array((size_t)FILMS * FACTORS, sizeof *items);
    struct bench bench = {&config, &weights, users, items, clock_mono_ns(), 0};
    printf("%d people, %d films, %lld observations, %d factors, %u threads\n", PEOPLE, FILMS,
           (long long)weights.count, FACTORS, parallel.threads);
    als_train(&config, &weights, &transposed, &parallel, 0, users, items, report, &bench);
    printf("training: %.3f s\n", (double)bench.training_ns / 1e9);

    mem_free(items);
    mem_free(users);
    sparse_deinit(&transposed);
    sparse_deinit(&weights);
    return 0;
}
