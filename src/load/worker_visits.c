/*
 * Who is where. A visitor is in at most one place: idle, in the heap, in the parcel of ratings that
 * go together, or in flight; a visit that comes meanwhile queues behind. So the heap never grows,
 * one visitor's requests never overtake each other, and what a person does depends on the schedule
 * and on the answers to that person alone.
 *
 * In a closed loop the same sequence of visits is taken as fast as people become free. A visit of
 * somebody who is on one already is skipped, not queued: it has no time of its own to be late for.
 */
#include "load/worker_int.h"

#include <assert.h>

/* Visits of busy people skipped before a vacancy is left until somebody is done. */
#define SKIPS_MAX 256
/* How often the number of those who wait is told: with many, counting them is not free. */
#define WAITING_TOLD_NS (INT64_C(20) * CLOCK_NS_PER_MS)
/* Visits of other workers' people that a closed loop passes over in one turn. With so many workers
 * that this does not do, the search goes on a moment later: answers must not wait for it. */
#define SEARCHES_MAX 4096
#define SEARCH_AGAIN_NS CLOCK_NS_PER_MS

static void begin_step(struct worker *worker, int32_t visitor, int64_t due_ns);
static void end_visit(struct worker *worker, int32_t visitor, int64_t now_ns);

void worker_next_moved(struct worker *worker)
{
    worker->next_ns =
        worker->has_next ? pace_drill_ns(&worker->pace, worker->next.start_ns) : PACE_NEVER;
}

static void find_next(struct worker *worker)
{
    do {
        worker->has_next = arrivals_next(&worker->arrivals, &worker->next);
    } while (worker->has_next && !crowd_owns(&worker->crowd, worker->next.person));
    worker_next_moved(worker);
}

/* Whether a closed loop, which has no end of its own, would ever find a visit for this worker. Who
 * joins later, or comes with an injection, does not come to a closed loop. */
static bool anybody_comes(const struct worker *worker)
{
    const struct arrivals_config *config = &worker->plan->arrivals;
    for (int32_t v = 0; v < worker->crowd.count; v++) {
        int32_t person = crowd_person(&worker->crowd, v);
        if (person < config->people - config->newcomers &&
            (config->mix == NULL || config->mix->share[person] > 0)) {
            return true;
        }
    }
    return false;
}

void worker_visits_start(struct worker *worker)
{
    worker->next_ns = PACE_NEVER;
    if (worker_is_closed(worker)) {
        worker->has_next = anybody_comes(worker) && arrivals_next(&worker->arrivals, &worker->next);
        worker->next_ns = worker->has_next ? 0 : PACE_NEVER;
    } else if (worker->crowd.count > 0) {
        find_next(worker);
    }
}

/* The film of a rating that follows no list; false if the visit is over instead. */
static bool push_film(struct worker *worker, int32_t visitor)
{
    struct visitor *who = &worker->crowd.visitor[visitor];
    who->state = VISITOR_RATING_DUE;
    who->list_hash = 0;
    who->request_id[0] = '\0';
    who->source = LEDGER_UNNAMED;
    who->event = -1;
    who->chosen = crowd_push(&worker->crowd, visitor);
    if (!who->chosen.watched) { /* it has rated every film there is */
        who->gone = true;
        return false;
    }
    if (!crowd_remember(&worker->crowd, visitor, who->chosen.item)) {
        worker->result.ledger->lost++;
    }
    return !worker->plan->lists_only;
}

/* The next step is due: a list, or the rating of a film nobody showed. */
static void begin_step(struct worker *worker, int32_t visitor, int64_t due_ns)
{
    struct visitor *who = &worker->crowd.visitor[visitor];
    who->state = VISITOR_LIST_DUE;
    who->made = 0;
    if (who->visit.kind == ARRIVALS_SHILL && !push_film(worker, visitor)) {
        end_visit(worker, visitor, due_ns);
        return;
    }
    due_heap_push(&worker->heap, due_ns, visitor);
}

/* The visitor is free from ready_ns on; the visit was meant to start at intended_ns. */
static void begin_visit(struct worker *worker, int32_t visitor, const struct visit *visit,
                        int64_t intended_ns, int64_t ready_ns)
{
    struct visitor *who = &worker->crowd.visitor[visitor];
    assert(who->state == VISITOR_IDLE);
    who->visit = *visit;
    who->visit_step = 0;
    who->nominal_ns = visit->start_ns;
    who->intended_ns = intended_ns;
    worker->on_visits++;
    worker->result.ledger->visits++;
    live_add(&worker->live.visits, 1);
    begin_step(worker, visitor, ready_ns > intended_ns ? ready_ns : intended_ns);
}

static void take_visit(struct worker *worker)
{
    int32_t visitor = crowd_visitor(&worker->crowd, worker->next.person);
    if (worker->crowd.visitor[visitor].gone) {
        worker->result.ledger->visits_missed++;
    } else if (worker->crowd.visitor[visitor].state == VISITOR_IDLE) {
        begin_visit(worker, visitor, &worker->next, worker->next_ns, worker->next_ns);
    } else {
        worker->result.ledger->visits_delayed++;
        live_add(&worker->live.visits_delayed, 1);
        if (!crowd_wait(&worker->crowd, visitor, &worker->next)) {
            worker->result.ledger->lost++;
        }
    }
    find_next(worker);
}

/* Begins the next visit of a closed loop now; false if its person has no time for it. */
static bool fill_vacancy(struct worker *worker, int64_t now_ns)
{
    int32_t visitor = crowd_visitor(&worker->crowd, worker->next.person);
    const struct visitor *who = &worker->crowd.visitor[visitor];
    if (who->gone || who->state != VISITOR_IDLE) {
        return false;
    }
    worker->next.start_ns = now_ns;
    begin_visit(worker, visitor, &worker->next, now_ns, now_ns);
    return true;
}

static void fill_vacancies(struct worker *worker, int64_t now_ns)
{
    int skips = 0, searches = 0;
    if (now_ns >= worker->plan->arrivals.end_ns) {
        worker->has_next = false;
    }
    while (now_ns >= 0 && worker->has_next && worker->on_visits < worker->closed_share &&
           skips < SKIPS_MAX && searches < SEARCHES_MAX) {
        if (crowd_owns(&worker->crowd, worker->next.person)) {
            skips += !fill_vacancy(worker, now_ns);
        } else {
            searches++;
        }
        worker->has_next = arrivals_next(&worker->arrivals, &worker->next);
    }
    /* The next vacancy comes with an answer, which wakes the loop. */
    int64_t again_ns = searches < SEARCHES_MAX ? PACE_NEVER : now_ns + SEARCH_AGAIN_NS;
    worker->next_ns = now_ns < 0 ? 0 : again_ns;
}

void worker_take_arrivals(struct worker *worker, int64_t now_ns)
{
    if (worker_is_closed(worker)) {
        fill_vacancies(worker, now_ns);
        return;
    }
    while (worker->next_ns <= now_ns) {
        take_visit(worker);
    }
}

static void end_visit(struct worker *worker, int32_t visitor, int64_t now_ns)
{
    struct visit visit;
    struct visitor *who = &worker->crowd.visitor[visitor];
    who->state = VISITOR_IDLE;
    worker->on_visits--;
    while (who->gone && crowd_next_visit(&worker->crowd, visitor, &visit)) {
        worker->result.ledger->visits_missed++;
    }
    if (crowd_next_visit(&worker->crowd, visitor, &visit)) {
        begin_visit(worker, visitor, &visit, pace_drill_ns(&worker->pace, visit.start_ns), now_ns);
    }
}

static int64_t pause_ns(const struct worker *worker, const struct visitor *who, uint32_t action)
{
    return worker_is_closed(worker)
               ? 0
               : arrivals_pause_ns(&worker->plan->arrivals, &who->visit, action, who->nominal_ns);
}

void worker_plan_rating(struct worker *worker, int32_t visitor, int64_t now_ns)
{
    struct visitor *who = &worker->crowd.visitor[visitor];
    who->pause_ns = pause_ns(worker, who, 2 * (uint32_t)who->visit_step);
    who->intended_ns = now_ns + who->pause_ns;
    who->state = VISITOR_RATING_DUE;
    who->made = 0;
    due_heap_push(&worker->heap, who->intended_ns, visitor);
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

/* Moves on to the next step of the visit; false if it lies beyond the end of the schedule. */
static bool plan_step(struct worker *worker, int32_t visitor, int64_t now_ns, bool rated)
{
    struct visitor *who = &worker->crowd.visitor[visitor];
    int64_t think_ns = 0;
    if (worker_is_closed(worker)) {
        who->nominal_ns = now_ns;
    } else {
        /* The pause before a rating is part of the visit's nominal course; shills make none. */
        who->nominal_ns += rated ? who->pause_ns : 0;
        think_ns = pause_ns(worker, who, 2 * (uint32_t)who->visit_step - 1);
        who->nominal_ns += think_ns;
    }
    who->intended_ns = now_ns + think_ns;
    return who->nominal_ns < worker->plan->arrivals.end_ns;
}

void worker_end_step(struct worker *worker, int32_t visitor, int64_t now_ns,
                     enum ledger_outcome outcome)
{
    struct visitor *who = &worker->crowd.visitor[visitor];
    struct ledger_step step = {.person = crowd_person(&worker->crowd, visitor),
                               .step = who->steps_done,
                               .list = who->list_hash,
                               .rank = who->chosen.rank,
                               .half_stars = who->chosen.half_stars,
                               .outcome = outcome};
    ledger_add_step(worker->result.ledger, &step);
    bool left = leaves(worker, visitor, outcome);
    bool played = outcome == LEDGER_NOTHING_CHOSEN || outcome == LEDGER_WATCHED ||
                  outcome == LEDGER_RATED || outcome == LEDGER_UNATTRIBUTED;
    who->steps_done++;
    who->visit_step++;
    if (!played || left || who->visit_step >= who->visit.steps ||
        !plan_step(worker, visitor, now_ns, outcome == LEDGER_RATED)) {
        end_visit(worker, visitor, now_ns);
        return;
    }
    begin_step(worker, visitor, who->intended_ns);
}

void worker_tell_waiting(struct worker *worker, int64_t now_ns)
{
    if (now_ns - worker->waiting_told_ns >= WAITING_TOLD_NS) {
        worker->waiting_told_ns = now_ns;
        live_set(&worker->live.waiting, crowd_waiting_total(&worker->crowd) +
                                            due_heap_due(&worker->heap, now_ns) +
                                            worker->parcel.count);
    }
}

static void visit_unsent(struct worker *worker, int64_t intended_ns, int64_t now_ns)
{
    worker->result.ledger->steps_unsent++;
    worker_measure_unsent(worker, intended_ns, ENGINE_GET, intended_ns, now_ns);
}

/* One list is counted for each visit that did not begin. */
void worker_count_unsent(struct worker *worker, int64_t now_ns)
{
    struct visit visit;
    for (int32_t v = 0; v < worker->crowd.count && crowd_waiting_total(&worker->crowd) > 0; v++) {
        while (crowd_next_visit(&worker->crowd, v, &visit)) {
            visit_unsent(worker, pace_drill_ns(&worker->pace, visit.start_ns), now_ns);
        }
    }
    while (!worker_is_closed(worker) && worker->next_ns <= now_ns) {
        visit_unsent(worker, worker->next_ns, now_ns);
        find_next(worker);
    }
    for (int32_t i = 0; i < worker->heap.count; i++) {
        const struct due *due = &worker->heap.entry[i];
        const struct visitor *who = &worker->crowd.visitor[due->owner];
        bool list = who->state == VISITOR_LIST_DUE;
        /* A visit that waited for its person was due although its person is free only now. */
        if (who->intended_ns <= now_ns) {
            worker->result.ledger->steps_unsent += list;
            worker_measure_unsent(worker, who->intended_ns, list ? ENGINE_GET : ENGINE_POST,
                                  due->time_ns, now_ns);
        }
    }
}
