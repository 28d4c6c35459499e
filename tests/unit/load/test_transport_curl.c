/* libcurl against small servers that misbehave on purpose. How long anything takes decides nothing:
 * deadlines only keep a broken build from hanging. */
#include "base/clock.h"
#include "base/httpd.h"
#include "base/mem.h"
#include "load/transport.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MAX 4096
#define HANG_NS (60 * CLOCK_NS_PER_S)

static void exchange_init(struct exchange *exchange, int slot, const char *base, const char *path)
{
    memset(exchange, 0, sizeof *exchange);
    exchange->slot = slot;
    (void)snprintf(exchange->url, sizeof exchange->url, "%s%s", base, path);
    buf_init(&exchange->answer, ANSWER_MAX);
}

static struct transport *transport_open(int slots, long timeout_ms)
{
    struct transport *transport = NULL;
    cr_assert_eq(transport_curl.open(slots, timeout_ms, &transport, NULL), ERR_OK);
    return transport;
}

/* Plays one exchange to its end. */
static void play(struct transport *transport, struct exchange *exchange)
{
    struct exchange *done[8];
    int64_t deadline = clock_mono_ns() + HANG_NS;
    buf_reset(&exchange->answer);
    transport_curl.start(transport, exchange);
    int count = 0;
    while (count == 0 && clock_mono_ns() < deadline) {
        count = transport_curl.wait(transport, clock_mono_ns() + CLOCK_NS_PER_S, done);
    }
    cr_assert_eq(count, 1);
    cr_assert_eq(done[0], exchange);
}

/* ---- a healthy server ---- */

static _Atomic int served;

static void echo(void *context, const struct httpd_request *request, struct httpd_reply *reply)
{
    (void)context;
    atomic_fetch_add(&served, 1);
    if (strcmp(request->path, "/refused") == 0) {
        reply->status = 503;
    } else if (strcmp(request->path, "/moved") == 0) {
        reply->status = 302;
        reply->location = "/elsewhere";
    }
    buf_printf(&reply->body, "%s %s|", request->method, request->path);
    size_t wanted = strcmp(request->path, "/long") == 0 ? 3 * ANSWER_MAX : 0;
    while (reply->body.len < wanted) {
        buf_text(&reply->body, "and so on and on ");
    }
    buf_add(&reply->body, request->body, request->body_len);
}

static struct httpd *serve(void)
{
    struct httpd *httpd = NULL;
    struct httpd_config config = {.listen = "127.0.0.1:0",
                                  .threads = 2,
                                  .body_max_bytes = 4096,
                                  .reply_max_bytes = 65536,
                                  .connections_max = 64};
    cr_assert_eq(httpd_start(&httpd, &config, echo, NULL, NULL), ERR_OK);
    return httpd;
}

Test(transport_curl, answers_come_back_with_status_and_body)
{
    static const struct {
        const char *path, *body, *answer;
        long status;
    } rows[] = {
        {"/a", NULL, "GET /a|", 200},
        {"/b", "{\"x\":1}", "POST /b|{\"x\":1}", 200},
        {"/refused", NULL, "GET /refused|", 503},
        {"/c", "", "POST /c|", 200},
        {"/moved", NULL, "GET /moved|", 302},
        {"/a", NULL, "GET /a|", 200},
    };
    struct httpd *httpd = serve();
    struct transport *transport = transport_open(1, 30000);
    struct exchange exchange;
    int64_t before = clock_mono_ns();
    exchange_init(&exchange, 0, httpd_url(httpd), "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(exchange.url, sizeof exchange.url, "%s%s", httpd_url(httpd), rows[i].path);
        exchange.is_post = rows[i].body != NULL;
        exchange.body_len = exchange.is_post ? strlen(rows[i].body) : 0;
        (void)snprintf(exchange.body, sizeof exchange.body, "%s",
                       exchange.is_post ? rows[i].body : "");
        play(transport, &exchange);
        cr_expect_eq(exchange.status, rows[i].status, "%s: %ld", rows[i].path, exchange.status);
        cr_assert_not_null(exchange.answer.data);
        cr_expect_str_eq(exchange.answer.data, rows[i].answer);
        cr_expect_null(exchange.reason);
        cr_expect(exchange.done_ns > before && exchange.done_ns <= clock_mono_ns());
    }
    cr_expect_eq(served, 6, "redirects are not followed");
    transport_curl.close(transport);
    buf_deinit(&exchange.answer);
    httpd_stop(httpd);
}

Test(transport_curl, an_answer_beyond_the_maximum_keeps_its_status_and_is_marked)
{
    struct httpd *httpd = serve();
    struct transport *transport = transport_open(1, 30000);
    struct exchange exchange;
    exchange_init(&exchange, 0, httpd_url(httpd), "/long");
    play(transport, &exchange);
    cr_expect_eq(exchange.status, 200);
    cr_expect(exchange.answer.failed);
    cr_expect_leq(exchange.answer.len, ANSWER_MAX);
    cr_expect_str_eq(exchange.reason, "answer too long");
    (void)snprintf(exchange.url, sizeof exchange.url, "%s/a", httpd_url(httpd));
    play(transport, &exchange);
    cr_expect_str_eq(exchange.answer.data, "GET /a|", "the slot works on");
    transport_curl.close(transport);
    buf_deinit(&exchange.answer);
    httpd_stop(httpd);
}

Test(transport_curl, all_slots_work_at_once_and_again)
{
    enum { SLOTS = 8, ROUNDS = 50 };
    struct httpd *httpd = serve();
    struct transport *transport = transport_open(SLOTS, 30000);
    struct exchange exchange[SLOTS], *done[SLOTS];
    int started = 0, finished = 0;
    int64_t deadline = clock_mono_ns() + HANG_NS;
    for (int i = 0; i < SLOTS; i++) {
        exchange_init(&exchange[i], i, httpd_url(httpd), "/all");
        transport_curl.start(transport, &exchange[i]);
        started++;
    }
    while (finished < SLOTS * ROUNDS && clock_mono_ns() < deadline) {
        int count = transport_curl.wait(transport, clock_mono_ns() + CLOCK_NS_PER_S, done);
        finished += count;
        for (int i = 0; i < count; i++) {
            cr_assert_eq(done[i]->status, 200);
            cr_assert_str_eq(done[i]->answer.data, "GET /all|");
            if (started < SLOTS * ROUNDS) {
                buf_reset(&done[i]->answer);
                transport_curl.start(transport, done[i]);
                started++;
            }
        }
    }
    cr_expect_eq(finished, SLOTS * ROUNDS);
    cr_expect_eq(served, SLOTS * ROUNDS);
    transport_curl.close(transport);
    for (int i = 0; i < SLOTS; i++) {
        buf_deinit(&exchange[i].answer);
    }
    httpd_stop(httpd);
}

Test(transport_curl, waiting_for_nothing_ends_at_the_deadline)
{
    struct transport *transport = transport_open(1, 1000);
    struct exchange *done[1];
    int64_t until = clock_mono_ns() + 2 * CLOCK_NS_PER_MS;
    cr_expect_eq(transport_curl.wait(transport, until, done), 0);
    cr_expect_geq(clock_mono_ns(), until);
    cr_expect_eq(transport_curl.wait(transport, 0, done), 0, "a past deadline only polls");
    transport_curl.close(transport);
}

/* ---- servers that break the connection ---- */

enum manners {
    ANSWER_ONCE_THEN_CLOSE, /* reads the second request of a connection and closes unanswered */
    CLOSE_AT_ONCE,          /* reads a request and closes */
    CUT_THE_ANSWER,         /* promises more bytes than it sends */
    SAY_NOTHING,
    TALK_NONSENSE
};

struct rude_server {
    enum manners manners;
    int listener;
    char url[64];
    pthread_t thread;
    _Atomic int requests, connections;
    atomic_bool over;
};

/* Reads one request without a body; false when the client is gone or the test over. */
static bool read_request(struct rude_server *server, int fd)
{
    char text[2048] = "";
    size_t len = 0;
    while (strstr(text, "\r\n\r\n") == NULL && len + 1 < sizeof text) {
        ssize_t got = recv(fd, text + len, sizeof text - 1 - len, 0);
        if (got <= 0) {
            return false;
        }
        len += (size_t)got;
        text[len] = '\0';
    }
    atomic_fetch_add(&server->requests, 1);
    return true;
}

static void treat(struct rude_server *server, int fd)
{
    static const char whole[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    static const char cut[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
    static const char nonsense[] = "SSH-2.0-OpenSSH_9.2\r\n";
    if (!read_request(server, fd)) {
        return;
    }
    if (server->manners == ANSWER_ONCE_THEN_CLOSE) {
        (void)send(fd, whole, sizeof whole - 1, MSG_NOSIGNAL);
        (void)read_request(server, fd);
    } else if (server->manners == CUT_THE_ANSWER) {
        (void)send(fd, cut, sizeof cut - 1, MSG_NOSIGNAL);
    } else if (server->manners == TALK_NONSENSE) {
        (void)send(fd, nonsense, sizeof nonsense - 1, MSG_NOSIGNAL);
    } else if (server->manners == SAY_NOTHING) {
        (void)read_request(server, fd); /* until the client hangs up */
    }
}

static void *rude_main(void *context)
{
    struct rude_server *server = context;
    for (;;) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0 || atomic_load(&server->over)) {
            close(fd);
            return NULL;
        }
        atomic_fetch_add(&server->connections, 1);
        treat(server, fd);
        close(fd);
    }
}

static void rude_start(struct rude_server *server, enum manners manners)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    memset(server, 0, sizeof *server);
    server->manners = manners;
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(server->listener, 8), 0);
    cr_assert_eq(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    cr_assert_eq(pthread_create(&server->thread, NULL, rude_main, server), 0);
}

static void rude_stop(struct rude_server *server)
{
    atomic_store(&server->over, true);
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
}

Test(transport_curl, broken_connections_are_no_answer)
{
    static const struct {
        const char *name;
        enum manners manners;
    } rows[] = {{"closed", CLOSE_AT_ONCE}, {"cut", CUT_THE_ANSWER}, {"nonsense", TALK_NONSENSE}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rude_server server;
        struct exchange exchange;
        rude_start(&server, rows[i].manners);
        struct transport *transport = transport_open(1, 30000);
        exchange_init(&exchange, 0, server.url, "/");
        play(transport, &exchange);
        cr_expect_eq(exchange.status, 0, "%s", rows[i].name);
        cr_expect_not_null(exchange.reason, "%s", rows[i].name);
        cr_expect_eq(server.requests, 1, "%s", rows[i].name);
        transport_curl.close(transport);
        buf_deinit(&exchange.answer);
        rude_stop(&server);
    }
}

/* Left alone, libcurl would send the second request again on a new connection. */
Test(transport_curl, a_request_lost_on_a_kept_connection_is_not_sent_again)
{
    struct rude_server server;
    struct exchange exchange;
    rude_start(&server, ANSWER_ONCE_THEN_CLOSE);
    struct transport *transport = transport_open(1, 30000);
    exchange_init(&exchange, 0, server.url, "/");
    play(transport, &exchange);
    cr_expect_eq(exchange.status, 200);
    play(transport, &exchange);
    cr_expect_eq(exchange.status, 0, "status %ld", exchange.status);
    cr_expect_str_eq(exchange.reason, "connection closed before an answer");
    cr_expect_eq(server.requests, 2, "%d requests reached the server", server.requests);
    play(transport, &exchange);
    cr_expect_eq(exchange.status, 200, "the next request goes out as usual");
    transport_curl.close(transport);
    buf_deinit(&exchange.answer);
    rude_stop(&server);
}

Test(transport_curl, silence_ends_at_the_timeout)
{
    struct rude_server server;
    struct exchange exchange;
    rude_start(&server, SAY_NOTHING);
    struct transport *transport = transport_open(1, 150);
    exchange_init(&exchange, 0, server.url, "/");
    int64_t before = clock_mono_ns();
    play(transport, &exchange);
    cr_expect_eq(exchange.status, 0);
    cr_expect_not_null(exchange.reason);
    cr_expect_geq(exchange.done_ns - before, 149 * CLOCK_NS_PER_MS);
    transport_curl.close(transport);
    buf_deinit(&exchange.answer);
    rude_stop(&server);
}

Test(transport_curl, closing_drops_what_is_in_flight)
{
    struct rude_server server;
    struct exchange exchange;
    rude_start(&server, SAY_NOTHING);
    struct transport *transport = transport_open(2, 30000);
    exchange_init(&exchange, 1, server.url, "/");
    transport_curl.start(transport, &exchange);
    transport_curl.close(transport);
    buf_deinit(&exchange.answer);
    rude_stop(&server);
}
