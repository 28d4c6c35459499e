/*
 * The people one worker owns, and the accounts of bots and shills, which are numbered after the
 * people: where each stands in a visit, the visits that wait for their turn, and the films seen
 * before and during the drill. All workers of all shards are numbered through, `step` of them;
 * number `first` owns the people with person mod step == first. A visitor is known by a local
 * index: person = first + visitor * step. Owned by one worker thread.
 */
#ifndef LOAD_CROWD_H
#define LOAD_CROWD_H

#include "load/arrivals.h"
#include "load/engine.h"
#include "population/population.h"

#include <stdbool.h>
#include <stdint.h>

#define CROWD_REQUEST_ID_SIZE 96
/* Films a visitor remembers without memory of their own: nearly nobody takes more in one drill, so
 * that a long one does not grow. */
#define CROWD_RATED_WITHIN 4
/* Beyond those, room is taken in doubles: at most so many bytes for each film remembered, those
 * that the heap keeps about a block (16 at most) included. */
#define CROWD_BYTES_A_FILM 10

enum visitor_state {
    VISITOR_IDLE,
    VISITOR_LIST_DUE,
    VISITOR_LIST_SENT,
    VISITOR_RATING_DUE,
    VISITOR_RATING_SENT
};

struct visitor {
    enum visitor_state state;
    uint32_t steps_done; /* in the whole drill: the number of the current step */
    struct visit visit;  /* the running one */
    int32_t visit_step;  /* steps of it already done */
    int64_t intended_ns; /* of the action that is due or in flight; drill time */
    int64_t nominal_ns;  /* of the current step; schedule time */
    int64_t pause_ns;    /* before the current rating */
    uint64_t list_hash;  /* of the list being looked at; 0 before one came */
    struct step_outcome chosen;
    uint8_t source; /* of the film chosen, as the ledger numbers them */
    int64_t event;  /* of the list being looked at; -1 = none is kept */
    char request_id[CROWD_REQUEST_ID_SIZE];
    int32_t *rated; /* films chosen in the drill, rising; rated_within unless they are many */
    int32_t rated_count, rated_capacity;
    int32_t rated_within[CROWD_RATED_WITHIN];
    int32_t waiting_first, waiting_last; /* visits that wait; -1 = none */
    int32_t unlucky;                     /* lists in a row without a film taken */
    int32_t made;                        /* times the request that is due or in flight was made */
    int32_t with;                        /* whose rating shares the request, too; -1 = nobody's */
    bool gone;                           /* left for good */
};

struct crowd_waiting {
    struct visit visit;
    int32_t next;
};

struct crowd {
    const struct engine_plan *plan;
    int32_t first, step;
    int32_t count;
    struct visitor *visitor; /* [count] */
    struct crowd_waiting *waiting;
    int32_t waiting_count, waiting_capacity, waiting_free; /* waiting_free heads the free list */
    int32_t waiting_used;                                  /* records that hold a visit */
    int32_t *merged;
    int32_t merged_capacity;
    int32_t listed[POPULATION_LIST_MAX]; /* films of a list that a visitor has seen */
    bool any_film;                       /* steps may ask for films beyond the list */
};

void crowd_init(struct crowd *crowd, const struct engine_plan *plan, unsigned index);
void crowd_deinit(struct crowd *crowd);

int32_t crowd_person(const struct crowd *crowd, int32_t visitor);
bool crowd_owns(const struct crowd *crowd, int32_t person);
int32_t crowd_visitor(const struct crowd *crowd, int32_t person);
/* Who the target takes the visitor for. Accounts come after the whole population. */
int32_t crowd_user_id(const struct crowd *crowd, int32_t visitor);

/* Appends to the visitor's waiting visits; false if memory ran out. */
bool crowd_wait(struct crowd *crowd, int32_t visitor, const struct visit *visit);
/* Takes the visitor's oldest waiting visit; false if there is none. */
bool crowd_next_visit(struct crowd *crowd, int32_t visitor, struct visit *visit);
int64_t crowd_waiting_total(const struct crowd *crowd);

/* Adds a film to those the visitor has seen; false if memory ran out. Not those of bots, which take
 * what comes first whether they have seen it or not: they see films without end. */
bool crowd_remember(struct crowd *crowd, int32_t visitor, int32_t item);
/* All films the visitor has seen, rising; valid until the next call. NULL if memory ran out or
 * there are none; *count tells which. */
const int32_t *crowd_seen(struct crowd *crowd, int32_t visitor, int32_t *count);

/* As much of that as a step with this list has to know: without new films, which people may think
 * of by themselves, those of the list. Anything the step asks for is answered alike. */
const int32_t *crowd_seen_for(struct crowd *crowd, int32_t visitor, const struct step_list *list,
                              int32_t *count);

/* A list for the visitor is under way: has the processor fetch what choosing from it will read. */
void crowd_expect_list(const struct crowd *crowd, int32_t visitor);

/* What the visitor does with a list in the current step, having seen these films: people as
 * population_step says, bots as guest.h does. */
struct step_outcome crowd_choose(const struct crowd *crowd, int32_t visitor,
                                 const struct step_list *list, const int32_t *seen,
                                 int32_t seen_count);
/* The film a shill rates in the current step; watched false if there is none left. */
struct step_outcome crowd_push(const struct crowd *crowd, int32_t visitor);
/* Notes whether a list was worth something to the visitor; true if it leaves for good over it. */
bool crowd_disappoints(struct crowd *crowd, int32_t visitor, bool taken);

#endif
