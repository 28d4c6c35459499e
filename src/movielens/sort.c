/*
 * Bottom-up merge sort over insertion-sorted runs. qsort calls a comparison through a pointer,
 * which takes most of the time of loading tens of millions of ratings; with the comparison inline
 * the sort is a small part of it. Histories are short, so radix sort gains nothing.
 */
#include "movielens/sort.h"

#include <string.h>

#define RUN 16

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
