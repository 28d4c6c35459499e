#include "recommender/embeddings.h"

#include "base/fileio.h"
#include "base/mem.h"
#include "base/rng.h"
#include "invalid.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct parallel one = {1}, three = {3};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static void message_of(const char *path, char *out, size_t size)
{
    struct embeddings embeddings;
    struct faults faults;
    struct error error = {0};
    size_t used = 0;
    faults_init(&faults);
    enum err code = embeddings_read(path, &one, &embeddings, &faults, &error);
    for (size_t i = 0; i < faults.count && used < size; i++) {
        used += (size_t)snprintf(out + used, size - used, "%s:%d: %s\n",
                                 base_name(faults.list[i].where), faults.list[i].line,
                                 faults.list[i].text);
    }
    if (code != ERR_OK) {
        (void)snprintf(out + used, size - used, "%s: %s:%d: %s", err_text(code),
                       base_name(error.where), error.line, error.text);
    }
    faults_deinit(&faults);
    embeddings_deinit(&embeddings);
}

Test(embeddings, malformed_files_give_the_expected_messages)
{
    cr_expect_eq(invalid_each("embeddings", message_of), 0);
}

/* Writes a file, reads it, removes it. */
static void read_bytes(const void *bytes, size_t count, const struct parallel *parallel,
                       struct embeddings *out)
{
    char path[] = "/tmp/driftdrill-embeddings-XXXXXX";
    struct faults faults;
    struct error error = {0};
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    close(fd);
    cr_assert_eq(file_write(path, bytes, count, NULL), ERR_OK);
    faults_init(&faults);
    cr_expect_eq(embeddings_read(path, parallel, out, &faults, &error), ERR_OK, "%s", error.text);
    cr_expect_eq(faults.count, 0);
    faults_deinit(&faults);
    unlink(path);
}

static double cosine(const struct embeddings *embeddings, int32_t a, int32_t b)
{
    double sum = 0;
    for (int c = 0; c < embeddings->dims; c++) {
        sum += (double)embeddings->vector[a * embeddings->dims + c] *
               (double)embeddings->vector[b * embeddings->dims + c];
    }
    return sum;
}

/* Three directions 120 degrees apart have no mean, so nothing is taken away. */
Test(embeddings, every_spelling_of_a_csv_file_is_read)
{
    static const char *const texts[] = {
        "7,0,1\n3,0.8660254,-0.5\n9,-0.8660254,-.5\n",
        "movieId,a,b\r\n7,0,10\r\n3,8.660254,-5\r\n9,-8.660254,-5",
        "\"id\",\"x\"\n7, 0 , 1e2\n3,86.60254,-5.0E+01\n\"9\",\"-8660254e-5\",-500e-1\n",
        "7.000000000000000000e+00,0.000000000000000000e+00,1.000000000000000000e+00\n"
        "3.0,0.866025403784438646763723170752936183,-0.5\n9,-0.8660254,-0.50000000000000000000\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct embeddings out;
        read_bytes(texts[i], strlen(texts[i]), &one, &out);
        cr_assert_eq(out.count, 3, "text %zu", i);
        cr_expect_eq(out.dims, 2);
        cr_expect(out.id[0] == 3 && out.id[1] == 7 && out.id[2] == 9, "text %zu", i);
        static const float expected[] = {0.8660254F, -0.5F, 0, 1, -0.8660254F, -0.5F};
        for (int c = 0; c < 6; c++) {
            cr_expect_float_eq(out.vector[c], expected[c], 1e-5, "text %zu number %d", i, c);
        }
        embeddings_deinit(&out);
    }
}

/* A .npy file of three rows as numpy writes it. */
static size_t make_npy(int version, const char *descr, const double *numbers, int rows, int cols,
                       unsigned char *out)
{
    char header[256];
    int prefix = version == 1 ? 10 : 12;
    int len =
        snprintf(header, sizeof header,
                 "{'descr': '%s', 'fortran_order': False, 'shape': (%d, %d), }", descr, rows, cols);
    while ((prefix + len + 1) % 64 != 0) {
        header[len++] = ' ';
    }
    header[len++] = '\n';
    memcpy(out, "\x93NUMPY", 6);
    out[6] = (unsigned char)version;
    out[7] = 0;
    for (int b = 0; b < prefix - 8; b++) {
        out[8 + b] = (unsigned char)(len >> 8 * b);
    }
    memcpy(out + prefix, header, (size_t)len);
    size_t used = (size_t)(prefix + len);
    for (int i = 0; i < rows * cols; i++) {
        float number = (float)numbers[i];
        size_t size = descr[2] == '4' ? sizeof number : sizeof numbers[i];
        memcpy(out + used, descr[2] == '4' ? (const void *)&number : &numbers[i], size);
        used += size;
    }
    return used;
}

Test(embeddings, every_version_and_width_of_npy_is_read)
{
    static const double numbers[] = {7, 0, 1, 3, 0.8660254, -0.5, 9, -0.8660254, -0.5};
    unsigned char bytes[1024];
    for (int version = 1; version <= 3; version++) {
        for (int wide = 0; wide < 2; wide++) {
            struct embeddings out;
            size_t count = make_npy(version, wide != 0 ? "<f8" : "<f4", numbers, 3, 3, bytes);
            read_bytes(bytes, count, &one, &out);
            cr_assert_eq(out.count, 3, "version %d", version);
            cr_expect(out.id[0] == 3 && out.id[1] == 7 && out.id[2] == 9);
            cr_expect_float_eq(out.vector[3], 1, 1e-5);
            cr_expect_float_eq(out.vector[0], 0.8660254F, 1e-5);
            embeddings_deinit(&out);
        }
    }
}

Test(embeddings, a_direction_that_all_share_is_taken_away)
{
    const char *text = "1,10,0,1\n2,10,0.1,1\n3,10,0,-1\n4,10,-0.1,-1\n5,0,0,0\n";
    struct embeddings out;
    read_bytes(text, strlen(text), &one, &out);
    cr_expect_gt(cosine(&out, 0, 1), 0.9, "of a kind");
    cr_expect_lt(cosine(&out, 0, 2), -0.9, "in the file their cosine is .98");
    cr_expect_eq(cosine(&out, 4, 4), 0, "a film of zeros has no vector");
    embeddings_deinit(&out);
}

/* Rows near eight centres in many dimensions, as CSV. */
static char *make_wide(int rows, int dims, size_t *len)
{
    size_t size = (size_t)rows * ((size_t)dims * 12 + 16), used = 0;
    char *text = mem_alloc(size);
    for (int r = 0; r < rows; r++) {
        used += (size_t)snprintf(text + used, size - used, "%d", r + 1);
        for (int d = 0; d < dims; d++) {
            struct rng centre = rng_stream(1, (uint64_t)(r % 8), (uint32_t)d);
            struct rng own = rng_stream(2, (uint64_t)r, (uint32_t)d);
            used += (size_t)snprintf(text + used, size - used, ",%.4f",
                                     rng_normal(&centre) + 0.5 * rng_normal(&own));
        }
        used += (size_t)snprintf(text + used, size - used, "\n");
    }
    *len = used;
    return text;
}

Test(embeddings, many_dimensions_are_reduced_and_what_is_alike_stays_alike)
{
    enum { ROWS = 200, DIMS = 700 };
    size_t len;
    struct embeddings a, b;
    char *text = make_wide(ROWS, DIMS, &len);
    read_bytes(text, len, &one, &a);
    read_bytes(text, len, &three, &b);
    cr_assert_eq(a.count, ROWS);
    cr_expect_eq(a.file_dims, DIMS);
    cr_assert_eq(a.dims, EMBEDDINGS_DIMS_MAX);
    cr_expect_arr_eq(a.vector, b.vector, ROWS * EMBEDDINGS_DIMS_MAX * sizeof(float),
                     "the same for any number of threads");
    for (int32_t r = 0; r < ROWS; r++) {
        cr_assert_float_eq(cosine(&a, r, r), 1, 1e-4);
        cr_assert_gt(cosine(&a, r, (r + 8) % ROWS), 0.6, "row %d, same centre", (int)r);
        cr_assert_lt(cosine(&a, r, (r + 3) % ROWS), 0.3, "row %d, other centre", (int)r);
    }
    mem_free(text);
    embeddings_deinit(&a);
    embeddings_deinit(&b);
}

Test(embeddings, fewer_films_than_dimensions_are_reduced_too)
{
    size_t len;
    struct embeddings out;
    char *text = make_wide(5, 4096, &len);
    read_bytes(text, len, &one, &out);
    cr_expect_eq(out.file_dims, 4096);
    cr_expect_eq(out.dims, 5);
    cr_expect_float_eq(cosine(&out, 3, 3), 1, 1e-4);
    mem_free(text);
    embeddings_deinit(&out);
}

Test(embeddings, films_are_matched_by_id_and_a_foreign_file_is_refused)
{
    const char *text = "7,0,1\n3,0.8660254,-0.5\n9,-0.8660254,-0.5\n";
    int32_t id[] = {3, 4, 9}, other[] = {1, 2, 100};
    struct catalogue films = {.count = 3, .id = id}, foreign = {.count = 3, .id = other};
    struct embeddings out;
    struct error error = {0};
    int32_t matched = -1;
    float vector[6];
    read_bytes(text, strlen(text), &one, &out);
    cr_expect_eq(embeddings_match(&out, "x.csv", &films, &matched, &error), ERR_OK);
    cr_expect_eq(matched, 2);
    embeddings_of_films(&out, &films, vector);
    cr_expect_float_eq(vector[0], 0.8660254F, 1e-5);
    cr_expect(vector[2] == 0 && vector[3] == 0, "a film without a vector");
    cr_expect_float_eq(vector[4], -0.8660254F, 1e-5);
    cr_expect_eq(embeddings_match(&out, "x.csv", &foreign, &matched, &error), ERR_INPUT);
    cr_expect_eq(matched, 0);
    cr_expect_str_eq(error.where, "x.csv");
    cr_expect_str_eq(error.text, "none of the 3 movie ids (3 ... 9) is a film of the catalogue "
                                 "(1 ... 100)");
    embeddings_deinit(&out);
}

Test(embeddings, a_file_that_is_not_there_is_told)
{
    struct embeddings out;
    struct faults faults;
    struct error error = {0};
    faults_init(&faults);
    cr_expect_eq(embeddings_read("/nowhere/x.npy", &one, &out, &faults, &error), ERR_IO);
    cr_expect_str_eq(error.where, "/nowhere/x.npy");
    cr_expect_eq(embeddings_read("/tmp", &one, &out, &faults, &error), ERR_INPUT);
    faults_deinit(&faults);
}
