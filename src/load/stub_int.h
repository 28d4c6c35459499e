/* The stub server's insides, shared by its thread (stub_server.c) and what that does for each
 * connection (stub_connection.c). */
#ifndef LOAD_STUB_INT_H
#define LOAD_STUB_INT_H

#include "load/due_heap.h"
#include "load/stub_answer.h"
#include "load/stub_request.h"
#include "load/stub_server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#define STUB_EVENT_LISTENER UINT64_MAX
#define STUB_EVENT_WAKE (UINT64_MAX - 1)

enum stub_phase {
    STUB_PHASE_FREE,    /* no connection */
    STUB_PHASE_READING, /* the next request is not whole yet */
    STUB_PHASE_SERVING, /* until due */
    STUB_PHASE_PAUSED,  /* in the middle of an answer, until due */
    STUB_PHASE_SENDING, /* until the socket takes more */
    STUB_PHASE_HELD,    /* nothing more will be said */
    STUB_PHASE_GHOST    /* closed, but due */
};

struct stub_connection {
    int fd;
    enum stub_phase phase;
    uint32_t armed; /* what epoll watches */
    int64_t requests;
    char *in; /* [in_room] */
    size_t in_count, in_room;
    size_t in_used; /* of the request under way */
    struct stub_asked asked;
    bool timed; /* the request takes service time */
    struct stub_answer answer;
    size_t sent;
};

struct stub_totals { /* written by the server's thread alone */
    _Atomic int64_t connections, connections_now, lists, ratings, others, malformed, faulted,
        answered, worse;
    _Atomic int64_t waiting_now, waiting_max;
};

struct stub {
    struct stub_config config;
    struct stub_films films;
    int32_t *film;  /* copy behind films.film; may be NULL */
    uint32_t *turn; /* [STUB_ROTATE_MAX + 1], lists a user had; NULL without rotate */
    char url[320];
    int listener, epoll_fd, wake_fd, noticed_fd;
    bool listening; /* false while no more connections fit */
    int64_t started_ns;
    pthread_t thread;
    atomic_bool stopping, frozen;
    bool frozen_noticed;
    struct stub_connection *connection; /* [connections_max] */
    int32_t *idle;                      /* [idle_count], free places, a stack */
    int32_t idle_count;
    struct due_heap due;
    int64_t *worker_free_ns; /* [workers] */
    int next_worker;
    uint64_t requests;
    struct stub_totals totals;
};

/* Takes whatever connections wait, while there is room. */
void stub_take_connections(struct stub *stub);
/* Something happened on a connection; `events` as epoll tells. */
void stub_treat(struct stub *stub, struct stub_connection *connection, uint32_t events);
/* Answers what is due by now. */
void stub_take_due(struct stub *stub);

#endif
