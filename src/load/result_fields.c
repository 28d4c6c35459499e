#include "load/result_fields.h"

#include "load/engine.h"
#include "load/ledger.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define COUNT(type, member)                                                                        \
    {                                                                                              \
#member, offsetof(struct type, member), 1, RESULT_INTEGER                                  \
    }
#define COUNTS(type, member, length)                                                               \
    {                                                                                              \
#member, offsetof(struct type, member), length, RESULT_INTEGER                             \
    }
#define REALS(type, member, length)                                                                \
    {                                                                                              \
#member, offsetof(struct type, member), length, RESULT_REAL                                \
    }
#define REAL(type, member) REALS(type, member, 1)
#define FIELDS(list)                                                                               \
    {                                                                                              \
        (list), sizeof(list) / sizeof((list)[0])                                                   \
    }

static const struct result_field counts[] = {
    COUNT(ledger_counts, lists),
    COUNT(ledger_counts, lists_empty),
    COUNT(ledger_counts, rated),
    COUNT(ledger_counts, converted),
    REAL(ledger_counts, reciprocal_rank),
    REAL(ledger_counts, reciprocal_rank_squares),
    REAL(ledger_counts, rank),
    COUNTS(ledger_counts, stars, 10),
    COUNT(ledger_counts, get_failed),
    COUNT(ledger_counts, post_failed),
    COUNT(ledger_counts, get_unknown),
    COUNT(ledger_counts, post_unknown),
    COUNT(ledger_counts, get_sent),
    COUNT(ledger_counts, post_sent),
    COUNT(ledger_counts, unattributed),
    COUNTS(ledger_counts, get_status, LEDGER_STATUS_CLASSES),
    COUNTS(ledger_counts, post_status, LEDGER_STATUS_CLASSES),
    COUNTS(ledger_counts, post_requests, LEDGER_STATUS_CLASSES),
    COUNT(ledger_counts, items),
    COUNTS(ledger_counts, items_by, LEDGER_SOURCE_ROWS),
    COUNTS(ledger_counts, rated_by, LEDGER_SOURCE_ROWS),
    COUNT(ledger_counts, now.lists),
    REAL(ledger_counts, now.rated),
    REAL(ledger_counts, now.converted),
    REAL(ledger_counts, now.reciprocal_rank),
    REAL(ledger_counts, now.stars),
    REALS(ledger_counts, now.half_stars, 10),
    COUNT(ledger_counts, rest.lists),
    REAL(ledger_counts, rest.rated),
    REAL(ledger_counts, rest.converted),
    REAL(ledger_counts, rest.reciprocal_rank),
    REAL(ledger_counts, rest.stars),
    REALS(ledger_counts, rest.half_stars, 10),
};

static const struct result_field ledger_totals[] = {
    COUNT(ledger, sources_dropped), COUNT(ledger, visits),        COUNT(ledger, visits_delayed),
    COUNT(ledger, leavers),         COUNT(ledger, visits_missed), COUNT(ledger, steps),
    COUNT(ledger, steps_late),      COUNT(ledger, steps_unsent),  COUNT(ledger, lost),
};

static const struct result_field totals[] = {
    COUNTS(engine_result, shed, ENGINE_ENDPOINTS),
    COUNTS(engine_result, unsent, ENGINE_ENDPOINTS),
    COUNT(engine_result, unsent_late),
    COUNT(engine_result, retried),
    COUNT(engine_result, late_starts),
    COUNT(engine_result, connects),
    COUNT(engine_result, taken),
    COUNT(engine_result, liked),
    REAL(engine_result, cpu_s),
    REAL(engine_result, cpu_share_max),
    {"started_ns", offsetof(struct engine_result, started_ns), 1, RESULT_TIME},
    {"ended_ns", offsetof(struct engine_result, ended_ns), 1, RESULT_TIME},
};

static const struct result_field block_counts[] = {
    COUNT(engine_block_counts, sent),   COUNT(engine_block_counts, answered),
    COUNT(engine_block_counts, failed), COUNT(engine_block_counts, shed),
    COUNT(engine_block_counts, unsent), COUNTS(engine_block_counts, over, ENGINE_SLOS_MAX),
};

static const struct result_field block_lists[] = {
    COUNT(engine_block, lists),
    COUNT(engine_block, named),
    COUNT(engine_block, fallback),
    COUNT(engine_block, hits),
};

const struct result_fields result_ledger_counts = FIELDS(counts);
const struct result_fields result_ledger_totals = FIELDS(ledger_totals);
const struct result_fields result_totals = FIELDS(totals);
const struct result_fields result_block_counts = FIELDS(block_counts);
const struct result_fields result_block_lists = FIELDS(block_lists);

/* ---- writing ---- */

static const void *element(const struct result_field *field, const void *record, int index)
{
    return (const char *)record + field->offset + (size_t)index * 8;
}

static bool is_zero(const struct result_field *field, const void *record)
{
    for (int i = 0; i < field->count; i++) {
        const void *at = element(field, record, i);
        bool zero = field->kind == RESULT_REAL ? !(fabs(*(const double *)at) > 0)
                                               : *(const int64_t *)at == 0;
        if (!zero) {
            return false;
        }
    }
    return true;
}

bool result_fields_zero(const struct result_fields *fields, const void *record)
{
    for (size_t f = 0; f < fields->count; f++) {
        if (!is_zero(&fields->field[f], record)) {
            return false;
        }
    }
    return true;
}

static void write_element(struct buf *out, const struct result_field *field, const void *at)
{
    if (field->kind == RESULT_REAL) {
        buf_printf(out, "%.17g", *(const double *)at);
    } else {
        buf_printf(out, "%" PRId64, *(const int64_t *)at);
    }
}

void result_fields_write(struct buf *out, const struct result_fields *fields, const void *record,
                         bool *first)
{
    for (size_t f = 0; f < fields->count; f++) {
        const struct result_field *field = &fields->field[f];
        if (is_zero(field, record)) {
            continue;
        }
        buf_printf(out, "%s\"%s\":%s", *first ? "" : ",", field->name, field->count > 1 ? "[" : "");
        for (int i = 0; i < field->count; i++) {
            buf_text(out, i > 0 ? "," : "");
            write_element(out, field, element(field, record, i));
        }
        buf_text(out, field->count > 1 ? "]" : "");
        *first = false;
    }
}

/* ---- reading ---- */

static bool read_element(const struct result_field *field, const json_t *value, void *at)
{
    if (field->kind == RESULT_REAL) {
        if (!json_is_number(value) || json_number_value(value) < 0) {
            return false;
        }
        *(double *)at = json_number_value(value);
        return true;
    }
    if (!json_is_integer(value) ||
        (field->kind == RESULT_INTEGER &&
         (json_integer_value(value) < 0 || json_integer_value(value) > RESULT_COUNT_MAX))) {
        return false;
    }
    *(int64_t *)at = (int64_t)json_integer_value(value);
    return true;
}

static bool read_field(const struct result_field *field, const json_t *value, void *record)
{
    if (field->count == 1) {
        return read_element(field, value, (char *)record + field->offset);
    }
    bool read = json_is_array(value) && json_array_size(value) == (size_t)field->count;
    for (int i = 0; read && i < field->count; i++) {
        read = read_element(field, json_array_get(value, (size_t)i),
                            (char *)record + field->offset + (size_t)i * 8);
    }
    return read;
}

static const struct result_field *find(const struct result_fields *fields, const char *name)
{
    for (size_t f = 0; f < fields->count; f++) {
        if (strcmp(fields->field[f].name, name) == 0) {
            return &fields->field[f];
        }
    }
    return NULL;
}

static bool is_further(const char *const *further, const char *name)
{
    while (*further != NULL && strcmp(*further, name) != 0) {
        further++;
    }
    return *further != NULL;
}

static enum err misread(const struct result_place *place, const struct result_field *field,
                        struct error *error)
{
    static const char *const one[] = {"a count", "a whole number", "a number that is not negative"};
    static const char *const many[] = {"counts", "whole numbers", "numbers that are not negative"};
    if (field->count == 1) {
        return error_set(error, ERR_INPUT, place->file, 0, "%s/%s: expected %s", place->path,
                         field->name, one[field->kind]);
    }
    return error_set(error, ERR_INPUT, place->file, 0, "%s/%s: expected an array of %d %s",
                     place->path, field->name, field->count, many[field->kind]);
}

enum err result_fields_read(const struct result_place *place, const struct result_fields *fields,
                            const json_t *object, const char *const *further, void *record,
                            struct error *error)
{
    const char *name;
    json_t *value;
    if (!json_is_object(object)) {
        return error_set(error, ERR_INPUT, place->file, 0, "%s: expected an object", place->path);
    }
    json_object_foreach((json_t *)object, name, value)
    {
        const struct result_field *field = find(fields, name);
        if (field == NULL && !is_further(further, name)) {
            return error_set(error, ERR_INPUT, place->file, 0, "%s/%.40s: nothing is called so",
                             place->path, name);
        }
        if (field != NULL && !read_field(field, value, record)) {
            return misread(place, field, error);
        }
    }
    return ERR_OK;
}
