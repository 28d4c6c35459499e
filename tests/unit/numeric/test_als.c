#include "numeric/als.h"

#include "base/mem.h"
#include "random_sparse.h"

#include <criterion/criterion.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <string.h>

static struct als_config usual(int factors)
{
    return (struct als_config){.factors = factors,
                               .sweeps = 6,
                               .cg_steps = 3,
                               .regularisation = 0.5f,
                               .alpha = 8,
                               .seed = 3};
}

struct problem {
    struct sparse weights, transposed;
    struct als_config config;
    float *users, *items;
};

static struct problem problem_make(int32_t users, int32_t items, double density, int factors)
{
    struct problem problem = {.config = usual(factors)};
    size_t k = (size_t)factors;
    problem.weights = random_sparse(users, items, density, 0.05, 1, 17);
    sparse_transpose(&problem.weights, &problem.transposed);
    problem.users = mem_zalloc((size_t)users * k, sizeof(float));
    problem.items = mem_zalloc((size_t)items * k, sizeof(float));
    return problem;
}

static void problem_deinit(struct problem *problem)
{
    sparse_deinit(&problem->weights);
    sparse_deinit(&problem->transposed);
    mem_free(problem->users);
    mem_free(problem->items);
}

static void train(struct problem *problem, unsigned threads, int warm, als_progress *progress,
                  void *context)
{
    struct parallel parallel = {threads};
    als_train(&problem->config, &problem->weights, &problem->transposed, &parallel, warm,
              problem->users, problem->items, progress, context);
}

static double dot(const float *a, const float *b, int k)
{
    double sum = 0;
    for (int j = 0; j < k; j++)
        sum += (double)a[j] * (double)b[j];
    return sum;
}

/* The sum of the header, over every cell. */
static double objective(const struct problem *problem)
{
    const struct sparse *weights = &problem->weights;
    int k = problem->config.factors;
    double alpha = (double)problem->config.alpha, total = 0;
    for (int32_t user = 0; user < weights->rows; user++) {
        const float *x = problem->users + user * k;
        for (int32_t item = 0; item < weights->cols; item++) {
            double score = dot(x, problem->items + item * k, k);
            total += score * score;
        }
        for (int64_t n = weights->start[user]; n < weights->start[user + 1]; n++) {
            double w = (double)weights->value[n], confidence = 1 + alpha * w;
            double wanted = (1 + alpha) * w / confidence;
            double score = dot(x, problem->items + weights->col[n] * k, k);
            total += confidence * (wanted - score) * (wanted - score) - score * score;
        }
    }
    double norms = dot(problem->users, problem->users, weights->rows * k) +
                   dot(problem->items, problem->items, weights->cols * k);
    return total + (double)problem->config.regularisation * norms;
}

struct record {
    const struct problem *problem;
    double after[32];
    int sweeps, stop_at;
};

static int keep_objective(void *context, int sweep, int sweeps)
{
    struct record *record = context;
    (void)sweeps;
    record->after[record->sweeps++] = objective(record->problem);
    return sweep != record->stop_at;
}

Test(als, objective_falls_with_every_sweep)
{
    for (int cg_steps = 1; cg_steps <= 4; cg_steps++) {
        struct problem problem = problem_make(70, 50, .15, 8);
        struct record record = {.problem = &problem};
        problem.config.cg_steps = cg_steps;
        problem.config.sweeps = 10;
        train(&problem, 1, 0, keep_objective, &record);
        cr_assert_eq(record.sweeps, 10);
        for (int sweep = 1; sweep < record.sweeps; sweep++)
            cr_expect_lt(record.after[sweep], record.after[sweep - 1], "%d steps, sweep %d",
                         cg_steps, sweep);
        problem_deinit(&problem);
    }
}

/* The exact solution of one row in double; confidence and preference as the textbook has them. */
static void dense_solve(const struct als_config *config, const float *items, int32_t item_count,
                        const int32_t *col, const float *weight, int64_t count, double *out)
{
    size_t k = (size_t)config->factors;
    gsl_matrix *a = gsl_matrix_calloc(k, k);
    gsl_vector *b = gsl_vector_calloc(k);
    double *confidence = mem_array((size_t)item_count, sizeof *confidence);
    double *wanted = mem_zalloc((size_t)item_count, sizeof *wanted);
    for (int32_t item = 0; item < item_count; item++)
        confidence[item] = 1;
    for (int64_t n = 0; n < count; n++) {
        double w = (double)weight[n], alpha = (double)config->alpha;
        confidence[col[n]] = 1 + alpha * w;
        wanted[col[n]] = (1 + alpha) * w / confidence[col[n]];
    }
    for (size_t i = 0; i < k; i++) {
        for (int32_t item = 0; item < item_count; item++) {
            const float *y = items + (size_t)item * k;
            double scale = confidence[item] * (double)y[i];
            *gsl_vector_ptr(b, i) += scale * wanted[item];
            for (size_t j = 0; j < k; j++)
                *gsl_matrix_ptr(a, i, j) += scale * (double)y[j];
        }
        *gsl_matrix_ptr(a, i, i) += (double)config->regularisation;
    }
    gsl_linalg_cholesky_decomp1(a);
    gsl_linalg_cholesky_svx(a, b);
    for (size_t i = 0; i < k; i++)
        out[i] = gsl_vector_get(b, i);
    mem_free(wanted);
    mem_free(confidence);
    gsl_vector_free(b);
    gsl_matrix_free(a);
}

/* 40 is a size without a specialised kernel. */
Test(als, many_steps_reach_the_dense_solution)
{
    const int sizes[] = {8, 16, 24, 32, 40, 64};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int k = sizes[s];
        struct problem problem = problem_make(6, 90, .4, k);
        const struct sparse *weights = &problem.weights;
        struct rng rng = rng_stream(5, 0, 0);
        float *gram = mem_array((size_t)(k * k), sizeof *gram);
        double exact[64];
        for (int j = 0; j < 90 * k; j++)
            problem.items[j] = (float)(rng_normal(&rng) / sqrt(k));
        als_gram(problem.items, 90, k, problem.config.regularisation, gram);
        problem.config.cg_steps = 200;
        for (int32_t user = 0; user < 6; user++) {
            int64_t begin = weights->start[user], count = weights->start[user + 1] - begin;
            float *x = problem.users + user * k;
            if (user < 2) /* the textbook case */
                for (int64_t n = 0; n < count; n++)
                    weights->value[begin + n] = 1;
            als_solve_row(&problem.config, gram, problem.items, weights->col + begin,
                          weights->value + begin, count, x);
            dense_solve(&problem.config, problem.items, 90, weights->col + begin,
                        weights->value + begin, count, exact);
            for (int j = 0; j < k; j++)
                cr_expect(fabs((double)x[j] - exact[j]) < 1e-4, "k %d, user %d: %f, dense %f", k,
                          user, (double)x[j], exact[j]);
        }
        mem_free(gram);
        problem_deinit(&problem);
    }
}

/* Conjugate directions need no more steps than unknowns, even with item factors of very different
 * lengths, where plain descent takes hundreds. */
Test(als, as_many_steps_as_factors_are_enough)
{
    struct problem problem = problem_make(1, 90, .4, 8);
    const struct sparse *weights = &problem.weights;
    struct rng rng = rng_stream(5, 1, 0);
    float gram[64];
    double exact[8];
    for (int j = 0; j < 90 * 8; j++)
        problem.items[j] = (float)(rng_normal(&rng) * pow(.7, j % 8));
    als_gram(problem.items, 90, 8, problem.config.regularisation, gram);
    problem.config.cg_steps = 10; /* two more for rounding */
    als_solve_row(&problem.config, gram, problem.items, weights->col, weights->value,
                  weights->count, problem.users);
    dense_solve(&problem.config, problem.items, 90, weights->col, weights->value, weights->count,
                exact);
    for (int j = 0; j < 8; j++)
        cr_expect(fabs((double)problem.users[j] - exact[j]) < 1e-4, "factor %d: %f, dense %f", j,
                  (double)problem.users[j], exact[j]);
    problem_deinit(&problem);
}

/* The other way round: three steps a half sweep end as low as exact solves do. */
Test(als, three_steps_lose_nothing_after_some_sweeps)
{
    struct problem few = problem_make(120, 80, .1, 16), many = problem_make(120, 80, .1, 16);
    few.config.sweeps = many.config.sweeps = 15;
    many.config.cg_steps = 60;
    train(&few, 1, 0, NULL, NULL);
    train(&many, 1, 0, NULL, NULL);
    cr_expect_lt(objective(&few), 1.02 * objective(&many), "%f, exact %f", objective(&few),
                 objective(&many));
    problem_deinit(&few);
    problem_deinit(&many);
}

/* Copies with every `every`-th weight set to 0, or taken out. */
static struct sparse thin(const struct sparse *from, int every, int take_out)
{
    struct sparse out;
    int64_t count = 0;
    sparse_init(&out, from->rows, from->cols, from->count);
    for (int32_t row = 0; row < from->rows; row++) {
        for (int64_t n = from->start[row]; n < from->start[row + 1]; n++) {
            int faded = n % every == 0;
            if (faded && take_out)
                continue;
            out.col[count] = from->col[n];
            out.value[count++] = faded ? 0 : from->value[n];
        }
        out.start[row + 1] = count;
    }
    out.count = count;
    return out;
}

Test(als, weight_zero_is_never_observed)
{
    struct problem faded = problem_make(90, 60, .15, 8), absent = problem_make(90, 60, .15, 8);
    for (int take_out = 0; take_out <= 1; take_out++) {
        struct problem *problem = take_out ? &absent : &faded;
        struct sparse thinned = thin(&problem->weights, 3, take_out);
        sparse_deinit(&problem->weights);
        sparse_deinit(&problem->transposed);
        problem->weights = thinned;
        sparse_transpose(&thinned, &problem->transposed);
        train(problem, 1, 0, NULL, NULL);
    }
    cr_assert_lt(absent.weights.count, faded.weights.count);
    for (int j = 0; j < 90 * 8; j++)
        cr_expect_eq(faded.users[j], absent.users[j], "user factor %d", j);
    for (int j = 0; j < 60 * 8; j++)
        cr_expect_eq(faded.items[j], absent.items[j], "item factor %d", j);
    problem_deinit(&faded);
    problem_deinit(&absent);
}

Test(als, rows_without_weight_get_zero_factors)
{
    struct problem problem = problem_make(20, 30, .3, 8);
    const int32_t col[] = {1, 2};
    const float weight[] = {0, 0};
    float gram[64], x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    train(&problem, 1, 0, NULL, NULL);
    als_gram(problem.items, 30, 8, 1, gram);
    als_solve_row(&problem.config, gram, problem.items, col, weight, 2, x);
    for (int j = 0; j < 8; j++)
        cr_expect_eq(x[j], 0);
    x[3] = 1;
    als_solve_row(&problem.config, gram, problem.items, NULL, NULL, 0, x);
    for (int j = 0; j < 8; j++)
        cr_expect_eq(x[j], 0);
    problem_deinit(&problem);
}

/* 1,300 rows span three blocks of the Gram sum; 24 and 32 the general and a special size. */
Test(als, threads_do_not_change_a_bit)
{
    const int sizes[] = {24, 32};
    for (size_t s = 0; s < 2; s++) {
        size_t k = (size_t)sizes[s];
        struct problem one = problem_make(1300, 200, .03, sizes[s]);
        train(&one, 1, 0, NULL, NULL);
        for (unsigned threads = 2; threads <= 4; threads++) {
            struct problem many = problem_make(1300, 200, .03, sizes[s]);
            train(&many, threads, 0, NULL, NULL);
            cr_expect_eq(memcmp(one.users, many.users, 1300 * k * sizeof(float)), 0, "%u", threads);
            cr_expect_eq(memcmp(one.items, many.items, 200 * k * sizeof(float)), 0, "%u", threads);
            problem_deinit(&many);
        }
        problem_deinit(&one);
    }
}

Test(als, gram_is_the_sum_of_outer_products)
{
    const int32_t rows = 1100;
    float factors[1100 * 8], gram[64];
    struct rng rng = rng_stream(8, 0, 0);
    for (int j = 0; j < rows * 8; j++)
        factors[j] = (float)rng_normal(&rng);
    als_gram(factors, rows, 8, 2.5f, gram);
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 8; j++) {
            double sum = i == j ? 2.5 : 0;
            for (int row = 0; row < rows; row++)
                sum += (double)factors[row * 8 + i] * (double)factors[row * 8 + j];
            cr_expect(fabs((double)gram[i * 8 + j] - sum) < 1e-2, "%d %d", i, j);
        }
    }
}

Test(als, warm_start_goes_on_where_the_former_run_ended)
{
    struct problem whole = problem_make(80, 60, .1, 8), parts = problem_make(80, 60, .1, 8);
    train(&whole, 1, 0, NULL, NULL);
    parts.config.sweeps = 3;
    train(&parts, 1, 0, NULL, NULL);
    double before = objective(&parts);
    parts.config.seed = 999; /* no influence on a warm start */
    train(&parts, 1, 1, NULL, NULL);
    cr_expect_lt(objective(&parts), before);
    cr_expect_arr_eq(whole.users, parts.users, 80 * 8 * sizeof(float));
    cr_expect_arr_eq(whole.items, parts.items, 60 * 8 * sizeof(float));
    problem_deinit(&whole);
    problem_deinit(&parts);
}

Test(als, progress_can_stop_the_training)
{
    struct problem problem = problem_make(30, 20, .2, 8);
    struct record record = {.problem = &problem, .stop_at = 2};
    train(&problem, 1, 0, keep_objective, &record);
    cr_expect_eq(record.sweeps, 2);
    cr_expect_eq(record.after[1], objective(&problem));
    problem_deinit(&problem);
}

Test(als, seeds_differ)
{
    struct problem a = problem_make(30, 20, .2, 8), b = problem_make(30, 20, .2, 8);
    b.config.seed++;
    train(&a, 1, 0, NULL, NULL);
    train(&b, 1, 0, NULL, NULL);
    cr_expect_neq(memcmp(a.users, b.users, 30 * 8 * sizeof(float)), 0);
    problem_deinit(&a);
    problem_deinit(&b);
}

/* Two crowds, each seeing a third of its own half of the films: unseen films of the own half must
 * score above those of the other half. */
Test(als, unseen_films_of_the_own_crowd_score_higher)
{
    struct problem problem = problem_make(60, 40, 1, 8);
    struct sparse *weights = &problem.weights;
    struct rng rng = rng_stream(4, 0, 0);
    int64_t count = 0;
    for (int32_t user = 0; user < 60; user++) {
        for (int32_t item = 0; item < 40; item++) {
            if (user % 2 != item % 2 || rng_uniform(&rng) > .33)
                continue;
            weights->col[count] = item;
            weights->value[count++] = 1;
        }
        weights->start[user + 1] = count;
    }
    weights->count = count;
    sparse_deinit(&problem.transposed);
    sparse_transpose(weights, &problem.transposed);
    train(&problem, 2, 0, NULL, NULL);

    double own = 0, other = 0;
    int own_count = 0, other_count = 0;
    for (int32_t user = 0; user < 60; user++) {
        int64_t next = weights->start[user];
        for (int32_t item = 0; item < 40; item++) {
            double score = dot(problem.users + user * 8, problem.items + item * 8, 8);
            if (next < weights->start[user + 1] && weights->col[next] == item) {
                next++;
            } else if (user % 2 == item % 2) {
                own += score;
                own_count++;
            } else {
                other += score;
                other_count++;
            }
        }
    }
    cr_expect_gt(own / own_count, .1 + other / other_count, "%f, %f", own / own_count,
                 other / other_count);
    problem_deinit(&problem);
}
