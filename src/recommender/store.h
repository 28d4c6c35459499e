/*
 * The posted ratings, kept in SQLite: one table
 *     ratings(user_id, movie_id, rating, time_s, request_id), one row a person and film,
 * in a file or, without one, in memory. Any thread; calls wait for one another.
 */
#ifndef RECOMMENDER_STORE_H
#define RECOMMENDER_STORE_H

#include "base/error.h"
#include "recommender/corpus.h"

#include <stddef.h>

struct store;

/* path NULL = in memory. A file that is no such store is an error, not overwritten. */
enum err store_open(const char *path, struct store **out, struct error *error)
    __attribute__((warn_unused_result));
void store_close(struct store *store); /* accepts NULL */

/* Rating the same film again replaces the row. request_id may be "". */
enum err store_add(struct store *store, const struct posted_rating *rating, const char *request_id,
                   struct error *error) __attribute__((warn_unused_result));

/* All ratings, in order of time; *out is the caller's (mem_free). */
enum err store_read(struct store *store, struct posted_rating **out, size_t *count,
                    struct error *error) __attribute__((warn_unused_result));

#endif
