/*
 * A small ledger, the metrics text of a target that counted the same, and edits of that text: every
 * kind of disagreement has to be found where it is, be called what it is, and nothing else found.
 */
#include "drill/reconcile.h"

#include "base/buf.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])
#define SECOND INT64_C(1000000000)
#define SERIES_MAX 128

/* ---- the target ---- */

struct series {
    char name[112];
    double value;
};

struct exposition {
    struct series series[SERIES_MAX];
    size_t count;
};

static void set(struct exposition *target, const char *name, double value)
{
    for (size_t i = 0; i < target->count; i++) {
        if (strcmp(target->series[i].name, name) == 0) {
            target->series[i].value = value;
            return;
        }
    }
    cr_assert_lt(target->count, (size_t)SERIES_MAX);
    struct series *series = &target->series[target->count++];
    (void)snprintf(series->name, sizeof series->name, "%s", name);
    series->value = value;
}

/* One rating of `stars` from this source. */
static void set_histogram(struct exposition *target, const char *family, const char *source,
                          double step, double stars)
{
    char name[112], bound[32];
    for (double le = step; le <= 5; le += step) {
        metrics_bound_text(le, bound, sizeof bound);
        (void)snprintf(name, sizeof name, "%s_bucket{le=\"%s\",recommender=\"%s\"}", family, bound,
                       source);
        set(target, name, stars <= le ? 1 : 0);
    }
    (void)snprintf(name, sizeof name, "%s_bucket{le=\"+Inf\",recommender=\"%s\"}", family, source);
    set(target, name, 1);
    (void)snprintf(name, sizeof name, "%s_count{recommender=\"%s\"}", family, source);
    set(target, name, 1);
    (void)snprintf(name, sizeof name, "%s_sum{recommender=\"%s\"}", family, source);
    set(target, name, stars);
}

/* What the target exposes that counted what ledger_of_four holds. */
static void healthy(struct exposition *target)
{
    static const struct series plain[] = {
        {"http_requests_total{handler=\"/recommendations/\",method=\"GET\",status=\"2xx\"}", 4},
        {"http_requests_total{handler=\"/recommendations/\",method=\"GET\",status=\"4xx\"}", 0},
        {"http_requests_total{handler=\"/recommendations/\",method=\"GET\",status=\"5xx\"}", 1},
        {"http_requests_total{handler=\"/ratings/\",method=\"POST\",status=\"2xx\"}", 3},
        {"http_requests_total{handler=\"/ratings/\",method=\"POST\",status=\"4xx\"}", 1},
        {"http_requests_total{handler=\"/metrics\",method=\"GET\",status=\"2xx\"}", 99},
        {"http_request_duration_seconds_count{handler=\"/recommendations/\",method=\"GET\"}", 5},
        {"http_request_duration_seconds_count{handler=\"/ratings/\",method=\"POST\"}", 4},
        {"recommendation_lists_total", 4},
        {"recommendation_lists_rated_total", 2},
        {"recommendation_lists_converted_total", 1},
        {"recommendation_reciprocal_rank_total", 1.5},
        {"recommendation_ratings_unattributed_total", 1},
        {"recommendation_ratings_late_total", 0},
        {"ratings_kept_total", 3},
        {"ratings_repeated_total", 0},
        {"recommendation_items_total{recommender=\"base\"}", 4},
        {"recommendation_items_total{recommender=\"popular\"}", 4},
        {"count_in_top5_total{recommender=\"base\"}", 4},
        {"count_in_top5_total{recommender=\"popular\"}", 4},
        {"item_rank_count{recommender=\"base\"}", 1},
        {"item_rank_count{recommender=\"popular\"}", 1},
        {"item_rank_sum{recommender=\"base\"}", 1},
        {"item_rank_sum{recommender=\"popular\"}", 2},
        {"recommendation_rating_reciprocal_rank_total{recommender=\"base\"}", 1},
        {"recommendation_rating_reciprocal_rank_total{recommender=\"popular\"}", 0.5},
        {"predicted_rating_count{recommender=\"base\"}", 1},
        {"predicted_rating_count{recommender=\"popular\"}", 1},
    };
    target->count = 0;
    for (size_t i = 0; i < COUNT(plain); i++) {
        set(target, plain[i].name, plain[i].value);
    }
    set_histogram(target, "user_rating", "base", 1, 4.5);
    set_histogram(target, "user_rating", "popular", 1, 2);
    set_histogram(target, "recommendation_rating_stars", "base", 0.5, 4.5);
    set_histogram(target, "recommendation_rating_stars", "popular", 0.5, 2);
}

static struct metrics_snapshot *parse(const struct exposition *target, double earlier)
{
    struct buf text;
    struct error error = {0};
    struct metrics_snapshot *snapshot = NULL;
    buf_init(&text, 65536);
    for (size_t i = 0; i < target->count; i++) {
        buf_printf(&text, "%s %.17g\n", target->series[i].name, target->series[i].value + earlier);
    }
    cr_assert_eq(metrics_parse("target", text.data, text.len, &snapshot, &error), ERR_OK, "%s",
                 error.text);
    buf_deinit(&text);
    return snapshot;
}

/* The same series, all with one value. */
static struct metrics_snapshot *constant(const struct exposition *target, double value)
{
    struct exposition same = *target;
    for (size_t i = 0; i < same.count; i++) {
        same.series[i].value = value;
    }
    return parse(&same, 0);
}

/* ---- the ledger ---- */

static uint8_t source_of(struct ledger *ledger, const char *name)
{
    struct scan_text text = {name, strlen(name)};
    return ledger_source(ledger, &text);
}

/* Two films of a list: the first by base, the second by popular. */
static void add_list(struct ledger *ledger, int64_t at_ns)
{
    struct ledger_counts counts = {.lists = 1, .items = 2, .get_status[2] = 1};
    for (int p = 0; p < 2; p++) {
        uint8_t source = source_of(ledger, p == 0 ? "base" : "popular");
        counts.items_by[source]++;
        ledger_places_at(ledger, at_ns)->items[source][p]++;
    }
    ledger_note(ledger, at_ns, at_ns, &counts);
}

static void add_rating(struct ledger *ledger, int64_t at_ns, int rank, uint8_t half_stars)
{
    struct ledger_counts counts = {.post_status[2] = 1, .post_requests[2] = 1};
    uint8_t source = source_of(ledger, rank == 1 ? "base" : "popular");
    ledger_count_rating(&counts, rank, half_stars);
    counts.rated_by[source]++;
    ledger_places_at(ledger, at_ns)->rated[source][rank - 1][half_stars - 1]++;
    ledger_note(ledger, at_ns, at_ns, &counts);
}

static void add_counts(struct ledger *ledger, const struct ledger_counts *counts)
{
    ledger_note(ledger, SECOND, SECOND, counts);
}

/* Four lists, two of them rated (4.5 stars at the first place, 2.0 at the second), a rating of
 * something else, a list and a rating that were refused. */
static struct ledger *ledger_of_four(void)
{
    struct ledger *ledger = ledger_new(10 * SECOND, NULL, 0);
    for (int i = 0; i < 4; i++) {
        add_list(ledger, i * SECOND);
    }
    add_rating(ledger, 2 * SECOND, 1, 9);
    add_rating(ledger, 3 * SECOND, 2, 4);
    add_counts(ledger, &(struct ledger_counts){
                           .unattributed = 1, .post_status[2] = 1, .post_requests[2] = 1});
    add_counts(ledger, &(struct ledger_counts){.get_failed = 1, .get_status[5] = 1});
    add_counts(ledger, &(struct ledger_counts){
                           .post_failed = 1, .post_status[4] = 1, .post_requests[4] = 1});
    return ledger;
}

/* ---- comparing ---- */

/* Rows that are not ok, as "name: kind" a line. */
static void findings(const struct reconciliation *result, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < result->count; i++) {
        const struct reconcile_row *row = &result->row[i];
        if (!row->ok && used < size) {
            int len = snprintf(out + used, size - used, "%s: %s\n", row->name,
                               reconcile_kind_text(row->kind));
            used += len > 0 ? (size_t)len : 0;
        }
    }
}

static const struct reconcile_row *row_named(const struct reconciliation *result, const char *name)
{
    for (int i = 0; i < result->count; i++) {
        if (strcmp(result->row[i].name, name) == 0) {
            return &result->row[i];
        }
    }
    cr_assert_fail("no row %s", name);
    return NULL;
}

static void compare(const struct ledger *ledger, const struct exposition *target,
                    struct reconciliation *out)
{
    struct metrics_snapshot *before = constant(target, 0), *after = parse(target, 0);
    reconcile(ledger, before, after, out);
    metrics_snapshot_free(before);
    metrics_snapshot_free(after);
}

static void expect_findings(const struct reconciliation *result, const char *expected,
                            const char *what)
{
    char text[4096];
    findings(result, text, sizeof text);
    cr_expect_str_eq(text, expected, "%s found:\n%s", what, text);
}

Test(reconcile, equal_counts_agree_whatever_was_counted_before)
{
    struct ledger *ledger = ledger_of_four();
    struct exposition target;
    struct reconciliation result;
    healthy(&target);
    struct metrics_snapshot *before = constant(&target, 1000), *after = parse(&target, 1000);
    reconcile(ledger, before, after, &result);
    expect_findings(&result, "", "a healthy target");
    cr_expect(result.done && reconcile_agrees(&result));
    cr_expect_eq(result.lost, 0);
    for (int i = 0; i < result.count; i++) {
        cr_expect_eq(result.row[i].kind, RECONCILE_EQUAL, "%s", result.row[i].name);
    }
    cr_expect_gt(result.count, 120, "%d rows", result.count);
    cr_expect_eq(row_named(&result, "http_requests_total{handler=\"/ratings/\",method=\"POST\","
                                    "status=\"2xx\"}")
                     ->target,
                 3);
    metrics_snapshot_free(before);
    metrics_snapshot_free(after);
    ledger_free(ledger);
}

#define RATING_BUCKET(le, source) "user_rating_bucket{le=\"" le "\",recommender=\"" source "\"}"
#define STARS_BUCKET(le, source)                                                                   \
    "recommendation_rating_stars_bucket{le=\"" le "\",recommender=\"" source "\"}"

/* What is edited of a target that agrees, and all that must be found. */
static const struct {
    const char *what;
    struct series edit[4];
    const char *findings;
} disagreements[] = {
    {"a lost list", {{"recommendation_lists_total", 3}}, "recommendation_lists_total: lost\n"},
    {"a list counted twice",
     {{"recommendation_lists_total", 5}},
     "recommendation_lists_total: double counted\n"},
    {"a lost conversion",
     {{"recommendation_lists_converted_total", 0}},
     "recommendation_lists_converted_total: lost\n"},
    {"a tenth of a reciprocal rank",
     {{"recommendation_reciprocal_rank_total", 1.6}},
     "recommendation_reciprocal_rank_total: double counted\n"},
    {"an unattributed rating too few",
     {{"recommendation_ratings_unattributed_total", 0}},
     "recommendation_ratings_unattributed_total: lost\n"},
    {"a rating called late",
     {{"recommendation_ratings_late_total", 1}},
     "recommendation_ratings_late_total: double counted\n"},
    {"a film under the wrong source",
     {{"recommendation_items_total{recommender=\"base\"}", 3},
      {"recommendation_items_total{recommender=\"popular\"}", 5}},
     "recommendation_items_total{recommender=\"base\"}: wrong label\n"
     "recommendation_items_total{recommender=\"popular\"}: wrong label\n"},
    {"films under a source that no list named",
     {{"count_in_top5_total{recommender=\"base\"}", 1},
      {"count_in_top5_total{recommender=\"mystery\"}", 3}},
     "count_in_top5_total{recommender=\"base\"}: wrong label\n"
     "count_in_top5_total{recommender=\"any other\"}: wrong label\n"},
    {"a film lost of one source",
     {{"count_in_top5_total{recommender=\"base\"}", 3}},
     "count_in_top5_total: lost\n"
     "count_in_top5_total{recommender=\"base\"}: lost\n"},
    {"a rating in the wrong bucket",
     {{RATING_BUCKET("2.0", "popular"), 0}},
     "user_rating_bucket{le=\"2.0\"} above 1.0: wrong bucket\n"
     "user_rating_bucket{le=\"2.0\",recommender=\"popular\"} above 1.0: wrong bucket\n"
     "user_rating_bucket{le=\"3.0\"} above 2.0: wrong bucket\n"
     "user_rating_bucket{le=\"3.0\",recommender=\"popular\"} above 2.0: wrong bucket\n"},
    {"ratings with their sources swapped",
     {{"user_rating_sum{recommender=\"base\"}", 2},
      {"user_rating_sum{recommender=\"popular\"}", 4.5}},
     "user_rating_sum{recommender=\"base\"}: wrong label\n"
     "user_rating_sum{recommender=\"popular\"}: wrong label\n"},
    {"a rating of other stars",
     {{"user_rating_sum{recommender=\"base\"}", 4}},
     "user_rating_sum: wrong bucket\n"
     "user_rating_sum{recommender=\"base\"}: wrong bucket\n"},
    {"half a star off, seen by the exact histogram alone",
     {{STARS_BUCKET("4.5", "base"), 0}},
     "recommendation_rating_stars_bucket{le=\"4.5\"} above 4.0: wrong bucket\n"
     "recommendation_rating_stars_bucket{le=\"4.5\",recommender=\"base\"} above 4.0: wrong "
     "bucket\n"
     "recommendation_rating_stars_bucket{le=\"5.0\"} above 4.5: wrong bucket\n"
     "recommendation_rating_stars_bucket{le=\"5.0\",recommender=\"base\"} above 4.5: wrong "
     "bucket\n"},
    {"a bucket beyond five stars",
     {{RATING_BUCKET("5.0", "base"), 0}},
     "user_rating_bucket{le=\"5.0\"} above 4.0: wrong bucket\n"
     "user_rating_bucket{le=\"5.0\",recommender=\"base\"} above 4.0: wrong bucket\n"
     "user_rating_bucket{le=\"+Inf\"} above 5.0: wrong bucket\n"
     "user_rating_bucket{le=\"+Inf\",recommender=\"base\"} above 5.0: wrong bucket\n"},
    {"a rank too far down",
     {{"item_rank_sum{recommender=\"base\"}", 2}},
     "item_rank_sum: wrong bucket\n"
     "item_rank_sum{recommender=\"base\"}: wrong bucket\n"},
    {"an error answered as a refusal",
     {{"http_requests_total{handler=\"/recommendations/\",method=\"GET\",status=\"4xx\"}", 1},
      {"http_requests_total{handler=\"/recommendations/\",method=\"GET\",status=\"5xx\"}", 0}},
     "http_requests_total{handler=\"/recommendations/\",method=\"GET\",status=\"4xx\"}: wrong "
     "label\n"
     "http_requests_total{handler=\"/recommendations/\",method=\"GET\",status=\"5xx\"}: wrong "
     "label\n"},
    {"a request lost",
     {{"http_requests_total{handler=\"/ratings/\",method=\"POST\",status=\"2xx\"}", 2}},
     "http_requests_total{handler=\"/ratings/\",method=\"POST\"}: lost\n"
     "http_requests_total{handler=\"/ratings/\",method=\"POST\",status=\"2xx\"}: lost\n"},
    {"a second try", {{"ratings_repeated_total", 1}}, "ratings_repeated_total: double counted\n"},
};

Test(reconcile, every_disagreement_is_named_and_nothing_else)
{
    struct ledger *ledger = ledger_of_four();
    for (size_t i = 0; i < COUNT(disagreements); i++) {
        struct exposition target;
        struct reconciliation result;
        healthy(&target);
        for (size_t e = 0;
             e < COUNT(disagreements[i].edit) && disagreements[i].edit[e].name[0] != '\0'; e++) {
            set(&target, disagreements[i].edit[e].name, disagreements[i].edit[e].value);
        }
        compare(ledger, &target, &result);
        expect_findings(&result, disagreements[i].findings, disagreements[i].what);
        cr_expect_not(reconcile_agrees(&result), "%s", disagreements[i].what);
    }
    ledger_free(ledger);
}

/* Removes the series whose names begin with `family`. */
static void hide(struct exposition *target, const char *family)
{
    size_t kept = 0;
    for (size_t i = 0; i < target->count; i++) {
        if (strncmp(target->series[i].name, family, strlen(family)) != 0) {
            target->series[kept++] = target->series[i];
        }
    }
    target->count = kept;
}

Test(reconcile, a_family_that_is_not_exported_is_told_from_one_that_is_wrong)
{
    static const struct {
        const char *family, *row;
        bool agrees;
    } rows[] = {
        {"recommendation_lists_total", "recommendation_lists_total", false},
        {"user_rating_sum", "user_rating_sum", false},
        {"recommendation_items_total", "recommendation_items_total", true},
        {"predicted_rating", "predicted_rating_count", true},
        {"count_in_top5_total", "count_in_top5_total", true},
        {"ratings_kept_total", "ratings_kept_total", true},
    };
    struct ledger *ledger = ledger_of_four();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct exposition target;
        struct reconciliation result;
        healthy(&target);
        hide(&target, rows[i].family);
        compare(ledger, &target, &result);
        cr_expect_eq(row_named(&result, rows[i].row)->kind, RECONCILE_ABSENT, "%s", rows[i].row);
        cr_expect_eq(reconcile_agrees(&result), rows[i].agrees, "%s", rows[i].row);
    }
    ledger_free(ledger);
}

Test(reconcile, a_target_without_any_of_this_agrees_only_if_nothing_happened)
{
    struct ledger *ledger = ledger_of_four(), *nothing = ledger_new(0, NULL, 0);
    struct metrics_snapshot *empty = NULL;
    struct reconciliation result;
    cr_assert_eq(metrics_parse("target", "up 1\n", 5, &empty, NULL), ERR_OK);
    reconcile(ledger, empty, empty, &result);
    cr_expect_not(reconcile_agrees(&result));
    reconcile(nothing, empty, empty, &result);
    cr_expect(reconcile_agrees(&result), "no traffic and no counters are the same");
    metrics_snapshot_free(empty);
    ledger_free(ledger);
    ledger_free(nothing);
}

Test(reconcile, unanswered_requests_explain_that_much_and_no_more)
{
    static const struct {
        const char *what, *series;
        double value;
        enum reconcile_kind kind;
        bool ok;
    } rows[] = {
        {"not counted", "recommendation_lists_total", 4, RECONCILE_EQUAL, true},
        {"counted", "recommendation_lists_total", 5, RECONCILE_EXPLAINED, true},
        {"one too many", "recommendation_lists_total", 6, RECONCILE_BEYOND, false},
        {"one too few", "recommendation_lists_total", 3, RECONCILE_LOST, false},
        {"its two films", "recommendation_items_total{recommender=\"base\"}", 6,
         RECONCILE_EXPLAINED, true},
        {"three films", "recommendation_items_total{recommender=\"base\"}", 7, RECONCILE_BEYOND,
         false},
        {"a rating of five stars", "user_rating_sum{recommender=\"popular\"}", 7,
         RECONCILE_EXPLAINED, true},
        {"a rating of six", "user_rating_sum{recommender=\"popular\"}", 8, RECONCILE_BUCKET, false},
        {"a rating at the last place", "item_rank_sum{recommender=\"base\"}", 3,
         RECONCILE_EXPLAINED, true},
        {"nobody repeats", "ratings_repeated_total", 1, RECONCILE_DOUBLE, false},
    };
    struct ledger *ledger = ledger_of_four();
    add_counts(ledger, &(struct ledger_counts){.get_unknown = 1, .get_status[0] = 1});
    add_counts(ledger, &(struct ledger_counts){
                           .post_unknown = 1, .post_status[0] = 1, .post_requests[0] = 1});
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct exposition target;
        struct reconciliation result;
        healthy(&target);
        set(&target, rows[i].series, rows[i].value);
        compare(ledger, &target, &result);
        const struct reconcile_row *row = row_named(&result, rows[i].series);
        cr_expect_eq(result.lost, 2);
        cr_expect_eq(row->ok, rows[i].ok, "%s", rows[i].what);
        cr_expect_eq(row->kind, rows[i].kind, "%s: %s", rows[i].what,
                     reconcile_kind_text(row->kind));
    }
    ledger_free(ledger);
}

Test(reconcile, an_unreadable_list_may_have_been_counted)
{
    struct ledger *ledger = ledger_of_four();
    struct exposition target;
    struct reconciliation result;
    add_counts(ledger, &(struct ledger_counts){.get_failed = 1, .get_status[2] = 1});
    healthy(&target);
    set(&target, "http_requests_total{handler=\"/recommendations/\",method=\"GET\",status=\"2xx\"}",
        5);
    set(&target,
        "http_request_duration_seconds_count{handler=\"/recommendations/\",method=\"GET\"}", 6);
    compare(ledger, &target, &result);
    expect_findings(&result, "", "a list not counted");
    set(&target, "recommendation_lists_total", 5);
    compare(ledger, &target, &result);
    expect_findings(&result, "", "a list counted");
    ledger_free(ledger);
}

Test(reconcile, a_counter_that_fell_is_called_a_reset)
{
    struct ledger *ledger = ledger_of_four();
    struct exposition target;
    struct reconciliation result;
    healthy(&target);
    struct metrics_snapshot *before = parse(&target, 1000), *after = parse(&target, 0);
    reconcile(ledger, before, after, &result);
    cr_expect_not(reconcile_agrees(&result));
    cr_expect_eq(row_named(&result, "recommendation_lists_total")->kind, RECONCILE_RESET);
    metrics_snapshot_free(before);
    metrics_snapshot_free(after);
    ledger_free(ledger);
}

/* ---- several lives ---- */

/* Shares the growth of a healthy target between two lives: `first` in the first one. */
static void split(const struct exposition *whole, double first, struct exposition *one,
                  struct exposition *two)
{
    *one = *two = *whole;
    for (size_t i = 0; i < whole->count; i++) {
        one->series[i].value = whole->series[i].value * first;
        two->series[i].value = whole->series[i].value * (1 - first);
    }
}

Test(reconcile, lives_add_up)
{
    struct ledger *ledger = ledger_of_four();
    struct exposition target, one, two;
    struct reconciliation result;
    healthy(&target);
    split(&target, 0.25, &one, &two);
    struct reconcile_life lives[2] = {{.before = constant(&target, 0), .ended_ns = 6 * SECOND}};
    lives[0].after = parse(&one, 0);
    lives[1].after = parse(&two, 0);
    reconcile_lives(ledger, NULL, lives, 2, &result);
    expect_findings(&result, "", "two lives");
    struct reconcile_life last = lives[1];
    reconcile_lives(ledger, NULL, &last, 1, &result);
    cr_expect_eq(row_named(&result, "recommendation_lists_total")->kind, RECONCILE_LOST);
    metrics_snapshot_free((struct metrics_snapshot *)lives[0].before);
    metrics_snapshot_free((struct metrics_snapshot *)lives[0].after);
    metrics_snapshot_free((struct metrics_snapshot *)lives[1].after);
    ledger_free(ledger);
}

/* The first life ended with the list and the rating at 3 s; its counts were written afterwards. */
Test(reconcile, a_restart_hides_no_count)
{
    static const struct {
        const char *series;
        double value;
        enum reconcile_kind kind;
    } rows[] = {
        {"recommendation_lists_total", 3, RECONCILE_LOST},
        {"recommendation_lists_total", 5, RECONCILE_DOUBLE},
        {"recommendation_lists_rated_total", 1, RECONCILE_LOST},
        {"ratings_kept_total", 2, RECONCILE_LOST},
        {"recommendation_items_total{recommender=\"popular\"}", 3, RECONCILE_LOST},
        {"user_rating_count{recommender=\"popular\"}", 0, RECONCILE_LOST},
        {"http_requests_total{handler=\"/recommendations/\",method=\"GET\",status=\"2xx\"}", 3,
         RECONCILE_LOST},
    };
    static const struct events events = {.complete = true};
    struct ledger *ledger = ledger_of_four();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct exposition target;
        struct reconciliation result;
        healthy(&target);
        set(&target, rows[i].series, rows[i].value);
        struct metrics_snapshot *none = constant(&target, 0), *all = parse(&target, 0);
        struct reconcile_life lives[2] = {{.after = all, .ended_ns = 3 * SECOND}, {.after = none}};
        reconcile_lives(ledger, &events, lives, 2, &result);
        cr_expect_eq(row_named(&result, rows[i].series)->kind, rows[i].kind, "%s %g: %s",
                     rows[i].series, rows[i].value,
                     reconcile_kind_text(row_named(&result, rows[i].series)->kind));
        metrics_snapshot_free(none);
        metrics_snapshot_free(all);
    }
    ledger_free(ledger);
}

Test(reconcile, a_list_from_an_earlier_life_may_be_forgotten_when_it_is_rated)
{
    struct event parted[] = {
        {.listed_ns = SECOND, .rated_ns = 6 * SECOND, .post_accepted = true},
        {.listed_ns = SECOND, .rated_ns = 2 * SECOND, .post_accepted = true},
        {.listed_ns = 6 * SECOND, .rated_ns = 7 * SECOND, .post_accepted = true},
        {.listed_ns = SECOND},
    };
    struct events events = {.count = COUNT(parted), .event = parted, .complete = true};
    struct ledger *ledger = ledger_of_four();
    struct exposition target;
    struct reconciliation result;
    healthy(&target);
    set(&target, "recommendation_lists_rated_total", 1);
    set(&target, "recommendation_ratings_unattributed_total", 2);
    struct metrics_snapshot *none = constant(&target, 0), *all = parse(&target, 0);
    struct reconcile_life lives[2] = {{.after = none, .ended_ns = 5 * SECOND}, {.after = all}};
    reconcile_lives(ledger, &events, lives, 2, &result);
    cr_expect(row_named(&result, "recommendation_lists_rated_total")->ok, "one list was forgotten");
    cr_expect(row_named(&result, "recommendation_ratings_unattributed_total")->ok);
    parted[0].rated_ns = 3 * SECOND;
    reconcile_lives(ledger, &events, lives, 2, &result);
    cr_expect_not(row_named(&result, "recommendation_lists_rated_total")->ok, "none could be");
    cr_expect_not(row_named(&result, "recommendation_ratings_unattributed_total")->ok);
    /* Without events, the target's own account of the later lives is believed. */
    reconcile_lives(ledger, NULL, lives, 2, &result);
    cr_expect(row_named(&result, "recommendation_lists_rated_total")->ok);
    metrics_snapshot_free(none);
    metrics_snapshot_free(all);
    ledger_free(ledger);
}

Test(reconcile, eight_sources_fit)
{
    struct ledger *ledger = ledger_new(SECOND, NULL, 0);
    struct exposition target;
    struct reconciliation result;
    for (int s = 0; s < LEDGER_SOURCES_MAX; s++) {
        char name[16];
        (void)snprintf(name, sizeof name, "s%d", s);
        cr_expect_eq(source_of(ledger, name), s);
    }
    healthy(&target);
    compare(ledger, &target, &result);
    cr_expect_leq(result.count, RECONCILE_ROWS_MAX);
    cr_expect_gt(result.count, 250);
    /* A ninth makes the ledger's account by source incomplete: only sums are compared. */
    cr_expect_eq(source_of(ledger, "one too many"), LEDGER_UNNAMED);
    compare(ledger, &target, &result);
    cr_expect_lt(result.count, 60);
    ledger_free(ledger);
}

Test(reconcile, a_target_that_was_not_asked_does_not_agree)
{
    static const struct reconciliation result = {.done = false};
    cr_expect_not(reconcile_agrees(&result));
}

/* ---- a target of another shape, its counts already in our names ---- */

static const char *find_in(const void *names, const char *ours)
{
    const char *at = strstr(names, ours);
    size_t len = strlen(ours);
    bool whole =
        at != NULL && (at == names || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0');
    return whole ? ours : NULL;
}

#define FEED "recommendation_lists_total user_rating count_in_top5_total http_requests_total"

/* Answers are counted without sources, ratings by whole stars but for 3; an API of its own. */
static const struct series feed[] = {
    {"recommendation_lists_total", 4},
    {"user_rating_count", 3}, /* one of them of a film that nobody showed */
    {"user_rating_sum", 9},
    {"user_rating_bucket{le=\"1.0\"}", 0},
    {"user_rating_bucket{le=\"2.0\"}", 1},
    {"user_rating_bucket{le=\"4.0\"}", 2},
    {"user_rating_bucket{le=\"5.0\"}", 3},
    {"user_rating_bucket{le=\"+Inf\"}", 3},
    {"count_in_top5_total{recommender=\"base\"}", 4},
    {"count_in_top5_total{recommender=\"popular\"}", 4},
    {"http_requests_total{handler=\"/feed\",method=\"GET\"}", 99},
};

Test(reconcile, a_foreign_target_is_compared_in_what_it_promises)
{
    static const struct {
        const char *what, *has;
        struct series edit[2];
        const char *findings;
        int rows;
    } rows[] = {
        {"a feed", FEED, {{"", 0}}, "", 11},
        {"a promise that is not kept",
         FEED " recommendation_lists_converted_total",
         {{"", 0}},
         "recommendation_lists_converted_total: not exported\n",
         12},
        {"a lost list",
         FEED,
         {{"recommendation_lists_total", 3}},
         "recommendation_lists_total: lost\n",
         11},
        {"a rating too many", /* than one that may be counted or not */
         FEED,
         {{"user_rating_count", 4}},
         "user_rating_count: beyond what unanswered requests explain\n",
         11},
        {"a wrong source",
         FEED,
         {{"count_in_top5_total{recommender=\"base\"}", 3},
          {"count_in_top5_total{recommender=\"popular\"}", 5}},
         "count_in_top5_total{recommender=\"base\"}: wrong label\n"
         "count_in_top5_total{recommender=\"popular\"}: wrong label\n",
         11},
        {"lists alone", "recommendation_lists_total", {{"", 0}}, "", 1},
    };
    struct ledger *ledger = ledger_of_four();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct exposition target = {0};
        struct metric_map *map = NULL;
        struct reconciliation result;
        for (size_t k = 0; k < COUNT(feed); k++) {
            set(&target, feed[k].name, feed[k].value);
        }
        for (size_t k = 0; k < 2 && rows[i].edit[k].name[0] != '\0'; k++) {
            set(&target, rows[i].edit[k].name, rows[i].edit[k].value);
        }
        struct metrics_snapshot *before = constant(&target, 7), *after = parse(&target, 7);
        struct reconcile_life life = {.before = before, .after = after};
        cr_assert_eq(metric_map_new(find_in, rows[i].has, &map, NULL), ERR_OK);
        reconcile_foreign(ledger, NULL, &life, 1, map, &result);
        expect_findings(&result, rows[i].findings, rows[i].what);
        cr_expect_eq(result.count, rows[i].rows, "%s: %d rows", rows[i].what, result.count);
        metric_map_free(map);
        metrics_snapshot_free(before);
        metrics_snapshot_free(after);
    }
    ledger_free(ledger);
}
