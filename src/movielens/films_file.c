#include "movielens/films_file.h"

#include "base/mem.h"
#include "movielens/csv.h"
#include "movielens/sort.h"

#include <limits.h>
#include <string.h>

#define YEAR_MIN 1870
#define YEAR_MAX 2199

/* u.item: id, title, two dates, URL, then a flag for each of these, in the order of u.genre. */
#define FLAGS_FIRST 5
#define FLAGS 19
#define FIELDS_MAX (FLAGS_FIRST + FLAGS)
static const char *const flag_names[FLAGS] = {
    "unknown",     "Action", "Adventure", "Animation", "Children's", "Comedy",  "Crime",
    "Documentary", "Drama",  "Fantasy",   "Film-Noir", "Horror",     "Musical", "Mystery",
    "Romance",     "Sci-Fi", "Thriller",  "War",       "Western"};

/* The films as read, in file order. */
struct film_table {
    int32_t count, capacity;
    int32_t *id;
    uint32_t *genres;
    int64_t *line;
    size_t *title_at; /* into bytes */
    char *bytes;
    size_t bytes_len, bytes_capacity;
    int genre_count;
    char *genre_name[CATALOGUE_GENRES_MAX];
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int16_t films_file_year(const char *title, size_t len)
{
    for (size_t i = len; i-- > 0;) {
        const char *at = title + i;
        if (*at != '(' || len - i < 6 || !is_digit(at[1]) || !is_digit(at[2]) || !is_digit(at[3]) ||
            !is_digit(at[4])) {
            continue;
        }
        int year = (at[1] - '0') * 1000 + (at[2] - '0') * 100 + (at[3] - '0') * 10 + (at[4] - '0');
        /* Behind a year stands a bracket, a dash, or the first byte of a UTF-8 dash. */
        bool closed = at[5] == ')' || at[5] == '-' || at[5] == '\xE2';
        if (closed && year >= YEAR_MIN && year <= YEAR_MAX) {
            return (int16_t)year;
        }
    }
    return 0;
}

static void film_table_deinit(struct film_table *table)
{
    mem_free(table->id);
    mem_free(table->genres);
    mem_free(table->line);
    mem_free(table->title_at);
    mem_free(table->bytes);
    for (int i = 0; i < table->genre_count; i++) {
        mem_free(table->genre_name[i]);
    }
    memset(table, 0, sizeof *table);
}

static void film_table_add(struct film_table *table, const struct layout *layout, int32_t id,
                           uint32_t genres, int64_t line, const struct csv_field *title)
{
    /* Every byte of ISO-8859-1 may become two. */
    size_t room = 2 * title->len + 1;
    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? 1024 : table->capacity * 2;
        size_t capacity = (size_t)table->capacity;
        table->id = mem_resize(table->id, capacity, sizeof *table->id);
        table->genres = mem_resize(table->genres, capacity, sizeof *table->genres);
        table->line = mem_resize(table->line, capacity, sizeof *table->line);
        table->title_at = mem_resize(table->title_at, capacity, sizeof *table->title_at);
    }
    if (table->bytes_capacity - table->bytes_len < room) {
        table->bytes_capacity = (table->bytes_capacity + room) * 2;
        table->bytes = mem_resize(table->bytes, table->bytes_capacity, 1);
    }
    table->id[table->count] = id;
    table->genres[table->count] = genres;
    table->line[table->count] = line;
    table->title_at[table->count] = table->bytes_len;
    table->count++;
    char *to = table->bytes + table->bytes_len;
    size_t len = title->len;
    if (layout->kind == LAYOUT_CSV) {
        memcpy(to, title->text, len);
    } else {
        len = layout_to_utf8(title->text, title->len, to);
    }
    to[len] = '\0';
    table->bytes_len += len + 1;
}

/* Number of a genre's bit, entering a new name; -1 if the table of names is full. */
static int genre_bit(struct film_table *table, const struct csv_field *name)
{
    for (int i = 0; i < table->genre_count; i++) {
        if (csv_field_is(name, table->genre_name[i])) {
            return i;
        }
    }
    if (table->genre_count == CATALOGUE_GENRES_MAX) {
        return -1;
    }
    char *copy = mem_alloc(name->len + 1);
    memcpy(copy, name->text, name->len);
    copy[name->len] = '\0';
    table->genre_name[table->genre_count] = copy;
    return table->genre_count++;
}

/* Forgets the names entered last, so that a bad row leaves none behind. */
static void drop_genres(struct film_table *table, int keep)
{
    while (table->genre_count > keep) {
        mem_free(table->genre_name[--table->genre_count]);
    }
}

/* Reads "Action|Comedy". NULL if good, else what is wrong. */
static const char *read_genres(struct film_table *table, const struct csv_field *field,
                               uint32_t *genres)
{
    const char *at = field->text, *end = field->text + field->len;
    int known = table->genre_count;
    *genres = 0;
    if (field->len == 0 || csv_field_is(field, FILMS_FILE_NO_GENRES)) {
        return NULL;
    }
    for (;;) {
        const char *bar = memchr(at, '|', (size_t)(end - at));
        const char *stop = bar != NULL ? bar : end;
        struct csv_field name = {.text = at, .len = (size_t)(stop - at)};
        if (name.len == 0) {
            drop_genres(table, known);
            return "an empty genre name, expected names separated by '|'";
        }
        int bit = genre_bit(table, &name);
        if (bit < 0) {
            drop_genres(table, known);
            return "more than 32 different genre names in the file";
        }
        *genres |= UINT32_C(1) << bit;
        if (bar == NULL) {
            return NULL;
        }
        at = bar + 1;
    }
}

/* Reads the flags of u.item. NULL if good, else what is wrong. */
static const char *read_flags(struct film_table *table, const struct csv_field *flags,
                              uint32_t *genres)
{
    *genres = 0;
    for (int i = 0; i < FLAGS; i++) {
        if (!csv_field_is(&flags[i], "0") && !csv_field_is(&flags[i], "1")) {
            return "a genre flag that is neither 0 nor 1";
        }
    }
    for (int i = 1; i < FLAGS; i++) {
        if (flags[i].text[0] == '1') {
            struct csv_field name = {.text = flag_names[i], .len = strlen(flag_names[i])};
            *genres |= UINT32_C(1) << genre_bit(table, &name);
        }
    }
    return NULL;
}

static enum err read_fields(struct film_table *table, const struct layout *layout,
                            const struct csv_field *field, int64_t line, const char *path,
                            struct bad_rows *bad)
{
    char excerpt[40];
    uint64_t id;
    uint32_t genres;
    if (!csv_field_number(&field[0], INT32_MAX, &id) || id == 0) {
        return bad_rows_add(bad, path, line,
                            "movieId '%s' is not a whole number from 1 to 2147483647",
                            csv_field_excerpt(&field[0], excerpt, sizeof excerpt));
    }
    const char *fault = layout->kind == LAYOUT_U_DATA
                            ? read_flags(table, &field[FLAGS_FIRST], &genres)
                            : read_genres(table, &field[2], &genres);
    if (fault != NULL) {
        return bad_rows_add(bad, path, line, "%s", fault);
    }
    film_table_add(table, layout, (int32_t)id, genres, line, &field[1]);
    return ERR_OK;
}

static enum err read_row(struct film_table *table, const struct layout *layout,
                         struct csv_line *line, const char *path, struct bad_rows *bad)
{
    struct csv_field field[FIELDS_MAX];
    const char *fault = NULL;
    if (line->overlong) {
        return bad_rows_add(bad, path, line->number, "the line is longer than %d bytes",
                            CSV_LINE_MAX_BYTES);
    }
    int count = layout_split(layout, layout->films_separator, line, field, FIELDS_MAX, &fault);
    if (count < 0) {
        return bad_rows_add(bad, path, line->number, "%s", fault);
    }
    if (count != layout->films_field_count) {
        return bad_rows_add(bad, path, line->number, "%d field%s, expected %d: %s%s", count,
                            count == 1 ? "" : "s", layout->films_field_count, layout->films_fields,
                            layout->kind == LAYOUT_CSV ? " (a title with a comma stands in quotes)"
                                                       : "");
    }
    return read_fields(table, layout, field, line->number, path, bad);
}

/* Moves the films into *out in order of id; a repeated id is a bad row, the first one stays. */
static enum err make_catalogue(struct film_table *table, const char *path, struct bad_rows *bad,
                               struct catalogue *out)
{
    size_t count = (size_t)table->count;
    enum err code = ERR_OK;
    uint64_t *keys = mem_array(count + 1, sizeof *keys);
    uint64_t *scratch = mem_array(count + 1, sizeof *scratch);
    for (size_t i = 0; i < count; i++) {
        keys[i] = (uint64_t)table->id[i] << 32 | i;
    }
    sort_u64(keys, scratch, count);
    *out = (struct catalogue){.id = mem_array(count, sizeof *out->id),
                              .genres = mem_array(count, sizeof *out->genres),
                              .year = mem_array(count, sizeof *out->year),
                              .title = mem_array(count, sizeof *out->title),
                              .title_bytes = table->bytes,
                              .genre_count = table->genre_count};
    memcpy(out->genre_name, table->genre_name, sizeof out->genre_name);
    table->bytes = NULL;
    table->genre_count = 0;
    int64_t first_line = 0;
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        size_t from = (size_t)(keys[i] & UINT32_MAX);
        int32_t to = out->count;
        if (to > 0 && out->id[to - 1] == table->id[from]) {
            code = bad_rows_add(bad, path, table->line[from],
                                "movieId %d a second time, first on line %lld",
                                (int)table->id[from], (long long)first_line);
            continue;
        }
        const char *title = out->title_bytes + table->title_at[from];
        first_line = table->line[from];
        out->id[to] = table->id[from];
        out->genres[to] = table->genres[from];
        out->year[to] = films_file_year(title, strlen(title));
        out->title[to] = title;
        out->count++;
    }
    mem_free(keys);
    mem_free(scratch);
    return code;
}

enum err films_file_read(const struct layout *layout, const char *path, struct bad_rows *bad,
                         struct catalogue *out, struct error *error)
{
    struct film_table table = {0};
    struct csv csv;
    struct csv_line line;
    memset(out, 0, sizeof *out);
    enum err code = csv_open(&csv, path, error);
    if (code != ERR_OK) {
        return code;
    }
    if (layout->kind == LAYOUT_CSV) {
        code = csv_expect_header(&csv, layout->films_fields, error);
    }
    while (code == ERR_OK && csv_next(&csv, &line)) {
        code = read_row(&table, layout, &line, path, bad);
    }
    enum err closed = csv_close(&csv, code == ERR_OK ? error : NULL);
    code = code != ERR_OK ? code : closed;
    if (code == ERR_OK && table.count == 0) {
        code = bad_rows_none_good(bad, path, error);
    }
    if (code == ERR_OK) {
        code = make_catalogue(&table, path, bad, out);
    }
    if (code != ERR_OK) {
        catalogue_deinit(out);
    }
    film_table_deinit(&table);
    return code;
}
