/*
 * Libcurl connects with CURLOPT_CONNECT_ONLY, driven by its socket and timer callbacks on an epoll
 * set of the connector's, whose descriptor is readable when there is something to do; so the caller
 * waits for connections and for everything else in one place.
 *
 * A connection in the clear is taken out of libcurl's hands: its descriptor is duplicated before
 * libcurl closes its own, and from then on it is a plain socket. One with TLS stays with its easy
 * handle, whose send and receive encrypt.
 *
 * Each handle has a multi handle of its own. In a common one libcurl would look through the idle
 * connections whenever it opens another, take one with unread input (an answer that just came) for
 * dead, and close it under our feet. Addresses and TLS sessions are common to all by a share, which
 * needs no locks in one thread. Handles are used again: of those with plain connections there are
 * only as many as ever connected at once. Each costs two descriptors beside its socket, for a
 * wake-up pair that nobody uses (descriptors.c reckons with them).
 *
 * Libcurl looks a name up in a thread of its own, one for each handle. So while a name is not known
 * one dial goes ahead, and the others wait until it knows; a name without an address is told to
 * all of them. If the one that went ahead is given up, the newest takes its place: it has the most
 * time left, and a resolver that hangs is asked once a timeout instead of once a request.
 */
#include "load/connector_int.h"

#include "base/clock.h"
#include "base/mem.h"
#include "load/curl_failure.h"

#include <arpa/inet.h>
#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX 64
/* A little less than libcurl keeps the address, so that what is thought known is known. */
#define KNOWN_NS ((CURL_ADDRESS_AGE_MAX_S - 2) * CLOCK_NS_PER_S)

/* ---- lists ---- */

static void list_append(struct links *list, struct link *link)
{
    link->list = list;
    link->before = list->last;
    link->next = NULL;
    *(list->last != NULL ? &list->last->next : &list->first) = link;
    list->last = link;
}

static void list_leave(struct link *link)
{
    struct links *list = link->list;
    *(link->before != NULL ? &link->before->next : &list->first) = link->next;
    *(link->next != NULL ? &link->next->before : &list->last) = link->before;
    link->list = NULL;
}

static void lose(struct connector *connector, struct link *link, enum exchange_failure failure,
                 const char *reason)
{
    link->failure = failure;
    link->reason = reason;
    list_append(&connector->lost, link);
}

/* ---- connecting ---- */

enum err connector_open(struct connector **out, struct error *error)
{
    struct connector *connector = mem_zalloc(1, sizeof *connector);
    connector->ca_file = curl_ca_file();
    connector->share = curl_share_init();
    connector->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (connector->share == NULL || connector->epoll_fd < 0) {
        char text[64];
        enum err code = error_set(error, ERR_NETWORK, NULL, 0, "epoll: %s",
                                  err_errno_text(errno, text, sizeof text));
        connector_close(connector);
        return code;
    }
    curl_share_setopt(connector->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    curl_share_setopt(connector->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    *out = connector;
    return ERR_OK;
}

void connector_close(struct connector *connector)
{
    if (connector == NULL) {
        return;
    }
    for (uint32_t i = 0; i < connector->count; i++) {
        assert(connector->dialer[i]->link == NULL);
        dialer_free(connector->dialer[i]);
    }
    while (connector->free_link != NULL) {
        struct link *link = connector->free_link;
        connector->free_link = link->next;
        mem_free(link);
    }
    curl_share_cleanup(connector->share);
    if (connector->epoll_fd >= 0) {
        close(connector->epoll_fd);
    }
    mem_free(connector->dialer);
    mem_free(connector);
}

static struct link *link_new(struct connector *connector)
{
    struct link *link = connector->free_link;
    if (link != NULL) {
        connector->free_link = link->next;
        return link;
    }
    return mem_try_alloc(sizeof *link);
}

static bool is_name(const char *base_url)
{
    char host[INET6_ADDRSTRLEN];
    struct in_addr ip;
    const char *at = strstr(base_url, "://");
    at = at != NULL ? at + 3 : base_url;
    size_t len = strcspn(at, ":/");
    if (at[0] == '[') {
        return false;
    }
    if (len >= sizeof host) {
        return true;
    }
    memcpy(host, at, len);
    host[len] = '\0';
    return inet_pton(AF_INET, host, &ip) != 1;
}

static struct address *find_address(struct connector *connector, const char *base_url)
{
    for (int i = 0; i < connector->addresses; i++) {
        if (strcmp(connector->address[i].base_url, base_url) == 0) {
            return &connector->address[i];
        }
    }
    assert(connector->addresses < TRANSPORT_SHAPES_MAX);
    struct address *address = &connector->address[connector->addresses++];
    *address = (struct address){.base_url = base_url, .is_name = is_name(base_url)};
    return address;
}

static bool begin(struct connector *connector, struct link *link)
{
    struct dialer *dialer = dialer_take(connector);
    return dialer != NULL && dialer_begin(dialer, link);
}

struct link *connector_dial(struct connector *connector, const char *base_url, int owner)
{
    struct address *address = find_address(connector, base_url);
    struct link *link = link_new(connector);
    if (link == NULL) {
        return NULL;
    }
    *link = (struct link){.fd = -1, .owner = owner, .dialing = true, .address = address};
    bool known = !address->is_name || clock_mono_ns() < address->known_until_ns;
    connector->dialing++;
    if (!known && address->ahead != NULL) {
        list_append(&address->waiting, link);
    } else if (!begin(connector, link)) {
        link_close(connector, link);
        return NULL;
    } else if (!known) {
        address->ahead = link;
    }
    return link;
}

/* Begins a dial that has waited. */
static bool resume(struct connector *connector, struct link *link)
{
    list_leave(link);
    if (!begin(connector, link)) {
        lose(connector, link, EXCHANGE_OTHER, "libcurl could not begin to connect");
        return false;
    }
    return true;
}

/* One of those waiting goes ahead where nobody does any more. */
static void send_ahead(struct connector *connector)
{
    for (int i = 0; i < connector->addresses; i++) {
        struct address *address = &connector->address[i];
        while (address->ahead == NULL && address->waiting.last != NULL) {
            struct link *link = address->waiting.last;
            address->ahead = resume(connector, link) ? link : NULL;
        }
    }
}

/* The name's address is known: all may go. */
static void let_go(struct connector *connector, struct address *address)
{
    address->ahead = NULL;
    address->known_until_ns = clock_mono_ns() + KNOWN_NS;
    while (address->waiting.first != NULL) {
        (void)resume(connector, address->waiting.first);
    }
}

int connector_fd(const struct connector *connector)
{
    return connector->epoll_fd;
}

int64_t connector_due_ns(const struct connector *connector)
{
    int64_t due_ns = connector->lost.first != NULL ? 0 : INT64_MAX;
    for (int i = 0; i < connector->addresses; i++) {
        const struct address *address = &connector->address[i];
        due_ns = address->ahead == NULL && address->waiting.last != NULL ? 0 : due_ns;
    }
    for (const struct dialer *dialer = connector->first_dialing; dialer != NULL;
         dialer = dialer->next) {
        due_ns = dialer->timer_ns < due_ns ? dialer->timer_ns : due_ns;
    }
    return due_ns;
}

static void drive_sockets(struct connector *connector)
{
    struct epoll_event events[EVENTS_MAX];
    int ready = epoll_wait(connector->epoll_fd, events, EVENTS_MAX, 0);
    for (int i = 0; i < ready; i++) {
        int running, mask = 0;
        struct dialer *dialer = connector->dialer[events[i].data.u64 >> 32];
        mask |= events[i].events & (EPOLLIN | EPOLLRDHUP) ? CURL_CSELECT_IN : 0;
        mask |= events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0;
        mask |= events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0;
        curl_multi_socket_action(dialer->multi, (curl_socket_t)(events[i].data.u64 & UINT32_MAX),
                                 mask, &running);
    }
}

/* A socket in the clear leaves libcurl; an encrypted one stays. */
static void settle(struct dialer *dialer, struct connector_outcome *outcome)
{
    struct link *link = dialer->link;
    curl_socket_t fd = CURL_SOCKET_BAD;
    char *scheme = "";
    outcome->connected_ns = clock_mono_ns();
    curl_easy_getinfo(dialer->easy, CURLINFO_ACTIVESOCKET, &fd);
    curl_easy_getinfo(dialer->easy, CURLINFO_SCHEME, &scheme);
    link->fd = fd;
    if (fd != CURL_SOCKET_BAD && strcasecmp(scheme, "http") == 0) {
        link->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        dialer_release(dialer);
        link->dialer = NULL;
    }
    if (link->fd < 0) {
        outcome->failure = EXCHANGE_OTHER;
        outcome->reason = curl_no_descriptor_text;
        outcome->connected_ns = 0;
    }
}

/* What became of the lookup that others wait for. */
static void note_lookup(struct connector *connector, struct address *address, CURL *easy,
                        const struct connector_outcome *outcome)
{
    curl_off_t looked_up_us = 0;
    curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &looked_up_us);
    if (outcome != NULL && outcome->failure == EXCHANGE_DNS) {
        address->ahead = NULL;
        while (address->waiting.first != NULL) {
            struct link *link = address->waiting.first;
            list_leave(link);
            lose(connector, link, EXCHANGE_DNS, outcome->reason);
        }
    } else if (looked_up_us > 0) {
        let_go(connector, address);
    } else if (outcome != NULL) {
        address->ahead = NULL;
    }
}

/* Whether the connection of this dialer stands now, or never will. */
static bool finished(struct connector *connector, struct dialer *dialer,
                     struct connector_outcome *outcome)
{
    int left;
    struct link *link = dialer->link;
    struct address *address = link->address;
    bool ahead = address->ahead == link;
    CURLMsg *message = curl_multi_info_read(dialer->multi, &left);
    if (message == NULL) {
        if (ahead && dialer->begun) {
            note_lookup(connector, address, dialer->easy, NULL);
        }
        return false;
    }
    CURLcode result = message->data.result;
    *outcome = (struct connector_outcome){
        .link = link, .owner = link->owner, .failure = curl_failure(result)};
    if (result != CURLE_OK) {
        outcome->reason = curl_easy_strerror(result);
        if (dialer->no_descriptor || curl_no_descriptor(connector->epoll_fd)) {
            outcome->failure = EXCHANGE_OTHER;
            outcome->reason = curl_no_descriptor_text;
        }
    }
    if (ahead) {
        note_lookup(connector, address, dialer->easy, outcome);
    }
    dialer_done(dialer);
    connector->dialing--;
    if (result == CURLE_OK) {
        settle(dialer, outcome);
    }
    return true;
}

static int drive_dialers(struct connector *connector, struct connector_outcome *out, int max)
{
    int count = 0;
    int64_t now_ns = clock_mono_ns();
    struct dialer *next;
    for (struct dialer *dialer = connector->first_dialing; dialer != NULL && count < max;
         dialer = next) {
        next = dialer->next;
        if (dialer->timer_ns <= now_ns) {
            int running;
            dialer->timer_ns = INT64_MAX;
            dialer->begun = true;
            curl_multi_socket_action(dialer->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
        count += finished(connector, dialer, &out[count]);
    }
    return count;
}

int connector_drive(struct connector *connector, struct connector_outcome *out, int max)
{
    if (connector->dialing == 0) {
        return 0;
    }
    drive_sockets(connector);
    send_ahead(connector);
    int count = drive_dialers(connector, out, max);
    while (connector->lost.first != NULL && count < max) {
        struct link *link = connector->lost.first;
        list_leave(link);
        link->dialing = false;
        connector->dialing--;
        out[count++] = (struct connector_outcome){
            .link = link, .owner = link->owner, .failure = link->failure, .reason = link->reason};
    }
    return count;
}

/* ---- links ---- */

int link_fd(const struct link *link)
{
    return link->fd;
}

static ssize_t result_of(ssize_t count)
{
    if (count >= 0) {
        return count;
    }
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? LINK_AGAIN : LINK_BROKEN;
}

ssize_t link_send(struct link *link, const char *bytes, size_t len)
{
    if (link->dialer == NULL) {
        return result_of(send(link->fd, bytes, len, MSG_NOSIGNAL));
    }
    size_t sent = 0;
    CURLcode result = curl_easy_send(link->dialer->easy, bytes, len, &sent);
    if (result == CURLE_AGAIN) {
        return LINK_AGAIN;
    }
    return result == CURLE_OK ? (ssize_t)sent : LINK_BROKEN;
}

ssize_t link_receive(struct link *link, char *bytes, size_t size, bool *more)
{
    *more = false;
    if (link->dialer == NULL) {
        return result_of(recv(link->fd, bytes, size, 0));
    }
    size_t got = 0;
    CURLcode result = curl_easy_recv(link->dialer->easy, bytes, size, &got);
    if (result == CURLE_AGAIN) {
        return LINK_AGAIN;
    }
    *more = got > 0; /* a record may be decrypted already */
    return result == CURLE_OK ? (ssize_t)got : LINK_BROKEN;
}

void link_close(struct connector *connector, struct link *link)
{
    if (link == NULL) {
        return;
    }
    connector->dialing -= link->dialing;
    if (link->address->ahead == link) {
        link->address->ahead = NULL;
    }
    if (link->list != NULL) {
        list_leave(link);
    }
    if (link->dialer != NULL) {
        dialer_release(link->dialer);
    } else if (link->fd >= 0) {
        close(link->fd);
    }
    link->next = connector->free_link;
    connector->free_link = link;
}
