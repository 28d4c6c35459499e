#include "recommender/service_metrics.h"

#include "base/mem.h"
#include "base/metrics.h"

#include <math.h>
#include <pthread.h>

#define HALF_STARS 10
#define TOP_PLACES 5
#define MICRO 1e6

/* Upper bounds in seconds, as prometheus-fastapi-instrumentator has them. */
static const double duration_bounds[] = {0.1, 0.5, 1};
static const double highr_bounds[] = {0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1,  1.5, 2,
                                      2.5,  3,     3.5,  4,     4.5, 5,    7.5, 10,   30, 60};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define DURATION_BOUNDS COUNT_OF(duration_bounds)
#define HIGHR_BOUNDS COUNT_OF(highr_bounds)

/* Events up to each bound but not the one before; the last entry is beyond all bounds. */
struct durations {
    uint64_t bucket[DURATION_BOUNDS + 1];
    int64_t sum_ns;
};

struct counts {
    uint64_t lists, converted;
    uint64_t items[SOURCE_COUNT], top5[SOURCE_COUNT];
    uint64_t stars[SOURCE_COUNT][HALF_STARS + 1]; /* [half stars], 0 unused */
    uint64_t rank_sum[SOURCE_COUNT];
    uint64_t first_at_rank[RECOMMEND_LENGTH_MAX + 1]; /* first ratings of lists, by rank */
    int64_t predicted_micro[SOURCE_COUNT];            /* sum of predicted millionths of a star */
    uint64_t unattributed;
    uint64_t http[ROUTE_COUNT][METHOD_COUNT][6]; /* [status class] */
    struct durations duration[ROUTE_COUNT][METHOD_COUNT];
    uint64_t highr[HIGHR_BOUNDS + 1];
    int64_t highr_sum_ns;
    uint64_t request_bytes[ROUTE_COUNT], reply_bytes[ROUTE_COUNT];
};

struct service_metrics {
    pthread_mutex_t mutex; /* guards counts */
    struct counts counts;
};

struct service_metrics *service_metrics_new(void)
{
    struct service_metrics *metrics = mem_zalloc(1, sizeof *metrics);
    pthread_mutex_init(&metrics->mutex, NULL);
    return metrics;
}

void service_metrics_free(struct service_metrics *metrics)
{
    if (metrics != NULL) {
        pthread_mutex_destroy(&metrics->mutex);
        mem_free(metrics);
    }
}

void service_metrics_list(struct service_metrics *metrics, const struct ranker_place *places,
                          int count)
{
    pthread_mutex_lock(&metrics->mutex);
    metrics->counts.lists++;
    for (int p = 0; p < count; p++) {
        metrics->counts.items[places[p].source]++;
        metrics->counts.top5[places[p].source] += p < TOP_PLACES;
    }
    pthread_mutex_unlock(&metrics->mutex);
}

void service_metrics_rating(struct service_metrics *metrics, const struct attribution *attribution,
                            uint8_t half_stars, double predicted_stars)
{
    enum source source = attribution->source;
    pthread_mutex_lock(&metrics->mutex);
    struct counts *counts = &metrics->counts;
    if (!attribution->attributed) {
        counts->unattributed++;
    } else {
        counts->stars[source][half_stars]++;
        counts->rank_sum[source] += (uint64_t)attribution->rank;
        counts->predicted_micro[source] += llrint(predicted_stars * MICRO);
        counts->first_at_rank[attribution->rank] += attribution->first;
        counts->converted += attribution->converts;
    }
    pthread_mutex_unlock(&metrics->mutex);
}

static size_t bucket_of(const double *bounds, size_t count, double value)
{
    size_t bucket = 0;
    while (bucket < count && value > bounds[bucket]) {
        bucket++;
    }
    return bucket;
}

void service_metrics_http(struct service_metrics *metrics, const struct http_event *event)
{
    double seconds = (double)event->duration_ns * 1e-9;
    int status_class = event->status >= 200 && event->status < 600 ? event->status / 100 : 5;
    pthread_mutex_lock(&metrics->mutex);
    struct counts *counts = &metrics->counts;
    struct durations *durations = &counts->duration[event->route][event->method];
    counts->http[event->route][event->method][status_class]++;
    durations->bucket[bucket_of(duration_bounds, DURATION_BOUNDS, seconds)]++;
    durations->sum_ns += event->duration_ns;
    counts->highr[bucket_of(highr_bounds, HIGHR_BOUNDS, seconds)]++;
    counts->highr_sum_ns += event->duration_ns;
    counts->request_bytes[event->route] += event->request_bytes;
    counts->reply_bytes[event->route] += event->reply_bytes;
    pthread_mutex_unlock(&metrics->mutex);
}

/* ---- exposition ---- */

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

static void write_lists(const struct counts *counts, struct buf *out)
{
    double reciprocal = 0;
    for (int rank = RECOMMEND_LENGTH_MAX; rank >= 1; rank--) {
        reciprocal += (double)counts->first_at_rank[rank] / rank;
    }
    single(out, "recommendation_lists_total", "counter", "Lists answered.", (double)counts->lists);
    single(out, "recommendation_lists_converted_total", "counter",
           "Lists of which a film was rated 3 stars or more, each counted once.",
           (double)counts->converted);
    single(out, "recommendation_reciprocal_rank_total", "counter",
           "Sum of 1/rank of the first film rated of each list, whatever its rating.", reciprocal);
    counter_by_source(out, "recommendation_items_total", "Films shown in lists, by source.",
                      counts->items);
    counter_by_source(out, "count_in_top5_total",
                      "Films shown in the first five places of lists, by source.", counts->top5);
}

static void write_ratings(const struct counts *counts, struct buf *out)
{
    double sum[SOURCE_COUNT] = {0}, count[SOURCE_COUNT] = {0};
    double rank_sum[SOURCE_COUNT], predicted[SOURCE_COUNT];
    char bound[32];
    metrics_family(out, "user_rating", "histogram",
                   "Stars of ratings of films from lists, by the source that proposed the film.");
    for (int s = 0; s < SOURCE_COUNT; s++) {
        struct metrics_label labels[2] = {{"le", bound},
                                          {"recommender", source_name((enum source)s)}};
        for (int half = 1; half <= HALF_STARS; half++) {
            count[s] += (double)counts->stars[s][half];
            sum[s] += 0.5 * half * (double)counts->stars[s][half];
            metrics_bound_text(0.5 * half, bound, sizeof bound);
            metrics_sample(out, "user_rating_bucket", labels, 2, count[s]);
        }
        metrics_bound_text(INFINITY, bound, sizeof bound);
        metrics_sample(out, "user_rating_bucket", labels, 2, count[s]);
        rank_sum[s] = (double)counts->rank_sum[s];
        predicted[s] = (double)counts->predicted_micro[s] / MICRO;
    }
    summary_by_source(out, "user_rating_sum", "user_rating_count", sum, count);
    metrics_family(out, "item_rank", "summary", "Place in its list of films that were rated.");
    summary_by_source(out, "item_rank_sum", "item_rank_count", rank_sum, count);
    metrics_family(out, "predicted_rating", "summary",
                   "Stars the model expected of the ratings that user_rating counts.");
    summary_by_source(out, "predicted_rating_sum", "predicted_rating_count", predicted, count);
    single(out, "ratings_unattributed_total", "counter",
           "Ratings of films that the list they name, or the person's latest, did not hold.",
           (double)counts->unattributed);
}

static void write_route_requests(const struct counts *counts, int route, int method,
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

static void write_requests(const struct counts *counts, struct buf *out)
{
    metrics_family(out, "http_requests_total", "counter",
                   "Requests by handler, method and class of status.");
    for (int r = 0; r < ROUTE_COUNT; r++) {
        for (int m = 0; m < METHOD_COUNT; m++) {
            write_route_requests(counts, r, m, out);
        }
    }
}

static uint64_t route_requests(const struct counts *counts, int route)
{
    uint64_t count = 0;
    for (int m = 0; m < METHOD_COUNT; m++) {
        for (int c = 2; c < 6; c++) {
            count += counts->http[route][m][c];
        }
    }
    return count;
}

static void write_sizes(const struct counts *counts, struct buf *out)
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

static void write_route_durations(const struct counts *counts, int route, int method,
                                  struct buf *out)
{
    const struct durations *durations = &counts->duration[route][method];
    char bound[32];
    struct metrics_label labels[] = {{"handler", route_handler((enum route)route)},
                                     {"le", bound},
                                     {"method", method_label((enum method)method)}};
    double count = 0;
    for (size_t b = 0; b <= DURATION_BOUNDS; b++) {
        count += (double)durations->bucket[b];
        metrics_bound_text(b < DURATION_BOUNDS ? duration_bounds[b] : INFINITY, bound,
                           sizeof bound);
        metrics_sample(out, "http_request_duration_seconds_bucket", labels, 3, count);
    }
    labels[1] = labels[2];
    metrics_sample(out, "http_request_duration_seconds_sum", labels, 2,
                   (double)durations->sum_ns * 1e-9);
    metrics_sample(out, "http_request_duration_seconds_count", labels, 2, count);
}

static void write_durations(const struct counts *counts, struct buf *out)
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
    for (size_t b = 0; b <= HIGHR_BOUNDS; b++) {
        count += (double)counts->highr[b];
        metrics_bound_text(b < HIGHR_BOUNDS ? highr_bounds[b] : INFINITY, bound, sizeof bound);
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
    metrics_family(out, "model_source_share", "gauge",
                   "Share of list places by source over a sample of people, at training.");
    by_source(out, "model_source_share", model != NULL ? model->source_share : no_share);
    single(out, "retrain_failures_total", "counter",
           "Trainings that failed; the former model stayed in service.",
           (double)gauges->retrain_failures);
}

static void write_process(const struct service_gauges *gauges, struct buf *out)
{
    const struct process_info *process = &gauges->process;
    single(out, "process_cpu_seconds_total", "counter", "User and system time used.",
           process->cpu_s);
    single(out, "process_resident_memory_bytes", "gauge", "Resident memory.",
           process->resident_bytes);
    single(out, "process_virtual_memory_bytes", "gauge", "Virtual memory.", process->virtual_bytes);
    single(out, "process_open_fds", "gauge", "Open file descriptors.", process->open_fds);
    single(out, "process_max_fds", "gauge", "Most file descriptors allowed.", process->max_fds);
    single(out, "process_start_time_seconds", "gauge", "When the process started.",
           (double)gauges->process_start_ns * 1e-9);
}

void service_metrics_write(struct service_metrics *metrics, const struct service_gauges *gauges,
                           struct buf *out)
{
    pthread_mutex_lock(&metrics->mutex);
    const struct counts counts = metrics->counts;
    pthread_mutex_unlock(&metrics->mutex);
    write_lists(&counts, out);
    write_ratings(&counts, out);
    write_model(gauges, out);
    write_requests(&counts, out);
    write_durations(&counts, out);
    write_sizes(&counts, out);
    write_process(gauges, out);
}
