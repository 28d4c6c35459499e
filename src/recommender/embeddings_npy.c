/* The .npy format: magic, version, length of the header, a Python dictionary, the numbers. */
#include "base/mem.h"
#include "recommender/embeddings_int.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PREFIX_BYTES 8 /* magic and version */
#define HEADER_MAX_BYTES 65536

struct header {
    int64_t bytes; /* of the file, up to the first number */
    int item_bytes;
    int64_t rows, cols;
    bool descr, order, shape; /* seen */
};

/* What is left of the dictionary's text. */
struct cursor {
    const char *path, *text, *at, *end;
    int64_t offset; /* of `text` in the file */
    struct error *error;
};

static enum err fault_at(const struct cursor *cursor, const char *expected)
{
    return error_set(cursor->error, ERR_INPUT, cursor->path, 0,
                     "the .npy header at byte %lld: expected %s",
                     (long long)(cursor->offset + (cursor->at - cursor->text)), expected);
}

static void skip_blanks(struct cursor *cursor)
{
    while (cursor->at < cursor->end && isspace((unsigned char)*cursor->at)) {
        cursor->at++;
    }
}

static bool take(struct cursor *cursor, char c)
{
    skip_blanks(cursor);
    bool there = cursor->at < cursor->end && *cursor->at == c;
    cursor->at += there;
    return there;
}

static bool take_word(struct cursor *cursor, const char *word)
{
    size_t len = strlen(word);
    skip_blanks(cursor);
    bool there = (size_t)(cursor->end - cursor->at) >= len && memcmp(cursor->at, word, len) == 0;
    cursor->at += there ? len : 0;
    return there;
}

/* A quoted text without escapes; false leaves the cursor where it was. */
static bool take_quoted(struct cursor *cursor, char *out, size_t size)
{
    skip_blanks(cursor);
    const char *at = cursor->at;
    if (at == cursor->end || (*at != '\'' && *at != '"')) {
        return false;
    }
    const char *close = memchr(at + 1, *at, (size_t)(cursor->end - at - 1));
    if (close == NULL || (size_t)(close - at - 1) >= size) {
        return false;
    }
    memcpy(out, at + 1, (size_t)(close - at - 1));
    out[close - at - 1] = '\0';
    cursor->at = close + 1;
    return true;
}

static bool take_count(struct cursor *cursor, int64_t *out)
{
    int64_t value = 0;
    skip_blanks(cursor);
    const char *first = cursor->at;
    for (; cursor->at < cursor->end && isdigit((unsigned char)*cursor->at); cursor->at++) {
        if (value > INT64_MAX / 100) {
            return false;
        }
        value = value * 10 + (*cursor->at - '0');
    }
    *out = value;
    return cursor->at > first;
}

static enum err read_descr(struct cursor *cursor, struct header *header)
{
    char descr[16];
    const char *expected = "'<f4' or '<f8' (little-endian float32 or float64)";
    skip_blanks(cursor);
    const char *first = cursor->at;
    if (!take_quoted(cursor, descr, sizeof descr)) {
        return fault_at(cursor, expected);
    }
    header->item_bytes = strcmp(descr, "<f4") == 0 ? 4 : strcmp(descr, "<f8") == 0 ? 8 : 0;
    header->descr = true;
    if (header->item_bytes == 0) {
        cursor->at = first;
        return fault_at(cursor, expected);
    }
    return ERR_OK;
}

static enum err read_shape(struct cursor *cursor, struct header *header)
{
    const char *expected = "a shape of two, films and 1 + dimensions";
    if (!take(cursor, '(') || !take_count(cursor, &header->rows) || !take(cursor, ',') ||
        !take_count(cursor, &header->cols)) {
        return fault_at(cursor, expected);
    }
    (void)take(cursor, ',');
    header->shape = true;
    return take(cursor, ')') ? ERR_OK : fault_at(cursor, expected);
}

static enum err read_entry(struct cursor *cursor, struct header *header)
{
    char key[32];
    const char *expected = "one of the keys 'descr', 'fortran_order', 'shape'";
    skip_blanks(cursor);
    const char *first = cursor->at;
    if (!take_quoted(cursor, key, sizeof key)) {
        return fault_at(cursor, expected);
    }
    if (!take(cursor, ':')) {
        return fault_at(cursor, "a colon");
    }
    if (strcmp(key, "descr") == 0) {
        return read_descr(cursor, header);
    }
    if (strcmp(key, "shape") == 0) {
        return read_shape(cursor, header);
    }
    if (strcmp(key, "fortran_order") == 0) {
        header->order = true;
        return take_word(cursor, "False") ? ERR_OK : fault_at(cursor, "False (C order)");
    }
    cursor->at = first;
    return fault_at(cursor, expected);
}

static enum err read_dictionary(struct cursor *cursor, struct header *header)
{
    if (!take(cursor, '{')) {
        return fault_at(cursor, "a dictionary");
    }
    while (!take(cursor, '}')) {
        enum err code = read_entry(cursor, header);
        if (code != ERR_OK) {
            return code;
        }
        if (!take(cursor, ',')) {
            if (take(cursor, '}')) {
                break;
            }
            return fault_at(cursor, "a comma or the end of the dictionary");
        }
    }
    return header->descr && header->order && header->shape
               ? ERR_OK
               : fault_at(cursor, "'descr', 'fortran_order' and 'shape' before the end");
}

static enum err cut_short(const char *path, struct error *error)
{
    return error_set(error, ERR_INPUT, path, 0, "the file ends inside the .npy header");
}

static enum err read_header(FILE *file, const char *path, struct header *header,
                            struct error *error)
{
    unsigned char prefix[PREFIX_BYTES], size[4] = {0};
    if (fread(prefix, 1, sizeof prefix, file) != sizeof prefix) {
        return cut_short(path, error);
    }
    int version = prefix[6];
    if (version < 1 || version > 3 || prefix[7] != 0) {
        return error_set(error, ERR_INPUT, path, 0, ".npy version %d.%d, expected 1.0, 2.0 or 3.0",
                         version, prefix[7]);
    }
    size_t size_bytes = version == 1 ? 2 : 4;
    if (fread(size, 1, size_bytes, file) != size_bytes) {
        return cut_short(path, error);
    }
    size_t len =
        (size_t)size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16 | (size_t)size[3] << 24;
    if (len > HEADER_MAX_BYTES) {
        return error_set(error, ERR_INPUT, path, 0,
                         "a .npy header of %zu bytes, expected at most %d", len, HEADER_MAX_BYTES);
    }
    char *text = mem_alloc(len + 1);
    struct cursor cursor = {.path = path,
                            .text = text,
                            .at = text,
                            .end = text + len,
                            .offset = (int64_t)(PREFIX_BYTES + size_bytes),
                            .error = error};
    header->bytes = cursor.offset + (int64_t)len;
    enum err code = fread(text, 1, len, file) == len ? read_dictionary(&cursor, header)
                                                     : cut_short(path, error);
    mem_free(text);
    return code;
}

/* Sizes that lie are found before anything is allocated for them. */
static enum err check_sizes(FILE *file, const char *path, const struct header *header,
                            struct error *error)
{
    struct stat info;
    if (header->rows < 1 || header->cols < 2 || header->cols > EMBEDDINGS_FILE_DIMS_MAX + 1 ||
        header->rows > INT32_MAX) {
        return error_set(error, ERR_INPUT, path, 0,
                         "a matrix of %lld x %lld, expected a row a film: its id and 1 to %d "
                         "numbers",
                         (long long)header->rows, (long long)header->cols,
                         EMBEDDINGS_FILE_DIMS_MAX);
    }
    int64_t wanted = header->bytes + header->rows * header->cols * header->item_bytes;
    if (fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode)) {
        return error_set(error, ERR_INPUT, path, 0, "expected a regular file");
    }
    if (info.st_size != wanted) {
        return error_set(
            error, ERR_INPUT, path, 0,
            "the file holds %lld bytes, expected %lld: %lld x %lld numbers of %d bytes "
            "behind a header of %lld",
            (long long)info.st_size, (long long)wanted, (long long)header->rows,
            (long long)header->cols, header->item_bytes, (long long)header->bytes);
    }
    return ERR_OK;
}

static double number_at(const unsigned char *bytes, int64_t index, int item_bytes)
{
    uint64_t bits = 0;
    const unsigned char *at = bytes + index * item_bytes;
    for (int b = item_bytes; b-- > 0;) {
        bits = bits << 8 | at[b];
    }
    if (item_bytes == 8) {
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    uint32_t half = (uint32_t)bits;
    float value;
    memcpy(&value, &half, sizeof value);
    return (double)value;
}

/* False when reading may stop. */
static bool read_row(struct embedding_rows *rows, const struct header *header,
                     const unsigned char *bytes, int64_t row, float *number)
{
    double id = number_at(bytes, 0, header->item_bytes);
    long long offset = header->bytes + row * header->cols * header->item_bytes;
    if (!(id >= 1 && id <= INT32_MAX) || id != floor(id)) {
        return embedding_rows_fault(rows, 0,
                                    "row %lld at byte %lld: movie id %g is not a whole number from "
                                    "1 to 2147483647",
                                    (long long)row + 1, offset, id);
    }
    for (int c = 0; c < rows->dims; c++) {
        double value = number_at(bytes, c + 1, header->item_bytes);
        if (!(fabs(value) <= EMBEDDINGS_NUMBER_MAX)) {
            return embedding_rows_fault(
                rows, 0, "row %lld at byte %lld: number %d is %g, expected one from %s",
                (long long)row + 1, offset + (c + 1LL) * header->item_bytes, c + 1, value,
                EMBEDDINGS_NUMBER_RANGE);
        }
        number[c] = (float)value;
    }
    embedding_rows_keep(rows, (int32_t)id, row + 1);
    return true;
}

static enum err read_rows(FILE *file, struct embedding_rows *rows, const struct header *header,
                          struct error *error)
{
    size_t row_bytes = (size_t)header->cols * (size_t)header->item_bytes;
    unsigned char *bytes = mem_alloc(row_bytes);
    enum err code = ERR_OK;
    bool more = true;
    rows->dims = (int)header->cols - 1;
    for (int64_t row = 0; row < header->rows && more && code == ERR_OK; row++) {
        float *number = embedding_rows_next(rows);
        if (number == NULL) {
            code =
                error_set(error, ERR_MEMORY, rows->path, 0, "out of memory for %lld vectors of %d",
                          (long long)header->rows, rows->dims);
        } else if (fread(bytes, 1, row_bytes, file) != row_bytes) {
            code = error_set(error, ERR_INPUT, rows->path, 0, "the file ends inside row %lld",
                             (long long)row + 1);
        } else {
            more = read_row(rows, header, bytes, row, number);
        }
    }
    mem_free(bytes);
    return code;
}

enum err embeddings_read_npy(struct embedding_rows *rows, struct error *error)
{
    char reason[64];
    struct header header = {0};
    FILE *file = fopen(rows->path, "rbe");
    if (file == NULL) {
        return error_set(error, ERR_IO, rows->path, 0, "%s",
                         err_errno_text(errno, reason, sizeof reason));
    }
    enum err code = read_header(file, rows->path, &header, error);
    if (code == ERR_OK) {
        code = check_sizes(file, rows->path, &header, error);
    }
    if (code == ERR_OK) {
        code = read_rows(file, rows, &header, error);
    }
    (void)fclose(file);
    return code;
}
