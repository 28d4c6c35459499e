/*
 * A row of the matrix of pairs at a time: the places where a film stands in histories are walked,
 * and what stands around them is added up in one array over all films. That touches each pair of a
 * history within the window, a few hundred million additions for three million ratings, where
 * whole histories would be squares of thousands; and films far apart in a long history say little
 * about each other. A lane keeps its own array; the order of each sum is fixed by the order of the
 * people.
 */
#include "recommender/neighbours.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DISTANCE_MAX 256
#define AHEAD 8 /* places */

struct place {
    int32_t user;
    int64_t at; /* index in the ratings */
};

struct pair {
    float weight;
    int32_t item;
};

struct work {
    const struct neighbours_config *config;
    const struct ratings *ratings;
    float decay[DISTANCE_MAX + 1]; /* by distance - 1 */
    int64_t *place_start;          /* [items + 1] */
    struct place *places;          /* by film, then person */
    float *root;                   /* [items], 1 / sqrt(n) */
    struct lane_memory {
        float *sum;       /* [items], 0 between films */
        struct pair *top; /* [items] */
    } * lanes;
    int32_t *counts;   /* [items], neighbours kept */
    struct pair *kept; /* [items x keep] */
};

static void index_places(struct work *work)
{
    const struct ratings *ratings = work->ratings;
    size_t items = (size_t)ratings->items;
    work->place_start = mem_zalloc(items + 2, sizeof *work->place_start);
    work->places = mem_array((size_t)ratings->count + 1, sizeof *work->places);
    work->root = mem_array(items + 1, sizeof *work->root);
    for (int32_t u = 0; u < ratings->users; u += work->config->every) {
        for (int64_t i = ratings->start[u]; i < ratings->start[u + 1]; i++) {
            work->place_start[ratings->item[i] + 2]++;
        }
    }
    for (size_t i = 0; i < items; i++) {
        work->root[i] = 1 / sqrtf((float)work->place_start[i + 2] + 1e-9f);
        work->place_start[i + 2] += work->place_start[i + 1];
    }
    for (int32_t u = 0; u < ratings->users; u += work->config->every) {
        for (int64_t i = ratings->start[u]; i < ratings->start[u + 1]; i++) {
            work->places[work->place_start[ratings->item[i] + 1]++] = (struct place){u, i};
        }
    }
}

static int by_falling_weight(const void *a, const void *b)
{
    const struct pair *left = a, *right = b;
    if (left->weight != right->weight) {
        return left->weight > right->weight ? -1 : 1;
    }
    return (left->item > right->item) - (left->item < right->item);
}

/* Adds the surroundings of one place; new films go to the end of top[0 ... count - 1]. */
static int32_t add_place(const struct work *work, const struct lane_memory *lane,
                         const struct place *place, int32_t count)
{
    const struct ratings *ratings = work->ratings;
    int64_t first = ratings->start[place->user], end = ratings->start[place->user + 1];
    int64_t from = place->at - work->config->before, to = place->at + work->config->after + 1;
    from = from > first ? from : first;
    to = to < end ? to : end;
    for (int64_t i = from; i < to; i++) {
        if (i == place->at) {
            continue;
        }
        int32_t item = ratings->item[i];
        int64_t distance = i > place->at ? i - place->at : place->at - i;
        if (!(lane->sum[item] > 0)) {
            lane->top[count++].item = item;
        }
        lane->sum[item] += work->decay[distance - 1];
    }
    return count;
}

/* Keeps the `keep` largest of top by a bounded insertion; returns how many there are. */
static int32_t keep_largest(struct pair *top, int32_t count, int32_t keep)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < count; i++) {
        struct pair pair = top[i];
        if (kept == keep && by_falling_weight(&pair, &top[keep - 1]) > 0) {
            continue;
        }
        int32_t place = kept < keep ? kept++ : keep - 1;
        for (; place > 0 && by_falling_weight(&pair, &top[place - 1]) < 0; place--) {
            top[place] = top[place - 1];
        }
        top[place] = pair;
    }
    return kept;
}

/* Places of a film lie all over the ratings; what is needed soon is asked for early. */
static void fetch_place(const struct work *work, const struct place *place)
{
    __builtin_prefetch(&work->ratings->item[place->at]);
    __builtin_prefetch(&work->ratings->start[place->user]);
}

static void find_rows(void *context, int64_t first, int64_t end, unsigned lane_index)
{
    struct work *work = context;
    const struct lane_memory *lane = &work->lanes[lane_index];
    for (int64_t row = first; row < end; row++) {
        int32_t count = 0;
        int64_t end_place = work->place_start[row + 1];
        for (int64_t p = work->place_start[row]; p < end_place; p++) {
            fetch_place(work, &work->places[p + AHEAD < end_place ? p + AHEAD : p]);
            count = add_place(work, lane, &work->places[p], count);
        }
        for (int32_t i = 0; i < count; i++) {
            int32_t item = lane->top[i].item;
            lane->top[i].weight = lane->sum[item] * work->root[row] * work->root[item];
            lane->sum[item] = 0;
        }
        int32_t keep = work->config->keep;
        work->counts[row] = keep_largest(lane->top, count, keep);
        memcpy(work->kept + row * keep, lane->top, (size_t)work->counts[row] * sizeof *work->kept);
    }
}

static void collect(const struct work *work, struct neighbours *out)
{
    int32_t items = work->ratings->items, keep = work->config->keep;
    out->items = items;
    out->start = mem_zalloc((size_t)items + 1, sizeof *out->start);
    for (int32_t i = 0; i < items; i++) {
        out->start[i + 1] = out->start[i] + work->counts[i];
    }
    out->item = mem_array((size_t)out->start[items] + 1, sizeof *out->item);
    out->weight = mem_array((size_t)out->start[items] + 1, sizeof *out->weight);
    for (int32_t i = 0; i < items; i++) {
        for (int32_t k = 0; k < work->counts[i]; k++) {
            const struct pair *pair = &work->kept[(int64_t)i * keep + k];
            out->item[out->start[i] + k] = pair->item;
            out->weight[out->start[i] + k] = pair->weight;
        }
    }
}

void neighbours_train(struct neighbours *out, const struct neighbours_config *config,
                      const struct ratings *ratings, const struct parallel *parallel)
{
    struct work work = {.config = config, .ratings = ratings};
    size_t items = (size_t)ratings->items;
    float decay = 1;
    for (int d = 0; d <= DISTANCE_MAX; d++, decay *= config->decay) {
        work.decay[d] = decay;
    }
    index_places(&work);
    work.lanes = mem_zalloc(parallel->threads, sizeof *work.lanes);
    for (unsigned lane = 0; lane < parallel->threads; lane++) {
        work.lanes[lane].sum = mem_zalloc(items + 1, sizeof *work.lanes[lane].sum);
        work.lanes[lane].top = mem_array(items + 1, sizeof *work.lanes[lane].top);
    }
    work.counts = mem_zalloc(items + 1, sizeof *work.counts);
    work.kept = mem_array(items * (size_t)config->keep + 1, sizeof *work.kept);
    parallel_for(parallel, ratings->items, 0, find_rows, &work);
    collect(&work, out);
    for (unsigned lane = 0; lane < parallel->threads; lane++) {
        mem_free(work.lanes[lane].sum);
        mem_free(work.lanes[lane].top);
    }
    mem_free(work.lanes);
    mem_free(work.counts);
    mem_free(work.kept);
    mem_free(work.places);
    mem_free(work.place_start);
    mem_free(work.root);
}

void neighbours_deinit(struct neighbours *neighbours)
{
    mem_free(neighbours->start);
    mem_free(neighbours->item);
    mem_free(neighbours->weight);
}
