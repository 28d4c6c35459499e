/* Rows written by whichever thread gets them and scratch sums a lane, read after the join without
 * locks: ThreadSanitizer sees a race if parallel_for shares a lane or returns too early. */
#include "base/parallel.h"

#include <stdint.h>
#include <stdio.h>

#define ROWS 10000
#define THREADS 4

struct work {
    int64_t row[ROWS];
    int64_t lane_sum[THREADS];
};

static void fill(void *context, int64_t first, int64_t end, unsigned lane)
{
    struct work *work = context;
    for (int64_t i = first; i < end; i++) {
        work->row[i] += i;
        work->lane_sum[lane] += i;
    }
}

int main(void)
{
    static struct work work;
    struct parallel parallel = {.threads = THREADS};
    for (int round = 1; round <= 50; round++) {
        parallel_for(&parallel, ROWS, round % 7, fill, &work);
        int64_t rows = 0;
        int64_t lanes = 0;
        for (int i = 0; i < ROWS; i++) {
            rows += work.row[i];
        }
        for (int i = 0; i < THREADS; i++) {
            lanes += work.lane_sum[i];
        }
        int64_t wanted = (int64_t)round * ROWS * (ROWS - 1) / 2;
        if (rows != wanted || lanes != wanted) {
            fprintf(stderr, "round %d: rows %lld, lanes %lld, wanted %lld\n", round,
                    (long long)rows, (long long)lanes, (long long)wanted);
            return 1;
        }
    }
    return 0;
}
