/*
 * Ratings of a target that takes several in one request wait for company: until there are as many
 * as it takes, or the first has waited long enough. They wait here and not in the heap, as a chain
 * through their visitors, and leave as one exchange that carries the chain. Each rating keeps its
 * own intended start, so the wait is in its latency from there; it is nobody's lag, and in none of
 * the parts. What the request comes to, it comes to for all of them.
 */
#include "load/worker_int.h"

#include "base/mem.h"

#include <assert.h>

#define NOBODY (-1)

void worker_parcel_init(struct worker *worker)
{
    struct worker_parcel *parcel = &worker->parcel;
    parcel->most = target_batch(worker->plan->target);
    parcel->first = parcel->last = NOBODY;
    parcel->request = mem_zalloc((size_t)parcel->most, sizeof *parcel->request);
}

void worker_parcel_deinit(struct worker *worker)
{
    mem_free(worker->parcel.request);
}

/* Nobody else can come while all who play are in it: there is nothing to wait for. */
static bool is_alone(const struct worker *worker)
{
    return worker_is_closed(worker) && worker->heap.count == 0 &&
           worker->free_count == worker->plan->connections;
}

int64_t worker_parcel_ready_ns(const struct worker *worker)
{
    const struct worker_parcel *parcel = &worker->parcel;
    if (parcel->count == 0) {
        return INT64_MAX;
    }
    return is_alone(worker) ? INT64_MIN : parcel->ready_ns;
}

void worker_parcel_add(struct worker *worker, int32_t visitor)
{
    struct worker_parcel *parcel = &worker->parcel;
    struct visitor *who = &worker->crowd.visitor[visitor];
    assert(parcel->count < parcel->most && who->state == VISITOR_RATING_DUE);
    who->with = NOBODY;
    if (parcel->count == 0) {
        parcel->first = visitor;
        parcel->ready_ns = who->intended_ns + WORKER_PARCEL_WAIT_NS;
    } else {
        worker->crowd.visitor[parcel->last].with = visitor;
    }
    parcel->last = visitor;
    if (++parcel->count == parcel->most && who->intended_ns < parcel->ready_ns) {
        parcel->ready_ns = who->intended_ns;
    }
}

const struct target_request *worker_parcel_requests(struct worker *worker)
{
    struct worker_parcel *parcel = &worker->parcel;
    int at = 0;
    for (int32_t v = parcel->first; v != NOBODY; v = worker->crowd.visitor[v].with) {
        parcel->request[at++] = worker_rating_request(worker, v);
    }
    assert(at == parcel->count);
    return parcel->request;
}

int32_t worker_parcel_take(struct worker *worker, int count)
{
    struct worker_parcel *parcel = &worker->parcel;
    int32_t first = parcel->first, last = first;
    assert(count >= 1 && count <= parcel->count);
    for (int i = 1; i < count; i++) {
        last = worker->crowd.visitor[last].with;
    }
    parcel->first = worker->crowd.visitor[last].with;
    parcel->count -= count;
    worker->crowd.visitor[last].with = NOBODY;
    if (parcel->count > 0) {
        parcel->ready_ns = worker->crowd.visitor[parcel->first].intended_ns + WORKER_PARCEL_WAIT_NS;
    } else {
        parcel->last = NOBODY;
    }
    return first;
}

void worker_parcel_unpack(struct worker *worker)
{
    while (worker->parcel.count > 0) {
        int32_t visitor = worker_parcel_take(worker, 1);
        due_heap_push(&worker->heap, worker->crowd.visitor[visitor].intended_ns, visitor);
    }
}
