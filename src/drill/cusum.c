#include "drill/cusum.h"

#include <assert.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_roots.h>
#include <math.h>

#define OVERSHOOT 1.166
#define SOLVER_STEPS 100

/* What a threshold amounts to when the last observation overshoots it. */
static double corrected(double kl, double threshold)
{
    return threshold + OVERSHOOT * sqrt(2 * kl);
}

/* e^h - h - 1 without the cancellation near 0. */
static double excess(double h)
{
    return expm1(h) - h;
}

double cusum_interval(double kl, double threshold)
{
    assert(kl > 0 && threshold >= 0);
    return excess(corrected(kl, threshold)) / kl;
}

double cusum_delay(double kl, double threshold)
{
    assert(kl > 0 && threshold >= 0);
    double h = corrected(kl, threshold);
    return (h + expm1(-h)) / kl;
}

struct wanted {
    double kl, log_interval;
};

/* Logarithms keep the function nearly straight over the twenty orders the interval may span. */
static double off_wanted(double threshold, void *context)
{
    const struct wanted *wanted = context;
    return log(cusum_interval(wanted->kl, threshold)) - wanted->log_interval;
}

double cusum_threshold(double kl, double interval)
{
    assert(kl > 0 && interval > 0);
    struct wanted wanted = {.kl = kl, .log_interval = log(interval)};
    gsl_function function = {.function = off_wanted, .params = &wanted};
    /* excess(h) > e^h / 4 from h = 2 on, so the root lies below this. */
    double high = fmax(2, log(4 * interval * kl) + 1);
    if (off_wanted(0, &wanted) >= 0) {
        return 0;
    }
    gsl_root_fsolver *solver = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
    gsl_root_fsolver_set(solver, &function, 0, high);
    for (int i = 0; i < SOLVER_STEPS; i++) {
        gsl_root_fsolver_iterate(solver);
        if (gsl_root_test_interval(gsl_root_fsolver_x_lower(solver),
                                   gsl_root_fsolver_x_upper(solver), 1e-10, 0) == GSL_SUCCESS) {
            break;
        }
    }
    double threshold = gsl_root_fsolver_root(solver);
    gsl_root_fsolver_free(solver);
    return threshold;
}

bool cusum_add(struct cusum *cusum, double log_ratio)
{
    cusum->value = fmax(0, cusum->value + log_ratio);
    if (cusum->value < cusum->threshold || cusum->value == 0) {
        return false;
    }
    cusum->value = 0;
    return true;
}
