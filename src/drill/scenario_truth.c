#include "drill/scenario.h"
#include "drill/scenario_int.h"

#include <math.h>
#include <string.h>

const char *const scenario_quantity_names[] = {"none",        "conversion", "reciprocal_rank",
                                               "mean_rating", "rating_psi", NULL};

enum scenario_quantity scenario_quantity_named(const char *name)
{
    for (int i = SCENARIO_CONVERSION; scenario_quantity_names[i] != NULL; i++) {
        if (strcmp(name, scenario_quantity_names[i]) == 0) {
            return (enum scenario_quantity)i;
        }
    }
    return SCENARIO_NO_QUANTITY;
}

const char *scenario_quantity_name(enum scenario_quantity quantity)
{
    return scenario_quantity_names[quantity];
}

double scenario_truth(enum scenario_quantity quantity, const struct ledger_counts *counts)
{
    switch (quantity) {
    case SCENARIO_CONVERSION:
        return ledger_conversion(counts);
    case SCENARIO_RECIPROCAL_RANK:
        return ledger_reciprocal_rank(counts);
    case SCENARIO_MEAN_RATING:
        return ledger_mean_rating(counts);
    case SCENARIO_RATING_PSI:
    case SCENARIO_NO_QUANTITY:
        break;
    }
    return NAN;
}

static double rating_variance(const struct ledger_counts *counts)
{
    double mean = ledger_mean_rating(counts), sum = 0;
    for (int i = 0; i < 10; i++) {
        double distance = 0.5 * (i + 1) - mean;
        sum += (double)counts->stars[i] * distance * distance;
    }
    return sum / (double)ledger_ratings(counts);
}

double scenario_truth_error(enum scenario_quantity quantity, const struct ledger_counts *counts)
{
    double truth = scenario_truth(quantity, counts);
    if (quantity == SCENARIO_MEAN_RATING) {
        return sqrt(SCENARIO_DESIGN_EFFECT * rating_variance(counts) /
                    (double)ledger_ratings(counts));
    }
    /* The mean square of what is 0 or 1 is its mean. */
    double square = quantity == SCENARIO_RECIPROCAL_RANK
                        ? counts->reciprocal_rank_squares / (double)counts->lists
                        : truth;
    return sqrt(SCENARIO_DESIGN_EFFECT * fmax(square - truth * truth, 0) / (double)counts->lists);
}
