#include "base/httpd.h"

#include "base/clock.h"
#include "base/http.h"
#include "base/mem.h"
#include "raw_http.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY_MAX = 1000, REPLY_MAX = 4096 };

struct echo {
    atomic_int calls;
    atomic_bool entered, leave, left;
};

static void echo_handler(void *context, const struct httpd_request *request,
                         struct httpd_reply *reply)
{
    struct echo *echo = context;
    atomic_fetch_add(&echo->calls, 1);
    if (strcmp(request->path, "/large") == 0) {
        for (int i = 0; i < REPLY_MAX; i++) {
            buf_text(&reply->body, "xx");
        }
        return;
    }
    if (strcmp(request->path, "/empty") == 0) {
        reply->status = 204;
        reply->content_type = NULL;
        return;
    }
    if (strcmp(request->path, "/moved") == 0) {
        reply->status = 302;
        reply->location = "/elsewhere";
    }
    if (strcmp(request->path, "/slow") == 0) {
        atomic_store(&echo->entered, true);
        while (!atomic_load(&echo->leave)) {
            clock_sleep_ns(CLOCK_NS_PER_MS);
        }
        atomic_store(&echo->left, true);
    }
    const char *user = httpd_query(request, "user_id");
    buf_printf(&reply->body, "%s %s user=%s body=%zu:%s", request->method, request->path,
               user != NULL ? user : "(none)", request->body_len, request->body);
}

static struct httpd *start(struct echo *echo, const char *listen_text, unsigned threads)
{
    const struct httpd_config config = {.listen = listen_text,
                                        .threads = threads,
                                        .body_max_bytes = BODY_MAX,
                                        .reply_max_bytes = REPLY_MAX,
                                        .connections_max = 64};
    struct httpd *httpd = NULL;
    struct error error = {.code = ERR_OK};
    memset(echo, 0, sizeof(*echo));
    cr_assert_eq(httpd_start(&httpd, &config, echo_handler, echo, &error), ERR_OK, "%s",
                 error.text);
    return httpd;
}

static long get(const struct httpd *httpd, const char *path, char *out, size_t size)
{
    char url[512];
    snprintf(url, sizeof(url), "%s%s", httpd_url(httpd), path);
    struct http *http = http_new();
    struct http_reply reply;
    struct error error = {.code = ERR_OK};
    buf_init(&reply.body, 1 << 20);
    cr_assert_eq(http_get(http, url, 20000, &reply, &error), ERR_OK, "%s", error.text);
    snprintf(out, size, "%s", reply.body.len > 0 ? reply.body.data : "");
    buf_deinit(&reply.body);
    http_free(http);
    return reply.status;
}

Test(httpd, port_zero_gives_the_url_of_a_server_that_answers)
{
    struct echo echo;
    struct httpd *httpd = start(&echo, "127.0.0.1:0", 2);
    char body[REPLY_MAX];
    cr_expect_eq(get(httpd, "/a/b?user_id=42&n=10", body, sizeof(body)), 200);
    cr_expect_str_eq(body, "GET /a/b user=42 body=0:");
    cr_expect_eq(get(httpd, "/a", body, sizeof(body)), 200);
    cr_expect_str_eq(body, "GET /a user=(none) body=0:");
    httpd_stop(httpd);
}

Test(httpd, ipv6_literals_are_listened_on)
{
    struct echo echo;
    int probe = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    if (probe < 0 || bind(probe, (struct sockaddr *)&address, sizeof(address)) != 0) {
        cr_skip_test("this machine has no IPv6 loopback");
    }
    close(probe);
    struct httpd *httpd = start(&echo, "[::1]:0", 1);
    char body[REPLY_MAX];
    cr_expect_eq(strncmp(httpd_url(httpd), "http://[::1]:", 13), 0);
    cr_expect_eq(get(httpd, "/six", body, sizeof(body)), 200);
    httpd_stop(httpd);
}

Test(httpd, a_listen_address_that_cannot_be_used_says_why)
{
    static const struct {
        const char *listen, *text;
        enum err code;
    } rows[] = {
        {"", "expected HOST:PORT", ERR_INPUT},
        {"8000", "expected HOST:PORT", ERR_INPUT},
        {":8000", "expected HOST:PORT", ERR_INPUT},
        {"127.0.0.1:", "expected HOST:PORT", ERR_INPUT},
        {"127.0.0.1:-1", "expected HOST:PORT", ERR_INPUT},
        {"127.0.0.1:65536", "expected HOST:PORT", ERR_INPUT},
        {"127.0.0.1:80x", "expected HOST:PORT", ERR_INPUT},
        {"::1:8000", "expected HOST:PORT", ERR_INPUT},
        {"[]:8000", "expected HOST:PORT", ERR_INPUT},
        {"[::1:8000", "expected HOST:PORT", ERR_INPUT},
        {"[::1]8000", "expected HOST:PORT", ERR_INPUT},
        {"[127.0.0.300]:1", "no such address", ERR_INPUT},
        {"192.0.2.1:0", "cannot listen", ERR_NETWORK},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct httpd *httpd = NULL;
        struct error error = {.code = ERR_OK};
        const struct httpd_config config = {.listen = rows[i].listen,
                                            .threads = 1,
                                            .body_max_bytes = 1,
                                            .reply_max_bytes = 1,
                                            .connections_max = 1};
        cr_expect_eq(httpd_start(&httpd, &config, echo_handler, NULL, &error), rows[i].code, "'%s'",
                     rows[i].listen);
        cr_expect_not_null(strstr(error.text, rows[i].text), "'%s': %s", rows[i].listen,
                           error.text);
        cr_expect_str_eq(error.where, rows[i].listen);
        cr_expect_null(httpd);
    }
}

Test(httpd, an_address_in_use_is_an_error)
{
    struct echo echo;
    struct httpd *first = start(&echo, "127.0.0.1:0", 1), *second = NULL;
    const struct httpd_config config = {.listen = httpd_url(first) + strlen("http://"),
                                        .threads = 1,
                                        .body_max_bytes = 1,
                                        .reply_max_bytes = 1,
                                        .connections_max = 1};
    struct error error = {.code = ERR_OK};
    cr_expect_eq(httpd_start(&second, &config, echo_handler, NULL, &error), ERR_NETWORK);
    cr_expect_str_eq(error.text, "cannot listen: Address already in use");
    httpd_stop(first);
}

Test(httpd, a_body_over_the_limit_is_413_without_calling_the_handler)
{
    static const struct {
        const char *name;
        size_t bytes;
        long status;
        int calls;
    } rows[] = {
        {"at the limit", BODY_MAX, 200, 1},
        {"one over", BODY_MAX + 1, 413, 0},
        {"many reads over", 200000, 413, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct echo echo;
        struct httpd *httpd = start(&echo, "127.0.0.1:0", 1);
        struct http *http = http_new();
        struct http_reply reply;
        struct error error = {.code = ERR_OK};
        char *body = mem_zalloc(rows[i].bytes, 1);
        memset(body, 'b', rows[i].bytes);
        buf_init(&reply.body, 1 << 20);
        cr_assert_eq(http_post(http, httpd_url(httpd), "text/plain", body, rows[i].bytes, 20000,
                               &reply, &error),
                     ERR_OK, "%s: %s", rows[i].name, error.text);
        cr_expect_eq(reply.status, rows[i].status, "%s: %ld", rows[i].name, reply.status);
        cr_expect_eq(atomic_load(&echo.calls), rows[i].calls, "%s", rows[i].name);
        buf_deinit(&reply.body);
        mem_free(body);
        http_free(http);
        httpd_stop(httpd);
    }
}

Test(httpd, a_huge_declared_length_is_refused_before_any_body)
{
    struct echo echo;
    struct httpd *httpd = start(&echo, "127.0.0.1:0", 1);
    static const char ask[] = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 90000000000\r\n\r\n";
    char answer[2048];
    int fd = raw_dial(httpd_url(httpd));
    raw_talk(fd, ask, sizeof(ask) - 1, 1, answer, sizeof(answer));
    cr_expect_eq(strncmp(answer, "HTTP/1.1 413 ", 13), 0, "%s", answer);
    cr_expect_eq(atomic_load(&echo.calls), 0);
    close(fd);
    httpd_stop(httpd);
}

Test(httpd, an_endless_chunked_body_is_cut)
{
    struct echo echo;
    struct httpd *httpd = start(&echo, "127.0.0.1:0", 1);
    static const char ask[] = "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    static char chunk[6 + 4096 + 2];
    memcpy(chunk, "1000\r\n", 6);
    memset(chunk + 6, 'c', 4096);
    memcpy(chunk + 6 + 4096, "\r\n", 2);
    int fd = raw_dial(httpd_url(httpd)), chunks = 0;
    cr_assert_eq(send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL), (ssize_t)sizeof(ask) - 1);
    /* Far more than limit, drop allowance and socket buffers together; ends when cut. */
    while (chunks < 100000 && send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL) > 0) {
        chunks++;
    }
    cr_expect_lt(chunks, 100000);
    cr_expect_eq(atomic_load(&echo.calls), 0);
    close(fd);
    httpd_stop(httpd);
}

Test(httpd, a_chunked_body_within_the_limit_arrives_whole)
{
    struct echo echo;
    struct httpd *httpd = start(&echo, "127.0.0.1:0", 1);
    static const char ask[] = "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    char answer[2048];
    int fd = raw_dial(httpd_url(httpd));
    raw_talk(fd, ask, sizeof(ask) - 1, 1, answer, sizeof(answer));
    cr_expect_not_null(strstr(answer, "POST /x user=(none) body=5:abcde"), "%s", answer);
    close(fd);
    httpd_stop(httpd);
}

Test(httpd, head_is_a_get_without_its_body)
{
    struct echo echo;
    struct httpd *httpd = start(&echo, "127.0.0.1:0", 1);
    static const char ask[] = "HEAD /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    char answer[2048];
    int fd = raw_dial(httpd_url(httpd));
    raw_talk(fd, ask, sizeof(ask) - 1, 9, answer, sizeof(answer));
    cr_expect_eq(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
    cr_expect_not_null(strstr(answer, "Content-Length: 26\r\n"), "%s", answer);
    cr_expect_str_eq(strstr(answer, "\r\n\r\n"), "\r\n\r\n", "no body follows the head");
    close(fd);
    httpd_stop(httpd);
}

Test(httpd, one_connection_carries_many_requests)
{
    struct echo echo;
    struct httpd *httpd = start(&echo, "127.0.0.1:0", 1);
    static const char ask[] = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    int fd = raw_dial(httpd_url(httpd));
    for (int i = 0; i < 5; i++) {
        char answer[2048];
        raw_talk(fd, ask, sizeof(ask) - 1, 1, answer, sizeof(answer));
        cr_expect_eq(strncmp(answer, "HTTP/1.1 200 ", 13), 0, "request %d: %s", i, answer);
    }
    cr_expect_eq(atomic_load(&echo.calls), 5);
    close(fd);
    httpd_stop(httpd);
}

Test(httpd, status_location_and_empty_bodies_reach_the_client)
{
    struct echo echo;
    struct httpd *httpd = start(&echo, "127.0.0.1:0", 1);
    char body[2 * REPLY_MAX], answer[2048];
    static const char ask[] = "GET /moved HTTP/1.1\r\nHost: h\r\n\r\n";
    int fd = raw_dial(httpd_url(httpd));
    raw_talk(fd, ask, sizeof(ask) - 1, 1, answer, sizeof(answer));
    cr_expect_eq(strncmp(answer, "HTTP/1.1 302 ", 13), 0);
    cr_expect_not_null(strstr(answer, "Location: /elsewhere\r\n"));
    cr_expect_not_null(strstr(answer, "Content-Type: application/json\r\n"));
    close(fd);
    cr_expect_eq(get(httpd, "/empty", body, sizeof(body)), 204);
    cr_expect_str_eq(body, "");
    httpd_stop(httpd);
}

Test(httpd, a_reply_over_its_bound_is_500)
{
    struct echo echo;
    struct httpd *httpd = start(&echo, "127.0.0.1:0", 1);
    char body[2 * REPLY_MAX];
    cr_expect_eq(get(httpd, "/large", body, sizeof(body)), 500);
    cr_expect_not_null(strstr(body, "reply too large"));
    httpd_stop(httpd);
}

static void *get_slow(void *context)
{
    char url[512];
    snprintf(url, sizeof(url), "%s/slow", httpd_url(context));
    struct http *http = http_new();
    struct http_reply reply;
    struct error error = {.code = ERR_OK};
    buf_init(&reply.body, 1 << 20);
    /* Whether the answer still gets out is not promised. */
    enum err code = http_get(http, url, 20000, &reply, &error);
    (void)code;
    buf_deinit(&reply.body);
    http_free(http);
    return NULL;
}

static void *let_go(void *context)
{
    struct echo *echo = context;
    clock_sleep_ns(50 * CLOCK_NS_PER_MS);
    atomic_store(&echo->leave, true);
    return NULL;
}

Test(httpd, stop_waits_for_a_running_handler)
{
    struct echo echo;
    struct httpd *httpd = start(&echo, "127.0.0.1:0", 2);
    pthread_t client, releaser;
    cr_assert_eq(pthread_create(&client, NULL, get_slow, httpd), 0);
    while (!atomic_load(&echo.entered)) {
        clock_sleep_ns(CLOCK_NS_PER_MS);
    }
    cr_assert_eq(pthread_create(&releaser, NULL, let_go, &echo), 0);
    httpd_stop(httpd);
    cr_expect(atomic_load(&echo.left), "the handler was still running when stop returned");
    pthread_join(client, NULL);
    pthread_join(releaser, NULL);
}

/* Counts this process's threads other than the main one, and those of them that block SIGTERM. */
static void count_threads(int *others, int *blocking)
{
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *entry;
    cr_assert_not_null(tasks);
    while ((entry = readdir(tasks)) != NULL) {
        char path[300], line[256];
        unsigned long long mask;
        if (entry->d_name[0] == '.' || strtol(entry->d_name, NULL, 10) == getpid()) {
            continue;
        }
        snprintf(path, sizeof(path), "/proc/self/task/%s/status", entry->d_name);
        FILE *status = fopen(path, "r");
        (*others)++;
        while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
            if (sscanf(line, "SigBlk: %llx", &mask) == 1 && (mask >> (SIGTERM - 1) & 1) != 0) {
                (*blocking)++;
            }
        }
        if (status != NULL) {
            fclose(status);
        }
    }
    closedir(tasks);
}

Test(httpd, server_threads_leave_signals_to_others)
{
    struct echo echo;
    sigset_t mask;
    int others_before = 0, blocking_before = 0, others = 0, blocking = 0;
    count_threads(&others_before, &blocking_before);
    struct httpd *httpd = start(&echo, "127.0.0.1:0", 3);
    count_threads(&others, &blocking);
    cr_expect_geq(others - others_before, 3);
    cr_expect_eq(blocking - blocking_before, others - others_before);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    cr_expect_not(sigismember(&mask, SIGTERM), "the caller's mask is as it was");
    httpd_stop(httpd);
}

Test(httpd, stop_accepts_null)
{
    httpd_stop(NULL);
}
