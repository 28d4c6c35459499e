/*
 * The number in the system, seen every service time D, is a Markov chain: whoever was being served
 * has left, whoever arrived meanwhile (Poisson with mean rate * D) is there. Its stationary
 * probabilities p_0, p_1 ... solve linear equations. They fall geometrically in the end, by the
 * root tau > 1 of c ln(tau) = rate D (tau - 1) (Tijms 1994), so the equations are cut at N where
 * the other roots have died away, and the rest is that tail: a system of some hundred unknowns
 * instead of the thousands a load near saturation would need.
 *
 * Franx's formula for the waiting time is a sum of products of probabilities; written for
 * P(wait > x) nothing cancels, so that even rare waits are exact. Erlang's classic for one server
 * alternates in sign and is useless from some twenty service times on.
 */
#include "capacity/mdc.h"

#include "base/mem.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_linalg.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stddef.h>

#define CAPACITY_TOLERANCE 1e-7 /* relative */
#define QUANTILE_TOLERANCE 1e-9

struct mdc {
    double rate_per_s, service_s;
    int servers;
    double tau;
    int last;     /* N */
    double *over; /* [last + 1]: P(more than i in the system) */
};

/* Beyond it the Poisson weights of a mean of at most `mean` are below any rounding. */
static int poisson_end(double mean)
{
    return (int)(mean + 40 * sqrt(mean)) + 60;
}

static double decay_root(double mean, int servers)
{
    double low = servers / mean, high = 2 * low;
    while (mean * (high - 1) < servers * log(high)) {
        low = high;
        high *= 2;
    }
    for (int i = 0; i < 200 && high - low > 1e-15 * high; i++) {
        double middle = (low + high) / 2;
        if (mean * (middle - 1) < servers * log(middle)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (low + high) / 2;
}

/* Row j < N: p_j - sum of what leads to j = 0. Row N: the probabilities add up to one. */
static void fill_equations(const struct mdc *mdc, const double *arrive, gsl_matrix *rows)
{
    int last = mdc->last, c = mdc->servers;
    gsl_matrix_set_zero(rows);
    for (int j = 0; j < last; j++) {
        double *row = gsl_matrix_ptr(rows, (size_t)j, 0);
        row[j] += 1;
        for (int i = 0; i <= c + j; i++) {
            double weight = arrive[i <= c ? j : c + j - i];
            if (i <= last) {
                row[i] -= weight;
            } else {
                row[last] -= weight * pow(mdc->tau, last - i);
            }
        }
    }
    for (int i = 0; i < last; i++) {
        gsl_matrix_set(rows, (size_t)last, (size_t)i, 1);
    }
    gsl_matrix_set(rows, (size_t)last, (size_t)last, mdc->tau / (mdc->tau - 1));
}

static void solve(struct mdc *mdc)
{
    size_t count = (size_t)mdc->last + 1;
    double mean = mdc->rate_per_s * mdc->service_s;
    double *arrive = mem_array(count, sizeof *arrive);
    for (size_t j = 0; j < count; j++) {
        arrive[j] = gsl_ran_poisson_pdf((unsigned)j, mean);
    }
    gsl_matrix *rows = gsl_matrix_alloc(count, count);
    gsl_vector *right = gsl_vector_calloc(count), *p = gsl_vector_alloc(count);
    gsl_permutation *order = gsl_permutation_alloc(count);
    int sign;
    fill_equations(mdc, arrive, rows);
    gsl_vector_set(right, count - 1, 1);
    gsl_linalg_LU_decomp(rows, order, &sign);
    gsl_linalg_LU_solve(rows, order, right, p);
    mdc->over[mdc->last] = gsl_vector_get(p, count - 1) / (mdc->tau - 1);
    for (int i = mdc->last - 1; i >= 0; i--) {
        mdc->over[i] = mdc->over[i + 1] + gsl_vector_get(p, (size_t)i + 1);
    }
    gsl_permutation_free(order);
    gsl_vector_free(p);
    gsl_vector_free(right);
    gsl_matrix_free(rows);
    mem_free(arrive);
}

struct mdc *mdc_new(double rate_per_s, double service_s, int servers)
{
    assert(rate_per_s > 0 && service_s > 0 && servers > 0);
    double mean = rate_per_s * service_s;
    if (!(mean < servers)) {
        return NULL;
    }
    struct mdc *mdc = mem_zalloc(1, sizeof *mdc);
    mdc->rate_per_s = rate_per_s;
    mdc->service_s = service_s;
    mdc->servers = servers;
    mdc->tau = decay_root(mean, servers);
    mdc->last = poisson_end(servers);
    mdc->over = mem_array((size_t)mdc->last + 1, sizeof *mdc->over);
    solve(mdc);
    return mdc;
}

void mdc_free(struct mdc *mdc)
{
    if (mdc != NULL) {
        mem_free(mdc->over);
        mem_free(mdc);
    }
}

/* P(more than i in the system). */
static double more_than(const struct mdc *mdc, double i)
{
    if (i <= mdc->last) {
        return mdc->over[(int)i];
    }
    return mdc->over[mdc->last] * pow(mdc->tau, mdc->last - i);
}

double mdc_wait_over(const struct mdc *mdc, double wait_s)
{
    if (wait_s < 0) {
        return 1;
    }
    double periods = floor(wait_s / mdc->service_s) + 1;
    double mean = mdc->rate_per_s * (periods * mdc->service_s - wait_s);
    double places = periods * mdc->servers; /* more than that cannot be served in time */
    int end = (int)fmin(places, poisson_end(mean));
    double sum = gsl_cdf_poisson_Q((unsigned)(end - 1), mean);
    for (int j = 0; j < end; j++) {
        sum +=
            gsl_ran_poisson_pdf((unsigned)j, mean) * more_than(mdc, mdc->servers + places - 1 - j);
    }
    return fmin(sum, 1);
}

double mdc_time_over(const struct mdc *mdc, double time_s)
{
    return mdc_wait_over(mdc, time_s - mdc->service_s);
}

double mdc_time_quantile(const struct mdc *mdc, double quantile)
{
    double low = mdc->service_s, high = 2 * mdc->service_s;
    if (mdc_time_over(mdc, low) <= 1 - quantile) {
        return low;
    }
    while (mdc_time_over(mdc, high) > 1 - quantile) {
        low = high;
        high *= 2;
    }
    while (high - low > QUANTILE_TOLERANCE * high) {
        double middle = (low + high) / 2;
        if (mdc_time_over(mdc, middle) > 1 - quantile) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}

double mdc_capacity(double service_s, int servers, double time_s, double share)
{
    double low = 0, high = servers / service_s;
    if (time_s < service_s) {
        return 0;
    }
    while (high - low > CAPACITY_TOLERANCE * high) {
        double middle = (low + high) / 2;
        struct mdc *mdc = mdc_new(middle, service_s, servers);
        if (mdc != NULL && mdc_time_over(mdc, time_s) <= share) {
            low = middle;
        } else {
            high = middle;
        }
        mdc_free(mdc);
    }
    return low;
}
