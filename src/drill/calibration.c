#include "drill/calibration.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

/* NaN if the target does not export it. A counter that is new began at 0. */
static double growth(const struct metrics_snapshot *before, const struct metrics_snapshot *after,
                     const char *metric)
{
    bool found_before = false, found = false;
    double from = before != NULL ? metrics_sum(before, metric, NULL, 0, &found_before) : 0;
    double to = after != NULL ? metrics_sum(after, metric, NULL, 0, &found) : 0;
    return found ? to - (found_before ? from : 0) : NAN;
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : NAN;
}

/* Both rows of a film's places are summed up: what was shown, and what came of it. */
static void measure_source(const struct ledger_places *places, int source,
                           struct objectives_source *out, bool *shown)
{
    int64_t items = 0, converted = 0;
    for (int place = 0; place < LEDGER_PLACES_MAX; place++) {
        items += places->items[source][place];
        for (int half = LEDGER_CONVERTED_HALF_STARS; half <= 10; half++) {
            converted += places->rated[source][place][half - 1];
        }
    }
    *shown = items > 0;
    out->conversion = *shown ? (double)converted / (double)items : 0;
}

/* Not if there were more sources than the ledger tells apart. */
static void measure_sources(const struct ledger *ledger, int control, struct objectives_head *head)
{
    head->source_count = 0;
    for (int s = 0; s < ledger->source_count && ledger->sources_dropped == 0; s++) {
        struct objectives_source *source = &head->source[head->source_count];
        bool shown;
        measure_source(&ledger->places[control], s, source, &shown);
        (void)text_copy(source->name, sizeof source->name, ledger->source[s]);
        head->source_count += shown;
    }
}

void calibration_measure(const struct ledger *ledger, int control,
                         const struct metrics_snapshot *before,
                         const struct metrics_snapshot *after, struct objectives_head *head)
{
    const struct ledger_counts *counts = &ledger->nominal[control];
    head->lists = counts->lists;
    head->ratings = ledger_ratings(counts);
    head->conversion = ledger_conversion(counts);
    head->reciprocal_rank = ledger_reciprocal_rank(counts);
    head->mean_rating = ledger_mean_rating(counts);
    memset(head->rating_share, 0, sizeof head->rating_share);
    for (int half = 0; half < 2 * OBJECTIVES_SHARES; half++) {
        head->rating_share[half / 2] += (double)counts->stars[half] / (double)head->ratings;
    }
    head->item_rank = ratio((double)counts->rank, (double)head->ratings);
    head->calibration_gap = ratio(growth(before, after, "user_rating_sum") -
                                      growth(before, after, "predicted_rating_sum"),
                                  growth(before, after, "predicted_rating_count"));
    head->without_history =
        ratio(growth(before, after, "recommendation_lists_without_history_total"),
              growth(before, after, "recommendation_lists_total"));
    measure_sources(ledger, control, head);
}
