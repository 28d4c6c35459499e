/*
 * The server is a libmicrohttpd daemon: one epoll loop a thread, connections stay with the thread
 * that accepted them, and a handler runs on that thread, so a slow handler delays the connections
 * beside it. Handlers here answer from memory in microseconds; a thread a connection would cost
 * more than it saves. The library sets TCP_NODELAY on what it accepts.
 *
 * Held requests. The library can take a connection out of its loop (suspend) and put it back
 * (resume) from any thread. The reply is not queued by the thread that sends it, although the
 * library allows that: it is left in the connection's own record, and the serving thread, which is
 * called again for a resumed connection, queues it. So everything but the resume itself happens on
 * the serving thread, and the library's mutex around suspend and resume orders the accesses. While
 * suspended a connection cannot be closed, whatever its client does. The library must not be
 * stopped with a suspended connection, so httpd_stop waits for all; answering 503 in the holder's
 * place was rejected, because the holder may be reading the request at that moment.
 *
 * Bodies over the limit: a moderate excess is read and dropped, so that the client, which often
 * writes everything before it reads, gets to see the 413. A declared length further beyond is
 * answered at once and the connection closed; a chunked body that long is cut without an answer.
 *
 * What the library refuses by itself (malformed heads, heads over 32 KiB) it answers with a small
 * HTML page of its own. If it had come as far as the request line, the handler is told afterwards.
 */
#include "base/httpd.h"

#include "base/clock.h"
#include "base/httpd_int.h"
#include "base/httpd_listen.h"
#include "base/mem.h"
#include "base/text.h"

#include <assert.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    IDLE_TIMEOUT_S = 75,
    HEAD_MAX_MS = 75000,
    BODY_MAX_MS = 30000,
    DROP_EXTRA_BYTES = 1 << 20,
    KEPT_BODY_BYTES = 4096, /* a larger buffer is not kept for the connection's next request */
    FLUSH_MS = 2000
};

static void init_reply(const struct httpd *httpd, struct httpd_reply *reply)
{
    *reply = (struct httpd_reply){.status = MHD_HTTP_OK, .content_type = "application/json"};
    buf_init(&reply->body, httpd->reply_max_bytes);
}

/* ---- what handlers look up ---- */

struct query_search {
    const char *name, *first;
    size_t count;
};

static enum MHD_Result visit_query(void *context, enum MHD_ValueKind kind, const char *name,
                                   size_t name_len, const char *value, size_t value_len)
{
    (void)kind;
    struct query_search *search = context;
    if (strlen(search->name) == name_len && memcmp(search->name, name, name_len) == 0) {
        if (search->count++ == 0) {
            search->first = value == NULL                ? ""
                            : strlen(value) == value_len ? value
                                                         : "\xef\xbf\xbd";
        }
    }
    return MHD_YES;
}

static const char *look_up(void *context, enum httpd_field field, const char *name, size_t *count)
{
    if (field == HTTPD_HEADER) {
        const char *value = MHD_lookup_connection_value(context, MHD_HEADER_KIND, name);
        *count += value != NULL;
        return value;
    }
    struct query_search search = {.name = name};
    MHD_get_connection_values_n(context, MHD_GET_ARGUMENT_KIND, visit_query, &search);
    *count += search.count;
    return search.first;
}

static const char *find(const struct httpd_request *request, enum httpd_field field,
                        const char *name, size_t *count)
{
    *count = 0;
    return request->lookup != NULL ? request->lookup(request->lookup_context, field, name, count)
                                   : NULL;
}

const char *httpd_query(const struct httpd_request *request, const char *name)
{
    size_t count;
    return find(request, HTTPD_QUERY, name, &count);
}

size_t httpd_query_count(const struct httpd_request *request, const char *name)
{
    size_t count;
    find(request, HTTPD_QUERY, name, &count);
    return count;
}

const char *httpd_header(const struct httpd_request *request, const char *name)
{
    size_t count;
    return find(request, HTTPD_HEADER, name, &count);
}

/* ---- one request ---- */

static void finish_request(struct httpd_held *exchange)
{
    const char *method = exchange->request.method;
    struct httpd_request *request = &exchange->request;
    request->head = method != NULL && strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    request->method = request->head ? MHD_HTTP_METHOD_GET : method != NULL ? method : "";
    const char *mark = exchange->uri.len > 0 ? strchr(exchange->uri.data, '?') : NULL;
    request->query = mark != NULL ? mark + 1 : "";
    bool whole = request->refused == 0 && exchange->body.len > 0;
    request->body = whole ? exchange->body.data : "";
    request->body_len = whole ? exchange->body.len : 0;
    request->loopback = exchange->loopback;
}

static enum MHD_Result deliver_refusal(struct httpd_held *exchange, struct httpd_reply *reply)
{
    reply->status = exchange->request.refused;
    buf_text(&reply->body, reply->status == MHD_HTTP_CONTENT_TOO_LARGE
                               ? "{\"detail\":\"request body too large\"}\n"
                               : "{\"detail\":\"out of memory\"}\n");
    return httpd_deliver(exchange, reply);
}

static enum MHD_Result run_handler(struct httpd_held *exchange)
{
    struct httpd *httpd = exchange->httpd;
    struct httpd_reply reply;
    finish_request(exchange);
    exchange->request.lookup = look_up;
    exchange->request.lookup_context = exchange->connection;
    exchange->request.holdable = exchange;
    exchange->handled = true;
    init_reply(httpd, &reply);
    if (exchange->request.refused != 0 && !httpd->tell_refused) {
        return deliver_refusal(exchange, &reply);
    }
    httpd->handler(httpd->context, &exchange->request, &reply);
    if (exchange->held) { /* and maybe sent already, by another thread */
        buf_deinit(&reply.body);
        return MHD_YES;
    }
    return httpd_deliver(exchange, &reply);
}

/* For requests that got, or get, no answer of ours. */
static void tell_handler(struct httpd_held *exchange, int status)
{
    struct httpd_reply reply;
    exchange->request.refused = status;
    finish_request(exchange);
    if (exchange->request.path == NULL) { /* as sent, up to the query */
        char *path = exchange->uri.len > 0 ? exchange->uri.data : NULL;
        if (path != NULL) {
            path[strcspn(path, "?")] = '\0';
        }
        exchange->request.path = path != NULL ? path : "";
    }
    exchange->request.lookup = NULL;
    exchange->request.holdable = NULL;
    exchange->handled = true;
    init_reply(exchange->httpd, &reply);
    exchange->httpd->handler(exchange->httpd->context, &exchange->request, &reply);
    buf_deinit(&reply.body);
}

/* The request line was read: the first the library tells of a request. */
static void *on_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
    (void)context;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct httpd_held *exchange = info != NULL ? info->socket_context : NULL;
    if (exchange != NULL) {
        exchange->connection = connection;
        exchange->request = (struct httpd_request){.method = NULL};
        exchange->received_bytes = 0;
        exchange->begun = exchange->handled = exchange->held = exchange->sent = false;
        buf_reset(&exchange->body);
        buf_reset(&exchange->uri);
        if (!buf_text(&exchange->uri, uri)) {
            exchange->request.refused = MHD_HTTP_SERVICE_UNAVAILABLE;
        }
    }
    return exchange;
}

static enum MHD_Result begin(struct httpd_held *exchange, const char *path, const char *method)
{
    struct httpd *httpd = exchange->httpd;
    const char *length_text = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND,
                                                          MHD_HTTP_HEADER_CONTENT_LENGTH);
    int64_t length = 0;
    exchange->begun = true;
    exchange->request.path = path;
    exchange->request.method = method;
    if (length_text != NULL && text_to_i64(length_text, &length) &&
        (uint64_t)length > (uint64_t)httpd->body_max_bytes + DROP_EXTRA_BYTES) {
        exchange->request.refused = MHD_HTTP_CONTENT_TOO_LARGE;
        return link_enter(&httpd->links, &exchange->link, LINK_ANSWER) ? run_handler(exchange)
                                                                       : MHD_NO;
    }
    return link_enter(&httpd->links, &exchange->link, LINK_BODY) ? MHD_YES : MHD_NO;
}

static enum MHD_Result take_body(struct httpd_held *exchange, const char *bytes, size_t count)
{
    size_t max_bytes = exchange->httpd->body_max_bytes;
    exchange->received_bytes += count;
    if (exchange->received_bytes > max_bytes) {
        exchange->request.refused = MHD_HTTP_CONTENT_TOO_LARGE;
        return exchange->received_bytes - max_bytes > DROP_EXTRA_BYTES ? MHD_NO : MHD_YES;
    }
    if (!buf_add(&exchange->body, bytes, count)) {
        exchange->request.refused = MHD_HTTP_SERVICE_UNAVAILABLE;
    }
    return MHD_YES;
}

/* Called at the head of a request, with each piece of its body, at the end, and after a held
 * request was sent. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **slot)
{
    (void)context;
    (void)connection;
    (void)version;
    struct httpd_held *exchange = *slot;
    if (exchange == NULL) {
        return MHD_NO; /* there was no memory for the connection's record */
    }
    if (!exchange->begun) {
        return begin(exchange, url, method);
    }
    if (exchange->sent) {
        return httpd_deliver(exchange, &exchange->reply);
    }
    if (*upload_size > 0) {
        size_t count = *upload_size;
        *upload_size = 0;
        return take_body(exchange, upload, count);
    }
    return link_enter(&exchange->httpd->links, &exchange->link, LINK_ANSWER) ? run_handler(exchange)
                                                                             : MHD_NO;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode reason)
{
    (void)connection;
    struct httpd *httpd = context;
    struct httpd_held *exchange = *slot;
    if (exchange == NULL) {
        return;
    }
    if (httpd->tell_refused && !exchange->handled &&
        reason != MHD_REQUEST_TERMINATED_DAEMON_SHUTDOWN) {
        int status = exchange->request.refused != 0  ? exchange->request.refused
                     : link_expired(&exchange->link) ? MHD_HTTP_REQUEST_TIMEOUT
                                                     : MHD_HTTP_BAD_REQUEST;
        tell_handler(exchange, status);
    }
    if (exchange->held) {
        buf_deinit(&exchange->reply.body); /* if its client has gone before it was delivered */
        pthread_mutex_lock(&httpd->mutex);
        httpd->unfinished--;
        pthread_cond_signal(&httpd->quiet);
        pthread_mutex_unlock(&httpd->mutex);
    }
    if (exchange->body.capacity > KEPT_BODY_BYTES) {
        buf_deinit(&exchange->body);
        buf_init(&exchange->body, httpd->body_max_bytes);
    }
    (void)link_enter(&httpd->links, &exchange->link, LINK_HEAD);
    *slot = NULL;
}

/* ---- held requests ---- */

struct httpd_held *httpd_hold(const struct httpd_request *request)
{
    struct httpd_held *exchange = request->holdable;
    if (exchange == NULL || request->refused != 0) {
        return NULL;
    }
    assert(!exchange->held);
    struct httpd *httpd = exchange->httpd;
    pthread_mutex_lock(&httpd->mutex);
    bool good = !httpd->stopping;
    httpd->held += good;
    httpd->unfinished += good;
    pthread_mutex_unlock(&httpd->mutex);
    if (!good) {
        return NULL;
    }
    exchange->held = true;
    MHD_suspend_connection(exchange->connection); /* before anybody else can resume it */
    return exchange;
}

const struct httpd_request *httpd_held_request(const struct httpd_held *held)
{
    return &held->request;
}

void httpd_reply_init(const struct httpd_held *held, struct httpd_reply *reply)
{
    init_reply(held->httpd, reply);
}

void httpd_send(struct httpd_held *held, struct httpd_reply *reply)
{
    struct httpd *httpd = held->httpd;
    held->reply = *reply;
    held->sent = true;
    MHD_resume_connection(held->connection);
    pthread_mutex_lock(&httpd->mutex);
    httpd->held--;
    pthread_cond_signal(&httpd->quiet);
    pthread_mutex_unlock(&httpd->mutex);
}

static void await_held(struct httpd *httpd)
{
    pthread_mutex_lock(&httpd->mutex);
    while (httpd->held > 0) {
        pthread_cond_wait(&httpd->quiet, &httpd->mutex);
    }
    int64_t until_ns = clock_mono_ns() + FLUSH_MS * CLOCK_NS_PER_MS;
    const struct timespec until = {.tv_sec = until_ns / CLOCK_NS_PER_S,
                                   .tv_nsec = until_ns % CLOCK_NS_PER_S};
    while (httpd->unfinished > 0 &&
           pthread_cond_timedwait(&httpd->quiet, &httpd->mutex, &until) == 0) {
    }
    pthread_mutex_unlock(&httpd->mutex);
}

/* ---- the server ---- */

static bool is_loopback(const struct sockaddr *address)
{
    if (address != NULL && address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const void *)address;
        return ntohl(four->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    if (address != NULL && address->sa_family == AF_INET6) {
        return IN6_IS_ADDR_LOOPBACK(
            &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
    }
    return false;
}

static void *open_connection(struct httpd *httpd, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *address =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct httpd_held *exchange = mem_try_alloc(sizeof(*exchange));
    if (exchange == NULL || fd == NULL) {
        mem_free(exchange);
        return NULL;
    }
    memset(exchange, 0, sizeof(*exchange));
    exchange->httpd = httpd;
    exchange->loopback = address != NULL && is_loopback(address->client_addr);
    buf_init(&exchange->uri, HTTPD_URI_MAX_BYTES);
    buf_init(&exchange->body, httpd->body_max_bytes);
    links_add(&httpd->links, &exchange->link, fd->connect_fd);
    return exchange;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **slot,
                          enum MHD_ConnectionNotificationCode what)
{
    struct httpd *httpd = context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *slot = open_connection(httpd, connection);
        return;
    }
    struct httpd_held *exchange = *slot;
    if (exchange != NULL) {
        links_remove(&httpd->links, &exchange->link);
        buf_deinit(&exchange->uri);
        buf_deinit(&exchange->body);
        mem_free(exchange);
        *slot = NULL;
    }
}

/* Threads inherit the mask of the thread that makes them. Signals are the business of the thread
 * that waits for them; faults stay open so that a sanitizer or the kernel can report them. */
static void block_signals(sigset_t *before)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
    sigset_t blocked;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        sigdelset(&blocked, faults[i]);
    }
    pthread_sigmask(SIG_SETMASK, &blocked, before);
}

static struct MHD_Daemon *start_daemon(struct httpd *httpd, const struct httpd_config *config,
                                       int socket_fd)
{
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_LISTEN_SOCKET, socket_fd, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)config->connections_max, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, httpd},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, httpd},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_uri, httpd},
        {MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL}, /* blocked in its threads */
        {MHD_OPTION_END, 0, NULL},                    /* room for the pool */
        {MHD_OPTION_END, 0, NULL},
    };
    if (config->threads > 1) {
        options[7] =
            (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)config->threads, NULL};
    }
    return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME,
                            0, NULL, NULL, on_request, httpd, MHD_OPTION_ARRAY, options,
                            MHD_OPTION_END);
}

/* False if a thread could not be started. The socket is given away in either case. */
static bool start_threads(struct httpd *httpd, const struct httpd_config *config, int socket_fd)
{
    sigset_t before;
    block_signals(&before);
    bool good =
        links_start(&httpd->links, config->head_max_ms > 0 ? config->head_max_ms : HEAD_MAX_MS,
                    config->body_max_ms > 0 ? config->body_max_ms : BODY_MAX_MS);
    if (!good) {
        close(socket_fd);
    } else {
        httpd->daemon = start_daemon(httpd, config, socket_fd);
        good = httpd->daemon != NULL; /* else the library has closed the socket */
        if (!good) {
            links_stop(&httpd->links);
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return good;
}

static void free_server(struct httpd *httpd)
{
    pthread_cond_destroy(&httpd->quiet);
    pthread_mutex_destroy(&httpd->mutex);
    mem_free(httpd);
}

enum err httpd_start(struct httpd **out, const struct httpd_config *config, httpd_handler *handler,
                     void *context, struct error *error)
{
    assert(config->threads >= 1 && config->connections_max >= config->threads);
    int socket_fd = -1;
    struct httpd *httpd = mem_zalloc(1, sizeof(*httpd));
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&httpd->mutex, NULL);
    pthread_cond_init(&httpd->quiet, &monotonic);
    pthread_condattr_destroy(&monotonic);
    httpd->handler = handler;
    httpd->context = context;
    httpd->let_go = config->let_go;
    httpd->tell_refused = config->tell_refused;
    httpd->body_max_bytes = config->body_max_bytes;
    httpd->reply_max_bytes = config->reply_max_bytes;
    enum err code = httpd_listen(config->listen, &socket_fd, httpd->url, sizeof(httpd->url), error);
    if (code == ERR_OK && !start_threads(httpd, config, socket_fd)) {
        code = error_set(error, ERR_NETWORK, config->listen, 0,
                         "cannot start the HTTP server's %u threads", config->threads);
    }
    if (code != ERR_OK) {
        free_server(httpd);
        return code;
    }
    *out = httpd;
    return ERR_OK;
}

const char *httpd_url(const struct httpd *httpd)
{
    return httpd->url;
}

void httpd_stop(struct httpd *httpd)
{
    if (httpd == NULL) {
        return;
    }
    pthread_mutex_lock(&httpd->mutex);
    httpd->stopping = true;
    pthread_mutex_unlock(&httpd->mutex);
    if (httpd->let_go != NULL) {
        httpd->let_go(httpd->context);
    }
    await_held(httpd);
    MHD_stop_daemon(httpd->daemon);
    links_stop(&httpd->links);
    free_server(httpd);
}
