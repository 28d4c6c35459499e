/*
 * What the service counts, and its exposition. Names and labels are the source article's; the
 * recommendation_* families are the exact twins of what the article only approximates.
 *
 * One mutex guards all counters, so that one event changes all it concerns at once and a scrape
 * sees every event wholly or not at all. Sums are kept as integers (half stars, ranks,
 * nanoseconds), so they are exact and do not depend on the order of events. Any thread.
 */
#ifndef RECOMMENDER_SERVICE_METRICS_H
#define RECOMMENDER_SERVICE_METRICS_H

#include "base/buf.h"
#include "recommender/model.h"
#include "recommender/process_info.h"
#include "recommender/ranker.h"
#include "recommender/routes.h"
#include "recommender/served.h"

#include <stdint.h>

struct service_metrics;

struct service_metrics *service_metrics_new(void);
void service_metrics_free(struct service_metrics *metrics); /* accepts NULL */

/* A list was answered. */
void service_metrics_list(struct service_metrics *metrics, const struct ranker_place *places,
                          int count);
/* A rating was accepted. predicted_stars is what the model expected of it. */
void service_metrics_rating(struct service_metrics *metrics, const struct attribution *attribution,
                            uint8_t half_stars, double predicted_stars);

struct http_event {
    enum route route;
    enum method method;
    int status;
    int64_t duration_ns;
    size_t request_bytes, reply_bytes; /* of the bodies */
};
void service_metrics_http(struct service_metrics *metrics, const struct http_event *event);

/* What a scrape shows beside the counters. */
struct service_gauges {
    const struct model *model; /* NULL = none yet: its gauges are 0 */
    uint64_t retrain_failures;
    int64_t process_start_ns; /* wall time */
    struct process_info process;
};

void service_metrics_write(struct service_metrics *metrics, const struct service_gauges *gauges,
                           struct buf *out);

#endif
