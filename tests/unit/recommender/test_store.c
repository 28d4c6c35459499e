#include "recommender/store.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct posted_rating row(int32_t user, int32_t movie, uint8_t half_stars, int64_t time_s)
{
    return (struct posted_rating){user, movie, half_stars, time_s};
}

static void add(struct store *store, struct posted_rating rating, const char *request_id)
{
    struct error error = {0};
    struct store_entry entry = {.rating = rating};
    (void)snprintf(entry.request_id, sizeof entry.request_id, "%s", request_id);
    cr_assert(store_add(store, &entry, &error) == ERR_OK, "%s", error.text);
}

static struct store *open_store(const char *path)
{
    struct store *store = NULL;
    struct error error = {0};
    cr_assert(store_open(path, &store, &error) == ERR_OK, "%s", error.text);
    return store;
}

static void expect_two(struct store *store)
{
    struct posted_rating *rows = NULL;
    size_t count = 0;
    cr_assert(store_read(store, &rows, &count, NULL) == ERR_OK);
    cr_assert(count == 2);
    cr_expect(rows[0].user_id == 2 && rows[0].time_s == 150 && rows[0].half_stars == 1);
    cr_expect(rows[1].user_id == 1 && rows[1].time_s == 200 && rows[1].half_stars == 9);
    mem_free(rows);
}

Test(store, ratings_come_back_in_order_of_time_each_film_once)
{
    struct store *store = open_store(NULL);
    add(store, row(1, 10, 7, 100), "a");
    add(store, row(2, 10, 1, 150), "");
    add(store, row(1, 10, 9, 200), "b");
    expect_two(store);
    store_close(store);
}

Test(store, a_file_keeps_them)
{
    char folder[] = "/tmp/store-test-XXXXXX", path[64];
    cr_assert(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof path, "%s/ratings.db", folder);
    struct store *store = open_store(path);
    add(store, row(1, 10, 9, 200), "b");
    add(store, row(2, 10, 1, 150), "");
    store_close(store);
    store = open_store(path);
    expect_two(store);
    store_close(store);
    cr_expect(file_remove_tree(folder, NULL) == ERR_OK);
}

Test(store, a_file_that_is_no_store_is_refused_and_left_alone)
{
    char folder[] = "/tmp/store-test-XXXXXX", path[64];
    static const char text[] = "this is no database, but it is long enough to look at closely\n";
    cr_assert(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof path, "%s/notes.txt", folder);
    cr_assert(file_write(path, text, sizeof text - 1, NULL) == ERR_OK);
    struct store *store = NULL;
    struct error error = {0};
    cr_expect(store_open(path, &store, &error) == ERR_IO);
    cr_expect(store == NULL);
    cr_expect_str_eq(error.where, path);
    cr_expect_str_eq(error.text, "cannot set up the rating store: file is not a database");
    struct buf after;
    buf_init(&after, 4096);
    cr_assert(file_read(path, &after, NULL) == ERR_OK);
    cr_expect_str_eq(after.data, text);
    buf_deinit(&after);
    cr_expect(file_remove_tree(folder, NULL) == ERR_OK);
}

Test(store, a_folder_that_is_absent_is_an_error)
{
    struct store *store = NULL;
    struct error error = {0};
    cr_expect(store_open("/nonexistent/ratings.db", &store, &error) == ERR_IO);
    cr_expect_str_eq(error.text, "cannot open the rating store: unable to open database file");
}

Test(store, a_file_that_another_process_has_open_is_refused)
{
    char folder[] = "/tmp/store-test-XXXXXX", path[64];
    cr_assert(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof path, "%s/ratings.db", folder);
    struct store *store = open_store(path);
    add(store, row(1, 10, 9, 200), "b");
    pid_t child = fork(); /* has no thread, but the lock is the parent's */
    if (child == 0) {
        struct store *second = NULL;
        struct error error = {0};
        enum err code = store_open(path, &second, &error);
        bool good = code == ERR_IO && strstr(error.text, "another process has") != NULL;
        if (!good) {
            (void)fprintf(stderr, "second process: %d %s\n", code, error.text);
        }
        _exit(good ? 0 : 1);
    }
    int status = -1;
    cr_assert(waitpid(child, &status, 0) == child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    add(store, row(2, 10, 1, 150), "");
    expect_two(store);
    store_close(store);
    cr_expect(file_remove_tree(folder, NULL) == ERR_OK);
}

Test(store, a_second_try_is_told_from_a_new_rating)
{
    static const struct {
        const char *what, *request_id;
        uint8_t half_stars;
        bool repeated;
    } rows[] = {
        {"the first", "a", 7, false},          {"the same again", "a", 7, true},
        {"other stars", "a", 8, false},        {"the first stars again", "a", 7, false},
        {"another list", "b", 7, false},       {"without an id", "", 7, false},
        {"again without an id", "", 7, false},
    };
    struct store *store = open_store(NULL);
    struct store_account account;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct store_entry entry = {.rating = row(1, 10, rows[r].half_stars, 100 + (int64_t)r)};
        (void)snprintf(entry.request_id, sizeof entry.request_id, "%s", rows[r].request_id);
        cr_assert(store_add(store, &entry, NULL) == ERR_OK);
        cr_expect(entry.repeated == rows[r].repeated, "%s", rows[r].what);
    }
    store_account(store, &account);
    cr_expect(account.kept == 7 && account.repeated == 1 && account.waiting == 0);
    store_close(store);
}

enum { WRITERS = 4, EACH = 500, FILMS_EACH = 50 };

struct writer {
    struct store *store;
    int32_t user_id;
    struct store_entry entries[EACH];
    atomic_int done;
    int told[EACH]; /* order in which it was told */
    pthread_t thread;
};

static struct writer *writer_of(struct store_entry *entry)
{
    struct writer *writer;
    memcpy(&writer, entry->request_id + STORE_ID_SIZE - sizeof(writer), sizeof(writer));
    return writer;
}

static void note_done(struct store_entry *entry, enum err code)
{
    struct writer *writer = writer_of(entry);
    int order = atomic_fetch_add(&writer->done, code == ERR_OK ? 1 : EACH);
    writer->told[order % EACH] = (int)(entry - writer->entries);
}

static void *put_many(void *context)
{
    struct writer *writer = context;
    for (int i = 0; i < EACH; i++) {
        struct store_entry *entry = &writer->entries[i];
        *entry = (struct store_entry){
            .rating = row(writer->user_id, i % FILMS_EACH, (uint8_t)(1 + i / FILMS_EACH), i),
            .done = note_done};
        memcpy(entry->request_id + STORE_ID_SIZE - sizeof(writer), &writer, sizeof(writer));
        cr_assert(store_put(writer->store, entry));
    }
    return NULL;
}

Test(store, many_writers_are_told_in_order_and_close_waits_for_all)
{
    static struct writer writers[WRITERS];
    char folder[] = "/tmp/store-test-XXXXXX", path[64];
    struct posted_rating *rows = NULL;
    size_t count = 0;
    cr_assert(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof path, "%s/ratings.db", folder);
    struct store *store = open_store(path);
    for (int w = 0; w < WRITERS; w++) {
        writers[w].store = store;
        writers[w].user_id = w + 1;
        cr_assert(pthread_create(&writers[w].thread, NULL, put_many, &writers[w]) == 0);
    }
    cr_assert(store_read(store, &rows, &count, NULL) == ERR_OK, "while others write");
    mem_free(rows);
    for (int w = 0; w < WRITERS; w++) {
        pthread_join(writers[w].thread, NULL);
    }
    store_close(store);
    for (int w = 0; w < WRITERS; w++) {
        cr_expect(atomic_load(&writers[w].done) == EACH);
        for (int i = 0; i < EACH; i++) {
            cr_assert(writers[w].told[i] == i, "writer %d, %dth told: %d", w, i,
                      writers[w].told[i]);
        }
    }
    store = open_store(path);
    cr_assert(store_read(store, &rows, &count, NULL) == ERR_OK);
    cr_expect(count == WRITERS * FILMS_EACH);
    for (size_t r = 0; r < count; r++) { /* the last one of each film */
        cr_expect(rows[r].half_stars == EACH / FILMS_EACH);
    }
    mem_free(rows);
    store_close(store);
    cr_expect(file_remove_tree(folder, NULL) == ERR_OK);
}

/* Rates until the disk, cut off at some size, is full; returns how many were kept before. */
static int32_t fill(struct store *store, const struct rlimit *limit)
{
    struct rlimit small = {.rlim_cur = 200000, .rlim_max = limit->rlim_max};
    int32_t kept = 0;
    enum err code = ERR_OK;
    cr_assert(setrlimit(RLIMIT_FSIZE, &small) == 0);
    while (code == ERR_OK && kept < 100000) {
        struct store_entry entry = {.rating = row(kept, 10, 7, 100)};
        code = store_add(store, &entry, NULL);
        kept += code == ERR_OK;
    }
    cr_expect(code == ERR_IO, "after %d", kept);
    return kept;
}

Test(store, a_full_disk_loses_what_was_refused_only_and_ends)
{
    char folder[] = "/tmp/store-test-XXXXXX", path[64];
    struct store_account account;
    struct posted_rating *rows = NULL;
    struct rlimit limit;
    size_t count = 0;
    cr_assert(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof path, "%s/ratings.db", folder);
    (void)signal(SIGXFSZ, SIG_IGN);
    cr_assert(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    struct store *store = open_store(path);
    int32_t kept = fill(store, &limit);
    struct store_entry refused = {.rating = row(-1, 1, 1, 1)};
    cr_expect(store_add(store, &refused, NULL) == ERR_IO, "still full");
    cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    add(store, row(1000000, 10, 7, 100), ""); /* there is room again */
    store_account(store, &account);
    cr_expect(account.failed_commits == 2 && account.lost == 2);
    cr_expect(account.kept == (uint64_t)kept + 1);
    store_close(store);
    store = open_store(path);
    cr_assert(store_read(store, &rows, &count, NULL) == ERR_OK);
    cr_expect(count == (size_t)kept + 1, "%zu of %d", count, kept + 1);
    mem_free(rows);
    store_close(store);
    cr_expect(file_remove_tree(folder, NULL) == ERR_OK);
}

static void ignore_done(struct store_entry *entry, enum err code)
{
    (void)entry;
    (void)code;
}

static atomic_bool *gate_of(const struct store_entry *entry)
{
    atomic_bool *gate;
    memcpy(&gate, entry->request_id + STORE_ID_SIZE - sizeof(gate), sizeof(gate));
    return gate;
}

/* Keeps the committer until the gate is opened. */
static void wait_at_gate(struct store_entry *entry, enum err code)
{
    (void)code;
    atomic_bool *gate = gate_of(entry);
    while (!atomic_load(gate)) {
        clock_sleep_ns(CLOCK_NS_PER_MS);
    }
}

Test(store, a_full_queue_turns_away)
{
    static struct store_entry entries[STORE_QUEUE_MAX + 1];
    atomic_bool open = false, *gate = &open;
    struct store_entry first = {.rating = row(1, 1, 5, 1), .done = wait_at_gate};
    struct store_account account;
    memcpy(first.request_id + STORE_ID_SIZE - sizeof(gate), &gate, sizeof(gate));
    struct store *store = open_store(NULL);
    cr_assert(store_put(store, &first));
    do {
        store_account(store, &account);
    } while (account.commits == 0);
    for (int i = 0; i <= STORE_QUEUE_MAX; i++) {
        entries[i] = (struct store_entry){.rating = row(i, 1, 5, 1), .done = ignore_done};
        cr_assert(store_put(store, &entries[i]) == (i < STORE_QUEUE_MAX), "%d", i);
    }
    store_account(store, &account);
    cr_expect(account.refused == 1 && account.waiting == STORE_QUEUE_MAX);
    atomic_store(&open, true);
    store_close(store);
}
