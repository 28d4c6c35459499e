/* The shipped target files, each against a stub that wants the requests its service documents and
 * answers in its shape. */
#include "base/httpd.h"
#include "load/target.h"
#include "load/target_check.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])
#define TIMEOUT_MS 20000L

struct wanted { /* a request, and how it is answered */
    const char *method, *path;
    const char *query; /* without what a signature adds; NULL = none */
    const char *body;  /* "*" stands for any text up to the next quote or comma; NULL = none */
    int status;
    const char *answer;
};

struct service {
    const char *file;
    const char *read_variable, *write_variable; /* of the environment; write may be NULL */
    struct wanted list, rating;                 /* rating.method NULL = takes none */
    const char *films;                          /* ids of the list; -1 = unknown */
    const char *request_id;
    bool is_signed;
    struct target_has has;
};

static const struct service services[] = {
    {.file = "bundled.yml",
     .read_variable = "RECOMMENDER_URL",
     .list = {"GET", "/recommendations/", "user_id=42&n=10", NULL, 200,
              "{\"user_id\":42,\"request_id\":\"7f-1\",\"recommendations\":[{\"movie_id\":318,"
              "\"rank\":1,\"score\":0.93,\"recommender\":\"base\"},{\"movie_id\":2,\"rank\":2,"
              "\"score\":0.5,\"recommender\":\"popular\"}]}"},
     .rating = {"POST", "/ratings/", NULL,
                "{\"user_id\":42,\"movie_id\":318,\"rating\":4.5,\"request_id\":\"7f-1\"}", 201,
                "{}"},
     .films = "318 2",
     .request_id = "7f-1",
     .has = {.ratings = true,
             .request_id = true,
             .sources = true,
             .scores = true,
             .retrain = true,
             .metrics = true,
             .predicted = true}},
    {.file = "gorse.yml",
     .read_variable = "GORSE_URL",
     .list = {"GET", "/api/recommend/42", "n=10", NULL, 200,
              "[{\"Id\":\"318\",\"Score\":1.2},{\"Id\":\"9\",\"Score\":0.7}]"},
     .rating = {"PUT", "/api/feedback", NULL,
                "[{\"FeedbackType\":\"star\",\"UserId\":\"42\",\"ItemId\":\"318\",\"Value\":4.5,"
                "\"Timestamp\":\"2026-*\"}]",
                200, "{\"RowAffected\":1}"},
     .films = "318 -1",
     .request_id = "",
     .has = {.ratings = true, .scores = true, .timestamp = true, .metrics = true}},
    {.file = "metarank.yml",
     .read_variable = "METARANK_URL",
     .list =
         {"POST", "/recommend/similar", NULL, "{\"count\":10,\"user\":\"42\",\"items\":[]}", 200,
          "{\"took\":5,\"items\":[{\"item\":\"2\",\"score\":2.0},{\"item\":\"3\",\"score\":1.0}]}"},
     .rating = {"POST", "/feedback", NULL,
                "{\"event\":\"interaction\",\"id\":\"*\",\"timestamp\":\"*\",\"user\":\"42\","
                "\"session\":\"42\",\"type\":\"rate\",\"item\":\"318\",\"fields\":[{\"name\":"
                "\"stars\",\"value\":4.5}]}",
                200, "{\"accepted\":1,\"status\":\"ok\",\"tookMillis\":3,\"updated\":0}"},
     .films = "2 3",
     .request_id = "",
     .has = {.ratings = true, .scores = true, .timestamp = true, .metrics = true}},
    {.file = "recombee.yml",
     .read_variable = "RECOMBEE_URL",
     .list = {"POST", "/films/recomms/users/42/items/", "", "{\"count\":10,\"cascadeCreate\":true}",
              200,
              "{\"recommId\":\"5f1e\",\"recomms\":[{\"id\":\"17\"},{\"id\":\"318\"}],"
              "\"numberNextRecommsCalls\":0}"},
     .rating = {"POST", "/films/ratings/", "",
                "{\"userId\":\"42\",\"itemId\":\"318\",\"rating\":0.75,\"timestamp\":*,"
                "\"cascadeCreate\":true,\"recommId\":\"5f1e\"}",
                201, "\"ok\""},
     .films = "17 318",
     .request_id = "5f1e",
     .is_signed = true,
     .has = {.ratings = true, .request_id = true, .timestamp = true}},
    {.file = "predictionio.yml",
     .read_variable = "PIO_QUERY_URL",
     .write_variable = "PIO_EVENT_URL",
     .list = {"POST", "/queries.json", NULL, "{\"user\":\"42\",\"num\":10}", 200,
              "{\"itemScores\":[{\"item\":\"5\",\"score\":4.07},{\"item\":\"2\",\"score\":4.05}]}"},
     .rating = {"POST", "/events.json", "accessKey=secret",
                "{\"event\":\"rate\",\"entityType\":\"user\",\"entityId\":\"42\","
                "\"targetEntityType\":\"item\",\"targetEntityId\":\"318\",\"properties\":"
                "{\"rating\":4.5},\"eventTime\":\"2026-*\"}",
                201, "{\"eventId\":\"aVQ\"}"},
     .films = "5 2",
     .request_id = "",
     .has = {.ratings = true, .scores = true, .timestamp = true}},
    {.file = "tensorflow-serving.yml",
     .read_variable = "TF_SERVING_URL",
     .list = {"POST", "/v1/models/movielens:predict", NULL,
              "{\"signature_name\":\"serving_default\",\"instances\":[{\"user_id\":\"42\"}]}", 200,
              "{\"predictions\":[{\"output_1\":[4.1,3.9,3.5,3.1,3,2.9,2.8,2.7,2.6,2.5,2.4,2.3],"
              "\"output_2\":[\"318\",\"5\",\"3\",\"2\",\"17\",\"318\",\"318\",\"318\",\"318\","
              "\"318\",\"9\",\"9\"]}]}"},
     .films = "318 5 3 2 17 318 318 318 318 318",
     .request_id = "",
     .has = {.scores = true, .metrics = true, .repeats = true}},
    {.file = "triton.yml",
     .read_variable = "TRITON_URL",
     .list =
         {"POST", "/v2/models/executor_model/infer", NULL,
          "{\"id\":\"*\",\"inputs\":[{\"name\":\"user_id\",\"shape\":[1,1],\"datatype\":"
          "\"INT64\",\"data\":[42]}],\"outputs\":[{\"name\":\"ordered_ids\"},{\"name\":"
          "\"ordered_scores\"}]}",
          200,
          "{\"model_name\":\"executor_model\",\"model_version\":\"1\",\"id\":\"2a\",\"outputs\":["
          "{\"name\":\"ordered_ids\",\"shape\":[1,3],\"datatype\":\"INT64\",\"data\":[3,318,5]},"
          "{\"name\":\"ordered_scores\",\"shape\":[1,3],\"datatype\":\"FP32\",\"data\":"
          "[0.9,0.8,0.7]}]}"},
     .films = "3 318 5",
     .request_id = "",
     .has = {.scores = true, .timestamp = true, .metrics = true, .repeats = true}},
};

static int32_t film_ids[] = {2, 3, 5, 17, 318};
static const struct catalogue films = {.count = COUNT(film_ids), .id = film_ids};

/* Does the text match, "*" standing for anything up to the next byte of the pattern? */
static bool matches(const char *text, const char *pattern)
{
    while (*pattern != '\0') {
        if (*pattern == '*') {
            pattern++;
            size_t len = strcspn(text, (const char[]){*pattern, '\0'});
            if (len == 0) {
                return false;
            }
            text += len;
        } else if (*text++ != *pattern++) {
            return false;
        }
    }
    return *text == '\0';
}

struct stub {
    const struct service *service;
    char problem[1024]; /* what was wrong with a request */
};

static void check_request(struct stub *stub, const struct wanted *wanted,
                          const struct httpd_request *request)
{
    const char *query = wanted->query != NULL ? wanted->query : "";
    size_t len = strlen(query);
    bool plain = strcmp(request->query, query) == 0;
    bool with_signature = strncmp(request->query, query, len) == 0 &&
                          strstr(request->query, "hmac_timestamp=") != NULL &&
                          strstr(request->query, "&hmac_sign=") != NULL;
    bool good = (stub->service->is_signed ? with_signature : plain) &&
                strcmp(request->method, wanted->method) == 0 &&
                matches(request->body, wanted->body != NULL ? wanted->body : "");
    const char *type = httpd_header(request, "Content-Type");
    good =
        good && (wanted->body == NULL || (type != NULL && strcmp(type, "application/json") == 0));
    if (!good) {
        (void)snprintf(stub->problem, sizeof stub->problem, "%s %s?%s %s", request->method,
                       request->path, request->query, request->body);
    }
}

static void answer(void *context, const struct httpd_request *request, struct httpd_reply *reply)
{
    struct stub *stub = context;
    const struct wanted *list = &stub->service->list, *rating = &stub->service->rating;
    const struct wanted *wanted = strcmp(request->path, list->path) == 0 ? list
                                  : rating->path != NULL && strcmp(request->path, rating->path) == 0
                                      ? rating
                                      : NULL;
    if (wanted == NULL) {
        (void)snprintf(stub->problem, sizeof stub->problem, "unknown path %s", request->path);
        reply->status = 404;
        return;
    }
    check_request(stub, wanted, request);
    reply->status = wanted->status;
    buf_text(&reply->body, wanted->answer);
}

static struct target *read_file(const char *file, const char *read_variable,
                                const char *write_variable, const char *url)
{
    char path[256];
    struct target *target = NULL;
    struct faults faults;
    struct error error = {0};
    (void)setenv(read_variable, url, 1);
    if (write_variable != NULL) {
        (void)setenv(write_variable, url, 1);
    }
    (void)setenv("RECOMBEE_DATABASE", "films", 1);
    (void)setenv("RECOMBEE_TOKEN", "token", 1);
    (void)setenv("PIO_ACCESS_KEY", "secret", 1);
    faults_init(&faults);
    (void)snprintf(path, sizeof path, "scenarios/targets/%s", file);
    enum err code = target_read(path, &films, 10, &target, &faults, &error);
    faults_print(&faults);
    cr_assert_eq(code, ERR_OK, "%s: %s", path, error.text);
    faults_deinit(&faults);
    return target;
}

static void ask_for_list(const struct service *service, const struct target *target,
                         char *request_id)
{
    struct step_list list;
    struct error error = {0};
    char ids[256] = "";
    cr_assert_eq(target_ask_list(target, 42, TIMEOUT_MS, &list, request_id, &error), ERR_OK,
                 "%s: %s", service->file, error.text);
    for (int32_t i = 0; i < list.count; i++) {
        size_t used = strlen(ids);
        (void)snprintf(ids + used, sizeof ids - used, "%s%d", i > 0 ? " " : "",
                       list.item[i] >= 0 ? film_ids[list.item[i]] : -1);
    }
    cr_expect_str_eq(ids, service->films, "%s: %s", service->file, ids);
    cr_expect_str_eq(request_id, service->request_id, "%s", service->file);
}

static void tell_rating(const struct service *service, const struct target *target,
                        const char *request_id)
{
    struct target_reply reply;
    struct error error = {0};
    struct exchange *exchange = calloc(1, sizeof *exchange);
    struct target_request request = {.user_id = 42,
                                     .movie_id = 318,
                                     .half_stars = 9,
                                     .rank = 1,
                                     .request_id = request_id,
                                     .unix_ns = INT64_C(1785000000000000000)};
    bool filled = target_fill_rating(target, &request, exchange);
    cr_assert_eq(filled, service->rating.method != NULL, "%s", service->file);
    if (filled) {
        cr_assert_eq(target_ask(exchange, TIMEOUT_MS, &reply, &error), ERR_OK, "%s: %s",
                     service->file, error.text);
        cr_expect(target_accepts(target, TARGET_RATING, reply.status), "%s: %ld", service->file,
                  reply.status);
        target_reply_deinit(&reply);
    }
    free(exchange);
}

Test(target_files, each_shipped_file_speaks_to_its_service)
{
    for (size_t i = 0; i < COUNT(services); i++) {
        const struct service *service = &services[i];
        struct stub stub = {.service = service};
        struct httpd *httpd = NULL;
        struct error error = {0};
        char request_id[TARGET_REQUEST_ID_SIZE];
        struct httpd_config config = {.listen = "127.0.0.1:0",
                                      .threads = 1,
                                      .body_max_bytes = 65536,
                                      .reply_max_bytes = 65536,
                                      .connections_max = 8};
        cr_assert_eq(httpd_start(&httpd, &config, answer, &stub, &error), ERR_OK, "%s", error.text);
        struct target *target = read_file(service->file, service->read_variable,
                                          service->write_variable, httpd_url(httpd));
        ask_for_list(service, target, request_id);
        tell_rating(service, target, request_id);
        cr_expect_str_eq(stub.problem, "", "%s: %s", service->file, stub.problem);
        cr_expect_eq(memcmp(target_has(target), &service->has, sizeof service->has), 0, "%s: has",
                     service->file);
        target_free(target);
        httpd_stop(httpd);
    }
}

Test(target_files, bundled_file_says_what_a_url_stands_for)
{
    struct target *from_url = NULL;
    struct exchange *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
    struct target *from_file = read_file("bundled.yml", "RECOMMENDER_URL", NULL, "http://h:1/x");
    cr_assert_eq(target_from_url("http://h:1/x", &films, 10, &from_url, NULL), ERR_OK);
    for (int i = 0; i < 40; i++) {
        struct target_request request = {.user_id = 7 * i,
                                         .movie_id = 11 * i,
                                         .half_stars = (uint8_t)(1 + i % 10),
                                         .request_id = i % 3 == 0 ? "" : "a\\\"b"};
        cr_assert(i % 2 == 0 ? target_fill_list(from_file, &request, a)
                             : target_fill_rating(from_file, &request, a));
        cr_assert(i % 2 == 0 ? target_fill_list(from_url, &request, b)
                             : target_fill_rating(from_url, &request, b));
        cr_expect_str_eq(a->path, b->path);
        cr_expect_eq(a->body_len, b->body_len);
        cr_expect_eq(memcmp(a->body, b->body, a->body_len), 0);
        cr_expect_str_eq(a->shape->method, b->shape->method);
        cr_expect_str_eq(a->shape->base_url, b->shape->base_url);
        cr_expect_str_eq(a->shape->headers, b->shape->headers);
    }
    cr_expect_str_eq(target_metrics_url(from_file), target_metrics_url(from_url));
    cr_expect_str_eq(target_metric(from_file, "user_rating_count"), "user_rating_count");
    free(a);
    free(b);
    target_free(from_file);
    target_free(from_url);
}

Test(target_files, secrets_are_not_shown)
{
    static const struct {
        const char *file, *read_variable, *write_variable;
    } rows[] = {
        {"predictionio.yml", "PIO_QUERY_URL", "PIO_EVENT_URL"},
        {"recombee.yml", "RECOMBEE_URL", NULL},
    };
    (void)setenv("GORSE_API_KEY", "secret", 1);
    for (size_t i = 0; i <= COUNT(rows); i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        struct target *target =
            i < COUNT(rows) ? read_file(rows[i].file, rows[i].read_variable, rows[i].write_variable,
                                        "http://127.0.0.1:1")
                            : read_file("gorse.yml", "GORSE_URL", NULL, "http://127.0.0.1:1");
        target_describe(target, out);
        (void)fclose(out);
        cr_expect_gt(size, 100);
        cr_expect_null(strstr(text, "secret"), "%s", text);
        cr_expect_null(strstr(text, "hmac_sign="), "%s", text);
        free(text);
        target_free(target);
    }
}

/* What the environment gives is in none of what is printed or put into a report. */
Test(target_files, secrets_in_addresses_of_all_kinds_are_not_shown)
{
    static const char list[] = "list: {url: '/l/{user}', films: ''}\n";
    static const struct {
        const char *rest; /* after address and, if it says nothing of a list, `list` */
        const char *shown;
    } rows[] = {
        {"metrics: {url: 'http://h/metrics?token=${DRIFTDRILL_TEST_TOKEN}'}\n",
         "metrics   http://h/metrics?token=${DRIFTDRILL_TEST_TOKEN}\n"},
        {"metrics: {url: '${DRIFTDRILL_TEST_BASE}/m'}\n", "metrics   https://h:9/m\n"},
        {"metrics: {url: '${DRIFTDRILL_TEST_BASE}'}\n", "metrics   https://h:9\n"},
        {"metrics: {url: '${DRIFTDRILL_TEST_WHOLE}'}\n", "metrics   ${DRIFTDRILL_TEST_WHOLE}\n"},
        {"metrics: {url: '${DRIFTDRILL_TEST_USER}/m'}\n", "metrics   ${DRIFTDRILL_TEST_USER}/m\n"},
        {"metrics: {url: '${DRIFTDRILL_TEST_BASE}/m/${DRIFTDRILL_TEST_TOKEN}'}\n",
         "metrics   ${DRIFTDRILL_TEST_BASE}/m/${DRIFTDRILL_TEST_TOKEN}\n"},
        {"metrics: {url: 'http://h/m?t=${DRIFTDRILL_TEST_UNSET:-open}'}\n",
         "metrics   http://h/m?t=open\n"},
        {"list: {url: '/bot${DRIFTDRILL_TEST_TOKEN}/list?u={user}', films: ''}\n",
         "list      GET http://h/x/bot${DRIFTDRILL_TEST_TOKEN}/list?u={user}\n"},
        {"list: {url: '/list/{user}?key=${DRIFTDRILL_TEST_TOKEN}', films: ''}\n",
         "list      GET http://h/x/list/1\n"},
        {"rating: {url: '/bot${DRIFTDRILL_TEST_TOKEN}?u={user}&f={film}'}\n",
         "rating    POST http://h/x/bot${DRIFTDRILL_TEST_TOKEN}?u={user}&f={film}\n"},
        {"retrain: {request: {url: '/train/${DRIFTDRILL_TEST_TOKEN}'}, status: {url: "
         "'/s/${DRIFTDRILL_TEST_TOKEN}', at: ''}}\n",
         "retrain   POST http://h/x/train/${DRIFTDRILL_TEST_TOKEN}\n"
         "          GET http://h/x/s/${DRIFTDRILL_TEST_TOKEN}\n"},
    };
    (void)setenv("DRIFTDRILL_TEST_TOKEN", "secret", 1);
    (void)setenv("DRIFTDRILL_TEST_BASE", "https://h:9", 1);
    (void)setenv("DRIFTDRILL_TEST_WHOLE", "https://h:9/m?key=secret", 1);
    (void)setenv("DRIFTDRILL_TEST_USER", "https://u:secret@h:9", 1);
    (void)unsetenv("DRIFTDRILL_TEST_UNSET");
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[512], url[512], *shown = NULL;
        size_t size = 0;
        struct faults faults;
        struct target *target = NULL;
        json_t *document = NULL;
        struct exchange *exchange = calloc(1, sizeof *exchange);
        const struct target_request request = {.user_id = 1, .movie_id = 1, .half_stars = 8};
        bool own_list = strncmp(rows[i].rest, "list", 4) == 0;
        faults_init(&faults);
        (void)snprintf(text, sizeof text, "address: http://h/x\n%s%s", own_list ? "" : list,
                       rows[i].rest);
        cr_assert_eq(yaml_read_text("t", text, strlen(text), &document, NULL, NULL), ERR_OK);
        const struct target_block block = {.file = "t", .value = document, .path = ""};
        cr_assert_eq(target_from_json(&block, NULL, 10, &target, &faults, NULL), ERR_OK, "%s",
                     text);
        FILE *out = open_memstream(&shown, &size);
        target_describe(target, out);
        (void)fclose(out);
        cr_expect_null(strstr(shown, "secret"), "%s: %s", rows[i].rest, shown);
        cr_expect_not_null(strstr(shown, rows[i].shown), "%s: %s", rows[i].rest, shown);
        cr_assert(target_fill_list(target, &request, exchange));
        cr_expect(target_exchange_url(target, exchange, url, sizeof url));
        cr_expect_null(strstr(url, "secret"), "%s", url);
        free(shown);
        free(exchange);
        json_decref(document);
        target_free(target);
        faults_deinit(&faults);
    }
}
