/* What clients send by mistake or malice, byte for byte, against the service as it is served. */
#include "base/clock.h"
#include "base/fileio.h"
#include "base/http.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "raw_http.h"
#include "recommender/service.h"
#include "taste_world.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define DEADLINE_S 60

struct face {
    char folder[64], data[96], store[96];
    struct service *service;
    struct httpd *httpd;
};

static void face_open(struct face *face)
{
    struct error error = {0};
    struct dataset data;
    struct trainer_status status = {.state = TRAINER_TRAINING};
    struct service_config config = service_defaults();
    *face = (struct face){.folder = "/tmp/bad-input-test-XXXXXX"};
    cr_assert(mkdtemp(face->folder) != NULL);
    (void)snprintf(face->data, sizeof face->data, "%s/data", face->folder);
    taste_data(&data, 0, 1600000000, 1);
    cr_assert(taste_write(&data, face->data));
    dataset_deinit(&data);
    config.trainer.train = taste_config();
    config.trainer.data_folder = face->data;
    (void)snprintf(face->store, sizeof face->store, "%s/ratings.db", face->folder);
    config.store_path = face->store;
    cr_assert(service_open(&face->service, &config, &error) == ERR_OK, "%s", error.text);
    for (int i = 0; i < DEADLINE_S * 1000 && status.state == TRAINER_TRAINING; i++) {
        clock_sleep_ns(CLOCK_NS_PER_MS);
        service_training(face->service, &status);
    }
    cr_assert(status.state != TRAINER_TRAINING);
    const struct httpd_config server = {.listen = "127.0.0.1:0",
                                        .threads = 2,
                                        .body_max_bytes = SERVICE_BODY_MAX_BYTES,
                                        .reply_max_bytes = SERVICE_REPLY_MAX_BYTES,
                                        .connections_max = 16,
                                        .tell_refused = true,
                                        .body_max_ms = 400,
                                        .let_go = service_let_go};
    cr_assert(httpd_start(&face->httpd, &server, service_handle, face->service, &error) == ERR_OK,
              "%s", error.text);
}

static void face_close(struct face *face)
{
    httpd_stop(face->httpd);
    service_close(face->service);
    cr_expect(file_remove_tree(face->folder, NULL) == ERR_OK);
}

static double metric(const struct face *face, const char *name, const struct metrics_label *labels,
                     size_t label_count)
{
    struct metrics_snapshot *snapshot = NULL;
    struct http_reply reply;
    struct http *http = http_new();
    char url[256];
    bool found = false;
    buf_init(&reply.body, 1 << 20);
    (void)snprintf(url, sizeof url, "%s/metrics", httpd_url(face->httpd));
    cr_assert(http_get(http, url, 20000, &reply, NULL) == ERR_OK && reply.status == 200);
    cr_assert(metrics_parse("metrics", reply.body.data, reply.body.len, &snapshot, NULL) == ERR_OK);
    double sum = metrics_sum(snapshot, name, labels, label_count, &found);
    cr_expect(found, "%s has no series before its first event", name);
    metrics_snapshot_free(snapshot);
    buf_deinit(&reply.body);
    http_free(http);
    return sum;
}

/* Requests counted under these labels. */
static double counted(const struct face *face, const char *handler, const char *method, int status)
{
    const char class_name[] = {(char)('0' + status / 100), 'x', 'x', '\0'};
    const struct metrics_label labels[] = {
        {"handler", handler}, {"method", method}, {"status", class_name}};
    return metric(face, "http_requests_total", labels, 3);
}

struct row {
    const char *name;
    const char *method, *target; /* of the request line */
    const char *headers;         /* each with its line end */
    const char *body;            /* sent as it is; NULL = none, and no Content-Length */
    int status;
    const char *detail;  /* part of the JSON reason; NULL = no body */
    const char *holds;   /* in the head of the answer, or NULL */
    const char *handler; /* under which it is counted */
    const char *label;   /* of the method, NULL = as sent */
};

#define LISTS "/recommendations/"
#define RATE "/ratings/"
#define GOOD "{\"user_id\":1,\"movie_id\":17,\"rating\":4}"

static const struct row rows[] = {
    {"no user", "GET", LISTS, "", NULL, 422, "user_id is missing", NULL, LISTS, NULL},
    {"user not a number", "GET", LISTS "?user_id=bob", "", NULL, 422, "user_id: ", NULL, LISTS,
     NULL},
    {"user too large", "GET", LISTS "?user_id=2147483648", "", NULL, 422, "user_id: ", NULL, LISTS,
     NULL},
    {"user below 0", "GET", LISTS "?user_id=-1", "", NULL, 422, "user_id: ", NULL, LISTS, NULL},
    {"user with a NUL", "GET", LISTS "?user_id=1%00", "", NULL, 422, "user_id: ", NULL, LISTS,
     NULL},
    {"user with a blank", "GET", LISTS "?user_id=+1", "", NULL, 422, "user_id: ", NULL, LISTS,
     NULL},
    {"user not UTF-8", "GET", LISTS "?user_id=%ff%fe", "", NULL, 422, "user_id: ", NULL, LISTS,
     NULL},
    {"user not UTF-8, raw", "GET", LISTS "?user_id=\xff\xfe", "", NULL, 422, "user_id: ", NULL,
     LISTS, NULL},
    {"user twice", "GET", LISTS "?user_id=1&user_id=2", "", NULL, 422, "once", NULL, LISTS, NULL},
    {"n twice", "GET", LISTS "?user_id=1&n=2&n=3", "", NULL, 422, "once", NULL, LISTS, NULL},
    {"n too small", "GET", LISTS "?user_id=1&n=0", "", NULL, 422, "n: ", NULL, LISTS, NULL},
    {"n too large", "GET", LISTS "?user_id=1&n=51", "", NULL, 422, "n: ", NULL, LISTS, NULL},
    {"n empty", "GET", LISTS "?user_id=1&n=", "", NULL, 422, "n: ", NULL, LISTS, NULL},
    {"n a fraction", "GET", LISTS "?user_id=1&n=1.5", "", NULL, 422, "n: ", NULL, LISTS, NULL},
    {"n huge", "GET", LISTS "?user_id=1&n=99999999999999999999999", "", NULL, 422, "n: ", NULL,
     LISTS, NULL},
    {"slash missing", "GET", "/recommendations?user_id=1&n=3", "", NULL, 307, NULL,
     "Location: /recommendations/?user_id=1&n=3\r\n", "/recommendations", NULL},

    {"list by POST", "POST", LISTS "?user_id=1", "", "", 405, "method not allowed",
     "Allow: GET\r\n", LISTS, NULL},
    {"list by HEAD", "HEAD", LISTS "?user_id=1", "", NULL, 405, NULL, "Allow: GET\r\n", LISTS,
     NULL},
    {"list by OPTIONS", "OPTIONS", LISTS, "", NULL, 405, "method not allowed", "Allow: GET\r\n",
     LISTS, NULL},
    {"rating by PUT", "PUT", RATE, "", GOOD, 405, "method not allowed", "Allow: POST\r\n", RATE,
     NULL},
    {"rating by PATCH", "PATCH", RATE, "", GOOD, 405, "method not allowed", "Allow: POST\r\n", RATE,
     NULL},
    {"rating by DELETE", "DELETE", RATE, "", NULL, 405, "method not allowed", "Allow: POST\r\n",
     RATE, NULL},
    {"rating by GET", "GET", RATE, "", NULL, 405, "method not allowed", "Allow: POST\r\n", RATE,
     NULL},
    {"a method nobody knows", "BREW", RATE, "", NULL, 405, "method not allowed", "Allow: POST\r\n",
     RATE, "other"},
    {"training by DELETE", "DELETE", "/admin/retrain", "", NULL, 405, "method not allowed",
     "Allow: GET, POST\r\n", "/admin/retrain", NULL},
    {"metrics by HEAD", "HEAD", "/metrics", "", NULL, 405, NULL, "Allow: GET\r\n", "/metrics",
     NULL},
    {"health by POST", "POST", "/healthz", "", "", 405, "method not allowed", "Allow: GET\r\n",
     "/healthz", NULL},

    {"no such path", "GET", "/", "", NULL, 404, "no such path", NULL, "none", NULL},
    {"no such path, DELETE", "DELETE", "/x", "", NULL, 404, "no such path", NULL, "none", NULL},
    {"a path upwards", "GET", "/recommendations/../metrics", "", NULL, 404, "no such path", NULL,
     "none", NULL},
    {"a path not UTF-8", "GET", "/%ff%00%fe", "", NULL, 404, "no such path", NULL, "none", NULL},

    {"no body", "POST", RATE, "", NULL, 422, "body: ", NULL, RATE, NULL},
    {"an empty body", "POST", RATE, "", "", 422, "body: ", NULL, RATE, NULL},
    {"no JSON", "POST", RATE, "", "user_id=1&movie_id=20&rating=4", 422, "body: ", NULL, RATE,
     NULL},
    {"half a JSON", "POST", RATE, "", "{\"user_id\":1,\"movie_id\":17,\"rat", 422, "body: ", NULL,
     RATE, NULL},
    {"JSON and more", "POST", RATE, "", GOOD "x", 422, "body: ", NULL, RATE, NULL},
    {"a list", "POST", RATE, "", "[" GOOD "]", 422, "body: ", NULL, RATE, NULL},
    {"a key twice", "POST", RATE, "", "{\"user_id\":1,\"user_id\":2,\"movie_id\":17,\"rating\":4}",
     422, "body: ", NULL, RATE, NULL},
    {"a body not UTF-8", "POST", RATE, "",
     "{\"user_id\":1,\"movie_id\":17,\"rating\":4,\"request_id\":\"\xff\"}", 422, "body: ", NULL,
     RATE, NULL},
    {"rating too low", "POST", RATE, "", "{\"user_id\":1,\"movie_id\":17,\"rating\":0}", 422,
     "rating: ", NULL, RATE, NULL},
    {"rating too high", "POST", RATE, "", "{\"user_id\":1,\"movie_id\":17,\"rating\":5.5}", 422,
     "rating: ", NULL, RATE, NULL},
    {"rating off the scale", "POST", RATE, "", "{\"user_id\":1,\"movie_id\":17,\"rating\":3.3}",
     422, "rating: ", NULL, RATE, NULL},
    {"rating a text", "POST", RATE, "", "{\"user_id\":1,\"movie_id\":17,\"rating\":\"4\"}", 422,
     "rating: ", NULL, RATE, NULL},
    {"rating null", "POST", RATE, "", "{\"user_id\":1,\"movie_id\":17,\"rating\":null}", 422,
     "rating: ", NULL, RATE, NULL},
    {"rating NaN", "POST", RATE, "", "{\"user_id\":1,\"movie_id\":17,\"rating\":NaN}", 422,
     "body: ", NULL, RATE, NULL},
    {"rating infinite", "POST", RATE, "", "{\"user_id\":1,\"movie_id\":17,\"rating\":1e999}", 422,
     "body: ", NULL, RATE, NULL},
    {"user a fraction", "POST", RATE, "", "{\"user_id\":1.5,\"movie_id\":17,\"rating\":4}", 422,
     "user_id: ", NULL, RATE, NULL},
    {"unknown film", "POST", RATE, "", "{\"user_id\":1,\"movie_id\":999999,\"rating\":4}", 404,
     "no such film", NULL, RATE, NULL},
    {"a long request id", "POST", RATE, "",
     "{\"user_id\":1,\"movie_id\":17,\"rating\":4,\"request_id\":"
     "\"0123456789012345678901234567890123456789012345678901234567890123\"}",
     422, "request_id: ", NULL, RATE, NULL},

    {"a form", "POST", RATE, "Content-Type: application/x-www-form-urlencoded\r\n", GOOD, 415,
     "application/json", NULL, RATE, NULL},
    {"almost JSON", "POST", RATE, "Content-Type: application/jsonp\r\n", GOOD, 415,
     "application/json", NULL, RATE, NULL},
    {"a multipart form", "POST", RATE, "Content-Type: multipart/form-data; boundary=x\r\n", "--x--",
     415, "application/json", NULL, RATE, NULL},
    {"JSON by another case", "POST", RATE, "content-type: Application/JSON; charset=utf-8\r\n",
     GOOD, 201, NULL, NULL, RATE, NULL},
    {"no type", "POST", RATE, "", GOOD, 201, NULL, NULL, RATE, NULL},
    {"an unknown person", "GET", LISTS "?user_id=2147483647", "", NULL, 200, NULL, NULL, LISTS,
     NULL},
};

/* One request on a connection of its own; the answer. */
static void ask(const struct face *face, const char *bytes, size_t len, char *answer, size_t size)
{
    int fd = raw_dial(httpd_url(face->httpd));
    raw_talk(fd, bytes, len, 100, answer, size); /* to the end: the server closes */
    close(fd);
}

static void expect_answer(const struct row *row, const char *answer)
{
    char status[32];
    (void)snprintf(status, sizeof status, "HTTP/1.1 %d ", row->status);
    cr_expect(strncmp(answer, status, strlen(status)) == 0, "%s: %.80s", row->name, answer);
    cr_expect(row->holds == NULL || strstr(answer, row->holds) != NULL, "%s: %s", row->name,
              answer);
    const char *end = strstr(answer, "\r\n\r\n"), *detail = NULL;
    cr_assert(end != NULL, "%s: %s", row->name, answer);
    if (row->detail == NULL) {
        return;
    }
    cr_expect(strstr(answer, "Content-Type: application/json\r\n") != NULL, "%s", row->name);
    json_t *reason = json_loads(end + 4, 0, NULL);
    detail = json_string_value(json_object_get(reason, "detail"));
    cr_expect(detail != NULL && strstr(detail, row->detail) != NULL, "%s: %s", row->name, end + 4);
    json_decref(reason);
}

Test(bad_input, each_is_answered_with_its_status_and_a_reason_and_counted)
{
    static char request[4096], answer[65536];
    struct face face;
    face_open(&face);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        const struct row *row = &rows[r];
        char length[64] = "";
        const char *method = row->label != NULL ? row->label : row->method;
        if (row->body != NULL) {
            (void)snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(row->body));
        }
        int len = snprintf(
            request, sizeof request, "%s %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n%s%s\r\n%s",
            row->method, row->target, row->headers, length, row->body != NULL ? row->body : "");
        double before = counted(&face, row->handler, method, row->status);
        ask(&face, request, (size_t)len, answer, sizeof answer);
        expect_answer(row, answer);
        double after = counted(&face, row->handler, method, row->status);
        /* The scrape before is counted with the one after. */
        double own = strcmp(row->handler, "/metrics") == 0 && row->status == 200;
        cr_expect(after - before - own == 1, "%s: counted %g times", row->name, after - before);
    }
    face_close(&face);
}

/* A request of a head and as many bytes of body as given, whatever the head says. */
static char *bulk(const char *head, size_t bytes, size_t *len)
{
    size_t head_len = strlen(head);
    char *text = mem_alloc(head_len + bytes + 1);
    memcpy(text, head, head_len);
    memset(text + head_len, 'x', bytes);
    text[head_len + bytes] = '\0';
    *len = head_len + bytes;
    return text;
}

static double await_counted(const struct face *face, const char *handler, const char *method,
                            double wanted)
{
    double count = 0;
    for (int i = 0; i < 500 && count < wanted; i++) {
        clock_sleep_ns(10 * CLOCK_NS_PER_MS);
        count = counted(face, handler, method, 400);
    }
    return count;
}

Test(bad_input, bodies_too_large_too_slow_or_cut_short_are_counted)
{
    static const struct {
        const char *name, *head;
        size_t bytes;
        const char *status; /* "" = no answer reaches the client */
    } cases[] = {
        {"one over", "POST /ratings/ HTTP/1.1\r\nHost: h\r\nContent-Length: 16385\r\n\r\n", 16385,
         "HTTP/1.1 413 "},
        {"declared huge", "POST /ratings/ HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999\r\n\r\n",
         0, "HTTP/1.1 413 "},
        {"too slow", "POST /ratings/ HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n", 10,
         "HTTP/1.1 408 "},
        {"bad length", "POST /ratings/ HTTP/1.1\r\nHost: h\r\nContent-Length: 1x\r\n\r\n", 0,
         "HTTP/1.1 400 "},
    };
    static char answer[65536];
    struct face face;
    double wanted = 0;
    face_open(&face);
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        size_t len;
        char *request = bulk(cases[c].head, cases[c].bytes, &len);
        int fd = raw_dial(httpd_url(face.httpd));
        raw_talk(fd, request, len, 1, answer, sizeof answer);
        close(fd);
        cr_expect(strncmp(answer, cases[c].status, strlen(cases[c].status)) == 0, "%s: %.100s",
                  cases[c].name, answer);
        wanted++;
        /* What the library refuses by itself has no method that is known. */
        double posts = await_counted(&face, "/ratings/", "POST", wanted - (c == 3));
        double others = c == 3 ? await_counted(&face, "/ratings/", "other", 1) : 0;
        cr_expect(posts + others == wanted, "%s: %g + %g", cases[c].name, posts, others);
        mem_free(request);
    }
    /* Cut short: the client leaves in the middle. */
    int fd = raw_dial(httpd_url(face.httpd));
    raw_send(fd, cases[2].head, strlen(cases[2].head));
    close(fd);
    cr_expect(await_counted(&face, "/ratings/", "POST", wanted) == wanted);
    face_close(&face);
}

Test(bad_input, an_overlong_path_or_head_is_refused_and_the_service_goes_on)
{
    static const struct {
        const char *start;
        size_t bytes;
        const char *status;
    } cases[] = {
        {"GET /", 8000, "HTTP/1.1 404 "},
        {"GET /", 100000, "HTTP/1.1 4"},
        {"GET /healthz HTTP/1.1\r\nHost: ", 100000, "HTTP/1.1 4"},
    };
    static char answer[65536];
    struct face face;
    face_open(&face);
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        size_t len;
        char *request = bulk(cases[c].start, cases[c].bytes, &len);
        int fd = raw_dial(httpd_url(face.httpd));
        raw_send(fd, request, len);
        raw_talk(fd, " HTTP/1.1\r\nHost: h\r\n\r\n", 22, 1, answer, sizeof answer);
        close(fd);
        cr_expect(strncmp(answer, cases[c].status, strlen(cases[c].status)) == 0, "%.100s", answer);
        mem_free(request);
    }
    static const char good[] = "GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    ask(&face, good, sizeof good - 1, answer, sizeof answer);
    cr_expect(strncmp(answer, "HTTP/1.1 200 ", 13) == 0);
    face_close(&face);
}

/* A rating of the third film of a list just served. */
static void served_rating(const struct face *face, char *request, size_t size)
{
    static const char ask_list[] =
        "GET /recommendations/?user_id=3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    static char answer[65536];
    char body[256];
    ask(face, ask_list, sizeof ask_list - 1, answer, sizeof answer);
    json_t *list = json_loads(strstr(answer, "\r\n\r\n") + 4, 0, NULL);
    const json_t *third = json_array_get(json_object_get(list, "recommendations"), 2);
    (void)snprintf(body, sizeof body,
                   "{\"user_id\":3,\"movie_id\":%d,\"rating\":4,\"request_id\":\"%s\"}",
                   (int)json_integer_value(json_object_get(third, "movie_id")),
                   json_string_value(json_object_get(list, "request_id")));
    json_decref(list);
    (void)snprintf(request, size,
                   "POST /ratings/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   strlen(body), body);
}

Test(bad_input, a_rating_sent_again_is_answered_alike_and_counted_once)
{
    static char first[65536], second[65536];
    struct face face;
    char request[1024];
    face_open(&face);
    served_rating(&face, request, sizeof request);
    ask(&face, request, strlen(request), first, sizeof first);
    ask(&face, request, strlen(request), second, sizeof second);
    cr_expect(strncmp(first, "HTTP/1.1 201 ", 13) == 0 && strstr(first, "\"rank\":3}") != NULL,
              "%s", first);
    cr_expect(strncmp(second, "HTTP/1.1 201 ", 13) == 0, "%s", second);
    cr_expect_str_eq(strstr(first, "\r\n\r\n"), strstr(second, "\r\n\r\n"));
    cr_expect(metric(&face, "user_rating_count", NULL, 0) == 1);
    cr_expect(metric(&face, "recommendation_lists_converted_total", NULL, 0) == 1);
    cr_expect(metric(&face, "ratings_kept_total", NULL, 0) == 2);
    cr_expect(metric(&face, "ratings_repeated_total", NULL, 0) == 1);
    cr_expect(counted(&face, RATE, "POST", 201) == 2);
    face_close(&face);
}

Test(bad_input, ratings_that_a_full_disk_refuses_change_nothing)
{
    static char answer[65536];
    struct face face;
    struct rlimit limit, none;
    char request[1024];
    face_open(&face);
    served_rating(&face, request, sizeof request);
    (void)signal(SIGXFSZ, SIG_IGN);
    cr_assert(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    none = limit;
    none.rlim_cur = 0;
    cr_assert(setrlimit(RLIMIT_FSIZE, &none) == 0);
    ask(&face, request, strlen(request), answer, sizeof answer);
    cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    cr_expect(strncmp(answer, "HTTP/1.1 503 ", 13) == 0, "%s", answer);
    cr_expect(strstr(answer, "Retry-After: 1\r\n") != NULL, "%s", answer);
    cr_expect(strstr(answer, "{\"detail\":\"the rating could not be kept\"}") != NULL);
    cr_expect(metric(&face, "user_rating_count", NULL, 0) == 0);
    cr_expect(metric(&face, "ratings_lost_total", NULL, 0) == 1);
    cr_expect(metric(&face, "rating_store_failed_commits_total", NULL, 0) == 1);
    cr_expect(counted(&face, RATE, "POST", 503) == 1);
    ask(&face, request, strlen(request), answer, sizeof answer);
    cr_expect(strncmp(answer, "HTTP/1.1 201 ", 13) == 0, "%s", answer);
    cr_expect(metric(&face, "user_rating_count", NULL, 0) == 1);
    face_close(&face);
}
