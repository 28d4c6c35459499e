/*
 * The two worlds that a detector is to tell apart are known exactly, list by list: each event holds
 * what was expected and how likely the outcome was at rest, at that moment and under the complete
 * drift. Both worlds are averaged over the same lists, those from the onset to the retraining, so
 * that nothing but the drift lies between them: people run out of good films in any world. Only
 * when it is who comes that changes, which no list can tell, rest is what was before the onset.
 *
 * Estimated are the shares of stars and ranks among what is rated: at rest from before the onset,
 * drifted from after it. While the drift still grows, an event counts there as often as it would
 * under the complete one (p_full / p_now).
 *
 * Rejected: the phases' realised means. They hold sampling noise that the expected values do not,
 * and of a gradual drift they show a world that never lasts.
 */
#include "drill/floors_int.h"

#include "base/clock.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MOVED_SHARE 0.1 /* of the way to the objective: less is said not to move */
#define LISTS_MIN 200   /* on either side of the onset */
#define SOLVER_STEPS 60

static void tell(struct floors_row *row, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void tell(struct floors_row *row, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(row->why, sizeof row->why, format, args);
    va_end(args);
}

static double seconds(int64_t ns)
{
    return (double)ns / (double)CLOCK_NS_PER_S;
}

/* ---- events ---- */

bool floors_is_rated(const struct event *event)
{
    return event->half_stars > 0 && event->post_accepted;
}

double floors_reciprocal_rank(const struct event *event)
{
    return floors_is_rated(event) && event->rank > 0 ? 1.0 / event->rank : 0;
}

int floors_category(enum scenario_quantity quantity, const struct event *event)
{
    if (!floors_is_rated(event)) {
        return 0;
    }
    if (quantity != SCENARIO_RECIPROCAL_RANK) {
        return event->half_stars;
    }
    return event->rank < FLOORS_CATEGORIES ? event->rank : FLOORS_CATEGORIES - 1;
}

/* What the counter behind the quantity adds for a list, or for a rating of the mean. */
static double amount(enum scenario_quantity quantity, const struct event *event)
{
    return quantity == SCENARIO_RECIPROCAL_RANK ? floors_reciprocal_rank(event)
                                                : event->half_stars / 2.0;
}

static void count_outcome(struct floors_world *world, enum scenario_quantity quantity,
                          const struct event *event, double weight)
{
    world->category[floors_category(quantity, event)] += weight;
    if (floors_is_rated(event)) {
        world->whole_stars[(event->half_stars - 1) / 2] += weight;
        world->squares += weight * pow(amount(quantity, event), 2);
    }
}

static void divide(double *share, int count)
{
    double total = 0;
    for (int i = 0; i < count; i++) {
        total += share[i];
    }
    for (int i = 0; i < count && total > 0; i++) {
        share[i] /= total;
    }
}

struct span { /* of nominal time */
    int64_t from_ns, to_ns;
};

static bool in_span(struct span span, const struct event *event)
{
    return event->nominal_ns >= span.from_ns && event->nominal_ns < span.to_ns;
}

static void average_expected(const struct events *events, struct span span, bool drifted,
                             struct floors_world *out)
{
    double lists = 0;
    for (int64_t i = 0; i < events->count; i++) {
        const struct event *e = &events->event[i];
        if (!in_span(span, e)) {
            continue;
        }
        lists++;
        out->rated += (double)(drifted ? e->full_rated : e->rest_rated);
        out->converted += (double)(drifted ? e->full_converted : e->rest_converted);
        out->reciprocal_rank += (double)(drifted ? e->full_rr : e->rest_rr);
        out->stars += (double)(drifted ? e->full_stars : e->rest_stars);
    }
    if (lists > 0) {
        out->rated /= lists;
        out->converted /= lists;
        out->reciprocal_rank /= lists;
        out->stars /= lists;
    }
}

static void average_outcomes(const struct events *events, enum scenario_quantity quantity,
                             struct span span, bool drifted, struct floors_world *out)
{
    double weights = 0, squares = 0;
    for (int64_t i = 0; i < events->count; i++) {
        const struct event *e = &events->event[i];
        if (in_span(span, e)) {
            double weight = drifted && e->p_now > 0 ? (double)e->p_full / (double)e->p_now : 1;
            weights += weight;
            squares += weight * weight;
            count_outcome(out, quantity, e, weight);
        }
    }
    if (weights > 0) {
        out->squares /= weights;
        out->lists = weights * weights / squares;
        divide(out->category, FLOORS_CATEGORIES);
        divide(out->whole_stars, FLOORS_WHOLE_STARS);
    }
}

/* Gives the outcomes the share of rated lists that was expected. */
static void rate_as_expected(struct floors_world *world)
{
    double counted = 1 - world->category[0];
    if (counted <= 0) {
        return;
    }
    for (int c = 1; c < FLOORS_CATEGORIES; c++) {
        world->category[c] *= world->rated / counted;
    }
    world->squares *= world->rated / counted;
    world->category[0] = 1 - world->rated;
}

/* Is it what people do that changes, and not who comes? */
static bool of_people_only(const struct drift *drift)
{
    for (int i = 0; i < drift->count; i++) {
        if (!drift_of_people(drift->injection[i].kind)) {
            return false;
        }
    }
    return true;
}

static void fill_worlds(struct floors_task *task, enum scenario_quantity quantity,
                        struct span before, struct span after)
{
    const struct events *events = task->request->events;
    bool same_people = of_people_only(&task->request->scenario->drift);
    average_expected(events, same_people ? after : before, false, &task->rest);
    average_expected(events, after, true, &task->full);
    average_outcomes(events, quantity, before, false, &task->rest);
    average_outcomes(events, quantity, after, true, &task->full);
    if (same_people) {
        rate_as_expected(&task->rest);
        rate_as_expected(&task->full);
    }
}

/* ---- where the objective lies between the worlds ---- */

/* The index of the mixture's shares, in which ratings count as often as they occur. */
static double mixed_psi(const struct floors_task *task, double share)
{
    const double *reference = task->request->evidence->rating_share;
    double rest = (1 - share) * task->rest.rated, full = share * task->full.rated, psi = 0;
    for (int i = 0; i < FLOORS_WHOLE_STARS; i++) {
        double mixed =
            (rest * task->rest.whole_stars[i] + full * task->full.whole_stars[i]) / (rest + full);
        if (mixed > 0 && reference[i] > 0) {
            psi += (mixed - reference[i]) * log(mixed / reference[i]);
        }
    }
    return psi;
}

static double value_of(const struct floors_task *task, enum scenario_quantity quantity,
                       bool drifted)
{
    const struct floors_world *world = drifted ? &task->full : &task->rest;
    switch (quantity) {
    case SCENARIO_CONVERSION:
        return world->converted;
    case SCENARIO_RECIPROCAL_RANK:
        return world->reciprocal_rank;
    case SCENARIO_MEAN_RATING:
        return world->stars / world->rated;
    case SCENARIO_RATING_PSI:
        return mixed_psi(task, drifted);
    case SCENARIO_NO_QUANTITY:
        break;
    }
    return NAN;
}

/* The index is convex along the mixture and rises from below the objective to above it. */
static double solve_psi(const struct floors_task *task, double objective)
{
    double low = 0, high = 1;
    for (int i = 0; i < SOLVER_STEPS; i++) {
        double middle = (low + high) / 2;
        if (mixed_psi(task, middle) < objective) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (low + high) / 2;
}

/* A mean is a ratio of sums, and the mixture is one of the sums: of stars and of ratings. */
static double solve_share(const struct floors_task *task, const struct floors_row *row)
{
    if (row->quantity == SCENARIO_RATING_PSI) {
        return solve_psi(task, row->objective);
    }
    bool mean = row->quantity == SCENARIO_MEAN_RATING;
    double above = (row->rest - row->objective) * (mean ? task->rest.rated : 1);
    double below = (row->objective - row->full) * (mean ? task->full.rated : 1);
    return above / (above + below);
}

/* False, with the reason, unless rest and drift lie on different sides of the objective. */
static bool reaches_objective(struct floors_row *row)
{
    double sign = row->quantity == SCENARIO_RATING_PSI ? -1 : 1;
    double room = sign * (row->rest - row->objective), moved = sign * (row->rest - row->full);
    if (isnan(row->rest) || isnan(row->full) || isnan(row->objective)) {
        tell(row, "the quantity or its objective is not known");
    } else if (room <= 0) {
        tell(row, "already at rest it is beyond the objective: %.4f, objective %.4f", row->rest,
             row->objective);
    } else if (fabs(moved) < MOVED_SHARE * room) {
        tell(row, "the quantity does not move: %.4f at rest, %.4f under the drift", row->rest,
             row->full);
    } else if (moved <= room) {
        tell(row, "nothing to detect: it goes from %.4f to %.4f, objective %.4f", row->rest,
             row->full, row->objective);
    } else {
        return true;
    }
    return false;
}

/* ---- rows ---- */

static bool reference_known(const struct evidence *evidence)
{
    double total = 0;
    for (int i = 0; i < FLOORS_WHOLE_STARS; i++) {
        total += evidence->rating_share[i];
    }
    return total > 0.5;
}

/* The world at rest ends with the very first onset. */
static int64_t first_onset_ns(const struct drift *drift)
{
    int64_t first = INT64_MAX;
    for (int i = 0; i < drift->count; i++) {
        first = drift->injection[i].onset_ns < first ? drift->injection[i].onset_ns : first;
    }
    return first;
}

static int64_t until_ns(const struct floors_request *request, int64_t onset_ns)
{
    const struct scenario *scenario = request->scenario;
    for (int i = 0; i < scenario->phase_count; i++) {
        if (scenario->phase[i].retrains && scenario->phase[i].start_ns > onset_ns) {
            return scenario->phase[i].start_ns;
        }
    }
    return (int64_t)(request->end_s * (double)CLOCK_NS_PER_S);
}

static void measure_row(const struct floors_request *request, struct floors_row *row)
{
    struct floors_task task = {.request = request};
    const struct drift *drift = &request->scenario->drift;
    int64_t onset_ns = drift->injection[row->injection].onset_ns;
    int64_t end_ns = until_ns(request, onset_ns);
    row->onset_s = seconds(onset_ns);
    row->until_s = seconds(end_ns);
    row->rest = row->full = row->share = NAN;
    if (request->events == NULL || !request->events->complete) {
        tell(row, "not every list was recorded");
        return;
    }
    if (row->quantity == SCENARIO_RATING_PSI && !reference_known(request->evidence)) {
        tell(row, "the shares of stars to compare with are not known");
        return;
    }
    fill_worlds(&task, row->quantity, (struct span){INT64_MIN, first_onset_ns(drift)},
                (struct span){onset_ns, end_ns});
    if (fmin(task.rest.lists, task.full.lists) < LISTS_MIN) {
        tell(row, "too few lists: %.0f before the onset, %.0f after it", task.rest.lists,
             task.full.lists);
        return;
    }
    row->rest = value_of(&task, row->quantity, false);
    row->full = value_of(&task, row->quantity, true);
    if (!reaches_objective(row)) {
        return;
    }
    row->share = solve_share(&task, row);
    row->exists = true;
    task.interval_s = request->interval_s / (double)request->scenario->time_scale;
    floors_fill_views(&task, row);
}

static double ratio(enum scenario_quantity quantity, double lists, double rated, double sum)
{
    bool of_lists = quantity == SCENARIO_CONVERSION || quantity == SCENARIO_RECIPROCAL_RANK;
    return sum / (of_lists ? lists : rated);
}

/* The quantity as it was expected of the people at that time; less what was expected of them at
 * rest, if it is they who change. NaN without events. */
static double expected_between(const struct floors_request *request,
                               enum scenario_quantity quantity, struct span span)
{
    struct ledger_expected now = {0}, rest = {0};
    for (int64_t i = 0; i < request->events->count; i++) {
        const struct event *e = &request->events->event[i];
        if (!in_span(span, e)) {
            continue;
        }
        bool converts = quantity == SCENARIO_CONVERSION;
        bool ranks = quantity == SCENARIO_RECIPROCAL_RANK;
        now.lists++;
        now.rated += (double)e->now_rated;
        rest.rated += (double)e->rest_rated;
        now.stars += (double)(converts ? e->now_converted : ranks ? e->now_rr : e->now_stars);
        rest.stars += (double)(converts ? e->rest_converted : ranks ? e->rest_rr : e->rest_stars);
    }
    double value = ratio(quantity, (double)now.lists, now.rated, now.stars);
    return of_people_only(&request->scenario->drift)
               ? value - ratio(quantity, (double)now.lists, rest.rated, rest.stars)
               : value;
}

static int64_t next_onset_ns(const struct drift *drift, int64_t onset_ns, int64_t end_ns)
{
    for (int i = 0; i < drift->count; i++) {
        int64_t other_ns = drift->injection[i].onset_ns;
        end_ns = other_ns > onset_ns && other_ns < end_ns ? other_ns : end_ns;
    }
    return end_ns;
}

/* Did this injection, of several, move the quantity? What was expected between its onset and the
 * next is held against what was expected between the onset before and its own. The index of shares
 * has no expected value; the mean of the stars stands for it. */
static bool moves(const struct floors_request *request, const struct floors_row *row)
{
    const struct drift *drift = &request->scenario->drift;
    int64_t onset_ns = drift->injection[row->injection].onset_ns, before_ns = INT64_MIN;
    for (int i = 0; i < drift->count; i++) {
        int64_t other_ns = drift->injection[i].onset_ns;
        before_ns = other_ns < onset_ns && other_ns > before_ns ? other_ns : before_ns;
    }
    int64_t end_ns = next_onset_ns(drift, onset_ns, until_ns(request, onset_ns));
    double before = expected_between(request, row->quantity, (struct span){before_ns, onset_ns});
    double after = expected_between(request, row->quantity, (struct span){onset_ns, end_ns});
    double room = row->quantity == SCENARIO_RATING_PSI ? 1 : row->rest - row->objective;
    return fabs(after - before) >= MOVED_SHARE * fabs(room);
}

static void add_rows(const struct floors_request *request, enum scenario_quantity quantity,
                     double objective, struct floors *out)
{
    int order[DRIFT_INJECTIONS_MAX], count = request->scenario->drift.count;
    const struct drift_injection *injection = request->scenario->drift.injection;
    for (int i = 0; i < count; i++) {
        int k = i;
        for (; k > 0 && injection[order[k - 1]].onset_ns > injection[i].onset_ns; k--) {
            order[k] = order[k - 1];
        }
        order[k] = i;
    }
    const struct floors_row *mover = NULL;
    for (int i = 0; i < count && out->count < FLOORS_ROWS_MAX; i++) {
        struct floors_row *row = &out->row[out->count++];
        *row = (struct floors_row){
            .quantity = quantity, .objective = objective, .injection = order[i]};
        measure_row(request, row);
        bool alone = count == 1;
        if (mover != NULL && row->exists) {
            row->exists = false;
            tell(row, "%s moves it first", drift_kind_name(injection[mover->injection].kind));
        } else if (row->exists && !alone && !moves(request, row)) {
            row->exists = false;
            tell(row, "%s does not move it", drift_kind_name(injection[order[i]].kind));
        } else if (row->exists) {
            mover = row;
        }
    }
}

void floors_measure(const struct floors_request *request, struct floors *out)
{
    struct floors_request filled = *request;
    if (filled.interval_s <= 0) {
        filled.interval_s = FLOORS_INTERVAL_S;
    }
    *out = (struct floors){.interval_s = filled.interval_s,
                           .time_scale = request->scenario->time_scale};
    for (size_t i = 0; i < request->evidence->alert_count; i++) {
        const struct evidence_alert *alert = &request->evidence->alert[i];
        enum scenario_quantity quantity = scenario_quantity_named(alert->rule->quantity);
        if (quantity != SCENARIO_NO_QUANTITY && isfinite(alert->objective) &&
            floors_find(out, quantity, alert->objective) == NULL) {
            add_rows(&filled, quantity, alert->objective, out);
        }
    }
}

const struct floors_row *floors_find(const struct floors *floors, enum scenario_quantity quantity,
                                     double objective)
{
    const struct floors_row *found = NULL;
    for (int i = 0; i < floors->count; i++) {
        const struct floors_row *row = &floors->row[i];
        bool same = row->quantity == quantity && fabs(row->objective - objective) < 1e-9;
        if (same && (found == NULL || (row->exists && !found->exists))) {
            found = row;
        }
    }
    return found;
}

const char *floors_view_name(enum floors_view view)
{
    static const char *const names[FLOORS_VIEWS] = {"everything", "ratings", "exported"};
    return names[view];
}
