/*
 * How few events could make a drift alert fire? The shipped rules are played over a service at
 * which nothing but the worst happens: lists that nobody takes anything good from, half a star at
 * the last place where five were predicted, films of one source only, for people nobody knows.
 * Bisection finds the number of such lists in the window at which the alert first fires. An alert
 * that a handful of events could raise would be one that a single visitor raises.
 */
#include "observe/rule_engine.h"

#include "base/mem.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define WINDOW_S 900
#define SCRAPE_S 15
#define PLAYED_S 3600
#define LISTS_MAX 4096 /* per window; every alert has fired by then */
#define LEAST 30       /* fewer lists must never do */
#define TARGET "job=\"recommender\",instance=\"a:8000\""

struct series {
    const char *name;
    double good, bad; /* what one list adds */
};

/* Ratings of a good list are spread as the objectives have them. */
static const struct series counters[] = {
    {"recommendation_lists_total{" TARGET "}", 1, 1},
    {"recommendation_lists_converted_total{" TARGET "}", .3, 0},
    {"recommendation_reciprocal_rank_total{" TARGET "}", .15, 0},
    {"recommendation_lists_without_history_total{" TARGET "}", 0, 1},
    {"user_rating_count{recommender=\"base\"," TARGET "}", 1, 1},
    {"user_rating_sum{recommender=\"base\"," TARGET "}", 3.9, .5},
    {"user_rating_bucket{le=\"1.0\",recommender=\"base\"," TARGET "}", .03, 1},
    {"user_rating_bucket{le=\"2.0\",recommender=\"base\"," TARGET "}", .12, 1},
    {"user_rating_bucket{le=\"3.0\",recommender=\"base\"," TARGET "}", .37, 1},
    {"user_rating_bucket{le=\"4.0\",recommender=\"base\"," TARGET "}", .77, 1},
    {"user_rating_bucket{le=\"5.0\",recommender=\"base\"," TARGET "}", 1, 1},
    {"predicted_rating_sum{recommender=\"base\"," TARGET "}", 4, 5},
    {"item_rank_count{recommender=\"base\"," TARGET "}", 1, 1},
    {"item_rank_sum{recommender=\"base\"," TARGET "}", 4.2, 10},
    {"recommendation_items_total{recommender=\"base\"," TARGET "}", 7, 0},
    {"recommendation_items_total{recommender=\"popular\"," TARGET "}", 3, 10},
    {"recommendation_rating_stars_count{recommender=\"base\"," TARGET "}", .7, 0},
    {"recommendation_rating_stars_count{recommender=\"popular\"," TARGET "}", .3, 1},
    {"recommendation_rating_stars_bucket{le=\"2.5\",recommender=\"base\"," TARGET "}", .1, 0},
    {"recommendation_rating_stars_bucket{le=\"2.5\",recommender=\"popular\"," TARGET "}", .05, 1},
};
static const struct series gauges[] = {
    {"up{" TARGET "}", 1, 1},
    {"model_source_share{recommender=\"base\"," TARGET "}", .7, .7},
    {"model_source_share{recommender=\"popular\"," TARGET "}", .3, .3},
};

#define COUNTERS (sizeof counters / sizeof counters[0])
#define GAUGES (sizeof gauges / sizeof gauges[0])

/* The smallest numbers of lists, or ratings, in 15 minutes that were found when the rules were
 * written; a change of a rule that lets fewer do must be meant. */
static const struct {
    const char *alert;
    int least;
} known[] = {
    {"RecommendationConversionLow", 201},
    {"RecommendationReciprocalRankLow", 201},
    {"MeanRatingLow", 51},
    {"RatingHistogramMoved", 201},
    {"RecommendedItemRankDegraded", 51},
    {"SourceShareShifted", 201},
    {"SourceConversionLow", 201},
    {"RatingCalibrationGap", 51},
    {"NewUserSurge", 101},
    {"RecommendationConversionCusum", 201},
    {"RecommendationReciprocalRankCusum", 201},
    {"MeanRatingCusum", 200},
};

static struct rule_engine *load(void)
{
    static const char *const paths[] = {"tests/rules/objectives_fixed.yml",
                                        "prometheus/rules/drift.yml", "prometheus/rules/cusum.yml"};
    struct rule_engine *engine = NULL;
    struct error error = {.code = ERR_OK};
    cr_assert_eq(rule_engine_load(paths, 3, &engine, &error), ERR_OK, "%s:%d: %s", error.where,
                 error.line, error.text);
    return engine;
}

static size_t index_of(const struct rule_engine *engine, const char *name)
{
    struct rule_alert alert;
    for (size_t a = 0; a < rule_engine_alert_count(engine); a++) {
        rule_engine_alert_at(engine, a, &alert);
        if (strcmp(alert.name, name) == 0) {
            return a;
        }
    }
    cr_assert_fail("no alert %s", name);
    return 0;
}

/* Whole lists come evenly: of those up to t_s, `bad` a window are bad and `good` good. */
static void scrape(struct rule_engine *engine, const int *id, int64_t t_s, double good, double bad)
{
    double of_window = (double)t_s / WINDOW_S;
    for (size_t s = 0; s < COUNTERS; s++) {
        rule_engine_sample(engine, id[s], t_s * 1000,
                           floor(good * of_window) * counters[s].good +
                               floor(bad * of_window) * counters[s].bad);
    }
    for (size_t s = 0; s < GAUGES; s++) {
        rule_engine_sample(engine, id[COUNTERS + s], t_s * 1000, gauges[s].good);
    }
}

/* How often each alert fires in an hour of so many good and bad lists a window; `once`: the bad
 * ones come in the middle of the hour, all in one scrape interval. */
static void play(struct rule_engine *engine, double good, double bad, bool once, int64_t *episodes)
{
    int id[COUNTERS + GAUGES];
    rule_engine_reset(engine);
    for (size_t s = 0; s < COUNTERS + GAUGES; s++) {
        id[s] = rule_engine_series(
            engine, s < COUNTERS ? counters[s].name : gauges[s - COUNTERS].name, NULL);
        cr_assert_geq(id[s], 0);
    }
    for (int64_t t_s = 0; t_s <= PLAYED_S; t_s += SCRAPE_S) {
        double share = t_s > PLAYED_S / 2 ? (double)WINDOW_S / (double)t_s : 0;
        scrape(engine, id, t_s, good, once ? bad * share * (1 + 1e-9) : bad);
        rule_engine_evaluate(engine, t_s * 1000 + 5000);
    }
    for (size_t a = 0; a < rule_engine_alert_count(engine); a++) {
        struct rule_alert alert;
        rule_engine_alert_at(engine, a, &alert);
        episodes[a] = alert.episodes;
    }
}

static bool fires(struct rule_engine *engine, size_t alert, int lists)
{
    int64_t episodes[64];
    play(engine, 0, lists, false, episodes);
    return episodes[alert] > 0;
}

static int smallest(struct rule_engine *engine, size_t alert)
{
    int silent = 0, loud = LISTS_MAX;
    if (!fires(engine, alert, loud)) {
        return 0;
    }
    while (loud - silent > 1) {
        int middle = (silent + loud) / 2;
        if (fires(engine, alert, middle)) {
            loud = middle;
        } else {
            silent = middle;
        }
    }
    return loud;
}

Test(smallest_sample, no_drift_alert_rests_on_a_handful_of_events)
{
    struct rule_engine *engine = load();
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        int least = smallest(engine, index_of(engine, known[i].alert));
        fprintf(stderr, "%-34s fires from %d of the worst lists in 15 minutes on\n", known[i].alert,
                least);
        cr_expect_gt(least, LEAST, "%s: %d", known[i].alert, least);
        cr_expect_eq(least, known[i].least, "%s: %d, and not %d", known[i].alert, least,
                     known[i].least);
    }
    rule_engine_free(engine);
}

/* Whatever the traffic beside it, a single list of the worst kind raises nothing. */
Test(smallest_sample, one_bad_event_never_does_it)
{
    static const int beside[] = {0, 1, 3, 10, 30, 101, 201, 300, 1000};
    struct rule_engine *engine = load();
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
        int64_t episodes[64];
        play(engine, beside[i], 1, true, episodes);
        for (size_t a = 0; a < rule_engine_alert_count(engine); a++) {
            struct rule_alert alert;
            rule_engine_alert_at(engine, a, &alert);
            cr_expect_eq(episodes[a], 0, "%s, beside %d good lists a window", alert.name,
                         beside[i]);
        }
    }
    rule_engine_free(engine);
}

Test(smallest_sample, every_alert_that_watches_people_is_looked_at)
{
    struct rule_engine *engine = load();
    size_t watching = 0;
    for (size_t a = 0; a < rule_engine_alert_count(engine); a++) {
        struct rule_alert alert;
        rule_engine_alert_at(engine, a, &alert);
        watching += *alert.quantity != '\0';
        bool found = *alert.quantity == '\0';
        for (size_t i = 0; i < sizeof known / sizeof known[0] && !found; i++) {
            found = strcmp(known[i].alert, alert.name) == 0;
        }
        cr_expect(found, "%s has no row here", alert.name);
    }
    cr_expect_eq(watching, sizeof known / sizeof known[0]);
    rule_engine_free(engine);
}
