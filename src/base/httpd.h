/*
 * HTTP server on libmicrohttpd: one handler function, several threads. The handler runs on the
 * server's threads, so what it touches must be safe for that. A handler that has to wait does not:
 * it holds the request and whoever has the answer sends it later, from any thread.
 *
 * Bounds: bodies (body_max_bytes), replies (reply_max_bytes), connections (connections_max: beyond
 * it no connection is accepted, the kernel's queue of 1024 fills, then clients time out), and time:
 * a request's head must be complete 75 s after the connection was opened or last answered, its body
 * 30 s after the head (else 408), and a reply that makes no progress for 75 s ends the connection.
 *
 * With tell_refused, every request reaches the handler exactly once, also those the server itself
 * refuses: then `refused` is its status and the handler is called to count it and, if it still can
 * be, to say why. Without it, the server answers those alone.
 */
#ifndef BASE_HTTPD_H
#define BASE_HTTPD_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct httpd;
struct httpd_held;

/* What a handler may look up in a request, and by what: a request made by hand (tests, fuzzing)
 * brings its own function. Names of headers are compared without regard to case. */
enum httpd_field { HTTPD_QUERY, HTTPD_HEADER };
/* Adds the number of fields with that name to *count and returns the first, NULL if none. */
typedef const char *httpd_lookup(void *context, enum httpd_field field, const char *name,
                                 size_t *count);

/* Valid while the handler runs, or until httpd_send if it is held. */
struct httpd_request {
    const char *method; /* "GET" for HEAD, too; "" if the server could not read it */
    bool head;          /* HEAD: the server leaves the reply's body out */
    const char *path;   /* without the query, escapes resolved */
    const char *query;  /* as sent, without the '?'; "" if none */
    const char *body;   /* "" if none; NUL-terminated */
    size_t body_len;
    bool loopback; /* the peer's address is one of this machine's loopback */
    /* 0, or the status with which the server refuses the request: 413 its body is too large and 503
     * there is no memory for it, where the handler's reply is sent; 408 its body was too slow and
     * 400 it ended early or was malformed, where the reply is thrown away, because the server has
     * answered already or cannot any more. The body is "" then; such a request cannot be held. */
    int refused;
    httpd_lookup *lookup; /* NULL = no fields */
    void *lookup_context;
    struct httpd_held *holdable; /* NULL for a request made by hand, which cannot be held */
};

struct httpd_reply {
    int status;               /* 200 at entry */
    const char *content_type; /* "application/json" at entry; static text */
    const char *location;     /* NULL, or the value of a Location header; static text */
    bool location_with_query; /* the request's query is added to the location */
    const char *allow;        /* NULL, or the value of an Allow header; static text */
    const char *authenticate; /* NULL, or the value of a WWW-Authenticate header; static text */
    int retry_after_s;        /* 0 = no Retry-After header */
    struct buf body;          /* empty at entry; bounded by reply_max_bytes */
};

typedef void httpd_handler(void *context, const struct httpd_request *request,
                           struct httpd_reply *reply);

struct httpd_config {
    const char *listen;    /* "127.0.0.1:0", "[::1]:8000", "0.0.0.0:8000" */
    unsigned threads;      /* >= 1 */
    size_t body_max_bytes; /* larger request bodies are dropped and refused with 413 */
    size_t reply_max_bytes;
    unsigned connections_max;
    bool tell_refused;
    int head_max_ms, body_max_ms; /* 0 = the bounds above */
    /* NULL, or what httpd_stop calls so that those who hold requests send them now rather than
     * later; gets the handler's context. */
    void (*let_go)(void *context);
};

enum err httpd_start(struct httpd **out, const struct httpd_config *config, httpd_handler *handler,
                     void *context, struct error *error);
const char *httpd_url(const struct httpd *httpd); /* "http://127.0.0.1:43121", real port */

/* The first value, NULL if absent. One with a NUL inside reads as "\xef\xbf\xbd". */
const char *httpd_query(const struct httpd_request *request, const char *name);
size_t httpd_query_count(const struct httpd_request *request, const char *name);
const char *httpd_header(const struct httpd_request *request, const char *name);

/* Only inside the handler, at most once a request: keeps the request open after the handler has
 * returned; what the handler has put into its reply is then ignored. NULL when the server is
 * stopping or the request cannot be held: the handler must then answer at once. */
struct httpd_held *httpd_hold(const struct httpd_request *request)
    __attribute__((warn_unused_result));
const struct httpd_request *httpd_held_request(const struct httpd_held *held);
/* A reply as a handler finds it at entry, to be filled and sent. */
void httpd_reply_init(const struct httpd_held *held, struct httpd_reply *reply);
/* Any thread, exactly once for each held request, also when its client has gone meanwhile. Takes
 * the reply's body over; `held` and its request are gone afterwards. */
void httpd_send(struct httpd_held *held, struct httpd_reply *reply);

/* Lets no further request be held, calls config.let_go, waits for running handlers and until every
 * held request has been sent, gives those answers two seconds to reach their clients. Accepts
 * NULL. */
void httpd_stop(struct httpd *httpd);

#endif
