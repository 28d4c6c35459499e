/*
 * How the files of a MovieLens edition are named and laid out. The comma-separated ones have header
 * lines, quotes and UTF-8; the older ones are bare fields between separators, without header, in
 * ISO-8859-1 (copies that somebody has converted to UTF-8 are about, too, and are read as well).
 * Constant; any thread.
 */
#ifndef MOVIELENS_LAYOUT_H
#define MOVIELENS_LAYOUT_H

#include "movielens/csv.h"

#include <stdbool.h>
#include <stddef.h>

enum layout_kind { LAYOUT_CSV, LAYOUT_DAT, LAYOUT_U_DATA };

struct layout {
    enum layout_kind kind;
    const char *name; /* for people: "csv (ml-latest-small, 20M, 25M, 32M)" */
    const char *ratings_file, *films_file;
    const char *ratings_separator, *films_separator;
    /* What a row holds, in the words of the edition; of the csv layout this is the header. */
    const char *ratings_fields, *films_fields;
    int films_field_count;
};

/* By enum layout_kind. */
extern const struct layout layout_table[];
#define LAYOUT_COUNT 3

/* The layout whose files the folder holds: both of them, else its ratings, else its films; the
 * first in the table if several do. NULL if no file of any layout is there. */
const struct layout *layout_find(const char *folder);
bool layout_has_ratings(const struct layout *layout, const char *folder);

/* Splits a line of the ratings or films file, as csv_split does. */
int layout_split(const struct layout *layout, const char *separator, struct csv_line *line,
                 struct csv_field *fields, int max, const char **fault);

/* Writes text as UTF-8, of at most 2 * len bytes, to out and returns its length. Text that is
 * UTF-8 stays as it is; what is not is taken for ISO-8859-1. No ISO-8859-1 title of MovieLens is
 * UTF-8 by chance: it would have to hold two accented capitals or signs in a row. */
size_t layout_to_utf8(const char *text, size_t len, char *out);

#endif
