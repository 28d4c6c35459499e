/*
 * The floor under any load generator: the same two requests over and over on CONNECTIONS kept
 * connections, one epoll set, one send and one receive each, and nothing made of the answers.
 *     build/release/bench/load/floor HOST:PORT CONNECTIONS SECONDS
 * Every request has the same bytes, so every answer of a kind has the same length; it is read from
 * the first one, and an answer of another length or without status 2xx ends the program (exit
 * status 1). A program that must also make requests, read answers and keep books cannot cost less.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LIST, RATING, KINDS, EVENTS = 256, ROOM = 65536 };

#define HEAD "Host: target\r\nUser-Agent: floor\r\nAccept: */*\r\n"

static const char *const request[KINDS] = {
    "GET /recommendations/?user_id=4711&n=10 HTTP/1.1\r\n" HEAD "\r\n",
    "POST /ratings/ HTTP/1.1\r\n" HEAD
    "Content-Type: application/json\r\nContent-Length: 84\r\n\r\n"
    "{\"user_id\":4711,\"movie_id\":318,\"rating\":4.5,\"request_id\":"
    "\"0123456789abcdef01234567\"}",
};

struct connection {
    int fd, kind;
    size_t got;
};

struct floor_run {
    struct connection *connection; /* [count] */
    int count, epoll_fd;
    size_t length[KINDS]; /* of the request */
    size_t wanted[KINDS]; /* of a whole answer; 0 = not known yet */
    int64_t answers[KINDS];
    char room[ROOM];
};

static bool fail(const char *what)
{
    (void)fprintf(stderr, "floor: %s\n", what);
    return false;
}

static int dial(const char *address)
{
    char host[256];
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    const char *colon = strrchr(address, ':');
    int fd = -1, on = 1;
    if (colon == NULL || (size_t)(colon - address) >= sizeof host) {
        return -1;
    }
    memcpy(host, address, (size_t)(colon - address));
    host[colon - address] = '\0';
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0) {
        return -1;
    }
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (connect(fd, found->ai_addr, found->ai_addrlen) != 0 ||
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

static bool ask(struct floor_run *run, struct connection *connection)
{
    int kind = connection->kind;
    connection->got = 0;
    ssize_t sent = send(connection->fd, request[kind], run->length[kind], MSG_NOSIGNAL);
    return sent == (ssize_t)run->length[kind] ? true : fail("a request could not be sent");
}

/* The whole length of the answer that begins in `bytes`; 0 if its head is not all there. */
static size_t answer_length(const char *bytes)
{
    const char *end = strstr(bytes, "\r\n\r\n");
    const char *field = strcasestr(bytes, "\r\nContent-Length:");
    if (end == NULL || field == NULL || field > end) {
        return 0;
    }
    return (size_t)(end - bytes) + 4 + strtoul(field + strlen("\r\nContent-Length:"), NULL, 10);
}

static bool hear(struct floor_run *run, struct connection *connection)
{
    int kind = connection->kind;
    ssize_t came =
        recv(connection->fd, run->room + connection->got, ROOM - 1 - connection->got, MSG_DONTWAIT);
    if (came < 0 && errno == EAGAIN) {
        return true;
    }
    if (came <= 0) {
        return fail("a connection was closed");
    }
    if (connection->got == 0 && memcmp(run->room, "HTTP/1.1 2", 10) != 0) {
        return fail("an answer without status 2xx");
    }
    connection->got += (size_t)came;
    if (run->wanted[kind] == 0) {
        run->room[connection->got] = '\0';
        run->wanted[kind] = answer_length(run->room);
    }
    if (run->wanted[kind] == 0 || connection->got < run->wanted[kind]) {
        return true;
    }
    if (connection->got > run->wanted[kind]) {
        return fail("an answer of another length");
    }
    run->answers[kind]++;
    connection->kind = kind == LIST ? RATING : LIST;
    return ask(run, connection);
}

static bool open_connections(struct floor_run *run, const char *address)
{
    for (int i = 0; i < run->count; i++) {
        struct connection *connection = &run->connection[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        *connection = (struct connection){.fd = dial(address), .kind = i % KINDS};
        if (connection->fd < 0 ||
            epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) != 0) {
            return fail("cannot connect");
        }
        if (!ask(run, connection)) {
            return false;
        }
    }
    return true;
}

static bool play(struct floor_run *run, int64_t until_ns)
{
    struct epoll_event events[EVENTS];
    while (clock_mono_ns() < until_ns) {
        int ready = epoll_wait(run->epoll_fd, events, EVENTS, 100);
        for (int i = 0; i < ready; i++) {
            if (!hear(run, events[i].data.ptr)) {
                return false;
            }
        }
    }
    return true;
}

static double cpu_s(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

int main(int argc, char **argv)
{
    int64_t count = 0;
    double seconds = 0;
    if (argc != 4 || !text_to_i64(argv[2], &count) || count < 1 || count > 4096 ||
        !text_to_f64(argv[3], &seconds)) {
        (void)fprintf(stderr, "usage: floor HOST:PORT CONNECTIONS SECONDS\n");
        return 2;
    }
    struct floor_run *run = mem_zalloc(1, sizeof *run);
    run->count = (int)count;
    run->connection = mem_zalloc((size_t)count, sizeof *run->connection);
    run->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (int kind = 0; kind < KINDS; kind++) {
        run->length[kind] = strlen(request[kind]);
    }
    int64_t begun_ns = clock_mono_ns();
    double cpu_before = cpu_s();
    bool good = run->epoll_fd >= 0 && open_connections(run, argv[1]) &&
                play(run, begun_ns + (int64_t)(seconds * 1e9));
    double steps = (double)(run->answers[LIST] + run->answers[RATING]) / 2;
    if (good && steps > 0) {
        printf("%.0f steps, %.2f us of processor time a step\n", steps,
               1e6 * (cpu_s() - cpu_before) / steps);
    }
    for (int i = 0; i < run->count; i++) {
        if (run->connection[i].fd > 0) {
            close(run->connection[i].fd);
        }
    }
    mem_free(run->connection);
    mem_free(run);
    return good ? 0 : 1;
}
