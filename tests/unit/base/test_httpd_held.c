/* Requests held and answered later, and those the server refuses itself. */
#include "base/clock.h"
#include "base/httpd.h"
#include "raw_http.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>

enum { BODY_MAX = 100, HELD_MAX = 16 };

struct desk {
    struct httpd *httpd;
    pthread_mutex_t mutex;
    struct httpd_held *held[HELD_MAX];
    int count;
    atomic_int calls, refused[600], told;
    atomic_bool let_go;
};

static void on_request(void *context, const struct httpd_request *request,
                       struct httpd_reply *reply)
{
    struct desk *desk = context;
    atomic_fetch_add(&desk->calls, 1);
    if (request->refused != 0) {
        cr_expect_null(httpd_hold(request), "a refused request cannot be held");
        atomic_fetch_add(&desk->refused[request->refused], 1);
        reply->status = request->refused;
        buf_printf(&reply->body, "{\"detail\":\"refused %s\"}", request->path);
        return;
    }
    if (strcmp(request->path, "/hold") == 0) {
        pthread_mutex_lock(&desk->mutex);
        struct httpd_held *held = httpd_hold(request);
        buf_text(&reply->body, "this is not sent if the request is held");
        reply->status = held != NULL ? 500 : 503;
        if (held != NULL) {
            desk->held[desk->count++] = held;
        }
        pthread_mutex_unlock(&desk->mutex);
        return;
    }
    if (strcmp(request->path, "/moved") == 0) {
        reply->status = 307;
        reply->location = "/there/";
        reply->location_with_query = true;
        reply->allow = "GET, POST";
        reply->retry_after_s = 7;
        return;
    }
    const char *name = httpd_header(request, "x-name"), *a = httpd_query(request, "a");
    buf_printf(&reply->body, "name=%s a=%s/%zu b=%s loopback=%d head=%d", name != NULL ? name : "-",
               a != NULL ? a : "-", httpd_query_count(request, "a"),
               httpd_query(request, "b") != NULL ? "given" : "-", request->loopback, request->head);
}

static int held_count(struct desk *desk)
{
    pthread_mutex_lock(&desk->mutex);
    int count = desk->count;
    pthread_mutex_unlock(&desk->mutex);
    return count;
}

static void await_held(struct desk *desk, int count)
{
    while (held_count(desk) < count) {
        clock_sleep_ns(CLOCK_NS_PER_MS);
    }
}

/* Answers what is held, the latest first. */
static void send_all(struct desk *desk)
{
    pthread_mutex_lock(&desk->mutex);
    while (desk->count > 0) {
        struct httpd_held *held = desk->held[--desk->count];
        const struct httpd_request *request = httpd_held_request(held);
        struct httpd_reply reply;
        httpd_reply_init(held, &reply);
        reply.status = 201;
        buf_printf(&reply.body, "%s %s:%.*s a=%s", request->method, request->path,
                   (int)request->body_len, request->body,
                   httpd_query(request, "a") != NULL ? httpd_query(request, "a") : "-");
        httpd_send(held, &reply);
    }
    pthread_mutex_unlock(&desk->mutex);
}

static void let_go(void *context)
{
    struct desk *desk = context;
    atomic_store(&desk->let_go, true);
    send_all(desk);
}

static struct desk *open_desk(int head_max_ms, int body_max_ms)
{
    static struct desk desk;
    const struct httpd_config config = {.listen = "127.0.0.1:0",
                                        .threads = 2,
                                        .body_max_bytes = BODY_MAX,
                                        .reply_max_bytes = 4096,
                                        .connections_max = 64,
                                        .tell_refused = true,
                                        .head_max_ms = head_max_ms,
                                        .body_max_ms = body_max_ms,
                                        .let_go = let_go};
    struct error error = {.code = ERR_OK};
    memset(&desk, 0, sizeof(desk));
    pthread_mutex_init(&desk.mutex, NULL);
    cr_assert(httpd_start(&desk.httpd, &config, on_request, &desk, &error) == ERR_OK, "%s",
              error.text);
    return &desk;
}

static int dial(struct desk *desk)
{
    return raw_dial(httpd_url(desk->httpd));
}

static void ask(int fd, const char *text)
{
    raw_send(fd, text, strlen(text));
}

static void expect(int fd, const char *status, const char *holds)
{
    char answer[4096];
    raw_receive(fd, 1, answer, sizeof(answer));
    cr_expect(strncmp(answer, status, strlen(status)) == 0, "wanted %s, got %s", status, answer);
    cr_expect(strstr(answer, holds) != NULL, "wanted %s in %s", holds, answer);
}

Test(httpd_held, a_held_request_is_answered_by_another_thread_with_its_body_still_there)
{
    struct desk *desk = open_desk(0, 0);
    int fd = dial(desk), other = dial(desk);
    ask(fd, "POST /hold?a=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
    await_held(desk, 1);
    ask(other, "GET /hold?a=2 HTTP/1.1\r\nHost: h\r\n\r\n");
    await_held(desk, 2);
    send_all(desk);
    expect(fd, "HTTP/1.1 201 ", "POST /hold:hello a=1");
    expect(other, "HTTP/1.1 201 ", "GET /hold: a=2");
    /* The connection is as good as new. */
    ask(fd, "GET /x?a=3 HTTP/1.1\r\nHost: h\r\n\r\n");
    expect(fd, "HTTP/1.1 200 ", "a=3/1");
    close(fd);
    close(other);
    httpd_stop(desk->httpd);
}

Test(httpd_held, requests_sent_ahead_wait_their_turn)
{
    struct desk *desk = open_desk(0, 0);
    int fd = dial(desk);
    ask(fd, "POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\none"
            "POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\ntwo");
    await_held(desk, 1);
    clock_sleep_ns(20 * CLOCK_NS_PER_MS);
    cr_expect(held_count(desk) == 1);
    send_all(desk);
    expect(fd, "HTTP/1.1 201 ", "POST /hold:one");
    await_held(desk, 1);
    send_all(desk);
    expect(fd, "HTTP/1.1 201 ", "POST /hold:two");
    close(fd);
    httpd_stop(desk->httpd);
}

Test(httpd_held, a_client_that_leaves_while_held_harms_nobody)
{
    struct desk *desk = open_desk(0, 0);
    for (int i = 0; i < 5; i++) {
        int fd = dial(desk);
        const struct linger reset = {.l_onoff = 1, .l_linger = 0};
        ask(fd, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
        await_held(desk, i + 1);
        if (i % 2 == 0) {
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        }
        close(fd);
    }
    send_all(desk);
    int fd = dial(desk);
    ask(fd, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    expect(fd, "HTTP/1.1 200 ", "name=-");
    close(fd);
    httpd_stop(desk->httpd);
}

Test(httpd_held, stop_asks_for_what_is_held_and_its_clients_get_their_answers)
{
    struct desk *desk = open_desk(0, 0);
    int fd = dial(desk), gone = dial(desk);
    ask(fd, "GET /hold?a=9 HTTP/1.1\r\nHost: h\r\n\r\n");
    ask(gone, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
    await_held(desk, 2);
    close(gone);
    httpd_stop(desk->httpd);
    cr_expect(atomic_load(&desk->let_go));
    expect(fd, "HTTP/1.1 201 ", "GET /hold: a=9");
    close(fd);
}

Test(httpd_held, a_request_made_by_hand_has_no_fields_and_cannot_be_held)
{
    const struct httpd_request request = {.method = "GET", .path = "/"};
    cr_expect_null(httpd_query(&request, "a"));
    cr_expect(httpd_query_count(&request, "a") == 0);
    cr_expect_null(httpd_header(&request, "Host"));
    cr_expect_null(httpd_hold(&request));
}

Test(httpd_held, headers_queries_and_the_peer_can_be_looked_up)
{
    static const struct {
        const char *request, *answer;
    } rows[] = {
        {"GET /x?a=1 HTTP/1.1\r\nHost: h\r\nX-NAME: some body\r\n\r\n",
         "name=some body a=1/1 b=- loopback=1 head=0"},
        {"GET /x?a=1&a=2&b HTTP/1.1\r\nHost: h\r\n\r\n", "name=- a=1/2 b=given loopback=1 head=0"},
        {"GET /x?a=1%00 HTTP/1.1\r\nHost: h\r\n\r\n", "a=\xef\xbf\xbd/1"},
        {"GET /x?A=1 HTTP/1.1\r\nHost: h\r\n\r\n", "a=-/0"},
        {"GET /x HTTP/1.1\r\nHost: h\r\n\r\n", "name=- a=-/0 b=-"},
    };
    struct desk *desk = open_desk(0, 0);
    int fd = dial(desk);
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        ask(fd, rows[r].request);
        expect(fd, "HTTP/1.1 200 ", rows[r].answer);
    }
    close(fd);
    httpd_stop(desk->httpd);
}

Test(httpd_held, a_location_keeps_the_query_and_headers_can_be_set)
{
    static const struct {
        const char *request, *location;
    } rows[] = {
        {"GET /moved?user_id=1&n=%32 HTTP/1.1\r\nHost: h\r\n\r\n",
         "Location: /there/?user_id=1&n=%32\r\n"},
        {"GET /moved HTTP/1.1\r\nHost: h\r\n\r\n", "Location: /there/\r\n"},
        {"GET /moved?a=\xc3\x28 HTTP/1.1\r\nHost: h\r\n\r\n", "Location: /there/?a=%C3(\r\n"},
    };
    struct desk *desk = open_desk(0, 0);
    int fd = dial(desk);
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        char answer[2048];
        ask(fd, rows[r].request);
        raw_receive(fd, 1, answer, sizeof(answer));
        cr_expect(strncmp(answer, "HTTP/1.1 307 ", 13) == 0, "%s", answer);
        cr_expect(strstr(answer, rows[r].location) != NULL, "%s in %s", rows[r].location, answer);
        cr_expect(strstr(answer, "Allow: GET, POST\r\n") != NULL);
        cr_expect(strstr(answer, "Retry-After: 7\r\n") != NULL);
    }
    close(fd);
    httpd_stop(desk->httpd);
}

static void await_refused(struct desk *desk, int status, const char *what)
{
    for (int i = 0; i < 10000 && atomic_load(&desk->refused[status]) == 0; i++) {
        clock_sleep_ns(CLOCK_NS_PER_MS);
    }
    cr_expect(atomic_load(&desk->refused[status]) == 1, "%s: told %d times", what,
              atomic_load(&desk->refused[status]));
    cr_expect(atomic_load(&desk->calls) == 1, "%s: %d calls", what, atomic_load(&desk->calls));
}

Test(httpd_held, the_handler_is_told_what_the_server_refuses_and_may_say_why)
{
    static const struct {
        const char *what, *request, *answer;
        int status;
    } rows[] = {
        {"too large",
         "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n"
         "0123456789012345678901234567890123456789012345678901234567890123456789"
         "0123456789012345678901234567890",
         "{\"detail\":\"refused /x\"}", 413},
        {"far too large", "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n",
         "{\"detail\":\"refused /x\"}", 413},
        {"cut short", "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nhello", "", 400},
        {"no length", "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 400 ",
         400},
        {"bad chunk", "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "",
         400},
    };
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct desk *desk = open_desk(0, 0);
        char answer[4096];
        int fd = dial(desk);
        ask(fd, rows[r].request);
        if (rows[r].answer[0] == '\0') {
            /* An end of the stream that comes with the last bytes may be noticed late. */
            clock_sleep_ns(50 * CLOCK_NS_PER_MS);
            shutdown(fd, SHUT_WR);
        }
        raw_receive(fd, 1, answer, sizeof(answer));
        cr_expect(strstr(answer, rows[r].answer) != NULL, "%s: %s", rows[r].what, answer);
        await_refused(desk, rows[r].status, rows[r].what);
        close(fd);
        httpd_stop(desk->httpd);
    }
}

Test(httpd_held, a_body_that_comes_too_slowly_is_408)
{
    struct desk *desk = open_desk(0, 100);
    char answer[4096];
    int fd = dial(desk);
    ask(fd, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\n");
    for (int i = 0; i < 49 && atomic_load(&desk->refused[408]) == 0; i++) {
        raw_send(fd, "b", 1);
        clock_sleep_ns(20 * CLOCK_NS_PER_MS);
    }
    raw_receive(fd, 2, answer, sizeof(answer));
    cr_expect(strncmp(answer, "HTTP/1.1 408 ", 13) == 0, "%s", answer);
    cr_expect(strstr(answer, "{\"detail\":") != NULL);
    await_refused(desk, 408, "slow body");
    close(fd);
    httpd_stop(desk->httpd);
}

Test(httpd_held, a_head_that_comes_too_slowly_is_cut_and_a_held_request_is_not)
{
    struct desk *desk = open_desk(100, 100);
    char answer[4096];
    int held = dial(desk), fd = dial(desk);
    ask(held, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
    await_held(desk, 1);
    ask(fd, "GET /x HTTP/1.1\r\n");
    raw_receive(fd, 1, answer, sizeof(answer)); /* returns when the server closes */
    cr_expect_str_eq(answer, "");
    close(fd);
    clock_sleep_ns(300 * CLOCK_NS_PER_MS);
    send_all(desk);
    expect(held, "HTTP/1.1 201 ", "GET /hold:");
    close(held);
    httpd_stop(desk->httpd);
}

Test(httpd_held, beyond_the_bound_a_connection_waits_until_another_ends)
{
    struct desk desk = {.count = 0};
    const struct httpd_config config = {.listen = "127.0.0.1:0",
                                        .threads = 1,
                                        .body_max_bytes = BODY_MAX,
                                        .reply_max_bytes = 4096,
                                        .connections_max = 2};
    static const char request[] = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
    char early;
    cr_assert(httpd_start(&desk.httpd, &config, on_request, &desk, NULL) == ERR_OK);
    int first = dial(&desk), second = dial(&desk);
    ask(first, request);
    expect(first, "HTTP/1.1 200 ", "name=-");
    ask(second, request);
    expect(second, "HTTP/1.1 200 ", "name=-");
    int third = dial(&desk);
    ask(third, request);
    clock_sleep_ns(50 * CLOCK_NS_PER_MS);
    cr_expect(recv(third, &early, 1, MSG_DONTWAIT) == -1, "nothing is answered yet");
    close(first);
    expect(third, "HTTP/1.1 200 ", "name=-");
    close(second);
    close(third);
    httpd_stop(desk.httpd);
}
