/*
 * Visits that wait are rare and may pile up behind one person, so they are linked records in one
 * pool a worker, with a free list. Films seen before the drill lie in one constant array for all
 * workers and are lent as they are while the visitor has rated nothing in the drill; after that
 * they are merged with the few films rated, kept sorted by insertion, into one buffer on demand.
 */
#include "load/crowd.h"

#include "base/mem.h"
#include "load/guest.h"

#include <assert.h>
#include <string.h>

#define NOBODY (-1)

void crowd_init(struct crowd *crowd, const struct engine_plan *plan, unsigned index)
{
    int32_t people = arrivals_accounts(&plan->arrivals), threads = (int32_t)plan->threads;
    int32_t first = (int32_t)index;
    *crowd = (struct crowd){.plan = plan, .index = index, .waiting_free = NOBODY};
    crowd->count = people > first ? (people - first + threads - 1) / threads : 0;
    crowd->visitor = mem_zalloc((size_t)crowd->count + 1, sizeof *crowd->visitor);
    for (int32_t v = 0; v < crowd->count; v++) {
        crowd->visitor[v].waiting_first = crowd->visitor[v].waiting_last = NOBODY;
    }
}

void crowd_deinit(struct crowd *crowd)
{
    for (int32_t v = 0; v < crowd->count; v++) {
        mem_free(crowd->visitor[v].rated);
    }
    mem_free(crowd->visitor);
    mem_free(crowd->waiting);
    mem_free(crowd->merged);
    *crowd = (struct crowd){0};
}

int32_t crowd_person(const struct crowd *crowd, int32_t visitor)
{
    return (int32_t)crowd->index + visitor * (int32_t)crowd->plan->threads;
}

bool crowd_owns(const struct crowd *crowd, int32_t person)
{
    return (unsigned)person % crowd->plan->threads == crowd->index;
}

int32_t crowd_visitor(const struct crowd *crowd, int32_t person)
{
    assert(crowd_owns(crowd, person));
    return person / (int32_t)crowd->plan->threads;
}

int32_t crowd_user_id(const struct crowd *crowd, int32_t visitor)
{
    const struct population *population = crowd->plan->population;
    int32_t person = crowd_person(crowd, visitor), people = crowd->plan->arrivals.people;
    if (person < people) {
        return population_user_id(population, person);
    }
    return population_user_id(population, population_users(population) - 1) + 1 + person - people;
}

/* An unused record of the pool, NOBODY if memory ran out. */
static int32_t take_record(struct crowd *crowd)
{
    int32_t record = crowd->waiting_free;
    if (record != NOBODY) {
        crowd->waiting_free = crowd->waiting[record].next;
        return record;
    }
    if (crowd->waiting_count == crowd->waiting_capacity) {
        int32_t capacity = crowd->waiting_capacity + crowd->waiting_capacity / 2 + 64;
        struct crowd_waiting *grown =
            mem_try_resize(crowd->waiting, (size_t)capacity * sizeof *grown);
        if (grown == NULL) {
            return NOBODY;
        }
        crowd->waiting = grown;
        crowd->waiting_capacity = capacity;
    }
    return crowd->waiting_count++;
}

bool crowd_wait(struct crowd *crowd, int32_t visitor, const struct visit *visit)
{
    int32_t record = take_record(crowd);
    if (record == NOBODY) {
        return false;
    }
    struct visitor *who = &crowd->visitor[visitor];
    crowd->waiting[record] = (struct crowd_waiting){.visit = *visit, .next = NOBODY};
    if (who->waiting_last == NOBODY) {
        who->waiting_first = record;
    } else {
        crowd->waiting[who->waiting_last].next = record;
    }
    who->waiting_last = record;
    return true;
}

bool crowd_next_visit(struct crowd *crowd, int32_t visitor, struct visit *visit)
{
    struct visitor *who = &crowd->visitor[visitor];
    int32_t record = who->waiting_first;
    if (record == NOBODY) {
        return false;
    }
    *visit = crowd->waiting[record].visit;
    who->waiting_first = crowd->waiting[record].next;
    if (who->waiting_first == NOBODY) {
        who->waiting_last = NOBODY;
    }
    crowd->waiting[record].next = crowd->waiting_free;
    crowd->waiting_free = record;
    return true;
}

int64_t crowd_waiting_total(const struct crowd *crowd)
{
    int64_t unused = 0;
    for (int32_t r = crowd->waiting_free; r != NOBODY; r = crowd->waiting[r].next) {
        unused++;
    }
    return crowd->waiting_count - unused;
}

bool crowd_remember(struct crowd *crowd, int32_t visitor, int32_t item)
{
    struct visitor *who = &crowd->visitor[visitor];
    if (who->visit.kind == ARRIVALS_BOT) {
        return true;
    }
    if (who->rated_count == who->rated_capacity) {
        int32_t capacity = who->rated_capacity * 2 + 4;
        int32_t *grown = mem_try_resize(who->rated, (size_t)capacity * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        who->rated = grown;
        who->rated_capacity = capacity;
    }
    int32_t place = who->rated_count++;
    while (place > 0 && who->rated[place - 1] > item) {
        who->rated[place] = who->rated[place - 1];
        place--;
    }
    who->rated[place] = item;
    return true;
}

static bool reach_merged(struct crowd *crowd, int32_t count)
{
    if (count > crowd->merged_capacity) {
        int32_t capacity = count + count / 2;
        int32_t *grown = mem_try_resize(crowd->merged, (size_t)capacity * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        crowd->merged = grown;
        crowd->merged_capacity = capacity;
    }
    return true;
}

const int32_t *crowd_seen(struct crowd *crowd, int32_t visitor, int32_t *count)
{
    const struct engine_seen *seen = &crowd->plan->seen;
    const struct visitor *who = &crowd->visitor[visitor];
    const int32_t *before = NULL;
    int32_t before_count = 0;
    int32_t person = crowd_person(crowd, visitor);
    if (seen->start != NULL && person < crowd->plan->arrivals.people) {
        before = seen->item + seen->start[person];
        before_count = (int32_t)(seen->start[person + 1] - seen->start[person]);
    }
    *count = before_count + who->rated_count;
    if (who->rated_count == 0) {
        return before;
    }
    if (!reach_merged(crowd, *count)) {
        return NULL;
    }
    int32_t b = 0, r = 0;
    for (int32_t i = 0; i < *count; i++) {
        bool old = r == who->rated_count || (b < before_count && before[b] <= who->rated[r]);
        crowd->merged[i] = old ? before[b++] : who->rated[r++];
    }
    return crowd->merged;
}

struct step_outcome crowd_choose(const struct crowd *crowd, int32_t visitor,
                                 const struct step_list *list, const int32_t *seen,
                                 int32_t seen_count)
{
    const struct engine_plan *plan = crowd->plan;
    const struct visitor *who = &crowd->visitor[visitor];
    if (who->visit.kind != ARRIVALS_PERSON) {
        return guest_take_first(&plan->arrivals.drift->injection[who->visit.injection], list);
    }
    return population_step(plan->population, plan->drift, who->nominal_ns,
                           crowd_person(crowd, visitor), who->steps_done, list, seen, seen_count);
}

struct step_outcome crowd_push(const struct crowd *crowd, int32_t visitor)
{
    const struct engine_plan *plan = crowd->plan;
    const struct visitor *who = &crowd->visitor[visitor];
    return guest_push(&plan->arrivals.drift->injection[who->visit.injection], plan->arrivals.seed,
                      crowd_person(crowd, visitor), plan->target->catalogue->count, who->rated,
                      who->rated_count);
}

bool crowd_disappoints(struct crowd *crowd, int32_t visitor, bool taken)
{
    struct visitor *who = &crowd->visitor[visitor];
    if (who->visit.kind != ARRIVALS_PERSON) {
        return false;
    }
    who->unlucky = taken ? 0 : who->unlucky + 1;
    who->gone = arrivals_leaves(&crowd->plan->arrivals, crowd_person(crowd, visitor),
                                who->steps_done, who->unlucky);
    return who->gone;
}
