/*
 * Reading rating rows fast and explaining the bad ones well are two jobs, so there are two parsers.
 * parse_plain takes the shape in which every MovieLens file comes (bare digits, one decimal) in one
 * pass without a copy. Whatever it declines goes to parse_any, which splits by the CSV rules, takes
 * unusual but valid spellings (quoted numbers, "4" for "4.0") and names the first thing wrong.
 * A general number parser for every row was rejected: it costs more than the rest of the loading.
 */
#include "movielens/rating_rows.h"

#include <string.h>

#define ID_MAX INT32_MAX
#define DIGITS_MAX 10

/* Reads 1 to 10 digits; returns the place behind them, NULL if there are none or too many. */
static const char *digits(const char *at, const char *end, uint64_t *out)
{
    const char *first = at;
    uint64_t value = 0;
    while (at < end && (unsigned char)(*at - '0') <= 9) {
        value = value * 10 + (uint64_t)(*at - '0');
        at++;
    }
    *out = value;
    return at > first && at - first <= DIGITS_MAX ? at : NULL;
}

static bool parse_plain(const struct csv_line *line, struct dataset_row *out)
{
    const char *at = line->text, *end = line->text + line->len;
    uint64_t user, movie, time_s;
    at = digits(at, end, &user);
    if (at == NULL || end - at < 2 || *at != ',') {
        return false;
    }
    at = digits(at + 1, end, &movie);
    /* The shortest rest is ",4.0,1". */
    if (at == NULL || end - at < 6 || at[0] != ',' || at[2] != '.' || at[4] != ',') {
        return false;
    }
    unsigned whole = (unsigned char)(at[1] - '0');
    bool half = at[3] == '5';
    unsigned half_stars = whole * 2 + half;
    if (whole > 5 || (!half && at[3] != '0') || half_stars < 1 || half_stars > 10) {
        return false;
    }
    at = digits(at + 5, end, &time_s);
    if (at != end || user - 1 >= ID_MAX || movie - 1 >= ID_MAX || time_s > RATING_ROWS_TIME_MAX_S) {
        return false;
    }
    out->user_id = (int32_t)user;
    out->movie_id = (int32_t)movie;
    out->half_stars = (uint8_t)half_stars;
    out->time_s = (int64_t)time_s;
    return true;
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
    int count = csv_split(line, field, 4, &fault);
    if (count < 0) {
        *code = bad_rows_add(reader->bad, reader->csv.path, line->number, "%s", fault);
    } else if (count != 4) {
        *code = bad_rows_add(reader->bad, reader->csv.path, line->number,
                             "%d field%s, expected 4: " RATING_ROWS_HEADER, count,
                             count == 1 ? "" : "s");
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

enum err rating_rows_open(struct rating_rows *reader, const char *path, struct bad_rows *bad,
                          struct error *error)
{
    *reader = (struct rating_rows){.bad = bad};
    enum err code = csv_open(&reader->csv, path, error);
    if (code != ERR_OK) {
        return code;
    }
    code = csv_expect_header(&reader->csv, RATING_ROWS_HEADER, error);
    if (code != ERR_OK) {
        (void)csv_close(&reader->csv, NULL);
    }
    return code;
}

bool rating_rows_next(struct rating_rows *reader, struct dataset_row *out)
{
    struct csv_line line;
    while (reader->code == ERR_OK && csv_next(&reader->csv, &line)) {
        out->row = reader->rows++;
        reader->line_number = line.number;
        if (parse_plain(&line, out) || parse_any(reader, &line, out, &reader->code)) {
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
