/*
 * One pass over the values gives most of the numbers (Grafana does the same); those that need the
 * values in order, or each value's weight, have a pass of their own. Where Grafana's results look
 * odd they are kept: the delta counts no step that follows a fall, the least value above zero of a
 * series without one is the largest number there is.
 */
#include "observe/reduce.h"

#include "base/mem.h"
#include "base/text.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Numbers that no value was seen for are NaN here and null in Grafana. */
struct standard {
    double sum, min, max, logmin, mean, range, diff, diffperc, delta, step;
    double first_not_null, last_not_null;
    size_t count;
    bool all_null, all_zero;
};

static bool is_missing(const struct reduce_input *input, size_t i)
{
    return input->missing != NULL && input->missing[i];
}

static void add_delta(struct standard *s, double value, bool *rising)
{
    double step = value - s->last_not_null;
    s->step = isnan(s->step) || step < s->step ? step : s->step;
    if (s->last_not_null > value) {
        *rising = false;
        return;
    }
    s->delta += *rising ? step : 0;
    *rising = true;
}

static void add_value(struct standard *s, double value, bool *rising)
{
    s->sum += value;
    s->all_null = false;
    if (isnan(s->first_not_null)) {
        s->first_not_null = value;
    } else {
        add_delta(s, value, rising);
    }
    s->max = isnan(s->max) || value > s->max ? value : s->max;
    s->min = isnan(s->min) || value < s->min ? value : s->min;
    s->logmin = value > 0 && value < s->logmin ? value : s->logmin;
    s->all_zero = s->all_zero && value == 0;
    s->last_not_null = value;
}

static void standard(const struct reduce_input *input, struct standard *s)
{
    bool rising = true;
    size_t numbers = 0;
    *s = (struct standard){.min = NAN,
                           .max = NAN,
                           .logmin = DBL_MAX,
                           .mean = NAN,
                           .step = NAN,
                           .first_not_null = NAN,
                           .last_not_null = NAN,
                           .all_null = true,
                           .all_zero = true};
    for (size_t i = 0; i < input->count; i++) {
        bool missing = is_missing(input, i);
        if (missing && input->nulls == REDUCE_NULL_IGNORE) {
            continue;
        }
        bool zero = missing && input->nulls == REDUCE_NULL_AS_ZERO;
        double value = zero ? 0 : missing ? NAN : input->value[i];
        s->count++;
        if (!isnan(value)) {
            numbers++;
            add_value(s, value, &rising);
        }
    }
    s->all_zero = s->all_zero && !s->all_null;
    s->mean = numbers > 0 ? s->sum / (double)numbers : NAN;
    s->range = s->max - s->min;
    s->diff = s->last_not_null - s->first_not_null;
    s->diffperc = isnan(s->diff) ? 0 : s->diff / s->first_not_null * 100;
}

static bool some(double value, double *out)
{
    *out = value;
    return !isnan(value);
}

/* The first and last value as they are: a NaN is one, a missing value is null. */
static bool at(const struct reduce_input *input, size_t i, double *out)
{
    if (input->count == 0 || is_missing(input, i)) {
        return false;
    }
    *out = input->value[i];
    return true;
}

static bool first(const struct reduce_input *input, double *out)
{
    return at(input, 0, out);
}

static bool last(const struct reduce_input *input, double *out)
{
    return at(input, input->count - 1, out);
}

static bool last_not_null(const struct reduce_input *input, double *out)
{
    for (size_t i = input->count; i-- > 0;) {
        if (!is_missing(input, i) && !isnan(input->value[i])) {
            return some(input->value[i], out);
        }
    }
    return false;
}

static bool first_not_null(const struct reduce_input *input, double *out)
{
    for (size_t i = 0; i < input->count; i++) {
        if (!is_missing(input, i) && !isnan(input->value[i])) {
            return some(input->value[i], out);
        }
    }
    return false;
}

static bool variance(const struct reduce_input *input, double *out)
{
    double squares = 0;
    double mean = 0;
    size_t count = 0;
    if (input->count == 0) {
        return false;
    }
    for (size_t i = 0; i < input->count; i++) {
        if (!is_missing(input, i)) {
            double before = mean;
            count++;
            mean += (input->value[i] - before) / (double)count;
            squares += (input->value[i] - before) * (input->value[i] - mean);
        }
    }
    *out = count > 0 ? squares / (double)count : 0;
    return true;
}

static bool std_dev(const struct reduce_input *input, double *out)
{
    if (!variance(input, out)) {
        return false;
    }
    *out = sqrt(*out);
    return true;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The values that count, sorted; heap. */
static double *sorted(const struct reduce_input *input, size_t *count)
{
    double *list = mem_array(input->count + 1, sizeof *list);
    *count = 0;
    for (size_t i = 0; i < input->count; i++) {
        bool missing = is_missing(input, i);
        if (!missing || input->nulls != REDUCE_NULL_IGNORE) {
            list[(*count)++] = missing ? 0 : input->value[i];
        }
    }
    qsort(list, *count, sizeof *list, by_value);
    return list;
}

static bool percentile(const struct reduce_input *input, double share, double *out)
{
    size_t count;
    double *list = sorted(input, &count);
    if (count > 0) {
        *out = list[(size_t)floor((double)(count - 1) * share + 0.5)];
    }
    mem_free(list);
    return count > 0;
}

/* Of nothing but nulls it is NaN, not null. */
static bool median(const struct reduce_input *input, double *out)
{
    size_t count;
    double *list = sorted(input, &count);
    *out = NAN;
    if (count > 0) {
        *out = count % 2 == 1 ? list[count / 2] : (list[count / 2 - 1] + list[count / 2]) / 2;
    }
    mem_free(list);
    return input->count > 0;
}

/* NaN differs from everything, from NaN too. */
static bool change_count(const struct reduce_input *input, double *out)
{
    double before = NAN;
    bool before_missing = false;
    size_t seen = 0;
    if (input->count == 0) {
        return false;
    }
    *out = 0;
    for (size_t i = 0; i < input->count; i++) {
        bool missing = is_missing(input, i);
        if (missing && input->nulls == REDUCE_NULL_IGNORE) {
            continue;
        }
        missing = missing && input->nulls == REDUCE_NULL_KEEP;
        double value = is_missing(input, i) ? 0 : input->value[i];
        bool same = missing == before_missing && (missing || value == before);
        *out += seen++ > 0 && !same;
        before = value;
        before_missing = missing;
    }
    return true;
}

static bool distinct_count(const struct reduce_input *input, double *out)
{
    size_t count;
    bool nan = false;
    bool null = false;
    if (input->count == 0) {
        return false;
    }
    struct reduce_input kept = *input;
    if (input->nulls == REDUCE_NULL_KEEP) {
        kept.nulls = REDUCE_NULL_IGNORE;
        for (size_t i = 0; i < input->count; i++) {
            null = null || is_missing(input, i);
        }
    }
    double *list = sorted(&kept, &count);
    size_t numbers = 0;
    for (size_t i = 0; i < count; i++) { /* NaN has no place in an order: counted apart */
        nan = nan || isnan(list[i]);
        if (!isnan(list[i])) {
            list[numbers++] = list[i];
        }
    }
    qsort(list, numbers, sizeof *list, by_value);
    *out = (double)nan + (double)null;
    for (size_t i = 0; i < numbers; i++) {
        *out += i == 0 || list[i] != list[i - 1];
    }
    mem_free(list);
    return true;
}

static bool count_all(const struct reduce_input *input, double *out)
{
    *out = (double)input->count;
    return true;
}

#define STANDARD(X)                                                                                \
    X(min, s.min, NAN)                                                                             \
    X(max, s.max, NAN)                                                                             \
    X(logmin, s.logmin, NAN)                                                                       \
    X(mean, s.mean, NAN)                                                                           \
    X(sum, s.sum, 0)                                                                               \
    X(count, (double)s.count, 0)                                                                   \
    X(range, s.range, NAN)                                                                         \
    X(diff, s.diff, NAN)                                                                           \
    X(diffperc, s.diffperc, NAN)                                                                   \
    X(delta, s.delta, NAN)                                                                         \
    X(step, s.step, NAN)                                                                           \
    X(all_null, s.all_null, 1)                                                                     \
    X(all_zero, s.all_zero, 0)

#define X(name, value, empty)                                                                      \
    static bool of_##name(const struct reduce_input *input, double *out)                           \
    {                                                                                              \
        struct standard s;                                                                         \
        standard(input, &s);                                                                       \
        return some(input->count == 0 ? (double)(empty) : (double)(value), out);                   \
    }
STANDARD(X)
#undef X

static const struct calc {
    const char *id;
    bool (*run)(const struct reduce_input *input, double *out);
} calcs[] = {
    {"lastNotNull", last_not_null},
    {"current", last_not_null},
    {"last", last},
    {"firstNotNull", first_not_null},
    {"first", first},
    {"min", of_min},
    {"max", of_max},
    {"mean", of_mean},
    {"avg", of_mean},
    {"sum", of_sum},
    {"total", of_sum},
    {"count", of_count},
    {"countAll", count_all},
    {"range", of_range},
    {"diff", of_diff},
    {"diffperc", of_diffperc},
    {"delta", of_delta},
    {"step", of_step},
    {"logmin", of_logmin},
    {"allIsNull", of_all_null},
    {"allIsZero", of_all_zero},
    {"median", median},
    {"variance", variance},
    {"stdDev", std_dev},
    {"changeCount", change_count},
    {"distinctCount", distinct_count},
};

static const struct calc *find(const char *id)
{
    for (size_t i = 0; i < sizeof calcs / sizeof calcs[0]; i++) {
        if (strcmp(calcs[i].id, id) == 0) {
            return &calcs[i];
        }
    }
    return NULL;
}

/* "p1" to "p99"; 0 if it is none. */
static int percent_of(const char *id)
{
    int64_t percent;
    bool ok = id[0] == 'p' && id[1] != '0' && text_to_i64(id + 1, &percent) && percent >= 1 &&
              percent <= 99;
    return ok ? (int)percent : 0;
}

bool reduce_known(const char *calc)
{
    return find(calc) != NULL || percent_of(calc) > 0;
}

bool reduce(const char *calc, const struct reduce_input *input, double *out)
{
    const struct calc *known = find(calc);
    return known != NULL ? known->run(input, out)
                         : percentile(input, percent_of(calc) / 100.0, out);
}
