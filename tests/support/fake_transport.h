/*
 * A transport without a network and with a clock of its own, which jumps from event to event: a
 * drill of a minute takes milliseconds, and every latency is exact. Lists depend on the asking user
 * alone. Uses base only, so that every test binary can link it.
 */
#ifndef SUPPORT_FAKE_TRANSPORT_H
#define SUPPORT_FAKE_TRANSPORT_H

#include "load/transport.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FAKE_UNTIL_TIMEOUT INT64_C(-1)

struct fake_request {
    bool is_post;
    int32_t user_id;
    int32_t nth;     /* of this user and endpoint, from 0 */
    int64_t sent_ns; /* virtual */
    const char *body;
};

struct fake_answer {       /* preset to what a healthy target does */
    long status;           /* 0 = none: the connection breaks after latency_ns */
    int64_t latency_ns;    /* or FAKE_UNTIL_TIMEOUT */
    const char *body;      /* NULL = the usual one */
    int32_t retry_after_s; /* 0 = not told */
};

struct fake_script {
    const int32_t *movie_id; /* lists are drawn from these */
    int32_t movie_count;
    int64_t latency_ns;
    /* Once, when its clock has come to frozen_from_ns, the worker does not run for frozen_ns: what
     * completes meanwhile is received afterwards. */
    int64_t frozen_from_ns, frozen_ns;
    /* May change the answer; called on worker threads; may be NULL. */
    void (*answer)(void *context, const struct fake_request *request, struct fake_answer *answer);
    void *context;
};

struct fake_totals {                /* of all fake transports since fake_transport_use */
    _Atomic int64_t lists, ratings; /* answered with a status in 200..299 */
    _Atomic int64_t half_stars;     /* sum over accepted ratings */
    _Atomic int64_t malformed;      /* requests that no target would understand */
    _Atomic int64_t unnamed;        /* ratings sent that name no list */
    _Atomic int64_t in_flight_max;  /* of any one transport */
};

extern const struct transport_class transport_fake;

/* What lists say proposed the film at `rank`: one of "base", "popular", "similar", a few places in
 * a row. */
const char *fake_source(int32_t user_id, int32_t rank);

/* Before the engine starts; the script is borrowed. Clears the totals. */
void fake_transport_use(const struct fake_script *script);
const struct fake_totals *fake_transport_totals(void);

#endif
