/*
 * Some ten million numbers are usual here, so they are read in one pass without a copy. Mantissa
 * and power of ten are read apart and joined in double, which is right to a few units of the
 * sixteenth digit: far below the float that is kept.
 */
#include "base/mem.h"
#include "movielens/csv.h"
#include "recommender/embeddings_int.h"

#include <math.h>
#include <string.h>

#define MANTISSA_MAX (UINT64_MAX / 10 - 1)
#define EXPONENT_MAX 400

static bool is_digit(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

/* Digits into *mantissa; those it cannot hold only move the exponent. */
static const char *digits(const char *at, const char *end, bool fraction, uint64_t *mantissa,
                          int *exponent)
{
    for (; is_digit(at, end); at++) {
        bool held = *mantissa < MANTISSA_MAX;
        if (held) {
            *mantissa = *mantissa * 10 + (uint64_t)(*at - '0');
        }
        *exponent += held ? -(fraction ? 1 : 0) : (fraction ? 0 : 1);
    }
    return at;
}

/* "e-7"; returns the place behind it, NULL if there is no digit. */
static const char *read_exponent(const char *at, const char *end, int *exponent)
{
    int value = 0;
    bool minus = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    if (!is_digit(at, end)) {
        return NULL;
    }
    for (; is_digit(at, end); at++) {
        value = value < EXPONENT_MAX ? value * 10 + (*at - '0') : value;
    }
    *exponent += minus ? -value : value;
    return at;
}

/* Powers up to 10^22 are exact in double, and a division by one rounds once, so that a whole number
 * comes out whole in every spelling. */
static double scale(double mantissa, int exponent)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const int exact = sizeof power / sizeof power[0];
    if (mantissa == 0) {
        return 0;
    }
    if (exponent > -exact && exponent < exact) {
        return exponent < 0 ? mantissa / power[-exponent] : mantissa * power[exponent];
    }
    return mantissa * pow(10, exponent);
}

/* A finite decimal number that is the whole field, blanks around it aside. */
static bool parse_number(const struct csv_field *field, double *out)
{
    const char *at = field->text, *end = field->text + field->len;
    uint64_t mantissa = 0;
    int exponent = 0;
    while (at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    while (end > at && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    bool minus = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    const char *first = at;
    at = digits(at, end, false, &mantissa, &exponent);
    bool any = at > first;
    if (at < end && *at == '.') {
        first = at + 1;
        at = digits(first, end, true, &mantissa, &exponent);
        any = any || at > first;
    }
    if (any && at < end && (*at == 'e' || *at == 'E')) {
        at = read_exponent(at + 1, end, &exponent);
    }
    if (!any || at != end) {
        return false;
    }
    double value = scale((double)mantissa, exponent);
    *out = minus ? -value : value;
    return isfinite(value);
}

struct reader {
    struct embedding_rows *rows;
    struct csv_field *field; /* [EMBEDDINGS_FILE_DIMS_MAX + 2] */
    bool out_of_memory;
};

/* False when reading may stop. */
static bool read_numbers(struct reader *reader, const struct csv_line *line, int32_t id)
{
    char excerpt[40];
    struct embedding_rows *rows = reader->rows;
    float *number = embedding_rows_next(rows);
    if (number == NULL) {
        reader->out_of_memory = true;
        return false;
    }
    for (int c = 0; c < rows->dims; c++) {
        double value;
        const struct csv_field *field = &reader->field[c + 1];
        if (!parse_number(field, &value) || fabs(value) > EMBEDDINGS_NUMBER_MAX) {
            return embedding_rows_fault(rows, line->number, "field %d '%s' is not a number from %s",
                                        c + 2, csv_field_excerpt(field, excerpt, sizeof excerpt),
                                        EMBEDDINGS_NUMBER_RANGE);
        }
        number[c] = (float)value;
    }
    embedding_rows_keep(rows, id, line->number);
    return true;
}

static bool read_line(struct reader *reader, struct csv_line *line)
{
    char excerpt[40];
    const char *fault = NULL;
    struct embedding_rows *rows = reader->rows;
    double id;
    if (line->overlong) {
        return embedding_rows_fault(rows, line->number, "the line is longer than %d bytes",
                                    CSV_LINE_MAX_BYTES);
    }
    int count = csv_split(line, reader->field, EMBEDDINGS_FILE_DIMS_MAX + 2, &fault);
    if (count < 0) {
        return embedding_rows_fault(rows, line->number, "%s", fault);
    }
    bool number = parse_number(&reader->field[0], &id);
    if (!number && line->number == 1) {
        return true; /* the header */
    }
    if (!number || id != floor(id) || id < 1 || id > INT32_MAX) {
        return embedding_rows_fault(rows, line->number,
                                    "movie id '%s' is not a whole number from 1 to 2147483647",
                                    csv_field_excerpt(&reader->field[0], excerpt, sizeof excerpt));
    }
    if (count < 2 || count > EMBEDDINGS_FILE_DIMS_MAX + 1) {
        return embedding_rows_fault(rows, line->number,
                                    "%d field%s, expected a movie id and 1 to %d numbers", count,
                                    count == 1 ? "" : "s", EMBEDDINGS_FILE_DIMS_MAX);
    }
    rows->dims = rows->dims == 0 ? count - 1 : rows->dims;
    if (count - 1 != rows->dims) {
        return embedding_rows_fault(rows, line->number,
                                    "%d numbers, expected %d as in the first row", count - 1,
                                    rows->dims);
    }
    return read_numbers(reader, line, (int32_t)id);
}

enum err embeddings_read_csv(struct embedding_rows *rows, struct error *error)
{
    struct csv csv;
    struct csv_line line;
    struct reader reader = {.rows = rows};
    enum err code = csv_open(&csv, rows->path, error);
    if (code != ERR_OK) {
        return code;
    }
    reader.field = mem_array(EMBEDDINGS_FILE_DIMS_MAX + 2, sizeof *reader.field);
    while (csv_next(&csv, &line) && read_line(&reader, &line)) {
    }
    code = csv_close(&csv, error);
    if (code == ERR_OK && reader.out_of_memory) {
        code = error_set(error, ERR_MEMORY, rows->path, 0, "out of memory for %zu vectors of %d",
                         rows->count, rows->dims);
    }
    mem_free(reader.field);
    return code;
}
