/*
 * The listening socket is made here rather than by the library, because "address in use" and "no
 * such address" are the two faults a user meets, and the library would report neither.
 */
#include "base/httpd_listen.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

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

static void write_url(const struct address *address, int socket_fd, char *url, size_t url_size)
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
    snprintf(url, url_size, address->bracketed ? "http://[%s]:%u" : "http://%s:%u", address->host,
             port);
}

enum err httpd_listen(const char *listen_text, int *out, char *url, size_t url_size,
                      struct error *error)
{
    struct address address;
    enum err code = open_socket(listen_text, &address, out, error);
    if (code == ERR_OK) {
        write_url(&address, *out, url, url_size);
    }
    return code;
}
