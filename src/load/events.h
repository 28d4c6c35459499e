/*
 * Every list of a drill and what came of it, one record each: what the floors of the detection
 * delay and the statistics of quiet runs are computed from. Kept only if the plan asks. Each worker
 * fills its own; after the join they are put together and sorted, so that the order does not depend
 * on the number of threads.
 */
#ifndef LOAD_EVENTS_H
#define LOAD_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

/* Of all workers together, an equal share of it each: which are left out once one has filled its
 * own depends on the number of workers. */
#define EVENTS_MAX (INT64_C(16) << 20)

/*
 * Times are drill time. Three worlds are told apart: `rest` without any injection, `now` under
 * those in force when the list was looked at, `full` with every injection complete and lasting.
 * Expected values are over the person's choice and rating noise, given the list and the films seen:
 * `rated` and `converted` are probabilities, `rr` is the mean of 1/rank, `stars` the mean of the
 * stars given, all with 0 for a list that is not rated. Of a bot the three worlds hold what it did,
 * with likelihood 1.
 */
struct event {
    int64_t listed_ns;  /* observed: the list arrived */
    int64_t rated_ns;   /* observed: the accepted rating was answered; 0 = none */
    int64_t nominal_ns; /* of the step */
    uint64_t visit;     /* number in the global sequence */
    int32_t person;
    uint32_t step;      /* of the person, over the whole drill */
    uint8_t rank;       /* of the film taken; 0 = none */
    uint8_t half_stars; /* 0 = not rated, though perhaps watched */
    uint8_t kind;       /* of the visit: enum arrivals_kind */
    uint8_t source;     /* of the film taken: index into the ledger's, or LEDGER_UNNAMED */
    bool post_accepted;
    float p_rest, p_now, p_full; /* likelihood of what happened */
    float rest_rated, rest_converted, rest_rr, rest_stars;
    float now_rated, now_converted, now_rr, now_stars;
    float full_rated, full_converted, full_rr, full_stars;
};

struct events { /* zeroed = none */
    int64_t count, capacity;
    struct event *event; /* by listed_ns, then visit and step, once sorted */
    bool complete;       /* false: not kept, or no room for all */
};

void events_deinit(struct events *events);
/* Index of the new record; -1 if there are `most` already or memory ran out (complete = false). */
int64_t events_add(struct events *events, const struct event *event, int64_t most);
/* Takes over what `from` holds and leaves it empty. */
void events_merge(struct events *into, struct events *from);
/* Gives the sources other indexes, as ledger_merge and ledger_settle do: map[old] = new. */
void events_rename_sources(struct events *events, const uint8_t *map);
void events_sort(struct events *events);

#endif
