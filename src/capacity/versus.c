/*
 * Runs are few, half a dozen a side as a rule, and their distribution is unknown: a run in ten may
 * be slow because something else woke up. So nothing here assumes a normal law, or takes the slow
 * one out. Two questions are asked of the same runs, and both must say yes: the rank test keeps its
 * level with however few runs, but tells no size; the bootstrap tells the size, but its interval of
 * four runs is somewhat narrow (it covers 93 % instead of 95 %).
 *
 * The exact test counts, for every sum, in how many ways as many ranks as the smaller side has runs
 * add up to it. Ranks are doubled, which makes those of ties whole numbers. Counts are doubles:
 * they only grow by addition, so that their relative error stays that of a sum.
 */
#include "capacity/versus.h"

#include "base/mem.h"
#include "base/rng.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PURPOSE_VERSUS 0x434d5052u

static int rising(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double *sorted(const double *value, size_t count)
{
    double *copy = mem_array(count, sizeof *copy);
    memcpy(copy, value, count * sizeof *copy);
    qsort(copy, count, sizeof *copy, rising);
    return copy;
}

static double middle(const double *rising_value, size_t count)
{
    return (rising_value[(count - 1) / 2] + rising_value[count / 2]) / 2;
}

/* ---- the median ---- */

/* The largest r whose interval reaches the confidence, 0 if none does. */
static size_t order_of(size_t count, double confidence, double *covers)
{
    /* P(Binomial(n, 1/2) = k), beginning with k = 0; n up to a thousand does not underflow. */
    double probability = pow(0.5, (double)count), below = 0;
    size_t r = 0;
    *covers = 0;
    for (size_t k = 0; 2 * (k + 1) <= count; k++) {
        below += probability;
        probability *= (double)(count - k) / (double)(k + 1);
        if (1 - 2 * below < confidence) {
            break;
        }
        *covers = 1 - 2 * below;
        r = k + 1;
    }
    return r;
}

void versus_median(const double *value, size_t count, double confidence, struct versus_median *out)
{
    assert(count > 0);
    double *rising_value = sorted(value, count);
    *out = (struct versus_median){.value = middle(rising_value, count), .low = NAN, .high = NAN};
    size_t r = order_of(count, confidence, &out->covers);
    if (r > 0) {
        out->low = rising_value[r - 1];
        out->high = rising_value[count - r];
    }
    mem_free(rising_value);
}

size_t versus_median_runs(double confidence)
{
    size_t count = 2;
    assert(confidence < 1);
    while (1 - pow(0.5, (double)count - 1) < confidence) {
        count++;
    }
    return count;
}

/* ---- ranks ---- */

struct ranking {
    size_t *doubled;    /* of the runs in order of value: twice the rank */
    size_t side_sum[2]; /* of A, of B */
    double ties;        /* sum of t^3 - t over groups of t equal values */
};

struct ranked {
    double value;
    size_t side;
};

static int by_value(const void *left, const void *right)
{
    return rising(&((const struct ranked *)left)->value, &((const struct ranked *)right)->value);
}

static void rank(const double *a, size_t a_count, const double *b, size_t b_count,
                 struct ranking *out)
{
    size_t count = a_count + b_count;
    struct ranked *run = mem_array(count, sizeof *run);
    *out = (struct ranking){.doubled = mem_array(count, sizeof *out->doubled)};
    for (size_t i = 0; i < count; i++) {
        run[i] = i < a_count ? (struct ranked){a[i], 0} : (struct ranked){b[i - a_count], 1};
    }
    qsort(run, count, sizeof *run, by_value);
    for (size_t first = 0, end; first < count; first = end) {
        end = first + 1;
        while (end < count && run[end].value == run[first].value) {
            end++;
        }
        double equal = (double)(end - first);
        out->ties += equal * equal * equal - equal;
        for (size_t i = first; i < end; i++) {
            out->doubled[i] = first + 1 + end; /* the first's rank and the last's */
            out->side_sum[run[i].side] += out->doubled[i];
        }
    }
    mem_free(run);
}

/* ways[k * (sum_max + 1) + s]: choices of k of the ranks that add up to s. */
static double *count_choices(const size_t *doubled, size_t count, size_t chosen, size_t sum_max)
{
    size_t width = sum_max + 1;
    double *ways = mem_zalloc((chosen + 1) * width, sizeof *ways);
    ways[0] = 1;
    for (size_t i = 0; i < count; i++) {
        size_t most = i + 1 < chosen ? i + 1 : chosen;
        for (size_t k = most; k >= 1; k--) {
            const double *without = ways + (k - 1) * width;
            double *with = ways + k * width;
            for (size_t s = doubled[i]; s < width; s++) {
                with[s] += without[s - doubled[i]];
            }
        }
    }
    return ways;
}

static double exact_p(const struct ranking *ranking, size_t count, size_t chosen, size_t side)
{
    size_t sum_max = 0, seen = ranking->side_sum[side], mean = chosen * (count + 1);
    for (size_t i = count - chosen; i < count; i++) {
        sum_max += ranking->doubled[i];
    }
    double *ways = count_choices(ranking->doubled, count, chosen, sum_max);
    const double *of_sum = ways + chosen * (sum_max + 1);
    size_t distance = seen > mean ? seen - mean : mean - seen;
    double all = 0, as_far = 0;
    for (size_t s = 0; s <= sum_max; s++) {
        all += of_sum[s];
        as_far += (s > mean ? s - mean : mean - s) >= distance ? of_sum[s] : 0;
    }
    mem_free(ways);
    return as_far / all;
}

static double normal_p(double u, double a_count, double b_count, double ties)
{
    double count = a_count + b_count;
    double variance = a_count * b_count / 12 * (count + 1 - ties / (count * (count - 1)));
    double distance = fmax(fabs(u - a_count * b_count / 2) - 0.5, 0);
    return variance > 0 ? erfc(distance / sqrt(2 * variance)) : 1;
}

void versus_ranks(const double *a, size_t a_count, const double *b, size_t b_count,
                  struct versus_ranks *out)
{
    struct ranking ranking;
    size_t count = a_count + b_count;
    double smaller = (double)b_count * (double)(b_count + 1) / 2;
    assert(a_count > 0 && b_count > 0);
    rank(a, a_count, b, b_count, &ranking);
    *out = (struct versus_ranks){.u = (double)ranking.side_sum[1] / 2 - smaller,
                                 .exact = count <= VERSUS_EXACT_MAX,
                                 .ties = ranking.ties > 0};
    if (out->exact) {
        size_t side = b_count < a_count;
        out->p = exact_p(&ranking, count, side == 1 ? b_count : a_count, side);
    } else {
        out->p = normal_p(out->u, (double)a_count, (double)b_count, ranking.ties);
    }
    mem_free(ranking.doubled);
}

double versus_least_p(size_t a_count, size_t b_count)
{
    double p = 2; /* over the number of choices of A's runs among all */
    for (size_t i = 1; i <= a_count; i++) {
        p *= (double)i / (double)(b_count + i);
    }
    return fmin(p, 1);
}

/* ---- the ratio ---- */

/* The median of as many draws, with replacement, from values in order. `times` holds [count]. */
static double median_drawn(const double *rising_value, size_t count, struct rng *rng,
                           uint32_t *times)
{
    memset(times, 0, count * sizeof *times);
    for (size_t i = 0; i < count; i++) {
        times[rng_below(rng, (uint32_t)count)]++;
    }
    size_t lower = 0, seen = times[0];
    while (seen <= (count - 1) / 2) {
        seen += times[++lower];
    }
    size_t upper = lower;
    while (seen <= count / 2) {
        seen += times[++upper];
    }
    return (rising_value[lower] + rising_value[upper]) / 2;
}

static void resample(const double *a, size_t a_count, const double *b, size_t b_count,
                     uint64_t seed, double *ratio)
{
    struct rng rng = rng_stream(seed, 0, PURPOSE_VERSUS);
    uint32_t *times = mem_array(a_count > b_count ? a_count : b_count, sizeof *times);
    for (size_t i = 0; i < VERSUS_RESAMPLES; i++) {
        double below = median_drawn(a, a_count, &rng, times);
        ratio[i] = median_drawn(b, b_count, &rng, times) / below;
    }
    qsort(ratio, VERSUS_RESAMPLES, sizeof *ratio, rising);
    mem_free(times);
}

void versus_ratio(const double *a, size_t a_count, const double *b, size_t b_count,
                  double confidence, uint64_t seed, struct versus_ratio *out)
{
    assert(a_count > 0 && b_count > 0);
    double *a_rising = sorted(a, a_count), *b_rising = sorted(b, b_count);
    *out = (struct versus_ratio){
        .value = middle(b_rising, b_count) / middle(a_rising, a_count), .low = NAN, .high = NAN};
    if (versus_least_p(a_count, b_count) <= 1 - confidence) {
        double *ratio = mem_array(VERSUS_RESAMPLES, sizeof *ratio);
        size_t out_of_it = (size_t)((1 - confidence) / 2 * VERSUS_RESAMPLES);
        resample(a_rising, a_count, b_rising, b_count, seed, ratio);
        out->low = ratio[out_of_it];
        out->high = ratio[VERSUS_RESAMPLES - 1 - out_of_it];
        mem_free(ratio);
    }
    mem_free(a_rising);
    mem_free(b_rising);
}

void versus_sides(const double *a, size_t a_count, const double *b, size_t b_count,
                  double confidence, uint64_t seed, struct versus_result *out)
{
    versus_median(a, a_count, confidence, &out->a);
    versus_median(b, b_count, confidence, &out->b);
    versus_ratio(a, a_count, b, b_count, confidence, seed, &out->ratio);
    versus_ranks(a, a_count, b, b_count, &out->ranks);
    bool beside_one = out->ratio.low > 1 || out->ratio.high < 1;
    if (isnan(out->ratio.low)) {
        out->outcome = VERSUS_TOO_FEW;
    } else if (beside_one && out->ranks.p <= 1 - confidence) {
        out->outcome = VERSUS_SHOWN;
    } else {
        out->outcome = VERSUS_NOT_SHOWN;
    }
}

bool versus_beyond(double ratio, double noise)
{
    return fabs(log(ratio)) > fabs(log(noise));
}

/* ---- the order ---- */

enum versus_order versus_order(const double *a_start_s, size_t a_count, const double *b_start_s,
                               size_t b_count)
{
    size_t a = 0, b = 0;
    double most = fmax((double)a_count, (double)b_count);
    enum versus_order order = VERSUS_INTERLEAVED;
    double *a_rising = sorted(a_start_s, a_count), *b_rising = sorted(b_start_s, b_count);
    for (size_t i = 0; i < a_count + b_count; i++) {
        if ((i < a_count && isnan(a_start_s[i])) || (i < b_count && isnan(b_start_s[i]))) {
            order = VERSUS_ORDER_UNKNOWN;
            break;
        }
        bool next_a = b == b_count || (a < a_count && a_rising[a] <= b_rising[b]);
        a += next_a;
        b += !next_a;
        if (fabs((double)a * (double)b_count - (double)b * (double)a_count) > most) {
            order = VERSUS_IN_BLOCKS;
        }
    }
    mem_free(a_rising);
    mem_free(b_rising);
    return order;
}
