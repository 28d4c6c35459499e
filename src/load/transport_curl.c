/*
 * libcurl behind the transport table: one multi handle and one epoll set a worker, driven by
 * libcurl's socket and timer callbacks.
 *
 * Waiting is ours: epoll_pwait2 sleeps until the worker's own deadline in nanoseconds, or until
 * libcurl's timer (milliseconds) if that comes first, so pacing never rides on libcurl's clock.
 * epoll stays level-triggered, as libcurl demands.
 *
 * Every slot keeps two easy handles for ever, one set up for GET and one for POST; between
 * requests only URL and body change. The worker bounds what is in flight by its slots. Libcurl's
 * own connection limits are not used: their queue hides the wait and has been quadratic.
 *
 * One exchange is one request on the wire. Libcurl silently sends a request again when a kept
 * connection turns out dead, a POST too, and a target would then count one rating twice. The
 * pre-request callback lets the first attempt pass and refuses the second: no answer, reported.
 */
#include "load/transport.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/version.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 64
#define CONNECTION_AGE_MAX_S                                                                       \
    3600L /* the default of 118 s would reconnect in the middle of a run                           \
           */

struct slot {
    CURL *get, *post;
    struct exchange *exchange; /* NULL while idle */
    int attempts;
};

struct transport {
    CURLM *multi;
    int epoll_fd;
    int slots;
    struct slot *slot; /* [slots] */
    struct curl_slist *post_headers;
    int64_t timer_ns;          /* when libcurl wants to be called; INT64_MAX = not at all */
    struct exchange **refused; /* [slots], started but not taken by libcurl; the next wait tells */
    int refused_count;
};

static size_t keep_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct slot *slot = context;
    return buf_add(&slot->exchange->answer, bytes, size * count) ? size * count : 0;
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

static CURL *easy_new(struct slot *slot, long timeout_ms)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL) {
        return NULL;
    }
    curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, CONNECTION_AGE_MAX_S);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, -1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "driftdrill/" DRIFTDRILL_VERSION);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, slot);
    return easy;
}

static bool slot_init(struct transport *transport, struct slot *slot, long timeout_ms)
{
    slot->get = easy_new(slot, timeout_ms);
    slot->post = easy_new(slot, timeout_ms);
    if (slot->get == NULL || slot->post == NULL) {
        return false;
    }
    curl_easy_setopt(slot->post, CURLOPT_POST, 1L);
    curl_easy_setopt(slot->post, CURLOPT_HTTPHEADER, transport->post_headers);
    return true;
}

static void curl_close(struct transport *transport)
{
    for (int i = 0; i < transport->slots; i++) {
        struct slot *slot = &transport->slot[i];
        if (slot->exchange != NULL) {
            curl_multi_remove_handle(transport->multi,
                                     slot->exchange->is_post ? slot->post : slot->get);
        }
        curl_easy_cleanup(slot->get);
        curl_easy_cleanup(slot->post);
    }
    curl_multi_cleanup(transport->multi);
    curl_slist_free_all(transport->post_headers);
    if (transport->epoll_fd >= 0) {
        close(transport->epoll_fd);
    }
    mem_free(transport->slot);
    mem_free(transport->refused);
    mem_free(transport);
}

static enum err curl_open(int slots, long timeout_ms, struct transport **out, struct error *error)
{
    assert(slots >= 1 && timeout_ms >= 1);
    struct transport *transport = mem_zalloc(1, sizeof *transport);
    transport->slot = mem_zalloc((size_t)slots, sizeof *transport->slot);
    transport->refused = mem_zalloc((size_t)slots, sizeof(struct exchange *));
    transport->slots = slots;
    transport->timer_ns = INT64_MAX;
    transport->multi = curl_multi_init();
    transport->post_headers = curl_slist_append(NULL, "Content-Type: application/json");
    transport->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (transport->epoll_fd < 0) {
        char text[64];
        enum err code = error_set(error, ERR_NETWORK, NULL, 0, "epoll: %s",
                                  err_errno_text(errno, text, sizeof text));
        curl_close(transport);
        return code;
    }
    bool complete = transport->multi != NULL && transport->post_headers != NULL;
    for (int i = 0; i < slots && complete; i++) {
        complete = slot_init(transport, &transport->slot[i], timeout_ms);
    }
    if (!complete) {
        curl_close(transport);
        return error_set(error, ERR_MEMORY, NULL, 0, "libcurl could not make its handles");
    }
    curl_multi_setopt(transport->multi, CURLMOPT_SOCKETFUNCTION, socket_changed);
    curl_multi_setopt(transport->multi, CURLMOPT_SOCKETDATA, transport);
    curl_multi_setopt(transport->multi, CURLMOPT_TIMERFUNCTION, timer_changed);
    curl_multi_setopt(transport->multi, CURLMOPT_TIMERDATA, transport);
    curl_multi_setopt(transport->multi, CURLMOPT_MAXCONNECTS, (long)slots);
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

static void curl_start(struct transport *transport, struct exchange *exchange)
{
    assert(exchange->slot >= 0 && exchange->slot < transport->slots);
    struct slot *slot = &transport->slot[exchange->slot];
    assert(slot->exchange == NULL);
    CURL *easy = exchange->is_post ? slot->post : slot->get;
    slot->exchange = exchange;
    slot->attempts = 0;
    curl_easy_setopt(easy, CURLOPT_URL, exchange->url);
    if (exchange->is_post) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->body_len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange->body);
    }
    if (curl_multi_add_handle(transport->multi, easy) != CURLM_OK) {
        slot->exchange = NULL;
        transport->refused[transport->refused_count++] = exchange;
        return;
    }
    /* Sends the request now, and not after the worker has started the rest of its batch. */
    drive_timer(transport);
}

static void finish(struct exchange *exchange, CURL *easy, CURLcode result)
{
    exchange->done_ns = clock_mono_ns();
    exchange->status = 0;
    exchange->reason = result == CURLE_OK ? NULL : curl_easy_strerror(result);
    bool too_long = result == CURLE_WRITE_ERROR && exchange->answer.failed;
    if (result == CURLE_OK || too_long) {
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &exchange->status);
    }
    if (too_long) {
        exchange->reason = "answer too long";
    } else if (result == CURLE_ABORTED_BY_CALLBACK) {
        exchange->reason = "connection closed before an answer";
    }
}

static int collect(struct transport *transport, struct exchange **done)
{
    int count = 0, left;
    CURLMsg *message;
    while (transport->refused_count > 0) {
        struct exchange *exchange = transport->refused[--transport->refused_count];
        exchange->status = 0;
        exchange->reason = "libcurl refused the request";
        exchange->done_ns = clock_mono_ns();
        done[count++] = exchange;
    }
    while ((message = curl_multi_info_read(transport->multi, &left)) != NULL) {
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;
        struct slot *slot = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &slot);
        finish(slot->exchange, easy, result);
        done[count++] = slot->exchange;
        slot->exchange = NULL;
        curl_multi_remove_handle(transport->multi, easy);
    }
    return count;
}

static int wait_events(struct transport *transport, int64_t until_mono_ns,
                       struct epoll_event *events)
{
    int64_t until = until_mono_ns < transport->timer_ns ? until_mono_ns : transport->timer_ns;
    int64_t rest = until - clock_mono_ns();
    rest = rest > 0 ? rest : 0;
    struct timespec timeout = {.tv_sec = (time_t)(rest / CLOCK_NS_PER_S),
                               .tv_nsec = (long)(rest % CLOCK_NS_PER_S)};
    return epoll_pwait2(transport->epoll_fd, events, EVENTS_MAX, &timeout, NULL);
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
