/*
 * The server's connections and the clock that ends those whose client is too slow. Friend of httpd
 * only.
 */
#ifndef BASE_HTTPD_LINKS_H
#define BASE_HTTPD_LINKS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What a connection is about. Only LINK_HEAD and LINK_BODY are bounded in time. */
enum link_state { LINK_HEAD, LINK_BODY, LINK_ANSWER, LINK_EXPIRED };

struct link {
    struct link *next, *previous; /* guarded by the mutex of the links */
    int socket_fd;                /* borrowed */
    _Atomic uint64_t since;       /* tick at which the state began << 2 | state */
};

struct links {
    pthread_mutex_t mutex; /* guards the list and `stopping` */
    pthread_cond_t wake;
    pthread_t thread;
    struct link *first;
    bool stopping;
    int64_t tick_ns;
    uint64_t head_max_ticks, body_max_ticks;
    _Atomic uint64_t now; /* ticks since the start */
};

/* False if no thread could be started. */
bool links_start(struct links *links, int head_max_ms, int body_max_ms);
void links_stop(struct links *links);

/* Add before any other use of link, remove before its socket is closed. Any thread. */
void links_add(struct links *links, struct link *link, int socket_fd);
void links_remove(struct links *links, struct link *link);

/* Puts the connection into a state, from now on. False if it has expired meanwhile: it must be
 * closed. Only the thread that serves the connection. */
bool link_enter(struct links *links, struct link *link, enum link_state state);
bool link_expired(const struct link *link);

#endif
