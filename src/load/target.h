/*
 * A target: where lists come from and ratings go, and how its requests and answers look. Compiled
 * once from a URL (the bundled interface) or from a target file (docs/TARGETS.md) and constant from
 * then on; any thread may use it. Writing a request and reading an answer allocate nothing.
 */
#ifndef LOAD_TARGET_H
#define LOAD_TARGET_H

#include "base/error.h"
#include "base/yaml.h"
#include "load/scan.h"
#include "load/transport.h"
#include "movielens/catalogue.h"
#include "population/population.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for a request id as spelled in an answer, its NUL included. */
#define TARGET_REQUEST_ID_SIZE 96

enum target_endpoint { TARGET_LIST, TARGET_RATING, TARGET_ENDPOINTS };

struct target;

/* ---- making one ---- */

/* The bundled interface at `url` (scheme://host[:port][/prefix]). The catalogue is borrowed; NULL
 * makes every film an unknown one. list_length: films asked for, 1 ... POPULATION_LIST_MAX. */
enum err target_from_url(const char *url, const struct catalogue *catalogue, int list_length,
                         struct target **out, struct error *error)
    __attribute__((warn_unused_result));
/* A target file. Everything wrong with it goes into `faults`, and then the result is ERR_INPUT. */
enum err target_read(const char *path, const struct catalogue *catalogue, int list_length,
                     struct target **out, struct faults *faults, struct error *error)
    __attribute__((warn_unused_result));

struct target_block { /* a description inside another document, a scenario's `target:` */
    const char *file;
    const struct yaml_lines *lines; /* may be NULL */
    const json_t *value;
    const char *path; /* JSON pointer to the value, e.g. "/target" */
};
enum err target_from_json(const struct target_block *block, const struct catalogue *catalogue,
                          int list_length, struct target **out, struct faults *faults,
                          struct error *error) __attribute__((warn_unused_result));
/* What `--target` takes: a URL if it begins with http:// or https://, else a target file. */
enum err target_open(const char *url_or_file, const struct catalogue *catalogue, int list_length,
                     struct target **out, struct faults *faults, struct error *error)
    __attribute__((warn_unused_result));
bool target_is_url(const char *url_or_file);
void target_free(struct target *target); /* accepts NULL */

/* ---- what it is ---- */

const char *target_name(const struct target *target); /* as the file names it, else its address */
/* Where lists are asked for and ratings sent: scheme://host[:port][/prefix], no trailing slash. */
const char *target_address(const struct target *target, enum target_endpoint endpoint);
int target_list_length(const struct target *target);
const struct catalogue *target_catalogue(const struct target *target); /* may be NULL */
/* The constant parts of its requests, for transport_config; *count of them. Borrowed. */
const struct request_shape *const *target_shapes(const struct target *target, size_t *count);

struct target_has {
    bool ratings;    /* somewhere to send ratings to; without, only lists are asked for */
    bool request_id; /* lists carry an id that goes back with a rating */
    bool sources;    /* lists say what proposed each film */
    bool scores;     /* lists carry a score for each film */
    bool rank;       /* ratings tell the rank of the film */
    bool timestamp;  /* requests need the time of the sending: for it, a {token} or a signature */
    bool retrain;    /* it can be asked to train again, by request or command */
    bool metrics;    /* it exposes metrics for Prometheus */
    bool predicted;  /* ... among them the ratings it expected: predicted_rating_* */
    bool repeats;    /* lists may hold films that the person has rated */
    bool bundled;    /* it speaks the whole bundled interface, /version and /admin included */
};
const struct target_has *target_has(const struct target *target);
/* What the target calls a metric of docs/METRICS.md; NULL if it has none. Bundled: the same name.
 * It may be a selector with labels: `name{label="value"}`. */
const char *target_metric(const struct target *target, const char *ours);
const char *target_metrics_url(const struct target *target); /* NULL without metrics */
/* The same for reports: as the file spells it if something of the environment is in it. */
const char *target_metrics_shown(const struct target *target);
/* Object of our names and the target's, borrowed; NULL if it has none or all under the same names.
 */
const json_t *target_metric_names(const struct target *target);

/* How it is made to train again; all NULL if it cannot. Constant texts. */
struct target_retrain {
    const char *method, *url,
        *headers;               /* a request: whole URL; header lines, each ending in CRLF */
    const char *shown;          /* the URL for reports, as the file spells it */
    const char *body;           /* template with {folder} and {timestamp}; "" = none */
    const char *const *command; /* or a command: words, ended by NULL */
};
/* Where to ask how the training that was requested goes; all NULL = nowhere. Values are spelled as
 * target_training_state does. */
struct target_training {
    const char *url, *shown, *headers;
    const char *at;                          /* JSON pointer into the answer */
    const char *const *done, *const *failed; /* values, each list ended by NULL; may be empty */
};
const struct target_retrain *target_retrain(const struct target *target);
const struct target_training *target_training(const struct target *target);
/* Is the request to retrain taken with this status, is this one of an answer to the other? */
bool target_retrain_accepts(const struct target *target, long status);
bool target_training_accepts(const struct target *target, long status);
/* What such an answer tells, bounded: a text as it is, a number or boolean as in JSON; false if it
 * is no JSON or has nothing of the kind there. Only if there is somewhere to ask. */
bool target_training_state(const struct target *target, const char *answer, size_t len, char *out,
                           size_t size);
/* Writes the body of a retraining request, with {folder} replaced by the MovieLens data to train
 * on, and a NUL; false if it did not fit. */
bool target_retrain_body(const struct target *target, const char *folder, int64_t unix_ns,
                         char *out, size_t size);
/* Writes a word of the command likewise. */
bool target_retrain_word(const char *word, const char *folder, char *out, size_t size);

/* ---- requests ---- */

struct target_request {
    int32_t user_id;
    int64_t unix_ns; /* wall clock of the sending: {timestamp}, and of a signature */
    /* {token} is made of the user, these two, list or rating, and the time: no two requests of a
     * run have the same. */
    uint64_t sequence; /* the user's step */
    int32_t attempt;   /* how often this request was made before */
    /* of ratings: */
    int32_t movie_id;       /* MovieLens id */
    uint8_t half_stars;     /* 1 ... 10 */
    const char *request_id; /* as the list's reading gave it; "" = none */
    int32_t rank;           /* 1-based place of the film in the list; 0 = nobody showed it */
};

/* Fill shape, endpoint (TARGET_LIST = ENGINE_GET), path, header and body of an exchange; false if
 * something did not fit, which was ruled out when the target was made, or there is no such request.
 */
bool target_fill_list(const struct target *target, const struct target_request *request,
                      struct exchange *exchange);
bool target_fill_rating(const struct target *target, const struct target_request *request,
                        struct exchange *exchange);
/* The most ratings one request of the target may carry (`batch`), 1 for most. */
int target_batch(const struct target *target);
/* Several ratings in one request, `count` of them at most target_batch(); returns how many fitted,
 * 0 = not even one. The path is that of the first. */
int target_fill_ratings(const struct target *target, const struct target_request *request,
                        int count, struct exchange *exchange);
/* Whole URL of an exchange that was filled, for reports; false if it was cut. Signed, or with
 * something of the environment in its query, it is without that; with such a thing in its path, it
 * is as the file spells it. */
bool target_exchange_url(const struct target *target, const struct exchange *exchange, char *out,
                         size_t size);

/* ---- answers ---- */

bool target_accepts(const struct target *target, enum target_endpoint endpoint, long status);

struct target_problem {
    const char *text; /* lives as long as the target */
    size_t offset;    /* byte of the answer */
};
struct target_sources { /* as spelled in the answer, borrowed from it; bytes NULL = nothing */
    struct scan_text place[POPULATION_LIST_MAX]; /* what proposed the film, if that is a string */
    struct scan_text score[POPULATION_LIST_MAX]; /* a number */
};
/* Reads a list answer; false if it is not one: not JSON, nothing or no array where the list should
 * be, a place of it without a film's id, more than POPULATION_LIST_MAX places, one of the keys read
 * given twice, or a request id longer than the room for it. The order served is the order of the
 * array. request_id is the string as spelled between its quotes, "" if there is none. When it
 * fails, *problem tells what was wrong and where. `sources` may be NULL. body[len] is NUL, as in a
 * struct buf; body NULL is an empty answer. */
bool target_explain_list(const struct target *target, const char *body, size_t len,
                         struct step_list *list, struct target_sources *sources, char *request_id,
                         size_t request_id_size, struct target_problem *problem);
/* The same without the reason. */
bool target_read_list(const struct target *target, const char *body, size_t len,
                      struct step_list *list, char *request_id, size_t request_id_size);

#endif
