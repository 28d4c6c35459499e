/* The same request, byte for byte but for the order of its lines, whoever sends it: either
 * transport, or who asks a target once (target_check.h). */
#include "base/clock.h"
#include "base/mem.h"
#include "load/target_check.h"
#include "load/transport.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HANG_NS (60 * CLOCK_NS_PER_S)
#define PATIENT_MS 30000L
#define TOKEN_LEN 1015 /* with its name, more than a kilobyte */
#define LINES_MAX 16

/* Takes one request, keeps it, and answers it. */
struct listener {
    int fd;
    char url[64];
    char request[4096];
    pthread_t thread;
};

static void *take_one(void *context)
{
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]";
    struct listener *listener = context;
    size_t len = 0, body = 0;
    int fd = accept(listener->fd, NULL, NULL);
    char *end = NULL;
    while (end == NULL || len < (size_t)(end - listener->request) + 4 + body) {
        ssize_t got = recv(fd, listener->request + len, sizeof listener->request - 1 - len, 0);
        if (got <= 0) {
            break;
        }
        len += (size_t)got;
        listener->request[len] = '\0';
        end = strstr(listener->request, "\r\n\r\n");
        const char *length = strstr(listener->request, "Content-Length: ");
        body = length != NULL ? (size_t)strtol(length + 16, NULL, 10) : 0;
    }
    ssize_t sent = send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
    (void)sent;
    close(fd);
    return NULL;
}

static void listener_open(struct listener *listener)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    listener->fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(listener->fd, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(listener->fd, 8), 0);
    cr_assert_eq(getsockname(listener->fd, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(listener->url, sizeof listener->url, "http://127.0.0.1:%u",
                   ntohs(address.sin_port));
}

static void listener_begin(struct listener *listener)
{
    listener->request[0] = '\0';
    cr_assert_eq(pthread_create(&listener->thread, NULL, take_one, listener), 0);
}

static void send_by_transport(const struct transport_class *class, struct exchange *exchange)
{
    struct transport *transport = NULL;
    struct exchange *done[1];
    const struct transport_config config = {.slots = 1,
                                            .timeout_ms = PATIENT_MS,
                                            .shape = &exchange->shape,
                                            .shape_count = 1,
                                            .answer_max_bytes = 4096};
    int64_t deadline = clock_mono_ns() + HANG_NS;
    int count = 0;
    cr_assert_eq(class->open(&config, &transport, NULL), ERR_OK);
    buf_init(&exchange->answer, 4096);
    class->start(transport, exchange);
    while (count == 0 && clock_mono_ns() < deadline) {
        count = class->wait(transport, clock_mono_ns() + CLOCK_NS_PER_S, done);
    }
    cr_expect_eq(exchange->status, 200, "%s: %s", class->name, exchange->reason);
    class->close(transport);
    buf_deinit(&exchange->answer);
}

static void send_once(struct exchange *exchange)
{
    struct target_reply reply;
    struct error error = {0};
    cr_expect_eq(target_ask(exchange, PATIENT_MS, &reply, &error), ERR_OK, "%s", error.text);
    cr_expect_eq(reply.status, 200);
    target_reply_deinit(&reply);
}

/* The lines of a request in the order of the alphabet, without blanks at their ends. */
static int sorted_lines(char *request, char **line)
{
    int count = 0;
    for (char *at = request, *end; (end = strstr(at, "\r\n")) != NULL && end > at; at = end + 2) {
        int place = count++;
        cr_assert_leq(count, LINES_MAX);
        for (char *last = end; last > at && (*last == '\r' || *last == ' '); last--) {
            *last = '\0';
            if (last[-1] != ' ') {
                break;
            }
        }
        for (; place > 0 && strcmp(line[place - 1], at) > 0; place--) {
            line[place] = line[place - 1];
        }
        line[place] = at;
    }
    return count;
}

static void expect_same(const char *row, const char *who, const char *expected, const char *got)
{
    static char one[4096], other[4096];
    char *want[LINES_MAX], *have[LINES_MAX];
    const char *body = strstr(expected, "\r\n\r\n"), *own = strstr(got, "\r\n\r\n");
    cr_assert(body != NULL && own != NULL, "%s, %s: no whole head", row, who);
    cr_expect_str_eq(own, body, "%s, %s: another body", row, who);
    (void)snprintf(one, sizeof one, "%s", expected);
    (void)snprintf(other, sizeof other, "%s", got);
    int count = sorted_lines(one, want), own_count = sorted_lines(other, have);
    cr_assert_eq(own_count, count, "%s, %s:\n%s\nnot\n%s", row, who, got, expected);
    for (int i = 0; i < count; i++) {
        cr_expect_str_eq(have[i], want[i], "%s, %s: %s, not %s", row, who, have[i], want[i]);
    }
}

static char token_lines[TOKEN_LEN + 64];

static void make_token(void)
{
    (void)snprintf(token_lines, sizeof token_lines, "Authorization: Bearer %0*d\r\n", TOKEN_LEN, 0);
}

Test(wire, all_who_send_a_request_send_the_same)
{
    static const struct {
        const char *row, *method, *path, *headers, *own, *body;
    } rows[] = {
        {"bare", "GET", "/list?n=10", "", "", NULL},
        {"dots in the path", "GET", "/a/../b/./c?x=/../y", "", "", NULL},
        {"header without a value", "GET", "/", "X-API-Key: \r\nX-None:\r\n", "", NULL},
        {"header of a kilobyte", "GET", "/", token_lines, "", NULL},
        {"header of this request", "GET", "/", "X-Plain: a: b\r\n", "X-Signature: 5\r\nX-E: \r\n",
         NULL},
        {"own agent and accept", "GET", "/", "User-Agent: me\r\nAccept: text/plain\r\n", "", NULL},
        {"body", "POST", "/ratings/", "Content-Type: application/json\r\n", "", "{\"a\":1}"},
        {"body without a type", "POST", "/ratings/", "", "", "a=1"},
        {"another method", "PUT", "/ratings/", "Content-Type: text/plain\r\n", "X-S: 1\r\n", "b"},
        {"empty body", "POST", "/ratings/", "", "", ""},
        {"no body", "DELETE", "/ratings/", "", "", NULL},
    };
    struct listener listener;
    static char expected[4096];
    make_token();
    listener_open(&listener);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct request_shape shape = {.method = rows[i].method,
                                            .has_body = rows[i].body != NULL,
                                            .base_url = listener.url,
                                            .headers = rows[i].headers};
        struct exchange *exchange = mem_zalloc(1, sizeof *exchange);
        exchange->shape = &shape;
        exchange->path_len =
            (size_t)snprintf(exchange->path, sizeof exchange->path, "%s", rows[i].path);
        exchange->header_len =
            (size_t)snprintf(exchange->header, sizeof exchange->header, "%s", rows[i].own);
        exchange->body_len = (size_t)snprintf(exchange->body, sizeof exchange->body, "%s",
                                              rows[i].body != NULL ? rows[i].body : "");
        listener_begin(&listener);
        send_by_transport(&transport_http1, exchange);
        pthread_join(listener.thread, NULL);
        memcpy(expected, listener.request, sizeof expected);
        cr_expect_eq(strncmp(expected, rows[i].method, strlen(rows[i].method)), 0);
        cr_expect_not_null(strstr(expected, rows[i].path), "%s", rows[i].row);
        listener_begin(&listener);
        send_by_transport(&transport_curl, exchange);
        pthread_join(listener.thread, NULL);
        expect_same(rows[i].row, "libcurl", expected, listener.request);
        listener_begin(&listener);
        send_once(exchange);
        pthread_join(listener.thread, NULL);
        expect_same(rows[i].row, "asked once", expected, listener.request);
        mem_free(exchange);
    }
    close(listener.fd);
}

/* The target has no address: only the proxy can have been asked. */
Test(wire, a_proxy_of_the_environment_is_asked_by_all_who_can)
{
    struct listener proxy;
    const struct request_shape shape = {
        .method = "GET", .base_url = "http://nobody.invalid:8000", .headers = ""};
    struct exchange *exchange = mem_zalloc(1, sizeof *exchange);
    exchange->shape = &shape;
    exchange->path_len = (size_t)snprintf(exchange->path, sizeof exchange->path, "/list");
    listener_open(&proxy);
    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    setenv("http_proxy", proxy.url, 1);
    for (int once = 0; once <= 1; once++) {
        static const char asked[] = "GET http://nobody.invalid:8000/list HTTP/1.1\r\n";
        listener_begin(&proxy);
        if (once) {
            send_once(exchange);
        } else {
            send_by_transport(&transport_curl, exchange);
        }
        pthread_join(proxy.thread, NULL);
        cr_expect_eq(strncmp(proxy.request, asked, sizeof asked - 1), 0, "%s", proxy.request);
    }
    close(proxy.fd);
    mem_free(exchange);
}
