/*
 * HTTP/1.1 by hand behind the transport table: one epoll set a worker, one request at a time on a
 * connection, one send and one receive an exchange. Libcurl opens the connections (connector.h) and
 * is not met again on one in the clear.
 *
 * A connection is in one of three lists: unused, idle (standing, by address, the last used on top,
 * so that few connections stay warm at a low rate) or busy. All exchanges have the same timeout, so
 * the busy list, in the order of the starts, is also the order of the deadlines, and the next one
 * is its head.
 *
 * A connection's registration with epoll never changes in steady state: level-triggered, readable.
 * That also shows at once when an idle connection is closed at the other end; it is closed here
 * before a request can get lost on it. Nothing is ever sent twice: a request whose connection
 * breaks is an exchange without an answer. Bytes that belong to no request close the connection,
 * or the next person would be given them as an answer.
 *
 * Closing bumps the connection's generation, and events carry the generation they were registered
 * with: what epoll had reported before the close does not touch the next connection.
 */
#include "load/transport.h"

#include "base/clock.h"
#include "base/mem.h"
#include "load/connector.h"
#include "load/curl_failure.h"
#include "load/event_wait.h"
#include "load/http1_request.h"
#include "load/http1_response.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define OUTCOMES_MAX 64
#define INPUT_BYTES ((size_t)64 * 1024)
#define CONNECTOR_EVENT UINT64_MAX
#define NONE (-1)

struct chain { /* of connections, by index */
    int first, last;
};

struct connection {
    struct link *link;         /* NULL = not even on its way */
    struct exchange *exchange; /* NULL unless busy */
    struct chain *chain;       /* the list it is in */
    int before, after;         /* in that list, or NONE */
    int address;
    uint32_t generation;
    bool standing, used; /* used: has carried a request */
    bool watches_output;
    int64_t deadline_ns;
    struct http1_response response;
    struct buf unsent; /* what the kernel did not take at once */
    size_t unsent_from;
};

struct transport {
    struct transport_config config;
    struct connector *connector;
    int epoll_fd;
    struct connection *connection;                      /* [slots] */
    struct http1_request request[TRANSPORT_SHAPES_MAX]; /* of each shape */
    int address_of[TRANSPORT_SHAPES_MAX];               /* of each shape */
    const char *address[TRANSPORT_SHAPES_MAX];
    int addresses;
    struct chain unused, busy, idle[TRANSPORT_SHAPES_MAX];
    struct exchange **finished; /* [slots], not told yet */
    int finished_count;
    char *out;   /* a request being written */
    char *input; /* [INPUT_BYTES] */
};

/* ---- lists of connections ---- */

static void chain_leave(struct transport *transport, struct connection *connection)
{
    struct chain *chain = connection->chain;
    int *from_before = connection->before != NONE ? &transport->connection[connection->before].after
                                                  : &chain->first;
    int *from_after =
        connection->after != NONE ? &transport->connection[connection->after].before : &chain->last;
    *from_before = connection->after;
    *from_after = connection->before;
    connection->chain = NULL;
}

/* Moves a connection to the front of a list. */
static void chain_push(struct transport *transport, struct chain *chain,
                       struct connection *connection)
{
    int index = (int)(connection - transport->connection);
    if (connection->chain != NULL) {
        chain_leave(transport, connection);
    }
    connection->chain = chain;
    connection->before = NONE;
    connection->after = chain->first;
    *(chain->first != NONE ? &transport->connection[chain->first].before : &chain->last) = index;
    chain->first = index;
}

/* Moves a connection to the end of a list. */
static void chain_append(struct transport *transport, struct chain *chain,
                         struct connection *connection)
{
    int index = (int)(connection - transport->connection);
    if (connection->chain != NULL) {
        chain_leave(transport, connection);
    }
    connection->chain = chain;
    connection->before = chain->last;
    connection->after = NONE;
    *(chain->last != NONE ? &transport->connection[chain->last].after : &chain->first) = index;
    chain->last = index;
}

/* ---- connections ---- */

static bool watch(struct transport *transport, struct connection *connection, int operation,
                  bool output)
{
    uint64_t index = (uint64_t)(connection - transport->connection);
    struct epoll_event event = {.events = EPOLLIN | (output ? EPOLLOUT : 0u),
                                .data.u64 = (uint64_t)connection->generation << 32 | index};
    connection->watches_output = output;
    return epoll_ctl(transport->epoll_fd, operation, link_fd(connection->link), &event) == 0;
}

static void connection_close(struct transport *transport, struct connection *connection)
{
    if (connection->standing) {
        epoll_ctl(transport->epoll_fd, EPOLL_CTL_DEL, link_fd(connection->link), NULL);
    }
    link_close(transport->connector, connection->link);
    connection->link = NULL;
    connection->standing = connection->used = false;
    connection->generation++;
    chain_push(transport, &transport->unused, connection);
}

/* A connection for a request to this address: a standing one, or one to be dialled. */
static struct connection *find_connection(struct transport *transport, int address)
{
    if (transport->idle[address].first != NONE) {
        return &transport->connection[transport->idle[address].first];
    }
    for (int other = 0; transport->unused.first == NONE; other++) {
        assert(other < transport->addresses); /* there are as many connections as slots */
        if (transport->idle[other].last != NONE) {
            connection_close(transport, &transport->connection[transport->idle[other].last]);
        }
    }
    return &transport->connection[transport->unused.first];
}

/* The exchange of this connection is over; so is the connection, unless it may be kept. */
static void finish(struct transport *transport, struct connection *connection,
                   enum exchange_failure failure, const char *reason, int64_t now_ns, bool keep)
{
    struct exchange *exchange = connection->exchange;
    const struct http1_response *response = &connection->response;
    exchange->failure = failure;
    exchange->reason = reason;
    exchange->done_ns = now_ns;
    if (failure == EXCHANGE_ANSWERED || (failure == EXCHANGE_TOO_LONG && exchange->answer.failed)) {
        exchange->status = response->status;
    }
    if ((exchange->status == 429 || exchange->status == 503) && response->retry_after[0] != '\0') {
        exchange->retry_after_s = curl_retry_after_s(response->retry_after);
    }
    connection->exchange = NULL;
    transport->finished[transport->finished_count++] = exchange;
    if (keep) {
        chain_push(transport, &transport->idle[connection->address], connection);
    } else {
        connection_close(transport, connection);
    }
}

/* ---- sending ---- */

static size_t shape_index(const struct transport *transport, const struct request_shape *shape)
{
    size_t index = 0;
    while (transport->config.shape[index] != shape) {
        index++;
        assert(index < transport->config.shape_count);
    }
    return index;
}

static const char lost_text[] = "connection closed before an answer";

/* Keeps what was not taken for when the socket can take more. */
static void send_rest_later(struct transport *transport, struct connection *connection,
                            const char *bytes, size_t len)
{
    buf_reset(&connection->unsent);
    connection->unsent_from = 0;
    if (!buf_add(&connection->unsent, bytes, len) ||
        !watch(transport, connection, EPOLL_CTL_MOD, true)) {
        finish(transport, connection, EXCHANGE_OTHER, "no memory to send the request",
               clock_mono_ns(), false);
    }
}

static void send_request(struct transport *transport, struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    size_t shape = shape_index(transport, exchange->shape);
    size_t len = http1_request_write(&transport->request[shape], exchange, transport->out);
    exchange->kept = connection->used;
    connection->used = true;
    ssize_t sent = link_send(connection->link, transport->out, len);
    int64_t now_ns = clock_mono_ns();
    if (sent == (ssize_t)len) {
        exchange->sent_ns = now_ns;
    } else if (sent == LINK_BROKEN) {
        finish(transport, connection, EXCHANGE_RESET, lost_text, now_ns, false);
    } else {
        size_t taken = sent > 0 ? (size_t)sent : 0;
        send_rest_later(transport, connection, transport->out + taken, len - taken);
    }
}

static void send_rest(struct transport *transport, struct connection *connection)
{
    struct buf *unsent = &connection->unsent;
    ssize_t sent = link_send(connection->link, unsent->data + connection->unsent_from,
                             unsent->len - connection->unsent_from);
    if (sent == LINK_AGAIN) {
        return;
    }
    if (sent == LINK_BROKEN) {
        /* The answer may have come before the target stopped reading; it is read first. */
        watch(transport, connection, EPOLL_CTL_MOD, false);
        return;
    }
    connection->unsent_from += (size_t)sent;
    if (connection->unsent_from == unsent->len) {
        connection->exchange->sent_ns = clock_mono_ns();
        watch(transport, connection, EPOLL_CTL_MOD, false);
    }
}

static void http1_start(struct transport *transport, struct exchange *exchange)
{
    int address = transport->address_of[shape_index(transport, exchange->shape)];
    struct connection *connection = find_connection(transport, address);
    assert(exchange->slot >= 0 && exchange->slot < transport->config.slots);
    exchange_clear(exchange);
    connection->exchange = exchange;
    connection->deadline_ns =
        clock_mono_ns() + (int64_t)transport->config.timeout_ms * CLOCK_NS_PER_MS;
    http1_response_begin(&connection->response);
    buf_reset(&connection->unsent);
    chain_append(transport, &transport->busy, connection);
    if (connection->standing) {
        send_request(transport, connection);
        return;
    }
    connection->address = address;
    connection->link = connector_dial(transport->connector, transport->address[address],
                                      (int)(connection - transport->connection));
    if (connection->link == NULL) {
        finish(transport, connection, EXCHANGE_OTHER, "libcurl could not begin to connect",
               clock_mono_ns(), false);
    }
}

/* ---- receiving ---- */

static bool sent_whole(const struct connection *connection)
{
    return connection->exchange->sent_ns != 0;
}

static void conclude(struct transport *transport, struct connection *connection,
                     enum http1_verdict verdict, bool left_over, int64_t now_ns)
{
    struct http1_response *response = &connection->response;
    bool keep;
    switch (verdict) {
    case HTTP1_MORE:
        return;
    case HTTP1_WHOLE:
        keep = response->keep && !left_over && sent_whole(connection);
        finish(transport, connection, EXCHANGE_ANSWERED, NULL, now_ns, keep);
        return;
    case HTTP1_MALFORMED:
        finish(transport, connection, EXCHANGE_PROTOCOL, response->problem, now_ns, false);
        return;
    case HTTP1_HEAD_TOO_LONG:
        finish(transport, connection, EXCHANGE_TOO_LONG, "head of the answer too long", now_ns,
               false);
        return;
    case HTTP1_BODY_TOO_LONG:
        finish(transport, connection, EXCHANGE_TOO_LONG, "answer too long", now_ns, false);
        return;
    case HTTP1_CUT:
        finish(transport, connection, EXCHANGE_RESET,
               response->begun ? "connection closed in the middle of an answer" : lost_text, now_ns,
               false);
    }
}

/* The other side ended the connection, or the network did. */
static void end_input(struct transport *transport, struct connection *connection, bool broken,
                      int64_t now_ns)
{
    if (connection->exchange == NULL) {
        connection_close(transport, connection);
        return;
    }
    enum http1_verdict verdict = broken ? HTTP1_CUT : http1_response_end(&connection->response);
    conclude(transport, connection, verdict, false, now_ns);
}

static void take_input(struct transport *transport, struct connection *connection, size_t len,
                       int64_t now_ns)
{
    struct exchange *exchange = connection->exchange;
    size_t used;
    if (exchange == NULL) { /* nobody asked */
        connection_close(transport, connection);
        return;
    }
    enum http1_verdict verdict =
        http1_response_feed(&connection->response, transport->input, len, &exchange->answer, &used);
    if (!connection->response.begun) {
        exchange->first_byte_ns = 0;
    } else if (exchange->first_byte_ns == 0) {
        exchange->first_byte_ns = now_ns;
    }
    conclude(transport, connection, verdict, used < len, now_ns);
}

static void receive(struct transport *transport, struct connection *connection)
{
    bool more = true;
    while (more && connection->standing) {
        ssize_t got = link_receive(connection->link, transport->input, INPUT_BYTES, &more);
        if (got == LINK_AGAIN) {
            return;
        }
        int64_t now_ns = clock_mono_ns();
        if (got > 0) {
            take_input(transport, connection, (size_t)got, now_ns);
        } else {
            end_input(transport, connection, got == LINK_BROKEN, now_ns);
            return;
        }
    }
}

/* ---- waiting ---- */

static void take_event(struct transport *transport, const struct epoll_event *event)
{
    struct connection *connection = &transport->connection[event->data.u64 & UINT32_MAX];
    if (connection->generation != event->data.u64 >> 32) {
        return;
    }
    if ((event->events & EPOLLOUT) != 0 && connection->watches_output &&
        connection->exchange != NULL) {
        send_rest(transport, connection);
    }
    if ((event->events & ~(uint32_t)EPOLLOUT) != 0) {
        receive(transport, connection);
    }
}

static void drive_connector(struct transport *transport)
{
    struct connector_outcome outcome[OUTCOMES_MAX];
    int count;
    do {
        count = connector_drive(transport->connector, outcome, OUTCOMES_MAX);
        for (int i = 0; i < count; i++) {
            struct connection *connection = &transport->connection[outcome[i].owner];
            if (outcome[i].failure != EXCHANGE_ANSWERED) {
                finish(transport, connection, outcome[i].failure, outcome[i].reason,
                       clock_mono_ns(), false);
                continue;
            }
            connection->standing = true;
            connection->exchange->connected_ns = outcome[i].connected_ns;
            if (watch(transport, connection, EPOLL_CTL_ADD, false)) {
                send_request(transport, connection);
            } else {
                finish(transport, connection, EXCHANGE_OTHER, "epoll takes no more descriptors",
                       clock_mono_ns(), false);
            }
        }
    } while (count == OUTCOMES_MAX);
}

static void expire(struct transport *transport, int64_t now_ns)
{
    while (transport->busy.first != NONE) {
        struct connection *connection = &transport->connection[transport->busy.first];
        if (connection->deadline_ns > now_ns) {
            return;
        }
        finish(transport, connection, EXCHANGE_TIMEOUT,
               connection->standing ? "no whole answer in time" : "no connection in time", now_ns,
               false);
    }
}

static int wait_events(struct transport *transport, int64_t until_ns, struct epoll_event *events)
{
    int64_t connector_ns = connector_due_ns(transport->connector);
    until_ns = connector_ns < until_ns ? connector_ns : until_ns;
    if (transport->busy.first != NONE) {
        int64_t deadline_ns = transport->connection[transport->busy.first].deadline_ns;
        until_ns = deadline_ns < until_ns ? deadline_ns : until_ns;
    }
    return event_wait(transport->epoll_fd, events, EVENTS_MAX,
                      transport->finished_count > 0 ? 0 : until_ns);
}

static int http1_wait(struct transport *transport, int64_t until_mono_ns, struct exchange **done)
{
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        int ready = wait_events(transport, until_mono_ns, events);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.u64 != CONNECTOR_EVENT) {
                take_event(transport, &events[i]);
            }
        }
        drive_connector(transport);
        int64_t now_ns = clock_mono_ns();
        expire(transport,
               now_ns); /* after the events: what came in time counts, however late seen */
        int count = transport->finished_count;
        if (count > 0 || ready < 0 || now_ns >= until_mono_ns) {
            memcpy(done, transport->finished, (size_t)count * sizeof(struct exchange *));
            transport->finished_count = 0;
            return count;
        }
    }
}

/* ---- life ---- */

static void http1_close(struct transport *transport)
{
    for (int i = 0; i < transport->config.slots; i++) {
        struct connection *connection = &transport->connection[i];
        link_close(transport->connector, connection->link);
        http1_response_deinit(&connection->response);
        buf_deinit(&connection->unsent);
    }
    connector_close(transport->connector);
    for (size_t i = 0; i < transport->config.shape_count; i++) {
        http1_request_deinit(&transport->request[i]);
    }
    if (transport->epoll_fd >= 0) {
        close(transport->epoll_fd);
    }
    mem_free(transport->connection);
    mem_free(transport->finished);
    mem_free(transport->out);
    mem_free(transport->input);
    mem_free(transport);
}

static int address_index(struct transport *transport, const char *base_url)
{
    for (int i = 0; i < transport->addresses; i++) {
        if (strcmp(transport->address[i], base_url) == 0) {
            return i;
        }
    }
    transport->idle[transport->addresses] = (struct chain){NONE, NONE};
    transport->address[transport->addresses] = base_url;
    return transport->addresses++;
}

static void set_up(struct transport *transport)
{
    const struct transport_config *config = &transport->config;
    size_t longest = 0;
    for (size_t i = 0; i < config->shape_count; i++) {
        http1_request_init(&transport->request[i], config->shape[i]);
        transport->address_of[i] = address_index(transport, config->shape[i]->base_url);
        size_t most = http1_request_max_bytes(&transport->request[i]);
        longest = most > longest ? most : longest;
    }
    transport->out = mem_array(longest, 1);
    transport->input = mem_array(INPUT_BYTES, 1);
    transport->finished = mem_zalloc((size_t)config->slots, sizeof(struct exchange *));
    transport->connection = mem_zalloc((size_t)config->slots, sizeof *transport->connection);
    transport->unused = transport->busy = (struct chain){NONE, NONE};
    for (int i = 0; i < config->slots; i++) {
        struct connection *connection = &transport->connection[i];
        http1_response_init(&connection->response, TRANSPORT_HEAD_MAX_BYTES);
        buf_init(&connection->unsent, longest);
        chain_append(transport, &transport->unused, connection);
    }
}

static enum err http1_open(const struct transport_config *config, struct transport **out,
                           struct error *error)
{
    assert(config->slots >= 1 && config->timeout_ms >= 1);
    assert(config->shape_count >= 1 && config->shape_count <= TRANSPORT_SHAPES_MAX);
    if (config->http2) {
        return error_set(error, ERR_USAGE, NULL, 0, "the http1 transport does not speak HTTP/2");
    }
    struct transport *transport = mem_zalloc(1, sizeof *transport);
    transport->config = *config;
    set_up(transport);
    transport->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    enum err code = connector_open(&transport->connector, error);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = CONNECTOR_EVENT};
    if (code == ERR_OK &&
        (transport->epoll_fd < 0 || epoll_ctl(transport->epoll_fd, EPOLL_CTL_ADD,
                                              connector_fd(transport->connector), &event) != 0)) {
        char text[64];
        code = error_set(error, ERR_NETWORK, NULL, 0, "epoll: %s",
                         err_errno_text(errno, text, sizeof text));
    }
    if (code != ERR_OK) {
        http1_close(transport);
        return code;
    }
    *out = transport;
    return ERR_OK;
}

const struct transport_class transport_http1 = {
    .name = "http1",
    .open = http1_open,
    .start = http1_start,
    .wait = http1_wait,
    .close = http1_close,
};
