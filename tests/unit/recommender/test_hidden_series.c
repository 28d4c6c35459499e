#include "recommender/hidden_series.h"

#include "base/metrics.h"
#include "recommender/service.h"
#include "recommender/service_metrics.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect_left(const char *name, const char *text, const char *left)
{
    struct buf exposition;
    buf_init(&exposition, 1u << 16);
    buf_text(&exposition, text);
    hidden_series_remove(&exposition);
    cr_expect_str_eq(exposition.data, left, "%s: %s", name, exposition.data);
    cr_expect(exposition.len == strlen(left), "%s", name);
    buf_deinit(&exposition);
}

Test(hidden_series, what_has_not_counted_is_left_out)
{
    static const struct {
        const char *name, *text, *left;
    } rows[] = {
        {"a counter",
         "# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"b c\"} 0\na_total{x=\"d 0\"} 2\n",
         "# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"d 0\"} 2\n"},
        {"a counter without labels", "# TYPE a_total counter\na_total 0\n",
         "# TYPE a_total counter\n"},
        {"a gauge stays", "# TYPE a gauge\na 0\n", "# TYPE a gauge\na 0\n"},
        {"a histogram goes wholly, or stays wholly",
         "# TYPE h histogram\n"
         "h_bucket{le=\"1.0\",x=\"a\"} 0\nh_bucket{le=\"+Inf\",x=\"a\"} 0\n"
         "h_bucket{le=\"1.0\",x=\"b\"} 0\nh_bucket{le=\"+Inf\",x=\"b\"} 3\n"
         "h_sum{x=\"a\"} 0\nh_sum{x=\"b\"} 9\nh_count{x=\"a\"} 0\nh_count{x=\"b\"} 3\n",
         "# TYPE h histogram\n"
         "h_bucket{le=\"1.0\",x=\"b\"} 0\nh_bucket{le=\"+Inf\",x=\"b\"} 3\n"
         "h_sum{x=\"b\"} 9\nh_count{x=\"b\"} 3\n"},
        {"a sum of nothings has counted",
         "# TYPE s summary\ns_sum{x=\"a\"} 0\ns_count{x=\"a\"} 4\ns_sum{x=\"ab\"} 0\n"
         "s_count{x=\"ab\"} 0\ns_sum 0\ns_count 1\n",
         "# TYPE s summary\ns_sum{x=\"a\"} 0\ns_count{x=\"a\"} 4\ns_sum 0\ns_count 1\n"},
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        expect_left(rows[r].name, rows[r].text, rows[r].left);
    }
}

static struct metrics_snapshot *scrape(struct service_metrics *metrics, bool hides)
{
    struct service_gauges gauges = {0};
    struct metrics_snapshot *snapshot = NULL;
    struct buf text;
    buf_init(&text, SERVICE_REPLY_MAX_BYTES);
    service_metrics_write(metrics, &gauges, &text);
    if (hides) {
        hidden_series_remove(&text);
    }
    cr_assert(metrics_parse("exposition", text.data, text.len, &snapshot, NULL) == ERR_OK);
    buf_deinit(&text);
    return snapshot;
}

static bool has(const struct metrics_snapshot *snapshot, const char *metric, const char *label,
                const char *value)
{
    const struct metrics_label one = {label, value};
    bool found = false;
    (void)metrics_sum(snapshot, metric, &one, 1, &found);
    return found;
}

Test(hidden_series, the_service_shows_a_series_from_its_first_event_on)
{
    struct service_metrics *metrics = service_metrics_new();
    const struct http_event event = {.route = ROUTE_RATINGS,
                                     .method = METHOD_POST,
                                     .status = 201,
                                     .duration_ns = 1000,
                                     .request_bytes = 60,
                                     .reply_bytes = 20};
    struct metrics_snapshot *whole = scrape(metrics, false), *before = scrape(metrics, true);
    cr_expect(has(whole, "http_requests_total", "handler", "/ratings/"));
    cr_expect(!has(before, "http_requests_total", "handler", "/ratings/"));
    cr_expect(!has(before, "user_rating_bucket", "le", "5.0"));
    service_metrics_http(metrics, &event);
    struct metrics_snapshot *after = scrape(metrics, true);
    cr_expect(has(after, "http_requests_total", "status", "2xx"));
    cr_expect(!has(after, "http_requests_total", "status", "4xx"));
    cr_expect(has(after, "http_request_duration_seconds_bucket", "handler", "/ratings/"));
    cr_expect(has(after, "http_request_duration_seconds_sum", "handler", "/ratings/"));
    cr_expect(!has(after, "http_request_duration_seconds_count", "handler", "/recommendations/"));
    metrics_snapshot_free(whole);
    metrics_snapshot_free(before);
    metrics_snapshot_free(after);
    service_metrics_free(metrics);
}
