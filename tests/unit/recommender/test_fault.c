#include "recommender/fault.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fileio.h"
#include "base/text.h"
#include "invalid.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define S CLOCK_NS_PER_S
#define BIT(kind) (1U << FAULT_##kind)
#define USUAL (1U << ROUTE_RECOMMENDATIONS | 1U << ROUTE_RATINGS)

static void read_body(const char *path, char *message, size_t size)
{
    struct buf body;
    struct fault_spec spec;
    struct faults complaints;
    buf_init(&body, 65536);
    faults_init(&complaints);
    cr_assert(file_read(path, &body, NULL) == ERR_OK);
    (void)fault_spec_read(body.len > 0 ? body.data : "", body.len, &spec, &complaints);
    for (size_t i = 0; i < complaints.count; i++) {
        size_t len = strlen(message);
        (void)snprintf(message + len, size - len, "%s%s: %s", len > 0 ? "\n" : "",
                       complaints.list[i].path, complaints.list[i].text);
    }
    faults_deinit(&complaints);
    buf_deinit(&body);
}

Test(fault, every_malformed_body_is_refused_with_all_its_reasons)
{
    cr_expect(invalid_each("fault_body", read_body) == 0);
}

static bool read_text(const char *body, struct fault_spec *spec)
{
    struct faults complaints;
    faults_init(&complaints);
    bool good = fault_spec_read(body, strlen(body), spec, &complaints);
    cr_expect(good, "%s: %s", body, complaints.count > 0 ? complaints.list[0].text : "");
    faults_deinit(&complaints);
    return good;
}

Test(fault, what_is_read_is_written_again_with_its_defaults)
{
    static const struct {
        const char *body, *written;
    } rows[] = {
        {"{'kind':'latency','duration_s':10,'latency_s':0.2}",
         "{'duration_s':10.0,'handlers':['/recommendations/','/ratings/'],'kind':'latency',"
         "'latency_s':0.2,'share':1.0}"},
        {"{'kind':'latency','duration_s':1,'median_s':0.1,'sigma':1,'share':0.5,"
         "'handlers':['/metrics']}",
         "{'duration_s':1.0,'handlers':['/metrics'],'kind':'latency','median_s':0.1,'share':0.5,"
         "'sigma':1.0}"},
        {"{'kind':'errors','duration_s':10,'share':0.25,'status':503,'handlers':['/ratings/']}",
         "{'duration_s':10.0,'handlers':['/ratings/'],'kind':'errors','share':0.25,'status':503}"},
        {"{'kind':'stall','duration_s':3.5}",
         "{'duration_s':3.5,'handlers':['/recommendations/','/ratings/'],'kind':'stall'}"},
        {"{'kind':'stale-model','duration_s':60}", "{'duration_s':60.0,'kind':'stale-model'}"},
        {"{'kind':'broken-source','duration_s':60,'source':'similar'}",
         "{'duration_s':60.0,'items':'empty','kind':'broken-source','source':'similar'}"},
        {"{'kind':'broken-source','duration_s':60,'source':'base','items':'random'}",
         "{'duration_s':60.0,'items':'random','kind':'broken-source','source':'base'}"},
        {"{'kind':'dropped-ratings','duration_s':60,'share':0.1}",
         "{'duration_s':60.0,'kind':'dropped-ratings','share':0.1}"},
        {"{'kind':'scrape-delay','duration_s':60,'delay_s':4}",
         "{'delay_s':4.0,'duration_s':60.0,'kind':'scrape-delay'}"},
        {"{'kind':'scrape-garbage','duration_s':60,'form':'cut'}",
         "{'duration_s':60.0,'form':'cut','kind':'scrape-garbage'}"},
        {"{'kind':'hidden-series','duration_s':60}", "{'duration_s':60.0,'kind':'hidden-series'}"},
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        char body[256], written[256];
        struct fault_spec spec;
        text_copy(body, sizeof body, rows[r].body);
        for (char *quote = strchr(body, '\''); quote != NULL; quote = strchr(quote, '\'')) {
            *quote = '"';
        }
        if (!read_text(body, &spec)) {
            continue;
        }
        json_t *value = fault_spec_json(&spec);
        size_t len = json_dumpb(value, written, sizeof written - 1,
                                JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(6));
        written[len] = '\0';
        json_decref(value);
        for (char *quote = strchr(written, '"'); quote != NULL; quote = strchr(quote, '"')) {
            *quote = '\'';
        }
        cr_expect_str_eq(written, rows[r].written);
    }
}

/* A fault with id `id` that ends at `ends_s`. */
static struct fault_active fault(int64_t id, enum fault_kind kind, int64_t ends_s)
{
    return (struct fault_active){.id = id,
                                 .ends_ns = ends_s * S,
                                 .spec = {.kind = kind,
                                          .share = 1,
                                          .handlers = USUAL,
                                          .status = 503,
                                          .latency_s = 0.5,
                                          .delay_s = 2,
                                          .source = SOURCE_SIMILAR,
                                          .items = SOURCE_EMPTY,
                                          .form = FAULT_FORM_CUT}};
}

Test(fault, decides_by_kind_route_and_time)
{
    static const struct {
        const char *name;
        enum fault_kind kind;
        enum route route;
        int64_t now_s;
        struct fault_plan plan;
    } rows[] = {
        {"latency", FAULT_LATENCY, ROUTE_RATINGS, 9, {.kinds = BIT(LATENCY), .delay_ns = S / 2}},
        {"latency elsewhere", FAULT_LATENCY, ROUTE_METRICS, 9, {0}},
        {"latency at its end", FAULT_LATENCY, ROUTE_RATINGS, 10, {0}},
        {"errors", FAULT_ERRORS, ROUTE_RECOMMENDATIONS, 0, {.kinds = BIT(ERRORS), .status = 503}},
        {"errors never touch admin", FAULT_ERRORS, ROUTE_FAULTS, 0, {0}},
        {"errors never touch health", FAULT_ERRORS, ROUTE_HEALTH, 0, {0}},
        {"stall",
         FAULT_STALL,
         ROUTE_RECOMMENDATIONS,
         3,
         {.kinds = BIT(STALL), .held_until_ns = 10 * S, .held_by = 7}},
        {"stale rating", FAULT_STALE_MODEL, ROUTE_RATINGS, 3, {BIT(STALE_MODEL), .stale = true}},
        {"stale training", FAULT_STALE_MODEL, ROUTE_RETRAIN, 3, {BIT(STALE_MODEL), .stale = true}},
        {"stale list", FAULT_STALE_MODEL, ROUTE_RECOMMENDATIONS, 3, {0}},
        {"dropped",
         FAULT_DROPPED_RATINGS,
         ROUTE_RATINGS,
         3,
         {BIT(DROPPED_RATINGS), .dropped = true}},
        {"dropped list", FAULT_DROPPED_RATINGS, ROUTE_RECOMMENDATIONS, 3, {0}},
        {"scrape delay",
         FAULT_SCRAPE_DELAY,
         ROUTE_METRICS,
         3,
         {BIT(SCRAPE_DELAY), .delay_ns = 2 * S}},
        {"scrape delay elsewhere", FAULT_SCRAPE_DELAY, ROUTE_RATINGS, 3, {0}},
        {"garbage",
         FAULT_SCRAPE_GARBAGE,
         ROUTE_METRICS,
         3,
         {BIT(SCRAPE_GARBAGE), .form = FAULT_FORM_CUT}},
        {"hidden series",
         FAULT_HIDDEN_SERIES,
         ROUTE_METRICS,
         3,
         {BIT(HIDDEN_SERIES), .hides = true}},
        {"hidden series elsewhere", FAULT_HIDDEN_SERIES, ROUTE_RATINGS, 3, {0}},
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        const struct fault_set set = {.list = {fault(7, rows[r].kind, 10)}, .count = 1};
        const struct fault_plan *wanted = &rows[r].plan;
        struct fault_plan plan;
        fault_decide(&set, 1, 0, rows[r].route, rows[r].now_s * S, &plan);
        cr_expect(plan.kinds == wanted->kinds && plan.delay_ns == wanted->delay_ns &&
                      plan.held_until_ns == wanted->held_until_ns &&
                      plan.held_by == wanted->held_by && plan.status == wanted->status &&
                      plan.stale == wanted->stale && plan.dropped == wanted->dropped &&
                      plan.form == wanted->form && plan.hides == wanted->hides,
                  "%s", rows[r].name);
        cr_expect(plan.sources.of[SOURCE_SIMILAR] == SOURCE_WHOLE, "%s", rows[r].name);
    }
}

Test(fault, a_broken_source_is_the_one_named)
{
    const struct fault_set set = {.list = {fault(1, FAULT_BROKEN_SOURCE, 10)}, .count = 1};
    struct fault_plan plan;
    fault_decide(&set, 1, 0, ROUTE_RECOMMENDATIONS, 0, &plan);
    cr_expect(plan.sources.of[SOURCE_BASE] == SOURCE_WHOLE);
    cr_expect(plan.sources.of[SOURCE_SIMILAR] == SOURCE_EMPTY);
    cr_expect(plan.sources.of[SOURCE_POPULAR] == SOURCE_WHOLE);
}

Test(fault, several_at_once_add_up_and_an_error_leaves_delays_only)
{
    struct fault_set set = {.count = 5};
    struct fault_plan plan;
    set.list[0] = fault(1, FAULT_LATENCY, 10);
    set.list[1] = fault(2, FAULT_LATENCY, 10);
    set.list[2] = fault(3, FAULT_STALL, 20);
    set.list[3] = fault(4, FAULT_STALL, 15);
    set.list[4] = fault(5, FAULT_DROPPED_RATINGS, 10);
    fault_decide(&set, 1, 0, ROUTE_RATINGS, 0, &plan);
    cr_expect(plan.delay_ns == S);
    cr_expect(plan.held_until_ns == 20 * S && plan.held_by == 3, "the longest stall holds it");
    cr_expect(plan.dropped);
    set.list[set.count++] = fault(6, FAULT_ERRORS, 10);
    set.list[set.count] = fault(7, FAULT_ERRORS, 10);
    set.list[set.count++].spec.status = 500;
    fault_decide(&set, 1, 0, ROUTE_RATINGS, 0, &plan);
    cr_expect(plan.status == 503, "the first decides");
    cr_expect(!plan.dropped, "it is not served, so nothing is dropped");
    cr_expect(plan.kinds == (BIT(LATENCY) | BIT(STALL) | BIT(ERRORS)));
}

Test(fault, a_share_is_kept_and_repeats_with_its_seed)
{
    enum { REQUESTS = 20000 };
    struct fault_set set = {.list = {fault(1, FAULT_ERRORS, 10)}, .count = 1};
    struct fault_plan plan;
    set.list[0].spec.share = 0.3;
    int hit = 0, same = 0, same_other = 0;
    for (uint64_t n = 0; n < REQUESTS; n++) {
        fault_decide(&set, 1, n, ROUTE_RATINGS, 0, &plan);
        bool first = plan.status != 0;
        fault_decide(&set, 1, n, ROUTE_RATINGS, 0, &plan);
        same += first == (plan.status != 0);
        fault_decide(&set, 2, n, ROUTE_RATINGS, 0, &plan);
        same_other += first == (plan.status != 0);
        hit += first;
    }
    /* Four standard errors: sqrt(.3 * .7 * 20000) = 65. */
    cr_expect(abs(hit - REQUESTS * 3 / 10) < 260, "%d of %d", hit, REQUESTS);
    cr_expect(same == REQUESTS);
    cr_expect(same_other < REQUESTS * 7 / 10, "another seed, other requests");
}

Test(fault, shares_of_0_and_1_touch_none_and_all)
{
    struct fault_set set = {.list = {fault(1, FAULT_ERRORS, 10)}, .count = 1};
    struct fault_plan plan;
    for (uint64_t n = 0; n < 2000; n++) {
        set.list[0].spec.share = 0;
        fault_decide(&set, 1, n, ROUTE_RATINGS, 0, &plan);
        cr_assert(plan.status == 0);
        set.list[0].spec.share = 1;
        fault_decide(&set, 1, n, ROUTE_RATINGS, 0, &plan);
        cr_assert(plan.status == 503);
    }
}

Test(fault, lognormal_latencies_have_their_median_and_spread)
{
    enum { REQUESTS = 20000 };
    struct fault_set set = {.list = {fault(1, FAULT_LATENCY, 10)}, .count = 1};
    set.list[0].spec.latency_s = 0;
    set.list[0].spec.median_s = 0.2;
    set.list[0].spec.sigma = 0.5;
    double sum = 0, squares = 0;
    int below = 0;
    for (uint64_t n = 0; n < REQUESTS; n++) {
        struct fault_plan plan;
        fault_decide(&set, 1, n, ROUTE_RATINGS, 0, &plan);
        double log_s = log((double)plan.delay_ns / (double)S / 0.2);
        below += log_s < 0;
        sum += log_s;
        squares += log_s * log_s;
    }
    double mean = sum / REQUESTS, sd = sqrt(squares / REQUESTS - mean * mean);
    cr_expect(abs(below - REQUESTS / 2) < 300, "%d", below);
    cr_expect(fabs(mean) < 0.015, "%g", mean);
    cr_expect(fabs(sd - 0.5) < 0.012, "%g", sd);
}

Test(fault, an_extreme_latency_is_cut_at_the_bound)
{
    struct fault_set set = {.list = {fault(1, FAULT_LATENCY, 10)}, .count = 1};
    int64_t longest = 0;
    set.list[0].spec.median_s = 10;
    set.list[0].spec.sigma = 4;
    for (uint64_t n = 0; n < 1000; n++) {
        struct fault_plan plan;
        fault_decide(&set, 1, n, ROUTE_RATINGS, 0, &plan);
        longest = plan.delay_ns > longest ? plan.delay_ns : longest;
    }
    cr_expect(longest == (int64_t)FAULT_DELAY_MAX_S * S, "%lld", (long long)longest);
}
