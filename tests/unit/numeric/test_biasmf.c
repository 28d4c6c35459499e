#include "numeric/biasmf.h"

#include "base/mem.h"
#include "random_sparse.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const struct parallel one_thread = {1};

/* Ratings of a known model: mean 3.5, biases, `rank` common tastes, noise. Every tenth entry of
 * the returned matrix goes to *test instead. */
static struct sparse planted(int32_t users, int32_t items, int rank, double noise,
                             struct sparse *test)
{
    struct sparse cells = random_sparse(users, items, .25, 0, 1, 21), train;
    struct rng rng = rng_stream(6, 0, 0);
    double *trait = mem_array((size_t)(users + items) * (size_t)(rank + 1), sizeof *trait);
    for (int64_t j = 0; j < (int64_t)(users + items) * (rank + 1); j++)
        trait[j] = rng_normal(&rng);

    sparse_init(&train, users, items, cells.count);
    sparse_init(test, users, items, cells.count);
    train.count = test->count = 0;
    for (int32_t user = 0; user < users; user++) {
        for (int64_t n = cells.start[user]; n < cells.start[user + 1]; n++) {
            const double *p = trait + user * (rank + 1);
            const double *q = trait + (users + cells.col[n]) * (rank + 1);
            double stars = 3.5 + .4 * p[rank] + .5 * q[rank] + noise * rng_normal(&rng);
            for (int j = 0; j < rank; j++)
                stars += .5 * p[j] * q[j];
            struct sparse *to = n % 10 == 9 ? test : &train;
            to->col[to->count] = cells.col[n];
            to->value[to->count++] = (float)stars;
        }
        train.start[user + 1] = train.count;
        test->start[user + 1] = test->count;
    }
    mem_free(trait);
    sparse_deinit(&cells);
    return train;
}

static double rmse(const struct biasmf *model, const struct sparse *test)
{
    double sum = 0;
    for (int32_t user = 0; user < test->rows; user++) {
        for (int64_t n = test->start[user]; n < test->start[user + 1]; n++) {
            double off = biasmf_predict(model, user, test->col[n]) - (double)test->value[n];
            sum += off * off;
        }
    }
    return sqrt(sum / (double)test->count);
}

Test(biasmf, factors_beat_biases_and_biases_beat_the_mean)
{
    struct sparse test, train = planted(300, 200, 2, .5, &test);
    struct biasmf_config config = biasmf_defaults();
    struct biasmf model;
    double error[3];
    for (int level = 0; level < 3; level++) {
        config.factors = level == 2 ? 4 : 0;
        config.bias_sweeps = level > 0 ? 10 : 0;
        config.factor_ridge = .05;
        biasmf_fit(&config, &train, &one_thread, &model);
        error[level] = rmse(&model, &test);
        biasmf_deinit(&model);
    }
    cr_expect_lt(error[1], .85 * error[0], "mean %.4f, biases %.4f", error[0], error[1]);
    cr_expect_lt(error[2], .85 * error[1], "biases %.4f, factors %.4f", error[1], error[2]);
    cr_expect_lt(error[2], .65, "%.4f; the noise alone is .5", error[2]);
    sparse_deinit(&train);
    sparse_deinit(&test);
}

/* The biases must satisfy their own equations, the user's exactly (they were solved last). */
Test(biasmf, biases_solve_the_ridge_equations)
{
    struct sparse test, train = planted(60, 50, 1, .5, &test), by_item;
    struct biasmf_config config = biasmf_defaults();
    struct biasmf model;
    config.factors = 0;
    config.bias_sweeps = 60;
    biasmf_fit(&config, &train, &one_thread, &model);
    sparse_transpose(&train, &by_item);
    for (int side = 0; side < 2; side++) {
        const struct sparse *stars = side ? &by_item : &train;
        const float *own = side ? model.item_bias : model.user_bias;
        const float *other = side ? model.user_bias : model.item_bias;
        double ridge = side ? config.item_ridge : config.user_ridge;
        for (int32_t row = 0; row < stars->rows; row++) {
            double left = ridge * (double)own[row];
            for (int64_t n = stars->start[row]; n < stars->start[row + 1]; n++)
                left -= (double)stars->value[n] - model.mean - (double)own[row] -
                        (double)other[stars->col[n]];
            cr_expect_lt(fabs(left), 1e-4, "side %d row %d: %g", side, row, left);
        }
    }
    sparse_deinit(&by_item);
    biasmf_deinit(&model);
    sparse_deinit(&train);
    sparse_deinit(&test);
}

/* Items are solved last: sum p (e - p.q) = ridge n q for each. */
Test(biasmf, item_factors_solve_their_equations)
{
    struct sparse test, train = planted(80, 60, 2, .5, &test), by_item;
    struct biasmf_config config = biasmf_defaults();
    struct biasmf model;
    config.factors = 5;
    biasmf_fit(&config, &train, &one_thread, &model);
    sparse_transpose(&train, &by_item);
    for (int32_t item = 0; item < by_item.rows; item++) {
        int64_t begin = by_item.start[item], end = by_item.start[item + 1];
        for (int j = 0; j < 5; j++) {
            double sum = -config.factor_ridge * (double)(end - begin) *
                         (double)model.item_factor[item * 5 + j];
            for (int64_t n = begin; n < end; n++) {
                int32_t user = by_item.col[n];
                double left = (double)by_item.value[n] - biasmf_predict(&model, user, item);
                sum += left * (double)model.user_factor[user * 5 + j];
            }
            cr_expect_lt(fabs(sum), 1e-4, "item %d factor %d: %g", item, j, sum);
        }
    }
    sparse_deinit(&by_item);
    biasmf_deinit(&model);
    sparse_deinit(&train);
    sparse_deinit(&test);
}

Test(biasmf, an_unrated_film_is_predicted_by_the_user_alone)
{
    struct sparse stars;
    sparse_init(&stars, 2, 3, 3);
    stars.start[1] = 2;
    stars.start[2] = 3;
    memcpy(stars.col, (const int32_t[]){0, 1, 0}, 3 * sizeof(int32_t));
    memcpy(stars.value, (const float[]){4, 5, 3}, 3 * sizeof(float));
    struct biasmf_config config = biasmf_defaults();
    struct biasmf model;
    biasmf_fit(&config, &stars, &one_thread, &model);
    cr_expect_eq(model.mean, 4);
    cr_expect_eq(model.item_bias[2], 0);
    for (int j = 0; j < model.factors; j++)
        cr_expect_eq(model.item_factor[2 * model.factors + j], 0);
    cr_expect_eq(biasmf_predict(&model, 0, 2), model.mean + (double)model.user_bias[0]);
    cr_expect_gt(model.user_bias[0], model.user_bias[1]);
    biasmf_deinit(&model);
    sparse_deinit(&stars);
}

Test(biasmf, threads_do_not_change_a_bit)
{
    struct sparse test, train = planted(200, 150, 2, .5, &test);
    struct biasmf_config config = biasmf_defaults();
    struct biasmf one, many;
    biasmf_fit(&config, &train, &one_thread, &one);
    for (unsigned threads = 2; threads <= 4; threads++) {
        size_t k = (size_t)config.factors * sizeof(float);
        biasmf_fit(&config, &train, &(struct parallel){threads}, &many);
        cr_expect_eq(memcmp(one.user_bias, many.user_bias, 200 * sizeof(float)), 0, "%u", threads);
        cr_expect_eq(memcmp(one.item_bias, many.item_bias, 150 * sizeof(float)), 0, "%u", threads);
        cr_expect_eq(memcmp(one.user_factor, many.user_factor, 200 * k), 0, "%u", threads);
        cr_expect_eq(memcmp(one.item_factor, many.item_factor, 150 * k), 0, "%u", threads);
        biasmf_deinit(&many);
    }
    biasmf_deinit(&one);
    sparse_deinit(&train);
    sparse_deinit(&test);
}
