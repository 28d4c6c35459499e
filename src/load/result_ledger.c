/*
 * The ledger's part of a result file. What was injected is not in it: that is a matter of the plan,
 * which names the scenario.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "load/result_fields.h"
#include "load/result_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A run may outlast its schedule behind a slow target, but not by so much. */
#define BUCKETS_MAX ((int64_t)4 * LEDGER_BUCKETS_MAX)
#define PHASES_MAX 1000
#define PLACE_NUMBERS 13 /* source, place, items, and ratings by half stars */

static const char *const nothing_further[] = {NULL};

/* ---- writing ---- */

static void write_counts(struct buf *out, const char *name, const struct ledger_counts *counts)
{
    bool first = true;
    buf_printf(out, ",\"%s\":{", name);
    result_fields_write(out, &result_ledger_counts, counts, &first);
    buf_text(out, "}");
}

static void write_sources(const struct ledger *ledger, struct buf *out)
{
    buf_text(out, ",\"sources\":[");
    for (int s = 0; s < ledger->source_count; s++) {
        json_t *name = json_string(ledger->source[s]);
        char text[8 * LEDGER_SOURCE_SIZE];
        size_t length =
            name != NULL ? json_dumpb(name, text, sizeof text, JSON_ENCODE_ANY) : sizeof text + 1;
        if (length > sizeof text) {
            out->failed = true;
        } else {
            buf_text(out, s > 0 ? "," : "");
            buf_add(out, text, length);
        }
        json_decref(name);
    }
    buf_text(out, "]");
}

static bool place_is_zero(const struct ledger_places *places, int source, int place)
{
    int64_t sum = places->items[source][place];
    for (int k = 0; k < 10; k++) {
        sum += places->rated[source][place][k];
    }
    return sum == 0;
}

static void write_places(const struct ledger_places *places, struct buf *out)
{
    const char *comma = "";
    buf_text(out, ",\"places\":[");
    for (int s = 0; s < LEDGER_SOURCE_ROWS; s++) {
        for (int p = 0; p < LEDGER_PLACES_MAX; p++) {
            if (place_is_zero(places, s, p)) {
                continue;
            }
            buf_printf(out, "%s[%d,%d,%" PRId64, comma, s, p, places->items[s][p]);
            for (int k = 0; k < 10; k++) {
                buf_printf(out, ",%" PRId64, places->rated[s][p][k]);
            }
            buf_text(out, "]");
            comma = ",";
        }
    }
    buf_text(out, "]");
}

static void write_buckets(const struct ledger *ledger, struct buf *out)
{
    const char *comma = "";
    buf_text(out, ",\"buckets\":[");
    for (int64_t b = 0; b < ledger->bucket_count; b++) {
        if (!result_fields_zero(&result_ledger_counts, &ledger->observed[b])) {
            buf_printf(out, "%s\n {\"at\":%" PRId64, comma, b);
            write_counts(out, "counts", &ledger->observed[b]);
            buf_text(out, "}");
            comma = ",";
        }
    }
    buf_text(out, "]");
}

void result_write_ledger(const struct ledger *ledger, struct buf *out)
{
    bool first = true;
    buf_printf(out, ",\n\"ledger\":{\"bucket_ns\":%" PRId64 ",\"digest\":\"%016" PRIx64 "\"",
               ledger->bucket_ns, ledger->digest);
    buf_text(out, ",\"totals\":{");
    result_fields_write(out, &result_ledger_totals, ledger, &first);
    buf_text(out, "}");
    write_sources(ledger, out);
    buf_text(out, ",\n\"phases\":[");
    for (int p = 0; p < ledger->phase_count; p++) {
        buf_printf(out, "%s{\"start_ns\":%" PRId64, p > 0 ? ",\n " : "", ledger->phase_start_ns[p]);
        write_counts(out, "counts", &ledger->nominal[p]);
        write_places(&ledger->places[p], out);
        buf_text(out, "}");
    }
    buf_text(out, "]");
    write_buckets(ledger, out);
    buf_text(out, "}");
}

/* ---- reading ---- */

static enum err fault(const char *path, const char *place, const char *expected,
                      struct error *error)
{
    return error_set(error, ERR_INPUT, path, 0, "/ledger%s: expected %s", place, expected);
}

/* The ledger with its phases, all of them empty. */
static enum err make_ledger(const char *path, const json_t *value, struct ledger **out,
                            struct error *error)
{
    const json_t *phases = json_object_get(value, "phases");
    const json_t *bucket = json_object_get(value, "bucket_ns");
    size_t count = json_array_size(phases);
    int64_t start_ns[PHASES_MAX];
    if (count < 1 || count > PHASES_MAX) {
        return fault(path, "/phases", "some", error);
    }
    if (!json_is_integer(bucket) || json_integer_value(bucket) < LEDGER_BUCKET_NS ||
        json_integer_value(bucket) % LEDGER_BUCKET_NS != 0 ||
        json_integer_value(bucket) > INT64_MAX / BUCKETS_MAX) {
        return fault(path, "/bucket_ns", "a number of tenths of a second", error);
    }
    for (size_t p = 0; p < count; p++) {
        const json_t *start = json_object_get(json_array_get(phases, p), "start_ns");
        if (!json_is_integer(start) || (p > 0 && json_integer_value(start) < start_ns[p - 1])) {
            return fault(path, "/phases", "rising members start_ns", error);
        }
        start_ns[p] = (int64_t)json_integer_value(start);
    }
    *out = ledger_new(0, start_ns, (int)count);
    (*out)->bucket_ns = (int64_t)json_integer_value(bucket);
    return ERR_OK;
}

static enum err read_names(const char *path, const json_t *value, struct ledger *ledger,
                           struct error *error)
{
    const char *digest = json_string_value(json_object_get(value, "digest"));
    const json_t *sources = json_object_get(value, "sources");
    if (digest == NULL || strlen(digest) != 16 || strspn(digest, "0123456789abcdef") != 16) {
        return fault(path, "/digest", "sixteen hexadecimal digits", error);
    }
    for (const char *at = digest; *at != '\0'; at++) {
        ledger->digest = ledger->digest << 4 | (uint64_t)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
    }
    if (!json_is_array(sources) || json_array_size(sources) > LEDGER_SOURCES_MAX) {
        return fault(path, "/sources", "a few names", error);
    }
    for (size_t s = 0; s < json_array_size(sources); s++) {
        const char *name = json_string_value(json_array_get(sources, s));
        if (name == NULL || !text_copy(ledger->source[s], LEDGER_SOURCE_SIZE, name) ||
            (s > 0 && strcmp(ledger->source[s - 1], name) >= 0)) {
            return fault(path, "/sources", "names in alphabetical order, none too long", error);
        }
        ledger->source_count++;
    }
    return ERR_OK;
}

/* [source, place, items, ratings by half stars] */
static bool read_place(const json_t *row, struct ledger_places *places)
{
    int64_t number[PLACE_NUMBERS];
    bool sound = json_array_size(row) == PLACE_NUMBERS;
    for (size_t i = 0; sound && i < PLACE_NUMBERS; i++) {
        const json_t *value = json_array_get(row, i);
        sound = json_is_integer(value) && json_integer_value(value) >= 0 &&
                json_integer_value(value) <= RESULT_COUNT_MAX;
        number[i] = sound ? (int64_t)json_integer_value(value) : 0;
    }
    if (!sound || number[0] >= LEDGER_SOURCE_ROWS || number[1] >= LEDGER_PLACES_MAX) {
        return false;
    }
    places->items[number[0]][number[1]] = number[2];
    memcpy(places->rated[number[0]][number[1]], &number[3], 10 * sizeof number[0]);
    return true;
}

static enum err read_phase(const char *path, const json_t *value, int index, struct ledger *ledger,
                           struct error *error)
{
    struct result_place place = {.file = path};
    const json_t *rows = json_object_get(value, "places");
    (void)snprintf(place.path, sizeof place.path, "/ledger/phases/%d", index);
    enum err code =
        result_fields_read(&place, &result_ledger_counts, json_object_get(value, "counts"),
                           nothing_further, &ledger->nominal[index], error);
    for (size_t i = 0; code == ERR_OK && i < json_array_size(rows); i++) {
        if (!read_place(json_array_get(rows, i), &ledger->places[index])) {
            code = error_set(error, ERR_INPUT, path, 0,
                             "%s/places/%zu: expected source, place, films shown and ten counts of "
                             "ratings",
                             place.path, i);
        }
    }
    return code;
}

static enum err read_bucket(const char *path, const json_t *value, size_t index,
                            struct ledger *ledger, struct error *error)
{
    struct result_place place = {.file = path};
    const json_t *at = json_object_get(value, "at");
    (void)snprintf(place.path, sizeof place.path, "/ledger/buckets/%zu", index);
    if (!json_is_integer(at) || json_integer_value(at) < 0 ||
        json_integer_value(at) >= BUCKETS_MAX) {
        return error_set(error, ERR_INPUT, path, 0, "%s/at: expected the number of a bucket",
                         place.path);
    }
    struct ledger_counts *bucket =
        ledger_observed_at(ledger, (int64_t)json_integer_value(at) * ledger->bucket_ns);
    if (ledger->lost > 0) {
        return error_set(error, ERR_MEMORY, path, 0, "%s: out of memory", place.path);
    }
    return result_fields_read(&place, &result_ledger_counts, json_object_get(value, "counts"),
                              nothing_further, bucket, error);
}

static enum err fill_ledger(const char *path, const json_t *value, struct ledger *ledger,
                            struct error *error)
{
    struct result_place totals = {.file = path, .path = "/ledger/totals"};
    const json_t *buckets = json_object_get(value, "buckets");
    const json_t *phases = json_object_get(value, "phases");
    enum err code = read_names(path, value, ledger, error);
    for (int p = 0; code == ERR_OK && p < ledger->phase_count; p++) {
        code = read_phase(path, json_array_get(phases, (size_t)p), p, ledger, error);
    }
    if (code == ERR_OK && !json_is_array(buckets)) {
        code = fault(path, "/buckets", "an array", error);
    }
    for (size_t b = 0; code == ERR_OK && b < json_array_size(buckets); b++) {
        code = read_bucket(path, json_array_get(buckets, b), b, ledger, error);
    }
    if (code == ERR_OK) { /* last, because `lost` tells that buckets found no room */
        code = result_fields_read(&totals, &result_ledger_totals, json_object_get(value, "totals"),
                                  nothing_further, ledger, error);
    }
    return code;
}

enum err result_read_ledger(const char *path, const json_t *value, struct ledger **out,
                            struct error *error)
{
    struct ledger *ledger = NULL;
    enum err code = make_ledger(path, value, &ledger, error);
    if (code == ERR_OK) {
        code = fill_ledger(path, value, ledger, error);
    }
    if (code != ERR_OK) {
        ledger_free(ledger);
        return code;
    }
    *out = ledger;
    return ERR_OK;
}
