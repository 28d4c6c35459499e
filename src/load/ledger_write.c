/* ledger.jsonl: the ledger as a file. */
#include "load/ledger.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fileio.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>

#define FILE_MAX_BYTES ((size_t)1 << 30)

static void write_integers(struct buf *out, const char *name, const int64_t *value, int count)
{
    buf_printf(out, ",\"%s\":[", name);
    for (int i = 0; i < count; i++) {
        buf_printf(out, "%s%" PRId64, i > 0 ? "," : "", value[i]);
    }
    buf_text(out, "]");
}

static void write_ratio(struct buf *out, const char *name, double value)
{
    if (isfinite(value)) {
        buf_printf(out, "\"%s\":%.9f", name, value);
    } else {
        buf_printf(out, "\"%s\":null", name);
    }
}

/* The four values that the target exports and the people's model knows, of one kind. */
static void write_values(struct buf *out, const char *name, double conversion, double rr,
                         double mean_rating, double rated_share)
{
    buf_printf(out, ",\"%s\":{", name);
    write_ratio(out, "conversion", conversion);
    buf_text(out, ",");
    write_ratio(out, "reciprocal_rank", rr);
    buf_text(out, ",");
    write_ratio(out, "mean_rating", mean_rating);
    buf_text(out, ",");
    write_ratio(out, "rated_share", rated_share);
    buf_text(out, "}");
}

static void write_expected(struct buf *out, const char *name, const struct ledger_expected *of)
{
    write_values(out, name, ledger_expected_conversion(of), ledger_expected_reciprocal_rank(of),
                 ledger_expected_mean_rating(of), ledger_expected_rated_share(of));
    buf_printf(out, ",\"%s_stars\":[", name);
    for (int k = 0; k < 10; k++) {
        buf_printf(out, "%s%.3f", k > 0 ? "," : "", of->half_stars[k]);
    }
    buf_text(out, "]");
}

static void write_truth(struct buf *out, const struct ledger_counts *c)
{
    buf_printf(out, ",\"expected_lists\":%" PRId64, c->now.lists);
    if (c->now.lists + c->rest.lists > 0) {
        write_values(out, "realised", ledger_conversion(c), ledger_reciprocal_rank(c),
                     ledger_mean_rating(c), ledger_rated_share(c));
        write_expected(out, "expected", &c->now);
        write_expected(out, "expected_at_rest", &c->rest);
    }
}

static void write_counts(struct buf *out, const struct ledger_counts *c)
{
    buf_printf(out,
               "\"get_sent\":%" PRId64 ",\"lists\":%" PRId64 ",\"lists_empty\":%" PRId64
               ",\"get_failed\":%" PRId64 ",\"get_unknown\":%" PRId64 ",\"post_sent\":%" PRId64
               ",\"rated\":%" PRId64 ",\"converted\":%" PRId64 ",\"post_failed\":%" PRId64
               ",\"post_unknown\":%" PRId64 ",\"unattributed\":%" PRId64 ",\"items\":%" PRId64
               ",\"reciprocal_rank\":%.9f,\"reciprocal_rank_squares\":%.9f,\"rank\":%.0f",
               c->get_sent, c->lists, c->lists_empty, c->get_failed, c->get_unknown, c->post_sent,
               c->rated, c->converted, c->post_failed, c->post_unknown, c->unattributed, c->items,
               c->reciprocal_rank, c->reciprocal_rank_squares, c->rank);
    write_integers(out, "stars", c->stars, 10);
    write_integers(out, "get_status", c->get_status, LEDGER_STATUS_CLASSES);
    write_integers(out, "post_status", c->post_status, LEDGER_STATUS_CLASSES);
    write_integers(out, "post_requests", c->post_requests, LEDGER_STATUS_CLASSES);
    write_integers(out, "items_by", c->items_by, LEDGER_SOURCE_ROWS);
    write_integers(out, "rated_by", c->rated_by, LEDGER_SOURCE_ROWS);
    write_truth(out, c);
}

static bool is_empty(const struct ledger_counts *counts)
{
    return counts->get_sent + counts->lists + counts->get_failed + counts->get_unknown +
               counts->post_sent + counts->rated + counts->post_failed + counts->post_unknown +
               counts->unattributed ==
           0;
}

static int64_t line_ns(const struct ledger *ledger)
{
    return ledger->bucket_ns > CLOCK_NS_PER_S ? ledger->bucket_ns : CLOCK_NS_PER_S;
}

/* Lines after the last one in which anything was observed are left out. */
static int64_t lines_used(const struct ledger *ledger)
{
    int64_t buckets_a_line = line_ns(ledger) / ledger->bucket_ns;
    int64_t buckets = ledger->bucket_count;
    while (buckets > 0 && is_empty(&ledger->observed[buckets - 1])) {
        buckets--;
    }
    return (buckets + buckets_a_line - 1) / buckets_a_line;
}

static void write_injections(const struct ledger *ledger, struct buf *out)
{
    for (int i = 0; i < ledger->drift.count; i++) {
        const struct drift_injection *injection = &ledger->drift.injection[i];
        buf_printf(out,
                   "{\"kind\":\"injection\",\"injection\":%d,\"what\":\"%s\",\"onset_s\":%.9f}\n",
                   i, drift_kind_name(injection->kind), (double)injection->onset_ns * 1e-9);
    }
}

/* How far each injection is at a moment. */
static void write_intensity(const struct ledger *ledger, int64_t at_ns, struct buf *out)
{
    buf_text(out, "\"intensity\":[");
    for (int i = 0; i < ledger->drift.count; i++) {
        buf_printf(out, "%s%.6f", i > 0 ? "," : "",
                   drift_intensity(&ledger->drift.injection[i], at_ns));
    }
    buf_text(out, "],");
}

static void write_seconds(const struct ledger *ledger, struct buf *out)
{
    int64_t lines = lines_used(ledger), each_ns = line_ns(ledger);
    for (int64_t i = 0; i < lines; i++) {
        struct ledger_counts counts = ledger_window(ledger, i * each_ns, (i + 1) * each_ns);
        buf_printf(out, "{\"kind\":\"second\",\"start_s\":%" PRId64 ",\"lasts_s\":%" PRId64 ",",
                   i * each_ns / CLOCK_NS_PER_S, each_ns / CLOCK_NS_PER_S);
        write_intensity(ledger, i * each_ns + each_ns / 2, out);
        write_counts(out, &counts);
        buf_text(out, "}\n");
    }
}

/* Label values need escapes that C strings do not show: quotes, backslashes, control bytes. */
static void write_name(struct buf *out, const char *name)
{
    buf_text(out, "\"");
    for (const char *at = name; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20) {
            buf_printf(out, "\\u%04x", (unsigned)(unsigned char)*at);
        } else {
            buf_printf(out, "%s%c", *at == '"' || *at == '\\' ? "\\" : "", *at);
        }
    }
    buf_text(out, "\"");
}

static int places_used(const struct ledger_places *places, int source)
{
    int used = LEDGER_PLACES_MAX;
    while (used > 0 && places->items[source][used - 1] == 0) {
        used--;
    }
    return used;
}

/* One source: films shown by place, and for each place the ratings by half stars. */
static void write_source(struct buf *out, const struct ledger_places *places, int source)
{
    int used = places_used(places, source);
    write_integers(out, "items", places->items[source], used);
    buf_text(out, ",\"rated\":[");
    for (int p = 0; p < used; p++) {
        buf_text(out, p > 0 ? ",[" : "[");
        for (int i = 0; i < 10; i++) {
            buf_printf(out, "%s%" PRId64, i > 0 ? "," : "", places->rated[source][p][i]);
        }
        buf_text(out, "]");
    }
    buf_text(out, "]}");
}

static void write_places(const struct ledger *ledger, int phase, struct buf *out)
{
    const struct ledger_places *places = &ledger->places[phase];
    buf_text(out, ",\"sources\":[");
    for (int s = 0; s < ledger->source_count; s++) {
        buf_text(out, s > 0 ? ",{\"source\":" : "{\"source\":");
        write_name(out, ledger->source[s]);
        write_source(out, places, s);
    }
    buf_text(out, ledger->source_count > 0 ? ",{\"source\":null" : "{\"source\":null");
    write_source(out, places, LEDGER_UNNAMED);
    buf_text(out, "]");
}

static void write_phases(const struct ledger *ledger, struct buf *out)
{
    for (int p = 0; p < ledger->phase_count; p++) {
        buf_printf(out, "{\"kind\":\"phase\",\"phase\":%d,\"start_s\":%.9f,", p,
                   (double)ledger->phase_start_ns[p] * 1e-9);
        write_counts(out, &ledger->nominal[p]);
        write_places(ledger, p, out);
        buf_text(out, "}\n");
    }
}

static void write_total(const struct ledger *ledger, struct buf *out)
{
    struct ledger_counts total = ledger_total(ledger);
    buf_printf(out,
               "{\"kind\":\"total\",\"digest\":\"%016" PRIx64 "\",\"visits\":%" PRId64
               ",\"visits_delayed\":%" PRId64 ",\"visits_missed\":%" PRId64 ",\"leavers\":%" PRId64
               ",\"steps\":%" PRId64 ",\"steps_late\":%" PRId64 ",\"steps_unsent\":%" PRId64
               ",\"lost\":%" PRId64 ",\"sources_dropped\":%" PRId64 ",\"sources\":[",
               ledger->digest, ledger->visits, ledger->visits_delayed, ledger->visits_missed,
               ledger->leavers, ledger->steps, ledger->steps_late, ledger->steps_unsent,
               ledger->lost, ledger->sources_dropped);
    for (int s = 0; s < ledger->source_count; s++) {
        buf_text(out, s > 0 ? "," : "");
        write_name(out, ledger->source[s]);
    }
    buf_text(out, "],");
    write_counts(out, &total);
    buf_text(out, "}\n");
}

enum err ledger_write(const struct ledger *ledger, const char *path, struct error *error)
{
    struct buf out;
    buf_init(&out, FILE_MAX_BYTES);
    write_injections(ledger, &out);
    write_seconds(ledger, &out);
    write_phases(ledger, &out);
    write_total(ledger, &out);
    enum err code = out.failed ? error_set(error, ERR_MEMORY, path, 0, "ledger does not fit")
                               : file_write(path, out.data, out.len, error);
    buf_deinit(&out);
    return code;
}
