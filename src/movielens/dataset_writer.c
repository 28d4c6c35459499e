/*
 * ratings.csv is written row by row beside its final name; movies.csv follows at close. Only when
 * both are complete are they renamed, so that a reader never meets half a data set. The first
 * failure is remembered and told by close, which keeps the loop that rates free of error paths.
 */
#include "base/fileio.h"
#include "base/mem.h"
#include "base/text.h"
#include "movielens/dataset.h"
#include "movielens/films_file.h"
#include "movielens/rating_rows.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define FLUSH_BYTES ((size_t)256 * 1024)
#define ROW_MAX_BYTES 64

struct dataset_writer {
    char ratings_path[PATH_MAX], films_path[PATH_MAX], partial_path[PATH_MAX];
    FILE *file;
    char *rows;
    size_t len;
    struct error error; /* the first failure */
};

static void fail(struct dataset_writer *writer, int errno_value)
{
    char reason[64];
    (void)error_set(&writer->error, ERR_IO, writer->partial_path, 0, "writing failed: %s",
                    err_errno_text(errno_value, reason, sizeof reason));
}

static void flush(struct dataset_writer *writer)
{
    if (writer->error.code == ERR_OK &&
        fwrite(writer->rows, 1, writer->len, writer->file) != writer->len) {
        fail(writer, errno);
    }
    writer->len = 0;
}

enum err dataset_writer_open(const char *folder, struct dataset_writer **out, struct error *error)
{
    char reason[64];
    *out = NULL;
    enum err code = file_make_folders(folder, error);
    if (code != ERR_OK) {
        return code;
    }
    struct dataset_writer *writer = mem_zalloc(1, sizeof *writer);
    if (!text_join_path(writer->ratings_path, PATH_MAX, folder, "ratings.csv") ||
        !text_join_path(writer->films_path, PATH_MAX, folder, "movies.csv") ||
        !text_join_path(writer->partial_path, PATH_MAX, folder, "ratings.csv.partial")) {
        mem_free(writer);
        return error_set(error, ERR_IO, folder, 0, "the path is too long");
    }
    writer->file = fopen(writer->partial_path, "we");
    if (writer->file == NULL) {
        code = error_set(error, ERR_IO, writer->partial_path, 0, "%s",
                         err_errno_text(errno, reason, sizeof reason));
        mem_free(writer);
        return code;
    }
    /* Rows are collected here already. */
    setvbuf(writer->file, NULL, _IONBF, 0);
    writer->rows = mem_alloc(FLUSH_BYTES);
    writer->len = sizeof RATING_ROWS_HEADER;
    memcpy(writer->rows, RATING_ROWS_HEADER "\n", writer->len);
    *out = writer;
    return ERR_OK;
}

static char *put_number(char *at, uint64_t value)
{
    char digits[20];
    int count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (count > 0) {
        *at++ = digits[--count];
    }
    return at;
}

void dataset_writer_rate(struct dataset_writer *writer, int32_t user_id, int32_t movie_id,
                         uint8_t half_stars, int64_t time_s)
{
    assert(user_id > 0 && movie_id > 0 && half_stars >= 1 && half_stars <= 10 && time_s >= 0);
    if (FLUSH_BYTES - writer->len < ROW_MAX_BYTES) {
        flush(writer);
    }
    char *at = writer->rows + writer->len;
    at = put_number(at, (uint64_t)user_id);
    *at++ = ',';
    at = put_number(at, (uint64_t)movie_id);
    *at++ = ',';
    *at++ = (char)('0' + half_stars / 2);
    *at++ = '.';
    *at++ = half_stars % 2 == 1 ? '5' : '0';
    *at++ = ',';
    at = put_number(at, (uint64_t)time_s);
    *at++ = '\n';
    writer->len = (size_t)(at - writer->rows);
}

static void put_title(struct buf *out, const char *title)
{
    if (strpbrk(title, ",\"") == NULL) {
        buf_text(out, title);
        return;
    }
    buf_text(out, "\"");
    for (; *title != '\0'; title++) {
        buf_add(out, title, 1);
        if (*title == '"') {
            buf_add(out, title, 1);
        }
    }
    buf_text(out, "\"");
}

/* Fills `order` with the genre bits in order of their names, as MovieLens lists them. */
static void order_genres(const struct catalogue *catalogue, int *order)
{
    for (int g = 0; g < catalogue->genre_count; g++) {
        int to = g;
        while (to > 0 &&
               strcmp(catalogue->genre_name[order[to - 1]], catalogue->genre_name[g]) > 0) {
            order[to] = order[to - 1];
            to--;
        }
        order[to] = g;
    }
}

static void put_film(struct buf *out, const struct catalogue *catalogue, const int *order,
                     int32_t film)
{
    const char *separator = "";
    buf_printf(out, "%d,", (int)catalogue->id[film]);
    put_title(out, catalogue->title[film]);
    buf_text(out, ",");
    for (int i = 0; i < catalogue->genre_count; i++) {
        int g = order[i];
        if ((catalogue->genres[film] >> g & 1) != 0) {
            buf_printf(out, "%s%s", separator, catalogue->genre_name[g]);
            separator = "|";
        }
    }
    buf_text(out, catalogue->genres[film] == 0 ? FILMS_FILE_NO_GENRES "\n" : "\n");
}

static enum err write_films(const struct dataset_writer *writer, const struct catalogue *catalogue,
                            struct error *error)
{
    struct buf text;
    int order[CATALOGUE_GENRES_MAX];
    order_genres(catalogue, order);
    buf_init(&text, (size_t)1024 * 1024 * 1024);
    buf_text(&text, FILMS_FILE_HEADER "\n");
    for (int32_t i = 0; i < catalogue->count; i++) {
        put_film(&text, catalogue, order, i);
    }
    enum err code = text.failed ? error_set(error, ERR_MEMORY, writer->films_path, 0,
                                            "no memory for %d films", (int)catalogue->count)
                                : file_write(writer->films_path, text.data, text.len, error);
    buf_deinit(&text);
    return code;
}

enum err dataset_writer_close(struct dataset_writer *writer, const struct catalogue *catalogue,
                              struct error *error)
{
    flush(writer);
    if (fclose(writer->file) != 0) {
        fail(writer, errno);
    }
    enum err code = writer->error.code;
    if (code != ERR_OK) {
        (void)error_set(error, code, writer->error.where, 0, "%s", writer->error.text);
    } else {
        code = write_films(writer, catalogue, error);
    }
    if (code == ERR_OK && rename(writer->partial_path, writer->ratings_path) != 0) {
        fail(writer, errno);
        code = error_set(error, ERR_IO, writer->ratings_path, 0, "%s", writer->error.text);
    }
    if (code != ERR_OK) {
        remove(writer->partial_path);
    }
    mem_free(writer->rows);
    mem_free(writer);
    return code;
}
