/*
 * A file of named arrays of numbers, for what must be read back fast and exactly or not at all.
 * Layout, every number little-endian:
 *
 *     magic "DRFTDRIL", u32 byte-order mark, u32 version, u64 bytes of the file,
 *     u64 number of sections, u64 checksum of what stands before it and of the table
 *     table: a section is name[32], u32 type, u32 0, u64 count, u64 offset, u64 checksum
 *     the arrays, each at a multiple of 64 bytes, zeros between them
 *
 * Every byte of a file is covered by a checksum or must be 0, so that damage anywhere is found.
 * One thread a writer or reader.
 */
#ifndef RECOMMENDER_SECTION_FILE_H
#define RECOMMENDER_SECTION_FILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECTION_NAME_BYTES 32
#define SECTIONS_MAX 128
#define SECTION_HEAD_BYTES 40
#define SECTION_ENTRY_BYTES 64

enum section_type {
    SECTION_U8 = 1,
    SECTION_I16,
    SECTION_I32,
    SECTION_U32,
    SECTION_I64,
    SECTION_F32,
    SECTION_F64,
    SECTION_TYPES
};
size_t section_type_bytes(enum section_type type); /* of a number; 0 for no type */

uint64_t section_checksum(const void *bytes, size_t count);

/* ---- writing ---- */

struct section_writer;
struct section_writer *section_writer_new(void);
void section_writer_free(struct section_writer *writer); /* accepts NULL */
/* `data` is borrowed until the writer is freed. Names are distinct, SECTION_NAME_BYTES - 1 at most.
 */
void section_add(struct section_writer *writer, const char *name, enum section_type type,
                 const void *data, size_t count);
/* The same, and `data` is the writer's from now on (mem_free). */
void section_add_own(struct section_writer *writer, const char *name, enum section_type type,
                     void *data, size_t count);
void section_add_i64(struct section_writer *writer, const char *name, int64_t value);
void section_add_f64(struct section_writer *writer, const char *name, double value);
/* Written beside and renamed over. `version` tells readers what the sections mean. */
enum err section_write(const struct section_writer *writer, uint32_t version, const char *path,
                       struct error *error);

/* ---- reading ---- */

struct section_reader;
/* Reads the whole file and checks everything that can be checked without knowing what the sections
 * mean. ERR_IO if it cannot be read, ERR_INPUT if it is not such a file, of another version, or
 * damaged. */
enum err section_open(const char *path, uint32_t version, struct section_reader **out,
                      struct error *error);
void section_close(struct section_reader *reader); /* accepts NULL */

/* The first thing missing or wrong makes the reader fail; what is got afterwards is empty. */
enum err section_failed(const struct section_reader *reader, struct error *error);
/* Marks the reader as failed because the content of a section makes no sense. */
void section_refuse(struct section_reader *reader, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Numbers in a section; fails and gives 0 if there is none of the name and type. */
size_t section_count(struct section_reader *reader, const char *name, enum section_type type);
/* A copy of a section, the caller's (mem_free), with room for one number more; it holds `count`
 * numbers or the reader fails. When it has failed: zeros for no numbers at all. */
void *section_take(struct section_reader *reader, const char *name, enum section_type type,
                   size_t count);
int64_t section_i64(struct section_reader *reader, const char *name, int64_t min, int64_t max);
double section_f64(struct section_reader *reader, const char *name, double min, double max);

#endif
