#include "recommender/service_metrics_int.h"

#include "base/metrics.h"

#include <math.h>

static void single(struct buf *out, const char *name, const char *type, const char *help,
                   double value)
{
    metrics_family(out, name, type, help);
    metrics_sample(out, name, NULL, 0, value);
}

static void by_source(struct buf *out, const char *name, const double value[SOURCE_COUNT])
{
    for (int s = 0; s < SOURCE_COUNT; s++) {
        const struct metrics_label label = {"recommender", source_name((enum source)s)};
        metrics_sample(out, name, &label, 1, value[s]);
    }
}

static void counter_by_source(struct buf *out, const char *name, const char *help,
                              const uint64_t count[SOURCE_COUNT])
{
    double value[SOURCE_COUNT];
    for (int s = 0; s < SOURCE_COUNT; s++) {
        value[s] = (double)count[s];
    }
    metrics_family(out, name, "counter", help);
    by_source(out, name, value);
}

static void summary_by_source(struct buf *out, const char *sum_name, const char *count_name,
                              const double sum[SOURCE_COUNT], const double count[SOURCE_COUNT])
{
    by_source(out, sum_name, sum);
    by_source(out, count_name, count);
}

/* Sum of 1/rank; from the last place on, so that small terms are added first. */
static double reciprocal_sum(const uint64_t at_rank[RECOMMEND_LENGTH_MAX + 1])
{
    double sum = 0;
    for (int rank = RECOMMEND_LENGTH_MAX; rank >= 1; rank--) {
        sum += (double)at_rank[rank] / rank;
    }
    return sum;
}

static void write_lists(const struct metrics_counts *counts, struct buf *out)
{
    uint64_t rated = 0;
    for (int rank = 1; rank <= RECOMMEND_LENGTH_MAX; rank++) {
        rated += counts->first_at_rank[rank];
    }
    single(out, "recommendation_lists_total", "counter", "Lists answered.", (double)counts->lists);
    single(out, "recommendation_lists_without_history_total", "counter",
           "Lists for people of whom no rating is known.", (double)counts->without_history);
    single(out, "recommendation_lists_rated_total", "counter",
           "Lists of which a film was rated, each counted once.", (double)rated);
    single(out, "recommendation_lists_converted_total", "counter",
           "Lists of which a film was rated 3 stars or more, each counted once.",
           (double)counts->converted);
    single(out, "recommendation_reciprocal_rank_total", "counter",
           "Sum of 1/rank of the first film rated of each list, whatever its rating.",
           reciprocal_sum(counts->first_at_rank));
    counter_by_source(out, "recommendation_items_total", "Films shown in lists, by source.",
                      counts->items);
    counter_by_source(out, "recommendation_candidates_total",
                      "Films the sources proposed for lists.", counts->candidates);
    counter_by_source(out, "count_in_top5_total",
                      "Films shown in the first five places of lists, by source.", counts->top5);
}

/* One bucket for every `step` half stars. The article's histogram has whole stars, in which 2.5
 * counts as up to 3. */
static void write_star_buckets(const struct metrics_counts *counts, const char *bucket_name,
                               int step, struct buf *out)
{
    char bound[32];
    for (int s = 0; s < SOURCE_COUNT; s++) {
        const struct metrics_label labels[2] = {{"le", bound},
                                                {"recommender", source_name((enum source)s)}};
        double count = 0;
        for (int half = 1; half <= METRICS_HALF_STARS; half++) {
            count += (double)counts->stars[s][half];
            if (half % step == 0) {
                metrics_bound_text(0.5 * half, bound, sizeof bound);
                metrics_sample(out, bucket_name, labels, 2, count);
            }
        }
        metrics_bound_text(INFINITY, bound, sizeof bound);
        metrics_sample(out, bucket_name, labels, 2, count);
    }
}

/* What the ratings of each source add up to. */
struct rating_sums {
    double count[SOURCE_COUNT], stars[SOURCE_COUNT], rank[SOURCE_COUNT];
    double reciprocal[SOURCE_COUNT], predicted[SOURCE_COUNT];
};

static void sum_ratings(const struct metrics_counts *counts, struct rating_sums *out)
{
    *out = (struct rating_sums){0};
    for (int s = 0; s < SOURCE_COUNT; s++) {
        for (int half = 1; half <= METRICS_HALF_STARS; half++) {
            out->count[s] += (double)counts->stars[s][half];
            out->stars[s] += 0.5 * half * (double)counts->stars[s][half];
        }
        for (int rank = 1; rank <= RECOMMEND_LENGTH_MAX; rank++) {
            out->rank[s] += (double)rank * (double)counts->at_rank[s][rank];
        }
        out->reciprocal[s] = reciprocal_sum(counts->at_rank[s]);
        out->predicted[s] = (double)counts->predicted_micro[s] / METRICS_MICRO;
    }
}

static void write_ratings(const struct metrics_counts *counts, struct buf *out)
{
    struct rating_sums sums;
    sum_ratings(counts, &sums);
    metrics_family(out, "user_rating", "histogram",
                   "Stars of ratings of films from lists, by the source that proposed the film.");
    write_star_buckets(counts, "user_rating_bucket", 2, out);
    summary_by_source(out, "user_rating_sum", "user_rating_count", sums.stars, sums.count);
    metrics_family(out, "recommendation_rating_stars", "histogram",
                   "The same as user_rating, with a bucket for every half star.");
    write_star_buckets(counts, "recommendation_rating_stars_bucket", 1, out);
    summary_by_source(out, "recommendation_rating_stars_sum", "recommendation_rating_stars_count",
                      sums.stars, sums.count);
    metrics_family(out, "item_rank", "summary", "Place in its list of films that were rated.");
    summary_by_source(out, "item_rank_sum", "item_rank_count", sums.rank, sums.count);
    metrics_family(out, "recommendation_rating_reciprocal_rank_total", "counter",
                   "Sum of 1/rank over all rated films of lists.");
    by_source(out, "recommendation_rating_reciprocal_rank_total", sums.reciprocal);
    metrics_family(out, "predicted_rating", "summary",
                   "Stars the model expected of the ratings that user_rating counts.");
    summary_by_source(out, "predicted_rating_sum", "predicted_rating_count", sums.predicted,
                      sums.count);
}

static void write_plain(const struct metrics_counts *counts, struct buf *out)
{
    for (int c = 0; c < COUNTER_COUNT; c++) {
        single(out, metrics_counters[c].name, "counter", metrics_counters[c].help,
               (double)counts->plain[c]);
    }
}

static void write_stages(const struct metrics_counts *counts, struct buf *out)
{
    static const char *const names[STAGE_COUNT] = {"base", "similar", "popular", "ranking"};
    static const char *const metric = "recommendation_stage_duration_seconds";
    char bound[32];
    metrics_family(out, metric, "histogram",
                   "Time the stages of a list took: each source, and the ranking.");
    for (int s = 0; s < STAGE_COUNT; s++) {
        const struct metrics_label labels[] = {{"le", bound}, {"stage", names[s]}};
        double count = 0;
        for (size_t b = 0; b <= METRICS_STAGE_BOUNDS; b++) {
            count += (double)counts->stage[s].bucket[b];
            metrics_bound_text(b < METRICS_STAGE_BOUNDS ? metrics_stage_bounds[b] : INFINITY, bound,
                               sizeof bound);
            metrics_sample(out, "recommendation_stage_duration_seconds_bucket", labels, 2, count);
        }
        metrics_sample(out, "recommendation_stage_duration_seconds_sum", &labels[1], 1,
                       (double)counts->stage[s].sum_ns * 1e-9);
        metrics_sample(out, "recommendation_stage_duration_seconds_count", &labels[1], 1, count);
    }
}

static void write_route_requests(const struct metrics_counts *counts, int route, int method,
                                 struct buf *out)
{
    static const char *const classes[6] = {NULL, NULL, "2xx", "3xx", "4xx", "5xx"};
    for (int c = 2; c < 6; c++) {
        uint64_t count = counts->http[route][method][c];
        if (count > 0 || route_can_answer((enum route)route, (enum method)method, c)) {
            const struct metrics_label labels[] = {{"handler", route_handler((enum route)route)},
                                                   {"method", method_label((enum method)method)},
                                                   {"status", classes[c]}};
            metrics_sample(out, "http_requests_total", labels, 3, (double)count);
        }
    }
}

static void write_requests(const struct metrics_counts *counts, struct buf *out)
{
    metrics_family(out, "http_requests_total", "counter",
                   "Requests by handler, method and class of status.");
    for (int r = 0; r < ROUTE_COUNT; r++) {
        for (int m = 0; m < METHOD_COUNT; m++) {
            write_route_requests(counts, r, m, out);
        }
    }
}

static uint64_t route_requests(const struct metrics_counts *counts, int route)
{
    uint64_t count = 0;
    for (int m = 0; m < METHOD_COUNT; m++) {
        for (int c = 2; c < 6; c++) {
            count += counts->http[route][m][c];
        }
    }
    return count;
}

static void write_sizes(const struct metrics_counts *counts, struct buf *out)
{
    static const char *const names[2][3] = {
        {"http_request_size_bytes", "http_request_size_bytes_sum", "http_request_size_bytes_count"},
        {"http_response_size_bytes", "http_response_size_bytes_sum",
         "http_response_size_bytes_count"}};
    for (int side = 0; side < 2; side++) {
        metrics_family(out, names[side][0], "summary",
                       side == 0 ? "Size of request bodies." : "Size of response bodies.");
        for (int r = 0; r < ROUTE_COUNT; r++) {
            const struct metrics_label label = {"handler", route_handler((enum route)r)};
            metrics_sample(out, names[side][1], &label, 1,
                           (double)(side == 0 ? counts->request_bytes[r] : counts->reply_bytes[r]));
            metrics_sample(out, names[side][2], &label, 1, (double)route_requests(counts, r));
        }
    }
}

static void write_route_durations(const struct metrics_counts *counts, int route, int method,
                                  struct buf *out)
{
    const struct metrics_durations *durations = &counts->duration[route][method];
    char bound[32];
    struct metrics_label labels[] = {{"handler", route_handler((enum route)route)},
                                     {"le", bound},
                                     {"method", method_label((enum method)method)}};
    double count = 0;
    for (size_t b = 0; b <= METRICS_DURATION_BOUNDS; b++) {
        count += (double)durations->bucket[b];
        metrics_bound_text(b < METRICS_DURATION_BOUNDS ? metrics_duration_bounds[b] : INFINITY,
                           bound, sizeof bound);
        metrics_sample(out, "http_request_duration_seconds_bucket", labels, 3, count);
    }
    labels[1] = labels[2];
    metrics_sample(out, "http_request_duration_seconds_sum", labels, 2,
                   (double)durations->sum_ns * 1e-9);
    metrics_sample(out, "http_request_duration_seconds_count", labels, 2, count);
}

static void write_durations(const struct metrics_counts *counts, struct buf *out)
{
    metrics_family(out, "http_request_duration_seconds", "histogram",
                   "Time to answer, by handler and method.");
    for (int r = 0; r < ROUTE_COUNT; r++) {
        for (int m = 0; m < METHOD_COUNT; m++) {
            write_route_durations(counts, r, m, out);
        }
    }
    metrics_family(out, "http_request_duration_highr_seconds", "histogram",
                   "Time to answer, all handlers together, in fine buckets.");
    double count = 0;
    char bound[32];
    const struct metrics_label label = {"le", bound};
    for (size_t b = 0; b <= METRICS_HIGHR_BOUNDS; b++) {
        count += (double)counts->highr[b];
        metrics_bound_text(b < METRICS_HIGHR_BOUNDS ? metrics_highr_bounds[b] : INFINITY, bound,
                           sizeof bound);
        metrics_sample(out, "http_request_duration_highr_seconds_bucket", &label, 1, count);
    }
    metrics_sample(out, "http_request_duration_highr_seconds_sum", NULL, 0,
                   (double)counts->highr_sum_ns * 1e-9);
    metrics_sample(out, "http_request_duration_highr_seconds_count", NULL, 0, count);
}

static void write_model(const struct service_gauges *gauges, struct buf *out)
{
    static const double no_share[SOURCE_COUNT];
    const struct model *model = gauges->model;
    single(out, "model_version", "gauge", "Version of the model in service, 0 before the first.",
           model != NULL ? model->version : 0);
    single(out, "model_trained_timestamp_seconds", "gauge", "When the model was trained.",
           model != NULL ? (double)model->trained_at_s : 0);
    single(out, "model_training_seconds", "gauge", "How long its training took.",
           model != NULL ? model->training_s : 0);
    single(out, "model_films_without_embedding", "gauge",
           "Films the similar source knows no vector of, and never proposes.",
           model != NULL ? model->content.without : 0);
    metrics_family(out, "model_source_share", "gauge",
                   "Share of list places by source over a sample of people, at training.");
    by_source(out, "model_source_share", model != NULL ? model->source_share : no_share);
}

static void write_training(const struct service_gauges *gauges, struct buf *out)
{
    single(out, "retrain_failures_total", "counter",
           "Trainings that failed; the former model stayed in service.",
           (double)gauges->retrain_failures);
    single(out, "recommendation_history_ratings", "gauge",
           "Posted ratings kept at hand, so that rated films are not recommended.",
           (double)gauges->history_ratings);
}

void metrics_write_counts(const struct metrics_counts *counts, struct buf *out)
{
    write_lists(counts, out);
    write_ratings(counts, out);
    write_plain(counts, out);
    write_stages(counts, out);
    write_requests(counts, out);
    write_durations(counts, out);
    write_sizes(counts, out);
}

void metrics_write_gauges(const struct service_gauges *gauges, struct buf *out)
{
    write_model(gauges, out);
    write_training(gauges, out);
    process_info_write(&gauges->process, (double)gauges->process_start_ns * 1e-9, out);
}
