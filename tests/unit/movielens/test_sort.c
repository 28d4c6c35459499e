#include "base/mem.h"
#include "base/rng.h"
#include "movielens/sort.h"

#include <criterion/criterion.h>
#include <string.h>

/* Sums of mixed keys tell that the result is a rearrangement of the input. */
static uint64_t content(const uint64_t *keys, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += rng_mix(1, keys[i]);
    }
    return sum;
}

Test(sort, any_number_of_keys_comes_out_rising_and_complete)
{
    static const size_t counts[] = {0, 1, 2, 15, 16, 17, 31, 32, 33, 48, 1000, 4097};
    static const uint64_t ranges[] = {1, 3, 1000, UINT64_MAX};
    uint64_t *keys = mem_array(5000, sizeof *keys);
    uint64_t *scratch = mem_array(5000, sizeof *scratch);
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        for (size_t r = 0; r < sizeof ranges / sizeof ranges[0]; r++) {
            struct rng rng = rng_stream(c, r, 0);
            for (size_t i = 0; i < counts[c]; i++) {
                keys[i] = rng_u64(&rng) % ranges[r];
            }
            uint64_t before = content(keys, counts[c]);
            sort_u64(keys, scratch, counts[c]);
            cr_expect_eq(content(keys, counts[c]), before, "%zu keys", counts[c]);
            for (size_t i = 1; i < counts[c]; i++) {
                cr_assert_leq(keys[i - 1], keys[i], "%zu keys, place %zu", counts[c], i);
            }
        }
    }
    mem_free(keys);
    mem_free(scratch);
}

Test(sort, high_halves_are_sorted_as_whole_keys_when_the_low_halves_rise)
{
    static const size_t counts[] = {0, 1, 39, 40, 41, 255, 256, 5000};
    /* Of none to all four bytes of the high half, at both ends of it. */
    static const uint32_t ranges[] = {1, 2, 256, 257, 65536, 70000, 1 << 24, 1 << 25, UINT32_MAX};
    uint64_t *keys = mem_array(5000, sizeof *keys);
    uint64_t *other = mem_array(5000, sizeof *other);
    uint64_t *scratch = mem_array(5000, sizeof *scratch);
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        for (size_t r = 0; r < sizeof ranges / sizeof ranges[0]; r++) {
            for (uint32_t least = 0;; least = UINT32_MAX - ranges[r]) {
                struct rng rng = rng_stream(c, r, least);
                for (size_t i = 0; i < counts[c]; i++) {
                    keys[i] = (uint64_t)(least + rng_below(&rng, ranges[r])) << 32 | i;
                }
                memcpy(other, keys, counts[c] * sizeof *keys);
                sort_high_halves(keys, scratch, counts[c]);
                sort_u64(other, scratch, counts[c]);
                cr_expect_arr_eq(keys, other, counts[c] * sizeof *keys, "%zu keys in %u", counts[c],
                                 ranges[r]);
                if (least > 0 || ranges[r] == UINT32_MAX) {
                    break;
                }
            }
        }
    }
    mem_free(keys);
    mem_free(other);
    mem_free(scratch);
}
