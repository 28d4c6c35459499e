/* The transports over TLS, against a server whose certificate only the tests trust. */
#include "base/clock.h"
#include "base/fileio.h"
#include "base/mem.h"
#include "load/target_check.h"
#include "load/transport.h"

#include <criterion/criterion.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CERTIFICATE "tests/data/tls/certificate.pem"
#define KEY "tests/data/tls/key.pem"
#define ANSWER_MAX ((size_t)1 << 20)
#define ANSWER_LONG ((size_t)200000)
#define HANG_NS (60 * CLOCK_NS_PER_S)

static const struct transport_class *const classes[] = {&transport_curl, &transport_http1};
#define CLASSES (sizeof classes / sizeof classes[0])

struct server {
    struct MHD_Daemon *daemon;
    struct buf certificate, key;
    char *long_answer;
    char url[64];
    _Atomic int connections;
};

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *body,
                              size_t *body_len, void **state)
{
    struct server *server = context;
    (void)method, (void)version, (void)body;
    if (*state == NULL) {
        *state = server;
        return MHD_YES;
    }
    if (*body_len > 0) {
        *body_len = 0;
        return MHD_YES;
    }
    size_t len = strcmp(url, "/long") == 0 ? ANSWER_LONG : strlen(url);
    const char *text = strcmp(url, "/long") == 0 ? server->long_answer : url;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(len, (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

static void count_connection(void *context, struct MHD_Connection *connection, void **state,
                             enum MHD_ConnectionNotificationCode code)
{
    struct server *server = context;
    (void)connection, (void)state;
    atomic_fetch_add(&server->connections, code == MHD_CONNECTION_NOTIFY_STARTED);
}

static void serve(struct server *server)
{
    memset(server, 0, sizeof *server);
    buf_init(&server->certificate, 65536);
    buf_init(&server->key, 65536);
    cr_assert_eq(file_read(CERTIFICATE, &server->certificate, NULL), ERR_OK);
    cr_assert_eq(file_read(KEY, &server->key, NULL), ERR_OK);
    server->long_answer = mem_alloc(ANSWER_LONG);
    for (size_t i = 0; i < ANSWER_LONG; i++) {
        server->long_answer[i] = (char)('a' + i % 23);
    }
    server->daemon =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS, 0, NULL, NULL, answer,
                         server, MHD_OPTION_HTTPS_MEM_KEY, server->key.data,
                         MHD_OPTION_HTTPS_MEM_CERT, server->certificate.data,
                         MHD_OPTION_NOTIFY_CONNECTION, count_connection, server, MHD_OPTION_END);
    cr_assert_not_null(server->daemon);
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    (void)snprintf(server->url, sizeof server->url, "https://127.0.0.1:%u", info->port);
}

static void stop(struct server *server)
{
    MHD_stop_daemon(server->daemon);
    buf_deinit(&server->certificate);
    buf_deinit(&server->key);
    mem_free(server->long_answer);
}

static void play(const struct transport_class *class, struct transport *transport,
                 struct exchange *exchange, const char *path)
{
    struct exchange *done[1];
    int count = 0;
    int64_t deadline = clock_mono_ns() + HANG_NS;
    exchange->path_len = (size_t)snprintf(exchange->path, sizeof exchange->path, "%s", path);
    buf_reset(&exchange->answer);
    class->start(transport, exchange);
    while (count == 0 && clock_mono_ns() < deadline) {
        count = class->wait(transport, clock_mono_ns() + CLOCK_NS_PER_S, done);
    }
    cr_assert_eq(count, 1);
}

static struct transport *open_to(const struct transport_class *class,
                                 const struct request_shape *const *shape)
{
    struct transport *transport = NULL;
    struct transport_config config = {.slots = 2,
                                      .timeout_ms = 30000,
                                      .shape = shape,
                                      .shape_count = 1,
                                      .answer_max_bytes = ANSWER_MAX};
    cr_assert_eq(class->open(&config, &transport, NULL), ERR_OK);
    return transport;
}

Test(transport_tls, encrypted_answers_come_whole_over_one_connection)
{
    struct server server;
    setenv("SSL_CERT_FILE", CERTIFICATE, 1);
    serve(&server);
    struct request_shape shape = {
        .method = "POST", .has_body = true, .base_url = server.url, .headers = ""};
    const struct request_shape *shapes[] = {&shape};
    for (size_t c = 0; c < CLASSES; c++) {
        struct exchange exchange = {.shape = &shape, .body = "{}", .body_len = 2};
        struct transport *transport = open_to(classes[c], shapes);
        buf_init(&exchange.answer, ANSWER_MAX);
        atomic_store(&server.connections, 0);
        for (int round = 0; round < 10; round++) {
            play(classes[c], transport, &exchange, "/short");
            cr_assert_eq(exchange.status, 200, "%s: %s", classes[c]->name, exchange.reason);
            cr_expect_str_eq(exchange.answer.data, "/short");
            cr_expect_eq(exchange.kept, round > 0, "%s", classes[c]->name);
            play(classes[c], transport, &exchange, "/long");
            cr_expect_eq(exchange.status, 200, "%s: %s", classes[c]->name, exchange.reason);
            cr_assert_eq(exchange.answer.len, ANSWER_LONG, "%s", classes[c]->name);
            cr_expect_eq(memcmp(exchange.answer.data, server.long_answer, ANSWER_LONG), 0);
        }
        cr_expect_eq(server.connections, 1, "%s", classes[c]->name);
        classes[c]->close(transport);
        buf_deinit(&exchange.answer);
    }
    stop(&server);
}

Test(transport_tls, an_untrusted_certificate_is_no_connection)
{
    struct server server;
    unsetenv("SSL_CERT_FILE");
    unsetenv("CURL_CA_BUNDLE");
    serve(&server);
    struct request_shape shape = {.method = "GET", .base_url = server.url, .headers = ""};
    const struct request_shape *shapes[] = {&shape};
    for (size_t c = 0; c < CLASSES; c++) {
        struct exchange exchange = {.shape = &shape};
        struct transport *transport = open_to(classes[c], shapes);
        buf_init(&exchange.answer, ANSWER_MAX);
        for (int round = 0; round < 2; round++) {
            play(classes[c], transport, &exchange, "/");
            cr_expect_eq(exchange.status, 0, "%s", classes[c]->name);
            cr_expect_eq(exchange.failure, EXCHANGE_TLS, "%s: %s", classes[c]->name,
                         exchange.reason);
            cr_expect_eq(exchange.connected_ns, 0, "%s", classes[c]->name);
        }
        classes[c]->close(transport);
        buf_deinit(&exchange.answer);
    }
    stop(&server);
}

Test(transport_tls, plain_text_is_no_agreement)
{
    struct server server;
    serve(&server);
    memmove(server.url + 4, server.url + 5, strlen(server.url + 5) + 1);
    struct request_shape shape = {.method = "GET", .base_url = server.url, .headers = ""};
    const struct request_shape *shapes[] = {&shape};
    for (size_t c = 0; c < CLASSES; c++) {
        struct exchange exchange = {.shape = &shape};
        struct transport *transport = open_to(classes[c], shapes);
        buf_init(&exchange.answer, ANSWER_MAX);
        play(classes[c], transport, &exchange, "/");
        cr_expect_eq(exchange.status, 0, "%s", classes[c]->name);
        cr_expect(exchange.failure == EXCHANGE_RESET || exchange.failure == EXCHANGE_PROTOCOL,
                  "%s: %s", classes[c]->name, exchange.reason);
        classes[c]->close(transport);
        buf_deinit(&exchange.answer);
    }
    stop(&server);
}

/* Who asks once trusts whom the transports trust. */
Test(transport_tls, asking_once_trusts_the_same_certificates)
{
    struct server server;
    serve(&server);
    struct request_shape shape = {.method = "GET", .base_url = server.url, .headers = ""};
    struct exchange exchange = {.shape = &shape, .path = "/short", .path_len = 6};
    for (int trusted = 0; trusted <= 1; trusted++) {
        struct target_reply reply;
        struct error error = {0};
        unsetenv("CURL_CA_BUNDLE");
        unsetenv("SSL_CERT_FILE");
        if (trusted) {
            setenv("SSL_CERT_FILE", CERTIFICATE, 1);
        }
        cr_expect_eq(target_ask(&exchange, 30000, &reply, &error), trusted ? ERR_OK : ERR_NETWORK,
                     "%s", error.text);
        cr_expect_eq(reply.status, trusted ? 200 : 0);
        target_reply_deinit(&reply);
    }
    stop(&server);
}

/* ---- HTTP/2 ---- */

struct http2_server {
    pid_t pid;
    int lifeline; /* its standard input: it ends when this is closed */
    char url[64];
};

static void http2_serve(struct http2_server *server)
{
    int in[2], out[2];
    size_t len = 0;
    memset(server, 0, sizeof *server);
    cr_assert(pipe(in) == 0 && pipe(out) == 0);
    server->pid = fork();
    if (server->pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        close(in[1]);
        execlp("python3", "python3", "tests/support/http2_server.py", CERTIFICATE, KEY, NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    server->lifeline = in[1];
    while (len + 1 < sizeof server->url && read(out[0], server->url + len, 1) == 1 &&
           server->url[len] != '\n') {
        len++;
    }
    server->url[len] = '\0';
    close(out[0]);
    cr_assert_gt(len, 0, "tests/support/http2_server.py does not run");
}

static void http2_stop(struct http2_server *server)
{
    close(server->lifeline);
    cr_assert_eq(waitpid(server->pid, NULL, 0), server->pid);
}

Test(transport_tls, http2_sends_requests_side_by_side_over_one_connection)
{
    struct http2_server server;
    struct exchange *done[2];
    setenv("SSL_CERT_FILE", CERTIFICATE, 1);
    http2_serve(&server);
    struct request_shape shape = {
        .method = "POST", .has_body = true, .base_url = server.url, .headers = "X-Empty: \r\n"};
    const struct request_shape *shapes[] = {&shape};
    struct exchange exchange[2] = {{.shape = &shape, .body = "{}", .body_len = 2},
                                   {.slot = 1, .shape = &shape, .body = "[1]", .body_len = 3}};
    struct transport *transport = open_to(&transport_http2, shapes);
    buf_init(&exchange[0].answer, ANSWER_MAX);
    buf_init(&exchange[1].answer, ANSWER_MAX);
    for (int stream = 1; stream <= 9; stream += 2) {
        char expected[32];
        play(&transport_http2, transport, &exchange[0], "/ratings/");
        (void)snprintf(expected, sizeof expected, "1 %d 2", stream);
        cr_assert_eq(exchange[0].status, 200, "%s", exchange[0].reason);
        cr_expect_str_eq(exchange[0].answer.data, expected);
        cr_expect_eq(exchange[0].kept, stream > 1);
    }
    int64_t deadline = clock_mono_ns() + HANG_NS;
    for (int i = 0; i < 2; i++) {
        exchange[i].path_len =
            (size_t)snprintf(exchange[i].path, sizeof exchange[i].path, "/ratings/");
        buf_reset(&exchange[i].answer);
        transport_http2.start(transport, &exchange[i]);
    }
    for (int count = 0; count < 2 && clock_mono_ns() < deadline;) {
        count += transport_http2.wait(transport, clock_mono_ns() + CLOCK_NS_PER_S, done);
    }
    cr_expect_str_eq(exchange[0].answer.data, "1 11 2");
    cr_expect_str_eq(exchange[1].answer.data, "1 13 3");
    transport_http2.close(transport);
    buf_deinit(&exchange[0].answer);
    buf_deinit(&exchange[1].answer);
    http2_stop(&server);
}

/* A run that was asked to measure HTTP/2 does not quietly measure something else. */
Test(transport_tls, an_answer_in_http1_is_none_to_http2)
{
    struct server server;
    setenv("SSL_CERT_FILE", CERTIFICATE, 1);
    serve(&server);
    struct request_shape shape = {.method = "GET", .base_url = server.url, .headers = ""};
    const struct request_shape *shapes[] = {&shape};
    struct exchange exchange = {.shape = &shape};
    struct transport *transport = open_to(&transport_http2, shapes);
    buf_init(&exchange.answer, ANSWER_MAX);
    play(&transport_http2, transport, &exchange, "/short");
    cr_expect_eq(exchange.failure, EXCHANGE_PROTOCOL);
    cr_expect_eq(exchange.status, 0);
    cr_expect_str_eq(exchange.reason, "the target does not speak HTTP/2");
    transport_http2.close(transport);
    buf_deinit(&exchange.answer);
    stop(&server);
}
