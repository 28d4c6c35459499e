/*
 * Reading takes a model of fifty megabytes from the page cache in a few hundredths of a second: one
 * read of the whole file, one pass for the checksums, one copy a section. Rejected: mapping the
 * file (one that is overwritten or cut while mapped ends the program by SIGBUS), a general format
 * such as HDF5 (a large dependency for a dozen arrays).
 *
 * The checksum runs over 64-bit words in four lanes, so that the multiplications overlap. In a lane
 * every step is a bijection of the state, hence a single changed word always changes the lane.
 */
#include "recommender/section_file.h"

#include "base/fileio.h"
#include "base/mem.h"
#include "base/rng.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "DRFTDRIL"
#define ORDER_MARK UINT32_C(0x01020304)
#define ALIGNMENT 64
#define FILE_BYTES_MAX (UINT64_C(1) << 36)

struct head {
    char magic[8];
    uint32_t order, version;
    uint64_t bytes, sections, checksum;
};

struct entry {
    char name[SECTION_NAME_BYTES];
    uint32_t type, zero;
    uint64_t count, offset, checksum;
};

_Static_assert(sizeof(struct head) == SECTION_HEAD_BYTES, "the head has no padding");
_Static_assert(sizeof(struct entry) == SECTION_ENTRY_BYTES, "an entry has no padding");

size_t section_type_bytes(enum section_type type)
{
    static const unsigned char bytes[SECTION_TYPES] = {
        [SECTION_U8] = 1,  [SECTION_I16] = 2, [SECTION_I32] = 4, [SECTION_U32] = 4,
        [SECTION_I64] = 8, [SECTION_F32] = 4, [SECTION_F64] = 8};
    return (unsigned)type < SECTION_TYPES ? bytes[type] : 0;
}

/* ---- checksum ---- */

static uint64_t step(uint64_t state, uint64_t word)
{
    state = (state ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return state ^ state >> 29;
}

uint64_t section_checksum(const void *bytes, size_t count)
{
    enum { LANES = 4, BLOCK = LANES * sizeof(uint64_t) };
    uint64_t lane[LANES] = {1, 2, 3, 4}, word[LANES];
    const unsigned char *at = bytes;
    size_t left = count;
    for (; left >= BLOCK; left -= BLOCK, at += BLOCK) {
        memcpy(word, at, BLOCK);
        for (int l = 0; l < LANES; l++) {
            lane[l] = step(lane[l], word[l]);
        }
    }
    memset(word, 0, sizeof word);
    if (left > 0) {
        memcpy(word, at, left);
    }
    uint64_t sum = count;
    for (int l = 0; l < LANES; l++) {
        sum = rng_mix(sum, step(lane[l], word[l]));
    }
    return sum;
}

/* The head's own checksum covers all of it but itself, and the table. */
static uint64_t head_checksum(const struct head *head, const void *table, size_t table_bytes)
{
    uint64_t own = section_checksum(head, offsetof(struct head, checksum));
    return rng_mix(own, section_checksum(table, table_bytes));
}

static uint64_t aligned(uint64_t offset)
{
    return (offset + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* ---- writing ---- */

struct section_writer {
    size_t count;
    struct entry entry[SECTIONS_MAX];
    const void *data[SECTIONS_MAX];
    void *own[SECTIONS_MAX]; /* what is to be freed */
    union {
        int64_t i64;
        double f64;
    } scalar[SECTIONS_MAX]; /* where values given by themselves lie */
};

struct section_writer *section_writer_new(void)
{
    return mem_zalloc(1, sizeof(struct section_writer));
}

void section_writer_free(struct section_writer *writer)
{
    for (size_t s = 0; writer != NULL && s < writer->count; s++) {
        mem_free(writer->own[s]);
    }
    mem_free(writer);
}

void section_add(struct section_writer *writer, const char *name, enum section_type type,
                 const void *data, size_t count)
{
    size_t len = strlen(name);
    assert(writer->count < SECTIONS_MAX && len < SECTION_NAME_BYTES &&
           section_type_bytes(type) > 0);
    struct entry *entry = &writer->entry[writer->count];
    memcpy(entry->name, name, len);
    entry->type = type;
    entry->count = count;
    writer->data[writer->count++] = data;
}

void section_add_own(struct section_writer *writer, const char *name, enum section_type type,
                     void *data, size_t count)
{
    writer->own[writer->count] = data;
    section_add(writer, name, type, data, count);
}

void section_add_i64(struct section_writer *writer, const char *name, int64_t value)
{
    writer->scalar[writer->count].i64 = value;
    section_add(writer, name, SECTION_I64, &writer->scalar[writer->count].i64, 1);
}

void section_add_f64(struct section_writer *writer, const char *name, double value)
{
    writer->scalar[writer->count].f64 = value;
    section_add(writer, name, SECTION_F64, &writer->scalar[writer->count].f64, 1);
}

static size_t entry_bytes(const struct entry *entry)
{
    return (size_t)entry->count * section_type_bytes((enum section_type)entry->type);
}

enum err section_write(const struct section_writer *writer, uint32_t version, const char *path,
                       struct error *error)
{
    static const char zeros[ALIGNMENT];
    struct entry table[SECTIONS_MAX];
    struct file_part part[2 * SECTIONS_MAX + 3];
    size_t parts = 2, table_bytes = writer->count * sizeof *table;
    struct head head = {.order = ORDER_MARK, .version = version, .sections = writer->count};
    uint64_t end = sizeof head + table_bytes;
    memcpy(head.magic, MAGIC, sizeof head.magic);
    memcpy(table, writer->entry, table_bytes);
    for (size_t s = 0; s < writer->count; s++) {
        size_t bytes = entry_bytes(&table[s]);
        table[s].offset = aligned(end);
        table[s].checksum = section_checksum(writer->data[s], bytes);
        part[parts++] = (struct file_part){zeros, table[s].offset - end};
        part[parts++] = (struct file_part){writer->data[s], bytes};
        end = table[s].offset + bytes;
    }
    head.bytes = end;
    head.checksum = head_checksum(&head, table, table_bytes);
    part[0] = (struct file_part){&head, sizeof head};
    part[1] = (struct file_part){table, table_bytes};
    return file_write_parts(path, part, parts, true, error);
}

/* ---- reading ---- */

struct section_reader {
    char path[256];
    unsigned char *bytes;
    size_t count;
    struct head head;
    struct entry table[SECTIONS_MAX];
    struct error error; /* the first; code ERR_OK = none */
};

static enum err read_bytes(int fd, const char *path, struct section_reader *reader,
                           struct error *error)
{
    struct stat info;
    char reason[64];
    if (fstat(fd, &info) != 0) {
        return error_set(error, ERR_IO, path, 0, "%s",
                         err_errno_text(errno, reason, sizeof reason));
    }
    if (!S_ISREG(info.st_mode) || (uint64_t)info.st_size > FILE_BYTES_MAX) {
        return error_set(error, ERR_INPUT, path, 0, "is not a model file");
    }
    reader->bytes = mem_try_alloc((size_t)info.st_size + 1);
    if (reader->bytes == NULL) {
        return error_set(error, ERR_MEMORY, path, 0, "out of memory for %lld bytes",
                         (long long)info.st_size);
    }
    while (reader->count < (size_t)info.st_size) {
        ssize_t got = read(fd, reader->bytes + reader->count, (size_t)info.st_size - reader->count);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return error_set(error, ERR_IO, path, 0, "%s",
                             err_errno_text(errno, reason, sizeof reason));
        }
        if (got == 0) {
            break; /* cut while it was read; the sizes will tell */
        }
        reader->count += (size_t)got;
    }
    return ERR_OK;
}

static enum err check_head(struct section_reader *reader, uint32_t version, struct error *error)
{
    const char *path = reader->path;
    struct head *head = &reader->head;
    if (reader->count < sizeof *head || memcmp(reader->bytes, MAGIC, sizeof head->magic) != 0) {
        return error_set(error, ERR_INPUT, path, 0, "is not a model file");
    }
    memcpy(head, reader->bytes, sizeof *head);
    if (head->order == __builtin_bswap32(ORDER_MARK)) {
        return error_set(error, ERR_INPUT, path, 0,
                         "was written on a machine of another byte order");
    }
    if (head->order != ORDER_MARK) {
        return error_set(error, ERR_INPUT, path, 0, "is damaged: no byte-order mark");
    }
    if (head->version != version) {
        return error_set(error, ERR_INPUT, path, 0,
                         "is a model file of version %u, this program reads version %u",
                         (unsigned)head->version, (unsigned)version);
    }
    if (head->bytes != reader->count) {
        return error_set(error, ERR_INPUT, path, 0, "is damaged: %zu bytes, expected %llu",
                         reader->count, (unsigned long long)head->bytes);
    }
    uint64_t most = (head->bytes - sizeof *head) / sizeof(struct entry);
    if (head->sections > SECTIONS_MAX || head->sections > most) {
        return error_set(error, ERR_INPUT, path, 0, "is damaged: %llu sections",
                         (unsigned long long)head->sections);
    }
    size_t table_bytes = (size_t)head->sections * sizeof(struct entry);
    memcpy(reader->table, reader->bytes + sizeof *head, table_bytes);
    if (head->checksum != head_checksum(head, reader->table, table_bytes)) {
        return error_set(error, ERR_INPUT, path, 0,
                         "is damaged: the checksum of its table differs");
    }
    return ERR_OK;
}

static bool all_zero(const unsigned char *from, const unsigned char *end)
{
    while (from < end && *from == 0) {
        from++;
    }
    return from == end;
}

/* Entries lie one behind the other, so that no two share bytes and none is left out. */
static bool entry_fits(const struct section_reader *reader, const struct entry *entry, uint64_t end)
{
    size_t item = section_type_bytes((enum section_type)entry->type);
    return item > 0 && entry->zero == 0 && entry->name[SECTION_NAME_BYTES - 1] == '\0' &&
           entry->offset == aligned(end) && entry->offset <= reader->count &&
           entry->count <= (reader->count - entry->offset) / item &&
           all_zero(reader->bytes + end, reader->bytes + entry->offset);
}

static enum err check_sections(struct section_reader *reader, struct error *error)
{
    uint64_t end = sizeof reader->head + reader->head.sections * sizeof(struct entry);
    for (size_t s = 0; s < reader->head.sections; s++) {
        const struct entry *entry = &reader->table[s];
        if (!entry_fits(reader, entry, end)) {
            return error_set(error, ERR_INPUT, reader->path, 0,
                             "is damaged: section %zu does not lie in the file", s + 1);
        }
        size_t bytes = entry_bytes(entry);
        if (section_checksum(reader->bytes + entry->offset, bytes) != entry->checksum) {
            return error_set(error, ERR_INPUT, reader->path, 0,
                             "is damaged: the checksum of section '%s' differs", entry->name);
        }
        for (size_t other = 0; other < s; other++) {
            if (strcmp(reader->table[other].name, entry->name) == 0) {
                return error_set(error, ERR_INPUT, reader->path, 0, "is damaged: two sections '%s'",
                                 entry->name);
            }
        }
        end = entry->offset + bytes;
    }
    return end == reader->count ? ERR_OK
                                : error_set(error, ERR_INPUT, reader->path, 0,
                                            "is damaged: bytes behind the last section");
}

enum err section_open(const char *path, uint32_t version, struct section_reader **out,
                      struct error *error)
{
    char reason[64];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not wait */
    if (fd < 0) {
        return error_set(error, ERR_IO, path, 0, "%s",
                         err_errno_text(errno, reason, sizeof reason));
    }
    struct section_reader *reader = mem_zalloc(1, sizeof *reader);
    (void)snprintf(reader->path, sizeof reader->path, "%s", path);
    enum err code = read_bytes(fd, path, reader, error);
    close(fd);
    if (code == ERR_OK) {
        code = check_head(reader, version, error);
    }
    if (code == ERR_OK) {
        code = check_sections(reader, error);
    }
    if (code != ERR_OK) {
        section_close(reader);
        return code;
    }
    *out = reader;
    return ERR_OK;
}

void section_close(struct section_reader *reader)
{
    if (reader != NULL) {
        mem_free(reader->bytes);
        mem_free(reader);
    }
}

enum err section_failed(const struct section_reader *reader, struct error *error)
{
    const struct error *own = &reader->error;
    return own->code == ERR_OK ? ERR_OK
                               : error_set(error, own->code, own->where, 0, "%s", own->text);
}

void section_refuse(struct section_reader *reader, const char *name, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)error_set(&reader->error, ERR_INPUT, reader->path, 0,
                    "makes no sense as a model: section '%s' %s", name, text);
}

static const struct entry *find(struct section_reader *reader, const char *name,
                                enum section_type type)
{
    for (size_t s = 0; s < reader->head.sections && reader->error.code == ERR_OK; s++) {
        const struct entry *entry = &reader->table[s];
        if (strcmp(entry->name, name) == 0) {
            if (entry->type == (uint32_t)type) {
                return entry;
            }
            section_refuse(reader, name, "is of another type than expected");
        }
    }
    section_refuse(reader, name, "is missing");
    return NULL;
}

size_t section_count(struct section_reader *reader, const char *name, enum section_type type)
{
    const struct entry *entry = find(reader, name, type);
    return entry != NULL ? (size_t)entry->count : 0;
}

void *section_take(struct section_reader *reader, const char *name, enum section_type type,
                   size_t count)
{
    size_t item = section_type_bytes(type);
    const struct entry *entry = find(reader, name, type);
    if (entry != NULL && entry->count != count) {
        section_refuse(reader, name, "holds %llu numbers, expected %zu",
                       (unsigned long long)entry->count, count);
        entry = NULL;
    }
    unsigned char *copy = mem_array((entry != NULL ? count : 0) + 1, item);
    size_t bytes = entry != NULL ? count * item : 0;
    memset(copy + bytes, 0, item);
    if (bytes > 0) {
        memcpy(copy, reader->bytes + entry->offset, bytes);
    }
    return copy;
}

int64_t section_i64(struct section_reader *reader, const char *name, int64_t min, int64_t max)
{
    int64_t value = min;
    const struct entry *entry = find(reader, name, SECTION_I64);
    if (entry == NULL) {
        return min;
    }
    if (entry->count != 1) {
        section_refuse(reader, name, "holds %llu numbers, expected 1",
                       (unsigned long long)entry->count);
        return min;
    }
    memcpy(&value, reader->bytes + entry->offset, sizeof value);
    if (value < min || value > max) {
        section_refuse(reader, name, "is %lld, expected %lld to %lld", (long long)value,
                       (long long)min, (long long)max);
        return min;
    }
    return value;
}

double section_f64(struct section_reader *reader, const char *name, double min, double max)
{
    double value = min;
    const struct entry *entry = find(reader, name, SECTION_F64);
    if (entry == NULL) {
        return min;
    }
    if (entry->count != 1) {
        section_refuse(reader, name, "holds %llu numbers, expected 1",
                       (unsigned long long)entry->count);
        return min;
    }
    memcpy(&value, reader->bytes + entry->offset, sizeof value);
    if (!(value >= min && value <= max)) {
        section_refuse(reader, name, "is %g, expected %g to %g", value, min, max);
        return min;
    }
    return value;
}
