/*
 * Each view turns the run into marks: moments at which something became known, with the log of how
 * much likelier it is under the drift than at the objective. The ratios of all three are sums over
 * such marks, so one CUSUM serves; the exported view only looks at it once a scrape.
 *
 * Of a list that nobody rates it is taken to be known at once that nobody will. No watcher knows
 * that, which is why these are floors.
 */
#include "drill/floors_int.h"

#include "base/clock.h"
#include "base/mem.h"
#include "drill/cusum.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SMOOTHING 0.5     /* lists added to each category, so that none is impossible */
#define BIAS_TIMES 2      /* information must be so much more than counting noise makes of it */
#define STANDARD_ERRORS 2 /* by which the information of likelihoods must be above 0 */

struct mark {
    int64_t at_ns;
    double ratio;
};

struct view {
    struct mark *mark;
    int64_t count;
    double nats;     /* an observation under the drift */
    double period_s; /* of observations */
};

static int compare_marks(const void *a, const void *b)
{
    const struct mark *x = a, *y = b;
    return x->at_ns != y->at_ns ? (x->at_ns > y->at_ns ? 1 : -1)
                                : (x->ratio > y->ratio) - (x->ratio < y->ratio);
}

static void add_mark(struct view *view, int64_t at_ns, double ratio)
{
    view->mark[view->count++] = (struct mark){at_ns, ratio};
}

static int64_t known_ns(const struct event *event)
{
    return floors_is_rated(event) && event->rated_ns > 0 ? event->rated_ns : event->listed_ns;
}

static bool within(const struct floors_row *row, const struct event *event)
{
    double nominal_s = (double)event->nominal_ns / (double)CLOCK_NS_PER_S;
    return nominal_s >= row->onset_s && nominal_s < row->until_s;
}

/* ---- the three views ---- */

/* False, with the reason, if the likelihoods do not tell the worlds apart. */
static bool see_everything(const struct floors_task *task, const struct floors_row *row,
                           struct view *view, struct floors_floor *out)
{
    const struct events *events = task->request->events;
    double weights = 0, sum = 0, squares = 0, count = 0;
    for (int64_t i = 0; i < events->count; i++) {
        const struct event *e = &events->event[i];
        double full = (double)e->p_full;
        double null = (1 - row->share) * (double)e->p_rest + row->share * full;
        double ratio = null > 0 ? log(full / null) : 0;
        add_mark(view, known_ns(e), ratio);
        if (within(row, e) && full > 0 && e->p_now > 0) {
            double weight = full / (double)e->p_now;
            weights += weight;
            sum += weight * ratio;
            squares += weight * ratio * ratio;
            count++;
        }
    }
    if (weights <= 0) {
        snprintf(out->why, sizeof out->why, "nothing happened under the drift");
        return false;
    }
    view->nats = sum / weights;
    view->period_s = 1 / task->lists_per_s;
    double error = sqrt(fmax(0, squares / weights - view->nats * view->nats) / count);
    if (view->nats <= STANDARD_ERRORS * error || view->nats < 1e-9) {
        snprintf(out->why, sizeof out->why,
                 "what each person does is as likely at the objective as under the drift");
        return false;
    }
    return true;
}

static bool see_ratings(const struct floors_task *task, const struct floors_row *row,
                        struct view *view, struct floors_floor *out)
{
    const struct events *events = task->request->events;
    double rest_lists = task->rest.lists, full_lists = task->full.lists;
    double ratio[FLOORS_CATEGORIES];
    int used = 0;
    view->nats = 0;
    for (int c = 0; c < FLOORS_CATEGORIES; c++) {
        double rest = (rest_lists * task->rest.category[c] + SMOOTHING) /
                      (rest_lists + SMOOTHING * FLOORS_CATEGORIES);
        double full = (full_lists * task->full.category[c] + SMOOTHING) /
                      (full_lists + SMOOTHING * FLOORS_CATEGORIES);
        ratio[c] = log(full / ((1 - row->share) * rest + row->share * full));
        view->nats += full * ratio[c];
        used += task->rest.category[c] + task->full.category[c] > 0;
    }
    for (int64_t i = 0; i < events->count; i++) {
        const struct event *e = &events->event[i];
        add_mark(view, known_ns(e), ratio[floors_category(row->quantity, e)]);
    }
    view->period_s = 1 / task->lists_per_s;
    /* Shares of `used` categories, estimated from so many lists, differ by this much for nothing;
     * the mixture has moved `share` of the way already. */
    double noise = pow(1 - row->share, 2) * (used - 1) / 2.0 * (1 / rest_lists + 1 / full_lists);
    if (view->nats <= BIAS_TIMES * noise) {
        snprintf(out->why, sizeof out->why,
                 "%.0f and %.0f lists are too few to tell the two rating streams apart", rest_lists,
                 full_lists);
        return false;
    }
    return true;
}

struct score { /* of what the counters add: a list when it is served, a rating when it comes */
    double list, rating[2]; /* a rating adds rating[0] + rating[1] * its amount */
    double whole_stars[FLOORS_WHOLE_STARS];
};

/* Variance about the objective of a list's or a rating's contribution, mixed like the null. */
static double null_variance(const struct floors_task *task, const struct floors_row *row)
{
    bool mean = row->quantity == SCENARIO_MEAN_RATING;
    double rest = (1 - row->share) * task->rest.squares, full = row->share * task->full.squares;
    double ratings =
        (1 - row->share) * (1 - task->rest.category[0]) + row->share * (1 - task->full.category[0]);
    return (rest + full) / (mean ? ratings : 1) - row->objective * row->objective;
}

/* Normal with the null's variance: the sum of a scrape is one of many lists or ratings. */
static double normal_score(const struct floors_task *task, const struct floors_row *row,
                           struct score *score)
{
    double step = row->full - row->objective, variance = null_variance(task, row);
    double middle = (row->full + row->objective) / 2;
    if (variance <= 0) {
        return 0;
    }
    score->rating[1] = step / variance;
    *(row->quantity == SCENARIO_MEAN_RATING ? &score->rating[0] : &score->list) =
        -step / variance * middle;
    return step * step / (2 * variance);
}

static double conversion_score(const struct floors_row *row, struct score *score)
{
    double lost = log((1 - row->full) / (1 - row->objective));
    double won = log(fmax(row->full, 1e-9) / row->objective);
    score->list = lost;
    score->rating[1] = won - lost;
    return row->full * won + (1 - row->full) * lost;
}

static double share_score(const struct floors_task *task, const struct floors_row *row,
                          struct score *score)
{
    double rest = (1 - row->share) * task->rest.rated, full = row->share * task->full.rated;
    double rest_ratings = task->rest.lists * task->rest.rated;
    double full_ratings = task->full.lists * task->full.rated, nats = 0;
    for (int i = 0; i < FLOORS_WHOLE_STARS; i++) {
        double before = (rest_ratings * task->rest.whole_stars[i] + SMOOTHING) /
                        (rest_ratings + SMOOTHING * FLOORS_WHOLE_STARS);
        double after = (full_ratings * task->full.whole_stars[i] + SMOOTHING) /
                       (full_ratings + SMOOTHING * FLOORS_WHOLE_STARS);
        score->whole_stars[i] = log(after / ((rest * before + full * after) / (rest + full)));
        nats += after * score->whole_stars[i];
    }
    return nats;
}

/* Nats a list under the drift, and the marks of lists and ratings. */
static double score_exported(const struct floors_task *task, const struct floors_row *row,
                             struct score *score)
{
    switch (row->quantity) {
    case SCENARIO_CONVERSION:
        return conversion_score(row, score);
    case SCENARIO_RECIPROCAL_RANK:
        return normal_score(task, row, score);
    case SCENARIO_MEAN_RATING:
        return task->full.rated * normal_score(task, row, score);
    case SCENARIO_RATING_PSI:
        return task->full.rated * share_score(task, row, score);
    case SCENARIO_NO_QUANTITY:
        break;
    }
    return 0;
}

static double rating_amount(enum scenario_quantity quantity, const struct event *event)
{
    if (quantity == SCENARIO_CONVERSION) {
        return event->half_stars >= LEDGER_CONVERTED_HALF_STARS;
    }
    return quantity == SCENARIO_RECIPROCAL_RANK ? floors_reciprocal_rank(event)
                                                : event->half_stars / 2.0;
}

/* Counters are a function of the rating stream, so they cannot tell more than it does: what an
 * estimate says beyond that is noise. */
static bool see_exported(const struct floors_task *task, const struct floors_row *row,
                         struct view *view, struct floors_floor *out)
{
    const struct events *events = task->request->events;
    const struct floors_floor *ratings = &row->view[FLOORS_RATINGS];
    struct score score = {0};
    double nats_per_s = task->lists_per_s * score_exported(task, row, &score);
    for (int64_t i = 0; i < events->count; i++) {
        const struct event *e = &events->event[i];
        add_mark(view, e->listed_ns, score.list);
        if (floors_is_rated(e)) {
            add_mark(view, known_ns(e),
                     score.rating[0] + score.rating[1] * rating_amount(row->quantity, e) +
                         score.whole_stars[(e->half_stars - 1) / 2]);
        }
    }
    if (ratings->exists) {
        nats_per_s = fmin(nats_per_s, ratings->nats_per_s);
    }
    const struct scenario *scenario = task->request->scenario;
    view->period_s =
        (double)scenario->scrape_ns / (double)scenario->time_scale / (double)CLOCK_NS_PER_S;
    view->nats = nats_per_s * view->period_s;
    if (!(view->nats > 0)) {
        snprintf(out->why, sizeof out->why, "the exported counters do not tell the worlds apart");
        return false;
    }
    return true;
}

/* ---- running the detector ---- */

static double mark_s(const struct mark *mark)
{
    return (double)mark->at_ns / (double)CLOCK_NS_PER_S;
}

static void run_every_mark(const struct floors_row *row, const struct view *view,
                           struct floors_floor *out)
{
    struct cusum cusum = {.threshold = out->threshold};
    for (int64_t i = 0; i < view->count; i++) {
        double at_s = mark_s(&view->mark[i]);
        if (at_s >= row->until_s) {
            return;
        }
        if (!cusum_add(&cusum, view->mark[i].ratio)) {
            continue;
        }
        if (at_s >= row->onset_s) {
            out->delay_s = out->enough_s = at_s - row->onset_s;
            return;
        }
        out->false_alarms++;
    }
}

/* The moment before a scrape from which on the threshold was reached for good: what came after
 * would not have brought it down again. */
static double enough_at(const struct view *view, int64_t from, int64_t to, double value,
                        double threshold, double scrape_s)
{
    double since_s = scrape_s;
    bool reached = false;
    for (int64_t i = from; i < to; i++) {
        value += view->mark[i].ratio;
        bool now = value >= threshold;
        since_s = now && !reached ? mark_s(&view->mark[i]) : since_s;
        reached = now;
    }
    return reached ? since_s : scrape_s;
}

static double scrape_at(const struct floors_task *task, const struct view *view, size_t index)
{
    const struct prometheus_series *scrapes = &task->request->evidence->scrapes;
    if (scrapes->count == 0) {
        return (double)(index + 1) * view->period_s;
    }
    return index < scrapes->count ? scrapes->point[index].time_s : INFINITY;
}

static void run_every_scrape(const struct floors_task *task, const struct floors_row *row,
                             const struct view *view, struct floors_floor *out)
{
    struct cusum cusum = {.threshold = out->threshold};
    int64_t next = 0;
    for (size_t s = 0;; s++) {
        double scrape_s = scrape_at(task, view, s), sum = 0, value = cusum.value;
        int64_t from = next;
        if (scrape_s >= row->until_s) {
            return;
        }
        for (; next < view->count && mark_s(&view->mark[next]) <= scrape_s; next++) {
            sum += view->mark[next].ratio;
        }
        if (!cusum_add(&cusum, sum)) {
            continue;
        }
        if (scrape_s >= row->onset_s) {
            double enough_s = enough_at(view, from, next, value, out->threshold, scrape_s);
            out->delay_s = scrape_s - row->onset_s;
            out->enough_s = fmax(0, enough_s - row->onset_s);
            return;
        }
        out->false_alarms++;
    }
}

void floors_fill_views(const struct floors_task *given, struct floors_row *row)
{
    static bool (*const see[FLOORS_VIEWS])(const struct floors_task *, const struct floors_row *,
                                           struct view *, struct floors_floor *) = {
        see_everything, see_ratings, see_exported};
    struct floors_task task = *given;
    const struct events *events = task.request->events;
    int64_t lists = 0;
    for (int64_t i = 0; i < events->count; i++) {
        lists += within(row, &events->event[i]);
    }
    task.lists_per_s = (double)lists / (row->until_s - row->onset_s);
    struct view view = {.mark = mem_zalloc((size_t)events->count * 2 + 1, sizeof *view.mark)};
    for (int v = 0; v < FLOORS_VIEWS; v++) {
        struct floors_floor *out = &row->view[v];
        view.count = 0;
        *out = (struct floors_floor){.expected_s = NAN, .delay_s = NAN, .enough_s = NAN};
        if (!see[v](&task, row, &view, out)) {
            continue;
        }
        qsort(view.mark, (size_t)view.count, sizeof *view.mark, compare_marks);
        out->exists = true;
        out->nats_per_s = view.nats / view.period_s;
        out->threshold = cusum_threshold(view.nats, task.interval_s / view.period_s);
        out->expected_s = view.period_s * cusum_delay(view.nats, out->threshold);
        if (v == FLOORS_EXPORTED) {
            run_every_scrape(&task, row, &view, out);
        } else {
            run_every_mark(row, &view, out);
        }
    }
    mem_free(view.mark);
}
