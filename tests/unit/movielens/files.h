/* Small data sets written for one test, in a folder of its own that goes with it. */
#ifndef TESTS_FILES_H
#define TESTS_FILES_H

#include "base/fileio.h"
#include "base/text.h"
#include "movielens/dataset.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_RATINGS "userId,movieId,rating,timestamp\n"
#define FILES_FILMS "movieId,title,genres\n"

struct files_folder {
    char path[64];
};

static inline struct files_folder files_folder(void)
{
    struct files_folder folder = {"/tmp/driftdrill-movielens-XXXXXX"};
    cr_assert_not_null(mkdtemp(folder.path));
    return folder;
}

static inline void files_write(const struct files_folder *folder, const char *name,
                               const void *bytes, size_t count)
{
    char path[PATH_MAX];
    cr_assert(text_join_path(path, sizeof path, folder->path, name));
    cr_assert_eq(file_write(path, bytes, count, NULL), ERR_OK, "%s", path);
}

static inline void files_write_text(const struct files_folder *folder, const char *name,
                                    const char *text)
{
    files_write(folder, name, text, strlen(text));
}

static inline void files_remove(const struct files_folder *folder)
{
    cr_expect_eq(file_remove_tree(folder->path, NULL), ERR_OK);
}

/* Loads, and fails the test if that fails. */
static inline void files_load(const char *folder, struct dataset *out)
{
    struct dataset_options options = {.reports_max = 5};
    struct error error = {0};
    enum err code = dataset_load(folder, &options, out, NULL, &error);
    cr_assert_eq(code, ERR_OK, "%s:%d: %s", error.where, error.line, error.text);
}

/* Writes `dataset` and loads it again. */
static inline void files_write_dataset(const struct dataset *dataset, const char *folder)
{
    const struct ratings *r = &dataset->ratings;
    struct dataset_writer *writer = NULL;
    struct error error = {0};
    cr_assert_eq(dataset_writer_open(folder, &writer, &error), ERR_OK, "%s", error.text);
    for (int32_t u = 0; u < r->users; u++) {
        for (int64_t i = r->start[u]; i < r->start[u + 1]; i++) {
            dataset_writer_rate(writer, r->user_id[u], dataset->catalogue.id[r->item[i]],
                                r->half_stars[i], r->time_s[i]);
        }
    }
    cr_assert_eq(dataset_writer_close(writer, &dataset->catalogue, &error), ERR_OK, "%s",
                 error.text);
}

static inline void files_expect_same(const struct dataset *one, const struct dataset *other)
{
    const struct ratings *a = &one->ratings, *b = &other->ratings;
    const struct catalogue *c = &one->catalogue, *d = &other->catalogue;
    cr_assert_eq(a->users, b->users);
    cr_assert_eq(a->items, b->items);
    cr_assert_eq(a->count, b->count);
    cr_assert_eq(c->count, d->count);
    cr_expect_arr_eq(a->user_id, b->user_id, (size_t)a->users * sizeof *a->user_id);
    cr_expect_arr_eq(a->start, b->start, ((size_t)a->users + 1) * sizeof *a->start);
    cr_expect_arr_eq(a->item, b->item, (size_t)a->count * sizeof *a->item);
    cr_expect_arr_eq(a->half_stars, b->half_stars, (size_t)a->count);
    cr_expect_arr_eq(a->time_s, b->time_s, (size_t)a->count * sizeof *a->time_s);
    cr_expect_arr_eq(c->id, d->id, (size_t)c->count * sizeof *c->id);
    cr_expect_arr_eq(c->year, d->year, (size_t)c->count * sizeof *c->year);
    for (int32_t i = 0; i < c->count; i++) {
        cr_assert_str_eq(c->title[i], d->title[i]);
    }
    cr_expect_eq(one->fingerprint, other->fingerprint);
}

#endif
