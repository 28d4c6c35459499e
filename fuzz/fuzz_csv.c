/* The two MovieLens files of every layout. The first byte chooses: an odd one makes the rest a
 * films file, an even one a ratings file; half of it, by three, is the layout. What is read must
 * hold what the contracts promise. */
#include "base/mem.h"
#include "movielens/films_file.h"
#include "movielens/rating_rows.h"
#include "movielens/ratings_builder.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Conversion leaves UTF-8 as it is. */
static bool is_utf8(const char *text)
{
    size_t len = strlen(text);
    char *copy = mem_alloc(2 * len + 1);
    bool same = layout_to_utf8(text, len, copy) == len && memcmp(copy, text, len) == 0;
    mem_free(copy);
    return same;
}

static void check_films(const struct layout *layout, const char *path)
{
    struct bad_rows bad = {.reports_left = 0};
    struct catalogue films;
    struct error error = {.code = ERR_OK};
    if (films_file_read(layout, path, &bad, &films, &error) != ERR_OK) {
        check(error.code == ERR_INPUT && error.text[0] != '\0');
        return;
    }
    check(films.count > 0);
    for (int32_t i = 0; i < films.count; i++) {
        check(films.id[i] > (i > 0 ? films.id[i - 1] : 0));
        check(catalogue_index(&films, films.id[i]) == i);
        check(films.genre_count == CATALOGUE_GENRES_MAX ||
              films.genres[i] >> films.genre_count == 0);
        check(films.year[i] == 0 || strchr(films.title[i], '(') != NULL);
        check(layout->kind == LAYOUT_CSV || is_utf8(films.title[i]));
    }
    catalogue_deinit(&films);
}

static void collect(struct ratings_builder *builder, const struct dataset_row *row)
{
    check(row->user_id > 0 && row->movie_id > 0 && row->half_stars >= 1 && row->half_stars <= 10);
    check(row->time_s >= 0 && row->time_s <= UINT32_MAX);
    ratings_builder_add(builder, row->user_id, row->movie_id % 8, row->half_stars, row->time_s);
}

static void check_ratings(const struct layout *layout, const char *path)
{
    struct ratings_builder builder = {0};
    struct ratings ratings;
    struct rating_rows reader;
    struct dataset_row row;
    struct bad_rows bad = {.reports_left = 0};
    struct error error = {.code = ERR_OK};
    enum err code = rating_rows_open(&reader, layout, path, &bad, &error);
    check(code == ERR_OK || (error.code == ERR_INPUT && error.text[0] != '\0'));
    if (code != ERR_OK) {
        return;
    }
    while (rating_rows_next(&reader, &row)) {
        collect(&builder, &row);
    }
    check(reader.rows == (int64_t)builder.count + bad.count);
    check(rating_rows_close(&reader, &error) == ERR_OK);
    int64_t rows = (int64_t)builder.count;
    int64_t dropped = ratings_builder_finish(&builder, 8, &ratings);
    check(ratings.count + dropped == rows && ratings.start[ratings.users] == ratings.count);
    for (int32_t u = 0; u < ratings.users; u++) {
        check(u == 0 || ratings.user_id[u - 1] < ratings.user_id[u]);
        check(ratings.start[u] < ratings.start[u + 1] &&
              ratings.start[u + 1] - ratings.start[u] <= 8);
        for (int64_t i = ratings.start[u] + 1; i < ratings.start[u + 1]; i++) {
            check(ratings.time_s[i - 1] <= ratings.time_s[i]);
        }
    }
    ratings_deinit(&ratings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    if (size == 0) {
        return 0;
    }
    const struct layout *layout = &layout_table[data[0] / 2 % LAYOUT_COUNT];
    int fd = memfd_create("csv", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)size - 1) {
        return 0;
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (data[0] % 2 == 1) {
        check_films(layout, path);
    } else {
        check_ratings(layout, path);
    }
    close(fd);
    return 0;
}
