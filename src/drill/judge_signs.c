/*
 * The sign test. A panel says in its description which way is worse. When people have become worse
 * in its quantity, and that is known from the ledger, the panel must move that way; one that moves
 * the other way tells its readers the opposite of what happens.
 *
 * Known worse: among the lists of a phase's last window the expected value under the drift in force
 * is worse than without it by at least KNOWN_MIN. Both are expected values of the same lists, so
 * this is exact, however small. (The index of rating shares has no expected value: there the ledger
 * must have moved by more than its error.) The panel's own move is measured between the ends of the
 * last phase at rest and of the phase that is worst. It is wrong if it goes the better way by more
 * than chance could take it, and stuck if people moved by far more than chance and the panel by
 * less than a quarter of that. Moves are relative to the value at rest, so the scale of the panel
 * does not matter; those of the index, which is 0 at rest, are absolute. A panel's points are
 * averaged over the window. Of the index the median is taken: the less ratings there are the larger
 * it is, by 4 / n, so that its first points, of a window that has just begun to fill, may be larger
 * than any drift.
 *
 * Of several series of its first query, sources for instance, the one that went furthest the worse
 * way speaks for the panel.
 */
#include "drill/judge_int.h"

#include "base/clock.h"
#include "drill/signs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define KNOWN_MIN 0.01 /* relative, of the expected value */
#define STANDARD_ERRORS 3
#define STUCK_SHARE 0.25 /* of the truth's move; a panel that goes less far is stuck */
#define STUCK_MIN 0.10   /* smallest move of the truth, in its unit, that a panel must show */
#define STUCK_ERRORS 6
#define LISTS_MIN 100

struct truth { /* of one quantity, over the last window of a phase at rest and of a worse one */
    double rest, now, error; /* of the difference */
    double expected;         /* how much worse the same lists are under the drift, relative */
};

struct sign {
    const struct judge_case *at;
    const struct panel_course *course;
    enum scenario_quantity quantity;
    int rest_phase, phase;
    struct truth truth;
};

static double worse_sign(enum scenario_quantity quantity)
{
    return judge_larger_is_worse(quantity) ? 1 : -1;
}

static struct ledger_counts last_window(const struct judge_case *at, int phase)
{
    double end = judge_phase_end_s(at, phase);
    double window = judge_seconds(SCENARIO_PANEL_RANGE_NS / at->scenario->time_scale);
    double from = fmax(judge_phase_start_s(at, phase), end - window);
    return ledger_window(at->ledger, (int64_t)(from * (double)CLOCK_NS_PER_S),
                         (int64_t)(end * (double)CLOCK_NS_PER_S));
}

/* The last phase that ends before anything is injected; -1 if there is none. */
static int phase_at_rest(const struct scenario *scenario)
{
    int rest = -1;
    for (int p = 0; p < scenario->phase_count; p++) {
        const struct scenario_phase *phase = &scenario->phase[p];
        bool before = true;
        for (int i = 0; i < scenario->drift.count; i++) {
            before = before &&
                     phase->start_ns + phase->duration_ns <= scenario->drift.injection[i].onset_ns;
        }
        rest = before && !phase->retrains ? p : rest;
    }
    return rest;
}

static bool look(const struct sign *sign, int phase, struct truth *out)
{
    struct ledger_counts rest = last_window(sign->at, sign->rest_phase);
    struct ledger_counts now = last_window(sign->at, phase);
    double with = judge_expected(sign->quantity, &now.now),
           without = judge_expected(sign->quantity, &now.rest);
    if (rest.lists < LISTS_MIN || now.lists < LISTS_MIN) {
        return false;
    }
    *out = (struct truth){.rest = judge_value(sign->at, sign->quantity, &rest),
                          .now = judge_value(sign->at, sign->quantity, &now),
                          .error = hypot(judge_value_error(sign->at, sign->quantity, &rest),
                                         judge_value_error(sign->at, sign->quantity, &now)),
                          .expected = worse_sign(sign->quantity) * (with - without) / without};
    if (sign->quantity == SCENARIO_RATING_PSI) {
        bool moved = out->now - out->rest > STANDARD_ERRORS * out->error;
        out->expected = moved ? out->now - out->rest : 0;
    }
    return isfinite(out->rest) && isfinite(out->now) && isfinite(out->expected);
}

/* The phase after rest, and before any retraining, in which the quantity is worst; false if it is
 * known to be worse in none. */
static bool find_worst(struct sign *sign)
{
    const struct scenario *scenario = sign->at->scenario;
    sign->truth.expected = 0;
    for (int p = sign->rest_phase + 1; p < sign->course->phase_count; p++) {
        struct truth truth;
        if (scenario->phase[p].retrains) {
            break; /* lists of another model are no longer those at rest */
        }
        if (look(sign, p, &truth) && truth.expected >= KNOWN_MIN &&
            truth.expected > sign->truth.expected) {
            sign->truth = truth;
            sign->phase = p;
        }
    }
    return sign->truth.expected > 0;
}

/* In which a move of quantity and panel is measured: the value at rest, or 1 of an index. */
static double unit_of(const struct sign *sign, double rest)
{
    return sign->quantity == SCENARIO_RATING_PSI ? 1 : fmax(fabs(rest), 1e-12);
}

static double level(const struct sign *sign, const struct panel_shown *shown)
{
    return sign->quantity == SCENARIO_RATING_PSI ? shown->median : shown->mean;
}

/* The series that went furthest the way the panel calls worse, and how far, in its unit; NaN if
 * none can be followed from rest. */
static double panel_move(const struct sign *sign, const struct panel_shown **from,
                         const struct panel_shown **to, size_t *series)
{
    const struct panel_glance *rest = &sign->course->at_end[sign->rest_phase];
    const struct panel_glance *now = &sign->course->at_end[sign->phase];
    double way = sign->course->worse == PANEL_HIGHER ? 1 : -1, worst = NAN;
    *series = 0;
    for (size_t i = 0; i < now->count; i++) {
        for (size_t k = 0; k < rest->count; k++) {
            const struct panel_shown *a = &rest->shown[k], *b = &now->shown[i];
            double before = level(sign, a);
            double move = way * (level(sign, b) - before) / unit_of(sign, before);
            if (!a->headline || !b->headline || strcmp(a->legend, b->legend) != 0 ||
                !isfinite(move)) {
                continue;
            }
            ++*series;
            if (!(move <= worst)) {
                worst = move;
                *from = a;
                *to = b;
            }
        }
    }
    return worst;
}

static void say(const struct sign *sign, const struct panel_shown *from,
                const struct panel_shown *to, const char *reason, struct judge_row *row)
{
    const struct truth *truth = &sign->truth;
    double before = level(sign, from), after = level(sign, to);
    char same_lists[64] = "";
    if (sign->quantity != SCENARIO_RATING_PSI) {
        snprintf(same_lists, sizeof same_lists, ", and %.1f %% worse by the same lists",
                 100 * truth->expected);
    }
    judge_observe(row, "%s by %.3g (%.3g to %.3g) %s people are worse in %s (%.3g to %.3g%s)%s%s",
                  signs_verb(before, after), fabs(after - before), before, after,
                  *reason != '\0' ? "although" : "as", scenario_quantity_name(sign->quantity),
                  truth->rest, truth->now, same_lists, *reason != '\0' ? ": its query " : "",
                  reason);
}

static bool is_unanswered(const struct sign *sign, int phase, struct judge_row *row)
{
    const struct panel_glance *glance = &sign->course->at_end[phase];
    if (!panel_glance_unanswered(glance)) {
        return false;
    }
    judge_observe(row, "no answer at the end of %s: %s", sign->at->scenario->phase[phase].name,
                  glance->why);
    judge_worsen(row, JUDGE_INVALID);
    return true;
}

static void judge_move(const struct sign *sign, struct judge_row *row)
{
    const struct truth *truth = &sign->truth;
    const struct panel_shown *from = NULL, *to = NULL;
    size_t series = 0;
    char reason[200] = "";
    double unit = unit_of(sign, truth->rest);
    double error = truth->error / unit;
    double people = worse_sign(sign->quantity) * (truth->now - truth->rest) / unit;
    double panel = panel_move(sign, &from, &to, &series);
    if (is_unanswered(sign, sign->rest_phase, row) || is_unanswered(sign, sign->phase, row) ||
        judge_scrape_hole(sign->at, judge_phase_end_s(sign->at, sign->rest_phase), row) ||
        judge_scrape_hole(sign->at, judge_phase_end_s(sign->at, sign->phase), row)) {
        return;
    }
    if (isnan(panel)) {
        judge_observe(row, "it shows no number at the end of %s and of %s",
                      sign->at->scenario->phase[sign->rest_phase].name,
                      sign->at->scenario->phase[sign->phase].name);
        judge_worsen(row, JUDGE_FAIL);
        return;
    }
    bool wrong = panel < -STANDARD_ERRORS * error * sqrt((double)series) - KNOWN_MIN;
    bool stuck =
        people > STUCK_ERRORS * error && people > STUCK_MIN && panel < STUCK_SHARE * people;
    if (wrong || stuck) {
        signs_explain(sign->quantity, sign->course->query, reason, sizeof reason);
        judge_worsen(row, JUDGE_FAIL);
    }
    say(sign, from, to, reason, row);
    if (wrong || stuck) {
        judge_observe(row, "the query is %.200s", sign->course->query);
    }
}

/* A list that has no room for another panel is no list of all of them. */
static void leave(struct judgement *out, const char *panel, const char *why)
{
    if (out->unjudged_count == JUDGE_UNJUDGED_MAX) {
        judge_invalid(out, "more than %d panels whose sign is not judged", JUDGE_UNJUDGED_MAX);
        return;
    }
    struct judge_unjudged *unjudged = &out->unjudged[out->unjudged_count++];
    snprintf(unjudged->panel, sizeof unjudged->panel, "%s", panel);
    snprintf(unjudged->why, sizeof unjudged->why, "%s", why);
}

/* Fills what is known of the sign; false, with the reason, if there is nothing to judge by. */
static bool is_known_worse(struct sign *sign, char *why, size_t size)
{
    if (sign->course->lacks[0] != '\0') {
        snprintf(why, size, "%s", sign->course->lacks);
    } else if (sign->quantity == SCENARIO_NO_QUANTITY) {
        snprintf(why, size, "no quantity of the ledger");
    } else if (sign->at->scenario->drift.count == 0) {
        snprintf(why, size, "nothing was injected");
    } else if (!sign->at->evidence->complete) {
        snprintf(why, size, "Prometheus could not be asked");
    } else if (sign->rest_phase < 0 || sign->course->phase_count <= sign->rest_phase) {
        snprintf(why, size, "no phase at rest was played");
    } else if (!find_worst(sign)) {
        snprintf(why, size, "people are not known to be worse in %s",
                 scenario_quantity_name(sign->quantity));
    } else {
        return true;
    }
    return false;
}

static void judge_course(const struct judge_case *at, const struct panel_course *course,
                         int rest_phase, struct judgement *out)
{
    struct sign sign = {.at = at,
                        .course = course,
                        .quantity = signs_quantity(course->title),
                        .rest_phase = rest_phase};
    char why[128];
    if (course->worse == PANEL_NO_WAY) {
        return;
    }
    if (!is_known_worse(&sign, why, sizeof why)) {
        leave(out, course->name, why);
        return;
    }
    if (out->row_count >= at->scenario->expectation_count + JUDGE_SIGNS_MAX) {
        snprintf(why, sizeof why, "%d rows of signs are all there is room for", JUDGE_SIGNS_MAX);
        leave(out, course->name, why);
        return;
    }
    struct judge_row *row = &out->row[out->row_count++];
    snprintf(row->name, sizeof row->name, "sign of panel %.200s", course->name);
    snprintf(row->wanted, sizeof row->wanted, "%s in %s, as %s is worse",
             course->worse == PANEL_HIGHER ? "higher" : "lower",
             at->scenario->phase[sign.phase].name, scenario_quantity_name(sign.quantity));
    judge_move(&sign, row);
}

void judge_signs(const struct judge_case *at, struct judgement *out)
{
    int rest_phase = phase_at_rest(at->scenario);
    for (size_t i = 0; i < at->course_count; i++) {
        judge_course(at, &at->course[i], rest_phase, out);
    }
}
