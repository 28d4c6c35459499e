/*
 * The server is a libmicrohttpd daemon: one epoll loop a thread, connections stay with the thread
 * that accepted them, and a handler runs on that thread, so a slow handler delays the connections
 * beside it. Handlers here answer from memory in microseconds; a thread a connection would cost
 * more than it saves. The library sets TCP_NODELAY on what it accepts.
 *
 * The listening socket is made here rather than by the library, because "address in use" and "no
 * such address" are the two faults a user meets, and the library would report neither.
 *
 * Bodies over the limit: a moderate excess is read and dropped, so that the client, which often
 * writes everything before it reads, gets to see the 413. A declared length further beyond is
 * answered at once and the connection closed; a chunked body that long is cut without an answer.
 */
#include "base/httpd.h"

#include "base/mem.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IDLE_TIMEOUT_S = 75, BACKLOG = 1024, DROP_EXTRA_BYTES = 1 << 20 };

struct httpd {
    struct MHD_Daemon *daemon;
    httpd_handler *handler;
    void *context;
    size_t body_max_bytes, reply_max_bytes;
    char url[300];
};

/* One request under way; made at its headers, freed when libmicrohttpd is done with it. */
struct exchange {
    struct buf body;
    size_t received_bytes; /* of the body, kept or dropped */
    bool no_memory;
};

struct address {
    char host[256], port[8];
    bool bracketed;
};

static enum err bad_listen(const char *listen_text, struct error *error)
{
    return error_set(error, ERR_INPUT, listen_text, 0,
                     "expected HOST:PORT, for example 127.0.0.1:8000, [::1]:8000 or "
                     "127.0.0.1:0 (any free port)");
}

/* An IPv6 literal needs its brackets: "::1:80" would be read two ways. */
static enum err split_address(const char *text, struct address *out, struct error *error)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text) {
        return bad_listen(text, error);
    }
    const char *host = text;
    size_t host_len = (size_t)(colon - text);
    out->bracketed = text[0] == '[';
    if (out->bracketed) {
        if (host_len < 3 || colon[-1] != ']') {
            return bad_listen(text, error);
        }
        host++;
        host_len -= 2;
    } else if (memchr(host, ':', host_len) != NULL) {
        return bad_listen(text, error);
    }
    int64_t port = 0;
    if (host_len >= sizeof(out->host) || !text_to_i64(colon + 1, &port) || port < 0 ||
        port > 65535) {
        return bad_listen(text, error);
    }
    memcpy(out->host, host, host_len);
    out->host[host_len] = '\0';
    snprintf(out->port, sizeof(out->port), "%d", (int)port);
    return ERR_OK;
}

static enum err bind_first(const struct addrinfo *found, const char *listen_text, int *out,
                           struct error *error)
{
    char reason[64];
    int socket_fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_fd < 0) {
        return error_set(error, ERR_NETWORK, listen_text, 0, "cannot open a socket: %s",
                         err_errno_text(errno, reason, sizeof(reason)));
    }
    /* A restart on the same port need not wait for old connections to fade. [::] means IPv6 alone,
     * whatever the system's default. */
    int on = 1;
    bool good = setsockopt(socket_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0;
    if (good && found->ai_family == AF_INET6) {
        good = setsockopt(socket_fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0;
    }
    good = good && bind(socket_fd, found->ai_addr, found->ai_addrlen) == 0;
    good = good && listen(socket_fd, BACKLOG) == 0;
    if (good) {
        *out = socket_fd;
        return ERR_OK;
    }
    int reason_number = errno;
    close(socket_fd);
    return error_set(error, ERR_NETWORK, listen_text, 0, "cannot listen: %s",
                     err_errno_text(reason_number, reason, sizeof(reason)));
}

static enum err open_socket(const char *listen_text, struct address *address, int *out,
                            struct error *error)
{
    enum err code = split_address(listen_text, address, error);
    if (code != ERR_OK) {
        return code;
    }
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(address->host, address->port, &hints, &found);
    if (failed != 0) {
        return error_set(error, ERR_INPUT, listen_text, 0, "no such address: %s",
                         gai_strerror(failed));
    }
    code = bind_first(found, listen_text, out, error);
    freeaddrinfo(found);
    return code;
}

static void write_url(struct httpd *httpd, const struct address *address, int socket_fd)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof(bound);
    memset(&bound, 0, sizeof(bound));
    int failed = getsockname(socket_fd, (struct sockaddr *)&bound, &size);
    assert(failed == 0);
    (void)failed;
    unsigned port = bound.ss_family == AF_INET6
                        ? ntohs(((const struct sockaddr_in6 *)(const void *)&bound)->sin6_port)
                        : ntohs(((const struct sockaddr_in *)(const void *)&bound)->sin_port);
    snprintf(httpd->url, sizeof(httpd->url), address->bracketed ? "http://[%s]:%u" : "http://%s:%u",
             address->host, port);
}

static enum MHD_Result send_bytes(struct MHD_Connection *connection, int status,
                                  struct MHD_Response *response, const char *content_type,
                                  const char *location)
{
    if (response == NULL) {
        return MHD_NO;
    }
    enum MHD_Result good = MHD_YES;
    if (content_type != NULL) {
        good = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    }
    if (good == MHD_YES && location != NULL) {
        good = MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, location);
    }
    if (good == MHD_YES) {
        good = MHD_queue_response(connection, (unsigned)status, response);
    }
    MHD_destroy_response(response); /* the queue holds its own reference */
    return good;
}

static enum MHD_Result send_fault(struct MHD_Connection *connection, int status, const char *json)
{
    return send_bytes(connection, status,
                      MHD_create_response_from_buffer(strlen(json), (void *)(uintptr_t)json,
                                                      MHD_RESPMEM_PERSISTENT),
                      "application/json", NULL);
}

static enum MHD_Result send_too_large(struct MHD_Connection *connection)
{
    return send_fault(connection, MHD_HTTP_CONTENT_TOO_LARGE,
                      "{\"error\":\"request body too large\"}\n");
}

static enum MHD_Result run_handler(const struct httpd *httpd, struct MHD_Connection *connection,
                                   const char *method, const char *path,
                                   const struct exchange *exchange)
{
    /* libmicrohttpd leaves the body out of the answer to a HEAD, but keeps its length. */
    bool head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    const struct httpd_request request = {
        .method = head ? MHD_HTTP_METHOD_GET : method,
        .path = path,
        .body = exchange->body.len > 0 ? exchange->body.data : "",
        .body_len = exchange->body.len,
        .connection = connection,
    };
    struct httpd_reply reply = {.status = MHD_HTTP_OK, .content_type = "application/json"};
    buf_init(&reply.body, httpd->reply_max_bytes);
    httpd->handler(httpd->context, &request, &reply);
    if (reply.body.failed) {
        buf_deinit(&reply.body);
        return send_fault(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
                          "{\"error\":\"reply too large or memory exhausted\"}\n");
    }
    size_t len = reply.body.len;
    struct MHD_Response *response;
    if (len == 0) {
        response =
            MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
        buf_deinit(&reply.body);
    } else {
        char *bytes = buf_take(&reply.body);
        response = MHD_create_response_from_buffer_with_free_callback(len, bytes, mem_free);
        if (response == NULL) {
            mem_free(bytes);
        }
    }
    return send_bytes(connection, reply.status, response, reply.content_type, reply.location);
}

static enum MHD_Result begin(const struct httpd *httpd, struct MHD_Connection *connection,
                             void **slot)
{
    const char *length_text =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    int64_t length = 0;
    if (length_text != NULL && text_to_i64(length_text, &length) &&
        (uint64_t)length > (uint64_t)httpd->body_max_bytes + DROP_EXTRA_BYTES) {
        return send_too_large(connection);
    }
    struct exchange *exchange = mem_try_alloc(sizeof(*exchange));
    if (exchange == NULL) {
        return MHD_NO;
    }
    *exchange = (struct exchange){.received_bytes = 0};
    buf_init(&exchange->body, httpd->body_max_bytes);
    *slot = exchange;
    return MHD_YES;
}

static bool too_large(const struct httpd *httpd, const struct exchange *exchange)
{
    return exchange->received_bytes > httpd->body_max_bytes;
}

static enum MHD_Result take_body(const struct httpd *httpd, struct exchange *exchange,
                                 const char *bytes, size_t count)
{
    exchange->received_bytes += count;
    if (too_large(httpd, exchange)) {
        return exchange->received_bytes - httpd->body_max_bytes > DROP_EXTRA_BYTES ? MHD_NO
                                                                                   : MHD_YES;
    }
    if (!buf_add(&exchange->body, bytes, count)) {
        exchange->no_memory = true;
    }
    return MHD_YES;
}

/* Called at the head of a request, then with each piece of its body, then once more at the end. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **slot)
{
    (void)version;
    const struct httpd *httpd = context;
    struct exchange *exchange = *slot;
    if (exchange == NULL) {
        return begin(httpd, connection, slot);
    }
    if (*upload_size > 0) {
        size_t count = *upload_size;
        *upload_size = 0;
        return take_body(httpd, exchange, upload, count);
    }
    if (too_large(httpd, exchange)) {
        return send_too_large(connection);
    }
    if (exchange->no_memory) {
        return send_fault(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
                          "{\"error\":\"out of memory\"}\n");
    }
    return run_handler(httpd, connection, method, url, exchange);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode reason)
{
    (void)context;
    (void)connection;
    (void)reason;
    struct exchange *exchange = *slot;
    if (exchange == NULL) {
        return;
    }
    buf_deinit(&exchange->body);
    mem_free(exchange);
    *slot = NULL;
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
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, NULL},
        {MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL}, /* blocked in its threads */
        {MHD_OPTION_END, 0, NULL},                    /* room for the pool */
        {MHD_OPTION_END, 0, NULL},
    };
    if (config->threads > 1) {
        options[5] =
            (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)config->threads, NULL};
    }
    sigset_t before;
    block_signals(&before);
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, on_request,
                         httpd, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return daemon;
}

enum err httpd_start(struct httpd **out, const struct httpd_config *config, httpd_handler *handler,
                     void *context, struct error *error)
{
    assert(config->threads >= 1 && config->connections_max >= config->threads);
    struct address address;
    int socket_fd = -1;
    enum err code = open_socket(config->listen, &address, &socket_fd, error);
    if (code != ERR_OK) {
        return code;
    }
    struct httpd *httpd = mem_zalloc(1, sizeof(*httpd));
    httpd->handler = handler;
    httpd->context = context;
    httpd->body_max_bytes = config->body_max_bytes;
    httpd->reply_max_bytes = config->reply_max_bytes;
    write_url(httpd, &address, socket_fd);
    httpd->daemon = start_daemon(httpd, config, socket_fd);
    if (httpd->daemon == NULL) {
        /* The socket now belongs to the library, which closes it when it fails, too. */
        mem_free(httpd);
        return error_set(error, ERR_NETWORK, config->listen, 0,
                         "cannot start the HTTP server's %u threads", config->threads);
    }
    *out = httpd;
    return ERR_OK;
}

const char *httpd_url(const struct httpd *httpd)
{
    return httpd->url;
}

const char *httpd_query(const struct httpd_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

void httpd_stop(struct httpd *httpd)
{
    if (httpd == NULL) {
        return;
    }
    MHD_stop_daemon(httpd->daemon);
    mem_free(httpd);
}
