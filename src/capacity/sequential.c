/*
 * The problem: at a rate near the limit, one response in a hundred is allowed to be slow, and slow
 * responses come in runs: a queue that has grown stays long for many customers. Treating each
 * response as an observation of its own would decide much too soon, and often wrongly.
 *
 * The method: blocks of time are joined to batches of 1, 2, 4 ... blocks as long as sixteen batches
 * remain; at each size the variance of the share among batches (a ratio, since batches differ in
 * size) is compared with that of independent responses. Long batches see correlation that short
 * ones miss, so the largest of these design effects counts. n responses are then worth n / effect
 * independent ones, less what not knowing the variance costs (Student's t for the normal quantile:
 * Korn and Graubard 1998), and for those the exact binomial bounds hold.
 *
 * A trial in which few clusters fell, or small ones, underestimates both the share and its
 * variance, so the effect is taken SKEW effective bad responses larger than estimated. Hardly any
 * bad responses say hardly anything about how they cluster. While they are worth fewer than FEW
 * independent ones, a design effect to be feared (the prior) is mixed in, so that a short clean
 * trial does not pass because it ended before the first slow moment. Moments longer than that,
 * rarer than the longest trial shows, are for the soak to find.
 *
 * Rejected: thinning by lag (throws away what batches keep), normal bounds (wrong for the handful
 * of bad responses that pass an objective of 0.1 %), Wald's sequential ratio test (needs
 * independence; an estimated design effect breaks it).
 */
#include "capacity/sequential.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <math.h>

#define FEW 8    /* effective bad responses, below which the prior counts */
#define SKEW 2.0 /* effective bad responses by which the effect is taken to be larger */

/* ---- exact bounds ---- */

/* The share at which P(beta variable <= share) is `probability`; monotone, so halving finds it. */
static double beta_quantile(double probability, double a, double b)
{
    double low = 0, high = 1;
    for (int i = 0; i < 60 && high - low > 1e-9 * low; i++) {
        double middle = (low + high) / 2;
        if (gsl_cdf_beta_P(middle, a, b) < probability) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (low + high) / 2;
}

double sequential_upper(double bad, double count, double alpha)
{
    return bad >= count ? 1 : beta_quantile(1 - alpha, bad + 1, count - bad);
}

double sequential_lower(double bad, double count, double alpha)
{
    return bad <= 0 ? 0 : beta_quantile(alpha, bad, count - bad + 1);
}

/* ---- batches ---- */

struct spread { /* at one size of batches */
    double effect;
    size_t batches;
};

static struct spread spread_of(const struct capacity_block *block, size_t count, size_t size,
                               double share)
{
    struct spread spread = {0};
    double squares = 0, total = 0;
    for (size_t first = 0; first < count; first += size) {
        double sent = 0, bad = 0;
        for (size_t i = first; i < first + size && i < count; i++) {
            sent += (double)(block[i].good + block[i].bad);
            bad += (double)block[i].bad;
        }
        double off = bad - share * sent;
        squares += off * off;
        total += sent;
        spread.batches++;
    }
    double m = (double)spread.batches, expected = share * (1 - share) * total;
    spread.effect = expected > 0 ? fmax(1, m / (m - 1) * squares / expected) : 1;
    return spread;
}

static struct spread widest(const struct capacity_block *block, size_t count, double share,
                            size_t *size)
{
    struct spread widest = spread_of(block, count, 1, share);
    *size = 1;
    for (size_t s = 2; count / s >= SEQUENTIAL_BLOCKS_MIN; s *= 2) {
        struct spread spread = spread_of(block, count, s, share);
        if (spread.effect > widest.effect) {
            widest = spread;
            *size = s;
        }
    }
    return widest;
}

/* The effect to reckon with, given how little the bad responses there were tell about it. No slow
 * moment is assumed to be longer than a block. */
static double careful_effect(const struct sequential_test *test, double effect, double bad,
                             double a_block)
{
    double events = fmax(1, bad / effect), known = fmin(1, bad / effect / FEW);
    double feared =
        test->prior_effect > 0 ? fmin(test->prior_effect, SEQUENTIAL_PRIOR) : SEQUENTIAL_PRIOR;
    double prior = fmin(feared, fmax(1, a_block));
    return fmax(effect * (1 + SKEW / events), known * effect + (1 - known) * prior);
}

/* ---- verdicts ---- */

/* How much less a look at error `alpha` sees because the variance is estimated. */
static double student_share(double alpha, size_t batches)
{
    double t = gsl_cdf_tdist_Qinv(alpha, (double)batches - 1);
    double z = gsl_cdf_ugaussian_Qinv(alpha);
    return t > 0 && z > 0 ? z * z / (t * t) : 1;
}

static void decide(const struct sequential_test *test, double effective_pass, double effective_fail,
                   double spent, struct sequential_state *out)
{
    double alpha_pass = test->alpha_pass * spent, alpha_fail = test->alpha_fail * spent;
    out->effective = fmin(effective_pass, effective_fail);
    out->high = sequential_upper(out->share * effective_pass, effective_pass, alpha_pass);
    out->low = sequential_lower(out->share * effective_fail, effective_fail, alpha_fail);
    double least = test->allowed - test->doubt, most = test->allowed + test->doubt;
    if (out->high <= least) {
        out->verdict = SEQUENTIAL_PASS;
    } else if (out->low >= most) {
        out->verdict = SEQUENTIAL_FAIL;
    } else if (out->low >= most * (1 - test->indifference) &&
               out->high <= least * (1 + test->indifference)) {
        out->verdict = SEQUENTIAL_EVEN;
    }
}

void sequential_state_init(struct sequential_state *state)
{
    *state = (struct sequential_state){
        .share = NAN, .high = 1, .allowed = NAN, .design_effect = 1, .blocks_per_batch = 1};
}

void sequential_judge(const struct sequential_test *test, const struct capacity_block *block,
                      size_t count, double spent_before, double spent, struct sequential_state *out)
{
    assert(test->allowed > 0 && test->allowed < 1 && test->doubt >= 0 && spent_before < spent);
    sequential_state_init(out);
    out->allowed = test->allowed;
    out->doubt = test->doubt;
    for (size_t i = 0; i < count; i++) {
        out->good += block[i].good;
        out->bad += block[i].bad;
    }
    double total = (double)(out->good + out->bad);
    if (total == 0) {
        return;
    }
    out->share = (double)out->bad / total;
    if (count < SEQUENTIAL_BLOCKS_MIN) {
        return;
    }
    struct spread spread = widest(block, count, out->share, &out->blocks_per_batch);
    out->design_effect =
        careful_effect(test, spread.effect, (double)out->bad, total / (double)count);
    double effective = total / out->design_effect, share = spent - spent_before;
    decide(test, effective * student_share(test->alpha_pass * share, spread.batches),
           effective * student_share(test->alpha_fail * share, spread.batches), share, out);
}

const char *sequential_verdict_name(enum sequential_verdict verdict)
{
    static const char *const names[] = {[SEQUENTIAL_UNDECIDED] = "undecided",
                                        [SEQUENTIAL_PASS] = "pass",
                                        [SEQUENTIAL_FAIL] = "fail",
                                        [SEQUENTIAL_EVEN] = "even"};
    return names[verdict];
}
