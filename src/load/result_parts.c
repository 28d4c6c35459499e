#include "load/result_parts.h"

#include "base/mem.h"
#include "load/result_fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const endpoint_name[ENGINE_ENDPOINTS] = {"list", "rating"};
static const char *const nothing_further[] = {NULL};

/* ---- failures ---- */

void result_write_failures(const struct engine_result *result, struct buf *out)
{
    buf_text(out, ",\n\"failures\":{");
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        buf_printf(out, "%s\"%s\":{", e > 0 ? "," : "", endpoint_name[e]);
        for (int f = 0; f < EXCHANGE_FAILURES; f++) {
            buf_printf(out, "%s\"%s\":%" PRId64, f > 0 ? "," : "",
                       exchange_failure_name((enum exchange_failure)f), result->failures[e][f]);
        }
        buf_text(out, "}");
    }
    buf_text(out, "}");
}

enum err result_read_failures(const char *path, const json_t *value, struct engine_result *out,
                              struct error *error)
{
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        const json_t *of = json_object_get(value, endpoint_name[e]);
        for (int f = 0; f < EXCHANGE_FAILURES; f++) {
            const char *name = exchange_failure_name((enum exchange_failure)f);
            const json_t *count = json_object_get(of, name);
            if (!json_is_integer(count) || json_integer_value(count) < 0 ||
                json_integer_value(count) > RESULT_COUNT_MAX) {
                return error_set(error, ERR_INPUT, path, 0, "/failures/%s/%s: expected a count",
                                 endpoint_name[e], name);
            }
            out->failures[e][f] = (int64_t)json_integer_value(count);
        }
    }
    return ERR_OK;
}

/* ---- histograms ---- */

#define HISTOGRAMS (1 + ENGINE_ENDPOINTS * (2 + ENGINE_PARTS))

struct named_histogram {
    char name[48];
    struct histogram **place;
};

/* All histograms of a result, and what they are called in the file. */
static void list_histograms(struct engine_result *result, struct named_histogram out[HISTOGRAMS])
{
    int n = 0;
    out[n++] = (struct named_histogram){"schedule_lag", &result->schedule_lag};
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        struct named_histogram *row = &out[n];
        row[0].place = &result->from_intended[e];
        row[1].place = &result->from_send[e];
        (void)snprintf(row[0].name, sizeof row->name, "%s/from_intended", endpoint_name[e]);
        (void)snprintf(row[1].name, sizeof row->name, "%s/from_send", endpoint_name[e]);
        n += 2;
        for (int p = 0; p < ENGINE_PARTS; p++, n++) {
            out[n].place = &result->part[e][p];
            (void)snprintf(out[n].name, sizeof row->name, "%s/%s", endpoint_name[e],
                           engine_part_name[p]);
        }
    }
}

void result_write_histograms(const struct engine_result *result, struct buf *out)
{
    struct engine_result borrowed = *result;
    struct named_histogram row[HISTOGRAMS];
    list_histograms(&borrowed, row);
    buf_text(out, ",\n\"histograms\":{");
    for (int i = 0; i < HISTOGRAMS; i++) {
        buf_printf(out, "%s\n \"%s\":\"", i > 0 ? "," : "", row[i].name);
        histogram_write_text(*row[i].place, out);
        buf_text(out, "\"");
    }
    buf_text(out, "}");
}

static enum err read_histogram(const char *path, const json_t *value, struct named_histogram *row,
                               struct error *error)
{
    const json_t *text = json_object_get(value, row->name);
    struct error cause = {0};
    if (!json_is_string(text)) {
        return error_set(error, ERR_INPUT, path, 0, "/histograms/%s: expected a text", row->name);
    }
    if (histogram_read_text(json_string_value(text), row->place, &cause) != ERR_OK) {
        *row->place = NULL;
        return error_set(error, ERR_INPUT, path, 0, "/histograms/%s: %s", row->name, cause.text);
    }
    return ERR_OK;
}

static bool is_histogram(const struct named_histogram row[HISTOGRAMS], const char *name)
{
    bool is_one = false;
    for (int i = 0; i < HISTOGRAMS; i++) {
        is_one |= strcmp(row[i].name, name) == 0;
    }
    return is_one;
}

/* All of them are demanded, with one range: whoever judges or prints a result adds them up. */
enum err result_read_histograms(const char *path, const json_t *value, struct engine_result *out,
                                struct error *error)
{
    struct named_histogram row[HISTOGRAMS];
    const char *name;
    json_t *text;
    list_histograms(out, row);
    for (int i = 0; i < HISTOGRAMS; i++) {
        enum err code = read_histogram(path, value, &row[i], error);
        if (code != ERR_OK) {
            return code;
        }
        if (histogram_max_value(*row[i].place) != histogram_max_value(*row[0].place)) {
            return error_set(error, ERR_INPUT, path, 0,
                             "/histograms/%s: its range is not that of the others", row[i].name);
        }
    }
    json_object_foreach((json_t *)value, name, text)
    {
        if (!is_histogram(row, name)) {
            return error_set(error, ERR_INPUT, path, 0, "/histograms/%.40s: nothing is called so",
                             name);
        }
    }
    return ERR_OK;
}

/* ---- blocks ---- */

static bool block_is_zero(const struct engine_block *block)
{
    return result_fields_zero(&result_block_counts, &block->by[ENGINE_GET]) &&
           result_fields_zero(&result_block_counts, &block->by[ENGINE_POST]) &&
           result_fields_zero(&result_block_lists, block);
}

void result_write_blocks(const struct engine_result *result, struct buf *out)
{
    const char *comma = "";
    buf_printf(out, ",\n\"blocks\":{\"count\":%" PRId64 ",\"used\":[", result->block_count);
    for (int64_t b = 0; b < result->block_count; b++) {
        if (block_is_zero(&result->block[b])) {
            continue;
        }
        buf_printf(out, "%s\n {\"at\":%" PRId64, comma, b);
        for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
            bool first = true;
            buf_printf(out, ",\"%s\":{", endpoint_name[e]);
            result_fields_write(out, &result_block_counts, &result->block[b].by[e], &first);
            buf_text(out, "}");
        }
        bool first = false;
        result_fields_write(out, &result_block_lists, &result->block[b], &first);
        buf_text(out, "}");
        comma = ",";
    }
    buf_text(out, "]}");
}

static enum err read_block(struct result_place *place, const json_t *value,
                           struct engine_result *out, struct error *error)
{
    const json_t *at = json_object_get(value, "at");
    static const char *const of_block[] = {"at", "list", "rating", NULL};
    char path[sizeof place->path];
    if (!json_is_integer(at) || json_integer_value(at) < 0 ||
        json_integer_value(at) >= out->block_count) {
        return error_set(error, ERR_INPUT, place->file, 0,
                         "%s/at: expected a number below %" PRId64, place->path, out->block_count);
    }
    memcpy(path, place->path, sizeof path);
    struct engine_block *block = &out->block[json_integer_value(at)];
    enum err code = result_fields_read(place, &result_block_lists, value, of_block, block, error);
    for (int e = 0; code == ERR_OK && e < ENGINE_ENDPOINTS; e++) {
        (void)snprintf(place->path, sizeof place->path, "%.100s/%s", path, endpoint_name[e]);
        code = result_fields_read(place, &result_block_counts,
                                  json_object_get(value, endpoint_name[e]), nothing_further,
                                  &block->by[e], error);
    }
    return code;
}

enum err result_read_blocks(const char *path, const json_t *value, struct engine_result *out,
                            struct error *error)
{
    struct result_place place = {.file = path};
    const json_t *count = json_object_get(value, "count");
    const json_t *used = json_object_get(value, "used");
    if (!json_is_integer(count) || json_integer_value(count) < 0 ||
        json_integer_value(count) > ENGINE_BLOCKS_MAX || !json_is_array(used)) {
        return error_set(error, ERR_INPUT, path, 0,
                         "/blocks: expected a count up to %d and those used", ENGINE_BLOCKS_MAX);
    }
    out->block_count = (int64_t)json_integer_value(count);
    if (out->block_count > 0) {
        out->block = mem_zalloc((size_t)out->block_count, sizeof *out->block);
    }
    for (size_t i = 0; i < json_array_size(used); i++) {
        (void)snprintf(place.path, sizeof place.path, "/blocks/used/%zu", i);
        enum err code = read_block(&place, json_array_get(used, i), out, error);
        if (code != ERR_OK) {
            return code;
        }
    }
    return ERR_OK;
}

/* ---- changes of the rate ---- */

void result_write_pace(const struct engine_result *result, struct buf *out)
{
    buf_text(out, ",\n\"rate_changes\":[");
    for (int i = 0; i < result->rate_changes; i++) {
        const struct pace_change *change = &result->rate_change[i];
        buf_printf(out, "%s[%" PRId64 ",%" PRId64 ",%.17g]", i > 0 ? "," : "", change->at_ns,
                   change->schedule_ns, change->factor);
    }
    buf_text(out, "]");
}

enum err result_read_pace(const char *path, const json_t *value, struct engine_result *out,
                          struct error *error)
{
    if (!json_is_array(value) || json_array_size(value) > PACE_CHANGES_MAX) {
        return error_set(error, ERR_INPUT, path, 0, "/rate_changes: expected at most %d",
                         PACE_CHANGES_MAX);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *row = json_array_get(value, i);
        const json_t *at = json_array_get(row, 0), *schedule = json_array_get(row, 1);
        double factor = json_number_value(json_array_get(row, 2));
        if (json_array_size(row) != 3 || !json_is_integer(at) || !json_is_integer(schedule) ||
            !(factor >= 0 && factor <= PACE_FACTOR_MAX)) {
            return error_set(error, ERR_INPUT, path, 0,
                             "/rate_changes/%zu: expected [drill ns, schedule ns, factor]", i);
        }
        out->rate_change[i] =
            (struct pace_change){.at_ns = (int64_t)json_integer_value(at),
                                 .schedule_ns = (int64_t)json_integer_value(schedule),
                                 .factor = factor};
        out->rate_changes++;
    }
    return ERR_OK;
}

/* ---- two results ---- */

bool result_fit_together(const struct engine_result *a, const struct engine_result *b)
{
    /* Those of one result have one range. */
    bool fit = a->ledger->bucket_ns == b->ledger->bucket_ns &&
               a->ledger->phase_count == b->ledger->phase_count &&
               histogram_max_value(a->schedule_lag) == histogram_max_value(b->schedule_lag);
    for (int p = 0; fit && p < a->ledger->phase_count; p++) {
        fit = a->ledger->phase_start_ns[p] == b->ledger->phase_start_ns[p];
    }
    return fit;
}

static bool same_pace(const struct engine_result *a, const struct engine_result *b)
{
    bool same = a->rate_changes == b->rate_changes;
    for (int i = 0; same && i < a->rate_changes; i++) {
        const struct pace_change *x = &a->rate_change[i], *y = &b->rate_change[i];
        same = x->at_ns == y->at_ns && x->schedule_ns == y->schedule_ns &&
               !(x->factor < y->factor || x->factor > y->factor);
    }
    return same;
}

void result_merge_results(struct engine_result *into, struct engine_result *from)
{
    bool keeps_pace = same_pace(into, from);
    engine_result_merge(into, from);
    ledger_settle(into->ledger, NULL);
    if (!keeps_pace) {
        into->rate_changes = 0;
    }
}
