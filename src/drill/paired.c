#include "drill/paired.h"

#include "base/mem.h"
#include "load/arrivals.h"
#include "load/ledger.h"

#include <math.h>
#include <string.h>

const char *paired_metric_name(enum paired_metric metric)
{
    static const char *const names[PAIRED_METRICS] = {
        [PAIRED_RATED] = "rated",
        [PAIRED_CONVERSION] = "conversion",
        [PAIRED_RECIPROCAL_RANK] = "reciprocal rank",
        [PAIRED_MEAN_RATING] = "mean rating",
        [PAIRED_SHARE_1] = "share of 0.5 and 1 star",
        [PAIRED_SHARE_2] = "share of 1.5 and 2 stars",
        [PAIRED_SHARE_3] = "share of 2.5 and 3 stars",
        [PAIRED_SHARE_4] = "share of 3.5 and 4 stars",
        [PAIRED_SHARE_5] = "share of 4.5 and 5 stars",
        [PAIRED_EXPECTED_RATED] = "rated, expected",
        [PAIRED_EXPECTED_CONVERSION] = "conversion, expected",
        [PAIRED_EXPECTED_RECIPROCAL_RANK] = "reciprocal rank, expected",
        [PAIRED_EXPECTED_MEAN_RATING] = "mean rating, expected"};
    return names[metric];
}

void paired_init(struct paired *paired, int64_t from_ns, int64_t to_ns)
{
    *paired = (struct paired){.from_ns = from_ns, .to_ns = to_ns};
}

void paired_deinit(struct paired *paired)
{
    for (int play = 0; play < PAIRED_PLAYS; play++) {
        mem_free(paired->sums[play]);
    }
    memset(paired, 0, sizeof *paired);
}

static void make_room(struct paired *paired, int32_t visitors)
{
    if (visitors > paired->capacity) {
        int32_t capacity = visitors > 2 * paired->capacity ? visitors : 2 * paired->capacity;
        for (int play = 0; play < PAIRED_PLAYS; play++) {
            struct paired_sums *sums =
                mem_resize(paired->sums[play], (size_t)capacity, sizeof *sums);
            memset(sums + paired->capacity, 0,
                   (size_t)(capacity - paired->capacity) * sizeof *sums);
            paired->sums[play] = sums;
        }
        paired->capacity = capacity;
    }
    paired->visitors = visitors > paired->visitors ? visitors : paired->visitors;
}

static void count(struct paired_sums *sums, enum paired_metric metric, double value, double weight)
{
    sums->value[metric] += value;
    sums->weight[metric] += weight;
}

static void add_event(struct paired_sums *sums, const struct event *event)
{
    bool rated = event->post_accepted && event->half_stars > 0;
    count(sums, PAIRED_RATED, rated, 1);
    count(sums, PAIRED_CONVERSION, rated && event->half_stars >= LEDGER_CONVERTED_HALF_STARS, 1);
    count(sums, PAIRED_RECIPROCAL_RANK, rated ? 1.0 / event->rank : 0, 1);
    if (rated) {
        int star = (event->half_stars + 1) / 2;
        count(sums, PAIRED_MEAN_RATING, 0.5 * event->half_stars, 1);
        for (int s = 1; s <= 5; s++) {
            count(sums, (enum paired_metric)(PAIRED_SHARE_1 + s - 1), s == star, 1);
        }
    }
    count(sums, PAIRED_EXPECTED_RATED, (double)event->now_rated, 1);
    count(sums, PAIRED_EXPECTED_CONVERSION, (double)event->now_converted, 1);
    count(sums, PAIRED_EXPECTED_RECIPROCAL_RANK, (double)event->now_rr, 1);
    count(sums, PAIRED_EXPECTED_MEAN_RATING, (double)event->now_stars, (double)event->now_rated);
}

void paired_add(struct paired *paired, enum paired_play play, const struct events *events)
{
    for (int64_t i = 0; i < events->count; i++) {
        const struct event *event = &events->event[i];
        if (event->kind != ARRIVALS_SHILL && event->nominal_ns >= paired->from_ns &&
            event->nominal_ns < paired->to_ns) {
            make_room(paired, event->person + 1);
            add_event(&paired->sums[play][event->person], event);
            paired->lists[play]++;
        }
    }
}

/* ---- the difference ---- */

struct total {
    double value, weight;
};

static struct total total_of(const struct paired *paired, enum paired_play play,
                             enum paired_metric metric)
{
    struct total total = {0, 0};
    for (int32_t v = 0; v < paired->visitors; v++) {
        total.value += paired->sums[play][v].value[metric];
        total.weight += paired->sums[play][v].weight[metric];
    }
    return total;
}

static double residual(const struct paired_sums *sums, enum paired_metric metric,
                       const struct total *total)
{
    double ratio = total->value / total->weight;
    return (sums->value[metric] - ratio * sums->weight[metric]) / total->weight;
}

struct paired_difference paired_difference(const struct paired *paired, enum paired_metric metric)
{
    struct total with = total_of(paired, PAIRED_WITH, metric);
    struct total without = total_of(paired, PAIRED_WITHOUT, metric);
    struct paired_difference out = {.with = with.weight > 0 ? with.value / with.weight : NAN,
                                    .without =
                                        without.weight > 0 ? without.value / without.weight : NAN,
                                    .standard_error = NAN};
    out.difference = out.with - out.without;
    double squares = 0;
    for (int32_t v = 0; v < paired->visitors; v++) {
        const struct paired_sums *one = &paired->sums[PAIRED_WITH][v];
        const struct paired_sums *zero = &paired->sums[PAIRED_WITHOUT][v];
        if (one->weight[metric] > 0 || zero->weight[metric] > 0) {
            double z = residual(one, metric, &with) - residual(zero, metric, &without);
            squares += z * z;
            out.people++;
        }
    }
    if (out.people > 1 && isfinite(out.difference)) {
        out.standard_error = sqrt(squares * out.people / (out.people - 1));
    }
    return out;
}
