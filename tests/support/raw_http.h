/* HTTP by hand, for what no proper client would send. Header-only. */
#ifndef SUPPORT_RAW_HTTP_H
#define SUPPORT_RAW_HTTP_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connection to a server on 127.0.0.1; aborts if there is none. */
static inline int raw_dial(const char *url)
{
    unsigned port = 0;
    if (sscanf(url, "http://127.0.0.1:%u", &port) != 1) {
        abort();
    }
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        abort();
    }
    return fd;
}

/* Sends raw text; the server may have closed meanwhile. */
static inline void raw_send(int fd, const char *text, size_t len)
{
    ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);
    (void)sent;
}

/* Collects what comes until `heads` blank lines ended a head (and what came with them), or the
 * server closed. */
static inline void raw_receive(int fd, int heads, char *out, size_t size)
{
    size_t used = 0;
    int seen = 0;
    while (seen < heads && used + 1 < size) {
        ssize_t got = recv(fd, out + used, size - 1 - used, 0);
        if (got <= 0) {
            break;
        }
        used += (size_t)got;
        out[used] = '\0';
        seen = 0;
        for (const char *at = out; (at = strstr(at, "\r\n\r\n")) != NULL; at += 4) {
            seen++;
        }
    }
    out[used] = '\0';
}

static inline void raw_talk(int fd, const char *text, size_t len, int heads, char *out, size_t size)
{
    raw_send(fd, text, len);
    raw_receive(fd, heads, out, size);
}

#endif
