#include "drill/reconcile.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

struct side { /* both scrapes of the target */
    const struct metrics_snapshot *before, *after;
};

static double grown(const struct side *side, const char *metric, const struct metrics_label *labels,
                    size_t label_count)
{
    bool found_before, found_after;
    double before = metrics_sum(side->before, metric, labels, label_count, &found_before);
    double after = metrics_sum(side->after, metric, labels, label_count, &found_after);
    return (found_after ? after : 0) - (found_before ? before : 0);
}

/* Sums of fractions are compared to a millionth of an event. */
static void add(struct reconciliation *out, const char *name, double ledger, double target,
                double slack)
{
    assert(out->count < RECONCILE_ROWS_MAX);
    struct reconcile_row *row = &out->row[out->count++];
    double tolerance = 1e-6 * (1 + fabs(ledger));
    snprintf(row->name, sizeof row->name, "%s", name);
    row->ledger = ledger;
    row->target = target;
    row->slack = slack;
    row->ok = target >= ledger - tolerance && target <= ledger + slack + tolerance;
}

static double requests(const struct side *side, const char *handler, const char *status)
{
    struct metrics_label labels[] = {{"handler", handler}, {"status", status}};
    return grown(side, "http_requests_total", labels, 2);
}

/* Ratings by half stars; the target's histogram is cumulative, so neighbours are subtracted. The
 * article's own histogram has whole stars, compared as it stands. */
static void add_stars(struct reconciliation *out, const struct side *side,
                      const struct ledger_counts *ledger)
{
    double below = 0;
    for (int i = 0; i < 10; i++) {
        char name[96], bound[32];
        struct metrics_label label = {"le", bound};
        metrics_bound_text(0.5 * (i + 1), bound, sizeof bound);
        double up_to = grown(side, "recommendation_rating_stars_bucket", &label, 1);
        snprintf(name, sizeof name, "ratings of %s stars", bound);
        add(out, name, (double)ledger->stars[i], up_to - below, (double)ledger->post_unknown);
        below = up_to;
    }
    double ratings = 0;
    for (int i = 0; i < 10; i++) {
        char name[96], bound[32];
        struct metrics_label label = {"le", bound};
        ratings += (double)ledger->stars[i];
        if (i % 2 == 1) {
            metrics_bound_text(0.5 * (i + 1), bound, sizeof bound);
            snprintf(name, sizeof name, "ratings of at most %s stars", bound);
            add(out, name, ratings, grown(side, "user_rating_bucket", &label, 1),
                (double)ledger->post_unknown);
        }
    }
}

static double star_sum(const struct ledger_counts *ledger)
{
    double sum = 0;
    for (int i = 0; i < 10; i++) {
        sum += 0.5 * (i + 1) * (double)ledger->stars[i];
    }
    return sum;
}

void reconcile(const struct ledger_counts *ledger, const struct metrics_snapshot *before,
               const struct metrics_snapshot *after, struct reconciliation *out)
{
    struct side side = {before, after};
    double lists_lost = (double)ledger->get_unknown, ratings_lost = (double)ledger->post_unknown;
    *out =
        (struct reconciliation){.done = true, .lost = ledger->get_unknown + ledger->post_unknown};
    add(out, "lists served", (double)ledger->lists,
        grown(&side, "recommendation_lists_total", NULL, 0), lists_lost);
    add(out, "list requests answered 2xx", (double)ledger->lists,
        requests(&side, "/recommendations/", "2xx"), lists_lost);
    add(out, "ratings answered 2xx", (double)ledger_ratings(ledger),
        requests(&side, "/ratings/", "2xx"), ratings_lost);
    add(out, "ratings taken", (double)ledger_ratings(ledger),
        grown(&side, "user_rating_count", NULL, 0), ratings_lost);
    add(out, "sum of stars", star_sum(ledger), grown(&side, "user_rating_sum", NULL, 0),
        5 * ratings_lost);
    add_stars(out, &side, ledger);
    add(out, "lists converted", (double)ledger->converted,
        grown(&side, "recommendation_lists_converted_total", NULL, 0), ratings_lost);
    add(out, "sum of reciprocal ranks", ledger->reciprocal_rank,
        grown(&side, "recommendation_reciprocal_rank_total", NULL, 0), ratings_lost);
    add(out, "sum of ranks", ledger->rank, grown(&side, "item_rank_sum", NULL, 0),
        64 * ratings_lost);
}

bool reconcile_agrees(const struct reconciliation *reconciliation)
{
    if (!reconciliation->done) {
        return false;
    }
    for (int i = 0; i < reconciliation->count; i++) {
        if (!reconciliation->row[i].ok) {
            return false;
        }
    }
    return true;
}
