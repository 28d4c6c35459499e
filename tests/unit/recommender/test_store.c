#include "recommender/store.h"

#include "base/fileio.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
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
