/*
 * A delayed answer must not keep a thread of the HTTP server from answering others, so the server
 * holds the request and this line answers it when its time has come. One thread is enough: all it
 * does is to hand over answers that are already made.
 *
 * The heap is an array ordered by (due, number of coming), allocated once. It is small (as many as
 * there are connections) and releases are rare, so these walk over all of it. A timer a request
 * (timerfd, timer_create) would cost a system call each and a descriptor that the server needs for
 * connections.
 */
#include "recommender/delay_line.h"

#include "base/clock.h"
#include "base/mem.h"

#include <pthread.h>
#include <time.h>

struct delayed {
    int64_t due_ns, tag;
    uint64_t number; /* of coming */
    void *item;
};

struct delay_line {
    delay_line_run *run;
    pthread_t thread;
    size_t max;

    pthread_mutex_t mutex;  /* guards the following; never held while an item runs */
    pthread_cond_t changed; /* another item is the first due, or stop */
    struct delayed *heap;   /* heap[0] is due first */
    size_t count;
    uint64_t coming;
    bool stopped;
};

static bool before(const struct delayed *a, const struct delayed *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static void swap(struct delayed *a, struct delayed *b)
{
    struct delayed kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_up(struct delayed *heap, size_t at)
{
    while (at > 0 && before(&heap[at], &heap[(at - 1) / 2])) {
        swap(&heap[at], &heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static void sift_down(struct delayed *heap, size_t count, size_t at)
{
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        child += child + 1 < count && before(&heap[child + 1], &heap[child]);
        if (!before(&heap[child], &heap[at])) {
            return;
        }
        swap(&heap[child], &heap[at]);
        at = child;
    }
}

/* Caller holds the mutex and there is one. */
static void *take_first(struct delay_line *line)
{
    void *item = line->heap[0].item;
    line->heap[0] = line->heap[--line->count];
    sift_down(line->heap, line->count, 0);
    return item;
}

static void wait_for_first(struct delay_line *line)
{
    if (line->count == 0) {
        pthread_cond_wait(&line->changed, &line->mutex);
        return;
    }
    int64_t due_ns = line->heap[0].due_ns;
    const struct timespec until = {.tv_sec = due_ns / CLOCK_NS_PER_S,
                                   .tv_nsec = due_ns % CLOCK_NS_PER_S};
    pthread_cond_timedwait(&line->changed, &line->mutex, &until);
}

static void *line_thread(void *argument)
{
    struct delay_line *line = argument;
    pthread_mutex_lock(&line->mutex);
    while (!line->stopped) {
        if (line->count == 0 || line->heap[0].due_ns > clock_mono_ns()) {
            wait_for_first(line);
            continue;
        }
        void *item = take_first(line);
        pthread_mutex_unlock(&line->mutex);
        line->run(item);
        pthread_mutex_lock(&line->mutex);
    }
    pthread_mutex_unlock(&line->mutex);
    return NULL;
}

enum err delay_line_start(struct delay_line **out, size_t max, delay_line_run *run,
                          struct error *error)
{
    struct delay_line *line = mem_zalloc(1, sizeof *line);
    pthread_condattr_t monotonic;
    line->run = run;
    line->max = max;
    line->heap = mem_array(max, sizeof *line->heap);
    pthread_mutex_init(&line->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&line->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int reason = pthread_create(&line->thread, NULL, line_thread, line);
    if (reason != 0) {
        char text[64];
        line->stopped = true;
        delay_line_free(line);
        return error_set(error, ERR_PROCESS, "", 0, "cannot start the thread of delays: %s",
                         err_errno_text(reason, text, sizeof text));
    }
    *out = line;
    return ERR_OK;
}

void delay_line_stop(struct delay_line *line)
{
    pthread_mutex_lock(&line->mutex);
    bool first = !line->stopped;
    line->stopped = true;
    pthread_cond_signal(&line->changed);
    pthread_mutex_unlock(&line->mutex);
    if (first) {
        pthread_join(line->thread, NULL);
        while (line->count > 0) { /* nobody else touches it any more */
            line->run(take_first(line));
        }
    }
}

void delay_line_free(struct delay_line *line)
{
    if (line != NULL) {
        pthread_cond_destroy(&line->changed);
        pthread_mutex_destroy(&line->mutex);
        mem_free(line->heap);
        mem_free(line);
    }
}

bool delay_line_put(struct delay_line *line, int64_t due_ns, int64_t tag, void *item)
{
    pthread_mutex_lock(&line->mutex);
    bool taken = !line->stopped && line->count < line->max;
    if (taken) {
        size_t at = line->count++;
        line->heap[at] =
            (struct delayed){.due_ns = due_ns, .tag = tag, .number = line->coming++, .item = item};
        sift_up(line->heap, at);
        if (line->heap[0].item == item) {
            pthread_cond_signal(&line->changed);
        }
    }
    pthread_mutex_unlock(&line->mutex);
    return taken;
}

void delay_line_release(struct delay_line *line, int64_t tag)
{
    int64_t now_ns = clock_mono_ns();
    pthread_mutex_lock(&line->mutex);
    for (size_t i = 0; i < line->count; i++) {
        if (line->heap[i].tag == tag && line->heap[i].due_ns > now_ns) {
            line->heap[i].due_ns = now_ns;
        }
    }
    for (size_t i = line->count; i-- > 0;) {
        sift_down(line->heap, line->count, i);
    }
    pthread_cond_signal(&line->changed);
    pthread_mutex_unlock(&line->mutex);
}

size_t delay_line_count(struct delay_line *line)
{
    pthread_mutex_lock(&line->mutex);
    size_t count = line->count;
    pthread_mutex_unlock(&line->mutex);
    return count;
}
