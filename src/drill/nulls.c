#include "drill/nulls.h"

#include "base/mem.h"
#include "base/text.h"
#include "load/arrivals.h"
#include "load/ledger.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

double nulls_upper_bound(int64_t hits, int64_t trials, double confidence)
{
    if (hits >= trials) {
        return 1;
    }
    return gsl_cdf_beta_Pinv(confidence, (double)hits + 1, (double)(trials - hits));
}

void nulls_add_cluster(struct nulls_clusters *clusters, int64_t count, double sum,
                       double sum_of_squares)
{
    double n = (double)count;
    if (count <= 0) {
        return;
    }
    clusters->clusters++;
    clusters->values += n;
    clusters->squared_sizes += n * n;
    clusters->total += sum;
    clusters->between += sum * sum / n;
    clusters->within += fmax(0, sum_of_squares - sum * sum / n);
}

double nulls_icc(const struct nulls_clusters *clusters)
{
    double k = clusters->clusters, n = clusters->values;
    if (k < 2 || n <= k) {
        return NAN;
    }
    double between = (clusters->between - clusters->total * clusters->total / n) / (k - 1);
    double within = clusters->within / (n - k);
    double size = (n - clusters->squared_sizes / n) / (k - 1);
    return (between - within) / (between + (size - 1) * within);
}

double nulls_design_effect(const struct nulls_clusters *clusters)
{
    double size = clusters->squared_sizes / clusters->values;
    /* A correlation below 0 is noise around none; clusters do not make a sample better. */
    return 1 + (size - 1) * fmax(0, nulls_icc(clusters));
}

double nulls_effective_size(const struct nulls_clusters *clusters)
{
    return clusters->values / nulls_design_effect(clusters);
}

/* ---- events ---- */

struct item {
    uint64_t key;
    double value;
};

static int by_key(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->key != y->key) {
        return x->key < y->key ? -1 : 1;
    }
    return (x->value > y->value) - (x->value < y->value);
}

/* False if the event has no such value. */
static bool value_of(const struct event *event, enum nulls_value value, double *out)
{
    bool rated = event->post_accepted && event->half_stars > 0;
    *out = value == NULLS_STARS ? 0.5 * event->half_stars
                                : rated && event->half_stars >= LEDGER_CONVERTED_HALF_STARS;
    return event->kind == ARRIVALS_PERSON && (rated || value == NULLS_CONVERSION);
}

bool nulls_add_events(struct nulls_clusters *clusters, const struct events *events,
                      enum nulls_value value, enum nulls_by by)
{
    if (!events->complete) {
        return false;
    }
    struct item *items = mem_array((size_t)events->count + 1, sizeof *items);
    int64_t count = 0;
    for (int64_t i = 0; i < events->count; i++) {
        const struct event *event = &events->event[i];
        if (value_of(event, value, &items[count].value)) {
            items[count++].key = by == NULLS_BY_PERSON ? (uint64_t)event->person : event->visit;
        }
    }
    qsort(items, (size_t)count, sizeof *items, by_key);
    for (int64_t first = 0, end; first < count; first = end) {
        double sum = 0, squares = 0;
        for (end = first; end < count && items[end].key == items[first].key; end++) {
            sum += items[end].value;
            squares += items[end].value * items[end].value;
        }
        nulls_add_cluster(clusters, end - first, sum, squares);
    }
    mem_free(items);
    return true;
}

/* ---- alarms ---- */

static struct nulls_tally *tally_of(struct nulls_tallies *tallies, const struct rules_alert *rule)
{
    for (size_t i = 0; i < tallies->count; i++) {
        if (strcmp(tallies->tally[i].alert, rule->name) == 0) {
            return &tallies->tally[i];
        }
    }
    tallies->tally = mem_resize(tallies->tally, tallies->count + 1, sizeof *tallies->tally);
    struct nulls_tally *tally = &tallies->tally[tallies->count++];
    *tally = (struct nulls_tally){0};
    text_copy(tally->alert, sizeof tally->alert, rule->name);
    text_copy(tally->group, sizeof tally->group, rule->group);
    return tally;
}

int nulls_count_alarms(struct nulls_tallies *tallies, const struct evidence *evidence)
{
    int fired = 0;
    for (size_t a = 0; a < evidence->alert_count; a++) {
        const struct evidence_alert *alert = &evidence->alert[a];
        bool firing = false, pending = false;
        if (strcmp(alert->rule->severity, "none") == 0) {
            continue;
        }
        for (size_t e = 0; e < alert->count; e++) {
            const struct evidence_episode *episode = &alert->episode[e];
            /* Until the people come the target is being started, and is away. */
            if (!(episode->resolved_s < 0)) {
                pending = true;
                firing = firing || !isnan(episode->firing_s);
            }
        }
        struct nulls_tally *tally = tally_of(tallies, alert->rule);
        tally->drills += firing;
        tally->pending_drills += pending;
        fired += firing;
    }
    return fired;
}

void nulls_tallies_deinit(struct nulls_tallies *tallies)
{
    mem_free(tallies->tally);
    *tallies = (struct nulls_tallies){0};
}
