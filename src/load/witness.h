/*
 * What a worker writes down of lists and ratings: into the ledger, and into the events if they are
 * kept. The owning worker only. Moments are drill time; `who` stands at the step in question.
 */
#ifndef LOAD_WITNESS_H
#define LOAD_WITNESS_H

#include "load/crowd.h"
#include "load/engine.h"
#include "load/target.h"

#include <stdint.h>

struct witness_list {
    struct step_list list;
    uint8_t source[POPULATION_LIST_MAX]; /* of each place, as the ledger numbers them */
};

/* Fills shown->source by what an answer says of its places. */
void witness_name_sources(struct ledger *ledger, const struct target_sources *named,
                          struct witness_list *shown);
/* A readable list, answered with this HTTP status. */
void witness_list(struct engine_result *result, const struct visitor *who,
                  const struct witness_list *shown, long status, int64_t done_ns);
/* The truth about a visitor without tastes, whose outcome is certain in every world. */
struct step_truth witness_certain(const struct step_outcome *outcome);
/* What was to be expected of the list just counted; `who->chosen` is what became of it. Keeps an
 * event if the plan wants one. */
void witness_truth(struct engine_result *result, const struct engine_plan *plan,
                   struct visitor *who, int32_t person, const struct step_truth *truth,
                   int64_t done_ns);
/* An accepted rating; of a film that was not shown if the chosen rank is 0. */
void witness_rating(struct engine_result *result, const struct visitor *who, long status,
                    int64_t done_ns);

#endif
