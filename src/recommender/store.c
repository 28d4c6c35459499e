/*
 * The committer takes the whole queue, writes it in one transaction and only then tells each
 * rating's owner. With write-ahead logging and synchronous=FULL a commit is one write to the log
 * and one fsync. There is no waiting for company: while the disk is busy with one transaction the
 * next gathers by itself, so one lonely rating is committed at once and a thousand a second share.
 *
 * Without a file the same path writes to a temporary database of SQLite's (its name is ""), which
 * lives in the page cache and spills to a nameless file when that is full: one path to test, and
 * memory that is bounded however many people rate.
 *
 * The database handle has one user at a time, by `db_mutex`: the committer for the length of a
 * transaction, and readers for one page of rows, so that a training that reads everything does not
 * hold up those who rate. A second connection for readers was rejected: a temporary database cannot
 * have one, and locking_mode=EXCLUSIVE, which keeps a second service from using the same file,
 * forbids it.
 *
 * A transaction that fails (disk full, I/O error) is rolled back, its ratings are told as lost, and
 * the next one tries anew: the disk may have room again.
 */
#include "recommender/store.h"

#include "base/clock.h"
#include "base/mem.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_TIMEOUT_MS 500

enum { PAGE_ROWS = 4096, BETWEEN_PAGES_NS = 100000 };

struct store {
    pthread_mutex_t db_mutex; /* guards the connection and its statements; never inside `mutex` */
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *rollback, *insert, *page;
    char *path; /* for messages */

    pthread_t committer;
    bool committing;       /* the thread was started */
    pthread_mutex_t mutex; /* guards the fields below */
    pthread_cond_t wake;   /* something was put, or stop */
    struct store_entry *first, **last;
    struct store_account account;
    bool stopping;
};

static enum err failed(const struct store *store, const char *what, struct error *error)
{
    int code = sqlite3_errcode(store->db) & 0xff;
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
        return error_set(error, ERR_IO, store->path, 0,
                         "cannot %s: another process has the rating store open", what);
    }
    return error_set(error, ERR_IO, store->path, 0, "cannot %s: %s", what,
                     sqlite3_errmsg(store->db));
}

/* ---- opening ---- */

static const char durable[] = "PRAGMA locking_mode=EXCLUSIVE;"
                              "PRAGMA journal_mode=WAL;"
                              "PRAGMA synchronous=FULL";
/* There is nothing to survive, only to roll back. */
static const char fleeting[] = "PRAGMA journal_mode=MEMORY;"
                               "PRAGMA synchronous=OFF";
static const char schema[] = "PRAGMA cache_size=-32768;" /* KiB */
                             "BEGIN IMMEDIATE;"          /* takes the lock, for good */
                             "CREATE TABLE IF NOT EXISTS ratings("
                             " user_id INTEGER NOT NULL,"
                             " movie_id INTEGER NOT NULL,"
                             " rating REAL NOT NULL,"
                             " time_s INTEGER NOT NULL,"
                             " request_id TEXT,"
                             " PRIMARY KEY(user_id, movie_id)) WITHOUT ROWID;"
                             "COMMIT";

/* A rating that is there already, under the same id, is left alone, and changes nothing. */
static const char insert_sql[] =
    "INSERT INTO ratings(user_id, movie_id, rating, time_s, request_id) VALUES(?1, ?2, ?3, ?4, ?5)"
    " ON CONFLICT(user_id, movie_id) DO UPDATE SET"
    " rating = excluded.rating, time_s = excluded.time_s, request_id = excluded.request_id"
    " WHERE excluded.request_id = '' OR request_id IS NOT excluded.request_id"
    " OR rating <> excluded.rating";

static const char page_sql[] = "SELECT user_id, movie_id, rating, time_s FROM ratings"
                               " WHERE (user_id, movie_id) > (?1, ?2)"
                               " AND user_id BETWEEN 0 AND 2147483647"
                               " AND movie_id BETWEEN 0 AND 2147483647"
                               " ORDER BY user_id, movie_id LIMIT ?3";

static enum err prepare(struct store *store, const char *mode, struct error *error)
{
    const struct {
        const char *sql;
        sqlite3_stmt **statement;
    } rows[] = {{"BEGIN IMMEDIATE", &store->begin},
                {"COMMIT", &store->commit},
                {"ROLLBACK", &store->rollback},
                {insert_sql, &store->insert},
                {page_sql, &store->page}};
    sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    if (sqlite3_exec(store->db, mode, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(store->db, schema, NULL, NULL, NULL) != SQLITE_OK) {
        return failed(store, "set up the rating store", error);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (sqlite3_prepare_v3(store->db, rows[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
                               rows[i].statement, NULL) != SQLITE_OK) {
            return failed(store, "use the table 'ratings'", error);
        }
    }
    return ERR_OK;
}

static void *commit_thread(void *context);

/* Signals are for the thread that waits for them. */
static enum err start_committer(struct store *store, struct error *error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    store->committing = pthread_create(&store->committer, NULL, commit_thread, store) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return store->committing
               ? ERR_OK
               : error_set(error, ERR_IO, store->path, 0, "cannot start the committing thread");
}

enum err store_open(const char *path, struct store **out, struct error *error)
{
    struct store *store = mem_zalloc(1, sizeof *store);
    enum err code = ERR_OK;
    store->path = mem_text(path != NULL ? path : "(ratings in memory)");
    store->last = &store->first;
    pthread_mutex_init(&store->db_mutex, NULL);
    pthread_mutex_init(&store->mutex, NULL);
    pthread_cond_init(&store->wake, NULL);
    /* Own locking, so SQLite's per-connection mutex would only cost time. */
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path != NULL ? path : "", &store->db, flags, NULL) != SQLITE_OK) {
        code = failed(store, "open the rating store", error);
    }
    code = code != ERR_OK ? code : prepare(store, path != NULL ? durable : fleeting, error);
    code = code != ERR_OK ? code : start_committer(store, error);
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
    if (store->committing) {
        pthread_mutex_lock(&store->mutex);
        store->stopping = true;
        pthread_cond_signal(&store->wake);
        pthread_mutex_unlock(&store->mutex);
        pthread_join(store->committer, NULL);
    }
    sqlite3_finalize(store->begin);
    sqlite3_finalize(store->commit);
    sqlite3_finalize(store->rollback);
    sqlite3_finalize(store->insert);
    sqlite3_finalize(store->page);
    sqlite3_close(store->db);
    pthread_cond_destroy(&store->wake);
    pthread_mutex_destroy(&store->mutex);
    pthread_mutex_destroy(&store->db_mutex);
    mem_free(store->path);
    mem_free(store);
}

/* ---- writing ---- */

static bool run(sqlite3_stmt *statement)
{
    bool good = sqlite3_step(statement) == SQLITE_DONE;
    return sqlite3_reset(statement) == SQLITE_OK && good;
}

static bool write_entry(struct store *store, struct store_entry *entry)
{
    sqlite3_stmt *insert = store->insert;
    const struct posted_rating *rating = &entry->rating;
    bool good = sqlite3_bind_int(insert, 1, rating->user_id) == SQLITE_OK &&
                sqlite3_bind_int(insert, 2, rating->movie_id) == SQLITE_OK &&
                sqlite3_bind_double(insert, 3, 0.5 * rating->half_stars) == SQLITE_OK &&
                sqlite3_bind_int64(insert, 4, rating->time_s) == SQLITE_OK &&
                sqlite3_bind_text(insert, 5, entry->request_id, -1, SQLITE_STATIC) == SQLITE_OK &&
                run(insert);
    entry->repeated = good && sqlite3_changes(store->db) == 0;
    return good;
}

/* One transaction; all or nothing. */
static bool write_batch(struct store *store, struct store_entry *batch)
{
    pthread_mutex_lock(&store->db_mutex);
    bool good = run(store->begin);
    for (struct store_entry *entry = batch; good && entry != NULL; entry = entry->next) {
        good = write_entry(store, entry);
    }
    good = good && run(store->commit);
    if (!good && sqlite3_get_autocommit(store->db) == 0) {
        (void)run(
            store->rollback); /* nothing is left to do if this fails, too: see the next begin */
    }
    pthread_mutex_unlock(&store->db_mutex);
    return good;
}

static void account_batch(struct store *store, const struct store_entry *batch, bool good)
{
    uint64_t count = 0, repeated = 0;
    for (const struct store_entry *entry = batch; entry != NULL; entry = entry->next) {
        count++;
        repeated += entry->repeated;
    }
    pthread_mutex_lock(&store->mutex);
    store->account.waiting -= count;
    *(good ? &store->account.commits : &store->account.failed_commits) += 1;
    *(good ? &store->account.kept : &store->account.lost) += count;
    store->account.repeated += good ? repeated : 0;
    pthread_mutex_unlock(&store->mutex);
}

/* All that is queued, waiting for it; NULL when the store is being closed and nothing is left. */
static struct store_entry *take_batch(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    while (store->first == NULL && !store->stopping) {
        pthread_cond_wait(&store->wake, &store->mutex);
    }
    struct store_entry *batch = store->first;
    store->first = NULL;
    store->last = &store->first;
    pthread_mutex_unlock(&store->mutex);
    return batch;
}

static void *commit_thread(void *context)
{
    struct store *store = context;
    struct store_entry *batch;
    while ((batch = take_batch(store)) != NULL) {
        bool good = write_batch(store, batch);
        account_batch(store, batch, good);
        while (batch != NULL) {
            struct store_entry *next = batch->next;
            batch->done(batch, good ? ERR_OK : ERR_IO);
            batch = next;
        }
    }
    return NULL;
}

bool store_put(struct store *store, struct store_entry *entry)
{
    entry->next = NULL;
    entry->repeated = false;
    pthread_mutex_lock(&store->mutex);
    bool good = store->account.waiting < STORE_QUEUE_MAX && !store->stopping;
    if (good) {
        bool idle = store->first == NULL;
        *store->last = entry;
        store->last = &entry->next;
        store->account.waiting++;
        if (idle) {
            pthread_cond_signal(&store->wake);
        }
    } else {
        store->account.refused++;
    }
    pthread_mutex_unlock(&store->mutex);
    return good;
}

void store_account(struct store *store, struct store_account *out)
{
    pthread_mutex_lock(&store->mutex);
    *out = store->account;
    pthread_mutex_unlock(&store->mutex);
}

struct store_waiter {
    pthread_mutex_t mutex;
    pthread_cond_t told;
    bool done;
    enum err code;
};

static void tell_waiter(struct store_entry *entry, enum err code)
{
    struct store_waiter *waiter = entry->waiter;
    pthread_mutex_lock(&waiter->mutex);
    waiter->done = true;
    waiter->code = code;
    pthread_cond_signal(&waiter->told);
    pthread_mutex_unlock(&waiter->mutex);
}

enum err store_add(struct store *store, struct store_entry *entry, struct error *error)
{
    struct store_waiter waiter = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                                  .told = PTHREAD_COND_INITIALIZER};
    entry->done = tell_waiter;
    entry->waiter = &waiter;
    if (!store_put(store, entry)) {
        return error_set(error, ERR_IO, store->path, 0, "too many ratings are waiting");
    }
    pthread_mutex_lock(&waiter.mutex);
    while (!waiter.done) {
        pthread_cond_wait(&waiter.told, &waiter.mutex);
    }
    pthread_mutex_unlock(&waiter.mutex);
    return waiter.code == ERR_OK
               ? ERR_OK
               : error_set(error, waiter.code, store->path, 0, "cannot keep a rating");
}

/* ---- reading ---- */

static int by_time(const void *left, const void *right)
{
    const struct posted_rating *a = left, *b = right;
    if (a->time_s != b->time_s) {
        return a->time_s < b->time_s ? -1 : 1;
    }
    if (a->user_id != b->user_id) {
        return a->user_id < b->user_id ? -1 : 1;
    }
    return (a->movie_id > b->movie_id) - (a->movie_id < b->movie_id);
}

static struct posted_rating row_of(sqlite3_stmt *page)
{
    double half_stars = 2 * sqlite3_column_double(page, 2);
    return (struct posted_rating){.user_id = sqlite3_column_int(page, 0),
                                  .movie_id = sqlite3_column_int(page, 1),
                                  .half_stars = (uint8_t)fmin(fmax(rint(half_stars), 1), 10),
                                  .time_s = sqlite3_column_int64(page, 3)};
}

/* The rows after `last` into rows, at most PAGE_ROWS of them. */
static enum err read_page(struct store *store, const struct posted_rating *last,
                          struct posted_rating *rows, size_t *count, struct error *error)
{
    enum err code = ERR_OK;
    pthread_mutex_lock(&store->db_mutex);
    sqlite3_bind_int(store->page, 1, last->user_id);
    sqlite3_bind_int(store->page, 2, last->movie_id);
    sqlite3_bind_int(store->page, 3, PAGE_ROWS);
    int step;
    *count = 0;
    while ((step = sqlite3_step(store->page)) == SQLITE_ROW && *count < PAGE_ROWS) {
        rows[(*count)++] = row_of(store->page);
    }
    if (step != SQLITE_DONE) {
        code = failed(store, "read the ratings back", error);
    }
    sqlite3_reset(store->page);
    pthread_mutex_unlock(&store->db_mutex);
    return code;
}

static enum err read_rows(struct store *store, struct posted_rating **rows, size_t *count,
                          struct error *error)
{
    size_t capacity = 0, got = PAGE_ROWS;
    struct posted_rating last = {.user_id = INT32_MIN, .movie_id = INT32_MIN};
    while (got == PAGE_ROWS) {
        if (*count + PAGE_ROWS > capacity) {
            capacity = 2 * capacity + PAGE_ROWS;
            struct posted_rating *larger = mem_try_resize(*rows, capacity * sizeof *larger);
            if (larger == NULL) {
                return error_set(error, ERR_MEMORY, store->path, 0,
                                 "no memory to read the ratings back");
            }
            *rows = larger;
        }
        enum err code = read_page(store, &last, *rows + *count, &got, error);
        if (code != ERR_OK) {
            return code;
        }
        *count += got;
        last = got > 0 ? (*rows)[*count - 1] : last;
        if (got == PAGE_ROWS) { /* a mutex gives no turns: the committer needs time to take it */
            clock_sleep_ns(BETWEEN_PAGES_NS);
        }
    }
    qsort(*rows, *count, sizeof **rows, by_time);
    return ERR_OK;
}

enum err store_read(struct store *store, struct posted_rating **out, size_t *count,
                    struct error *error)
{
    *out = NULL;
    *count = 0;
    enum err code = read_rows(store, out, count, error);
    if (code != ERR_OK) {
        mem_free(*out);
        *out = NULL;
        *count = 0;
    }
    return code;
}
