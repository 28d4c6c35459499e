#include "load/connector_int.h"

#include "base/clock.h"
#include "base/mem.h"
#include "load/curl_failure.h"

#include <sys/epoll.h>

static void dialing_append(struct connector *connector, struct dialer *dialer)
{
    dialer->before = connector->last_dialing;
    dialer->next = NULL;
    *(dialer->before != NULL ? &dialer->before->next : &connector->first_dialing) = dialer;
    connector->last_dialing = dialer;
}

static void dialing_leave(struct connector *connector, struct dialer *dialer)
{
    *(dialer->before != NULL ? &dialer->before->next : &connector->first_dialing) = dialer->next;
    *(dialer->next != NULL ? &dialer->next->before : &connector->last_dialing) = dialer->before;
}

static int socket_changed(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
    (void)easy;
    struct dialer *dialer = context;
    int epoll_fd = dialer->connector->epoll_fd;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        curl_multi_assign(dialer->multi, fd, NULL);
        return 0;
    }
    struct epoll_event event = {.data.u64 = (uint64_t)dialer->index << 32 | (uint32_t)fd};
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    int operation = known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    /* A failure shows as the exchange's timeout; -1 here would abort the transfer untold. */
    if (epoll_ctl(epoll_fd, operation, fd, &event) == 0) {
        curl_multi_assign(dialer->multi, fd, dialer);
    }
    return 0;
}

static int timer_changed(CURLM *multi, long timeout_ms, void *context)
{
    (void)multi;
    struct dialer *dialer = context;
    dialer->timer_ns =
        timeout_ms < 0 ? INT64_MAX : clock_mono_ns() + (int64_t)timeout_ms * CLOCK_NS_PER_MS;
    return 0;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct dialer *dialer = context;
    (void)purpose;
    return curl_open_socket(to, &dialer->no_descriptor);
}

void dialer_free(struct dialer *dialer)
{
    if (dialer->multi != NULL && dialer->easy != NULL) {
        curl_multi_remove_handle(dialer->multi, dialer->easy);
    }
    curl_easy_cleanup(dialer->easy);
    curl_multi_cleanup(dialer->multi);
    mem_free(dialer);
}

static bool set_up(struct connector *connector, struct dialer *dialer)
{
    dialer->multi = curl_multi_init();
    dialer->easy = curl_easy_init();
    if (dialer->multi == NULL || dialer->easy == NULL) {
        return false;
    }
    curl_multi_setopt(dialer->multi, CURLMOPT_SOCKETFUNCTION, socket_changed);
    curl_multi_setopt(dialer->multi, CURLMOPT_SOCKETDATA, dialer);
    curl_multi_setopt(dialer->multi, CURLMOPT_TIMERFUNCTION, timer_changed);
    curl_multi_setopt(dialer->multi, CURLMOPT_TIMERDATA, dialer);
    curl_easy_setopt(dialer->easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(dialer->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(dialer->easy, CURLOPT_SHARE, connector->share);
    curl_easy_setopt(dialer->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(dialer->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(dialer->easy, CURLOPT_DNS_CACHE_TIMEOUT, CURL_ADDRESS_AGE_MAX_S);
    /* A dial given up must not wait for the thread that looks its name up. */
    curl_easy_setopt(dialer->easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(dialer->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(dialer->easy, CURLOPT_OPENSOCKETDATA, dialer);
    curl_easy_setopt(dialer->easy, CURLOPT_NOPROXY, "*");
    if (connector->ca_file != NULL) {
        curl_easy_setopt(dialer->easy, CURLOPT_CAINFO, connector->ca_file);
    }
    return true;
}

static struct dialer *dialer_new(struct connector *connector)
{
    if (connector->count == connector->capacity) {
        uint32_t capacity = connector->capacity > 0 ? 2 * connector->capacity : 16;
        void *longer = mem_try_resize(connector->dialer, capacity * sizeof(struct dialer *));
        if (longer == NULL) {
            return NULL;
        }
        connector->dialer = longer;
        connector->capacity = capacity;
    }
    struct dialer *dialer = mem_try_alloc(sizeof *dialer);
    if (dialer == NULL) {
        return NULL;
    }
    *dialer =
        (struct dialer){.connector = connector, .timer_ns = INT64_MAX, .index = connector->count};
    if (!set_up(connector, dialer)) {
        dialer_free(dialer);
        return NULL;
    }
    connector->dialer[connector->count++] = dialer;
    return dialer;
}

struct dialer *dialer_take(struct connector *connector)
{
    struct dialer *dialer = connector->free_dialer;
    if (dialer == NULL) {
        return dialer_new(connector);
    }
    connector->free_dialer = dialer->next;
    return dialer;
}

void dialer_release(struct dialer *dialer)
{
    struct connector *connector = dialer->connector;
    curl_multi_remove_handle(dialer->multi, dialer->easy);
    if (dialer->link->dialing) {
        dialing_leave(connector, dialer);
    }
    dialer->timer_ns = INT64_MAX;
    dialer->link = NULL;
    dialer->next = connector->free_dialer;
    connector->free_dialer = dialer;
}

void dialer_done(struct dialer *dialer)
{
    dialing_leave(dialer->connector, dialer);
    dialer->link->dialing = false;
}

bool dialer_begin(struct dialer *dialer, struct link *link)
{
    dialer->link = link;
    dialer->begun = dialer->no_descriptor = false;
    dialing_append(dialer->connector, dialer);
    if (curl_easy_setopt(dialer->easy, CURLOPT_URL, link->address->base_url) != CURLE_OK ||
        curl_multi_add_handle(dialer->multi, dialer->easy) != CURLM_OK) {
        dialer_release(dialer);
        return false;
    }
    link->dialer = dialer;
    return true;
}
