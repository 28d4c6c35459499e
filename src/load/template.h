/*
 * Request paths and bodies with holes, compiled once and written without allocation or printf.
 *
 *   {user} {film} {rating} {n} {timestamp} {request_id} {token} {rank} {folder}
 *
 * `{?request_id} ... {/}` (and `{?rank} ...`) is written only if there is one. A brace that does
 * not begin such a word is text, so JSON needs no escaping. How a hole is written follows from
 * where it stands: percent-encoded in a URL or form, bare inside the quotes of a JSON string, and
 * as a JSON value of its type outside of them. Constant once compiled; any thread may write.
 */
#ifndef LOAD_TEMPLATE_H
#define LOAD_TEMPLATE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum template_hole {
    TEMPLATE_USER,
    TEMPLATE_FILM,
    TEMPLATE_RATING,
    TEMPLATE_N,
    TEMPLATE_TIMESTAMP,
    TEMPLATE_REQUEST_ID,
    TEMPLATE_TOKEN,
    TEMPLATE_RANK,
    TEMPLATE_FOLDER,
    TEMPLATE_HOLES
};
const char *template_hole_name(enum template_hole hole);

enum template_place {               /* what the text is part of */
                      TEMPLATE_URL, /* or a form: holes are percent-encoded */
                      TEMPLATE_JSON,
                      TEMPLATE_PLAIN
};

enum template_time { TEMPLATE_UNIX, TEMPLATE_UNIX_MS, TEMPLATE_ISO8601, TEMPLATE_NO_TIME };

#define TEMPLATE_HALF_STARS 10
#define TEMPLATE_RATING_BYTES 32

struct template_ids { /* how users or films are named */
    bool text;        /* a JSON string, not a number */
    char prefix[32];
};

struct template_rules {
    struct template_ids user, film;
    enum template_time time;
    int list_length;        /* {n} */
    bool request_id_number; /* request ids are JSON numbers, not strings */
    char rating[TEMPLATE_HALF_STARS][TEMPLATE_RATING_BYTES]; /* by half stars - 1, JSON values */
};

struct template_values {
    int32_t user_id, film_id;
    uint8_t half_stars; /* 1 ... 10; 0 if the template has no {rating} */
    int32_t rank;       /* 0 = none */
    int64_t unix_ns;
    uint64_t sequence;
    uint32_t attempt;       /* tells requests of one user and sequence apart */
    const char *request_id; /* as spelled in JSON, at most TEMPLATE_REQUEST_ID_MAX; "" = none */
    const char *folder;     /* at most TEMPLATE_FOLDER_MAX; NULL = none */
};
#define TEMPLATE_REQUEST_ID_MAX 95
#define TEMPLATE_FOLDER_MAX 1023

struct template;

/* `rules` is read here and not kept. ERR_INPUT tells what is wrong with the text. */
enum err template_new(const char *text, enum template_place place,
                      const struct template_rules *rules, struct template **out,
                      struct error *error) __attribute__((warn_unused_result));
void template_free(struct template *template); /* accepts NULL */
bool template_has(const struct template *template, enum template_hole hole);
/* The most bytes it can ever write; `out` of template_write must have as many. */
size_t template_max_bytes(const struct template *template);
/* Returns the bytes written; no NUL follows. */
size_t template_write(const struct template *template, const struct template_values *values,
                      char *out);

#endif
