/*
 * Events are counted into buckets as they happen, so memory grows with the length of a drill and
 * not with its traffic, and a window is a sum over buckets. A list of events would be exact to the
 * nanosecond, but a metrics window is not known to better than a scrape anyway.
 *
 * Merging in any order must give the same bits. Counts are integers; reciprocal ranks and their
 * squares are multiples of 2^-32, whose sums a double holds exactly up to two million; the digest
 * is a sum of hashes modulo 2^64, which has no order.
 */
#include "load/ledger.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fileio.h"
#include "base/mem.h"
#include "base/rng.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Room for answers that come after the last visit; more is added when it is needed. */
#define TAIL_NS (INT64_C(5) * CLOCK_NS_PER_S)
#define BUCKETS_PER_SECOND (CLOCK_NS_PER_S / LEDGER_BUCKET_NS)
#define FILE_MAX_BYTES ((size_t)1 << 30)

struct ledger *ledger_new(int64_t end_ns, const int64_t *phase_start_ns, int phase_count)
{
    assert(end_ns >= 0 && phase_count >= 0);
    struct ledger *ledger = mem_zalloc(1, sizeof *ledger);
    ledger->bucket_count = (end_ns + TAIL_NS) / LEDGER_BUCKET_NS + 1;
    ledger->observed = mem_zalloc((size_t)ledger->bucket_count, sizeof *ledger->observed);
    ledger->phase_count = phase_count > 0 ? phase_count : 1;
    ledger->phase_start_ns = mem_zalloc((size_t)ledger->phase_count, sizeof(int64_t));
    for (int i = 0; i < phase_count; i++) {
        ledger->phase_start_ns[i] = phase_start_ns[i];
    }
    ledger->nominal = mem_zalloc((size_t)ledger->phase_count, sizeof *ledger->nominal);
    return ledger;
}

void ledger_free(struct ledger *ledger)
{
    if (ledger != NULL) {
        mem_free(ledger->observed);
        mem_free(ledger->phase_start_ns);
        mem_free(ledger->nominal);
        mem_free(ledger);
    }
}

/* Makes buckets up to and including `bucket`; false if memory ran out. */
static bool reach_bucket(struct ledger *ledger, int64_t bucket)
{
    if (bucket < ledger->bucket_count) {
        return true;
    }
    int64_t count = bucket + 1 + bucket / 4;
    if ((uint64_t)count > SIZE_MAX / sizeof *ledger->observed) {
        return false;
    }
    struct ledger_counts *grown =
        mem_try_resize(ledger->observed, (size_t)count * sizeof *ledger->observed);
    if (grown == NULL) {
        return false;
    }
    memset(grown + ledger->bucket_count, 0, (size_t)(count - ledger->bucket_count) * sizeof *grown);
    ledger->observed = grown;
    ledger->bucket_count = count;
    return true;
}

struct ledger_counts *ledger_observed_at(struct ledger *ledger, int64_t observed_ns)
{
    int64_t bucket = observed_ns > 0 ? observed_ns / LEDGER_BUCKET_NS : 0;
    if (!reach_bucket(ledger, bucket)) {
        ledger->lost++;
        bucket = ledger->bucket_count - 1;
    }
    return &ledger->observed[bucket];
}

struct ledger_counts *ledger_nominal_at(struct ledger *ledger, int64_t nominal_ns)
{
    int phase = 0;
    while (phase + 1 < ledger->phase_count && ledger->phase_start_ns[phase + 1] <= nominal_ns) {
        phase++;
    }
    return &ledger->nominal[phase];
}

static double on_grid(double value)
{
    return nearbyint(ldexp(value, 32)) * ldexp(1.0, -32);
}

void ledger_count_rating(struct ledger_counts *counts, int32_t rank, uint8_t half_stars)
{
    assert(rank >= 1 && half_stars >= 1 && half_stars <= 10);
    counts->rated++;
    counts->converted += half_stars >= LEDGER_CONVERTED_HALF_STARS;
    counts->reciprocal_rank += on_grid(1.0 / rank);
    counts->reciprocal_rank_squares += on_grid(1.0 / rank / rank);
    counts->rank += rank;
    counts->stars[half_stars - 1]++;
}

uint64_t ledger_list_hash(const int32_t *item, int32_t count)
{
    uint64_t hash = rng_mix(0x6c697374, (uint64_t)count);
    for (int32_t i = 0; i < count; i++) {
        hash = rng_mix(hash, (uint64_t)(uint32_t)item[i]);
    }
    return hash;
}

void ledger_add_step(struct ledger *ledger, const struct ledger_step *step)
{
    uint64_t hash = rng_mix((uint64_t)(uint32_t)step->person, step->step);
    hash = rng_mix(hash, step->list);
    hash = rng_mix(hash, (uint64_t)(uint32_t)step->rank << 32 | (uint64_t)step->half_stars << 8 |
                             (uint64_t)step->outcome);
    ledger->digest += hash;
}

void ledger_counts_add(struct ledger_counts *into, const struct ledger_counts *from)
{
    into->lists += from->lists;
    into->lists_empty += from->lists_empty;
    into->rated += from->rated;
    into->converted += from->converted;
    into->reciprocal_rank += from->reciprocal_rank;
    into->reciprocal_rank_squares += from->reciprocal_rank_squares;
    into->rank += from->rank;
    for (int i = 0; i < 10; i++) {
        into->stars[i] += from->stars[i];
    }
    into->get_failed += from->get_failed;
    into->post_failed += from->post_failed;
    into->get_unknown += from->get_unknown;
    into->post_unknown += from->post_unknown;
    into->get_sent += from->get_sent;
    into->post_sent += from->post_sent;
}

void ledger_merge(struct ledger *into, const struct ledger *from)
{
    assert(into->phase_count == from->phase_count);
    for (int64_t b = 0; b < from->bucket_count; b++) {
        ledger_counts_add(ledger_observed_at(into, b * LEDGER_BUCKET_NS), &from->observed[b]);
    }
    for (int p = 0; p < from->phase_count; p++) {
        ledger_counts_add(&into->nominal[p], &from->nominal[p]);
    }
    into->digest += from->digest;
    into->visits += from->visits;
    into->visits_delayed += from->visits_delayed;
    into->steps += from->steps;
    into->steps_late += from->steps_late;
    into->steps_unsent += from->steps_unsent;
    into->lost += from->lost;
}

struct ledger_counts ledger_window(const struct ledger *ledger, int64_t from_ns, int64_t to_ns)
{
    struct ledger_counts sum = {0};
    int64_t first = from_ns > 0 ? (from_ns + LEDGER_BUCKET_NS - 1) / LEDGER_BUCKET_NS : 0;
    int64_t end = to_ns > 0 ? to_ns / LEDGER_BUCKET_NS : 0;
    for (int64_t b = first; b < end && b < ledger->bucket_count; b++) {
        ledger_counts_add(&sum, &ledger->observed[b]);
    }
    return sum;
}

struct ledger_counts ledger_total(const struct ledger *ledger)
{
    struct ledger_counts sum = {0};
    for (int64_t b = 0; b < ledger->bucket_count; b++) {
        ledger_counts_add(&sum, &ledger->observed[b]);
    }
    return sum;
}

int64_t ledger_ratings(const struct ledger_counts *counts)
{
    return counts->rated;
}

double ledger_conversion(const struct ledger_counts *counts)
{
    return counts->lists > 0 ? (double)counts->converted / (double)counts->lists : NAN;
}

double ledger_reciprocal_rank(const struct ledger_counts *counts)
{
    return counts->lists > 0 ? counts->reciprocal_rank / (double)counts->lists : NAN;
}

double ledger_mean_rating(const struct ledger_counts *counts)
{
    int64_t half_stars = 0;
    for (int i = 0; i < 10; i++) {
        half_stars += (i + 1) * counts->stars[i];
    }
    return counts->rated > 0 ? (double)half_stars / (2.0 * (double)counts->rated) : NAN;
}

static void write_counts(struct buf *out, const struct ledger_counts *c)
{
    buf_printf(out,
               "\"get_sent\":%" PRId64 ",\"lists\":%" PRId64 ",\"lists_empty\":%" PRId64
               ",\"get_failed\":%" PRId64 ",\"get_unknown\":%" PRId64 ",\"post_sent\":%" PRId64
               ",\"rated\":%" PRId64 ",\"converted\":%" PRId64 ",\"post_failed\":%" PRId64
               ",\"post_unknown\":%" PRId64 ",\"reciprocal_rank\":%.9f"
               ",\"reciprocal_rank_squares\":%.9f,\"rank\":%.0f,\"stars\":[",
               c->get_sent, c->lists, c->lists_empty, c->get_failed, c->get_unknown, c->post_sent,
               c->rated, c->converted, c->post_failed, c->post_unknown, c->reciprocal_rank,
               c->reciprocal_rank_squares, c->rank);
    for (int i = 0; i < 10; i++) {
        buf_printf(out, "%s%" PRId64, i > 0 ? "," : "", c->stars[i]);
    }
    buf_text(out, "]}\n");
}

static bool is_empty(const struct ledger_counts *counts)
{
    return counts->get_sent + counts->lists + counts->get_failed + counts->get_unknown +
               counts->post_sent + counts->rated + counts->post_failed + counts->post_unknown ==
           0;
}

/* Seconds after the last one in which anything was observed are left out. */
static int64_t seconds_used(const struct ledger *ledger)
{
    int64_t buckets = ledger->bucket_count;
    while (buckets > 0 && is_empty(&ledger->observed[buckets - 1])) {
        buckets--;
    }
    return (buckets + BUCKETS_PER_SECOND - 1) / BUCKETS_PER_SECOND;
}

enum err ledger_write(const struct ledger *ledger, const char *path, struct error *error)
{
    struct buf out;
    buf_init(&out, FILE_MAX_BYTES);
    for (int64_t second = 0; second < seconds_used(ledger); second++) {
        struct ledger_counts counts =
            ledger_window(ledger, second * CLOCK_NS_PER_S, (second + 1) * CLOCK_NS_PER_S);
        buf_printf(&out, "{\"kind\":\"second\",\"start_s\":%" PRId64 ",", second);
        write_counts(&out, &counts);
    }
    for (int p = 0; p < ledger->phase_count; p++) {
        buf_printf(&out, "{\"kind\":\"phase\",\"phase\":%d,\"start_s\":%.9f,", p,
                   (double)ledger->phase_start_ns[p] * 1e-9);
        write_counts(&out, &ledger->nominal[p]);
    }
    struct ledger_counts total = ledger_total(ledger);
    buf_printf(&out,
               "{\"kind\":\"total\",\"digest\":\"%016" PRIx64 "\",\"visits\":%" PRId64
               ",\"visits_delayed\":%" PRId64 ",\"steps\":%" PRId64 ",\"steps_late\":%" PRId64
               ",\"steps_unsent\":%" PRId64 ",\"lost\":%" PRId64 ",",
               ledger->digest, ledger->visits, ledger->visits_delayed, ledger->steps,
               ledger->steps_late, ledger->steps_unsent, ledger->lost);
    write_counts(&out, &total);
    enum err code = out.failed ? error_set(error, ERR_MEMORY, path, 0, "ledger does not fit")
                               : file_write(path, out.data, out.len, error);
    buf_deinit(&out);
    return code;
}
