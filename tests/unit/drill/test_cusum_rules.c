/*
 * The shipped CUSUM rules on simulated counters: how soon they know, beside the floor of what the
 * target exports (drill/cusum.h), and that they keep still where they must. 6.67 lists/s, scraped
 * every 15 s; objectives and people are those of the taste-shift drill.
 */
#include "base/buf.h"
#include "base/fileio.h"
#include "base/rng.h"
#include "drill/cusum.h"
#include "drill/objectives.h"
#include "observe/rule_engine.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LISTS_PER_S (400 / 60.0)
#define SCRAPE_S 15
#define EVALUATION_S 30
#define MONTH_S (30 * 86400.0)
#define SD 0.95

enum { LISTS, CONVERTED, RECIPROCAL, RATINGS, SUM, SERIES };

static const char *const names[SERIES] = {
    "recommendation_lists_total", "recommendation_lists_converted_total",
    "recommendation_reciprocal_rank_total", "user_rating_count", "user_rating_sum"};

struct people { /* what a list comes to */
    double rated, rank_decay, mean;
};

static const struct people rest = {.356, .62, 3.66};
static const struct people harsher = {.356, .62, 3.29};
static const struct people turned = {.187, .68, 3.70};

struct moments {
    double conversion, reciprocal, reciprocal_variance, rated;
};

struct bench {
    struct rule_engine *engine;
    int id[SERIES];
    double total[SERIES];
    struct rng rng;
    int64_t now_s; /* of the last scrape */
    bool ratings_lost;
};

static void outcome(struct rng *rng, const struct people *people, double out[SERIES])
{
    memset(out, 0, SERIES * sizeof *out);
    out[LISTS] = 1;
    if (rng_uniform(rng) >= people->rated) {
        return;
    }
    int rank = 1;
    while (rank < 10 && rng_uniform(rng) < people->rank_decay) {
        rank++;
    }
    double stars = floor(2 * (people->mean + SD * rng_normal(rng)) + .5) / 2;
    stars = fmin(5, fmax(.5, stars));
    out[CONVERTED] = stars >= 3;
    out[RECIPROCAL] = 1.0 / rank;
    out[RATINGS] = 1;
    out[SUM] = stars;
}

static struct moments moments_of(const struct people *people)
{
    struct rng rng = rng_stream(1, 0, 0);
    struct moments sum = {0};
    double square = 0, out[SERIES];
    const int n = 400000;
    for (int i = 0; i < n; i++) {
        outcome(&rng, people, out);
        sum.conversion += out[CONVERTED] / n;
        sum.reciprocal += out[RECIPROCAL] / n;
        square += out[RECIPROCAL] * out[RECIPROCAL] / n;
        sum.rated += out[RATINGS] / n;
    }
    sum.reciprocal_variance = square - sum.reciprocal * sum.reciprocal;
    return sum;
}

static int poisson(struct rng *rng, double mean)
{
    int count = -1;
    for (double sum = 0; sum < mean; count++) {
        sum += rng_exponential(rng);
    }
    return count;
}

static void open_bench(struct bench *bench, uint64_t seed)
{
    char path[64];
    struct error error = {.code = ERR_OK};
    struct moments at_rest = moments_of(&rest);
    struct objectives_head head = {.scenario = "test",
                                   .data = "simulated",
                                   .target = "none",
                                   .conversion = at_rest.conversion,
                                   .reciprocal_rank = at_rest.reciprocal,
                                   .mean_rating = rest.mean,
                                   .rating_share = {.03, .08, .25, .43, .21}};
    (void)snprintf(path, sizeof path, "/tmp/driftdrill-cusum-%d.yml", (int)getpid());
    cr_assert_eq(objectives_write(path, &head, &error), ERR_OK, "%s", error.text);
    const char *const paths[] = {path, "prometheus/rules/drift.yml", "prometheus/rules/cusum.yml"};
    *bench = (struct bench){.rng = rng_stream(seed, 0, 0)};
    cr_assert_eq(rule_engine_load(paths, 3, &bench->engine, &error), ERR_OK, "%s:%d: %s",
                 error.where, error.line, error.text);
    (void)unlink(path);
}

static void begin(struct bench *bench)
{
    rule_engine_reset(bench->engine);
    memset(bench->total, 0, sizeof bench->total);
    bench->now_s = 0;
    for (int i = 0; i < SERIES; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "%s{job=\"recommender\",instance=\"a\"}", names[i]);
        bench->id[i] = rule_engine_series(bench->engine, text, NULL);
    }
}

/* One scrape interval, and the evaluation behind it if one is due. */
static void play_scrape(struct bench *bench, const struct people *people, double lists_per_s)
{
    int lists = poisson(&bench->rng, lists_per_s * SCRAPE_S);
    for (int i = 0; i < lists; i++) {
        double out[SERIES];
        outcome(&bench->rng, people, out);
        for (int k = 0; k < SERIES; k++) {
            bench->total[k] += k == LISTS || !bench->ratings_lost ? out[k] : 0;
        }
    }
    bench->now_s += SCRAPE_S;
    for (int k = 0; k < SERIES; k++) {
        rule_engine_sample(bench->engine, bench->id[k], bench->now_s * 1000, bench->total[k]);
    }
    if (bench->now_s % EVALUATION_S == 0) {
        rule_engine_evaluate(bench->engine, bench->now_s * 1000);
    }
}

static void play_for(struct bench *bench, const struct people *people, double lists_per_s,
                     int64_t seconds)
{
    int64_t until_s = bench->now_s + seconds;
    while (bench->now_s < until_s) {
        play_scrape(bench, people, lists_per_s);
    }
}

static int64_t episodes(const struct bench *bench, const char *name)
{
    size_t count = rule_engine_alert_count(bench->engine);
    for (size_t i = 0; i < count; i++) {
        struct rule_alert alert;
        rule_engine_alert_at(bench->engine, i, &alert);
        if (strcmp(alert.name, name) == 0) {
            return alert.episodes;
        }
    }
    cr_assert_fail("no alert %s", name);
    return -1;
}

/* Mean seconds from the change, which comes between two evaluations, to the alert. */
static double mean_delay_s(struct bench *bench, const struct people *changed, const char *alert,
                           int runs)
{
    double sum_s = 0;
    for (int run = 0; run < runs; run++) {
        begin(bench);
        play_for(bench, &rest, LISTS_PER_S, 1800 + SCRAPE_S * (run % 2));
        cr_assert_eq(episodes(bench, alert), 0);
        int64_t changed_s = bench->now_s;
        while (episodes(bench, alert) == 0 && bench->now_s < changed_s + 7200) {
            play_scrape(bench, changed, LISTS_PER_S);
        }
        sum_s += (double)(bench->now_s - changed_s);
    }
    return sum_s / runs;
}

/* Seconds the quickest detector needs that sees `per_s` observations of `kl` nats. */
static double floor_s(double kl, double per_s)
{
    return cusum_delay(kl, cusum_threshold(kl, MONTH_S * per_s)) / per_s;
}

static double bernoulli_kl(double p, double from)
{
    return p * log(p / from) + (1 - p) * log((1 - p) / (1 - from));
}

Test(cusum_rules, delays_are_at_most_twice_the_floor_of_what_is_exported)
{
    struct bench bench;
    struct moments at_rest = moments_of(&rest), after = moments_of(&turned);
    double conversion = .75 * at_rest.conversion, reciprocal = .78 * at_rest.reciprocal;
    double mean_gap = rest.mean - .25 - harsher.mean;
    /* Of a list's reciprocal rank a normal's nats, as the floor of exported sums has them. */
    double rank_kl = (reciprocal - after.reciprocal) * (reciprocal - after.reciprocal) /
                     (2 * at_rest.reciprocal_variance * reciprocal / at_rest.reciprocal);
    const struct {
        const char *alert;
        const struct people *people;
        double floor_s;
    } rows[] = {
        {"RecommendationConversionCusum", &turned,
         floor_s(bernoulli_kl(after.conversion, conversion), LISTS_PER_S)},
        {"RecommendationReciprocalRankCusum", &turned, floor_s(rank_kl, LISTS_PER_S)},
        {"MeanRatingCusum", &harsher,
         floor_s(mean_gap * mean_gap / (2 * SD * SD), LISTS_PER_S * harsher.rated)},
    };
    open_bench(&bench, 11);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double delay_s = mean_delay_s(&bench, rows[i].people, rows[i].alert, 40);
        (void)fprintf(stderr, "%s: %.0f s after the change, floor %.0f s, ratio %.2f\n",
                      rows[i].alert, delay_s, rows[i].floor_s, delay_s / rows[i].floor_s);
        cr_expect_leq(delay_s, 2 * rows[i].floor_s, "%s: %.0f s, floor %.0f s", rows[i].alert,
                      delay_s, rows[i].floor_s);
    }
    rule_engine_free(bench.engine);
}

/* Two instances; the second has a long life of better (or worse) lists behind it, fails a scrape
 * and comes back, restarts, and is replaced by another one with such a life. Nothing of a life
 * counts. */
Test(cusum_rules, an_instance_that_comes_and_goes_is_no_evidence)
{
    static const double lives[] = {.9, .01};
    struct bench bench;
    open_bench(&bench, 12);
    for (size_t l = 0; l < 2; l++) {
        int other[2][SERIES];
        begin(&bench);
        for (int n = 0; n < 2; n++) {
            for (int k = 0; k < SERIES; k++) {
                char text[128];
                (void)snprintf(text, sizeof text, "%s{job=\"recommender\",instance=\"b%d\"}",
                               names[k], n);
                other[n][k] = rule_engine_series(bench.engine, text, NULL);
            }
        }
        for (int i = 0; i < 360; i++) {
            bool lost = i == 120 || i == 200, replaced = i >= 300;
            for (int k = 0; k < SERIES; k++) {
                double life = k == LISTS ? 1e6 : 1e6 * lives[l];
                double value = bench.total[k] + (i < 240 || replaced ? life : 0);
                int id = other[replaced][k];
                if (lost || i == 300) {
                    rule_engine_stale(bench.engine, other[0][k], (bench.now_s + SCRAPE_S) * 1000);
                }
                if (!lost) {
                    rule_engine_sample(bench.engine, id, (bench.now_s + SCRAPE_S) * 1000, value);
                }
            }
            play_scrape(&bench, i < 60 ? &rest : &turned, LISTS_PER_S);
            double new_lists = rule_engine_value(bench.engine, "job:recommendation_lists:new");
            cr_expect(isnan(new_lists) || new_lists < 1500, "%g at %d", new_lists, i);
            double sum = rule_engine_value(bench.engine, "job:recommendation_conversion:cusum");
            cr_expect(i < 100 || sum > 15, "life %g: %g nats at %d", lives[l], sum, i);
        }
        cr_expect_eq(episodes(&bench, "RecommendationConversionCusum"), 1);
    }
    rule_engine_free(bench.engine);
}
