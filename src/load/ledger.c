/*
 * Events are counted into buckets as they happen, so memory does not grow with traffic, and a
 * window is a sum over buckets. Beyond an hour buckets grow and not their number: windows of so
 * long a drill are longer, too. A list of events would be exact to the nanosecond, but a metrics
 * window is not known to better than a scrape anyway.
 *
 * Merging in any order must give the same bits. Counts are integers; reciprocal ranks, their
 * squares and expected values are multiples of 2^-32, whose sums a double holds exactly up to two
 * million; the digest is a sum of hashes modulo 2^64, which has no order; sources are numbered as
 * they are met and renumbered by name at the end.
 *
 * Counts by source, place and value are kept for each phase and not for each bucket: together they
 * are 45 kB, of which a tenth of a second fills ten numbers.
 */
#include "load/ledger.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Room for answers that come after the last visit; more is added when it is needed. */
#define TAIL_NS (INT64_C(5) * CLOCK_NS_PER_S)

static int64_t bucket_length(int64_t end_ns)
{
    if (end_ns <= LEDGER_BUCKETS_MAX * LEDGER_BUCKET_NS) {
        return LEDGER_BUCKET_NS;
    }
    int64_t second = LEDGER_BUCKETS_MAX * CLOCK_NS_PER_S;
    return (end_ns + second - 1) / second * CLOCK_NS_PER_S;
}

struct ledger *ledger_new(int64_t end_ns, const int64_t *phase_start_ns, int phase_count)
{
    assert(end_ns >= 0 && phase_count >= 0);
    struct ledger *ledger = mem_zalloc(1, sizeof *ledger);
    ledger->bucket_ns = bucket_length(end_ns);
    ledger->bucket_count = (end_ns + TAIL_NS) / ledger->bucket_ns + 1;
    /* Written once now, so that a long run does not grow as it comes to them. */
    ledger->observed = mem_zalloc((size_t)ledger->bucket_count, sizeof *ledger->observed);
    memset(ledger->observed, 0, (size_t)ledger->bucket_count * sizeof *ledger->observed);
    ledger->phase_count = phase_count > 0 ? phase_count : 1;
    ledger->phase_start_ns = mem_zalloc((size_t)ledger->phase_count, sizeof(int64_t));
    for (int i = 0; i < phase_count; i++) {
        ledger->phase_start_ns[i] = phase_start_ns[i];
    }
    ledger->nominal = mem_zalloc((size_t)ledger->phase_count, sizeof *ledger->nominal);
    ledger->places = mem_zalloc((size_t)ledger->phase_count, sizeof *ledger->places);
    return ledger;
}

void ledger_free(struct ledger *ledger)
{
    if (ledger != NULL) {
        mem_free(ledger->observed);
        mem_free(ledger->phase_start_ns);
        mem_free(ledger->nominal);
        mem_free(ledger->places);
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

/* Most moments lie in the bucket of the one before, which saves a division. */
struct ledger_counts *ledger_observed_at(struct ledger *ledger, int64_t observed_ns)
{
    uint64_t into_ns = (uint64_t)observed_ns - (uint64_t)ledger->bucket_from_ns;
    if (into_ns < (uint64_t)ledger->bucket_ns) {
        return &ledger->observed[ledger->bucket_now];
    }
    int64_t bucket = observed_ns > 0 ? observed_ns / ledger->bucket_ns : 0;
    if (!reach_bucket(ledger, bucket)) {
        ledger->lost++;
        return &ledger->observed[ledger->bucket_count - 1];
    }
    ledger->bucket_now = bucket;
    ledger->bucket_from_ns = bucket * ledger->bucket_ns;
    return &ledger->observed[bucket];
}

static int phase_of(const struct ledger *ledger, int64_t nominal_ns)
{
    int phase = 0;
    while (phase + 1 < ledger->phase_count && ledger->phase_start_ns[phase + 1] <= nominal_ns) {
        phase++;
    }
    return phase;
}

struct ledger_counts *ledger_nominal_at(struct ledger *ledger, int64_t nominal_ns)
{
    return &ledger->nominal[phase_of(ledger, nominal_ns)];
}

struct ledger_places *ledger_places_at(struct ledger *ledger, int64_t nominal_ns)
{
    return &ledger->places[phase_of(ledger, nominal_ns)];
}

/* Doubles between 2^20 and 2^21 are 2^-32 apart: adding a number from there rounds to the grid,
 * ties to even, for values below 2^19 either way. */
static double on_grid(double value)
{
    return (value + 0x1.8p20) - 0x1.8p20;
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

void ledger_count_status(int64_t by_class[LEDGER_STATUS_CLASSES], long status)
{
    by_class[status == 0 ? 0 : status >= 100 && status < 600 ? status / 100 : 5]++;
}

void ledger_count_expected(struct ledger_expected *sum, const struct ledger_expected *one)
{
    sum->lists++;
    sum->rated += on_grid(one->rated);
    sum->converted += on_grid(one->converted);
    sum->reciprocal_rank += on_grid(one->reciprocal_rank);
    sum->stars += on_grid(one->stars);
    for (int k = 0; k < 10; k++) {
        sum->half_stars[k] += on_grid(one->half_stars[k]);
    }
}

/* ---- sources ---- */

static int find_source(const struct ledger *ledger, const char *name)
{
    for (int s = 0; s < ledger->source_count; s++) {
        if (strcmp(ledger->source[s], name) == 0) {
            return s;
        }
    }
    return -1;
}

static uint8_t intern(struct ledger *ledger, const char *name)
{
    int found = find_source(ledger, name);
    if (found < 0 && ledger->source_count < LEDGER_SOURCES_MAX) {
        found = ledger->source_count++;
        (void)text_copy(ledger->source[found], LEDGER_SOURCE_SIZE, name);
    }
    return found < 0 ? LEDGER_UNNAMED : (uint8_t)found;
}

/* Most names are spelled as they are; a backslash in either makes them what only reading tells. */
static bool is_spelled(const struct scan_text *spelled, const char *name)
{
    size_t len = strlen(name);
    bool same = len == spelled->len && memcmp(name, spelled->bytes, len) == 0;
    if (!same && memchr(spelled->bytes, '\\', spelled->len) == NULL) {
        return false;
    }
    return (same && strchr(name, '\\') == NULL) || scan_text_is(spelled, name);
}

uint8_t ledger_source(struct ledger *ledger, const struct scan_text *spelled)
{
    char name[LEDGER_SOURCE_SIZE];
    if (spelled->bytes == NULL) {
        return LEDGER_UNNAMED;
    }
    for (int s = 0; s < ledger->source_count; s++) {
        if (is_spelled(spelled, ledger->source[s])) {
            return (uint8_t)s;
        }
    }
    uint8_t source =
        scan_text_copy(spelled, name, sizeof name) ? intern(ledger, name) : (uint8_t)LEDGER_UNNAMED;
    ledger->sources_dropped += source == LEDGER_UNNAMED;
    return source;
}

void ledger_set_drift(struct ledger *ledger, const struct drift *drift)
{
    ledger->drift = *drift;
    drift_unbind(&ledger->drift);
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

static void add_integers(int64_t *into, const int64_t *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        into[i] += from[i];
    }
}

static void add_expected(struct ledger_expected *into, const struct ledger_expected *from)
{
    into->lists += from->lists;
    into->rated += from->rated;
    into->converted += from->converted;
    into->reciprocal_rank += from->reciprocal_rank;
    into->stars += from->stars;
    for (int k = 0; k < 10; k++) {
        into->half_stars[k] += from->half_stars[k];
    }
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
    add_integers(into->stars, from->stars, 10);
    into->get_failed += from->get_failed;
    into->post_failed += from->post_failed;
    into->get_unknown += from->get_unknown;
    into->post_unknown += from->post_unknown;
    into->get_sent += from->get_sent;
    into->post_sent += from->post_sent;
    into->unattributed += from->unattributed;
    add_integers(into->get_status, from->get_status, LEDGER_STATUS_CLASSES);
    add_integers(into->post_status, from->post_status, LEDGER_STATUS_CLASSES);
    add_integers(into->post_requests, from->post_requests, LEDGER_STATUS_CLASSES);
    into->items += from->items;
    add_integers(into->items_by, from->items_by, LEDGER_SOURCE_ROWS);
    add_integers(into->rated_by, from->rated_by, LEDGER_SOURCE_ROWS);
    add_expected(&into->now, &from->now);
    add_expected(&into->rest, &from->rest);
}

struct ledger_at ledger_at(struct ledger *ledger, int64_t observed_ns, int64_t nominal_ns)
{
    return (struct ledger_at){
        {ledger_observed_at(ledger, observed_ns), ledger_nominal_at(ledger, nominal_ns)}};
}

void ledger_note(struct ledger *ledger, int64_t observed_ns, int64_t nominal_ns,
                 const struct ledger_counts *counts)
{
    struct ledger_at at = ledger_at(ledger, observed_ns, nominal_ns);
    for (int c = 0; c < LEDGER_CLOCKS; c++) {
        ledger_counts_add(at.clock[c], counts);
    }
}

/* Adds one ledger's counts by source to another's, whose sources have other indexes. */
static void add_counts_mapped(struct ledger_counts *into, const struct ledger_counts *from,
                              const uint8_t *map)
{
    struct ledger_counts moved = *from;
    memset(moved.items_by, 0, sizeof moved.items_by);
    memset(moved.rated_by, 0, sizeof moved.rated_by);
    for (int s = 0; s < LEDGER_SOURCE_ROWS; s++) {
        moved.items_by[map[s]] += from->items_by[s];
        moved.rated_by[map[s]] += from->rated_by[s];
    }
    ledger_counts_add(into, &moved);
}

static void add_places_mapped(struct ledger_places *into, const struct ledger_places *from,
                              const uint8_t *map)
{
    for (int s = 0; s < LEDGER_SOURCE_ROWS; s++) {
        add_integers(into->items[map[s]], from->items[s], LEDGER_PLACES_MAX);
        for (int p = 0; p < LEDGER_PLACES_MAX; p++) {
            add_integers(into->rated[map[s]][p], from->rated[s][p], 10);
        }
    }
}

void ledger_merge(struct ledger *into, const struct ledger *from, uint8_t map[LEDGER_SOURCE_ROWS])
{
    uint8_t own_map[LEDGER_SOURCE_ROWS];
    assert(into->phase_count == from->phase_count && into->bucket_ns == from->bucket_ns);
    if (map == NULL) {
        map = own_map;
    }
    memset(map, LEDGER_UNNAMED, LEDGER_SOURCE_ROWS);
    for (int s = 0; s < from->source_count; s++) {
        map[s] = intern(into, from->source[s]);
        if (map[s] == LEDGER_UNNAMED) {
            into->sources_dropped += ledger_total(from).items_by[s];
        }
    }
    for (int64_t b = 0; b < from->bucket_count; b++) {
        add_counts_mapped(ledger_observed_at(into, b * into->bucket_ns), &from->observed[b], map);
    }
    for (int p = 0; p < from->phase_count; p++) {
        add_counts_mapped(&into->nominal[p], &from->nominal[p], map);
        add_places_mapped(&into->places[p], &from->places[p], map);
    }
    into->digest += from->digest;
    into->visits += from->visits;
    into->visits_delayed += from->visits_delayed;
    into->leavers += from->leavers;
    into->visits_missed += from->visits_missed;
    into->steps += from->steps;
    into->steps_late += from->steps_late;
    into->steps_unsent += from->steps_unsent;
    into->lost += from->lost;
    into->sources_dropped += from->sources_dropped;
}

/* Replaces counts by themselves with the sources moved. */
static void move_counts(struct ledger_counts *counts, const uint8_t *map)
{
    struct ledger_counts moved = {0};
    add_counts_mapped(&moved, counts, map);
    *counts = moved;
}

void ledger_settle(struct ledger *ledger, uint8_t map[LEDGER_SOURCE_ROWS])
{
    uint8_t own_map[LEDGER_SOURCE_ROWS];
    char sorted[LEDGER_SOURCES_MAX][LEDGER_SOURCE_SIZE];
    if (map == NULL) {
        map = own_map;
    }
    memset(map, LEDGER_UNNAMED, LEDGER_SOURCE_ROWS);
    for (int s = 0; s < ledger->source_count; s++) {
        map[s] = 0;
        for (int other = 0; other < ledger->source_count; other++) {
            map[s] = (uint8_t)(map[s] + (strcmp(ledger->source[other], ledger->source[s]) < 0));
        }
        memcpy(sorted[map[s]], ledger->source[s], LEDGER_SOURCE_SIZE);
    }
    memcpy(ledger->source, sorted, (size_t)ledger->source_count * LEDGER_SOURCE_SIZE);
    for (int64_t b = 0; b < ledger->bucket_count; b++) {
        move_counts(&ledger->observed[b], map);
    }
    struct ledger_places *moved = mem_zalloc((size_t)ledger->phase_count, sizeof *ledger->places);
    for (int p = 0; p < ledger->phase_count; p++) {
        move_counts(&ledger->nominal[p], map);
        add_places_mapped(&moved[p], &ledger->places[p], map);
    }
    mem_free(ledger->places);
    ledger->places = moved;
}

void ledger_places_total(const struct ledger *ledger, struct ledger_places *out)
{
    static const uint8_t same[LEDGER_SOURCE_ROWS] = {0, 1, 2, 3, 4, 5, 6, 7, LEDGER_UNNAMED};
    memset(out, 0, sizeof *out);
    for (int p = 0; p < ledger->phase_count; p++) {
        add_places_mapped(out, &ledger->places[p], same);
    }
}

struct ledger_counts ledger_window(const struct ledger *ledger, int64_t from_ns, int64_t to_ns)
{
    struct ledger_counts sum = {0};
    int64_t first = from_ns > 0 ? (from_ns + ledger->bucket_ns - 1) / ledger->bucket_ns : 0;
    int64_t end = to_ns > 0 ? to_ns / ledger->bucket_ns : 0;
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

static double ratio(double sum, double count)
{
    return count > 0 ? sum / count : NAN;
}

int64_t ledger_post_requests(const struct ledger_counts *counts)
{
    int64_t sum = 0;
    for (int c = 0; c < LEDGER_STATUS_CLASSES; c++) {
        sum += counts->post_requests[c];
    }
    return sum;
}

int64_t ledger_ratings(const struct ledger_counts *counts)
{
    return counts->rated;
}

double ledger_conversion(const struct ledger_counts *counts)
{
    return ratio((double)counts->converted, (double)counts->lists);
}

double ledger_reciprocal_rank(const struct ledger_counts *counts)
{
    return ratio(counts->reciprocal_rank, (double)counts->lists);
}

double ledger_mean_rating(const struct ledger_counts *counts)
{
    int64_t half_stars = 0;
    for (int i = 0; i < 10; i++) {
        half_stars += (i + 1) * counts->stars[i];
    }
    return ratio(0.5 * (double)half_stars, (double)counts->rated);
}

double ledger_rated_share(const struct ledger_counts *counts)
{
    return ratio((double)counts->rated, (double)counts->lists);
}

double ledger_expected_conversion(const struct ledger_expected *expected)
{
    return ratio(expected->converted, (double)expected->lists);
}

double ledger_expected_reciprocal_rank(const struct ledger_expected *expected)
{
    return ratio(expected->reciprocal_rank, (double)expected->lists);
}

double ledger_expected_mean_rating(const struct ledger_expected *expected)
{
    return ratio(expected->stars, expected->rated);
}

double ledger_expected_rated_share(const struct ledger_expected *expected)
{
    return ratio(expected->rated, (double)expected->lists);
}
