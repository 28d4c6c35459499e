#include "observe/lint_series.h"

#include "lint_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(lint_series, each_series_is_known_for_what_makes_it)
{
    static const struct {
        const char *metric;
        enum lint_origin origin;
    } rows[] = {
        {"recommendation_lists_total", LINT_EXPOSED},
        {"user_rating_bucket", LINT_EXPOSED},
        {"user_rating", LINT_NOWHERE},    /* the family, not a series */
        {"retrains_total", LINT_EXPOSED}, /* no series yet */
        {"job:rated:ratio15m", LINT_RECORDED},
        {"job:rated:ratio5m", LINT_NOWHERE},
        {"up", LINT_SYNTHETIC},
        {"ALERTS", LINT_SYNTHETIC},
        {"scrape_duration_seconds", LINT_SYNTHETIC},
        {"driftdrill:heartbeat", LINT_SYNTHETIC},
        {"recommendation_list_total", LINT_NOWHERE},
        {"prometheus_tsdb_head_series", LINT_UNJUDGED},
        {"driftdrill_steps_total", LINT_UNJUDGED},
    };
    struct lint_world world;
    lint_world_init(&world, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(lint_series_origin(world.series, rows[i].metric), rows[i].origin, "%s",
                     rows[i].metric);
    }
    lint_world_deinit(&world);
}

Test(lint_series, without_an_exposition_only_what_rules_record_can_be_missed)
{
    struct lint_series *series = lint_series_new();
    lint_series_settle(series);
    cr_expect_eq(lint_series_origin(series, "anything_total"), LINT_UNJUDGED);
    cr_expect_eq(lint_series_origin(series, "job:anything:rate5m"), LINT_NOWHERE);
    lint_series_free(series);
}

static void print_shape(const struct lint_series *series, const char *expr, char *out, size_t size)
{
    static const char *const labels[] = {"cause", "instance",    "job",  "le",
                                         "new",   "recommender", "stars"};
    struct lint_node *node = NULL;
    struct lint_shape shape;
    struct error error = {.code = ERR_OK};
    cr_assert_eq(lint_expr_parse(expr, lint_series_words(series), &node, &error), ERR_OK, "%s: %s",
                 expr, error.text);
    lint_shape_of(series, node, &shape);
    *out = '\0';
    if (shape.any) {
        (void)snprintf(out, size, "any");
    }
    for (size_t i = 0; !shape.any && i < sizeof labels / sizeof labels[0]; i++) {
        if (lint_shape_has(&shape, labels[i])) {
            size_t len = strlen(out);
            (void)snprintf(out + len, size - len, "%s%s", len > 0 ? " " : "", labels[i]);
        }
    }
    lint_shape_deinit(&shape);
    lint_node_free(node);
}

Test(lint_series, the_labels_of_a_result_follow_from_its_parts)
{
    static const struct {
        const char *expr, *labels;
    } rows[] = {
        {"recommendation_lists_total", "instance job"},
        {"user_rating_bucket", "instance job le recommender"},
        {"sum(user_rating_bucket)", ""},
        {"sum by (job, stars) (user_rating_bucket)", "job"},
        {"sum without (instance) (user_rating_bucket)", "job le recommender"},
        {"topk by (job) (3, user_rating_count)", "instance job recommender"},
        {"histogram_quantile(0.9, rate(user_rating_bucket[5m]))", "instance job recommender"},
        {"label_replace(up, \"new\", \"$1\", \"job\", \"(.*)\")", "instance job new"},
        {"count_values(\"new\", up)", "new"},
        {"vector(1)", ""},
        {"time() - model_version", "instance job"},
        {"scalar(model_version) * user_rating_count", "instance job recommender"},
        {"user_rating_count / on (job) recommendation_lists_total", "job"},
        {"user_rating_count / ignoring (recommender) recommendation_lists_total", "instance job"},
        {"model_version / on (job) group_right () user_rating_count", "instance job recommender"},
        {"model_version / on (job) group_left (recommender) user_rating_count",
         "instance job recommender"},
        {"model_version and user_rating_count", "instance job"},
        {"model_version or user_rating_count", "instance job recommender"},
        {"absent(model_version)", "any"},
        {"retrains_total", "any"},
        {"sum by (cause) (retrains_total)", "cause"},
        {"{job=\"a\"}", "any"},
        {"max_over_time(rate(user_rating_count[5m])[1h:])", "instance job recommender"},
        {"-user_rating_count", "instance job recommender"},
        {"job:rated:ratio15m", "job"},
        {"job:nobody:knows", "any"},
        {"objective:rated:min", ""},
    };
    struct lint_world world;
    lint_world_init(&world, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char labels[200];
        print_shape(world.series, rows[i].expr, labels, sizeof labels);
        cr_expect_str_eq(labels, rows[i].labels, "%s: %s", rows[i].expr, labels);
    }
    lint_world_deinit(&world);
}

static void add_rule(struct lint_series *series, const char *record, const char *expr)
{
    json_t *rule =
        json_pack("{s:s, s:s, s:{s:s}}", "record", record, "expr", expr, "labels", "stars", "5");
    lint_series_add_rule(series, rule);
    json_decref(rule);
}

Test(lint_series, rules_that_read_each_other_and_themselves_have_their_labels)
{
    struct lint_world world;
    char labels[200];
    lint_world_init(&world, NULL);
    add_rule(world.series, "a:a:a", "sum by (job, stars) (b:b:b) or a:a:a");
    add_rule(world.series, "b:b:b", "a:a:a or sum by (recommender, job) (user_rating_count)");
    add_rule(world.series, "c:c:c", "not an expression");
    lint_series_settle(world.series);
    print_shape(world.series, "a:a:a", labels, sizeof labels);
    cr_expect_str_eq(labels, "job stars");
    print_shape(world.series, "b:b:b", labels, sizeof labels);
    cr_expect_str_eq(labels, "job recommender stars");
    print_shape(world.series, "c:c:c", labels, sizeof labels);
    cr_expect_str_eq(labels, "any");
    lint_world_deinit(&world);
}

Test(lint_series, an_objective_is_a_number_that_one_rule_records)
{
    struct lint_world world;
    double value = 0;
    lint_world_init(&world, NULL);
    cr_expect(lint_series_constant(world.series, "objective:rated:min", &value));
    cr_expect_float_eq(value, 0.25, 1e-12);
    cr_expect_not(lint_series_constant(world.series, "job:rated:ratio15m", &value));
    cr_expect_not(lint_series_constant(world.series, "nothing", &value));
    add_rule(world.series, "minus", "vector(-2)");
    cr_expect(lint_series_constant(world.series, "minus", &value));
    cr_expect_float_eq(value, -2, 1e-12);
    add_rule(world.series, "minus", "vector(-3)");
    cr_expect_not(lint_series_constant(world.series, "minus", &value));
    lint_world_deinit(&world);
}

/* What the alert A says is bad of `metric`, as "below objective", "above 5"; "" if nothing. */
static void print_limits(const struct lint_series *series, const char *metric, char *out,
                         size_t size)
{
    static const char *const sides[] = {"beside", "below", "above"};
    const struct lint_limit *limit;
    size_t count = lint_series_limits(series, &limit), len = 0;
    *out = '\0';
    for (size_t i = 0; i < count && len < size; i++) {
        if (strcmp(limit[i].alert, "A") == 0 && lint_limit_is_of(&limit[i], metric)) {
            char number[32];
            (void)snprintf(number, sizeof number, "%g", limit[i].value);
            len += (size_t)snprintf(out + len, size - len, "%s%s %s", len > 0 ? ", " : "",
                                    sides[limit[i].side],
                                    limit[i].objective != NULL ? limit[i].objective : number);
        }
    }
}

Test(lint_series, an_alert_says_which_side_of_what_is_bad)
{
    static const struct {
        const char *expr, *metric, *limits;
    } rows[] = {
        {"x < on () group_left () o", "x", "below o"},
        {"o >= on () group_right () x", "x", "below o"},
        {"x:y:up15m < o unless x:y:ratio3m >= o", "x:y:ratio15m", "below o"},
        {"x:y:up15m < o unless x:y:ratio3m >= o", "x:y:up", "below o"},
        {"x:y:up15m < o", "x:y:upper15m", ""},
        {"x > 14.4 * 0.001 + 2 ^ 2 - 1", "x", "above 3.0144"},
        {"-0.5 < x", "x", "above -0.5"},
        {"x > 0.05 and n > 100", "n", ""},
        {"x > 0.05 and y > 0.05", "y", "above 0.05"},
        {"x > 0.05 unless y > 0.05", "y", "below 0.05"},
        {"x > 2 or y < 1", "y", "below 1"},
        {"x / (n > 100) > 2", "n", ""},
        {"x == 1", "x", ""},
        {"x > bool 1", "x", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lint_world world;
        char text[200];
        lint_world_init(&world, NULL);
        json_t *alert = json_pack("{s:s, s:s}", "alert", "A", "expr", rows[i].expr);
        lint_series_add_rule(world.series, alert);
        json_decref(alert);
        print_limits(world.series, rows[i].metric, text, sizeof text);
        cr_expect_str_eq(text, rows[i].limits, "%s: %s: %s", rows[i].expr, rows[i].metric, text);
        lint_world_deinit(&world);
    }
}
