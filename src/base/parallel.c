/*
 * Fork and join: threads are made for one call and gone after it. A standing pool would save some
 * 20 microseconds a thread and call, but would be mutable state that outlives its users, and the
 * loops here run for milliseconds or more. Chunks are dealt by one atomic counter, so an uneven
 * loop balances itself; the caller works as lane 0. If a thread cannot be created the others deal
 * with the rows, so parallel_for cannot fail.
 */
#include "base/parallel.h"

#include "base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#define CHUNKS_PER_THREAD 8

struct deal {
    atomic_int_least64_t next; /* first row not yet dealt */
    int64_t rows, chunk_rows;
    parallel_body *body;
    void *context;
};

struct lane {
    struct deal *deal;
    unsigned index;
    pthread_t thread;
};

struct parallel parallel_all_cores(void)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
        return (struct parallel){.threads = (unsigned)CPU_COUNT(&allowed)};
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return (struct parallel){.threads = online > 0 ? (unsigned)online : 1};
}

static void *work(void *argument)
{
    const struct lane *lane = argument;
    struct deal *deal = lane->deal;
    for (;;) {
        int64_t first = atomic_fetch_add(&deal->next, deal->chunk_rows);
        if (first >= deal->rows) {
            return NULL;
        }
        int64_t end = deal->rows - first > deal->chunk_rows ? first + deal->chunk_rows : deal->rows;
        deal->body(deal->context, first, end, lane->index);
    }
}

void parallel_for(const struct parallel *parallel, int64_t rows, int64_t chunk_rows,
                  parallel_body *body, void *context)
{
    assert(parallel->threads >= 1 && rows >= 0 && chunk_rows >= 0);
    if (chunk_rows == 0) {
        chunk_rows = rows / ((int64_t)parallel->threads * CHUNKS_PER_THREAD) + 1;
    }
    if (rows == 0) {
        return;
    }
    int64_t chunks = (rows - 1) / chunk_rows + 1;
    unsigned threads = chunks < (int64_t)parallel->threads ? (unsigned)chunks : parallel->threads;
    struct deal deal = {.rows = rows, .chunk_rows = chunk_rows, .body = body, .context = context};
    struct lane *lanes = mem_zalloc(threads, sizeof *lanes);
    unsigned started = 1;
    for (; started < threads; started++) {
        lanes[started] = (struct lane){.deal = &deal, .index = started};
        if (pthread_create(&lanes[started].thread, NULL, work, &lanes[started]) != 0) {
            break;
        }
    }
    lanes[0] = (struct lane){.deal = &deal};
    work(&lanes[0]);
    for (unsigned i = 1; i < started; i++) {
        pthread_join(lanes[i].thread, NULL);
    }
    mem_free(lanes);
}
