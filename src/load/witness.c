#include "load/witness.h"

#include <assert.h>
#include <string.h>

static_assert(LEDGER_PLACES_MAX == POPULATION_LIST_MAX, "the ledger has a row for every place");

static bool is_same(const struct scan_text *a, const struct scan_text *b)
{
    return a->bytes != NULL && b->bytes != NULL && a->len == b->len &&
           memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* Neighbouring places often name the same source, which is then looked up once. A source without
 * room is one the ledger counts each time. */
void witness_name_sources(struct ledger *ledger, const struct target_sources *named,
                          struct witness_list *shown)
{
    for (int32_t p = 0; p < shown->list.count; p++) {
        bool known = p > 0 && shown->source[p - 1] != LEDGER_UNNAMED &&
                     is_same(&named->place[p], &named->place[p - 1]);
        shown->source[p] = known ? shown->source[p - 1] : ledger_source(ledger, &named->place[p]);
    }
}

void witness_list(struct engine_result *result, const struct visitor *who,
                  const struct witness_list *shown, long status, int64_t done_ns)
{
    struct ledger_at at = ledger_at(result->ledger, done_ns, who->nominal_ns);
    struct ledger_places *places = ledger_places_at(result->ledger, who->nominal_ns);
    int32_t count = shown->list.count;
    for (int32_t p = 0; p < count; p++) {
        places->items[shown->source[p]][p]++;
        for (int c = 0; c < LEDGER_CLOCKS; c++) {
            at.clock[c]->items_by[shown->source[p]]++;
        }
    }
    for (int c = 0; c < LEDGER_CLOCKS; c++) {
        struct ledger_counts *counts = at.clock[c];
        counts->lists++;
        counts->lists_empty += count == 0;
        counts->items += count;
        ledger_count_status(counts->get_status, status);
    }
}

struct step_truth witness_certain(const struct step_outcome *outcome)
{
    struct step_world did = {.likelihood = 1};
    if (outcome->rank > 0 && outcome->half_stars > 0) {
        did.rated = 1;
        did.converted = outcome->half_stars >= LEDGER_CONVERTED_HALF_STARS;
        did.reciprocal_rank = 1.0 / outcome->rank;
        did.stars = 0.5 * outcome->half_stars;
        did.half_stars[outcome->half_stars - 1] = 1;
    }
    return (struct step_truth){.rest = did, .now = did, .full = did};
}

static int64_t keep_event(struct events *events, const struct visitor *who, int32_t person,
                          const struct step_truth *truth, int64_t done_ns, int64_t most)
{
    const struct step_world *rest = &truth->rest, *now = &truth->now, *full = &truth->full;
    struct event event = {.listed_ns = done_ns,
                          .nominal_ns = who->nominal_ns,
                          .visit = who->visit.number,
                          .person = person,
                          .step = who->steps_done,
                          .rank = (uint8_t)who->chosen.rank,
                          .half_stars = who->chosen.half_stars,
                          .kind = who->visit.kind,
                          .source = who->source,
                          .p_rest = (float)rest->likelihood,
                          .p_now = (float)now->likelihood,
                          .p_full = (float)full->likelihood,
                          .rest_rated = (float)rest->rated,
                          .rest_converted = (float)rest->converted,
                          .rest_rr = (float)rest->reciprocal_rank,
                          .rest_stars = (float)rest->stars,
                          .now_rated = (float)now->rated,
                          .now_converted = (float)now->converted,
                          .now_rr = (float)now->reciprocal_rank,
                          .now_stars = (float)now->stars,
                          .full_rated = (float)full->rated,
                          .full_converted = (float)full->converted,
                          .full_rr = (float)full->reciprocal_rank,
                          .full_stars = (float)full->stars};
    return events_add(events, &event, most);
}

static void count_expected(struct ledger_expected *sum, const struct step_world *world)
{
    struct ledger_expected one = {.rated = world->rated,
                                  .converted = world->converted,
                                  .reciprocal_rank = world->reciprocal_rank,
                                  .stars = world->stars};
    memcpy(one.half_stars, world->half_stars, sizeof one.half_stars);
    ledger_count_expected(sum, &one);
}

/* The lists of bots are there only because of an injection: at rest there would be none to expect
 * anything of. */
void witness_truth(struct engine_result *result, const struct engine_plan *plan,
                   struct visitor *who, int32_t person, const struct step_truth *truth,
                   int64_t done_ns)
{
    struct ledger_at at = ledger_at(result->ledger, done_ns, who->nominal_ns);
    for (int c = 0; c < LEDGER_CLOCKS; c++) {
        count_expected(&at.clock[c]->now, &truth->now);
        if (who->visit.kind == ARRIVALS_PERSON) {
            count_expected(&at.clock[c]->rest, &truth->rest);
        }
    }
    if (plan->keep_events) {
        who->event =
            keep_event(&result->events, who, person, truth, done_ns, EVENTS_MAX / plan->threads);
    }
}

static void count_shown(struct engine_result *result, const struct visitor *who, int64_t done_ns)
{
    const struct step_outcome *chosen = &who->chosen;
    struct ledger_places *places = ledger_places_at(result->ledger, who->nominal_ns);
    places->rated[who->source][chosen->rank - 1][chosen->half_stars - 1]++;
    if (who->event >= 0) {
        struct event *event = &result->events.event[who->event];
        event->rated_ns = done_ns;
        event->post_accepted = true;
    }
}

void witness_rating(struct engine_result *result, const struct visitor *who, long status,
                    int64_t done_ns)
{
    const struct step_outcome *chosen = &who->chosen;
    struct ledger_at at = ledger_at(result->ledger, done_ns, who->nominal_ns);
    for (int c = 0; c < LEDGER_CLOCKS; c++) {
        struct ledger_counts *counts = at.clock[c];
        ledger_count_status(counts->post_status, status);
        counts->unattributed += chosen->rank == 0;
        if (chosen->rank > 0) {
            ledger_count_rating(counts, chosen->rank, chosen->half_stars);
            counts->rated_by[who->source]++;
        }
    }
    if (chosen->rank > 0) {
        count_shown(result, who, done_ns);
    }
}
