/*
 * libcurl behind the transport table: one multi handle and one epoll set a worker, driven by
 * libcurl's socket and timer callbacks.
 *
 * Waiting is ours: event_wait sleeps until the worker's own deadline in nanoseconds, or until
 * libcurl's timer (milliseconds) if that comes first, so pacing never rides on libcurl's clock.
 * epoll stays level-triggered, as libcurl demands.
 *
 * Every slot keeps an easy handle a shape for ever; between requests only URL, body and further
 * headers change. The worker bounds what is in flight by its slots. Libcurl's own connection limits
 * are not used: their queue hides the wait and has been quadratic.
 *
 * One exchange is one request on the wire. Libcurl silently sends a request again when a kept
 * connection turns out dead, a POST too, and a target would then count one rating twice. The
 * pre-request callback lets the first attempt pass and refuses the second: no answer, reported.
 */
#include "load/transport.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/version.h"
#include "load/curl_failure.h"
#include "load/curl_lines.h"
#include "load/event_wait.h"
#include "load/transport_pick.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_MAX 64
/* The default of 118 s would reconnect in the middle of a run. */
#define CONNECTION_AGE_MAX_S 3600L

struct slot {
    CURL **easy;               /* [shapes] */
    struct exchange *exchange; /* NULL while idle */
    struct curl_slist *own;    /* headers of this request alone, the shape's included; or NULL */
    int64_t started_ns;
    size_t head_bytes;
    int attempts;
    bool no_descriptor; /* the kernel refused a socket for want of one */
};

struct transport {
    CURLM *multi;
    int epoll_fd;
    const char *ca_file; /* NULL = the system's */
    struct slot *slot;   /* [slots] */
    struct transport_config config;
    struct curl_slist *headers[TRANSPORT_SHAPES_MAX]; /* of each shape */
    char *url;                                        /* [url_size], scratch */
    size_t url_size;
    int64_t timer_ns;          /* when libcurl wants to be called; INT64_MAX = not at all */
    struct exchange **refused; /* [slots], started but not taken by libcurl; the next wait tells */
    int refused_count;
};

static size_t keep_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct slot *slot = context;
    return buf_add(&slot->exchange->answer, bytes, size * count) ? size * count : 0;
}

/* Libcurl 7.88 alone would read heads of any length. */
static size_t measure_head(char *bytes, size_t size, size_t count, void *context)
{
    struct slot *slot = context;
    (void)bytes;
    slot->head_bytes += size * count;
    return slot->head_bytes <= TRANSPORT_HEAD_MAX_BYTES ? size * count : 0;
}

static int before_request(void *context, char *remote_ip, char *local_ip, int remote_port,
                          int local_port)
{
    (void)remote_ip, (void)local_ip, (void)remote_port, (void)local_port;
    struct slot *slot = context;
    return slot->attempts++ == 0 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static int socket_changed(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
    (void)easy;
    struct transport *transport = context;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(transport->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        curl_multi_assign(transport->multi, fd, NULL);
        return 0;
    }
    struct epoll_event event = {.data.fd = fd};
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    int operation = known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    /* A failure shows as the transfer's timeout; -1 here would abort every transfer. */
    if (epoll_ctl(transport->epoll_fd, operation, fd, &event) == 0) {
        curl_multi_assign(transport->multi, fd, transport);
    }
    return 0;
}

static int timer_changed(CURLM *multi, long timeout_ms, void *context)
{
    (void)multi;
    struct transport *transport = context;
    transport->timer_ns =
        timeout_ms < 0 ? INT64_MAX : clock_mono_ns() + (int64_t)timeout_ms * CLOCK_NS_PER_MS;
    return 0;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct slot *slot = context;
    (void)purpose;
    return curl_open_socket(to, &slot->no_descriptor);
}

static void set_up_connecting(struct transport *transport, struct slot *slot, CURL *easy,
                              const struct request_shape *shape)
{
    const struct transport_config *config = &transport->config;
    if (!transport_proxied(shape->base_url)) { /* else libcurl looks at the environment */
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    }
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, config->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, CONNECTION_AGE_MAX_S);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, CURL_ADDRESS_AGE_MAX_S);
    /* A request given up must not wait for the thread that looks its target's name up. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, slot);
    if (transport->ca_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, transport->ca_file);
    }
}

static CURL *easy_new(struct transport *transport, struct slot *slot, size_t index)
{
    const struct transport_config *config = &transport->config;
    const struct request_shape *shape = config->shape[index];
    CURL *easy = curl_easy_init();
    if (easy == NULL) {
        return NULL;
    }
    curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    set_up_connecting(transport, slot, easy, shape);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     config->http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, config->http2 ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, config->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "driftdrill/" DRIFTDRILL_VERSION);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, measure_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, slot);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, slot);
    if (shape->has_body) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
    }
    if (strcmp(shape->method, shape->has_body ? "POST" : "GET") != 0) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, shape->method);
    }
    return easy;
}

static bool slot_init(struct transport *transport, struct slot *slot)
{
    slot->easy = mem_zalloc(transport->config.shape_count, sizeof(CURL *));
    for (size_t i = 0; i < transport->config.shape_count; i++) {
        slot->easy[i] = easy_new(transport, slot, i);
        if (slot->easy[i] == NULL) {
            return false;
        }
    }
    return true;
}

static size_t shape_index(const struct transport *transport, const struct request_shape *shape)
{
    size_t index = 0;
    while (transport->config.shape[index] != shape) {
        index++;
        assert(index < transport->config.shape_count);
    }
    return index;
}

static void slot_release(struct transport *transport, struct slot *slot)
{
    CURL *easy = slot->easy[shape_index(transport, slot->exchange->shape)];
    curl_multi_remove_handle(transport->multi, easy);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(slot->own);
    slot->own = NULL;
    slot->exchange = NULL;
}

static void slot_deinit(struct transport *transport, struct slot *slot)
{
    if (slot->exchange != NULL) {
        slot_release(transport, slot);
    }
    for (size_t i = 0; slot->easy != NULL && i < transport->config.shape_count; i++) {
        curl_easy_cleanup(slot->easy[i]);
    }
    mem_free(slot->easy);
}

static void curl_close(struct transport *transport)
{
    for (int i = 0; i < transport->config.slots; i++) {
        slot_deinit(transport, &transport->slot[i]);
    }
    curl_multi_cleanup(transport->multi);
    for (size_t i = 0; i < transport->config.shape_count; i++) {
        curl_slist_free_all(transport->headers[i]);
    }
    if (transport->epoll_fd >= 0) {
        close(transport->epoll_fd);
    }
    mem_free(transport->slot);
    mem_free(transport->refused);
    mem_free(transport->url);
    mem_free(transport);
}

/* Makes the handles; false if libcurl cannot. */
static bool set_up(struct transport *transport)
{
    const struct transport_config *config = &transport->config;
    transport->multi = curl_multi_init();
    bool complete = transport->multi != NULL;
    for (size_t i = 0; i < config->shape_count && complete; i++) {
        size_t size = strlen(config->shape[i]->base_url) + sizeof((struct exchange *)0)->path;
        transport->url_size = size > transport->url_size ? size : transport->url_size;
        complete = curl_add_shape_lines(&transport->headers[i], config->shape[i]);
    }
    transport->url = mem_array(transport->url_size, 1);
    for (int i = 0; i < config->slots && complete; i++) {
        complete = slot_init(transport, &transport->slot[i]);
    }
    return complete;
}

static enum err curl_open(const struct transport_config *config, struct transport **out,
                          struct error *error)
{
    assert(config->slots >= 1 && config->timeout_ms >= 1);
    assert(config->shape_count >= 1 && config->shape_count <= TRANSPORT_SHAPES_MAX);
    struct transport *transport = mem_zalloc(1, sizeof *transport);
    transport->config = *config;
    transport->ca_file = curl_ca_file();
    transport->slot = mem_zalloc((size_t)config->slots, sizeof *transport->slot);
    transport->refused = mem_zalloc((size_t)config->slots, sizeof(struct exchange *));
    transport->timer_ns = INT64_MAX;
    transport->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (transport->epoll_fd < 0) {
        char text[64];
        enum err code = error_set(error, ERR_NETWORK, NULL, 0, "epoll: %s",
                                  err_errno_text(errno, text, sizeof text));
        curl_close(transport);
        return code;
    }
    if (!set_up(transport)) {
        curl_close(transport);
        return error_set(error, ERR_MEMORY, NULL, 0, "libcurl could not make its handles");
    }
    curl_multi_setopt(transport->multi, CURLMOPT_SOCKETFUNCTION, socket_changed);
    curl_multi_setopt(transport->multi, CURLMOPT_SOCKETDATA, transport);
    curl_multi_setopt(transport->multi, CURLMOPT_TIMERFUNCTION, timer_changed);
    curl_multi_setopt(transport->multi, CURLMOPT_TIMERDATA, transport);
    curl_multi_setopt(transport->multi, CURLMOPT_MAXCONNECTS, (long)config->slots);
    *out = transport;
    return ERR_OK;
}

static void drive_timer(struct transport *transport)
{
    if (transport->timer_ns <= clock_mono_ns()) {
        int running;
        transport->timer_ns = INT64_MAX;
        curl_multi_socket_action(transport->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
}

/* Further headers of this request alone; false when memory is exhausted. */
static bool set_headers(struct transport *transport, struct slot *slot, CURL *easy, size_t index)
{
    const struct exchange *exchange = slot->exchange;
    struct curl_slist *list = transport->headers[index];
    if (exchange->header_len > 0) {
        if (!curl_add_shape_lines(&slot->own, exchange->shape) ||
            !curl_add_lines(&slot->own, exchange->header)) {
            return false;
        }
        list = slot->own;
    }
    return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list) == CURLE_OK;
}

static bool set_url(struct transport *transport, const struct exchange *exchange, CURL *easy)
{
    (void)snprintf(transport->url, transport->url_size, "%s%s", exchange->shape->base_url,
                   exchange->path);
    return curl_easy_setopt(easy, CURLOPT_URL, transport->url) == CURLE_OK;
}

static void curl_start(struct transport *transport, struct exchange *exchange)
{
    assert(exchange->slot >= 0 && exchange->slot < transport->config.slots);
    struct slot *slot = &transport->slot[exchange->slot];
    assert(slot->exchange == NULL);
    size_t index = shape_index(transport, exchange->shape);
    CURL *easy = slot->easy[index];
    exchange_clear(exchange);
    slot->exchange = exchange;
    slot->attempts = 0;
    slot->head_bytes = 0;
    slot->no_descriptor = false;
    slot->started_ns = clock_mono_ns();
    if (exchange->shape->has_body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->body_len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange->body);
    }
    if (!set_url(transport, exchange, easy) || !set_headers(transport, slot, easy, index) ||
        curl_multi_add_handle(transport->multi, easy) != CURLM_OK) {
        slot_release(transport, slot);
        transport->refused[transport->refused_count++] = exchange;
        return;
    }
    /* Sends the request now, and not after the worker has started the rest of its batch. */
    drive_timer(transport);
}

/* Libcurl's stages are microseconds since it began; 0 = not reached. */
static int64_t stage_ns(const struct slot *slot, CURL *easy, CURLINFO which)
{
    curl_off_t us = 0;
    curl_easy_getinfo(easy, which, &us);
    return us > 0 ? slot->started_ns + us * 1000 : 0;
}

static void note_stages(struct slot *slot, CURL *easy)
{
    struct exchange *exchange = slot->exchange;
    long new_connections = 0;
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &new_connections);
    /* A second attempt, refused, means that the first one went out on a kept connection. */
    exchange->kept = slot->attempts > 1 || (new_connections == 0 && slot->attempts > 0);
    /* Before 8.10 libcurl does not tell when the last byte went out; the request, sent in one
     * piece as soon as the connection stands, is as good as sent when the transfer begins. */
    exchange->sent_ns = stage_ns(slot, easy, CURLINFO_PRETRANSFER_TIME_T);
    exchange->first_byte_ns = stage_ns(slot, easy, CURLINFO_STARTTRANSFER_TIME_T);
    if (!exchange->kept) {
        int64_t tls_ns = stage_ns(slot, easy, CURLINFO_APPCONNECT_TIME_T);
        exchange->connected_ns =
            tls_ns > 0 ? tls_ns : stage_ns(slot, easy, CURLINFO_CONNECT_TIME_T);
    }
}

static void note_retry_after(struct exchange *exchange, CURL *easy)
{
    struct curl_header *header;
    if ((exchange->status == 429 || exchange->status == 503) &&
        curl_easy_header(easy, "Retry-After", 0, CURLH_HEADER, -1, &header) == CURLHE_OK) {
        exchange->retry_after_s = curl_retry_after_s(header->value);
    }
}

/* What went wrong in our own terms, where libcurl's are not enough. */
static void judge(const struct transport *transport, struct slot *slot, CURL *easy, CURLcode result)
{
    struct exchange *exchange = slot->exchange;
    long version = 0;
    curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
    if (result == CURLE_WRITE_ERROR && exchange->answer.failed) {
        exchange->failure = EXCHANGE_TOO_LONG;
        exchange->reason = "answer too long";
    } else if (slot->head_bytes > TRANSPORT_HEAD_MAX_BYTES) {
        exchange->failure = EXCHANGE_TOO_LONG;
        exchange->reason = "head of the answer too long";
    } else if (result == CURLE_ABORTED_BY_CALLBACK) {
        exchange->reason = "connection closed before an answer";
    } else if (result == CURLE_OK && transport->config.http2 && version != CURL_HTTP_VERSION_2_0) {
        exchange->failure = EXCHANGE_PROTOCOL;
        exchange->reason = "the target does not speak HTTP/2";
    } else if (result != CURLE_OK && exchange->connected_ns == 0 && !exchange->kept &&
               (slot->no_descriptor || curl_no_descriptor(transport->epoll_fd))) {
        exchange->failure = EXCHANGE_OTHER;
        exchange->reason = curl_no_descriptor_text;
    }
}

static void finish(const struct transport *transport, struct slot *slot, CURL *easy,
                   CURLcode result)
{
    struct exchange *exchange = slot->exchange;
    exchange->failure = curl_failure(result);
    exchange->reason = result == CURLE_OK ? NULL : curl_easy_strerror(result);
    note_stages(slot, easy);
    exchange->done_ns = clock_mono_ns();
    judge(transport, slot, easy, result);
    if (exchange->failure == EXCHANGE_ANSWERED ||
        (exchange->failure == EXCHANGE_TOO_LONG && exchange->answer.failed)) {
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &exchange->status);
        note_retry_after(exchange, easy);
    }
}

static int collect(struct transport *transport, struct exchange **done)
{
    int count = 0, left;
    CURLMsg *message;
    while (transport->refused_count > 0) {
        struct exchange *exchange = transport->refused[--transport->refused_count];
        exchange->failure = EXCHANGE_OTHER;
        exchange->reason = "libcurl refused the request";
        exchange->done_ns = clock_mono_ns();
        done[count++] = exchange;
    }
    while ((message = curl_multi_info_read(transport->multi, &left)) != NULL) {
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;
        struct slot *slot = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &slot);
        finish(transport, slot, easy, result);
        done[count++] = slot->exchange;
        slot_release(transport, slot);
    }
    return count;
}

static int wait_events(struct transport *transport, int64_t until_mono_ns,
                       struct epoll_event *events)
{
    int64_t until = until_mono_ns < transport->timer_ns ? until_mono_ns : transport->timer_ns;
    return event_wait(transport->epoll_fd, events, EVENTS_MAX, until);
}

static int curl_wait(struct transport *transport, int64_t until_mono_ns, struct exchange **done)
{
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        int ready = wait_events(transport, until_mono_ns, events);
        for (int i = 0; i < ready; i++) {
            int running, mask = 0;
            mask |= events[i].events & (EPOLLIN | EPOLLRDHUP) ? CURL_CSELECT_IN : 0;
            mask |= events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0;
            mask |= events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0;
            curl_multi_socket_action(transport->multi, events[i].data.fd, mask, &running);
        }
        drive_timer(transport);
        int count = collect(transport, done);
        if (count > 0 || ready < 0 || clock_mono_ns() >= until_mono_ns) {
            return count;
        }
    }
}

const struct transport_class transport_curl = {
    .name = "libcurl",
    .open = curl_open,
    .start = curl_start,
    .wait = curl_wait,
    .close = curl_close,
};

static enum err http2_open(const struct transport_config *config, struct transport **out,
                           struct error *error)
{
    struct transport_config own = *config;
    own.http2 = true;
    return curl_open(&own, out, error);
}

const struct transport_class transport_http2 = {
    .name = "http2",
    .open = http2_open,
    .start = curl_start,
    .wait = curl_wait,
    .close = curl_close,
};
