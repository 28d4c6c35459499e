/*
 * The rows of a ratings file, of any layout, one after the other, checked. One thread a reader.
 */
#ifndef MOVIELENS_RATING_ROWS_H
#define MOVIELENS_RATING_ROWS_H

#include "movielens/bad_rows.h"
#include "movielens/csv.h"
#include "movielens/dataset.h"
#include "movielens/layout.h"

/* Of the csv layout. */
#define RATING_ROWS_HEADER "userId,movieId,rating,timestamp"
/* Seconds since 1970 reach to 2106; milliseconds and garbage lie beyond. */
#define RATING_ROWS_TIME_MAX_S UINT32_MAX

struct rating_rows {
    struct csv csv;
    const struct layout *layout;
    struct bad_rows *bad;
    int64_t rows;        /* data rows passed so far, good or bad */
    int64_t line_number; /* of the row given last */
    /* The user read last as the file spells it, with the separator; a mask of 0 stands for none. */
    uint64_t user_word, user_mask;
    size_t user_width;
    int32_t user_id;
    enum err code; /* why rating_rows_next stopped early */
};

/* layout and bad are borrowed. */
enum err rating_rows_open(struct rating_rows *reader, const struct layout *layout, const char *path,
                          struct bad_rows *bad, struct error *error);
/* The next good row; false at the end or when a bad row stops a strict reading. */
bool rating_rows_next(struct rating_rows *reader, struct dataset_row *out);
/* Tells why reading stopped early, ERR_OK if it did not. */
enum err rating_rows_close(struct rating_rows *reader, struct error *error);

#endif
