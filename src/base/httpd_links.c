/*
 * libmicrohttpd ends connections that are silent, but one that sends a byte a minute is never
 * silent. So each connection notes what it waits for and since when, in one atomic word, and a
 * thread looks them all over a few times a second. To end a connection, that thread changes the
 * word to LINK_EXPIRED first; the serving thread changes it, too, before it answers, so only one of
 * them ever does. The socket is then shut down, not closed: its owner sees the end of the stream
 * and closes it. A connection stays in the list until just before that close, and the list is
 * locked while a socket is shut down, so the descriptor cannot be somebody else's by then.
 *
 * Time is counted in ticks that the thread itself advances: the serving threads read no clock.
 */
#include "base/httpd_links.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { TICKS_A_BOUND = 8, LONGEST_TICK_MS = 500 };

static uint64_t word(uint64_t tick, enum link_state state)
{
    return tick << 2 | (uint64_t)state;
}

static enum link_state state_of(uint64_t value)
{
    return (enum link_state)(value & 3);
}

/* Nothing has been answered on this connection yet, so the library has nothing to send either. */
static void refuse_slow_body(int socket_fd)
{
    static const char body[] = "{\"detail\":\"the body came too slowly\"}\n";
    char answer[256];
    int len = snprintf(answer, sizeof(answer),
                       "HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\n"
                       "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                       sizeof(body) - 1, body);
    (void)send(socket_fd, answer, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void look_over(struct links *links, uint64_t now)
{
    for (struct link *link = links->first; link != NULL; link = link->next) {
        uint64_t seen = atomic_load(&link->since), age = now - (seen >> 2);
        enum link_state state = state_of(seen);
        bool late = (state == LINK_HEAD && age > links->head_max_ticks) ||
                    (state == LINK_BODY && age > links->body_max_ticks);
        if (late && atomic_compare_exchange_strong(&link->since, &seen, word(now, LINK_EXPIRED))) {
            if (state == LINK_BODY) {
                refuse_slow_body(link->socket_fd);
            }
            shutdown(link->socket_fd, SHUT_RDWR);
        }
    }
}

static void wait_tick(struct links *links)
{
    int64_t until_ns = clock_mono_ns() + links->tick_ns;
    const struct timespec until = {.tv_sec = until_ns / CLOCK_NS_PER_S,
                                   .tv_nsec = until_ns % CLOCK_NS_PER_S};
    while (!links->stopping && pthread_cond_timedwait(&links->wake, &links->mutex, &until) == 0) {
    }
}

static void *watch(void *context)
{
    struct links *links = context;
    int64_t start_ns = clock_mono_ns();
    pthread_mutex_lock(&links->mutex);
    while (!links->stopping) {
        wait_tick(links);
        uint64_t now = (uint64_t)((clock_mono_ns() - start_ns) / links->tick_ns);
        atomic_store_explicit(&links->now, now, memory_order_relaxed);
        look_over(links, now);
    }
    pthread_mutex_unlock(&links->mutex);
    return NULL;
}

static uint64_t ticks(int bound_ms, int64_t tick_ns)
{
    return (uint64_t)((bound_ms * CLOCK_NS_PER_MS + tick_ns - 1) / tick_ns);
}

bool links_start(struct links *links, int head_max_ms, int body_max_ms)
{
    int shorter_ms = head_max_ms < body_max_ms ? head_max_ms : body_max_ms;
    int tick_ms = shorter_ms / TICKS_A_BOUND;
    tick_ms = tick_ms < 1 ? 1 : tick_ms;
    tick_ms = tick_ms > LONGEST_TICK_MS ? LONGEST_TICK_MS : tick_ms;
    memset(links, 0, sizeof(*links));
    links->tick_ns = tick_ms * CLOCK_NS_PER_MS;
    links->head_max_ticks = ticks(head_max_ms, links->tick_ns);
    links->body_max_ticks = ticks(body_max_ms, links->tick_ns);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&links->mutex, NULL);
    pthread_cond_init(&links->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&links->thread, NULL, watch, links) == 0) {
        return true;
    }
    pthread_cond_destroy(&links->wake);
    pthread_mutex_destroy(&links->mutex);
    return false;
}

void links_stop(struct links *links)
{
    pthread_mutex_lock(&links->mutex);
    links->stopping = true;
    pthread_cond_signal(&links->wake);
    pthread_mutex_unlock(&links->mutex);
    pthread_join(links->thread, NULL);
    pthread_cond_destroy(&links->wake);
    pthread_mutex_destroy(&links->mutex);
}

void links_add(struct links *links, struct link *link, int socket_fd)
{
    uint64_t now = atomic_load_explicit(&links->now, memory_order_relaxed);
    link->socket_fd = socket_fd;
    link->previous = NULL;
    atomic_init(&link->since, word(now, LINK_HEAD));
    pthread_mutex_lock(&links->mutex);
    link->next = links->first;
    if (link->next != NULL) {
        link->next->previous = link;
    }
    links->first = link;
    pthread_mutex_unlock(&links->mutex);
}

void links_remove(struct links *links, struct link *link)
{
    pthread_mutex_lock(&links->mutex);
    if (link->next != NULL) {
        link->next->previous = link->previous;
    }
    if (link->previous != NULL) {
        link->previous->next = link->next;
    } else {
        links->first = link->next;
    }
    pthread_mutex_unlock(&links->mutex);
}

bool link_enter(struct links *links, struct link *link, enum link_state state)
{
    uint64_t now = atomic_load_explicit(&links->now, memory_order_relaxed);
    uint64_t seen = atomic_load(&link->since);
    return state_of(seen) != LINK_EXPIRED &&
           atomic_compare_exchange_strong(&link->since, &seen, word(now, state));
}

bool link_expired(const struct link *link)
{
    return state_of(atomic_load(&link->since)) == LINK_EXPIRED;
}
