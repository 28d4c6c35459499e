/*
 * What happens to a row that cannot be used: counted, described for the first few, and in strict
 * mode turned into the error that stops the reading. One thread.
 */
#ifndef MOVIELENS_BAD_ROWS_H
#define MOVIELENS_BAD_ROWS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct bad_rows {
    bool strict;
    int reports_left;      /* descriptions still wanted in `faults` */
    struct faults *faults; /* may be NULL */
    struct error *error;   /* filled in strict mode; may be NULL */
    int64_t count;
    int first_line; /* of the first bad row ... */
    char first_reason[256];
};

/* ERR_OK to go on, ERR_INPUT in strict mode. */
enum err bad_rows_add(struct bad_rows *bad, const char *path, int64_t line, const char *format, ...)
    __attribute__((format(printf, 4, 5), warn_unused_result));

/* The error of a file without a good row, naming the first bad one if there was any. */
enum err bad_rows_none_good(const struct bad_rows *bad, const char *path, struct error *error);

#endif
