/*
 * Visits that wait are rare and may pile up behind one person, so they are linked records in one
 * pool a worker, with a free list. Films seen before the drill lie in one constant array for all
 * workers and are lent as they are while the visitor has rated nothing in the drill; after that
 * they are merged with the few films rated, kept sorted by insertion, into one buffer on demand.
 * A step seldom needs all of that: looking up its list in both arrays costs a tenth of merging
 * them.
 */
#include "load/crowd.h"

#include "base/mem.h"
#include "load/guest.h"
#include "population/scene.h"

#include <assert.h>
#include <string.h>

#define NOBODY (-1)

void crowd_init(struct crowd *crowd, const struct engine_plan *plan, unsigned index)
{
    int32_t people = arrivals_accounts(&plan->arrivals);
    int32_t step = (int32_t)(plan->threads * (plan->shards > 1 ? plan->shards : 1));
    /* A shard has the people of its own remainder, and its workers share them. */
    int32_t first = (int32_t)(plan->shards > 1 ? index * plan->shards + plan->shard : index);
    *crowd = (struct crowd){.plan = plan, .first = first, .step = step, .waiting_free = NOBODY};
    crowd->count = people > first ? (people - first + step - 1) / step : 0;
    for (int i = 0; plan->drift != NULL && i < plan->drift->count; i++) {
        crowd->any_film |= plan->drift->injection[i].offers > 0;
    }
    crowd->visitor = mem_zalloc((size_t)crowd->count + 1, sizeof *crowd->visitor);
    for (int32_t v = 0; v < crowd->count; v++) {
        struct visitor *who = &crowd->visitor[v];
        who->waiting_first = who->waiting_last = NOBODY;
        who->rated = who->rated_within;
        who->rated_capacity = CROWD_RATED_WITHIN;
    }
}

void crowd_deinit(struct crowd *crowd)
{
    for (int32_t v = 0; v < crowd->count; v++) {
        if (crowd->visitor[v].rated != crowd->visitor[v].rated_within) {
            mem_free(crowd->visitor[v].rated);
        }
    }
    mem_free(crowd->visitor);
    mem_free(crowd->waiting);
    mem_free(crowd->merged);
    *crowd = (struct crowd){0};
}

int32_t crowd_person(const struct crowd *crowd, int32_t visitor)
{
    return crowd->first + visitor * crowd->step;
}

bool crowd_owns(const struct crowd *crowd, int32_t person)
{
    return person % crowd->step == crowd->first;
}

int32_t crowd_visitor(const struct crowd *crowd, int32_t person)
{
    assert(crowd_owns(crowd, person));
    return person / crowd->step;
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
    crowd->waiting_used++;
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
    crowd->waiting_used--;
    return true;
}

int64_t crowd_waiting_total(const struct crowd *crowd)
{
    return crowd->waiting_used;
}

static bool reach_rated(struct visitor *who)
{
    if (who->rated_count < who->rated_capacity) {
        return true;
    }
    bool within = who->rated == who->rated_within;
    int32_t capacity = who->rated_capacity * 2;
    int32_t *grown = mem_try_resize(within ? NULL : who->rated, (size_t)capacity * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    if (within) {
        memcpy(grown, who->rated_within, sizeof who->rated_within);
    }
    who->rated = grown;
    who->rated_capacity = capacity;
    return true;
}

bool crowd_remember(struct crowd *crowd, int32_t visitor, int32_t item)
{
    struct visitor *who = &crowd->visitor[visitor];
    if (who->visit.kind == ARRIVALS_BOT) {
        return true;
    }
    if (!reach_rated(who)) {
        return false;
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

/* Films seen before the drill, rising. */
static const int32_t *seen_before(const struct crowd *crowd, int32_t visitor, int32_t *count)
{
    const struct engine_seen *seen = &crowd->plan->seen;
    int32_t person = crowd_person(crowd, visitor);
    *count = 0;
    if (seen->start == NULL || person >= crowd->plan->arrivals.people) {
        return NULL;
    }
    *count = (int32_t)(seen->start[person + 1] - seen->start[person]);
    return seen->item + seen->start[person];
}

const int32_t *crowd_seen(struct crowd *crowd, int32_t visitor, int32_t *count)
{
    const struct visitor *who = &crowd->visitor[visitor];
    int32_t before_count;
    const int32_t *before = seen_before(crowd, visitor, &before_count);
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

const int32_t *crowd_seen_for(struct crowd *crowd, int32_t visitor, const struct step_list *list,
                              int32_t *count)
{
    const struct visitor *who = &crowd->visitor[visitor];
    int32_t before_count, found = 0;
    if (who->rated_count == 0 || crowd->any_film) {
        return crowd_seen(crowd, visitor, count);
    }
    const int32_t *before = seen_before(crowd, visitor, &before_count);
    bool rated[POPULATION_LIST_MAX], seen[POPULATION_LIST_MAX];
    scene_contains_each(who->rated, who->rated_count, list, rated);
    scene_contains_each(before, before_count, list, seen);
    for (int32_t k = 0; k < list->count; k++) {
        int32_t film = list->item[k], place = found;
        if (!rated[k] && !seen[k]) {
            continue;
        }
        found++;
        for (; place > 0 && crowd->listed[place - 1] > film; place--) {
            crowd->listed[place] = crowd->listed[place - 1];
        }
        crowd->listed[place] = film;
    }
    *count = found;
    return crowd->listed;
}

/* A search jumps about in the films seen before, of which few people have more than these lines. */
void crowd_expect_list(const struct crowd *crowd, int32_t visitor)
{
    enum { LINE_FILMS = 16, LINES_MAX = 12 };
    int32_t count, person = crowd_person(crowd, visitor);
    const int32_t *before = seen_before(crowd, visitor, &count);
    for (int32_t film = 0; film < count && film < LINES_MAX * LINE_FILMS; film += LINE_FILMS) {
        __builtin_prefetch(before + film);
    }
    if (person < crowd->plan->arrivals.people) {
        population_expect_step(crowd->plan->population, person);
    }
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
                      crowd_person(crowd, visitor), target_catalogue(plan->target)->count,
                      who->rated, who->rated_count);
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
