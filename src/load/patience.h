/*
 * What people do when they are turned away, which is being answered 429 or 503: come back as told,
 * give up, or press again. Pure.
 */
#ifndef LOAD_PATIENCE_H
#define LOAD_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

enum patience_kind {
    PATIENCE_POLITE,    /* waits out the Retry-After and asks again; without one, gives up */
    PATIENCE_IMPATIENT, /* gives up at once: the visit ends */
    PATIENCE_STUBBORN   /* asks again after a pause of its own, whatever it was told */
};

#define PATIENCE_TRIES 3
#define PATIENCE_WAIT_MAX_NS (INT64_C(60) * 1000000000)
#define PATIENCE_AGAIN_NS (INT64_C(1) * 1000000000)

struct engine_patience { /* zeroed = polite, with the values above */
    enum patience_kind kind;
    int tries;           /* how often one request is repeated; 0 = PATIENCE_TRIES */
    int64_t wait_max_ns; /* whoever is told to wait longer gives up; 0 = PATIENCE_WAIT_MAX_NS */
    int64_t again_ns;    /* pause of the stubborn; 0 = PATIENCE_AGAIN_NS */
};

bool patience_shed(long status); /* is this status a turning away? */
/* How long until the request is made again, having been made `made` times; -1 = never.
 * retry_after_s: as the answer says, -1 = it does not. */
int64_t patience_wait_ns(const struct engine_patience *patience, int made, int32_t retry_after_s);
const char *patience_name(enum patience_kind kind); /* static */
bool patience_from_name(const char *name, enum patience_kind *kind);

#endif
