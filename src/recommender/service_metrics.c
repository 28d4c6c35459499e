#include "recommender/service_metrics_int.h"

#include "base/mem.h"
#include "recommender/lanes.h"

#include <assert.h>
#include <math.h>

#define TOP_PLACES 5

/* As prometheus-fastapi-instrumentator has them. */
const double metrics_duration_bounds[METRICS_DURATION_BOUNDS] = {0.1, 0.5, 1};
const double metrics_highr_bounds[METRICS_HIGHR_BOUNDS] = {0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5,
                                                           0.75, 1,     1.5,  2,     2.5, 3,    3.5,
                                                           4,    4.5,   5,    7.5,   10,  30,   60};
/* A stage takes some ten microseconds here, and a hundred milliseconds where a network is asked. */
const double metrics_stage_bounds[METRICS_STAGE_BOUNDS] = {
    1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1};

const struct metrics_counter_row metrics_counters[COUNTER_COUNT] = {
    [COUNTER_RATINGS_LATE] = {"recommendation_ratings_late_total",
                              "Ratings that name a list of this run that is forgotten or older "
                              "than the attribution window."},
    [COUNTER_RATINGS_UNATTRIBUTED] = {"recommendation_ratings_unattributed_total",
                                      "Ratings of films that the list they name, or the person's "
                                      "latest, did not hold."},
};

struct service_metrics {
    struct lanes lanes;
    struct shard {
        struct metrics_counts counts; /* of whoever holds the lane */
        char apart[64];               /* lanes share no line of the cache */
    } shards[LANES_MAX];
};

struct service_metrics *service_metrics_new(void)
{
    struct service_metrics *metrics = mem_zalloc(1, sizeof *metrics);
    lanes_init(&metrics->lanes);
    return metrics;
}

void service_metrics_free(struct service_metrics *metrics)
{
    mem_free(metrics);
}

/* ---- counting ---- */

void service_metrics_add(struct service_metrics *metrics, enum service_counter counter,
                         uint64_t amount)
{
    unsigned lane = lanes_enter(&metrics->lanes);
    metrics->shards[lane].counts.plain[counter] += amount;
    lanes_leave(&metrics->lanes, lane);
}

static size_t bucket_of(const double *bounds, size_t count, int64_t duration_ns)
{
    double seconds = (double)duration_ns * 1e-9;
    size_t bucket = 0;
    while (bucket < count && seconds > bounds[bucket]) {
        bucket++;
    }
    return bucket;
}

void service_metrics_list(struct service_metrics *metrics, const struct ranker_place *places,
                          int count, const struct recommend_account *account)
{
    unsigned lane = lanes_enter(&metrics->lanes);
    struct metrics_counts *counts = &metrics->shards[lane].counts;
    counts->lists++;
    counts->without_history += account->without_history;
    for (int p = 0; p < count; p++) {
        counts->items[places[p].source]++;
        counts->top5[places[p].source] += p < TOP_PLACES;
    }
    for (int s = 0; s < SOURCE_COUNT; s++) {
        counts->candidates[s] += (uint64_t)account->candidates[s];
    }
    for (int s = 0; s < STAGE_COUNT; s++) {
        int64_t took_ns = account->stage_ns[s];
        counts->stage[s].bucket[bucket_of(metrics_stage_bounds, METRICS_STAGE_BOUNDS, took_ns)]++;
        counts->stage[s].sum_ns += took_ns;
    }
    lanes_leave(&metrics->lanes, lane);
}

static void count_attributed(struct metrics_counts *counts, const struct attribution *attribution,
                             uint8_t half_stars, double predicted_stars)
{
    enum source source = attribution->source;
    counts->stars[source][half_stars]++;
    counts->at_rank[source][attribution->rank]++;
    counts->predicted_micro[source] += llrint(predicted_stars * METRICS_MICRO);
    counts->first_at_rank[attribution->rank] += attribution->first;
    counts->converted += attribution->converts;
}

void service_metrics_rating(struct service_metrics *metrics, const struct attribution *attribution,
                            uint8_t half_stars, double predicted_stars)
{
    assert(half_stars >= 1 && half_stars <= METRICS_HALF_STARS);
    unsigned lane = lanes_enter(&metrics->lanes);
    struct metrics_counts *counts = &metrics->shards[lane].counts;
    if (attribution->attributed) {
        count_attributed(counts, attribution, half_stars, predicted_stars);
    } else {
        counts->plain[attribution->late ? COUNTER_RATINGS_LATE : COUNTER_RATINGS_UNATTRIBUTED]++;
    }
    lanes_leave(&metrics->lanes, lane);
}

void service_metrics_http(struct service_metrics *metrics, const struct http_event *event)
{
    int status_class = event->status >= 200 && event->status < 600 ? event->status / 100 : 5;
    size_t bucket = bucket_of(metrics_duration_bounds, METRICS_DURATION_BOUNDS, event->duration_ns);
    size_t highr = bucket_of(metrics_highr_bounds, METRICS_HIGHR_BOUNDS, event->duration_ns);
    unsigned lane = lanes_enter(&metrics->lanes);
    struct metrics_counts *counts = &metrics->shards[lane].counts;
    counts->http[event->route][event->method][status_class]++;
    counts->duration[event->route][event->method].bucket[bucket]++;
    counts->duration[event->route][event->method].sum_ns += event->duration_ns;
    counts->highr[highr]++;
    counts->highr_sum_ns += event->duration_ns;
    counts->request_bytes[event->route] += event->request_bytes;
    counts->reply_bytes[event->route] += event->reply_bytes;
    lanes_leave(&metrics->lanes, lane);
}

/* ---- scraping ---- */

static void add_counts(struct metrics_counts *sum, const struct metrics_counts *part)
{
    static_assert(sizeof *sum % sizeof(uint64_t) == 0, "counts are 64-bit integers only");
    uint64_t *to = (uint64_t *)sum;
    const uint64_t *from = (const uint64_t *)part;
    for (size_t i = 0; i < sizeof *sum / sizeof *to; i++) {
        to[i] += from[i]; /* the signed members are sums that wrap alike */
    }
}

void service_metrics_write(struct service_metrics *metrics, const struct service_gauges *gauges,
                           struct buf *out)
{
    struct metrics_counts sum = {0};
    uint64_t used = lanes_used(&metrics->lanes);
    for (unsigned lane = 0; lane < LANES_MAX; lane++) {
        if ((used >> lane & 1) != 0) {
            lanes_enter_at(&metrics->lanes, lane);
            add_counts(&sum, &metrics->shards[lane].counts);
            lanes_leave(&metrics->lanes, lane);
        }
    }
    metrics_write_counts(&sum, out);
    metrics_write_gauges(gauges, out);
}
