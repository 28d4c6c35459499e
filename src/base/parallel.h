/*
 * Splits rows over threads. The pure floors start no thread themselves: a caller hands them one of
 * these, and one with threads == 1 runs everything inline. Rows are dealt in chunks, so `rows` must
 * not depend on which thread computes it. Scratch memory is indexed by `lane` (0..threads-1).
 */
#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H

#include <stdint.h>

struct parallel {
    unsigned threads; /* >= 1 */
};

typedef void parallel_body(void *context, int64_t first, int64_t end, unsigned lane);

struct parallel parallel_all_cores(void);
/* Returns when all rows are done. chunk_rows 0 chooses a chunk. */
void parallel_for(const struct parallel *parallel, int64_t rows, int64_t chunk_rows,
                  parallel_body *body, void *context);

#endif
