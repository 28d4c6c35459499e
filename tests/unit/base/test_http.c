#include "base/http.h"

#include "base/httpd.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void handler(void *context, const struct httpd_request *request, struct httpd_reply *reply)
{
    (void)context;
    if (strcmp(request->path, "/missing") == 0) {
        reply->status = 404;
    }
    if (strcmp(request->path, "/port") == 0) {
        const union MHD_ConnectionInfo *peer =
            MHD_get_connection_info(request->lookup_context, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        const struct sockaddr_in *address = (const void *)peer->client_addr;
        buf_printf(&reply->body, "%u", ntohs(address->sin_port));
        return;
    }
    if (strcmp(request->path, "/large") == 0) {
        for (int i = 0; i < 1000; i++) {
            buf_text(&reply->body, "0123456789");
        }
        return;
    }
    if (strcmp(request->path, "/who") == 0) {
        const char *who = httpd_header(request, "authorization");
        buf_text(&reply->body, who != NULL ? who : "nobody");
        return;
    }
    const char *type = httpd_header(request, "content-type");
    buf_printf(&reply->body, "%s %s %zu %s", request->method, type != NULL ? type : "-",
               request->body_len, request->body);
}

struct fixture {
    struct httpd *httpd;
    struct http *http;
    struct http_reply reply;
    struct error error;
    char url[300];
};

static void setup(struct fixture *fixture, size_t reply_max, const char *path)
{
    const struct httpd_config config = {.listen = "127.0.0.1:0",
                                        .threads = 1,
                                        .body_max_bytes = 8 << 20,
                                        .reply_max_bytes = 1 << 20,
                                        .connections_max = 8};
    memset(fixture, 0, sizeof(*fixture));
    cr_assert_eq(httpd_start(&fixture->httpd, &config, handler, NULL, &fixture->error), ERR_OK);
    fixture->http = http_new();
    cr_assert_not_null(fixture->http);
    buf_init(&fixture->reply.body, reply_max);
    snprintf(fixture->url, sizeof(fixture->url), "%s%s", httpd_url(fixture->httpd), path);
}

static void teardown(struct fixture *fixture)
{
    buf_deinit(&fixture->reply.body);
    http_free(fixture->http);
    httpd_stop(fixture->httpd);
}

static enum err get(struct fixture *f)
{
    return http_get(f->http, f->url, 20000, &f->reply, &f->error);
}

Test(http, a_token_goes_with_every_request_until_it_is_taken_back)
{
    struct fixture f;
    setup(&f, 1 << 20, "/who");
    static const char *const tokens[] = {NULL, "first", "second", "", "third"};
    static const char *const wanted[] = {"nobody", "Bearer first", "Bearer second", "nobody",
                                         "Bearer third"};
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        http_set_bearer(f.http, tokens[i]);
        cr_assert_eq(get(&f), ERR_OK);
        cr_expect_str_eq(f.reply.body.data, wanted[i]);
        cr_assert_eq(http_post(f.http, f.url, "text/plain", "x", 1, 20000, &f.reply, &f.error),
                     ERR_OK);
        cr_expect_str_eq(f.reply.body.data, wanted[i]);
    }
    teardown(&f);
}

Test(http, any_status_is_an_answer)
{
    struct fixture f;
    setup(&f, 1 << 20, "/missing");
    cr_expect_eq(get(&f), ERR_OK);
    cr_expect_eq(f.reply.status, 404);
    cr_expect_str_eq(f.reply.body.data, "GET - 0 ");
    teardown(&f);
}

Test(http, a_post_carries_type_and_body_and_leaves_no_trace_in_the_next_get)
{
    struct fixture f;
    setup(&f, 1 << 20, "/");
    cr_expect_eq(
        http_post(f.http, f.url, "application/json", "{\"a\":1}", 7, 20000, &f.reply, &f.error),
        ERR_OK);
    cr_expect_str_eq(f.reply.body.data, "POST application/json 7 {\"a\":1}");
    cr_expect_eq(get(&f), ERR_OK);
    cr_expect_str_eq(f.reply.body.data, "GET - 0 ");
    teardown(&f);
}

Test(http, bodies_larger_than_a_socket_buffer_arrive_whole)
{
    struct fixture f;
    setup(&f, 8 << 20, "/");
    size_t size = 6 << 20;
    char *body = mem_array(size, 1);
    memset(body, 'z', size);
    cr_expect_eq(http_post(f.http, f.url, "text/plain", body, size, 20000, &f.reply, &f.error),
                 ERR_OK);
    /* The server's own reply bound is 1 MiB, so the echo is refused; the body was taken. */
    cr_expect_eq(f.reply.status, 500);
    mem_free(body);
    teardown(&f);
}

Test(http, the_connection_is_kept_between_requests)
{
    struct fixture f;
    char first[16];
    setup(&f, 1 << 20, "/port");
    cr_assert_eq(get(&f), ERR_OK);
    snprintf(first, sizeof(first), "%s", f.reply.body.data);
    cr_assert_eq(get(&f), ERR_OK);
    cr_expect_str_eq(f.reply.body.data, first);
    teardown(&f);
}

Test(http, an_answer_over_the_bound_is_a_network_error)
{
    struct fixture f;
    setup(&f, 5000, "/large");
    cr_expect_eq(get(&f), ERR_NETWORK);
    cr_expect_str_eq(f.error.text, "the answer is larger than 5000 bytes");
    cr_expect_str_eq(f.error.where, f.url);
    f.error = (struct error){.code = ERR_OK};
    snprintf(f.url, sizeof(f.url), "%s/", httpd_url(f.httpd));
    cr_expect_eq(get(&f), ERR_OK, "the client is usable again: %s", f.error.text);
    teardown(&f);
}

Test(http, silence_is_a_timeout_and_refusal_a_network_error)
{
    struct fixture f;
    setup(&f, 1 << 20, "/");
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    int mute = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(mute, (struct sockaddr *)&address, size), 0);
    cr_assert_eq(getsockname(mute, (struct sockaddr *)&address, &size), 0);
    snprintf(f.url, sizeof(f.url), "http://127.0.0.1:%u/", ntohs(address.sin_port));
    cr_expect_eq(get(&f), ERR_NETWORK, "bound but not listening");
    f.error = (struct error){.code = ERR_OK};
    cr_assert_eq(listen(mute, 1), 0);
    cr_expect_eq(http_get(f.http, f.url, 50, &f.reply, &f.error), ERR_TIMEOUT);
    cr_expect_str_eq(f.error.text, "no answer within 50 ms");
    close(mute);
    teardown(&f);
}

Test(http, urls_that_are_none_and_other_protocols_are_refused)
{
    static const char *const urls[] = {"", "nonsense://x", "file:///etc/passwd", "http://"};
    struct fixture f;
    setup(&f, 1 << 20, "/");
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        f.error = (struct error){.code = ERR_OK};
        snprintf(f.url, sizeof(f.url), "%s", urls[i]);
        cr_expect_eq(get(&f), ERR_NETWORK, "'%s'", urls[i]);
        cr_expect_neq(f.error.text[0], '\0', "'%s'", urls[i]);
    }
    teardown(&f);
}

Test(http, proxies_of_the_environment_are_not_used)
{
    struct fixture f;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    setup(&f, 1 << 20, "/");
    cr_expect_eq(get(&f), ERR_OK, "%s", f.error.text);
    teardown(&f);
}

Test(http, escaping_leaves_only_unreserved_characters)
{
    static const struct {
        const char *text, *escaped;
    } rows[] = {
        {"", ""},
        {"abcXYZ019-._~", "abcXYZ019-._~"},
        {"a b+c&d=e", "a%20b%2Bc%26d%3De"},
        {"up{job=\"x\"}[5m]", "up%7Bjob%3D%22x%22%7D%5B5m%5D"},
        {"\xc3\xa9%", "%C3%A9%25"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *escaped = http_escape(rows[i].text);
        cr_expect_str_eq(escaped, rows[i].escaped, "'%s'", rows[i].text);
        mem_free(escaped);
    }
}
