/* Inside the service's metrics: the counters, which service_metrics.c fills and
 * service_metrics_write.c shows. */
#ifndef RECOMMENDER_SERVICE_METRICS_INT_H
#define RECOMMENDER_SERVICE_METRICS_INT_H

#include "recommender/service_metrics.h"

#define METRICS_HALF_STARS 10
#define METRICS_MICRO 1e6

/* Upper bounds of histograms in seconds, without the infinite one. */
#define METRICS_DURATION_BOUNDS 3
#define METRICS_HIGHR_BOUNDS 21
#define METRICS_STAGE_BOUNDS 13
extern const double metrics_duration_bounds[METRICS_DURATION_BOUNDS];
extern const double metrics_highr_bounds[METRICS_HIGHR_BOUNDS];
extern const double metrics_stage_bounds[METRICS_STAGE_BOUNDS];

/* Buckets hold the events up to their bound but not up to the one before; the last is beyond all
 * bounds. All members are 64-bit integers, so that counts of lanes add up word by word. */
struct metrics_counts {
    uint64_t lists, without_history, converted;
    uint64_t plain[COUNTER_COUNT];
    uint64_t items[SOURCE_COUNT], top5[SOURCE_COUNT], candidates[SOURCE_COUNT];
    uint64_t stars[SOURCE_COUNT][METRICS_HALF_STARS + 1];     /* [half stars], 0 unused */
    uint64_t at_rank[SOURCE_COUNT][RECOMMEND_LENGTH_MAX + 1]; /* ratings, by rank */
    uint64_t first_at_rank[RECOMMEND_LENGTH_MAX + 1];         /* first ratings of lists */
    int64_t predicted_micro[SOURCE_COUNT];                    /* predicted millionths of a star */
    struct {
        uint64_t bucket[METRICS_STAGE_BOUNDS + 1];
        int64_t sum_ns;
    } stage[STAGE_COUNT];
    uint64_t http[ROUTE_COUNT][METHOD_COUNT][6]; /* [status class] */
    struct metrics_durations {
        uint64_t bucket[METRICS_DURATION_BOUNDS + 1];
        int64_t sum_ns;
    } duration[ROUTE_COUNT][METHOD_COUNT];
    uint64_t highr[METRICS_HIGHR_BOUNDS + 1];
    int64_t highr_sum_ns;
    uint64_t request_bytes[ROUTE_COUNT], reply_bytes[ROUTE_COUNT];
};

struct metrics_counter_row {
    const char *name, *help;
};
extern const struct metrics_counter_row metrics_counters[COUNTER_COUNT];

void metrics_write_counts(const struct metrics_counts *counts, struct buf *out);
void metrics_write_gauges(const struct service_gauges *gauges, struct buf *out);

#endif
