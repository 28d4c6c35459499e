#include "base/buf.h"
#include "base/mem.h"
#include "invalid.h"
#include "load/target.h"
#include "load/target_check.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

static int32_t film_ids[] = {2, 3, 5, 17, 318};
static const struct catalogue films = {.count = COUNT(film_ids), .id = film_ids};

static struct target *read_text(const char *text)
{
    json_t *document = NULL;
    struct yaml_lines *lines = NULL;
    struct target *target = NULL;
    struct faults faults;
    struct error error = {0};
    faults_init(&faults);
    cr_assert_eq(yaml_read_text("text", text, strlen(text), &document, &lines, &error), ERR_OK,
                 "%s", error.text);
    const struct target_block block = {
        .file = "text", .lines = lines, .value = document, .path = ""};
    enum err code = target_from_json(&block, &films, 7, &target, &faults, &error);
    faults_print(&faults);
    cr_assert_eq(code, ERR_OK, "%s", error.text);
    faults_deinit(&faults);
    yaml_lines_free(lines);
    json_decref(document);
    return target;
}

static void read_invalid(const char *path, char *message, size_t size)
{
    struct target *target = NULL;
    struct faults faults;
    struct error error = {0};
    size_t used = 0;
    faults_init(&faults);
    enum err code = target_read(path, &films, 10, &target, &faults, &error);
    cr_expect_eq(code == ERR_OK, faults.count == 0 && error.code == ERR_OK, "%s", path);
    cr_expect_eq(target != NULL, code == ERR_OK, "%s", path);
    for (size_t i = 0; i < faults.count && used < size; i++) {
        const struct fault *fault = &faults.list[i];
        used += (size_t)snprintf(message + used, size - used, "%sline %d: %s: %s",
                                 i > 0 ? "\n" : "", fault->line, fault->path, fault->text);
    }
    faults_deinit(&faults);
    target_free(target);
}

Test(target_file, faults_are_all_told_with_line_and_path)
{
    cr_expect_eq(invalid_each("targets", read_invalid), 0);
}

Test(target_file, ratings_are_transformed_as_documented)
{
    static const struct {
        const char *transform, *written[10];
    } rows[] = {
        {"stars", {"0.5", "1.0", "1.5", "2.0", "2.5", "3.0", "3.5", "4.0", "4.5", "5.0"}},
        {"half_stars", {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}},
        {"unit",
         {"0", "0.111111", "0.222222", "0.333333", "0.444444", "0.555556", "0.666667", "0.777778",
          "0.888889", "1"}},
        {"signed_unit", {"-1", "-1", "-0.75", "-0.5", "-0.25", "0", "0.25", "0.5", "0.75", "1"}},
        {"thumbs", {"0", "0", "0", "0", "0", "1", "1", "1", "1", "1"}},
        {"[a, 2, 2.5, -1, e, f, g, h, i, 'k l']",
         {"\"a\"", "2", "2.5", "-1", "\"e\"", "\"f\"", "\"g\"", "\"h\"", "\"i\"", "\"k l\""}},
    };
    struct exchange *exchange = calloc(1, sizeof *exchange);
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[512];
        (void)snprintf(text, sizeof text,
                       "address: http://h\nlist: {url: '/{user}', films: ''}\n"
                       "rating: {url: '/{user}/{film}', body: '{rating}', transform: %s}\n",
                       rows[i].transform);
        struct target *target = read_text(text);
        for (uint8_t half_stars = 1; half_stars <= 10; half_stars++) {
            struct target_request request = {.user_id = 1, .movie_id = 2, .half_stars = half_stars};
            cr_assert(target_fill_rating(target, &request, exchange));
            cr_expect_str_eq(exchange->body, rows[i].written[half_stars - 1], "%s, %d: %s",
                             rows[i].transform, half_stars, exchange->body);
        }
        target_free(target);
    }
    free(exchange);
}

Test(target_file, every_part_of_a_description_counts)
{
    static const char text[] =
        "name: whole\n"
        "address: {read: 'https://lists:1/a/', write: 'http://ratings:2'}\n"
        "headers: {X-All: one, X-Other: '${DRIFTDRILL_TEST_UNSET:-two}'}\n"
        "sign: {kind: header, name: Authorization, value: 'Key ${DRIFTDRILL_TEST_SET}'}\n"
        "user: {type: string, prefix: 'u '}\n"
        "film: {type: string, prefix: m}\n"
        "list: {url: '/l/{user}?k=${DRIFTDRILL_TEST_SET}', films: /f, accept: [200, 304], cut: "
        "true,\n"
        "       headers: {X-List: yes-it-is}}\n"
        "rating: {method: PATCH, url: /r, accept: [202], timestamp: unix_ms,\n"
        "         headers: {Content-Type: application/x-www-form-urlencoded},\n"
        "         body: 'u={user}&f={film}&r={rating}&t={timestamp}'}\n"
        "retrain: {command: [train, '--data={folder}', -v]}\n"
        "metrics: {url: 'http://m:3/metrics', names: {user_rating_count: "
        "'votes{kind=\"star\"}'}}\n";
    struct exchange *exchange = calloc(1, sizeof *exchange);
    struct target_request request = {
        .user_id = 7, .movie_id = 318, .half_stars = 9, .unix_ns = INT64_C(1600000000123000000)};
    char url[256], word[64];
    (void)setenv("DRIFTDRILL_TEST_SET", "hidden", 1);
    (void)unsetenv("DRIFTDRILL_TEST_UNSET");
    struct target *target = read_text(text);
    cr_expect_str_eq(target_name(target), "whole");
    cr_assert(target_fill_list(target, &request, exchange));
    cr_expect_str_eq(exchange->path, "/a/l/u%207?k=hidden");
    cr_expect_str_eq(exchange->shape->base_url, "https://lists:1");
    cr_expect_str_eq(exchange->shape->headers, "X-All: one\r\nX-Other: two\r\n"
                                               "Authorization: Key hidden\r\n"
                                               "X-List: yes-it-is\r\n");
    cr_expect(target_exchange_url(target, exchange, url, sizeof url));
    cr_expect_str_eq(url, "https://lists:1/a/l/u%207", "a secret is not shown");
    cr_assert(target_fill_rating(target, &request, exchange));
    cr_expect_str_eq(exchange->path, "/r");
    cr_expect_str_eq(exchange->body, "u=u%207&f=m318&r=4.5&t=1600000000123");
    cr_expect_str_eq(exchange->shape->method, "PATCH");
    cr_expect_str_eq(exchange->shape->base_url, "http://ratings:2");
    cr_expect(strstr(exchange->shape->headers, "application/json") == NULL);
    cr_expect(target_accepts(target, TARGET_LIST, 304));
    cr_expect_not(target_accepts(target, TARGET_LIST, 201));
    cr_expect(target_accepts(target, TARGET_RATING, 202));
    cr_expect_not(target_accepts(target, TARGET_RATING, 200));
    const struct target_retrain *retrain = target_retrain(target);
    cr_expect_str_eq(retrain->command[0], "train");
    cr_expect(target_retrain_word(retrain->command[1], "/data/past", word, sizeof word));
    cr_expect_str_eq(word, "--data=/data/past");
    cr_expect_not(target_retrain_word(retrain->command[1], "/data/past", word, 17));
    cr_expect_null(retrain->command[3]);
    cr_expect_str_eq(target_metrics_url(target), "http://m:3/metrics");
    cr_expect_str_eq(target_metric(target, "user_rating_count"), "votes{kind=\"star\"}");
    cr_expect_null(target_metric(target, "http_requests_total"));
    struct step_list list;
    char id[TARGET_REQUEST_ID_SIZE];
    static const char answer[] = "{\"f\":[\"m2\",\"m3\",\"5\",\"m17\",\"m318\",\"m2\",\"m2\",9,9]}";
    cr_assert(target_read_list(target, answer, sizeof answer - 1, &list, id, sizeof id));
    cr_expect_eq(list.count, 7, "seven were asked for");
    cr_expect_eq(list.item[0], 0);
    cr_expect_eq(list.item[2], -1);
    cr_expect_eq(list.item[4], 4);
    target_free(target);
    free(exchange);
}

Test(target_file, retraining_requests_name_the_data)
{
    struct target *target = read_text(
        "address: http://h/x\nlist: {url: '/{user}', films: ''}\n"
        "retrain: {request: {url: /train, body: '{\"from\":{folder},\"at\":{timestamp}}'}}\n");
    const struct target_retrain *retrain = target_retrain(target);
    char body[128];
    cr_expect_str_eq(retrain->method, "POST");
    cr_expect_str_eq(retrain->url, "http://h/x/train");
    cr_assert(
        target_retrain_body(target, "/a \"b\"", INT64_C(1600000000000000000), body, sizeof body));
    cr_expect_str_eq(body, "{\"from\":\"/a \\\"b\\\"\",\"at\":1600000000}");
    cr_expect_not(target_retrain_body(target, "/a", 0, body, 10));
    cr_expect(target_has(target)->retrain);
    cr_expect_not(target_has(target)->ratings);
    cr_expect_not(target_has(target)->metrics);
    struct exchange *exchange = calloc(1, sizeof *exchange);
    struct target_request request = {.user_id = 1, .movie_id = 2, .half_stars = 3};
    cr_expect_not(target_fill_rating(target, &request, exchange), "there is nowhere to send it");
    free(exchange);
    target_free(target);
}

Test(target_file, batches_carry_as_many_ratings_as_fit)
{
    struct target *target = read_text("address: http://h\nlist: {url: '/{user}', films: ''}\n"
                                      "rating: {url: /b, batch: 100, body: "
                                      "'{\"all\":[{each}{\"u\":{user},\"f\":{film}}{/each}]}'}\n");
    enum { MANY = 100 };
    struct target_request request[MANY];
    struct exchange *exchange = calloc(1, sizeof *exchange);
    for (int i = 0; i < MANY; i++) {
        request[i] = (struct target_request){.user_id = 1000 + i, .movie_id = 2, .half_stars = 1};
    }
    cr_expect_eq(target_batch(target), 100);
    cr_expect_eq(target_fill_ratings(target, request, 0, exchange), 0);
    cr_expect_eq(target_fill_ratings(target, request, 2, exchange), 2);
    cr_expect_str_eq(exchange->body, "{\"all\":[{\"u\":1000,\"f\":2},{\"u\":1001,\"f\":2}]}");
    for (int i = 0; i < MANY; i++) {
        request[i].user_id = request[i].movie_id = INT32_MAX - i;
    }
    int filled = target_fill_ratings(target, request, MANY, exchange);
    cr_expect_gt(filled, 30);
    cr_expect_lt(filled, MANY, "what does not fit is left");
    cr_expect_lt(exchange->body_len, sizeof exchange->body);
    json_t *body = json_loadb(exchange->body, exchange->body_len, 0, NULL);
    cr_expect_eq(json_array_size(json_object_get(body, "all")), (size_t)filled);
    json_decref(body);
    free(exchange);
    target_free(target);
}

Test(target_file, no_two_requests_of_a_step_have_the_same_token)
{
    struct target *target =
        read_text("address: http://h\nlist: {url: '/{user}?t={token}', films: ''}\n"
                  "rating: {url: '/{user}/{film}?t={token}', "
                  "body: '{\"r\":{rating}}'}\n");
    enum { TRIES = 4 };
    char token[2 * TRIES][64];
    struct exchange *exchange = calloc(1, sizeof *exchange);
    for (int i = 0; i < 2 * TRIES; i++) {
        struct target_request request = {.user_id = 1,
                                         .unix_ns = INT64_C(1600000000000000000),
                                         .sequence = 5,
                                         .attempt = i / 2,
                                         .movie_id = 1,
                                         .half_stars = 1};
        cr_assert(i % 2 == 0 ? target_fill_list(target, &request, exchange)
                             : target_fill_rating(target, &request, exchange));
        (void)snprintf(token[i], sizeof token[i], "%s", strstr(exchange->path, "t="));
        for (int j = 0; j < i; j++) {
            cr_expect_str_neq(token[i], token[j], "%d and %d", i, j);
        }
    }
    free(exchange);
    target_free(target);
}

Test(target_file, bodies_with_something_of_the_environment_are_not_shown)
{
    char *shown = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&shown, &size);
    (void)setenv("DRIFTDRILL_TEST_SET", "hidden", 1);
    struct target *target =
        read_text("address: http://h\n"
                  "list: {url: '/list', films: '', body: "
                  "'{\"key\":\"${DRIFTDRILL_TEST_SET:-no}\",\"u\":{user}}'}\n"
                  "rating: {url: '/r?k=${DRIFTDRILL_TEST_SET}', body: '[{user},{film}]'}\n");
    target_describe(target, out);
    (void)fclose(out);
    cr_expect_null(strstr(shown, "hidden"), "%s", shown);
    cr_expect(strstr(shown, "POST http://h/r\n") != NULL, "%s", shown);
    cr_expect(strstr(shown, "[1,1]") != NULL, "what is no secret is shown: %s", shown);
    free(shown);
    target_free(target);
}
