#include "drill/needs.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* The target has the metrics named in a text, by spaces. */
static const char *find(const void *names, const char *ours)
{
    const char *at = strstr(names, ours);
    size_t len = strlen(ours);
    bool whole =
        at != NULL && (at == names || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0');
    return whole ? ours : NULL;
}

static const char *const shipped[] = {"prometheus/rules/cusum.yml", "prometheus/rules/drift.yml",
                                      "prometheus/rules/infrastructure.yml",
                                      "prometheus/rules/objectives.yml"};
#define SHIPPED (sizeof shipped / sizeof shipped[0])

static struct needs *needs_of(const struct metric_map *map)
{
    struct needs *needs = NULL;
    struct error error = {0};
    cr_assert_eq(needs_new(shipped, SHIPPED, map, &needs, &error), ERR_OK, "%s", error.text);
    return needs;
}

/* The alerts that such a target can have, by spaces, in the order of the rules. */
static void list_alerts(const struct metric_map *map, char *out, size_t size)
{
    char missing[128];
    struct needs *needs = needs_of(map);
    const char *alert;
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; (alert = needs_alert_at(needs, i, NULL)) != NULL; i++) {
        bool is_met = needs_met_by_alert(needs, alert, missing, sizeof missing);
        cr_expect_eq(is_met, missing[0] == '\0', "%s: '%s'", alert, missing);
        if (is_met) {
            used += (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? " " : "", alert);
        }
    }
    needs_free(needs);
}

Test(needs, an_alert_is_there_if_all_that_it_reads_is)
{
    static const struct {
        const char *has, *alerts;
    } rows[] = {
        {"recommendation_lists_total", "Watchdog RecommenderTargetDown ScrapeTrouble"},
        /* Conversion must not be 0 because nobody counts conversions. */
        {"recommendation_lists_total user_rating_count user_rating_sum",
         "MeanRatingCusum MeanRatingLow Watchdog RecommenderTargetDown RecommenderNoRatings "
         "ScrapeTrouble"},
        /* The last guard of the alert speaks of ratings that were lost, which nobody counts here.
         */
        {"recommendation_lists_total recommendation_lists_converted_total",
         "RecommendationConversionLow Watchdog RecommenderTargetDown ScrapeTrouble"},
        {"recommendation_lists_total recommendation_lists_converted_total user_rating_count",
         "RecommendationConversionCusum RecommendationConversionLow Watchdog "
         "RecommenderTargetDown RecommenderNoRatings ScrapeTrouble"},
        {"user_rating",
         "MeanRatingLow RatingHistogramMoved Watchdog RecommenderTargetDown ScrapeTrouble"},
        {"http_requests_total", "Watchdog RecommenderTargetDown RecommenderErrorsHigh "
                                "RecommenderErrorBudgetBurn ScrapeTrouble"},
        {"retrain_failures_total model_trained_timestamp_seconds",
         "Watchdog RecommenderTargetDown ScrapeTrouble ModelStale RetrainFailed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct metric_map *map = NULL;
        char alerts[1024];
        cr_assert_eq(metric_map_new(find, rows[i].has, &map, NULL), ERR_OK);
        list_alerts(map, alerts, sizeof alerts);
        cr_expect_str_eq(alerts, rows[i].alerts, "%s:\n  %s\n  %s", rows[i].has, alerts,
                         rows[i].alerts);
        metric_map_free(map);
    }
}

Test(needs, without_metrics_only_what_is_no_target_is_left)
{
    char alerts[1024];
    list_alerts(NULL, alerts, sizeof alerts);
    cr_expect_str_eq(alerts, "Watchdog");
}

static const char *find_same(const void *context, const char *ours)
{
    (void)context;
    return ours;
}

Test(needs, the_bundled_recommender_has_whatever_the_shipped_rules_read)
{
    struct metric_map *map = NULL;
    char missing[128];
    const char *alert, *group = NULL;
    size_t count = 0;
    cr_assert_eq(metric_map_new(find_same, NULL, &map, NULL), ERR_OK);
    struct needs *needs = needs_of(map);
    for (; (alert = needs_alert_at(needs, count, &group)) != NULL; count++) {
        cr_expect(needs_met_by_alert(needs, alert, missing, sizeof missing), "%s lacks %s", alert,
                  missing);
        cr_expect_not_null(group);
    }
    cr_expect_gt(count, 15);
    needs_free(needs);
    metric_map_free(map);
}

Test(needs, what_is_missing_is_named)
{
    static const struct {
        const char *query, *missing; /* "" = nothing */
    } rows[] = {
        {"rate(recommendation_lists_total{job=\"$job\"}[$__rate_interval])", ""},
        {"job:recommendation_conversion:ratio15m{job=\"recommender\"}",
         "recommendation_lists_converted_total"},
        {"driftdrill_conversion", ""},
        {"sum(user_rating_sum) / sum(user_rating_count)", "user_rating_sum"},
        {"recommendation_lists_total or user_rating_sum", ""},
        {"user_rating_sum or recommendation_lists_total", ""},
        {"user_rating_sum or recommendation_lists_total * 0", "user_rating_sum"},
        {"recommendation_lists_total unless user_rating_sum", "user_rating_sum"},
        {"recommendation_lists_total unless (user_rating_sum or recommendation_lists_total * 0)",
         ""},
        {"recommendation_lists_total or absent(user_rating_sum)", "user_rating_sum"},
        {"up{job=\"recommender\"}", ""},
        {"topk(3, item_rank_sum)", "item_rank_sum"},
        {"-max_over_time(item_rank_sum[5m:1m])", "item_rank_sum"},
        {"instance:recommendation_evidence:new", ""},
        {"instance:recommendation_evidence:new{counter=\"lists\"}", ""},
        {"instance:recommendation_evidence:new{counter=\"lists_converted\"}",
         "recommendation_lists_converted_total"},
        {"sum(instance:recommendation_evidence:seen{counter=\"stars\"}) by (job)",
         "user_rating_sum"},
        {"instance:recommendation_evidence:new{counter=\"unheard of\"}",
         "a series that begins from nothing"},
        {"label_replace(user_rating_sum, \"a\", \"b\", \"\", \"\")", "user_rating_sum"},
        {"this is no query (", ""},
    };
    struct metric_map *map = NULL;
    cr_assert_eq(metric_map_new(find, "recommendation_lists_total", &map, NULL), ERR_OK);
    struct needs *needs = needs_of(map);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char missing[128];
        bool is_met = needs_met_by_query(needs, rows[i].query, missing, sizeof missing);
        cr_expect_str_eq(missing, rows[i].missing, "%s: '%s'", rows[i].query, missing);
        cr_expect_eq(is_met, rows[i].missing[0] == '\0', "%s", rows[i].query);
    }
    needs_free(needs);
    metric_map_free(map);
}
