/*
 * Written by hand into a buffer, because a document of an hour has tens of thousands of buckets of
 * ten numbers each; read through jansson, which is strict and keeps integers of 64 bits. Reals are
 * written with 17 digits, which bring back the same bits.
 *
 * The reader trusts nothing: every index is checked against what it counts, so that a damaged file
 * is refused and never half read.
 */
#include "load/result_file.h"

#include "base/fileio.h"
#include "load/result_fields.h"
#include "load/result_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES ((size_t)1 << 30)

void result_file_deinit(struct result_file *file)
{
    json_decref(file->plan);
    json_decref(file->parts);
    engine_result_deinit(&file->result);
    memset(file, 0, sizeof *file);
}

/* ---- writing ---- */

static void write_json(struct buf *out, const char *name, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    if (text == NULL) {
        out->failed = true;
        return;
    }
    buf_printf(out, ",\n\"%s\":%s", name, text);
    free(text);
}

static void write_problem(struct buf *out, const struct engine_result *result)
{
    if (result->problem.code != ERR_OK) {
        json_t *problem = json_pack("{s:i,s:s,s:s,s:I}", "code", (int)result->problem.code, "where",
                                    result->problem.where, "text", result->problem.text, "at_ns",
                                    (json_int_t)result->problem_ns);
        write_json(out, "problem", problem);
        json_decref(problem);
    }
}

enum err result_write(const struct result_file *file, const char *path, struct error *error)
{
    struct buf out;
    bool first = true;
    buf_init(&out, FILE_MAX_BYTES);
    buf_printf(&out, "{\"format\":%d,\"shards\":%u", RESULT_FORMAT, file->shards);
    write_json(&out, "plan", file->plan);
    write_json(&out, "parts", file->parts);
    buf_text(&out, ",\n\"totals\":{");
    result_fields_write(&out, &result_totals, &file->result, &first);
    buf_printf(&out, "%s\"threads\":%u}", first ? "" : ",", file->result.threads);
    write_problem(&out, &file->result);
    result_write_failures(&file->result, &out);
    result_write_histograms(&file->result, &out);
    result_write_blocks(&file->result, &out);
    result_write_pace(&file->result, &out);
    result_write_ledger(file->result.ledger, &out);
    buf_text(&out, "}\n");
    enum err code = out.failed ? error_set(error, ERR_MEMORY, path, 0, "the result does not fit")
                               : file_write(path, out.data, out.len, error);
    buf_deinit(&out);
    return code;
}

/* ---- reading ---- */

static enum err fault(const char *path, const char *place, const char *expected,
                      struct error *error)
{
    return error_set(error, ERR_INPUT, path, 0, "%s: expected %s", place, expected);
}

/* Every part has an index below `shards`, and they rise. */
static bool parts_are_sound(const json_t *parts, json_int_t shards)
{
    json_int_t before = -1;
    size_t i;
    json_t *part;
    json_array_foreach((json_t *)parts, i, part)
    {
        const json_t *shard = json_object_get(part, "shard");
        if (!json_is_integer(shard) || json_integer_value(shard) <= before ||
            json_integer_value(shard) >= shards) {
            return false;
        }
        before = json_integer_value(shard);
    }
    return before >= 0;
}

static enum err read_head(const char *path, const json_t *root, struct result_file *out,
                          struct error *error)
{
    const json_t *format = json_object_get(root, "format");
    const json_t *shards = json_object_get(root, "shards");
    if (!json_is_integer(format)) {
        return fault(path, "/format", "a file written with --result", error);
    }
    if (json_integer_value(format) != RESULT_FORMAT) {
        return error_set(error, ERR_INPUT, path, 0,
                         "/format: %lld is of another release, this one reads %d",
                         (long long)json_integer_value(format), RESULT_FORMAT);
    }
    if (!json_is_integer(shards) || json_integer_value(shards) < 1 ||
        json_integer_value(shards) > SHARDS_MAX) {
        return fault(path, "/shards", "how many there are", error);
    }
    out->shards = (unsigned)json_integer_value(shards);
    if (!json_is_object(json_object_get(root, "plan"))) {
        return fault(path, "/plan", "an object", error);
    }
    if (!parts_are_sound(json_object_get(root, "parts"), json_integer_value(shards))) {
        return fault(path, "/parts", "objects with rising members \"shard\" below /shards", error);
    }
    out->plan = json_deep_copy(json_object_get(root, "plan"));
    out->parts = json_deep_copy(json_object_get(root, "parts"));
    return ERR_OK;
}

static enum err read_totals(const char *path, const json_t *root, struct engine_result *out,
                            struct error *error)
{
    static const char *const further[] = {"threads", NULL};
    struct result_place place = {.file = path, .path = "/totals"};
    const json_t *totals = json_object_get(root, "totals");
    enum err code = result_fields_read(&place, &result_totals, totals, further, out, error);
    if (code != ERR_OK) {
        return code;
    }
    json_int_t threads = json_integer_value(json_object_get(totals, "threads"));
    if (threads < 1 || threads > INT32_MAX) {
        return fault(path, "/totals/threads", "a count", error);
    }
    out->threads = (unsigned)threads;
    return ERR_OK;
}

static enum err read_problem(const char *path, const json_t *root, struct engine_result *out,
                             struct error *error)
{
    const json_t *problem = json_object_get(root, "problem");
    if (problem == NULL) {
        return ERR_OK;
    }
    const char *where, *text;
    int code;
    json_int_t at_ns;
    if (json_unpack((json_t *)problem, "{s:i,s:s,s:s,s:I}", "code", &code, "where", &where, "text",
                    &text, "at_ns", &at_ns) != 0 ||
        code <= ERR_OK || code > ERR_INTERRUPTED) {
        return fault(path, "/problem", "code, where, text and at_ns of an error", error);
    }
    error_set(&out->problem, (enum err)code, where, 0, "%s", text);
    out->problem_ns = (int64_t)at_ns;
    return ERR_OK;
}

static enum err read_document(const char *path, const json_t *root, struct result_file *out,
                              struct error *error)
{
    enum err code = read_head(path, root, out, error);
    if (code == ERR_OK) {
        code =
            result_read_ledger(path, json_object_get(root, "ledger"), &out->result.ledger, error);
    }
    if (code == ERR_OK) {
        code = read_totals(path, root, &out->result, error);
    }
    if (code == ERR_OK) {
        code = read_problem(path, root, &out->result, error);
    }
    if (code == ERR_OK) {
        code = result_read_failures(path, json_object_get(root, "failures"), &out->result, error);
    }
    if (code == ERR_OK) {
        code =
            result_read_histograms(path, json_object_get(root, "histograms"), &out->result, error);
    }
    if (code == ERR_OK) {
        code = result_read_blocks(path, json_object_get(root, "blocks"), &out->result, error);
    }
    if (code == ERR_OK) {
        code = result_read_pace(path, json_object_get(root, "rate_changes"), &out->result, error);
    }
    return code;
}

enum err result_read(const char *path, struct result_file *out, struct error *error)
{
    struct buf text;
    json_error_t where;
    memset(out, 0, sizeof *out);
    buf_init(&text, FILE_MAX_BYTES);
    enum err code = file_read(path, &text, error);
    if (code != ERR_OK) {
        buf_deinit(&text);
        return code;
    }
    json_t *root =
        json_loadb(text.data != NULL ? text.data : "", text.len, JSON_REJECT_DUPLICATES, &where);
    buf_deinit(&text);
    if (root == NULL) {
        return error_set(error, ERR_INPUT, path, where.line, "not JSON: %s", where.text);
    }
    code = read_document(path, root, out, error);
    json_decref(root);
    if (code != ERR_OK) {
        result_file_deinit(out);
    }
    return code;
}

/* ---- merging ---- */

static enum err compare_plans(const json_t *a, const json_t *b, struct error *error)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)a, name, value)
    {
        const json_t *other = json_object_get(b, name);
        if (other == NULL || !json_equal(value, other)) {
            char *one = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
            char *two = json_dumps(other, JSON_ENCODE_ANY | JSON_COMPACT);
            error_set(error, ERR_INPUT, NULL, 0,
                      "they do not belong together: %s is %.100s in one and %.100s in another",
                      name, one != NULL ? one : "nothing", two != NULL ? two : "nothing");
            free(one);
            free(two);
            return ERR_INPUT;
        }
    }
    return json_object_size(a) == json_object_size(b) ? ERR_OK : compare_plans(b, a, error);
}

static enum err compare_parts(const struct result_file *a, const struct result_file *b,
                              struct error *error)
{
    size_t i, j;
    json_t *one, *two;
    if (a->shards != b->shards) {
        return error_set(error, ERR_INPUT, NULL, 0,
                         "they do not belong together: one is of %u shards and another of %u",
                         a->shards, b->shards);
    }
    json_array_foreach(a->parts, i, one)
    {
        json_array_foreach(b->parts, j, two)
        {
            if (json_equal(json_object_get(one, "shard"), json_object_get(two, "shard"))) {
                return error_set(error, ERR_INPUT, NULL, 0, "shard %lld of %u is in two of them",
                                 (long long)json_integer_value(json_object_get(one, "shard")) + 1,
                                 a->shards);
            }
        }
    }
    return ERR_OK;
}

static json_int_t shard_of(const json_t *parts, size_t place)
{
    return json_integer_value(json_object_get(json_array_get(parts, place), "shard"));
}

/* Both arrays rise, and so does what they become. */
static void merge_parts(struct result_file *into, const struct result_file *from)
{
    size_t place = 0, i;
    json_t *part;
    json_array_foreach(from->parts, i, part)
    {
        while (place < json_array_size(into->parts) &&
               shard_of(into->parts, place) < shard_of(from->parts, i)) {
            place++;
        }
        json_array_insert(into->parts, place, part);
    }
}

enum err result_merge(struct result_file *into, struct result_file *from, struct error *error)
{
    enum err code = compare_plans(into->plan, from->plan, error);
    if (code == ERR_OK) {
        code = compare_parts(into, from, error);
    }
    if (code == ERR_OK && !result_fit_together(&into->result, &from->result)) {
        code = error_set(error, ERR_INPUT, NULL, 0,
                         "they do not belong together: phases, buckets of time or the ranges of "
                         "histograms differ");
    }
    if (code != ERR_OK) {
        return code;
    }
    merge_parts(into, from);
    result_merge_results(&into->result, &from->result);
    return ERR_OK;
}

bool result_complete(const struct result_file *file)
{
    return json_array_size(file->parts) == file->shards;
}
