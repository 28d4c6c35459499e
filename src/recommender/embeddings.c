/*
 * After reading: rows in order of id, their mean taken away, length 1, and fewer dimensions if
 * there are too many. The mean goes because text embeddings share a large common direction (any two
 * texts have a cosine of .7 or so) which says nothing about a film and would leave the order to the
 * prior.
 *
 * Reduction: a truncated decomposition of all rows would take as long as training a model, so its
 * right vectors come from a sample of SAMPLE_ROWS evenly spaced rows, and all rows are projected on
 * them. The sample has many times more rows than the subspace has dimensions, so the subspace is
 * close to that of all rows. Rejected: a random projection, whose noise (1 / sqrt(64)) is as large
 * as the differences that matter.
 */
#include "base/mem.h"
#include "movielens/sort.h"
#include "numeric/sparse.h"
#include "numeric/svd.h"
#include "recommender/embeddings_int.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FIRST_CAPACITY 1024
#define SAMPLE_ROWS 1500
#define ITERATIONS 2
#define SEED 1

/* ---- rows while reading ---- */

float *embedding_rows_next(struct embedding_rows *rows)
{
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity == 0 ? FIRST_CAPACITY : rows->capacity * 2;
        int32_t *id = mem_try_resize(rows->id, capacity * sizeof *id);
        rows->id = id != NULL ? id : rows->id;
        int64_t *line = mem_try_resize(rows->line, capacity * sizeof *line);
        rows->line = line != NULL ? line : rows->line;
        float *number =
            mem_try_resize(rows->number, capacity * (size_t)rows->dims * sizeof *number);
        rows->number = number != NULL ? number : rows->number;
        if (id == NULL || line == NULL || number == NULL) {
            return NULL;
        }
        rows->capacity = capacity;
    }
    return rows->number + rows->count * (size_t)rows->dims;
}

void embedding_rows_keep(struct embedding_rows *rows, int32_t id, int64_t line)
{
    rows->id[rows->count] = id;
    rows->line[rows->count++] = line;
}

bool embedding_rows_fault(struct embedding_rows *rows, int64_t line, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    faults_add(rows->faults, rows->path, line < INT_MAX ? (int)line : INT_MAX, "", "%s", text);
    return --rows->faults_left > 0;
}

/* ---- what was read, in order ---- */

static void report_twice(struct embedding_rows *rows, size_t row, size_t before)
{
    char place[32] = "";
    if (rows->binary) {
        (void)snprintf(place, sizeof place, "row %lld: ", (long long)rows->line[row]);
    }
    (void)embedding_rows_fault(
        rows, rows->binary ? 0 : rows->line[row], "%smovie id %d again, it is also in %s %lld",
        place, (int)rows->id[row], rows->binary ? "row" : "line", (long long)rows->line[before]);
}

/* Row numbers in order of id; repeated ids are faults. */
static uint64_t *order_rows(struct embedding_rows *rows)
{
    uint64_t *key = mem_array(rows->count + 1, sizeof *key);
    uint64_t *scratch = mem_array(rows->count + 1, sizeof *scratch);
    for (size_t i = 0; i < rows->count; i++) {
        key[i] = (uint64_t)rows->id[i] << 32 | i;
    }
    sort_u64(key, scratch, rows->count);
    mem_free(scratch);
    for (size_t i = 0; i < rows->count; i++) {
        size_t row = key[i] & UINT32_MAX, before = i > 0 ? key[i - 1] & UINT32_MAX : 0;
        if (i > 0 && rows->id[row] == rows->id[before] && rows->faults_left > 0) {
            report_twice(rows, row, before);
        }
        key[i] = row;
    }
    return key;
}

static void make_unit(float *row, int dims)
{
    double norm = 0;
    for (int c = 0; c < dims; c++) {
        norm += (double)row[c] * (double)row[c];
    }
    for (int c = 0; c < dims; c++) {
        row[c] = norm > 0 ? (float)((double)row[c] / sqrt(norm)) : 0;
    }
}

static bool is_zero(const float *row, int dims)
{
    for (int c = 0; c < dims; c++) {
        if (row[c] != 0) {
            return false;
        }
    }
    return true;
}

/* Brings rows to length 1, takes their mean away, and brings them to length 1 again. Rows of zeros
 * stay. A single row has no direction to compare with and keeps its own. */
static void centre(float *number, size_t rows, int dims)
{
    double *mean = mem_zalloc((size_t)dims, sizeof *mean);
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) {
        float *row = number + i * (size_t)dims;
        make_unit(row, dims);
        count += !is_zero(row, dims);
        for (int c = 0; c < dims; c++) {
            mean[c] += (double)row[c];
        }
    }
    for (size_t i = 0; i < rows && count > 1; i++) {
        float *row = number + i * (size_t)dims;
        if (!is_zero(row, dims)) {
            for (int c = 0; c < dims; c++) {
                row[c] = (float)((double)row[c] - mean[c] / (double)count);
            }
            make_unit(row, dims);
        }
    }
    mem_free(mean);
}

/* ---- fewer dimensions ---- */

/* Every stride-th row as a matrix in which nothing is left out. */
static void sample_rows(const float *number, size_t rows, int dims, struct sparse *out)
{
    size_t stride = rows / SAMPLE_ROWS + 1;
    size_t count = (rows + stride - 1) / stride;
    sparse_init(out, (int32_t)count, dims, (int64_t)count * dims);
    for (size_t i = 0; i < count; i++) {
        out->start[i] = (int64_t)i * dims;
        memcpy(out->value + i * (size_t)dims, number + i * stride * (size_t)dims,
               (size_t)dims * sizeof *number);
        for (int c = 0; c < dims; c++) {
            out->col[i * (size_t)dims + (size_t)c] = c;
        }
    }
    out->start[count] = (int64_t)count * dims;
}

struct projection {
    const float *number; /* [rows x dims] */
    const float *basis;  /* [dims x rank] */
    int dims, rank;
    float *out; /* [rows x rank] */
};

static void project_rows(void *context, int64_t first, int64_t end, unsigned lane)
{
    const struct projection *job = context;
    (void)lane;
    for (int64_t i = first; i < end; i++) {
        const float *row = job->number + i * job->dims;
        float *restrict out = job->out + i * job->rank;
        memset(out, 0, (size_t)job->rank * sizeof *out);
        for (int d = 0; d < job->dims; d++) {
            const float *basis = job->basis + (size_t)d * (size_t)job->rank;
            float scale = row[d];
            for (int c = 0; c < job->rank; c++) {
                out[c] += scale * basis[c];
            }
        }
        make_unit(out, job->rank);
    }
}

/* Returns [rows x *rank] in place of [rows x dims]. */
static float *reduce(const float *number, size_t rows, int dims, const struct parallel *parallel,
                     int *rank)
{
    struct sparse sample, transposed;
    sample_rows(number, rows, dims, &sample);
    sparse_transpose(&sample, &transposed);
    *rank = sample.rows < EMBEDDINGS_DIMS_MAX ? (int)sample.rows : EMBEDDINGS_DIMS_MAX;
    size_t k = (size_t)*rank;
    double *left = mem_array((size_t)sample.rows * k, sizeof *left);
    double *right = mem_array((size_t)dims * k, sizeof *right);
    double singular[EMBEDDINGS_DIMS_MAX];
    svd_truncated(&sample, &transposed, *rank, ITERATIONS, SEED, parallel, left, singular, right);
    sparse_deinit(&sample);
    sparse_deinit(&transposed);
    mem_free(left);

    float *basis = mem_array((size_t)dims * k, sizeof *basis);
    for (size_t i = 0; i < (size_t)dims * k; i++) {
        basis[i] = (float)right[i];
    }
    mem_free(right);
    struct projection job = {.number = number, .basis = basis, .dims = dims, .rank = *rank};
    job.out = mem_array(rows * k, sizeof *job.out);
    parallel_for(parallel, (int64_t)rows, 0, project_rows, &job);
    mem_free(basis);
    return job.out;
}

/* ---- the whole ---- */

static void take(struct embedding_rows *rows, const uint64_t *order,
                 const struct parallel *parallel, struct embeddings *out)
{
    size_t dims = (size_t)rows->dims;
    float *number = rows->number;
    int rank = rows->dims;
    centre(number, rows->count, rows->dims);
    if (rows->dims > EMBEDDINGS_DIMS_MAX) {
        number = reduce(number, rows->count, rows->dims, parallel, &rank);
    }
    dims = (size_t)rank;
    *out = (struct embeddings){.count = (int32_t)rows->count,
                               .dims = rank,
                               .file_dims = rows->dims,
                               .id = mem_array(rows->count, sizeof *out->id),
                               .vector = mem_array(rows->count * dims, sizeof *out->vector)};
    for (size_t i = 0; i < rows->count; i++) {
        out->id[i] = rows->id[order[i]];
        memcpy(out->vector + i * dims, number + order[i] * dims, dims * sizeof *number);
    }
    if (number != rows->number) {
        mem_free(number);
    }
}

static enum err read_file(struct embedding_rows *rows, struct error *error)
{
    char reason[64], magic[sizeof EMBEDDINGS_NPY_MAGIC - 1];
    FILE *file = fopen(rows->path, "rbe");
    if (file == NULL) {
        return error_set(error, ERR_IO, rows->path, 0, "%s",
                         err_errno_text(errno, reason, sizeof reason));
    }
    bool npy = fread(magic, 1, sizeof magic, file) == sizeof magic &&
               memcmp(magic, EMBEDDINGS_NPY_MAGIC, sizeof magic) == 0;
    (void)fclose(file);
    rows->binary = npy;
    return npy ? embeddings_read_npy(rows, error) : embeddings_read_csv(rows, error);
}

/* The error that stands for all faults of the file. */
static enum err sum_up(const struct embedding_rows *rows, size_t first, struct error *error)
{
    const struct fault *fault = &rows->faults->list[first];
    size_t more = rows->faults->count - first - 1;
    if (more == 0) {
        return error_set(error, ERR_INPUT, rows->path, fault->line, "%s", fault->text);
    }
    return error_set(error, ERR_INPUT, rows->path, fault->line, "%s (and %zu more fault%s)",
                     fault->text, more, more == 1 ? "" : "s");
}

enum err embeddings_read(const char *path, const struct parallel *parallel, struct embeddings *out,
                         struct faults *faults, struct error *error)
{
    struct embedding_rows rows = {
        .path = path, .faults = faults, .faults_left = EMBEDDINGS_FAULTS_MAX};
    size_t first_fault = faults->count;
    uint64_t *order = NULL;
    memset(out, 0, sizeof *out);
    enum err code = read_file(&rows, error);
    if (code == ERR_OK) {
        order = order_rows(&rows);
    }
    if (code == ERR_OK && faults->count > first_fault) {
        code = sum_up(&rows, first_fault, error);
    } else if (code == ERR_OK && rows.count == 0) {
        code = error_set(error, ERR_INPUT, path, 0, "holds no vector");
    } else if (code == ERR_OK) {
        take(&rows, order, parallel, out);
    }
    mem_free(order);
    mem_free(rows.id);
    mem_free(rows.line);
    mem_free(rows.number);
    return code;
}

void embeddings_deinit(struct embeddings *embeddings)
{
    mem_free(embeddings->id);
    mem_free(embeddings->vector);
    memset(embeddings, 0, sizeof *embeddings);
}

enum err embeddings_match(const struct embeddings *embeddings, const char *path,
                          const struct catalogue *catalogue, int32_t *matched, struct error *error)
{
    *matched = 0;
    for (int32_t i = 0; i < embeddings->count; i++) {
        *matched += catalogue_index(catalogue, embeddings->id[i]) >= 0;
    }
    if (*matched > 0 || embeddings->count == 0 || catalogue->count == 0) {
        return ERR_OK;
    }
    return error_set(error, ERR_INPUT, path, 0,
                     "none of the %d movie ids (%d ... %d) is a film of the catalogue (%d ... %d)",
                     (int)embeddings->count, (int)embeddings->id[0],
                     (int)embeddings->id[embeddings->count - 1], (int)catalogue->id[0],
                     (int)catalogue->id[catalogue->count - 1]);
}

void embeddings_of_films(const struct embeddings *embeddings, const struct catalogue *catalogue,
                         float *vector)
{
    size_t dims = (size_t)embeddings->dims;
    memset(vector, 0, (size_t)catalogue->count * dims * sizeof *vector);
    for (int32_t i = 0; i < embeddings->count; i++) {
        int32_t item = catalogue_index(catalogue, embeddings->id[i]);
        if (item >= 0) {
            memcpy(vector + (size_t)item * dims, embeddings->vector + (size_t)i * dims,
                   dims * sizeof *vector);
        }
    }
}
