/* Everything that later work relies on is checked, order and ranges alike, so that a file with
 * correct checksums and senseless numbers is refused instead of read. */
#include "base/mem.h"
#include "recommender/model_file_int.h"

#include <string.h>

#define PEOPLE_MAX (INT32_MAX - 1)
#define FILMS_MAX (INT32_MAX / 64)
#define TIME_MAX_S UINT32_MAX

static bool ok(const struct section_reader *reader)
{
    return section_failed(reader, NULL) == ERR_OK;
}

/* ---- texts ---- */

/* Texts one behind the other, each with its NUL. */
static void add_texts(struct section_writer *writer, const char *name, const char *const *text,
                      int32_t count)
{
    size_t bytes = 0;
    for (int32_t i = 0; i < count; i++) {
        bytes += strlen(text[i]) + 1;
    }
    char *all = mem_alloc(bytes + 1), *to = all;
    for (int32_t i = 0; i < count; i++) {
        size_t size = strlen(text[i]) + 1;
        memcpy(to, text[i], size);
        to += size;
    }
    section_add_own(writer, name, SECTION_U8, all, bytes);
}

/* Exactly `count` texts; pointers to them go to `text`, the bytes are returned. */
static char *take_texts(struct section_reader *reader, const char *name, const char **text,
                        int32_t count)
{
    size_t bytes = section_count(reader, name, SECTION_U8);
    char *all = section_take(reader, name, SECTION_U8, bytes);
    size_t at = 0;
    for (int32_t i = 0; i < count; i++) {
        text[i] = all + at;
        at += at < bytes ? strnlen(all + at, bytes - at) + 1 : bytes + 1;
        if (at > bytes) {
            section_refuse(reader, name, "does not hold %d texts", (int)count);
            return all;
        }
    }
    if (at != bytes) {
        section_refuse(reader, name, "holds more than %d texts", (int)count);
    }
    return all;
}

/* ---- numbers that must rise or lie in a range ---- */

/* Ids from `least` on. */
static void expect_rising(struct section_reader *reader, const char *name, const int32_t *id,
                          size_t count, int32_t least)
{
    for (size_t i = 0; i < count; i++) {
        if (id[i] < least || (i > 0 && id[i] <= id[i - 1])) {
            section_refuse(reader, name, "does not rise at %zu", i);
            return;
        }
    }
}

void model_file_expect_starts(struct section_reader *reader, const char *name, const int64_t *start,
                              size_t rows, size_t end)
{
    if (!ok(reader)) {
        return;
    }
    bool good = start[0] == 0 && start[rows] == (int64_t)end;
    for (size_t i = 0; i < rows && good; i++) {
        good = start[i] <= start[i + 1];
    }
    if (!good) {
        section_refuse(reader, name, "does not divide %zu entries", end);
    }
}

void model_file_expect_below(struct section_reader *reader, const char *name, const int32_t *index,
                             size_t count, int32_t bound)
{
    for (size_t i = 0; i < count && ok(reader); i++) {
        if (index[i] < 0 || index[i] >= bound) {
            section_refuse(reader, name, "holds %d, expected less than %d", (int)index[i],
                           (int)bound);
        }
    }
}

/* ---- films ---- */

static void add_films(struct section_writer *writer, const struct catalogue *films)
{
    size_t count = (size_t)films->count;
    section_add(writer, "film id", SECTION_I32, films->id, count);
    section_add(writer, "film genres", SECTION_U32, films->genres, count);
    section_add(writer, "film year", SECTION_I16, films->year, count);
    add_texts(writer, "film title", films->title, films->count);
    section_add_i64(writer, "genres", films->genre_count);
    add_texts(writer, "genre name", (const char *const *)films->genre_name, films->genre_count);
}

static void restore_genres(struct section_reader *reader, struct catalogue *out)
{
    const char *name[CATALOGUE_GENRES_MAX];
    int count = (int)section_i64(reader, "genres", 0, CATALOGUE_GENRES_MAX);
    char *bytes = take_texts(reader, "genre name", name, count);
    for (int g = 0; g < count && ok(reader); g++) {
        out->genre_name[out->genre_count++] = mem_text(name[g]);
    }
    mem_free(bytes);
    for (int32_t i = 0; i < out->count && ok(reader); i++) {
        if ((uint64_t)out->genres[i] >> out->genre_count != 0) {
            section_refuse(reader, "film genres", "holds a genre that has no name");
        }
    }
}

static void restore_films(struct section_reader *reader, struct catalogue *out)
{
    size_t count = section_count(reader, "film id", SECTION_I32);
    if (count > FILMS_MAX) {
        section_refuse(reader, "film id", "holds more than %d films", FILMS_MAX);
    }
    if (!ok(reader)) {
        return;
    }
    out->id = section_take(reader, "film id", SECTION_I32, count);
    out->genres = section_take(reader, "film genres", SECTION_U32, count);
    out->year = section_take(reader, "film year", SECTION_I16, count);
    out->title = mem_zalloc(count + 1, sizeof *out->title);
    out->title_bytes = take_texts(reader, "film title", out->title, (int32_t)count);
    if (ok(reader)) {
        out->count = (int32_t)count;
        expect_rising(reader, "film id", out->id, count, 0);
        restore_genres(reader, out);
    }
}

/* ---- ratings ---- */

static void add_ratings(struct section_writer *writer, const struct ratings *ratings)
{
    size_t count = (size_t)ratings->count;
    section_add(writer, "user id", SECTION_I32, ratings->user_id, (size_t)ratings->users);
    section_add(writer, "user start", SECTION_I64, ratings->start, (size_t)ratings->users + 1);
    section_add(writer, "rating film", SECTION_I32, ratings->item, count);
    section_add(writer, "rating half stars", SECTION_U8, ratings->half_stars, count);
    section_add(writer, "rating time", SECTION_I64, ratings->time_s, count);
}

static void expect_ratings(struct section_reader *reader, const struct ratings *ratings)
{
    for (int64_t i = 0; i < ratings->count; i++) {
        if (ratings->half_stars[i] < 1 || ratings->half_stars[i] > 10) {
            section_refuse(reader, "rating half stars", "holds %d, expected 1 to 10",
                           ratings->half_stars[i]);
            return;
        }
        if (ratings->time_s[i] < 0 || ratings->time_s[i] > TIME_MAX_S) {
            section_refuse(reader, "rating time", "holds %lld, expected 0 to %u",
                           (long long)ratings->time_s[i], (unsigned)TIME_MAX_S);
            return;
        }
    }
    for (int32_t u = 0; u < ratings->users; u++) {
        for (int64_t i = ratings->start[u] + 1; i < ratings->start[u + 1]; i++) {
            if (ratings->time_s[i] < ratings->time_s[i - 1]) {
                section_refuse(reader, "rating time", "falls inside a history");
                return;
            }
        }
    }
}

static void restore_ratings(struct section_reader *reader, int32_t films, struct ratings *out)
{
    size_t users = section_count(reader, "user id", SECTION_I32);
    size_t count = section_count(reader, "rating film", SECTION_I32);
    if (users > PEOPLE_MAX) {
        section_refuse(reader, "user id", "holds more than %d people", PEOPLE_MAX);
    }
    if (!ok(reader)) {
        return;
    }
    out->user_id = section_take(reader, "user id", SECTION_I32, users);
    out->start = section_take(reader, "user start", SECTION_I64, users + 1);
    out->item = section_take(reader, "rating film", SECTION_I32, count);
    out->half_stars = section_take(reader, "rating half stars", SECTION_U8, count);
    out->time_s = section_take(reader, "rating time", SECTION_I64, count);
    if (!ok(reader)) {
        return;
    }
    out->users = (int32_t)users;
    out->items = films;
    out->count = (int64_t)count;
    expect_rising(reader, "user id", out->user_id, users, 0);
    model_file_expect_starts(reader, "user start", out->start, users, count);
    model_file_expect_below(reader, "rating film", out->item, count, films);
    if (ok(reader)) {
        expect_ratings(reader, out);
    }
}

/* ---- tags ---- */

static void add_tags(struct section_writer *writer, const struct tags *tags)
{
    size_t count = (size_t)tags->count;
    section_add_i64(writer, "tag names", tags->names);
    section_add(writer, "tag start", SECTION_I64, tags->start,
                tags->count > 0 ? (size_t)tags->films + 1 : 0);
    section_add(writer, "tag name", SECTION_I32, tags->name, count);
    section_add(writer, "tag times", SECTION_I32, tags->times, count);
    add_texts(writer, "tag text", tags->text, tags->names);
}

static void restore_tags(struct section_reader *reader, int32_t films, struct tags *out)
{
    size_t count = section_count(reader, "tag name", SECTION_I32);
    int32_t names = (int32_t)section_i64(reader, "tag names", 0, INT32_MAX - 1);
    out->films = films;
    if (count == 0 || (size_t)names > section_count(reader, "tag text", SECTION_U8) ||
        !ok(reader)) {
        if (ok(reader) && (names > 0 || section_count(reader, "tag start", SECTION_I64) > 0)) {
            section_refuse(reader, "tag name", "does not fit the other sections of tags");
        }
        return;
    }
    out->start = section_take(reader, "tag start", SECTION_I64, (size_t)films + 1);
    out->name = section_take(reader, "tag name", SECTION_I32, count);
    out->times = section_take(reader, "tag times", SECTION_I32, count);
    out->text = mem_zalloc((size_t)names + 1, sizeof *out->text);
    out->text_bytes = take_texts(reader, "tag text", out->text, names);
    if (!ok(reader)) {
        return;
    }
    out->names = names;
    out->count = (int64_t)count;
    model_file_expect_starts(reader, "tag start", out->start, (size_t)films, count);
    model_file_expect_below(reader, "tag name", out->name, count, names);
    for (int32_t n = 0; n < names && ok(reader); n++) {
        size_t len = strlen(out->text[n]);
        if (len == 0 || len > TAGS_TEXT_MAX_BYTES) {
            section_refuse(reader, "tag text", "holds a text of %zu bytes", len);
        }
    }
    for (size_t i = 0; i < count && ok(reader); i++) {
        if (out->times[i] < 1) {
            section_refuse(reader, "tag times", "holds %d", (int)out->times[i]);
        }
    }
}

void model_file_add_corpus(struct section_writer *writer, const struct corpus *corpus)
{
    add_films(writer, &corpus->catalogue);
    add_ratings(writer, &corpus->ratings);
    add_tags(writer, &corpus->tags);
    section_add_i64(writer, "newest rating", corpus->newest_s);
}

void model_file_restore_corpus(struct section_reader *reader, struct corpus *out)
{
    memset(out, 0, sizeof *out);
    restore_films(reader, &out->catalogue);
    restore_ratings(reader, out->catalogue.count, &out->ratings);
    restore_tags(reader, out->catalogue.count, &out->tags);
    out->newest_s = section_i64(reader, "newest rating", 0, TIME_MAX_S);
}
