#include "recommender/service_metrics.h"

#include "base/metrics.h"
#include "recommender/service.h"

#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
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
    static const char *const by_source[] = {"recommendation_candidates_total",
                                            "recommendation_rating_stars_bucket",
                                            "recommendation_rating_reciprocal_rank_total",
                                            "count_in_top5_total",
                                            "recommendation_items_total",
                                            "user_rating_bucket",
                                            "user_rating_sum",
                                            "user_rating_count",
                                            "item_rank_sum",
                                            "item_rank_count",
                                            "predicted_rating_sum",
                                            "predicted_rating_count",
                                            "model_source_share"};
    static const char *const single[] = {"recommendation_lists_total",
                                         "recommendation_lists_converted_total",
                                         "recommendation_reciprocal_rank_total",
                                         "recommendation_lists_rated_total",
                                         "recommendation_lists_without_history_total",
                                         "recommendation_ratings_late_total",
                                         "recommendation_ratings_unattributed_total",
                                         "recommendation_history_ratings",
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
    static const char *const stages[] = {"base", "similar", "popular", "ranking"};
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        static const char *const names[] = {"recommendation_stage_duration_seconds_bucket",
                                            "recommendation_stage_duration_seconds_sum",
                                            "recommendation_stage_duration_seconds_count"};
        for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
            cr_expect(value(snapshot, names[n], "stage", stages[i]) == 0);
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

Test(service_metrics, stars_fall_into_the_articles_buckets_and_into_those_of_half_stars)
{
    static const struct {
        const char *le;
        double article, half_stars; /* -1: there is no such bucket */
    } rows[] = {{"0.5", -1, 1}, {"1.0", 1, 1}, {"1.5", -1, 1}, {"2.0", 1, 1},
                {"2.5", -1, 3}, {"3.0", 4, 4}, {"3.5", -1, 4}, {"4.0", 4, 4},
                {"4.5", -1, 4}, {"5.0", 5, 5}, {"+Inf", 5, 5}};
    struct service_metrics *metrics = service_metrics_new();
    static const uint8_t half_stars[] = {1, 5, 5, 6, 10};
    for (size_t i = 0; i < sizeof half_stars; i++) {
        rate(metrics, half_stars[i], 1, false, false);
    }
    struct metrics_snapshot *snapshot = scrape(metrics);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        const struct metrics_label le = {"le", rows[r].le};
        bool found;
        double article = metrics_sum(snapshot, "user_rating_bucket", &le, 1, &found);
        cr_expect((found ? article : -1) == rows[r].article, "le=%s", rows[r].le);
        cr_expect(value(snapshot, "recommendation_rating_stars_bucket", "le", rows[r].le) ==
                      rows[r].half_stars,
                  "le=%s", rows[r].le);
    }
    cr_expect(value(snapshot, "user_rating_sum", "recommender", "similar") == 13.5);
    cr_expect(value(snapshot, "user_rating_count", "recommender", "similar") == 5);
    cr_expect(value(snapshot, "user_rating_count", "recommender", "base") == 0);
    cr_expect(value(snapshot, "recommendation_rating_stars_sum", "recommender", "similar") == 13.5);
    cr_expect(value(snapshot, "recommendation_rating_stars_count", "recommender", "similar") == 5);
    cr_expect(value(snapshot, "predicted_rating_sum", "recommender", "similar") == 16.25);
    metrics_snapshot_free(snapshot);
    service_metrics_free(metrics);
}

Test(service_metrics, ranks_conversions_and_unattributed_ratings_are_counted)
{
    struct service_metrics *metrics = service_metrics_new();
    const struct attribution nowhere = {0}, late = {.late = true};
    rate(metrics, 4, 4, true, false);
    rate(metrics, 8, 2, false, true);
    rate(metrics, 8, 5, true, true);
    service_metrics_rating(metrics, &nowhere, 8, 3);
    service_metrics_rating(metrics, &late, 8, 3);
    service_metrics_rating(metrics, &late, 8, 3);
    struct metrics_snapshot *snapshot = scrape(metrics);
    double reciprocal = value(snapshot, "recommendation_reciprocal_rank_total", NULL, NULL);
    cr_expect(fabs(reciprocal - 0.45) < 1e-12, "%g: first ratings only", reciprocal);
    double each =
        value(snapshot, "recommendation_rating_reciprocal_rank_total", "recommender", "similar");
    cr_expect(fabs(each - 0.95) < 1e-12, "%g: every rating", each);
    cr_expect(value(snapshot, "recommendation_lists_rated_total", NULL, NULL) == 2);
    cr_expect(value(snapshot, "recommendation_lists_converted_total", NULL, NULL) == 2);
    cr_expect(value(snapshot, "recommendation_ratings_late_total", NULL, NULL) == 2);
    cr_expect(value(snapshot, "item_rank_sum", "recommender", "similar") == 11);
    cr_expect(value(snapshot, "item_rank_count", "recommender", "similar") == 3);
    cr_expect(value(snapshot, "recommendation_ratings_unattributed_total", NULL, NULL) == 1);
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
    struct recommend_account account = {.candidates = {64, 0, 30}};
    service_metrics_list(metrics, places, 7, &account);
    account.without_history = true;
    service_metrics_list(metrics, places, 2, &account);
    struct metrics_snapshot *snapshot = scrape(metrics);
    cr_expect(value(snapshot, "recommendation_lists_total", NULL, NULL) == 2);
    cr_expect(value(snapshot, "recommendation_lists_without_history_total", NULL, NULL) == 1);
    cr_expect(value(snapshot, "recommendation_items_total", "recommender", "popular") == 6);
    cr_expect(value(snapshot, "recommendation_items_total", "recommender", "base") == 3);
    cr_expect(value(snapshot, "recommendation_candidates_total", "recommender", "base") == 128);
    cr_expect(value(snapshot, "recommendation_candidates_total", "recommender", "similar") == 0);
    cr_expect(value(snapshot, "recommendation_candidates_total", "recommender", "popular") == 60);
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

Test(service_metrics, stages_are_timed_each_in_its_own_histogram)
{
    struct service_metrics *metrics = service_metrics_new();
    const struct recommend_account account = {
        .stage_ns = {[STAGE_BASE] = 10000, [STAGE_SIMILAR] = 10001, [STAGE_RANKING] = 200000000}};
    service_metrics_list(metrics, NULL, 0, &account);
    struct metrics_snapshot *snapshot = scrape(metrics);
    static const struct {
        const char *stage, *le;
        double count;
    } rows[] = {{"base", "1e-05", 1},    {"similar", "1e-05", 0}, {"similar", "2.5e-05", 1},
                {"popular", "1e-05", 1}, {"ranking", "0.1", 0},   {"ranking", "+Inf", 1}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        const struct metrics_label labels[] = {{"le", rows[r].le}, {"stage", rows[r].stage}};
        bool found;
        double count = metrics_sum(snapshot, "recommendation_stage_duration_seconds_bucket", labels,
                                   2, &found);
        cr_expect(found && count == rows[r].count, "%s le=%s", rows[r].stage, rows[r].le);
    }
    cr_expect(value(snapshot, "recommendation_stage_duration_seconds_sum", "stage", "ranking") ==
              0.2);
    metrics_snapshot_free(snapshot);
    service_metrics_free(metrics);
}

enum { COUNTING_THREADS = 4, EVENTS_EACH = 20000 };

static void *count_events(void *argument)
{
    struct service_metrics *metrics = argument;
    for (int i = 0; i < EVENTS_EACH; i++) {
        rate(metrics, (uint8_t)(1 + i % 10), 1 + i % 5, i % 2 == 0, i % 4 == 0);
    }
    return NULL;
}

/* Whatever a scrape in the middle finds, an event is in it wholly or not at all. */
Test(service_metrics, concurrent_events_add_up_exactly)
{
    struct service_metrics *metrics = service_metrics_new();
    pthread_t threads[COUNTING_THREADS];
    for (int t = 0; t < COUNTING_THREADS; t++) {
        cr_assert(pthread_create(&threads[t], NULL, count_events, metrics) == 0);
    }
    double count = 0;
    for (int scrapes = 0; scrapes < 10; scrapes++) {
        struct metrics_snapshot *snapshot = scrape(metrics);
        double now = value(snapshot, "item_rank_count", "recommender", "similar");
        cr_expect(now >= count);
        cr_expect(value(snapshot, "predicted_rating_sum", "recommender", "similar") == 3.25 * now);
        count = now;
        metrics_snapshot_free(snapshot);
    }
    for (int t = 0; t < COUNTING_THREADS; t++) {
        pthread_join(threads[t], NULL);
    }
    struct metrics_snapshot *snapshot = scrape(metrics);
    double events = (double)COUNTING_THREADS * EVENTS_EACH;
    cr_expect(value(snapshot, "user_rating_count", "recommender", "similar") == events);
    cr_expect(value(snapshot, "user_rating_sum", "recommender", "similar") == 2.75 * events);
    cr_expect(value(snapshot, "item_rank_sum", "recommender", "similar") == 3 * events);
    cr_expect(value(snapshot, "recommendation_lists_rated_total", NULL, NULL) == events / 2);
    cr_expect(value(snapshot, "recommendation_lists_converted_total", NULL, NULL) == events / 4);
    metrics_snapshot_free(snapshot);
    service_metrics_free(metrics);
}
