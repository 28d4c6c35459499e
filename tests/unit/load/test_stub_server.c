/* The stub server as a client sees it that reads bytes and nothing else. Deadlines only keep a
 * broken build from hanging; where time is judged, only that nothing comes early. */
#include "base/clock.h"
#include "load/stub_request.h"
#include "load/stub_server.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEXT_MAX ((size_t)32 * 1024)
#define LIST_OF(user) "GET /recommendations/?user_id=" user "&n=5 HTTP/1.1\r\nHost: stub\r\n\r\n"
#define RATING                                                                                     \
    "POST /ratings/ HTTP/1.1\r\nHost: stub\r\nContent-Type: application/json\r\n"                  \
    "Content-Length: 40\r\n\r\n{\"user_id\":1,\"movie_id\":2,\"rating\":3.5} "

static struct stub *start(const struct stub_config *config)
{
    struct stub *stub = NULL;
    cr_assert_eq(stub_start(&stub, config, NULL), ERR_OK);
    return stub;
}

static int dial(const struct stub *stub)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
    const struct timeval patience = {.tv_sec = 30};
    const char *port = strrchr(stub_url(stub), ':') + 1;
    cr_assert_eq(getaddrinfo("127.0.0.1", port, &hints, &found), 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, found->ai_addr, found->ai_addrlen), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    freeaddrinfo(found);
    return fd;
}

static void say(int fd, const char *text)
{
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads until `text` ends with `end`, or, with end NULL, until the server closes. Returns 0, or
 * errno of a connection that was reset. */
static int hear(int fd, const char *end, char *text)
{
    size_t len = 0;
    text[0] = '\0';
    while (len + 1 < TEXT_MAX) {
        ssize_t got = recv(fd, text + len, 1, 0);
        if (got <= 0) {
            cr_assert(got == 0 || errno == ECONNRESET, "%s", text);
            cr_assert(got < 0 || end == NULL, "closed after '%s'", text);
            return got < 0 ? errno : 0;
        }
        text[++len] = '\0';
        if (end != NULL && len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0) {
            return 0;
        }
    }
    cr_assert_fail("no end");
    return 0;
}

static const char *body_of(const char *text)
{
    const char *blank = strstr(text, "\r\n\r\n");
    cr_assert_not_null(blank, "%s", text);
    return blank + 4;
}

/* The counts once all requests so far have been answered. */
static struct stub_counts counts_of(const struct stub *stub, int64_t requests)
{
    struct stub_counts counts = {0};
    int64_t deadline = clock_mono_ns() + 30 * CLOCK_NS_PER_S;
    while (counts.lists + counts.ratings + counts.others < requests && clock_mono_ns() < deadline) {
        stub_counts(stub, &counts);
    }
    return counts;
}

Test(stub_server, speaks_the_bundled_interface)
{
    struct stub *stub = start(&(struct stub_config){.films = 50});
    char text[TEXT_MAX];
    int fd = dial(stub);
    say(fd, LIST_OF("7"));
    hear(fd, "]}", text);
    cr_expect(strncmp(text, "HTTP/1.1 200 OK\r\n", 17) == 0, "%s", text);
    json_t *list = json_loads(body_of(text), 0, NULL);
    cr_assert_not_null(list, "%s", text);
    json_t *places = json_object_get(list, "recommendations");
    cr_expect_eq(json_integer_value(json_object_get(list, "user_id")), 7);
    cr_expect_eq(strlen(json_string_value(json_object_get(list, "request_id"))), 16);
    cr_expect_eq(json_array_size(places), 5);
    bool seen[51] = {false};
    for (size_t i = 0; i < json_array_size(places); i++) {
        json_int_t film =
            json_integer_value(json_object_get(json_array_get(places, i), "movie_id"));
        cr_assert(film >= 1 && film <= 50 && !seen[film]);
        seen[film] = true;
    }
    json_decref(list);
    say(fd, RATING);
    hear(fd, "null}", text);
    cr_expect(strncmp(text, "HTTP/1.1 201 ", 13) == 0, "%s", text);
    say(fd, "GET /recommendations/?n=5 HTTP/1.1\r\n\r\n");
    hear(fd, "}", text);
    cr_expect(strncmp(text, "HTTP/1.1 422 ", 13) == 0, "%s", text);
    say(fd, "GET /nowhere HTTP/1.1\r\nConnection: close\r\n\r\n");
    hear(fd, NULL, text);
    cr_expect(strncmp(text, "HTTP/1.1 404 ", 13) == 0, "%s", text);
    close(fd);
    struct stub_counts counts = counts_of(stub, 4);
    cr_expect_eq(counts.lists, 2);
    cr_expect_eq(counts.ratings, 1);
    cr_expect_eq(counts.others, 1);
    cr_expect_eq(counts.connections, 1);
    stub_stop(stub);
}

/* Every request comes after the ones before it, in one segment or in one a byte. */
Test(stub_server, requests_sent_in_one_go_or_byte_by_byte_are_answered_in_order)
{
    struct stub *stub = start(&(struct stub_config){.films = 50});
    char text[TEXT_MAX], expected[TEXT_MAX];
    for (int split = 0; split <= 1; split++) {
        const char *all = LIST_OF("1") RATING LIST_OF("2") LIST_OF("3");
        int fd = dial(stub);
        if (split) {
            for (const char *at = all; *at != '\0'; at++) {
                cr_assert_eq(send(fd, at, 1, MSG_NOSIGNAL), 1);
            }
        } else {
            say(fd, all);
        }
        hear(fd, "]}", text);
        cr_expect_not_null(strstr(text, "{\"user_id\":1,"));
        hear(fd, "null}", text);
        hear(fd, "]}", text);
        cr_expect_not_null(strstr(text, "{\"user_id\":2,"));
        hear(fd, "]}", text);
        cr_expect_not_null(strstr(text, "{\"user_id\":3,"));
        close(fd);
        (void)snprintf(expected, sizeof expected, "%s", text);
    }
    cr_expect_eq(counts_of(stub, 8).lists, 6);
    stub_stop(stub);
}

static void list_of(const struct stub *stub, const char *request, char *out)
{
    char text[TEXT_MAX];
    int fd = dial(stub);
    say(fd, request);
    hear(fd, "]}", text);
    close(fd);
    (void)snprintf(out, TEXT_MAX, "%s", strstr(text, "\"recommendations\""));
}

Test(stub_server, lists_depend_on_seed_and_user_and_with_rotate_on_the_turn)
{
    static const int32_t film[40] = {[0] = 1000, 1003, 1004, [3] = 7};
    int32_t ids[40];
    char first[TEXT_MAX], again[TEXT_MAX], other[TEXT_MAX];
    for (int i = 0; i < 40; i++) {
        ids[i] = film[i] != 0 ? film[i] : 2000 + i;
    }
    for (int rotate = 0; rotate <= 1; rotate++) {
        struct stub_config config = {.films = 40, .film = ids, .rotate = rotate, .seed = 5};
        struct stub *stub = start(&config);
        struct stub *twin = start(&config);
        list_of(stub, LIST_OF("9"), first);
        list_of(twin, LIST_OF("8"), again);
        list_of(twin, LIST_OF("9"), again);
        cr_expect_str_eq(first, again);
        list_of(stub, LIST_OF("9"), again);
        cr_expect_eq(strcmp(first, again) != 0, rotate, "%s", again);
        list_of(stub, LIST_OF("10"), other);
        cr_expect_str_neq(first, other);
        stub_stop(stub);
        stub_stop(twin);
    }
}

/* 40 requests at once on 40 connections: the last of them cannot be answered before ten rounds of
 * four workers, nor any before the first. */
Test(stub_server, workers_take_their_time)
{
    enum { CLIENTS = 40, WORKERS = 4 };
    const int64_t service_ns = 5 * CLOCK_NS_PER_MS;
    struct stub_config config = {.service_ns = service_ns, .workers = WORKERS, .films = 50};
    struct stub *stub = start(&config);
    char text[TEXT_MAX];
    int fd[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        fd[i] = dial(stub);
    }
    int64_t begun_ns = clock_mono_ns();
    for (int i = 0; i < CLIENTS; i++) {
        say(fd[i], LIST_OF("4"));
    }
    for (int i = 0; i < CLIENTS; i++) {
        hear(fd[i], "]}", text);
        cr_expect_geq(clock_mono_ns() - begun_ns, (i / WORKERS + 1) * service_ns);
        close(fd[i]);
    }
    struct stub_counts counts = counts_of(stub, CLIENTS);
    cr_expect_eq(counts.lists, CLIENTS);
    cr_expect_eq(counts.waiting_now, 0);
    cr_expect(counts.waiting_max > WORKERS && counts.waiting_max <= CLIENTS, "%ld",
              (long)counts.waiting_max);
    cr_expect_float_eq(stub_capacity_per_s(&config), 800, 1e-9);
    stub_stop(stub);
}

Test(stub_server, who_leaves_early_keeps_a_worker_busy_all_the_same)
{
    const int64_t service_ns = 100 * CLOCK_NS_PER_MS;
    struct stub *stub =
        start(&(struct stub_config){.service_ns = service_ns, .workers = 1, .connections_max = 2});
    char text[TEXT_MAX];
    int64_t begun_ns = clock_mono_ns();
    int gone = dial(stub);
    say(gone, LIST_OF("1"));
    (void)counts_of(stub, 1);
    close(gone);
    int fd = dial(stub);
    say(fd, LIST_OF("2"));
    hear(fd, "]}", text);
    cr_expect_geq(clock_mono_ns() - begun_ns, 2 * service_ns);
    close(fd);
    for (int i = 0; i < 5; i++) { /* places of connections are used again */
        fd = dial(stub);
        say(fd, RATING);
        hear(fd, "null}", text);
        close(fd);
    }
    cr_expect_eq(counts_of(stub, 7).waiting_now, 0);
    stub_stop(stub);
}

Test(stub_server, a_crowded_one_may_answer_at_once_and_worse)
{
    struct stub *stub = start(&(struct stub_config){
        .service_ns = 200 * CLOCK_NS_PER_MS, .workers = 1, .worse_at = 1, .films = 30});
    char text[TEXT_MAX];
    int patient = dial(stub), hasty = dial(stub);
    say(patient, LIST_OF("1"));
    (void)counts_of(stub, 1);
    say(hasty, LIST_OF("2"));
    hear(hasty, "]}", text);
    cr_expect_not_null(strstr(text, "{\"movie_id\":30,\"rank\":1,"), "%s", text);
    cr_expect_not_null(strstr(text, "\"popular\""));
    hear(patient, "]}", text);
    cr_expect_null(strstr(text, "\"popular\""), "%s", text);
    cr_expect_eq(counts_of(stub, 2).worse, 1);
    close(patient);
    close(hasty);
    stub_stop(stub);
}

Test(stub_server, frozen_it_takes_and_gives_nothing)
{
    struct stub *stub = start(&(struct stub_config){.films = 50});
    char text[TEXT_MAX], byte;
    int fd = dial(stub);
    say(fd, LIST_OF("1"));
    hear(fd, "]}", text);
    stub_freeze(stub, true);
    stub_freeze(stub, true); /* nothing changes */
    int late = dial(stub);
    say(fd, LIST_OF("2"));
    say(late, LIST_OF("3"));
    clock_sleep_ns(20 * CLOCK_NS_PER_MS);
    cr_expect_eq(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
    cr_expect_eq(recv(late, &byte, 1, MSG_DONTWAIT), -1);
    cr_expect_eq(counts_of(stub, 1).lists, 1);
    stub_freeze(stub, false);
    hear(late, "]}", text);
    cr_expect_not_null(strstr(text, "{\"user_id\":3,"));
    hear(fd, "]}", text);
    stub_freeze(stub, true);
    close(fd);
    close(late);
    stub_stop(stub); /* frozen or not */
}

Test(stub_server, a_stall_is_sat_out)
{
    struct stub_config config = {.behaviour = STUB_STALL, .stall_to_ns = 150 * CLOCK_NS_PER_MS};
    struct stub *stub = start(&config);
    char text[TEXT_MAX];
    int fd = dial(stub);
    say(fd, LIST_OF("1"));
    hear(fd, "]}", text);
    cr_expect_geq(clock_mono_ns() - stub_started_ns(stub), config.stall_to_ns);
    close(fd);
    stub_stop(stub);
}

/* What a client that reads until the server closes has in hand. */
Test(stub_server, each_behaviour_sends_what_it_says)
{
    static const struct {
        enum stub_behaviour behaviour;
        const char *begins, *holds, *ends;
        int error;
    } rows[] = {
        {STUB_SLOW, "HTTP/1.1 200 OK\r\n", "Content-Length: ", "]}", 0},
        {STUB_SPLIT, "HTTP/1.1 200 OK\r\n", "Content-Length: ", "]}", 0},
        {STUB_CHUNKED, "HTTP/1.1 200 OK\r\n", "chunked\r\n", "\r\n0\r\nX-Films: all told\r\n\r\n",
         0},
        {STUB_CHUNKED_SPLIT, "HTTP/1.1 200 OK\r\n", ";note=", "all told\r\n\r\n", 0},
        {STUB_UNTIL_CLOSE, "HTTP/1.1 200 OK\r\n", "Connection: close\r\n", "]}", 0},
        {STUB_INTERIM, "HTTP/1.1 100 ", "\r\n\r\nHTTP/1.1 103 ", "]}", 0},
        {STUB_CLOSING, "HTTP/1.1 200 OK\r\n", "Connection: close\r\n", "]}", 0},
        {STUB_HANGING_UP, "HTTP/1.1 200 OK\r\n", "Content-Length: ", "]}", 0},
        {STUB_OLD, "HTTP/1.0 200 OK\r\n", "Content-Length: ", "]}", 0},
        {STUB_REDIRECT, "HTTP/1.1 302 ", "Location: /elsewhere\r\n", "\r\n\r\n", 0},
        {STUB_TOO_MANY, "HTTP/1.1 429 ", "Retry-After: 1\r\n", "}", 0},
        {STUB_UNAVAILABLE, "HTTP/1.1 503 ", "Retry-After: 1\r\n", "}", 0},
        {STUB_BROKEN, "HTTP/1.1 500 ", "Content-Length: 22\r\n", "down</h1>", 0},
        {STUB_EMPTY, "HTTP/1.1 204 ", "", "\r\n\r\n", 0},
        {STUB_LENGTH_LONG, "HTTP/1.1 200 ", "Content-Length: ", "]}", 0},
        {STUB_LENGTH_SHORT, "HTTP/1.1 200 ", "Content-Length: ", "]}", 0},
        {STUB_LENGTH_TWICE, "HTTP/1.1 200 ", "Content-Length: ", "]}", 0},
        {STUB_LENGTH_WRONG, "HTTP/1.1 200 ", "Content-Length: plenty\r\n", "]}", 0},
        {STUB_CHUNK_WRONG, "HTTP/1.1 200 ", "plenty", "]}", 0},
        {STUB_CHUNK_CUT, "HTTP/1.1 200 ", "chunked\r\n", "]}", 0},
        {STUB_RESET, "", "", "", ECONNRESET},
        {STUB_UNANSWERED, "", "", "", 0},
        {STUB_NONSENSE, "SSH-2.0-", "", "\r\n", 0},
        {STUB_WRONG_JSON, "HTTP/1.1 200 ", "seven", "}", 0},
        {STUB_CUT_JSON, "HTTP/1.1 200 ", "{\"user_id\":1,", "", 0},
        {STUB_NOT_JSON, "HTTP/1.1 200 ", "", "</html>", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *name = stub_behaviour_name(rows[i].behaviour);
        struct stub *stub =
            start(&(struct stub_config){.behaviour = rows[i].behaviour, .films = 9});
        char text[TEXT_MAX];
        int fd = dial(stub);
        /* The last request, so that the server closes whatever the behaviour. */
        say(fd, "GET /recommendations/?user_id=1 HTTP/1.1\r\nConnection: close\r\n\r\n");
        if (rows[i].behaviour == STUB_LENGTH_SHORT) {
            shutdown(fd, SHUT_WR);
        }
        int error = hear(fd, NULL, text);
        size_t len = strlen(text), end = strlen(rows[i].ends);
        cr_expect_eq(error, rows[i].error, "%s", name);
        cr_expect(strncmp(text, rows[i].begins, strlen(rows[i].begins)) == 0, "%s: %s", name, text);
        cr_expect_not_null(strstr(text, rows[i].holds), "%s: %s", name, text);
        cr_expect(len >= end && strcmp(text + len - end, rows[i].ends) == 0, "%s: %s", name, text);
        cr_expect_eq(counts_of(stub, 1).faulted, 1, "%s", name);
        close(fd);
        stub_stop(stub);
    }
}

Test(stub_server, a_share_of_the_requests_meets_the_fault)
{
    enum { REQUESTS = 400 };
    int faulted[2] = {0, 0};
    for (int run = 0; run <= 1; run++) {
        struct stub *stub = start(&(struct stub_config){
            .behaviour = STUB_BROKEN, .fault_share = 0.25, .seed = 3, .films = 9});
        char text[TEXT_MAX];
        int fd = dial(stub);
        for (int i = 0; i < REQUESTS; i++) {
            say(fd, RATING);
            hear(fd, "\r\n", text);
            bool broken = strstr(text, " 500 ") != NULL;
            faulted[run] += broken;
            hear(fd, broken ? "</h1>" : "null}", text);
        }
        close(fd);
        cr_expect_eq(counts_of(stub, REQUESTS).faulted, faulted[run]);
        stub_stop(stub);
    }
    cr_expect_eq(faulted[0], faulted[1]);
    cr_expect(faulted[0] > 60 && faulted[0] < 140, "%d", faulted[0]);
}

Test(stub_server, what_is_no_request_is_closed_upon)
{
    static const char *const rows[] = {
        "GET\r\n\r\n",
        "GET recommendations HTTP/1.1\r\n\r\n",
        "GET / HTTP/2\r\n\r\n",
        "GET / SSH\r\n\r\n",
        "POST /ratings/ HTTP/1.1\r\nContent-Length: 3x\r\n\r\nabc",
        "POST /ratings/ HTTP/1.1\r\nContent-Length:\r\n\r\n",
        "POST /ratings/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "\r\n\r\n",
    };
    struct stub *stub = start(&(struct stub_config){0});
    char text[TEXT_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stub_counts counts;
        int fd = dial(stub);
        say(fd, rows[i]);
        (void)hear(fd, NULL, text);
        cr_expect_str_eq(text, "", "%s", rows[i]);
        stub_counts(stub, &counts);
        cr_expect_eq(counts.malformed, (int64_t)i + 1, "%s", rows[i]);
        close(fd);
    }
    /* A head without an end. */
    int fd = dial(stub);
    for (int i = 0; i < 70 && send(fd, text, 1024, MSG_NOSIGNAL) > 0; i++) {
        memset(text, 'x', 1024);
    }
    (void)hear(fd, NULL, text);
    close(fd);
    stub_stop(stub);
}

Test(stub_server, names_are_found_again)
{
    enum stub_behaviour found;
    for (int i = 0; i < STUB_BEHAVIOUR_COUNT; i++) {
        cr_assert(stub_behaviour_find(stub_behaviour_name((enum stub_behaviour)i), &found));
        cr_expect_eq((int)found, i);
        cr_expect_gt(strlen(stub_behaviour_text((enum stub_behaviour)i)), 5);
    }
    cr_expect_not(stub_behaviour_find("nul", &found));
    cr_expect(isinf(stub_capacity_per_s(&(struct stub_config){.service_ns = 5})));
}

Test(stub_server, an_address_that_is_taken_is_told)
{
    struct stub *first = start(&(struct stub_config){0}), *second = NULL;
    struct error error = {0};
    enum err code = stub_start(
        &second, &(struct stub_config){.listen = strstr(stub_url(first), "127")}, &error);
    cr_expect_eq(code, ERR_NETWORK);
    cr_expect_not_null(strstr(error.text, "cannot listen"), "%s", error.text);
    stub_stop(first);
    stub_stop(NULL);
}
