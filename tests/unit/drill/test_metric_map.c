#include "drill/metric_map.h"

#include "base/buf.h"
#include "base/fileio.h"

#include <criterion/criterion.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

struct pair {
    const char *ours, *theirs;
};

/* Ended by a pair of NULL. */
static const char *find(const void *context, const char *ours)
{
    for (const struct pair *pair = context; pair->ours != NULL; pair++) {
        if (strcmp(pair->ours, ours) == 0) {
            return pair->theirs;
        }
    }
    return NULL;
}

static const char *find_same(const void *context, const char *ours)
{
    (void)context;
    return ours;
}

static const struct pair feed[] = {
    {"recommendation_lists_total", "feed_requests_total{kind=\"home\", code=\"200\"}"},
    {"http_requests_total", "feed_requests_total"},
    {"user_rating", "feed_stars{app=\"a.b\"}"},
    {"model_version", "model_trained_timestamp_seconds"},
    {NULL, NULL}};

static const char exposition[] = "feed_requests_total{kind=\"home\",code=\"200\"} 7\n"
                                 "feed_requests_total{kind=\"home\",code=\"500\"} 2\n"
                                 "feed_stars_count{app=\"a.b\"} 3\n"
                                 "feed_stars_count{app=\"axb\"} 5\n"
                                 "feed_stars_bucket{app=\"a.b\",le=\"1.0\"} 1\n"
                                 "user_rating_sum 99\n"
                                 "model_trained_timestamp_seconds 12\n"
                                 "process_start_time_seconds 4\n";

static struct metric_map *new_map(const struct pair *pairs)
{
    struct metric_map *map = NULL;
    struct error error = {0};
    cr_assert_eq(metric_map_new(find, pairs, &map, &error), ERR_OK, "%s", error.text);
    return map;
}

static struct metrics_snapshot *renamed(const struct metric_map *map, const char *text)
{
    struct metrics_snapshot *theirs = NULL, *ours = NULL;
    struct error error = {0};
    cr_assert_eq(metrics_parse("theirs", text, strlen(text), &theirs, &error), ERR_OK, "%s",
                 error.text);
    cr_assert_eq(metric_map_rename(map, theirs, &ours, &error), ERR_OK, "%s", error.text);
    metrics_snapshot_free(theirs);
    return ours;
}

Test(metric_map, an_exposition_is_renamed_by_name_and_labels)
{
    static const struct {
        const char *metric;
        bool found;
        double sum;
    } rows[] = {
        {"recommendation_lists_total", true, 7},
        {"http_requests_total", true, 2}, /* the first of our metrics has taken the other series */
        {"feed_requests_total", false, 0},
        {"user_rating_count", true, 3}, /* by its family */
        {"user_rating_bucket", true, 1},
        {"feed_stars_count", true, 5}, /* of another app: nobody's */
        {"user_rating_sum", false, 0}, /* one of our names, but not our metric */
        {"model_version", true, 12},   /* a name of ours may be another one's */
        {"model_trained_timestamp_seconds", false, 0} /* and is then gone */,
        {"process_start_time_seconds", true, 4},
    };
    struct metric_map *map = new_map(feed);
    struct metrics_snapshot *ours = renamed(map, exposition);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool found;
        double sum = metrics_sum(ours, rows[i].metric, NULL, 0, &found);
        cr_expect_eq(found, rows[i].found, "%s", rows[i].metric);
        cr_expect_eq(sum, rows[i].sum, "%s: %g", rows[i].metric, sum);
    }
    metrics_snapshot_free(ours);
    metric_map_free(map);
}

Test(metric_map, what_the_target_has_is_known_by_metric_and_family)
{
    static const struct {
        const char *name;
        bool has;
    } rows[] = {{"recommendation_lists_total", true},
                {"user_rating_bucket", true},
                {"user_rating", true},
                {"predicted_rating", false},
                {"recommendation_items_total", false},
                {"up", false}};
    struct metric_map *map = new_map(feed), *same = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(metric_map_has(map, rows[i].name), rows[i].has, "%s", rows[i].name);
    }
    cr_expect_not(metric_map_is_plain(map));
    cr_expect(metric_map_knows("predicted_rating") && metric_map_knows("predicted_rating_sum"));
    cr_expect(!metric_map_knows("predicted_ratings") && !metric_map_knows(""));
    cr_assert_eq(metric_map_new(find_same, NULL, &same, NULL), ERR_OK);
    cr_expect(metric_map_is_plain(same));
    cr_expect_null(metric_map_relabel(same));
    metric_map_free(same);
    metric_map_free(map);
}

/* Of a target that exports everything, the metrics that say nothing, by what it is told. */
Test(metric_map, what_nobody_tells_the_target_is_left_out)
{
    static const struct {
        const char *metric;
        bool needs_ratings, needs_lists, needs_lists_or_places;
    } rows[] = {{"recommendation_lists_total", 0, 0, 0},
                {"recommendation_lists_without_history_total", 0, 0, 0},
                {"recommendation_lists_rated_total", 1, 1, 0},
                {"recommendation_lists_converted_total", 1, 1, 0},
                {"recommendation_reciprocal_rank_total", 1, 1, 0},
                {"recommendation_rating_reciprocal_rank_total", 1, 0, 1},
                {"recommendation_items_total", 0, 0, 0},
                {"count_in_top5_total", 0, 0, 0},
                {"user_rating", 1, 0, 0},
                {"user_rating_bucket", 1, 0, 0},
                {"recommendation_rating_stars_sum", 1, 0, 0},
                {"item_rank", 1, 0, 1},
                {"predicted_rating_sum", 1, 0, 0},
                {"recommendation_ratings_late_total", 1, 1, 0},
                {"recommendation_ratings_unattributed_total", 1, 1, 0},
                {"ratings_kept_total", 1, 0, 0},
                {"ratings_since_training", 1, 0, 0},
                {"rating_store_commits_total", 1, 0, 0},
                {"recommendation_history_ratings", 1, 0, 0},
                {"training_ratings_left_out", 1, 0, 0},
                {"http_requests_total", 0, 0, 0},
                {"model_version", 0, 0, 0},
                {"retrain_failures_total", 0, 0, 0}};
    static const struct metric_map_told told[] = {{0},
                                                  {.lists = true},
                                                  {.ratings = true},
                                                  {.ratings = true, .places = true},
                                                  {.ratings = true, .lists = true}};
    for (size_t t = 0; t < sizeof told / sizeof told[0]; t++) {
        struct metric_map *map = NULL;
        cr_assert_eq(metric_map_new(find_same, NULL, &map, NULL), ERR_OK);
        metric_map_leave_out(map, &told[t]);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            bool lacks = (rows[i].needs_ratings && !told[t].ratings) ||
                         (rows[i].needs_lists && !told[t].lists) ||
                         (rows[i].needs_lists_or_places && !told[t].lists && !told[t].places);
            cr_expect_eq(metric_map_has(map, rows[i].metric), !lacks, "%zu: %s", t, rows[i].metric);
        }
        cr_expect_eq(metric_map_is_plain(map), told[t].ratings && told[t].lists, "%zu", t);
        cr_expect_null(metric_map_relabel(map), "Prometheus keeps what others tell the target");
        metric_map_free(map);
    }
}

Test(metric_map, what_is_left_out_is_in_no_exposition_of_ours)
{
    static const struct metric_map_told told = {.ratings = true};
    struct metric_map *map = NULL;
    bool found = true;
    cr_assert_eq(metric_map_new(find_same, NULL, &map, NULL), ERR_OK);
    metric_map_leave_out(map, &told);
    struct metrics_snapshot *ours =
        renamed(map, "recommendation_lists_converted_total 4\nuser_rating_count 5\n");
    (void)metrics_sum(ours, "recommendation_lists_converted_total", NULL, 0, &found);
    cr_expect_not(found);
    cr_expect_eq(metrics_sum(ours, "user_rating_count", NULL, 0, &found), 5);
    metrics_snapshot_free(ours);
    metric_map_free(map);
}

Test(metric_map, what_is_no_selector_is_refused)
{
    static const char *const rows[] = {"",
                                       "9lives",
                                       "a b",
                                       "a{",
                                       "a{b}",
                                       "a{b=}",
                                       "a{b=\"c}",
                                       "a{b=\"c\"",
                                       "a{b=\"c\"}x",
                                       "a{b=~\"c\"}",
                                       "sum(a)",
                                       "a[5m]",
                                       "a{b='c'}",
                                       "a{=\"c\"}",
                                       "a{b=\"c\" d=\"e\"}",
                                       "a{a=\"1\",b=\"1\",c=\"1\",d=\"1\",e=\"1\"}"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair pairs[] = {{"model_version", rows[i]}, {NULL, NULL}};
        struct metric_map *map = NULL;
        struct error error = {0};
        cr_expect_eq(metric_map_new(find, pairs, &map, &error), ERR_INPUT, "%s", rows[i]);
        cr_expect_not_null(strstr(error.text, "model_version: expected the name of a metric"),
                           "%s: %s", rows[i], error.text);
    }
}

/* ---- Prometheus's steps, played here ---- */

static const char *label_of(const json_t *series, const char *name)
{
    const char *value = json_string_value(json_object_get(series, name));
    return value != NULL ? value : "";
}

static bool step_fits(const json_t *step, const json_t *series)
{
    const json_t *sources = json_object_get(step, "source_labels");
    char joined[512] = "", anchored[8192];
    regex_t regex;
    for (size_t i = 0; i < json_array_size(sources); i++) {
        size_t used = strlen(joined);
        (void)snprintf(joined + used, sizeof joined - used, "%s%s", i > 0 ? ";" : "",
                       label_of(series, json_string_value(json_array_get(sources, i))));
    }
    (void)snprintf(anchored, sizeof anchored, "^(%s)$",
                   json_string_value(json_object_get(step, "regex")));
    cr_assert_eq(regcomp(&regex, anchored, REG_EXTENDED | REG_NOSUB), 0, "%s", anchored);
    bool fits = regexec(&regex, joined, 0, NULL, 0) == 0;
    regfree(&regex);
    return fits;
}

/* False if the series is dropped. Knows the actions that occur. */
static bool play_steps(const json_t *steps, json_t *series)
{
    size_t i;
    json_t *step;
    json_array_foreach(steps, i, step)
    {
        const char *action = json_string_value(json_object_get(step, "action"));
        if (action != NULL && strcmp(action, "labeldrop") == 0) {
            (void)json_object_del(series, json_string_value(json_object_get(step, "regex")));
        } else if (step_fits(step, series)) {
            const char *to = json_string_value(json_object_get(step, "replacement"));
            const json_t *sources = json_object_get(step, "source_labels");
            if (action != NULL) {
                cr_assert_str_eq(action, "drop");
                return false;
            }
            if (strcmp(to, "$1") == 0) {
                to = label_of(series, json_string_value(json_array_get(sources, 0)));
            }
            (void)json_object_set_new(
                series, json_string_value(json_object_get(step, "target_label")), json_string(to));
        }
    }
    return true;
}

Test(metric_map, prometheus_renames_as_the_drill_does)
{
    struct metric_map *map = new_map(feed);
    struct metrics_snapshot *theirs = NULL, *ours = renamed(map, exposition);
    json_t *steps = metric_map_relabel(map);
    size_t kept = 0;
    cr_assert_eq(metrics_parse("theirs", exposition, strlen(exposition), &theirs, NULL), ERR_OK);
    for (size_t i = 0; i < metrics_series_count(theirs); i++) {
        const struct metrics_label *label;
        size_t count;
        bool found = false;
        json_t *series = json_object();
        const char *metric = metrics_series_at(theirs, i, &label, &count);
        json_object_set_new(series, "__name__", json_string(metric));
        for (size_t k = 0; k < count; k++) {
            json_object_set_new(series, label[k].name, json_string(label[k].value));
        }
        if (play_steps(steps, series)) {
            kept++;
            cr_expect_eq(json_object_size(series), count + 1, "a scratch label is left");
            (void)metrics_sum(ours, label_of(series, "__name__"), label, count, &found);
            cr_expect(found, "%s is not called %s", metric, label_of(series, "__name__"));
        }
        json_decref(series);
    }
    cr_expect_eq(kept, metrics_series_count(ours));
    json_decref(steps);
    metrics_snapshot_free(theirs);
    metrics_snapshot_free(ours);
    metric_map_free(map);
}

/* Checks the names in backticks of a table's first cell; returns how many there are. */
static int check_families(const char *line)
{
    const char *end = strstr(line + 2, " |");
    int families = 0;
    for (const char *at = line + 2; end != NULL && at < end && *at == '`'; families++) {
        char name[128], part[140];
        size_t len = strcspn(at + 1, "`");
        bool known = false;
        (void)snprintf(name, sizeof name, "%.*s", (int)len, at + 1);
        static const char *const suffixes[] = {"", "_count", "_sum"};
        for (size_t i = 0; i < 3; i++) {
            (void)snprintf(part, sizeof part, "%s%s", name, suffixes[i]);
            known = known || metric_map_is_ours(part);
        }
        bool others = strncmp(name, "process_", 8) == 0 || strncmp(name, "driftdrill_", 11) == 0;
        cr_expect_eq(known, !others, "%s", name);
        at += len + 2;
        at += strspn(at, ", ");
    }
    return families;
}

Test(metric_map, knows_every_metric_that_is_documented_of_the_target_alone)
{
    struct buf text;
    int families = 0;
    char *rest = NULL;
    buf_init(&text, 1u << 20);
    cr_assert_eq(file_read("docs/METRICS.md", &text, NULL), ERR_OK);
    for (char *line = strtok_r(text.data, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        families += strncmp(line, "| `", 3) == 0 ? check_families(line) : 0;
    }
    cr_expect_gt(families, 50, "%d", families);
    buf_deinit(&text);
}
