#include "base/mem.h"
#include "base/parallel.h"

#include <criterion/criterion.h>
#include <stdatomic.h>

struct visits {
    atomic_int *row;
    unsigned threads;
    int64_t chunk_rows; /* 0 = any */
    atomic_int bad_lane, bad_chunk;
};

static void visit(void *context, int64_t first, int64_t end, unsigned lane)
{
    struct visits *visits = context;
    if (lane >= visits->threads) {
        atomic_fetch_add(&visits->bad_lane, 1);
    }
    if (first >= end || (visits->chunk_rows > 0 && end - first > visits->chunk_rows)) {
        atomic_fetch_add(&visits->bad_chunk, 1);
    }
    for (int64_t i = first; i < end; i++) {
        atomic_fetch_add(&visits->row[i], 1);
    }
}

Test(parallel, every_row_is_done_exactly_once)
{
    static const unsigned threads[] = {1, 2, 4, 7};
    static const int64_t rows[] = {0, 1, 2, 15, 16, 17, 1000};
    static const int64_t chunks[] = {0, 1, 3, 16, INT64_C(1) << 40};
    for (int t = 0; t < 4; t++) {
        for (int r = 0; r < 7; r++) {
            for (int c = 0; c < 5; c++) {
                struct parallel parallel = {.threads = threads[t]};
                struct visits visits = {.row = mem_zalloc((size_t)rows[r], sizeof(atomic_int)),
                                        .threads = threads[t],
                                        .chunk_rows = chunks[c]};
                parallel_for(&parallel, rows[r], chunks[c], visit, &visits);
                int wrong = 0;
                for (int64_t i = 0; i < rows[r]; i++) {
                    wrong += visits.row[i] != 1;
                }
                cr_expect_eq(wrong + visits.bad_lane + visits.bad_chunk, 0,
                             "%u threads, %lld rows, chunks of %lld", threads[t],
                             (long long)rows[r], (long long)chunks[c]);
                mem_free(visits.row);
            }
        }
    }
}

struct nest {
    const struct parallel *parallel;
    atomic_int count;
};

static void count_rows(void *context, int64_t first, int64_t end, unsigned lane)
{
    (void)lane;
    atomic_int *count = context;
    atomic_fetch_add(count, (int)(end - first));
}

static void inner_loop(void *context, int64_t first, int64_t end, unsigned lane)
{
    (void)lane;
    struct nest *nest = context;
    for (int64_t i = first; i < end; i++) {
        parallel_for(nest->parallel, 10, 1, count_rows, &nest->count);
    }
}

Test(parallel, loops_may_be_nested)
{
    struct parallel parallel = {.threads = 3};
    struct nest nest = {.parallel = &parallel};
    parallel_for(&parallel, 10, 1, inner_loop, &nest);
    cr_assert_eq(nest.count, 100);
}

Test(parallel, there_is_at_least_one_core)
{
    cr_assert_geq(parallel_all_cores().threads, 1);
}
