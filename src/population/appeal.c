/*
 * The fixed point b_i += .8 log((wanted share + 2e-4) / (simulated share + 2e-4)), six sweeps.
 *
 * The simulated share is computed, not drawn. Taking the n films with the largest `score + Gumbel`
 * is the same as a race in which film i arrives after an exponential time of rate w_i =
 * exp(score_i) and the first n arrivals are kept. With n out of thousands the n-th arrival happens
 * at a nearly fixed time t, the root of sum_i (1 - exp(-w_i t)) = n, and film i is among them with
 * probability 1 - exp(-w_i t). Drawing instead would need ten times the people: most films are
 * wanted by one person in six hundred, and the logarithm of such a noisy share drives the sweeps
 * astray.
 *
 * People are dealt to a fixed number of groups with a sum of shares each, added in order of the
 * groups: floating-point sums then do not depend on the threads.
 */
#include "population/appeal.h"

#include "base/mem.h"
#include "population/taste.h"

#include <math.h>
#include <string.h>

#define SWEEPS 6
#define STEP .8
#define SHARE_FLOOR 2e-4
#define GROUPS 32
#define NEWTON_MAX 12
#define NEWTON_CLOSE 2e-3 /* of n */
#define LANES 8           /* independent partial sums, so that the compiler may use SIMD */

#define EXP_LIMIT 87.F

/* exp() of a whole array, relative error under 3e-7; beyond +-EXP_LIMIT the value at the limit.
 * Splits v into k log 2 + r with |r| <= log 2 / 2: adding 1.5 * 2^23 leaves k in the low bits of
 * the sum. Limiting is a loop of its own, because in one loop the compiler makes it a branch. */
TASTE_VECTOR_VERSIONS
static void exp_all(float *restrict v, int32_t count)
{
    union number {
        float f;
        uint32_t bits;
    };
    for (int32_t i = 0; i < count; i++) {
        v[i] = v[i] < -EXP_LIMIT ? -EXP_LIMIT : v[i];
    }
    for (int32_t i = 0; i < count; i++) {
        v[i] = v[i] > EXP_LIMIT ? EXP_LIMIT : v[i];
    }
    for (int32_t i = 0; i < count; i++) {
        union number shifted = {.f = v[i] * 1.44269504F + 12582912.F};
        float k = shifted.f - 12582912.F;
        float r = (v[i] - k * .693145752F) - k * 1.42860677e-6F;
        float tail = .0416666667F + r * (.00833333333F + r * .00138888889F);
        float p = 1 + r * (1 + r * (.5F + r * (.166666667F + r * tail)));
        union number power = {.bits = (shifted.bits << 23) + 0x3f800000U};
        v[i] = p * power.f;
    }
}

TASTE_VECTOR_VERSIONS
static double sum_all(const float *v, int32_t count)
{
    float sum[LANES] = {0};
    int32_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        for (int k = 0; k < LANES; k++) {
            sum[k] += v[i + k];
        }
    }
    double total = 0;
    for (int k = 0; k < LANES; k++) {
        total += sum[k];
    }
    for (; i < count; i++) {
        total += v[i];
    }
    return total;
}

TASTE_VECTOR_VERSIONS
static double sum_of_products(const float *a, const float *b, int32_t count)
{
    float sum[LANES] = {0};
    int32_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        for (int k = 0; k < LANES; k++) {
            sum[k] += a[i + k] * b[i + k];
        }
    }
    double total = 0;
    for (int k = 0; k < LANES; k++) {
        total += sum[k];
    }
    for (; i < count; i++) {
        total += (double)a[i] * (double)b[i];
    }
    return total;
}

/* left[i] = exp(-rate[i] * time): the probability that film i has not arrived yet. */
static void not_arrived(const float *restrict rate, double time, int32_t films,
                        float *restrict left)
{
    float factor = (float)-time;
    for (int32_t i = 0; i < films; i++) {
        left[i] = rate[i] * factor;
    }
    exp_all(left, films);
}

/* Solves for the time of the n-th arrival and leaves `left` for it. The number of arrivals is
 * concave in time, so Newton's steps from anywhere left of the root stay left of it and rise. */
static double nth_arrival(const float *rate, double guess, double n, int32_t films, float *left)
{
    double time = guess;
    for (int round = 0; round < NEWTON_MAX; round++) {
        not_arrived(rate, time, films, left);
        double missing = n - (films - sum_all(left, films));
        if (fabs(missing) <= NEWTON_CLOSE * n) {
            break;
        }
        double next = time + missing / sum_of_products(rate, left, films);
        time = next > 0 ? next : time / 2;
    }
    return time;
}

struct sweep {
    const struct appeal_problem *problem;
    const float *appeal;
    double *arrival;  /* [people] time of the n-th arrival in the last sweep, 0 = not known */
    float *group_sum; /* [GROUPS x films] */
};

static void add_person(const struct sweep *sweep, int32_t person, float *rate, float *left,
                       float *sum)
{
    const struct appeal_problem *problem = sweep->problem;
    int32_t films = problem->films;
    taste_scores(problem->taste + (int64_t)person * TASTE_DIMS, (float)problem->sharpness,
                 problem->film_by_dim, sweep->appeal, films, rate);
    exp_all(rate, films);
    /* Somebody who has nearly everything would have no finite arrival time. */
    double n = fmin(problem->activity[person], .98 * films);
    double guess = sweep->arrival[person] > 0 ? sweep->arrival[person] : n / sum_all(rate, films);
    sweep->arrival[person] = nth_arrival(rate, guess, n, films, left);
    for (int32_t i = 0; i < films; i++) {
        sum[i] += 1 - left[i];
    }
}

static void sweep_groups(void *context, int64_t first, int64_t end, unsigned lane)
{
    (void)lane;
    const struct sweep *sweep = context;
    int32_t films = sweep->problem->films;
    float *rate = mem_array((size_t)films, sizeof *rate);
    float *left = mem_array((size_t)films, sizeof *left);
    for (int64_t group = first; group < end; group++) {
        float *sum = sweep->group_sum + group * films;
        memset(sum, 0, (size_t)films * sizeof *sum);
        for (int32_t person = (int32_t)group; person < sweep->problem->people; person += GROUPS) {
            add_person(sweep, person, rate, left, sum);
        }
    }
    mem_free(rate);
    mem_free(left);
}

void appeal_solve(const struct appeal_problem *problem, const struct parallel *parallel,
                  float *appeal)
{
    int32_t films = problem->films;
    for (int32_t i = 0; i < films; i++) {
        appeal[i] = (float)log(problem->share[i] + SHARE_FLOOR);
    }
    struct sweep sweep = {.problem = problem, .appeal = appeal};
    sweep.arrival = mem_zalloc((size_t)problem->people, sizeof *sweep.arrival);
    sweep.group_sum = mem_array((size_t)GROUPS * (size_t)films, sizeof *sweep.group_sum);
    for (int round = 0; round < SWEEPS; round++) {
        parallel_for(parallel, GROUPS, 1, sweep_groups, &sweep);
        for (int32_t i = 0; i < films; i++) {
            double simulated = 0;
            for (int group = 0; group < GROUPS; group++) {
                simulated += sweep.group_sum[(int64_t)group * films + i];
            }
            simulated /= problem->people;
            appeal[i] +=
                (float)(STEP * log((problem->share[i] + SHARE_FLOOR) / (simulated + SHARE_FLOOR)));
        }
    }
    mem_free(sweep.arrival);
    mem_free(sweep.group_sum);
}
