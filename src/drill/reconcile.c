/*
 * A family is read once for each label the ledger knows, and once in all. Comparing only the whole
 * would miss counts under the wrong label; comparing only the parts could not tell a wrong label
 * from a lost count. So every measure (a counter, a bucket, a sum) has a row for the whole, one for
 * each source and one for whatever other sources the target shows, in this order, and a part that
 * disagrees is explained by the whole and by how many events the part should hold.
 *
 * Buckets are compared each for itself, not cumulated: one rating in a wrong bucket then is two
 * rows and not ten.
 */
#include "drill/reconcile.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TOP_PLACES 5
#define LABELS_MAX 4
#define NO_ROW (-1)

struct unsure { /* events of one kind, in all: counted by the target or not, nobody knows */
    double lists, ratings;
};

struct table {
    struct reconciliation *out;
    const struct ledger *ledger;
    const struct reconcile_life *life;
    size_t life_count;
    const struct metric_map *map; /* NULL: the bundled interface, whose every metric is known */
    struct ledger_counts total;
    struct ledger_places *places;
    int sources;            /* told apart; 0 if the ledger could not */
    double list_length;     /* of the longest list */
    struct unsure answered; /* had no answer: the target may hold them on top */
    double orphans;         /* rated in another life than listed: perhaps not attributed */
};

struct selection { /* one or more series of a metric */
    const char *metric;
    struct metrics_label label[LABELS_MAX];
    size_t labels;
};

struct growth {
    double value;
    bool found, reset;
};

/* ---- reading ---- */

static struct growth grown(const struct table *table, const struct selection *series)
{
    struct growth sum = {0};
    for (size_t i = 0; i < table->life_count; i++) {
        const struct reconcile_life *life = &table->life[i];
        bool before_found = false, after_found;
        double before = life->before == NULL
                            ? 0
                            : metrics_sum(life->before, series->metric, series->label,
                                          series->labels, &before_found);
        double after =
            metrics_sum(life->after, series->metric, series->label, series->labels, &after_found);
        double growth = (after_found ? after : 0) - (before_found ? before : 0);
        sum.value += growth;
        sum.found = sum.found || after_found;
        sum.reset = sum.reset || growth < 0;
    }
    return sum;
}

static struct selection with(struct selection series, const char *label, const char *value)
{
    assert(series.labels < LABELS_MAX);
    series.label[series.labels++] = (struct metrics_label){label, value};
    return series;
}

static void write_name(const struct selection *series, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i <= series->labels && used < size; i++) {
        int len = i == 0 ? snprintf(out, size, "%s", series->metric)
                         : snprintf(out + used, size - used, "%s%s=\"%s\"%s", i == 1 ? "{" : ",",
                                    series->label[i - 1].name, series->label[i - 1].value,
                                    i == series->labels ? "}" : "");
        used += len > 0 ? (size_t)len : 0;
    }
}

/* ---- rows ---- */

struct wanted { /* what a row is to hold */
    double ledger, slack, missing;
};

/* Sums of fractions are compared to a millionth of an event. */
static void judge_row(struct reconcile_row *row)
{
    double tolerance = 1e-6 * (1 + fabs(row->ledger)), off = row->target - row->ledger;
    row->ok = off >= -row->missing - tolerance && off <= row->slack + tolerance;
    if (fabs(off) <= tolerance) {
        row->kind = RECONCILE_EQUAL;
    } else if (row->ok) {
        row->kind = RECONCILE_EXPLAINED;
    } else if (off < 0) {
        row->kind = RECONCILE_LOST;
    } else {
        row->kind = row->slack > 0 ? RECONCILE_BEYOND : RECONCILE_DOUBLE;
    }
}

static struct reconcile_row *new_row(struct table *table, const struct wanted *wanted,
                                     const struct growth *growth)
{
    assert(table->out->count < RECONCILE_ROWS_MAX);
    struct reconcile_row *row = &table->out->row[table->out->count++];
    *row = (struct reconcile_row){.ledger = wanted->ledger,
                                  .target = growth->value,
                                  .slack = wanted->slack,
                                  .missing = wanted->missing};
    judge_row(row);
    if (growth->reset) {
        row->kind = RECONCILE_RESET;
        row->ok = false;
    }
    return row;
}

/* Is it nothing that this target promises: another metric, or labels of its own? */
static bool is_foreign(const struct table *table, const struct selection *series,
                       const struct growth *growth)
{
    return table->map != NULL &&
           (!metric_map_has(table->map, series->metric) || (series->labels > 0 && !growth->found));
}

/* False if the target does not know the metric, which then has one row that says so, or none. */
static bool add(struct table *table, const struct selection *series, const struct wanted *wanted,
                bool required)
{
    struct growth growth = grown(table, series);
    if (is_foreign(table, series, &growth)) {
        return false;
    }
    required = required || table->map != NULL;
    struct reconcile_row *row = new_row(table, wanted, &growth);
    write_name(series, row->name, sizeof row->name);
    if (!growth.found) {
        row->kind = RECONCILE_ABSENT;
        row->ok = row->ok || !required;
    }
    return growth.found;
}

/* Explains the parts that follow row `whole` up to the last one. */
static void explain(struct table *table, int whole, int whole_count)
{
    struct reconcile_row *rows = table->out->row;
    for (int i = whole; i < table->out->count; i++) {
        enum reconcile_kind kind = rows[i].kind;
        bool fixed = rows[i].ok || kind == RECONCILE_RESET || kind == RECONCILE_ABSENT;
        if (!fixed && i > whole && rows[whole].ok) {
            rows[i].kind = RECONCILE_LABEL;
        } else if (!fixed && whole_count != NO_ROW && rows[whole_count + i - whole].ok) {
            rows[i].kind = RECONCILE_BUCKET;
        }
    }
}

struct measure { /* one number of every source */
    struct selection series;
    const char *below; /* bound of the bucket before, whose count is taken off; NULL = none */
    double value[LEDGER_SOURCE_ROWS];
    double slack, missing;
    bool required;
};

/* A bucket is named with the one below it that is taken off. */
static void name_bucket(const struct measure *measure, const struct selection *at,
                        struct reconcile_row *row)
{
    write_name(at, row->name, sizeof row->name);
    size_t used = strlen(row->name);
    if (measure->below != NULL) {
        (void)snprintf(row->name + used, sizeof row->name - used, " above %s", measure->below);
    }
}

static void add_part(struct table *table, const struct measure *measure, const char *source,
                     double ledger)
{
    struct selection at = with(measure->series, "recommender", source);
    struct growth growth = grown(table, &at);
    if (measure->below != NULL) {
        struct selection below = at;
        below.label[0].value = measure->below;
        struct growth less = grown(table, &below);
        growth.value -= less.value;
    }
    struct wanted wanted = {ledger, measure->slack, measure->missing};
    name_bucket(measure, &at, new_row(table, &wanted, &growth));
}

/* What the target counts under names the lists never gave: the whole less the named parts. */
static void add_others(struct table *table, const struct measure *measure, int whole)
{
    const struct reconcile_row *rows = table->out->row;
    struct growth rest = {.value = rows[whole].target, .found = true};
    for (int i = whole + 1; i < table->out->count; i++) {
        rest.value -= rows[i].target;
    }
    struct wanted wanted = {measure->value[LEDGER_UNNAMED], measure->slack, measure->missing};
    struct selection at = with(measure->series, "recommender", "any other");
    name_bucket(measure, &at, new_row(table, &wanted, &rest));
}

/* Does the target tell sources apart in this measure? The bundled one must. */
static bool has_parts(const struct table *table, const struct measure *measure)
{
    bool found = table->map == NULL;
    for (int s = 0; s < table->sources && !found; s++) {
        struct selection at = with(measure->series, "recommender", table->ledger->source[s]);
        found = grown(table, &at).found;
    }
    return found && table->sources > 0;
}

/* A bucket is counted by two bounds; of a foreign histogram one may be missing. */
static bool has_bounds(const struct table *table, const struct measure *measure)
{
    struct selection below = measure->series;
    if (measure->below == NULL || table->map == NULL) {
        return true;
    }
    below.label[0].value = measure->below;
    return grown(table, &below).found;
}

/* Adds the rows of a measure; returns that of the whole. `count_row` is the whole of how many
 * events the measure is about, or NO_ROW. */
static int add_measure(struct table *table, const struct measure *measure, int count_row)
{
    int whole = table->out->count;
    double sum = 0;
    for (int s = 0; s < LEDGER_SOURCE_ROWS; s++) {
        sum += measure->value[s];
    }
    struct wanted wanted = {sum, measure->slack, measure->missing};
    bool found =
        has_bounds(table, measure) && add(table, &measure->series, &wanted, measure->required);
    bool parts = found && has_parts(table, measure);
    if (measure->below != NULL && found) {
        struct selection below = measure->series;
        below.label[0].value = measure->below;
        struct reconcile_row *row = &table->out->row[whole];
        row->target -= grown(table, &below).value;
        name_bucket(measure, &measure->series, row);
        if (row->kind != RECONCILE_RESET) {
            judge_row(row);
        }
    }
    for (int s = 0; parts && s < table->sources; s++) {
        add_part(table, measure, table->ledger->source[s], measure->value[s]);
    }
    if (parts) {
        add_others(table, measure, whole);
    }
    explain(table, whole, count_row);
    return table->map == NULL ? whole : NO_ROW;
}

/* ---- what the ledger knows of each source ---- */

static double items_of(const struct ledger_places *places, int source, int first_places)
{
    double sum = 0;
    for (int p = 0; p < first_places; p++) {
        sum += (double)places->items[source][p];
    }
    return sum;
}

/* Ratings from first_value to last_value (half stars), each weighted by its place. */
static double rated_of(const struct ledger_places *places, int source, int first_value,
                       int last_value, double (*weight)(int rank, int half_stars))
{
    double sum = 0;
    for (int p = 0; p < LEDGER_PLACES_MAX; p++) {
        for (int v = first_value; v <= last_value; v++) {
            sum += (double)places->rated[source][p][v - 1] * weight(p + 1, v);
        }
    }
    return sum;
}

static double once(int rank, int half_stars)
{
    (void)rank;
    (void)half_stars;
    return 1;
}

static double stars(int rank, int half_stars)
{
    (void)rank;
    return 0.5 * half_stars;
}

static double rank_of(int rank, int half_stars)
{
    (void)half_stars;
    return rank;
}

static double reciprocal(int rank, int half_stars)
{
    (void)half_stars;
    return 1.0 / rank;
}

/* A measure of ratings; `most` is the most that one rating adds to it. */
static struct measure of_ratings(const struct table *table, const char *metric, int first_value,
                                 int last_value, double (*weight)(int, int), double most)
{
    struct measure measure = {.series = {.metric = metric},
                              .slack = most * table->answered.ratings,
                              .missing = most * table->orphans};
    for (int s = 0; s < LEDGER_SOURCE_ROWS; s++) {
        measure.value[s] = rated_of(table->places, s, first_value, last_value, weight);
    }
    return measure;
}

/* ---- families ---- */

static void add_items(struct table *table, const char *metric, int first_places)
{
    double most = fmin(table->list_length, first_places);
    struct measure measure = {.series = {.metric = metric}, .slack = most * table->answered.lists};
    for (int s = 0; s < LEDGER_SOURCE_ROWS; s++) {
        measure.value[s] = items_of(table->places, s, first_places);
    }
    add_measure(table, &measure, NO_ROW);
}

struct histogram { /* of stars */
    const char *count, *sum, *bucket;
    int step; /* half stars a bucket */
};

static void add_buckets(struct table *table, const struct histogram *histogram, int count_row)
{
    char bound[2][32];
    const char *below = NULL;
    for (int last = histogram->step; last <= 10 + histogram->step; last += histogram->step) {
        char *text = bound[last / histogram->step % 2];
        metrics_bound_text(last <= 10 ? 0.5 * last : INFINITY, text, sizeof bound[0]);
        struct measure measure =
            last <= 10
                ? of_ratings(table, histogram->bucket, last - histogram->step + 1, last, once, 1)
                : of_ratings(table, histogram->bucket, 1, 0, once, 0); /* none above 5 */
        measure.series = with(measure.series, "le", text);
        measure.below = below;
        measure.required = true;
        add_measure(table, &measure, count_row);
        below = text;
    }
}

static void add_histogram(struct table *table, const struct histogram *histogram)
{
    struct measure count = of_ratings(table, histogram->count, 1, 10, once, 1);
    struct measure sum = of_ratings(table, histogram->sum, 1, 10, stars, 5);
    count.required = sum.required = true;
    int count_row = add_measure(table, &count, NO_ROW);
    add_measure(table, &sum, count_row);
    add_buckets(table, histogram, count_row);
}

static void add_ratings(struct table *table)
{
    static const struct histogram article = {"user_rating_count", "user_rating_sum",
                                             "user_rating_bucket", 2};
    static const struct histogram exact = {"recommendation_rating_stars_count",
                                           "recommendation_rating_stars_sum",
                                           "recommendation_rating_stars_bucket", 1};
    add_histogram(table, &article);
    add_histogram(table, &exact);
    struct measure ranked = of_ratings(table, "item_rank_count", 1, 10, once, 1);
    struct measure ranks = of_ratings(table, "item_rank_sum", 1, 10, rank_of, table->list_length);
    struct measure reciprocals =
        of_ratings(table, "recommendation_rating_reciprocal_rank_total", 1, 10, reciprocal, 1);
    struct measure predicted = of_ratings(table, "predicted_rating_count", 1, 10, once, 1);
    ranks.required = true;
    int count_row = add_measure(table, &ranked, NO_ROW);
    add_measure(table, &ranks, count_row);
    add_measure(table, &reciprocals, count_row);
    add_measure(table, &predicted, NO_ROW);
}

struct endpoint {
    const char *handler, *method;
    const int64_t *by_class; /* the ledger's */
    double slack;
};

static void add_endpoint(struct table *table, const struct endpoint *endpoint)
{
    static const char *const classes[LEDGER_STATUS_CLASSES] = {NULL,  "1xx", "2xx",
                                                               "3xx", "4xx", "5xx"};
    struct selection all = {.metric = "http_requests_total"};
    all = with(with(all, "handler", endpoint->handler), "method", endpoint->method);
    struct wanted wanted = {0, endpoint->slack, 0};
    for (int c = 1; c < LEDGER_STATUS_CLASSES; c++) {
        wanted.ledger += (double)endpoint->by_class[c];
    }
    struct selection timed = all;
    timed.metric = "http_request_duration_seconds_count";
    (void)add(table, &timed, &wanted, false);
    int whole = table->out->count;
    bool found = add(table, &all, &wanted, true);
    for (int c = 2; found && c < LEDGER_STATUS_CLASSES; c++) {
        struct selection at = with(all, "status", classes[c]);
        struct growth growth = grown(table, &at);
        struct wanted of_class = {(double)endpoint->by_class[c], endpoint->slack, 0};
        struct reconcile_row *row = new_row(table, &of_class, &growth);
        write_name(&at, row->name, sizeof row->name);
    }
    explain(table, whole, NO_ROW);
}

static void add_requests(struct table *table)
{
    struct endpoint lists = {"/recommendations/", "GET", table->total.get_status,
                             (double)table->total.get_unknown};
    struct endpoint ratings = {"/ratings/", "POST", table->total.post_requests,
                               (double)table->total.post_requests[0]};
    add_endpoint(table, &lists);
    add_endpoint(table, &ratings);
}

static void add_plain(struct table *table)
{
    const struct ledger_counts *total = &table->total;
    double lists = table->answered.lists, ratings = table->answered.ratings;
    double orphans = table->orphans;
    const struct {
        const char *metric;
        struct wanted wanted;
        bool required;
    } rows[] = {
        {"recommendation_lists_total", {(double)total->lists, lists, 0}, true},
        {"recommendation_lists_rated_total", {(double)total->rated, ratings, orphans}, false},
        {"recommendation_lists_converted_total",
         {(double)total->converted, ratings, orphans},
         true},
        {"recommendation_reciprocal_rank_total", {total->reciprocal_rank, ratings, orphans}, true},
        {"recommendation_ratings_unattributed_total",
         {(double)total->unattributed, ratings + orphans, 0},
         false},
        {"recommendation_ratings_late_total", {0, orphans, 0}, false},
        {"ratings_kept_total", {(double)(total->rated + total->unattributed), ratings, 0}, false},
        {"ratings_repeated_total", {0, 0, 0}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct selection series = {.metric = rows[i].metric};
        (void)add(table, &series, &rows[i].wanted, rows[i].required);
    }
}

/* ---- what nobody can tell ---- */

/* Answers with a good status that could not be read are no answers: the target may have counted. */
static void find_unanswered(struct table *table)
{
    const struct ledger_counts *total = &table->total;
    int64_t unread_lists = total->get_status[2] - total->lists;
    int64_t unread_ratings = total->post_status[2] - total->rated - total->unattributed;
    table->answered.lists = (double)(total->get_unknown + (unread_lists > 0 ? unread_lists : 0));
    table->answered.ratings =
        (double)(total->post_unknown + (unread_ratings > 0 ? unread_ratings : 0));
    /* Who does not tell such ratings apart may count them among the others. */
    if (table->map != NULL &&
        !metric_map_has(table->map, "recommendation_ratings_unattributed_total")) {
        table->answered.ratings += (double)total->unattributed;
    }
}

/* Without events, what the target says it could not attribute since its first life. */
static double guess_orphans(const struct table *table)
{
    static const struct selection late = {.metric = "recommendation_ratings_late_total"};
    static const struct selection alone = {.metric = "recommendation_ratings_unattributed_total"};
    struct table later = *table;
    later.life++;
    later.life_count--;
    double unattributed = grown(&later, &alone).value - (double)table->total.unattributed;
    return grown(&later, &late).value + fmax(0, unattributed);
}

static void find_orphans(struct table *table, const struct events *events)
{
    if (table->life_count < 2) {
        return;
    }
    if (events == NULL || !events->complete) {
        table->orphans = guess_orphans(table);
        return;
    }
    for (int64_t e = 0; e < events->count; e++) {
        const struct event *event = &events->event[e];
        bool parted = false;
        for (size_t i = 0; i + 1 < table->life_count && event->post_accepted; i++) {
            int64_t end_ns = table->life[i].ended_ns;
            parted = parted || (event->listed_ns < end_ns && event->rated_ns >= end_ns);
        }
        table->orphans += parted;
    }
}

static double longest_list(const struct ledger_places *places)
{
    int longest = 0;
    for (int s = 0; s < LEDGER_SOURCE_ROWS; s++) {
        for (int p = longest; p < LEDGER_PLACES_MAX; p++) {
            longest = places->items[s][p] > 0 ? p + 1 : longest;
        }
    }
    return longest;
}

void reconcile_lives(const struct ledger *ledger, const struct events *events,
                     const struct reconcile_life *life, size_t life_count,
                     struct reconciliation *out)
{
    reconcile_foreign(ledger, events, life, life_count, NULL, out);
}

void reconcile_foreign(const struct ledger *ledger, const struct events *events,
                       const struct reconcile_life *life, size_t life_count,
                       const struct metric_map *map, struct reconciliation *out)
{
    struct ledger_places *places = mem_zalloc(1, sizeof *places);
    struct table table = {.out = out,
                          .ledger = ledger,
                          .life = life,
                          .life_count = life_count,
                          .map = map,
                          .total = ledger_total(ledger),
                          .places = places,
                          .sources = ledger->sources_dropped == 0 ? ledger->source_count : 0};
    memset(out, 0, sizeof *out);
    out->done = true;
    out->lost = table.total.get_unknown + table.total.post_unknown;
    ledger_places_total(ledger, places);
    /* Nobody was shown a list, yet one may have been sent. */
    double longest = longest_list(places);
    table.list_length = longest > 0 ? longest : LEDGER_PLACES_MAX;
    find_unanswered(&table);
    find_orphans(&table, events);
    add_plain(&table);
    add_requests(&table);
    add_items(&table, "recommendation_items_total", LEDGER_PLACES_MAX);
    add_items(&table, "count_in_top5_total", TOP_PLACES);
    add_ratings(&table);
    mem_free(places);
}

void reconcile(const struct ledger *ledger, const struct metrics_snapshot *before,
               const struct metrics_snapshot *after, struct reconciliation *out)
{
    struct reconcile_life life = {.before = before, .after = after};
    reconcile_lives(ledger, NULL, &life, 1, out);
}
