/* How to talk to a target: where lists come from and ratings go. Constant; any thread may read. */
#ifndef LOAD_TARGET_H
#define LOAD_TARGET_H

#include "load/scan.h"
#include "movielens/catalogue.h"
#include "population/population.h"

#include <stdbool.h>
#include <stddef.h>

struct target {
    char base_url[256]; /* "http://127.0.0.1:8000", no trailing slash */
    int list_length;    /* films asked for, n */
    const struct catalogue *catalogue;
};

/* Writes the URL of a list request; false if it did not fit. */
bool target_list_url(const struct target *target, int32_t user_id, char *out, size_t size);
bool target_rating_url(const struct target *target, char *out, size_t size);
/* Body of a rating; returns its length, 0 if it did not fit. request_id as target_read_list gave
 * it, or "". */
size_t target_rating_body(int32_t user_id, int32_t movie_id, uint8_t half_stars,
                          const char *request_id, char *out, size_t size);
/* Reads a list answer; false if it is not one: not JSON, no array `recommendations` of objects with
 * a whole `movie_id`, more than POPULATION_LIST_MAX of them, one of the keys read given twice, or a
 * request_id longer than the room for it. The order served is the order of the array. request_id is
 * the string as spelled between its quotes, "" if there is none. */
bool target_read_list(const struct target *target, const char *body, size_t len,
                      struct step_list *list, char *request_id, size_t request_id_size);

struct target_problem {
    const char *text; /* static */
    size_t offset;    /* byte of the answer */
};
struct target_sources { /* what each place says proposed it: `recommender`, if that is a string */
    struct scan_text
        place[POPULATION_LIST_MAX]; /* borrowed from the answer; bytes NULL = nothing */
};
/* The same reading; when it fails, *problem tells what was wrong and where. `sources` may be NULL.
 */
bool target_explain_list(const struct target *target, const char *body, size_t len,
                         struct step_list *list, struct target_sources *sources, char *request_id,
                         size_t request_id_size, struct target_problem *problem);

#endif
