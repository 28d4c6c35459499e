/*
 * Records of numbers as JSON objects, by tables that say what a struct's members are called. Only
 * members that are not zero are written, so that a bucket of time in which little happened takes
 * little room. For result_file.c.
 */
#ifndef LOAD_RESULT_FIELDS_H
#define LOAD_RESULT_FIELDS_H

#include "base/buf.h"
#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The largest count in a file: the sum of SHARDS_MAX of them is no overflow. */
#define RESULT_COUNT_MAX (INT64_C(1) << 49)

enum result_field_kind {
    RESULT_INTEGER, /* int64_t, never negative in a file */
    RESULT_TIME,    /* int64_t of either sign */
    RESULT_REAL     /* double, written with as many digits as bring back the same bits */
};

struct result_field {
    const char *name;
    size_t offset;
    int count; /* of an array; 1 = a plain number */
    enum result_field_kind kind;
};

struct result_fields {
    const struct result_field *field;
    size_t count;
};

extern const struct result_fields result_ledger_counts; /* struct ledger_counts */
extern const struct result_fields result_ledger_totals; /* plain members of struct ledger */
extern const struct result_fields result_totals;        /* plain members of struct engine_result */
extern const struct result_fields result_block_counts;  /* struct engine_block_counts */
extern const struct result_fields result_block_lists;   /* plain members of struct engine_block */

/* Where in a document something is wrong: the file, and a path like /ledger/phases/0. */
struct result_place {
    const char *file;
    char path[160];
};

/* Appends "name":value pairs of the members that are not zero; `first` tells whether a comma goes
 * before the first of them, and whether one would go before the next. */
void result_fields_write(struct buf *out, const struct result_fields *fields, const void *record,
                         bool *first);
bool result_fields_zero(const struct result_fields *fields, const void *record);
/* Sets the members that `object` has, and leaves the others. `further` names members that belong to
 * somebody else, ended by NULL; others that no field is called are ERR_INPUT, and so are numbers
 * that a field cannot hold. */
enum err result_fields_read(const struct result_place *place, const struct result_fields *fields,
                            const json_t *object, const char *const *further, void *record,
                            struct error *error) __attribute__((warn_unused_result));

#endif
