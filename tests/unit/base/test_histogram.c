#include "base/buf.h"
#include "base/histogram.h"
#include "base/mem.h"
#include "base/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#define MAX_VALUE (UINT64_C(3600) * 1000000000)
#define VALUES 5000

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* From one nanosecond to an hour, as often small as large. */
static uint64_t any_value(struct rng *rng)
{
    return (uint64_t)exp(rng_uniform(rng) * log((double)MAX_VALUE));
}

static uint64_t exact_quantile(const uint64_t *sorted, size_t count, int per_mille)
{
    size_t rank = ((size_t)per_mille * count + 999) / 1000;
    return sorted[rank > 0 ? rank - 1 : 0];
}

Test(histogram, quantiles_are_within_a_thousandth_of_the_sorted_list)
{
    for (uint32_t trial = 0; trial < 20; trial++) {
        struct rng rng = rng_stream(1, trial, 1);
        size_t count = 1 + rng_below(&rng, VALUES);
        uint64_t *values = mem_array(count, sizeof *values);
        struct histogram *histogram = histogram_new(MAX_VALUE);
        for (size_t i = 0; i < count; i++) {
            values[i] = any_value(&rng);
            histogram_record(histogram, values[i]);
        }
        qsort(values, count, sizeof *values, compare);
        for (int q = 0; q <= 1000; q++) {
            uint64_t exact = exact_quantile(values, count, q);
            uint64_t seen = histogram_quantile(histogram, q / 1000.0);
            cr_assert_geq(seen, exact, "trial %u of %zu values, q %d", trial, count, q);
            cr_assert_leq(seen - exact, exact / 1024, "trial %u, q %d", trial, q);
        }
        cr_expect_eq(histogram_quantile(histogram, 1.0), values[count - 1]);
        histogram_free(histogram);
        mem_free(values);
    }
}

Test(histogram, small_values_are_exact)
{
    struct histogram *histogram = histogram_new(4000);
    for (uint64_t value = 0; value < 2048; value++) {
        histogram_record(histogram, value);
    }
    for (uint64_t value = 0; value < 2048; value++) {
        cr_assert_eq(histogram_quantile(histogram, (double)(value + 1) / 2048.0), value);
    }
    histogram_free(histogram);
}

Test(histogram, every_bucket_edge_is_within_bounds)
{
    for (int power = 0; power < 64; power++) {
        for (int step = -1; step <= 1; step++) {
            uint64_t value = (UINT64_C(1) << power) + (uint64_t)step;
            struct histogram *histogram = histogram_new(UINT64_MAX);
            histogram_record(histogram, value);
            histogram_record(histogram, UINT64_MAX);
            uint64_t seen = histogram_quantile(histogram, 0.5);
            cr_expect(seen >= value && seen - value <= value / 1024, "2^%d%+d", power, step);
            histogram_free(histogram);
        }
    }
}

Test(histogram, merging_equals_recording_all_in_one)
{
    struct rng rng = rng_stream(2, 2, 2);
    struct histogram *parts[3];
    struct histogram *whole = histogram_new(MAX_VALUE);
    for (int i = 0; i < 3; i++) {
        parts[i] = histogram_new(MAX_VALUE);
    }
    for (int i = 0; i < VALUES; i++) {
        uint64_t value = any_value(&rng) * 2;
        histogram_record(whole, value);
        histogram_record(parts[i % 3], value);
    }
    histogram_merge(parts[2], parts[0]);
    histogram_merge(parts[2], parts[1]);
    cr_expect_gt(histogram_lost(whole), 0);
    cr_expect_eq(histogram_lost(parts[2]), histogram_lost(whole));
    cr_expect_eq(histogram_count(parts[2]), histogram_count(whole));
    cr_expect_eq(histogram_mean(parts[2]), histogram_mean(whole));
    cr_expect_eq(histogram_min(parts[2]), histogram_min(whole));
    cr_expect_eq(histogram_max(parts[2]), histogram_max(whole));
    for (int q = 0; q <= 100; q++) {
        cr_expect_eq(histogram_quantile(parts[2], q / 100.0), histogram_quantile(whole, q / 100.0));
    }
    for (int i = 0; i < 3; i++) {
        histogram_free(parts[i]);
    }
    histogram_free(whole);
}

Test(histogram, values_beyond_the_range_are_lost_and_counted)
{
    struct histogram *histogram = histogram_new(5000);
    histogram_record(histogram, 5000);
    histogram_record(histogram, 5001);
    histogram_record(histogram, UINT64_MAX);
    cr_expect_eq(histogram_count(histogram), 1);
    cr_expect_eq(histogram_lost(histogram), 2);
    cr_expect_eq(histogram_max(histogram), 5000);
    histogram_free(histogram);
}

Test(histogram, empty_and_reset_are_alike)
{
    struct histogram *histogram = histogram_new(5000);
    for (int round = 0; round < 2; round++) {
        cr_expect_eq(histogram_count(histogram), 0);
        cr_expect_eq(histogram_lost(histogram), 0);
        cr_expect_eq(histogram_min(histogram), 0);
        cr_expect_eq(histogram_max(histogram), 0);
        cr_expect_eq(histogram_mean(histogram), 0.0);
        cr_expect_eq(histogram_quantile(histogram, 0.5), 0);
        histogram_record(histogram, 3000);
        histogram_record(histogram, 9000);
        histogram_reset(histogram);
    }
    histogram_free(histogram);
}

Test(histogram, mean_is_exact_beyond_64_bits_of_sum)
{
    struct histogram *histogram = histogram_new(UINT64_MAX);
    for (int i = 0; i < 1000; i++) {
        histogram_record(histogram, UINT64_MAX - 1);
    }
    cr_expect_float_eq(histogram_mean(histogram) / 0x1p64, 1.0, 1e-12);
    histogram_free(histogram);
}

static void expect_same(const struct histogram *a, const struct histogram *b, const char *what)
{
    cr_expect_eq(histogram_count(a), histogram_count(b), "%s", what);
    cr_expect_eq(histogram_lost(a), histogram_lost(b), "%s", what);
    cr_expect_eq(histogram_min(a), histogram_min(b), "%s", what);
    cr_expect_eq(histogram_max(a), histogram_max(b), "%s", what);
    cr_expect_eq(histogram_max_value(a), histogram_max_value(b), "%s", what);
    cr_expect_eq(histogram_mean(a), histogram_mean(b), "%s", what);
    for (int q = 0; q <= 1000; q++) {
        cr_assert_eq(histogram_quantile(a, q / 1000.0), histogram_quantile(b, q / 1000.0), "%s",
                     what);
    }
}

static struct histogram *made_of(uint32_t seed, size_t count)
{
    struct rng rng = rng_stream(3, seed, 1);
    struct histogram *histogram = histogram_new(MAX_VALUE);
    for (size_t i = 0; i < count; i++) {
        histogram_record(histogram, rng_below(&rng, 50) == 0 ? MAX_VALUE + 1 : any_value(&rng));
    }
    return histogram;
}

static struct histogram *through_text(const struct histogram *histogram)
{
    struct buf text;
    struct histogram *read = NULL;
    struct error error = {0};
    buf_init(&text, (size_t)1 << 22);
    histogram_write_text(histogram, &text);
    cr_assert_not(text.failed);
    cr_assert_eq(histogram_read_text(text.data, &read, &error), ERR_OK, "%s", error.text);
    struct buf again;
    buf_init(&again, (size_t)1 << 22);
    histogram_write_text(read, &again);
    cr_expect_str_eq(text.data, again.data);
    buf_deinit(&text);
    buf_deinit(&again);
    return read;
}

Test(histogram, its_text_says_everything)
{
    static const size_t counts[] = {0, 1, 2, 1000, 20000};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct histogram *histogram = made_of((uint32_t)i, counts[i]);
        struct histogram *read = through_text(histogram);
        expect_same(histogram, read, "read back");
        histogram_free(histogram);
        histogram_free(read);
    }
}

Test(histogram, parts_merged_from_their_texts_are_the_whole)
{
    struct histogram *whole = made_of(1, 5000), *other = made_of(2, 7000);
    struct histogram *first = through_text(whole), *second = through_text(other);
    histogram_merge(whole, other);
    histogram_merge(first, second);
    expect_same(whole, first, "merged");
    histogram_free(whole);
    histogram_free(other);
    histogram_free(first);
    histogram_free(second);
}

Test(histogram, above_counts_the_buckets_over_a_value)
{
    static const struct {
        uint64_t value, above;
    } rows[] = {{0, 4}, {1, 4}, {10, 3}, {998000, 2}, {1001000, 1}, {2000000, 0}, {UINT64_MAX, 0}};
    struct histogram *histogram = histogram_new(2000000);
    histogram_record(histogram, 10);
    histogram_record(histogram, 11);
    histogram_record(histogram, 1000000);
    histogram_record(histogram, 2000000);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(histogram_above(histogram, rows[i].value), rows[i].above, "row %zu", i);
    }
    histogram_free(histogram);
}

Test(histogram, texts_that_cannot_be_true_are_refused)
{
    static const char *const rows[] = {
        "",
        "h",
        "h1",
        "h2 100 0 0 0 0 0",
        "h1 100 0 0 0 0",
        "h1 100 0 0 0 0 -1",
        "h1 100 0 0 0 0 0x0",
        "h1 100 0 0 0 0 99999999999999999999999",
        "h1  100 0 0 0 0 0",
        "h1 100 0 0 0 0 0 ",
        "h1 100 0 0 0 0 0 x",
        "h1 100 0 0 5 5 5 5",
        "h1 100 0 0 5 5 5 5:",
        "h1 100 0 0 5 5 5 5:0",
        "h1 100 0 0 5 5 5 5:1 ",
        "h1 100 0 0 5 5 5 5:1,",
        "h1 100 0 0 10 5 5 5:1 0:1",
        "h1 100 0 0 200 5 101 5:1 96:1",
        "h1 100 0 0 6 5 5 5:1",      /* the sum */
        "h1 100 0 1 5 5 5 5:1",      /* its high half */
        "h1 100 0 0 5 5 6 5:1",      /* the maximum */
        "h1 100 0 0 11 5 6 4:1 2:1", /* the minimum */
        "h1 100 0 0 0 0 1",          /* a maximum of nothing */
        "h1 100 0 0 5 5 101 5:1",    /* a maximum beyond the range */
        "h1 100 0 0 5 5 5 5:18446744073709551615 1:1",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct histogram *histogram = NULL;
        struct error error = {0};
        cr_expect_eq(histogram_read_text(rows[i], &histogram, &error), ERR_INPUT, "%s", rows[i]);
        cr_expect_neq(error.text[0], '\0');
        cr_expect_null(histogram);
    }
}
