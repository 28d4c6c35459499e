#include "recommender/requests.h"

#include "base/buf.h"
#include "base/fileio.h"
#include "base/text.h"
#include "invalid.h"

#include <criterion/criterion.h>
#include <string.h>

static void read_rating(const char *path, char *message, size_t size)
{
    struct buf body;
    struct rating_request asked;
    char reason[REQUEST_REASON_SIZE] = "";
    buf_init(&body, 65536);
    cr_assert(file_read(path, &body, NULL) == ERR_OK);
    if (!request_read_rating(body.len > 0 ? body.data : "", body.len, &asked, reason)) {
        text_copy(message, size, reason);
    }
    buf_deinit(&body);
}

Test(requests, every_malformed_rating_is_refused_with_its_reason)
{
    cr_expect(invalid_each("rating_body", read_rating) == 0);
}

Test(requests, a_rating_is_read)
{
    static const struct {
        const char *body, *request_id;
        uint8_t half_stars;
    } rows[] = {
        {"{\"user_id\":1,\"movie_id\":2,\"rating\":0.5}", "", 1},
        {"{\"user_id\":1,\"movie_id\":2,\"rating\":5,\"request_id\":\"abc\"}", "abc", 10},
        {"{\"rating\":2.5,\"movie_id\":2,\"user_id\":1,\"request_id\":null,\"x\":0}", "", 5},
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct rating_request asked;
        char reason[REQUEST_REASON_SIZE] = "";
        bool good = request_read_rating(rows[r].body, strlen(rows[r].body), &asked, reason);
        cr_assert(good, "%s: %s", rows[r].body, reason);
        cr_expect(asked.user_id == 1 && asked.movie_id == 2, "%s", rows[r].body);
        cr_expect(asked.half_stars == rows[r].half_stars, "%s", rows[r].body);
        cr_expect_str_eq(asked.request_id, rows[r].request_id);
    }
}

Test(requests, list_queries_are_checked)
{
    static const char user_reason[] = "user_id: expected a whole number from 0 to 2147483647";
    static const char n_reason[] = "n: expected a whole number from 1 to 50";
    static const struct {
        const char *user_id, *n, *reason;
    } rows[] = {
        {"42", NULL, NULL},
        {"0", "1", NULL},
        {"2147483647", "50", NULL},
        {NULL, "10", "user_id is missing"},
        {"", "10", user_reason},
        {"-1", "10", user_reason},
        {"2147483648", "10", user_reason},
        {"4x", "10", user_reason},
        {" 4", "10", user_reason},
        {"1", "0", n_reason},
        {"1", "51", n_reason},
        {"1", "ten", n_reason},
        {"1", "", n_reason},
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct list_request asked;
        char reason[REQUEST_REASON_SIZE] = "";
        bool good = request_read_list(rows[r].user_id, rows[r].n, &asked, reason);
        cr_expect(good == (rows[r].reason == NULL), "row %d", (int)r);
        cr_expect_str_eq(reason, rows[r].reason != NULL ? rows[r].reason : "", "row %d", (int)r);
    }
}

Test(requests, retraining_takes_a_folder_or_nothing)
{
    static const struct {
        const char *body, *data, *reason;
    } rows[] = {
        {"", "", NULL},
        {"{}", "", NULL},
        {"{\"data\":null}", "", NULL},
        {"{\"data\":\"/a/b\"}", "/a/b", NULL},
        {"{\"data\":\"\"}", "", "data: expected the path of a folder, at most 1023 bytes"},
        {"{\"data\":5}", "", "data: expected the path of a folder, at most 1023 bytes"},
        {"5", "", "body: expected a JSON object"},
        {"{", "", "body: expected valid JSON without repeated keys"},
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct retrain_request asked;
        char reason[REQUEST_REASON_SIZE] = "";
        bool good = request_read_retrain(rows[r].body, strlen(rows[r].body), &asked, reason);
        cr_expect(good == (rows[r].reason == NULL), "%s", rows[r].body);
        cr_expect_str_eq(asked.data, rows[r].data, "%s", rows[r].body);
        cr_expect_str_eq(reason, rows[r].reason != NULL ? rows[r].reason : "", "%s", rows[r].body);
    }
}
