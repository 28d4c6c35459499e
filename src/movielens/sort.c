/*
 * Two sorts. sort_u64 is a bottom-up merge sort over insertion-sorted runs: qsort calls a
 * comparison through a pointer, which takes most of the time of loading tens of millions of
 * ratings.
 *
 * sort_high_halves knows more. The ratings of a person are put in order of time, and stand in order
 * of place already, so a stable sort by time alone is enough; and somebody's times lie close
 * together, so that after the earliest is taken off few of the 32 bits differ. That makes a radix
 * sort of one to three passes, none of which has a branch on the data. Short histories, for which
 * counting 256 digits costs more than comparing, take the merge sort.
 */
#include "movielens/sort.h"

#include <string.h>

#define RUN 16
#define RADIX_FROM 40 /* keys; measured */
#define DIGIT_BITS 8
#define DIGITS_MAX 4
#define DIGIT_VALUES (1 << DIGIT_BITS)

static void sort_run(uint64_t *keys, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        uint64_t key = keys[i];
        size_t j = i;
        while (j > 0 && keys[j - 1] > key) {
            keys[j] = keys[j - 1];
            j--;
        }
        keys[j] = key;
    }
}

static void merge(const uint64_t *left, const uint64_t *middle, const uint64_t *end, uint64_t *out)
{
    const uint64_t *right = middle;
    while (left < middle && right < end) {
        *out++ = *right < *left ? *right++ : *left++;
    }
    size_t rest = (size_t)(middle - left);
    memcpy(out, left, rest * sizeof *out);
    memcpy(out + rest, right, (size_t)(end - right) * sizeof *out);
}

void sort_u64(uint64_t *keys, uint64_t *scratch, size_t count)
{
    uint64_t *from = keys, *to = scratch;
    for (size_t i = 0; i < count; i += RUN) {
        sort_run(keys + i, count - i < RUN ? count - i : RUN);
    }
    for (size_t width = RUN; width < count; width *= 2) {
        for (size_t i = 0; i < count; i += 2 * width) {
            size_t middle = count - i < width ? count : i + width;
            size_t end = count - i < 2 * width ? count : i + 2 * width;
            merge(from + i, from + middle, from + end, to + i);
        }
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != keys) {
        memcpy(keys, from, count * sizeof *keys);
    }
}

static unsigned digit_of(uint64_t key, uint32_t least, int digit)
{
    return ((uint32_t)(key >> 32) - least) >> (digit * DIGIT_BITS) & (DIGIT_VALUES - 1);
}

/* Moves keys to `to` in order of one digit; `at` counts how many have each of its values. */
static void scatter(const uint64_t *keys, uint64_t *to, size_t count, uint32_t least, int digit,
                    uint32_t *at)
{
    uint32_t sum = 0;
    for (int value = 0; value < DIGIT_VALUES; value++) {
        uint32_t have = at[value];
        at[value] = sum;
        sum += have;
    }
    for (size_t i = 0; i < count; i++) {
        to[at[digit_of(keys[i], least, digit)]++] = keys[i];
    }
}

void sort_high_halves(uint64_t *keys, uint64_t *scratch, size_t count)
{
    uint32_t at[DIGITS_MAX][DIGIT_VALUES];
    uint32_t least = UINT32_MAX, most = 0;
    if (count < RADIX_FROM) {
        sort_u64(keys, scratch, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t high = (uint32_t)(keys[i] >> 32);
        least = high < least ? high : least;
        most = high > most ? high : most;
    }
    int digits = 0;
    while (digits < DIGITS_MAX && (most - least) >> (digits * DIGIT_BITS) != 0) {
        digits++;
    }
    memset(at, 0, (size_t)digits * sizeof at[0]);
    for (size_t i = 0; i < count; i++) {
        for (int digit = 0; digit < digits; digit++) {
            at[digit][digit_of(keys[i], least, digit)]++;
        }
    }
    uint64_t *from = keys, *to = scratch;
    for (int digit = 0; digit < digits; digit++) {
        scatter(from, to, count, least, digit, at[digit]);
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != keys) {
        memcpy(keys, from, count * sizeof *keys);
    }
}
