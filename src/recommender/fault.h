/*
 * Faults on demand: what a fault is, and what the active ones do to one request. The words "struct
 * fault" and "struct faults" of base/error.h are something else: what is wrong with an input.
 *
 * latency          a share of requests is answered later: by a fixed time or a lognormal one
 * errors           a share of requests is answered with a status of 500 to 599 and not served
 * stall            no request is answered until the fault ends, then all are
 * stale-model      nothing is learnt: no training, and posted ratings are kept but not used
 * broken-source    one source proposes nothing, or random films
 * dropped-ratings  a share of ratings is answered 201, but neither kept nor counted
 * scrape-delay     /metrics is answered later
 * scrape-garbage   /metrics answers text that does not parse, or its first part only
 * hidden-series    /metrics leaves out every series that has not counted anything yet
 *
 * Several may be active at once: delays add up, the first fault to answer with an error decides its
 * status, and a stall holds what the others have decided. Of several stalls the one that ends last
 * holds a request; ending it early lets the request go. Pure; any thread.
 */
#ifndef RECOMMENDER_FAULT_H
#define RECOMMENDER_FAULT_H

#include "base/error.h"
#include "recommender/routes.h"
#include "recommender/source_broken.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAULT_ACTIVE_MAX 32
#define FAULT_DURATION_MAX_S 86400.0
#define FAULT_DELAY_MAX_S 30.0 /* of one fault; a lognormal draw is cut here */
#define FAULT_COMPLAINTS_MAX 16

enum fault_kind {
    FAULT_LATENCY,
    FAULT_ERRORS,
    FAULT_STALL,
    FAULT_STALE_MODEL,
    FAULT_BROKEN_SOURCE,
    FAULT_DROPPED_RATINGS,
    FAULT_SCRAPE_DELAY,
    FAULT_SCRAPE_GARBAGE,
    FAULT_HIDDEN_SERIES,
    FAULT_KINDS
};

const char *fault_kind_name(enum fault_kind kind);

/* What /metrics answers. */
enum fault_form { FAULT_FORM_WHOLE, FAULT_FORM_TEXT, FAULT_FORM_CUT };

struct fault_spec {
    enum fault_kind kind;
    unsigned handlers; /* bit 1 << enum route; of latency, errors, stall */
    double duration_s;
    double share; /* of the requests it could touch, 0 to 1 */
    double latency_s, median_s, sigma;
    double delay_s;
    int status;
    int source; /* enum source */
    int items;  /* enum source_state */
    int form;   /* enum fault_form */
};

/* Reads the body of POST /admin/fault. False after adding to `complaints` what is wrong, all of it
 * at once (at most FAULT_COMPLAINTS_MAX), with JSON pointers as paths. */
bool fault_spec_read(const char *body, size_t len, struct fault_spec *out,
                     struct faults *complaints);
/* The members of a fault of this kind as they are sent; a new reference. */
json_t *fault_spec_json(const struct fault_spec *spec);
/* JSON Schema of the bodies that fault_spec_read takes; a new reference. */
json_t *fault_spec_schema(void);

struct fault_active {
    int64_t id; /* from 1, never used again */
    struct fault_spec spec;
    int64_t ends_ns; /* monotonic */
};

/* The active faults, oldest first. */
struct fault_set {
    struct fault_active list[FAULT_ACTIVE_MAX];
    size_t count;
};

/* What becomes of one request. All zero: it is served as if there were no fault. */
struct fault_plan {
    unsigned kinds;        /* bit 1 << enum fault_kind of each fault that touches it */
    int64_t delay_ns;      /* its answer waits so long once it is made ... */
    int64_t held_until_ns; /* ... and until then, if a stall holds it (monotonic), else 0 */
    int64_t held_by;       /* id of that stall */
    int status;            /* answered instead of serving; 0 = served */
    bool stale;            /* nothing may be learnt from it */
    bool dropped;          /* a rating that is neither kept nor counted */
    struct source_states sources;
    enum fault_form form;
    bool hides; /* series that have not counted anything are left out */
};

/* Decides on the `number`-th request (from any counter; each draws its own random numbers, keyed by
 * `seed`). Faults whose end has come do nothing. */
void fault_decide(const struct fault_set *set, uint64_t seed, uint64_t number, enum route route,
                  int64_t now_ns, struct fault_plan *out);

#endif
