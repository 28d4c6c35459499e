/*
 * A decoy must not merely happen to end silent: nothing may have been there to see. By the ledger's
 * expected values each alert's quantity must go less than a third of the way from where it is at
 * rest to its objective, in no window as long as the alert's own. Expected values are free of the
 * noise of choices, though not of who came and which lists were shown. So a move is looked for
 * twice: among the same lists, with and without the injections, which is exact; and between these
 * lists and those at rest, which alone shows a change in who comes, less two standard errors.
 *
 * At rest is what came before the first injection or disturbance; in a scenario that has none, the
 * first phase. If nothing is at rest, because it all begins with the drill, only the exact look is
 * left.
 */
#include "drill/judge_int.h"

#include "base/clock.h"

#include <math.h>
#include <string.h>

#define SHARE_MAX (1.0 / 3)
#define STANDARD_ERRORS 2
#define LISTS_MIN 30
#define PSI_FREEDOM (EVIDENCE_WHOLE_STARS - 1)
#define PSI_RATINGS_MIN 200 /* of fewer the index is mostly noise, and the rule asks for more */

struct watched {
    const struct judge_case *at;
    enum scenario_quantity quantity;
    double objective;
    int64_t window_ns;                  /* of the alert, drill time; 0 = it names none */
    bool compares;                      /* there is something at rest */
    const struct ledger_counts *before; /* ... which is this, else all that was played */
    int windows;                        /* looked at so far */
};

struct worst { /* of the windows of a phase */
    double share;
    int64_t from_ns, to_ns;
    struct ledger_counts counts;
};

/* Of the way to the objective, in the direction that is worse. */
static double share_of_way(const struct watched *watched, double rest, double moved)
{
    double sign = judge_larger_is_worse(watched->quantity) ? -1 : 1;
    double room = sign * (rest - watched->objective);
    if (sign * moved <= 0) {
        return 0; /* few lists at rest may lie beyond the objective by chance */
    }
    return room > 0 ? sign * moved / room : INFINITY;
}

/* The index has no expected value. What counting noise makes of it is taken off. */
static double psi_share(const struct watched *watched, const struct ledger_counts *counts)
{
    double noise = SCENARIO_DESIGN_EFFECT * PSI_FREEDOM / (double)ledger_ratings(counts);
    double value = judge_value(watched->at, watched->quantity, counts) - noise;
    double error = judge_value_error(watched->at, watched->quantity, counts);
    return share_of_way(watched, 0, -fmax(0, value - STANDARD_ERRORS * error));
}

static double largest_share(const struct watched *watched, const struct ledger_counts *counts)
{
    if (watched->quantity == SCENARIO_RATING_PSI) {
        return psi_share(watched, counts);
    }
    double before = judge_expected(watched->quantity, &watched->before->rest);
    double now = judge_expected(watched->quantity, &counts->now);
    double rest = judge_expected(watched->quantity, &counts->rest);
    double same_lists = rest == now ? 0 : share_of_way(watched, before, rest - now);
    if (!watched->compares) {
        return same_lists;
    }
    double error = hypot(scenario_truth_error(watched->quantity, watched->before),
                         scenario_truth_error(watched->quantity, counts));
    double moved = copysign(fmax(0, fabs(before - now) - STANDARD_ERRORS * error), before - now);
    double other_lists = share_of_way(watched, before, moved);
    return fmax(same_lists, isnan(other_lists) ? 0 : other_lists);
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

static bool is_enough(const struct watched *watched, const struct ledger_counts *counts)
{
    return watched->quantity == SCENARIO_RATING_PSI
               ? ledger_ratings(counts) >= PSI_RATINGS_MIN
               : counts->now.lists >= LISTS_MIN && ledger_ratings(counts) >= 2;
}

static void look_at(struct watched *watched, int64_t from_ns, int64_t to_ns, struct worst *worst)
{
    struct ledger_counts counts = ledger_window(watched->at->ledger, from_ns, to_ns);
    if (!is_enough(watched, &counts)) {
        return;
    }
    double share = largest_share(watched, &counts);
    watched->windows++;
    if (!(share <= worst->share)) {
        *worst = (struct worst){share, from_ns, to_ns, counts};
    }
}

/* Windows half of which overlap, the last one up to the end; or all of it at once, if a window
 * would hold too little. */
static void look_at_windows(struct watched *watched, int64_t from_ns, int64_t to_ns,
                            struct worst *worst)
{
    struct ledger_counts whole = ledger_window(watched->at->ledger, from_ns, to_ns);
    bool psi = watched->quantity == SCENARIO_RATING_PSI;
    double window_ns = (double)watched->window_ns;
    double events = (double)(psi ? ledger_ratings(&whole) : whole.now.lists);
    double in_window = events * window_ns / (double)(to_ns - from_ns);
    if (window_ns <= 0 || watched->window_ns >= to_ns - from_ns ||
        in_window < 2 * (psi ? PSI_RATINGS_MIN : LISTS_MIN)) {
        look_at(watched, from_ns, to_ns, worst);
        return;
    }
    for (int64_t start_ns = from_ns; start_ns + watched->window_ns < to_ns;
         start_ns += watched->window_ns / 2) {
        look_at(watched, start_ns, start_ns + watched->window_ns, worst);
    }
    look_at(watched, to_ns - watched->window_ns, to_ns, worst);
}

static void judge_phase(struct watched *watched, int phase, int64_t onset_ns, struct judgement *out)
{
    const struct judge_case *at = watched->at;
    struct worst worst = {.share = 0};
    int64_t from_ns = (int64_t)(judge_phase_start_s(at, phase) * (double)CLOCK_NS_PER_S);
    int64_t to_ns = (int64_t)(judge_phase_end_s(at, phase) * (double)CLOCK_NS_PER_S);
    from_ns = from_ns > onset_ns ? from_ns : onset_ns;
    if (from_ns >= to_ns) {
        return;
    }
    look_at_windows(watched, from_ns, to_ns, &worst);
    if (!(worst.share < SHARE_MAX)) {
        bool psi = watched->quantity == SCENARIO_RATING_PSI;
        judge_invalid(out,
                      "not a decoy: in %s %s goes %.0f %% of the way from rest to its objective "
                      "%.4f, expected %.4f at rest, %.4f from %.1f to %.1f s",
                      at->scenario->phase[phase].name, scenario_quantity_name(watched->quantity),
                      100 * fmin(worst.share, 99), watched->objective,
                      psi ? 0 : judge_expected(watched->quantity, &watched->before->rest),
                      psi ? judge_value(at, watched->quantity, &worst.counts)
                          : judge_expected(watched->quantity, &worst.counts.now),
                      judge_seconds(worst.from_ns), judge_seconds(worst.to_ns));
    }
}

static bool seen_before(const struct evidence *evidence, size_t index)
{
    const struct evidence_alert *alert = &evidence->alert[index];
    for (size_t i = 0; i < index; i++) {
        const struct evidence_alert *other = &evidence->alert[i];
        if (strcmp(other->rule->quantity, alert->rule->quantity) == 0 &&
            other->objective == alert->objective &&
            other->rule->window_ns == alert->rule->window_ns) {
            return true;
        }
    }
    return false;
}

static void judge_alert(const struct judge_case *at, const struct evidence_alert *alert,
                        const struct ledger_counts *before, bool compares, int64_t onset_ns,
                        struct judgement *out)
{
    struct watched watched = {.at = at,
                              .quantity = scenario_quantity_named(alert->rule->quantity),
                              .objective = alert->objective,
                              .window_ns = alert->rule->window_ns / at->scenario->time_scale,
                              .compares = compares,
                              .before = before};
    if (watched.quantity == SCENARIO_NO_QUANTITY || !isfinite(alert->objective)) {
        return;
    }
    for (int p = 0; p < at->scenario->phase_count; p++) {
        judge_phase(&watched, p, onset_ns, out);
    }
    /* An index of so few ratings is none for its rule either. */
    if (watched.windows == 0 && watched.quantity != SCENARIO_RATING_PSI) {
        judge_invalid(out, "not shown to be a decoy: too few lists to expect a %s of",
                      scenario_quantity_name(watched.quantity));
    }
}

void judge_decoy(const struct judge_case *at, struct judgement *out)
{
    if (!at->scenario->decoy) {
        return;
    }
    int64_t end_ns = (int64_t)(at->end_s * (double)CLOCK_NS_PER_S);
    int64_t onset_ns = first_onset_ns(at->scenario);
    if (onset_ns == INT64_MAX) {
        onset_ns = at->scenario->phase_count > 1 ? at->scenario->phase[1].start_ns : 0;
    }
    bool compares = onset_ns > 0;
    struct ledger_counts before = ledger_window(at->ledger, 0, compares ? onset_ns : end_ns);
    if (before.rest.lists < LISTS_MIN) {
        judge_invalid(out,
                      "not shown to be a decoy: the ledger holds expected values of %lld "
                      "lists %s",
                      (long long)before.rest.lists, compares ? "at rest" : "in all");
        return;
    }
    for (size_t a = 0; a < at->evidence->alert_count; a++) {
        if (!seen_before(at->evidence, a)) {
            judge_alert(at, &at->evidence->alert[a], &before, compares, onset_ns, out);
        }
    }
}
