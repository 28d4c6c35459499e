#include "drill/reconcile.h"

#include "base/buf.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* What a target exposes: counters of so many lists, and of these ratings. */
struct target_state {
    double lists, ratings_2xx, rated, converted, reciprocal_rank, rank;
    double stars[10]; /* by half stars - 1 */
};

static struct metrics_snapshot *expose(const struct target_state *state)
{
    struct buf text;
    struct error error = {0};
    struct metrics_snapshot *snapshot = NULL;
    double sum = 0, below = 0;
    buf_init(&text, 65536);
    struct metrics_label served[] = {{"handler", "/recommendations/"}, {"status", "2xx"}};
    struct metrics_label taken[] = {{"handler", "/ratings/"}, {"status", "2xx"}};
    struct metrics_label refused[] = {{"handler", "/ratings/"}, {"status", "4xx"}};
    metrics_sample(&text, "recommendation_lists_total", NULL, 0, state->lists);
    metrics_sample(&text, "http_requests_total", served, 2, state->lists);
    metrics_sample(&text, "http_requests_total", taken, 2, state->ratings_2xx);
    metrics_sample(&text, "http_requests_total", refused, 2, 77);
    for (int i = 0; i < 10; i++) {
        char bound[32];
        struct metrics_label le = {"le", metrics_bound_text(0.5 * (i + 1), bound, sizeof bound)};
        below += state->stars[i];
        sum += 0.5 * (i + 1) * state->stars[i];
        metrics_sample(&text, "recommendation_rating_stars_bucket", &le, 1, below);
        if (i % 2 == 1) {
            metrics_sample(&text, "user_rating_bucket", &le, 1, below);
        }
    }
    metrics_sample(&text, "user_rating_count", NULL, 0, state->rated);
    metrics_sample(&text, "user_rating_sum", NULL, 0, sum);
    metrics_sample(&text, "recommendation_lists_converted_total", NULL, 0, state->converted);
    metrics_sample(&text, "recommendation_reciprocal_rank_total", NULL, 0, state->reciprocal_rank);
    metrics_sample(&text, "item_rank_sum", NULL, 0, state->rank);
    cr_assert_eq(metrics_parse("target", text.data, text.len, &snapshot, &error), ERR_OK, "%s",
                 error.text);
    buf_deinit(&text);
    return snapshot;
}

/* 100 lists, of which 30 led to a rating: 10 of 2.0 stars and 20 of 4.5, at ranks 1 and 2. */
static struct ledger_counts ledger_of_thirty(void)
{
    return (struct ledger_counts){.lists = 100,
                                  .rated = 30,
                                  .converted = 20,
                                  .reciprocal_rank = 20,
                                  .rank = 50,
                                  .stars = {[3] = 10, [8] = 20}};
}

static struct target_state target_of_thirty(void)
{
    return (struct target_state){.lists = 100,
                                 .ratings_2xx = 30,
                                 .rated = 30,
                                 .converted = 20,
                                 .reciprocal_rank = 20,
                                 .rank = 50,
                                 .stars = {[3] = 10, [8] = 20}};
}

/* What the target had counted before the drill. */
static const struct target_state earlier = {.lists = 7,
                                            .ratings_2xx = 5,
                                            .rated = 5,
                                            .converted = 2,
                                            .reciprocal_rank = 1.5,
                                            .rank = 9,
                                            .stars = {[0] = 3, [9] = 2}};

static struct target_state later(const struct target_state *grown)
{
    struct target_state sum = earlier;
    sum.lists += grown->lists;
    sum.ratings_2xx += grown->ratings_2xx;
    sum.rated += grown->rated;
    sum.converted += grown->converted;
    sum.reciprocal_rank += grown->reciprocal_rank;
    sum.rank += grown->rank;
    for (int i = 0; i < 10; i++) {
        sum.stars[i] += grown->stars[i];
    }
    return sum;
}

static struct reconciliation compare(const struct ledger_counts *ledger,
                                     const struct target_state *grown)
{
    struct target_state end = later(grown);
    struct metrics_snapshot *before = expose(&earlier), *after = expose(&end);
    struct reconciliation result;
    reconcile(ledger, before, after, &result);
    metrics_snapshot_free(before);
    metrics_snapshot_free(after);
    return result;
}

static int rows_off(const struct reconciliation *result)
{
    int off = 0;
    for (int i = 0; i < result->count; i++) {
        off += !result->row[i].ok;
    }
    return off;
}

Test(reconcile, equal_counts_agree_whatever_was_counted_before)
{
    struct ledger_counts ledger = ledger_of_thirty();
    struct target_state target = target_of_thirty();
    struct reconciliation result = compare(&ledger, &target);
    for (int i = 0; i < result.count; i++) {
        cr_expect(result.row[i].ok, "%s: %g and %g", result.row[i].name, result.row[i].ledger,
                  result.row[i].target);
    }
    cr_expect(result.done && reconcile_agrees(&result));
    cr_expect_gt(result.count, 10);
    cr_expect_eq(result.lost, 0);
}

Test(reconcile, one_event_of_difference_is_seen_in_every_count)
{
    static const struct {
        const char *what;
        struct target_state more; /* of one side than of the other */
        int rows;
    } rows[] = {
        {"a list", {.lists = 1}, 2},
        {"an accepted rating", {.ratings_2xx = 1}, 1},
        {"a rating taken", {.rated = 1}, 1},
        {"a conversion", {.converted = 1}, 1},
        {"a tenth of a reciprocal rank", {.reciprocal_rank = 0.1}, 1},
        {"a rank", {.rank = 1}, 1},
        {"a star more", {.stars = {[3] = -1, [5] = 1}}, 4},
        {"two ratings that cancel out", {.stars = {[2] = 1, [3] = -2, [4] = 1}}, 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int sign = -1; sign <= 1; sign += 2) {
            struct ledger_counts ledger = ledger_of_thirty();
            struct target_state target = target_of_thirty();
            const struct target_state *more = &rows[i].more;
            target.lists += sign * more->lists;
            target.ratings_2xx += sign * more->ratings_2xx;
            target.rated += sign * more->rated;
            target.converted += sign * more->converted;
            target.reciprocal_rank += sign * more->reciprocal_rank;
            target.rank += sign * more->rank;
            for (int k = 0; k < 10; k++) {
                target.stars[k] += sign * more->stars[k];
            }
            struct reconciliation result = compare(&ledger, &target);
            cr_expect_not(reconcile_agrees(&result), "%s", rows[i].what);
            cr_expect_eq(rows_off(&result), rows[i].rows, "%s: %d rows", rows[i].what,
                         rows_off(&result));
        }
    }
}

Test(reconcile, requests_without_answer_may_have_been_counted_or_not)
{
    struct ledger_counts ledger = ledger_of_thirty();
    struct target_state target = target_of_thirty();
    ledger.get_unknown = 2;
    ledger.post_unknown = 1;
    struct reconciliation none = compare(&ledger, &target);
    cr_expect(reconcile_agrees(&none), "none of them was counted");
    cr_expect_eq(none.lost, 3);
    target.lists += 2;
    target.ratings_2xx++;
    target.rated++;
    target.converted++;
    target.stars[9]++;
    target.reciprocal_rank += 0.5;
    target.rank += 2;
    struct reconciliation all = compare(&ledger, &target);
    cr_expect(reconcile_agrees(&all), "all of them were");
    target.lists++;
    struct reconciliation more = compare(&ledger, &target);
    cr_expect_not(reconcile_agrees(&more), "one more than can be");
    target.lists -= 4;
    struct reconciliation less = compare(&ledger, &target);
    cr_expect_not(reconcile_agrees(&less), "an answered one was not counted");
}

Test(reconcile, a_target_that_started_again_does_not_agree)
{
    struct ledger_counts ledger = ledger_of_thirty();
    struct target_state target = target_of_thirty();
    struct metrics_snapshot *before = expose(&earlier), *after = expose(&target);
    struct reconciliation result;
    reconcile(&ledger, before, after, &result);
    cr_expect_not(reconcile_agrees(&result), "its counters lost what was there before");
    metrics_snapshot_free(before);
    metrics_snapshot_free(after);
}

Test(reconcile, a_target_without_these_metrics_does_not_agree)
{
    struct ledger_counts ledger = ledger_of_thirty(), nothing = {0};
    struct metrics_snapshot *empty = NULL;
    struct reconciliation result;
    cr_assert_eq(metrics_parse("target", "up 1\n", 5, &empty, NULL), ERR_OK);
    reconcile(&ledger, empty, empty, &result);
    cr_expect_not(reconcile_agrees(&result));
    reconcile(&nothing, empty, empty, &result);
    cr_expect(reconcile_agrees(&result), "no traffic and no counters are the same");
    metrics_snapshot_free(empty);
}

Test(reconcile, a_target_that_was_not_asked_does_not_agree)
{
    struct reconciliation result = {.done = false};
    cr_expect_not(reconcile_agrees(&result));
}
