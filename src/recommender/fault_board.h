/*
 * The faults that are active now. While there is none, asking costs one atomic load and no lock.
 * Times are monotonic and passed in. Any thread.
 */
#ifndef RECOMMENDER_FAULT_BOARD_H
#define RECOMMENDER_FAULT_BOARD_H

#include "base/buf.h"
#include "recommender/fault.h"

struct fault_board;

/* seed decides which requests a share touches and how long latencies are. */
struct fault_board *fault_board_new(uint64_t seed);
void fault_board_free(struct fault_board *board); /* accepts NULL */

/* Returns the id of the fault, which begins now; 0 if FAULT_ACTIVE_MAX are active. */
int64_t fault_board_add(struct fault_board *board, const struct fault_spec *spec, int64_t now_ns);
/* False if no active fault has that id. */
bool fault_board_remove(struct fault_board *board, int64_t id, int64_t now_ns);
/* Removes all; writes their ids and returns how many. */
size_t fault_board_clear(struct fault_board *board, int64_t now_ns, int64_t ids[FAULT_ACTIVE_MAX]);
/* One object a fault, oldest first: its members, "id" and "remaining_s"; a new reference. */
json_t *fault_board_list(struct fault_board *board, int64_t now_ns);

/* What becomes of a request. Faults that touch any answer (latency, errors, stall, scrape-*) are
 * counted as applied here, the others when their effect is told by fault_board_applied. */
void fault_board_plan(struct fault_board *board, enum route route, int64_t now_ns,
                      struct fault_plan *out);
void fault_board_applied(struct fault_board *board, enum fault_kind kind);
/* Whether that fault is active. */
bool fault_board_has(struct fault_board *board, int64_t id, int64_t now_ns);
/* Whether a stale-model fault is active. */
bool fault_board_stale(struct fault_board *board, int64_t now_ns);

/* fault_active and fault_applied_total, each kind from the first scrape. */
void fault_board_write(struct fault_board *board, int64_t now_ns, struct buf *out);

#endif
