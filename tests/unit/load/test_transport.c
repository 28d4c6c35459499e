/* Both transports against small servers that misbehave on purpose. How long anything takes decides
 * nothing: deadlines only keep a broken build from hanging. */
#include "base/clock.h"
#include "base/httpd.h"
#include "base/mem.h"
#include "load/transport.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MAX 4096
#define HANG_NS (60 * CLOCK_NS_PER_S)

/* One test a transport. */
#define BOTH(name)                                                                                 \
    static void name(const struct transport_class *class);                                         \
    Test(transport_curl, name)                                                                     \
    {                                                                                              \
        name(&transport_curl);                                                                     \
    }                                                                                              \
    Test(transport_http1, name)                                                                    \
    {                                                                                              \
        name(&transport_http1);                                                                    \
    }                                                                                              \
    static void name(const struct transport_class *class)

static struct request_shape get = {.method = "GET", .headers = ""};
static struct request_shape post = {
    .method = "POST", .has_body = true, .headers = "Content-Type: application/json\r\n"};
static const struct request_shape *const shapes[] = {&get, &post};

static void aim(struct exchange *exchange, const char *path)
{
    exchange->path_len =
        (size_t)snprintf(exchange->path, sizeof exchange->path, "%s", path[0] != 0 ? path : "/");
}

static void exchange_init(struct exchange *exchange, int slot, const char *path)
{
    memset(exchange, 0, sizeof *exchange);
    exchange->slot = slot;
    exchange->shape = &get;
    aim(exchange, path);
    buf_init(&exchange->answer, ANSWER_MAX);
}

/* `base` must live as long as the transport. */
static struct transport *transport_open(const struct transport_class *class, const char *base,
                                        int slots, long timeout_ms)
{
    struct transport *transport = NULL;
    struct transport_config config = {.slots = slots,
                                      .timeout_ms = timeout_ms,
                                      .shape = shapes,
                                      .shape_count = 2,
                                      .answer_max_bytes = ANSWER_MAX};
    get.base_url = post.base_url = base;
    cr_assert_eq(class->open(&config, &transport, NULL), ERR_OK);
    return transport;
}

/* Plays one exchange to its end. */
static void play(const struct transport_class *class, struct transport *transport,
                 struct exchange *exchange)
{
    struct exchange *done[8];
    int64_t deadline = clock_mono_ns() + HANG_NS;
    buf_reset(&exchange->answer);
    class->start(transport, exchange);
    int count = 0;
    while (count == 0 && clock_mono_ns() < deadline) {
        count = class->wait(transport, clock_mono_ns() + CLOCK_NS_PER_S, done);
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

BOTH(answers_come_back_with_status_and_body)
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
    struct transport *transport = transport_open(class, httpd_url(httpd), 1, 30000);
    struct exchange exchange;
    int64_t before = clock_mono_ns();
    exchange_init(&exchange, 0, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        aim(&exchange, rows[i].path);
        exchange.shape = rows[i].body != NULL ? &post : &get;
        const char *body = rows[i].body != NULL ? rows[i].body : "";
        exchange.body_len = (size_t)snprintf(exchange.body, sizeof exchange.body, "%s", body);
        play(class, transport, &exchange);
        cr_expect_eq(exchange.status, rows[i].status, "%s: %ld", rows[i].path, exchange.status);
        cr_assert_not_null(exchange.answer.data);
        cr_expect_str_eq(exchange.answer.data, rows[i].answer);
        cr_expect_null(exchange.reason);
        cr_expect(exchange.done_ns > before && exchange.done_ns <= clock_mono_ns());
    }
    cr_expect_eq(served, 6, "redirects are not followed");
    class->close(transport);
    buf_deinit(&exchange.answer);
    httpd_stop(httpd);
}

BOTH(an_answer_beyond_the_maximum_keeps_its_status_and_is_marked)
{
    struct httpd *httpd = serve();
    struct transport *transport = transport_open(class, httpd_url(httpd), 1, 30000);
    struct exchange exchange;
    exchange_init(&exchange, 0, "/long");
    play(class, transport, &exchange);
    cr_expect_eq(exchange.status, 200);
    cr_expect(exchange.answer.failed);
    cr_expect_leq(exchange.answer.len, ANSWER_MAX);
    cr_expect_str_eq(exchange.reason, "answer too long");
    aim(&exchange, "/a");
    play(class, transport, &exchange);
    cr_expect_str_eq(exchange.answer.data, "GET /a|", "the slot works on");
    class->close(transport);
    buf_deinit(&exchange.answer);
    httpd_stop(httpd);
}

BOTH(all_slots_work_at_once_and_again)
{
    enum { SLOTS = 8, ROUNDS = 50 };
    struct httpd *httpd = serve();
    struct transport *transport = transport_open(class, httpd_url(httpd), SLOTS, 30000);
    struct exchange exchange[SLOTS], *done[SLOTS];
    int started = 0, finished = 0;
    int64_t deadline = clock_mono_ns() + HANG_NS;
    for (int i = 0; i < SLOTS; i++) {
        exchange_init(&exchange[i], i, "/all");
        class->start(transport, &exchange[i]);
        started++;
    }
    while (finished < SLOTS * ROUNDS && clock_mono_ns() < deadline) {
        int count = class->wait(transport, clock_mono_ns() + CLOCK_NS_PER_S, done);
        finished += count;
        for (int i = 0; i < count; i++) {
            cr_assert_eq(done[i]->status, 200);
            cr_assert_str_eq(done[i]->answer.data, "GET /all|");
            if (started < SLOTS * ROUNDS) {
                buf_reset(&done[i]->answer);
                class->start(transport, done[i]);
                started++;
            }
        }
    }
    cr_expect_eq(finished, SLOTS * ROUNDS);
    cr_expect_eq(served, SLOTS * ROUNDS);
    class->close(transport);
    for (int i = 0; i < SLOTS; i++) {
        buf_deinit(&exchange[i].answer);
    }
    httpd_stop(httpd);
}

BOTH(waiting_for_nothing_ends_at_the_deadline)
{
    struct transport *transport = transport_open(class, "http://127.0.0.1:1", 1, 1000);
    struct exchange *done[1];
    int64_t until = clock_mono_ns() + 2 * CLOCK_NS_PER_MS;
    cr_expect_eq(class->wait(transport, until, done), 0);
    cr_expect_geq(clock_mono_ns(), until);
    cr_expect_eq(class->wait(transport, 0, done), 0, "a past deadline only polls");
    class->close(transport);
}

/* ---- servers that break the connection ---- */

enum manners {
    ANSWER_ONCE_THEN_CLOSE, /* reads the second request of a connection and closes unanswered */
    CLOSE_AT_ONCE,          /* reads a request and closes */
    CUT_THE_ANSWER,         /* promises more bytes than it sends */
    SAY_NOTHING,
    TALK_NONSENSE,
    ANSWER_THEN_CLOSE, /* answers one request a connection and closes without a word of it */
    ANSWER_ALWAYS,
    ANSWER_TWICE, /* sends a second answer that nobody asked for */
    SWALLOW       /* reads a request in small bites and answers with its length */
};

struct rude_server {
    enum manners manners;
    int listener;
    char url[64];
    pthread_t thread;
    _Atomic int requests, connections, closed;
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

/* Counts the bytes of a head, slowly enough to fill every buffer in between. */
static void swallow(int fd)
{
    char bite[4096], answer[128], last[4] = "";
    size_t len = 0;
    clock_sleep_ns(20 * CLOCK_NS_PER_MS);
    while (memcmp(last, "\r\n\r\n", 4) != 0) {
        ssize_t got = recv(fd, bite, sizeof bite, 0);
        if (got <= 0) {
            return;
        }
        for (ssize_t i = got < 4 ? 0 : got - 4; i < got; i++) {
            memmove(last, last + 1, 3);
            last[3] = bite[i];
        }
        len += (size_t)got;
    }
    int digits = snprintf(NULL, 0, "%zu", len);
    int size = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%zu",
                        digits, len);
    (void)send(fd, answer, (size_t)size, MSG_NOSIGNAL);
}

static void treat(struct rude_server *server, int fd)
{
    static const char whole[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    static const char twice[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                                "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfor whom?";
    static const char cut[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
    static const char nonsense[] = "SSH-2.0-OpenSSH_9.2\r\n";
    if (server->manners == SWALLOW) {
        swallow(fd);
        return;
    }
    if (!read_request(server, fd)) {
        return;
    }
    if (server->manners == ANSWER_ALWAYS) {
        do {
            (void)send(fd, whole, sizeof whole - 1, MSG_NOSIGNAL);
        } while (read_request(server, fd));
    } else if (server->manners == ANSWER_THEN_CLOSE) {
        (void)send(fd, whole, sizeof whole - 1, MSG_NOSIGNAL);
    } else if (server->manners == ANSWER_TWICE) {
        (void)send(fd, twice, sizeof twice - 1, MSG_NOSIGNAL);
        (void)read_request(server, fd);
    } else if (server->manners == ANSWER_ONCE_THEN_CLOSE) {
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
        atomic_fetch_add(&server->closed, 1);
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

BOTH(broken_connections_are_no_answer)
{
    static const struct {
        const char *name;
        enum manners manners;
    } rows[] = {{"closed", CLOSE_AT_ONCE}, {"cut", CUT_THE_ANSWER}, {"nonsense", TALK_NONSENSE}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rude_server server;
        struct exchange exchange;
        rude_start(&server, rows[i].manners);
        struct transport *transport = transport_open(class, server.url, 1, 30000);
        exchange_init(&exchange, 0, "/");
        play(class, transport, &exchange);
        cr_expect_eq(exchange.status, 0, "%s", rows[i].name);
        cr_expect_not_null(exchange.reason, "%s", rows[i].name);
        cr_expect_eq(server.requests, 1, "%s", rows[i].name);
        class->close(transport);
        buf_deinit(&exchange.answer);
        rude_stop(&server);
    }
}

/* Left alone, libcurl would send the second request again on a new connection. */
BOTH(a_request_lost_on_a_kept_connection_is_not_sent_again)
{
    struct rude_server server;
    struct exchange exchange;
    rude_start(&server, ANSWER_ONCE_THEN_CLOSE);
    struct transport *transport = transport_open(class, server.url, 1, 30000);
    exchange_init(&exchange, 0, "/");
    play(class, transport, &exchange);
    cr_expect_eq(exchange.status, 200);
    play(class, transport, &exchange);
    cr_expect_eq(exchange.status, 0, "status %ld", exchange.status);
    cr_expect_str_eq(exchange.reason, "connection closed before an answer");
    cr_expect_eq(server.requests, 2, "%d requests reached the server", server.requests);
    play(class, transport, &exchange);
    cr_expect_eq(exchange.status, 200, "the next request goes out as usual");
    class->close(transport);
    buf_deinit(&exchange.answer);
    rude_stop(&server);
}

BOTH(silence_ends_at_the_timeout)
{
    struct rude_server server;
    struct exchange exchange;
    rude_start(&server, SAY_NOTHING);
    struct transport *transport = transport_open(class, server.url, 1, 150);
    exchange_init(&exchange, 0, "/");
    int64_t before = clock_mono_ns();
    play(class, transport, &exchange);
    cr_expect_eq(exchange.status, 0);
    cr_expect_not_null(exchange.reason);
    cr_expect_geq(exchange.done_ns - before, 149 * CLOCK_NS_PER_MS);
    class->close(transport);
    buf_deinit(&exchange.answer);
    rude_stop(&server);
}

BOTH(closing_drops_what_is_in_flight)
{
    struct rude_server server;
    struct exchange exchange;
    rude_start(&server, SAY_NOTHING);
    struct transport *transport = transport_open(class, server.url, 2, 30000);
    exchange_init(&exchange, 1, "/");
    class->start(transport, &exchange);
    class->close(transport);
    buf_deinit(&exchange.answer);
    rude_stop(&server);
}

BOTH(a_connection_closed_while_idle_loses_no_request)
{
    enum { ROUNDS = 20 };
    struct rude_server server;
    struct exchange exchange, *done[1];
    rude_start(&server, ANSWER_THEN_CLOSE);
    struct transport *transport = transport_open(class, server.url, 1, 30000);
    exchange_init(&exchange, 0, "/");
    for (int round = 1; round <= ROUNDS; round++) {
        play(class, transport, &exchange);
        cr_expect_eq(exchange.status, 200, "round %d: %s", round, exchange.reason);
        cr_expect_not(exchange.kept);
        cr_expect(exchange.connected_ns > 0 && exchange.connected_ns <= exchange.done_ns);
        while (server.closed < round) {
            clock_sleep_ns(CLOCK_NS_PER_MS / 10);
        }
        cr_expect_eq(class->wait(transport, 0, done), 0, "the end is noticed, nothing else is");
    }
    cr_expect_eq(server.requests, ROUNDS);
    class->close(transport);
    buf_deinit(&exchange.answer);
    rude_stop(&server);
}

/* Else the second answer would be given to whoever asks next. */
BOTH(an_answer_nobody_asked_for_is_given_to_nobody)
{
    struct rude_server server;
    struct exchange exchange;
    rude_start(&server, ANSWER_TWICE);
    struct transport *transport = transport_open(class, server.url, 1, 30000);
    exchange_init(&exchange, 0, "/");
    for (int round = 0; round < 3; round++) {
        play(class, transport, &exchange);
        cr_expect_eq(exchange.status, 200, "%s", exchange.reason);
        cr_assert_not_null(exchange.answer.data);
        cr_expect_str_eq(exchange.answer.data, "ok");
    }
    class->close(transport);
    buf_deinit(&exchange.answer);
    rude_stop(&server);
}

BOTH(what_could_not_be_reached_says_why)
{
    static const char long_label[] =
        "http://xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.invalid";
    static const struct {
        const char *url;
        enum exchange_failure failure;
    } rows[] = {{"http://127.0.0.1:1", EXCHANGE_REFUSED}, {long_label, EXCHANGE_DNS}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct exchange exchange;
        struct transport *transport = transport_open(class, rows[i].url, 1, 30000);
        exchange_init(&exchange, 0, "/");
        for (int round = 0; round < 2; round++) {
            play(class, transport, &exchange);
            cr_expect_eq(exchange.failure, rows[i].failure, "%s: %s", rows[i].url,
                         exchange_failure_name(exchange.failure));
            cr_expect(exchange.status == 0 && exchange.reason != NULL && exchange.done_ns > 0);
            cr_expect(exchange.sent_ns == 0 && exchange.connected_ns == 0 && !exchange.kept);
        }
        class->close(transport);
        buf_deinit(&exchange.answer);
    }
}

/* One slot, two addresses: a connection to the one makes room for one to the other. */
BOTH(read_and_write_addresses_may_differ)
{
    struct rude_server readers, writers;
    struct exchange exchange;
    struct transport *transport = NULL;
    struct transport_config config = {.slots = 1,
                                      .timeout_ms = 30000,
                                      .shape = shapes,
                                      .shape_count = 2,
                                      .answer_max_bytes = ANSWER_MAX};
    rude_start(&readers, ANSWER_ALWAYS);
    rude_start(&writers, ANSWER_ALWAYS);
    get.base_url = readers.url;
    post.base_url = writers.url;
    cr_assert_eq(class->open(&config, &transport, NULL), ERR_OK);
    exchange_init(&exchange, 0, "/");
    for (int round = 0; round < 6; round++) {
        exchange.shape = round % 2 == 0 ? &get : &post;
        play(class, transport, &exchange);
        cr_expect_eq(exchange.status, 200, "round %d: %s", round, exchange.reason);
    }
    cr_expect(readers.requests == 3 && writers.requests == 3, "%d and %d", readers.requests,
              writers.requests);
    class->close(transport);
    buf_deinit(&exchange.answer);
    rude_stop(&readers);
    rude_stop(&writers);
}

Test(transport_http1, a_request_larger_than_every_buffer_is_sent_in_pieces)
{
    enum { LINES = 12, LINE = 1000000 };
    char *headers = mem_zalloc(LINES * LINE + 1, 1), expected[32];
    struct rude_server server;
    struct exchange exchange;
    for (int i = 0; i < LINES; i++) {
        memset(headers + i * LINE, 'x', LINE);
        memcpy(headers + i * LINE, "X-Filler: ", 10);
        memcpy(headers + (i + 1) * LINE - 2, "\r\n", 2);
    }
    rude_start(&server, SWALLOW);
    get.headers = headers;
    struct transport *transport = transport_open(&transport_http1, server.url, 1, 30000);
    get.headers = "";
    exchange_init(&exchange, 0, "/");
    play(&transport_http1, transport, &exchange);
    cr_expect_eq(exchange.status, 200, "%s", exchange.reason);
    cr_expect_gt(strtol(exchange.answer.data, NULL, 10), LINES * LINE);
    (void)snprintf(expected, sizeof expected, "%d", LINES * LINE);
    cr_expect_eq(strlen(exchange.answer.data), strlen(expected));
    cr_expect(exchange.sent_ns > exchange.connected_ns && exchange.sent_ns <= exchange.done_ns);
    transport_http1.close(transport);
    buf_deinit(&exchange.answer);
    rude_stop(&server);
    mem_free(headers);
}

Test(transport_http1, a_kept_connection_takes_no_memory)
{
    struct rude_server server;
    struct exchange exchange;
    rude_start(&server, ANSWER_ALWAYS);
    struct transport *transport = transport_open(&transport_http1, server.url, 1, 30000);
    exchange_init(&exchange, 0, "/");
    play(&transport_http1, transport, &exchange);
    mem_fail_after(1);
    for (int round = 0; round < 100; round++) {
        play(&transport_http1, transport, &exchange);
        cr_expect_eq(exchange.status, 200);
        cr_expect(exchange.kept && exchange.connected_ns == 0);
    }
    cr_expect_null(mem_try_alloc(1), "nobody asked before");
    mem_fail_after(0);
    cr_expect_eq(server.connections, 1);
    transport_http1.close(transport);
    buf_deinit(&exchange.answer);
    rude_stop(&server);
}

Test(transport_http1, http2_is_refused)
{
    struct transport *transport = NULL;
    struct error error = {0};
    struct transport_config config = {
        .slots = 1, .timeout_ms = 1, .shape = shapes, .shape_count = 2, .http2 = true};
    cr_expect_eq(transport_http1.open(&config, &transport, &error), ERR_USAGE);
    cr_expect_str_eq(error.text, "the http1 transport does not speak HTTP/2");
}
