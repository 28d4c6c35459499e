/*
 * Requests in flight behind a small table, so that a worker runs against libcurl or a fake. One
 * transport belongs to one worker thread. The worker owns the `exchange` records (one a connection
 * slot) and their buffers; a transport borrows them between start and completion.
 */
#ifndef LOAD_TRANSPORT_H
#define LOAD_TRANSPORT_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct exchange {
    int slot; /* index given by the worker */
    bool is_post;
    char url[320];
    char body[256]; /* POST only */
    size_t body_len;
    struct buf answer;
    /* filled on completion: */
    long status;     /* HTTP status; 0 if there was no whole answer. An answer beyond the maximum of
                        `answer` keeps its status and leaves answer.failed set */
    int64_t done_ns; /* monotonic */
    const char *reason; /* static text: why there was no answer, or why it was cut; else NULL */
};

struct transport;

struct transport_class {
    const char *name;
    enum err (*open)(int slots, long timeout_ms, struct transport **out, struct error *error);
    /* Must not complete the exchange before returning. */
    void (*start)(struct transport *transport, struct exchange *exchange);
    /* Waits until something completed or until_mono_ns; fills done[] (at most `slots`) and returns
     * how many. */
    int (*wait)(struct transport *transport, int64_t until_mono_ns, struct exchange **done);
    void (*close)(struct transport *transport); /* drops what is in flight */
    /* The clock of all these times; NULL = clock_mono_ns. A fake brings one that jumps. */
    int64_t (*now_ns)(struct transport *transport);
};

extern const struct transport_class transport_curl;

#endif
