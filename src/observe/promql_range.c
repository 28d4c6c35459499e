/*
 * Functions of a range. rate, increase and delta extrapolate from the samples seen to the edges of
 * the range: by the full distance if the edge is nearer than 1.1 mean gaps, by half a gap if not,
 * and a counter never below zero. Prometheus 2 limited the distance before it compared it,
 * Prometheus 3 does so afterwards.
 */
#include "observe/promql_eval_int.h"

#include <math.h>

#define MS_PER_S 1000.0
#define NEAR_GAPS 1.1

static double plain_sum(const struct samples_slice *slice)
{
    double sum = 0;
    for (size_t i = 0; i < slice->count; i++) {
        sum += slice->value[i];
    }
    return sum;
}

/* Last minus first, with what was lost at each reset of a counter added. */
static double gain(const struct samples_slice *slice, bool is_counter)
{
    double sum = slice->value[slice->count - 1] - slice->value[0];
    for (size_t i = 1; is_counter && i < slice->count; i++) {
        sum += slice->value[i] < slice->value[i - 1] ? slice->value[i - 1] : 0;
    }
    return sum;
}

static double extrapolated(const struct promql_span *span, bool is_counter)
{
    const struct samples_slice *slice = &span->slice;
    double sum = gain(slice, is_counter);
    double start_s = (double)(slice->t_ms[0] - span->from_ms) / MS_PER_S;
    double end_s = (double)(span->until_ms - slice->t_ms[slice->count - 1]) / MS_PER_S;
    double seen_s = (double)(slice->t_ms[slice->count - 1] - slice->t_ms[0]) / MS_PER_S;
    double gap_s = seen_s / (double)(slice->count - 1);
    double to_zero_s =
        is_counter && sum > 0 && slice->value[0] >= 0 ? seen_s * (slice->value[0] / sum) : INFINITY;
    if (span->prometheus_2) {
        start_s = fmin(start_s, to_zero_s);
        start_s = start_s < NEAR_GAPS * gap_s ? start_s : gap_s / 2;
    } else {
        start_s = start_s < NEAR_GAPS * gap_s ? start_s : gap_s / 2;
        start_s = fmin(start_s, to_zero_s);
    }
    end_s = end_s < NEAR_GAPS * gap_s ? end_s : gap_s / 2;
    return sum * ((seen_s + start_s + end_s) / seen_s);
}

/* irate and idelta: the last two samples only. */
static double last_step(const struct samples_slice *slice, bool per_second)
{
    size_t last = slice->count - 1;
    double step = slice->value[last] - slice->value[last - 1];
    if (!per_second) {
        return step;
    }
    step = slice->value[last] < slice->value[last - 1] ? slice->value[last] : step;
    return step / ((double)(slice->t_ms[last] - slice->t_ms[last - 1]) / MS_PER_S);
}

static double variance(const struct samples_slice *slice)
{
    double mean = plain_sum(slice) / (double)slice->count;
    double sum = 0;
    for (size_t i = 0; i < slice->count; i++) {
        sum += (slice->value[i] - mean) * (slice->value[i] - mean);
    }
    return sum / (double)slice->count;
}

/* NaN only if there is nothing else. */
static double extreme(const struct samples_slice *slice, double sign)
{
    double best = slice->value[0];
    for (size_t i = 1; i < slice->count; i++) {
        if (isnan(best) || sign * slice->value[i] > sign * best) {
            best = slice->value[i];
        }
    }
    return best;
}

static double count_steps(const struct samples_slice *slice, bool down_only)
{
    double count = 0;
    for (size_t i = 1; i < slice->count; i++) {
        double before = slice->value[i - 1], after = slice->value[i];
        bool changed = before != after && !(isnan(before) && isnan(after));
        count += down_only ? after < before : changed;
    }
    return count;
}

static double over_two(enum promql_function function, const struct promql_span *span)
{
    switch (function) {
    case PROMQL_FN_INCREASE:
        return extrapolated(span, true);
    case PROMQL_FN_RATE:
        return extrapolated(span, true) / ((double)(span->until_ms - span->from_ms) / MS_PER_S);
    case PROMQL_FN_DELTA:
        return extrapolated(span, false);
    case PROMQL_FN_IRATE:
        return last_step(&span->slice, true);
    default:
        return last_step(&span->slice, false);
    }
}

static bool needs_two(enum promql_function function)
{
    return function == PROMQL_FN_INCREASE || function == PROMQL_FN_RATE ||
           function == PROMQL_FN_DELTA || function == PROMQL_FN_IRATE ||
           function == PROMQL_FN_IDELTA;
}

bool promql_over_range(enum promql_function function, const struct promql_span *span, double *out)
{
    const struct samples_slice *slice = &span->slice;
    if (slice->count < (needs_two(function) ? 2u : 1u)) {
        return false;
    }
    switch (function) {
    case PROMQL_FN_AVG_OVER_TIME:
        *out = plain_sum(slice) / (double)slice->count;
        break;
    case PROMQL_FN_SUM_OVER_TIME:
        *out = plain_sum(slice);
        break;
    case PROMQL_FN_COUNT_OVER_TIME:
        *out = (double)slice->count;
        break;
    case PROMQL_FN_LAST_OVER_TIME:
        *out = slice->value[slice->count - 1];
        break;
    case PROMQL_FN_PRESENT_OVER_TIME:
        *out = 1;
        break;
    case PROMQL_FN_MAX_OVER_TIME:
    case PROMQL_FN_MIN_OVER_TIME:
        *out = extreme(slice, function == PROMQL_FN_MAX_OVER_TIME ? 1 : -1);
        break;
    case PROMQL_FN_STDVAR_OVER_TIME:
        *out = variance(slice);
        break;
    case PROMQL_FN_STDDEV_OVER_TIME:
        *out = sqrt(variance(slice));
        break;
    case PROMQL_FN_CHANGES:
    case PROMQL_FN_RESETS:
        *out = count_steps(slice, function == PROMQL_FN_RESETS);
        break;
    default:
        *out = over_two(function, span);
        break;
    }
    return true;
}
