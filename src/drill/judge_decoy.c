/*
 * A decoy must not merely happen to end silent: nothing may have been there to see. By the ledger's
 * expected values each alert's quantity must go less than a third of the way from where it is at
 * rest to its objective. Expected values are free of the noise of choices, though not of who came
 * and which lists were shown. So a move is looked for twice: among the same lists, with and without
 * the injections, which is exact; and between the lists before and after the onset, which alone
 * shows a change in who comes, less two standard errors.
 */
#include "drill/judge_int.h"

#include "base/clock.h"

#include <math.h>
#include <string.h>

#define SHARE_MAX (1.0 / 3)
#define STANDARD_ERRORS 2
#define LISTS_MIN 30
#define PSI_FREEDOM (EVIDENCE_WHOLE_STARS - 1)

static double expected(enum scenario_quantity quantity, const struct ledger_expected *sums)
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

struct watched {
    const struct judge_case *at;
    enum scenario_quantity quantity;
    double objective;
    struct ledger_counts before; /* everything up to the onset */
};

/* Of the way to the objective, in the direction that is worse. */
static double share_of_way(const struct watched *watched, double rest, double moved)
{
    double sign = judge_larger_is_worse(watched->quantity) ? -1 : 1;
    double room = sign * (rest - watched->objective);
    return room > 0 ? sign * moved / room : INFINITY;
}

/* The index has no expected value. What counting noise makes of it is taken off. */
static double psi_share(const struct watched *watched, const struct ledger_counts *counts)
{
    double noise = PSI_FREEDOM / fmax(1, (double)ledger_ratings(counts));
    double value = judge_value(watched->at, watched->quantity, counts) - noise;
    double error = judge_value_error(watched->at, watched->quantity, counts);
    return share_of_way(watched, 0, -fmax(0, value - STANDARD_ERRORS * error));
}

static double largest_share(const struct watched *watched, const struct ledger_counts *counts)
{
    if (watched->quantity == SCENARIO_RATING_PSI) {
        return psi_share(watched, counts);
    }
    double before = expected(watched->quantity, &watched->before.rest);
    double now = expected(watched->quantity, &counts->now);
    double rest = expected(watched->quantity, &counts->rest);
    double error = hypot(scenario_truth_error(watched->quantity, &watched->before),
                         scenario_truth_error(watched->quantity, counts));
    double same_lists = share_of_way(watched, rest, rest - now);
    double moved = copysign(fmax(0, fabs(before - now) - STANDARD_ERRORS * error), before - now);
    double other_lists = share_of_way(watched, before, moved);
    return fmax(rest == now ? 0 : same_lists, isnan(other_lists) ? 0 : other_lists);
}

static int64_t first_onset_ns(const struct scenario *scenario)
{
    int64_t first = INT64_MAX;
    for (int i = 0; i < scenario->drift.count; i++) {
        int64_t onset_ns = scenario->drift.injection[i].onset_ns;
        first = onset_ns < first ? onset_ns : first;
    }
    for (int i = 0; i < scenario->disturbance_count; i++) {
        first = scenario->disturbance[i].at_ns < first ? scenario->disturbance[i].at_ns : first;
    }
    return first;
}

static void judge_phase(const struct watched *watched, int phase, int64_t onset_ns,
                        struct judgement *out)
{
    const struct judge_case *at = watched->at;
    const char *name = scenario_quantity_name(watched->quantity);
    int64_t from_ns = (int64_t)(judge_phase_start_s(at, phase) * (double)CLOCK_NS_PER_S);
    int64_t to_ns = (int64_t)(judge_phase_end_s(at, phase) * (double)CLOCK_NS_PER_S);
    from_ns = from_ns > onset_ns ? from_ns : onset_ns;
    if (from_ns >= to_ns) {
        return;
    }
    struct ledger_counts counts = ledger_window(at->ledger, from_ns, to_ns);
    if (counts.lists < LISTS_MIN || ledger_ratings(&counts) < 2) {
        return;
    }
    double share = largest_share(watched, &counts);
    if (share >= SHARE_MAX) {
        judge_invalid(out,
                      "not a decoy: in %s %s goes %.0f %% of the way from rest to its objective "
                      "%.4f, expected %.4f at rest, %.4f there",
                      at->scenario->phase[phase].name, name, 100 * fmin(share, 99),
                      watched->objective, expected(watched->quantity, &watched->before.rest),
                      watched->quantity == SCENARIO_RATING_PSI
                          ? judge_value(at, watched->quantity, &counts)
                          : expected(watched->quantity, &counts.now));
    }
}

static bool seen_before(const struct evidence *evidence, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(evidence->alert[i].rule->quantity, evidence->alert[index].rule->quantity) == 0 &&
            evidence->alert[i].objective == evidence->alert[index].objective) {
            return true;
        }
    }
    return false;
}

void judge_decoy(const struct judge_case *at, struct judgement *out)
{
    int64_t onset_ns = first_onset_ns(at->scenario);
    struct ledger_counts before = ledger_window(at->ledger, 0, onset_ns);
    if (!at->scenario->decoy || onset_ns == INT64_MAX) {
        return;
    }
    if (before.rest.lists < LISTS_MIN) {
        judge_invalid(out,
                      "not shown to be a decoy: the ledger holds expected values of %lld "
                      "lists before the onset",
                      (long long)before.rest.lists);
        return;
    }
    for (size_t a = 0; a < at->evidence->alert_count; a++) {
        const struct evidence_alert *alert = &at->evidence->alert[a];
        struct watched watched = {.at = at,
                                  .quantity = scenario_quantity_named(alert->rule->quantity),
                                  .objective = alert->objective,
                                  .before = before};
        if (watched.quantity == SCENARIO_NO_QUANTITY || !isfinite(alert->objective) ||
            seen_before(at->evidence, a)) {
            continue;
        }
        for (int p = 0; p < at->scenario->phase_count; p++) {
            judge_phase(&watched, p, onset_ns, out);
        }
    }
}
