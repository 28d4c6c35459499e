#include "base/fileio.h"
#include "invalid.h"
#include "load/target.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])
#define REQUEST_ID_SIZE 96

static int32_t film_ids[] = {2, 3, 5, 17, 318};
static const struct catalogue films = {.count = COUNT(film_ids), .id = film_ids};
static struct target *bundled(void)
{
    struct target *target = NULL;
    struct error error = {0};
    cr_assert_eq(target_from_url("http://127.0.0.1:8000", &films, 10, &target, &error), ERR_OK,
                 "%s", error.text);
    return target;
}

static bool read_text(const struct target *target, const char *text, struct step_list *list,
                      char *request_id)
{
    return target_read_list(target, text, strlen(text), list, request_id, REQUEST_ID_SIZE);
}

Test(target, bundled_requests_are_spelled_to_the_byte)
{
    static const struct {
        uint8_t half_stars;
        const char *request_id, *body;
    } rows[] = {
        {1, "", "{\"user_id\":7,\"movie_id\":318,\"rating\":0.5}"},
        {6, "", "{\"user_id\":7,\"movie_id\":318,\"rating\":3.0}"},
        {10, "ab-1", "{\"user_id\":7,\"movie_id\":318,\"rating\":5.0,\"request_id\":\"ab-1\"}"},
        {9, "a\\\"b\\u00e9",
         "{\"user_id\":7,\"movie_id\":318,\"rating\":4.5,\"request_id\":\"a\\\"b\\u00e9\"}"},
    };
    struct target *target = bundled();
    struct exchange *exchange = calloc(1, sizeof *exchange);
    struct target_request request = {.user_id = 42};
    char url[128];
    cr_assert(target_fill_list(target, &request, exchange));
    cr_expect_str_eq(exchange->path, "/recommendations/?user_id=42&n=10");
    cr_expect_eq(exchange->path_len, strlen(exchange->path));
    cr_expect_eq(exchange->body_len, 0);
    cr_expect_str_eq(exchange->shape->method, "GET");
    cr_expect_not(exchange->shape->has_body);
    cr_expect(target_exchange_url(target, exchange, url, sizeof url));
    cr_expect_str_eq(url, "http://127.0.0.1:8000/recommendations/?user_id=42&n=10");
    cr_expect_not(target_exchange_url(target, exchange, url, 20));
    for (size_t i = 0; i < COUNT(rows); i++) {
        request = (struct target_request){.user_id = 7,
                                          .movie_id = 318,
                                          .half_stars = rows[i].half_stars,
                                          .request_id = rows[i].request_id};
        cr_assert(target_fill_rating(target, &request, exchange));
        cr_expect_str_eq(exchange->path, "/ratings/");
        cr_expect_eq(exchange->body_len, strlen(rows[i].body), "row %zu", i);
        cr_expect_eq(memcmp(exchange->body, rows[i].body, exchange->body_len), 0, "row %zu: %.*s",
                     i, (int)exchange->body_len, exchange->body);
    }
    cr_expect_str_eq(exchange->shape->headers, "Content-Type: application/json\r\n");
    cr_expect(exchange->shape->has_body);
    free(exchange);
    target_free(target);
}

Test(target, longest_request_id_fits_a_body)
{
    char id[REQUEST_ID_SIZE];
    struct target *target = bundled();
    struct exchange *exchange = calloc(1, sizeof *exchange);
    struct target_request request = {
        .user_id = INT32_MAX, .movie_id = INT32_MAX, .half_stars = 9, .request_id = id};
    memset(id, 'x', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    cr_expect(target_fill_rating(target, &request, exchange));
    cr_expect_gt(exchange->body_len, sizeof id);
    free(exchange);
    target_free(target);
}

Test(target, addresses_that_are_none_are_refused)
{
    static const struct {
        const char *url, *base; /* NULL = refused */
        const char *path;
    } rows[] = {
        {"http://127.0.0.1:8000", "http://127.0.0.1:8000", "/ratings/"},
        {"http://127.0.0.1:8000///", "http://127.0.0.1:8000", "/ratings/"},
        {"HTTPS://host/a/b/", "HTTPS://host", "/a/b/ratings/"},
        {"http://[::1]:80/x", "http://[::1]:80", "/x/ratings/"},
        {"host:80", NULL, NULL},
        {"http://", NULL, NULL},
        {"http://:80", NULL, NULL},
        {"http:///path", NULL, NULL},
        {"http://user:word@host", NULL, NULL},
        {"http://host/?q=1", NULL, NULL},
        {"http://host/a b", NULL, NULL},
        {"http://host/{user}", NULL, NULL},
        {"ftp://host", NULL, NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct target *target = NULL;
        struct error error = {0};
        struct exchange *exchange = calloc(1, sizeof *exchange);
        struct target_request request = {.user_id = 1, .movie_id = 2, .half_stars = 2};
        enum err code = target_from_url(rows[i].url, &films, 10, &target, &error);
        cr_expect_eq(code, rows[i].base != NULL ? ERR_OK : ERR_USAGE, "%s", rows[i].url);
        if (code == ERR_OK) {
            cr_assert(target_fill_rating(target, &request, exchange));
            cr_expect_str_eq(exchange->shape->base_url, rows[i].base);
            cr_expect_str_eq(exchange->path, rows[i].path);
        } else {
            cr_expect_null(target);
            cr_expect_str_neq(error.text, "");
        }
        free(exchange);
        target_free(target);
    }
}

Test(target, statuses_of_the_bundled_interface_are_all_2xx)
{
    struct target *target = bundled();
    for (long status = 0; status < 1000; status++) {
        cr_expect_eq(target_accepts(target, TARGET_LIST, status), status / 100 == 2, "%ld", status);
        cr_expect_eq(target_accepts(target, TARGET_RATING, status), status / 100 == 2, "%ld",
                     status);
    }
    target_free(target);
}

Test(target, lists_are_read_in_served_order)
{
    static const struct {
        const char *name, *text;
        int32_t count;
        int32_t item[4];
        const char *request_id;
    } rows[] = {
        {"plain",
         "{\"user_id\":42,\"request_id\":\"7f-1\",\"recommendations\":["
         "{\"movie_id\":318,\"rank\":1,\"score\":0.93,\"recommender\":\"base\"},"
         "{\"movie_id\":2,\"rank\":2,\"score\":1e-3,\"recommender\":\"popular\"}]}",
         2,
         {4, 0},
         "7f-1"},
        {"empty", " {\"recommendations\" : [ ] }\r\n", 0, {0}, ""},
        {"unknown films",
         "{\"recommendations\":[{\"movie_id\":4},{\"movie_id\":3},{\"movie_id\":-1},"
         "{\"movie_id\":98765432109876543210}]}",
         4,
         {-1, 1, -1, -1},
         ""},
        {"keys with escapes",
         "{\"request_\\u0069d\":\"x\",\"recommendations\":[{\"\\u006Dovie_id\":5}]}",
         1,
         {2},
         "x"},
        {"id kept as spelled",
         "{\"request_id\":\"a\\\"b\\u00e9\",\"recommendations\":[]}",
         0,
         {0},
         "a\\\"b\\u00e9"},
        {"null request id", "{\"request_id\":null,\"recommendations\":[]}", 0, {0}, ""},
        {"the same keys elsewhere",
         "{\"meta\":{\"recommendations\":[1],\"request_id\":\"no\"},\"recommendations\":["
         "{\"why\":{\"movie_id\":2},\"movie_id\":17}],\"request_id\":\"yes\"}",
         1,
         {3},
         "yes"},
    };
    struct target *target = bundled();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct step_list list = {.count = 99};
        char request_id[REQUEST_ID_SIZE] = "left over";
        cr_assert(read_text(target, rows[i].text, &list, request_id), "%s", rows[i].name);
        cr_expect_eq(list.count, rows[i].count, "%s", rows[i].name);
        for (int32_t k = 0; k < rows[i].count; k++) {
            cr_expect_eq(list.item[k], rows[i].item[k], "%s, film %d", rows[i].name, k);
        }
        cr_expect_str_eq(request_id, rows[i].request_id, "%s", rows[i].name);
    }
    target_free(target);
}

Test(target, sources_of_places_are_read_as_spelled)
{
    static const char text[] =
        "{\"recommendations\":[{\"recommender\":\"base\",\"movie_id\":2},"
        "{\"movie_id\":3,\"recommender\":\"b\\u0061se\"},{\"movie_id\":5},"
        "{\"movie_id\":17,\"recommender\":null},{\"movie_id\":17,\"recommender\":7},"
        "{\"movie_id\":318,\"recommender\":{\"recommender\":\"no\"}},"
        "{\"movie_id\":318,\"\\u0072ecommender\":\"\"}],\"recommender\":\"no\"}";
    static const char *const spelled[] = {"base", "b\\u0061se", NULL, NULL, NULL, NULL, ""};
    struct step_list list;
    struct target_sources sources;
    struct target_problem problem;
    char request_id[REQUEST_ID_SIZE];
    struct target *target = bundled();
    cr_assert(target_explain_list(target, text, strlen(text), &list, &sources, request_id,
                                  sizeof request_id, &problem));
    cr_assert_eq(list.count, 7);
    for (int i = 0; i < 7; i++) {
        const struct scan_text *place = &sources.place[i];
        if (spelled[i] == NULL) {
            cr_expect_null(place->bytes, "place %d", i);
        } else {
            cr_assert_not_null(place->bytes);
            cr_expect_eq(place->len, strlen(spelled[i]), "place %d", i);
            cr_expect_eq(memcmp(place->bytes, spelled[i], place->len), 0, "place %d", i);
        }
    }
    target_free(target);
}

Test(target, strings_are_copied_without_their_escapes)
{
    static const struct {
        const char *spelled;
        size_t size;
        const char *copy; /* NULL = refused */
    } rows[] = {
        {"", 1, ""},
        {"plain", 6, "plain"},
        {"plain", 5, NULL},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t", 20, "\"\\/\b\f\n\r\t"},
        {"\\u0041", 2, "A"},
        {"\\u00e9", 3, "\xc3\xa9"},
        {"\\u00e9", 2, NULL},
        {"\\u20aC", 4, "\xe2\x82\xac"},
        {"\\ud83c\\udfac", 5, "\xf0\x9f\x8e\xac"},
        {"\\ud83c\\udfac", 4, NULL},
        {"\xc3\xa9", 3, "\xc3\xa9"},
        {"\\u0000", 9, NULL},
        {"\\ud83c", 9, NULL},
        {"\\ud83cx", 9, NULL},
        {"\\ud83c\\u0041", 9, NULL},
        {"\\udfac\\ud83c", 9, NULL},
        {"\\udfac", 9, NULL},
        {"\\ud83c\\n12345", 99, NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scan_text text = {rows[i].spelled, strlen(rows[i].spelled)};
        char *copy = malloc(rows[i].size); /* exactly, for the address sanitizer */
        bool ok = scan_text_copy(&text, copy, rows[i].size);
        cr_expect_eq(ok, rows[i].copy != NULL, "row %zu", i);
        cr_expect_str_eq(copy, rows[i].copy != NULL ? rows[i].copy : "", "row %zu", i);
        free(copy);
    }
}

Test(target, every_beginning_of_an_answer_is_unreadable)
{
    static const char text[] = "{\"user_id\":4,\"ok\":true,\"request_id\":\"\\u0041\","
                               "\"recommendations\":[{\"movie_id\":318,\"score\":-0.5e+1}]}";
    struct step_list list;
    struct target *target = bundled();
    char request_id[REQUEST_ID_SIZE];
    for (size_t len = 0; len < strlen(text); len++) {
        /* The address sanitizer sees a read behind the NUL. */
        char *exact = malloc(len + 1);
        memcpy(exact, text, len);
        exact[len] = '\0';
        cr_expect_not(target_read_list(target, exact, len, &list, request_id, sizeof request_id),
                      "%zu", len);
        cr_expect_eq(list.count, 0);
        cr_expect_str_eq(request_id, "");
        free(exact);
    }
    cr_expect(read_text(target, text, &list, request_id));
    cr_expect_not(target_read_list(target, NULL, 0, &list, request_id, sizeof request_id));
    target_free(target);
}

static void read_file_as_list(const char *path, char *message, size_t size)
{
    struct buf bytes;
    struct step_list list;
    char request_id[REQUEST_ID_SIZE];
    struct target_problem problem;
    buf_init(&bytes, 1 << 20);
    cr_assert_eq(file_read(path, &bytes, NULL), ERR_OK, "%s", path);
    struct target *target = bundled();
    if (!target_explain_list(target, bytes.data, bytes.len, &list, NULL, request_id,
                             sizeof request_id, &problem)) {
        (void)snprintf(message, size, "byte %zu: %s", problem.offset, problem.text);
    }
    target_free(target);
    buf_deinit(&bytes);
}

Test(target, malformed_answers_are_refused_with_place_and_reason)
{
    cr_expect_eq(invalid_each("replies", read_file_as_list), 0);
}
