/*
 * Is the share of bad responses below what an objective allows? Asked again and again while a
 * trial goes on, answered as soon as the counts suffice. Pure.
 *
 * Responses of one run are correlated: a slow moment spoils many in a row. So the unit is the
 * block of time: the variance among blocks gives the effective number of independent responses
 * (Korn and Graubard 1998), for which the exact binomial bounds (Clopper and Pearson 1934, the
 * incomplete beta function) are taken. Looking several times costs confidence: each look spends
 * its part of the error allowed (alpha spending, Lan and DeMets 1983, by Bonferroni's bound).
 *
 * The errors hold for bad responses that come in bunches of some forty, or of any size if the first
 * look meets several bunches. Larger ones that are rarer than that are not seen in time: of eighty
 * in a row once in 40 blocks, the test passes what is at the limit one time in six (see its tests).
 */
#ifndef CAPACITY_SEQUENTIAL_H
#define CAPACITY_SEQUENTIAL_H

#include "capacity/trial.h"

#include <stddef.h>
#include <stdint.h>

enum sequential_verdict {
    SEQUENTIAL_UNDECIDED, /* more is needed, or at the last look: not to be had */
    SEQUENTIAL_PASS,      /* surely below */
    SEQUENTIAL_FAIL,      /* surely above */
    SEQUENTIAL_EVEN,      /* surely within the indifference zone: at the limit */
};

/* A single server at 95 % load: waits over a limit come some twenty in a row. */
#define SEQUENTIAL_PRIOR 20.0
#define SEQUENTIAL_BLOCKS_MIN 16 /* fewer blocks never decide */

struct sequential_test {
    double allowed;      /* share of bad ones, in (0,1) */
    double doubt;        /* what is allowed may be so much less or more, surely no further */
    double alpha_pass;   /* probability of a PASS in all looks together, were the share above */
    double alpha_fail;   /* the same of a FAIL, were it below */
    double indifference; /* within allowed * (1 -+ this) nobody cares; 0.02 */
    /* Design effect to be feared where there are too few bad responses to tell: how many come in a
     * row. 0 = SEQUENTIAL_PRIOR, which is also the most. */
    double prior_effect;
};

struct sequential_state {
    enum sequential_verdict verdict;
    int64_t good, bad;
    double share, low, high; /* of bad ones, with the bounds of this look */
    double allowed, doubt;   /* that it was judged by; NAN, 0 if nobody knows what is allowed */
    double design_effect;    /* variance against that of independent responses, >= 1 */
    double effective;        /* independent responses these are worth */
    size_t blocks_per_batch; /* that it was found with */
};

/* Judges `count` blocks in the order of time. `spent_before` and `spent` are the shares of the
 * longest trial at the last look and now, 0 <= spent_before < spent <= 1: this look may err with
 * probability alpha * (spent - spent_before). */
void sequential_judge(const struct sequential_test *test, const struct capacity_block *block,
                      size_t count, double spent_before, double spent,
                      struct sequential_state *out);
/* Nothing is known: undecided. */
void sequential_state_init(struct sequential_state *state);

const char *sequential_verdict_name(enum sequential_verdict verdict); /* "pass" ... */

/* One-sided exact bounds of a share for `bad` out of `count`, neither necessarily whole. */
double sequential_upper(double bad, double count, double alpha);
double sequential_lower(double bad, double count, double alpha);

#endif
