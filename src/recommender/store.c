/*
 * One connection with prepared statements, behind one mutex: SQLite lets one writer in at a time
 * anyway, and an insertion is short. Write-ahead logging with synchronous=NORMAL waits for no disk
 * on an insertion: a crash of the machine may lose the last ratings, but not the file.
 */
#include "recommender/store.h"

#include "base/mem.h"

#include <math.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>

#define BUSY_TIMEOUT_MS 2000

struct store {
    pthread_mutex_t mutex; /* guards the connection and its statements */
    sqlite3 *db;
    sqlite3_stmt *insert, *select;
    char *path; /* for messages */
};

static enum err failed(const struct store *store, const char *what, struct error *error)
{
    return error_set(error, ERR_IO, store->path, 0, "cannot %s: %s", what,
                     sqlite3_errmsg(store->db));
}

static const char schema[] = "PRAGMA journal_mode=WAL;"
                             "PRAGMA synchronous=NORMAL;"
                             "CREATE TABLE IF NOT EXISTS ratings("
                             " user_id INTEGER NOT NULL,"
                             " movie_id INTEGER NOT NULL,"
                             " rating REAL NOT NULL,"
                             " time_s INTEGER NOT NULL,"
                             " request_id TEXT,"
                             " PRIMARY KEY(user_id, movie_id)) WITHOUT ROWID";

static const char insert_sql[] =
    "INSERT INTO ratings(user_id, movie_id, rating, time_s, request_id) VALUES(?1, ?2, ?3, ?4, ?5)"
    " ON CONFLICT(user_id, movie_id) DO UPDATE SET"
    " rating = excluded.rating, time_s = excluded.time_s, request_id = excluded.request_id";

static const char select_sql[] =
    "SELECT user_id, movie_id, rating, time_s FROM ratings ORDER BY time_s, user_id, movie_id";

static enum err prepare(struct store *store, struct error *error)
{
    sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    if (sqlite3_exec(store->db, schema, NULL, NULL, NULL) != SQLITE_OK) {
        return failed(store, "set up the rating store", error);
    }
    if (sqlite3_prepare_v2(store->db, insert_sql, -1, &store->insert, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(store->db, select_sql, -1, &store->select, NULL) != SQLITE_OK) {
        return failed(store, "use the table 'ratings'", error);
    }
    return ERR_OK;
}

enum err store_open(const char *path, struct store **out, struct error *error)
{
    struct store *store = mem_zalloc(1, sizeof *store);
    enum err code = ERR_OK;
    store->path = mem_text(path != NULL ? path : "(ratings in memory)");
    pthread_mutex_init(&store->mutex, NULL);
    /* Own locking, so SQLite's per-connection mutex would only cost time. */
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path != NULL ? path : ":memory:", &store->db, flags, NULL) != SQLITE_OK) {
        code = failed(store, "open the rating store", error);
    }
    code = code != ERR_OK ? code : prepare(store, error);
    if (code != ERR_OK) {
        store_close(store);
        return code;
    }
    *out = store;
    return ERR_OK;
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    sqlite3_finalize(store->insert);
    sqlite3_finalize(store->select);
    sqlite3_close(store->db);
    pthread_mutex_destroy(&store->mutex);
    mem_free(store->path);
    mem_free(store);
}

enum err store_add(struct store *store, const struct posted_rating *rating, const char *request_id,
                   struct error *error)
{
    enum err code = ERR_OK;
    pthread_mutex_lock(&store->mutex);
    sqlite3_stmt *insert = store->insert;
    bool bound = sqlite3_bind_int(insert, 1, rating->user_id) == SQLITE_OK &&
                 sqlite3_bind_int(insert, 2, rating->movie_id) == SQLITE_OK &&
                 sqlite3_bind_double(insert, 3, 0.5 * rating->half_stars) == SQLITE_OK &&
                 sqlite3_bind_int64(insert, 4, rating->time_s) == SQLITE_OK &&
                 sqlite3_bind_text(insert, 5, request_id, -1, SQLITE_STATIC) == SQLITE_OK;
    if (!bound || sqlite3_step(insert) != SQLITE_DONE) {
        code = failed(store, "keep a rating", error);
    }
    sqlite3_reset(insert);
    sqlite3_clear_bindings(insert);
    pthread_mutex_unlock(&store->mutex);
    return code;
}

static enum err read_rows(struct store *store, struct posted_rating **rows, size_t *count,
                          struct error *error)
{
    size_t capacity = 0;
    int step;
    while ((step = sqlite3_step(store->select)) == SQLITE_ROW) {
        if (*count == capacity) {
            capacity = capacity > 0 ? 2 * capacity : 1024;
            struct posted_rating *larger = mem_try_resize(*rows, capacity * sizeof *larger);
            if (larger == NULL) {
                return error_set(error, ERR_MEMORY, store->path, 0,
                                 "no memory to read the ratings back");
            }
            *rows = larger;
        }
        double half_stars = 2 * sqlite3_column_double(store->select, 2);
        (*rows)[(*count)++] =
            (struct posted_rating){.user_id = sqlite3_column_int(store->select, 0),
                                   .movie_id = sqlite3_column_int(store->select, 1),
                                   .half_stars = (uint8_t)fmin(fmax(rint(half_stars), 1), 10),
                                   .time_s = sqlite3_column_int64(store->select, 3)};
    }
    return step == SQLITE_DONE ? ERR_OK : failed(store, "read the ratings back", error);
}

enum err store_read(struct store *store, struct posted_rating **out, size_t *count,
                    struct error *error)
{
    *out = NULL;
    *count = 0;
    pthread_mutex_lock(&store->mutex);
    enum err code = read_rows(store, out, count, error);
    sqlite3_reset(store->select);
    pthread_mutex_unlock(&store->mutex);
    if (code != ERR_OK) {
        mem_free(*out);
        *out = NULL;
        *count = 0;
    }
    return code;
}
