#include "recommender/section_file.h"

#include "base/fileio.h"
#include "base/mem.h"
#include "base/text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VERSION 7

static const int32_t numbers[] = {3, -1, INT32_MAX};
static const float weights[] = {0.5F, -0.0F};
static const uint8_t letters[70] =
    "a text that is longer than the sixty-four bytes of an alignment.";

static void new_path(char *path, size_t size)
{
    (void)snprintf(path, size, "/tmp/driftdrill-sections-XXXXXX");
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    close(fd);
}

static void write_good(const char *path)
{
    struct error error = {0};
    struct section_writer *writer = section_writer_new();
    char *own = mem_text("own");
    section_add(writer, "numbers", SECTION_I32, numbers, 3);
    section_add(writer, "none", SECTION_F64, NULL, 0);
    section_add_i64(writer, "whole", -5);
    section_add(writer, "letters", SECTION_U8, letters, sizeof letters);
    section_add_own(writer, "own", SECTION_U8, own, 4);
    section_add_f64(writer, "real", 0.25);
    section_add(writer, "weights", SECTION_F32, weights, 2);
    cr_assert_eq(section_write(writer, VERSION, path, &error), ERR_OK, "%s", error.text);
    section_writer_free(writer);
}

static struct section_reader *open_good(const char *path)
{
    struct error error = {0};
    struct section_reader *reader = NULL;
    cr_assert_eq(section_open(path, VERSION, &reader, &error), ERR_OK, "%s", error.text);
    return reader;
}

Test(section_file, what_is_written_is_read_back)
{
    char path[64];
    new_path(path, sizeof path);
    write_good(path);
    struct section_reader *reader = open_good(path);
    cr_expect_eq(section_count(reader, "numbers", SECTION_I32), 3);
    int32_t *got = section_take(reader, "numbers", SECTION_I32, 3);
    cr_expect_arr_eq(got, numbers, sizeof numbers);
    float *real = section_take(reader, "weights", SECTION_F32, 2);
    cr_expect_arr_eq(real, weights, sizeof weights);
    uint8_t *text = section_take(reader, "letters", SECTION_U8, sizeof letters);
    cr_expect_arr_eq(text, letters, sizeof letters);
    char *own = section_take(reader, "own", SECTION_U8, 4);
    cr_expect_str_eq(own, "own");
    double *none = section_take(reader, "none", SECTION_F64, 0);
    cr_expect_eq(section_i64(reader, "whole", -10, 10), -5);
    cr_expect_eq(section_f64(reader, "real", 0, 1), 0.25);
    cr_expect_eq(section_failed(reader, NULL), ERR_OK);
    mem_free(got);
    mem_free(real);
    mem_free(text);
    mem_free(own);
    mem_free(none);
    section_close(reader);
    unlink(path);
}

Test(section_file, what_is_missing_or_of_another_kind_is_told_and_the_first_fault_stays)
{
    static const struct {
        const char *row, *text;
    } rows[] = {
        {"missing", "makes no sense as a model: section 'absent' is missing"},
        {"type", "makes no sense as a model: section 'numbers' is of another type than expected"},
        {"count", "makes no sense as a model: section 'numbers' holds 3 numbers, expected 4"},
        {"range", "makes no sense as a model: section 'whole' is -5, expected 0 to 9"},
        {"real", "makes no sense as a model: section 'real' is 0.25, expected 1 to 2"},
        {"many", "makes no sense as a model: section 'none' holds 0 numbers, expected 1"},
        {"refused", "makes no sense as a model: section 'x' is 1"},
    };
    char path[64];
    new_path(path, sizeof path);
    write_good(path);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct section_reader *reader = open_good(path);
        struct error error = {0};
        void *taken = NULL;
        switch (i) {
        case 0:
            taken = section_take(reader, "absent", SECTION_I32, 3);
            break;
        case 1:
            cr_expect_eq(section_count(reader, "numbers", SECTION_U32), 0);
            break;
        case 2:
            taken = section_take(reader, "numbers", SECTION_I32, 4);
            cr_expect_eq(*(int32_t *)taken, 0);
            break;
        case 3:
            cr_expect_eq(section_i64(reader, "whole", 0, 9), 0);
            break;
        case 4:
            cr_expect_eq(section_f64(reader, "real", 1, 2), 1);
            break;
        case 5:
            cr_expect_eq(section_f64(reader, "none", 0, 2), 0);
            break;
        default:
            section_refuse(reader, "x", "is %d", 1);
        }
        cr_expect_eq(section_i64(reader, "whole", -10, 10), -10, "nothing is got any more");
        section_refuse(reader, "later", "is later");
        cr_expect_eq(section_failed(reader, &error), ERR_INPUT);
        cr_expect_str_eq(error.text, rows[i].text, "%s: %s", rows[i].row, error.text);
        cr_expect_str_eq(error.where, path);
        mem_free(taken);
        section_close(reader);
    }
    unlink(path);
}

/* The refusal of a file of these bytes; "" if it was accepted. */
static void refusal(const char *path, const void *bytes, size_t count, char *out, size_t size)
{
    struct error error = {0};
    struct section_reader *reader = NULL;
    out[0] = '\0';
    cr_assert_eq(file_write(path, bytes, count, NULL), ERR_OK);
    if (section_open(path, VERSION, &reader, &error) != ERR_OK) {
        cr_expect_eq(error.code, ERR_INPUT);
        text_copy(out, size, error.text);
    }
    section_close(reader);
}

Test(section_file, a_change_of_any_byte_is_found)
{
    char path[64], text[256];
    struct buf file;
    new_path(path, sizeof path);
    write_good(path);
    buf_init(&file, 1 << 20);
    cr_assert_eq(file_read(path, &file, NULL), ERR_OK);
    for (size_t i = 0; i < file.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            file.data[i] = (char)(file.data[i] ^ 1 << bit);
            refusal(path, file.data, file.len, text, sizeof text);
            cr_assert_neq(text[0], '\0', "byte %zu bit %d", i, bit);
            file.data[i] = (char)(file.data[i] ^ 1 << bit);
        }
    }
    refusal(path, file.data, file.len, text, sizeof text);
    cr_expect_str_eq(text, "", "undamaged it is accepted");
    buf_deinit(&file);
    unlink(path);
}

Test(section_file, every_cut_and_every_addition_is_found)
{
    char path[64], text[256];
    struct buf file;
    new_path(path, sizeof path);
    write_good(path);
    buf_init(&file, 1 << 20);
    cr_assert_eq(file_read(path, &file, NULL), ERR_OK);
    for (size_t len = 0; len < file.len; len++) {
        refusal(path, file.data, len, text, sizeof text);
        cr_assert_neq(text[0], '\0', "cut to %zu bytes", len);
    }
    cr_assert(buf_add(&file, "\0", 1));
    refusal(path, file.data, file.len, text, sizeof text);
    cr_expect_neq(text[0], '\0', "a byte more");
    buf_deinit(&file);
    unlink(path);
}

Test(section_file, foreign_files_are_told_apart)
{
    static const struct {
        size_t at;
        const char *bytes;
        size_t count;
        const char *text;
    } rows[] = {
        {0, "SQLite format 3", 15, "is not a model file"},
        {8, "\x01\x02\x03\x04", 4, "was written on a machine of another byte order"},
        {8, "\x09\x09\x09\x09", 4, "is damaged: no byte-order mark"},
        {12, "\x08", 1, "is a model file of version 8, this program reads version 7"},
    };
    char path[64], text[256];
    struct buf file;
    new_path(path, sizeof path);
    buf_init(&file, 1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        write_good(path);
        cr_assert_eq(file_read(path, &file, NULL), ERR_OK);
        memcpy(file.data + rows[i].at, rows[i].bytes, rows[i].count);
        refusal(path, file.data, file.len, text, sizeof text);
        cr_expect_str_eq(text, rows[i].text);
    }
    refusal(path, "", 0, text, sizeof text);
    cr_expect_str_eq(text, "is not a model file");
    struct section_reader *reader = NULL;
    struct error error = {0};
    cr_expect_eq(section_open("/tmp", VERSION, &reader, &error), ERR_INPUT);
    cr_expect_str_eq(error.text, "is not a model file");
    error = (struct error){0};
    cr_expect_eq(section_open("/nowhere/model", VERSION, &reader, &error), ERR_IO);
    buf_deinit(&file);
    unlink(path);
}

Test(section_file, a_file_that_cannot_be_written_is_told)
{
    struct error error = {0};
    struct section_writer *writer = section_writer_new();
    section_add_i64(writer, "whole", 1);
    cr_expect_eq(section_write(writer, VERSION, "/nowhere/model", &error), ERR_IO);
    cr_expect_str_eq(error.where, "/nowhere/model");
    section_writer_free(writer);
}
