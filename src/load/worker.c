/*
 * The loop of one worker.
 *
 * Three sources of work meet in it: the global sequence of visits (of which it takes those of its
 * people), a heap of actions by the time they are due, and completed requests. A visitor is in at
 * most one place: idle, in the heap, or in flight; a visit that comes meanwhile queues behind. So
 * the heap never grows, one visitor's requests never overtake each other, and what a person does
 * depends on the schedule and on the answers to that person alone.
 *
 * Nothing waits for a response except the visitor who asked: a due action starts as soon as a
 * connection slot is free, and without one it stays in the heap, counted as late. Its latency runs
 * from the intended start all the same, so a slow target cannot hide behind a polite generator.
 *
 * All times are drill time (plan->start_mono_ns = 0) except what passes the transport table.
 */
#include "load/worker.h"

#include "base/clock.h"
#include "base/mem.h"
#include "load/crowd.h"
#include "load/due_heap.h"
#include "load/witness.h"

#include <assert.h>
#include <string.h>
#include <sys/prctl.h>

#define ANSWER_MAX_BYTES ((size_t)256 * 1024)
#define LATENCY_MAX_NS (UINT64_C(3600) * CLOCK_NS_PER_S)
/* The longest sleep: how soon a stop is noticed. */
#define NAP_NS (INT64_C(20) * CLOCK_NS_PER_MS)

struct flight { /* what a connection slot carries */
    int32_t visitor;
    int64_t sent_ns;
};

struct worker {
    const struct engine_plan *plan;
    struct worker_signals *signals;
    struct transport *transport;
    struct crowd crowd;
    struct due_heap heap;
    struct arrivals arrivals;
    struct visit next; /* the next visit of a person owned here */
    bool has_next;
    struct exchange *exchange; /* [connections] */
    struct flight *flight;     /* [connections] */
    struct exchange **done;    /* [connections] */
    int *free_slot;            /* [free_count], a stack */
    int free_count;
    int64_t freed_ns; /* when a slot last became free after all had been taken */
    struct engine_result result;
    struct live live;
};

static int64_t drill_now(struct worker *worker)
{
    const struct transport_class *transport = worker->plan->transport;
    int64_t now =
        transport->now_ns != NULL ? transport->now_ns(worker->transport) : clock_mono_ns();
    return now - worker->plan->start_mono_ns;
}

/* ---- visits ---- */

static void end_visit(struct worker *worker, int32_t visitor, int64_t now_ns);

static void find_next(struct worker *worker)
{
    do {
        worker->has_next = arrivals_next(&worker->arrivals, &worker->next);
    } while (worker->has_next && !crowd_owns(&worker->crowd, worker->next.person));
}

/* The next step is due: a list, or the rating of a film nobody showed. */
static void begin_step(struct worker *worker, int32_t visitor, int64_t due_ns)
{
    struct visitor *who = &worker->crowd.visitor[visitor];
    who->state = VISITOR_LIST_DUE;
    if (who->visit.kind == ARRIVALS_SHILL) {
        who->state = VISITOR_RATING_DUE;
        who->list_hash = 0;
        who->request_id[0] = '\0';
        who->source = LEDGER_UNNAMED;
        who->event = -1;
        who->chosen = crowd_push(&worker->crowd, visitor);
        if (!who->chosen.watched) { /* it has rated every film there is */
            who->gone = true;
            end_visit(worker, visitor, due_ns);
            return;
        }
        if (!crowd_remember(&worker->crowd, visitor, who->chosen.item)) {
            worker->result.ledger->lost++;
        }
    }
    due_heap_push(&worker->heap, due_ns, visitor);
}

/* The visitor is free from ready_ns on; the visit was meant to start at visit->start_ns. */
static void begin_visit(struct worker *worker, int32_t visitor, const struct visit *visit,
                        int64_t ready_ns)
{
    struct visitor *who = &worker->crowd.visitor[visitor];
    assert(who->state == VISITOR_IDLE);
    who->visit = *visit;
    who->visit_step = 0;
    who->nominal_ns = who->intended_ns = visit->start_ns;
    worker->result.ledger->visits++;
    live_add(&worker->live.visits, 1);
    begin_step(worker, visitor, ready_ns > visit->start_ns ? ready_ns : visit->start_ns);
}

static void take_arrivals(struct worker *worker, int64_t now_ns)
{
    while (worker->has_next && worker->next.start_ns <= now_ns) {
        int32_t visitor = crowd_visitor(&worker->crowd, worker->next.person);
        if (worker->crowd.visitor[visitor].gone) {
            worker->result.ledger->visits_missed++;
        } else if (worker->crowd.visitor[visitor].state == VISITOR_IDLE) {
            begin_visit(worker, visitor, &worker->next, worker->next.start_ns);
        } else {
            worker->result.ledger->visits_delayed++;
            live_add(&worker->live.visits_delayed, 1);
            if (!crowd_wait(&worker->crowd, visitor, &worker->next)) {
                worker->result.ledger->lost++;
            }
        }
        find_next(worker);
    }
}

static void end_visit(struct worker *worker, int32_t visitor, int64_t now_ns)
{
    struct visit visit;
    struct visitor *who = &worker->crowd.visitor[visitor];
    who->state = VISITOR_IDLE;
    while (who->gone && crowd_next_visit(&worker->crowd, visitor, &visit)) {
        worker->result.ledger->visits_missed++;
    }
    if (crowd_next_visit(&worker->crowd, visitor, &visit)) {
        begin_visit(worker, visitor, &visit, now_ns);
    }
}

/* Does the person turn away for good over this step? A request that failed says nothing. */
static bool leaves(struct worker *worker, int32_t visitor, enum ledger_outcome outcome)
{
    bool taken = outcome == LEDGER_WATCHED || outcome == LEDGER_RATED;
    if ((!taken && outcome != LEDGER_NOTHING_CHOSEN) ||
        !crowd_disappoints(&worker->crowd, visitor, taken)) {
        return false;
    }
    worker->result.ledger->leavers++;
    return true;
}

/* The current step is over, for better or worse; plans the next one of the visit or ends it. */
static void end_step(struct worker *worker, int32_t visitor, int64_t now_ns,
                     enum ledger_outcome outcome)
{
    const struct arrivals_config *config = &worker->plan->arrivals;
    struct visitor *who = &worker->crowd.visitor[visitor];
    struct ledger_step step = {.person = crowd_person(&worker->crowd, visitor),
                               .step = who->steps_done,
                               .list = who->list_hash,
                               .rank = who->chosen.rank,
                               .half_stars = who->chosen.half_stars,
                               .outcome = outcome};
    ledger_add_step(worker->result.ledger, &step);
    bool left = leaves(worker, visitor, outcome);
    who->steps_done++;
    who->visit_step++;
    bool played = outcome == LEDGER_NOTHING_CHOSEN || outcome == LEDGER_WATCHED ||
                  outcome == LEDGER_RATED || outcome == LEDGER_UNATTRIBUTED;
    if (!played || left || who->visit_step >= who->visit.steps) {
        end_visit(worker, visitor, now_ns);
        return;
    }
    uint32_t action = 2 * (uint32_t)who->visit_step - 1;
    int64_t think_ns = arrivals_pause_ns(config, &who->visit, action, who->nominal_ns);
    if (who->nominal_ns + think_ns >= config->end_ns) {
        end_visit(worker, visitor, now_ns);
        return;
    }
    who->nominal_ns += think_ns;
    who->intended_ns = now_ns + think_ns;
    begin_step(worker, visitor, who->intended_ns);
}

/* ---- sending ---- */

static void fill_list_request(struct worker *worker, int32_t visitor, struct exchange *exchange)
{
    const struct engine_plan *plan = worker->plan;
    struct visitor *who = &worker->crowd.visitor[visitor];
    int32_t user_id = crowd_user_id(&worker->crowd, visitor);
    bool fits = target_list_url(plan->target, user_id, exchange->url, sizeof exchange->url);
    assert(fits);
    (void)fits;
    exchange->is_post = false;
    exchange->body_len = 0;
    who->state = VISITOR_LIST_SENT;
    who->list_hash = 0;
    who->chosen = (struct step_outcome){0};
    who->source = LEDGER_UNNAMED;
    who->event = -1;
    worker->result.ledger->steps++;
    live_add(&worker->live.steps, 1);
}

static void fill_rating_request(struct worker *worker, int32_t visitor, struct exchange *exchange)
{
    const struct engine_plan *plan = worker->plan;
    struct visitor *who = &worker->crowd.visitor[visitor];
    int32_t user_id = crowd_user_id(&worker->crowd, visitor);
    bool fits = target_rating_url(plan->target, exchange->url, sizeof exchange->url);
    exchange->body_len = target_rating_body(user_id, plan->target->catalogue->id[who->chosen.item],
                                            who->chosen.half_stars, who->request_id, exchange->body,
                                            sizeof exchange->body);
    assert(fits && exchange->body_len > 0);
    (void)fits;
    exchange->is_post = true;
    who->state = VISITOR_RATING_SENT;
}

static void send_action(struct worker *worker, const struct due *due)
{
    struct visitor *who = &worker->crowd.visitor[due->owner];
    int slot = worker->free_slot[--worker->free_count];
    struct exchange *exchange = &worker->exchange[slot];
    buf_reset(&exchange->answer);
    exchange->status = 0;
    exchange->reason = NULL;
    if (who->state == VISITOR_LIST_DUE) {
        fill_list_request(worker, due->owner, exchange);
    } else {
        fill_rating_request(worker, due->owner, exchange);
    }
    int64_t now_ns = drill_now(worker);
    int64_t lag_ns = now_ns > due->time_ns ? now_ns - due->time_ns : 0;
    worker->flight[slot] = (struct flight){.visitor = due->owner, .sent_ns = now_ns};
    histogram_record(worker->result.schedule_lag, (uint64_t)lag_ns);
    live_record(&worker->live.schedule_lag, lag_ns);
    live_raise(&worker->live.lag_max_ns, lag_ns);
    if (due->time_ns < worker->freed_ns) {
        worker->result.ledger->steps_late++;
        live_add(&worker->live.steps_late, 1);
    }
    struct ledger_counts sent = {.get_sent = !exchange->is_post, .post_sent = exchange->is_post};
    ledger_note(worker->result.ledger, now_ns, who->nominal_ns, &sent);
    live_add(&worker->live.sent[exchange->is_post ? ENGINE_POST : ENGINE_GET], 1);
    live_add(&worker->live.in_flight, 1);
    if (worker->result.started_ns > now_ns) {
        worker->result.started_ns = now_ns;
    }
    worker->plan->transport->start(worker->transport, exchange);
}

static void send_due(struct worker *worker, int64_t now_ns)
{
    while (worker->free_count > 0 && due_heap_next_ns(&worker->heap) <= now_ns) {
        struct due due = due_heap_pop(&worker->heap);
        send_action(worker, &due);
    }
}

/* ---- completions ---- */

static void record_latency(struct worker *worker, const struct exchange *exchange,
                           const struct flight *flight, int64_t done_ns)
{
    int64_t from_send_ns = done_ns - flight->sent_ns;
    /* A connection refused at once says nothing about latency; a timeout does. */
    if (exchange->status == 0 && from_send_ns < worker->plan->timeout_ms * CLOCK_NS_PER_MS) {
        return;
    }
    enum engine_endpoint endpoint = exchange->is_post ? ENGINE_POST : ENGINE_GET;
    int64_t from_intended_ns = done_ns - worker->crowd.visitor[flight->visitor].intended_ns;
    histogram_record(worker->result.from_send[endpoint], (uint64_t)from_send_ns);
    histogram_record(worker->result.from_intended[endpoint], (uint64_t)from_intended_ns);
    live_record(&worker->live.latency[endpoint][ENGINE_FROM_SEND], from_send_ns);
    live_record(&worker->live.latency[endpoint][ENGINE_FROM_INTENDED], from_intended_ns);
}

static void note_problem(struct worker *worker, const struct exchange *exchange, int64_t done_ns,
                         const struct target_problem *unreadable)
{
    struct error *problem = &worker->result.problem;
    const char *method = exchange->is_post ? "POST" : "GET";
    if (problem->code != ERR_OK) {
        return;
    }
    worker->result.problem_ns = done_ns;
    if (exchange->status == 0) {
        error_set(problem, ERR_NETWORK, exchange->url, 0, "%s was not answered: %s", method,
                  exchange->reason != NULL ? exchange->reason : "no reason known");
    } else if (exchange->answer.failed) {
        error_set(problem, ERR_NETWORK, exchange->url, 0,
                  "%s was answered with more than %zu bytes", method, ANSWER_MAX_BYTES);
    } else if (unreadable != NULL) {
        error_set(problem, ERR_NETWORK, exchange->url, 0, "unreadable list, byte %zu: %s",
                  unreadable->offset, unreadable->text);
    } else {
        error_set(problem, ERR_NETWORK, exchange->url, 0, "%s was answered with status %ld", method,
                  exchange->status);
    }
}

static bool accepted(const struct exchange *exchange)
{
    return exchange->status / 100 == 2 && !exchange->answer.failed;
}

/* Failed and unanswered requests; ends the step. */
static void fail_step(struct worker *worker, int32_t visitor, const struct exchange *exchange,
                      int64_t done_ns, const struct target_problem *unreadable)
{
    bool post = exchange->is_post, unknown = exchange->status == 0;
    enum engine_endpoint endpoint = post ? ENGINE_POST : ENGINE_GET;
    struct ledger_counts counts = {.get_failed = !post && !unknown,
                                   .get_unknown = !post && unknown,
                                   .post_failed = post && !unknown,
                                   .post_unknown = post && unknown};
    ledger_count_status(post ? counts.post_status : counts.get_status, exchange->status);
    ledger_note(worker->result.ledger, done_ns, worker->crowd.visitor[visitor].nominal_ns, &counts);
    note_problem(worker, exchange, done_ns, unreadable);
    live_add(unknown ? &worker->live.unknown[endpoint] : &worker->live.failed[endpoint], 1);
    enum ledger_outcome get = unknown ? LEDGER_GET_UNKNOWN : LEDGER_GET_FAILED;
    enum ledger_outcome rating = unknown ? LEDGER_POST_UNKNOWN : LEDGER_POST_FAILED;
    end_step(worker, visitor, done_ns, post ? rating : get);
}

/* What the visitor makes of the list, and with what expectations. */
static void choose(struct worker *worker, int32_t visitor, const struct witness_list *shown,
                   int64_t done_ns)
{
    const struct engine_plan *plan = worker->plan;
    struct visitor *who = &worker->crowd.visitor[visitor];
    int32_t person = crowd_person(&worker->crowd, visitor), seen_count;
    const int32_t *seen = crowd_seen(&worker->crowd, visitor, &seen_count);
    if (seen == NULL && seen_count > 0) {
        worker->result.ledger->lost++;
        seen_count = 0;
    }
    who->chosen = crowd_choose(&worker->crowd, visitor, &shown->list, seen, seen_count);
    who->source = who->chosen.rank > 0 ? shown->source[who->chosen.rank - 1] : LEDGER_UNNAMED;
    if (!plan->keep_truth && !plan->keep_events) {
        return;
    }
    struct step_truth truth;
    if (who->visit.kind == ARRIVALS_PERSON) {
        population_step_truth(plan->population, plan->drift, who->nominal_ns, person,
                              who->steps_done, &shown->list, seen, seen_count, &who->chosen,
                              &truth);
    } else {
        truth = witness_certain(&who->chosen);
    }
    witness_truth(&worker->result, plan, who, person, &truth, done_ns);
}

/* The visitor looks at the list and either picks a film, to be rated after a pause, or does not. */
static void look(struct worker *worker, int32_t visitor, const struct witness_list *shown,
                 int64_t done_ns)
{
    const struct engine_plan *plan = worker->plan;
    struct visitor *who = &worker->crowd.visitor[visitor];
    who->list_hash = ledger_list_hash(shown->list.item, shown->list.count);
    choose(worker, visitor, shown, done_ns);
    if (who->chosen.rank == 0) {
        end_step(worker, visitor, done_ns, LEDGER_NOTHING_CHOSEN);
        return;
    }
    /* A film chosen is a film seen, whether or not the target manages to take the rating. */
    if (!crowd_remember(&worker->crowd, visitor, who->chosen.item)) {
        worker->result.ledger->lost++;
    }
    if (who->chosen.half_stars == 0) {
        end_step(worker, visitor, done_ns, LEDGER_WATCHED);
        return;
    }
    int64_t think_ns = arrivals_pause_ns(&plan->arrivals, &who->visit,
                                         2 * (uint32_t)who->visit_step, who->nominal_ns);
    who->intended_ns = done_ns + think_ns;
    who->state = VISITOR_RATING_DUE;
    due_heap_push(&worker->heap, who->intended_ns, visitor);
}

static void finish_list(struct worker *worker, int32_t visitor, const struct exchange *exchange,
                        int64_t done_ns)
{
    struct visitor *who = &worker->crowd.visitor[visitor];
    struct witness_list shown;
    struct target_sources sources;
    struct target_problem problem;
    if (!accepted(exchange)) {
        fail_step(worker, visitor, exchange, done_ns, NULL);
    } else if (!target_explain_list(worker->plan->target, exchange->answer.data,
                                    exchange->answer.len, &shown.list, &sources, who->request_id,
                                    sizeof who->request_id, &problem)) {
        fail_step(worker, visitor, exchange, done_ns, &problem);
    } else {
        witness_name_sources(worker->result.ledger, &sources, &shown);
        witness_list(&worker->result, who, &shown, exchange->status, done_ns);
        live_add(&worker->live.lists, 1);
        look(worker, visitor, &shown, done_ns);
    }
}

static void finish_rating(struct worker *worker, int32_t visitor, const struct exchange *exchange,
                          int64_t done_ns)
{
    struct visitor *who = &worker->crowd.visitor[visitor];
    if (!accepted(exchange)) {
        fail_step(worker, visitor, exchange, done_ns, NULL);
        return;
    }
    bool shown = who->chosen.rank > 0;
    witness_rating(&worker->result, who, exchange->status, done_ns);
    if (shown) {
        live_add(&worker->live.stars[who->chosen.half_stars - 1], 1);
        live_add(&worker->live.reciprocal_rank, (int64_t)(LIVE_RANK_UNITS / who->chosen.rank));
    }
    /* The pause before the rating is part of the visit's nominal course; shills make none. */
    if (shown) {
        who->nominal_ns += arrivals_pause_ns(&worker->plan->arrivals, &who->visit,
                                             2 * (uint32_t)who->visit_step, who->nominal_ns);
    }
    end_step(worker, visitor, done_ns, shown ? LEDGER_RATED : LEDGER_UNATTRIBUTED);
}

static void complete(struct worker *worker, const struct exchange *exchange)
{
    struct flight flight = worker->flight[exchange->slot];
    int64_t done_ns = exchange->done_ns - worker->plan->start_mono_ns;
    if (worker->free_count == 0) {
        worker->freed_ns = done_ns;
    }
    worker->free_slot[worker->free_count++] = exchange->slot;
    live_add(&worker->live.in_flight, -1);
    if (done_ns > worker->result.ended_ns) {
        worker->result.ended_ns = done_ns;
    }
    record_latency(worker, exchange, &flight, done_ns);
    if (exchange->is_post) {
        finish_rating(worker, flight.visitor, exchange, done_ns);
    } else {
        finish_list(worker, flight.visitor, exchange, done_ns);
    }
}

/* ---- the loop ---- */

static bool in_flight(const struct worker *worker)
{
    return worker->free_count < worker->plan->connections;
}

static int64_t wake_ns(const struct worker *worker, int64_t now_ns, bool stopping)
{
    int64_t wake = now_ns + NAP_NS;
    if (!stopping && worker->has_next && worker->next.start_ns < wake) {
        wake = worker->next.start_ns;
    }
    if (!stopping && worker->free_count > 0 && due_heap_next_ns(&worker->heap) < wake) {
        wake = due_heap_next_ns(&worker->heap);
    }
    return wake;
}

/* What a stop cut off: lists that were due, counting one for each visit that did not begin. */
static void count_unsent(struct worker *worker, int64_t now_ns)
{
    int64_t unsent = crowd_waiting_total(&worker->crowd);
    while (worker->has_next && worker->next.start_ns <= now_ns) {
        unsent++;
        find_next(worker);
    }
    while (due_heap_next_ns(&worker->heap) <= now_ns) {
        struct due due = due_heap_pop(&worker->heap);
        unsent += worker->crowd.visitor[due.owner].state == VISITOR_LIST_DUE;
    }
    worker->result.ledger->steps_unsent = unsent;
}

static void play(struct worker *worker)
{
    const struct engine_plan *plan = worker->plan;
    int64_t stopped_ns = INT64_MIN;
    while (worker->has_next || worker->heap.count > 0 || in_flight(worker)) {
        int64_t now_ns = drill_now(worker);
        bool stopping = atomic_load_explicit(&worker->signals->stop, memory_order_acquire);
        if (stopping && stopped_ns == INT64_MIN) {
            stopped_ns = now_ns;
        }
        if (stopping && !in_flight(worker)) {
            break;
        }
        if (!stopping) {
            take_arrivals(worker, now_ns);
            send_due(worker, now_ns);
        }
        int64_t until = wake_ns(worker, now_ns, stopping) + plan->start_mono_ns;
        int count = plan->transport->wait(worker->transport, until, worker->done);
        for (int i = 0; i < count; i++) {
            complete(worker, worker->done[i]);
        }
    }
    if (stopped_ns != INT64_MIN) {
        count_unsent(worker, stopped_ns);
    }
}

void *worker_main(void *context)
{
    struct worker *worker = context;
    /* The kernel may round this thread's sleeps up by 50 us unless told otherwise. */
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    play(worker);
    atomic_fetch_sub_explicit(&worker->signals->running, 1, memory_order_release);
    return NULL;
}

/* ---- life ---- */

enum err worker_new(const struct engine_plan *plan, unsigned index, struct worker_signals *signals,
                    struct worker **out, struct error *error)
{
    struct transport *transport = NULL;
    enum err code = plan->transport->open(plan->connections, plan->timeout_ms, &transport, error);
    if (code != ERR_OK) {
        return code;
    }
    size_t connections = (size_t)plan->connections;
    struct worker *worker = mem_zalloc(1, sizeof *worker);
    worker->plan = plan;
    worker->signals = signals;
    worker->transport = transport;
    crowd_init(&worker->crowd, plan, index);
    due_heap_init(&worker->heap, worker->crowd.count);
    arrivals_init(&worker->arrivals, &plan->arrivals);
    find_next(worker);
    worker->exchange = mem_zalloc(connections, sizeof *worker->exchange);
    worker->flight = mem_zalloc(connections, sizeof *worker->flight);
    worker->done = mem_zalloc(connections, sizeof(struct exchange *));
    worker->free_slot = mem_zalloc(connections, sizeof(int));
    for (int slot = plan->connections - 1; slot >= 0; slot--) {
        worker->exchange[slot].slot = slot;
        buf_init(&worker->exchange[slot].answer, ANSWER_MAX_BYTES);
        worker->free_slot[worker->free_count++] = slot;
    }
    worker->freed_ns = INT64_MIN;
    worker->result.ledger =
        ledger_new(plan->arrivals.end_ns, plan->phase_start_ns, plan->phase_count);
    ledger_set_drift(worker->result.ledger, plan->drift);
    worker->result.events.complete = plan->keep_events;
    worker->result.schedule_lag = histogram_new(LATENCY_MAX_NS);
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        worker->result.from_intended[e] = histogram_new(LATENCY_MAX_NS);
        worker->result.from_send[e] = histogram_new(LATENCY_MAX_NS);
    }
    worker->result.started_ns = INT64_MAX;
    *out = worker;
    return ERR_OK;
}

const struct live *worker_live(const struct worker *worker)
{
    return &worker->live;
}

void worker_take_result(struct worker *worker, struct engine_result *out)
{
    *out = worker->result;
    memset(&worker->result, 0, sizeof worker->result);
}

void worker_free(struct worker *worker)
{
    if (worker == NULL) {
        return;
    }
    worker->plan->transport->close(worker->transport);
    for (int slot = 0; slot < worker->plan->connections; slot++) {
        buf_deinit(&worker->exchange[slot].answer);
    }
    engine_result_deinit(&worker->result);
    crowd_deinit(&worker->crowd);
    arrivals_deinit(&worker->arrivals);
    due_heap_deinit(&worker->heap);
    mem_free(worker->exchange);
    mem_free(worker->flight);
    mem_free(worker->done);
    mem_free(worker->free_slot);
    mem_free(worker);
}
