#include "recommender/requests.h"

#include "base/text.h"
#include "recommender/recommend.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

static bool refuse(char reason[REQUEST_REASON_SIZE], const char *text)
{
    text_copy(reason, REQUEST_REASON_SIZE, text);
    return false;
}

bool request_read_list(const char *user_id, const char *n, struct list_request *out,
                       char reason[REQUEST_REASON_SIZE])
{
    int64_t user = 0, length = REQUEST_LENGTH_DEFAULT;
    if (user_id == NULL) {
        return refuse(reason, "user_id is missing");
    }
    if (!text_to_i64(user_id, &user) || user < 0 || user > INT32_MAX) {
        return refuse(reason, "user_id: expected a whole number from 0 to 2147483647");
    }
    if (n != NULL && (!text_to_i64(n, &length) || length < 1 || length > RECOMMEND_LENGTH_MAX)) {
        return refuse(reason, "n: expected a whole number from 1 to 50");
    }
    *out = (struct list_request){.user_id = (int32_t)user, .n = (int)length};
    return true;
}

/* The object in a body, a new reference; NULL after refusing. */
static json_t *read_object(const char *body, size_t len, char reason[REQUEST_REASON_SIZE])
{
    json_t *value = json_loadb(body, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    if (json_is_object(value)) {
        return value;
    }
    refuse(reason, value == NULL ? "body: expected valid JSON without repeated keys"
                                 : "body: expected a JSON object");
    json_decref(value);
    return NULL;
}

static bool read_id(const json_t *object, const char *key, int32_t *out)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value)) {
        return false;
    }
    json_int_t id = json_integer_value(value);
    if (id < 0 || id > INT32_MAX) {
        return false;
    }
    *out = (int32_t)id;
    return true;
}

static bool read_half_stars(const json_t *object, uint8_t *out)
{
    const json_t *value = json_object_get(object, "rating");
    if (!json_is_number(value)) {
        return false;
    }
    double half_stars = 2 * json_number_value(value);
    if (!(half_stars >= 1 && half_stars <= 10) || half_stars != rint(half_stars)) {
        return false;
    }
    *out = (uint8_t)half_stars;
    return true;
}

static bool read_request_id(const json_t *object, struct rating_request *out)
{
    const json_t *value = json_object_get(object, "request_id");
    out->request_id[0] = '\0';
    if (value == NULL || json_is_null(value)) {
        return true;
    }
    return json_is_string(value) && json_string_length(value) == strlen(json_string_value(value)) &&
           text_copy(out->request_id, sizeof out->request_id, json_string_value(value));
}

bool request_read_rating(const char *body, size_t len, struct rating_request *out,
                         char reason[REQUEST_REASON_SIZE])
{
    json_t *object = read_object(body, len, reason);
    if (object == NULL) {
        return false;
    }
    bool good = true;
    if (!read_id(object, "user_id", &out->user_id)) {
        good = refuse(reason, "user_id: expected a whole number from 0 to 2147483647");
    } else if (!read_id(object, "movie_id", &out->movie_id)) {
        good = refuse(reason, "movie_id: expected a whole number from 0 to 2147483647");
    } else if (!read_half_stars(object, &out->half_stars)) {
        good = refuse(reason, "rating: expected a number from 0.5 to 5 in steps of 0.5");
    } else if (!read_request_id(object, out)) {
        good = refuse(reason, "request_id: expected a text of at most 63 bytes");
    }
    json_decref(object);
    return good;
}

bool request_read_retrain(const char *body, size_t len, struct retrain_request *out,
                          char reason[REQUEST_REASON_SIZE])
{
    out->data[0] = '\0';
    if (len == 0) {
        return true;
    }
    json_t *object = read_object(body, len, reason);
    if (object == NULL) {
        return false;
    }
    const json_t *data = json_object_get(object, "data");
    bool good = data == NULL || json_is_null(data);
    if (!good) {
        good = json_is_string(data) && json_string_length(data) > 0 &&
               json_string_length(data) == strlen(json_string_value(data)) &&
               text_copy(out->data, sizeof out->data, json_string_value(data));
        if (!good) {
            refuse(reason, "data: expected the path of a folder, at most 1023 bytes");
        }
    }
    json_decref(object);
    return good;
}
