/*
 * A server to measure and to test the generator against: it speaks the bundled recommender's
 * interface (GET /recommendations/?user_id=U&n=N with request ids, POST /ratings/, GET /healthz),
 * costs next to nothing, takes a service time that is known exactly, and misbehaves on demand.
 *
 * A sound answer depends on the seed and on the asking user alone, or, with `rotate`, on how often
 * that user has asked before, too: the same for any number of connections, threads and processes
 * that ask. Which requests meet a fault is decided by the seed and by the number of the request in
 * order of arrival. What is sent byte by byte leaves in as many packets, and may still arrive in
 * fewer.
 *
 * One thread and one epoll set serve all connections. stub_start, stub_freeze and stub_stop belong
 * to the owner; everything else but stub_freeze may be called by any thread between them.
 */
#ifndef LOAD_STUB_SERVER_H
#define LOAD_STUB_SERVER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STUB_LIST_MAX 64 /* longer lists are cut to this */

/* name, as typed, what the requests met by it get */
#define STUB_BEHAVIOURS(X)                                                                         \
    X(NULL, "null", "a sound answer")                                                              \
    X(STALL, "stall", "a sound answer, but none between stall_from_ns and stall_to_ns")            \
    X(SLOW, "slow", "half of the answer, and the rest slow_ns later")                              \
    X(SPLIT, "split", "a sound answer, each byte sent by itself")                                  \
    X(CHUNKED, "chunked", "a sound answer in chunks, with an extension and a trailer")             \
    X(CHUNKED_SPLIT, "chunked-split", "the same, each byte sent by itself")                        \
    X(UNTIL_CLOSE, "until-close", "a sound answer without a length, ended by closing")             \
    X(INTERIM, "interim", "100 and 103 before a sound answer")                                     \
    X(CLOSING, "closing", "a sound answer with 'Connection: close', then closed")                  \
    X(HANGING_UP, "hanging-up", "a sound answer, then closed without a word")                      \
    X(SECOND_LOST, "second-lost", "each second request of a connection: read and closed upon")     \
    X(OLD, "old", "a sound answer in HTTP/1.0, which closes")                                      \
    X(REDIRECT, "redirect", "302 to another path")                                                 \
    X(TOO_MANY, "too-many", "429 with Retry-After")                                                \
    X(UNAVAILABLE, "unavailable", "503 with Retry-After")                                          \
    X(BROKEN, "broken", "500 and a page of HTML")                                                  \
    X(EMPTY, "empty", "204 without a body")                                                        \
    X(OVERSIZED, "oversized", "200 with a body of STUB_OVERSIZE_BYTES")                            \
    X(LONG_HEAD, "long-head", "200 with header lines of STUB_OVERSIZE_BYTES")                      \
    X(LENGTH_LONG, "length-long", "a length beyond the body, then closed")                         \
    X(LENGTH_HELD, "length-held", "a length beyond the body, then silence")                        \
    X(LENGTH_SHORT, "length-short", "a length that ends within the body")                          \
    X(LENGTH_TWICE, "length-twice", "two lengths that differ")                                     \
    X(LENGTH_WRONG, "length-wrong", "a length that is no number")                                  \
    X(CHUNK_WRONG, "chunk-wrong", "a chunk size that is no number")                                \
    X(CHUNK_CUT, "chunk-cut", "chunks without an end, then closed")                                \
    X(RESET, "reset", "half of the answer, then the connection reset")                             \
    X(UNANSWERED, "unanswered", "closed without an answer")                                        \
    X(SILENT, "silent", "nothing, for ever")                                                       \
    X(NONSENSE, "nonsense", "bytes that are not HTTP")                                             \
    X(WRONG_JSON, "wrong-json", "200 and JSON of another shape")                                   \
    X(CUT_JSON, "cut-json", "200 and the first half of the JSON")                                  \
    X(NOT_JSON, "not-json", "200 and text that is no JSON")

#define STUB_OVERSIZE_BYTES ((size_t)4 * 1024 * 1024)

enum stub_behaviour {
#define X(name, typed, text) STUB_##name,
    STUB_BEHAVIOURS(X)
#undef X
        STUB_BEHAVIOUR_COUNT
};

struct stub_config {    /* zero is a default everywhere, except where it says otherwise */
    const char *listen; /* "127.0.0.1:0", also the default: a free port; borrowed by stub_start */
    enum stub_behaviour behaviour;
    double fault_share; /* of the requests that the behaviour meets; 0 = all of them */
    uint64_t seed;
    /* With workers: that many servers behind one queue in order of arrival, each busy with a
     * request for exactly service_ns (M/D/c, if arrivals are Poisson); the capacity is workers /
     * service_ns. Without: every answer comes service_ns after its request, however many there
     * are. Requests that meet a fault take it, too. */
    int64_t service_ns;
    int workers;
    bool ratings_free; /* ratings take no service time and no worker */
    /* STUB_STALL: nothing is read or sent in this interval after stub_started_ns; what was in
     * service is done at its end. Repeated every stall_every_ns; 0 = once. */
    int64_t stall_from_ns, stall_to_ns, stall_every_ns;
    int64_t slow_ns;     /* 0 = 50 ms */
    int retry_after_s;   /* of 429 and 503; 0 = 1 s */
    int list_length;     /* where the request does not say; 0 = 10 */
    int32_t films;       /* how many there are to recommend; 0 = 1000 */
    const int32_t *film; /* [films], their ids, copied; NULL = 1 .. films. Earlier ones are served
                            more often */
    bool rotate;         /* a user gets another list each time; users up to STUB_ROTATE_MAX */
    /* 0 = never. With so many requests in service or waiting, lists are answered at once and
     * worse: the films from the end of `film`, said to come from "popular". */
    int worse_at;
    int connections_max; /* 0 = 4096; beyond it connections wait in the kernel's queue */
};

#define STUB_ROTATE_MAX 4000000

struct stub_counts { /* totals since the start; each exact once stub_stop returned or all is still
                      */
    int64_t connections, connections_now;
    int64_t lists, ratings, others;   /* requests read to their end */
    int64_t malformed;                /* what could not be read as a request; closed upon */
    int64_t faulted;                  /* requests that met the fault */
    int64_t answered;                 /* answers handed to the kernel to the last byte */
    int64_t waiting_now, waiting_max; /* requests whose service time has not ended */
    int64_t worse;                    /* lists answered under worse_at */
};

struct stub;

enum err stub_start(struct stub **out, const struct stub_config *config, struct error *error)
    __attribute__((warn_unused_result));
const char *stub_url(const struct stub *stub);    /* "http://127.0.0.1:43121" */
int64_t stub_started_ns(const struct stub *stub); /* monotonic */
void stub_counts(const struct stub *stub, struct stub_counts *out);
/* Stops the server like a ^Z would, or lets it go on: the kernel still takes connections and bytes,
 * nothing is read or sent. Returns once the server has noticed. */
void stub_freeze(struct stub *stub, bool frozen);
/* Closes all connections, answered or not. Accepts NULL. */
void stub_stop(struct stub *stub);

const char *stub_behaviour_name(enum stub_behaviour behaviour); /* as typed */
const char *stub_behaviour_text(enum stub_behaviour behaviour);
bool stub_behaviour_find(const char *name, enum stub_behaviour *out);
/* Does whoever asks for a list under this behaviour get a sound one? */
bool stub_behaviour_is_sound(enum stub_behaviour behaviour);

/* Greatest rate of requests a second that the service time allows, INFINITY if it bounds none. */
double stub_capacity_per_s(const struct stub_config *config);

#endif
