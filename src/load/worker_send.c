#include "load/worker_int.h"

#include <assert.h>

static struct target_request request_of(struct worker *worker, const struct visitor *who,
                                        int32_t visitor)
{
    /* Few targets want the time, and asking for it once more is not free. */
    bool timed = target_has(worker->plan->target)->timestamp;
    return (struct target_request){.user_id = crowd_user_id(&worker->crowd, visitor),
                                   .unix_ns =
                                       timed ? worker->unix_start_ns + worker_now(worker) : 0,
                                   .sequence = who->steps_done,
                                   .attempt = who->made};
}

static void fill_list_request(struct worker *worker, int32_t visitor, struct exchange *exchange)
{
    struct visitor *who = &worker->crowd.visitor[visitor];
    struct target_request request = request_of(worker, who, visitor);
    bool fits = target_fill_list(worker->plan->target, &request, exchange);
    assert(fits);
    (void)fits;
    who->state = VISITOR_LIST_SENT;
    who->list_hash = 0;
    who->chosen = (struct step_outcome){0};
    who->source = LEDGER_UNNAMED;
    who->event = -1;
    if (who->made == 0) {
        worker->result.ledger->steps++;
        live_add(&worker->live.steps, 1);
    }
}

struct target_request worker_rating_request(struct worker *worker, int32_t visitor)
{
    const struct visitor *who = &worker->crowd.visitor[visitor];
    struct target_request request = request_of(worker, who, visitor);
    request.movie_id = target_catalogue(worker->plan->target)->id[who->chosen.item];
    request.half_stars = who->chosen.half_stars;
    request.rank = who->chosen.rank;
    request.request_id = who->request_id;
    return request;
}

static struct exchange *take_slot(struct worker *worker)
{
    struct exchange *exchange = &worker->exchange[worker->free_slot[--worker->free_count]];
    buf_reset(&exchange->answer);
    return exchange;
}

/* Of one visitor; the exchange may carry several. */
static void note_sent(struct worker *worker, struct visitor *who, int endpoint, int64_t due_ns,
                      int64_t now_ns)
{
    bool post = endpoint == ENGINE_POST;
    who->made++;
    worker_measure_sent(worker, who, endpoint, due_ns, now_ns);
    struct ledger_at at = ledger_at(worker->result.ledger, now_ns, who->nominal_ns);
    for (int c = 0; c < LEDGER_CLOCKS; c++) {
        at.clock[c]->get_sent += !post;
        at.clock[c]->post_sent += post;
    }
    live_add(&worker->live.sent[endpoint], 1);
}

static void launch(struct worker *worker, struct exchange *exchange, int32_t visitor,
                   int64_t now_ns)
{
    worker->flight[exchange->slot] = (struct flight){.visitor = visitor, .sent_ns = now_ns};
    live_add(&worker->live.in_flight, 1);
    if (worker->result.started_ns > now_ns) {
        worker->result.started_ns = now_ns;
    }
    worker->plan->transport->start(worker->transport, exchange);
}

static void send_action(struct worker *worker, const struct due *due)
{
    struct visitor *who = &worker->crowd.visitor[due->owner];
    struct exchange *exchange = take_slot(worker);
    bool post = who->state != VISITOR_LIST_DUE;
    if (post) {
        struct target_request request = worker_rating_request(worker, due->owner);
        bool fits = target_fill_rating(worker->plan->target, &request, exchange);
        assert(fits);
        (void)fits;
        who->state = VISITOR_RATING_SENT;
        who->with = -1;
    } else {
        fill_list_request(worker, due->owner, exchange);
    }
    int64_t now_ns = worker_now(worker);
    note_sent(worker, who, exchange->endpoint, due->time_ns, now_ns);
    launch(worker, exchange, due->owner, now_ns);
    if (!post) {
        crowd_expect_list(&worker->crowd, due->owner);
    }
}

/* As many as fit; the others go with the next. */
static void send_parcel(struct worker *worker)
{
    int64_t ready_ns = worker->parcel.ready_ns;
    struct exchange *exchange = take_slot(worker);
    int count = target_fill_ratings(worker->plan->target, worker_parcel_requests(worker),
                                    worker->parcel.count, exchange);
    assert(count >= 1);
    int32_t first = worker_parcel_take(worker, count);
    int64_t now_ns = worker_now(worker);
    for (int32_t v = first; v >= 0; v = worker->crowd.visitor[v].with) {
        struct visitor *who = &worker->crowd.visitor[v];
        who->state = VISITOR_RATING_SENT;
        note_sent(worker, who, ENGINE_POST, ready_ns, now_ns);
    }
    launch(worker, exchange, first, now_ns);
}

static void start_due(struct worker *worker)
{
    struct due due = due_heap_pop(&worker->heap);
    bool post = worker->crowd.visitor[due.owner].state == VISITOR_RATING_DUE;
    if (post && worker->parcel.most > 1) {
        worker_parcel_add(worker, due.owner);
    } else {
        send_action(worker, &due);
    }
}

/* What is late goes in the order in which it would have gone. */
void worker_send_due(struct worker *worker, int64_t now_ns)
{
    while (worker->free_count > 0) {
        int64_t ready_ns = worker_parcel_ready_ns(worker);
        int64_t due_ns = due_heap_next_ns(&worker->heap);
        if (ready_ns <= now_ns && ready_ns <= due_ns) {
            send_parcel(worker);
        } else if (due_ns <= now_ns) {
            start_due(worker);
        } else {
            break;
        }
    }
}
