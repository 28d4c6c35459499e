#include "movielens/tags.h"

#include "base/mem.h"
#include "movielens/csv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- collecting ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void reserve(struct tags_builder *builder, size_t bytes)
{
    if (builder->count == builder->capacity) {
        builder->capacity = builder->capacity == 0 ? 256 : builder->capacity * 2;
        builder->given = mem_resize(builder->given, builder->capacity, sizeof *builder->given);
    }
    if (builder->bytes_capacity - builder->bytes_len < bytes) {
        builder->bytes_capacity = (builder->bytes_capacity + bytes) * 2;
        builder->bytes = mem_resize(builder->bytes, builder->bytes_capacity, 1);
    }
}

bool tags_builder_add(struct tags_builder *builder, int32_t item, const char *text, size_t len,
                      int32_t times)
{
    assert(len <= TAGS_TEXT_MAX_BYTES && times > 0);
    while (len > 0 && is_blank(text[len - 1])) {
        len--;
    }
    while (len > 0 && is_blank(*text)) {
        text++;
        len--;
    }
    if (len == 0) {
        return false;
    }
    reserve(builder, len + 1);
    builder->given[builder->count++] =
        (struct tags_given){.item = item, .times = times, .text_at = builder->bytes_len};
    char *to = builder->bytes + builder->bytes_len;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        to[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    to[len] = '\0';
    builder->bytes_len += len + 1;
    return true;
}

void tags_builder_add_all(struct tags_builder *builder, const struct tags *tags,
                          const int32_t *item_map)
{
    for (int32_t film = 0; tags->count > 0 && film < tags->films; film++) {
        int32_t item = item_map != NULL ? item_map[film] : film;
        for (int64_t i = tags->start[film]; item >= 0 && i < tags->start[film + 1]; i++) {
            const char *text = tags->text[tags->name[i]];
            (void)tags_builder_add(builder, item, text, strlen(text), tags->times[i]);
        }
    }
}

static int by_text(const void *a, const void *b, void *bytes)
{
    const struct tags_given *left = a, *right = b;
    return strcmp((const char *)bytes + left->text_at, (const char *)bytes + right->text_at);
}

/* Gives each distinct text its number and copies it to the result. */
static void number_texts(struct tags_builder *builder, struct tags *out)
{
    qsort_r(builder->given, builder->count, sizeof *builder->given, by_text, builder->bytes);
    out->text = mem_array(builder->count, sizeof *out->text);
    out->text_bytes = mem_alloc(builder->bytes_len);
    char *to = out->text_bytes;
    for (size_t i = 0; i < builder->count; i++) {
        const char *text = builder->bytes + builder->given[i].text_at;
        if (out->names == 0 || strcmp(out->text[out->names - 1], text) != 0) {
            size_t size = strlen(text) + 1;
            out->text[out->names++] = memcpy(to, text, size);
            to += size;
        }
        builder->given[i].name = out->names - 1;
    }
}

static int by_film(const void *a, const void *b)
{
    const struct tags_given *left = a, *right = b;
    if (left->item != right->item) {
        return left->item < right->item ? -1 : 1;
    }
    return (left->name > right->name) - (left->name < right->name);
}

static int32_t join_times(int32_t a, int32_t b, bool largest)
{
    if (largest) {
        return a > b ? a : b;
    }
    return a > INT32_MAX - b ? INT32_MAX : a + b;
}

static void fill(const struct tags_builder *builder, struct tags *out)
{
    for (size_t i = 0; i < builder->count; i++) {
        const struct tags_given *given = &builder->given[i];
        bool again = i > 0 && by_film(given - 1, given) == 0;
        if (!again) {
            out->name[out->count] = given->name;
            out->times[out->count++] = 0;
        }
        out->times[out->count - 1] =
            join_times(out->times[out->count - 1], given->times, builder->largest);
        out->start[given->item + 1] = out->count;
    }
    for (int32_t film = 0; film < out->films; film++) {
        if (out->start[film + 1] < out->start[film]) {
            out->start[film + 1] = out->start[film]; /* a film without a tag */
        }
    }
}

void tags_builder_finish(struct tags_builder *builder, int32_t films, struct tags *out)
{
    memset(out, 0, sizeof *out);
    out->films = films;
    if (builder->count > 0) {
        out->start = mem_zalloc((size_t)films + 1, sizeof *out->start);
        out->name = mem_array(builder->count, sizeof *out->name);
        out->times = mem_array(builder->count, sizeof *out->times);
        number_texts(builder, out);
        qsort(builder->given, builder->count, sizeof *builder->given, by_film);
        fill(builder, out);
    }
    tags_builder_deinit(builder);
}

void tags_builder_deinit(struct tags_builder *builder)
{
    mem_free(builder->given);
    mem_free(builder->bytes);
    memset(builder, 0, sizeof *builder);
}

void tags_deinit(struct tags *tags)
{
    mem_free(tags->start);
    mem_free(tags->name);
    mem_free(tags->times);
    mem_free(tags->text);
    mem_free(tags->text_bytes);
    memset(tags, 0, sizeof *tags);
}

/* ---- the file ---- */

static enum err read_fields(struct tags_builder *builder, const struct catalogue *catalogue,
                            const char *path, const struct csv_line *line,
                            const struct csv_field *field, struct bad_rows *bad)
{
    char excerpt[40];
    uint64_t user, movie, time_s;
    const char *expected = "a whole number from 1 to 2147483647";
    if (!csv_field_number(&field[0], INT32_MAX, &user) || user == 0) {
        return bad_rows_add(bad, path, line->number, "userId '%s' is not %s",
                            csv_field_excerpt(&field[0], excerpt, sizeof excerpt), expected);
    }
    if (!csv_field_number(&field[1], INT32_MAX, &movie) || movie == 0) {
        return bad_rows_add(bad, path, line->number, "movieId '%s' is not %s",
                            csv_field_excerpt(&field[1], excerpt, sizeof excerpt), expected);
    }
    if (!csv_field_number(&field[3], UINT32_MAX, &time_s)) {
        return bad_rows_add(bad, path, line->number,
                            "timestamp '%s' is not a whole number of seconds from 0 to 4294967295",
                            csv_field_excerpt(&field[3], excerpt, sizeof excerpt));
    }
    int32_t item = catalogue_index(catalogue, (int32_t)movie);
    if (item < 0) {
        return bad_rows_add(bad, path, line->number, "movieId %d is not in movies.csv", (int)movie);
    }
    if (field[2].len > TAGS_TEXT_MAX_BYTES) {
        return bad_rows_add(bad, path, line->number, "the tag is longer than %d bytes",
                            TAGS_TEXT_MAX_BYTES);
    }
    if (!tags_builder_add(builder, item, field[2].text, field[2].len, 1)) {
        return bad_rows_add(bad, path, line->number, "the tag is empty");
    }
    return ERR_OK;
}

static enum err read_row(struct tags_builder *builder, const struct catalogue *catalogue,
                         const char *path, struct csv_line *line, struct bad_rows *bad)
{
    struct csv_field field[4];
    const char *fault = NULL;
    if (line->overlong) {
        return bad_rows_add(bad, path, line->number, "the line is longer than %d bytes",
                            CSV_LINE_MAX_BYTES);
    }
    int count = csv_split(line, field, 4, &fault);
    if (count < 0) {
        return bad_rows_add(bad, path, line->number, "%s", fault);
    }
    if (count != 4) {
        return bad_rows_add(bad, path, line->number, "%d field%s, expected 4: " TAGS_HEADER, count,
                            count == 1 ? "" : "s");
    }
    return read_fields(builder, catalogue, path, line, field, bad);
}

enum err tags_read(const char *path, const struct catalogue *catalogue, struct bad_rows *bad,
                   struct tags *out, struct error *error)
{
    struct csv csv;
    struct csv_line line;
    struct tags_builder builder = {0};
    memset(out, 0, sizeof *out);
    enum err code = csv_open(&csv, path, error);
    if (code != ERR_OK) {
        return code;
    }
    code = csv_expect_header(&csv, TAGS_HEADER, error);
    while (code == ERR_OK && csv_next(&csv, &line)) {
        code = read_row(&builder, catalogue, path, &line, bad);
    }
    enum err closed = csv_close(&csv, code == ERR_OK ? error : NULL);
    code = code != ERR_OK ? code : closed;
    if (code == ERR_OK) {
        tags_builder_finish(&builder, catalogue->count, out);
    }
    tags_builder_deinit(&builder);
    return code;
}
