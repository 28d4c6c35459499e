#include "recommender/service.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/http.h"
#include "base/metrics.h"
#include "program.h"
#include "taste_world.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define DEADLINE_S 60
#define TIMEOUT_MS 20000

/* A service over real sockets, trained on a made-up folder. */
struct face {
    char folder[64], data[96];
    struct service *service;
    struct httpd *httpd;
    struct http *http;
    struct http_reply reply; /* to the last request */
};

static void write_folder(const char *folder, int turned, int64_t newest_s, uint64_t seed)
{
    struct dataset data;
    taste_data(&data, turned, newest_s, seed);
    cr_assert(taste_write(&data, folder));
    dataset_deinit(&data);
}

static void wait_trained(struct service *service)
{
    struct trainer_status status;
    for (int64_t until = clock_mono_ns() + DEADLINE_S * CLOCK_NS_PER_S; clock_mono_ns() < until;
         clock_sleep_ns(CLOCK_NS_PER_MS)) {
        service_training(service, &status);
        if (status.state != TRAINER_TRAINING) {
            return;
        }
    }
    cr_assert_fail("no model after a minute");
}

static void face_open(struct face *face)
{
    struct error error = {0};
    struct service_config config = service_defaults();
    *face = (struct face){.folder = "/tmp/service-test-XXXXXX"};
    cr_assert(mkdtemp(face->folder) != NULL);
    (void)snprintf(face->data, sizeof face->data, "%s/data", face->folder);
    write_folder(face->data, 0, 1600000000, 1);
    config.trainer.train = taste_config();
    config.trainer.data_folder = face->data;
    config.lists_max = config.users_max = 1024;
    cr_assert(service_open(&face->service, &config, &error) == ERR_OK, "%s", error.text);
    wait_trained(face->service);
    const struct httpd_config server = {.listen = "127.0.0.1:0",
                                        .threads = 2,
                                        .body_max_bytes = SERVICE_BODY_MAX_BYTES,
                                        .reply_max_bytes = SERVICE_REPLY_MAX_BYTES,
                                        .connections_max = 16};
    cr_assert(httpd_start(&face->httpd, &server, service_handle, face->service, &error) == ERR_OK,
              "%s", error.text);
    face->http = http_new();
    buf_init(&face->reply.body, 1 << 20);
}

static void face_close(struct face *face)
{
    http_free(face->http);
    httpd_stop(face->httpd);
    service_close(face->service);
    buf_deinit(&face->reply.body);
    cr_expect(file_remove_tree(face->folder, NULL) == ERR_OK);
}

static const char *url(const struct face *face, const char *path)
{
    static char text[512];
    (void)snprintf(text, sizeof text, "%s%s", httpd_url(face->httpd), path);
    return text;
}

static long get(struct face *face, const char *path)
{
    struct error error = {0};
    buf_reset(&face->reply.body);
    cr_assert(http_get(face->http, url(face, path), TIMEOUT_MS, &face->reply, &error) == ERR_OK,
              "%s", error.text);
    return face->reply.status;
}

static long post(struct face *face, const char *path, const char *body)
{
    struct error error = {0};
    buf_reset(&face->reply.body);
    cr_assert(http_post(face->http, url(face, path), "application/json", body, strlen(body),
                        TIMEOUT_MS, &face->reply, &error) == ERR_OK,
              "%s", error.text);
    return face->reply.status;
}

static json_t *parsed(const struct face *face)
{
    json_t *value = json_loadb(face->reply.body.data, face->reply.body.len, 0, NULL);
    cr_assert(value != NULL, "%.*s", (int)face->reply.body.len, face->reply.body.data);
    return value;
}

static double metric(struct face *face, const char *name, const char *label, const char *wanted)
{
    const struct metrics_label one = {label, wanted};
    struct metrics_snapshot *snapshot = NULL;
    bool found = false;
    cr_assert(get(face, "/metrics") == 200);
    cr_assert(metrics_parse("metrics", face->reply.body.data, face->reply.body.len, &snapshot,
                            NULL) == ERR_OK);
    double sum = metrics_sum(snapshot, name, &one, label != NULL ? 1 : 0, &found);
    metrics_snapshot_free(snapshot);
    cr_assert(found, "%s", name);
    return sum;
}

Test(service, a_list_has_the_documented_form_and_holds_no_rated_film)
{
    struct face face;
    face_open(&face);
    cr_assert(get(&face, "/recommendations/?user_id=42&n=7") == 200);
    json_t *list = parsed(&face), *places = json_object_get(list, "recommendations");
    cr_expect(json_integer_value(json_object_get(list, "user_id")) == 42);
    cr_expect(json_is_string(json_object_get(list, "request_id")));
    cr_assert(json_array_size(places) == 7);
    for (size_t p = 0; p < 7; p++) {
        const json_t *place = json_array_get(places, p);
        cr_expect(json_integer_value(json_object_get(place, "rank")) == (json_int_t)p + 1);
        cr_expect(json_is_integer(json_object_get(place, "movie_id")));
        cr_expect(json_is_real(json_object_get(place, "score")));
        cr_expect(json_is_string(json_object_get(place, "recommender")));
    }
    json_int_t first = json_integer_value(json_object_get(json_array_get(places, 0), "movie_id"));
    char body[128];
    (void)snprintf(body, sizeof body, "{\"user_id\":42,\"movie_id\":%d,\"rating\":4.5}",
                   (int)first);
    cr_expect(post(&face, "/ratings/", body) == 201);
    json_decref(list);
    cr_assert(get(&face, "/recommendations/?user_id=42&n=50") == 200);
    list = parsed(&face);
    places = json_object_get(list, "recommendations");
    cr_expect(json_array_size(places) == 50);
    for (size_t p = 0; p < json_array_size(places); p++) {
        cr_expect(json_integer_value(json_object_get(json_array_get(places, p), "movie_id")) !=
                  first);
    }
    json_decref(list);
    face_close(&face);
}

Test(service, a_rating_of_a_served_film_is_attributed_in_the_metrics)
{
    struct face face;
    char body[160];
    face_open(&face);
    cr_assert(get(&face, "/recommendations/?user_id=3") == 200);
    json_t *list = parsed(&face);
    json_t *third = json_array_get(json_object_get(list, "recommendations"), 2);
    const char *source = json_string_value(json_object_get(third, "recommender"));
    (void)snprintf(body, sizeof body,
                   "{\"user_id\":3,\"movie_id\":%d,\"rating\":2.5,\"request_id\":\"%s\"}",
                   (int)json_integer_value(json_object_get(third, "movie_id")),
                   json_string_value(json_object_get(list, "request_id")));
    cr_expect(post(&face, "/ratings/", body) == 201);
    json_t *answer = parsed(&face);
    cr_expect_str_eq(json_string_value(json_object_get(answer, "status")), "ok");
    cr_expect_str_eq(json_string_value(json_object_get(answer, "recommender")), source);
    cr_expect(json_integer_value(json_object_get(answer, "rank")) == 3);
    cr_expect(metric(&face, "item_rank_sum", "recommender", source) == 3);
    cr_expect(metric(&face, "user_rating_bucket", "le", "2.0") == 0);
    cr_expect(metric(&face, "user_rating_bucket", "le", "3.0") == 1);
    cr_expect(metric(&face, "recommendation_rating_stars_bucket", "le", "2.0") == 0);
    cr_expect(metric(&face, "recommendation_rating_stars_bucket", "le", "2.5") == 1);
    cr_expect(metric(&face, "recommendation_lists_rated_total", NULL, NULL) == 1);
    cr_expect(metric(&face, "recommendation_history_ratings", NULL, NULL) == 1);
    cr_expect(metric(&face, "recommendation_stage_duration_seconds_count", "stage", "base") == 1);
    cr_expect(metric(&face, "recommendation_stage_duration_seconds_sum", "stage", "base") > 0);
    cr_expect(metric(&face, "recommendation_lists_converted_total", NULL, NULL) == 0);
    cr_expect(metric(&face, "predicted_rating_count", "recommender", source) == 1);
    json_decref(answer);
    json_decref(list);
    face_close(&face);
}

Test(service, malformed_requests_are_refused_with_a_reason)
{
    static const struct {
        const char *method, *path, *body, *detail;
        long status;
    } rows[] = {
        {"GET", "/recommendations/", NULL, "user_id is missing", 422},
        {"GET", "/recommendations/?user_id=x", NULL,
         "user_id: expected a whole number from 0 to 2147483647", 422},
        {"GET", "/recommendations/?user_id=1&n=0", NULL, "n: expected a whole number from 1 to 50",
         422},
        {"POST", "/recommendations/?user_id=1", "", "method not allowed", 405},
        {"GET", "/ratings/", NULL, "method not allowed", 405},
        {"POST", "/ratings/", "{", "body: expected valid JSON without repeated keys", 422},
        {"POST", "/ratings/", "{\"user_id\":1,\"movie_id\":1,\"rating\":4}",
         "movie_id: no such film", 404},
        {"POST", "/ratings/", "{\"user_id\":1,\"movie_id\":7,\"rating\":0}",
         "rating: expected a number from 0.5 to 5 in steps of 0.5", 422},
        {"POST", "/admin/retrain", "[]", "body: expected a JSON object", 422},
        {"GET", "/nowhere", NULL, "no such path", 404},
    };
    struct face face;
    face_open(&face);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        bool is_get = strcmp(rows[r].method, "GET") == 0;
        long status = is_get ? get(&face, rows[r].path) : post(&face, rows[r].path, rows[r].body);
        json_t *answer = parsed(&face);
        cr_expect(status == rows[r].status, "%s: %ld", rows[r].path, status);
        cr_expect_str_eq(json_string_value(json_object_get(answer, "detail")), rows[r].detail);
        json_decref(answer);
    }
    cr_expect(metric(&face, "http_requests_total", "status", "4xx") == 10);
    cr_expect(metric(&face, "http_requests_total", "handler", "none") == 1);
    cr_expect(metric(&face, "recommendation_lists_total", NULL, NULL) == 0);
    face_close(&face);
}

Test(service, a_missing_slash_redirects_and_is_counted_apart)
{
    struct face face;
    face_open(&face);
    cr_expect(get(&face, "/recommendations?user_id=1") == 307);
    cr_expect(metric(&face, "http_requests_total", "handler", "/recommendations") == 1);
    cr_expect(metric(&face, "http_requests_total", "status", "3xx") == 1);
    cr_expect(metric(&face, "http_requests_total", "handler", "/recommendations/") == 0);
    face_close(&face);
}

Test(service, a_scrape_does_not_count_itself)
{
    struct face face;
    face_open(&face);
    cr_expect(metric(&face, "http_requests_total", "handler", "/metrics") == 0);
    cr_expect(metric(&face, "http_requests_total", "handler", "/metrics") == 1);
    face_close(&face);
}

static json_t *training(struct face *face)
{
    wait_trained(face->service);
    cr_assert(get(face, "/admin/retrain") == 200);
    return parsed(face);
}

/* Places of people's lists that hold a film of the group they like in data turned by 1. */
static int turned_places(struct face *face)
{
    int turned = 0;
    for (int user = 1; user <= 40; user++) {
        char path[64];
        (void)snprintf(path, sizeof path, "/recommendations/?user_id=%d", user);
        cr_assert(get(face, path) == 200);
        json_t *list = parsed(face), *places = json_object_get(list, "recommendations");
        for (size_t p = 0; p < json_array_size(places); p++) {
            const json_t *id = json_object_get(json_array_get(places, p), "movie_id");
            turned += json_integer_value(id) / 10 % 2 == (user + 1) % 2;
        }
        json_decref(list);
    }
    return turned;
}

Test(service, retraining_on_later_data_changes_the_lists_in_service)
{
    struct face face;
    char later[96], body[128];
    face_open(&face);
    (void)snprintf(later, sizeof later, "%s/later", face.folder);
    (void)snprintf(body, sizeof body, "{\"data\":\"%s\"}", later);
    write_folder(later, 1, 1600000000 + 120 * 86400, 2);
    int before = turned_places(&face);
    cr_expect(post(&face, "/admin/retrain", body) == 202);
    json_t *status = training(&face);
    cr_expect_str_eq(json_string_value(json_object_get(status, "status")), "idle");
    cr_expect(json_integer_value(json_object_get(status, "model_version")) == 2);
    cr_expect(json_is_null(json_object_get(status, "error")));
    int after = turned_places(&face);
    cr_expect(before < 80 && after > 280, "%d of 400, then %d", before, after);
    cr_expect(metric(&face, "model_version", NULL, NULL) == 2);
    json_decref(status);
    face_close(&face);
}

Test(service, a_failed_training_keeps_the_model_and_is_told)
{
    struct face face;
    face_open(&face);
    cr_expect(post(&face, "/admin/retrain", "{\"data\":\"/nonexistent\"}") == 202);
    json_t *status = training(&face);
    cr_expect_str_eq(json_string_value(json_object_get(status, "status")), "failed");
    cr_expect(strstr(json_string_value(json_object_get(status, "error")), "/nonexistent") != NULL);
    cr_expect(json_integer_value(json_object_get(status, "model_version")) == 1);
    cr_expect(metric(&face, "retrain_failures_total", NULL, NULL) == 1);
    cr_expect(get(&face, "/healthz") == 200);
    json_decref(status);
    cr_expect(post(&face, "/admin/retrain", "") == 202, "the next one may begin");
    status = training(&face);
    cr_expect(json_integer_value(json_object_get(status, "model_version")) == 2);
    cr_expect(metric(&face, "retrain_failures_total", NULL, NULL) == 1);
    json_decref(status);
    face_close(&face);
}

Test(service, before_the_first_model_it_says_so_and_a_training_is_under_way)
{
    struct service_config config = service_defaults();
    struct service *service = NULL;
    struct httpd *httpd = NULL;
    struct error error = {0};
    struct face face = {.folder = ""};
    /* No data folder: the synthetic data take longer to make than the first request. */
    cr_assert(service_open(&service, &config, &error) == ERR_OK, "%s", error.text);
    const struct httpd_config server = {.listen = "127.0.0.1:0",
                                        .threads = 1,
                                        .body_max_bytes = SERVICE_BODY_MAX_BYTES,
                                        .reply_max_bytes = SERVICE_REPLY_MAX_BYTES,
                                        .connections_max = 16};
    cr_assert(httpd_start(&httpd, &server, service_handle, service, &error) == ERR_OK);
    face.service = service;
    face.httpd = httpd;
    face.http = http_new();
    buf_init(&face.reply.body, 1 << 20);
    struct trainer_status status;
    long health = get(&face, "/healthz"), list = get(&face, "/recommendations/?user_id=1");
    long again = post(&face, "/admin/retrain", "");
    service_training(service, &status);
    if (status.state == TRAINER_TRAINING) { /* nothing ended meanwhile */
        cr_expect(health == 503 && list == 503 && again == 409, "%ld %ld %ld", health, list, again);
    }
    cr_expect(get(&face, "/metrics") == 200);
    http_free(face.http);
    buf_deinit(&face.reply.body);
    httpd_stop(httpd);
    service_close(service);
}

Test(service, promtool_finds_nothing_wrong_with_the_exposition)
{
    struct face face;
    char path[128], log[128], command[400];
    face_open(&face);
    cr_assert(get(&face, "/recommendations/?user_id=3") == 200);
    cr_assert(get(&face, "/metrics") == 200);
    (void)snprintf(path, sizeof path, "%s/metrics.txt", face.folder);
    (void)snprintf(log, sizeof log, "%s/promtool.log", face.folder);
    (void)snprintf(command, sizeof command, "exec promtool check metrics < %s", path);
    cr_assert(file_write(path, face.reply.body.data, face.reply.body.len, NULL) == ERR_OK);
    const char *const argv[] = {"sh", "-c", command, NULL};
    int status = program_run(argv, log);
    struct buf said;
    buf_init(&said, 1 << 16);
    (void)file_read(log, &said, NULL);
    cr_expect(status == 0, "%s", said.len > 0 ? said.data : "");
    buf_deinit(&said);
    face_close(&face);
}
