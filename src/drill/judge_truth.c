/* What the ledger says of a quantity. The index of rating shares needs shares to compare with,
 * which come with the objectives, so the ledger alone cannot tell it. */
#include "drill/judge_int.h"

#include <math.h>

bool judge_larger_is_worse(enum scenario_quantity quantity)
{
    return quantity == SCENARIO_RATING_PSI;
}

static void whole_stars(const struct ledger_counts *counts, double share[EVIDENCE_WHOLE_STARS])
{
    for (int i = 0; i < EVIDENCE_WHOLE_STARS; i++) {
        share[i] = (double)(counts->stars[2 * i] + counts->stars[2 * i + 1]) /
                   (double)ledger_ratings(counts);
    }
}

static double psi(const struct judge_case *at, const struct ledger_counts *counts)
{
    const double *reference = at->evidence->rating_share;
    double share[EVIDENCE_WHOLE_STARS], sum = 0;
    bool known = ledger_ratings(counts) > 0;
    whole_stars(counts, share);
    for (int i = 0; i < EVIDENCE_WHOLE_STARS; i++) {
        known = known && reference[i] > 0;
        /* As the rule has it: a value that nobody gave counts as half a rating. */
        double p = fmax(share[i], 0.5 / (double)ledger_ratings(counts));
        sum += known ? (p - reference[i]) * log(p / reference[i]) : 0;
    }
    return known ? sum : NAN;
}

/* The delta method: each share moves the index by its derivative. */
static double psi_error(const struct judge_case *at, const struct ledger_counts *counts)
{
    const double *reference = at->evidence->rating_share;
    double share[EVIDENCE_WHOLE_STARS], mean = 0, square = 0;
    double ratings = (double)ledger_ratings(counts);
    whole_stars(counts, share);
    for (int i = 0; i < EVIDENCE_WHOLE_STARS; i++) {
        double p = fmax(share[i], 0.5 / ratings);
        double slope = log(p / reference[i]) + 1 - reference[i] / p;
        mean += p * slope;
        square += p * slope * slope;
    }
    return sqrt(SCENARIO_DESIGN_EFFECT * fmax(square - mean * mean, 0) / ratings);
}

double judge_value(const struct judge_case *at, enum scenario_quantity quantity,
                   const struct ledger_counts *counts)
{
    return quantity == SCENARIO_RATING_PSI ? psi(at, counts) : scenario_truth(quantity, counts);
}

double judge_value_error(const struct judge_case *at, enum scenario_quantity quantity,
                         const struct ledger_counts *counts)
{
    return quantity == SCENARIO_RATING_PSI ? psi_error(at, counts)
                                           : scenario_truth_error(quantity, counts);
}

double judge_expected(enum scenario_quantity quantity, const struct ledger_expected *sums)
{
    switch (quantity) {
    case SCENARIO_CONVERSION:
        return ledger_expected_conversion(sums);
    case SCENARIO_RECIPROCAL_RANK:
        return ledger_expected_reciprocal_rank(sums);
    case SCENARIO_MEAN_RATING:
        return ledger_expected_mean_rating(sums);
    case SCENARIO_RATING_PSI:
    case SCENARIO_NO_QUANTITY:
        break;
    }
    return NAN;
}
