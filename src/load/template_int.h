/* What compiling (template.c) hands to writing (template_write.c). */
#ifndef LOAD_TEMPLATE_INT_H
#define LOAD_TEMPLATE_INT_H

#include "load/template.h"

#define OPS_MAX 64
#define TEXT_MAX_BYTES 8192
#define INT_BYTES 11
#define TOKEN_BYTES 51 /* 8, 16, 8 and 16 digits, and dashes between them */
#define TIME_BYTES 24  /* "2026-01-01T00:00:00.000Z"; of a number, 20 */

enum op_kind {
    OP_TEXT,
    OP_USER,
    OP_FILM,
    OP_RATING,
    OP_UNIX,
    OP_UNIX_MS,
    OP_ISO8601,
    OP_ID_SPELLED,
    OP_ID_PERCENT,
    OP_TOKEN,
    OP_RANK,
    OP_FOLDER,
    OP_IF_ID, /* without one, `length` operations are passed over */
    OP_IF_RANK
};

struct op {
    enum op_kind kind;
    bool quoted; /* of ratings: as a JSON value, quotes and all */
    uint32_t start, length;
};

struct rating_text {
    char bytes[3 * TEMPLATE_RATING_BYTES];
    size_t len;
};

struct template
{
    enum template_place place;
    int ops;
    struct op op[OPS_MAX];
    char *text;                                        /* of all OP_TEXT */
    struct rating_text rating[TEMPLATE_HALF_STARS][2]; /* [quoted] */
    bool has[TEMPLATE_HOLES];
    size_t max_bytes;
};

/* Each writes at `out` and returns the end of it. */
char *template_put_percent(char *out,
                           char byte); /* one byte of a URL, percent-encoded if need be */
char *template_put_int(char *out, int64_t value);

#endif
