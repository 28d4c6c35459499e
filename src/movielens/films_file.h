/* Reading the films file of any layout. One thread a call. */
#ifndef MOVIELENS_FILMS_FILE_H
#define MOVIELENS_FILMS_FILE_H

#include "movielens/bad_rows.h"
#include "movielens/catalogue.h"
#include "movielens/layout.h"

#define FILMS_FILE_HEADER "movieId,title,genres"
#define FILMS_FILE_NO_GENRES "(no genres listed)"

/* *out is the caller's on success (catalogue_deinit). A file without a good row is ERR_INPUT.
 * Titles of the older layouts come out in UTF-8; those of the csv layout are left as they are. The
 * genre "unknown" of ml-100k is none, as "(no genres listed)" is. */
enum err films_file_read(const struct layout *layout, const char *path, struct bad_rows *bad,
                         struct catalogue *out, struct error *error);

/* The release year a title ends with, 0 if it has none: "(1995)", also with text or blanks behind
 * it; of a range "(2006-2007)" the first. */
int16_t films_file_year(const char *title, size_t len);

#endif
