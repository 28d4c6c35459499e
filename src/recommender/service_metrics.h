/*
 * What the service counts, and its exposition. Names and labels are the source article's; the
 * recommendation_* families are the exact twins of what the article only approximates.
 *
 * Counting takes no lock: the counters exist once for every lane (lanes.h), and who has something
 * to count takes a lane for the moment. A scrape borrows each lane in turn and adds up what it
 * finds, so it sees every event wholly or not at all. It does not see all lanes at one instant: of
 * two events in the middle of a scrape it may show the later and not the earlier one, and the next
 * scrape shows both. Sums are kept as integers (half stars, ranks, nanoseconds), so they are exact
 * and do not depend on the order of events. Any thread.
 */
#ifndef RECOMMENDER_SERVICE_METRICS_H
#define RECOMMENDER_SERVICE_METRICS_H

#include "base/buf.h"
#include "base/process_info.h"
#include "recommender/model.h"
#include "recommender/ranker.h"
#include "recommender/recommend.h"
#include "recommender/routes.h"
#include "recommender/served.h"

#include <stdint.h>

struct service_metrics;

struct service_metrics *service_metrics_new(void);
void service_metrics_free(struct service_metrics *metrics); /* accepts NULL */

/* A list was answered; `account` is of the list's making. */
void service_metrics_list(struct service_metrics *metrics, const struct ranker_place *places,
                          int count, const struct recommend_account *account);
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

/* Counters without labels and with no other meaning than their help text (service_metrics.c has the
 * table of names): add a row there and one here for a new one. */
enum service_counter { COUNTER_RATINGS_LATE, COUNTER_RATINGS_UNATTRIBUTED, COUNTER_COUNT };
void service_metrics_add(struct service_metrics *metrics, enum service_counter counter,
                         uint64_t amount);

/* What a scrape shows beside the counters. */
struct service_gauges {
    const struct model *model; /* NULL = none yet: its gauges are 0 */
    uint64_t retrain_failures;
    size_t history_ratings;   /* posted ratings kept at hand */
    int64_t process_start_ns; /* wall time */
    struct process_info process;
};

void service_metrics_write(struct service_metrics *metrics, const struct service_gauges *gauges,
                           struct buf *out);

#endif
