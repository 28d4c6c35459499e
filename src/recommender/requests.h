/*
 * What clients send, checked. Each reader fills *out and returns true, or writes what was expected
 * into `reason` (fixed text, no input echoed) and returns false. Pure; any thread.
 */
#ifndef RECOMMENDER_REQUESTS_H
#define RECOMMENDER_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQUEST_REASON_SIZE 128
#define REQUEST_LENGTH_DEFAULT 10 /* films in a list if n is not given */

struct list_request {
    int32_t user_id; /* >= 0 */
    int n;           /* 1 to RECOMMEND_LENGTH_MAX */
};

/* The two query values, NULL if absent; n defaults to 10. */
bool request_read_list(const char *user_id, const char *n, struct list_request *out,
                       char reason[REQUEST_REASON_SIZE]);

struct rating_request {
    int32_t user_id, movie_id;
    uint8_t half_stars;  /* 1 to 10 */
    char request_id[64]; /* "" if none was sent */
};

/* The body of POST /ratings/: {"user_id":1,"movie_id":2,"rating":3.5[,"request_id":"..."]}. */
bool request_read_rating(const char *body, size_t len, struct rating_request *out,
                         char reason[REQUEST_REASON_SIZE]);

struct retrain_request {
    char data[1024]; /* folder, "" if none was sent */
};

/* The body of POST /admin/retrain: empty, {} or {"data":"DIR"}. */
bool request_read_retrain(const char *body, size_t len, struct retrain_request *out,
                          char reason[REQUEST_REASON_SIZE]);

#endif
