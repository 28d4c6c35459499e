#include "base/mem.h"
#include "base/version.h"
#include "load/http1_request.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define AGENT "User-Agent: driftdrill/" DRIFTDRILL_VERSION "\r\n"

Test(http1_request, requests_are_written_as_their_shapes_say)
{
    static const struct {
        const char *name;
        struct request_shape shape;
        const char *path, *header, *body, *wire;
    } rows[] = {
        {"a list",
         {"GET", false, "http://127.0.0.1:8000", ""},
         "/recommendations/?user_id=1&n=10",
         "",
         "",
         "GET /recommendations/?user_id=1&n=10 HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n" AGENT
         "Accept: */*\r\n\r\n"},
        {"a rating",
         {"POST", true, "http://movies.example:80", "Content-Type: application/json\r\n"},
         "/ratings/",
         "",
         "{\"user_id\":1}",
         "POST /ratings/ HTTP/1.1\r\nHost: movies.example\r\n" AGENT
         "Accept: */*\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n"
         "{\"user_id\":1}"},
        {"an empty body",
         {"PUT", true, "https://movies.example:443", ""},
         "/",
         "",
         "",
         "PUT / HTTP/1.1\r\nHost: movies.example\r\n" AGENT
         "Accept: */*\r\nContent-Length: 0\r\n\r\n"},
        {"headers of its own",
         {"GET", false, "https://[::1]:80", "accept: text/x\r\nUSER-AGENT: me\r\nX: y\r\n"},
         "/x",
         "X-Signature: 1\r\nX-Other: 2\r\n",
         "",
         "GET /x HTTP/1.1\r\nHost: [::1]:80\r\naccept: text/x\r\nUSER-AGENT: me\r\nX: y\r\n"
         "X-Signature: 1\r\nX-Other: 2\r\n\r\n"},
        {"headers that only resemble ours",
         {"GET", false, "http://h", "X-Accept: z\r\nAccept-Language: en\r\n"},
         "/",
         "",
         "",
         "GET / HTTP/1.1\r\nHost: h\r\n" AGENT
         "Accept: */*\r\nX-Accept: z\r\nAccept-Language: en\r\n\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http1_request request;
        struct exchange exchange = {.shape = &rows[i].shape};
        exchange.path_len = strlen(rows[i].path);
        exchange.header_len = strlen(rows[i].header);
        exchange.body_len = strlen(rows[i].body);
        memcpy(exchange.path, rows[i].path, exchange.path_len);
        memcpy(exchange.header, rows[i].header, exchange.header_len);
        memcpy(exchange.body, rows[i].body, exchange.body_len);
        http1_request_init(&request, &rows[i].shape);
        char *wire = mem_zalloc(http1_request_max_bytes(&request), 1);
        size_t len = http1_request_write(&request, &exchange, wire);
        cr_expect_eq(len, strlen(rows[i].wire), "%s: %zu", rows[i].name, len);
        cr_expect_str_eq(wire, rows[i].wire, "%s", rows[i].name);
        mem_free(wire);
        http1_request_deinit(&request);
    }
}

Test(http1_request, the_largest_exchange_fits)
{
    static const struct request_shape shape = {"POST", true, "http://h", "X: y\r\n"};
    static struct exchange exchange;
    struct http1_request request;
    exchange.path_len = sizeof exchange.path;
    exchange.header_len = sizeof exchange.header;
    exchange.body_len = sizeof exchange.body;
    http1_request_init(&request, &shape);
    char *wire = mem_zalloc(http1_request_max_bytes(&request), 1);
    cr_expect_leq(http1_request_write(&request, &exchange, wire),
                  http1_request_max_bytes(&request));
    mem_free(wire);
    http1_request_deinit(&request);
}
