/*
 * Reading rating rows fast and explaining the bad ones well are two jobs, so there are two parsers.
 * parse_plain takes the shape in which every MovieLens file comes (bare digits, at most one
 * decimal) in one pass over the block, without looking for the line's end first: eight bytes are
 * loaded at a time and the digits among them found and weighed by arithmetic on the whole word, so
 * that numbers of varying length cost no mispredicted branch. Whatever it declines goes to
 * parse_any, which splits by the rules of the layout, takes unusual but valid spellings (quoted
 * numbers, "4.00") and names the first thing wrong. A general number parser for every row was
 * rejected: it costs more than the rest of the loading.
 */
#include "movielens/rating_rows.h"

#include <endian.h>
#include <string.h>

#define ID_MAX INT32_MAX

/* No plain row, line end included, is longer: two numbers of 8 digits, "4.5", one of 10 and three
 * separators of two bytes; nor does a load of eight bytes reach further from a place inside. */
#define PLAIN_MAX 64

static inline uint64_t load_eight(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return le64toh(word) ^ UINT64_C(0x3030303030303030);
}

/* A mark in every byte that is no digit; only the lowest mark is certain, sums carry upwards. */
static inline uint64_t mark_others(uint64_t word)
{
    return ((word + UINT64_C(0x7676767676767676)) | word) & UINT64_C(0x8080808080808080);
}

/* Value of eight digits, the first in the lowest byte: neighbours are joined to pairs, pairs to
 * fours, fours to eight. */
static inline uint64_t weigh(uint64_t word)
{
    word = word * 10 + (word >> 8);
    return ((word & UINT64_C(0xFF000000FF)) * (100 + (UINT64_C(1000000) << 32)) +
            (word >> 16 & UINT64_C(0xFF000000FF)) * (1 + (UINT64_C(10000) << 32))) >>
           32;
}

/* Reads the digits at the beginning of eight bytes; returns how many there are, 0 to 8. */
static inline size_t digits(const char *at, uint64_t *out)
{
    uint64_t word = load_eight(at);
    uint64_t marks = mark_others(word);
    size_t count = marks == 0 ? 8 : (size_t)__builtin_ctzll(marks) / 8;
    if (count > 0) {
        *out = weigh(word << (64 - 8 * count)); /* zeros come in front */
    }
    return count;
}

static inline bool separates(const char *at, const char *separator, size_t width)
{
    return at[0] == separator[0] && (width == 1 || at[1] == separator[1]);
}

/* Reads "4", "4.0" or "4.5"; NULL if it is something else. */
static inline const char *plain_stars(const char *at, uint8_t *half_stars)
{
    unsigned value = 2 * (unsigned)(unsigned char)(at[0] - '0');
    at++;
    if (at[0] == '.') {
        /* No branch on the half itself, which nothing foretells. */
        if (((at[1] == '0') | (at[1] == '5')) == 0) {
            return NULL;
        }
        value += at[1] == '5';
        at += 2;
    }
    *half_stars = (uint8_t)value;
    return value - 1 < 10 ? at : NULL;
}

/* A time of 8 to 10 digits, and the line end behind it. The lengths that occur are branches, which
 * are foretold well and let the next row begin before this one is weighed. */
static inline const char *plain_time(const char *at, int64_t *time_s)
{
    uint64_t word = load_eight(at);
    if (mark_others(word) != 0) {
        return NULL;
    }
    uint64_t value = weigh(word);
    at += 8;
    for (int i = 0; i < 2 && (unsigned char)(*at - '0') <= 9; i++) {
        value = value * 10 + (uint64_t)(*at++ - '0');
    }
    *time_s = (int64_t)value;
    if (value > RATING_ROWS_TIME_MAX_S) {
        return NULL;
    }
    if (*at == '\r') {
        at++;
    }
    return *at == '\n' ? at + 1 : NULL;
}

/* The user of the row and the separator. Usually the same as before, which one comparison tells. */
static inline const char *plain_user(struct rating_rows *reader, const char *at,
                                     const char *separator, size_t width, int32_t *user_id)
{
    uint64_t word = load_eight(at), user = 0;
    if (((word ^ reader->user_word) & reader->user_mask) == 0 && reader->user_mask != 0) {
        *user_id = reader->user_id;
        return at + reader->user_width;
    }
    size_t count = digits(at, &user);
    if (user == 0 || !separates(at + count, separator, width)) {
        return NULL;
    }
    *user_id = (int32_t)user;
    size_t bytes = count + width;
    if (bytes <= sizeof word) {
        reader->user_id = *user_id;
        reader->user_width = bytes;
        reader->user_mask = UINT64_MAX >> (64 - 8 * bytes);
        reader->user_word = word;
    }
    return at + bytes;
}

/* The row that begins here, of which PLAIN_MAX bytes can be read; returns the next row's place or
 * NULL. Inlined into one function a layout, in which separator and width are constants. */
static inline __attribute__((always_inline)) const char *
parse_plain(struct rating_rows *reader, const char *at, const char *separator, size_t width,
            struct dataset_row *out)
{
    uint64_t movie = 0;
    at = plain_user(reader, at, separator, width, &out->user_id);
    if (at == NULL) {
        return NULL;
    }
    at += digits(at, &movie);
    if (movie == 0 || !separates(at, separator, width)) {
        return NULL;
    }
    out->movie_id = (int32_t)movie;
    at = plain_stars(at + width, &out->half_stars);
    if (at == NULL || !separates(at, separator, width)) {
        return NULL;
    }
    return plain_time(at + width, &out->time_s);
}

static const char *plain_row(struct rating_rows *reader, const char *at, struct dataset_row *out)
{
    switch (reader->layout->kind) {
    case LAYOUT_CSV:
        return parse_plain(reader, at, ",", 1, out);
    case LAYOUT_DAT:
        return parse_plain(reader, at, "::", 2, out);
    case LAYOUT_U_DATA:
        break;
    }
    return parse_plain(reader, at, "\t", 1, out);
}

/* "4", "4.0", "4.50": up to two whole digits, then any zeros behind the half. */
static bool parse_stars(const struct csv_field *field, uint8_t *half_stars)
{
    if (field->len < 1 || field->text[0] < '0' || field->text[0] > '5') {
        return false;
    }
    unsigned value = 2 * (unsigned)(field->text[0] - '0');
    if (field->len > 1) {
        if (field->text[1] != '.' || field->len < 3) {
            return false;
        }
        if (field->text[2] == '5') {
            value++;
        } else if (field->text[2] != '0') {
            return false;
        }
        for (size_t i = 3; i < field->len; i++) {
            if (field->text[i] != '0') {
                return false;
            }
        }
    }
    *half_stars = (uint8_t)value;
    return value >= 1 && value <= 10;
}

static enum err bad_field(struct rating_rows *reader, const struct csv_line *line, const char *name,
                          const struct csv_field *field, const char *expected)
{
    char excerpt[40];
    return bad_rows_add(reader->bad, reader->csv.path, line->number, "%s '%s' is not %s", name,
                        csv_field_excerpt(field, excerpt, sizeof excerpt), expected);
}

/* True if the row is good; else the fault has been noted and *code tells whether to go on. */
static bool parse_any(struct rating_rows *reader, struct csv_line *line, struct dataset_row *out,
                      enum err *code)
{
    static const char id_expected[] = "a whole number from 1 to 2147483647";
    struct csv_field field[4];
    const char *fault = NULL;
    uint64_t user, movie, time_s;
    if (line->overlong) {
        *code = bad_rows_add(reader->bad, reader->csv.path, line->number,
                             "the line is longer than %d bytes", CSV_LINE_MAX_BYTES);
        return false;
    }
    int count =
        layout_split(reader->layout, reader->layout->ratings_separator, line, field, 4, &fault);
    if (count < 0) {
        *code = bad_rows_add(reader->bad, reader->csv.path, line->number, "%s", fault);
    } else if (count != 4) {
        *code =
            bad_rows_add(reader->bad, reader->csv.path, line->number, "%d field%s, expected 4: %s",
                         count, count == 1 ? "" : "s", reader->layout->ratings_fields);
    } else if (!csv_field_number(&field[0], ID_MAX, &user) || user == 0) {
        *code = bad_field(reader, line, "userId", &field[0], id_expected);
    } else if (!csv_field_number(&field[1], ID_MAX, &movie) || movie == 0) {
        *code = bad_field(reader, line, "movieId", &field[1], id_expected);
    } else if (!parse_stars(&field[2], &out->half_stars)) {
        *code = bad_field(reader, line, "rating", &field[2], "one of 0.5, 1.0, 1.5 ... 5.0");
    } else if (!csv_field_number(&field[3], RATING_ROWS_TIME_MAX_S, &time_s)) {
        *code = bad_field(reader, line, "timestamp", &field[3],
                          "a whole number of seconds from 0 to 4294967295");
    } else {
        out->user_id = (int32_t)user;
        out->movie_id = (int32_t)movie;
        out->time_s = (int64_t)time_s;
        return true;
    }
    return false;
}

enum err rating_rows_open(struct rating_rows *reader, const struct layout *layout, const char *path,
                          struct bad_rows *bad, struct error *error)
{
    *reader = (struct rating_rows){.layout = layout, .bad = bad};
    enum err code = csv_open(&reader->csv, path, error);
    if (code == ERR_OK && layout->kind == LAYOUT_CSV) {
        code = csv_expect_header(&reader->csv, layout->ratings_fields, error);
        if (code != ERR_OK) {
            (void)csv_close(&reader->csv, NULL);
        }
    }
    return code;
}

bool rating_rows_next(struct rating_rows *reader, struct dataset_row *out)
{
    struct csv *csv = &reader->csv;
    struct csv_line line;
    while (reader->code == ERR_OK) {
        const char *from = csv->block + csv->begin;
        const char *next = csv->end - csv->begin >= PLAIN_MAX ? plain_row(reader, from, out) : NULL;
        if (next == NULL && !csv_next(csv, &line)) {
            return false;
        }
        out->row = reader->rows++;
        if (next != NULL) {
            csv->begin += (size_t)(next - from);
            reader->line_number = ++csv->line_number;
            return true;
        }
        reader->line_number = line.number;
        if (parse_any(reader, &line, out, &reader->code)) {
            return true;
        }
    }
    return false;
}

enum err rating_rows_close(struct rating_rows *reader, struct error *error)
{
    enum err code = csv_close(&reader->csv, error);
    return reader->code != ERR_OK ? reader->code : code;
}
