/* Every response of the tables is read in one piece, in every two pieces and byte by byte. */
#include "base/buf.h"
#include "base/mem.h"
#include "load/http1_response.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])
#define HEAD_MAX 400
#define BODY_MAX 100

struct reading {
    enum http1_verdict verdict;
    int status;
    bool keep;
    size_t used;
    char body[BODY_MAX + 1], retry_after[40];
};

/* Reads `text` with pieces ending at `first` and then every `step` bytes. */
static struct reading read_pieces(const char *text, size_t len, size_t first, size_t step)
{
    struct http1_response response;
    struct buf body;
    struct reading reading = {.verdict = HTTP1_MORE};
    http1_response_init(&response, HEAD_MAX);
    http1_response_begin(&response);
    buf_init(&body, BODY_MAX);
    for (size_t at = 0, end = first; at < len && reading.verdict == HTTP1_MORE; end += step) {
        size_t piece = (end < len ? end : len) - at, used;
        char *exact = memcpy(mem_alloc(piece > 0 ? piece : 1), text + at, piece);
        reading.verdict = http1_response_feed(&response, exact, piece, &body, &used);
        mem_free(exact);
        reading.used += used;
        cr_assert(used == piece || reading.verdict != HTTP1_MORE);
        at += piece;
    }
    if (reading.verdict == HTTP1_MORE) {
        reading.verdict = http1_response_end(&response);
    }
    cr_assert_eq(reading.verdict == HTTP1_BODY_TOO_LONG, body.failed);
    cr_assert_eq(reading.verdict == HTTP1_MALFORMED, response.problem != NULL);
    reading.status = response.status;
    reading.keep = response.keep;
    (void)snprintf(reading.body, sizeof reading.body, "%s", body.len > 0 ? body.data : "");
    (void)snprintf(reading.retry_after, sizeof reading.retry_after, "%s", response.retry_after);
    buf_deinit(&body);
    http1_response_deinit(&response);
    return reading;
}

static void expect_same(const char *name, size_t split, const struct reading *one,
                        const struct reading *other)
{
    bool whole = one->verdict == HTTP1_WHOLE;
    cr_expect_eq(one->verdict, other->verdict, "%s split at %zu: %d", name, split, other->verdict);
    cr_expect(!whole || one->used == other->used, "%s split at %zu", name, split);
    cr_expect(!whole || strcmp(one->body, other->body) == 0, "%s split at %zu", name, split);
    cr_expect_eq(one->status, other->status, "%s split at %zu", name, split);
    cr_expect_eq(one->keep, other->keep, "%s split at %zu", name, split);
    cr_expect_str_eq(one->retry_after, other->retry_after, "%s split at %zu", name, split);
}

static struct reading read_all_ways(const char *name, const char *text, size_t len)
{
    struct reading one = read_pieces(text, len, len, len);
    struct reading bytes = read_pieces(text, len, 1, 1);
    expect_same(name, 0, &one, &bytes);
    for (size_t split = 1; split < len; split++) {
        struct reading two = read_pieces(text, len, split, len);
        expect_same(name, split, &one, &two);
    }
    return one;
}

Test(http1_response, bodies_end_where_their_heads_say)
{
    static const struct {
        const char *name, *text;
        int status;
        const char *body, *left;
        bool keep;
    } rows[] = {
        {"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", "", true},
        {"no reason", "HTTP/1.1 200\r\ncontent-length:5\r\n\r\nhello", 200, "hello", "", true},
        {"bare line feeds", "HTTP/1.1 404 Not\nCONTENT-LENGTH: 2\n\nno", 404, "no", "", true},
        {"empty", "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 201, "", "", true},
        {"no content", "HTTP/1.1 204 None\r\nContent-Length: 7\r\n\r\n", 204, "", "", true},
        {"not modified", "HTTP/1.1 304 -\r\nTransfer-Encoding: chunked\r\n\r\n", 304, "", "", true},
        {"a redirect", "HTTP/1.1 302 F\r\nLocation: /x\r\nContent-Length: 1\r\n\r\nx", 302, "x", "",
         true},
        {"a status of no class", "HTTP/1.1 999 Denied\r\nContent-Length: 1\r\n\r\nx", 999, "x", "",
         true},
        {"until the end", "HTTP/1.1 200 OK\r\n\r\nall of it", 200, "all of it", "", false},
        {"nothing until the end", "HTTP/1.1 200 OK\r\n\r\n", 200, "", "", false},
        {"interim responses",
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\nContent-Length: 9\r\n"
         "Connection: close\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
         200, "ok", "", true},
        {"leftovers", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500", 200, "ok",
         "HTTP/1.1 500", true},
        {"the same length twice",
         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2 , 02\r\n\r\nok", 200, "ok", "",
         true},
        {"identity",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok", 200, "ok",
         "", true},
        {"headers like ours",
         "HTTP/1.1 200 OK\r\nContent-Lengths: 9\r\nTransfer: chunked\r\n"
         "Content-Length: 2\r\nX-Content-Length: 8\r\n\r\nok",
         200, "ok", "", true},
        {"a folded header nobody reads",
         "HTTP/1.1 200 OK\r\nServer: a\r\n  b\r\nContent-Length: 2\r\n\r\nok", 200, "ok", "", true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t len = strlen(rows[i].text);
        struct reading got = read_all_ways(rows[i].name, rows[i].text, len);
        cr_expect_eq(got.verdict, HTTP1_WHOLE, "%s: %d", rows[i].name, got.verdict);
        cr_expect_eq(got.status, rows[i].status, "%s: %d", rows[i].name, got.status);
        cr_expect_str_eq(got.body, rows[i].body, "%s", rows[i].name);
        cr_expect_str_eq(rows[i].text + got.used, rows[i].left, "%s", rows[i].name);
        cr_expect_eq(got.keep, rows[i].keep, "%s", rows[i].name);
    }
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"

Test(http1_response, chunks_are_put_together)
{
    static const struct {
        const char *name, *text, *body, *left;
    } rows[] = {
        {"chunks", CHUNKED "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde", ""},
        {"in hexadecimal", CHUNKED "000B\r\nhello world\r\n0\r\n\r\n", "hello world", ""},
        {"extensions", CHUNKED "3;a=b\r\nabc\r\n2 ; c=\"d\"\r\nde\r\n0;x\r\n\r\n", "abcde", ""},
        {"trailers", CHUNKED "3\r\nabc\r\n0\r\nContent-Length: 7\r\nX: y\r\n\r\n", "abc", ""},
        {"none", CHUNKED "0\r\n\r\n", "", ""},
        {"bare line feeds", CHUNKED "3\nabc\r\n0\n\n", "abc", ""},
        {"leftovers", CHUNKED "1\r\na\r\n0\r\n\r\nmore", "a", "more"},
        {"lines within", CHUNKED "4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n", ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct reading got = read_all_ways(rows[i].name, rows[i].text, strlen(rows[i].text));
        cr_expect_eq(got.verdict, HTTP1_WHOLE, "%s: %d", rows[i].name, got.verdict);
        cr_expect_str_eq(got.body, rows[i].body, "%s", rows[i].name);
        cr_expect_str_eq(rows[i].text + got.used, rows[i].left, "%s", rows[i].name);
        cr_expect(got.keep, "%s", rows[i].name);
    }
}

Test(http1_response, a_connection_is_kept_only_if_both_sides_can_tell_where_answers_end)
{
    static const struct {
        const char *name, *text;
        bool keep;
    } rows[] = {
        {"close", "HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n", false},
        {"close among others",
         "HTTP/1.1 200 OK\r\nConnection: a, close ,b\r\nContent-Length: 0\r\n\r\n", false},
        {"keep-alive", "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
         true},
        {"closely", "HTTP/1.1 200 OK\r\nConnection: closely\r\nContent-Length: 0\r\n\r\n", true},
        {"1.0", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false},
        {"1.0 keep-alive", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n",
         true},
        {"both lengths",
         "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         false},
        {"1.0 chunked",
         "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct reading got = read_all_ways(rows[i].name, rows[i].text, strlen(rows[i].text));
        cr_expect_eq(got.verdict, HTTP1_WHOLE, "%s: %d", rows[i].name, got.verdict);
        cr_expect_eq(got.keep, rows[i].keep, "%s", rows[i].name);
    }
}

Test(http1_response, what_has_two_readings_is_no_answer)
{
    static const struct {
        const char *name, *text;
    } rows[] = {
        {"nonsense", "SSH-2.0-OpenSSH_9.2\r\n"},
        {"nonsense without an end", "\x16\x03\x01\x02"},
        {"an empty line", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
        {"another version", "HTTP/2 200\r\n\r\n"},
        {"a version with a letter", "HTTP/1.x 200 OK\r\n\r\n"},
        {"two digits", "HTTP/1.1 20 OK\r\n\r\n"},
        {"four digits", "HTTP/1.1 2000 OK\r\n\r\n"},
        {"a status below 100", "HTTP/1.1 099 OK\r\n\r\n"},
        {"another protocol", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"},
        {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"},
        {"two lengths in a list", "HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok"},
        {"no length", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nok"},
        {"a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok"},
        {"a length with a sign", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok"},
        {"a length and more", "HTTP/1.1 200 OK\r\nContent-Length: 2 bytes\r\n\r\nok"},
        {"gzip", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
        {"chunked twice",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"},
        {"no colon", "HTTP/1.1 200 OK\r\nContent-Length 2\r\n\r\nok"},
        {"no name", "HTTP/1.1 200 OK\r\n: 2\r\n\r\nok"},
        {"a blank before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok"},
        {"a folded length", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n\r\nok"},
        {"a chunk without size", CHUNKED "\r\nabc\r\n0\r\n\r\n"},
        {"a chunk with a sign", CHUNKED "+3\r\nabc\r\n0\r\n\r\n"},
        {"a size and more", CHUNKED "3 4\r\nabc\r\n0\r\n\r\n"},
        {"a chunk too short", CHUNKED "4\r\nabc\r\n0\r\n\r\n"},
        {"a chunk too long", CHUNKED "2\r\nabc\r\n0\r\n\r\n"},
        {"a chunk's end without CR", CHUNKED "3\r\nabc\n0\r\n\r\n"},
        {"a size beyond 64 bits", CHUNKED "10000000000000000\r\na\r\n0\r\n\r\n"},
    };
    static const char with_nul[] = "HTTP/1.1 200 OK\r\nServer: a\0b\r\nContent-Length: 0\r\n\r\n";
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct reading got = read_all_ways(rows[i].name, rows[i].text, strlen(rows[i].text));
        cr_expect_eq(got.verdict, HTTP1_MALFORMED, "%s: %d", rows[i].name, got.verdict);
    }
    struct reading got = read_all_ways("NUL", with_nul, sizeof with_nul - 1);
    cr_expect_eq(got.verdict, HTTP1_MALFORMED, "NUL: %d", got.verdict);
}

Test(http1_response, a_connection_that_ends_too_early_cuts_the_answer)
{
    static const char *const texts[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        CHUNKED "3;x\r\nabc\r\n0\r\nX: y\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\n\r\n",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        size_t len = strlen(texts[i]);
        for (size_t cut = 1; cut < len; cut++) {
            struct reading got = read_pieces(texts[i], cut, cut, cut);
            cr_expect_eq(got.verdict, HTTP1_CUT, "text %zu cut at %zu: %d", i, cut, got.verdict);
        }
        cr_expect_eq(read_pieces(texts[i], len, len, len).verdict, HTTP1_WHOLE, "text %zu", i);
    }
}

Test(http1_response, heads_have_a_maximum)
{
    char text[1200];
    static const struct {
        const char *name, *before, *after;
        size_t fill; /* bytes between the two */
        enum http1_verdict verdict;
    } rows[] = {
        {"one line", "HTTP/1.1 200 OK\r\nX: ", "\r\nContent-Length: 0\r\n\r\n", 300, HTTP1_WHOLE},
        {"one long line", "HTTP/1.1 200 OK\r\nX: ", "\r\nContent-Length: 0\r\n\r\n", 400,
         HTTP1_HEAD_TOO_LONG},
        {"a line without an end", "HTTP/1.1 200 ", "", 1000, HTTP1_HEAD_TOO_LONG},
        {"a chunk's size line", CHUNKED "1;", "\r\na\r\n0\r\n\r\n", 300, HTTP1_WHOLE},
        {"a chunk's long size line", CHUNKED "1;", "\r\na\r\n0\r\n\r\n", 400, HTTP1_HEAD_TOO_LONG},
        {"a trailer", CHUNKED "0\r\nX: ", "\r\n\r\n", 300, HTTP1_WHOLE},
        {"a long trailer", CHUNKED "0\r\nX: ", "\r\n\r\n", 400, HTTP1_HEAD_TOO_LONG},
        {"an interim one counts", "HTTP/1.1 103 -\r\nX: ",
         "\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: bcdefghijklmnopqrstuvwxyz\r\n\r\n",
         330, HTTP1_HEAD_TOO_LONG},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t before = strlen(rows[i].before);
        memcpy(text, rows[i].before, before);
        memset(text + before, 'x', rows[i].fill);
        (void)snprintf(text + before + rows[i].fill, sizeof text - before - rows[i].fill, "%s",
                       rows[i].after);
        struct reading got = read_all_ways(rows[i].name, text, strlen(text));
        cr_expect_eq(got.verdict, rows[i].verdict, "%s: %d", rows[i].name, got.verdict);
    }
}

Test(http1_response, bodies_have_a_maximum_and_promises_count)
{
    static const struct {
        const char *name, *text;
        size_t fill;
        enum http1_verdict verdict;
    } rows[] = {
        {"as long as may be", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", 100, HTTP1_WHOLE},
        {"a promise", "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", 0, HTTP1_BODY_TOO_LONG},
        {"beyond 64 bits", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", 0,
         HTTP1_BODY_TOO_LONG},
        {"until the end", "HTTP/1.1 200 OK\r\n\r\n", 100, HTTP1_WHOLE},
        {"longer until the end", "HTTP/1.1 200 OK\r\n\r\n", 101, HTTP1_BODY_TOO_LONG},
        {"a chunk", CHUNKED "65\r\n", 0, HTTP1_BODY_TOO_LONG},
        {"a second chunk", CHUNKED "3\r\nabc\r\n62\r\n", 0, HTTP1_BODY_TOO_LONG},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[300];
        size_t len = strlen(rows[i].text);
        memcpy(text, rows[i].text, len);
        memset(text + len, 'x', rows[i].fill);
        struct reading got = read_all_ways(rows[i].name, text, len + rows[i].fill);
        cr_expect_eq(got.verdict, rows[i].verdict, "%s: %d", rows[i].name, got.verdict);
        cr_expect_eq(got.status, 200, "%s", rows[i].name);
    }
}

Test(http1_response, retry_after_is_kept_as_it_was_said)
{
    static const struct {
        const char *name, *text, *value;
    } rows[] = {
        {"seconds", "HTTP/1.1 503 -\r\nRetry-After:  120 \r\nContent-Length: 0\r\n\r\n", "120"},
        {"date",
         "HTTP/1.1 503 -\r\nretry-after: Fri, 31 Dec 1999 23:59:59 GMT\r\nContent-Length: "
         "0\r\n\r\n",
         "Fri, 31 Dec 1999 23:59:59 GMT"},
        {"none", "HTTP/1.1 503 -\r\nContent-Length: 0\r\n\r\n", ""},
        {"of an interim response",
         "HTTP/1.1 102 -\r\nRetry-After: 1\r\n\r\nHTTP/1.1 503 -\r\nContent-Length: 0\r\n\r\n", ""},
        {"longer than any date",
         "HTTP/1.1 503 -\r\nRetry-After: Friday, the thirty-first day of December\r\n"
         "Content-Length: 0\r\n\r\n",
         ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct reading got = read_all_ways(rows[i].name, rows[i].text, strlen(rows[i].text));
        cr_expect_str_eq(got.retry_after, rows[i].value, "%s", rows[i].name);
        cr_expect_eq(got.status, 503, "%s", rows[i].name);
    }
}

Test(http1_response, one_reader_reads_many_answers_without_growing)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\n\r\nhello";
    struct http1_response response;
    struct buf body;
    http1_response_init(&response, HEAD_MAX);
    buf_init(&body, BODY_MAX);
    for (int round = 0; round < 1000; round++) {
        size_t used;
        http1_response_begin(&response);
        buf_reset(&body);
        enum http1_verdict verdict =
            http1_response_feed(&response, text, sizeof text - 1, &body, &used);
        cr_assert_eq(verdict, HTTP1_WHOLE);
        cr_assert_str_eq(body.data, "hello");
        cr_assert_null(response.line.data, "whole lines are read where they lie");
    }
    buf_deinit(&body);
    http1_response_deinit(&response);
}
