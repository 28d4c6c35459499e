/*
 * promtool is the judge: the engine plays the shipped rules, and free expressions, over made-up
 * series; what it records, its alerts and their states become a test file for promtool, which runs
 * Prometheus' own code over the same series. Both generations are asked if both are installed.
 */
#include "observe/rule_engine.h"

#include "base/buf.h"
#include "base/fileio.h"
#include "base/mem.h"
#include "base/rng.h"
#include "program.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHIPPED 28
#define SECOND 5 /* series of a second instance: the first five */
#define SERIES_MAX (SHIPPED + SECOND)
#define SAMPLES_MAX 340
#define WORLDS 8
#define EVALUATION_S 30
#define TEXT_MAX ((size_t)64 << 20)
#define ABSENT (-1.0)
#define STALE (-2.0)

struct world {
    const char *name;
    int step_s, samples;
    int64_t end_s, check_every_s, alerts_every_s;
    size_t series_count;
    const char *series[SERIES_MAX];
    double value[SERIES_MAX][SAMPLES_MAX]; /* ABSENT and STALE are no values */
};

enum {
    LISTS,
    CONVERTED,
    RECIPROCAL,
    COUNT,
    SUM,
    ONE,
    TWO,
    THREE,
    FOUR,
    FIVE,
    UP, /* counters before it, more of them and gauges after it */
    REQUESTS,
    STRAY,
    RANKED,
    RANKS,
    BASE_ITEMS,
    POPULAR_ITEMS,
    STARRED,
    STARRED_LOW,
    PREDICTED,
    UNKNOWN,
    ANSWERED,
    QUICKLY,
    ALL_REQUESTS,
    UNTRAINED,
    BASE_SHARE,
    POPULAR_SHARE,
    TRAINED,
};

#define TARGET "job=\"recommender\",instance=\"a:8000\""
#define OTHER "job=\"recommender\",instance=\"b:8000\""
#define BUCKET(le) "user_rating_bucket{" TARGET ",recommender=\"base\",le=\"" le "\"}"

static const char *const shipped_series[SERIES_MAX] = {
    [LISTS] = "recommendation_lists_total{" TARGET "}",
    [CONVERTED] = "recommendation_lists_converted_total{" TARGET "}",
    [RECIPROCAL] = "recommendation_reciprocal_rank_total{" TARGET "}",
    [COUNT] = "user_rating_count{" TARGET ",recommender=\"base\"}",
    [SUM] = "user_rating_sum{" TARGET ",recommender=\"base\"}",
    [ONE] = BUCKET("1.0"),
    [TWO] = BUCKET("2.0"),
    [THREE] = BUCKET("3.0"),
    [FOUR] = BUCKET("4.0"),
    [FIVE] = BUCKET("5.0"),
    [UP] = "up{" TARGET "}",
    [REQUESTS] = "http_requests_total{" TARGET ",status=\"5xx\"}",
    [STRAY] = "recommendation_ratings_unattributed_total{" TARGET "}",
    [RANKED] = "item_rank_count{" TARGET ",recommender=\"base\"}",
    [RANKS] = "item_rank_sum{" TARGET ",recommender=\"base\"}",
    [BASE_ITEMS] = "recommendation_items_total{" TARGET ",recommender=\"base\"}",
    [POPULAR_ITEMS] = "recommendation_items_total{" TARGET ",recommender=\"popular\"}",
    [STARRED] = "recommendation_rating_stars_count{" TARGET ",recommender=\"base\"}",
    [STARRED_LOW] =
        "recommendation_rating_stars_bucket{" TARGET ",recommender=\"base\",le=\"2.5\"}",
    [PREDICTED] = "predicted_rating_sum{" TARGET ",recommender=\"base\"}",
    [UNKNOWN] = "recommendation_lists_without_history_total{" TARGET "}",
    [ANSWERED] = "http_request_duration_seconds_count{" TARGET ",handler=\"/recommendations/\"}",
    [QUICKLY] =
        "http_request_duration_seconds_bucket{" TARGET ",handler=\"/recommendations/\",le=\"0.5\"}",
    [ALL_REQUESTS] = "http_requests_total{" TARGET ",status=\"2xx\"}",
    [UNTRAINED] = "retrain_failures_total{" TARGET "}",
    [BASE_SHARE] = "model_source_share{" TARGET ",recommender=\"base\"}",
    [POPULAR_SHARE] = "model_source_share{" TARGET ",recommender=\"popular\"}",
    [TRAINED] = "model_trained_timestamp_seconds{" TARGET "}",
    [SHIPPED + LISTS] = "recommendation_lists_total{" OTHER "}",
    [SHIPPED + CONVERTED] = "recommendation_lists_converted_total{" OTHER "}",
    [SHIPPED + RECIPROCAL] = "recommendation_reciprocal_rank_total{" OTHER "}",
    [SHIPPED + COUNT] = "user_rating_count{" OTHER ",recommender=\"base\"}",
    [SHIPPED + SUM] = "user_rating_sum{" OTHER ",recommender=\"base\"}",
};

/* What one scrape interval adds beside the counters that the first alerts read. */
static void fill_newer(double *counter, double worse, double lists, double converted,
                       double ratings, double stars)
{
    counter[RANKED] += ratings;
    counter[RANKS] += floor(ratings * (4.2 + 3 * worse));
    counter[BASE_ITEMS] += floor(lists * (7 - 6 * worse));
    counter[POPULAR_ITEMS] += floor(lists * (3 + 6 * worse));
    counter[STARRED] += ratings;
    counter[STARRED_LOW] += floor(ratings - converted * (1 - worse));
    counter[PREDICTED] += stars + ratings * (worse > .4 ? 1.2 : -.1);
    counter[UNKNOWN] += floor(lists * worse);
    counter[ANSWERED] += lists;
    counter[QUICKLY] += floor(lists * (1 - worse));
    counter[ALL_REQUESTS] += lists + ratings;
    counter[UNTRAINED] += worse > .4;
    counter[BASE_SHARE] = .7;
    counter[POPULAR_SHARE] = .3;
    counter[TRAINED] = 1000;
}

/* Counters of a service at 6.67 lists/s whose conversion and mean rating fall by a part between two
 * samples. */
static void fill(struct world *world, struct rng *rng, double bad, int from, int to)
{
    static const double share[5] = {.03, .09, .27, .40, .21};
    double counter[SHIPPED] = {0};
    world->series_count = SHIPPED;
    memcpy(world->series, shipped_series, sizeof shipped_series);
    for (int i = 0; i < world->samples; i++) {
        double worse = i >= from && i < to ? bad : 0;
        double lists = floor(6.67 * world->step_s + 6 * rng_uniform(rng));
        double converted = floor(lists * .3 * (1 - worse) + 3 * rng_uniform(rng));
        counter[LISTS] += lists;
        counter[CONVERTED] += converted;
        counter[RECIPROCAL] += converted * .5 + rng_uniform(rng) * .3;
        counter[REQUESTS] += worse * lists * .2;
        counter[STRAY] += floor(worse * converted);
        double below = 0, sum = 0, ratings = floor(converted * 1.2);
        for (int k = 0; k < 5; k++) {
            double moved = share[k] * (1 + worse * (k < 2 ? 2.5 : k > 2 ? -.5 : 0));
            double in_bin = k == 4 ? ratings - below : floor(ratings * moved);
            below += in_bin;
            sum += in_bin * (k + .75);
            counter[ONE + k] += below;
        }
        counter[COUNT] += ratings;
        counter[SUM] += sum;
        fill_newer(counter, worse, lists, converted, ratings, sum);
        counter[UP] = 1;
        for (int s = 0; s < SHIPPED; s++) {
            world->value[s][i] = counter[s];
        }
    }
}

static struct world *new_world(const char *name, int step_s, int samples)
{
    struct world *world = mem_zalloc(1, sizeof *world);
    world->name = name;
    world->step_s = step_s;
    world->samples = samples;
    world->end_s = (int64_t)step_s * (samples - 1) / EVALUATION_S * EVALUATION_S;
    world->check_every_s = 26 * EVALUATION_S;
    world->alerts_every_s = EVALUATION_S;
    return world;
}

/* A restart: every counter begins again at zero. */
static void restart(struct world *world, int at)
{
    for (int s = 0; s < BASE_SHARE; s++) {
        if (s == UP) {
            continue;
        }
        double base = world->value[s][at - 1];
        for (int i = at; i < world->samples; i++) {
            world->value[s][i] -= base;
        }
    }
}

static void lose(struct world *world, int from, int to, double what)
{
    for (size_t s = 0; s < world->series_count; s++) {
        for (int i = from; i < to; i++) {
            world->value[s][i] = s == UP && what == STALE ? 0 : i == from ? what : ABSENT;
        }
    }
}

static void lose_at_random(struct world *world, struct rng *rng, double share)
{
    for (int i = 0; i < world->samples; i++) {
        if (rng_uniform(rng) < share) {
            lose(world, i, i + 1, ABSENT);
        }
    }
}

/* An instance with a long life behind it, which misses scrapes and restarts. */
static void add_instance(struct world *world)
{
    world->series_count = SERIES_MAX;
    for (int s = 0; s < SECOND; s++) {
        double *value = world->value[SHIPPED + s];
        for (int i = 0; i < world->samples; i++) {
            value[i] = 1e6 + world->value[s][i];
            value[i] -= i >= 150 ? 1e6 : 0;
        }
        value[40] = value[41] = ABSENT;
        value[110] = STALE;
        value[111] = value[112] = value[113] = ABSENT;
    }
}

/* Free expressions over the same series; no single quotes, they go into YAML. */
static const char *const expressions[] = {
    "rate(recommendation_lists_total[1m])",
    "increase(recommendation_lists_total[5m] offset 2m)",
    "delta(user_rating_sum[3m])",
    "irate(recommendation_lists_total[5m])",
    "idelta(user_rating_count[5m])",
    "resets(recommendation_lists_total[15m]) + changes(recommendation_lists_total[15m])",
    "avg_over_time(up[5m])",
    "min_over_time(user_rating_bucket[10m])",
    "max_over_time(user_rating_bucket{le!=\"5.0\"}[10m])",
    "sum_over_time(up[5m]) / count_over_time(up[5m])",
    "stddev_over_time(user_rating_sum[5m])",
    "stdvar_over_time(user_rating_sum[5m])",
    "last_over_time(user_rating_sum[5m])",
    "present_over_time(user_rating_sum[1m])",
    "sum by (le) (user_rating_bucket)",
    "avg without (le, instance) (user_rating_bucket)",
    "stddev(user_rating_bucket)",
    "stdvar by (job) (user_rating_bucket)",
    "count(user_rating_bucket{le=~\"[1-3].0\"}) + group(user_rating_bucket)",
    "min(user_rating_bucket) / max(user_rating_bucket)",
    "user_rating_bucket / on (job) group_left (instance) sum by (job) (user_rating_count)",
    "sum by (job) (user_rating_count) * on (job) group_right user_rating_bucket",
    "user_rating_bucket / ignoring (le) group_left user_rating_count",
    "user_rating_bucket > bool 500",
    "500 < user_rating_bucket",
    "user_rating_count == user_rating_bucket{le=\"5.0\"}",
    "user_rating_count == ignoring (le) user_rating_bucket{le=\"5.0\"}",
    "user_rating_bucket and on (le) (user_rating_bucket > 300)",
    "user_rating_bucket unless user_rating_bucket{le=~\"1.0|2.0\"}",
    "user_rating_count or recommendation_lists_total or vector(3)",
    "-user_rating_sum ^ 2 ^ .5",
    "2 ^ 3 ^ 2 - -1 * 4 % 3",
    "clamp(user_rating_sum, 100, 200) + clamp_min(user_rating_sum, 300)",
    "clamp_max(user_rating_sum, scalar(recommendation_lists_total))",
    "round(user_rating_sum, .5) + floor(user_rating_sum / 7) + ceil(user_rating_sum / 7)",
    "ln(user_rating_sum) + log2(user_rating_sum) + log10(user_rating_sum) + exp(up)",
    "sgn(user_rating_sum - 500) * sqrt(abs(user_rating_sum - 500))",
    "time() - timestamp(user_rating_sum)",
    "label_replace(user_rating_sum, \"kind\", \"sum\", \"\", \"\") or "
    "label_replace(user_rating_count, \"kind\", \"count\", \"\", \"\")",
    "label_replace(user_rating_bucket, \"low\", \"yes\", \"le\", \"[12].0|x\")",
    "label_replace(user_rating_bucket, \"recommender\", \"\", \"le\", \"1.*\")",
    "label_replace(user_rating_sum, \"__name__\", \"renamed\", \"nothing\", \"\")",
    "absent(user_rating_sum{job=\"recommender\",a=\"b\",le=~\"x\"})",
    "vector(time()) / 60",
    "scalar(user_rating_bucket)",
    "user_rating_sum{instance=~\"a.*\",job!~\"b|c\",nothing=\"\"}",
    "count by (recommender) ({__name__=~\"user_rating_(sum|count)\"})",
    "sum(user_rating_bucket offset 10m) by (job)",
    "1 - recommendation_lists_converted_total / recommendation_lists_total",
    "Inf + user_rating_sum",
    "user_rating_sum / 0 - user_rating_sum / 0",
};

static void write_values(struct buf *out, const struct world *world)
{
    for (size_t s = 0; s < world->series_count; s++) {
        buf_printf(out, "      - series: '%s'\n        values: '", world->series[s]);
        for (int i = 0; i < world->samples; i++) {
            double value = world->value[s][i];
            if (value == ABSENT) {
                buf_text(out, "_ ");
            } else if (value == STALE) {
                buf_text(out, "stale ");
            } else {
                buf_printf(out, "%.17g ", value);
            }
        }
        buf_text(out, "'\n");
    }
}

static void write_expected(struct buf *out, int64_t t_s, const char *expr, const char *value)
{
    buf_printf(out, "      - eval_time: %llds\n        expr: '%s'\n        exp_samples: [%s]\n",
               (long long)t_s, expr, value);
}

/* One element is where it should be, within what the order of additions may change. */
static void write_element(struct buf *out, int64_t t_s, const char *expr, double value)
{
    char text[1024];
    if (isnan(value)) {
        (void)snprintf(text, sizeof text, "count((%s) != (%s))", expr, expr);
    } else if (isinf(value)) {
        (void)snprintf(text, sizeof text, "count((%s) == %sInf)", expr, value < 0 ? "-" : "");
    } else {
        (void)snprintf(text, sizeof text, "count(abs((%s) - (%.17g)) <= %.3g)", expr, value,
                       1e-9 * (1 + fabs(value)));
    }
    write_expected(out, t_s, text, "{labels: \"{}\", value: 1}");
}

/* Everything stored under names that match, each with its value, and no more than that. */
static void write_stored(struct buf *out, struct rule_engine *engine, int64_t t_s,
                         const char *selector)
{
    struct rule_element *element = NULL;
    size_t count = 0;
    struct error error = {.code = ERR_OK};
    char expr[256], value[64];
    cr_assert_eq(rule_engine_query(engine, selector, t_s * 1000, &element, &count, &error), ERR_OK,
                 "%s: %s", selector, error.text);
    (void)snprintf(expr, sizeof expr, "count(%s)", selector);
    (void)snprintf(value, sizeof value, "{labels: \"{}\", value: %zu}", count);
    write_expected(out, t_s, expr, count > 0 ? value : "");
    for (size_t i = 0; i < count; i++) {
        write_element(out, t_s, element[i].labels, element[i].value);
    }
    rule_elements_free(element, count);
}

/* ALERTS and ALERTS_FOR_STATE hold whole numbers, which need no tolerance. */
static void write_alerts(struct buf *out, struct rule_engine *engine, int64_t t_s)
{
    struct rule_element *element = NULL;
    size_t count = 0;
    struct buf list;
    buf_init(&list, TEXT_MAX);
    buf_text(&list, "");
    cr_assert_eq(
        rule_engine_query(engine, "{__name__=~\"ALERTS.*\"}", t_s * 1000, &element, &count, NULL),
        ERR_OK);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&list, "%s{labels: '%s', value: %.17g}", i > 0 ? ", " : "", element[i].labels,
                   element[i].value);
    }
    write_expected(out, t_s, "{__name__=~\"ALERTS.*\"}", count > 0 ? list.data : "");
    buf_deinit(&list);
    rule_elements_free(element, count);
}

/* The free expressions as recording rules. */
static void write_expressions(const char *path)
{
    struct buf out;
    struct error error = {.code = ERR_OK};
    buf_init(&out, TEXT_MAX);
    buf_text(&out, "groups:\n  - name: expressions\n    interval: 30s\n    rules:\n");
    for (size_t i = 0; i < sizeof expressions / sizeof expressions[0]; i++) {
        buf_printf(&out, "      - record: expr:%02zu\n        expr: '%s'\n", i, expressions[i]);
    }
    cr_assert_eq(file_write(path, out.data, out.len, &error), ERR_OK, "%s", error.text);
    buf_deinit(&out);
}

#define RULES(name) "prometheus/rules/" name ".yml"
#define PATHS 5

static void absolute(char *out, size_t size, const char *folder, const char *path)
{
    (void)snprintf(out, size, "%s%s%s", *path == '/' ? "" : folder, *path == '/' ? "" : "/", path);
}

static void write_head(struct buf *out, const char *const *path)
{
    char here[512], text[1024];
    cr_assert_not_null(getcwd(here, sizeof here));
    buf_text(out, "rule_files:\n");
    for (size_t i = 0; i < PATHS; i++) {
        absolute(text, sizeof text, here, path[i]);
        buf_printf(out, "  - %s\n", text);
    }
    buf_printf(out, "evaluation_interval: %ds\n", EVALUATION_S);
    buf_text(out,
             "group_eval_order: [objectives, drift, cusum, infrastructure, expressions]\ntests:\n");
}

/* Feeds what was scraped by t_s and evaluates. */
static void step(struct rule_engine *engine, const struct world *world, const int *id, int64_t t_s,
                 int *fed)
{
    for (; *fed < world->samples && (int64_t)*fed * world->step_s <= t_s; ++*fed) {
        for (size_t s = 0; s < world->series_count; s++) {
            double value = world->value[s][*fed];
            int64_t t_ms = (int64_t)*fed * world->step_s * 1000;
            if (value == STALE) {
                rule_engine_stale(engine, id[s], t_ms);
            } else if (value != ABSENT) {
                rule_engine_sample(engine, id[s], t_ms, value);
            }
        }
    }
    rule_engine_evaluate(engine, t_s * 1000);
}

static void write_world(struct buf *out, struct rule_engine *engine, const struct world *world)
{
    int id[SERIES_MAX], fed = 0;
    rule_engine_reset(engine);
    for (size_t s = 0; s < world->series_count; s++) {
        id[s] = rule_engine_series(engine, world->series[s], NULL);
        cr_assert_geq(id[s], 0);
    }
    buf_printf(out, "  - name: %s\n    interval: %ds\n    input_series:\n", world->name,
               world->step_s);
    write_values(out, world);
    buf_text(out, "    promql_expr_test:\n");
    for (int64_t t_s = 0; t_s <= world->end_s; t_s += EVALUATION_S) {
        step(engine, world, id, t_s, &fed);
        if (t_s % world->check_every_s == 0 || t_s == world->end_s) {
            write_stored(out, engine, t_s,
                         "{__name__=~\"(job|job_.+|instance|objective|cusum|expr):.+\"}");
        }
        if (t_s % world->alerts_every_s == 0) {
            write_alerts(out, engine, t_s);
        }
    }
}

static struct world *make_world(int number)
{
    struct rng rng = rng_stream(7, (uint64_t)number, 0);
    static const struct {
        const char *name;
        int step_s, samples;
        double bad;
        int from, to;
    } rows[WORLDS] = {
        {"falls and recovers", 15, 330, .5, 90, 190},
        {"restarts", 15, 200, .4, 110, 200},
        {"scrapes missed", 15, 220, .6, 100, 180},
        {"target gone and back", 15, 240, .5, 80, 240},
        {"off the grid", 7, 330, .6, 150, 270},
        {"late", 15, 160, 0, 0, 0},
        {"two instances", 15, 220, .5, 80, 170},
        {"hours", 120, 200, .3, 30, 60},
    };
    struct world *world = new_world(rows[number].name, rows[number].step_s, rows[number].samples);
    fill(world, &rng, rows[number].bad, rows[number].from, rows[number].to);
    if (number == 1) {
        restart(world, 70);
        restart(world, 71);
        restart(world, 150);
    } else if (number == 2) {
        lose_at_random(world, &rng, .2);
        lose(world, 130, 143, ABSENT);
    } else if (number == 3) {
        lose(world, 130, 165, STALE);
        restart(world, 165);
    } else if (number == 7) {
        world->check_every_s = 7200;
        world->alerts_every_s = 600;
    } else if (number == 6) {
        add_instance(world);
    } else if (number == 5) {
        for (int s = CONVERTED; s <= FIVE; s++) {
            for (int i = 0; i < 30 + 8 * s; i++) {
                world->value[s][i] = ABSENT;
            }
        }
    }
    return world;
}

static bool is_generation_3(const char *promtool, const char *log)
{
    const char *argv[] = {promtool, "test", "rules", "--help", NULL};
    struct buf text;
    (void)unlink(log);
    (void)program_run(argv, log);
    buf_init(&text, TEXT_MAX);
    (void)file_read(log, &text, NULL);
    bool is_3 = text.len > 0 && strstr(text.data, "--[no-]debug") != NULL;
    buf_deinit(&text);
    return is_3;
}

static void judge(const char *promtool, const char *test, const char *log)
{
    const char *argv[] = {promtool, "test", "rules", test, NULL};
    struct buf text;
    (void)unlink(log);
    int status = program_run(argv, log);
    buf_init(&text, TEXT_MAX);
    (void)file_read(log, &text, NULL);
    cr_expect_eq(status, 0, "%s: %.6000s", promtool, text.len > 0 ? text.data : "");
    buf_deinit(&text);
}

struct place {
    char folder[32], expressions[64], test[64], log[64];
};

static void make_place(struct place *place)
{
    (void)snprintf(place->folder, sizeof place->folder, "/tmp/rule_oracle_XXXXXX");
    cr_assert_not_null(mkdtemp(place->folder));
    (void)snprintf(place->expressions, sizeof place->expressions, "%s/expressions.yml",
                   place->folder);
    (void)snprintf(place->test, sizeof place->test, "%s/test.yml", place->folder);
    (void)snprintf(place->log, sizeof place->log, "%s/log", place->folder);
    write_expressions(place->expressions);
}

static void remove_place(const struct place *place)
{
    (void)unlink(place->expressions);
    (void)unlink(place->test);
    (void)unlink(place->log);
    (void)rmdir(place->folder);
}

/* Plays one world and has it judged; how often each alert fired is added to `episodes`. */
static void compare(struct rule_engine *engine, const char *promtool, const struct place *place,
                    const char *const *path, int number, int64_t *episodes)
{
    struct buf out;
    struct error error = {.code = ERR_OK};
    struct world *world = make_world(number);
    buf_init(&out, TEXT_MAX);
    write_head(&out, path);
    write_world(&out, engine, world);
    cr_assert_eq(file_write(place->test, out.data, out.len, &error), ERR_OK, "%s", error.text);
    buf_deinit(&out);
    judge(promtool, place->test, place->log);
    for (size_t a = 0; a < rule_engine_alert_count(engine); a++) {
        struct rule_alert alert;
        rule_engine_alert_at(engine, a, &alert);
        episodes[a] += alert.episodes;
    }
    mem_free(world);
}

static void compare_all(const char *promtool)
{
    int64_t episodes[64] = {0};
    struct place place;
    struct error error = {.code = ERR_OK};
    struct rule_engine *engine = NULL;
    make_place(&place);
    const char *const path[PATHS] = {"tests/rules/objectives_fixed.yml", RULES("drift"),
                                     RULES("cusum"), RULES("infrastructure"), place.expressions};
    cr_assert_eq(rule_engine_load(path, PATHS, &engine, &error), ERR_OK, "%s:%d: %s", error.where,
                 error.line, error.text);
    rule_engine_prometheus_2(engine, !is_generation_3(promtool, place.log));
    for (int i = 0; i < WORLDS; i++) {
        compare(engine, promtool, &place, path, i, episodes);
    }
    for (size_t a = 0; a < rule_engine_alert_count(engine); a++) {
        struct rule_alert alert;
        rule_engine_alert_at(engine, a, &alert);
        cr_expect_gt(episodes[a], 0, "%s never fired, so nothing was compared", alert.name);
    }
    rule_engine_free(engine);
    remove_place(&place);
}

Test(rule_oracle, records_and_alerts_are_those_of_promtool)
{
    compare_all("promtool");
}

/* Where a newer promtool comes first on the path, the distribution's is asked too. */
Test(rule_oracle, records_and_alerts_are_those_of_the_distributions_promtool)
{
    if (access("/usr/bin/promtool", X_OK) == 0) {
        compare_all("/usr/bin/promtool");
    } else {
        cr_skip_test("no /usr/bin/promtool");
    }
}
