#include "load/target.h"

#include "load/scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool target_list_url(const struct target *target, int32_t user_id, char *out, size_t size)
{
    int len = snprintf(out, size, "%s/recommendations/?user_id=%" PRId32 "&n=%d", target->base_url,
                       user_id, target->list_length);
    return len > 0 && (size_t)len < size;
}

bool target_rating_url(const struct target *target, char *out, size_t size)
{
    int len = snprintf(out, size, "%s/ratings/", target->base_url);
    return len > 0 && (size_t)len < size;
}

size_t target_rating_body(int32_t user_id, int32_t movie_id, uint8_t half_stars,
                          const char *request_id, char *out, size_t size)
{
    int len =
        snprintf(out, size, "{\"user_id\":%" PRId32 ",\"movie_id\":%" PRId32 ",\"rating\":%d.%d",
                 user_id, movie_id, half_stars / 2, half_stars % 2 * 5);
    if (len < 0 || (size_t)len >= size) {
        return 0;
    }
    size_t used = (size_t)len;
    len = request_id[0] == '\0'
              ? snprintf(out + used, size - used, "}")
              : snprintf(out + used, size - used, ",\"request_id\":\"%s\"}", request_id);
    return len > 0 && (size_t)len < size - used ? used + (size_t)len : 0;
}

struct reading { /* what one answer is read into */
    const struct target *target;
    struct step_list *list;
    struct target_sources *sources; /* may be NULL */
    char *request_id;
    size_t request_id_size;
    bool has_list, has_request_id;
};

struct film { /* what is read of one place */
    int64_t movie_id;
    struct scan_text source; /* bytes NULL = none */
    bool has_id, has_source;
};

/* Who proposed a film is a help and no condition: whatever is no string names nobody. */
static bool read_source(struct scan *scan, struct film *film)
{
    if (film->has_source) {
        return scan_fail(scan, "recommender twice");
    }
    film->has_source = true;
    return scan_string_follows(scan) ? scan_string(scan, &film->source) : scan_skip(scan);
}

static bool read_film_id(struct scan *scan, struct film *film)
{
    if (film->has_id) {
        return scan_fail(scan, "movie_id twice");
    }
    film->has_id = scan_integer(scan, &film->movie_id);
    return film->has_id;
}

static bool read_film(struct scan *scan, struct reading *reading)
{
    struct scan_text key;
    struct film film = {0};
    if (!scan_open(scan, '{')) {
        return false;
    }
    while (scan_key(scan, &key)) {
        if (scan_text_is(&key, "movie_id")) {
            read_film_id(scan, &film);
        } else if (scan_text_is(&key, "recommender")) {
            read_source(scan, &film);
        } else {
            scan_skip(scan);
        }
    }
    if (scan->problem == NULL && !film.has_id) {
        return scan_fail(scan, "a recommendation without movie_id");
    }
    struct step_list *list = reading->list;
    if (list->count == POPULATION_LIST_MAX) {
        return scan_fail(scan, "more recommendations than anybody looks at");
    }
    bool in_range = film.movie_id > 0 && film.movie_id <= INT32_MAX;
    if (reading->sources != NULL) {
        reading->sources->place[list->count] = film.source;
    }
    list->item[list->count++] =
        in_range ? catalogue_index(reading->target->catalogue, (int32_t)film.movie_id) : -1;
    return scan->problem == NULL;
}

static bool read_films(struct scan *scan, struct reading *reading)
{
    if (reading->has_list) {
        return scan_fail(scan, "recommendations twice");
    }
    reading->has_list = true;
    if (!scan_open(scan, '[')) {
        return false;
    }
    while (scan_element(scan) && read_film(scan, reading)) {
    }
    return scan->problem == NULL;
}

/* The id is kept as it is spelled, escapes and all, so that it goes back byte for byte. */
static bool read_request_id(struct scan *scan, struct reading *reading)
{
    struct scan_text text;
    if (reading->has_request_id) {
        return scan_fail(scan, "request_id twice");
    }
    reading->has_request_id = true;
    if (scan_null(scan)) {
        return true;
    }
    if (!scan_string(scan, &text)) {
        return false;
    }
    if (text.len >= reading->request_id_size) {
        return scan_fail(scan, "request_id is too long");
    }
    memcpy(reading->request_id, text.bytes, text.len);
    reading->request_id[text.len] = '\0';
    return true;
}

static bool read_answer(struct scan *scan, struct reading *reading)
{
    struct scan_text key;
    if (!scan_open(scan, '{')) {
        return false;
    }
    while (scan_key(scan, &key)) {
        if (scan_text_is(&key, "recommendations")) {
            read_films(scan, reading);
        } else if (scan_text_is(&key, "request_id")) {
            read_request_id(scan, reading);
        } else {
            scan_skip(scan);
        }
    }
    if (scan->problem == NULL && !reading->has_list) {
        return scan_fail(scan, "no recommendations");
    }
    return scan_finish(scan);
}

bool target_explain_list(const struct target *target, const char *body, size_t len,
                         struct step_list *list, struct target_sources *sources, char *request_id,
                         size_t request_id_size, struct target_problem *problem)
{
    struct scan scan = scan_start(body, len);
    struct reading reading = {.target = target,
                              .list = list,
                              .sources = sources,
                              .request_id = request_id,
                              .request_id_size = request_id_size};
    list->count = 0;
    request_id[0] = '\0';
    if (read_answer(&scan, &reading)) {
        return true;
    }
    problem->text = scan.problem;
    problem->offset = (size_t)(scan.at - scan.start);
    list->count = 0;
    request_id[0] = '\0';
    return false;
}

bool target_read_list(const struct target *target, const char *body, size_t len,
                      struct step_list *list, char *request_id, size_t request_id_size)
{
    struct target_problem problem;
    return target_explain_list(target, body, len, list, NULL, request_id, request_id_size,
                               &problem);
}
