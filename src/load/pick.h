/*
 * What is wanted of a list answer, picked out in one pass: a scanner compiled from JSON pointers.
 * It keeps to the whole grammar, also in the parts nobody wants, and allocates nothing. Constant
 * once compiled; any thread may run it.
 */
#ifndef LOAD_PICK_H
#define LOAD_PICK_H

#include "base/error.h"
#include "load/scan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PICK_PLACES_MAX 64

struct pick_plan {     /* JSON pointers; NULL = not wanted */
    const char *films; /* to the array of the list, "" = the answer itself is it */
    /* Within an element of it: the film's id ("" = the element itself), what proposed it, its
     * score. */
    const char *film, *source, *score;
    /* Arrays beside `films`, in the same order; instead of the two above. */
    const char *sources, *scores;
    const char *request_id;
    bool request_id_number;  /* it is a JSON number; else a string */
    bool film_text;          /* ids are JSON strings, not numbers */
    const char *film_prefix; /* of such strings; "" = none */
    int cut;                 /* places after this many are not looked at; 0 = PICK_PLACES_MAX, and
                                more are a fault */
};

struct pick_answer { /* borrowed from the answer */
    int32_t count;
    int32_t film_id[PICK_PLACES_MAX];         /* 0 = no such id can be */
    struct scan_text source[PICK_PLACES_MAX]; /* bytes NULL = none */
    struct scan_text score[PICK_PLACES_MAX];
    struct scan_text request_id; /* a string as spelled between its quotes, or a number */
    size_t request_id_max;       /* set by the caller: longer ones are a fault */
    const char *problem;         /* why it is no list; lives as long as the pick */
    size_t offset;               /* byte of the answer where that was noticed */
};

struct pick;

/* ERR_INPUT if a pointer is none, or two of them cannot both be. */
enum err pick_new(const struct pick_plan *plan, struct pick **out, struct error *error)
    __attribute__((warn_unused_result));
void pick_free(struct pick *pick); /* accepts NULL */
/* False, with out->problem, if it is no such list. text[len] is NUL (as in a struct buf); text NULL
 * is an empty answer. */
bool pick_read(const struct pick *pick, const char *text, size_t len, struct pick_answer *out);

#endif
