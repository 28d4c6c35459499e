/* What the files of a worker share. All times are drill time unless they say otherwise. */
#ifndef LOAD_WORKER_INT_H
#define LOAD_WORKER_INT_H

#include "base/clock.h"
#include "load/crowd.h"
#include "load/due_heap.h"
#include "load/slot_wait.h"
#include "load/witness.h"
#include "load/worker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORKER_ANSWER_MAX_BYTES ((size_t)256 * 1024)

/* How long the first of the ratings that share a request waits for others. */
#define WORKER_PARCEL_WAIT_NS (10 * CLOCK_NS_PER_MS)

struct flight {      /* what a connection slot carries */
    int32_t visitor; /* the first, whose `with` names the next one */
    int64_t sent_ns;
};

struct worker_parcel { /* ratings that are due and wait for others to share a request with */
    int most;          /* so many share one; 1 = none waits */
    int count;
    int32_t first, last;
    int64_t ready_ns;               /* when it is to go */
    struct target_request *request; /* [most] */
};

struct worker {
    const struct engine_plan *plan;
    struct worker_signals *signals;
    struct transport *transport;
    struct crowd crowd;
    struct due_heap heap;
    struct worker_parcel parcel;
    struct arrivals arrivals;
    struct visit next; /* the next visit of a person owned here; its start is schedule time */
    bool has_next;
    int64_t next_ns;                 /* when it is to begin; PACE_NEVER if nobody knows yet */
    struct pace pace;                /* as far as this worker has read it */
    int32_t closed_share, on_visits; /* closed loop: people wanted and people on a visit */
    int64_t unix_start_ns;           /* wall clock of drill time 0 */
    struct exchange *exchange;       /* [connections] */
    struct flight *flight;           /* [connections] */
    struct exchange **done;          /* [connections] */
    int *free_slot;                  /* [free_count], a stack */
    int free_count;
    struct slot_wait slots;
    unsigned scans; /* lists read */
    /* While answers are handled and requests sent, nobody looks for further answers: from
     * received_ns, when the last ones came, to busy_ns. turn_ns: how long that was, the last time;
     * batch_ns: when the first of the answers now being handled came. */
    int64_t received_ns, busy_ns, turn_ns, batch_ns;
    int64_t waiting_told_ns;
    int64_t block_room;
    struct engine_result result;
    struct live live;
};

static inline int64_t worker_now(struct worker *worker)
{
    const struct transport_class *transport = worker->plan->transport;
    int64_t now =
        transport->now_ns != NULL ? transport->now_ns(worker->transport) : clock_mono_ns();
    return now - worker->plan->start_mono_ns;
}

static inline bool worker_is_closed(const struct worker *worker)
{
    return worker->plan->mode == ENGINE_CLOSED;
}

/* ---- worker_visits.c ---- */

/* Looks up the next visit. */
void worker_visits_start(struct worker *worker);
/* Begins what is to begin by now; what cannot waits for its person. */
void worker_take_arrivals(struct worker *worker, int64_t now_ns);
/* After a change of rate: when the next visit is to begin now. */
void worker_next_moved(struct worker *worker);
/* Whoever asked for a list now takes a while, then rates. */
void worker_plan_rating(struct worker *worker, int32_t visitor, int64_t now_ns);
/* The current step is over, for better or worse; plans the next one of the visit or ends it. */
void worker_end_step(struct worker *worker, int32_t visitor, int64_t now_ns,
                     enum ledger_outcome outcome);
/* Tells how many actions are due and unsent. */
void worker_tell_waiting(struct worker *worker, int64_t now_ns);
/* What a stop at that moment cut off. */
void worker_count_unsent(struct worker *worker, int64_t now_ns);

/* ---- worker_send.c ---- */

/* Sends what is due by now, as far as there are slots. */
void worker_send_due(struct worker *worker, int64_t now_ns);

/* The visitor's rating as a request. */
struct target_request worker_rating_request(struct worker *worker, int32_t visitor);

/* ---- worker_parcel.c ---- */

void worker_parcel_init(struct worker *worker); /* after the crowd */
void worker_parcel_deinit(struct worker *worker);
/* When it is to go, as things stand; INT64_MAX if it is empty. */
int64_t worker_parcel_ready_ns(const struct worker *worker);
/* A rating that is due comes in; ratings come in the order of their intended starts, which is when
 * they are due. */
void worker_parcel_add(struct worker *worker, int32_t visitor);
/* All that is in it, [count]; valid until the next call. */
const struct target_request *worker_parcel_requests(struct worker *worker);
/* Takes out that many of the oldest: the first of them, at whose `with` the others hang. */
int32_t worker_parcel_take(struct worker *worker, int count);
/* Puts everything back among what is due. */
void worker_parcel_unpack(struct worker *worker);

/* ---- worker_finish.c ---- */

void worker_complete(struct worker *worker, const struct exchange *exchange);

/* ---- worker_measure.c: what is written down of each request, the ledger apart ---- */

/* The visitor's request leaves now, having been due at due_ns. */
void worker_measure_sent(struct worker *worker, const struct visitor *who, int endpoint,
                         int64_t due_ns, int64_t now_ns);

/* It never leaves: it was due at due_ns, and the engine was stopped at stopped_ns. */
void worker_measure_unsent(struct worker *worker, int64_t intended_ns, int endpoint, int64_t due_ns,
                           int64_t stopped_ns);

enum worker_answer { WORKER_ACCEPTED, WORKER_FAILED, WORKER_SHED };

/* What became of it; `who` still stands there. */
void worker_measure_done(struct worker *worker, const struct exchange *exchange,
                         const struct visitor *who, enum worker_answer answer);
/* A readable list, by what the answer says of its places, and what the visitor made of it. Before
 * a rating is planned. */
void worker_measure_list(struct worker *worker, const struct visitor *who,
                         const struct witness_list *shown, const struct target_sources *sources);

#endif
