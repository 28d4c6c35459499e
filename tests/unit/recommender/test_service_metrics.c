#include "recommender/service_metrics.h"

#include "base/metrics.h"
#include "recommender/service.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static struct metrics_snapshot *scrape(struct service_metrics *metrics)
{
    struct service_gauges gauges = {0};
    struct metrics_snapshot *snapshot = NULL;
    struct error error = {0};
    struct buf text;
    buf_init(&text, SERVICE_REPLY_MAX_BYTES);
    service_metrics_write(metrics, &gauges, &text);
    cr_assert(!text.failed);
    cr_assert(metrics_parse("exposition", text.data, text.len, &snapshot, &error) == ERR_OK, "%s",
              error.text);
    buf_deinit(&text);
    return snapshot;
}

static double value(const struct metrics_snapshot *snapshot, const char *name, const char *label,
                    const char *wanted)
{
    const struct metrics_label one = {label, wanted};
    bool found = false;
    double sum = metrics_sum(snapshot, name, &one, label != NULL ? 1 : 0, &found);
    cr_expect(found, "%s{%s=\"%s\"} is absent", name, label != NULL ? label : "",
              wanted != NULL ? wanted : "");
    return sum;
}

Test(service_metrics, every_series_stands_at_zero_before_its_first_event)
{
    static const char *const by_source[] = {"count_in_top5_total",    "recommendation_items_total",
                                            "user_rating_bucket",     "user_rating_sum",
                                            "user_rating_count",      "item_rank_sum",
                                            "item_rank_count",        "predicted_rating_sum",
                                            "predicted_rating_count", "model_source_share"};
    static const char *const single[] = {"recommendation_lists_total",
                                         "recommendation_lists_converted_total",
                                         "recommendation_reciprocal_rank_total",
                                         "ratings_unattributed_total",
                                         "model_version",
                                         "model_trained_timestamp_seconds",
                                         "model_training_seconds",
                                         "retrain_failures_total",
                                         "http_request_duration_highr_seconds_count"};
    static const char *const by_handler[] = {
        "http_requests_total", "http_request_duration_seconds_bucket",
        "http_request_size_bytes_sum", "http_response_size_bytes_count"};
    struct service_metrics *metrics = service_metrics_new();
    struct metrics_snapshot *snapshot = scrape(metrics);
    for (size_t i = 0; i < sizeof by_source / sizeof by_source[0]; i++) {
        for (int s = 0; s < SOURCE_COUNT; s++) {
            cr_expect(value(snapshot, by_source[i], "recommender", source_name((enum source)s)) ==
                      0);
        }
    }
    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++) {
        cr_expect(value(snapshot, single[i], NULL, NULL) == 0, "%s", single[i]);
    }
    for (size_t i = 0; i < sizeof by_handler / sizeof by_handler[0]; i++) {
        for (int r = 0; r < ROUTE_COUNT; r++) {
            cr_expect(value(snapshot, by_handler[i], "handler", route_handler((enum route)r)) == 0);
        }
    }
    metrics_snapshot_free(snapshot);
    service_metrics_free(metrics);
}

Test(service_metrics, every_status_a_route_can_answer_has_a_series)
{
    struct service_metrics *metrics = service_metrics_new();
    struct metrics_snapshot *snapshot = scrape(metrics);
    for (int r = 0; r < ROUTE_COUNT; r++) {
        for (int m = 0; m < METHOD_COUNT; m++) {
            for (int c = 2; c < 6; c++) {
                const char status[4] = {(char)('0' + c), 'x', 'x', '\0'};
                const struct metrics_label labels[] = {{"handler", route_handler((enum route)r)},
                                                       {"method", method_label((enum method)m)},
                                                       {"status", status}};
                bool found = false;
                metrics_sum(snapshot, "http_requests_total", labels, 3, &found);
                cr_expect(found == route_can_answer((enum route)r, (enum method)m, c), "%s %s %s",
                          labels[0].value, labels[1].value, status);
            }
        }
    }
    metrics_snapshot_free(snapshot);
    service_metrics_free(metrics);
}

static void rate(struct service_metrics *metrics, uint8_t half_stars, int rank, bool first,
                 bool converts)
{
    const struct attribution attribution = {.attributed = true,
                                            .source = SOURCE_SIMILAR,
                                            .rank = rank,
                                            .first = first,
                                            .converts = converts};
    service_metrics_rating(metrics, &attribution, half_stars, 3.25);
}

Test(service_metrics, half_stars_fall_into_their_own_buckets)
{
    static const struct {
        const char *le;
        double count;
    } rows[] = {{"0.5", 1}, {"1.0", 1}, {"2.0", 1}, {"2.5", 3}, {"3.0", 4},
                {"4.0", 4}, {"4.5", 4}, {"5.0", 5}, {"+Inf", 5}};
    struct service_metrics *metrics = service_metrics_new();
    static const uint8_t half_stars[] = {1, 5, 5, 6, 10};
    for (size_t i = 0; i < sizeof half_stars; i++) {
        rate(metrics, half_stars[i], 1, false, false);
    }
    struct metrics_snapshot *snapshot = scrape(metrics);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        cr_expect(value(snapshot, "user_rating_bucket", "le", rows[r].le) == rows[r].count, "le=%s",
                  rows[r].le);
    }
    cr_expect(value(snapshot, "user_rating_sum", "recommender", "similar") == 13.5);
    cr_expect(value(snapshot, "user_rating_count", "recommender", "similar") == 5);
    cr_expect(value(snapshot, "user_rating_count", "recommender", "base") == 0);
    cr_expect(value(snapshot, "predicted_rating_sum", "recommender", "similar") == 16.25);
    metrics_snapshot_free(snapshot);
    service_metrics_free(metrics);
}

Test(service_metrics, ranks_conversions_and_unattributed_ratings_are_counted)
{
    struct service_metrics *metrics = service_metrics_new();
    const struct attribution nowhere = {0};
    rate(metrics, 4, 4, true, false);
    rate(metrics, 8, 2, false, true);
    rate(metrics, 8, 5, true, true);
    service_metrics_rating(metrics, &nowhere, 8, 3);
    struct metrics_snapshot *snapshot = scrape(metrics);
    double reciprocal = value(snapshot, "recommendation_reciprocal_rank_total", NULL, NULL);
    cr_expect(fabs(reciprocal - 0.45) < 1e-12, "%g: first ratings only", reciprocal);
    cr_expect(value(snapshot, "recommendation_lists_converted_total", NULL, NULL) == 2);
    cr_expect(value(snapshot, "item_rank_sum", "recommender", "similar") == 11);
    cr_expect(value(snapshot, "item_rank_count", "recommender", "similar") == 3);
    cr_expect(value(snapshot, "ratings_unattributed_total", NULL, NULL) == 1);
    metrics_snapshot_free(snapshot);
    service_metrics_free(metrics);
}

Test(service_metrics, places_are_counted_by_source_and_the_first_five_apart)
{
    struct service_metrics *metrics = service_metrics_new();
    struct ranker_place places[7] = {{.source = SOURCE_POPULAR}};
    for (int p = 3; p < 7; p++) {
        places[p].source = SOURCE_POPULAR;
    }
    service_metrics_list(metrics, places, 7);
    service_metrics_list(metrics, places, 2);
    struct metrics_snapshot *snapshot = scrape(metrics);
    cr_expect(value(snapshot, "recommendation_lists_total", NULL, NULL) == 2);
    cr_expect(value(snapshot, "recommendation_items_total", "recommender", "popular") == 6);
    cr_expect(value(snapshot, "recommendation_items_total", "recommender", "base") == 3);
    cr_expect(value(snapshot, "count_in_top5_total", "recommender", "popular") == 4);
    cr_expect(value(snapshot, "count_in_top5_total", "recommender", "base") == 3);
    metrics_snapshot_free(snapshot);
    service_metrics_free(metrics);
}

Test(service_metrics, durations_fall_into_the_instrumentators_buckets)
{
    struct service_metrics *metrics = service_metrics_new();
    static const int64_t durations_ns[] = {10000000, 10000001, 99000000, 2000000000, 70000000000};
    for (size_t i = 0; i < sizeof durations_ns / sizeof durations_ns[0]; i++) {
        const struct http_event event = {.route = ROUTE_RATINGS,
                                         .method = METHOD_POST,
                                         .status = 201,
                                         .duration_ns = durations_ns[i],
                                         .request_bytes = 40,
                                         .reply_bytes = 11};
        service_metrics_http(metrics, &event);
    }
    struct metrics_snapshot *snapshot = scrape(metrics);
    static const struct {
        const char *name, *le;
        double count;
    } rows[] = {{"http_request_duration_seconds_bucket", "0.1", 3},
                {"http_request_duration_seconds_bucket", "1.0", 3},
                {"http_request_duration_seconds_bucket", "+Inf", 5},
                {"http_request_duration_highr_seconds_bucket", "0.01", 1},
                {"http_request_duration_highr_seconds_bucket", "0.025", 2},
                {"http_request_duration_highr_seconds_bucket", "2.0", 4},
                {"http_request_duration_highr_seconds_bucket", "60.0", 4},
                {"http_request_duration_highr_seconds_bucket", "+Inf", 5}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        cr_expect(value(snapshot, rows[r].name, "le", rows[r].le) == rows[r].count, "%s le=%s",
                  rows[r].name, rows[r].le);
    }
    cr_expect(value(snapshot, "http_requests_total", "status", "2xx") == 5);
    cr_expect(value(snapshot, "http_request_size_bytes_sum", "handler", "/ratings/") == 200);
    cr_expect(value(snapshot, "http_response_size_bytes_sum", "handler", "/ratings/") == 55);
    cr_expect(value(snapshot, "http_response_size_bytes_count", "handler", "/ratings/") == 5);
    metrics_snapshot_free(snapshot);
    service_metrics_free(metrics);
}
