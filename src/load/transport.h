/*
 * Requests in flight behind a small table, so that a worker runs against libcurl, the fast HTTP/1.1
 * path or a fake. One transport belongs to one worker thread. The worker owns the `exchange`
 * records (one a connection slot) and their buffers; a transport borrows them between start and
 * completion.
 *
 * One exchange is at most one request on the wire: no transport repeats a request by itself,
 * follows a redirect or waits out a Retry-After.
 */
#ifndef LOAD_TRANSPORT_H
#define LOAD_TRANSPORT_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRANSPORT_SHAPES_MAX 8

/* name, text */
#define EXCHANGE_FAILURE_LIST(X)                                                                   \
    X(ANSWERED, "answered")                                                                        \
    X(TIMEOUT, "timeout")   /* no whole answer within the time allowed, connecting included */     \
    X(RESET, "reset")       /* connection closed or reset before a whole answer */                 \
    X(REFUSED, "refused")   /* no connection: refused, or no way there */                          \
    X(DNS, "dns")           /* the host has no address */                                          \
    X(TLS, "tls")           /* no agreement on encryption, or a certificate nobody trusts */       \
    X(PROTOCOL, "protocol") /* what came is not HTTP */                                            \
    X(TOO_LONG, "too_long") /* a head beyond TRANSPORT_HEAD_MAX_BYTES or a body beyond `answer` */ \
    X(OTHER, "other")

enum exchange_failure {
#define X(name, text) EXCHANGE_##name,
    EXCHANGE_FAILURE_LIST(X)
#undef X
        EXCHANGE_FAILURES
};

/* The longest head that is read: status line and headers, those of interim responses included. */
#define TRANSPORT_HEAD_MAX_BYTES ((size_t)64 * 1024)

const char *exchange_failure_name(enum exchange_failure failure); /* static, a label's value */

/* What the requests of one kind have in common; constant for a run. */
struct request_shape {
    const char *method;   /* "GET"; never "HEAD" or "CONNECT", whose answers have another form */
    bool has_body;        /* a Content-Length goes with every request, even of an empty body */
    const char *base_url; /* scheme://host[:port], no path */
    /* Constant header lines, each ending in CRLF, without Host, Content-Length and Connection; ""
     * for none. A transport adds a User-Agent and an Accept of anything unless they are among them,
     * and nothing else: a body's Content-Type belongs here. */
    const char *headers;
};

/* Whether the shape's headers name this one; any case. */
bool request_shape_has_header(const struct request_shape *shape, const char *name);

struct exchange {
    int slot;                          /* index given by the worker */
    const struct request_shape *shape; /* one of the transport's */
    int endpoint;    /* enum engine_endpoint; for the worker, transports ignore it */
    char path[1024]; /* origin form: "/path?query", NUL-terminated */
    size_t path_len;
    char header[512]; /* further header lines, as in the shape; NUL-terminated; usually none */
    size_t header_len;
    char body[2048];
    size_t body_len;
    struct buf answer; /* emptied by the worker; the body of the answer, transfer coding removed */
    /* filled on completion: */
    long status; /* HTTP status; 0 if there was no whole answer. An answer too long keeps its status
                    if that came, and leaves answer.failed set */
    enum exchange_failure failure;
    const char *reason; /* static text: why there was no answer, or why it was cut; else NULL */
    /* Monotonic, by the transport's clock; 0 = it did not come so far. Rising in this order. */
    int64_t connected_ns;  /* when the new connection stood, TLS included; 0 on a kept one */
    int64_t sent_ns;       /* last byte of the request handed to the kernel */
    int64_t first_byte_ns; /* of the final response; with libcurl of an interim one (1xx) */
    int64_t done_ns;       /* always set */
    int32_t retry_after_s; /* Retry-After in seconds of a 429 or 503, at most a day; -1 = none */
    bool kept;             /* sent on a connection that had carried a request before */
};

/* Clears what completion fills; transports call it in start. */
void exchange_clear(struct exchange *exchange);

struct transport_config {
    int slots;                                /* exchanges in flight at most */
    long timeout_ms;                          /* from start to the last byte, connecting included */
    const struct request_shape *const *shape; /* [shape_count], borrowed until close */
    size_t shape_count;                       /* 1 ... TRANSPORT_SHAPES_MAX */
    size_t answer_max_bytes;                  /* the maximum of every exchange's `answer` */
    /* HTTP/2 over TLS, and an answer in another version is none; not over plain TCP, where libcurl
     * 7.88 fails at the second request of a connection. transport_http2 sets it by itself. */
    bool http2;
};

struct transport;

struct transport_class {
    const char *name;
    enum err (*open)(const struct transport_config *config, struct transport **out,
                     struct error *error);
    /* Must not complete the exchange before returning. */
    void (*start)(struct transport *transport, struct exchange *exchange);
    /* Waits until something completed or until_mono_ns; fills done[] (at most `slots`) and returns
     * how many. */
    int (*wait)(struct transport *transport, int64_t until_mono_ns, struct exchange **done);
    void (*close)(struct transport *transport); /* drops what is in flight */
    /* The clock of all these times; NULL = clock_mono_ns. A fake brings one that jumps. */
    int64_t (*now_ns)(struct transport *transport);
};

extern const struct transport_class transport_curl;  /* HTTP/1.1, TLS, proxies */
extern const struct transport_class transport_http2; /* the same machinery, HTTP/2 over TLS */
extern const struct transport_class transport_http1; /* HTTP/1.1 only, a fraction of the cost */

#endif
