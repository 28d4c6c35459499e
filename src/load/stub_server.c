/*
 * One thread, one level-triggered epoll set. A connection carries one request at a time: what comes
 * behind it stays in its buffer until the answer is out, so answers keep their order.
 *
 * Service times are computed, not slept: the k-th request of c workers begins when it came or when
 * the request c places before it ended, whichever is later (all take equally long, so workers come
 * free in turn), and is due one service time after. Waking late therefore delays an answer by
 * microseconds but never lowers the capacity. A heap keeps what is due; it also ends the pause of a
 * slow answer. A connection whose client left while its request was in service stays there as a
 * ghost until then: its worker is not free any sooner.
 *
 * A frozen server looks at nothing but its wake-up descriptor. A thread of its own for each fault,
 * or blocking calls with time limits, were rejected: ten thousand connections must be held with
 * the same code that is measured.
 */
#include "load/stub_int.h"

#include "base/clock.h"
#include "base/httpd_listen.h"
#include "base/mem.h"
#include "load/event_wait.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define CONNECTIONS_DEFAULT 4096
#define SLOW_DEFAULT_NS (50 * CLOCK_NS_PER_MS)
#define FILMS_DEFAULT 1000
#define LIST_DEFAULT 10

/* ---- the thread ---- */

/* When the present stall ends: INT64_MAX until somebody says so, 0 if there is none. */
static int64_t stalled_until(const struct stub *stub)
{
    const struct stub_config *config = &stub->config;
    if (atomic_load(&stub->frozen)) {
        return INT64_MAX;
    }
    if (config->behaviour != STUB_STALL) {
        return 0;
    }
    int64_t age_ns = clock_mono_ns() - stub->started_ns;
    int64_t begun_ns = config->stall_every_ns > 0 ? age_ns - age_ns % config->stall_every_ns : 0;
    int64_t in_turn = age_ns - begun_ns;
    bool stalled = in_turn >= config->stall_from_ns && in_turn < config->stall_to_ns;
    return stalled ? stub->started_ns + begun_ns + config->stall_to_ns : 0;
}

static struct timespec until(int64_t mono_ns)
{
    int64_t rest = mono_ns - clock_mono_ns();
    rest = rest > 0 ? rest : 0;
    return (struct timespec){.tv_sec = (time_t)(rest / CLOCK_NS_PER_S),
                             .tv_nsec = (long)(rest % CLOCK_NS_PER_S)};
}

/* Tells stub_freeze that its wish has been noticed. */
static void notice(struct stub *stub)
{
    bool frozen = atomic_load(&stub->frozen);
    if (frozen != stub->frozen_noticed) {
        stub->frozen_noticed = frozen;
        eventfd_write(stub->noticed_fd, 1);
    }
}

static void clear_wake(struct stub *stub)
{
    eventfd_t count;
    eventfd_read(stub->wake_fd, &count);
}

static void sit_out(struct stub *stub, int64_t end_ns)
{
    struct pollfd wake = {.fd = stub->wake_fd, .events = POLLIN};
    struct timespec rest = end_ns < INT64_MAX ? until(end_ns) : (struct timespec){0};
    if (ppoll(&wake, 1, end_ns < INT64_MAX ? &rest : NULL, NULL) > 0) {
        clear_wake(stub);
    }
}

static void treat(struct stub *stub, const struct epoll_event *event)
{
    if (event->data.u64 == STUB_EVENT_LISTENER) {
        stub_take_connections(stub);
    } else if (event->data.u64 == STUB_EVENT_WAKE) {
        clear_wake(stub);
    } else {
        stub_treat(stub, &stub->connection[event->data.u64], event->events);
    }
}

static void serve_once(struct stub *stub)
{
    struct epoll_event events[EVENTS_MAX];
    int64_t next_ns = due_heap_next_ns(&stub->due);
    int ready = event_wait(stub->epoll_fd, events, EVENTS_MAX, next_ns);
    if (stalled_until(stub) != 0) {
        return;
    }
    for (int i = 0; i < ready; i++) {
        treat(stub, &events[i]);
    }
    stub_take_due(stub);
}

static void *stub_main(void *context)
{
    struct stub *stub = context;
    prctl(PR_SET_NAME, "stub");
    prctl(PR_SET_TIMERSLACK, 1UL);
    while (!atomic_load(&stub->stopping)) {
        int64_t end_ns = stalled_until(stub);
        notice(stub);
        if (end_ns != 0) {
            sit_out(stub, end_ns);
        } else {
            serve_once(stub);
        }
    }
    return NULL;
}

/* ---- the owner's side ---- */

static void fill_defaults(struct stub_config *config)
{
    config->listen = config->listen != NULL ? config->listen : "127.0.0.1:0";
    config->slow_ns = config->slow_ns > 0 ? config->slow_ns : SLOW_DEFAULT_NS;
    config->retry_after_s = config->retry_after_s > 0 ? config->retry_after_s : 1;
    config->list_length = config->list_length > 0 ? config->list_length : LIST_DEFAULT;
    config->films = config->films > 0 ? config->films : FILMS_DEFAULT;
    config->connections_max =
        config->connections_max > 0 ? config->connections_max : CONNECTIONS_DEFAULT;
}

static struct stub *stub_new(const struct stub_config *config)
{
    struct stub *stub = mem_zalloc(1, sizeof *stub);
    stub->config = *config;
    fill_defaults(&stub->config);
    config = &stub->config;
    assert(config->workers >= 0 && config->service_ns >= 0);
    stub->listener = stub->epoll_fd = stub->wake_fd = stub->noticed_fd = -1;
    stub->films = (struct stub_films){.seed = config->seed,
                                      .list_length = config->list_length,
                                      .retry_after_s = config->retry_after_s,
                                      .films = config->films};
    if (config->film != NULL) {
        stub->film = mem_array((size_t)config->films, sizeof *stub->film);
        memcpy(stub->film, config->film, (size_t)config->films * sizeof *stub->film);
        stub->films.film = stub->film;
    }
    if (config->rotate) {
        stub->turn = mem_zalloc(STUB_ROTATE_MAX + 1, sizeof *stub->turn);
    }
    stub->connection = mem_zalloc((size_t)config->connections_max, sizeof *stub->connection);
    stub->idle = mem_array((size_t)config->connections_max, sizeof *stub->idle);
    stub->worker_free_ns = mem_zalloc((size_t)config->workers + 1, sizeof *stub->worker_free_ns);
    due_heap_init(&stub->due, config->connections_max);
    for (int32_t i = config->connections_max - 1; i >= 0; i--) {
        stub_answer_init(&stub->connection[i].answer);
        stub->idle[stub->idle_count++] = i;
    }
    return stub;
}

static void close_if_open(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

static void stub_free(struct stub *stub)
{
    for (int i = 0; i < stub->config.connections_max; i++) {
        struct stub_connection *connection = &stub->connection[i];
        if (connection->phase != STUB_PHASE_FREE && connection->phase != STUB_PHASE_GHOST) {
            close(connection->fd);
        }
        mem_free(connection->in);
        stub_answer_deinit(&connection->answer);
    }
    close_if_open(stub->listener);
    close_if_open(stub->epoll_fd);
    close_if_open(stub->wake_fd);
    close_if_open(stub->noticed_fd);
    due_heap_deinit(&stub->due);
    mem_free(stub->worker_free_ns);
    mem_free(stub->idle);
    mem_free(stub->connection);
    mem_free(stub->turn);
    mem_free(stub->film);
    mem_free(stub);
}

static bool open_descriptors(struct stub *stub)
{
    struct epoll_event listener = {.events = EPOLLIN, .data.u64 = STUB_EVENT_LISTENER};
    struct epoll_event wake = {.events = EPOLLIN, .data.u64 = STUB_EVENT_WAKE};
    stub->listening = true;
    stub->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    stub->noticed_fd = eventfd(0, EFD_CLOEXEC);
    stub->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return stub->wake_fd >= 0 && stub->noticed_fd >= 0 && stub->epoll_fd >= 0 &&
           epoll_ctl(stub->epoll_fd, EPOLL_CTL_ADD, stub->listener, &listener) == 0 &&
           epoll_ctl(stub->epoll_fd, EPOLL_CTL_ADD, stub->wake_fd, &wake) == 0;
}

enum err stub_start(struct stub **out, const struct stub_config *config, struct error *error)
{
    struct stub *stub = stub_new(config);
    enum err code =
        httpd_listen(stub->config.listen, &stub->listener, stub->url, sizeof stub->url, error);
    stub->config.listen = NULL;
    if (code == ERR_OK && !open_descriptors(stub)) {
        char text[64];
        code = error_set(error, ERR_NETWORK, stub->url, 0, "cannot watch its sockets: %s",
                         err_errno_text(errno, text, sizeof text));
    }
    stub->started_ns = clock_mono_ns();
    if (code == ERR_OK) {
        int failed = pthread_create(&stub->thread, NULL, stub_main, stub);
        char text[64];
        code = failed == 0 ? ERR_OK
                           : error_set(error, ERR_PROCESS, stub->url, 0, "no thread: %s",
                                       err_errno_text(failed, text, sizeof text));
    }
    if (code != ERR_OK) {
        stub_free(stub);
        return code;
    }
    *out = stub;
    return ERR_OK;
}

static int64_t value_of(const _Atomic int64_t *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

const char *stub_url(const struct stub *stub)
{
    return stub->url;
}

int64_t stub_started_ns(const struct stub *stub)
{
    return stub->started_ns;
}

void stub_counts(const struct stub *stub, struct stub_counts *out)
{
    const struct stub_totals *totals = &stub->totals;
    *out = (struct stub_counts){.connections = value_of(&totals->connections),
                                .connections_now = value_of(&totals->connections_now),
                                .lists = value_of(&totals->lists),
                                .ratings = value_of(&totals->ratings),
                                .others = value_of(&totals->others),
                                .malformed = value_of(&totals->malformed),
                                .faulted = value_of(&totals->faulted),
                                .answered = value_of(&totals->answered),
                                .worse = value_of(&totals->worse),
                                .waiting_now = value_of(&totals->waiting_now),
                                .waiting_max = value_of(&totals->waiting_max)};
}

void stub_freeze(struct stub *stub, bool frozen)
{
    eventfd_t count;
    if (atomic_exchange(&stub->frozen, frozen) != frozen) {
        eventfd_write(stub->wake_fd, 1);
        eventfd_read(stub->noticed_fd, &count);
    }
}

void stub_stop(struct stub *stub)
{
    if (stub != NULL) {
        atomic_store(&stub->stopping, true);
        eventfd_write(stub->wake_fd, 1);
        pthread_join(stub->thread, NULL);
        stub_free(stub);
    }
}
