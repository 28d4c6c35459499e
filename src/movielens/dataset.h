/*
 * Loading a MovieLens folder of any layout (layout.h: ratings.csv and movies.csv, and tags.csv if
 * there is one; ratings.dat and movies.dat of ml-1m; u.data and u.item of ml-100k) with every
 * quirk: CRLF or LF, quoted titles with doubled quotes, ISO-8859-1, sparse ids, missing genres,
 * rows in any order, a missing final newline. Rows are streamed; no row object is kept.
 */
#ifndef MOVIELENS_DATASET_H
#define MOVIELENS_DATASET_H

#include "base/error.h"
#include "base/parallel.h"
#include "movielens/catalogue.h"
#include "movielens/layout.h"
#include "movielens/ratings.h"
#include "movielens/tags.h"

#include <stdbool.h>
#include <stdint.h>

struct dataset_options {
    bool strict;     /* the first bad row is an error; else bad rows are counted */
    int reports_max; /* bad rows described in `faults`; further ones only counted */
};

struct dataset {
    const struct layout *layout; /* of the folder; NULL for data that come from no file */
    struct catalogue catalogue;
    struct ratings ratings;
    struct tags tags;        /* of tags.csv, if the folder has one */
    int64_t bad_rows;        /* of all files */
    int64_t bad_rating_rows; /* of the ratings file alone */
    int64_t duplicate_rows;  /* a repeated (user, film): the last one in the file stays */
    int64_t unknown_films;   /* ratings of films that the films file lacks (counted as bad) */
    /* Content hash over films (id, genres) and ratings; independent of row order, line ends and
     * quoting, so that two copies of the same data agree. */
    uint64_t fingerprint;
};

/* *out is zeroed first; on success the caller owns it (dataset_deinit). Bad rows go to `faults`
 * (may be NULL) as file, line, reason. A file with no good row is ERR_INPUT. */
enum err dataset_load(const char *folder, const struct dataset_options *options,
                      struct dataset *out, struct faults *faults, struct error *error);
void dataset_deinit(struct dataset *dataset);

/* One rating row as it stands in the file; row counts data rows from 0 in file order. */
struct dataset_row {
    int64_t row;
    int32_t user_id, movie_id;
    uint8_t half_stars;
    int64_t time_s;
};
/* Streams ratings.csv without building anything; return false from `each` to stop. */
typedef bool dataset_each(void *context, const struct dataset_row *row);
enum err dataset_scan_ratings(const char *path, dataset_each *each, void *context,
                              struct faults *faults, struct error *error);

/* Where the people's data come from, in order: `wanted` (--data, may be NULL), $MOVIELENS_DIR,
 * data/ml-latest-small below the working folder, then below `home` (may be NULL). False when none
 * has ratings; then the built-in synthetic data are used. `wanted` or the variable naming a folder
 * without ratings of any layout is an error, not a fall-through. */
enum err dataset_find(const char *wanted, const char *home, char *out, size_t size, bool *found,
                      struct error *error);

/* Writing MovieLens layout. `dataset_writer_rate` buffers; close reports the first failure. */
struct dataset_writer;
enum err dataset_writer_open(const char *folder, struct dataset_writer **out, struct error *error);
void dataset_writer_rate(struct dataset_writer *writer, int32_t user_id, int32_t movie_id,
                         uint8_t half_stars, int64_t time_s);
enum err dataset_writer_close(struct dataset_writer *writer, const struct catalogue *catalogue,
                              struct error *error);

#endif
