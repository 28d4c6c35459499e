#include "load/stub_int.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES ((size_t)4096)
#define REQUEST_BYTES_MAX ((size_t)64 * 1024)
#define FAULT_PURPOSE UINT64_C(0x5afe)

static void add(_Atomic int64_t *count, int64_t amount)
{
    int64_t value = atomic_load_explicit(count, memory_order_relaxed);
    atomic_store_explicit(count, value + amount, memory_order_relaxed);
}

static int64_t value_of(const _Atomic int64_t *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

/* ---- connections ---- */

static void watch(struct stub *stub, struct stub_connection *connection, uint32_t events)
{
    if (connection->armed != events) {
        struct epoll_event event = {.events = events,
                                    .data.u64 = (uint64_t)(connection - stub->connection)};
        epoll_ctl(stub->epoll_fd, EPOLL_CTL_MOD, connection->fd, &event);
        connection->armed = events;
    }
}

static void listen_on(struct stub *stub, bool on)
{
    if (stub->listening != on) {
        struct epoll_event event = {.events = on ? EPOLLIN : 0, .data.u64 = STUB_EVENT_LISTENER};
        epoll_ctl(stub->epoll_fd, EPOLL_CTL_MOD, stub->listener, &event);
        stub->listening = on;
    }
}

static void release(struct stub *stub, struct stub_connection *connection)
{
    connection->phase = STUB_PHASE_FREE;
    stub->idle[stub->idle_count++] = (int32_t)(connection - stub->connection);
    listen_on(stub, true);
}

static void hang_up(struct stub *stub, struct stub_connection *connection, bool reset)
{
    if (reset) {
        struct linger linger = {.l_onoff = 1, .l_linger = 0};
        setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    }
    close(connection->fd);
    add(&stub->totals.connections_now, -1);
    if (connection->phase == STUB_PHASE_SERVING || connection->phase == STUB_PHASE_PAUSED) {
        connection->phase = STUB_PHASE_GHOST;
    } else {
        release(stub, connection);
    }
}

void stub_take_connections(struct stub *stub)
{
    while (stub->idle_count > 0) {
        int fd = accept4(stub->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
            break; /* asked again when a connection ends, not in a circle until then */
        }
        if (fd < 0) {
            return;
        }
        int32_t place = stub->idle[--stub->idle_count];
        struct stub_connection *connection = &stub->connection[place];
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)place};
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        connection->fd = fd;
        connection->phase = STUB_PHASE_READING;
        connection->armed = EPOLLIN;
        connection->in_count = 0;
        connection->requests = 0;
        if (epoll_ctl(stub->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
            close(fd);
            release(stub, connection);
            return;
        }
        add(&stub->totals.connections, 1);
        add(&stub->totals.connections_now, 1);
    }
    listen_on(stub, value_of(&stub->totals.connections_now) == 0);
}

/* ---- requests ---- */

static bool meets_fault(const struct stub *stub, const struct stub_connection *connection)
{
    const struct stub_config *config = &stub->config;
    if (config->behaviour == STUB_NULL || config->behaviour == STUB_STALL ||
        (config->behaviour == STUB_SECOND_LOST && connection->requests % 2 != 0)) {
        return false;
    }
    if (!(config->fault_share > 0)) {
        return true;
    }
    uint64_t bits = rng_mix(config->seed ^ FAULT_PURPOSE, stub->requests);
    return (double)(bits >> 11) * 0x1p-53 < config->fault_share;
}

static uint32_t turn_of(struct stub *stub, const struct stub_request *request)
{
    bool counted =
        stub->turn != NULL && request->kind == STUB_LIST && request->user <= STUB_ROTATE_MAX;
    return counted ? stub->turn[request->user]++ : 0;
}

static void count_request(struct stub *stub, const struct stub_asked *asked)
{
    enum stub_kind kind = asked->request.kind;
    add(kind == STUB_LIST     ? &stub->totals.lists
        : kind == STUB_RATING ? &stub->totals.ratings
                              : &stub->totals.others,
        1);
    add(&stub->totals.faulted, asked->behaviour != STUB_NULL);
    add(&stub->totals.worse, asked->worse);
}

/* When the request's answer is due; begins its service. */
static int64_t due_ns(struct stub *stub, int64_t now_ns)
{
    if (stub->config.workers == 0) {
        return now_ns + stub->config.service_ns;
    }
    int64_t *free_ns = &stub->worker_free_ns[stub->next_worker];
    stub->next_worker = (stub->next_worker + 1) % stub->config.workers;
    *free_ns = (*free_ns > now_ns ? *free_ns : now_ns) + stub->config.service_ns;
    return *free_ns;
}

static void answer(struct stub *stub, struct stub_connection *connection);

static void take_request(struct stub *stub, struct stub_connection *connection, int64_t now_ns)
{
    struct stub_asked *asked = &connection->asked;
    const struct stub_config *config = &stub->config;
    bool is_list = asked->request.kind == STUB_LIST;
    int64_t waiting = value_of(&stub->totals.waiting_now);
    connection->requests++;
    connection->sent = 0;
    asked->number = stub->requests++;
    asked->behaviour = meets_fault(stub, connection) ? config->behaviour : STUB_NULL;
    asked->worse = is_list && config->worse_at > 0 && waiting >= config->worse_at;
    asked->turn = turn_of(stub, &asked->request);
    count_request(stub, asked);
    connection->timed = config->service_ns > 0 && !asked->worse &&
                        (is_list || (asked->request.kind == STUB_RATING && !config->ratings_free));
    if (!connection->timed) {
        answer(stub, connection);
        return;
    }
    connection->phase = STUB_PHASE_SERVING;
    due_heap_push(&stub->due, due_ns(stub, now_ns), (int32_t)(connection - stub->connection));
    add(&stub->totals.waiting_now, 1);
    if (waiting + 1 > value_of(&stub->totals.waiting_max)) {
        add(&stub->totals.waiting_max, waiting + 1 - value_of(&stub->totals.waiting_max));
    }
}

/* Begins the next request if one is whole. */
static bool next_request(struct stub *stub, struct stub_connection *connection)
{
    switch (stub_request_read(connection->in, connection->in_count, &connection->asked.request,
                              &connection->in_used)) {
    case STUB_WHOLE:
        take_request(stub, connection, clock_mono_ns());
        return true;
    case STUB_UNFINISHED:
        watch(stub, connection, EPOLLIN);
        return false;
    case STUB_MALFORMED:
        break;
    }
    add(&stub->totals.malformed, 1);
    hang_up(stub, connection, false);
    return false;
}

/* Of requests sent in one go, each is begun when the one before it is answered. */
static void go_on(struct stub *stub, struct stub_connection *connection)
{
    while (connection->phase == STUB_PHASE_READING && next_request(stub, connection)) {
    }
}

static bool make_room(struct stub_connection *connection)
{
    if (connection->in_count < connection->in_room) {
        return true;
    }
    size_t room = connection->in_room > 0 ? 2 * connection->in_room : READ_BYTES;
    char *in = room <= REQUEST_BYTES_MAX ? mem_try_resize(connection->in, room) : NULL;
    if (in != NULL) {
        connection->in = in;
        connection->in_room = room;
    }
    return in != NULL;
}

static void receive(struct stub *stub, struct stub_connection *connection, bool gone)
{
    if (!make_room(connection)) {
        if (connection->phase == STUB_PHASE_READING || gone) {
            add(&stub->totals.malformed, connection->phase == STUB_PHASE_READING);
            hang_up(stub, connection, false);
        } else {
            watch(stub, connection, connection->armed & ~(uint32_t)EPOLLIN);
        }
        return;
    }
    ssize_t got = recv(connection->fd, connection->in + connection->in_count,
                       connection->in_room - connection->in_count, 0);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            hang_up(stub, connection, false);
        }
        return;
    }
    connection->in_count += (size_t)got;
    go_on(stub, connection);
}

/* ---- answers ---- */

static void finish(struct stub *stub, struct stub_connection *connection)
{
    add(&stub->totals.answered,
        connection->answer.after == STUB_KEEP || connection->answer.after == STUB_CLOSE);
    switch (connection->answer.after) {
    case STUB_HOLD:
        connection->phase = STUB_PHASE_HELD;
        watch(stub, connection, EPOLLIN);
        return;
    case STUB_KEEP:
        connection->in_count -= connection->in_used;
        memmove(connection->in, connection->in + connection->in_used, connection->in_count);
        connection->phase = STUB_PHASE_READING;
        return;
    case STUB_CLOSE:
    case STUB_RESET_NOW:
        connection->phase = STUB_PHASE_READING;
        hang_up(stub, connection, connection->answer.after == STUB_RESET_NOW);
        return;
    }
}

/* What comes next of the answer, to be sent in one go. */
static size_t next_piece(const struct stub_connection *connection, const char **bytes)
{
    const struct stub_answer *answer = &connection->answer;
    size_t count, own = answer->bytes.len;
    if (connection->sent < own) {
        size_t end =
            connection->sent < answer->pause_at && answer->pause_at < own ? answer->pause_at : own;
        *bytes = answer->bytes.data + connection->sent;
        count = end - connection->sent;
    } else {
        size_t filled = connection->sent - own;
        size_t at = answer->filler_bytes > 0 ? filled % answer->filler_bytes : 0;
        *bytes = answer->filler + at;
        count = filled < answer->fill_bytes ? answer->filler_bytes - at : 0;
    }
    return answer->dribble && count > 1 ? 1 : count;
}

/* Sends until the socket is full, a pause begins or all is out. */
static void send_on(struct stub *stub, struct stub_connection *connection)
{
    const char *bytes;
    size_t count;
    while ((count = next_piece(connection, &bytes)) > 0) {
        ssize_t sent = send(connection->fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            connection->phase = STUB_PHASE_READING;
            hang_up(stub, connection, false);
            return;
        }
        connection->sent += sent > 0 ? (size_t)sent : 0;
        if (sent > 0 && connection->sent == connection->answer.pause_at) {
            connection->phase = STUB_PHASE_PAUSED;
            connection->answer.pause_at = SIZE_MAX;
            watch(stub, connection, EPOLLIN);
            due_heap_push(&stub->due, clock_mono_ns() + stub->config.slow_ns,
                          (int32_t)(connection - stub->connection));
            return;
        }
        if (sent < (ssize_t)count || connection->answer.dribble) {
            connection->phase = STUB_PHASE_SENDING;
            watch(stub, connection, EPOLLIN | EPOLLOUT);
            return;
        }
    }
    finish(stub, connection);
}

static void answer(struct stub *stub, struct stub_connection *connection)
{
    if (!stub_answer_make(&connection->answer, &stub->films, &connection->asked)) {
        connection->phase = STUB_PHASE_READING;
        hang_up(stub, connection, false);
        return;
    }
    send_on(stub, connection);
}

void stub_take_due(struct stub *stub)
{
    int64_t now_ns = stub->due.count > 0 ? clock_mono_ns() : 0;
    while (due_heap_next_ns(&stub->due) <= now_ns) {
        struct stub_connection *connection = &stub->connection[due_heap_pop(&stub->due).owner];
        enum stub_phase phase = connection->phase;
        bool served =
            phase == STUB_PHASE_SERVING || (phase == STUB_PHASE_GHOST && connection->sent == 0);
        if (connection->timed && served) {
            add(&stub->totals.waiting_now, -1);
        }
        if (phase == STUB_PHASE_GHOST) {
            release(stub, connection);
        } else if (phase == STUB_PHASE_SERVING) {
            answer(stub, connection);
        } else {
            send_on(stub, connection);
        }
        go_on(stub, connection);
    }
}

void stub_treat(struct stub *stub, struct stub_connection *connection, uint32_t events)
{
    if (events & EPOLLOUT && connection->phase == STUB_PHASE_SENDING) {
        send_on(stub, connection);
        go_on(stub, connection);
    } else if (connection->phase != STUB_PHASE_FREE && connection->phase != STUB_PHASE_GHOST) {
        receive(stub, connection, (events & (EPOLLHUP | EPOLLERR)) != 0);
    }
}
