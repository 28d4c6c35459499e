/*
 * The posted ratings, kept in SQLite: one table
 *     ratings(user_id, movie_id, rating, time_s, request_id), one row a person and film,
 * in a file or, without one, in memory (beyond some 32 MiB in a temporary file without a name).
 *
 * One thread, the committer, writes. Whoever has a rating puts it into a queue and is told when it
 * is kept: what has gathered while one transaction was being written goes into the next, so many
 * ratings share one wait for the disk. A rating that is told to be kept survives the death of the
 * process and, in a file, that of the machine.
 */
#ifndef RECOMMENDER_STORE_H
#define RECOMMENDER_STORE_H

#include "base/error.h"
#include "recommender/corpus.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_ID_SIZE 64

struct store;

/* A rating on its way; the caller's memory, which stays until `done` was called. */
struct store_entry {
    struct posted_rating rating;
    char request_id[STORE_ID_SIZE]; /* "" if none */
    bool repeated; /* when done: this very rating (person, film, stars, non-empty id) was there */
    /* Called once, on the committer's thread, entries in the order they were put. code is ERR_OK
     * when the rating is kept; otherwise it is not, and what was there before still is. May free
     * the entry. */
    void (*done)(struct store_entry *entry, enum err code);
    struct store_entry *next; /* the store's, like the other */
    struct store_waiter *waiter;
};

/* path NULL = in memory. A file that is no such store is an error, not overwritten, and so is one
 * that another process has open. */
enum err store_open(const char *path, struct store **out, struct error *error)
    __attribute__((warn_unused_result));
/* Writes what is queued first. Accepts NULL. */
void store_close(struct store *store);

/* Any thread. Rating the same film again replaces the row. False, and nothing is done with it, when
 * STORE_QUEUE_MAX entries are waiting. */
#define STORE_QUEUE_MAX 16384
bool store_put(struct store *store, struct store_entry *entry) __attribute__((warn_unused_result));
/* Puts it and waits until it is kept or not; sets `done` itself. Not on the committer's thread. */
enum err store_add(struct store *store, struct store_entry *entry, struct error *error)
    __attribute__((warn_unused_result));

/* All ratings, in order of time; *out is the caller's (mem_free). Any thread; commits go on
 * meanwhile, and a rating that comes while this reads may be among them or not. */
enum err store_read(struct store *store, struct posted_rating **out, size_t *count,
                    struct error *error) __attribute__((warn_unused_result));

struct store_account {
    uint64_t commits, kept, repeated; /* repeated ones are kept, too */
    uint64_t failed_commits, lost;    /* lost: ratings of those */
    uint64_t refused;                 /* by store_put */
    size_t waiting;                   /* put and not done */
};
void store_account(struct store *store, struct store_account *out); /* any thread */

#endif
