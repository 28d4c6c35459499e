/*
 * The problem: three parameters from some eight levels whose errors are known, and an honest
 * answer to whether the throughput has a maximum at all.
 *
 * The method: N / X(N) = (1 + a (N-1) + b N (N-1)) / g is linear in 1/g, a/g and b/g, so a weighted
 * linear fit gives the start; Levenberg and Marquardt (gsl_multifit_nlinear) then fit X itself,
 * each level weighted by 1/variance. Neither a nor b is kept from being negative: a bound at zero
 * would make every b "positive" and with it every curve one that has a peak. Where levels scatter
 * more than their errors say, the errors are taken larger by the root of the reduced chi square.
 *
 * Peaks are judged by a parametric bootstrap: levels drawn anew around the fitted curve, fitted
 * again, the 2.5 % and 97.5 % quantiles of each parameter and of N* and X*. The delta method does
 * badly here, since N* is a root of a ratio whose lower part may reach zero. Drawing levels from
 * the list with replacement is rejected: eight levels of a curve are not exchangeable.
 */
#include "capacity/usl.h"

#include "base/mem.h"
#include "base/rng.h"

#include <assert.h>
#include <gsl/gsl_blas.h>
#include <gsl/gsl_multifit.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdbool.h>

enum {
    PARAMETERS = 3, /* g, a, b */
    RESAMPLES = 400,
    ITERATIONS_MAX = 200,
    PURPOSE_RESAMPLE = 0x55534c01,
};

#define RELATIVE_ERROR_MIN 0.002 /* no level is known better: a machine is not that steady */
#define DENOMINATOR_MIN 1e-9     /* where a step of the fit leaves what makes sense */
#define TOLERANCE 1e-10
#define DROP_ERRORS 2.0 /* the last level must lie so many errors below the peak to show it */

struct problem {
    const double *users, *rate, *weight;
    size_t count;
};

struct solution {
    double parameter[PARAMETERS], error[PARAMETERS];
    double chi_square;
};

/* ---- one fit ---- */

static double denominator(const double *parameter, double users)
{
    return fmax(1 + parameter[1] * (users - 1) + parameter[2] * users * (users - 1),
                DENOMINATOR_MIN);
}

static double curve(const double *parameter, double users)
{
    return parameter[0] * users / denominator(parameter, users);
}

static int residuals(const gsl_vector *at, void *context, gsl_vector *out)
{
    const struct problem *problem = context;
    for (size_t i = 0; i < problem->count; i++) {
        gsl_vector_set(out, i, curve(at->data, problem->users[i]) - problem->rate[i]);
    }
    return GSL_SUCCESS;
}

static int slopes(const gsl_vector *at, void *context, gsl_matrix *out)
{
    const struct problem *problem = context;
    for (size_t i = 0; i < problem->count; i++) {
        double n = problem->users[i], below = denominator(at->data, n);
        double rate = curve(at->data, n);
        gsl_matrix_set(out, i, 0, n / below);
        gsl_matrix_set(out, i, 1, -rate * (n - 1) / below);
        gsl_matrix_set(out, i, 2, -rate * n * (n - 1) / below);
    }
    return GSL_SUCCESS;
}

/* The linear form. False if it gives no sensible g. */
static bool start_of(const struct problem *problem, double *parameter)
{
    double chi_square;
    gsl_matrix *x = gsl_matrix_alloc(problem->count, PARAMETERS);
    gsl_matrix *covariance = gsl_matrix_alloc(PARAMETERS, PARAMETERS);
    gsl_vector *y = gsl_vector_alloc(problem->count), *weight = gsl_vector_alloc(problem->count);
    gsl_vector *found = gsl_vector_alloc(PARAMETERS);
    gsl_multifit_linear_workspace *work = gsl_multifit_linear_alloc(problem->count, PARAMETERS);
    for (size_t i = 0; i < problem->count; i++) {
        double n = problem->users[i], slope = problem->rate[i] * problem->rate[i] / n;
        gsl_matrix_set(x, i, 0, 1);
        gsl_matrix_set(x, i, 1, n - 1);
        gsl_matrix_set(x, i, 2, n * (n - 1));
        gsl_vector_set(y, i, n / problem->rate[i]);
        gsl_vector_set(weight, i, problem->weight[i] * slope * slope);
    }
    int status = gsl_multifit_wlinear(x, weight, y, found, covariance, &chi_square, work);
    double inverse = gsl_vector_get(found, 0);
    bool good = status == GSL_SUCCESS && inverse > 0;
    if (good) {
        parameter[0] = 1 / inverse;
        parameter[1] = gsl_vector_get(found, 1) / inverse;
        parameter[2] = gsl_vector_get(found, 2) / inverse;
    }
    gsl_multifit_linear_free(work);
    gsl_vector_free(found);
    gsl_vector_free(weight);
    gsl_vector_free(y);
    gsl_matrix_free(covariance);
    gsl_matrix_free(x);
    return good;
}

/* Where the linear form fails: as if nothing got in each other's way. */
static void plain_start(const struct problem *problem, double *parameter)
{
    parameter[0] = problem->rate[0] / problem->users[0];
    parameter[1] = parameter[2] = 0;
}

static bool iterate(struct problem *problem, const double *start, struct solution *out)
{
    gsl_multifit_nlinear_parameters settings = gsl_multifit_nlinear_default_parameters();
    gsl_multifit_nlinear_fdf functions = {
        .f = residuals, .df = slopes, .n = problem->count, .p = PARAMETERS, .params = problem};
    gsl_vector_const_view at = gsl_vector_const_view_array(start, PARAMETERS);
    gsl_vector_const_view weight = gsl_vector_const_view_array(problem->weight, problem->count);
    gsl_matrix *covariance = gsl_matrix_alloc(PARAMETERS, PARAMETERS);
    gsl_multifit_nlinear_workspace *work = gsl_multifit_nlinear_alloc(
        gsl_multifit_nlinear_trust, &settings, problem->count, PARAMETERS);
    int why = 0, status = gsl_multifit_nlinear_winit(&at.vector, &weight.vector, &functions, work);
    if (status == GSL_SUCCESS) {
        status = gsl_multifit_nlinear_driver(ITERATIONS_MAX, TOLERANCE, TOLERANCE, 0, NULL, NULL,
                                             &why, work);
    }
    /* No progress is what the minimum looks like when the tolerance is below rounding. */
    bool good = status == GSL_SUCCESS || status == GSL_ENOPROG;
    good = good &&
           gsl_multifit_nlinear_covar(gsl_multifit_nlinear_jac(work), 0, covariance) == GSL_SUCCESS;
    out->chi_square = pow(gsl_blas_dnrm2(gsl_multifit_nlinear_residual(work)), 2);
    for (size_t i = 0; i < PARAMETERS; i++) {
        out->parameter[i] = gsl_vector_get(work->x, i);
        out->error[i] = sqrt(gsl_matrix_get(covariance, i, i));
        good = good && isfinite(out->parameter[i]) && isfinite(out->error[i]);
    }
    gsl_multifit_nlinear_free(work);
    gsl_matrix_free(covariance);
    return good && out->parameter[0] > 0 && isfinite(out->chi_square);
}

static bool solve(struct problem *problem, struct solution *out)
{
    double start[PARAMETERS];
    if (!start_of(problem, start)) {
        plain_start(problem, start);
    }
    return iterate(problem, start, out);
}

/* ---- bootstrap ---- */

enum { GAMMA, ALPHA, BETA, PEAK_USERS, PEAK_RATE, FIGURES };

struct bootstrap {
    double *figure[FIGURES]; /* [RESAMPLES] */
    size_t count, peaks;
};

static bool peak_of(const double *parameter, double *users, double *rate)
{
    if (!(parameter[2] > 0 && parameter[1] < 1)) {
        return false;
    }
    *users = sqrt((1 - parameter[1]) / parameter[2]);
    *rate = curve(parameter, *users);
    return true;
}

/* `error` per level, already scaled by how badly the law fits. */
static void resample(const struct problem *problem, const struct solution *found,
                     const double *error, uint64_t seed, struct bootstrap *out)
{
    double *rate = mem_array(problem->count, sizeof *rate);
    struct problem again = *problem;
    again.rate = rate;
    for (int r = 0; r < RESAMPLES; r++) {
        struct rng rng = rng_stream(seed, (uint64_t)r, PURPOSE_RESAMPLE);
        struct solution solution;
        for (size_t i = 0; i < problem->count; i++) {
            double exact = curve(found->parameter, problem->users[i]);
            rate[i] = fmax(exact + error[i] * rng_normal(&rng), 0.01 * exact);
        }
        if (!solve(&again, &solution)) {
            continue;
        }
        for (int f = GAMMA; f <= BETA; f++) {
            out->figure[f][out->count] = solution.parameter[f];
        }
        out->count++;
        if (peak_of(solution.parameter, &out->figure[PEAK_USERS][out->peaks],
                    &out->figure[PEAK_RATE][out->peaks])) {
            out->peaks++;
        }
    }
    mem_free(rate);
}

static void quantiles(double *list, size_t count, struct usl_interval *out)
{
    if (count < RESAMPLES / 2) {
        return;
    }
    gsl_sort(list, 1, count);
    out->low = gsl_stats_quantile_from_sorted_data(list, 1, count, (1 - USL_CONFIDENCE) / 2);
    out->high = gsl_stats_quantile_from_sorted_data(list, 1, count, (1 + USL_CONFIDENCE) / 2);
}

/* ---- the outcome ---- */

static const struct usl_interval unknown = {NAN, NAN, NAN, NAN};

static void tell(const struct problem *problem, const struct solution *found, const double *error,
                 struct bootstrap *bootstrap, struct usl_fit *out)
{
    struct usl_interval users = unknown, rate = unknown;
    size_t last = 0;
    for (size_t i = 1; i < problem->count; i++) {
        last = problem->users[i] > problem->users[last] ? i : last;
    }
    quantiles(bootstrap->figure[GAMMA], bootstrap->count, &out->gamma);
    quantiles(bootstrap->figure[ALPHA], bootstrap->count, &out->alpha);
    quantiles(bootstrap->figure[BETA], bootstrap->count, &out->beta);
    quantiles(bootstrap->figure[PEAK_USERS], bootstrap->peaks, &users);
    quantiles(bootstrap->figure[PEAK_RATE], bootstrap->peaks, &rate);
    out->resamples = (int)bootstrap->count;
    bool bends = out->beta.low > 0 && peak_of(found->parameter, &users.value, &rate.value);
    bool inside = users.high <= problem->users[last];
    /* A plateau bends the curve as well, but shows no fall. */
    bool falls = problem->rate[last] + DROP_ERRORS * error[last] < rate.value;
    if (!bends || (inside && !falls)) {
        out->outcome = USL_NO_PEAK;
    } else if (!inside) {
        out->outcome = USL_BEYOND;
    } else {
        out->outcome = USL_PEAK;
        out->peak_users = users;
        out->peak_per_s = rate;
    }
}

static void fit(struct problem *problem, double *error, bool errors_known, uint64_t seed,
                struct usl_fit *out)
{
    struct solution found;
    out->outcome = USL_NO_FIT;
    if (!solve(problem, &found)) {
        return;
    }
    double scatter = sqrt(found.chi_square / (double)(problem->count - PARAMETERS));
    double scale = errors_known ? fmax(1, scatter) : scatter;
    out->misfit = errors_known ? scatter : NAN;
    out->gamma = (struct usl_interval){found.parameter[0], NAN, NAN, scale * found.error[0]};
    out->alpha = (struct usl_interval){found.parameter[1], NAN, NAN, scale * found.error[1]};
    out->beta = (struct usl_interval){found.parameter[2], NAN, NAN, scale * found.error[2]};
    struct bootstrap bootstrap = {0};
    for (int f = 0; f < FIGURES; f++) {
        bootstrap.figure[f] = mem_array(RESAMPLES, sizeof(double));
    }
    for (size_t i = 0; i < problem->count; i++) {
        error[i] *= scale;
    }
    resample(problem, &found, error, seed, &bootstrap);
    tell(problem, &found, error, &bootstrap, out);
    for (int f = 0; f < FIGURES; f++) {
        mem_free(bootstrap.figure[f]);
    }
}

void usl_fit(const struct usl_level *level, size_t count, uint64_t seed, struct usl_fit *out)
{
    double *users = mem_array(count + 1, sizeof *users), *rate = mem_array(count + 1, sizeof *rate);
    double *weight = mem_array(count + 1, sizeof *weight);
    double *error = mem_array(count + 1, sizeof *error);
    size_t used = 0;
    bool errors_known = true;
    for (size_t i = 0; i < count; i++) {
        errors_known = errors_known && level[i].error_per_s > 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (!(level[i].users >= 1 && level[i].rate_per_s > 0)) {
            continue;
        }
        users[used] = level[i].users;
        rate[used] = level[i].rate_per_s;
        double least = RELATIVE_ERROR_MIN * level[i].rate_per_s;
        error[used] = errors_known ? fmax(level[i].error_per_s, least) : level[i].rate_per_s;
        weight[used] = 1 / (error[used] * error[used]);
        used++;
    }
    *out = (struct usl_fit){.outcome = USL_FEW_LEVELS,
                            .gamma = unknown,
                            .alpha = unknown,
                            .beta = unknown,
                            .peak_users = unknown,
                            .peak_per_s = unknown,
                            .misfit = NAN};
    struct problem problem = {users, rate, weight, used};
    if (used >= USL_LEVELS_MIN) {
        fit(&problem, error, errors_known, seed, out);
    }
    mem_free(error);
    mem_free(weight);
    mem_free(rate);
    mem_free(users);
}

double usl_rate(const struct usl_fit *fit, double users)
{
    const double parameter[PARAMETERS] = {fit->gamma.value, fit->alpha.value, fit->beta.value};
    return curve(parameter, users);
}

const char *usl_outcome_text(enum usl_outcome outcome)
{
    static const char *const texts[] = {
        [USL_PEAK] = "a peak within the levels",
        [USL_NO_PEAK] = "no peak identifiable: throughput did not fall with more people",
        [USL_BEYOND] = "no peak within the levels; where it would be is a guess",
        [USL_FEW_LEVELS] = "too few levels for a fit",
        [USL_NO_FIT] = "the fit did not converge"};
    return texts[outcome];
}
