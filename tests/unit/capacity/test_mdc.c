#include "capacity/mdc.h"

#include "base/rng.h"

#include <criterion/criterion.h>
#include <math.h>

Test(mdc, one_server_meets_erlangs_formula)
{
    /* P(W <= t) = (1-rho) sum_k [lambda (kD-t)]^k / k! exp(-lambda (kD-t)), k up to t/D. */
    static const double rhos[] = {0.1, 0.5, 0.8, 0.95};
    for (size_t r = 0; r < sizeof rhos / sizeof rhos[0]; r++) {
        double lambda = rhos[r];
        struct mdc *mdc = mdc_new(lambda, 1, 1);
        for (double t = 0; t < 8; t += 0.37) {
            double below = 0, power = 0;
            for (int k = 0; k <= (int)t; k++) {
                power = lambda * (k - t);
                below += (1 - lambda) * pow(power, k) / tgamma(k + 1) * exp(-power);
            }
            cr_expect_float_eq(mdc_wait_over(mdc, t), 1 - below, 1e-9, "rho %g, t %g: %.12g, %.12g",
                               rhos[r], t, mdc_wait_over(mdc, t), 1 - below);
        }
        mdc_free(mdc);
    }
}

Test(mdc, mean_wait_of_one_server_meets_pollaczek_and_khinchine)
{
    struct mdc *mdc = mdc_new(900, 0.001, 1);
    double mean = 0, step = 1e-6;
    for (double t = step / 2; t < 0.2; t += step) {
        mean += mdc_wait_over(mdc, t) * step;
    }
    cr_expect_float_eq(mean, 0.9 * 0.001 / (2 * 0.1), 1e-8, "%.10g", mean);
    mdc_free(mdc);
}

enum { BATCHES = 25, CUSTOMERS = 40000 /* of a batch */, TIMES = 4 };

struct queue {
    double free_at[64]; /* rising */
    int servers;
    double now;
    struct rng rng;
};

/* The wait of the next customer; service takes one unit of time. */
static double next_wait(struct queue *queue, double rate)
{
    queue->now += rng_exponential(&queue->rng) / rate;
    double wait = fmax(queue->free_at[0] - queue->now, 0);
    double until = queue->now + wait + 1;
    int i = 0;
    for (; i + 1 < queue->servers && queue->free_at[i + 1] < until; i++) {
        queue->free_at[i] = queue->free_at[i + 1];
    }
    queue->free_at[i] = until;
    return wait;
}

/* Share of the simulated waits over each time, and its standard error by batch means: waits come
 * in runs. */
static void simulate(double rate, int servers, const double *over, double *share, double *error)
{
    struct queue queue = {.servers = servers, .rng = rng_stream(7, (uint64_t)servers, 1)};
    double sum[TIMES] = {0}, squares[TIMES] = {0};
    for (int batch = 0; batch < BATCHES; batch++) {
        double here[TIMES] = {0};
        for (int i = 0; i < CUSTOMERS; i++) {
            double wait = next_wait(&queue, rate);
            for (int k = 0; k < TIMES; k++) {
                here[k] += (wait > over[k]) / (double)CUSTOMERS;
            }
        }
        for (int k = 0; k < TIMES; k++) {
            sum[k] += here[k];
            squares[k] += here[k] * here[k];
        }
    }
    for (int k = 0; k < TIMES; k++) {
        share[k] = sum[k] / BATCHES;
        error[k] = sqrt((squares[k] / BATCHES - share[k] * share[k]) / (BATCHES - 1));
    }
}

Test(mdc, several_servers_meet_a_simulation)
{
    static const double over[TIMES] = {0, 0.25, 1, 2.5};
    static const struct {
        double rate;
        int servers;
    } rows[] = {{1.5, 2}, {3.4, 4}, {7.2, 8}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        double share[TIMES], error[TIMES];
        struct mdc *mdc = mdc_new(rows[r].rate, 1, rows[r].servers);
        simulate(rows[r].rate, rows[r].servers, over, share, error);
        for (int k = 0; k < TIMES; k++) {
            double exact = mdc_wait_over(mdc, over[k]);
            cr_expect_float_eq(share[k], exact, 4 * error[k] + 1e-5,
                               "%d servers, wait %g: %g +- %g, exact %g", rows[r].servers, over[k],
                               share[k], error[k], exact);
            cr_expect(exact < 0.001 || error[k] < 0.2 * exact, "the simulation is precise enough");
        }
        mdc_free(mdc);
    }
}

Test(mdc, tails_fall_geometrically_far_out_and_near_saturation)
{
    struct mdc *mdc = mdc_new(3.98, 1, 4);
    double before = mdc_wait_over(mdc, 50);
    cr_expect(before > 0 && before < 1);
    double ratio = mdc_wait_over(mdc, 51) / before;
    cr_expect_float_eq(mdc_wait_over(mdc, 2051) / mdc_wait_over(mdc, 2050), ratio, 1e-9);
    /* tau of c ln(tau) = rate (tau - 1): c customers fewer a service time. */
    double tau = pow(ratio, -0.25);
    cr_expect_float_eq(4 * log(tau), 3.98 * (tau - 1), 1e-9);
    mdc_free(mdc);
}

Test(mdc, quantiles_and_shares_agree)
{
    struct mdc *mdc = mdc_new(3000, 0.001, 4);
    for (double q = 0.05; q < 0.9999; q += 0.0499) {
        double t = mdc_time_quantile(mdc, q);
        cr_expect(mdc_time_over(mdc, t) <= 1 - q + 1e-9, "quantile %g", q);
        cr_expect(t <= 0.001 || mdc_time_over(mdc, t * (1 - 1e-6)) > 1 - q, "quantile %g", q);
    }
    mdc_free(mdc);
}

Test(mdc, capacity_is_where_the_share_is_used_up)
{
    static const struct {
        int servers;
        double time_s, share;
    } rows[] = {{1, 0.005, 0.01}, {4, 0.003, 0.01}, {16, 0.002, 0.001}, {64, 0.0015, 0.05}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        double rate = mdc_capacity(0.001, rows[r].servers, rows[r].time_s, rows[r].share);
        struct mdc *mdc = mdc_new(rate, 0.001, rows[r].servers);
        cr_expect_float_eq(mdc_time_over(mdc, rows[r].time_s), rows[r].share, 1e-4 * rows[r].share,
                           "%d servers: %g", rows[r].servers, rate);
        mdc_free(mdc);
    }
    cr_expect_eq(mdc_capacity(0.001, 4, 0.0009, 0.01), 0);
    cr_expect_null(mdc_new(4000, 0.001, 4));
}
