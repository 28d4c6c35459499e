#include "load/worker_int.h"

#include <assert.h>
#include <stdio.h>

static void note_problem(struct worker *worker, const struct exchange *exchange, int64_t done_ns,
                         const struct target_problem *unreadable)
{
    struct error *problem = &worker->result.problem;
    const char *method = exchange->shape->method;
    char url[sizeof problem->where];
    if (problem->code != ERR_OK) {
        return;
    }
    (void)target_exchange_url(worker->plan->target, exchange, url, sizeof url);
    worker->result.problem_ns = done_ns;
    if (exchange->status == 0) {
        error_set(problem, ERR_NETWORK, url, 0, "%s was not answered: %s", method,
                  exchange->reason != NULL ? exchange->reason : "no reason known");
    } else if (exchange->answer.failed) {
        error_set(problem, ERR_NETWORK, url, 0, "%s was answered with more than %zu bytes", method,
                  WORKER_ANSWER_MAX_BYTES);
    } else if (unreadable != NULL) {
        error_set(problem, ERR_NETWORK, url, 0, "unreadable list, byte %zu: %s", unreadable->offset,
                  unreadable->text);
    } else {
        error_set(problem, ERR_NETWORK, url, 0, "%s was answered with status %ld", method,
                  exchange->status);
    }
}

static bool accepted(const struct worker *worker, const struct exchange *exchange)
{
    return target_accepts(worker->plan->target, (enum target_endpoint)exchange->endpoint,
                          exchange->status) &&
           !exchange->answer.failed;
}

/* Does whoever was turned away make the same request again? Plans it then. */
static bool comes_back(struct worker *worker, int32_t visitor, const struct exchange *exchange,
                       int64_t done_ns)
{
    struct visitor *who = &worker->crowd.visitor[visitor];
    int64_t wait_ns = patience_wait_ns(&worker->plan->patience, who->made, exchange->retry_after_s);
    if (wait_ns < 0 ||
        pace_schedule_ns(&worker->pace, done_ns + wait_ns) >= worker->plan->arrivals.end_ns) {
        return false;
    }
    who->state = exchange->endpoint == ENGINE_POST ? VISITOR_RATING_DUE : VISITOR_LIST_DUE;
    who->intended_ns = done_ns + wait_ns;
    due_heap_push(&worker->heap, who->intended_ns, visitor);
    worker->result.retried++;
    live_add(&worker->live.retried, 1);
    return true;
}

/* Failed and unanswered requests; ends the step, unless the request is made again. */
static void fail_step(struct worker *worker, int32_t visitor, const struct exchange *exchange,
                      int64_t done_ns, const struct target_problem *unreadable)
{
    struct visitor *who = &worker->crowd.visitor[visitor];
    int endpoint = exchange->endpoint;
    bool post = endpoint == ENGINE_POST, unknown = exchange->status == 0;
    bool shed = patience_shed(exchange->status);
    struct ledger_counts counts = {.get_failed = !post && !unknown,
                                   .get_unknown = !post && unknown,
                                   .post_failed = post && !unknown,
                                   .post_unknown = post && unknown};
    ledger_count_status(post ? counts.post_status : counts.get_status, exchange->status);
    worker_measure_done(worker, exchange, who, shed ? WORKER_SHED : WORKER_FAILED);
    ledger_note(worker->result.ledger, done_ns, who->nominal_ns, &counts);
    live_add(unknown ? &worker->live.unknown[endpoint] : &worker->live.failed[endpoint], 1);
    if (shed && comes_back(worker, visitor, exchange, done_ns)) {
        return;
    }
    note_problem(worker, exchange, done_ns, unreadable);
    enum ledger_outcome get = unknown ? LEDGER_GET_UNKNOWN : LEDGER_GET_FAILED;
    enum ledger_outcome rating = unknown ? LEDGER_POST_UNKNOWN : LEDGER_POST_FAILED;
    worker_end_step(worker, visitor, done_ns, post ? rating : get);
}

/* What the visitor makes of the list, and with what expectations. */
static void choose(struct worker *worker, int32_t visitor, const struct witness_list *shown,
                   int64_t done_ns)
{
    const struct engine_plan *plan = worker->plan;
    struct visitor *who = &worker->crowd.visitor[visitor];
    int32_t person = crowd_person(&worker->crowd, visitor), seen_count;
    const int32_t *seen = crowd_seen_for(&worker->crowd, visitor, &shown->list, &seen_count);
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
                 const struct target_sources *sources, int64_t done_ns)
{
    const struct engine_plan *plan = worker->plan;
    struct visitor *who = &worker->crowd.visitor[visitor];
    who->list_hash = ledger_list_hash(shown->list.item, shown->list.count);
    choose(worker, visitor, shown, done_ns);
    worker_measure_list(worker, who, shown, sources);
    if (who->chosen.rank == 0) {
        worker_end_step(worker, visitor, done_ns, LEDGER_NOTHING_CHOSEN);
        return;
    }
    worker->result.taken++;
    worker->result.liked += who->chosen.half_stars >= LEDGER_CONVERTED_HALF_STARS;
    /* A film chosen is a film seen, whether or not the target manages to take the rating. */
    if (!plan->lists_only && !crowd_remember(&worker->crowd, visitor, who->chosen.item)) {
        worker->result.ledger->lost++;
    }
    if (who->chosen.half_stars == 0 || plan->lists_only) {
        worker_end_step(worker, visitor, done_ns, LEDGER_WATCHED);
        return;
    }
    worker_plan_rating(worker, visitor, done_ns);
}

/* Reads the list; of one in ENGINE_SCAN_EVERY, how long that takes, too. */
static bool read_list(struct worker *worker, struct visitor *who, const struct exchange *exchange,
                      struct witness_list *shown, struct target_sources *sources,
                      struct target_problem *problem)
{
    bool timed = worker->scans++ % ENGINE_SCAN_EVERY == 0;
    int64_t from_ns = timed ? worker_now(worker) : 0;
    bool good = target_explain_list(worker->plan->target, exchange->answer.data,
                                    exchange->answer.len, &shown->list, sources, who->request_id,
                                    sizeof who->request_id, problem);
    if (timed) {
        histogram_record(worker->result.part[ENGINE_GET][ENGINE_PART_SCAN],
                         (uint64_t)(worker_now(worker) - from_ns));
    }
    return good;
}

static void finish_list(struct worker *worker, int32_t visitor, const struct exchange *exchange,
                        int64_t done_ns)
{
    struct visitor *who = &worker->crowd.visitor[visitor];
    struct witness_list shown;
    struct target_sources sources;
    struct target_problem problem;
    if (!accepted(worker, exchange)) {
        fail_step(worker, visitor, exchange, done_ns, NULL);
    } else if (!read_list(worker, who, exchange, &shown, &sources, &problem)) {
        fail_step(worker, visitor, exchange, done_ns, &problem);
    } else {
        worker_measure_done(worker, exchange, who, WORKER_ACCEPTED);
        witness_name_sources(worker->result.ledger, &sources, &shown);
        witness_list(&worker->result, who, &shown, exchange->status, done_ns);
        live_add(&worker->live.lists, 1);
        look(worker, visitor, &shown, &sources, done_ns);
    }
}

static void finish_rating(struct worker *worker, int32_t visitor, const struct exchange *exchange,
                          int64_t done_ns)
{
    struct visitor *who = &worker->crowd.visitor[visitor];
    if (!accepted(worker, exchange)) {
        fail_step(worker, visitor, exchange, done_ns, NULL);
        return;
    }
    bool shown = who->chosen.rank > 0;
    worker_measure_done(worker, exchange, who, WORKER_ACCEPTED);
    witness_rating(&worker->result, who, exchange->status, done_ns);
    if (shown) {
        live_add(&worker->live.stars[who->chosen.half_stars - 1], 1);
        live_add(&worker->live.reciprocal_rank, (int64_t)(LIVE_RANK_UNITS / who->chosen.rank));
    }
    worker_end_step(worker, visitor, done_ns, shown ? LEDGER_RATED : LEDGER_UNATTRIBUTED);
}

void worker_complete(struct worker *worker, const struct exchange *exchange)
{
    int32_t visitor = worker->flight[exchange->slot].visitor, next;
    int64_t done_ns = exchange->done_ns - worker->plan->start_mono_ns;
    slot_wait_freed(&worker->slots, done_ns);
    worker->free_slot[worker->free_count++] = exchange->slot;
    live_add(&worker->live.in_flight, -1);
    if (done_ns > worker->result.ended_ns) {
        worker->result.ended_ns = done_ns;
    }
    if (exchange->endpoint == ENGINE_GET) {
        finish_list(worker, visitor, exchange, done_ns);
        return;
    }
    struct ledger_at at =
        ledger_at(worker->result.ledger, done_ns, worker->crowd.visitor[visitor].nominal_ns);
    for (int c = 0; c < LEDGER_CLOCKS; c++) {
        ledger_count_status(at.clock[c]->post_requests, exchange->status);
    }
    for (; visitor >= 0; visitor = next) {
        next = worker->crowd.visitor[visitor].with;
        finish_rating(worker, visitor, exchange, done_ns);
    }
}
