/*
 * Comma-separated lines (RFC 4180) read block by block. One difference from the RFC: a record ends
 * at its line's end even inside quotes, because no MovieLens file has line breaks in a field and
 * one lost quote must not swallow the rest of a file. LF and CRLF both end a line; a byte order
 * mark is skipped; bytes are not decoded. One thread a reader.
 */
#ifndef MOVIELENS_CSV_H
#define MOVIELENS_CSV_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CSV_LINE_MAX_BYTES 131072

struct csv {
    int fd;
    const char *path; /* borrowed from csv_open's caller */
    char *block;
    size_t begin, end; /* unread bytes of the block */
    int64_t line_number;
    int read_errno;
    bool drained;
};

struct csv_line {
    char *text; /* borrowed until the next csv_next; not NUL-terminated; may be changed in place */
    size_t len; /* without the line end */
    int64_t number; /* from 1 */
    bool overlong;  /* more than CSV_LINE_MAX_BYTES; text holds only its beginning */
};

struct csv_field {
    const char *text; /* not NUL-terminated */
    size_t len;
};

/* `path` must outlive the reader. ERR_IO if the file cannot be read, ERR_INPUT if it is a folder
 * or a Git LFS pointer in place of the data. */
enum err csv_open(struct csv *csv, const char *path, struct error *error);
/* False at the end or after a read error, which csv_close tells. Empty lines are passed over. */
bool csv_next(struct csv *csv, struct csv_line *line);
enum err csv_close(struct csv *csv, struct error *error);

/* Splits in place (quotes are removed from the text). Returns the number of fields, of which at
 * most `max` are stored, or -1 with a static reason in *fault. */
int csv_split(struct csv_line *line, struct csv_field *fields, int max, const char **fault);
bool csv_field_is(const struct csv_field *field, const char *text);
/* Decimal digits only, at most `max`. False otherwise. */
bool csv_field_number(const struct csv_field *field, uint64_t max, uint64_t *out);
/* The beginning of a field for a message, unprintable bytes as '?'. Returns out. */
const char *csv_field_excerpt(const struct csv_field *field, char *out, size_t size);

/* Reads the first line and demands exactly these comma-separated names. */
enum err csv_expect_header(struct csv *csv, const char *names, struct error *error);

#endif
